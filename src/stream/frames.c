/*
 * Frames in what has arrived, wherever it was cut.
 *
 * What is pending is moved only where it is no more than what was pulled before it, or into a buffer
 * of twice its size. So each byte is moved a constant number of times on average, however small the
 * pieces and however long the message.
 */
#include <sessionpb/frame.h>

#include <stdlib.h>
#include <string.h>

/* See sessionpb/frame.h. */
size_t spb_frames_pending(const struct spb_frames *frames)
{
    return frames->arrived.len - frames->used;
}

/* Moves what is pending to the start, with its padding. */
static void compact(struct spb_frames *frames)
{
    struct spb_bytes *const arrived = &frames->arrived;

    if (arrived->data == NULL || frames->used == 0)
        return;
    arrived->len -= frames->used;
    memmove(arrived->data, arrived->data + frames->used, arrived->len + SPB_PADDING);
    frames->used = 0;
}

static enum spb_status resize(struct spb_bytes *arrived, size_t capacity)
{
    uint8_t *const data = realloc(arrived->data, capacity);

    if (data == NULL)
        return SPB_NO_MEMORY;
    arrived->data = data;
    arrived->capacity = capacity;
    return SPB_OK;
}

/* Room for as much again as is pending, and for a piece. */
static enum spb_status grow(struct spb_frames *frames, size_t piece)
{
    const size_t pending = spb_frames_pending(frames);
    const size_t most = SIZE_MAX / 4; /* so that no sum wraps around */

    if (piece > most || pending > most - piece)
        return SPB_NO_MEMORY;
    compact(frames);
    return resize(&frames->arrived, 2 * pending + piece + SPB_PADDING);
}

static size_t room_behind(const struct spb_bytes *arrived, size_t len)
{
    return arrived->data == NULL ? 0 : arrived->capacity - SPB_PADDING - len;
}

/* See sessionpb/frame.h. */
enum spb_status spb_frames_space(struct spb_frames *frames, size_t piece, uint8_t **space_out,
                                 size_t *len_out)
{
    struct spb_bytes *const arrived = &frames->arrived;
    const size_t pending = spb_frames_pending(frames);

    if (frames->used >= pending && room_behind(arrived, pending) >= piece)
        compact(frames);
    if (arrived->data == NULL || room_behind(arrived, arrived->len) < piece) {
        const enum spb_status status = grow(frames, piece);
        if (status != SPB_OK)
            return status;
    }
    *space_out = arrived->data + arrived->len;
    *len_out = room_behind(arrived, arrived->len);
    return SPB_OK;
}

/* See sessionpb/frame.h. */
void spb_frames_commit(struct spb_frames *frames, size_t len)
{
    struct spb_bytes *const arrived = &frames->arrived;

    arrived->len += len;
    memset(arrived->data + arrived->len, 0, SPB_PADDING);
}

/* See sessionpb/frame.h. */
enum spb_status spb_frames_next(struct spb_frames *frames, const uint8_t **message_out,
                                size_t *len_out, struct spb_error *error)
{
    const uint8_t *const arrived = frames->arrived.data; /* NULL as long as nothing has */
    struct spb_frame frame;
    const enum spb_status status = spb_frame_find(
        frames->framing, arrived == NULL ? NULL : arrived + frames->used,
        spb_frames_pending(frames), frames->ended, frames->message_max, &frame, error);

    if (status == SPB_OK) {
        *message_out = frame.message;
        *len_out = frame.message_len;
        frames->used += frame.frame_len;
        frames->offset += frame.frame_len;
    } else if (status != SPB_END && error != NULL) {
        error->offset += (size_t)frames->offset;
    }
    return status;
}

/* See sessionpb/frame.h. */
void spb_frames_shrink(struct spb_frames *frames)
{
    const size_t pending = spb_frames_pending(frames);

    if (pending == 0) {
        spb_bytes_release(&frames->arrived);
        frames->used = 0;
        return;
    }
    compact(frames);
    if (frames->arrived.capacity > pending + SPB_PADDING)
        (void)resize(&frames->arrived, pending + SPB_PADDING); /* or it stays as it is */
}

/* See sessionpb/frame.h. */
void spb_frames_release(struct spb_frames *frames)
{
    spb_bytes_release(&frames->arrived);
    *frames = (struct spb_frames){ 0 };
}
