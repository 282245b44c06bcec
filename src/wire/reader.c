/*
 * The general form of each step; converters try the expected tag first and come here when they meet
 * another one.
 */
#include "wire/reader.h"

#include <stdarg.h>

#include "base/error.h"

enum {
    VARINT_LAST_MAX = 1, /* of the tenth byte, which holds one bit */
    NUMBER_MAX = 0x1fffffff
};

const uint8_t *spb_wire_fail(struct spb_wire_reader *reader, enum spb_status status,
                             const uint8_t *at, const char *format, ...)
{
    va_list arguments;

    if (reader->error.status != SPB_OK)
        return NULL;
    va_start(arguments, format);
    spb_error_vset(&reader->error, status, (size_t)(at - reader->begin), format, arguments);
    va_end(arguments);
    return NULL;
}

static const uint8_t *fail_short(struct spb_wire_reader *reader, const uint8_t *at)
{
    return spb_wire_fail(reader, SPB_NEED_MORE, at, "the message ends inside a field");
}

const uint8_t *spb_wire_long_varint(struct spb_wire_reader *reader, const uint8_t *at,
                                    const uint8_t *end, uint64_t *value)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < SPB_VARINT_MAX; i++) {
        if (at + i == end)
            return fail_short(reader, at);
        if (i == SPB_VARINT_MAX - 1 && at[i] > VARINT_LAST_MAX)
            break;
        sum |= (uint64_t)(at[i] & 0x7f) << 7 * i;
        if (at[i] < 0x80) {
            *value = sum;
            return at + i + 1;
        }
    }
    return spb_wire_fail(reader, SPB_BAD_WIRE, at, "a varint of more than 64 bits");
}

const uint8_t *spb_wire_length(struct spb_wire_reader *reader, const uint8_t *at,
                               const uint8_t *end, size_t *len)
{
    const uint8_t *const begin = at;
    uint64_t value = 0;

    at = spb_wire_varint(reader, at, end, &value);
    if (at == NULL)
        return NULL;
    if (value > (uint64_t)(end - at))
        return fail_short(reader, begin);
    *len = (size_t)value;
    return at;
}

const uint8_t *spb_wire_tag(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                            struct spb_wire_field *field)
{
    const uint8_t *const begin = at;
    uint64_t tag = 0;

    at = spb_wire_varint(reader, at, end, &tag);
    if (at == NULL)
        return NULL;
    if (at - begin > SPB_TAG_MAX)
        return spb_wire_fail(reader, SPB_BAD_WIRE, begin, "a tag of more than %d bytes",
                             SPB_TAG_MAX);
    if (tag >> 3 == 0 || tag >> 3 > NUMBER_MAX)
        return spb_wire_fail(reader, SPB_BAD_WIRE, begin, "%llu is not a field number",
                             (unsigned long long)(tag >> 3));
    field->number = (uint32_t)(tag >> 3);
    field->type = (unsigned)(tag & 7);
    return at;
}

static const uint8_t *read_value(struct spb_wire_reader *reader, const uint8_t *at,
                                 const uint8_t *end, struct spb_wire_field *field, size_t depth);

/* The fields of a group, up to its end tag. */
static const uint8_t *read_group(struct spb_wire_reader *reader, const uint8_t *at,
                                 const uint8_t *end, uint32_t number, size_t depth)
{
    struct spb_wire_field field = { 0 };

    if (depth == 0)
        return spb_wire_fail(reader, SPB_TOO_DEEP, at,
                             "groups are nested deeper than the limit of %zu", reader->depth_max);
    for (;;) {
        const uint8_t *const begin = at;
        at = spb_wire_tag(reader, at, end, &field);
        if (at == NULL)
            return NULL;
        if (field.type == SPB_WIRE_GROUP_END && field.number == number)
            return at;
        if (field.type == SPB_WIRE_GROUP_END)
            return spb_wire_fail(reader, SPB_BAD_WIRE, begin,
                                 "the end of a group that is not open");
        at = read_value(reader, at, end, &field, depth - 1);
        if (at == NULL)
            return NULL;
    }
}

static const uint8_t *read_fixed(struct spb_wire_reader *reader, const uint8_t *at,
                                 const uint8_t *end, struct spb_wire_field *field, size_t len)
{
    field->len = len;
    return (size_t)(end - at) < len ? fail_short(reader, at) : at + len;
}

static const uint8_t *read_value(struct spb_wire_reader *reader, const uint8_t *at,
                                 const uint8_t *end, struct spb_wire_field *field, size_t depth)
{
    const uint8_t *behind;

    field->value = at;
    switch (field->type) {
    case SPB_WIRE_VARINT:
        behind = spb_wire_varint(reader, at, end, &field->varint);
        break;
    case SPB_WIRE_FIXED64:
        return read_fixed(reader, at, end, field, 8);
    case SPB_WIRE_FIXED32:
        return read_fixed(reader, at, end, field, 4);
    case SPB_WIRE_LEN:
        field->value = spb_wire_length(reader, at, end, &field->len);
        return field->value == NULL ? NULL : field->value + field->len;
    case SPB_WIRE_GROUP_START:
        behind = read_group(reader, at, end, field->number, depth);
        break;
    case SPB_WIRE_GROUP_END:
        return spb_wire_fail(reader, SPB_BAD_WIRE, at, "the end of a group that is not open");
    default:
        return spb_wire_fail(reader, SPB_BAD_WIRE, at, "%u is not a wire type", field->type);
    }
    field->len = behind == NULL ? 0 : (size_t)(behind - at);
    return behind;
}

const uint8_t *spb_wire_field(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                              struct spb_wire_field *field)
{
    at = spb_wire_tag(reader, at, end, field);
    return at == NULL ? NULL : read_value(reader, at, end, field, reader->depth_max);
}

/* Reads a field of a varint as it mostly stands, or leaves `at` where it is. */
static const uint8_t *read_usual(unsigned number, const uint8_t *at, const uint8_t *end,
                                 uint64_t *value)
{
    const uint8_t *const behind =
        *at == (number << 3 | SPB_WIRE_VARINT) ? spb_wire_wide_varint(at + 1, end, value) : NULL;

    return behind == NULL ? at : behind;
}

bool spb_wire_timestamp(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                        int64_t *seconds_out, int32_t *nanos_out, bool *unknown)
{
    uint64_t seconds = 0;
    uint64_t nanos = 0;

    *unknown = false;
    at = read_usual(SPB_TIMESTAMP_SECONDS, at, end, &seconds);
    at = read_usual(SPB_TIMESTAMP_NANOS, at, end, &nanos);
    while (at < end) {
        struct spb_wire_field field = { 0 };

        at = spb_wire_field(reader, at, end, &field);
        if (at == NULL)
            return false;
        if (!spb_wire_is_time(&field))
            *unknown = true;
        else if (field.number == SPB_TIMESTAMP_SECONDS)
            seconds = field.varint;
        else
            nanos = field.varint;
    }
    *seconds_out = (int64_t)seconds;
    *nanos_out = (int32_t)nanos;
    return true;
}
