/* Dates as one writes them by hand, between their text and a Timestamp. */
#include "peer.h"

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const unsigned year_of_era = (unsigned)(year - era * 400);
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* Digits up to `count` of them; false if there are fewer. */
static bool digits(const char **at, unsigned count, unsigned *value)
{
    *value = 0;
    for (; count > 0; count--, ++*at) {
        const unsigned digit = (unsigned)(unsigned char)**at - '0';
        if (digit > 9)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

static bool letter(const char **at, char expected)
{
    return *(*at)++ == expected;
}

/* The offset from UTC in seconds; the text ends behind it. */
static bool parse_zone(const char *at, int *offset)
{
    unsigned hour, minute;
    const char sign = *at++;

    *offset = 0;
    if (sign == 'Z' || sign == 'z')
        return *at == '\0';
    if ((sign != '+' && sign != '-') || !digits(&at, 2, &hour) || !letter(&at, ':') ||
        !digits(&at, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *offset = (int)(hour * 3600 + minute * 60) * (sign == '-' ? -1 : 1);
    return *at == '\0';
}

bool peer_parse_date(const char *at, int64_t *seconds, int32_t *fraction)
{
    unsigned year, month, day, hour, minute, second, nanos = 0;
    int offset;

    if (!digits(&at, 4, &year) || !letter(&at, '-') || !digits(&at, 2, &month) ||
        !letter(&at, '-') || !digits(&at, 2, &day) || !letter(&at, 'T') || !digits(&at, 2, &hour) ||
        !letter(&at, ':') || !digits(&at, 2, &minute) || !letter(&at, ':') ||
        !digits(&at, 2, &second) || month - 1 > 11 || day - 1 > 30 || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    if (*at == '.') {
        unsigned scale = 100000000;
        for (at++; *at >= '0' && *at <= '9'; at++, scale /= 10)
            nanos += scale * (unsigned)(*at - '0');
    }
    if (!parse_zone(at, &offset))
        return false;
    *seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *fraction = (int32_t)nanos;
    return true;
}

static char *put_digits(char *at, unsigned count, unsigned value)
{
    for (unsigned i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + count;
}

static char *put_letter(char *at, char c)
{
    *at = c;
    return at + 1;
}

void peer_print_date(int64_t seconds, int32_t fraction, char *at)
{
    const int64_t shifted = seconds + INT64_C(719468) * 86400; /* from 0000-03-01: above 0 */
    const unsigned days = (unsigned)(shifted / 86400), rest = (unsigned)(shifted % 86400);
    const unsigned era = days / 146097, of_era = days % 146097;
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned day = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month = (5 * day + 2) / 153;
    const unsigned nanos = (unsigned)fraction;

    at = put_digits(at, 4, era * 400 + year_of_era + (month >= 10));
    at = put_letter(at, '-');
    at = put_digits(at, 2, month < 10 ? month + 3 : month - 9);
    at = put_letter(at, '-');
    at = put_digits(at, 2, day - (153 * month + 2) / 5 + 1);
    at = put_letter(at, 'T');
    at = put_digits(at, 2, rest / 3600);
    at = put_letter(at, ':');
    at = put_digits(at, 2, rest / 60 % 60);
    at = put_letter(at, ':');
    at = put_digits(at, 2, rest % 60);
    at = put_letter(at, '.');
    if (nanos % 1000000 == 0)
        at = put_digits(at, 3, nanos / 1000000);
    else if (nanos % 1000 == 0)
        at = put_digits(at, 6, nanos / 1000);
    else
        at = put_digits(at, 9, nanos);
    at = put_letter(at, 'Z');
    *at = '\0';
}
