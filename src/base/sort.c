/*
 * A stable merge sort of spans. Its own, because qsort() is not stable and may allocate; it merges
 * between two halves of one buffer, bottom up, and sees first whether there is anything to do.
 */
#include "base/sort.h"

#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 };

enum spb_status spb_spans_push(struct spb_spans *spans, struct spb_span span)
{
    if (spans->count == spans->capacity) {
        size_t capacity = spans->capacity == 0 ? CAPACITY_MIN : spans->capacity * 2;
        if (capacity > SIZE_MAX / 2 / sizeof span)
            return SPB_NO_MEMORY;
        struct spb_span *items = realloc(spans->items, 2 * capacity * sizeof span);
        if (items == NULL)
            return SPB_NO_MEMORY;
        spans->items = items;
        spans->capacity = capacity;
    }
    spans->items[spans->count++] = span;
    return SPB_OK;
}

void spb_spans_release(struct spb_spans *spans)
{
    free(spans->items);
    *spans = (struct spb_spans){ 0 };
}

int spb_key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    const size_t shared = a_len < b_len ? a_len : b_len;
    const int order = shared == 0 ? 0 : memcmp(a, b, shared);

    return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* By keys where a base is given, else by numbers. */
static int compare(const struct spb_span *a, const struct spb_span *b, const uint8_t *base)
{
    if (base == NULL)
        return (a->number > b->number) - (a->number < b->number);
    return spb_key_compare(base + a->key_offset, a->key_len, base + b->key_offset, b->key_len);
}

static size_t ascending_run(const struct spb_span *items, size_t count, const uint8_t *base)
{
    size_t run = 1;

    while (run < count && compare(&items[run - 1], &items[run], base) <= 0)
        run++;
    return run;
}

/* Strictly descending only: turning equal ones around would change their order. */
static size_t descending_run(const struct spb_span *items, size_t count, const uint8_t *base)
{
    size_t run = 1;

    while (run < count && compare(&items[run - 1], &items[run], base) > 0)
        run++;
    return run;
}

static void reverse(struct spb_span *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct spb_span item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

static void merge(const struct spb_span *left, size_t left_count, const struct spb_span *right,
                  size_t right_count, struct spb_span *out, const uint8_t *base)
{
    while (left_count > 0 && right_count > 0) {
        if (compare(left, right, base) <= 0) {
            *out++ = *left++;
            left_count--;
        } else {
            *out++ = *right++;
            right_count--;
        }
    }
    memcpy(out, left, left_count * sizeof *left);
    memcpy(out + left_count, right, right_count * sizeof *right);
}

static void sort(struct spb_span *items, size_t count, struct spb_span *spare, const uint8_t *base)
{
    if (ascending_run(items, count, base) == count)
        return;
    if (descending_run(items, count, base) == count) {
        reverse(items, count);
        return;
    }
    struct spb_span *from = items;
    struct spb_span *to = spare;
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t i = 0; i < count; i += 2 * width) {
            const size_t left = count - i < width ? count - i : width;
            const size_t right = count - i - left < width ? count - i - left : width;
            merge(from + i, left, from + i + left, right, to + i, base);
        }
        struct spb_span *swap = from;
        from = to;
        to = swap;
    }
    if (from != items)
        memcpy(items, from, count * sizeof *items);
}

static void sort_from(struct spb_spans *spans, size_t first, const uint8_t *base)
{
    if (spans->count - first > 1)
        sort(spans->items + first, spans->count - first, spans->items + spans->capacity, base);
}

void spb_spans_sort_by_number(struct spb_spans *spans, size_t first)
{
    sort_from(spans, first, NULL);
}

void spb_spans_sort_by_key(struct spb_spans *spans, size_t first, const uint8_t *base)
{
    sort_from(spans, first, base);
}
