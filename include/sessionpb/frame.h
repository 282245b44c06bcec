#ifndef SESSIONPB_FRAME_H
#define SESSIONPB_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/bytes.h>
#include <sessionpb/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How messages stand one after another in a stream of bytes. */
enum spb_framing {
    SPB_FRAMING_DELIMITED, /* its length as a varint, then the message: any number of messages */
    SPB_FRAMING_RAW,       /* the message alone: exactly one, and the stream's end is its end */
};

/* Appends one message as a frame. SPB_OK or SPB_NO_MEMORY (then `out` is unchanged). */
enum spb_status spb_frame_append(enum spb_framing framing, const void *message, size_t len,
                                 struct spb_bytes *out);

struct spb_frame {
    const uint8_t *message; /* points into the data that was given */
    size_t message_len;     /* bytes */
    size_t frame_len;       /* bytes of the whole frame, to the start of the next */
};

/*
 * Find the frame at the start of data. Knows nothing of files or sockets: give it what has arrived,
 * and again with more on SPB_NEED_MORE.
 *
 * data, len     what has arrived
 * ended         no more will arrive
 * message_max   bytes of a message; 0 for the default of struct spb_limits
 * frame_out     untouched on failure
 *
 * SPB_OK, SPB_END (ended, and len is 0), SPB_NEED_MORE (with `ended`: the stream is cut short),
 * SPB_BAD_WIRE (no length stands here), SPB_TOO_LARGE (the length is above message_max, which is
 * known before the message has arrived).
 */
enum spb_status spb_frame_find(enum spb_framing framing, const void *data, size_t len, int ended,
                               size_t message_max, struct spb_frame *frame_out,
                               struct spb_error *error);

#ifdef __cplusplus
}
#endif

#endif
