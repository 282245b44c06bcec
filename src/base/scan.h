#ifndef SPB_BASE_SCAN_H
#define SPB_BASE_SCAN_H

/*
 * The vector steps of the engine, and the only place with intrinsics. A step is 32 bytes wide, which
 * holds three of four strings of a session whole: one AVX2 register, two of SSE2 or NEON, or a loop.
 * Which of them is the compiler's setting for the file that includes this; see bridge/engine.h for
 * the choice at run time. The portable functions are always there, for the tests to compare with.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* SPB_PORTABLE may be defined by a test, too. */
#if defined(__AVX2__)
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#elif !defined(SPB_PORTABLE)
#define SPB_PORTABLE
#endif

enum { SPB_VECTOR = 32 /* bytes of one step */ };

/*
 * What one vector of a JSON string holds; bit i stands for byte i. What a caller does not look at is
 * not computed.
 */
struct spb_scan {
    uint32_t quote;
    uint32_t odd;  /* a backslash, a control character, or 0x80 and above: not plain ASCII */
    uint32_t stop; /* quote, backslash, or a control character: a run of plain characters ends */
    uint32_t high; /* 0x80 and above: UTF-8 to be checked */
    uint32_t rare; /* any of these */
};

/* ---- portable ---- */

static inline struct spb_scan spb_scan_portable(const uint8_t *in)
{
    struct spb_scan scan = { 0 };

    for (unsigned i = 0; i < SPB_VECTOR; i++) {
        const uint32_t special = in[i] == '\\' || in[i] < 0x20;
        const uint32_t quote = in[i] == '"';
        const uint32_t high = in[i] >> 7;
        scan.quote |= quote << i;
        scan.odd |= (special | high) << i;
        scan.stop |= (special | quote) << i;
        scan.high |= high << i;
        scan.rare |= (special | high | quote) << i;
    }
    return scan;
}

/* Whether a byte breaks UTF-8 (Unicode, table 3-7) behind last[0], before which last[1] and last[2] stand. */
static inline bool spb_breaks_utf8(uint8_t byte, const uint8_t last[3])
{
    const uint8_t lead = last[0];
    const bool is_tail = (byte & 0xC0) == 0x80;
    const bool is_behind_tail = (lead & 0xC0) == 0x80;
    const bool is_due = last[1] >= 0xE0 || last[2] >= 0xF0; /* to be a third or fourth byte */

    if (is_due != (is_tail && is_behind_tail))
        return true;
    if (lead < 0xC0)
        return is_tail && !is_behind_tail;
    return !is_tail || lead < 0xC2 || lead > 0xF4 || (lead == 0xE0 && byte < 0xA0) ||
           (lead == 0xED && byte >= 0xA0) || (lead == 0xF0 && byte < 0x90) ||
           (lead == 0xF4 && byte >= 0x90);
}

/* See spb_utf8_errors(). */
static inline uint32_t spb_utf8_errors_portable(const uint8_t *in, bool first)
{
    uint8_t last[3] = { 0, 0, 0 };
    uint32_t errors = 0;

    for (unsigned i = 0; i < 3 && !first; i++)
        last[i] = *(in - 1 - i);
    for (unsigned i = 0; i < SPB_VECTOR; i++) {
        errors |= (uint32_t)spb_breaks_utf8(in[i], last) << i;
        last[2] = last[1];
        last[1] = last[0];
        last[0] = in[i];
    }
    return errors;
}

static inline uint32_t spb_match_portable(const void *a, const void *b)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    uint32_t equal = 0;

    for (unsigned i = 0; i < SPB_VECTOR; i++)
        equal |= (uint32_t)(x[i] == y[i]) << i;
    return equal;
}

/* ---- UTF-8 by tables ---- */

#if defined(__AVX2__) || (defined(__ARM_NEON) && defined(__aarch64__))

/*
 * What a byte and the lead before it may break. A rule is broken where three of their four halves all
 * name it (Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte", 2021).
 */
enum {
    SPB_CUT = 1 << 0,       /* no tail behind a lead */
    SPB_STRAY = 1 << 1,     /* a tail behind ASCII */
    SPB_OVERLONG2 = 1 << 2, /* C0 and C1 */
    SPB_OVERLONG3 = 1 << 3, /* below A0 behind E0 */
    SPB_SURROGATE = 1 << 4, /* from A0 on behind ED */
    SPB_BELOW_90 = 1 << 5,  /* below 90 behind F0, overlong, or behind F5 and above, no leads */
    SPB_FROM_90 = 1 << 6,   /* from 90 on behind F4 and above: beyond U+10FFFF */
    SPB_TAILS = 1 << 7,     /* two tails: right where a third or fourth byte is due */
    SPB_ANY_LEAD = SPB_CUT | SPB_STRAY | SPB_TAILS,
    SPB_ANY_TAIL = SPB_STRAY | SPB_OVERLONG2 | SPB_TAILS,
    SPB_NO_LEAD = SPB_ANY_LEAD | SPB_BELOW_90 | SPB_FROM_90
};

struct spb_utf8_rules {
    uint8_t lead_high[16];
    uint8_t lead_low[16];
    uint8_t byte_high[16];
};

static const struct spb_utf8_rules spb_utf8_rules = {
    .lead_high = { SPB_STRAY, SPB_STRAY, SPB_STRAY, SPB_STRAY, SPB_STRAY, SPB_STRAY, SPB_STRAY,
                   SPB_STRAY, SPB_TAILS, SPB_TAILS, SPB_TAILS, SPB_TAILS, SPB_CUT | SPB_OVERLONG2,
                   SPB_CUT, SPB_CUT | SPB_OVERLONG3 | SPB_SURROGATE,
                   SPB_CUT | SPB_BELOW_90 | SPB_FROM_90 },
    .lead_low = { SPB_ANY_LEAD | SPB_OVERLONG2 | SPB_OVERLONG3 | SPB_BELOW_90,
                  SPB_ANY_LEAD | SPB_OVERLONG2, SPB_ANY_LEAD, SPB_ANY_LEAD,
                  SPB_ANY_LEAD | SPB_FROM_90, SPB_NO_LEAD, SPB_NO_LEAD, SPB_NO_LEAD, SPB_NO_LEAD,
                  SPB_NO_LEAD, SPB_NO_LEAD, SPB_NO_LEAD, SPB_NO_LEAD, SPB_NO_LEAD | SPB_SURROGATE,
                  SPB_NO_LEAD, SPB_NO_LEAD },
    .byte_high = { SPB_CUT, SPB_CUT, SPB_CUT, SPB_CUT, SPB_CUT, SPB_CUT, SPB_CUT, SPB_CUT,
                   SPB_ANY_TAIL | SPB_OVERLONG3 | SPB_BELOW_90,
                   SPB_ANY_TAIL | SPB_OVERLONG3 | SPB_FROM_90,
                   SPB_ANY_TAIL | SPB_SURROGATE | SPB_FROM_90,
                   SPB_ANY_TAIL | SPB_SURROGATE | SPB_FROM_90, SPB_CUT, SPB_CUT, SPB_CUT, SPB_CUT },
};

#endif

/* ---- vectors ---- */

#if defined(SPB_PORTABLE)

typedef struct {
    uint8_t bytes[SPB_VECTOR];
} spb_vector;

static inline spb_vector spb_load(const void *from)
{
    spb_vector vector;

    memcpy(vector.bytes, from, SPB_VECTOR);
    return vector;
}

static inline void spb_store(void *to, spb_vector vector)
{
    memcpy(to, vector.bytes, SPB_VECTOR);
}

static inline struct spb_scan spb_scan_vector(spb_vector vector)
{
    return spb_scan_portable(vector.bytes);
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return spb_match_portable(a.bytes, b.bytes);
}

static inline uint32_t spb_utf8_errors(const void *in, bool first)
{
    return spb_utf8_errors_portable(in, first);
}

#elif defined(__AVX2__)

typedef __m256i spb_vector;

static inline spb_vector spb_load(const void *from)
{
    return _mm256_loadu_si256(from);
}

static inline void spb_store(void *to, spb_vector vector)
{
    _mm256_storeu_si256(to, vector);
}

static inline struct spb_scan spb_scan_vector(spb_vector bytes)
{
    const __m256i quote = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('"'));
    const __m256i backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    const __m256i control =
        _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, _mm256_set1_epi8(0x1f)), bytes);
    const __m256i stop = _mm256_or_si256(_mm256_or_si256(backslash, control), quote);
    /* As signed numbers, 80 and above are below the control characters. */
    const __m256i odd = _mm256_or_si256(backslash, _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), bytes));

    return (struct spb_scan){
        .quote = (uint32_t)_mm256_movemask_epi8(quote),
        .odd = (uint32_t)_mm256_movemask_epi8(odd),
        .stop = (uint32_t)_mm256_movemask_epi8(stop),
        .high = (uint32_t)_mm256_movemask_epi8(bytes),
        .rare = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(odd, quote)),
    };
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b));
}

/* What each half of a byte, or each byte below 16, is in a table. */
static inline spb_vector spb_look_up(const uint8_t table[16], spb_vector halves)
{
    const __m128i row = _mm_loadu_si128((const void *)table);

    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(row), halves);
}

static inline spb_vector spb_high_halves(spb_vector bytes)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(0x0f));
}

/* `last`: the bytes that stand one, two and three places before each. */
static inline uint32_t spb_utf8_errors_behind(spb_vector bytes, spb_vector last1, spb_vector last2,
                                              spb_vector last3)
{
    const struct spb_utf8_rules *const rules = &spb_utf8_rules;
    const __m256i low_halves = _mm256_and_si256(last1, _mm256_set1_epi8(0x0f));
    const __m256i lead = _mm256_and_si256(spb_look_up(rules->lead_high, spb_high_halves(last1)),
                                          spb_look_up(rules->lead_low, low_halves));
    const __m256i broken =
        _mm256_and_si256(lead, spb_look_up(rules->byte_high, spb_high_halves(bytes)));
    const __m256i third = _mm256_subs_epu8(last2, _mm256_set1_epi8(0xE0 - 0x80));
    const __m256i fourth = _mm256_subs_epu8(last3, _mm256_set1_epi8(0xF0 - 0x80));
    const __m256i due =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)SPB_TAILS));

    return ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(broken, due));
}

static inline uint32_t spb_utf8_errors(const void *in, bool first)
{
    const uint8_t *const byte = in;
    const spb_vector bytes = spb_load(in);

    if (!first)
        return spb_utf8_errors_behind(bytes, spb_load(byte - 1), spb_load(byte - 2),
                                      spb_load(byte - 3));
    const __m256i lower = _mm256_permute2x128_si256(bytes, bytes, 0x08); /* behind zeros */
    return spb_utf8_errors_behind(bytes, _mm256_alignr_epi8(bytes, lower, 15),
                                  _mm256_alignr_epi8(bytes, lower, 14),
                                  _mm256_alignr_epi8(bytes, lower, 13));
}

#elif defined(__SSE2__)

typedef struct {
    __m128i half[2];
} spb_vector;

static inline spb_vector spb_load(const void *from)
{
    const __m128i *const halves = from;

    return (spb_vector){ { _mm_loadu_si128(halves), _mm_loadu_si128(halves + 1) } };
}

static inline void spb_store(void *to, spb_vector vector)
{
    __m128i *const halves = to;

    _mm_storeu_si128(halves, vector.half[0]);
    _mm_storeu_si128(halves + 1, vector.half[1]);
}

/* One bit for each byte, from its high bit. */
static inline uint32_t spb_mask(__m128i low, __m128i high)
{
    return (uint32_t)_mm_movemask_epi8(low) | (uint32_t)_mm_movemask_epi8(high) << 16;
}

/* What a scan looks for in 16 bytes: all ones there. */
struct spb_half_scan {
    __m128i quote, odd, stop;
};

static inline struct spb_half_scan spb_scan_half(__m128i bytes)
{
    const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);

    return (struct spb_half_scan){
        .quote = quote,
        /* As signed numbers, 80 and above are below the control characters. */
        .odd = _mm_or_si128(backslash, _mm_cmplt_epi8(bytes, _mm_set1_epi8(' '))),
        .stop = _mm_or_si128(_mm_or_si128(backslash, control), quote),
    };
}

static inline struct spb_scan spb_scan_vector(spb_vector bytes)
{
    const struct spb_half_scan low = spb_scan_half(bytes.half[0]);
    const struct spb_half_scan high = spb_scan_half(bytes.half[1]);

    return (struct spb_scan){
        .quote = spb_mask(low.quote, high.quote),
        .odd = spb_mask(low.odd, high.odd),
        .stop = spb_mask(low.stop, high.stop),
        .high = spb_mask(bytes.half[0], bytes.half[1]),
        .rare = spb_mask(_mm_or_si128(low.odd, low.quote), _mm_or_si128(high.odd, high.quote)),
    };
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return spb_mask(_mm_cmpeq_epi8(a.half[0], b.half[0]), _mm_cmpeq_epi8(a.half[1], b.half[1]));
}

/* All ones in bytes that are a limit or above, or below it, or equal. */
static inline __m128i spb_from(__m128i bytes, int limit)
{
    return _mm_cmpeq_epi8(_mm_max_epu8(bytes, _mm_set1_epi8((char)limit)), bytes);
}

static inline __m128i spb_is(__m128i bytes, int byte)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8((char)byte));
}

/* Of two bytes that a lead may have behind it, one from a limit on is wrong, or one below it. */
static inline __m128i spb_wrong_behind(__m128i last, int from_lead, int below_lead, __m128i from)
{
    return _mm_or_si128(_mm_and_si128(spb_is(last, from_lead), from),
                        _mm_andnot_si128(from, spb_is(last, below_lead)));
}

/* As spb_breaks_utf8() has it. `last`: the bytes that stand one, two and three places before. */
static inline __m128i spb_utf8_broken(__m128i bytes, __m128i last1, __m128i last2, __m128i last3)
{
    const __m128i lead = spb_from(last1, 0xC0);
    const __m128i tail = _mm_andnot_si128(spb_from(bytes, 0xC0), spb_from(bytes, 0x80));
    const __m128i behind_tail = _mm_andnot_si128(lead, spb_from(last1, 0x80));
    const __m128i due = _mm_or_si128(spb_from(last2, 0xE0), spb_from(last3, 0xF0));
    const __m128i order = _mm_or_si128(_mm_xor_si128(due, _mm_and_si128(tail, behind_tail)),
                                       _mm_xor_si128(lead, _mm_andnot_si128(behind_tail, tail)));
    const __m128i c0_or_c1 = spb_is(_mm_or_si128(last1, _mm_set1_epi8(1)), 0xC1);
    const __m128i no_lead = _mm_or_si128(c0_or_c1, spb_from(last1, 0xF5));
    const __m128i wrong = _mm_or_si128(spb_wrong_behind(last1, 0xED, 0xE0, spb_from(bytes, 0xA0)),
                                       spb_wrong_behind(last1, 0xF4, 0xF0, spb_from(bytes, 0x90)));

    return _mm_or_si128(_mm_or_si128(order, no_lead), wrong);
}

static inline __m128i spb_load_half(const uint8_t *from)
{
    return _mm_loadu_si128((const void *)from);
}

static inline uint32_t spb_utf8_errors(const void *in, bool first)
{
    const uint8_t *const low = in, *const high = low + 16;
    const __m128i bytes = spb_load_half(low);
    const __m128i last1 = first ? _mm_slli_si128(bytes, 1) : spb_load_half(low - 1);
    const __m128i last2 = first ? _mm_slli_si128(bytes, 2) : spb_load_half(low - 2);
    const __m128i last3 = first ? _mm_slli_si128(bytes, 3) : spb_load_half(low - 3);

    return spb_mask(spb_utf8_broken(bytes, last1, last2, last3),
                    spb_utf8_broken(spb_load_half(high), spb_load_half(high - 1),
                                    spb_load_half(high - 2), spb_load_half(high - 3)));
}

#elif defined(__ARM_NEON) && defined(__aarch64__)

typedef uint8x16x2_t spb_vector;

static inline spb_vector spb_load(const void *from)
{
    return (spb_vector){ { vld1q_u8(from), vld1q_u8((const uint8_t *)from + 16) } };
}

static inline void spb_store(void *to, spb_vector vector)
{
    vst1q_u8(to, vector.val[0]);
    vst1q_u8((uint8_t *)to + 16, vector.val[1]);
}

/* One bit for each byte, which is all ones or all zeros: by its weight, added up in pairs. */
static inline uint32_t spb_mask(uint8x16_t low, uint8x16_t high)
{
    static const uint8_t weights[16] = { 1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128 };
    const uint8x16_t weight = vld1q_u8(weights);
    const uint8x16_t pairs = vpaddq_u8(vandq_u8(low, weight), vandq_u8(high, weight));
    const uint8x16_t quads = vpaddq_u8(pairs, pairs);

    return vgetq_lane_u32(vreinterpretq_u32_u8(vpaddq_u8(quads, quads)), 0);
}

/* What a scan looks for in 16 bytes: all ones there. */
struct spb_half_scan {
    uint8x16_t quote, odd, stop, high;
};

static inline struct spb_half_scan spb_scan_half(uint8x16_t bytes)
{
    const uint8x16_t quote = vceqq_u8(bytes, vdupq_n_u8('"'));
    const uint8x16_t high = vcgeq_u8(bytes, vdupq_n_u8(0x80));
    const uint8x16_t special =
        vorrq_u8(vceqq_u8(bytes, vdupq_n_u8('\\')), vcltq_u8(bytes, vdupq_n_u8(' ')));

    return (struct spb_half_scan){ .quote = quote,
                                   .odd = vorrq_u8(special, high),
                                   .stop = vorrq_u8(special, quote),
                                   .high = high };
}

static inline struct spb_scan spb_scan_vector(spb_vector bytes)
{
    const struct spb_half_scan low = spb_scan_half(bytes.val[0]);
    const struct spb_half_scan high = spb_scan_half(bytes.val[1]);

    return (struct spb_scan){
        .quote = spb_mask(low.quote, high.quote),
        .odd = spb_mask(low.odd, high.odd),
        .stop = spb_mask(low.stop, high.stop),
        .high = spb_mask(low.high, high.high),
        .rare = spb_mask(vorrq_u8(low.odd, low.quote), vorrq_u8(high.odd, high.quote)),
    };
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return spb_mask(vceqq_u8(a.val[0], b.val[0]), vceqq_u8(a.val[1], b.val[1]));
}

/* `last`: the bytes that stand one, two and three places before each. */
static inline uint8x16_t spb_utf8_broken(uint8x16_t bytes, uint8x16_t last1, uint8x16_t last2,
                                         uint8x16_t last3)
{
    const struct spb_utf8_rules *const rules = &spb_utf8_rules;
    const uint8x16_t low_halves = vandq_u8(last1, vdupq_n_u8(0x0f));
    const uint8x16_t lead = vandq_u8(vqtbl1q_u8(vld1q_u8(rules->lead_high), vshrq_n_u8(last1, 4)),
                                     vqtbl1q_u8(vld1q_u8(rules->lead_low), low_halves));
    const uint8x16_t broken =
        vandq_u8(lead, vqtbl1q_u8(vld1q_u8(rules->byte_high), vshrq_n_u8(bytes, 4)));
    const uint8x16_t due =
        vorrq_u8(vcgeq_u8(last2, vdupq_n_u8(0xE0)), vcgeq_u8(last3, vdupq_n_u8(0xF0)));

    return vmvnq_u8(vceqq_u8(broken, vandq_u8(due, vdupq_n_u8(SPB_TAILS))));
}

static inline uint32_t spb_utf8_errors(const void *in, bool first)
{
    const uint8_t *const low = in, *const high = low + 16;
    const uint8x16_t zeros = vdupq_n_u8(0), bytes = vld1q_u8(low);
    const uint8x16_t last1 = first ? vextq_u8(zeros, bytes, 15) : vld1q_u8(low - 1);
    const uint8x16_t last2 = first ? vextq_u8(zeros, bytes, 14) : vld1q_u8(low - 2);
    const uint8x16_t last3 = first ? vextq_u8(zeros, bytes, 13) : vld1q_u8(low - 3);

    return spb_mask(spb_utf8_broken(bytes, last1, last2, last3),
                    spb_utf8_broken(vld1q_u8(high), vld1q_u8(high - 1), vld1q_u8(high - 2),
                                    vld1q_u8(high - 3)));
}

#endif

/* ---- what they are for ---- */

/* Looks at the vector at `in`. */
static inline struct spb_scan spb_scan(const void *in)
{
    return spb_scan_vector(spb_load(in));
}

/* Copies one vector from `in` to `out`, whole, and looks at it. The two may overlap. */
static inline struct spb_scan spb_copy_scan(const void *in, void *out)
{
    const spb_vector vector = spb_load(in);

    spb_store(out, vector);
    return spb_scan_vector(vector);
}

/* Bytes below the lowest set bit of a mask: SPB_VECTOR where none is set. */
static inline unsigned spb_first(uint32_t mask)
{
    return mask == 0 ? SPB_VECTOR : (unsigned)__builtin_ctz(mask); /* one instruction with BMI */
}

/* The bits of the first `count` bytes of a vector. */
static inline uint32_t spb_first_bits(unsigned count)
{
    return (uint32_t)((UINT64_C(1) << count) - 1);
}

/*
 * Above, for each variant: spb_utf8_errors(in, first), the bytes of the vector at `in` that break UTF-8,
 * one bit each. What a sequence lacks is missed by the byte behind it, not at its lead. `first`: what
 * stands before the vector is ASCII, and not read; else three bytes of it are.
 */

/* Whether text[0..len) ends inside of a sequence. */
static inline bool spb_utf8_is_cut(const uint8_t *text, size_t len)
{
    return (len > 0 && text[len - 1] >= 0xC0) || (len > 1 && text[len - 2] >= 0xE0) ||
           (len > 2 && text[len - 3] >= 0xF0);
}

/* Watches the UTF-8 of a text that is gone through vector by vector; begin with zeros. */
struct spb_utf8_watch {
    uint32_t last; /* which of the three bytes before the next vector are 0x80 and above */
    bool doubt;    /* the text is not UTF-8 */
};

/*
 * The next `len` bytes of the text are at `in`: SPB_VECTOR of them, or less where the text ends or is
 * interrupted. `high`: see struct spb_scan.
 */
static inline void spb_watch_utf8(struct spb_utf8_watch *watch, const void *in, uint32_t high,
                                  unsigned len)
{
    const uint32_t inside = spb_first_bits(len);
    const bool first = watch->last == 0;

    high &= inside;
    if (high == 0 && first)
        return;
    watch->doubt |= (spb_utf8_errors(in, first) & inside) != 0;
    watch->last = high >> (SPB_VECTOR - 3);
    if (len < SPB_VECTOR) {
        const size_t before = first ? 0 : 3;
        watch->doubt |= spb_utf8_is_cut((const uint8_t *)in - before, before + len);
        watch->last = 0;
    }
}

/*
 * Whether len bytes, at least one and at most two vectors, are UTF-8 and nothing that JSON escapes. For
 * what a scan has found odd: out of line, where it costs the usual text nothing. Two vectors are read.
 */
__attribute__((noinline, unused)) static bool spb_is_common_text(const void *text, size_t len)
{
    const uint8_t *const low = text, *const high = low + SPB_VECTOR;
    const uint64_t stop = spb_scan(low).stop | (uint64_t)spb_scan(high).stop << SPB_VECTOR;
    const uint64_t errors = spb_utf8_errors(low, true) | (uint64_t)spb_utf8_errors(high, false)
                                                             << SPB_VECTOR;

    return (stop | errors) << (2 * (size_t)SPB_VECTOR - len) == 0 && !spb_utf8_is_cut(text, len);
}

/* Compares a vector of each; bit i of the result says that byte i is equal. */
static inline uint32_t spb_match(const void *a, const void *b)
{
    return spb_equal(spb_load(a), spb_load(b));
}

#endif
