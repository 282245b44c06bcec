/*
 * Frames in what arrives in pieces. What to expect is written down while a stream is made, by
 * arithmetic: no function that reads frames has a part in it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/frame.h>

enum {
    FRAMINGS = 4,
    MESSAGES = 40,
    MESSAGE_LEN_MAX = 70000,
    VARINT_MAX = 10,
    WRONG_MAX = 16,
    CHUNKINGS = 30
};

static const enum spb_framing framings[FRAMINGS] = { SPB_FRAMING_DELIMITED, SPB_FRAMING_LIST,
                                                     SPB_FRAMING_BE32, SPB_FRAMING_RAW };

/* As ck_assert(), which is too slow to be called for each byte. */
#define must(condition) \
    ((condition) ? (void)0 : ck_abort_msg("%s, in line %d", #condition, __LINE__))

/* ---- Streams, and what is in them. ---- */

static uint32_t random_state;

/* Evenly from 0 to count - 1. */
static size_t random_below(size_t count)
{
    random_state = random_state * 1664525 + 1013904223;
    return (size_t)((uint64_t)random_state * count >> 32);
}

struct expected {
    size_t at; /* of the message in the stream */
    size_t len;
};

struct stream {
    enum spb_framing framing;
    size_t message_max;
    struct spb_bytes bytes;
    struct expected messages[MESSAGES];
    size_t count;
    enum spb_status last; /* what comes behind the last message, once all has arrived */
    size_t last_at;       /* the error's place, unless it is SPB_END */
};

static void put(struct stream *stream, const void *data, size_t len)
{
    must(spb_bytes_append(&stream->bytes, data, len) == SPB_OK);
}

static void put_byte(struct stream *stream, size_t byte)
{
    const uint8_t value = (uint8_t)byte;

    put(stream, &value, 1);
}

static void put_varint(struct stream *stream, uint64_t value)
{
    for (; value >= 128; value /= 128)
        put_byte(stream, (size_t)(value % 128 + 128));
    put_byte(stream, (size_t)value);
}

static void put_header(struct stream *stream, uint64_t len)
{
    if (stream->framing == SPB_FRAMING_LIST)
        put_byte(stream, 0x0a);
    if (stream->framing == SPB_FRAMING_LIST || stream->framing == SPB_FRAMING_DELIMITED)
        put_varint(stream, len);
    if (stream->framing == SPB_FRAMING_BE32) {
        for (uint64_t unit = 1 << 24; unit > 0; unit /= 256)
            put_byte(stream, (size_t)(len / unit % 256));
    }
}

static void put_message(struct stream *stream, size_t len)
{
    put_header(stream, len);
    stream->messages[stream->count++] = (struct expected){ stream->bytes.len, len };
    for (size_t i = 0; i < len; i++)
        put_byte(stream, random_below(256));
}

static size_t random_len(void)
{
    static const size_t special[] = { 0, 1, 2, 63, 64, 65, 127, 128, 129, 16383, 16384 };

    switch (random_below(20)) {
    case 0:
        return random_below(MESSAGE_LEN_MAX);
    case 1:
    case 2:
        return special[random_below(sizeof special / sizeof special[0])];
    default:
        return random_below(400);
    }
}

/* A whole stream: many messages, or the one that a raw stream has. */
static struct stream make_stream(enum spb_framing framing)
{
    struct stream stream = { .framing = framing, .last = SPB_END };

    if (framing == SPB_FRAMING_RAW)
        put_message(&stream, 1 + random_len());
    while (framing != SPB_FRAMING_RAW && stream.count < MESSAGES)
        put_message(&stream, random_len());
    return stream;
}

static void release(struct stream *stream)
{
    spb_bytes_release(&stream->bytes);
}

/* ---- Pushing and pulling. ---- */

/* A stream on its way through the functions under test. */
struct run {
    const struct stream *stream;
    struct spb_frames frames;
    size_t pushed; /* bytes */
    size_t pulled; /* messages */
};

static struct run begin(const struct stream *stream)
{
    return (
        struct run){ .stream = stream,
                     .frames = { .framing = stream->framing, .message_max = stream->message_max } };
}

static void assert_zeros_behind(const struct spb_frames *frames)
{
    static const uint8_t zeros[SPB_PADDING];

    must(frames->arrived.capacity >= frames->arrived.len + SPB_PADDING);
    must(memcmp(frames->arrived.data + frames->arrived.len, zeros, SPB_PADDING) == 0);
}

/* Pushes `len` bytes into space for `piece`, all of which is written to. */
static void push_into(struct run *run, size_t piece, size_t len)
{
    struct spb_frames *const frames = &run->frames;
    uint8_t *space = NULL;
    size_t room = 0;

    must(spb_frames_space(frames, piece, &space, &room) == SPB_OK);
    must(room >= piece);
    memset(space, '?', piece);
    if (len > 0)
        memcpy(space, run->stream->bytes.data + run->pushed, len);
    spb_frames_commit(frames, len);
    run->pushed += len;
    assert_zeros_behind(frames);
}

static void push(struct run *run, size_t len)
{
    const size_t left = run->stream->bytes.len - run->pushed;

    push_into(run, len, len < left ? len : left);
}

/* Pulls a message, which is the next of the stream; or returns why there is none. */
static enum spb_status pull(struct run *run, struct spb_error *error)
{
    const struct spb_frames before = run->frames;
    const uint8_t *message = NULL;
    size_t len = 17;

    const enum spb_status status = spb_frames_next(&run->frames, &message, &len, error);
    must(run->frames.offset + spb_frames_pending(&run->frames) == run->pushed);
    if (status != SPB_OK) {
        must(message == NULL);
        must(len == 17);
        must(run->frames.offset == before.offset);
        must(run->frames.used == before.used);
        must(run->frames.arrived.len == before.arrived.len);
        return status;
    }
    must(run->pulled < run->stream->count);
    const struct expected *const expected = &run->stream->messages[run->pulled++];
    must(len == expected->len);
    must(run->frames.offset == expected->at + expected->len);
    must(memcmp(message, run->stream->bytes.data + expected->at, len) == 0);
    must((size_t)(run->frames.arrived.data + run->frames.arrived.capacity - message) >=
         len + SPB_PADDING);
    return SPB_OK;
}

static void pull_all(struct run *run)
{
    struct spb_error error = { .status = SPB_OK };
    enum spb_status status;

    while ((status = pull(run, &error)) == SPB_OK)
        continue;
    if (status == SPB_NEED_MORE)
        must(error.offset == run->pushed);
    else
        must(status == run->stream->last);
}

/* All has arrived and was pulled: how it ends, however often one asks. */
static void assert_last(struct run *run)
{
    const struct stream *const stream = run->stream;

    must(run->pushed == stream->bytes.len);
    run->frames.ended = true;
    if (stream->framing == SPB_FRAMING_RAW && run->pulled < stream->count)
        must(pull(run, NULL) == SPB_OK);
    must(run->pulled == stream->count);
    for (unsigned i = 0; i < 3; i++) {
        struct spb_error error = { .status = SPB_OK };
        must(pull(run, &error) == stream->last);
        must(error.status == (stream->last == SPB_END ? SPB_OK : stream->last));
        must(error.offset == (stream->last == SPB_END ? 0 : stream->last_at));
        must(pull(run, NULL) == stream->last);
    }
    spb_frames_release(&run->frames);
}

static void check_in_pieces_of(const struct stream *stream, size_t piece)
{
    struct run run = begin(stream);

    pull_all(&run);
    while (run.pushed < stream->bytes.len) {
        push(&run, piece);
        pull_all(&run);
    }
    assert_last(&run);
}

/* Pieces of random lengths, none among them, pulled at random times, shrunk now and then. */
static void check_at_random(const struct stream *stream)
{
    const size_t piece_max = (size_t)1 << random_below(18);
    struct run run = begin(stream);

    while (run.pushed < stream->bytes.len) {
        push(&run, random_below(piece_max + 1));
        if (random_below(2) == 0)
            (void)pull(&run, NULL);
        if (random_below(4) == 0)
            pull_all(&run);
        if (random_below(8) == 0)
            spb_frames_shrink(&run.frames);
    }
    pull_all(&run);
    assert_last(&run);
}

static void check_stream(const struct stream *stream)
{
    check_in_pieces_of(stream, 1);
    check_in_pieces_of(stream, stream->bytes.len + 1);
    for (unsigned i = 0; i < CHUNKINGS; i++)
        check_at_random(stream);
}

/* ---- Whatever the pieces. ---- */

START_TEST(pieces_never_change_the_messages)
{
    random_state = 1;
    struct stream stream = make_stream(framings[_i]);

    check_stream(&stream);
    release(&stream);
}
END_TEST

START_TEST(a_stream_that_is_cut_short_needs_more)
{
    random_state = 2;
    struct stream stream = make_stream(framings[_i]);
    const struct expected *const last = &stream.messages[stream.count - 1];

    if (stream.framing != SPB_FRAMING_RAW) { /* of which every beginning is a message */
        put_header(&stream, 300);
        put(&stream, "cut", 3);
        stream.last = SPB_NEED_MORE;
        stream.last_at = stream.bytes.len;
        check_stream(&stream);

        stream.bytes.len = last->at + last->len + 1;
        stream.last_at = stream.bytes.len;
        check_stream(&stream);
    }
    release(&stream);
}
END_TEST

/* What cannot begin a frame. */
static const struct {
    enum spb_framing framing;
    enum spb_status status;
    size_t message_max;
    size_t len;
    const char *bytes;
} wrong[] = {
    { SPB_FRAMING_DELIMITED, SPB_BAD_WIRE, 0, 10, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02" },
    { SPB_FRAMING_DELIMITED, SPB_TOO_LARGE, 0, 4, "\x81\x80\x80\x20" },
    { SPB_FRAMING_DELIMITED, SPB_TOO_LARGE, MESSAGE_LEN_MAX, 3, "\xf1\xa2\x04" },
    { SPB_FRAMING_LIST, SPB_BAD_WIRE, 0, 1, "\x12" },
    { SPB_FRAMING_LIST, SPB_BAD_WIRE, 0, 11, "\n\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02" },
    { SPB_FRAMING_LIST, SPB_TOO_LARGE, 0, 5, "\n\x81\x80\x80\x20" },
    { SPB_FRAMING_BE32, SPB_TOO_LARGE, 0, 4, "\x04\0\0\x01" },
    { SPB_FRAMING_BE32, SPB_TOO_LARGE, 0, 4, "\xff\xff\xff\xff" },
};

enum { WRONG = sizeof wrong / sizeof wrong[0] };

static struct stream make_wrong_stream(size_t index)
{
    struct stream stream = make_stream(wrong[index].framing);

    stream.message_max = wrong[index].message_max;
    stream.last = wrong[index].status;
    stream.last_at = stream.bytes.len;
    put(&stream, wrong[index].bytes, wrong[index].len);
    return stream;
}

START_TEST(an_error_has_its_place_in_the_stream_and_stays)
{
    random_state = 3;
    struct stream stream = make_wrong_stream((size_t)_i);

    check_stream(&stream);
    for (size_t i = 0; i < 1000; i++)
        put_byte(&stream, i % 2); /* of which nothing is found: the stream stays where it is */
    check_stream(&stream);
    release(&stream);
}
END_TEST

START_TEST(a_raw_message_above_the_limit_is_refused_where_it_begins)
{
    struct stream stream = { .framing = SPB_FRAMING_RAW, .message_max = 100 };

    put_message(&stream, 100);
    stream.last = SPB_END;
    check_stream(&stream);

    put_byte(&stream, 'x');
    stream.count = 0;
    stream.last = SPB_TOO_LARGE;
    check_stream(&stream);
    release(&stream);
}
END_TEST

START_TEST(an_empty_stream_ends)
{
    const struct stream stream = { .framing = framings[_i], .last = SPB_END };
    struct run run = begin(&stream);
    struct run unused = begin(&stream);

    ck_assert_int_eq(pull(&run, NULL), SPB_NEED_MORE);
    push(&run, 100);
    ck_assert_int_eq(pull(&run, NULL), SPB_NEED_MORE);
    assert_last(&run);
    assert_last(&unused);
}
END_TEST

START_TEST(messages_stay_while_others_are_pulled)
{
    random_state = 4;
    struct stream stream = make_stream(SPB_FRAMING_DELIMITED);
    struct run run = begin(&stream);
    const uint8_t *messages[MESSAGES];
    size_t len;

    push(&run, stream.bytes.len);
    for (size_t i = 0; i < MESSAGES; i++)
        ck_assert_int_eq(spb_frames_next(&run.frames, &messages[i], &len, NULL), SPB_OK);
    for (size_t i = 0; i < MESSAGES; i++)
        ck_assert_int_eq(
            memcmp(messages[i], stream.bytes.data + stream.messages[i].at, stream.messages[i].len),
            0);
    spb_frames_release(&run.frames);
    release(&stream);
}
END_TEST

/* ---- Memory, of which frames_memory_test.c tells how much. ---- */

START_TEST(shrinking_keeps_what_is_pending)
{
    random_state = 5;
    struct stream stream = make_stream(SPB_FRAMING_BE32);

    for (unsigned i = 0; i < 200; i++) {
        struct run run = begin(&stream);
        push_into(&run, MESSAGE_LEN_MAX, 1 + random_below(5000));
        for (size_t count = random_below(5); count > 0; count--)
            (void)pull(&run, NULL);
        const size_t pending = spb_frames_pending(&run.frames);
        spb_frames_shrink(&run.frames);
        ck_assert_uint_eq(spb_frames_pending(&run.frames), pending);
        ck_assert_uint_eq(run.frames.arrived.capacity, pending == 0 ? 0 : pending + SPB_PADDING);
        if (pending > 0)
            assert_zeros_behind(&run.frames);
        spb_frames_shrink(&run.frames);
        pull_all(&run);
        push(&run, stream.bytes.len);
        pull_all(&run);
        assert_last(&run);
    }
    release(&stream);
}
END_TEST

START_TEST(shrinking_frees_what_is_not_used)
{
    struct stream stream = { .framing = SPB_FRAMING_LIST, .last = SPB_END };
    put_message(&stream, 50);
    put_message(&stream, 60);
    struct run run = begin(&stream);

    spb_frames_shrink(&run.frames);
    push_into(&run, 1000, 52);
    ck_assert_int_eq(pull(&run, NULL), SPB_OK);
    spb_frames_shrink(&run.frames);
    ck_assert_ptr_null(run.frames.arrived.data);
    ck_assert_uint_eq(run.frames.arrived.capacity + run.frames.used, 0);
    ck_assert_uint_eq(run.frames.offset, 52);
    ck_assert_int_eq(pull(&run, NULL), SPB_NEED_MORE);
    push(&run, 100);
    ck_assert_int_eq(pull(&run, NULL), SPB_OK);
    assert_last(&run);
    release(&stream);
}
END_TEST

START_TEST(space_that_cannot_be_had_changes_nothing)
{
    static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - SPB_PADDING, SIZE_MAX / 2,
                                    SIZE_MAX / 4 + 1 };
    struct stream stream = { .framing = SPB_FRAMING_DELIMITED, .last = SPB_END };
    put_message(&stream, 10);
    put_message(&stream, 20);
    struct run run = begin(&stream);
    uint8_t *space = NULL;
    size_t len = 17;

    for (unsigned i = 0; i < 2; i++) {
        for (size_t at = 0; at < sizeof sizes / sizeof sizes[0]; at++)
            ck_assert_int_eq(spb_frames_space(&run.frames, sizes[at], &space, &len), SPB_NO_MEMORY);
        ck_assert_ptr_null(space);
        ck_assert_uint_eq(len, 17);
        if (i == 0) {
            push(&run, 25);
            ck_assert_int_eq(pull(&run, NULL), SPB_OK);
        }
    }
    push(&run, 100);
    ck_assert_int_eq(pull(&run, NULL), SPB_OK);
    assert_last(&run);
    release(&stream);
}
END_TEST

START_TEST(nothing_may_be_asked_for_and_committed)
{
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    uint8_t *space = NULL;
    size_t len;

    ck_assert_int_eq(spb_frames_space(&frames, 0, &space, &len), SPB_OK);
    ck_assert_ptr_nonnull(space);
    spb_frames_commit(&frames, 0);
    assert_zeros_behind(&frames);
    spb_frames_release(&frames);
}
END_TEST

START_TEST(releasing_zeroes_the_struct)
{
    static const struct spb_frames zero;
    struct spb_frames frames = { .framing = SPB_FRAMING_BE32, .message_max = 5, .ended = true };
    uint8_t *space;
    size_t len;

    ck_assert_int_eq(spb_frames_space(&frames, 10, &space, &len), SPB_OK);
    memset(space, 0, 10);
    spb_frames_commit(&frames, 10);
    ck_assert_uint_eq(spb_frames_pending(&frames), 10);
    for (unsigned i = 0; i < 2; i++) {
        spb_frames_release(&frames);
        ck_assert_int_eq(frames.framing, zero.framing);
        ck_assert_uint_eq(frames.message_max + frames.offset + frames.used, 0);
        ck_assert(!frames.ended && frames.arrived.data == NULL && frames.arrived.capacity == 0);
        ck_assert_uint_eq(spb_frames_pending(&frames), 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frames in pieces");
    TCase *tcase = tcase_create("frames");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, pieces_never_change_the_messages, 0, FRAMINGS);
    tcase_add_loop_test(tcase, a_stream_that_is_cut_short_needs_more, 0, FRAMINGS);
    tcase_add_loop_test(tcase, an_error_has_its_place_in_the_stream_and_stays, 0, WRONG);
    tcase_add_test(tcase, a_raw_message_above_the_limit_is_refused_where_it_begins);
    tcase_add_loop_test(tcase, an_empty_stream_ends, 0, FRAMINGS);
    tcase_add_test(tcase, messages_stay_while_others_are_pulled);
    tcase_add_test(tcase, shrinking_keeps_what_is_pending);
    tcase_add_test(tcase, shrinking_frees_what_is_not_used);
    tcase_add_test(tcase, space_that_cannot_be_had_changes_nothing);
    tcase_add_test(tcase, nothing_may_be_asked_for_and_committed);
    tcase_add_test(tcase, releasing_zeroes_the_struct);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
