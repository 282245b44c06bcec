/*
 * UTF-8, held to the grammar of RFC 3629 section 4. The module judges scalar values; the oracle
 * here is the RFC's table of which byte may follow which.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/utf8.h"

enum { BYTES = 256, SCALAR_MAX = 0x10ffff, TEXT_MAX = 256 };

/* One rule of the grammar: a first byte, a second byte, and tails of 80 to BF. */
struct rule {
    uint8_t first_min;
    uint8_t first_max;
    uint8_t second_min;
    uint8_t second_max;
    size_t len;
};

static const struct rule rules[] = {
    { 0x00, 0x7f, 0x00, 0xff, 1 }, /* UTF8-1 */
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, /* UTF8-2 */
    { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, /* UTF8-3 */
    { 0xe1, 0xec, 0x80, 0xbf, 3 }, /* UTF8-3 */
    { 0xed, 0xed, 0x80, 0x9f, 3 }, /* UTF8-3 */
    { 0xee, 0xef, 0x80, 0xbf, 3 }, /* UTF8-3 */
    { 0xf0, 0xf0, 0x90, 0xbf, 4 }, /* UTF8-4 */
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, /* UTF8-4 */
    { 0xf4, 0xf4, 0x80, 0x8f, 4 }, /* UTF8-4 */
};

static bool fits(const struct rule *rule, const uint8_t *text, size_t len)
{
    if (len < rule->len || text[0] < rule->first_min || text[0] > rule->first_max)
        return false;
    if (rule->len > 1 && (text[1] < rule->second_min || text[1] > rule->second_max))
        return false;
    for (size_t i = 2; i < rule->len; i++) {
        if (text[i] < 0x80 || text[i] > 0xbf)
            return false;
    }
    return true;
}

static size_t expected_valid_len(const uint8_t *text, size_t len)
{
    size_t pos = 0;
    size_t step;

    do {
        step = 0;
        for (size_t i = 0; i < sizeof rules / sizeof rules[0] && step == 0; i++)
            step = fits(&rules[i], text + pos, len - pos) ? rules[i].len : 0;
        pos += step;
    } while (step > 0);
    return pos;
}

static bool agrees(const uint8_t *text, size_t len)
{
    return spb_utf8_valid_len(text, len) == expected_valid_len(text, len);
}

/* The scalar value of a well-formed sequence. */
static uint32_t decode(const uint8_t *text, size_t len)
{
    static const uint8_t lead_mask[SPB_UTF8_MAX + 1] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t scalar = text[0] & lead_mask[len];

    for (size_t i = 1; i < len; i++)
        scalar = scalar * 64 + text[i] % 64;
    return scalar;
}

START_TEST(every_scalar_value_is_encoded_and_valid)
{
    for (uint32_t scalar = 0; scalar <= SCALAR_MAX; scalar++) {
        uint8_t text[SPB_UTF8_MAX];
        if (scalar == 0xd800)
            scalar = 0xe000;
        const size_t len = spb_utf8_encode(scalar, text);
        if (expected_valid_len(text, len) != len || !agrees(text, len) ||
            decode(text, len) != scalar)
            ck_abort_msg("U+%04X", scalar);
    }
}
END_TEST

START_TEST(surrogates_are_not_valid)
{
    for (uint32_t surrogate = 0xd800; surrogate <= 0xdfff; surrogate++) {
        const uint8_t text[] = { 0xed, (uint8_t)(0x80 | (surrogate >> 6 & 0x3f)),
                                 (uint8_t)(0x80 | (surrogate & 0x3f)) };
        if (spb_utf8_valid_len(text, sizeof text) != 0)
            ck_abort_msg("U+%04X", surrogate);
    }
}
END_TEST

START_TEST(every_one_and_two_bytes_are_judged_as_the_rfc_does)
{
    for (unsigned i = 0; i < BYTES * BYTES; i++) {
        const uint8_t text[] = { (uint8_t)(i / BYTES), (uint8_t)i };
        if (!agrees(text, 1) || !agrees(text, 2))
            ck_abort_msg("%02X %02X", text[0], text[1]);
    }
}
END_TEST

START_TEST(every_three_bytes_are_judged_as_the_rfc_does)
{
    for (unsigned i = 0; i < BYTES * BYTES * BYTES; i++) {
        const uint8_t text[] = { (uint8_t)(i / BYTES / BYTES), (uint8_t)(i / BYTES), (uint8_t)i };
        if (!agrees(text, sizeof text))
            ck_abort_msg("%02X %02X %02X", text[0], text[1], text[2]);
    }
}
END_TEST

/* All first and second bytes, and the tails that lie around a limit of some rule. */
START_TEST(four_bytes_are_judged_as_the_rfc_does)
{
    static const uint8_t tails[] = { 0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0xa0, 0xbf, 0xc0, 0xff };

    for (unsigned i = 0; i < BYTES * BYTES; i++) {
        for (size_t k = 0; k < sizeof tails * sizeof tails; k++) {
            const uint8_t text[] = { (uint8_t)(i / BYTES), (uint8_t)i, tails[k / sizeof tails],
                                     tails[k % sizeof tails] };
            if (!agrees(text, sizeof text))
                ck_abort_msg("%02X %02X %02X %02X", text[0], text[1], text[2], text[3]);
        }
    }
}
END_TEST

/* Every offset and every length: in all places of a word that is read at once. */
START_TEST(a_bad_byte_is_found_wherever_it_is)
{
    uint8_t text[TEXT_MAX];

    for (size_t len = 1; len <= 40; len++) {
        for (size_t bad = 0; bad < len; bad++) {
            memset(text, 'a', len);
            text[bad] = 0xff;
            ck_assert_uint_eq(spb_utf8_valid_len(text, len), bad);
            text[bad] = 0x80;
            ck_assert_uint_eq(spb_utf8_valid_len(text, len), bad);
        }
    }
}
END_TEST

/*
 * In its place, where the bytes that would complete it follow, and in memory of its own size, so
 * that a sanitizer sees a byte read too many.
 */
START_TEST(a_text_that_is_cut_off_is_valid_up_to_its_last_whole_sequence)
{
    static const char text[] = "plain ascii, \xc3\xa9t\xc3\xa9, \xe8\x89\xb2\xe3\x81\xaf, "
                               "\xf0\x9f\x9a\x80\xf0\x9f\x8e\x89 and more than eight bytes";

    for (size_t len = 1; len < sizeof text; len++) {
        uint8_t *cut = malloc(len);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, text, len);
        const size_t valid_len = spb_utf8_valid_len((const uint8_t *)text, len);
        ck_assert_uint_eq(valid_len, spb_utf8_valid_len(cut, len));
        ck_assert_uint_eq(valid_len, expected_valid_len(cut, len));
        ck_assert_uint_lt(len - valid_len, SPB_UTF8_MAX);
        free(cut);
    }
}
END_TEST

/* A scalar value of any length, or a stray byte. */
static size_t put_random_sequence(uint8_t out[SPB_UTF8_MAX], uint32_t any)
{
    static const uint32_t limits[SPB_UTF8_MAX] = { 0x80, 0x800, 0xd800, SCALAR_MAX + 1 };
    const uint32_t scalar = (any >> 8) % limits[any % SPB_UTF8_MAX];

    if (any / SPB_UTF8_MAX % 64 == 0 || (scalar >= 0xd800 && scalar <= 0xdfff)) {
        out[0] = (uint8_t)(any >> 8);
        return 1;
    }
    return spb_utf8_encode(scalar, out);
}

START_TEST(random_mixtures_are_judged_as_the_rfc_does)
{
    uint8_t text[TEXT_MAX];
    uint64_t state = 1;

    for (int round = 0; round < 100000; round++) {
        size_t len = 0;
        while (len < TEXT_MAX - SPB_UTF8_MAX) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            len += put_random_sequence(text + len, (uint32_t)(state >> 32));
        }
        if (!agrees(text, len))
            ck_abort_msg("round %d", round);
    }
}
END_TEST

START_TEST(a_character_is_printable_unless_it_controls)
{
    uint8_t text[SPB_UTF8_MAX + 1];

    for (uint32_t scalar = 0; scalar <= SCALAR_MAX; scalar++) {
        bool printable;
        if (scalar >= 0xd800 && scalar <= 0xdfff)
            continue;
        const size_t len = spb_utf8_encode(scalar, text);
        text[len] = 0x80;
        const size_t found = spb_utf8_character(text, len + 1, &printable);
        const bool controls = scalar < 0x20 || (scalar >= 0x7f && scalar <= 0x9f);
        if (found != len || printable == controls)
            ck_abort_msg("U+%04X", (unsigned)scalar);
    }
}
END_TEST

START_TEST(what_is_no_character_is_passed_over_to_the_next_lead)
{
    static const struct {
        size_t len;
        const char *text;
        size_t expected;
    } cases[] = {
        { 2, "\xff(", 1 },
        { 2, "\xc3(", 1 },
        { 1, "\xc3", 1 },
        { 3, "\xe2\x82(", 2 },
        { 2, "\xe2\x82", 2 },
        { 3, "\xed\xa0\x80", 3 },
        { 3, "\x80\x80\xc3", 2 },
        { 4, "\xc0\x80\xc3\xa9", 2 },
        { 5, "\x80\x80\x80\x80\x80", SPB_UTF8_MAX },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool printable = true;
        uint8_t *cut = malloc(cases[i].len);
        ck_assert_ptr_nonnull(cut);
        memcpy(cut, cases[i].text, cases[i].len);
        ck_assert_uint_eq(spb_utf8_character(cut, cases[i].len, &printable), cases[i].expected);
        ck_assert(!printable);
        free(cut);
    }
}
END_TEST

START_TEST(nothing_is_valid)
{
    ck_assert_uint_eq(spb_utf8_valid_len((const uint8_t *)"", 0), 0);
}
END_TEST

int main(void)
{
    enum { TIMEOUT_SECONDS = 120 };
    Suite *suite = suite_create("base/utf8");
    TCase *tcase = tcase_create("utf8");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_test(tcase, every_scalar_value_is_encoded_and_valid);
    tcase_add_test(tcase, surrogates_are_not_valid);
    tcase_add_test(tcase, every_one_and_two_bytes_are_judged_as_the_rfc_does);
    tcase_add_test(tcase, every_three_bytes_are_judged_as_the_rfc_does);
    tcase_add_test(tcase, four_bytes_are_judged_as_the_rfc_does);
    tcase_add_test(tcase, a_bad_byte_is_found_wherever_it_is);
    tcase_add_test(tcase, a_text_that_is_cut_off_is_valid_up_to_its_last_whole_sequence);
    tcase_add_test(tcase, random_mixtures_are_judged_as_the_rfc_does);
    tcase_add_test(tcase, a_character_is_printable_unless_it_controls);
    tcase_add_test(tcase, what_is_no_character_is_passed_over_to_the_next_lead);
    tcase_add_test(tcase, nothing_is_valid);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
