/*
 * The slow and the rare half of the JSON reader; the loop over a string's plain characters is in
 * the header. Recursion in spb_json_copy_value() is bounded by depth_max.
 */
#include "json/reader.h"

#include <stdarg.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/utf8.h"
#include "base/word.h"

const char *spb_json_fail(struct spb_json_reader *reader, enum spb_status status, const char *at,
                          const char *format, ...)
{
    if (reader->error.status != SPB_OK)
        return NULL;
    if (at >= reader->end && status != SPB_NO_MEMORY) {
        spb_error_set(&reader->error, SPB_NEED_MORE, (size_t)(reader->end - reader->begin),
                      "the text ends inside the document");
        return NULL;
    }
    va_list arguments;
    va_start(arguments, format);
    spb_error_vset(&reader->error, status, (size_t)(at - reader->begin), format, arguments);
    va_end(arguments);
    return NULL;
}

/* ------------------------------------------------------------------ white space, literals */

const char *spb_json_skip_space(const char *at)
{
    const uint64_t spaces = UINT64_C(0x2020202020202020);

    for (;;) {
        if (*at == ' ') {
            const uint64_t others = spb_word_load(at) ^ spaces;
            at += others == 0 ? sizeof others : (unsigned)__builtin_ctzll(others) / 8;
        } else if (*at == '\n' || *at == '\r' || *at == '\t') {
            at++;
        } else {
            return at;
        }
    }
}

const char *spb_json_expect(struct spb_json_reader *reader, const char *at, const char *expected,
                            const char *what)
{
    for (; *expected != '\0'; expected++, at++) {
        if (*at != *expected)
            return spb_json_fail(reader, SPB_BAD_JSON, at, "expected %s", what);
    }
    return at;
}

/* ------------------------------------------------------------------ numbers */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One digit at least. */
static const char *digits(struct spb_json_reader *reader, const char *at, const char *where)
{
    if (!is_digit(*at))
        return spb_json_fail(reader, SPB_BAD_JSON, at, "expected a digit %s", where);
    while (is_digit(*at))
        at++;
    return at;
}

const char *spb_json_number(struct spb_json_reader *reader, const char *at)
{
    if (*at == '-')
        at++;
    if (*at == '0' && is_digit(at[1]))
        return spb_json_fail(reader, SPB_BAD_JSON, at, "a number has no leading zero");
    at = digits(reader, at, "of a number");
    if (at != NULL && *at == '.')
        at = digits(reader, at + 1, "behind the decimal point");
    if (at != NULL && (*at == 'e' || *at == 'E')) {
        at++;
        if (*at == '+' || *at == '-')
            at++;
        at = digits(reader, at, "of the exponent");
    }
    return at;
}

/* ------------------------------------------------------------------ strings */

enum {
    SURROGATE_HIGH = 0xD800,
    SURROGATE_LOW = 0xDC00,
    SURROGATE_END = 0xE000,
    SUPPLEMENTARY = 0x10000
};

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The four digits of \uXXXX. */
static const char *hex4(struct spb_json_reader *reader, const char *at, uint32_t *unit_out)
{
    uint32_t unit = 0;

    for (unsigned i = 0; i < 4; i++, at++) {
        const int value = hex_value(*at);
        if (value < 0)
            return spb_json_fail(reader, SPB_BAD_JSON, at, "expected four hex digits behind \\u");
        unit = unit << 4 | (uint32_t)value;
    }
    *unit_out = unit;
    return at;
}

/* `at` is behind the u of \uXXXX, which may be the first half of a surrogate pair. */
static const char *unicode_escape(struct spb_json_reader *reader, const char *at, uint32_t *scalar)
{
    const char *const escape = at - 2;
    uint32_t low = 0;

    at = hex4(reader, at, scalar);
    if (at == NULL || *scalar < SURROGATE_HIGH || *scalar >= SURROGATE_END)
        return at;
    if (*scalar < SURROGATE_LOW && at[0] == '\\' && at[1] == 'u') {
        at = hex4(reader, at + 2, &low);
        if (at == NULL)
            return NULL;
    } else if (*scalar < SURROGATE_LOW &&
               (at == reader->end || (at[0] == '\\' && at + 1 == reader->end))) {
        return spb_json_fail(reader, SPB_BAD_JSON, reader->end, "expected a low surrogate");
    }
    if (low < SURROGATE_LOW || low >= SURROGATE_END)
        return spb_json_fail(reader, SPB_BAD_UNICODE, escape,
                             "a surrogate stands alone, and is no character");
    *scalar = SUPPLEMENTARY + ((*scalar - SURROGATE_HIGH) << 10) + (low - SURROGATE_LOW);
    return at;
}

/* `at` is at a backslash; *scalar is what the escape stands for. */
static const char *escape(struct spb_json_reader *reader, const char *at, uint32_t *scalar)
{
    static const uint8_t simple[256] = { ['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                         ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t' };
    const char letter = at[1];

    if (letter == 'u')
        return unicode_escape(reader, at + 2, scalar);
    *scalar = simple[(uint8_t)letter];
    if (*scalar == 0)
        return spb_json_fail(reader, SPB_BAD_JSON, at + 1, "no such escape in JSON");
    return at + 2;
}

static const char *fail_in_string(struct spb_json_reader *reader, const char *at)
{
    return spb_json_fail(reader, SPB_BAD_JSON, at,
                         "a control character (0x%02x) in a string must be escaped",
                         (unsigned)(uint8_t)*at);
}

const char *spb_json_unescape(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    uint32_t scalar = 0;

    if (*at != '\\')
        return fail_in_string(reader, at);
    at = escape(reader, at, &scalar);
    if (at != NULL)
        *out += spb_utf8_encode(scalar, *out);
    return at;
}

int spb_json_is_utf8(const uint8_t *text, size_t len)
{
    return spb_utf8_valid_len(text, len) == len;
}

const char *spb_json_bad_utf8(struct spb_json_reader *reader, const char *text, size_t len)
{
    const size_t valid = spb_utf8_valid_len((const uint8_t *)text, len);

    return spb_json_fail(reader, SPB_BAD_UNICODE, text + valid, "bytes that are not UTF-8");
}

const char *spb_json_skip_string(const char *at)
{
    for (; *at != '"'; at++) {
        if (*at == '\\')
            at++;
    }
    return at + 1;
}

/* ------------------------------------------------------------------ whole values */

/* Copies a string as it is spelled, from behind its opening quote to behind its closing one. */
static const char *copy_string(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    const char *const begin = at;
    uint8_t *to = *out;
    struct spb_utf8_watch watch = { 0 };

    *to++ = '"';
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
        if (*at != '\\')
            return fail_in_string(reader, at);
        uint32_t scalar = 0;
        const char *const behind = escape(reader, at, &scalar);
        if (behind == NULL)
            return NULL;
        while (at < behind)
            *to++ = (uint8_t)*at++;
    }
    if (watch.doubt && !spb_json_is_utf8((const uint8_t *)begin, (size_t)(at - begin)))
        return spb_json_bad_utf8(reader, begin, (size_t)(at - begin));
    *to++ = '"';
    *out = to;
    return at + 1;
}

static const char *copy_text(const char *at, const char *end, uint8_t **out)
{
    while (at < end)
        *(*out)++ = (uint8_t)*at++;
    return at;
}

static const char *copy_literal(struct spb_json_reader *reader, const char *at, const char *literal,
                                uint8_t **out)
{
    const char *const end = spb_json_expect(reader, at, literal, "true, false or null");

    return end == NULL ? NULL : copy_text(at, end, out);
}

static const char *copy_value(struct spb_json_reader *reader, const char *at, uint8_t **out,
                              size_t depth);

static const char *copy_member(struct spb_json_reader *reader, const char *at, uint8_t **out,
                               size_t depth)
{
    if (*at != '"')
        return spb_json_fail(reader, SPB_BAD_JSON, at, "expected a member's name in quotes");
    at = copy_string(reader, at + 1, out);
    if (at != NULL)
        at = spb_json_expect(reader, spb_json_space(at), ":", "':' behind a member's name");
    if (at == NULL)
        return NULL;
    *(*out)++ = ':';
    return copy_value(reader, spb_json_space(at), out, depth);
}

/* An object or an array; `at` is at its opening bracket. */
static const char *copy_container(struct spb_json_reader *reader, const char *at, uint8_t **out,
                                  size_t depth)
{
    const bool object = *at == '{';
    const char close = object ? '}' : ']';

    if (depth == 0)
        return spb_json_fail(reader, SPB_TOO_DEEP, at,
                             "values are nested deeper than the limit of %zu", reader->depth_max);
    *(*out)++ = (uint8_t)*at;
    at = spb_json_space(at + 1);
    while (*at != close) {
        at = object ? copy_member(reader, at, out, depth - 1)
                    : copy_value(reader, at, out, depth - 1);
        if (at == NULL)
            return NULL;
        at = spb_json_space(at);
        if (*at == close)
            break;
        if (*at != ',')
            return spb_json_fail(reader, SPB_BAD_JSON, at, "expected ',' or '%c'", close);
        *(*out)++ = ',';
        at = spb_json_space(at + 1);
        if (*at == close)
            return spb_json_fail(reader, SPB_BAD_JSON, at, "nothing stands behind the last ','");
    }
    *(*out)++ = (uint8_t)close;
    return at + 1;
}

static const char *copy_value(struct spb_json_reader *reader, const char *at, uint8_t **out,
                              size_t depth)
{
    switch (*at) {
    case '{':
    case '[':
        return copy_container(reader, at, out, depth);
    case '"':
        return copy_string(reader, at + 1, out);
    case 't':
        return copy_literal(reader, at, "true", out);
    case 'f':
        return copy_literal(reader, at, "false", out);
    case 'n':
        return copy_literal(reader, at, "null", out);
    default:
        if (*at != '-' && !is_digit(*at))
            return spb_json_fail(reader, SPB_BAD_JSON, at, "expected a value");
        const char *const end = spb_json_number(reader, at);
        return end == NULL ? NULL : copy_text(at, end, out);
    }
}

const char *spb_json_copy_value(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    return copy_value(reader, at, out, reader->depth_max);
}
