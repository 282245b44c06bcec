#ifndef SPB_WIRE_READER_H
#define SPB_WIRE_READER_H

/*
 * Strict protobuf bytes, field by field. Like the JSON reader: a function takes the place where
 * something begins and returns the place behind it, or NULL when it has failed. `end` is the end of
 * the message that is being read, behind which SPB_PADDING bytes are readable. What `end` cuts short
 * is SPB_NEED_MORE; the reader of a nested message makes SPB_BAD_WIRE of it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sessionpb/status.h>

#include "base/word.h"
#include "schema/table.h"

enum {
    SPB_VARINT_MAX = 10, /* bytes of a varint of 64 bits */
    SPB_TAG_MAX = 5      /* bytes of a tag, which has 32 */
};

struct spb_wire_reader {
    const uint8_t *begin;
    size_t depth_max;
    struct spb_error error; /* status, offset and reason; path: spb_wire_locate() */
};

struct spb_wire_field {
    uint32_t number;
    unsigned type;        /* enum spb_wire_type */
    const uint8_t *value; /* behind the tag, and behind the length of SPB_WIRE_LEN */
    size_t len;           /* bytes of the value */
    uint64_t varint;      /* of SPB_WIRE_VARINT */
};

/* Returns NULL, for a caller's `return`. The first failure stays. */
const uint8_t *spb_wire_fail(struct spb_wire_reader *reader, enum spb_status status,
                             const uint8_t *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

const uint8_t *spb_wire_long_varint(struct spb_wire_reader *reader, const uint8_t *at,
                                    const uint8_t *end, uint64_t *value);

static inline const uint8_t *spb_wire_varint(struct spb_wire_reader *reader, const uint8_t *at,
                                             const uint8_t *end, uint64_t *value)
{
    if (at < end && *at < 0x80) {
        *value = *at;
        return at + 1;
    }
    return spb_wire_long_varint(reader, at, end, value);
}

/*
 * Reads a varint of at most 8 bytes without a branch for each. Returns the place behind, or NULL for
 * one that is longer or that `end` cuts short: then *value is as it was.
 */
static inline const uint8_t *spb_wire_wide_varint(const uint8_t *at, const uint8_t *end,
                                                  uint64_t *value)
{
    const uint64_t word = spb_word_load(at);
    const uint64_t stops = ~word & UINT64_C(0x8080808080808080);
    uint64_t spread = word & (stops ^ (stops - 1)) & UINT64_C(0x7f7f7f7f7f7f7f7f);

    if (stops == 0)
        return NULL;
    at += (unsigned)__builtin_ctzll(stops) / 8 + 1;
    spread = (spread & UINT64_C(0x007f007f007f007f)) | (spread & UINT64_C(0x7f007f007f007f00)) >> 1;
    spread = (spread & UINT64_C(0x00003fff00003fff)) | (spread & UINT64_C(0x3fff00003fff0000)) >> 2;
    if (at > end)
        return NULL;
    *value = (spread & UINT64_C(0x000000000fffffff)) | (spread & UINT64_C(0x0fffffff00000000)) >> 4;
    return at;
}

/* ---- rows by their tags ---- */

/* Bytes behind `end` may be read: they are padded. */
static inline bool spb_row_has_tag(const struct spb_row *row, const uint8_t *at, const uint8_t *end)
{
    return ((at[0] | at[1] << 8) & row->tag_mask) == row->tag_value &&
           (size_t)(end - at) >= row->tag_len;
}

/*
 * The row whose tag stands here, `next` most likely; or NULL where it is none of the table's, or not
 * spelled as short as it can be.
 */
static inline const struct spb_row *spb_table_tag(const struct spb_table *table,
                                                  const struct spb_row *next, const uint8_t *at,
                                                  const uint8_t *end)
{
    if (spb_row_has_tag(next, at, end))
        return next;
    const unsigned tag = (at[0] & 0x7fu) | (at[0] < 0x80 ? 0 : (unsigned)at[1] << 7);
    const struct spb_row *const row = &table->rows[table->number_slots[tag / 8 % SPB_NUMBERS_MAX]];
    return spb_row_has_tag(row, at, end) ? row : NULL;
}

/* ---- fields ---- */

/* Reads a length and checks that so many bytes follow. */
const uint8_t *spb_wire_length(struct spb_wire_reader *reader, const uint8_t *at,
                               const uint8_t *end, size_t *len);

/* Reads a tag: number and type of the field. */
const uint8_t *spb_wire_tag(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                            struct spb_wire_field *field);

/* Reads one whole field, known or not; groups nest at most depth_max deep. */
const uint8_t *spb_wire_field(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                              struct spb_wire_field *field);

/* Whether a field of a Timestamp is one of its two. */
static inline bool spb_wire_is_time(const struct spb_wire_field *field)
{
    return field->type == SPB_WIRE_VARINT &&
           (field->number == SPB_TIMESTAMP_SECONDS || field->number == SPB_TIMESTAMP_NANOS);
}

/*
 * Reads the fields of a Timestamp: its last seconds and nanos, 0 where absent. *unknown is set when
 * there are others. False when it has failed.
 */
bool spb_wire_timestamp(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                        int64_t *seconds_out, int32_t *nanos_out, bool *unknown);

#endif
