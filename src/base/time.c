/*
 * Time: RFC 3339 date-times to instants and back.
 *
 * The trick of reading: nearly every date-time has the form yyyy-MM-ddTHH:mm:ss.mmmZ. Three words
 * of 8 bytes show whether a text has it; only what has not is read character by character. The
 * trick of the calendar: its years begin in March, so that a leap day is the last day of a year, and
 * days and dates become each other by a few divisions.
 */
#include "base/time.h"

#include <assert.h>
#include <string.h>

#include "base/number.h"
#include "base/word.h"

enum {
    SECONDS_PER_MINUTE = 60,
    SECONDS_PER_HOUR = 60 * SECONDS_PER_MINUTE,
    SECONDS_PER_DAY = 24 * SECONDS_PER_HOUR,
    NANOS_PER_SECOND = 1000000000,
    NANOS_PER_MILLI = 1000000,
    NANOS_PER_MICRO = 1000,
    MONTHS_PER_YEAR = 12,
    DAYS_PER_MONTH_MIN = 28,
    FRACTION_DIGITS_MAX = 9
};

/* Days of the cycles of the Gregorian calendar, and of five months from March or from August on. */
enum {
    DAYS_PER_YEAR = 365,
    DAYS_PER_4_YEARS = 4 * DAYS_PER_YEAR + 1,
    DAYS_PER_400_YEARS = 100 * DAYS_PER_4_YEARS - 3,
    DAYS_PER_5_MONTHS = 153,
    DAYS_MARCH_TO_JANUARY = 2 * DAYS_PER_5_MONTHS
};

/*
 * Days are counted from 0000-03-01: all that are valid are positive, and the first cycle of 400
 * years begins with the first day.
 */
enum { DAY_0001_01_01 = DAYS_MARCH_TO_JANUARY, DAY_1970_01_01 = 719468 };

static const int64_t seconds_min = -INT64_C(62135596800); /* 0001-01-01T00:00:00Z */
static const int64_t seconds_max = INT64_C(253402300799); /* 9999-12-31T23:59:59Z */

/* A date-time as it is written. */
struct civil {
    uint32_t year;
    uint32_t month; /* from 1 */
    uint32_t day;   /* from 1 */
    uint32_t hour;
    uint32_t minute;
    uint32_t second;
    int32_t nanos;
    int32_t offset_seconds; /* local time minus UTC */
};

bool spb_time_is_valid(struct spb_time time)
{
    return time.seconds >= seconds_min && time.seconds <= seconds_max && time.nanos >= 0 &&
           time.nanos < NANOS_PER_SECOND;
}

/* ---- Calendar ---- */

static bool is_leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static uint32_t days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[MONTHS_PER_YEAR] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    return month == 2 && is_leap(year) ? DAYS_PER_MONTH_MIN + 1 : days[month - 1];
}

/* The number of a day. January and February are the last months of the year before. */
static uint32_t day_from_date(uint32_t year, uint32_t month, uint32_t day)
{
    const uint32_t is_year_before = month <= 2;
    const uint32_t march_year = year - is_year_before;
    const uint32_t century = march_year / 100;
    const uint32_t months = month + MONTHS_PER_YEAR * is_year_before - 3; /* since March */

    return DAYS_PER_YEAR * march_year + march_year / 4 - century + century / 4 +
           (DAYS_PER_5_MONTHS * months + 2) / 5 + day - 1;
}

/*
 * The date of a day's number. Quarters of days are divided into centuries and years, because these
 * have 36524.25 and 365.25 days before they are cut to whole ones. Months are counted in fixed
 * point, 2141 / 2^16 of them a day; the fraction, divided back, is the day (Neri and Schneider,
 * "Euclidean affine functions and their application to calendar algorithms", 2022).
 */
static void set_date(struct civil *civil, uint32_t day)
{
    const uint32_t century_quarters = 4 * day + 3;
    const uint32_t century = century_quarters / DAYS_PER_400_YEARS;
    const uint32_t year_quarters = century_quarters % DAYS_PER_400_YEARS / 4 * 4 + 3;
    const uint32_t day_of_year = year_quarters % DAYS_PER_4_YEARS / 4;
    const uint32_t months = day_of_year * 2141 + 197913; /* 3 months, for March, and a rounding */
    const uint32_t is_year_after = day_of_year >= DAYS_MARCH_TO_JANUARY;

    civil->year = 100 * century + year_quarters / DAYS_PER_4_YEARS + is_year_after;
    civil->month = (months >> 16) - MONTHS_PER_YEAR * is_year_after;
    civil->day = (months & UINT16_MAX) / 2141 + 1;
}

/* ---- From text ---- */

/* The instant of a date-time, or why there is none. Inline keeps the common form in registers. */
static inline const char *check(const struct civil *civil, struct spb_time *time_out)
{
    if (civil->year == 0)
        return "a year is between 0001 and 9999";
    if (civil->month - 1 >= MONTHS_PER_YEAR)
        return "a month is between 01 and 12";
    if (civil->day - 1 >= DAYS_PER_MONTH_MIN &&
        civil->day - 1 >= days_in_month(civil->year, civil->month))
        return "a day is between 01 and the last day of its month";
    if (civil->hour > 23)
        return "an hour is between 00 and 23";
    if (civil->minute > 59)
        return "a minute is between 00 and 59";
    if (civil->second > 59)
        return "a second is between 00 and 59, leap seconds are not supported";

    const uint32_t day = day_from_date(civil->year, civil->month, civil->day);
    const uint32_t second_of_day =
        civil->hour * SECONDS_PER_HOUR + civil->minute * SECONDS_PER_MINUTE + civil->second;
    const int64_t seconds =
        ((int64_t)day - DAY_1970_01_01) * SECONDS_PER_DAY + second_of_day - civil->offset_seconds;
    if (seconds < seconds_min || seconds > seconds_max)
        return "a date-time is in the years 0001 to 9999 in UTC";
    *time_out = (struct spb_time){ seconds, civil->nanos };
    return NULL;
}

enum {
    FORM_LEN = SPB_TIME_FORM_LEN,
    WORD_LEN = sizeof(uint64_t),
    FORM_WORDS = FORM_LEN / WORD_LEN
};

/*
 * Whether a text has the form, and then the values of its digits, with 0 for separators: XOR with
 * the form's zeros leaves those. A byte is right when adding its slack does not reach the high bit.
 * A sum that carries into the next byte comes from a value with the high bit set, which is wrong by
 * itself.
 */
static bool read_form(const char text[FORM_LEN], uint64_t values_out[FORM_WORDS])
{
    enum { DIGIT = 0x80 - 10, SAME = 0x80 - 1 };
    static const char zeros[] = "0000-00-00T00:00:00.000Z";
    static const uint8_t slack[FORM_LEN] = {
        DIGIT, DIGIT, DIGIT, DIGIT, SAME,  DIGIT, DIGIT, SAME,  /* yyyy-MM- */
        DIGIT, DIGIT, SAME,  DIGIT, DIGIT, SAME,  DIGIT, DIGIT, /* ddTHH:mm */
        SAME,  DIGIT, DIGIT, SAME,  DIGIT, DIGIT, DIGIT, SAME,  /* :ss.mmmZ */
    };
    uint64_t wrong = 0;

    for (size_t i = 0; i < FORM_WORDS; i++) {
        const uint64_t values =
            spb_word_load(text + WORD_LEN * i) ^ spb_word_load(zeros + WORD_LEN * i);
        wrong |= values | (values + spb_word_load(slack + WORD_LEN * i));
        values_out[i] = values;
    }
    return (wrong & UINT64_C(0x8080808080808080)) == 0;
}

/* The number that the digits at a place of a word and behind it are. */
static uint32_t two_digits(uint64_t values, int place)
{
    return (uint32_t)((values * 10 + (values >> 8)) >> 8 * place & UINT8_MAX);
}

static struct civil civil_from_form(const uint64_t values[FORM_WORDS])
{
    const uint32_t millis = two_digits(values[2], 4) * 10 + (uint32_t)(values[2] >> 48 & UINT8_MAX);

    return (struct civil){
        .year = two_digits(values[0], 0) * 100 + two_digits(values[0], 2),
        .month = two_digits(values[0], 5),
        .day = two_digits(values[1], 0),
        .hour = two_digits(values[1], 3),
        .minute = two_digits(values[1], 6),
        .second = two_digits(values[2], 1),
        .nanos = (int32_t)(millis * NANOS_PER_MILLI),
    };
}

/* What is left of a text that is read from its start. */
struct cursor {
    const char *next;
    const char *end;
};

static bool skip(struct cursor *cursor, char c)
{
    if (cursor->next == cursor->end || *cursor->next != c)
        return false;
    cursor->next++;
    return true;
}

/* Either case of an ASCII letter. */
static bool skip_letter(struct cursor *cursor, char upper, char lower)
{
    return skip(cursor, upper) || skip(cursor, lower);
}

/* Reads up to `count` digits into *value_out and returns how many there are. */
static int read_digits(struct cursor *cursor, int count, uint32_t *value_out)
{
    int taken = 0;

    *value_out = 0;
    for (; taken < count && cursor->next < cursor->end; taken++) {
        const uint32_t digit = (uint32_t)(unsigned char)*cursor->next - '0';
        if (digit > 9)
            break;
        *value_out = *value_out * 10 + digit;
        cursor->next++;
    }
    return taken;
}

static bool read_two_digits(struct cursor *cursor, uint32_t *value_out)
{
    return read_digits(cursor, 2, value_out) == 2;
}

static const char *read_full_date(struct cursor *cursor, struct civil *civil)
{
    const bool read = read_digits(cursor, 4, &civil->year) == 4 && skip(cursor, '-') &&
                      read_two_digits(cursor, &civil->month) && skip(cursor, '-') &&
                      read_two_digits(cursor, &civil->day);

    return read ? NULL : "a date-time starts with a date such as 2025-01-31";
}

static const char *read_fraction(struct cursor *cursor, struct civil *civil)
{
    uint32_t nanos;
    int digits = read_digits(cursor, FRACTION_DIGITS_MAX, &nanos);
    uint32_t tenth;

    if (digits == 0)
        return "a fraction of a second has at least one digit behind its point";
    if (read_digits(cursor, 1, &tenth) != 0)
        return "a fraction of a second has at most nine digits";
    for (; digits < FRACTION_DIGITS_MAX; digits++)
        nanos *= 10;
    civil->nanos = (int32_t)nanos;
    return NULL;
}

static const char *read_partial_time(struct cursor *cursor, struct civil *civil)
{
    const bool read = read_two_digits(cursor, &civil->hour) && skip(cursor, ':') &&
                      read_two_digits(cursor, &civil->minute) && skip(cursor, ':') &&
                      read_two_digits(cursor, &civil->second);

    if (!read)
        return "the time of a date-time has hour, minute and second, such as 09:05:00";
    return skip(cursor, '.') ? read_fraction(cursor, civil) : NULL;
}

static const char *read_offset(struct cursor *cursor, struct civil *civil)
{
    static const char expected[] = "a date-time ends in Z or an offset such as +01:00";
    uint32_t hours;
    uint32_t minutes;

    if (skip_letter(cursor, 'Z', 'z'))
        return NULL;
    const bool is_west = skip(cursor, '-');
    if (!is_west && !skip(cursor, '+'))
        return expected;
    if (!read_two_digits(cursor, &hours) || !skip(cursor, ':') ||
        !read_two_digits(cursor, &minutes))
        return expected;
    if (hours > 23 || minutes > 59)
        return "an offset is between -23:59 and +23:59";

    const int32_t seconds = (int32_t)(hours * SECONDS_PER_HOUR + minutes * SECONDS_PER_MINUTE);
    civil->offset_seconds = is_west ? -seconds : seconds;
    return NULL;
}

static const char *read_any_form(const char *text, size_t len, struct spb_time *time_out)
{
    struct cursor cursor = { text, text + len };
    struct civil civil = { 0 };
    const char *reason = read_full_date(&cursor, &civil);

    if (reason == NULL && !skip_letter(&cursor, 'T', 't'))
        reason = "a date-time has a T between its date and its time";
    if (reason == NULL)
        reason = read_partial_time(&cursor, &civil);
    if (reason == NULL)
        reason = read_offset(&cursor, &civil);
    if (reason == NULL && cursor.next != cursor.end)
        reason = "nothing may follow the Z or the offset of a date-time";
    return reason != NULL ? reason : check(&civil, time_out);
}

bool spb_time_from_form(const char *text, struct spb_time *time_out)
{
    uint64_t values[FORM_WORDS];

    if (!read_form(text, values))
        return false;
    const struct civil civil = civil_from_form(values);
    return check(&civil, time_out) == NULL;
}

const char *spb_time_from_text(const char *text, size_t len, struct spb_time *time_out)
{
    if (len == FORM_LEN && spb_time_from_form(text, time_out))
        return NULL;
    return read_any_form(text, len, time_out);
}

/* ---- To text ---- */

enum { FRACTION_AT = sizeof "yyyy-MM-ddTHH:mm:ss." - 1 };

static void put_three_digits(char out[3], uint32_t value)
{
    out[0] = (char)('0' + value / 100);
    spb_put_two_digits(out + 1, value % 100);
}

/* Writes three, six or nine digits and returns how many. */
static size_t put_fraction(char *out, uint32_t nanos)
{
    put_three_digits(out, nanos / NANOS_PER_MILLI);
    if (nanos % NANOS_PER_MILLI == 0)
        return 3;
    put_three_digits(out + 3, nanos / NANOS_PER_MICRO % 1000);
    if (nanos % NANOS_PER_MICRO == 0)
        return 6;
    put_three_digits(out + 6, nanos % 1000);
    return 9;
}

size_t spb_time_to_text(struct spb_time time, char out[SPB_TIME_TEXT_MAX])
{
    assert(spb_time_is_valid(time));

    const uint64_t seconds = (uint64_t)(time.seconds - seconds_min);
    const uint32_t second_of_day = (uint32_t)(seconds % SECONDS_PER_DAY);
    const uint32_t minute_of_day = second_of_day / SECONDS_PER_MINUTE;
    struct civil civil;
    set_date(&civil, (uint32_t)(seconds / SECONDS_PER_DAY) + DAY_0001_01_01);

    memcpy(out, "0000-00-00T00:00:00.", FRACTION_AT);
    spb_put_two_digits(out, civil.year / 100);
    spb_put_two_digits(out + 2, civil.year % 100);
    spb_put_two_digits(out + 5, civil.month);
    spb_put_two_digits(out + 8, civil.day);
    spb_put_two_digits(out + 11, minute_of_day / 60);
    spb_put_two_digits(out + 14, minute_of_day % 60);
    spb_put_two_digits(out + 17, second_of_day % SECONDS_PER_MINUTE);
    const size_t len = FRACTION_AT + put_fraction(out + FRACTION_AT, (uint32_t)time.nanos);
    out[len] = 'Z';
    return len + 1;
}
