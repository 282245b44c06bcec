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
};

/* Where the sequences of UTF-8 of a vector begin and go on (Unicode, table 3-7). */
struct spb_sequences {
    uint32_t lead2; /* C2 to DF: one tail follows */
    uint32_t lead3; /* E0 to EF: two follow */
    uint32_t lead4; /* F0 to F4: three follow */
    uint32_t tail;  /* 80 to BF */
    /* A tail that may not follow its lead: behind E0 below A0, behind ED from A0 on, behind F0 below
       90, behind F4 from 90 on. The last byte stands for the next one, if it is such a lead. */
    uint32_t wrong;
};

/* ---- portable ---- */

static inline struct spb_scan spb_scan_portable(const uint8_t *in)
{
    struct spb_scan scan = { 0, 0, 0, 0 };

    for (unsigned i = 0; i < SPB_VECTOR; i++) {
        const uint32_t special = in[i] == '\\' || in[i] < 0x20;
        const uint32_t quote = in[i] == '"';
        const uint32_t high = in[i] >> 7;
        scan.quote |= quote << i;
        scan.odd |= (special | high) << i;
        scan.stop |= (special | quote) << i;
        scan.high |= high << i;
    }
    return scan;
}

static inline struct spb_sequences spb_sequences_portable(const uint8_t *in)
{
    struct spb_sequences s = { 0, 0, 0, 0, 0 };
    uint8_t last = 0;

    for (unsigned i = 0; i < SPB_VECTOR; i++) {
        const bool tail = in[i] >= 0x80 && in[i] <= 0xBF;
        const bool wrong = (last == 0xE0 && in[i] < 0xA0) || (last == 0xED && in[i] >= 0xA0) ||
                           (last == 0xF0 && in[i] < 0x90) || (last == 0xF4 && in[i] >= 0x90);
        s.lead2 |= (uint32_t)(in[i] >= 0xC2 && in[i] <= 0xDF) << i;
        s.lead3 |= (uint32_t)(in[i] >= 0xE0 && in[i] <= 0xEF) << i;
        s.lead4 |= (uint32_t)(in[i] >= 0xF0 && in[i] <= 0xF4) << i;
        s.tail |= (uint32_t)tail << i;
        s.wrong |= (uint32_t)(tail && wrong) << i;
        last = in[i];
    }
    if (last == 0xE0 || last == 0xED || last == 0xF0 || last == 0xF4)
        s.wrong |= UINT32_C(1) << (SPB_VECTOR - 1);
    return s;
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
    const __m256i special = _mm256_or_si256(backslash, control);

    return (struct spb_scan){
        .quote = (uint32_t)_mm256_movemask_epi8(quote),
        .odd = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(special, bytes)),
        .stop = (uint32_t)_mm256_movemask_epi8(_mm256_or_si256(special, quote)),
        .high = (uint32_t)_mm256_movemask_epi8(bytes),
    };
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(a, b));
}

/* Bytes above a limit, as signed numbers: 80 is the lowest, ASCII is above all others. */
static inline uint32_t spb_above(spb_vector bytes, int limit)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpgt_epi8(bytes, _mm256_set1_epi8((char)limit)));
}

static inline uint32_t spb_equal_byte(spb_vector bytes, int byte)
{
    return spb_equal(bytes, _mm256_set1_epi8((char)byte));
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

static inline __m128i spb_quotes(__m128i bytes)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
}

/* Backslashes and control characters. */
static inline __m128i spb_specials(__m128i bytes)
{
    const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(0x1f)), bytes);

    return _mm_or_si128(backslash, control);
}

static inline struct spb_scan spb_scan_vector(spb_vector bytes)
{
    const __m128i low = bytes.half[0], high = bytes.half[1];
    const __m128i quotes[2] = { spb_quotes(low), spb_quotes(high) };
    const __m128i specials[2] = { spb_specials(low), spb_specials(high) };

    return (struct spb_scan){
        .quote = spb_mask(quotes[0], quotes[1]),
        .odd = spb_mask(_mm_or_si128(specials[0], low), _mm_or_si128(specials[1], high)),
        .stop =
            spb_mask(_mm_or_si128(specials[0], quotes[0]), _mm_or_si128(specials[1], quotes[1])),
        .high = spb_mask(low, high),
    };
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return spb_mask(_mm_cmpeq_epi8(a.half[0], b.half[0]), _mm_cmpeq_epi8(a.half[1], b.half[1]));
}

/* Bytes above a limit, as signed numbers: 80 is the lowest, ASCII is above all others. */
static inline uint32_t spb_above(spb_vector bytes, int limit)
{
    const __m128i limits = _mm_set1_epi8((char)limit);

    return spb_mask(_mm_cmpgt_epi8(bytes.half[0], limits), _mm_cmpgt_epi8(bytes.half[1], limits));
}

static inline uint32_t spb_equal_byte(spb_vector bytes, int byte)
{
    const __m128i all = _mm_set1_epi8((char)byte);

    return spb_equal(bytes, (spb_vector){ { all, all } });
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

static inline uint8x16_t spb_quotes(uint8x16_t bytes)
{
    return vceqq_u8(bytes, vdupq_n_u8('"'));
}

/* Backslashes and control characters. */
static inline uint8x16_t spb_specials(uint8x16_t bytes)
{
    const uint8x16_t backslash = vceqq_u8(bytes, vdupq_n_u8('\\'));
    const uint8x16_t control = vcltq_u8(bytes, vdupq_n_u8(0x20));

    return vorrq_u8(backslash, control);
}

static inline uint8x16_t spb_highs(uint8x16_t bytes)
{
    return vcgeq_u8(bytes, vdupq_n_u8(0x80));
}

static inline struct spb_scan spb_scan_vector(spb_vector bytes)
{
    const uint8x16_t quotes[2] = { spb_quotes(bytes.val[0]), spb_quotes(bytes.val[1]) };
    const uint8x16_t specials[2] = { spb_specials(bytes.val[0]), spb_specials(bytes.val[1]) };
    const uint8x16_t highs[2] = { spb_highs(bytes.val[0]), spb_highs(bytes.val[1]) };

    return (struct spb_scan){
        .quote = spb_mask(quotes[0], quotes[1]),
        .odd = spb_mask(vorrq_u8(specials[0], highs[0]), vorrq_u8(specials[1], highs[1])),
        .stop = spb_mask(vorrq_u8(specials[0], quotes[0]), vorrq_u8(specials[1], quotes[1])),
        .high = spb_mask(highs[0], highs[1]),
    };
}

static inline uint32_t spb_equal(spb_vector a, spb_vector b)
{
    return spb_mask(vceqq_u8(a.val[0], b.val[0]), vceqq_u8(a.val[1], b.val[1]));
}

/* Bytes above a limit, as signed numbers: 80 is the lowest, ASCII is above all others. */
static inline uint32_t spb_above(spb_vector bytes, int limit)
{
    const int8x16_t limits = vdupq_n_s8((int8_t)limit);

    return spb_mask(vcgtq_s8(vreinterpretq_s8_u8(bytes.val[0]), limits),
                    vcgtq_s8(vreinterpretq_s8_u8(bytes.val[1]), limits));
}

static inline uint32_t spb_equal_byte(spb_vector bytes, int byte)
{
    const uint8x16_t all = vdupq_n_u8((uint8_t)byte);

    return spb_equal(bytes, (spb_vector){ { all, all } });
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

static inline struct spb_sequences spb_sequences(const void *in)
{
#if defined(SPB_PORTABLE)
    return spb_sequences_portable(in);
#else
    const spb_vector bytes = spb_load(in);
    const uint32_t high = spb_scan_vector(bytes).high;
    const uint32_t above_df = high & spb_above(bytes, 0xDF - 0x100);
    const uint32_t above_ef = high & spb_above(bytes, 0xEF - 0x100);
    struct spb_sequences s = {
        .lead2 = high & spb_above(bytes, 0xC1 - 0x100) & ~above_df,
        .lead3 = above_df & ~above_ef,
        .lead4 = above_ef & ~spb_above(bytes, 0xF4 - 0x100),
        .tail = high & ~spb_above(bytes, 0xBF - 0x100),
    };
    const uint32_t e0 = spb_equal_byte(bytes, 0xE0), ed = spb_equal_byte(bytes, 0xED);

    if ((e0 | ed | s.lead4) != 0) {
        const uint32_t f0 = spb_equal_byte(bytes, 0xF0), f4 = spb_equal_byte(bytes, 0xF4);
        const uint32_t from_90 = spb_above(bytes, 0x8F - 0x100);
        const uint32_t from_a0 = spb_above(bytes, 0x9F - 0x100);
        const uint32_t wrong =
            (e0 << 1 & ~from_a0) | (ed << 1 & from_a0) | (f0 << 1 & ~from_90) | (f4 << 1 & from_90);
        const uint32_t last = UINT32_C(1) << (SPB_VECTOR - 1);
        s.wrong = (s.tail & wrong) | ((e0 | ed | f0 | f4) & last);
    }
    return s;
#endif
}

/* Watches the UTF-8 of a text that is gone through vector by vector; begin with zeros. */
struct spb_utf8_watch {
    uint32_t pending; /* places of the next vector where tails must stand */
    bool doubt;       /* the text may not be UTF-8: it must be checked */
};

/* `high`: places of the vector at `in`, up to where the text ends or is interrupted. */
static inline void spb_watch_utf8(struct spb_utf8_watch *watch, const void *in, uint32_t high)
{
    if ((high | watch->pending) == 0)
        return;
    const struct spb_sequences s = spb_sequences(in);
    const uint64_t lead4 = s.lead4 & high;
    const uint64_t lead34 = lead4 | (s.lead3 & high);
    const uint64_t leads = lead34 | (s.lead2 & high);
    const uint64_t tails = watch->pending | leads << 1 | lead34 << 2 | lead4 << 3;

    watch->pending = (uint32_t)(tails >> SPB_VECTOR);
    watch->doubt |= (uint32_t)tails != (s.tail & high) ||
                    (uint32_t)(leads | s.tail) != (high | s.tail) || (s.wrong & high) != 0;
}

/*
 * Whether len bytes, a vector or two, are UTF-8 beyond doubt and nothing that JSON escapes.
 * For what a scan has found odd: out of line, where it costs the usual text nothing.
 */
__attribute__((noinline, unused)) static bool spb_is_common_text(const void *text, size_t len)
{
    struct spb_utf8_watch watch = { 0 };

    for (const char *at = text;; at += SPB_VECTOR, len -= SPB_VECTOR) {
        const struct spb_scan scan = spb_scan(at);
        const uint32_t inside = spb_first_bits(len < SPB_VECTOR ? (unsigned)len : SPB_VECTOR);
        spb_watch_utf8(&watch, at, scan.high & inside);
        if ((scan.stop & inside) != 0 || watch.doubt)
            return false;
        if (len <= SPB_VECTOR)
            return watch.pending == 0;
    }
}

/* Compares a vector of each; bit i of the result says that byte i is equal. */
static inline uint32_t spb_match(const void *a, const void *b)
{
    return spb_equal(spb_load(a), spb_load(b));
}

#endif
