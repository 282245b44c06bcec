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

#include "schema/table.h"

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

/* ---- rows by their tags ---- */

/* Bytes behind `end` may be read: they are padded. */
static inline bool spb_row_has_tag(const struct spb_row *row, const uint8_t *at, const uint8_t *end)
{
    return ((at[0] | at[1] << 8) & row->tag_mask) == row->tag_value &&
           (size_t)(end - at) >= row->tag_len;
}

/* The one of the likely rows, `next` and those behind it, whose tag stands here; or NULL. */
static inline const struct spb_row *spb_predict_tag(const struct spb_row *next, const uint8_t *at,
                                                    const uint8_t *end)
{
    for (unsigned i = 0; i < SPB_PREDICTIONS; i++) {
        if (spb_row_has_tag(&next[i], at, end))
            return &next[i];
    }
    return NULL;
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

/*
 * Reads the fields of a Timestamp: its last seconds and nanos, 0 where absent. *unknown is set when
 * there are others. False when it has failed.
 */
bool spb_wire_timestamp(struct spb_wire_reader *reader, const uint8_t *at, const uint8_t *end,
                        int64_t *seconds, int32_t *nanos, bool *unknown);

#endif
