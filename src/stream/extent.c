/*
 * Extents of objects, by counting brackets outside of strings.
 */
#include "stream/extent.h"

#include <string.h>

/* Looks at one byte. Returns true when it closes the object. */
static bool step(struct spb_extent *extent, char c)
{
    extent->at++;
    if (c == '"') {
        extent->in_string = !extent->in_string;
    } else if (!extent->in_string && (c == '{' || c == '[')) {
        extent->depth++;
    } else if (!extent->in_string && (c == '}' || c == ']')) {
        extent->depth -= extent->depth > 0;
        return extent->depth == 0;
    } else if (extent->in_string && c == '\\') {
        extent->at++; /* what is escaped, which may not have arrived yet */
    }
    return false;
}

bool spb_extent_find(struct spb_extent *extent, const char *text, size_t len)
{
    while (extent->at < len) {
        const char c = text[extent->at];
        if (step(extent, c) || (extent->in_string && (unsigned char)c < ' '))
            return true;
    }
    return false;
}

/* What stands behind a newline: another record, the rest of this one, or nothing yet. */
enum line { OTHER_RECORD, SAME_RECORD, NOT_ARRIVED };

static enum line line_at(struct spb_extent *extent, const char *line, const char *end, bool ended)
{
    const char *at = line + extent->spaces;

    if (!extent->object)
        return OTHER_RECORD;
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    extent->spaces = (size_t)(at - line);
    if (at == end && !ended)
        return NOT_ARRIVED;
    return at < end && *at == '{' && (size_t)(at - line) == extent->indent ? OTHER_RECORD
                                                                           : SAME_RECORD;
}

bool spb_extent_find_bad(struct spb_extent *extent, const char *text, size_t len, bool ended)
{
    while (extent->at < len) {
        const size_t at = extent->at;
        if (text[at] == '\n' && at >= extent->error_at) {
            const enum line line = line_at(extent, text + at + 1, text + len, ended);
            if (line != SAME_RECORD)
                return line == OTHER_RECORD;
            extent->spaces = 0;
        }
        if (step(extent, text[at]) && extent->object)
            return true;
    }
    if (ended && extent->at > len)
        extent->at = len;
    return ended;
}
