/* Base64, held to RFC 4648: its own vectors, every group there is, and everything it refuses. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/base64.h"

enum { BYTES = 256, LEN_MAX = 200 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* RFC 4648 section 10. */
static const struct {
    const char *data;
    const char *text;
} vectors[] = {
    { "", "" },
    { "f", "Zg==" },
    { "fo", "Zm8=" },
    { "foo", "Zm9v" },
    { "foob", "Zm9vYg==" },
    { "fooba", "Zm9vYmE=" },
    { "foobar", "Zm9vYmFy" },
};

START_TEST(the_vectors_of_the_rfc_are_encoded)
{
    const size_t data_len = strlen(vectors[_i].data);
    char text[LEN_MAX];
    const size_t len = spb_base64_encode((const uint8_t *)vectors[_i].data, data_len, text);

    ck_assert_uint_eq(len, strlen(vectors[_i].text));
    ck_assert_uint_eq(len, spb_base64_encoded_len(data_len));
    ck_assert_mem_eq(text, vectors[_i].text, len);
}
END_TEST

START_TEST(the_vectors_of_the_rfc_are_decoded)
{
    uint8_t data[LEN_MAX];
    size_t len = LEN_MAX;

    ck_assert(spb_base64_decode(vectors[_i].text, strlen(vectors[_i].text), data, &len));
    ck_assert_uint_eq(len, strlen(vectors[_i].data));
    ck_assert_mem_eq(data, vectors[_i].data, len);
}
END_TEST

/* The oracle writes the bits one sextet after the other, by arithmetic. */
START_TEST(every_three_bytes_survive_the_round_trip)
{
    for (uint32_t bits = 0; bits < BYTES * BYTES * BYTES; bits++) {
        const uint8_t data[] = { (uint8_t)(bits >> 16), (uint8_t)(bits >> 8), (uint8_t)bits };
        const char expected[] = { alphabet[bits / 64 / 64 / 64], alphabet[bits / 64 / 64 % 64],
                                  alphabet[bits / 64 % 64], alphabet[bits % 64] };
        char text[sizeof expected];
        uint8_t back[sizeof data];
        size_t back_len = 0;
        if (spb_base64_encode(data, sizeof data, text) != sizeof text ||
            memcmp(text, expected, sizeof text) != 0 ||
            !spb_base64_decode(text, sizeof text, back, &back_len) || back_len != sizeof data ||
            memcmp(back, data, sizeof data) != 0)
            ck_abort_msg("%06X", bits);
    }
}
END_TEST

/* Both buffers have exactly the size that the header asks for. */
START_TEST(every_length_survives_the_round_trip)
{
    for (size_t len = 0; len <= LEN_MAX; len++) {
        uint8_t *data = malloc(len + 1);
        char *text = malloc(spb_base64_encoded_len(len) + 1);
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)(i * 151 + len);
        const size_t text_len = spb_base64_encode(data, len, text);
        ck_assert_uint_eq(text_len, spb_base64_encoded_len(len));

        uint8_t *back = malloc(text_len / 4 * 3 + 1);
        size_t back_len = LEN_MAX + 1;
        ck_assert(spb_base64_decode(text, text_len, back, &back_len));
        ck_assert_uint_eq(back_len, len);
        ck_assert_int_eq(memcmp(back, data, len), 0);
        free(back);
        free(text);
        free(data);
    }
}
END_TEST

static void assert_refused(const char *text, size_t len)
{
    uint8_t data[LEN_MAX];
    size_t data_len = LEN_MAX;

    if (spb_base64_decode(text, len, data, &data_len))
        ck_abort_msg("accepted: %.*s", (int)len, text);
    ck_assert_uint_eq(data_len, LEN_MAX);
}

START_TEST(malformed_text_is_refused)
{
    static const char *const malformed[] = {
        "Z",        "Zg",       "Zg=",      "Zm9vY",  "Zm9v=",     "=",    "==",
        "===",      "====",     "Z===",     "=Zg=",   "Zg=g",      "Z=g=", "Zg==Zg==",
        "Zm8=Zm9v", "Zm9v====", "Zm 9",     "Zm9v\n", "Zm9\n",     " Zg=", "Zg==\n",
        "Zm-v",     "Zm_v",     "Zm9vZg= ", "Zg= ",   "Zm9vZm9v=",
    };

    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        assert_refused(malformed[i], strlen(malformed[i]));
}
END_TEST

/* Behind each cut the text goes on as it should. */
START_TEST(text_that_is_cut_off_is_refused)
{
    static const char whole[] = "Zm9vYmFyZm9vYg==";

    for (size_t len = 1; len < sizeof whole - 1; len++) {
        if (len % 4 != 0)
            assert_refused(whole, len);
    }
}
END_TEST

/* "Zg==" has four bits that encode nothing, and "Zm8=" two. All must be zero. */
START_TEST(bits_that_encode_nothing_are_refused)
{
    for (size_t i = 1; i < 16; i++) {
        const char text[] = { 'Z', alphabet[32 + i], '=', '=' };
        assert_refused(text, sizeof text);
    }
    for (size_t i = 1; i < 4; i++) {
        const char text[] = { 'Z', 'm', alphabet[60 + i], '=' };
        assert_refused(text, sizeof text);
    }
}
END_TEST

/* Eight characters, so that both the last group and one before it are tried. */
START_TEST(no_character_outside_the_alphabet_is_accepted_anywhere)
{
    for (int c = 0; c < BYTES; c++) {
        if (c != '\0' && strchr(alphabet, c) != NULL)
            continue;
        for (size_t place = 0; place < 8; place++) {
            char text[] = "Zm9vZm9v";
            text[place] = (char)c;
            if (c != '=' || place != 7)
                assert_refused(text, 8);
        }
    }
}
END_TEST

int main(void)
{
    enum { VECTORS = sizeof vectors / sizeof vectors[0], TIMEOUT_SECONDS = 120 };
    Suite *suite = suite_create("base/base64");
    TCase *tcase = tcase_create("base64");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_loop_test(tcase, the_vectors_of_the_rfc_are_encoded, 0, VECTORS);
    tcase_add_loop_test(tcase, the_vectors_of_the_rfc_are_decoded, 0, VECTORS);
    tcase_add_test(tcase, every_three_bytes_survive_the_round_trip);
    tcase_add_test(tcase, every_length_survives_the_round_trip);
    tcase_add_test(tcase, malformed_text_is_refused);
    tcase_add_test(tcase, text_that_is_cut_off_is_refused);
    tcase_add_test(tcase, bits_that_encode_nothing_are_refused);
    tcase_add_test(tcase, no_character_outside_the_alphabet_is_accepted_anywhere);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
