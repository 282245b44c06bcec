/*
 * Compiles protobuf-c's descriptors into rows. Memory for all tables is one block: the number of
 * tables and rows is small and bounded. Names are found by a perfect hash of their length and their
 * first 16 bytes, whose multiplier is searched here.
 */
#include "schema/table.h"

#include <stdlib.h>
#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "journey/v1/session.pb-c.h"
#include "schema/required.h"

enum {
    TABLES_MAX = 64,
    ROWS_MAX = 1024, /* with those that match nothing */
    SLOTS_MAX = 1024,
    MULTIPLIERS_MAX = 100000 /* tried for one size of the hash, before the size is doubled */
};

static const char additional_name[] = "additional_properties";

struct memory {
    struct spb_schema schema;
    struct spb_table tables[TABLES_MAX];
    struct spb_row rows[ROWS_MAX];
    uint8_t slots[TABLES_MAX][SLOTS_MAX];
    uint8_t numbers[TABLES_MAX][SPB_NUMBERS_MAX];
    bool open[TABLES_MAX]; /* its messages are being compiled: to meet it again is recursion */
    unsigned depth;        /* tables that are open */
    unsigned table_count;
    unsigned row_count;
    struct spb_row *rows_end;
};

/* ------------------------------------------------------------------ the hash of a name */

static bool fill_slots(const struct spb_table *table, uint8_t *slots)
{
    memset(slots, (int)table->row_count, (size_t)1 << (64 - table->hash_shift));
    for (unsigned i = 0; i < table->row_count; i++) {
        const struct spb_row *const row = &table->rows[i];
        const size_t slot = spb_table_slot(table, spb_row_name(row), spb_row_name_len(row));
        if (slots[slot] != table->row_count)
            return false;
        slots[slot] = (uint8_t)i;
    }
    return true;
}

/* Multipliers are the odd numbers of a Weyl sequence with the golden ratio as its step. */
static bool find_hash(struct spb_table *table, uint8_t *slots)
{
    table->hash_slots = slots;
    for (table->hash_shift = 64 - 2; 1u << (64 - table->hash_shift) <= SLOTS_MAX;
         table->hash_shift--) {
        if (1u << (64 - table->hash_shift) < table->row_count)
            continue;
        table->hash_multiplier = UINT64_C(0x9e3779b97f4a7c15);
        for (unsigned i = 0; i < MULTIPLIERS_MAX / table->row_count + 1; i++) {
            if (fill_slots(table, slots))
                return true;
            table->hash_multiplier += UINT64_C(0x9e3779b97f4a7c15) * 2;
        }
    }
    return false;
}

/* ------------------------------------------------------------------ one row */

/* protobuf's computed json_name: an underscore goes, and the letter behind it becomes capital. */
static bool set_prefix(struct spb_row *row, const char *field_name)
{
    size_t len = 0;
    bool capital = false;

    row->prefix[len++] = ',';
    row->prefix[len++] = '"';
    for (const char *c = field_name; *c != '\0'; c++) {
        if (*c == '_') {
            capital = true;
            continue;
        }
        if (len == SPB_NAME_MAX + 2)
            return false;
        row->prefix[len++] = capital && *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        capital = false;
    }
    row->prefix[len++] = '"';
    row->prefix[len++] = ':';
    row->prefix_len = (uint8_t)len;
    return true;
}

static bool set_tag(struct spb_row *row)
{
    const uint32_t tag = row->number << 3 | row->wire_type;

    if (tag >= 0x4000)
        return false;
    row->tag_len = tag < 0x80 ? 1 : 2;
    row->tag_mask = tag < 0x80 ? 0xff : 0xffff;
    row->tag[0] = (uint8_t)(tag < 0x80 ? tag : tag | 0x80);
    row->tag[1] = (uint8_t)(tag >> 7);
    row->tag_value = (uint16_t)(row->tag[0] | row->tag[1] << 8);
    return true;
}

/* A map's entry has no mark in protobuf-c: it is told by its shape. */
static bool is_entry(const ProtobufCMessageDescriptor *message)
{
    const size_t len = strlen(message->short_name);

    return len > 5 && strcmp(message->short_name + len - 5, "Entry") == 0 &&
           message->n_fields == 2 && strcmp(message->fields[0].name, "key") == 0 &&
           message->fields[0].id == SPB_ENTRY_KEY &&
           message->fields[0].type == PROTOBUF_C_TYPE_STRING &&
           strcmp(message->fields[1].name, "value") == 0 &&
           message->fields[1].id == SPB_ENTRY_VALUE &&
           message->fields[1].type == PROTOBUF_C_TYPE_MESSAGE;
}

/* The kind of a field, or SPB_KIND_COUNT where the engine has none. */
static enum spb_kind kind_of(const ProtobufCFieldDescriptor *field)
{
    const bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;

    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        return SPB_KIND_STRING;
    case PROTOBUF_C_TYPE_INT32:
        return repeated ? SPB_KIND_COUNT : SPB_KIND_INT32;
    case PROTOBUF_C_TYPE_DOUBLE:
        return repeated ? SPB_KIND_COUNT : SPB_KIND_DOUBLE;
    case PROTOBUF_C_TYPE_BOOL:
        return repeated ? SPB_KIND_COUNT : SPB_KIND_BOOL;
    case PROTOBUF_C_TYPE_MESSAGE: {
        const ProtobufCMessageDescriptor *message = field->descriptor;
        if (strcmp(message->name, "google.protobuf.Timestamp") == 0)
            return repeated ? SPB_KIND_COUNT : SPB_KIND_TIMESTAMP;
        return repeated && is_entry(message) ? SPB_KIND_MAP : SPB_KIND_MESSAGE;
    }
    default:
        return SPB_KIND_COUNT;
    }
}

static const uint8_t wire_types[SPB_KIND_COUNT] = {
    [SPB_KIND_STRING] = SPB_WIRE_LEN,     [SPB_KIND_INT32] = SPB_WIRE_VARINT,
    [SPB_KIND_DOUBLE] = SPB_WIRE_FIXED64, [SPB_KIND_BOOL] = SPB_WIRE_VARINT,
    [SPB_KIND_TIMESTAMP] = SPB_WIRE_LEN,  [SPB_KIND_MESSAGE] = SPB_WIRE_LEN,
    [SPB_KIND_MAP] = SPB_WIRE_LEN,
};

/* All of a row but the table of its message. */
static bool compile_row(struct spb_row *row, const ProtobufCFieldDescriptor *field)
{
    const enum spb_kind kind = kind_of(field);

    if (kind == SPB_KIND_COUNT || field->label == PROTOBUF_C_LABEL_REQUIRED ||
        (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0 || !set_prefix(row, field->name))
        return false;
    row->kind = (uint8_t)kind;
    row->wire_type = wire_types[kind];
    row->repeated = field->label == PROTOBUF_C_LABEL_REPEATED && kind != SPB_KIND_MAP;
    row->member = (uint8_t)(row->repeated ? SPB_KIND_ARRAY : kind);
    row->number = field->id;
    row->offset = field->offset;
    row->quantifier_offset = field->quantifier_offset;
    row->field_name = field->name;
    return set_tag(row);
}

/* ------------------------------------------------------------------ one table */

static const struct spb_table *compiled_before(const struct memory *memory, const void *descriptor)
{
    for (unsigned i = 0; i < memory->table_count; i++) {
        if (memory->tables[i].descriptor == descriptor)
            return &memory->tables[i];
    }
    return NULL;
}

static bool required_row(const struct spb_table *table, const struct spb_row *row)
{
    char name[SPB_PREFIX_MAX] = { 0 };

    memcpy(name, spb_row_name(row), spb_row_name_len(row));
    return spb_required(table->name, name);
}

/* Fills a table but for the tables of its messages; additional_properties gets no row. */
static bool compile_rows(struct memory *memory, struct spb_table *table, struct spb_row *rows)
{
    const ProtobufCMessageDescriptor *descriptor = table->descriptor;

    for (unsigned i = 0; i < descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &descriptor->fields[i];
        if (strcmp(field->name, additional_name) == 0) {
            table->additional_offset = field->offset;
            if (field->id != SPB_ADDITIONAL_NUMBER || field->type != PROTOBUF_C_TYPE_STRING)
                return false;
            continue;
        }
        struct spb_row *row = &rows[table->row_count];
        if (table->row_count == SPB_ROWS_MAX || field->id >= SPB_NUMBERS_MAX ||
            !compile_row(row, field))
            return false;
        row->index = (uint8_t)table->row_count++;
        row->id = (uint16_t)memory->row_count++;
        row->required = required_row(table, row);
        if (row->required && !row->repeated)
            table->required |= spb_row_bit(row);
    }
    return table->row_count > 0;
}

static void fill_numbers(struct spb_table *table, uint8_t *numbers)
{
    memset(numbers, (int)table->row_count, SPB_NUMBERS_MAX);
    for (unsigned i = 0; i < table->row_count; i++)
        numbers[table->rows[i].number] = (uint8_t)i;
    table->number_slots = numbers;
}

/* Behind the rows of a table: 32 bytes of text do not match 33, and what is masked by 0 is not 1. */
static void end_rows(struct spb_row *rows)
{
    for (unsigned i = 0; i < SPB_PREDICTIONS; i++)
        rows[i] = (struct spb_row){ .prefix_len = SPB_PREFIX_MAX + 1, .tag_value = 1 };
}

static const struct spb_table *compile_table(struct memory *memory, const void *descriptor)
{
    const struct spb_table *before = compiled_before(memory, descriptor);

    if (before != NULL)
        return memory->open[before - memory->tables] ? NULL : before;
    if (memory->table_count == TABLES_MAX || memory->depth == SPB_TABLES_DEEP - 1)
        return NULL;
    const unsigned index = memory->table_count++;
    struct spb_row *rows = memory->rows_end;
    struct spb_table *table = &memory->tables[index];
    const ProtobufCMessageDescriptor *message = descriptor;
    table->name = message->short_name;
    table->descriptor = message;
    table->struct_size = message->sizeof_message;
    table->is_entry = is_entry(message);
    table->rows = rows;
    if (memory->rows + ROWS_MAX - rows < SPB_ROWS_MAX + SPB_PREDICTIONS ||
        !compile_rows(memory, table, rows) || !find_hash(table, memory->slots[index]))
        return NULL;
    fill_numbers(table, memory->numbers[index]);
    end_rows(rows + table->row_count);
    memory->rows_end = rows + table->row_count + SPB_PREDICTIONS;
    memory->open[index] = true;
    memory->depth++;
    for (unsigned i = 0; i < table->row_count; i++) {
        if (rows[i].kind != SPB_KIND_MESSAGE && rows[i].kind != SPB_KIND_MAP)
            continue;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(message, rows[i].number);
        rows[i].table = compile_table(memory, field->descriptor);
        if (rows[i].table == NULL)
            return NULL;
    }
    memory->open[index] = false;
    memory->depth--;
    return table;
}

struct spb_schema *spb_schema_new(void)
{
    struct memory *memory = aligned_alloc(_Alignof(struct memory), sizeof *memory);

    if (memory == NULL)
        return NULL;
    memset(memory, 0, sizeof *memory);
    memory->rows_end = memory->rows;
    memory->schema.memory = memory;
    memory->schema.session = compile_table(memory, &journey__v1__session__descriptor);
    memory->schema.row_count = memory->row_count;
    if (memory->schema.session == NULL) {
        free(memory);
        return NULL;
    }
    return &memory->schema;
}

void spb_schema_free(struct spb_schema *schema)
{
    if (schema != NULL)
        free(schema->memory);
}

/* ------------------------------------------------------------------ look-ups */

const struct spb_row *spb_table_find_name(const struct spb_table *table, const char *name,
                                          size_t len)
{
    char copy[SPB_PREFIX_MAX] = { 0 };

    if (len > SPB_NAME_MAX)
        return NULL;
    memcpy(copy, name, len);
    const struct spb_row *const row = spb_table_guess_row(table, copy, len);
    return spb_row_name_len(row) == len && memcmp(spb_row_name(row), name, len) == 0 ? row : NULL;
}

const struct spb_row *spb_table_find_number(const struct spb_table *table, uint32_t number)
{
    const unsigned index =
        number < SPB_NUMBERS_MAX ? table->number_slots[number] : table->row_count;

    return index == table->row_count ? NULL : &table->rows[index];
}

const struct spb_row *spb_table_find_field(const struct spb_table *table, uint32_t number,
                                           unsigned wire_type)
{
    const struct spb_row *row = spb_table_find_number(table, number);

    return row != NULL && row->wire_type == wire_type ? row : NULL;
}
