#ifndef SPB_JSON_WRITER_H
#define SPB_JSON_WRITER_H

/*
 * Canonical JSON text (RFC 8785's escapes), appended through a cursor. Functions return false when
 * memory is short.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/out.h"
#include "base/scan.h"

/* Room that a string of len bytes without escapes takes, with its quotes and a vector to spare. */
static inline size_t spb_json_string_room(size_t len)
{
    return len + 2 + 2 * (size_t)SPB_VECTOR;
}

/* Writes the escape of c, and makes room for it and a string of `left` bytes behind it. */
bool spb_json_write_escape(struct spb_out *out, uint8_t c, size_t left);

/*
 * Writes a string with its quotes. text[0..len) has SPB_PADDING readable bytes behind its end. Where
 * watch->doubt is set afterwards, the caller checks that the text is UTF-8. The caller has made
 * spb_json_string_room(len); after a success at least SPB_VECTOR bytes of room are left.
 */
static inline bool spb_json_write_string(struct spb_out *out, const uint8_t *text, size_t len,
                                         struct spb_utf8_watch *watch)
{
    const uint8_t *const end = text + len;
    uint8_t *to = out->at; /* bytes that are written could be those of out->at, for the compiler */

    *to++ = '"';
    for (;;) {
        const struct spb_scan scan = spb_copy_scan(text, to);
        const size_t left = (size_t)(end - text);
        const uint32_t stop = scan.stop | (left < SPB_VECTOR ? UINT32_C(1) << left : 0);
        if (stop == 0) {
            spb_watch_utf8(watch, text, scan.high, SPB_VECTOR);
            text += SPB_VECTOR;
            to += SPB_VECTOR;
            continue;
        }
        const unsigned plain = spb_first(stop);
        spb_watch_utf8(watch, text, scan.high, plain);
        text += plain;
        to += plain;
        if (text == end)
            break;
        out->at = to;
        if (!spb_json_write_escape(out, *text++, left))
            return false;
        to = out->at;
    }
    *to++ = '"';
    out->at = to;
    return true;
}

#endif
