#ifndef SPB_TESTS_NORMALISE_ORACLE_H
#define SPB_TESTS_NORMALISE_ORACLE_H

/*
 * Canonical order by an oracle that knows no spans: it looks for the least number again and again,
 * and merges by the rules of protobuf as they are written down. Only valid messages, without dates.
 */
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/bytes.h>

#include "schema/table.h"

enum { FIELDS_MAX = 400 };

struct field {
    uint32_t number;
    unsigned type;
    const uint8_t *raw; /* the whole field */
    size_t raw_len;
    const uint8_t *value; /* behind tag and length */
    size_t len;
};

struct fields {
    struct field items[FIELDS_MAX];
    size_t count;
};

/* Reads the fields of a message. The caller releases them with free(). */
struct fields *take_fields(const uint8_t *data, size_t len);

/* Appends the canonical form of a message. */
void put_canonical(const struct spb_table *table, const uint8_t *data, size_t len,
                   struct spb_bytes *out);

/* ---- messages at random ---- */

/* What follows depends on the seed alone. */
void seed_random(uint32_t seed);
uint32_t random_below(uint32_t limit);

/* Appends fields in any order: repeated, split, of other types, unknown. */
void make_message(const struct spb_table *table, struct spb_bytes *out);

/* ---- pieces of messages ---- */

void put_data(struct spb_bytes *out, const void *data, size_t len);
void put_tag(struct spb_bytes *out, uint32_t number, unsigned type);

#endif
