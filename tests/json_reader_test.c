/*
 * The JSON reader, token by token. Text stands in a heap buffer of exactly its size and its
 * padding, and what is read goes to one of exactly the room that the header asks for, so that ASan
 * sees each byte too many. Behind the 0 that ends the text, the padding holds what would mislead a
 * reader.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/bytes.h"
#include "json/reader.h"

enum { TIMEOUT_SECONDS = 120, DEPTH_MAX = 64, BYTES = 256, TEXT_MAX = 512 };

static const char misleading[] = { '\0', '"', '\\', '0', '}', '9', 'u', '\xC3', ' ' };

enum { PADDINGS = sizeof misleading };

/* ---- A text that is read, and what became of it. ---- */

struct reading {
    struct spb_json_reader reader;
    char *text;
    uint8_t *out; /* what was written */
    size_t out_len;
    size_t end; /* offset behind the token; SIZE_MAX: failed */
};

typedef const char *read_token(struct spb_json_reader *reader, const char *at, uint8_t **out);

static struct reading read_padded(read_token *read, const char *text, size_t len, char padding)
{
    struct reading r = { .text = malloc(len + SPB_PADDING), .out = malloc(len + SPB_VECTOR) };
    uint8_t *out = r.out;

    memcpy(r.text, text, len);
    memset(r.text + len, padding, SPB_PADDING);
    r.text[len] = '\0';
    r.reader =
        (struct spb_json_reader){ .begin = r.text, .end = r.text + len, .depth_max = DEPTH_MAX };
    const char *end = read(&r.reader, r.text, &out);
    r.end = end == NULL ? SIZE_MAX : (size_t)(end - r.text);
    r.out_len = (size_t)(out - r.out);
    if ((end == NULL) != (r.reader.error.status != SPB_OK) || (end != NULL && r.end > len))
        ck_abort_msg("end %zu and %s: %.*s", r.end, spb_status_name(r.reader.error.status),
                     (int)len, text);
    return r;
}

static void release(struct reading *r)
{
    free(r->text);
    free(r->out);
}

static void assert_reads(read_token *read, const char *text, size_t len, size_t end,
                         const char *expected, size_t expected_len)
{
    for (size_t i = 0; i < PADDINGS; i++) {
        struct reading r = read_padded(read, text, len, misleading[i]);
        if (r.end != end || r.out_len != expected_len || memcmp(r.out, expected, expected_len) != 0)
            ck_abort_msg("%s, end %zu instead of %zu, \"%.*s\": %.*s",
                         spb_status_name(r.reader.error.status), r.end, end, (int)r.out_len,
                         (const char *)r.out, (int)len, text);
        release(&r);
    }
}

static void assert_fails(read_token *read, const char *text, size_t len, enum spb_status status,
                         size_t offset)
{
    for (size_t i = 0; i < PADDINGS; i++) {
        struct reading r = read_padded(read, text, len, misleading[i]);
        if (r.reader.error.status != status || r.reader.error.offset != offset)
            ck_abort_msg("%s at %zu instead of %s at %zu: %.*s",
                         spb_status_name(r.reader.error.status), r.reader.error.offset,
                         spb_status_name(status), offset, (int)len, text);
        ck_assert_str_ne(r.reader.error.reason, "");
        release(&r);
    }
}

/* Whatever it is cut to, the text is not broken but not whole. */
static void assert_needs_more(read_token *read, const char *text, size_t len)
{
    for (size_t cut = 0; cut < len; cut++)
        assert_fails(read, text, cut, SPB_NEED_MORE, cut);
}

/* ---- The tokens. ---- */

static const char *read_number(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    (void)out;
    return spb_json_number(reader, at);
}

/* From its opening quote, which only this test reads. */
static const char *read_string(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    if (*at != '"')
        return spb_json_fail(reader, SPB_BAD_JSON, at, "expected a quote");
    return spb_json_string(reader, at + 1, out);
}

static const char *read_value(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    return spb_json_copy_value(reader, at, out);
}

static const char *read_true(struct spb_json_reader *reader, const char *at, uint8_t **out)
{
    (void)out;
    return spb_json_expect(reader, at, "true", "true");
}

/* ---- Numbers. ---- */

enum state { START, MINUS, ZERO, DIGITS, POINT, FRACTION, E, SIGN, EXPONENT, STOP, FAIL };

/* RFC 8259 section 6 as an automaton. */
static enum state step(enum state state, char c)
{
    const bool digit = c >= '0' && c <= '9';

    if (digit && state == ZERO)
        return FAIL;
    if (digit && (state == START || state == MINUS))
        return c == '0' ? ZERO : DIGITS;
    if (digit)
        return state == POINT || state == FRACTION ? FRACTION : state == DIGITS ? DIGITS : EXPONENT;
    if (c == '-' && state == START)
        return MINUS;
    if (c == '.' && (state == ZERO || state == DIGITS))
        return POINT;
    if ((c == 'e' || c == 'E') && (state == ZERO || state == DIGITS || state == FRACTION))
        return E;
    if ((c == '-' || c == '+') && state == E)
        return SIGN;
    return state == ZERO || state == DIGITS || state == FRACTION || state == EXPONENT ? STOP : FAIL;
}

static void assert_number_like_automaton(const char *text, size_t len)
{
    struct reading r = read_padded(read_number, text, len, '7');
    enum state state = START;
    enum state next = START;
    size_t at = 0;

    for (; at < len && (next = step(state, text[at])) < STOP; at++)
        state = next;
    const bool whole = at == len && step(state, ' ') == STOP;
    const enum spb_status expected = whole || next == STOP ? SPB_OK
                                     : next == FAIL        ? SPB_BAD_JSON
                                                           : SPB_NEED_MORE;
    if (r.reader.error.status != expected || (expected == SPB_OK && r.end != at))
        ck_abort_msg("%s and end %zu instead of %s and %zu: %.*s",
                     spb_status_name(r.reader.error.status), r.end, spb_status_name(expected), at,
                     (int)len, text);
    release(&r);
}

START_TEST(every_short_text_is_a_number_or_none)
{
    static const char letters[] = "0-.1e+E9";
    enum { LETTERS = sizeof letters - 1, LEN = 6 };
    char text[LEN];

    for (size_t len = 0; len <= LEN; len++) {
        size_t count = 1;
        for (size_t i = 0; i < len; i++)
            count *= LETTERS;
        for (size_t n = 0; n < count; n++) {
            size_t rest = n;
            for (size_t i = 0; i < len; i++, rest /= LETTERS)
                text[i] = letters[rest % LETTERS];
            assert_number_like_automaton(text, len);
        }
    }
}
END_TEST

START_TEST(a_number_ends_before_what_is_no_part_of_it)
{
    static const char *const numbers[] = { "0", "-0", "12", "0.5", "-1.25e-7", "1E+10", "9e0" };

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        const size_t len = strlen(numbers[i]);
        for (unsigned c = 0; c < BYTES; c++) {
            char text[TEXT_MAX];
            memcpy(text, numbers[i], len);
            text[len] = (char)c;
            assert_number_like_automaton(text, len + 1);
        }
    }
}
END_TEST

START_TEST(a_number_may_have_any_number_of_digits)
{
    char text[5000];

    memset(text, '7', sizeof text);
    assert_reads(read_number, text, sizeof text, sizeof text, "", 0);
    text[100] = '.';
    text[4000] = 'e';
    assert_reads(read_number, text, sizeof text, sizeof text, "", 0);
}
END_TEST

/* ---- White space and literals. ---- */

START_TEST(white_space_is_four_characters)
{
    for (unsigned c = 1; c < BYTES; c++) {
        const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        const char text[SPB_PADDING] = { (char)c, ' ', (char)c, 'x' };
        ck_assert_int_eq(spb_json_space(text) - text, space ? 3 : 0);
    }
    for (size_t len = 0; len < SPB_PADDING; len++) {
        char text[2 * SPB_PADDING] = { 0 };
        memset(text, ' ', len);
        ck_assert_int_eq(spb_json_space(text) - text, (ptrdiff_t)len);
    }
}
END_TEST

START_TEST(a_literal_is_read_to_its_end)
{
    assert_reads(read_true, "true", 4, 4, "", 0);
    assert_reads(read_true, "truex", 5, 4, "", 0);
    assert_needs_more(read_true, "true", 4);
    assert_fails(read_true, "trUe", 4, SPB_BAD_JSON, 2);
    assert_fails(read_true, "x", 1, SPB_BAD_JSON, 0);
}
END_TEST

/* ---- Strings. ---- */

/* UTF-8 of a scalar value, by the table of RFC 3629. */
static size_t encode(uint32_t c, char out[4])
{
    const size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned first[] = { 0, 0x00, 0xC0, 0xE0, 0xF0 };

    for (size_t i = len - 1; i > 0; i--, c /= 64)
        out[i] = (char)(0x80 + c % 64);
    out[0] = (char)(first[len] + c);
    return len;
}

static bool is_surrogate(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDFFF;
}

/* Writes \uXXXX, with capital digits or not. Returns the place behind. */
static char *put_unit(char *out, uint32_t unit, bool capital)
{
    const char *digits = capital ? "0123456789ABCDEF" : "0123456789abcdef";

    *out++ = '\\';
    *out++ = 'u';
    for (int shift = 12; shift >= 0; shift -= 4)
        *out++ = digits[unit >> shift & 15];
    return out;
}

START_TEST(every_code_unit_may_be_escaped)
{
    for (uint32_t unit = 0; unit < 0x10000; unit++) {
        char text[8 + 1] = "\"";
        char expected[4];
        char *end = put_unit(text + 1, unit, unit % 3 == 0);
        *end = '"';
        if (is_surrogate(unit)) {
            struct reading r = read_padded(read_string, text, 8, '\\');
            ck_assert_int_eq(r.reader.error.status, SPB_BAD_UNICODE);
            ck_assert_uint_eq(r.reader.error.offset, 1);
            release(&r);
            continue;
        }
        const size_t len = encode(unit, expected);
        struct reading r = read_padded(read_string, text, 8, '"');
        if (r.end != 8 || r.out_len != len || memcmp(r.out, expected, len) != 0)
            ck_abort_msg("U+%04X", unit);
        release(&r);
    }
}
END_TEST

START_TEST(two_surrogates_are_one_character)
{
    for (uint32_t scalar = 0x10000; scalar <= 0x10FFFF; scalar += 61) {
        char text[14 + 1] = "\"";
        char expected[4];
        const uint32_t bits = scalar - 0x10000;
        char *end = put_unit(text + 1, 0xD800 + bits / 1024, scalar % 2 == 0);
        end = put_unit(end, 0xDC00 + bits % 1024, scalar % 3 == 0);
        *end = '"';
        ck_assert_uint_eq(encode(scalar, expected), 4);
        struct reading r = read_padded(read_string, text, 14, '\\');
        if (r.end != 14 || r.out_len != 4 || memcmp(r.out, expected, 4) != 0)
            ck_abort_msg("U+%04X", scalar);
        release(&r);
    }
}
END_TEST

static const struct {
    const char *text;
    const char *value;
} strings[] = {
    { "\"\"", "" },
    { "\"a\"", "a" },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t" },
    { "\"\\u0041\\u00e4\\u20AC\\uD83D\\uDEB2\"", "A\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\xB2" },
    { "\"\x7F\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\xB2\"", "\x7F\xC3\xA4\xE2\x82\xAC\xF0\x9F\x9A\xB2" },
    { "\"0123456789abcde\"", "0123456789abcde" },
    { "\"0123456789abcdef\"", "0123456789abcdef" },
    { "\"0123456789abcdef\\n\"", "0123456789abcdef\n" },
    { "\"0123456789abcde\xC3\xA4 0123456789abcdef\"", "0123456789abcde\xC3\xA4 0123456789abcdef" },
};

enum { STRINGS = sizeof strings / sizeof strings[0] };

START_TEST(a_string_is_read_to_its_quote)
{
    const char *text = strings[_i].text;
    const char *value = strings[_i].value;
    char longer[TEXT_MAX];

    assert_reads(read_string, text, strlen(text), strlen(text), value, strlen(value));
    assert_needs_more(read_string, text, strlen(text));
    strcat(strcpy(longer, text), "\"\\ud800");
    assert_reads(read_string, longer, strlen(longer), strlen(text), value, strlen(value));
}
END_TEST

/* An escape at each place of strings of each length: before, in and behind a vector. */
START_TEST(an_escape_may_stand_anywhere)
{
    for (size_t len = 1; len < 5 * SPB_VECTOR; len++) {
        for (size_t place = 0; place < len; place++) {
            char text[TEXT_MAX];
            char value[TEXT_MAX];
            memset(text, 'a', sizeof text);
            memset(value, 'a', sizeof value);
            text[0] = text[len + 2] = '"';
            memcpy(text + 1 + place, "\\n", 2);
            value[place] = '\n';
            struct reading r = read_padded(read_string, text, len + 3, '"');
            if (r.end != len + 3 || r.out_len != len || memcmp(r.out, value, len) != 0)
                ck_abort_msg("an escape at %zu of %zu", place, len);
            release(&r);
        }
    }
}
END_TEST

START_TEST(no_other_escape_is_accepted)
{
    for (unsigned c = 0; c < BYTES; c++) {
        const char text[] = { '"', 'x', '\\', (char)c, '"' };
        if (c == 0 || strchr("\"\\/bfnrtu", (int)c) == NULL)
            assert_fails(read_string, text, sizeof text, SPB_BAD_JSON, 3);
    }
}
END_TEST

START_TEST(no_other_digit_is_accepted)
{
    for (size_t place = 0; place < 4; place++) {
        for (unsigned c = 0; c < BYTES; c++) {
            char text[] = "\"\\u0123\"";
            text[3 + place] = (char)c;
            if (c == 0 || strchr("0123456789abcdefABCDEF", (int)c) == NULL)
                assert_fails(read_string, text, sizeof text - 1, SPB_BAD_JSON, 3 + place);
        }
    }
}
END_TEST

START_TEST(no_control_character_is_accepted)
{
    for (char c = 0; c < 0x20; c++) {
        for (size_t before = 0; before < 2 * SPB_VECTOR; before += 5) {
            char text[TEXT_MAX];
            memset(text, 'a', sizeof text);
            text[0] = text[before + 3] = '"';
            text[before + 1] = c;
            assert_fails(read_string, text, before + 4, SPB_BAD_JSON, before + 1);
            assert_fails(read_value, text, before + 4, SPB_BAD_JSON, before + 1);
        }
    }
}
END_TEST

static const struct {
    enum spb_status status;
    size_t offset;
    const char *text;
} bad_strings[] = {
    { SPB_BAD_UNICODE, 2, "\"a\xFF\"" },
    { SPB_BAD_UNICODE, 1, "\"\xC0\x80\"" },
    { SPB_BAD_UNICODE, 3, "\"\xC3\xA4\xC3\"" },
    { SPB_BAD_UNICODE, 1, "\"\xED\xA0\x80\"" },
    { SPB_BAD_UNICODE, 1, "\"\xF4\x90\x80\x80\"" },
    { SPB_BAD_UNICODE, 1, "\"\xE2\x82\"" },
    { SPB_BAD_UNICODE, 18, "\"0123456789abcdefg\x80\"" },
    { SPB_BAD_UNICODE, 2, "\"a\\ud800\"" },
    { SPB_BAD_UNICODE, 2, "\"a\\udc00\\ud800\"" },
    { SPB_BAD_UNICODE, 1, "\"\\ud800\\ud800\"" },
    { SPB_BAD_UNICODE, 1, "\"\\ud800\\u0041\"" },
    { SPB_BAD_UNICODE, 1, "\"\\ud800\\n\"" },
    { SPB_BAD_UNICODE, 1, "\"\\ud800a\"" },
    { SPB_BAD_UNICODE, 13, "\"\\ud83d\\ude00\\ude00\"" },
    { SPB_BAD_JSON, 9, "\"\\ud800\\ux000\"" },
};

enum { BAD_STRINGS = sizeof bad_strings / sizeof bad_strings[0] };

/* The same string is bad when it is copied as it is spelled. */
START_TEST(what_is_no_text_is_refused_at_its_place)
{
    const char *text = bad_strings[_i].text;

    assert_fails(read_string, text, strlen(text), bad_strings[_i].status, bad_strings[_i].offset);
    assert_fails(read_value, text, strlen(text), bad_strings[_i].status, bad_strings[_i].offset);
}
END_TEST

/* ---- Whole values. ---- */

static const struct {
    const char *text;
    const char *copy;
} values[] = {
    { "{}", "{}" },
    { "[ ]", "[]" },
    { "{ \"a\" : 1 , \"a\" : [ ] }", "{\"a\":1,\"a\":[]}" },
    { "[\t1\n,\r2.50 ,-0 , 1E+400,\"\\u00e4\\/ \xC3\xA4\"]",
      "[1,2.50,-0,1E+400,\"\\u00e4\\/ \xC3\xA4\"]" },
    { "[true,false , null]", "[true,false,null]" },
    { "\" a \\u0000 \"", "\" a \\u0000 \"" },
    { "{\"\":{\"\":{\"\":\"\"}}}", "{\"\":{\"\":{\"\":\"\"}}}" },
    { "[[[[]],[]],{\"0123456789abcdefghijklmnop\":\"0123456789abcdefghijklmnop\"}]",
      "[[[[]],[]],{\"0123456789abcdefghijklmnop\":\"0123456789abcdefghijklmnop\"}]" },
    { "{  \r\n}", "{}" },
};

enum { VALUES = sizeof values / sizeof values[0] };

START_TEST(a_value_is_copied_as_it_is_spelled)
{
    const char *text = values[_i].text;
    const char *copy = values[_i].copy;
    char longer[TEXT_MAX];

    assert_reads(read_value, text, strlen(text), strlen(text), copy, strlen(copy));
    assert_needs_more(read_value, text, strlen(text));
    strcat(strcpy(longer, text), " ,}\"");
    assert_reads(read_value, longer, strlen(longer), strlen(text), copy, strlen(copy));
}
END_TEST

START_TEST(a_string_that_was_read_is_passed_over)
{
    ck_assert_str_eq(spb_json_skip_string("\":1"), ":1");
    ck_assert_str_eq(spb_json_skip_string("a\\\"b\\\\\"x"), "x");
    ck_assert_str_eq(spb_json_skip_string("\\u0022\\\\\\\"\"\""), "\"");
}
END_TEST

static const struct {
    size_t offset;
    const char *text;
} malformed[] = {
    { 0, "?" },         { 0, "'a'" },     { 0, "NaN" },      { 0, "+1" },         { 0, ".5" },
    { 1, "[,1]" },      { 3, "[1,]" },    { 3, "[1 2]" },    { 2, "[1}" },        { 1, "{1:2}" },
    { 1, "{,}" },       { 4, "{\"a\"}" }, { 5, "{\"a\":}" }, { 7, "{\"a\":1,}" }, { 5, "{\"a\" 1" },
    { 6, "{\"a\":1]" }, { 4, "[truE]" },  { 1, "[/**/]" },   { 3, "nulx" },
};

enum { MALFORMED = sizeof malformed / sizeof malformed[0] };

START_TEST(a_malformed_value_is_refused_at_its_place)
{
    const char *text = malformed[_i].text;

    assert_fails(read_value, text, strlen(text), SPB_BAD_JSON, malformed[_i].offset);
}
END_TEST

START_TEST(containers_nest_as_deep_as_the_limit)
{
    char text[2 * DEPTH_MAX + 3];

    for (size_t depth = 1; depth <= DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        if (depth <= DEPTH_MAX)
            assert_reads(read_value, text, 2 * depth, 2 * depth, text, 2 * depth);
        else
            assert_fails(read_value, text, 2 * depth, SPB_TOO_DEEP, DEPTH_MAX);
    }
    assert_needs_more(read_value, text, DEPTH_MAX);
}
END_TEST

START_TEST(the_first_failure_stays)
{
    static const char text[SPB_PADDING + 1] = "?";
    struct spb_json_reader reader = { .begin = text, .end = text + 1, .depth_max = 1 };

    ck_assert_ptr_null(spb_json_fail(&reader, SPB_WRONG_TYPE, text, "the %s", "first"));
    ck_assert_ptr_null(spb_json_fail(&reader, SPB_BAD_JSON, text + 1, "the second"));
    ck_assert_int_eq(reader.error.status, SPB_WRONG_TYPE);
    ck_assert_str_eq(reader.error.reason, "the first");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("json/reader");
    TCase *tcase = tcase_create("reader");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_test(tcase, every_short_text_is_a_number_or_none);
    tcase_add_test(tcase, a_number_ends_before_what_is_no_part_of_it);
    tcase_add_test(tcase, a_number_may_have_any_number_of_digits);
    tcase_add_test(tcase, white_space_is_four_characters);
    tcase_add_test(tcase, a_literal_is_read_to_its_end);
    tcase_add_test(tcase, every_code_unit_may_be_escaped);
    tcase_add_test(tcase, two_surrogates_are_one_character);
    tcase_add_loop_test(tcase, a_string_is_read_to_its_quote, 0, STRINGS);
    tcase_add_test(tcase, an_escape_may_stand_anywhere);
    tcase_add_test(tcase, no_other_escape_is_accepted);
    tcase_add_test(tcase, no_other_digit_is_accepted);
    tcase_add_test(tcase, no_control_character_is_accepted);
    tcase_add_loop_test(tcase, what_is_no_text_is_refused_at_its_place, 0, BAD_STRINGS);
    tcase_add_loop_test(tcase, a_value_is_copied_as_it_is_spelled, 0, VALUES);
    tcase_add_test(tcase, a_string_that_was_read_is_passed_over);
    tcase_add_loop_test(tcase, a_malformed_value_is_refused_at_its_place, 0, MALFORMED);
    tcase_add_test(tcase, containers_nest_as_deep_as_the_limit);
    tcase_add_test(tcase, the_first_failure_stays);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
