/*
 * The field tables, held to facts/definitions.tsv; and the engine, held to the tables: whatever row
 * the schema has, every door carries it there and back.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "base/scan.h"
#include "door_support.h"
#include "schema/required.h"
#include "schema/table.h"

enum {
    TIMEOUT_SECONDS = 120,
    TABLES_MAX = 64,
    DEFINITIONS = 22,
    MAPS = 2,
    MEMBERS = 141,
    REQUIRED_MEMBERS = 52,
    BYTES = 256,
    LINE_MAX_BYTES = 256
};

static struct spb_schema *schema;
static const struct spb_table *tables[TABLES_MAX]; /* all that Session leads to, itself first */
static size_t table_count;

static bool is_known(const struct spb_table *table)
{
    for (size_t i = 0; i < table_count; i++) {
        if (tables[i] == table)
            return true;
    }
    return false;
}

static void set_up(void)
{
    schema = spb_schema_new();
    ck_assert_ptr_nonnull(schema);
    tables[0] = schema->session;
    table_count = 1;
    for (size_t i = 0; i < table_count; i++) {
        for (unsigned j = 0; j < tables[i]->row_count; j++) {
            const struct spb_table *table = tables[i]->rows[j].table;
            if (table == NULL || is_known(table))
                continue;
            ck_assert_uint_lt(table_count, TABLES_MAX);
            tables[table_count++] = table;
        }
    }
}

static void tear_down(void)
{
    spb_schema_free(schema);
}

static const struct spb_table *table_of(const char *definition)
{
    for (size_t i = 0; i < table_count; i++) {
        if (strcmp(tables[i]->name, definition) == 0)
            return tables[i];
    }
    ck_abort_msg("no table for %s", definition);
    return NULL;
}

/* Calls visit for every row of every table. */
typedef void visit_row(const struct spb_table *table, const struct spb_row *row);

static void each_row(visit_row *visit)
{
    for (size_t i = 0; i < table_count; i++) {
        for (unsigned j = 0; j < tables[i]->row_count; j++)
            visit(tables[i], &tables[i]->rows[j]);
    }
}

/* ---- What a row says. ---- */

static bool ids[MEMBERS + 2 * MAPS];

static void assert_row_is_sound(const struct spb_table *table, const struct spb_row *row)
{
    uint32_t tag = row->number << 3 | row->wire_type;

    ck_assert_ptr_eq(row, &table->rows[row->index]);
    ck_assert(row->index == 0 || row[-1].number < row->number);
    ck_assert_uint_lt(row->id, schema->row_count);
    ck_assert_msg(!ids[row->id], "the id %d comes twice", row->id);
    ids[row->id] = true;
    for (unsigned i = 0; i < row->tag_len; i++, tag /= 128)
        ck_assert_uint_eq(row->tag[i], i + 1u < row->tag_len ? tag % 128 + 128 : tag);
    ck_assert_uint_eq(tag, 0);
    ck_assert_int_eq(row->table != NULL,
                     row->kind == SPB_KIND_MESSAGE || row->kind == SPB_KIND_MAP);
    ck_assert(row->kind < SPB_KIND_COUNT);
}

START_TEST(every_row_is_sound)
{
    each_row(assert_row_is_sound);
    ck_assert_uint_eq(table_count, DEFINITIONS + MAPS);
    ck_assert_uint_eq(schema->row_count, sizeof ids);
    ck_assert_ptr_null(memchr(ids, false, sizeof ids));
}
END_TEST

/* `,"name":`, then zeros; and the bits that tell it from everything else. */
static void assert_prefix_is_sound(const struct spb_table *table, const struct spb_row *row)
{
    const size_t len = spb_row_name_len(row);
    char expected[SPB_PREFIX_MAX] = ",\"";
    char text[SPB_PREFIX_MAX + SPB_VECTOR];

    (void)table;
    memcpy(expected + 2, spb_row_name(row), len);
    memcpy(expected + 2 + len, "\":", 2);
    ck_assert_mem_eq(row->prefix, expected, SPB_PREFIX_MAX);
    ck_assert_uint_eq(row->prefix_len, len + 4);
    memset(text, '?', sizeof text);
    memcpy(text, row->prefix, row->prefix_len);
    ck_assert(spb_row_has_prefix(row, text, 0));
    for (size_t i = 0; i < row->prefix_len; i++) {
        text[i] ^= 1;
        ck_assert(!spb_row_has_prefix(row, text, 0));
        ck_assert(spb_row_has_prefix(row, text, 1) == (i == 0));
        text[i] ^= 1;
    }
}

START_TEST(every_prefix_is_the_name_as_json)
{
    each_row(assert_prefix_is_sound);
}
END_TEST

/* The first two bytes that a message may begin with, against the tag that they hold. */
static void assert_tag_is_told(const struct spb_table *table, const struct spb_row *row)
{
    (void)table;
    for (unsigned first = 0; first < BYTES; first++) {
        for (unsigned second = 0; second < BYTES; second++) {
            const unsigned value = first | second << 8;
            const bool same = row->tag_len == 1   ? first == row->tag[0]
                              : row->tag_len == 2 ? first == row->tag[0] && second == row->tag[1]
                                                  : false;
            if (((value & row->tag_mask) == row->tag_value) != same)
                ck_abort_msg("%s: %02x %02x", row->field_name, first, second);
        }
    }
}

START_TEST(every_tag_is_told_by_its_first_bytes)
{
    each_row(assert_tag_is_told);
}
END_TEST

/* ---- Look-ups. ---- */

static bool has_name(const struct spb_table *table, const char *name, size_t len)
{
    for (unsigned i = 0; i < table->row_count; i++) {
        if (spb_row_name_len(&table->rows[i]) == len &&
            memcmp(spb_row_name(&table->rows[i]), name, len) == 0)
            return true;
    }
    return false;
}

/* The name stands in a buffer of exactly its size. */
static void assert_looked_up(const struct spb_table *table, const char *name, size_t len)
{
    char *exact = malloc(len == 0 ? 1 : len);

    memcpy(exact, name, len);
    const struct spb_row *row = spb_table_find_name(table, exact, len);
    if ((row != NULL) != has_name(table, name, len))
        ck_abort_msg("%s: %.*s", table->name, (int)len, name);
    if (row != NULL && (spb_row_name_len(row) != len || memcmp(spb_row_name(row), name, len) != 0))
        ck_abort_msg("%s: %.*s is not %s", table->name, (int)len, name, row->field_name);
    free(exact);
}

/* All beginnings and ends, a byte more, each byte another one. */
static void assert_name_is_told(const struct spb_table *table, const struct spb_row *row)
{
    char name[SPB_PREFIX_MAX + 1] = { 0 };
    const size_t len = spb_row_name_len(row);

    memcpy(name + 1, spb_row_name(row), len);
    ck_assert_ptr_eq(spb_table_find_name(table, spb_row_name(row), len), row);
    for (size_t i = 0; i <= len + 2; i++) {
        assert_looked_up(table, name + 1, i);
        assert_looked_up(table, name, i);
        assert_looked_up(table, name + i, len + 1 - (i <= len ? i : len));
    }
    for (size_t i = 1; i <= len; i++) {
        const char kept = name[i];
        for (unsigned c = 0; c < BYTES; c++) {
            name[i] = (char)c;
            assert_looked_up(table, name + 1, len);
        }
        name[i] = kept;
    }
}

START_TEST(a_row_is_found_by_its_name_and_by_no_near_miss)
{
    each_row(assert_name_is_told);
}
END_TEST

START_TEST(names_of_other_rows_and_of_the_engine_are_not_found)
{
    static const char *const names[] = {
        "",   "additionalProperties", "additional_properties", "$unknownFields",
        "ID", "externalContact\0"
    };

    for (size_t i = 0; i < table_count; i++) {
        for (size_t j = 0; j < sizeof names / sizeof names[0]; j++)
            assert_looked_up(tables[i], names[j], strlen(names[j]));
        for (size_t j = 0; j < table_count; j++) {
            for (unsigned k = 0; k < tables[j]->row_count; k++) {
                const struct spb_row *row = &tables[j]->rows[k];
                assert_looked_up(tables[i], spb_row_name(row), spb_row_name_len(row));
                assert_looked_up(tables[i], row->field_name, strlen(row->field_name));
            }
        }
    }
}
END_TEST

START_TEST(a_row_is_found_by_its_number_and_type)
{
    static const uint32_t others[] = { SPB_ADDITIONAL_NUMBER, 1 << 16,    (1 << 16) + 1,
                                       (1u << 29) - 1,        UINT32_MAX, 1u << 31 | 1 };

    for (size_t i = 0; i < table_count; i++) {
        for (unsigned type = 0; type < 8; type++) {
            const struct spb_row *next = tables[i]->rows;
            for (uint32_t number = 0; number < SPB_ADDITIONAL_NUMBER + 100; number++) {
                const bool there =
                    next < tables[i]->rows + tables[i]->row_count && next->number == number;
                const struct spb_row *expected = there && next->wire_type == type ? next : NULL;
                if (spb_table_find_field(tables[i], number, type) != expected)
                    ck_abort_msg("%s: %u of type %u", tables[i]->name, number, type);
                if (spb_table_find_number(tables[i], number) != (there ? next : NULL))
                    ck_abort_msg("%s: %u", tables[i]->name, number);
                next += there;
            }
            for (size_t j = 0; j < sizeof others / sizeof others[0]; j++)
                ck_assert_ptr_null(spb_table_find_field(tables[i], others[j], type));
        }
    }
}
END_TEST

/* ---- The facts. ---- */

struct fact {
    char definition[LINE_MAX_BYTES];
    unsigned ordinal;
    char name[LINE_MAX_BYTES];
    char type[LINE_MAX_BYTES];
    char format[LINE_MAX_BYTES];
    char of[LINE_MAX_BYTES];
    int required;
};

static enum spb_kind kind_of(const struct fact *fact)
{
    static const struct {
        const char *type;
        const char *format;
        enum spb_kind kind;
    } kinds[] = {
        { "string", "date-time", SPB_KIND_TIMESTAMP },
        { "string", "", SPB_KIND_STRING },
        { "integer", "int32", SPB_KIND_INT32 },
        { "number", "double", SPB_KIND_DOUBLE },
        { "boolean", "", SPB_KIND_BOOL },
        { "ref", "", SPB_KIND_MESSAGE },
        { "map", "", SPB_KIND_MAP },
    };

    if (strcmp(fact->type, "array") == 0)
        return strcmp(fact->of, "string") == 0 ? SPB_KIND_STRING : SPB_KIND_MESSAGE;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(fact->type, kinds[i].type) == 0 &&
            (kinds[i].format[0] == '\0' || strcmp(fact->format, kinds[i].format) == 0))
            return kinds[i].kind;
    }
    return SPB_KIND_COUNT;
}

static void assert_row_is_fact(const struct fact *fact)
{
    const struct spb_table *table = table_of(fact->definition);
    const struct spb_row *row = &table->rows[fact->ordinal - 1];
    const bool array = strcmp(fact->type, "array") == 0;

    ck_assert_uint_le(fact->ordinal, table->row_count);
    ck_assert_ptr_eq(spb_table_find_name(table, fact->name, strlen(fact->name)), row);
    ck_assert_uint_eq(row->number, fact->ordinal);
    ck_assert_msg(row->kind == kind_of(fact), "%s.%s", fact->definition, fact->name);
    ck_assert_int_eq(row->repeated, array);
    ck_assert_int_eq(row->required, fact->required);
    ck_assert_int_eq(spb_required(fact->definition, fact->name), fact->required);
    ck_assert_int_eq((table->required & spb_row_bit(row)) != 0, fact->required && !array);
    if (row->kind == SPB_KIND_MESSAGE)
        ck_assert_str_eq(row->table->name, fact->of);
    if (row->kind == SPB_KIND_MAP)
        ck_assert_str_eq(row->table->rows[SPB_ENTRY_VALUE - 1].table->name, fact->of);
}

START_TEST(every_row_is_a_member_of_the_definitions)
{
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(SPB_TEST_FACTS, "r");
    struct fact fact;
    size_t members = 0;
    size_t required = 0;

    ck_assert_msg(file != NULL, "cannot open %s", SPB_TEST_FACTS);
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        ck_assert_int_eq(sscanf(line, "%s %u %s %s %s %s %d", fact.definition, &fact.ordinal,
                                fact.name, fact.type, fact.format, fact.of, &fact.required),
                         7);
        assert_row_is_fact(&fact);
        members++;
        required += fact.required != 0;
    }
    fclose(file);
    ck_assert_uint_eq(members, MEMBERS);
    ck_assert_uint_eq(members + 2 * MAPS, schema->row_count);
    ck_assert_uint_eq(required, REQUIRED_MEMBERS);
}
END_TEST

START_TEST(what_is_no_member_is_not_required)
{
    ck_assert(!spb_required("Session", ""));
    ck_assert(!spb_required("Session", "ID"));
    ck_assert(!spb_required("", "id"));
    ck_assert(!spb_required("Sessions", "id"));
    ck_assert(!spb_required("ConnectedQueue", "id"));
}
END_TEST

START_TEST(a_missing_row_is_the_first_that_is_required)
{
    for (size_t i = 0; i < table_count; i++) {
        const struct spb_table *table = tables[i];
        spb_row_set present = 0;
        for (unsigned j = 0; j < table->row_count; j++) {
            const struct spb_row *missing = spb_table_missing(table, present);
            if ((table->required & spb_row_bit(&table->rows[j])) != 0)
                ck_assert_ptr_eq(missing, &table->rows[j]);
            present |= spb_row_bit(&table->rows[j]);
        }
        ck_assert_ptr_null(spb_table_missing(table, present));
    }
}
END_TEST

/* ---- Every row through every door. ---- */

static spb_converter *converter;
static unsigned kinds_seen[SPB_KIND_COUNT];
static unsigned rows_carried;

/* Two values of each kind: of a map or message they are what is in it. */
static const char *const plain_values[SPB_KIND_COUNT][2] = {
    [SPB_KIND_STRING] = { "\"\xC3\xA4\\n\"", "\"\"" },
    [SPB_KIND_INT32] = { "-2147483648", "0" },
    [SPB_KIND_DOUBLE] = { "-0.1", "0" },
    [SPB_KIND_BOOL] = { "false", "true" },
    [SPB_KIND_TIMESTAMP] = { "\"0001-01-01T00:00:00.000Z\"", "\"1970-01-01T00:00:00.000Z\"" },
    [SPB_KIND_MESSAGE] = { "{}", "{\"zz\":1}" },
    [SPB_KIND_MAP] = { "{\"\":{}}", "{\"a\":{\"zz\":[]},\"b\":{}}" },
};

static void assert_carried(const char *json)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes out = { 0 };
    cJSON *tree = NULL;

    json_to_pb(converter, json, &pb);
    pb_to_json(converter, &pb, &out);
    assert_text_eq(&out, json);

    Journey__V1__Session *session = pb_to_session(converter, &pb);
    out.len = 0;
    assert_status(spb_session_to_json(converter, session, &out, NULL), SPB_OK, json);
    assert_text_eq(&out, json);
    spb_session_free(session);

    assert_status(spb_pb_to_tree(converter, pb.data, pb.len, &tree, NULL), SPB_OK, json);
    out.len = 0;
    assert_status(spb_tree_to_pb(converter, tree, &out, NULL), SPB_OK, json);
    assert_bytes_eq(&out, &pb, json);
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
    spb_bytes_release(&out);
}

static void carry_rows(const struct spb_table *table, const char *before, const char *behind);

static const char *text_of(const struct spb_bytes *bytes)
{
    return (const char *)bytes->data;
}

/* Puts what may stand in the row's place between the two texts. */
static void carry_row(const struct spb_row *row, const char *before, const char *behind)
{
    struct spb_bytes opened = { 0 };
    struct spb_bytes closed = { 0 };

    put(&opened, before);
    put(&opened, row->prefix + 1);
    put(&opened, row->repeated ? "[" : "");
    put(&closed, row->repeated ? "]" : "");
    put(&closed, behind);
    for (size_t i = 0; i < 2; i++) {
        struct spb_bytes json = { 0 };
        put(&json, text_of(&opened));
        put(&json, plain_values[row->kind][i]);
        put(&json, text_of(&closed));
        assert_carried(text_of(&json));
        spb_bytes_release(&json);
    }
    kinds_seen[row->member]++;
    rows_carried++;
    if (row->kind == SPB_KIND_MESSAGE)
        carry_rows(row->table, text_of(&opened), text_of(&closed));
    if (row->kind == SPB_KIND_MAP) {
        put(&opened, "{\"k\":");
        closed.len = 0;
        put(&closed, "}");
        put(&closed, behind);
        carry_rows(row->table->rows[SPB_ENTRY_VALUE - 1].table, text_of(&opened), text_of(&closed));
    }
    spb_bytes_release(&opened);
    spb_bytes_release(&closed);
}

static void carry_rows(const struct spb_table *table, const char *before, const char *behind)
{
    struct spb_bytes opened = { 0 };
    struct spb_bytes closed = { 0 };

    put(&opened, before);
    put(&opened, "{");
    put(&closed, "}");
    put(&closed, behind);
    for (unsigned i = 0; i < table->row_count; i++)
        carry_row(&table->rows[i], text_of(&opened), text_of(&closed));
    spb_bytes_release(&opened);
    spb_bytes_release(&closed);
}

START_TEST(every_row_is_carried_through_every_door)
{
    converter = new_lenient_converter();
    carry_rows(schema->session, "", "");
    for (unsigned kind = 0; kind < SPB_KIND_COUNT; kind++)
        ck_assert_msg(kinds_seen[kind] > 0, "no row has the kind %u", kind);
    ck_assert_uint_ge(rows_carried, MEMBERS);
    spb_converter_free(converter);
}
END_TEST

START_TEST(nothing_is_released_as_null)
{
    spb_schema_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema/table");
    TCase *tcase = tcase_create("table");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_row_is_sound);
    tcase_add_test(tcase, every_prefix_is_the_name_as_json);
    tcase_add_test(tcase, every_tag_is_told_by_its_first_bytes);
    tcase_add_test(tcase, a_row_is_found_by_its_name_and_by_no_near_miss);
    tcase_add_test(tcase, names_of_other_rows_and_of_the_engine_are_not_found);
    tcase_add_test(tcase, a_row_is_found_by_its_number_and_type);
    tcase_add_test(tcase, every_row_is_a_member_of_the_definitions);
    tcase_add_test(tcase, what_is_no_member_is_not_required);
    tcase_add_test(tcase, a_missing_row_is_the_first_that_is_required);
    tcase_add_test(tcase, every_row_is_carried_through_every_door);
    tcase_add_test(tcase, nothing_is_released_as_null);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
