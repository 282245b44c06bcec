#ifndef SPB_BASE_SORT_H
#define SPB_BASE_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/status.h>

#include "base/word.h"

/*
 * A piece of some bytes with the key it is sorted by: members of an object by their names, fields
 * of a message by their numbers, entries of a map by their keys. All offsets count from one base,
 * because the bytes may move while spans are collected.
 */
struct spb_span {
    size_t number;     /* key when sorted by number */
    size_t key_offset; /* key when sorted by key */
    size_t key_len;
    size_t offset; /* the piece itself */
    size_t len;
};

/* A reused stack of spans: note `count`, push, use what is above the note, and set it back. */
struct spb_spans {
    struct spb_span *items; /* room for capacity spans, and as many behind them to sort in */
    size_t count;
    size_t capacity;
};

/* SPB_OK or SPB_NO_MEMORY. */
enum spb_status spb_spans_push(struct spb_spans *spans, struct spb_span span);

/*
 * Sort the spans from index `first` on, keeping the order of equal ones, in ascending order of their
 * numbers, or of their keys' bytes. Linear where they are in order already, or exactly reversed.
 */
void spb_spans_sort_by_number(struct spb_spans *spans, size_t first);
void spb_spans_sort_by_key(struct spb_spans *spans, size_t first, const uint8_t *base);

/* Compares two keys by their bytes: negative, 0 or positive. */
int spb_key_compare(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len);

/* The first 8 bytes of a key as a number that compares as they do, zeros behind a shorter one. */
static inline uint64_t spb_key_word(const uint8_t *key, size_t len)
{
    const uint64_t word = __builtin_bswap64(spb_word_load(key));

    return len >= sizeof word ? word : word & ~(UINT64_MAX >> 8 * len);
}

/* Whether one key is before another by their bytes. Both have 8 readable bytes. */
static inline bool spb_key_is_before(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    const uint64_t a_word = spb_key_word(a, a_len);
    const uint64_t b_word = spb_key_word(b, b_len);

    return a_word != b_word ? a_word < b_word : spb_key_compare(a, a_len, b, b_len) < 0;
}

void spb_spans_release(struct spb_spans *spans);

#endif
