#ifndef SPB_BASE_SCAN_H
#define SPB_BASE_SCAN_H

/*
 * The vector steps of the engine, and the only place with intrinsics: SSE2, which every x86-64 has,
 * and a portable form that the compiler may vectorise. The portable functions are always there, for
 * the tests to compare with.
 */
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

enum {
    SPB_VECTOR = 16, /* bytes of one step */
    SPB_MATCH = 32   /* bytes of one comparison */
};

/* What one vector of a JSON string holds; bit i stands for byte i. */
struct spb_scan {
    unsigned stop; /* quote, backslash, or a control character: a run of plain characters ends */
    unsigned high; /* 0x80 and above: UTF-8 to be checked */
};

static inline struct spb_scan spb_scan_portable(const uint8_t *in)
{
    struct spb_scan scan = { 0, 0 };

    for (unsigned i = 0; i < SPB_VECTOR; i++) {
        scan.stop |= (unsigned)(in[i] == '"' || in[i] == '\\' || in[i] < 0x20) << i;
        scan.high |= (unsigned)(in[i] >> 7) << i;
    }
    return scan;
}

static inline uint32_t spb_match_portable(const void *a, const void *b)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint32_t equal = 0;

    for (unsigned i = 0; i < SPB_MATCH; i++)
        equal |= (uint32_t)(x[i] == y[i]) << i;
    return equal;
}

/* Looks at the vector at `in`. */
static inline struct spb_scan spb_scan(const uint8_t *in)
{
#if defined(__SSE2__)
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)in);
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);
    const __m128i stop = _mm_or_si128(_mm_or_si128(quote, backslash), control);
    return (struct spb_scan){ (unsigned)_mm_movemask_epi8(stop),
                              (unsigned)_mm_movemask_epi8(bytes) };
#else
    return spb_scan_portable(in);
#endif
}

/* Copies one vector from `in` to `out`, whole, and looks at it. The two may overlap. */
static inline struct spb_scan spb_copy_scan(const uint8_t *in, uint8_t *out)
{
    uint8_t vector[SPB_VECTOR];

    memcpy(vector, in, SPB_VECTOR);
    memcpy(out, vector, SPB_VECTOR);
    return spb_scan(vector);
}

/* Compares SPB_MATCH bytes; bit i of the result says that byte i is equal. */
static inline uint32_t spb_match(const void *a, const void *b)
{
#if defined(__SSE2__)
    const __m128i *x = a;
    const __m128i *y = b;
    const __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(x), _mm_loadu_si128(y));
    const __m128i high = _mm_cmpeq_epi8(_mm_loadu_si128(x + 1), _mm_loadu_si128(y + 1));
    return (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
#else
    return spb_match_portable(a, b);
#endif
}

/* Bytes below the lowest set bit of a scan's mask, which must not be 0. */
static inline unsigned spb_first(unsigned mask)
{
    return (unsigned)__builtin_ctz(mask);
}

#endif
