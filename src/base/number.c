/*
 * Numbers: int32 and double from JSON text and back.
 *
 * Between text and number there is always `digits * 10^exponent` with 64 bits of digits. Numbers of
 * ordinary size come and go by one exact operation on doubles or in 128 bits of integers. What is
 * very large, very small or very long is left to the C library, and never with a decimal point: that
 * is the one character that locales spell differently.
 */
#include "base/number.h"

#include <assert.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 uint128;
#endif

/* digits * 10^exponent. */
struct decimal {
    uint64_t digits;
    int64_t exponent;
};

/* The largest digits to which one more can be added without overflow. */
static const uint64_t digits_room = (UINT64_MAX - 9) / 10;

enum { DIGITS_MAX = 20 }; /* decimal digits of UINT64_MAX */

/* Every integer up to here is a double. */
static const uint64_t exact_integer_max = UINT64_C(1) << DBL_MANT_DIG;

/* All powers of ten that are doubles, and all powers of five that are 64-bit integers. */
enum { POWER_OF_TEN_MAX = 22, POWER_OF_FIVE_MAX = 27 };

static const double power_of_ten[POWER_OF_TEN_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

#ifdef __SIZEOF_INT128__
/* clang-format off */
static const uint64_t power_of_five[POWER_OF_FIVE_MAX + 1] = {
    1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625, 48828125, 244140625,
    1220703125, 6103515625, 30517578125, 152587890625, 762939453125, 3814697265625,
    19073486328125, 95367431640625, 476837158203125, 2384185791015625, 11920928955078125,
    59604644775390625, 298023223876953125, 1490116119384765625, 7450580596923828125,
};
/* clang-format on */
#endif

const char spb_digit_pairs[] = "0001020304050607080910111213141516171819"
                               "2021222324252627282930313233343536373839"
                               "4041424344454647484950515253545556575859"
                               "6061626364656667686970717273747576777879"
                               "8081828384858687888990919293949596979899";

/* ---- Digits ---- */

/* The powers of ten that are 64-bit integers. */
/* clang-format off */
static const uint64_t integer_power_of_ten[DIGITS_MAX] = {
    1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
    100000000000, 1000000000000, 10000000000000, 100000000000000, 1000000000000000,
    10000000000000000, 100000000000000000, 1000000000000000000, 10000000000000000000u,
};
/* clang-format on */

/* Decimal digits of a number; 1 for 0. */
static size_t count_digits(uint64_t value)
{
    const unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    const unsigned about = bits * 1233 >> 12; /* log10(2) * 2^12; or one less */

    return about + ((value | 1) >= integer_power_of_ten[about]);
}

/* Writes the last `count` digits of a number, leading zeros too. */
static void put_last_digits(char *out, size_t count, uint64_t value)
{
    for (; count >= 2; value /= 100) {
        count -= 2;
        spb_put_two_digits(out + count, (uint32_t)(value % 100));
    }
    if (count > 0)
        out[0] = (char)('0' + value % 10);
}

/* Writes a number and returns how many digits it has. */
static size_t put_digits(char *out, uint64_t value)
{
    const size_t count = count_digits(value);

    put_last_digits(out, count, value);
    return count;
}

/* ---- Text to decimal ---- */

/* A JSON number, taken apart. */
struct scanned {
    struct decimal decimal;
    bool negative;
    bool rest_matters; /* a digit that decimal.digits has no room for is not zero */
    const char *rest;  /* the first digit that decimal.digits has no room for; NULL: none */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Digits that there is no room for count in the exponent only. */
static const char *scan_rest(const char *text, const char *end, struct scanned *number)
{
    if (number->rest == NULL)
        number->rest = text;
    for (; text < end && is_digit(*text); text++) {
        number->rest_matters |= *text != '0';
        number->decimal.exponent++;
    }
    return text;
}

static const char *scan_digits(const char *text, const char *end, struct scanned *number)
{
    uint64_t digits = number->decimal.digits;

    for (; text < end && is_digit(*text) && digits <= digits_room; text++)
        digits = digits * 10 + (uint64_t)(*text - '0');
    number->decimal.digits = digits;
    return text < end && is_digit(*text) ? scan_rest(text, end, number) : text;
}

/*
 * The exponent behind the e. It stops growing where no text in memory has zeros enough to make up
 * for it, long before it could overflow.
 */
static int64_t scan_exponent(const char *text, const char *end)
{
    const bool negative = *text == '-';
    int64_t exponent = 0;

    if (*text == '-' || *text == '+')
        text++;
    for (; text < end && exponent < INT64_MAX / 100; text++)
        exponent = exponent * 10 + (*text - '0');
    return negative ? -exponent : exponent;
}

static void scan(const char *text, size_t len, struct scanned *number_out)
{
    const char *end = text + len;

    *number_out = (struct scanned){ .negative = *text == '-' };
    text = scan_digits(text + number_out->negative, end, number_out);
    if (text < end && *text == '.') {
        const char *fraction = text + 1;
        text = scan_digits(fraction, end, number_out);
        number_out->decimal.exponent -= text - fraction;
    }
    if (text < end)
        number_out->decimal.exponent += scan_exponent(text + 1, end);
}

/* ---- Decimal to number ---- */

bool spb_int32_from_text(const char *text, size_t len, int32_t *value_out)
{
    struct scanned number;
    scan(text, len, &number);

    const int64_t magnitude_max = number.negative ? -(int64_t)INT32_MIN : INT32_MAX;
    uint64_t magnitude = number.decimal.digits;
    int64_t exponent = magnitude == 0 ? 0 : number.decimal.exponent;

    /* Digits beyond the room make it either a fraction or too large, unless they are zeros. */
    if (number.rest_matters)
        return false;
    for (; exponent < 0; exponent++) {
        if (magnitude % 10 != 0)
            return false;
        magnitude /= 10;
    }
    for (; exponent > 0 && magnitude <= (uint64_t)magnitude_max; exponent--)
        magnitude *= 10;
    if (magnitude > (uint64_t)magnitude_max)
        return false;
    *value_out = (int32_t)(number.negative ? -(int64_t)magnitude : (int64_t)magnitude);
    return true;
}

/*
 * No double, and no point halfway between two, has more significant digits than this. Of more, one
 * that is not zero says all that can matter: beyond the halfway point.
 */
enum { SIGNIFICANT_MAX = 768 };

/*
 * The C library's reading of a decimal and of the digits that follow it in text[0..len), if any.
 * They are spelled as an integer with an exponent, 378159e-4, which every locale reads the same.
 */
static double read_by_library(struct decimal decimal, const char *text, size_t len)
{
    char spelled[SIGNIFICANT_MAX + sizeof "1e-2147483648"];
    size_t count = put_digits(spelled, decimal.digits);
    bool more = false;

    for (size_t i = 0; i < len && (is_digit(text[i]) || text[i] == '.'); i++) {
        if (text[i] == '.')
            continue;
        if (count < SIGNIFICANT_MAX) {
            spelled[count++] = text[i];
            decimal.exponent--;
        } else {
            more |= text[i] != '0';
        }
    }
    if (more) {
        spelled[count++] = '1';
        decimal.exponent--;
    }
    spelled[count++] = 'e';
    count += spb_int32_to_text((int32_t)decimal.exponent, spelled + count);
    spelled[count] = '\0';

    const int saved_errno = errno;
    const double value = strtod(spelled, NULL);
    errno = saved_errno;
    return value;
}

/* False on machines that calculate with more than double's digits, and so would round twice. */
enum { ROUNDS_ONCE = FLT_EVAL_METHOD >= 0 && FLT_EVAL_METHOD != 2 };

/* Where digits and power of ten are doubles both, one operation is one rounding. */
static bool read_in_double(struct decimal decimal, double *value_out)
{
    if (!ROUNDS_ONCE || decimal.digits > exact_integer_max)
        return false;
    if (decimal.exponent > POWER_OF_TEN_MAX || decimal.exponent < -POWER_OF_TEN_MAX)
        return false;
    if (decimal.exponent < 0)
        *value_out = (double)decimal.digits / power_of_ten[-decimal.exponent];
    else
        *value_out = (double)decimal.digits * power_of_ten[decimal.exponent];
    return true;
}

const char *spb_double_from_digits(const char *text, double *value_out)
{
    const bool negative = *text == '-';
    const char *const begin = text + negative;
    uint32_t whole, part;
    unsigned whole_len, part_len;
    double value;

    if (!spb_digits(begin, &whole, &whole_len) || begin[whole_len] != '.' ||
        (*begin == '0' && whole_len > 1) || !spb_digits(begin + whole_len + 1, &part, &part_len))
        return NULL;
    const char *const end = begin + whole_len + 1 + part_len;
    const struct decimal decimal = { whole * integer_power_of_ten[part_len] + part,
                                     -(int64_t)part_len };
    if (*end == 'e' || *end == 'E' || !read_in_double(decimal, &value))
        return NULL;
    *value_out = negative && decimal.digits != 0 ? -value : value;
    return end;
}

#ifdef __SIZEOF_INT128__

enum {
    FRACTION_BITS = DBL_MANT_DIG - 1,
    EXPONENT_BIAS = DBL_MAX_EXP - 1,
};

/* 2^exponent, which must be a normal double. */
static double power_of_two(int exponent)
{
    const uint64_t bits = (uint64_t)(exponent + EXPONENT_BIAS) << FRACTION_BITS;
    double power;

    memcpy(&power, &bits, sizeof power);
    return power;
}

/*
 * 10^n is 5^n * 2^n, and 5^n has 64 bits: the product with the digits is exact in 128, and the
 * quotient is as good as exact when its last bit tells whether there is a remainder. The conversion
 * to double is then the one rounding. Not for 0.
 */
static bool read_in_integers(struct decimal decimal, double *value_out)
{
    if (decimal.exponent > POWER_OF_FIVE_MAX || decimal.exponent < -POWER_OF_FIVE_MAX)
        return false;

    const int tens = (int)decimal.exponent;
    if (tens >= 0) {
        *value_out = (double)((uint128)decimal.digits * power_of_five[tens]) * power_of_two(tens);
        return true;
    }
    /* Shifted this far, whatever the divisor, the quotient has 63 or 64 bits. */
    const uint64_t divisor = power_of_five[-tens];
    const int up = __builtin_clzll(decimal.digits);
    const int further = 63 - __builtin_clzll(divisor);
    const uint128 dividend = (uint128)(decimal.digits << up) << further;
    const uint64_t quotient = (uint64_t)(dividend / divisor);
    const uint64_t sticky = dividend % divisor != 0;
    *value_out = (double)(quotient | sticky) * power_of_two(tens - up - further);
    return true;
}

#else

static bool read_in_integers(struct decimal decimal, double *value_out)
{
    (void)decimal;
    (void)value_out;
    return false;
}

#endif

/* Beyond these every decimal overflows, or is below half of the smallest subnormal. */
enum {
    EXPONENT_MAX = DBL_MAX_10_EXP,
    EXPONENT_MIN = DBL_MIN_10_EXP - DBL_DECIMAL_DIG - DIGITS_MAX
};

/* The nearest double; infinity when there is none. text[0..len) are further digits, see above. */
static double read_decimal(struct decimal decimal, const char *text, size_t len)
{
    double value;

    if (decimal.digits == 0 || decimal.exponent < EXPONENT_MIN)
        return 0;
    if (decimal.exponent > EXPONENT_MAX)
        return HUGE_VAL;
    if (len == 0 && (read_in_double(decimal, &value) || read_in_integers(decimal, &value)))
        return value;
    return read_by_library(decimal, text, len);
}

bool spb_double_from_text(const char *text, size_t len, double *value_out)
{
    struct scanned number;
    scan(text, len, &number);

    const size_t rest_len = number.rest_matters ? (size_t)(text + len - number.rest) : 0;
    const double magnitude = read_decimal(number.decimal, number.rest, rest_len);

    if (isinf(magnitude))
        return false;
    *value_out = number.negative && magnitude != 0 ? -magnitude : magnitude;
    return true;
}

/* ---- Number to decimal: three ways to the same digits ---- */

/* What a way returns that does not lead to the digits of this value. Zero takes none of them. */
static const struct decimal no_decimal = { 0, 0 };

/*
 * Tries 0, 1, 2 decimals and so on. Up to 15 digits no two decimals read as the same double, so the
 * first that reads back equal is the only one.
 */
static struct decimal find_few_decimals(double value)
{
    for (int places = 0; places <= POWER_OF_TEN_MAX; places++) {
        const double scaled = value * power_of_ten[places];
        if (scaled >= power_of_ten[DBL_DIG])
            break;
        const int64_t digits = (int64_t)(scaled + 0.5);
        if ((double)digits / power_of_ten[places] == value)
            return (struct decimal){ (uint64_t)digits, -places };
    }
    return no_decimal;
}

#ifdef __SIZEOF_INT128__

/*
 * The binary exponents of the values that, times a power of ten from 0 to 27, have 17 or 18 digits
 * before the point, with 0 to 63 bits behind it.
 */
enum { BINARY_EXPONENT_MIN = -36, BINARY_EXPONENT_MAX = 54, DIGITS_BEFORE_POINT = 17 };

/* floor(log10(2^exponent)). Compilers with 128 bits shift negative numbers arithmetically. */
static int decimal_exponent_of(int binary_exponent)
{
    return binary_exponent * 78913 >> 18; /* log10(2) * 2^18 */
}

/* The multiple of unit that is nearest to value / 2^point, as a count of units; ties to even. */
static uint64_t nearest_multiple(uint128 value, int point, uint64_t unit)
{
    const uint64_t count = (uint64_t)(value >> point) / unit;
    const uint128 twice_rest = (value - ((uint128)(count * unit) << point)) * 2;
    const uint128 whole = (uint128)unit << point;

    return count + (twice_rest > whole || (twice_rest == whole && count % 2 != 0));
}

/*
 * Everything between the halfway points to the neighbouring doubles reads back equal, and the
 * halfway points too when the last bit is even. Scaled by 5^places, these bounds are integers with
 * `point` bits behind the binary point; the largest power of ten with a multiple between them
 * leaves the fewest digits.
 */
static struct decimal find_in_interval(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);

    const int binary_exponent = (int)(bits >> FRACTION_BITS) - EXPONENT_BIAS;
    if (binary_exponent < BINARY_EXPONENT_MIN || binary_exponent > BINARY_EXPONENT_MAX)
        return no_decimal;

    /* In quarters of the last bit: the halfway points are 2 away, or 1 below a power of two. */
    const uint64_t fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
    const uint64_t quarters = (fraction | UINT64_C(1) << FRACTION_BITS) * 4;
    const int places = DIGITS_BEFORE_POINT - 1 - decimal_exponent_of(binary_exponent);
    const int point = FRACTION_BITS + 2 - binary_exponent - places;
    const uint128 five = power_of_five[places];
    const uint128 open = fraction % 2;
    const uint128 low = (quarters - (fraction == 0 ? 1 : 2)) * five + open;
    const uint128 high = (quarters + 2) * five - open;

    /* Counts of units: the multiples in the interval are those above `below`, up to `last`. */
    uint64_t below = (uint64_t)((low - 1) >> point);
    uint64_t last = (uint64_t)(high >> point);
    uint64_t unit = 1;
    int exponent = -places;
    while (last / 10 > below / 10) {
        below /= 10;
        last /= 10;
        unit *= 10;
        exponent++;
    }

    /* The interval reaches less far down than up, so the nearest may be below it, never above. */
    const uint64_t nearest = nearest_multiple(quarters * five, point, unit);
    return (struct decimal){ nearest > below ? nearest : below + 1, exponent };
}

#else

static struct decimal find_in_interval(double value)
{
    (void)value;
    return no_decimal;
}

#endif

/* The value with so many significant digits, correctly rounded by the C library. */
static struct decimal round_by_library(double value, int count)
{
    char text[SPB_DOUBLE_TEXT_MAX];
    struct decimal decimal = { 0, 1 - count };
    const char *next = text;

    /* What stands between the first digit and the others is the locale's affair. */
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    for (; *next != 'e'; next++) {
        if (is_digit(*next))
            decimal.digits = decimal.digits * 10 + (uint64_t)(*next - '0');
    }
    decimal.exponent += strtol(next + 1, NULL, 10);
    return decimal;
}

/*
 * Whether so many significant digits can be read back equal, and which. The neighbour above has its
 * chance, because the interval of a power of two reaches farther up than down.
 */
static bool find_by_trial(double value, int count, struct decimal *decimal_out)
{
    *decimal_out = round_by_library(value, count);
    if (read_decimal(*decimal_out, NULL, 0) == value)
        return true;
    decimal_out->digits++;
    return read_decimal(*decimal_out, NULL, 0) == value;
}

/* DBL_DECIMAL_DIG digits always do, and where some number of digits does, every larger one does. */
static struct decimal find_by_trials(double value)
{
    struct decimal decimal;
    int enough = DBL_DECIMAL_DIG;

    for (int too_few = 0; enough - too_few > 1;) {
        const int count = (too_few + enough) / 2;
        if (find_by_trial(value, count, &decimal))
            enough = count;
        else
            too_few = count;
    }
    (void)find_by_trial(value, enough, &decimal);
    return decimal;
}

/* ---- Decimal to text ---- */

/* Where ECMAScript goes over to an exponent: decimal points beyond these places. */
enum { POINT_MAX = 21, POINT_MIN = -5 };

/* Writes digits / 10^places. */
static size_t put_fixed_point(char *out, uint64_t digits, size_t places)
{
    if (places == 0)
        return put_digits(out, digits);

    const bool has_whole = places < DIGITS_MAX;
    const uint64_t whole = has_whole ? digits / integer_power_of_ten[places] : 0;
    size_t len = put_digits(out, whole);
    out[len++] = '.';
    put_last_digits(out + len, places, digits);
    return len + places;
}

static size_t put_exponent(char *out, int exponent)
{
    out[0] = 'e';
    out[1] = exponent < 0 ? '-' : '+';
    return 2 + put_digits(out + 2, (uint64_t)abs(exponent));
}

static size_t put_decimal(char *out, struct decimal decimal)
{
    const size_t count = count_digits(decimal.digits);
    const int exponent = (int)decimal.exponent;
    const int point = (int)count + exponent; /* digits before the decimal point */

    if (point < POINT_MIN || point > POINT_MAX) {
        const size_t len = put_fixed_point(out, decimal.digits, count - 1);
        return len + put_exponent(out + len, point - 1);
    }
    if (exponent < 0)
        return put_fixed_point(out, decimal.digits, (size_t)-exponent);
    put_last_digits(out, count, decimal.digits);
    memset(out + count, '0', (size_t)exponent);
    return (size_t)point;
}

size_t spb_double_to_text(double value, char out[SPB_DOUBLE_TEXT_MAX])
{
    const double magnitude = fabs(value);
    const size_t sign_len = value < 0;

    assert(isfinite(value));
    if (value == 0)
        return put_digits(out, 0);

    struct decimal decimal = find_few_decimals(magnitude);
    if (decimal.digits == 0)
        decimal = find_in_interval(magnitude);
    if (decimal.digits == 0)
        decimal = find_by_trials(magnitude);
    out[0] = '-';
    return sign_len + put_decimal(out + sign_len, decimal);
}

/* Up to four digits, all written and the zeros in front shifted out: there is no branch for each. */
static size_t put_short(char out[sizeof(uint64_t)], unsigned value)
{
    const char *const high = spb_digit_pairs + (size_t)2 * (value / 100);
    const char *const low = spb_digit_pairs + (size_t)2 * (value % 100);
    const uint32_t digits = (uint32_t)(high[0] | high[1] << 8 | low[0] << 16 | low[1] << 24);
    const unsigned count = 1u + (value >= 10) + (value >= 100) + (value >= 1000);

    spb_word_store(out, digits >> 8 * (4 - count));
    return count;
}

size_t spb_int32_to_text(int32_t value, char out[SPB_INT32_TEXT_MAX])
{
    const size_t sign_len = value < 0;

    if ((uint32_t)value < 10000)
        return put_short(out, (unsigned)value);

    out[0] = '-';
    return sign_len + put_digits(out + sign_len, (uint64_t)llabs(value));
}
