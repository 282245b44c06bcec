/*
 * Frames, held to varints that are written here by arithmetic. What has arrived stands in a buffer
 * of exactly its size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/frame.h>

enum { VARINT_MAX = 10, MESSAGE_MAX_DEFAULT = 64 << 20, LEN_MAX = 3000 };

static const struct spb_frame untouched = { (const uint8_t *)"?", 17, 23 };

/* Writes value as a varint of `count` bytes, or of as few as it takes. Returns their number. */
static size_t write_varint(uint8_t *out, uint64_t value, size_t count)
{
    size_t len = 0;

    do {
        out[len++] = (uint8_t)(value % 128 + 128);
        value /= 128;
    } while (value > 0 || len < count);
    out[len - 1] = (uint8_t)(out[len - 1] - 128);
    return len;
}

/* Looks for a frame in a copy of the bytes that ends where they end. */
static enum spb_status find(enum spb_framing framing, const uint8_t *data, size_t len, int ended,
                            size_t message_max, struct spb_frame *frame)
{
    struct spb_error error = { .status = SPB_OK };
    struct spb_frame again;
    uint8_t *copy = malloc(len == 0 ? 1 : len);

    memcpy(copy, data, len);
    *frame = untouched;
    const enum spb_status status =
        spb_frame_find(framing, copy, len, ended, message_max, frame, &error);
    if (status != SPB_OK) {
        ck_assert_ptr_eq(frame->message, untouched.message);
        ck_assert_uint_eq(frame->message_len, untouched.message_len);
        ck_assert_uint_eq(frame->frame_len, untouched.frame_len);
    } else {
        frame->message = data + (frame->message - copy);
    }
    if (status == SPB_OK || status == SPB_END) {
        ck_assert_int_eq(error.status, SPB_OK);
    } else {
        ck_assert_int_eq(error.status, status);
        ck_assert_str_ne(error.reason, "");
        ck_assert_uint_le(error.offset, len);
        ck_assert_uint_eq(error.line + error.column, 0);
    }
    ck_assert_int_eq(spb_frame_find(framing, copy, len, ended, message_max, &again, NULL), status);
    free(copy);
    return status;
}

static enum spb_status find_length(uint64_t value, size_t count, int ended, size_t message_max)
{
    uint8_t bytes[VARINT_MAX + 2];
    struct spb_frame frame;
    const size_t len = write_varint(bytes, value, count);

    return find(SPB_FRAMING_DELIMITED, bytes, len, ended, message_max, &frame);
}

/* ---- Delimited. ---- */

static const size_t lengths[] = { 0, 1, 2, 126, 127, 128, 129, 300, 0, 0, 1 };

enum { LENGTHS = sizeof lengths / sizeof lengths[0] };

static uint8_t message_bytes[LEN_MAX];

static void set_up(void)
{
    for (size_t i = 0; i < LEN_MAX; i++)
        message_bytes[i] = (uint8_t)(i * 7 + 3);
}

static struct spb_bytes stream_of_frames(size_t ends_out[LENGTHS])
{
    struct spb_bytes stream = { 0 };

    for (size_t i = 0; i < LENGTHS; i++) {
        ck_assert_int_eq(
            spb_frame_append(SPB_FRAMING_DELIMITED, message_bytes, lengths[i], &stream), SPB_OK);
        ends_out[i] = stream.len;
    }
    return stream;
}

START_TEST(a_frame_is_the_length_and_the_message)
{
    for (size_t len = 0; len < LEN_MAX; len++) {
        struct spb_bytes out = { 0 };
        uint8_t length[VARINT_MAX];
        const size_t length_len = write_varint(length, len, 1);
        ck_assert_int_eq(spb_bytes_append(&out, "before", 6), SPB_OK);
        ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, message_bytes, len, &out), SPB_OK);
        ck_assert_uint_eq(out.len, 6 + length_len + len);
        ck_assert_mem_eq(out.data, "before", 6);
        ck_assert_mem_eq(out.data + 6, length, length_len);
        ck_assert_int_eq(memcmp(out.data + 6 + length_len, message_bytes, len), 0);
        spb_bytes_release(&out);
    }
}
END_TEST

START_TEST(a_message_of_length_zero_is_a_frame)
{
    struct spb_bytes out = { 0 };
    struct spb_frame frame;

    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, NULL, 0, &out), SPB_OK);
    ck_assert_uint_eq(out.len, 1);
    ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, out.data, out.len, 0, 0, &frame), SPB_OK);
    ck_assert_uint_eq(frame.message_len, 0);
    ck_assert_uint_eq(frame.frame_len, 1);
    spb_bytes_release(&out);
}
END_TEST

/* Takes frames off the start of what has arrived, to where the next has not arrived whole. */
static void assert_found(const struct spb_bytes *stream, const size_t ends[LENGTHS], size_t arrived,
                         int ended)
{
    size_t at = 0;

    for (size_t i = 0; i < LENGTHS && ends[i] <= arrived; i++) {
        struct spb_frame frame;
        const uint8_t *data = stream->data + at;
        ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, data, arrived - at, ended, 0, &frame), SPB_OK);
        ck_assert_uint_eq(frame.message_len, lengths[i]);
        ck_assert_uint_eq(at + frame.frame_len, ends[i]);
        ck_assert_ptr_eq(frame.message + frame.message_len, stream->data + ends[i]);
        ck_assert_int_eq(memcmp(frame.message, message_bytes, lengths[i]), 0);
        at = ends[i];
    }
    struct spb_frame frame;
    const enum spb_status expected = ended && at == arrived ? SPB_END : SPB_NEED_MORE;
    ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, stream->data + at, arrived - at, ended, 0, &frame),
                     expected);
}

START_TEST(frames_are_found_wherever_the_stream_is_cut)
{
    size_t ends[LENGTHS];
    struct spb_bytes stream = stream_of_frames(ends);

    for (size_t arrived = 0; arrived <= stream.len; arrived++) {
        assert_found(&stream, ends, arrived, 0);
        assert_found(&stream, ends, arrived, 1);
    }
    spb_bytes_release(&stream);
}
END_TEST

/* ---- Lengths. ---- */

START_TEST(a_length_may_take_up_to_ten_bytes)
{
    for (size_t count = 1; count <= VARINT_MAX; count++) {
        uint8_t bytes[VARINT_MAX + 5] = { 0 };
        struct spb_frame frame;
        const size_t len = write_varint(bytes, 5, count);
        ck_assert_uint_eq(len, count);
        for (size_t arrived = 0; arrived < len + 5; arrived++)
            ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, bytes, arrived, 0, 0, &frame),
                             SPB_NEED_MORE);
        ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, bytes, len + 5, 0, 0, &frame), SPB_OK);
        ck_assert_ptr_eq(frame.message, bytes + len);
        ck_assert_uint_eq(frame.message_len, 5);
        ck_assert_uint_eq(frame.frame_len, len + 5);
    }
}
END_TEST

START_TEST(a_length_of_more_than_64_bits_is_none)
{
    static const uint8_t endless[VARINT_MAX + 1] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                                     0x80, 0x80, 0x80, 0x80, 0x00 };
    uint8_t bytes[VARINT_MAX];
    struct spb_frame frame;

    for (int ended = 0; ended < 2; ended++) {
        for (size_t len = 1; len < VARINT_MAX; len++)
            ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, endless, len, ended, 0, &frame),
                             SPB_NEED_MORE);
        ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, endless, VARINT_MAX, ended, 0, &frame),
                         SPB_BAD_WIRE);
        ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, endless, VARINT_MAX + 1, ended, 0, &frame),
                         SPB_BAD_WIRE);
        for (unsigned last = 2; last < 256; last++) {
            memcpy(bytes, endless, VARINT_MAX);
            bytes[VARINT_MAX - 1] = (uint8_t)last;
            ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, bytes, VARINT_MAX, ended, 0, &frame),
                             SPB_BAD_WIRE);
        }
    }
}
END_TEST

START_TEST(a_length_above_the_limit_is_refused_before_the_message_arrives)
{
    static const uint64_t above[] = { MESSAGE_MAX_DEFAULT + 1, UINT64_C(1) << 31, UINT64_C(1) << 32,
                                      (UINT64_C(1) << 32) + 5, UINT64_C(1) << 63, UINT64_MAX };

    for (int ended = 0; ended < 2; ended++) {
        for (size_t i = 0; i < sizeof above / sizeof above[0]; i++)
            ck_assert_int_eq(find_length(above[i], 1, ended, 0), SPB_TOO_LARGE);
        ck_assert_int_eq(find_length(MESSAGE_MAX_DEFAULT, 1, ended, 0), SPB_NEED_MORE);
        ck_assert_int_eq(find_length(100, 1, ended, 100), SPB_NEED_MORE);
        ck_assert_int_eq(find_length(101, 1, ended, 100), SPB_TOO_LARGE);
        ck_assert_int_eq(find_length(101, VARINT_MAX, ended, 100), SPB_TOO_LARGE);
        ck_assert_int_eq(find_length(UINT64_MAX, 1, ended, SIZE_MAX - 1), SPB_TOO_LARGE);
    }
}
END_TEST

/* Nothing is computed that could wrap around. */
START_TEST(the_greatest_limit_does_not_wrap)
{
    ck_assert_int_eq(find_length(SIZE_MAX, 1, 0, SIZE_MAX), SPB_NEED_MORE);
    ck_assert_int_eq(find_length(SIZE_MAX - 9, 1, 1, SIZE_MAX), SPB_NEED_MORE);
    ck_assert_int_eq(find_length(SIZE_MAX / 2 + 1, 1, 0, SIZE_MAX), SPB_NEED_MORE);
}
END_TEST

START_TEST(a_message_as_long_as_the_limit_is_found)
{
    uint8_t bytes[2 + 200] = { 0 };
    struct spb_frame frame;
    const size_t len = write_varint(bytes, 200, 1);

    ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, bytes, len + 200, 0, 200, &frame), SPB_OK);
    ck_assert_uint_eq(frame.message_len, 200);
    ck_assert_int_eq(find(SPB_FRAMING_DELIMITED, bytes, len + 200, 0, 199, &frame), SPB_TOO_LARGE);
}
END_TEST

START_TEST(the_end_is_between_frames_or_inside_one)
{
    for (int raw = 0; raw < 2; raw++) {
        const enum spb_framing framing = raw ? SPB_FRAMING_RAW : SPB_FRAMING_DELIMITED;
        struct spb_frame frame;
        ck_assert_int_eq(find(framing, message_bytes, 0, 0, 0, &frame), SPB_NEED_MORE);
        ck_assert_int_eq(find(framing, message_bytes, 0, 1, 0, &frame), SPB_END);
        ck_assert_int_eq(spb_frame_find(framing, NULL, 0, 1, 0, &frame, NULL), SPB_END);
        ck_assert_int_eq(spb_frame_find(framing, NULL, 0, 0, 0, &frame, NULL), SPB_NEED_MORE);
    }
    ck_assert_int_eq(find_length(5, 1, 1, 0), SPB_NEED_MORE);
}
END_TEST

START_TEST(a_message_longer_than_its_length_or_than_memory_is_not_appended)
{
    const size_t above_32_bits = (size_t)UINT32_MAX + 1;
    struct spb_bytes out = { 0 };

    ck_assert_int_eq(spb_bytes_append(&out, "before", 6), SPB_OK);
    if (above_32_bits > UINT32_MAX)
        ck_assert_int_eq(spb_frame_append(SPB_FRAMING_BE32, "", above_32_bits, &out),
                         SPB_TOO_LARGE);
    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, "", SIZE_MAX, &out), SPB_NO_MEMORY);
    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_LIST, "", SIZE_MAX / 2, &out), SPB_NO_MEMORY);
    ck_assert_uint_eq(out.len, 6);
    ck_assert_mem_eq(out.data, "before", 6);
    spb_bytes_release(&out);
}
END_TEST

/* ---- Raw. ---- */

START_TEST(a_raw_message_is_appended_as_it_is)
{
    struct spb_bytes out = { 0 };

    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_RAW, message_bytes, 300, &out), SPB_OK);
    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_RAW, NULL, 0, &out), SPB_OK);
    ck_assert_uint_eq(out.len, 300);
    ck_assert_mem_eq(out.data, message_bytes, 300);
    spb_bytes_release(&out);
}
END_TEST

START_TEST(a_raw_message_ends_with_the_stream)
{
    struct spb_frame frame;

    for (size_t len = 1; len < 300; len++) {
        ck_assert_int_eq(find(SPB_FRAMING_RAW, message_bytes, len, 0, 0, &frame), SPB_NEED_MORE);
        ck_assert_int_eq(find(SPB_FRAMING_RAW, message_bytes, len, 1, 0, &frame), SPB_OK);
        ck_assert_ptr_eq(frame.message, message_bytes);
        ck_assert_uint_eq(frame.message_len, len);
        ck_assert_uint_eq(frame.frame_len, len);
    }
}
END_TEST

START_TEST(a_raw_message_above_the_limit_is_refused_before_its_end)
{
    struct spb_frame frame;

    ck_assert_int_eq(find(SPB_FRAMING_RAW, message_bytes, 100, 0, 100, &frame), SPB_NEED_MORE);
    ck_assert_int_eq(find(SPB_FRAMING_RAW, message_bytes, 100, 1, 100, &frame), SPB_OK);
    ck_assert_int_eq(find(SPB_FRAMING_RAW, message_bytes, 101, 0, 100, &frame), SPB_TOO_LARGE);
    ck_assert_int_eq(find(SPB_FRAMING_RAW, message_bytes, 101, 1, 100, &frame), SPB_TOO_LARGE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("frames");
    TCase *tcase = tcase_create("frame");

    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_test(tcase, a_frame_is_the_length_and_the_message);
    tcase_add_test(tcase, a_message_of_length_zero_is_a_frame);
    tcase_add_test(tcase, frames_are_found_wherever_the_stream_is_cut);
    tcase_add_test(tcase, a_length_may_take_up_to_ten_bytes);
    tcase_add_test(tcase, a_length_of_more_than_64_bits_is_none);
    tcase_add_test(tcase, a_length_above_the_limit_is_refused_before_the_message_arrives);
    tcase_add_test(tcase, the_greatest_limit_does_not_wrap);
    tcase_add_test(tcase, a_message_as_long_as_the_limit_is_found);
    tcase_add_test(tcase, the_end_is_between_frames_or_inside_one);
    tcase_add_test(tcase, a_message_longer_than_its_length_or_than_memory_is_not_appended);
    tcase_add_test(tcase, a_raw_message_is_appended_as_it_is);
    tcase_add_test(tcase, a_raw_message_ends_with_the_stream);
    tcase_add_test(tcase, a_raw_message_above_the_limit_is_refused_before_its_end);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
