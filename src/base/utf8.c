/*
 * UTF-8: how much of a text is well-formed, and the bytes of one character.
 *
 * The trick: a sequence is decoded first and judged afterwards. Overlong forms, surrogates and what
 * lies beyond U+10FFFF are then a matter of the scalar value alone, and need no table of which byte
 * may follow which.
 */
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

/* What the first byte of a sequence adds to its payload, by the sequence's length; and the rest. */
enum { LEAD_2 = 0xc0, LEAD_3 = 0xe0, LEAD_4 = 0xf0, TAIL = 0x80 };

/* A tail byte carries six bits. */
enum { TAIL_BITS = 6, TAIL_MASK = 0x3f };

/* The smallest scalar value that needs so many bytes, and the ones that are none. */
enum {
    SCALAR_2 = 0x80,
    SCALAR_3 = 0x800,
    SCALAR_4 = 0x10000,
    SCALAR_MAX = 0x10ffff,
    SURROGATE_FIRST = 0xd800,
    SURROGATE_LAST = 0xdfff
};

/* Control characters besides those below the space: U+007F, and U+0080 to U+009F. */
enum { DELETE = 0x7f, C1_LEAD = 0xc2, C1_LAST_TAIL = 0x9f };

#define HIGH_BITS UINT64_C(0x8080808080808080)

static bool is_surrogate(uint32_t scalar)
{
    return scalar >= SURROGATE_FIRST && scalar <= SURROGATE_LAST;
}

/* The payload of a tail byte; a byte that is none gives a value above TAIL_MASK. */
static uint32_t tail_of(uint8_t byte)
{
    return (uint32_t)byte ^ TAIL;
}

/* Bytes of the well-formed sequence that text starts with; 0 where there is none. Not for ASCII. */
static size_t sequence_len(const uint8_t *text, size_t len)
{
    const uint32_t lead = text[0];

    if (lead < LEAD_2 || len < 2)
        return 0;
    const uint32_t second = tail_of(text[1]);
    if (lead < LEAD_3) {
        const uint32_t scalar = (lead - LEAD_2) << TAIL_BITS | second;
        return second <= TAIL_MASK && scalar >= SCALAR_2 ? 2 : 0;
    }

    if (len < 3)
        return 0;
    const uint32_t third = tail_of(text[2]);
    if (lead < LEAD_4) {
        const uint32_t scalar = (lead - LEAD_3) << 2 * TAIL_BITS | second << TAIL_BITS | third;
        return (second | third) <= TAIL_MASK && scalar >= SCALAR_3 && !is_surrogate(scalar) ? 3 : 0;
    }

    if (len < 4)
        return 0;
    const uint32_t fourth = tail_of(text[3]);
    const uint32_t scalar =
        (lead - LEAD_4) << 3 * TAIL_BITS | second << 2 * TAIL_BITS | third << TAIL_BITS | fourth;
    const bool tails_fit = (second | third | fourth) <= TAIL_MASK;
    return tails_fit && scalar >= SCALAR_4 && scalar <= SCALAR_MAX ? 4 : 0;
}

/* Bytes of ASCII that text starts with. */
static size_t ascii_len(const uint8_t *text, size_t len)
{
    size_t pos = 0;

    while (len - pos >= sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, text + pos, sizeof word);
        if ((word & HIGH_BITS) != 0)
            break;
        pos += sizeof word;
    }
    while (pos < len && text[pos] < SCALAR_2)
        pos++;
    return pos;
}

size_t spb_utf8_valid_len(const uint8_t *text, size_t len)
{
    size_t pos = 0;

    while (pos < len) {
        const size_t step = text[pos] < SCALAR_2 ? ascii_len(text + pos, len - pos)
                                                 : sequence_len(text + pos, len - pos);
        if (step == 0)
            break;
        pos += step;
    }
    return pos;
}

size_t spb_utf8_character(const uint8_t *text, size_t len, bool *printable_out)
{
    size_t whole = *text < SCALAR_2 ? 1 : sequence_len(text, len);

    if (whole == 0) {
        *printable_out = false;
        for (whole = 1; whole < len && whole < SPB_UTF8_MAX; whole++) {
            if (tail_of(text[whole]) > TAIL_MASK)
                break;
        }
        return whole;
    }
    const bool c0 = *text < ' ' || *text == DELETE;
    const bool c1 = whole == 2 && *text == C1_LEAD && text[1] <= C1_LAST_TAIL;
    *printable_out = !c0 && !c1;
    return whole;
}

/* The tail byte whose payload starts at a bit of the scalar value. */
static uint8_t tail(uint32_t scalar, int bit)
{
    return (uint8_t)(TAIL | (scalar >> bit & TAIL_MASK));
}

size_t spb_utf8_encode(uint32_t scalar, uint8_t out[SPB_UTF8_MAX])
{
    assert(scalar <= SCALAR_MAX && !is_surrogate(scalar));

    if (scalar < SCALAR_2) {
        out[0] = (uint8_t)scalar;
        return 1;
    }
    if (scalar < SCALAR_3) {
        out[0] = (uint8_t)(LEAD_2 | scalar >> TAIL_BITS);
        out[1] = tail(scalar, 0);
        return 2;
    }
    if (scalar < SCALAR_4) {
        out[0] = (uint8_t)(LEAD_3 | scalar >> 2 * TAIL_BITS);
        out[1] = tail(scalar, TAIL_BITS);
        out[2] = tail(scalar, 0);
        return 3;
    }
    out[0] = (uint8_t)(LEAD_4 | scalar >> 3 * TAIL_BITS);
    out[1] = tail(scalar, 2 * TAIL_BITS);
    out[2] = tail(scalar, TAIL_BITS);
    out[3] = tail(scalar, 0);
    return 4;
}
