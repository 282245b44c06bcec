/*
 * Growable buffers. They double, so that appending is linear, and they grow by what has arrived:
 * nobody passes a length here that was only declared.
 */
#include "base/out.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 256 };

/* See sessionpb/bytes.h. */
enum spb_status spb_bytes_reserve(struct spb_bytes *bytes, size_t extra)
{
    if (extra <= bytes->capacity - bytes->len)
        return SPB_OK;
    if (extra > SIZE_MAX / 2 - bytes->len)
        return SPB_NO_MEMORY;
    size_t capacity = bytes->capacity < CAPACITY_MIN ? CAPACITY_MIN : bytes->capacity * 2;
    if (capacity < bytes->len + extra)
        capacity = bytes->len + extra;
    uint8_t *data = realloc(bytes->data, capacity);
    if (data == NULL)
        return SPB_NO_MEMORY;
    bytes->data = data;
    bytes->capacity = capacity;
    return SPB_OK;
}

/* See sessionpb/bytes.h. */
enum spb_status spb_bytes_append(struct spb_bytes *bytes, const void *data, size_t len)
{
    enum spb_status status = spb_bytes_reserve(bytes, len);

    if (status != SPB_OK || len == 0)
        return status;
    memcpy(bytes->data + bytes->len, data, len);
    bytes->len += len;
    return SPB_OK;
}

bool spb_bytes_pad(struct spb_bytes *bytes)
{
    if (spb_bytes_reserve(bytes, SPB_PADDING) != SPB_OK)
        return false;
    memset(bytes->data + bytes->len, 0, SPB_PADDING);
    return true;
}

enum spb_status spb_bytes_copy_padded(struct spb_bytes *bytes, const void *data, size_t len)
{
    bytes->len = 0;
    if (spb_bytes_append(bytes, data, len) != SPB_OK || !spb_bytes_pad(bytes))
        return SPB_NO_MEMORY;
    return SPB_OK;
}

bool spb_out_grow(struct spb_out *out, size_t room)
{
    struct spb_bytes *bytes = out->bytes;
    const size_t len = bytes->len;

    bytes->len = spb_out_offset(out);
    const bool grown = spb_bytes_reserve(bytes, room) == SPB_OK;
    out->at = bytes->data == NULL ? NULL : bytes->data + bytes->len;
    out->end = bytes->data == NULL ? NULL : bytes->data + bytes->capacity;
    bytes->len = len;
    return grown;
}

/* See sessionpb/bytes.h. */
void spb_bytes_release(struct spb_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct spb_bytes){ 0 };
}
