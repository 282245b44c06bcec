/*
 * The vector steps: what the compiler's intrinsics do is what the portable form does, and that is
 * what is said of each byte here.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/scan.h"
#include "base/utf8.h"

enum { BYTES = 256, ROUNDS = 200000, ROOM = 3 * SPB_VECTOR };

static uint32_t random_state = 1;

static uint8_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (uint8_t)(random_state >> 24);
}

/* What is asked more often than chance would: bytes at which a scan changes its mind. */
static uint8_t next_byte(void)
{
    static const uint8_t edges[] = { 0x00, 0x1F, 0x20, 0x21, '"',  '#',  '[',
                                     '\\', ']',  0x7F, 0x80, 0x9F, 0xA2, 0xFF };
    const uint8_t byte = next_random();

    return byte % 2 == 0 ? next_random() : edges[byte / 2 % sizeof edges];
}

static bool ends_plain(uint8_t byte)
{
    return byte == '"' || byte == '\\' || byte < 0x20;
}

static bool is_odd(uint8_t byte)
{
    return byte == '\\' || byte < 0x20 || byte >= 0x80;
}

/* ---- Scanning. ---- */

static void assert_scans(const uint8_t *in)
{
    struct spb_scan expected = { 0 };
    uint8_t copy[SPB_VECTOR];

    for (unsigned i = 0; i < SPB_VECTOR; i++) {
        expected.quote += in[i] == '"' ? 1u << i : 0;
        expected.odd += is_odd(in[i]) ? 1u << i : 0;
        expected.stop += ends_plain(in[i]) ? 1u << i : 0;
        expected.high += in[i] >= 0x80 ? 1u << i : 0;
        expected.rare += ends_plain(in[i]) || in[i] >= 0x80 ? 1u << i : 0;
    }
    const struct spb_scan scans[] = { spb_scan_portable(in), spb_scan(in),
                                      spb_copy_scan(in, copy) };
    for (size_t i = 0; i < sizeof scans / sizeof scans[0]; i++) {
        if (scans[i].stop != expected.stop || scans[i].high != expected.high ||
            scans[i].quote != expected.quote || scans[i].odd != expected.odd ||
            scans[i].rare != expected.rare)
            ck_abort_msg(
                "form %zu: stop %08x instead of %08x, high %08x instead of %08x, quote %08x "
                "instead of %08x, odd %08x instead of %08x, rare %08x instead of %08x",
                i, scans[i].stop, expected.stop, scans[i].high, expected.high, scans[i].quote,
                expected.quote, scans[i].odd, expected.odd, scans[i].rare, expected.rare);
    }
    if (memcmp(copy, in, SPB_VECTOR) != 0)
        ck_abort_msg("the copy differs");
}

START_TEST(every_byte_is_seen_in_every_place)
{
    static const uint8_t around[] = { 'a', 0x00, '"', 0xFF };
    uint8_t vector[SPB_VECTOR];

    for (unsigned byte = 0; byte < BYTES; byte++) {
        for (unsigned place = 0; place < SPB_VECTOR; place++) {
            for (size_t i = 0; i < sizeof around; i++) {
                memset(vector, around[i], sizeof vector);
                vector[place] = (uint8_t)byte;
                assert_scans(vector);
            }
        }
    }
}
END_TEST

START_TEST(random_vectors_are_scanned_wherever_they_stand)
{
    uint8_t bytes[SPB_VECTOR + SPB_VECTOR];

    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = next_byte();
        assert_scans(bytes + round % SPB_VECTOR);
    }
}
END_TEST

/* ASan sees a byte more that is read, or written. */
START_TEST(a_scan_takes_one_vector_and_no_more)
{
    uint8_t *in = malloc(SPB_VECTOR);
    uint8_t *out = malloc(SPB_VECTOR);

    memset(in, 'a', SPB_VECTOR);
    in[SPB_VECTOR - 1] = '"';
    ck_assert_uint_eq(spb_scan(in).stop, 1u << (SPB_VECTOR - 1));
    ck_assert_uint_eq(spb_copy_scan(in, out).stop, 1u << (SPB_VECTOR - 1));
    ck_assert_mem_eq(out, in, SPB_VECTOR);
    free(in);
    free(out);
}
END_TEST

START_TEST(a_vector_may_be_copied_over_itself)
{
    for (size_t from = 0; from <= SPB_VECTOR; from++) {
        for (size_t to = 0; to <= SPB_VECTOR; to++) {
            uint8_t bytes[2 * SPB_VECTOR];
            uint8_t before[2 * SPB_VECTOR];
            for (size_t i = 0; i < sizeof bytes; i++)
                bytes[i] = before[i] = next_byte();
            const struct spb_scan scan = spb_copy_scan(bytes + from, bytes + to);
            ck_assert_mem_eq(bytes + to, before + from, SPB_VECTOR);
            ck_assert_uint_eq(scan.stop, spb_scan_portable(before + from).stop);
            ck_assert_uint_eq(scan.high, spb_scan_portable(before + from).high);
        }
    }
}
END_TEST

START_TEST(the_first_of_a_mask_is_its_lowest_bit)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        ck_assert_uint_eq(spb_first(1u << bit), bit);
        ck_assert_uint_eq(spb_first(UINT32_MAX << bit), bit);
        ck_assert_uint_eq(spb_first_bits(bit), (1u << bit) - 1);
    }
    ck_assert_uint_eq(spb_first(0), SPB_VECTOR);
    ck_assert_uint_eq(spb_first_bits(SPB_VECTOR), UINT32_MAX);
}
END_TEST

/* ---- Comparing. ---- */

static void assert_matches(const uint8_t *a, const uint8_t *b)
{
    uint32_t expected = 0;

    for (unsigned i = 0; i < SPB_VECTOR; i++)
        expected += a[i] == b[i] ? UINT32_C(1) << i : 0;
    const uint32_t portable = spb_match_portable(a, b);
    const uint32_t match = spb_match(a, b);
    if (portable != expected || match != expected)
        ck_abort_msg("%08x and portable %08x instead of %08x", match, portable, expected);
}

START_TEST(every_difference_is_seen_in_every_place)
{
    uint8_t a[SPB_VECTOR];
    uint8_t b[SPB_VECTOR];

    for (unsigned byte = 0; byte < BYTES; byte++) {
        for (unsigned other = 0; other < BYTES; other++) {
            const unsigned place = (byte * 7 + other) % SPB_VECTOR;
            memset(a, (int)byte, sizeof a);
            memcpy(b, a, sizeof b);
            b[place] = (uint8_t)other;
            assert_matches(a, b);
        }
        for (unsigned place = 0; place < SPB_VECTOR; place++) {
            memcpy(b, a, sizeof b);
            b[place] = (uint8_t)~byte;
            assert_matches(a, b);
        }
    }
}
END_TEST

START_TEST(random_bytes_are_compared_wherever_they_stand)
{
    uint8_t a[ROOM];
    uint8_t b[ROOM];

    for (unsigned round = 0; round < ROUNDS / 4; round++) {
        for (size_t i = 0; i < ROOM; i++) {
            a[i] = next_byte();
            b[i] = next_byte() % 4 == 0 ? next_byte() : a[i];
        }
        assert_matches(a + round % SPB_VECTOR, b + round % SPB_VECTOR);
        assert_matches(a + round % SPB_VECTOR, b + round / 3 % SPB_VECTOR);
    }
}
END_TEST

START_TEST(a_comparison_takes_so_many_bytes_and_no_more)
{
    uint8_t *a = calloc(1, SPB_VECTOR);
    uint8_t *b = calloc(1, SPB_VECTOR);

    ck_assert_uint_eq(spb_match(a, b), UINT32_MAX);
    free(a);
    free(b);
}
END_TEST

/* ---- UTF-8. ---- */

enum { BEFORE = 3 /* bytes that are read before a vector */ };

/* The vector stands behind BEFORE bytes. */
static void assert_errors(const uint8_t bytes[BEFORE + SPB_VECTOR])
{
    const uint8_t *const in = bytes + BEFORE;

    for (int first = 0; first <= 1; first++) {
        const uint32_t expected = spb_utf8_errors_portable(in, first);
        const uint32_t found = spb_utf8_errors(in, first);
        if (found != expected)
            ck_abort_msg("%08x instead of %08x", found, expected);
    }
}

/* Leads and tails at the edges of what is allowed. */
static uint8_t next_of_sequence(void)
{
    static const uint8_t edges[] = { 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                     0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
                                     0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF };

    return edges[next_random() % sizeof edges];
}

START_TEST(every_byte_behind_every_other_is_judged_in_every_place)
{
    static const uint8_t before[] = { 'a', 0x80, 0xC3, 0xE0, 0xED, 0xF0, 0xF4 };
    uint8_t bytes[BEFORE + SPB_VECTOR];

    for (unsigned pair = 0; pair < BYTES * BYTES; pair++) {
        memset(bytes, before[pair % sizeof before], sizeof bytes);
        const unsigned place = pair / 7 % (BEFORE + SPB_VECTOR - 1);
        bytes[place] = (uint8_t)(pair / BYTES);
        bytes[place + 1] = (uint8_t)pair;
        assert_errors(bytes);
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = next_random();
        assert_errors(bytes);
        for (size_t i = 0; i < sizeof bytes; i++)
            bytes[i] = next_of_sequence();
        assert_errors(bytes);
    }
}
END_TEST

/* ASan sees a byte more that is read. */
START_TEST(of_the_first_vector_of_a_text_nothing_before_is_read)
{
    uint8_t *const text = malloc(SPB_VECTOR);

    memset(text, 0xBF, SPB_VECTOR);
    ck_assert_uint_eq(spb_utf8_errors(text, true), UINT32_MAX);
    free(text);
}
END_TEST

/* Whether a watch that goes through a text has no doubt of it. */
static bool is_common(const uint8_t *text, size_t len)
{
    struct spb_utf8_watch watch = { 0 };
    uint8_t padded[8 * SPB_VECTOR];

    memset(padded, 0x80, sizeof padded); /* what is behind the text must not matter */
    memcpy(padded, text, len);
    for (size_t at = 0; at <= len; at += SPB_VECTOR) {
        const size_t left = len - at;
        spb_watch_utf8(&watch, padded + at, spb_scan(padded + at).high,
                       left < SPB_VECTOR ? (unsigned)left : SPB_VECTOR);
    }
    return !watch.doubt;
}

/* Random text of sequences, spoiled in one byte now and then. */
static size_t make_text(uint8_t *text, size_t room)
{
    static const char *const pieces[] = { "a",
                                          "xyz",
                                          "\xC3\xA9",
                                          "\xDF\xBF",
                                          "\xE2\x82\xAC",
                                          "\xEF\xBF\xBD",
                                          "\xE1\x80\x80",
                                          "\xE0\xA0\x80",
                                          "\xED\x9F\xBF",
                                          "\xF0\x90\x80\x80",
                                          "\xF3\xBF\xBF\xBF",
                                          "\xF4\x8F\xBF\xBF" };
    size_t len = 0;

    for (;;) {
        const char *const piece = pieces[next_random() % (sizeof pieces / sizeof pieces[0])];
        if (len + strlen(piece) > room)
            break;
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    if (next_random() % 2 == 0)
        text[next_random() % len] = next_random() % 2 == 0 ? next_random() : next_of_sequence();
    return next_random() % 4 == 0 ? len - 1 : len;
}

START_TEST(text_is_doubted_where_it_is_not_utf8)
{
    uint8_t text[6 * SPB_VECTOR];
    unsigned valid_count = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        const size_t len = make_text(text, 4 + round % (sizeof text - 4));
        const bool valid = spb_utf8_valid_len(text, len) == len;
        if (is_common(text, len) != valid)
            ck_abort_msg("text of %zu bytes is %s", len, valid ? "doubted" : "not doubted");
        valid_count += valid;
    }
    ck_assert_uint_lt(ROUNDS / 3, valid_count);
    ck_assert_uint_lt(valid_count, ROUNDS);
}
END_TEST

START_TEST(text_of_two_vectors_is_common_if_it_is_not_doubted_and_holds_no_end)
{
    unsigned common = 0;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint8_t text[3 * SPB_VECTOR];
        bool ends = false;
        memset(text, 0xC3, sizeof text); /* what is behind the text must not matter */
        const size_t len = make_text(text, 4 + round % (2 * SPB_VECTOR - 3));
        for (size_t i = 0; i < len; i++)
            ends = ends || ends_plain(text[i]);
        const bool expected = is_common(text, len) && !ends;
        if (len > 0 && spb_is_common_text(text, len) != expected)
            ck_abort_msg("text of %zu bytes is %s", len, expected ? "common" : "not common");
        common += expected;
    }
    ck_assert_uint_lt(ROUNDS / 3, common);
    ck_assert_uint_lt(common, ROUNDS);
}
END_TEST

static bool can_run(void)
{
#if defined(__AVX2__)
    return __builtin_cpu_supports("avx2") != 0;
#else
    return true;
#endif
}

int main(void)
{
    enum { SKIPPED = 77 };
    if (!can_run()) {
        puts("skipped: this processor lacks what the test is compiled for");
        return SKIPPED;
    }

    Suite *suite = suite_create("base/scan");
    TCase *tcase = tcase_create("scan");

    tcase_add_test(tcase, every_byte_is_seen_in_every_place);
    tcase_add_test(tcase, random_vectors_are_scanned_wherever_they_stand);
    tcase_add_test(tcase, a_scan_takes_one_vector_and_no_more);
    tcase_add_test(tcase, a_vector_may_be_copied_over_itself);
    tcase_add_test(tcase, the_first_of_a_mask_is_its_lowest_bit);
    tcase_add_test(tcase, every_difference_is_seen_in_every_place);
    tcase_add_test(tcase, random_bytes_are_compared_wherever_they_stand);
    tcase_add_test(tcase, a_comparison_takes_so_many_bytes_and_no_more);
    tcase_add_test(tcase, every_byte_behind_every_other_is_judged_in_every_place);
    tcase_add_test(tcase, of_the_first_vector_of_a_text_nothing_before_is_read);
    tcase_add_test(tcase, text_is_doubted_where_it_is_not_utf8);
    tcase_add_test(tcase, text_of_two_vectors_is_common_if_it_is_not_doubted_and_holds_no_end);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
