#include "normalise_oracle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "door_support.h"

enum { NUMBER_MIN = 200, NUMBER_MAX = 3000 }; /* of unknown fields */

/* ---- Writing. ---- */

void put_data(struct spb_bytes *out, const void *data, size_t len)
{
    if (spb_bytes_append(out, data, len) != SPB_OK)
        ck_abort_msg("no memory");
}

static void put_varint(struct spb_bytes *out, uint64_t value)
{
    for (uint8_t byte = 0x80; byte >= 0x80; value /= 128) {
        byte = (uint8_t)(value % 128 + (value >= 128 ? 0x80 : 0));
        put_data(out, &byte, 1);
    }
}

void put_tag(struct spb_bytes *out, uint32_t number, unsigned type)
{
    put_varint(out, (uint64_t)number * 8 + type);
}

static void put_len(struct spb_bytes *out, uint32_t number, const struct spb_bytes *payload)
{
    put_tag(out, number, SPB_WIRE_LEN);
    put_varint(out, payload->len);
    put_data(out, payload->data, payload->len);
}

/* ---- The oracle: reading. ---- */

static uint64_t take_varint(const uint8_t **at)
{
    uint64_t value = 0;

    for (unsigned shift = 0;; shift += 7) {
        value |= (uint64_t)(**at & 0x7F) << shift;
        if (*(*at)++ < 0x80)
            return value;
    }
}

static const uint8_t *take_field(const uint8_t *at, struct field *field)
{
    struct field inner;

    field->raw = at;
    const uint64_t tag = take_varint(&at);
    field->number = (uint32_t)(tag / 8);
    field->type = (unsigned)(tag % 8);
    const uint64_t len = field->type == SPB_WIRE_LEN       ? take_varint(&at)
                         : field->type == SPB_WIRE_FIXED32 ? 4
                         : field->type == SPB_WIRE_FIXED64 ? 8
                                                           : 0;
    field->value = at;
    at += len;
    if (field->type == SPB_WIRE_VARINT)
        take_varint(&at);
    while (field->type == SPB_WIRE_GROUP_START) {
        at = take_field(at, &inner);
        if (inner.type == SPB_WIRE_GROUP_END)
            break;
    }
    field->len = (size_t)(at - field->value);
    field->raw_len = (size_t)(at - field->raw);
    return at;
}

struct fields *take_fields(const uint8_t *data, size_t len)
{
    struct fields *fields = malloc(sizeof *fields);

    fields->count = 0;
    for (const uint8_t *at = data; at < data + len;) {
        ck_assert_uint_lt(fields->count, FIELDS_MAX);
        at = take_field(at, &fields->items[fields->count++]);
    }
    return fields;
}

/* ---- The oracle: merging. ---- */

static bool is_known(const struct spb_table *table, const struct field *field)
{
    if (field->number == SPB_ADDITIONAL_NUMBER && field->type == SPB_WIRE_LEN && !table->is_entry)
        return true;
    for (unsigned i = 0; i < table->row_count; i++) {
        if (table->rows[i].number == field->number)
            return table->rows[i].wire_type == field->type;
    }
    return false;
}

static const struct spb_row *row_of(const struct spb_table *table, uint32_t number)
{
    for (unsigned i = 0; i < table->row_count; i++) {
        if (table->rows[i].number == number)
            return &table->rows[i];
    }
    return NULL;
}

static void put_message(const struct spb_row *row, const uint8_t *data, size_t len,
                        struct spb_bytes *out)
{
    struct spb_bytes payload = { 0 };

    put_canonical(row->table, data, len, &payload);
    put_len(out, row->number, &payload);
    spb_bytes_release(&payload);
}

/* An entry with its last key and all its values as one, or what stands for them. */
struct entry {
    struct field key;
    struct spb_bytes value;
};

static struct entry read_entry(const struct spb_row *row, const struct field *field)
{
    struct fields *fields = take_fields(field->value, field->len);
    struct entry entry = { .key = { .value = (const uint8_t *)"" } };
    struct spb_bytes merged = { 0 };

    for (size_t i = 0; i < fields->count; i++) {
        const struct field *part = &fields->items[i];
        if (part->number == SPB_ENTRY_KEY)
            entry.key = *part;
        else
            put_data(&merged, part->value, part->len);
    }
    put_message(&row->table->rows[SPB_ENTRY_VALUE - 1], merged.data, merged.len, &entry.value);
    free(fields);
    spb_bytes_release(&merged);
    return entry;
}

static int compare_keys(const struct field *a, const struct field *b)
{
    for (size_t i = 0; i < a->len && i < b->len; i++) {
        if (a->value[i] != b->value[i])
            return a->value[i] < b->value[i] ? -1 : 1;
    }
    return (a->len > b->len) - (a->len < b->len);
}

/* The entry with the least key above the last one, and of those the one that came last. */
static void put_map(const struct spb_row *row, const struct fields *fields, struct spb_bytes *out)
{
    struct entry *entries = calloc(FIELDS_MAX, sizeof *entries);
    const struct entry *last = NULL;
    const struct entry *next;
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++) {
        if (fields->items[i].number == row->number && fields->items[i].type == SPB_WIRE_LEN)
            entries[count++] = read_entry(row, &fields->items[i]);
    }
    for (;; last = next) {
        struct spb_bytes payload = { 0 };
        next = NULL;
        for (size_t i = 0; i < count; i++) {
            if ((last == NULL || compare_keys(&entries[i].key, &last->key) > 0) &&
                (next == NULL || compare_keys(&entries[i].key, &next->key) <= 0))
                next = &entries[i];
        }
        if (next == NULL)
            break;
        put_tag(&payload, SPB_ENTRY_KEY, SPB_WIRE_LEN);
        put_varint(&payload, next->key.len);
        put_data(&payload, next->key.value, next->key.len);
        put_data(&payload, next->value.data, next->value.len);
        put_len(out, row->number, &payload);
        spb_bytes_release(&payload);
    }
    for (size_t i = 0; i < count; i++)
        spb_bytes_release(&entries[i].value);
    free(entries);
}

/* The known fields of one number. */
static void put_known(const struct spb_table *table, const struct fields *fields, uint32_t number,
                      struct spb_bytes *out)
{
    const struct spb_row *row = row_of(table, number);
    const struct field *last = NULL;
    struct spb_bytes merged = { 0 };

    if (row != NULL && row->kind == SPB_KIND_MAP) {
        put_map(row, fields, out);
        return;
    }
    for (size_t i = 0; i < fields->count; i++) {
        const struct field *field = &fields->items[i];
        if (field->number != number || !is_known(table, field))
            continue;
        last = field;
        if (row != NULL && row->repeated && row->kind == SPB_KIND_MESSAGE)
            put_message(row, field->value, field->len, out);
        else if (row != NULL && row->repeated)
            put_data(out, field->raw, field->raw_len);
        else if (row != NULL && row->kind == SPB_KIND_MESSAGE)
            put_data(&merged, field->value, field->len);
    }
    if (last != NULL && row != NULL && row->kind == SPB_KIND_MESSAGE && !row->repeated)
        put_message(row, merged.data, merged.len, out);
    else if (last != NULL && (row == NULL || !row->repeated))
        put_data(out, last->raw, last->raw_len);
    spb_bytes_release(&merged);
}

void put_canonical(const struct spb_table *table, const uint8_t *data, size_t len,
                   struct spb_bytes *out)
{
    struct fields *fields = take_fields(data, len);
    uint32_t number = 0;

    for (;;) {
        uint32_t least = UINT32_MAX;
        for (size_t i = 0; i < fields->count; i++) {
            if (fields->items[i].number > number && fields->items[i].number < least)
                least = fields->items[i].number;
        }
        if (least == UINT32_MAX)
            break;
        number = least;
        put_known(table, fields, number, out);
        for (size_t i = 0; i < fields->count; i++) {
            const struct field *field = &fields->items[i];
            if (field->number == number && !is_known(table, field))
                put_data(out, field->raw, field->raw_len);
        }
    }
    free(fields);
}

/* ---- Messages at random. ---- */

static uint32_t random_state;

void seed_random(uint32_t seed)
{
    random_state = seed;
}

uint32_t random_below(uint32_t limit)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % limit;
}

static void make_unknown(uint32_t number, unsigned type, struct spb_bytes *out)
{
    static const uint8_t bytes[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    const struct spb_bytes payload = { (uint8_t *)(uintptr_t)bytes, random_below(4), 0 };

    if (type == SPB_WIRE_LEN) {
        put_len(out, number, &payload);
        return;
    }
    put_tag(out, number, type);
    if (type == SPB_WIRE_VARINT)
        put_varint(out, UINT64_C(1) << random_below(64));
    else if (type == SPB_WIRE_GROUP_START) {
        make_unknown(number % 7 + 1, random_below(6) == 0 ? SPB_WIRE_GROUP_START : SPB_WIRE_LEN,
                     out);
        put_tag(out, number, SPB_WIRE_GROUP_END);
    } else {
        put_data(out, bytes, type == SPB_WIRE_FIXED64 ? 8 : 4);
    }
}

static void make_entry(const struct spb_row *row, struct spb_bytes *out)
{
    static const char *const keys[] = { "", "a", "ab", "b", "\x80" };

    for (uint32_t parts = random_below(4); parts > 0; parts--) {
        struct spb_bytes part = { 0 };
        const bool key = random_below(2) == 0;
        if (key)
            put(&part, keys[random_below(sizeof keys / sizeof keys[0])]);
        else
            make_message(row->table->rows[SPB_ENTRY_VALUE - 1].table, &part);
        put_len(out, key ? SPB_ENTRY_KEY : SPB_ENTRY_VALUE, &part);
        spb_bytes_release(&part);
    }
}

static void make_known(const struct spb_row *row, struct spb_bytes *out)
{
    struct spb_bytes payload = { 0 };

    if (row->kind == SPB_KIND_STRING)
        put_format(&payload, "%u", random_below(1000));
    else if (row->kind == SPB_KIND_MESSAGE)
        make_message(row->table, &payload);
    else if (row->kind == SPB_KIND_MAP)
        make_entry(row, &payload);
    if (row->wire_type == SPB_WIRE_LEN)
        put_len(out, row->number, &payload);
    else
        make_unknown(row->number, row->wire_type, out);
    spb_bytes_release(&payload);
}

/* Dates are left to tests of their own. */
void make_message(const struct spb_table *table, struct spb_bytes *out)
{
    static const unsigned types[] = { SPB_WIRE_VARINT, SPB_WIRE_FIXED64, SPB_WIRE_LEN,
                                      SPB_WIRE_GROUP_START, SPB_WIRE_FIXED32 };

    for (uint32_t fields = random_below(9); fields > 0; fields--) {
        const struct spb_row *row = &table->rows[random_below(table->row_count)];
        const unsigned type = types[random_below(sizeof types / sizeof types[0])];
        const uint32_t kind = random_below(10);
        if (kind == 0)
            make_unknown(SPB_ADDITIONAL_NUMBER - 1 + random_below(3), type, out);
        else if (kind == 1)
            make_unknown(NUMBER_MIN + random_below(NUMBER_MAX - NUMBER_MIN), type, out);
        else if (kind == 2 && type != row->wire_type)
            make_unknown(row->number, type, out);
        else if (row->kind != SPB_KIND_TIMESTAMP)
            make_known(row, out);
    }
}
