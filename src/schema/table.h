#ifndef SPB_SCHEMA_TABLE_H
#define SPB_SCHEMA_TABLE_H

/*
 * Field tables: what the converters need to know of the schema, compiled from protobuf-c's
 * descriptors, so that the .proto is the only place where a member is added. This room is the only
 * one that reads descriptors.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/scan.h"
#include "base/word.h"

/* What a row holds, of those that JSON and protobuf have in common here. */
enum spb_kind {
    SPB_KIND_STRING,
    SPB_KIND_INT32,
    SPB_KIND_DOUBLE,
    SPB_KIND_BOOL,
    SPB_KIND_TIMESTAMP,
    SPB_KIND_MESSAGE,
    SPB_KIND_MAP,   /* its table is that of the entries: a string key, a message */
    SPB_KIND_ARRAY, /* only of a member as a whole: its elements are of another kind */
    SPB_KIND_COUNT
};

enum spb_wire_type {
    SPB_WIRE_VARINT = 0,
    SPB_WIRE_FIXED64 = 1,
    SPB_WIRE_LEN = 2,
    SPB_WIRE_GROUP_START = 3,
    SPB_WIRE_GROUP_END = 4,
    SPB_WIRE_FIXED32 = 5
};

enum {
    SPB_PREFIX_MAX = 32, /* bytes of `,"name":` and of the zeros behind it: one vector */
    SPB_NAME_MAX = SPB_PREFIX_MAX - 4, /* the longest has 22 */
    SPB_PREDICTIONS = 4,               /* rows that are tried before one is looked up */
    SPB_TABLES_DEEP = 16,              /* nesting of messages at most: a session has 4 */
    SPB_NUMBERS_MAX = 256,             /* field numbers of rows are below: the highest is 47 */
    SPB_ROWS_MAX = 64,                 /* of one message: a session has 47 */
    SPB_ADDITIONAL_NUMBER = 1000       /* of additional_properties in every message */
};

/* The numbers of Timestamp's fields, and of a map entry's. */
enum { SPB_TIMESTAMP_SECONDS = 1, SPB_TIMESTAMP_NANOS = 2, SPB_ENTRY_KEY = 1, SPB_ENTRY_VALUE = 2 };

struct spb_table;

/* A set of rows of one table: spb_row_bit() of each. */
typedef uint64_t spb_row_set;

/*
 * One field. Rows stand in ascending order of their field numbers, and SPB_PREDICTIONS behind the
 * last one that match nothing. What conversions read fills one cache line.
 */
struct spb_row {
    _Alignas(64) char prefix[SPB_PREFIX_MAX]; /* `,"name":` as JSON text, then zeros */
    const struct spb_table *table;            /* of a message, or of a map's entries */
    uint8_t tag[2];                           /* the tag's varint */
    uint16_t tag_value, tag_mask;             /* of these bytes, little-endian */
    uint8_t prefix_len;
    uint8_t tag_len;
    uint8_t kind;      /* enum spb_kind: of the value, or of each element */
    uint8_t member;    /* enum spb_kind: of the member as a whole */
    bool repeated;     /* an array; false for a map */
    uint8_t index;     /* of the row in its table */
    uint8_t wire_type; /* enum spb_wire_type */
    uint16_t id;       /* of the row in the whole schema, from 0 */
    uint32_t number;
    bool required;
    size_t offset;            /* of the member in the generated struct */
    size_t quantifier_offset; /* of its has_ or n_ member */
    const char *field_name;   /* in the .proto */
};

/* One message. */
struct spb_table {
    const char *name;       /* of the definition, such as "JourneyPage" */
    bool is_entry;          /* of a map: two rows, and no additional_properties */
    const void *descriptor; /* a ProtobufCMessageDescriptor, for the session door */
    size_t struct_size;
    size_t additional_offset; /* of additional_properties in the generated struct */
    const struct spb_row *rows;
    unsigned row_count;
    spb_row_set required;     /* without repeated rows: an empty array is an absent one */
    uint64_t hash_multiplier; /* makes the hash of the rows' names perfect */
    unsigned hash_shift;
    const uint8_t *hash_slots;   /* index of a row, or row_count: that row matches nothing */
    const uint8_t *number_slots; /* the same by field number, SPB_NUMBERS_MAX of them */
};

struct spb_schema {
    const struct spb_table *session;
    unsigned row_count; /* of all tables */
    void *memory;
};

/*
 * Compiles the tables of Session and all that it holds. Returns NULL when memory is short, or when
 * the schema has a field of a kind that the engine does not support, which a test excludes.
 */
struct spb_schema *spb_schema_new(void);
void spb_schema_free(struct spb_schema *schema);

/* The row of this JSON name, or NULL. */
const struct spb_row *spb_table_find_name(const struct spb_table *table, const char *name,
                                          size_t len);

/* The row of this field number, or NULL. */
const struct spb_row *spb_table_find_number(const struct spb_table *table, uint32_t number);

/* The row of this field number and wire type, or NULL: another type makes a field unknown. */
const struct spb_row *spb_table_find_field(const struct spb_table *table, uint32_t number,
                                           unsigned wire_type);

/* The place of a name in a table's hash, without a branch. The name has 16 readable bytes, and at most
   32 of its own. */
static inline size_t spb_table_slot(const struct spb_table *table, const char *name, size_t len)
{
    static const uint8_t mask[32 + 16] = {
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    };
    const uint8_t *const bytes = mask + 32 - len;
    const uint64_t first = spb_word_load(name) & spb_word_load(bytes);
    const uint64_t second = spb_word_load(name + 8) & spb_word_load(bytes + 8);
    const uint64_t bytes16 = first ^ (second << 23 | second >> 41) ^ (uint64_t)len << 56;

    return (size_t)(bytes16 * table->hash_multiplier >> table->hash_shift);
}

/* The only row that a name can be of, or one that matches nothing: it is still to be compared. */
static inline const struct spb_row *spb_table_guess_row(const struct spb_table *table,
                                                        const char *name, size_t len)
{
    return &table->rows[table->hash_slots[spb_table_slot(table, name, len)]];
}

static inline const char *spb_row_name(const struct spb_row *row)
{
    return row->prefix + 2;
}

static inline size_t spb_row_name_len(const struct spb_row *row)
{
    return row->prefix_len - 4u;
}

static inline spb_row_set spb_row_bit(const struct spb_row *row)
{
    return UINT64_C(1) << row->index;
}

/* Whether a row's prefix stands here. `any`: 1 if any byte will do for the comma, else 0. */
static inline bool spb_row_has_prefix(const struct spb_row *row, const char *at, uint32_t any)
{
    const uint64_t differ = ~(uint64_t)(spb_match(at, row->prefix) | any);

    return (differ & ((UINT64_C(1) << row->prefix_len) - 1)) == 0;
}

/* The first required row that `present` lacks, or NULL. */
static inline const struct spb_row *spb_table_missing(const struct spb_table *table,
                                                      spb_row_set present)
{
    const spb_row_set missing = table->required & ~present;

    return missing == 0 ? NULL : &table->rows[__builtin_ctzll(missing)];
}

#endif
