#ifndef SPB_JSON_READER_H
#define SPB_JSON_READER_H

/*
 * Strict JSON text (RFC 8259), token by token. The text has SPB_PADDING bytes behind its end, the
 * first of them 0, so no function asks how much is left. A function takes the place where its token
 * begins and returns the place behind it, or NULL when it has failed: then the reader's error tells
 * why and where. Whatever fails at the end of the text is SPB_NEED_MORE.
 */
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/status.h>

#include "base/scan.h"

struct spb_json_reader {
    const char *begin;
    const char *end;
    size_t depth_max;
    struct spb_error error; /* status, offset and reason; positions: spb_json_locate() */
};

/* Returns NULL, for a caller's `return`. The first failure stays. */
const char *spb_json_fail(struct spb_json_reader *reader, enum spb_status status, const char *at,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ---- white space and literals ---- */

const char *spb_json_skip_space(const char *at);

static inline const char *spb_json_space(const char *at)
{
    return (unsigned char)*at > ' ' ? at : spb_json_skip_space(at);
}

/* `expected` is a literal or a sign such as ":"; `what` ends the sentence "expected ...". */
const char *spb_json_expect(struct spb_json_reader *reader, const char *at, const char *expected,
                            const char *what);

/* ---- numbers ---- */

/* Checks the grammar only; the number's text is what lies between. */
const char *spb_json_number(struct spb_json_reader *reader, const char *at);

/* ---- strings ---- */

/* What the inner loop leaves to a function: an escape, or what may not stand in a string. */
const char *spb_json_unescape(struct spb_json_reader *reader, const char *at, uint8_t **out);
/* Fails at the first byte of text[0..len) that is not UTF-8. */
const char *spb_json_bad_utf8(struct spb_json_reader *reader, const char *text, size_t len);
int spb_json_is_utf8(const uint8_t *text, size_t len);

/*
 * Reads a string's value to *out, which has room for the rest of the text and a vector more, and
 * moves *out behind it. `at` is behind the opening quote.
 */
static inline const char *spb_json_string(struct spb_json_reader *reader, const char *at,
                                          uint8_t **out)
{
    const char *const begin = at;
    uint8_t *const value = *out;
    uint8_t *to = value;
    struct spb_utf8_watch watch = { 0 };

    for (;;) {
        const struct spb_scan scan = spb_copy_scan(at, to);
        if (scan.stop == 0) {
            spb_watch_utf8(&watch, at, scan.high, SPB_VECTOR);
            at += SPB_VECTOR;
            to += SPB_VECTOR;
            continue;
        }
        const unsigned plain = spb_first(scan.stop);
        spb_watch_utf8(&watch, at, scan.high, plain);
        at += plain;
        to += plain;
        if (*at == '"')
            break;
        at = spb_json_unescape(reader, at, &to);
        if (at == NULL)
            return NULL;
    }
    if (watch.doubt && !spb_json_is_utf8(value, (size_t)(to - value)))
        return spb_json_bad_utf8(reader, begin, (size_t)(at - begin));
    *out = to;
    return at + 1;
}

/* ---- whole values ---- */

/*
 * Checks any value and copies its text to *out without insignificant white space; strings and
 * numbers stay as they are spelled. Room as above. At most depth_max containers inside each other.
 */
const char *spb_json_copy_value(struct spb_json_reader *reader, const char *at, uint8_t **out);

/* Passes over a string that was read before; `at` is behind the opening quote. */
const char *spb_json_skip_string(const char *at);

#endif
