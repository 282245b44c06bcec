/*
 * Numbers, held to the C library, which reads and rounds exactly in the "C" locale, and to the
 * vectors of RFC 8785. Which text is the shortest is worked out here by trying all shorter ones.
 */
#include <errno.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/number.h"

enum { TEXT_MAX = 2048, ROUNDS = 100000, TIMEOUT_SECONDS = 120 };

/* ---- Tools. ---- */

/* The next number of a fixed sequence (SplitMix64). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += UINT64_C(0x9e3779b97f4a7c15);

    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static double double_from_bits(uint64_t bits)
{
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static const char *print(char text[SPB_DOUBLE_TEXT_MAX + 1], double value)
{
    text[spb_double_to_text(value, text)] = '\0';
    return text;
}

/* The same character, so many times over. */
static void append(char text[TEXT_MAX], char fill, size_t count)
{
    const size_t len = strlen(text);

    ck_assert_uint_lt(len + count, TEXT_MAX);
    memset(text + len, fill, count);
    text[len + count] = '\0';
}

/* ---- int32 from text. ---- */

static bool int32_reads_as(const char *text, int32_t expected)
{
    int32_t value = -42;

    return spb_int32_from_text(text, strlen(text), &value) && value == expected;
}

static bool int32_is_refused(const char *text)
{
    int32_t value = -42;

    return !spb_int32_from_text(text, strlen(text), &value) && value == -42;
}

static const struct {
    const char *text;
    int32_t value;
} integers[] = {
    { "0", 0 },
    { "-0", 0 },
    { "0e999999999999", 0 },
    { "0.000e-99999999999999999999999999", 0 },
    { "7", 7 },
    { "1.0", 1 },
    { "1E+2", 100 },
    { "1000e-3", 1 },
    { "-1000e-0000000000000000000000003", -1 },
    { "0.0001e4", 1 },
    { "12.5e1", 125 },
    { "2147483647", INT32_MAX },
    { "2.147483647e9", INT32_MAX },
    { "21474836470000000000000000000e-19", INT32_MAX },
    { "-2147483648", INT32_MIN },
    { "-0.2147483648e10", INT32_MIN },
};

START_TEST(every_spelling_of_an_int32_is_read)
{
    ck_assert_msg(int32_reads_as(integers[_i].text, integers[_i].value), "%s", integers[_i].text);
}
END_TEST

START_TEST(what_is_no_int32_is_refused)
{
    static const char *const refused[] = {
        "0.5",
        "1e-1",
        "100e-3",
        "2147483648",
        "-2147483649",
        "2147483647.5",
        "21474836480e-1",
        "18446744073709551617",
        "184467440737095516160000000001e-29",
        "1e99999999999999999999999999",
        "1e-99999999999999999999999999",
    };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        ck_assert_msg(int32_is_refused(refused[i]), "%s", refused[i]);
}
END_TEST

START_TEST(a_thousand_digits_are_an_int32_where_they_say_one)
{
    char text[TEXT_MAX] = "42";

    append(text, '0', 1000);
    ck_assert(int32_is_refused(text));
    strcat(text, "e-1000");
    ck_assert(int32_reads_as(text, 42));

    strcpy(text, "42.");
    append(text, '0', 1000);
    ck_assert(int32_reads_as(text, 42));
    strcat(text, "1");
    ck_assert(int32_is_refused(text));

    strcpy(text, "-0.");
    append(text, '0', 1000);
    strcat(text, "42e1002");
    ck_assert(int32_reads_as(text, -42));
}
END_TEST

/* Behind all digits, before them and behind the first: the exponent moves it back. */
START_TEST(the_place_of_the_point_does_not_matter)
{
    uint64_t state = 1;

    for (int round = 0; round < ROUNDS; round++) {
        const int32_t value = (int32_t)(uint32_t)next_random(&state);
        const int zeros = 1 + (int)(next_random(&state) % 20);
        const char *sign = value < 0 ? "-" : "";
        char digits[SPB_INT32_TEXT_MAX];
        char text[TEXT_MAX];
        snprintf(digits, sizeof digits, "%lld", llabs(value));

        snprintf(text, sizeof text, "%s%s%0*de-%d", sign, digits, zeros, 0, zeros);
        const bool with_zeros_behind = int32_reads_as(text, value);
        snprintf(text, sizeof text, "%s0.%0*d%se%d", sign, zeros, 0, digits,
                 zeros + (int)strlen(digits));
        const bool with_zeros_before = int32_reads_as(text, value);
        snprintf(text, sizeof text, "%s%c.%s0e+%d", sign, digits[0], digits + 1,
                 (int)strlen(digits) - 1);
        if (!with_zeros_behind || !with_zeros_before || !int32_reads_as(text, value))
            ck_abort_msg("%s%s, %d zeros", sign, digits, zeros);
    }
}
END_TEST

/* ---- int32 to text. ---- */

START_TEST(an_int32_is_printed_as_its_digits)
{
    static const int32_t edges[] = { INT32_MIN, INT32_MIN + 1, -1, 0, 1, INT32_MAX };
    uint64_t state = 2;

    for (size_t i = 0; i < ROUNDS; i++) {
        const int32_t any = (int32_t)(uint32_t)next_random(&state) >> next_random(&state) % 32;
        const int32_t value = i < sizeof edges / sizeof edges[0] ? edges[i] : any;
        char expected[SPB_INT32_TEXT_MAX];
        char text[SPB_INT32_TEXT_MAX];
        const size_t len = (size_t)snprintf(expected, sizeof expected, "%ld", (long)value);
        if (spb_int32_to_text(value, text) != len || memcmp(text, expected, len) != 0)
            ck_abort_msg("%s", expected);
    }
}
END_TEST

/* ---- double from text. ---- */

static double read_double(const char *text)
{
    double value = -42;

    if (!spb_double_from_text(text, strlen(text), &value))
        ck_abort_msg("refused: %s", text);
    return value;
}

static bool double_is_refused(const char *text)
{
    double value = -42;

    return !spb_double_from_text(text, strlen(text), &value) && value == -42;
}

static const struct {
    const char *text;
    double value;
} doubles[] = {
    { "0", 0 },
    { "-37.8159", -0x1.2e86f694467381p5 },
    { "9007199254740993", 0x1p53 },
    { "9007199254740995", 0x1.0000000000002p53 },
    { "9007199254740993.0000000000000000000000000000000000001", 0x1.0000000000001p53 },
    { "123456789012345678901234567890", 0x1.8ee90ff6c373ep96 },
    { "2.2250738585072011e-308", 0x0.fffffffffffffp-1022 },
    { "2.2250738585072012e-308", 0x1p-1022 },
    { "4.9e-324", 0x1p-1074 },
    { "2.4703282292062328e-324", 0x1p-1074 },
    { "2.4703282292062327e-324", 0 },
    { "1e-99999999999999999999999999", 0 },
    { "1.7976931348623157e308", DBL_MAX },
    { "179769313486231580793e288", DBL_MAX },
};

START_TEST(the_nearest_double_is_read)
{
    ck_assert_uint_eq(bits_of(read_double(doubles[_i].text)), bits_of(doubles[_i].value));
}
END_TEST

START_TEST(what_would_be_infinity_is_refused)
{
    ck_assert(double_is_refused("1.7976931348623159e308"));
    ck_assert(double_is_refused("-179769313486231580794e288"));
    ck_assert(double_is_refused("1e99999999999999999999999999"));
}
END_TEST

START_TEST(zero_has_no_sign)
{
    ck_assert_uint_eq(bits_of(read_double("-0")), 0);
    ck_assert_uint_eq(bits_of(read_double("-0.000e-5")), 0);
    ck_assert_uint_eq(bits_of(read_double("-1e-400")), 0);
}
END_TEST

/* Multiplies a number, written in decimal digits, by five. */
static void multiply_by_five(char *digits)
{
    const size_t len = strlen(digits);
    int carry = 0;

    for (size_t i = len; i-- > 0; carry /= 10) {
        carry += (digits[i] - '0') * 5;
        digits[i] = (char)('0' + carry % 10);
    }
    if (carry > 0) {
        memmove(digits + 1, digits, len + 1);
        digits[0] = (char)('0' + carry);
    }
}

/*
 * (2^54 - 3) * 2^-1075 is halfway between two doubles, and has as many significant digits as such a
 * number can have. The even one of the two is the lower.
 */
START_TEST(a_digit_far_behind_a_halfway_point_decides)
{
    enum { DIGITS = 768 };
    char text[TEXT_MAX] = "0.18014398509481981";
    char *digits = text + 2;

    for (int i = 0; i < 1075; i++)
        multiply_by_five(digits);
    ck_assert_uint_eq(strlen(digits), DIGITS);
    strcat(text, "e-307");
    ck_assert_double_eq(read_double(text), 0x1.ffffffffffffep-1022);

    digits[DIGITS] = '\0';
    append(text, '0', 600);
    strcat(text, "1e-307");
    ck_assert_double_eq(read_double(text), 0x1.fffffffffffffp-1022);
}
END_TEST

/* 1 to 25 digits, a point somewhere among them, exponents in and out of the range of all paths. */
START_TEST(random_spellings_are_read_as_the_c_library_reads_them)
{
    uint64_t state = 3;

    for (int round = 0; round < ROUNDS; round++) {
        const int count = 1 + (int)(next_random(&state) % 25);
        const int whole = 1 + (int)(next_random(&state) % (unsigned)count);
        const int exponent_max = next_random(&state) % 2 == 0 ? 30 : 350;
        const int exponent = (int)(next_random(&state) % 700) % (2 * exponent_max) - exponent_max;
        char digits[64];
        char text[TEXT_MAX];
        snprintf(digits, sizeof digits, "%llu%019llu",
                 (unsigned long long)(1 + next_random(&state) % 99999999),
                 (unsigned long long)(next_random(&state) >> 2));
        snprintf(text, sizeof text, "%.*s%s%.*se%d", whole, digits, whole < count ? "." : "",
                 count - whole, digits + whole, exponent);
        const double expected = strtod(text, NULL);
        if (isinf(expected) ? !double_is_refused(text)
                            : bits_of(read_double(text)) != bits_of(expected))
            ck_abort_msg("%s", text);
    }
}
END_TEST

/* ---- double to text. ---- */

/* RFC 8785 appendix B. */
static const struct {
    uint64_t bits;
    const char *text;
} vectors[] = {
    { UINT64_C(0x0000000000000000), "0" },
    { UINT64_C(0x8000000000000000), "0" },
    { UINT64_C(0x0000000000000001), "5e-324" },
    { UINT64_C(0x8000000000000001), "-5e-324" },
    { UINT64_C(0x7fefffffffffffff), "1.7976931348623157e+308" },
    { UINT64_C(0xffefffffffffffff), "-1.7976931348623157e+308" },
    { UINT64_C(0x4340000000000000), "9007199254740992" },
    { UINT64_C(0xc340000000000000), "-9007199254740992" },
    { UINT64_C(0x4430000000000000), "295147905179352830000" },
    { UINT64_C(0x44b52d02c7e14af5), "9.999999999999997e+22" },
    { UINT64_C(0x44b52d02c7e14af6), "1e+23" },
    { UINT64_C(0x44b52d02c7e14af7), "1.0000000000000001e+23" },
    { UINT64_C(0x444b1ae4d6e2ef4e), "999999999999999700000" },
    { UINT64_C(0x444b1ae4d6e2ef4f), "999999999999999900000" },
    { UINT64_C(0x444b1ae4d6e2ef50), "1e+21" },
    { UINT64_C(0x3eb0c6f7a0b5ed8c), "9.999999999999997e-7" },
    { UINT64_C(0x3eb0c6f7a0b5ed8d), "0.000001" },
    { UINT64_C(0x41b3de4355555553), "333333333.3333332" },
    { UINT64_C(0x41b3de4355555554), "333333333.33333325" },
    { UINT64_C(0x41b3de4355555555), "333333333.3333333" },
    { UINT64_C(0x41b3de4355555556), "333333333.3333334" },
    { UINT64_C(0x41b3de4355555557), "333333333.33333343" },
    { UINT64_C(0xbecbf647612f3696), "-0.0000033333333333333333" },
    { UINT64_C(0x43143ff3c1cb0959), "1424953923781206.2" },
};

enum { VECTORS = sizeof vectors / sizeof vectors[0] };

START_TEST(the_vectors_of_rfc_8785_are_printed)
{
    char text[SPB_DOUBLE_TEXT_MAX + 1];

    ck_assert_str_eq(print(text, double_from_bits(vectors[_i].bits)), vectors[_i].text);
}
END_TEST

START_TEST(powers_of_ten_are_printed_in_ecmascript_s_notation)
{
    for (int exponent = -323; exponent <= DBL_MAX_10_EXP; exponent++) {
        char text[SPB_DOUBLE_TEXT_MAX + 1];
        char expected[TEXT_MAX] = "";
        if (exponent < -6 || exponent > 20)
            snprintf(expected, sizeof expected, "1e%+d", exponent);
        else if (exponent < 0)
            snprintf(expected, sizeof expected, "0.%0*d", -exponent, 1);
        else
            append(strcpy(expected, "1"), '0', (size_t)exponent);
        ck_assert_str_eq(print(text, strtod(expected, NULL)), expected);
    }
}
END_TEST

/* Between .2 and .3 there is nothing to choose: both read back equal, and are equally close. */
START_TEST(of_two_texts_that_are_equally_close_the_even_one_is_printed)
{
    char text[SPB_DOUBLE_TEXT_MAX + 1];

    ck_assert_str_eq(print(text, 1125899906842624.25), "1125899906842624.2");
    ck_assert_str_eq(print(text, 1125899906842624.75), "1125899906842624.8");
}
END_TEST

/* The significant digits of a text, without the zeros at either end. Returns how many. */
static int significant_digits(const char *text, char digits_out[SPB_DOUBLE_TEXT_MAX])
{
    int count = 0;
    int last = 0;

    for (; *text != '\0' && *text != 'e'; text++) {
        if (*text < '0' || *text > '9' || (count == 0 && *text == '0'))
            continue;
        digits_out[count++] = *text;
        last = *text == '0' ? last : count;
    }
    digits_out[last] = '\0';
    return last;
}

/* Whether any decimal with so many digits reads back equal. */
static bool reads_back_with(int count, double value)
{
    char text[SPB_DOUBLE_TEXT_MAX];
    char digits[SPB_DOUBLE_TEXT_MAX];

    snprintf(text, sizeof text, "%.*e", count - 1, value);
    const long exponent = strtol(strchr(text, 'e') + 1, NULL, 10) - (count - 1);
    snprintf(digits, sizeof digits, "%c%.*s", text[0], count - 1, text + 2);
    const long long nearest = strtoll(digits, NULL, 10);
    for (long long near = nearest - 1; near <= nearest + 1; near++) {
        snprintf(text, sizeof text, "%llde%ld", near, exponent);
        if (strtod(text, NULL) == value)
            return true;
    }
    return false;
}

/* The shortest text, and the correctly rounded one unless that does not read back equal. */
static void assert_shortest(double value)
{
    char text[SPB_DOUBLE_TEXT_MAX + 1];
    char digits[SPB_DOUBLE_TEXT_MAX];
    char rounded[SPB_DOUBLE_TEXT_MAX];
    char rounded_digits[SPB_DOUBLE_TEXT_MAX];
    const double magnitude = fabs(value);

    if (magnitude == 0 || !isfinite(magnitude))
        return;
    print(text, magnitude);
    const int count = significant_digits(text, digits);
    if (strtod(text, NULL) != magnitude)
        ck_abort_msg("%a reads back differently: %s", magnitude, text);
    if (count > 1 && reads_back_with(count - 1, magnitude))
        ck_abort_msg("%a has a shorter text than %s", magnitude, text);
    snprintf(rounded, sizeof rounded, "%.*e", count - 1, magnitude);
    significant_digits(rounded, rounded_digits);
    if (strtod(rounded, NULL) == magnitude && strcmp(digits, rounded_digits) != 0)
        ck_abort_msg("%a is closer to %s than to %s", magnitude, rounded, text);
}

START_TEST(any_double_is_printed_shortest)
{
    uint64_t state = 4;

    for (int round = 0; round < ROUNDS; round++)
        assert_shortest(double_from_bits(next_random(&state)));
}
END_TEST

/* From 2^-40 to 2^59: what is printed by 128-bit integers, and a little on both sides. */
START_TEST(doubles_of_ordinary_size_are_printed_shortest)
{
    uint64_t state = 5;

    for (int round = 0; round < ROUNDS; round++) {
        const double significand = 1 + (double)(next_random(&state) >> 12) * 0x1p-52;
        assert_shortest(ldexp(significand, (int)(next_random(&state) % 100) - 40));
    }
}
END_TEST

static void assert_shortest_around(double value)
{
    assert_shortest(nextafter(value, 0));
    assert_shortest(value);
    assert_shortest(nextafter(value, DBL_MAX));
}

START_TEST(powers_and_their_neighbours_are_printed_shortest)
{
    for (int exponent = DBL_MIN_EXP - DBL_MANT_DIG; exponent < DBL_MAX_EXP; exponent++)
        assert_shortest_around(ldexp(1, exponent));
    for (int exponent = -323; exponent <= DBL_MAX_10_EXP; exponent++) {
        char text[SPB_DOUBLE_TEXT_MAX];
        snprintf(text, sizeof text, "1e%d", exponent);
        assert_shortest_around(strtod(text, NULL));
    }
}
END_TEST

START_TEST(a_decimal_of_up_to_fifteen_digits_is_printed_as_it_was_written)
{
    uint64_t state = 6;

    for (int round = 0; round < ROUNDS; round++) {
        const int places = 1 + (int)(next_random(&state) % 9);
        const int fraction = 1 + (int)(next_random(&state) % 999999999);
        char expected[SPB_DOUBLE_TEXT_MAX];
        char text[SPB_DOUBLE_TEXT_MAX + 1];
        snprintf(text, sizeof text, "%09d", fraction);
        text[places - 1] |= 1; /* an odd digit, so not a 0 */
        snprintf(expected, sizeof expected, "-%d.%.*s", (int)(next_random(&state) % 1000000),
                 places, text);
        if (strcmp(print(text, strtod(expected, NULL)), expected) != 0)
            ck_abort_msg("%s is printed as %s", expected, text);
    }
}
END_TEST

/* ---- The program around. ---- */

/* Sets a locale whose decimal point is another character; false when the machine has none. */
static bool set_comma_locale(void)
{
    static const char *const names[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ps_AF" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (setlocale(LC_ALL, names[i]) != NULL && strcmp(localeconv()->decimal_point, ".") != 0)
            return true;
    }
    fputs("no locale with a decimal comma is installed\n", stderr);
    return false;
}

START_TEST(the_locale_plays_no_part)
{
    if (!set_comma_locale())
        return;
    for (size_t i = 0; i < VECTORS; i++) {
        const double value = double_from_bits(vectors[i].bits);
        char text[SPB_DOUBLE_TEXT_MAX + 1];
        ck_assert_str_eq(print(text, value), vectors[i].text);
        ck_assert_double_eq(read_double(vectors[i].text), value);
    }
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++)
        ck_assert_double_eq(read_double(doubles[i].text), doubles[i].value);
    setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(errno_is_left_alone)
{
    char text[SPB_DOUBLE_TEXT_MAX + 1];

    errno = EDOM;
    read_double("4.9e-324");
    ck_assert(double_is_refused("1.7976931348623159e308"));
    print(text, 0x1p-1074);
    print(text, DBL_MAX);
    ck_assert_int_eq(errno, EDOM);
}
END_TEST

static TCase *int32_tests(void)
{
    TCase *tcase = tcase_create("int32");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_loop_test(tcase, every_spelling_of_an_int32_is_read, 0,
                        sizeof integers / sizeof integers[0]);
    tcase_add_test(tcase, what_is_no_int32_is_refused);
    tcase_add_test(tcase, a_thousand_digits_are_an_int32_where_they_say_one);
    tcase_add_test(tcase, the_place_of_the_point_does_not_matter);
    tcase_add_test(tcase, an_int32_is_printed_as_its_digits);
    return tcase;
}

static TCase *double_tests(void)
{
    TCase *tcase = tcase_create("double");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_loop_test(tcase, the_nearest_double_is_read, 0, sizeof doubles / sizeof doubles[0]);
    tcase_add_test(tcase, what_would_be_infinity_is_refused);
    tcase_add_test(tcase, zero_has_no_sign);
    tcase_add_test(tcase, a_digit_far_behind_a_halfway_point_decides);
    tcase_add_test(tcase, random_spellings_are_read_as_the_c_library_reads_them);
    tcase_add_loop_test(tcase, the_vectors_of_rfc_8785_are_printed, 0, VECTORS);
    tcase_add_test(tcase, powers_of_ten_are_printed_in_ecmascript_s_notation);
    tcase_add_test(tcase, of_two_texts_that_are_equally_close_the_even_one_is_printed);
    tcase_add_test(tcase, any_double_is_printed_shortest);
    tcase_add_test(tcase, doubles_of_ordinary_size_are_printed_shortest);
    tcase_add_test(tcase, powers_and_their_neighbours_are_printed_shortest);
    tcase_add_test(tcase, a_decimal_of_up_to_fifteen_digits_is_printed_as_it_was_written);
    tcase_add_test(tcase, the_locale_plays_no_part);
    tcase_add_test(tcase, errno_is_left_alone);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("base/number");

    suite_add_tcase(suite, int32_tests());
    suite_add_tcase(suite, double_tests());

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
