#ifndef SESSIONPB_FRAME_H
#define SESSIONPB_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/bytes.h>
#include <sessionpb/status.h>

SPB_BEGIN_DECLS

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

/* One frame, where it was found. */
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
 * SPB_BAD_WIRE (no length stands here), SPB_TOO_LARGE (the length is above message_max).
 */
enum spb_status spb_frame_find(enum spb_framing framing, const void *data, size_t len, bool ended,
                               size_t message_max, struct spb_frame *frame_out,
                               struct spb_error *error);

/*
 * A stream of frames: push bytes as they arrive, in pieces of any size, and pull messages. It knows
 * nothing of where they come from, so it fits blocking reads and every event loop.
 *
 * Zero-initialise it, set the first two members, and release it with spb_frames_release(). Its memory
 * grows with what has arrived and was not pulled, to twice of that, one piece and the padding, and
 * never because a length says so. It is kept for what comes next, until spb_frames_shrink().
 */
struct spb_frames {
    enum spb_framing framing; /* of the stream */
    size_t message_max;       /* bytes of a message; 0 for the default of struct spb_limits */
    bool ended;               /* no more will arrive: set it then */
    uint64_t offset;          /* of the first byte that was not pulled, in the stream */
    size_t used; /* bytes of `arrived` that were pulled; with `offset` it may be moved on
                                 over bytes that are no frame */
    struct spb_bytes arrived; /* those from `used` on were not */
};

/* Give space for the next piece: *space_out, of *len_out bytes, at least `piece`. Write into it, then
   commit that. Messages that were pulled are gone by then. SPB_OK or SPB_NO_MEMORY (then what is
   pending stays). */
enum spb_status spb_frames_space(struct spb_frames *frames, size_t piece, uint8_t **space_out,
                                 size_t *len_out);
void spb_frames_commit(struct spb_frames *frames, size_t len); /* so many were written; 0 is fine */

/*
 * Pull the next message: *message_out is borrowed, stays where it is while others are pulled, and is
 * gone with the next space, shrink or release. It has SPB_PADDING readable bytes behind it: of the
 * stream, or zeros behind what has arrived.
 *
 * SPB_OK; SPB_NEED_MORE (once `ended`: the stream is cut short); SPB_END (`ended`, and between two
 * frames); SPB_BAD_WIRE and SPB_TOO_LARGE as of spb_frame_find(), on every further call again. The
 * error's offset counts in the stream.
 */
enum spb_status spb_frames_next(struct spb_frames *frames, const uint8_t **message_out,
                                size_t *len_out, struct spb_error *error);

/* Bytes that have arrived and were not pulled. */
size_t spb_frames_pending(const struct spb_frames *frames);

/* Keep no more memory than the pending bytes and the padding take, of a stream that is silent for
   now; none where nothing is pending. */
void spb_frames_shrink(struct spb_frames *frames);
void spb_frames_release(struct spb_frames *frames); /* frees the memory and zeroes the struct */

/*
 * Tell the framing of a stream of sessions by its first bytes: 0x00 begins a BE32 length, 0x0a a
 * list or a bare message (the field behind the first tells which), anything else is a delimited
 * length. What this cannot tell: a delimited stream whose first message has 0 or 10 bytes, which no
 * session with its required members has; and a bare message of nothing but an id, which is taken
 * for a list.
 *
 * SPB_OK, or SPB_NEED_MORE (not with `ended`).
 */
enum spb_status spb_frame_detect(const void *data, size_t len, bool ended,
                                 enum spb_framing *framing_out);

/* What a stream looks like by its first bytes, for an error message: a constant such as "gzip data",
   "JSON text" or "UTF-16 text"; NULL where it looks like nothing that is known. */
const char *spb_looks_like(const void *data, size_t len);

SPB_END_DECLS
#endif
