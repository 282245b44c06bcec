#ifndef SPB_BASE_OUT_H
#define SPB_BASE_OUT_H

/*
 * A cursor that writes behind the content of a growable buffer. Room is made sure once for a piece;
 * then its bytes are written through `at` without asking. The buffer keeps its length until
 * spb_out_finish(), so a conversion that fails leaves it as it was.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

struct spb_out {
    struct spb_bytes *bytes;
    uint8_t *at;
    uint8_t *end; /* of the memory */
};

static inline void spb_out_begin(struct spb_out *out, struct spb_bytes *bytes)
{
    out->bytes = bytes;
    out->at = bytes->data == NULL ? NULL : bytes->data + bytes->len;
    out->end = bytes->data == NULL ? NULL : bytes->data + bytes->capacity;
}

/* Moves the cursor and everything before it to larger memory. False when memory is short. */
bool spb_out_grow(struct spb_out *out, size_t room);

/* Bytes between the two, which may both be NULL: C does not subtract such. */
static inline size_t spb_out_left(const uint8_t *at, const uint8_t *end)
{
    return (size_t)((uintptr_t)end - (uintptr_t)at);
}

/* Makes sure that `room` bytes can be written at the cursor. False when memory is short. */
static inline bool spb_out_room(struct spb_out *out, size_t room)
{
    return (out->at != NULL && spb_out_left(out->at, out->end) >= room) || spb_out_grow(out, room);
}

/* Where the cursor stands, in a form that outlives spb_out_room(). */
static inline size_t spb_out_offset(const struct spb_out *out)
{
    return spb_out_left(out->bytes->data, out->at);
}

static inline void spb_out_rewind(struct spb_out *out, size_t offset)
{
    out->at = out->bytes->data + offset;
}

/* What was written becomes content. */
static inline void spb_out_finish(struct spb_out *out)
{
    out->bytes->len = spb_out_offset(out);
}

/* Copies 1 to 32 bytes; reads and writes 32. */
static inline uint8_t *spb_put32(uint8_t *to, const void *from, size_t len)
{
    memcpy(to, from, 32);
    return to + len;
}

#endif
