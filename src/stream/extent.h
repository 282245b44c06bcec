#ifndef SPB_STREAM_EXTENT_H
#define SPB_STREAM_EXTENT_H

/*
 * Where an object in a stream of text ends, found as its text arrives: each byte is looked at once.
 * Of a malformed object nobody can say where it ends; see spb_extent_find_bad().
 */
#include <stdbool.h>
#include <stddef.h>

struct spb_extent {
    size_t at; /* offset in the text: what lies before it has been looked at */
    size_t depth;
    bool in_string;
    /* Of a bad record: */
    bool object;     /* it begins with a brace */
    size_t indent;   /* white space before it on its line; 0 where something else is */
    size_t error_at; /* where it is malformed; SIZE_MAX when it is well-formed */
    size_t spaces;   /* that were looked at behind the newline that is at `at` */
};

/* Begins with the object at this offset. */
static inline struct spb_extent spb_extent_begin(size_t start)
{
    return (struct spb_extent){ .at = start };
}

/*
 * Looks on. True when the object is whole (then extent->at is behind its closing brace), or has a
 * control character in a string, with which it never will be.
 */
bool spb_extent_find(struct spb_extent *extent, const char *text, size_t len);

/* Begins with the bad record at this offset. */
static inline struct spb_extent spb_extent_begin_bad(size_t start, bool object, size_t indent,
                                                     size_t error_at)
{
    return (
        struct spb_extent){ .at = start, .object = object, .indent = indent, .error_at = error_at };
}

/*
 * Looks on for the end of a bad record. Well-formed text ends with its closing brace. Malformed
 * text ends there, or behind the place of the error before a line that begins as the record's own
 * line does, whichever comes first; if it does not begin with a brace, at the end of its line.
 *
 * True when the end is found, or the text has ended: then extent->at is at it.
 */
bool spb_extent_find_bad(struct spb_extent *extent, const char *text, size_t len, bool ended);

#endif
