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
    SPB_FRAMING_DELIMITED, /* its length as a varint, then the message: what Java, Go, C++ and Python
                              call delimited */
    SPB_FRAMING_LIST,      /* 0x0a, its length as a varint, the message: the stream is one valid
                              SessionListing */
    SPB_FRAMING_BE32,      /* its length in 4 bytes, most significant first, then the message */
    SPB_FRAMING_RAW        /* the message alone: exactly one, and the stream's end is its end */
};

/* Appends one message as a frame. SPB_OK, SPB_NO_MEMORY, or SPB_TOO_LARGE (4 GiB do not fit BE32);
   on failure `out` is unchanged. */
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

/*
 * Tell the framing of a stream of sessions by its first bytes: 0x00 begins a BE32 length, 0x0a a
 * list or a bare message (the field behind the first tells which), anything else is a delimited
 * length. What this cannot tell: a delimited stream whose first message has 0 or 10 bytes, which no
 * session with its required members has; and a bare message of nothing but an id, which is taken
 * for a list.
 *
 * SPB_OK, or SPB_NEED_MORE (not with `ended`).
 */
enum spb_status spb_frame_detect(const void *data, size_t len, int ended,
                                 enum spb_framing *framing_out);

/*
 * What a stream looks like by its first bytes, for an error message: a constant such as "gzip data",
 * "JSON text" or "UTF-16 text"; NULL where it looks like nothing that is known.
 */
const char *spb_looks_like(const void *data, size_t len);

#ifdef __cplusplus
}
#endif

#endif
