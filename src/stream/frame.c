/*
 * Framing of messages: pure functions over bytes that have arrived.
 */
#include <sessionpb/frame.h>

#include "base/error.h"
#include "base/out.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum { MESSAGE_MAX_DEFAULT = 64 << 20 }; /* document_max of struct spb_limits */

/* See sessionpb/frame.h. */
enum spb_status spb_frame_append(enum spb_framing framing, const void *message, size_t len,
                                 struct spb_bytes *out)
{
    uint8_t length[SPB_VARINT_MAX];
    const uint8_t *const length_end = spb_wire_put_varint(length, len);

    if (framing == SPB_FRAMING_RAW)
        return spb_bytes_append(out, message, len);
    if (len > SIZE_MAX - sizeof length || spb_bytes_reserve(out, sizeof length + len) != SPB_OK)
        return SPB_NO_MEMORY;
    spb_bytes_append(out, length, (size_t)(length_end - length));
    return spb_bytes_append(out, message, len);
}

static enum spb_status need_more(bool ended, size_t len, struct spb_error *error)
{
    if (!ended)
        return spb_error_set(error, SPB_NEED_MORE, len, "the frame has not arrived whole");
    return spb_error_set(error, SPB_NEED_MORE, len, "the stream ends inside a frame");
}

static enum spb_status find_delimited(const uint8_t *data, size_t len, bool ended,
                                      size_t message_max, struct spb_frame *frame_out,
                                      struct spb_error *error)
{
    struct spb_wire_reader reader = { .begin = data };
    uint64_t message_len = 0;
    const uint8_t *const message = spb_wire_varint(&reader, data, data + len, &message_len);

    if (message == NULL && reader.error.status == SPB_NEED_MORE)
        return need_more(ended, len, error);
    if (message == NULL)
        return spb_error_set(error, SPB_BAD_WIRE, 0,
                             "no length of a message stands here: is the input a stream of "
                             "length-delimited messages?");
    if (message_len > message_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "a message of %llu bytes is longer than the limit of %zu",
                             (unsigned long long)message_len, message_max);
    if (message_len > len - (size_t)(message - data))
        return need_more(ended, len, error);
    frame_out->message = message;
    frame_out->message_len = (size_t)message_len;
    frame_out->frame_len = (size_t)(message - data) + (size_t)message_len;
    return SPB_OK;
}

/* See sessionpb/frame.h. */
enum spb_status spb_frame_find(enum spb_framing framing, const void *data, size_t len, int ended,
                               size_t message_max, struct spb_frame *frame_out,
                               struct spb_error *error)
{
    if (message_max == 0)
        message_max = MESSAGE_MAX_DEFAULT;
    if (len == 0 && ended)
        return SPB_END;
    if (len == 0)
        return need_more(false, 0, error);
    if (framing == SPB_FRAMING_DELIMITED)
        return find_delimited(data, len, ended != 0, message_max, frame_out, error);
    if (len > message_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "the message is longer than the limit of %zu bytes", message_max);
    if (!ended)
        return need_more(false, len, error);
    *frame_out = (struct spb_frame){ data, len, len };
    return SPB_OK;
}
