/*
 * Time, held to a calendar that turns page by page: no formula, a month has its days and a year its
 * months.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/time.h"

enum { SECONDS_PER_DAY = 86400, TEXT_MAX = 64, TIMEOUT_SECONDS = 120 };

static const int64_t seconds_min = -INT64_C(62135596800);
static const int64_t seconds_max = INT64_C(253402300799);

/* ---- The oracle. ---- */

struct date {
    int year;
    int month;
    int day;
};

static struct date day_after(struct date date)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const bool leap = (date.year % 4 == 0 && date.year % 100 != 0) || date.year % 400 == 0;
    const bool leap_february = leap && date.month == 2;

    if (++date.day > days[date.month - 1] + leap_february) {
        date.day = 1;
        date.month++;
    }
    if (date.month > 12) {
        date.month = 1;
        date.year++;
    }
    return date;
}

static void put_number(char *out, int digits, int number)
{
    for (; digits > 0; number /= 10)
        out[--digits] = (char)('0' + number % 10);
}

static const char *date_text(char text[TEXT_MAX], struct date date, int second, int millis)
{
    strcpy(text, "yyyy-MM-ddTHH:mm:ss.mmmZ");
    put_number(text, 4, date.year);
    put_number(text + 5, 2, date.month);
    put_number(text + 8, 2, date.day);
    put_number(text + 11, 2, second / 3600);
    put_number(text + 14, 2, second / 60 % 60);
    put_number(text + 17, 2, second % 60);
    put_number(text + 20, 3, millis);
    return text;
}

/* Why a text is refused; "" when it is not. */
static const char *read_text(const char *text, size_t len, struct spb_time *time_out)
{
    const char *reason = spb_time_from_text(text, len, time_out);

    return reason == NULL ? "" : reason;
}

static bool reads_as(const char *text, int64_t seconds, int32_t nanos)
{
    struct spb_time time = { -1, -1 };

    return spb_time_from_text(text, strlen(text), &time) == NULL && time.seconds == seconds &&
           time.nanos == nanos;
}

static bool prints_as(int64_t seconds, int32_t nanos, const char *expected)
{
    char text[SPB_TIME_TEXT_MAX];
    const size_t len = spb_time_to_text((struct spb_time){ seconds, nanos }, text);

    return len == strlen(expected) && memcmp(text, expected, len) == 0;
}

/* ---- Both directions. ---- */

/* The time of day moves on from day to day, so that it is another one on every day. */
START_TEST(every_day_of_all_years_is_read_and_printed)
{
    struct date date = { 1, 1, 1 };
    int64_t midnight = seconds_min;

    for (; date.year <= 9999; date = day_after(date), midnight += SECONDS_PER_DAY) {
        const int second = (int)((midnight - seconds_min) / SECONDS_PER_DAY % SECONDS_PER_DAY);
        char text[TEXT_MAX];
        date_text(text, date, second, date.day);
        if (!reads_as(text, midnight + second, date.day * 1000000) ||
            !prints_as(midnight + second, date.day * 1000000, text))
            ck_abort_msg("%s", text);
    }
    ck_assert_int_eq(midnight, seconds_max + 1);
}
END_TEST

START_TEST(every_second_of_a_day_is_read_and_printed)
{
    const struct date epoch = { 1970, 1, 1 };

    for (int second = 0; second < SECONDS_PER_DAY; second++) {
        char text[TEXT_MAX];
        date_text(text, epoch, second, second % 1000);
        if (!reads_as(text, second, second % 1000 * 1000000) ||
            !prints_as(second, second % 1000 * 1000000, text))
            ck_abort_msg("%s", text);
    }
}
END_TEST

START_TEST(a_second_before_1970_has_its_fraction_forward)
{
    ck_assert(reads_as("1969-12-31T23:59:59.750Z", -1, 750000000));
    ck_assert(prints_as(-1, 750000000, "1969-12-31T23:59:59.750Z"));
}
END_TEST

/* ---- To text. ---- */

START_TEST(six_or_nine_fraction_digits_are_printed_only_where_needed)
{
    ck_assert(prints_as(0, 0, "1970-01-01T00:00:00.000Z"));
    ck_assert(prints_as(0, 1000000, "1970-01-01T00:00:00.001Z"));
    ck_assert(prints_as(0, 999000000, "1970-01-01T00:00:00.999Z"));
    ck_assert(prints_as(0, 1000, "1970-01-01T00:00:00.000001Z"));
    ck_assert(prints_as(0, 123456000, "1970-01-01T00:00:00.123456Z"));
    ck_assert(prints_as(0, 1, "1970-01-01T00:00:00.000000001Z"));
    ck_assert(prints_as(0, 999999999, "1970-01-01T00:00:00.999999999Z"));
}
END_TEST

START_TEST(what_is_printed_reads_back_equal)
{
    uint64_t state = 1;

    for (int round = 0; round < 1000000; round++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t span = (uint64_t)(seconds_max - seconds_min);
        const int64_t seconds = (int64_t)((state >> 16) % span) + seconds_min;
        const int32_t nanos = (int32_t)((state >> 8) % 1000000000);
        char text[SPB_TIME_TEXT_MAX + 1];
        text[spb_time_to_text((struct spb_time){ seconds, nanos }, text)] = '\0';
        if (!reads_as(text, seconds, nanos))
            ck_abort_msg("%s", text);
    }
}
END_TEST

START_TEST(the_first_and_the_last_instant_are_valid_and_their_neighbours_are_not)
{
    ck_assert(spb_time_is_valid((struct spb_time){ seconds_min, 0 }));
    ck_assert(spb_time_is_valid((struct spb_time){ seconds_max, 999999999 }));
    ck_assert(!spb_time_is_valid((struct spb_time){ seconds_min - 1, 999999999 }));
    ck_assert(!spb_time_is_valid((struct spb_time){ seconds_max + 1, 0 }));
    ck_assert(!spb_time_is_valid((struct spb_time){ 0, -1 }));
    ck_assert(!spb_time_is_valid((struct spb_time){ 0, 1000000000 }));
    ck_assert(!spb_time_is_valid((struct spb_time){ INT64_MIN, 0 }));
    ck_assert(!spb_time_is_valid((struct spb_time){ INT64_MAX, 0 }));
}
END_TEST

/* ---- From text. ---- */

START_TEST(zero_to_nine_fraction_digits_are_read)
{
    static const char digits[] = "123456789";
    static const int32_t nanos[] = { 0,         100000000, 120000000, 123000000, 123400000,
                                     123450000, 123456000, 123456700, 123456780, 123456789 };

    for (int count = 0; count <= 9; count++) {
        char text[TEXT_MAX];
        snprintf(text, sizeof text, "1970-01-01T00:00:07%s%.*sZ", count > 0 ? "." : "", count,
                 digits);
        ck_assert_msg(reads_as(text, 7, nanos[count]), "%s", text);
    }
}
END_TEST

START_TEST(t_and_z_are_read_in_either_case)
{
    ck_assert(reads_as("1970-01-02t00:00:00.000Z", SECONDS_PER_DAY, 0));
    ck_assert(reads_as("1970-01-02T00:00:00.000z", SECONDS_PER_DAY, 0));
    ck_assert(reads_as("1970-01-02t00:00:00z", SECONDS_PER_DAY, 0));
}
END_TEST

START_TEST(every_offset_is_applied)
{
    for (int minutes = -23 * 60 - 59; minutes <= 23 * 60 + 59; minutes++) {
        const int distance = abs(minutes);
        char text[TEXT_MAX];
        snprintf(text, sizeof text, "1970-01-01T00:00:00.5%c%02d:%02d", minutes < 0 ? '-' : '+',
                 distance / 60, distance % 60);
        ck_assert_msg(reads_as(text, -60 * minutes, 500000000), "%s", text);
    }
    ck_assert(reads_as("1970-01-01T00:00:00-00:00", 0, 0));
}
END_TEST

START_TEST(the_years_are_counted_after_the_offset_is_applied)
{
    static const char reason[] = "a date-time is in the years 0001 to 9999 in UTC";
    static const char too_early[] = "0001-01-01T00:00:59+00:01";
    static const char too_late[] = "9999-12-31T23:59:00-00:01";
    struct spb_time time;

    ck_assert(reads_as("0001-01-01T00:01:00+00:01", seconds_min, 0));
    ck_assert(reads_as("9999-12-31T23:58:59.999999999-00:01", seconds_max, 999999999));
    ck_assert_str_eq(read_text(too_early, strlen(too_early), &time), reason);
    ck_assert_str_eq(read_text(too_late, strlen(too_late), &time), reason);
}
END_TEST

static const struct {
    const char *text;
    const char *reason;
} refused[] = {
    { "", "a date-time starts with a date such as 2025-01-31" },
    { "yesterday", "a date-time starts with a date such as 2025-01-31" },
    { "1738314300000", "a date-time starts with a date such as 2025-01-31" },
    { "25-01-31T09:05:00Z", "a date-time starts with a date such as 2025-01-31" },
    { "+2025-01-31T09:05:00Z", "a date-time starts with a date such as 2025-01-31" },
    { "20250131T090500Z", "a date-time starts with a date such as 2025-01-31" },
    { "2025-1-31T09:05:00Z", "a date-time starts with a date such as 2025-01-31" },
    { "2025-01-31", "a date-time has a T between its date and its time" },
    { "2025-01-31 09:05:00.000Z", "a date-time has a T between its date and its time" },
    { "2025-01-31T9:05:00Z",
      "the time of a date-time has hour, minute and second, such as 09:05:00" },
    { "2025-01-31T09:05Z",
      "the time of a date-time has hour, minute and second, such as 09:05:00" },
    { "2025-01-31T09:05:00.Z", "a fraction of a second has at least one digit behind its point" },
    { "2025-01-31T09:05:00.0000000000Z", "a fraction of a second has at most nine digits" },
    { "2025-01-31T09:05:00.000", "a date-time ends in Z or an offset such as +01:00" },
    { "2025-01-31T09:05:00,000Z", "a date-time ends in Z or an offset such as +01:00" },
    { "2025-01-31T09:05:00.000+0100", "a date-time ends in Z or an offset such as +01:00" },
    { "2025-01-31T09:05:00.000+01", "a date-time ends in Z or an offset such as +01:00" },
    { "2025-01-31T09:05:00.000 UTC", "a date-time ends in Z or an offset such as +01:00" },
    { "2025-01-31T09:05:00+24:00", "an offset is between -23:59 and +23:59" },
    { "2025-01-31T09:05:00-01:60", "an offset is between -23:59 and +23:59" },
    { "2025-01-31T09:05:00.000Z ", "nothing may follow the Z or the offset of a date-time" },
    { "2025-01-31T09:05:00ZZ", "nothing may follow the Z or the offset of a date-time" },
    { "0000-12-31T23:59:59.000Z", "a year is between 0001 and 9999" },
    { "0000-12-31T23:59:59-01:00", "a year is between 0001 and 9999" },
    { "2025-00-31T09:05:00.000Z", "a month is between 01 and 12" },
    { "2025-13-31T09:05:00.000Z", "a month is between 01 and 12" },
    { "2025-01-00T09:05:00.000Z", "a day is between 01 and the last day of its month" },
    { "2025-01-32T09:05:00.000Z", "a day is between 01 and the last day of its month" },
    { "2025-04-31T09:05:00.000Z", "a day is between 01 and the last day of its month" },
    { "2025-02-29T09:05:00.000Z", "a day is between 01 and the last day of its month" },
    { "1900-02-29T09:05:00.000Z", "a day is between 01 and the last day of its month" },
    { "2024-02-30T09:05:00.000Z", "a day is between 01 and the last day of its month" },
    { "2025-01-31T24:00:00.000Z", "an hour is between 00 and 23" },
    { "2025-01-31T09:60:00.000Z", "a minute is between 00 and 59" },
    { "2016-12-31T23:59:60.000Z", "a second is between 00 and 59, leap seconds are not supported" },
    { "2016-12-31T23:59:60Z", "a second is between 00 and 59, leap seconds are not supported" },
};

START_TEST(what_is_no_date_time_is_refused_with_its_reason)
{
    struct spb_time time = { 42, 42 };
    const char *text = refused[_i].text;

    ck_assert_str_eq(read_text(text, strlen(text), &time), refused[_i].reason);
    ck_assert_int_eq(time.seconds, 42);
    ck_assert_int_eq(time.nanos, 42);
}
END_TEST

/* Each is in memory of its own size, so that a sanitizer sees a byte read too many. */
START_TEST(no_date_time_that_is_cut_off_is_accepted)
{
    static const char *const whole[] = { "2025-01-31T09:05:00.000Z", "2025-01-31T09:05:00Z",
                                         "2025-01-31T09:05:00.123456789+01:00" };

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        for (size_t len = 1; len <= strlen(whole[i]); len++) {
            struct spb_time time;
            char *text = malloc(len);
            ck_assert_ptr_nonnull(text);
            memcpy(text, whole[i], len);
            const bool accepted = spb_time_from_text(text, len, &time) == NULL;
            ck_assert_int_eq(accepted, len == strlen(whole[i]));
            free(text);
        }
    }
}
END_TEST

/*
 * The common form has a reader of its own. Written with +00:00 for Z, the same date-time takes the
 * other one: both must say the same, whatever character stands wherever.
 */
START_TEST(the_common_form_is_read_like_any_other)
{
    for (int place = 0; place < 23; place++) {
        for (int c = 0; c < 256; c++) {
            char common[] = "2024-12-29T13:48:57.683Z";
            char other[] = "2024-12-29T13:48:57.683+00:00";
            struct spb_time time = { -1, -1 };
            struct spb_time expected = { -1, -1 };
            common[place] = other[place] = (char)c;
            const char *reason = read_text(common, sizeof common - 1, &time);
            const char *expected_reason = read_text(other, sizeof other - 1, &expected);
            if (strcmp(reason, expected_reason) != 0 || time.seconds != expected.seconds ||
                time.nanos != expected.nanos)
                ck_abort_msg("byte %d: %02X", place, c);
        }
    }
}
END_TEST

static TCase *conversion_tests(void)
{
    TCase *tcase = tcase_create("conversion");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_test(tcase, every_day_of_all_years_is_read_and_printed);
    tcase_add_test(tcase, every_second_of_a_day_is_read_and_printed);
    tcase_add_test(tcase, a_second_before_1970_has_its_fraction_forward);
    tcase_add_test(tcase, six_or_nine_fraction_digits_are_printed_only_where_needed);
    tcase_add_test(tcase, what_is_printed_reads_back_equal);
    tcase_add_test(tcase, the_first_and_the_last_instant_are_valid_and_their_neighbours_are_not);
    return tcase;
}

static TCase *reading_tests(void)
{
    TCase *tcase = tcase_create("reading");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_test(tcase, zero_to_nine_fraction_digits_are_read);
    tcase_add_test(tcase, t_and_z_are_read_in_either_case);
    tcase_add_test(tcase, every_offset_is_applied);
    tcase_add_test(tcase, the_years_are_counted_after_the_offset_is_applied);
    tcase_add_loop_test(tcase, what_is_no_date_time_is_refused_with_its_reason, 0,
                        sizeof refused / sizeof refused[0]);
    tcase_add_test(tcase, no_date_time_that_is_cut_off_is_accepted);
    tcase_add_test(tcase, the_common_form_is_read_like_any_other);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("base/time");

    suite_add_tcase(suite, conversion_tests());
    suite_add_tcase(suite, reading_tests());

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
