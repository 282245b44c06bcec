#ifndef SPB_WIRE_WRITER_H
#define SPB_WIRE_WRITER_H

/*
 * Protobuf bytes, appended at a place that has the room. Each function returns the place behind.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/word.h"
#include "schema/table.h"
#include "wire/reader.h"

enum { SPB_TIMESTAMP_MAX = 2 + 2 * SPB_VARINT_MAX }; /* bytes of a Timestamp's fields */

static inline uint8_t *spb_wire_put_varint(uint8_t *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *to++ = (uint8_t)value;
    return to;
}

/* The same without a branch for each byte; writes 8 bytes, of which the varint is the first. */
static inline uint8_t *spb_wire_put_wide_varint(uint8_t *to, uint64_t value)
{
    if (value >> 56 != 0)
        return spb_wire_put_varint(to, value);
    const unsigned top_bit = 63 - (unsigned)__builtin_clzll(value | 1);
    const unsigned len = (top_bit * 9 + 73) / 64; /* top_bit / 7 + 1 */
    uint64_t spread = value;
    spread = (spread & UINT64_C(0x000000000fffffff)) | (spread & UINT64_C(0x00fffffff0000000)) << 4;
    spread = (spread & UINT64_C(0x00003fff00003fff)) | (spread & UINT64_C(0x0fffc0000fffc000)) << 2;
    spread = (spread & UINT64_C(0x007f007f007f007f)) | (spread & UINT64_C(0x3f803f803f803f80)) << 1;
    const uint64_t more = UINT64_C(0x8080808080808080) & ((UINT64_C(1) << 8 * (len - 1)) - 1);
    spb_word_store(to, spread | more);
    return to + len;
}

static inline unsigned spb_wire_varint_len(uint64_t value)
{
    unsigned len = 1;

    for (; value >= 0x80; value >>= 7)
        len++;
    return len;
}

/* Writes sizeof row->tag bytes, of which the tag takes tag_len. */
static inline uint8_t *spb_wire_put_tag(uint8_t *to, const struct spb_row *row)
{
    memcpy(to, row->tag, sizeof row->tag);
    return to + row->tag_len;
}

/* The fields of a Timestamp, which is proto3: zeros are left out. */
static inline uint8_t *spb_wire_put_timestamp(uint8_t *to, int64_t seconds, int32_t nanos)
{
    if (seconds != 0) {
        *to++ = SPB_TIMESTAMP_SECONDS << 3 | SPB_WIRE_VARINT;
        to = spb_wire_put_wide_varint(to, (uint64_t)seconds);
    }
    if (nanos != 0) {
        *to++ = SPB_TIMESTAMP_NANOS << 3 | SPB_WIRE_VARINT;
        to = spb_wire_put_wide_varint(to, (uint64_t)(int64_t)nanos);
    }
    return to;
}

/*
 * Writes a field as it was read, but behind its shortest tag and length: never more bytes than it
 * had, so it may be written over itself.
 */
static inline uint8_t *spb_wire_put_field(uint8_t *to, const struct spb_wire_field *field)
{
    to = spb_wire_put_varint(to, (uint64_t)field->number << 3 | field->type);
    if (field->type == SPB_WIRE_LEN)
        to = spb_wire_put_varint(to, field->len);
    memmove(to, field->value, field->len);
    return to + field->len;
}

static inline uint8_t *spb_wire_put_fixed64(uint8_t *to, uint64_t value)
{
    spb_word_store(to, value);
    return to + 8;
}

/* ---- fields of a row, tags and all ---- */

/* Sign-extended to 64 bits, as protobuf has it: a negative int32 takes ten bytes. */
static inline uint8_t *spb_put_int32(uint8_t *to, const struct spb_row *row, int32_t value)
{
    to = spb_wire_put_tag(to, row);
    if ((uint32_t)value >= 0x4000)
        return spb_wire_put_wide_varint(to, (uint64_t)(int64_t)value);
    const unsigned more = value >= 0x80;
    to[0] = (uint8_t)((unsigned)value | more << 7);
    to[1] = (uint8_t)(value >> 7);
    return to + 1 + more;
}

static inline uint8_t *spb_put_double(uint8_t *to, const struct spb_row *row, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return spb_wire_put_fixed64(spb_wire_put_tag(to, row), bits);
}

static inline uint8_t *spb_put_bool(uint8_t *to, const struct spb_row *row, bool value)
{
    to = spb_wire_put_tag(to, row);
    *to = value;
    return to + 1;
}

static inline uint8_t *spb_put_time(uint8_t *to, const struct spb_row *row, int64_t seconds,
                                    int32_t nanos)
{
    uint8_t *const length = spb_wire_put_tag(to, row);

    to = spb_wire_put_timestamp(length + 1, seconds, nanos);
    *length = (uint8_t)(to - length - 1);
    return to;
}

static inline uint64_t spb_wire_get_fixed64(const uint8_t *at)
{
    return spb_word_load(at);
}

#endif
