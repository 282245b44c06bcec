/*
 * Base64, three bytes to four characters and back.
 *
 * The trick: the table that maps characters back marks those that are of the alphabet with a bit of
 * its own, so that one AND tells whether all four of a group are.
 */
#include "base/base64.h"

enum { GROUP_BYTES = 3, GROUP_CHARS = 4 };
enum { SEXTET_BITS = 6, SEXTET_MASK = 0x3f, IN_ALPHABET = 0x40 };

#define PADDING '='

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* IN_ALPHABET and the character's place in the alphabet; 0 for a character that is not in it. */
static const uint8_t sextet_of[UINT8_MAX + 1] = {
    ['A'] = 0x40, ['B'] = 0x41, ['C'] = 0x42, ['D'] = 0x43, ['E'] = 0x44, ['F'] = 0x45,
    ['G'] = 0x46, ['H'] = 0x47, ['I'] = 0x48, ['J'] = 0x49, ['K'] = 0x4a, ['L'] = 0x4b,
    ['M'] = 0x4c, ['N'] = 0x4d, ['O'] = 0x4e, ['P'] = 0x4f, ['Q'] = 0x50, ['R'] = 0x51,
    ['S'] = 0x52, ['T'] = 0x53, ['U'] = 0x54, ['V'] = 0x55, ['W'] = 0x56, ['X'] = 0x57,
    ['Y'] = 0x58, ['Z'] = 0x59, ['a'] = 0x5a, ['b'] = 0x5b, ['c'] = 0x5c, ['d'] = 0x5d,
    ['e'] = 0x5e, ['f'] = 0x5f, ['g'] = 0x60, ['h'] = 0x61, ['i'] = 0x62, ['j'] = 0x63,
    ['k'] = 0x64, ['l'] = 0x65, ['m'] = 0x66, ['n'] = 0x67, ['o'] = 0x68, ['p'] = 0x69,
    ['q'] = 0x6a, ['r'] = 0x6b, ['s'] = 0x6c, ['t'] = 0x6d, ['u'] = 0x6e, ['v'] = 0x6f,
    ['w'] = 0x70, ['x'] = 0x71, ['y'] = 0x72, ['z'] = 0x73, ['0'] = 0x74, ['1'] = 0x75,
    ['2'] = 0x76, ['3'] = 0x77, ['4'] = 0x78, ['5'] = 0x79, ['6'] = 0x7a, ['7'] = 0x7b,
    ['8'] = 0x7c, ['9'] = 0x7d, ['+'] = 0x7e, ['/'] = 0x7f,
};

size_t spb_base64_encoded_len(size_t len)
{
    return (len / GROUP_BYTES + (len % GROUP_BYTES != 0)) * GROUP_CHARS;
}

static void encode_group(uint32_t bits, char out[GROUP_CHARS])
{
    out[0] = alphabet[bits >> 3 * SEXTET_BITS & SEXTET_MASK];
    out[1] = alphabet[bits >> 2 * SEXTET_BITS & SEXTET_MASK];
    out[2] = alphabet[bits >> SEXTET_BITS & SEXTET_MASK];
    out[3] = alphabet[bits & SEXTET_MASK];
}

size_t spb_base64_encode(const uint8_t *data, size_t len, char *out)
{
    const char *start = out;

    for (; len >= GROUP_BYTES; len -= GROUP_BYTES, data += GROUP_BYTES, out += GROUP_CHARS)
        encode_group((uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2], out);
    if (len > 0) {
        const uint32_t second = len == 2 ? data[1] : 0;
        encode_group((uint32_t)data[0] << 16 | second << 8, out);
        if (len == 1)
            out[2] = PADDING;
        out[3] = PADDING;
        out += GROUP_CHARS;
    }
    return (size_t)(out - start);
}

/* The 24 bits of four characters; false unless all are of the alphabet. */
static bool decode_group(const char text[GROUP_CHARS], uint32_t *bits_out)
{
    const uint32_t a = sextet_of[(uint8_t)text[0]];
    const uint32_t b = sextet_of[(uint8_t)text[1]];
    const uint32_t c = sextet_of[(uint8_t)text[2]];
    const uint32_t d = sextet_of[(uint8_t)text[3]];

    *bits_out = (a & SEXTET_MASK) << 3 * SEXTET_BITS | (b & SEXTET_MASK) << 2 * SEXTET_BITS |
                (c & SEXTET_MASK) << SEXTET_BITS | (d & SEXTET_MASK);
    return (a & b & c & d & IN_ALPHABET) != 0;
}

/* The last group may be padded: writes 1 to 3 bytes and returns how many, 0 when malformed. */
static size_t decode_last(const char text[GROUP_CHARS], uint8_t *out)
{
    const size_t padding = text[3] != PADDING ? 0 : text[2] != PADDING ? 1 : 2;
    const size_t len = GROUP_BYTES - padding;
    const char unpadded[GROUP_CHARS] = { text[0], text[1], padding == 2 ? 'A' : text[2],
                                         padding >= 1 ? 'A' : text[3] };
    uint32_t bits;

    if (!decode_group(unpadded, &bits) || (bits & ((UINT32_C(1) << 8 * padding) - 1)) != 0)
        return 0;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(bits >> (16 - 8 * i));
    return len;
}

bool spb_base64_decode(const char *text, size_t len, uint8_t *out, size_t *len_out)
{
    const uint8_t *start = out;

    if (len % GROUP_CHARS != 0)
        return false;
    for (; len > GROUP_CHARS; len -= GROUP_CHARS, text += GROUP_CHARS) {
        uint32_t bits;
        if (!decode_group(text, &bits))
            return false;
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    if (len > 0) {
        const size_t last = decode_last(text, out);
        if (last == 0)
            return false;
        out += last;
    }
    *len_out = (size_t)(out - start);
    return true;
}
