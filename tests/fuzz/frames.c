/*
 * Frames. The same messages come out whether a stream is there whole, arrives in the pieces that the
 * input says, or is searched frame by frame; and none is longer than was asked for.
 */
#include "fuzz.h"

enum { PIECES_MAX = 16, FRAMINGS = 4 };

struct reading {
    enum spb_framing framing;
    size_t message_max;
    uint8_t lens[PIECES_MAX]; /* of pieces, less one, taken in turn */
    size_t pieces;            /* 0: all at once */
    bool shrinks;             /* after every piece */
};

static void log_message(struct spb_bytes *log, const uint8_t *message, size_t len)
{
    fuzz_append(log, &len, sizeof len);
    fuzz_append(log, message, len);
}

static void log_end(struct spb_bytes *log, enum spb_status status, const struct spb_error *error,
                    uint64_t at)
{
    if (status != SPB_END) {
        fuzz_check_error(error, status);
        fuzz_append(log, error->reason, strlen(error->reason));
        fuzz_append(log, &error->offset, sizeof error->offset);
    }
    fuzz_append(log, &status, sizeof status);
    fuzz_append(log, &at, sizeof at);
}

/* Pushes the next piece of the stream, or its end. */
static void push(struct spb_frames *frames, const struct reading *how, struct fuzz_input *stream,
                 size_t *turn)
{
    uint8_t *space;
    size_t room;
    size_t len = how->pieces == 0 ? stream->len : how->lens[(*turn)++ % how->pieces] + 1u;

    if (stream->len == 0) {
        frames->ended = true;
        return;
    }
    len = len < stream->len ? len : stream->len;
    fuzz_must(spb_frames_space(frames, len, &space, &room) == SPB_OK && room >= len);
    memcpy(space, stream->at, len);
    spb_frames_commit(frames, len);
    stream->at += len;
    stream->len -= len;
    if (how->shrinks)
        spb_frames_shrink(frames);
}

/* All messages of the stream, and how it ends. */
static void pull_all(const struct reading *how, struct fuzz_input stream, struct spb_bytes *log)
{
    struct spb_frames frames = { .framing = how->framing, .message_max = how->message_max };
    struct spb_error error;
    const uint8_t *message = NULL;
    size_t turn = 0;
    size_t len = 0;
    uint8_t sum = 0;
    enum spb_status status;

    for (;;) {
        status = spb_frames_next(&frames, &message, &len, &error);
        if (status == SPB_OK) {
            fuzz_must(how->message_max == 0 || len <= how->message_max);
            for (size_t i = 0; i < SPB_PADDING; i++) /* AddressSanitizer looks at these reads */
                sum ^= message[len + i];
            log_message(log, message, len);
        } else if (status == SPB_NEED_MORE && !frames.ended) {
            push(&frames, how, &stream, &turn);
        } else {
            break;
        }
    }
    static volatile uint8_t read;
    read = sum;
    (void)read;
    log_end(log, status, &error, frames.offset);
    fuzz_must(spb_frames_next(&frames, &message, &len, NULL) == status);
    spb_frames_release(&frames);
}

/* The same by spb_frame_find() alone. What it finds, written again, is found again. */
static void find_all(const struct reading *how, struct fuzz_input stream, struct spb_bytes *log)
{
    struct spb_bytes again = { 0 };
    struct spb_frame frame;
    struct spb_frame same;
    struct spb_error error;
    enum spb_status status;
    uint64_t at = 0;

    for (;;) {
        uint8_t *const rest = fuzz_copy(stream.at + at, stream.len - (size_t)at, false);
        status = spb_frame_find(how->framing, rest, stream.len - (size_t)at, true, how->message_max,
                                &frame, &error);
        if (status == SPB_OK) {
            fuzz_must(frame.message >= rest && frame.frame_len <= stream.len - at);
            fuzz_must(frame.message + frame.message_len == rest + frame.frame_len);
            log_message(log, frame.message, frame.message_len);
            again.len = 0;
            fuzz_must(spb_frame_append(how->framing, frame.message, frame.message_len, &again) ==
                      SPB_OK);
            fuzz_must(again.len <= frame.frame_len);
            if (again.len > 0) {
                fuzz_must(spb_frame_find(how->framing, again.data, again.len, true,
                                         how->message_max, &same, NULL) == SPB_OK);
                fuzz_must(same.frame_len == again.len && same.message_len == frame.message_len);
            }
            at += frame.frame_len;
        }
        free(rest);
        if (status != SPB_OK || frame.frame_len == 0)
            break;
    }
    error.offset += (size_t)at;
    log_end(log, status, &error, at);
    spb_bytes_release(&again);
}

/* A framing that was told by the first bytes stays the same with more of them. */
static void check_detection(const struct fuzz_input *stream)
{
    enum spb_framing all = SPB_FRAMING_DELIMITED;
    enum spb_framing some = SPB_FRAMING_DELIMITED;

    fuzz_must(spb_frame_detect(stream->at, stream->len, true, &all) == SPB_OK);
    for (size_t len = 0; len <= stream->len && len <= 32; len++) {
        uint8_t *const copy = fuzz_copy(stream->at, len, false);
        const char *const looks = spb_looks_like(copy, len);
        fuzz_must(looks == NULL || looks[0] != '\0');
        const enum spb_status status = spb_frame_detect(copy, len, false, &some);
        fuzz_must(status == SPB_NEED_MORE || (status == SPB_OK && some == all));
        free(copy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum spb_framing framings[FRAMINGS] = { SPB_FRAMING_DELIMITED, SPB_FRAMING_LIST,
                                                         SPB_FRAMING_BE32, SPB_FRAMING_RAW };
    struct fuzz_input input = { data, size };
    struct reading how = { .framing = framings[fuzz_byte(&input) % FRAMINGS] };
    struct spb_bytes logs[3] = { 0 };

    how.message_max = fuzz_byte(&input);
    const uint8_t shape = fuzz_byte(&input);
    find_all(&how, input, &logs[0]);
    pull_all(&how, input, &logs[1]);
    how.shrinks = shape >= 128;
    how.pieces = shape % PIECES_MAX + 1u;
    for (size_t i = 0; i < PIECES_MAX; i++) /* they are part of the stream as well */
        how.lens[i] = i < input.len ? input.at[i] : 0;
    pull_all(&how, input, &logs[2]);
    fuzz_must(fuzz_same(&logs[0], &logs[1]));
    fuzz_must(fuzz_same(&logs[1], &logs[2]));
    check_detection(&input);
    for (size_t i = 0; i < 3; i++)
        spb_bytes_release(&logs[i]);
    return 0;
}
