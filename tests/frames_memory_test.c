/*
 * What a stream of frames costs, however it arrives: memory, and bytes that are moved in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/frame.h>

enum { FRAMINGS = 4, HEADER_MAX = 6, MESSAGE_MAX_DEFAULT = 64 << 20 };

static const enum spb_framing framings[FRAMINGS] = { SPB_FRAMING_DELIMITED, SPB_FRAMING_LIST,
                                                     SPB_FRAMING_BE32, SPB_FRAMING_RAW };

/* As ck_assert(), which is too slow to be called for each byte. */
#define must(condition) \
    ((condition) ? (void)0 : ck_abort_msg("%s, in line %d", #condition, __LINE__))

/* Writes what stands before a message. Returns its bytes. */
static size_t write_header(enum spb_framing framing, uint32_t len, uint8_t out[HEADER_MAX])
{
    size_t at = 0;

    if (framing == SPB_FRAMING_RAW)
        return 0;
    if (framing == SPB_FRAMING_BE32) {
        for (uint32_t unit = 1 << 24; unit > 0; unit /= 256)
            out[at++] = (uint8_t)(len / unit);
        return at;
    }
    if (framing == SPB_FRAMING_LIST)
        out[at++] = 0x0a;
    for (; len >= 128; len /= 128)
        out[at++] = (uint8_t)(len % 128 + 128);
    out[at++] = (uint8_t)len;
    return at;
}

struct cost {
    uint64_t moved;      /* bytes that making space has moved */
    size_t pending_max;  /* bytes */
    size_t capacity_max; /* bytes */
    size_t pulled;       /* messages */
};

/* Pushes bytes, zeros if data is NULL, into space for `piece`. */
static void push(struct spb_frames *frames, size_t piece, const uint8_t *data, size_t len,
                 struct cost *cost)
{
    const struct spb_frames before = *frames;
    uint8_t *space;
    size_t room;

    must(spb_frames_space(frames, piece, &space, &room) == SPB_OK && room >= piece);
    if (frames->arrived.data != before.arrived.data || frames->used != before.used ||
        frames->arrived.capacity != before.arrived.capacity)
        cost->moved += spb_frames_pending(frames);
    if (data != NULL)
        memcpy(space, data, len);
    else
        memset(space, 0, len);
    spb_frames_commit(frames, len);
    if (spb_frames_pending(frames) > cost->pending_max)
        cost->pending_max = spb_frames_pending(frames);
    if (frames->arrived.capacity > cost->capacity_max)
        cost->capacity_max = frames->arrived.capacity;
}

static enum spb_status pull(struct spb_frames *frames, struct cost *cost)
{
    const uint8_t *message;
    size_t len;

    const enum spb_status status = spb_frames_next(frames, &message, &len, NULL);
    cost->pulled += status == SPB_OK;
    return status;
}

/* A header alone: the capacity tells whether somebody believed it. */
START_TEST(no_memory_is_taken_for_a_length)
{
    static const uint32_t lengths[] = { 1000000, MESSAGE_MAX_DEFAULT, MESSAGE_MAX_DEFAULT + 1,
                                        UINT32_MAX };

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const enum spb_status expected =
            lengths[i] > MESSAGE_MAX_DEFAULT ? SPB_TOO_LARGE : SPB_NEED_MORE;
        struct spb_frames frames = { .framing = framings[_i] };
        struct cost cost = { 0 };
        uint8_t header[HEADER_MAX];
        const size_t len = write_header(framings[_i], lengths[i], header);
        push(&frames, len, header, len, &cost);
        ck_assert_int_eq(pull(&frames, &cost), expected);
        push(&frames, len, header, 0, &cost);
        ck_assert_int_eq(pull(&frames, &cost), expected);
        ck_assert_uint_le(cost.capacity_max, 3 * len + SPB_PADDING);
        spb_frames_release(&frames);
    }
}
END_TEST

/* Of a message that arrives in pieces of `len` bytes, into space for more. */
static void assert_little_is_moved(enum spb_framing framing, size_t piece, size_t len)
{
    enum { MESSAGE_LEN = 4 << 20 };
    struct spb_frames frames = { .framing = framing };
    struct cost cost = { 0 };
    uint8_t header[HEADER_MAX];

    push(&frames, piece, header, write_header(framing, MESSAGE_LEN, header), &cost);
    for (size_t left = MESSAGE_LEN; left > 0; left -= len < left ? len : left) {
        must(pull(&frames, &cost) == SPB_NEED_MORE);
        push(&frames, piece, NULL, len < left ? len : left, &cost);
    }
    frames.ended = true;
    must(pull(&frames, &cost) == SPB_OK);
    ck_assert_uint_le(cost.moved, 2 * MESSAGE_LEN);
    ck_assert_uint_le(cost.capacity_max, 2 * cost.pending_max + piece + SPB_PADDING);
    spb_frames_release(&frames);
}

START_TEST(a_long_message_in_small_pieces_is_moved_seldom)
{
    assert_little_is_moved(framings[_i], 16, 1);
    assert_little_is_moved(framings[_i], 65536, 1);
    assert_little_is_moved(framings[_i], 65536, 1500);
    assert_little_is_moved(framings[_i], 65536, 65536);
}
END_TEST

/* The reader lags behind: much is pending while messages, of no bytes, are pulled one by one. */
START_TEST(much_that_is_pending_is_moved_seldom)
{
    enum { PENDING = 1 << 20, STEPS = PENDING / 2 };
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct cost cost = { 0 };

    push(&frames, PENDING, NULL, PENDING, &cost);
    for (size_t i = 0; i < STEPS; i++) {
        push(&frames, 64, NULL, i % 2, &cost);
        must(pull(&frames, &cost) == SPB_OK);
    }
    ck_assert_uint_eq(cost.pulled, STEPS);
    ck_assert_uint_le(cost.moved, 2 * PENDING);
    ck_assert_uint_le(cost.capacity_max, 2 * cost.pending_max + PENDING + SPB_PADDING);
    spb_frames_release(&frames);
}
END_TEST

/* Frames of 301 bytes in pieces of 1000: every beginning of a frame has been left over once. */
START_TEST(memory_is_taken_once)
{
    enum { ROUNDS = 1000, WARM = 400, PIECE = 1000, FRAME = 301 };
    uint8_t stream[PIECE + FRAME] = { 0 };
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct spb_bytes warm = { 0 };
    struct cost cost = { 0 };

    for (size_t at = 0; at + HEADER_MAX <= sizeof stream; at += FRAME)
        write_header(SPB_FRAMING_DELIMITED, FRAME - 2, stream + at);
    for (size_t round = 0; round < ROUNDS; round++) {
        push(&frames, PIECE, stream + round * PIECE % FRAME, PIECE, &cost);
        if (round == WARM)
            warm = frames.arrived;
        must(round < WARM || frames.arrived.data == warm.data);
        must(round < WARM || frames.arrived.capacity == warm.capacity);
        while (pull(&frames, &cost) == SPB_OK)
            continue;
    }
    ck_assert_uint_eq(cost.pulled, ROUNDS * PIECE / FRAME);
    ck_assert_uint_le(cost.capacity_max, 2 * FRAME + PIECE + SPB_PADDING);
    spb_frames_release(&frames);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory of frames");
    TCase *tcase = tcase_create("memory");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, no_memory_is_taken_for_a_length, 0, FRAMINGS - 1);
    tcase_add_loop_test(tcase, a_long_message_in_small_pieces_is_moved_seldom, 0, FRAMINGS);
    tcase_add_test(tcase, much_that_is_pending_is_moved_seldom);
    tcase_add_test(tcase, memory_is_taken_once);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
