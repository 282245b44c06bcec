#ifndef SPB_BASE_NUMBER_H
#define SPB_BASE_NUMBER_H

/*
 * Numbers and their JSON text. The program's locale plays no part, and errno is left alone. Round
 * to nearest, the mode that every program starts in, is assumed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/word.h"

enum {
    SPB_INT32_TEXT_MAX = 12, /* room for -2147483648 */
    SPB_DOUBLE_TEXT_MAX = 32 /* room for -2.2250738585072014e-308 and -0.0000012345678901234567 */
};

/*
 * Both readers: text[0..len) is a JSON number, its grammar checked by the caller (RFC 8259). On
 * false, *value_out is untouched.
 */

/*
 * Exact for every spelling of an int32: 1.0, 1e2 and 1000e-3 are integers. False for a fraction and
 * for what int32 does not hold.
 */
bool spb_int32_from_text(const char *text, size_t len, int32_t *value_out);

/*
 * Reads one to seven digits at the start of a text of which 8 bytes are readable. False for fewer or
 * more of them. They are added up in pairs, then in fours, then all: there is no branch for each.
 */
static inline bool spb_digits(const char *text, uint32_t *value_out, unsigned *len_out)
{
    uint64_t digits = spb_word_load(text) ^ UINT64_C(0x3030303030303030);
    const uint64_t others =
        (digits | (digits + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080);

    if ((others & 0x80) != 0 || others == 0)
        return false;
    *len_out = (unsigned)__builtin_ctzll(others) / 8;
    digits <<= 64 - 8 * *len_out; /* as if zeros stood in front of them */
    digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
    *value_out = (uint32_t)(digits * 10000 + (digits >> 32));
    return true;
}

/*
 * The common spellings at the start of a text of which 24 bytes are readable: an int32 of digits
 * alone, a double of digits, a point and digits behind a sign or none; no more than seven at once,
 * and no exponent. Both return the place behind the number, or NULL for any other.
 */
static inline const char *spb_int32_from_digits(const char *text, int32_t *value_out)
{
    uint32_t value;
    unsigned len;

    if (!spb_digits(text, &value, &len))
        return NULL;
    const char next = text[len];
    if (((*text == '0') & (len > 1)) | (next == '.') | (next == 'e') | (next == 'E'))
        return NULL;
    *value_out = (int32_t)value;
    return text + len;
}

const char *spb_double_from_digits(const char *text, double *value_out);

/*
 * The double nearest to the number, ties to even. False when that is infinity. What is too small
 * reads as a subnormal or 0; zero has no sign.
 */
bool spb_double_from_text(const char *text, size_t len, double *value_out);

/* Both writers return the length of the text in bytes; there is no NUL behind it. */

size_t spb_int32_to_text(int32_t value, char out[SPB_INT32_TEXT_MAX]);

/*
 * A finite value as ECMAScript's Number::toString has it, and with it RFC 8785 section 3.2.2.3: the
 * fewest digits that read back equal, the closest among them; 1e21 is 1e+21 and -0 is 0.
 */
size_t spb_double_to_text(double value, char out[SPB_DOUBLE_TEXT_MAX]);

/* 00, 01, 02 to 99. */
extern const char spb_digit_pairs[201];

/* Writes a value below 100 with its leading zero. */
static inline void spb_put_two_digits(char out[2], uint32_t value)
{
    memcpy(out, spb_digit_pairs + (size_t)2 * value, 2);
}

#endif
