/*
 * The status line. Spaces erase it, not a code that only some terminals know.
 */
#include "statusline.h"

#include <stdio.h>

static int shown_width;

void statusline_show(const char *text)
{
    int width = fprintf(stderr, "\r%s", text) - 1;

    if (width < shown_width)
        fprintf(stderr, "%*s\r%s", shown_width - width, "", text);
    fflush(stderr);
    shown_width = width;
}

void statusline_erase(void)
{
    if (shown_width > 0)
        fprintf(stderr, "\r%*s\r", shown_width, "");
    fflush(stderr);
    shown_width = 0;
}
