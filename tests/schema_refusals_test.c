/*
 * A schema that the engine cannot carry is refused when its tables are compiled, long before a session
 * of it could lose data. The tables' compiler is compiled here once more, with descriptors made up for
 * the purpose in the place of Session's.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "journey/v1/session.pb-c.h"

static const ProtobufCMessageDescriptor *made_up;

#define journey__v1__session__descriptor (*made_up)
#include "schema/table.c"
#undef journey__v1__session__descriptor

typedef ProtobufCMessageDescriptor message_type;
typedef ProtobufCFieldDescriptor field_type;

enum {
    FIELDS_MAX = SPB_ROWS_MAX + 1,
    CHAIN_MAX = SPB_TABLES_DEEP + 1,
    TREE_MAX = TABLES_MAX + 2,
    WIDE = ROWS_MAX / 2 / (SPB_ROWS_MAX + SPB_PREDICTIONS) /* messages that leave room for more */
};

static const message_type timestamp = { .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                                        .name = "google.protobuf.Timestamp",
                                        .short_name = "Timestamp" };

/* A field that any message may have, to be changed. */
static field_type plain(const char *name, uint32_t number)
{
    return (field_type){ .name = name,
                         .id = number,
                         .label = PROTOBUF_C_LABEL_OPTIONAL,
                         .type = PROTOBUF_C_TYPE_STRING };
}

static field_type nested(const char *name, uint32_t number, const message_type *message)
{
    field_type field = plain(name, number);

    field.type = PROTOBUF_C_TYPE_MESSAGE;
    field.descriptor = message;
    return field;
}

/* Fields stand in ascending order of their numbers, without a gap. */
static message_type message_of(const field_type *fields, unsigned count, ProtobufCIntRange *ranges)
{
    ranges[0] = (ProtobufCIntRange){ .start_value = count > 0 ? (int)fields[0].id : 0 };
    ranges[1] = (ProtobufCIntRange){ .orig_index = count };
    return (message_type){ .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
                           .name = "made.Up",
                           .short_name = "MadeUp",
                           .n_fields = count,
                           .fields = fields,
                           .n_field_ranges = count > 0,
                           .field_ranges = ranges };
}

static bool compiles(const message_type *message)
{
    made_up = message;
    struct spb_schema *const schema = spb_schema_new();
    const bool compiled = schema != NULL;

    spb_schema_free(schema);
    return compiled;
}

static bool compiles_fields(const field_type *fields, unsigned count)
{
    ProtobufCIntRange ranges[2];
    const message_type message = message_of(fields, count, ranges);

    return compiles(&message);
}

/* ---- kinds of fields ---- */

static bool compiles_type(ProtobufCType type, ProtobufCLabel label)
{
    field_type field = plain("member", 1);

    field.type = type;
    field.label = label;
    field.descriptor = &timestamp;
    return compiles_fields(&field, 1);
}

START_TEST(a_kind_of_field_that_the_engine_does_not_support_is_refused)
{
    static const ProtobufCType carried[] = { PROTOBUF_C_TYPE_STRING, PROTOBUF_C_TYPE_INT32,
                                             PROTOBUF_C_TYPE_DOUBLE, PROTOBUF_C_TYPE_BOOL,
                                             PROTOBUF_C_TYPE_MESSAGE /* a Timestamp */ };

    for (int type = PROTOBUF_C_TYPE_INT32; type <= PROTOBUF_C_TYPE_MESSAGE; type++) {
        bool expected = false;
        for (size_t i = 0; i < sizeof carried / sizeof carried[0]; i++)
            expected = expected || (int)carried[i] == type;
        ck_assert_msg(compiles_type((ProtobufCType)type, PROTOBUF_C_LABEL_OPTIONAL) == expected,
                      "type %d", type);
        ck_assert_msg(compiles_type((ProtobufCType)type, PROTOBUF_C_LABEL_REPEATED) ==
                          (type == PROTOBUF_C_TYPE_STRING),
                      "repeated type %d", type);
        ck_assert(!compiles_type((ProtobufCType)type, PROTOBUF_C_LABEL_REQUIRED));
    }
}
END_TEST

START_TEST(a_field_of_a_oneof_is_refused)
{
    field_type field = plain("member", 1);

    field.flags = PROTOBUF_C_FIELD_FLAG_ONEOF;
    ck_assert(!compiles_fields(&field, 1));
}
END_TEST

/* ---- names and numbers ---- */

START_TEST(a_name_or_number_that_no_row_has_room_for_is_refused)
{
    char name[SPB_NAME_MAX + 2] = { 0 };
    field_type field = plain(name, 1);

    memset(name, 'x', sizeof name);
    name[SPB_NAME_MAX + 1] = '\0';
    ck_assert(!compiles_fields(&field, 1));
    name[SPB_NAME_MAX] = '\0';
    ck_assert(compiles_fields(&field, 1));
    field.id = SPB_NUMBERS_MAX - 1;
    ck_assert(compiles_fields(&field, 1));
    field.id = SPB_NUMBERS_MAX;
    ck_assert(!compiles_fields(&field, 1));
}
END_TEST

START_TEST(two_fields_of_one_json_name_are_refused)
{
    field_type fields[] = { plain("the_name", 1), plain("theName", 2) };

    ck_assert(!compiles_fields(fields, 2));
    fields[1].name = "the_Names";
    ck_assert(compiles_fields(fields, 2));
}
END_TEST

START_TEST(additional_properties_of_another_number_or_type_are_refused)
{
    field_type fields[] = { plain("member", 1),
                            plain("additional_properties", SPB_ADDITIONAL_NUMBER) };

    ck_assert(compiles_fields(fields, 2));
    fields[1].id--;
    ck_assert(!compiles_fields(fields, 2));
    fields[1].id++;
    fields[1].type = PROTOBUF_C_TYPE_BYTES;
    ck_assert(!compiles_fields(fields, 2));
}
END_TEST

/* ---- how many ---- */

static char names[FIELDS_MAX][SPB_NAME_MAX];

static void fill(field_type *fields)
{
    for (unsigned i = 0; i < FIELDS_MAX; i++) {
        snprintf(names[i], sizeof names[i], "member%u", i);
        fields[i] = plain(names[i], i + 1);
    }
}

START_TEST(a_message_of_no_fields_or_of_too_many_is_refused)
{
    field_type fields[FIELDS_MAX];

    fill(fields);
    ck_assert(!compiles_fields(fields, 0));
    ck_assert(compiles_fields(fields, SPB_ROWS_MAX));
    ck_assert(!compiles_fields(fields, SPB_ROWS_MAX + 1));
}
END_TEST

/* A message in a message in a message: so many. */
static bool compiles_chain(unsigned deep)
{
    static field_type fields[CHAIN_MAX];
    static message_type messages[CHAIN_MAX];
    static ProtobufCIntRange ranges[CHAIN_MAX][2];

    for (unsigned i = 0; i < deep; i++) {
        fields[i] = i == 0 ? plain("end", 1) : nested("next", 1, &messages[i - 1]);
        messages[i] = message_of(&fields[i], 1, ranges[i]);
    }
    return compiles(&messages[deep - 1]);
}

START_TEST(messages_that_nest_too_deep_or_without_end_are_refused)
{
    message_type message = { 0 };
    ProtobufCIntRange ranges[2];
    const field_type itself = nested("again", 1, &message);

    ck_assert(compiles_chain(SPB_TABLES_DEEP - 1));
    ck_assert(!compiles_chain(SPB_TABLES_DEEP));
    message = message_of(&itself, 1, ranges);
    ck_assert(!compiles(&message));
}
END_TEST

/* A message of two that lead to so many others, each of so many fields. */
static bool compiles_tree(unsigned leaves, unsigned leaf_fields)
{
    static field_type leaf[FIELDS_MAX];
    static field_type branches[2][FIELDS_MAX];
    static message_type messages[TREE_MAX];
    static ProtobufCIntRange ranges[TREE_MAX][2];
    ProtobufCIntRange root_ranges[3][2];
    message_type halves[2];
    const unsigned counts[2] = { leaves / 2, leaves - leaves / 2 };
    field_type root[2];

    fill(leaf);
    for (unsigned i = 0; i < leaves; i++)
        messages[i] = message_of(leaf, leaf_fields, ranges[i]);
    for (unsigned half = 0, at = 0; half < 2; half++) {
        for (unsigned i = 0; i < counts[half]; i++)
            branches[half][i] = nested(names[i], i + 1, &messages[at++]);
        halves[half] = message_of(branches[half], counts[half], root_ranges[half]);
        root[half] = nested(names[half], half + 1, &halves[half]);
    }
    const message_type message = message_of(root, 2, root_ranges[2]);
    return compiles(&message);
}

START_TEST(more_messages_or_fields_than_there_is_memory_for_are_refused)
{
    ck_assert(compiles_tree(TABLES_MAX - 3, 1));
    ck_assert(!compiles_tree(TABLES_MAX - 2, 1));
    ck_assert(compiles_tree(WIDE, SPB_ROWS_MAX));
    ck_assert(!compiles_tree(3 * WIDE, SPB_ROWS_MAX));
}
END_TEST

/* ---- maps ---- */

struct entry_case {
    const char *promise;
    const char *short_name;
    unsigned fields;
    field_type key, value;
    bool is_map;
};

static const struct spb_row *row_of_entry(const struct entry_case *c,
                                          struct spb_schema **schema_out)
{
    static field_type fields[3];
    static ProtobufCIntRange ranges[2][2];
    static message_type entry;
    static field_type member;
    static message_type message;

    fields[0] = c->key;
    fields[1] = c->value;
    fields[2] = plain("more", 3);
    entry = message_of(fields, c->fields, ranges[0]);
    entry.short_name = c->short_name;
    member = nested("members", 1, &entry);
    member.label = PROTOBUF_C_LABEL_REPEATED;
    message = message_of(&member, 1, ranges[1]);
    made_up = &message;
    *schema_out = spb_schema_new();
    ck_assert_msg(*schema_out != NULL, "%s", c->promise);
    return &(*schema_out)->session->rows[0];
}

START_TEST(only_what_has_the_shape_of_a_map_s_entry_is_a_map)
{
    static const field_type value_fields[] = { { .name = "text",
                                                 .id = 1,
                                                 .type = PROTOBUF_C_TYPE_STRING,
                                                 .label = PROTOBUF_C_LABEL_OPTIONAL } };
    ProtobufCIntRange ranges[2];
    const message_type value = message_of(value_fields, 1, ranges);
    field_type number = plain("key", 1);
    number.type = PROTOBUF_C_TYPE_INT32;
    const field_type key = plain("key", 1);
    const field_type good = nested("value", 2, &value);
    const struct entry_case cases[] = {
        { "an entry", "MembersEntry", 2, key, good, true },
        { "the word alone", "Entry", 2, key, good, false },
        { "another word", "MembersEntrx", 2, key, good, false },
        { "a third field", "MembersEntry", 3, key, good, false },
        { "a key of another name", "MembersEntry", 2, plain("name", 1), good, false },
        { "a key of another type", "MembersEntry", 2, number, good, false },
        { "a value of another name", "MembersEntry", 2, key, nested("it", 2, &value), false },
        { "a value of another type", "MembersEntry", 2, key, plain("value", 2), false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct spb_schema *schema;
        const struct spb_row *const row = row_of_entry(&cases[i], &schema);
        const enum spb_kind kind = cases[i].is_map ? SPB_KIND_MAP : SPB_KIND_MESSAGE;
        ck_assert_msg(row->kind == kind, "%s", cases[i].promise);
        ck_assert_msg(row->repeated == !cases[i].is_map, "%s", cases[i].promise);
        spb_schema_free(schema);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schema refusals");
    TCase *tcase = tcase_create("descriptors");

    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, a_kind_of_field_that_the_engine_does_not_support_is_refused);
    tcase_add_test(tcase, a_field_of_a_oneof_is_refused);
    tcase_add_test(tcase, a_name_or_number_that_no_row_has_room_for_is_refused);
    tcase_add_test(tcase, two_fields_of_one_json_name_are_refused);
    tcase_add_test(tcase, additional_properties_of_another_number_or_type_are_refused);
    tcase_add_test(tcase, a_message_of_no_fields_or_of_too_many_is_refused);
    tcase_add_test(tcase, messages_that_nest_too_deep_or_without_end_are_refused);
    tcase_add_test(tcase, more_messages_or_fields_than_there_is_memory_for_are_refused);
    tcase_add_test(tcase, only_what_has_the_shape_of_a_map_s_entry_is_a_map);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
