#ifndef SPB_BRIDGE_JSON_SCALARS_H
#define SPB_BRIDGE_JSON_SCALARS_H

/*
 * The part of json_to_pb.c that reads values which hold no others, and what all of it stands on: the
 * cursors, failing, room. A header, so that it is inlined into each variant of the engine.
 */
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "bridge/message.h"
#include "json/reader.h"

struct json_to_pb {
    struct spb_json_reader reader;
    struct spb_pb_writer writer; /* its cursor is behind `to`: see flush() */
    spb_converter *converter;
    intptr_t lead;          /* there is room as long as `to` is not farther than this before `at` */
    const uint16_t *starts; /* of each byte: the kinds of members that it begins fast */
};

/* Where text is read, and where bytes are written: two values, so that they stay in registers. */
struct cursor {
    const char *at; /* NULL: it has failed */
    uint8_t *to;
};

/* ------------------------------------------------------------------ failing */

/* Where `at` is NULL, so is `to`: said so that an analyser sees it as well. */
static struct cursor failed(const char *null)
{
    return (struct cursor){ null, (uint8_t *)(uintptr_t)null };
}

static struct cursor fail(struct json_to_pb *c, enum spb_status status, const char *at,
                          const char *reason)
{
    return failed(spb_json_fail(&c->reader, status, at, "%s", reason));
}

static const char *fail_memory(struct json_to_pb *c, const char *at)
{
    return fail(c, SPB_NO_MEMORY, at, "out of memory").at;
}

/* `at` is where the message is that cannot be closed. */
static const char *fail_fault(struct json_to_pb *c, const char *at, const struct spb_fault *fault)
{
    if (fault->source != SIZE_MAX)
        at = c->reader.begin + fault->source;
    return spb_json_fail(&c->reader, fault->status, at, "%s", fault->reason);
}

/* Malformed text is that, whatever its type: so the value is read once more before it is judged. */
static struct cursor fail_type(struct json_to_pb *c, const char *at, const char *expected)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);

    if (!spb_out_room(&stack->out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM))
        return failed(fail_memory(c, at));
    const char *const end = spb_json_copy_value(&c->reader, at, &stack->out.at);
    spb_additional_drop(stack, &mark);
    if (end == NULL)
        return failed(NULL);
    if (end == c->reader.end) /* a number that may go on */
        return fail(c, SPB_BAD_JSON, end, "the number is cut short");
    return failed(spb_json_fail(&c->reader, SPB_WRONG_TYPE, at, "expected %s", expected));
}

/* ------------------------------------------------------------------ room */

/* The writer takes over, to do what needs more than a place to write to. */
static struct spb_pb_writer *flush(struct json_to_pb *c, uint8_t *to)
{
    c->writer.out.at = to;
    return &c->writer;
}

static uint8_t *base(const struct json_to_pb *c)
{
    return c->writer.out.bytes->data;
}

static intptr_t lead(const struct json_to_pb *c)
{
    return (intptr_t)c->writer.out.end - (intptr_t)c->reader.end - SPB_MEMBER_ROOM;
}

static struct cursor grow(struct json_to_pb *c, struct cursor k)
{
    const size_t room = (size_t)(c->reader.end - k.at) + SPB_MEMBER_ROOM;

    if (!spb_out_grow(&flush(c, k.to)->out, room))
        return failed(fail_memory(c, k.at));
    c->lead = lead(c);
    return (struct cursor){ k.at, c->writer.out.at };
}

/*
 * Makes room for what is written before the next call of this, SPB_MEMBER_ROOM, and for the rest of
 * the text: the two cursors' distance tells whether it is there.
 */
static inline struct cursor make_room(struct json_to_pb *c, struct cursor k)
{
    return (intptr_t)k.to - (intptr_t)k.at <= c->lead ? k : grow(c, k);
}

/* ------------------------------------------------------------------ scalar values */

/* Any string; `to` is behind its tag. */
static struct cursor read_long_string(struct json_to_pb *c, struct cursor k,
                                      const struct spb_row *row)
{
    uint8_t *end = spb_length_open(c->converter, row, k.to);

    k.at = spb_json_string(&c->reader, k.at + 1, &end);
    if (k.at != NULL)
        k.to = spb_length_close(c->converter, row, k.to, end);
    return k;
}

/*
 * A string that ends within two vectors is whole when they are copied. Where it ends decides where
 * the next member begins, so that is found first, and what stands in it is looked at behind.
 */
static inline struct cursor read_string(struct json_to_pb *c, struct cursor k,
                                        const struct spb_row *row)
{
    if (*k.at != '"')
        return fail_type(c, k.at, "a string");
    const char *const text = k.at + 1;
    uint8_t *const length = spb_wire_put_tag(k.to, row);
    const struct spb_scan scan = spb_copy_scan(text, length + 1);
    unsigned len = spb_first(scan.quote);
    uint32_t odd = scan.odd & spb_first_bits(len);
    if (len == SPB_VECTOR) {
        const struct spb_scan more = spb_copy_scan(text + SPB_VECTOR, length + 1 + SPB_VECTOR);
        const unsigned more_len = spb_first(more.quote);
        odd |= more.odd & spb_first_bits(more_len);
        len += more_len;
        if (more_len == SPB_VECTOR)
            return read_long_string(c, (struct cursor){ k.at, length }, row);
    }
    if (odd != 0 && !spb_is_common_text(text, len))
        return read_long_string(c, (struct cursor){ k.at, length }, row);
    *length = (uint8_t)len;
    return (struct cursor){ text + len + 1, length + 1 + len };
}

/* What the text cuts short may become another number. */
static struct cursor fail_range(struct json_to_pb *c, const char *at, const char *end,
                                const char *reason)
{
    if (end == c->reader.end)
        return fail(c, SPB_BAD_JSON, end, "the number is cut short");
    return fail(c, SPB_OUT_OF_RANGE, at, reason);
}

static const char *number_end(struct json_to_pb *c, const char *at)
{
    if (*at != '-' && (*at < '0' || *at > '9'))
        return fail_type(c, at, "a number").at;
    return spb_json_number(&c->reader, at);
}

/* Any spelling of a number. */
static struct cursor read_any_int32(struct json_to_pb *c, struct cursor k,
                                    const struct spb_row *row)
{
    const char *const end = number_end(c, k.at);
    int32_t value;

    if (end == NULL)
        return failed(NULL);
    if (!spb_int32_from_text(k.at, (size_t)(end - k.at), &value))
        return fail_range(c, k.at, end,
                          "the number is not an int32: a whole number from -2147483648 to "
                          "2147483647");
    return (struct cursor){ end, spb_put_int32(k.to, row, value) };
}

static struct cursor read_int32(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    int32_t value;
    const char *const end = spb_int32_from_digits(k.at, &value);

    return end == NULL ? read_any_int32(c, k, row)
                       : (struct cursor){ end, spb_put_int32(k.to, row, value) };
}

/* Any spelling of a number. */
static struct cursor read_any_double(struct json_to_pb *c, struct cursor k,
                                     const struct spb_row *row)
{
    const char *const end = number_end(c, k.at);
    double value;

    if (end == NULL)
        return failed(NULL);
    if (!spb_double_from_text(k.at, (size_t)(end - k.at), &value))
        return fail_range(c, k.at, end, "the number is not a double: it is too large");
    return (struct cursor){ end, spb_put_double(k.to, row, value) };
}

static struct cursor read_double(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    double value;
    const char *const end = spb_double_from_digits(k.at, &value);

    return end == NULL ? read_any_double(c, k, row)
                       : (struct cursor){ end, spb_put_double(k.to, row, value) };
}

static struct cursor fail_bool(struct json_to_pb *c, const char *at)
{
    if (*at != 't' && *at != 'f')
        return fail_type(c, at, "true or false");
    return failed(spb_json_expect(&c->reader, at, *at == 't' ? "true" : "false", "true or false"));
}

static struct cursor read_bool(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    const bool is_true = memcmp(k.at, "true", 4) == 0;
    const bool is_false = (*k.at == 'f') & (memcmp(k.at + 1, "alse", 4) == 0);

    if (!(is_true | is_false))
        return fail_bool(c, k.at);
    return (struct cursor){ k.at + 4 + is_false, spb_put_bool(k.to, row, is_true) };
}

/* A date-time that is spelled in another way than the platform's: read to where its bytes will be. */
static struct cursor read_any_time(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    const char *const begin = k.at;
    uint8_t *end = k.to;
    struct spb_time time;

    if (*k.at != '"')
        return fail_type(c, k.at, "a string with a date-time");
    k.at = spb_json_string(&c->reader, k.at + 1, &end);
    if (k.at == NULL)
        return k;
    const char *const reason = spb_time_from_text((char *)k.to, (size_t)(end - k.to), &time);
    if (reason != NULL)
        return fail(c, SPB_OUT_OF_RANGE, begin, reason);
    k.to = spb_put_time(k.to, row, time.seconds, time.nanos);
    return k;
}

static struct cursor read_time(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    struct spb_time time;

    if (k.at[0] != '"' || k.at[SPB_TIME_FORM_LEN + 1] != '"' ||
        !spb_time_from_form(k.at + 1, &time))
        return read_any_time(c, k, row);
    return (struct cursor){ k.at + SPB_TIME_FORM_LEN + 2,
                            spb_put_time(k.to, row, time.seconds, time.nanos) };
}

#endif
