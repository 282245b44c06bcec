/* Varints and Timestamps: the ways without branches do what the plain ways do. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "wire/reader.h"
#include "wire/writer.h"

enum { TIMEOUT_SECONDS = 120, ROUNDS = 50000, ROOM = 32 };

static uint64_t random_state;

/* Of any length in bits, each as often as the others. */
static uint64_t next_value(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    const unsigned bits = (unsigned)(random_state >> 33) % 65;
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);

    return bits == 0 ? 0 : (random_state ^ random_state >> 29) >> (64 - bits);
}

START_TEST(a_varint_is_written_the_same_either_way)
{
    random_state = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t plain[ROOM] = { 0 }, wide[ROOM] = { 0 };
        const uint64_t value = round < 64 ? UINT64_MAX >> round : next_value();
        const size_t len = (size_t)(spb_wire_put_varint(plain, value) - plain);
        ck_assert_uint_eq((size_t)(spb_wire_put_wide_varint(wide, value) - wide), len);
        ck_assert_mem_eq(wide, plain, len);
        ck_assert_uint_eq(spb_wire_varint_len(value), len);
    }
}
END_TEST

/* Longer than it need be by up to two bytes, and cut short in every place. */
START_TEST(a_varint_is_read_the_same_either_way)
{
    random_state = 2;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t bytes[ROOM];
        const uint64_t value = next_value();
        memset(bytes, round % 2 == 0 ? 0x08 : 0xff, sizeof bytes);
        uint8_t *behind = spb_wire_put_varint(bytes, value);
        for (unsigned more = (unsigned)(value % 3); more > 0 && behind - bytes < 8; more--) {
            behind[-1] |= 0x80;
            *behind++ = 0;
        }
        for (const uint8_t *end = bytes; end <= behind; end++) {
            uint64_t found = 12345;
            const uint8_t *const at = spb_wire_wide_varint(bytes, end, &found);
            const bool whole = end == behind && behind - bytes <= 8;
            ck_assert_ptr_eq(at, whole ? behind : NULL);
            ck_assert_uint_eq(found, whole ? value : 12345);
        }
    }
}
END_TEST

/* What is behind a Timestamp looks as if it went on. */
START_TEST(a_timestamp_ends_where_it_ends)
{
    random_state = 3;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t bytes[SPB_TIMESTAMP_MAX + ROOM];
        const int64_t seconds = round % 4 == 0 ? 0 : (int64_t)next_value();
        const int32_t nanos = round % 3 == 0 ? 0 : (int32_t)(next_value() & INT32_MAX);
        struct spb_wire_reader reader = { .begin = bytes, .depth_max = 8 };
        int64_t found_seconds;
        int32_t found_nanos;
        bool unknown;
        uint8_t *const end = spb_wire_put_timestamp(bytes, seconds, nanos);
        for (uint8_t *at = end; at < bytes + sizeof bytes; at++)
            *at = (at - end) % 2 == 1 ? 0x05 : round % 2 == 0 ? 0x08 : 0x10;
        ck_assert(spb_wire_timestamp(&reader, bytes, end, &found_seconds, &found_nanos, &unknown));
        ck_assert_int_eq(found_seconds, seconds);
        ck_assert_int_eq(found_nanos, nanos);
        ck_assert(!unknown);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wire");
    TCase *tcase = tcase_create("wire");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_test(tcase, a_varint_is_written_the_same_either_way);
    tcase_add_test(tcase, a_varint_is_read_the_same_either_way);
    tcase_add_test(tcase, a_timestamp_ends_where_it_ends);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
