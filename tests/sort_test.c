/*
 * Sorting of spans. The judge needs no second sort: what comes out ascends, equal ones stand in the
 * order they came in, and each came in once.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "base/sort.h"

enum { TIMEOUT_SECONDS = 120, MANY = 100000, KEY_MAX = 8, BELOW = 5 };

/* A generator of its own, so that a failure comes again. */
static uint32_t random_state;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* ---- Patterns: the i-th of count numbers. ---- */

typedef size_t pattern(size_t i, size_t count);

static size_t ascending(size_t i, size_t count)
{
    (void)count;
    return i;
}

static size_t descending(size_t i, size_t count)
{
    return count - i;
}

static size_t descending_pairs(size_t i, size_t count)
{
    return (count - i) / 2;
}

static size_t all_equal(size_t i, size_t count)
{
    (void)i, (void)count;
    return 7;
}

static size_t up_and_down(size_t i, size_t count)
{
    return i < count / 2 ? i : count - i;
}

static size_t last_is_least(size_t i, size_t count)
{
    return i + 1 == count ? 0 : i + 1;
}

static size_t first_is_greatest(size_t i, size_t count)
{
    return i == 0 ? count : i;
}

static size_t of_three(size_t i, size_t count)
{
    (void)i, (void)count;
    return next_random() % 3;
}

static size_t of_all(size_t i, size_t count)
{
    (void)i;
    return next_random() % count;
}

static size_t huge(size_t i, size_t count)
{
    (void)i, (void)count;
    return SIZE_MAX - next_random() % 100 * (SIZE_MAX / 100);
}

static pattern *const patterns[] = { ascending,   descending,    descending_pairs,  all_equal,
                                     up_and_down, last_is_least, first_is_greatest, of_three,
                                     of_all,      huge };

enum { PATTERNS = sizeof patterns / sizeof patterns[0] };

/* ---- Spans. ---- */

/* Spans of a pattern above BELOW others. A span's len is the index it was pushed with. */
static struct spb_spans make_spans(pattern *make, size_t count)
{
    struct spb_spans spans = { 0 };

    random_state = (uint32_t)count;
    for (size_t i = 0; i < BELOW; i++)
        if (spb_spans_push(&spans, (struct spb_span){ .number = BELOW - i, .len = i }) != SPB_OK)
            ck_abort_msg("no memory");
    for (size_t i = 0; i < count; i++) {
        const struct spb_span span = { .number = make(i, count), .offset = ~i, .len = i };
        if (spb_spans_push(&spans, span) != SPB_OK)
            ck_abort_msg("no memory");
    }
    return spans;
}

static void assert_below_untouched(const struct spb_spans *spans)
{
    for (size_t i = 0; i < BELOW; i++) {
        ck_assert_uint_eq(spans->items[i].number, BELOW - i);
        ck_assert_uint_eq(spans->items[i].len, i);
    }
}

/* Each came in once, and went out whole. */
static void assert_same_spans(const struct spb_spans *spans, size_t count)
{
    bool *seen = calloc(count + 1, sizeof *seen);

    ck_assert_uint_eq(spans->count, BELOW + count);
    for (size_t i = BELOW; i < spans->count; i++) {
        const struct spb_span *span = &spans->items[i];
        if (span->len >= count || seen[span->len] || span->offset != ~span->len)
            ck_abort_msg("span %zu is not one that was pushed", i);
        seen[span->len] = true;
    }
    free(seen);
}

static void assert_sorts_by_number(pattern *make, size_t count)
{
    struct spb_spans spans = make_spans(make, count);

    spb_spans_sort_by_number(&spans, BELOW);
    assert_below_untouched(&spans);
    assert_same_spans(&spans, count);
    for (size_t i = BELOW + 1; i < spans.count; i++) {
        const struct spb_span *a = &spans.items[i - 1];
        const struct spb_span *b = &spans.items[i];
        if (a->number > b->number || (a->number == b->number && a->len > b->len))
            ck_abort_msg("%zu of %zu: %zu (%zu) before %zu (%zu)", i, count, a->number, a->len,
                         b->number, b->len);
    }
    spb_spans_release(&spans);
    ck_assert_ptr_null(spans.items);
    ck_assert_uint_eq(spans.count + spans.capacity, 0);
}

START_TEST(spans_are_sorted_by_number)
{
    for (size_t count = 0; count <= 130; count++)
        assert_sorts_by_number(patterns[_i], count);
    assert_sorts_by_number(patterns[_i], 4095);
    assert_sorts_by_number(patterns[_i], 4097);
    assert_sorts_by_number(patterns[_i], MANY);
}
END_TEST

/* ---- Keys. ---- */

/* Ascending, by their bytes, the shorter first where one begins with the other. */
static const struct {
    const char *text;
    size_t len;
} keys[] = { { "", 0 },      { "\0", 1 },       { "\0\0", 2 }, { "\0a", 2 },     { "\x01", 1 },
             { "A", 1 },     { "a", 1 },        { "a\0", 2 },  { "a\0b", 3 },    { "a\x01", 2 },
             { "aa", 2 },    { "ab", 2 },       { "b", 1 },    { "\x7F", 1 },    { "\x80", 1 },
             { "\x80z", 2 }, { "\xC3\xA4", 2 }, { "\xFF", 1 }, { "\xFF\xFF", 2 } };

enum { KEYS = sizeof keys / sizeof keys[0] };

START_TEST(keys_are_compared_by_their_bytes)
{
    for (size_t i = 0; i < KEYS; i++) {
        for (size_t j = 0; j < KEYS; j++) {
            const int order = spb_key_compare((const uint8_t *)keys[i].text, keys[i].len,
                                              (const uint8_t *)keys[j].text, keys[j].len);
            ck_assert_int_eq((order > 0) - (order < 0), (i > j) - (i < j));
        }
    }
    ck_assert_int_eq(spb_key_compare(NULL, 0, NULL, 0), 0);
}
END_TEST

/* Puts the keys one behind another; places_out: where each begins. */
static size_t write_keys(uint8_t *base, size_t places_out[KEYS])
{
    size_t len = 0;

    for (size_t i = 0; i < KEYS; i++) {
        places_out[i] = len;
        memcpy(base + len, keys[i].text, keys[i].len);
        len += keys[i].len;
    }
    return len;
}

static void assert_sorts_by_key(pattern *make, size_t count)
{
    uint8_t base[KEYS * KEY_MAX];
    size_t places[KEYS];
    struct spb_spans spans = make_spans(make, count);

    write_keys(base, places);
    for (size_t i = BELOW; i < spans.count; i++) {
        struct spb_span *span = &spans.items[i];
        span->number %= KEYS;
        span->key_offset = places[span->number];
        span->key_len = keys[span->number].len;
    }
    spb_spans_sort_by_key(&spans, BELOW, base);
    assert_below_untouched(&spans);
    assert_same_spans(&spans, count);
    for (size_t i = BELOW + 1; i < spans.count; i++) {
        const struct spb_span *a = &spans.items[i - 1];
        const struct spb_span *b = &spans.items[i];
        if (a->number > b->number || (a->number == b->number && a->len > b->len))
            ck_abort_msg("%zu of %zu: key %zu (%zu) before %zu (%zu)", i, count, a->number, a->len,
                         b->number, b->len);
    }
    spb_spans_release(&spans);
}

/* Bytes of 0, 0xFF and another one, so that many keys begin as others do or differ by their end. */
START_TEST(a_key_is_before_another_as_their_bytes_compare)
{
    enum { LEN_MAX = 20, ROUNDS = 20000 };
    static const uint8_t bytes[] = { 0x00, 0x7F, 0xFF };
    uint8_t pair[2][LEN_MAX + 8];

    random_state = 1;
    for (unsigned round = 0; round < ROUNDS; round++) {
        const size_t same = next_random() % LEN_MAX;
        size_t lens[2];
        for (size_t i = 0; i < sizeof pair[0]; i++) {
            pair[0][i] = bytes[next_random() % 3];
            pair[1][i] = i < same ? pair[0][i] : bytes[next_random() % 3];
        }
        for (unsigned i = 0; i < 2; i++)
            lens[i] = next_random() % (LEN_MAX + 1);
        ck_assert_int_eq(spb_key_is_before(pair[0], lens[0], pair[1], lens[1]),
                         spb_key_compare(pair[0], lens[0], pair[1], lens[1]) < 0);
    }
}
END_TEST

START_TEST(spans_are_sorted_by_key)
{
    for (size_t count = 0; count <= 130; count++)
        assert_sorts_by_key(patterns[_i], count);
    assert_sorts_by_key(patterns[_i], MANY);
}
END_TEST

/* ---- The stack. ---- */

START_TEST(nothing_is_sorted_and_released)
{
    struct spb_spans spans = { 0 };

    spb_spans_sort_by_number(&spans, 0);
    spb_spans_sort_by_key(&spans, 0, (const uint8_t *)"");
    ck_assert_uint_eq(spans.count, 0);
    spb_spans_release(&spans);
    spb_spans_release(&spans);
}
END_TEST

START_TEST(a_stack_that_is_cut_back_is_used_again)
{
    struct spb_spans spans = make_spans(descending, 1000);
    const struct spb_span *items = spans.items;

    for (size_t round = 0; round < 10; round++) {
        spans.count = BELOW;
        for (size_t i = 0; i < 1000; i++)
            ck_assert_int_eq(spb_spans_push(&spans, (struct spb_span){ .number = i * 7919 % 1000 }),
                             SPB_OK);
        spb_spans_sort_by_number(&spans, BELOW);
        ck_assert_ptr_eq(spans.items, items);
        for (size_t i = 0; i < 1000; i++)
            ck_assert_uint_eq(spans.items[BELOW + i].number, i);
    }
    spb_spans_release(&spans);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base/sort");
    TCase *tcase = tcase_create("sort");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_loop_test(tcase, spans_are_sorted_by_number, 0, PATTERNS);
    tcase_add_test(tcase, keys_are_compared_by_their_bytes);
    tcase_add_test(tcase, a_key_is_before_another_as_their_bytes_compare);
    tcase_add_loop_test(tcase, spans_are_sorted_by_key, 0, PATTERNS);
    tcase_add_test(tcase, nothing_is_sorted_and_released);
    tcase_add_test(tcase, a_stack_that_is_cut_back_is_used_again);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
