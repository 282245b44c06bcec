/*
 * Receipts, held to bytes that are written here by hand. What is read stands in a buffer of exactly
 * its size. (tests/receipt_interop_test.py has another runtime read and write them.)
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/frame.h>
#include <sessionpb/receipt.h>

enum { REASON_LEN_MAX = SPB_REASON_MAX - 1, MESSAGE_LEN_MAX = 2000 };

static const struct spb_receipt untouched = { 17, 23, "untouched" };

/* Bytes of a message under construction. */
struct bytes {
    uint8_t data[MESSAGE_LEN_MAX];
    size_t len;
};

static void put(struct bytes *to, const char *bytes, size_t len)
{
    ck_assert_uint_le(to->len + len, MESSAGE_LEN_MAX);
    memcpy(to->data + to->len, bytes, len);
    to->len += len;
}

static void put_varint(struct bytes *to, uint64_t value)
{
    for (; value >= 128; value /= 128)
        to->data[to->len++] = (uint8_t)(value % 128 + 128);
    to->data[to->len++] = (uint8_t)value;
}

static void put_number(struct bytes *to, unsigned field, uint64_t value)
{
    put_varint(to, field * 8);
    put_varint(to, value);
}

static void put_text(struct bytes *to, unsigned field, const char *text, size_t len)
{
    put_varint(to, field * 8 + 2);
    put_varint(to, len);
    put(to, text, len);
}

static bool is_same(const struct spb_receipt *one, const struct spb_receipt *other)
{
    return one->sessions == other->sessions && one->rejected == other->rejected &&
           strcmp(one->reason, other->reason) == 0;
}

static enum spb_status read_bytes(const void *data, size_t len, struct spb_receipt *receipt)
{
    struct spb_error error = { .status = SPB_OK };
    struct spb_receipt again = untouched;
    void *const copy = malloc(len == 0 ? 1 : len);

    memcpy(copy, data, len);
    *receipt = untouched;
    const enum spb_status status = spb_receipt_read(copy, len, receipt, &error);
    ck_assert_int_eq(error.status, status);
    if (status != SPB_OK) {
        ck_assert(is_same(receipt, &untouched));
        ck_assert_str_ne(error.reason, "");
        ck_assert_uint_le(error.offset, len);
    }
    ck_assert_int_eq(spb_receipt_read(copy, len, &again, NULL), status);
    ck_assert(is_same(receipt, &again));
    free(copy);
    return status;
}

static void assert_read(const struct bytes *message, uint64_t sessions, uint64_t rejected,
                        const char *reason)
{
    struct spb_receipt receipt;

    ck_assert_int_eq(read_bytes(message->data, message->len, &receipt), SPB_OK);
    ck_assert_uint_eq(receipt.sessions, sessions);
    ck_assert_uint_eq(receipt.rejected, rejected);
    ck_assert_str_eq(receipt.reason, reason);
}

/* ---- There and back. ---- */

static const uint64_t numbers[] = { 0,          1,
                                    127,        128,
                                    16383,      16384,
                                    UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                    INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                    UINT64_MAX };

enum { NUMBERS = sizeof numbers / sizeof numbers[0] };

/* The message of what is appended, behind its length. */
static struct bytes append(const struct spb_receipt *receipt)
{
    struct spb_bytes out = { 0 };
    struct spb_frame frame;
    struct bytes message = { .len = 0 };

    ck_assert_int_eq(spb_bytes_append(&out, "before", 6), SPB_OK);
    ck_assert_int_eq(spb_receipt_append(receipt, &out), SPB_OK);
    ck_assert_mem_eq(out.data, "before", 6);
    ck_assert_int_eq(
        spb_frame_find(SPB_FRAMING_DELIMITED, out.data + 6, out.len - 6, 1, 0, &frame, NULL),
        SPB_OK);
    ck_assert_uint_eq(frame.frame_len, out.len - 6);
    put(&message, (const char *)frame.message, frame.message_len);
    spb_bytes_release(&out);
    return message;
}

START_TEST(a_receipt_is_its_numbers_and_its_reason)
{
    for (size_t i = 0; i < NUMBERS * NUMBERS; i++) {
        struct spb_receipt receipt = { numbers[i % NUMBERS], numbers[i / NUMBERS], "" };
        struct bytes expected = { .len = 0 };
        put_number(&expected, 1, receipt.sessions);
        put_number(&expected, 2, receipt.rejected);
        if (i % 2 != 0) {
            memcpy(receipt.reason, "the disk is full", 17);
            put_text(&expected, 3, "the disk is full", 16);
        }
        const struct bytes message = append(&receipt);
        ck_assert_uint_eq(message.len, expected.len);
        ck_assert_mem_eq(message.data, expected.data, expected.len);
        assert_read(&message, receipt.sessions, receipt.rejected, receipt.reason);
    }
}
END_TEST

START_TEST(a_reason_of_any_length_that_fits_comes_back)
{
    for (size_t len = 0; len <= REASON_LEN_MAX; len++) {
        struct spb_receipt receipt = { UINT64_MAX, UINT64_MAX, "" };
        memset(receipt.reason, 'r', len);
        const struct bytes message = append(&receipt);
        assert_read(&message, UINT64_MAX, UINT64_MAX, receipt.reason);
    }
}
END_TEST

START_TEST(a_reason_without_an_end_is_cut)
{
    struct spb_receipt receipt = { 1, 2, "" };
    char expected[SPB_REASON_MAX] = "";

    memset(receipt.reason, 'r', SPB_REASON_MAX);
    memset(expected, 'r', REASON_LEN_MAX);
    const struct bytes message = append(&receipt);
    assert_read(&message, 1, 2, expected);
}
END_TEST

START_TEST(nothing_is_nothing)
{
    const struct bytes empty = { .len = 0 };
    struct spb_receipt receipt = untouched;

    assert_read(&empty, 0, 0, "");
    ck_assert_int_eq(spb_receipt_read(NULL, 0, &receipt, NULL), SPB_OK);
    ck_assert_uint_eq(receipt.sessions + receipt.rejected, 0);
    ck_assert_str_eq(receipt.reason, "");
}
END_TEST

/* ---- As others may write them. ---- */

/* Fields that no version has so far, each whole. */
static const struct {
    size_t len;
    const char *bytes;
} unknown[] = {
    { 3, "\x20\x96\x01" },             /* 4: varint */
    { 9, "\x21\1\2\3\4\5\6\7\x08" },   /* 4: 8 bytes */
    { 5, "\x25\1\2\3\4" },             /* 4: 4 bytes */
    { 5, "\x22\3\x08\x05\xff" },       /* 4: bytes */
    { 4, "\x23\x08\x05\x24" },         /* 4: a group, with a number 1 in it */
    { 4, "\xc0\x3e\x80\x01" },         /* 1000 */
    { 6, "\xf8\xff\xff\xff\x0f\x07" }, /* the greatest number */
    { 9, "\x09\1\2\3\4\5\6\7\x08" },   /* 1, not a varint */
    { 5, "\x0d\1\2\3\4" },             /* 1 */
    { 3, "\x0a\1\x05" },               /* 1 */
    { 4, "\x0b\x08\x05\x0c" },         /* 1 */
    { 5, "\x15\1\2\3\4" },             /* 2 */
    { 3, "\x12\1\x05" },               /* 2 */
    { 2, "\x18\x05" },                 /* 3, not a text */
    { 5, "\x1d\1\2\3\4" },             /* 3 */
    { 4, "\x1b\x08\x05\x1c" },         /* 3 */
};

enum { UNKNOWN = sizeof unknown / sizeof unknown[0] };

START_TEST(unknown_fields_are_passed_over)
{
    for (size_t i = 0; i < UNKNOWN; i++) {
        struct bytes message = { .len = 0 };
        put(&message, unknown[i].bytes, unknown[i].len);
        assert_read(&message, 0, 0, "");
        put_number(&message, 1, 300);
        put(&message, unknown[i].bytes, unknown[i].len);
        put_number(&message, 2, 7);
        put_text(&message, 3, "why", 3);
        put(&message, unknown[i].bytes, unknown[i].len);
        assert_read(&message, 300, 7, "why");
    }
}
END_TEST

START_TEST(fields_come_in_any_order_and_the_last_counts)
{
    struct bytes message = { .len = 0 };

    put_text(&message, 3, "the first reason", 16);
    put_number(&message, 2, 1000);
    put_number(&message, 1, 2000);
    put_text(&message, 3, "why", 3);
    put_number(&message, 2, 4);
    assert_read(&message, 2000, 4, "why");
    put_text(&message, 3, "", 0);
    put_number(&message, 1, 0);
    assert_read(&message, 0, 4, "");
}
END_TEST

START_TEST(what_is_cut_short_is_never_taken_for_whole)
{
    struct spb_receipt receipt;
    struct bytes message = { .len = 0 };
    bool ends[MESSAGE_LEN_MAX] = { true };

    put_number(&message, 1, UINT64_MAX);
    ends[message.len] = true;
    put_number(&message, 2, 300);
    ends[message.len] = true;
    put_text(&message, 3, "why", 3);
    ends[message.len] = true;
    for (size_t i = 0; i < UNKNOWN; i++) {
        put(&message, unknown[i].bytes, unknown[i].len);
        ends[message.len] = true;
    }
    for (size_t len = 0; len <= message.len; len++)
        ck_assert_int_eq(read_bytes(message.data, len, &receipt),
                         ends[len] ? SPB_OK : SPB_NEED_MORE);
}
END_TEST

START_TEST(a_varint_may_be_spelled_long_but_not_overlong)
{
    static const char longest[] = "\x88\x80\x80\x80\x00" /* a tag has 32 bits */
                                  "\x85\x80\x80\x80\x80\x80\x80\x80\x80\x00";
    static const struct {
        size_t len;
        const char *bytes;
    } overlong[] = {
        { 12, "\x08\x85\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00" },
        { 11, "\x08\x85\x80\x80\x80\x80\x80\x80\x80\x80\x02" },
        { 12, "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" },
        { 12, "\x1a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00" },
        { 7, "\x88\x80\x80\x80\x80\x00\x05" },
        { 12, "\x88\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x05" },
    };
    struct bytes message = { .len = 0 };
    struct spb_receipt receipt;

    put(&message, longest, sizeof longest - 1);
    assert_read(&message, 5, 0, "");
    for (size_t i = 0; i < sizeof overlong / sizeof overlong[0]; i++)
        ck_assert_int_eq(read_bytes(overlong[i].bytes, overlong[i].len, &receipt), SPB_BAD_WIRE);
}
END_TEST

START_TEST(what_is_no_field_is_refused)
{
    static const char *const none[] = {
        "\x01", "\x07", "\x0e\x01", "\x0f\x01", "\x0c", "\x23\x2c"
    };
    struct bytes deep = { .len = 0 };
    struct spb_receipt receipt;

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        ck_assert_int_eq(read_bytes(none[i], strlen(none[i]), &receipt), SPB_BAD_WIRE);
    ck_assert_int_eq(read_bytes("\0\1", 2, &receipt), SPB_BAD_WIRE);
    for (size_t i = 0; i < MESSAGE_LEN_MAX; i++)
        put(&deep, "\x23", 1);
    ck_assert_int_eq(read_bytes(deep.data, deep.len, &receipt), SPB_TOO_DEEP);
}
END_TEST

/* ---- Reasons. ---- */

/* A reason as it may arrive, and as it is read. */
static const struct {
    size_t len;
    const char *bytes;
    const char *reason;
} reasons[] = {
    { 6, "\xc3\xa9\xe2\x82\xac!", "\xc3\xa9\xe2\x82\xac!" },
    { 4, "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
    { 4, "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
    { 3, "a\0b", "a?b" },
    { 5, "a\nb\rc", "a?b?c" },
    { 6, "\x1b[31mx", "?[31mx" },
    { 3, "a\177b", "a?b" },
    { 4, "a\302\233b", "a?b" }, /* U+009B begins what ESC [ begins */
    { 4, "a\302\200b", "a?b" },
    { 3, "\xc2\xa0.", "\xc2\xa0." }, /* the first one behind them */
    { 3, "a\377b", "a?b" },
    { 3, "a\200b", "a?b" },
    { 3, "a\xc3(", "a?(" }, /* without its second byte */
    { 2, "a\xc3", "a?" },
    { 4, "\342\202ab", "?ab" },
    { 3, "\xf0\x9f\x98", "?" },
    { 3, "\xc3\xa9\x80", "\xc3\xa9?" },
    { 2, "\xc0\x80", "?" },         /* an overlong NUL */
    { 3, "\xed\xa0\x80", "?" },     /* a surrogate */
    { 4, "\xf4\x90\x80\x80", "?" }, /* above U+10FFFF */
    { 6, "\xff\xff\xff\xff\xff\xff", "??????" },
};

START_TEST(what_is_not_fit_to_print_becomes_a_question_mark)
{
    struct bytes message = { .len = 0 };

    put_text(&message, 3, reasons[_i].bytes, reasons[_i].len);
    assert_read(&message, 0, 0, reasons[_i].reason);
}
END_TEST

/* What a writer has been given, it makes fit for a peer that insists on UTF-8. */
START_TEST(what_is_not_fit_to_print_is_not_sent)
{
    struct spb_receipt receipt = { 0 };
    struct bytes expected = { .len = 0 };

    if (memchr(reasons[_i].bytes, '\0', reasons[_i].len) == NULL) {
        memcpy(receipt.reason, reasons[_i].bytes, reasons[_i].len);
        put_number(&expected, 1, 0);
        put_number(&expected, 2, 0);
        put_text(&expected, 3, reasons[_i].reason, strlen(reasons[_i].reason));
        const struct bytes message = append(&receipt);
        ck_assert_uint_eq(message.len, expected.len);
        ck_assert_mem_eq(message.data, expected.data, expected.len);
    }
}
END_TEST

/* Bytes of a reason that is read from so many letters and then many times one character. */
static size_t cut_len(size_t letters, const char *character)
{
    char text[4 * SPB_REASON_MAX];
    const size_t character_len = strlen(character);
    struct bytes message = { .len = 0 };
    struct spb_receipt receipt;
    size_t len = letters;

    memset(text, 'a', letters);
    for (; len + character_len <= sizeof text; len += character_len)
        memcpy(text + len, character, character_len);
    put_text(&message, 3, text, len);
    ck_assert_int_eq(read_bytes(message.data, message.len, &receipt), SPB_OK);
    len = strlen(receipt.reason);
    ck_assert_mem_eq(receipt.reason, text, len);
    return len;
}

START_TEST(a_long_reason_is_cut_between_characters)
{
    static const char *const characters[] = { "b", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80" };

    for (size_t letters = 0; letters <= SPB_REASON_MAX; letters++) {
        for (size_t of = 1; of <= 4; of++) {
            const size_t given = letters < REASON_LEN_MAX ? letters : REASON_LEN_MAX;
            const size_t fits = (REASON_LEN_MAX - given) / of * of;
            ck_assert_uint_eq(cut_len(letters, characters[of - 1]), given + fits);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("receipts");
    TCase *tcase = tcase_create("receipt");
    const int reason_count = sizeof reasons / sizeof reasons[0];

    tcase_add_test(tcase, a_receipt_is_its_numbers_and_its_reason);
    tcase_add_test(tcase, a_reason_of_any_length_that_fits_comes_back);
    tcase_add_test(tcase, a_reason_without_an_end_is_cut);
    tcase_add_test(tcase, nothing_is_nothing);
    tcase_add_test(tcase, unknown_fields_are_passed_over);
    tcase_add_test(tcase, fields_come_in_any_order_and_the_last_counts);
    tcase_add_test(tcase, what_is_cut_short_is_never_taken_for_whole);
    tcase_add_test(tcase, a_varint_may_be_spelled_long_but_not_overlong);
    tcase_add_test(tcase, what_is_no_field_is_refused);
    tcase_add_loop_test(tcase, what_is_not_fit_to_print_becomes_a_question_mark, 0, reason_count);
    tcase_add_loop_test(tcase, what_is_not_fit_to_print_is_not_sent, 0, reason_count);
    tcase_add_test(tcase, a_long_reason_is_cut_between_characters);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
