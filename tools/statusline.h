#ifndef SESSIONPB_TOOLS_STATUSLINE_H
#define SESSIONPB_TOOLS_STATUSLINE_H

/* The last line of a terminal on standard error, which is written over and over. A process has one
   terminal, so this keeps state of its own: messages erase the line before they are printed. */

/* Show `text`, of less than 80 columns of ASCII, in place of what the line shows. */
void statusline_show(const char *text);

/* Make the line empty, if it shows anything. */
void statusline_erase(void);

#endif
