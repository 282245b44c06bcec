/*
 * The schema against the definition: what protobuf-c has compiled from session.proto, member by
 * member, and facts/definitions.tsv, which was drawn up from the definition's pages and not from
 * the schema.
 *
 * A fact is met by the field at its place in the message. The field's name is compared as the JSON
 * name that protobuf computes from it.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "journey/v1/session.pb-c.h"

enum {
    DEFINITIONS = 22,
    MEMBERS = 141,
    REQUIRED_MEMBERS = 52,
    ADDITIONAL_NUMBER = 1000,
    MESSAGES_MAX = 2 * DEFINITIONS,
    COLUMNS = 7,
    LINE_MAX_BYTES = 256,
    NAME_MAX_BYTES = 64,      /* of a member */
    FULL_NAME_MAX_BYTES = 256 /* of a message, with its package */
};

typedef ProtobufCMessageDescriptor message_type;
typedef ProtobufCFieldDescriptor field_type;

static bool is(const char *text, const char *expected)
{
    return strcmp(text, expected) == 0;
}

/* ---- The facts. ---- */

/* One member of one definition. What a column has nothing to say about is "-". */
struct fact {
    char line[LINE_MAX_BYTES]; /* cut into the columns */
    const char *definition;
    unsigned long ordinal; /* in the definition, from 1 */
    const char *name;
    const char *type;
    const char *format;
    const char *of; /* what a ref, an array or a map leads to */
    bool required;
};

static struct fact facts[MEMBERS + 1]; /* one more, to notice one too many */
static size_t fact_count;

static void cut(char *line, char *columns_out[static COLUMNS])
{
    char *column = strtok(line, "\t\n");

    for (size_t i = 0; i < COLUMNS; i++) {
        ck_assert_msg(column != NULL, "column %zu is missing after: %s", i + 1, line);
        columns_out[i] = column;
        column = strtok(NULL, "\t\n");
    }
    ck_assert_msg(column == NULL, "more than %d columns: %s", COLUMNS, line);
}

static void read_fact(const char *line, struct fact *fact)
{
    char *columns[COLUMNS];

    snprintf(fact->line, sizeof fact->line, "%s", line);
    cut(fact->line, columns);
    fact->definition = columns[0];
    fact->ordinal = strtoul(columns[1], NULL, 10);
    fact->name = columns[2];
    fact->type = columns[3];
    fact->format = columns[4];
    fact->of = columns[5];
    fact->required = is(columns[6], "1");
}

static void read_facts(void)
{
    char line[LINE_MAX_BYTES];
    FILE *file = fopen(SPB_TEST_FACTS, "r");

    ck_assert_msg(file != NULL, "cannot open %s", SPB_TEST_FACTS);
    fact_count = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        ck_assert_msg(fact_count <= MEMBERS, "more members than expected: %s", line);
        read_fact(line, &facts[fact_count++]);
    }
    ck_assert_int_eq(ferror(file), 0);
    fclose(file);
}

static const struct fact *facts_end(void)
{
    return facts + fact_count;
}

static bool begins_definition(const struct fact *fact)
{
    return fact == facts || !is(fact->definition, fact[-1].definition);
}

static size_t count_members(const char *definition)
{
    size_t count = 0;

    for (const struct fact *fact = facts; fact < facts_end(); fact++)
        count += is(fact->definition, definition);
    return count;
}

/* ---- The compiled schema. ---- */

struct message_list {
    const message_type *types[MESSAGES_MAX];
    size_t count;
};

static bool is_message(const field_type *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE;
}

/* "out_of_order" is "outOfOrder" in JSON. */
static void json_name(const char *field_name, char name_out[static NAME_MAX_BYTES])
{
    size_t len = 0;
    bool capital = false;

    for (; *field_name != '\0'; field_name++) {
        if (*field_name == '_') {
            capital = true;
            continue;
        }
        ck_assert_uint_lt(len, NAME_MAX_BYTES - 1);
        name_out[len++] = capital ? (char)toupper((unsigned char)*field_name) : *field_name;
        capital = false;
    }
    name_out[len] = '\0';
}

/* "custom_attributes" of a.B is, if it is a map, repeated a.B.CustomAttributesEntry. */
static void entry_name(const message_type *parent, const field_type *field,
                       char name_out[static FULL_NAME_MAX_BYTES])
{
    char name[NAME_MAX_BYTES];

    json_name(field->name, name);
    name[0] = (char)toupper((unsigned char)name[0]);
    snprintf(name_out, FULL_NAME_MAX_BYTES, "%s.%sEntry", parent->name, name);
}

/* protobuf-c does not say which of the repeated messages are maps, but the shape does. */
static bool is_map(const message_type *parent, const field_type *field)
{
    char name[FULL_NAME_MAX_BYTES];

    if (!is_message(field) || field->label != PROTOBUF_C_LABEL_REPEATED)
        return false;

    const message_type *entry = field->descriptor;
    entry_name(parent, field, name);
    return is(entry->name, name) && entry->n_fields == 2 && entry->fields[0].id == 1 &&
           is(entry->fields[0].name, "key") && entry->fields[1].id == 2 &&
           is(entry->fields[1].name, "value");
}

/* The field that says what the parent's field leads to: itself, or the value of its entries. */
static const field_type *value_field(const message_type *parent, const field_type *field)
{
    const message_type *entry = field->descriptor;

    return is_map(parent, field) ? &entry->fields[1] : field;
}

static bool lists(const struct message_list *list, const message_type *message)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->types[i] == message)
            return true;
    return false;
}

static void append_new(struct message_list *list, const message_type *message)
{
    if (lists(list, message) || !is(message->package_name, "journey.v1"))
        return;
    ck_assert_uint_lt(list->count, MESSAGES_MAX);
    list->types[list->count++] = message;
}

/* All messages of our package that are reachable from the first, itself included. */
static struct message_list messages_from(const message_type *first)
{
    struct message_list list = { .types = { first }, .count = 1 };

    for (size_t i = 0; i < list.count; i++) {
        const message_type *message = list.types[i];
        for (unsigned j = 0; j < message->n_fields; j++) {
            const field_type *field = value_field(message, &message->fields[j]);
            if (is_message(field))
                append_new(&list, field->descriptor);
        }
    }
    return list;
}

static struct message_list all_messages(void)
{
    return messages_from(&journey__v1__session_listing__descriptor);
}

static const message_type *message_of(const char *definition)
{
    struct message_list list = messages_from(&journey__v1__session__descriptor);

    for (size_t i = 0; i < list.count; i++)
        if (is(list.types[i]->short_name, definition))
            return list.types[i];
    ck_abort_msg("no message for %s", definition);
    return NULL;
}

static const field_type *field_of(const struct fact *fact)
{
    const message_type *message = message_of(fact->definition);

    ck_assert_msg(fact->ordinal >= 1 && fact->ordinal <= message->n_fields,
                  "%s has no field for %s", message->name, fact->name);
    return &message->fields[fact->ordinal - 1];
}

/* ---- What the facts demand. ---- */

struct scalar {
    const char *type, *format;
    ProtobufCType compiled;
};

/* clang-format off */
static const struct scalar scalars[] = {
    { "boolean", "-",      PROTOBUF_C_TYPE_BOOL   },
    { "integer", "int32",  PROTOBUF_C_TYPE_INT32  },
    { "number",  "double", PROTOBUF_C_TYPE_DOUBLE },
    { "string",  "-",      PROTOBUF_C_TYPE_STRING },
    { "string",  "uri",    PROTOBUF_C_TYPE_STRING },
};
/* clang-format on */

static bool is_plural(const struct fact *fact)
{
    return is(fact->type, "array") || is(fact->type, "map");
}

/* The name of the message that a member leads to, or "" if it leads to a scalar. */
static void demanded_message(const struct fact *fact, char name_out[static FULL_NAME_MAX_BYTES])
{
    bool leads = !is(fact->of, "-") && !is(fact->of, "string");

    if (is(fact->format, "date-time"))
        snprintf(name_out, FULL_NAME_MAX_BYTES, "google.protobuf.Timestamp");
    else
        snprintf(name_out, FULL_NAME_MAX_BYTES, "%s%s", leads ? "journey.v1." : "",
                 leads ? fact->of : "");
}

static ProtobufCType demanded_scalar(const struct fact *fact)
{
    const char *type = is(fact->type, "array") ? fact->of : fact->type;

    for (size_t i = 0; i < sizeof scalars / sizeof scalars[0]; i++)
        if (is(type, scalars[i].type) && is(fact->format, scalars[i].format))
            return scalars[i].compiled;
    ck_abort_msg("%s.%s is of an unknown type: %s, %s", fact->definition, fact->name, fact->type,
                 fact->format);
    return PROTOBUF_C_TYPE_MESSAGE;
}

static void assert_type(const struct fact *fact, const field_type *value)
{
    char demanded[FULL_NAME_MAX_BYTES];
    const message_type *message = value->descriptor;

    demanded_message(fact, demanded);
    if (demanded[0] == '\0') {
        ck_assert_msg(value->type == demanded_scalar(fact), "%s.%s is not a %s %s",
                      fact->definition, fact->name, fact->type, fact->format);
    } else {
        ck_assert_msg(is_message(value), "%s.%s is no message", fact->definition, fact->name);
        ck_assert_msg(is(message->name, demanded), "%s.%s is a %s instead of a %s",
                      fact->definition, fact->name, message->name, demanded);
    }
}

static void assert_optional_string(const message_type *message, const field_type *field)
{
    ck_assert_msg(field->type == PROTOBUF_C_TYPE_STRING, "%s.%s is no string", message->name,
                  field->name);
    ck_assert_msg(field->label == PROTOBUF_C_LABEL_OPTIONAL, "%s.%s is not optional", message->name,
                  field->name);
}

/* ---- The tests. ---- */

START_TEST(the_facts_are_whole)
{
    size_t definitions = 0;
    size_t required = 0;

    for (const struct fact *fact = facts; fact < facts_end(); fact++) {
        bool first = begins_definition(fact);
        definitions += first;
        required += fact->required;
        ck_assert_msg(fact->ordinal == (first ? 1 : fact[-1].ordinal + 1), "%s.%s is out of order",
                      fact->definition, fact->name);
    }
    ck_assert_uint_eq(fact_count, MEMBERS);
    ck_assert_uint_eq(definitions, DEFINITIONS);
    ck_assert_uint_eq(required, REQUIRED_MEMBERS);
}
END_TEST

START_TEST(a_session_leads_to_the_defined_messages_and_to_no_other)
{
    struct message_list list = messages_from(&journey__v1__session__descriptor);

    for (size_t i = 0; i < list.count; i++)
        ck_assert_msg(count_members(list.types[i]->short_name) > 0, "%s is not defined",
                      list.types[i]->name);
    for (const struct fact *fact = facts; fact < facts_end(); fact++)
        ck_assert_ptr_nonnull(message_of(fact->definition));
    ck_assert_uint_eq(list.count, DEFINITIONS);
}
END_TEST

START_TEST(messages_keep_the_definitions_names)
{
    struct message_list list = all_messages();

    for (size_t i = 0; i < list.count; i++) {
        char name[FULL_NAME_MAX_BYTES];
        snprintf(name, sizeof name, "journey.v1.%s", list.types[i]->short_name);
        ck_assert_str_eq(list.types[i]->name, name);
    }
}
END_TEST

START_TEST(fields_keep_the_definitions_names_and_order)
{
    for (const struct fact *fact = facts; fact < facts_end(); fact++) {
        char name[NAME_MAX_BYTES];
        json_name(field_of(fact)->name, name);
        ck_assert_msg(is(name, fact->name), "%s: field %lu is %s instead of %s", fact->definition,
                      fact->ordinal, name, fact->name);
    }
}
END_TEST

START_TEST(fields_are_numbered_from_1_without_gaps)
{
    for (const struct fact *fact = facts; fact < facts_end(); fact++)
        ck_assert_msg(field_of(fact)->id == fact->ordinal, "%s.%s has number %u instead of %lu",
                      fact->definition, fact->name, (unsigned)field_of(fact)->id, fact->ordinal);
}
END_TEST

START_TEST(fields_have_the_definitions_types)
{
    for (const struct fact *fact = facts; fact < facts_end(); fact++)
        assert_type(fact, value_field(message_of(fact->definition), field_of(fact)));
}
END_TEST

START_TEST(arrays_and_maps_are_repeated_and_all_else_is_optional)
{
    for (const struct fact *fact = facts; fact < facts_end(); fact++) {
        ProtobufCLabel demanded =
            is_plural(fact) ? PROTOBUF_C_LABEL_REPEATED : PROTOBUF_C_LABEL_OPTIONAL;
        ck_assert_msg(field_of(fact)->label == demanded, "%s.%s has the wrong label",
                      fact->definition, fact->name);
    }
}
END_TEST

START_TEST(maps_are_maps_with_string_keys_and_arrays_are_not)
{
    for (const struct fact *fact = facts; fact < facts_end(); fact++) {
        const field_type *field = field_of(fact);
        bool map = is_map(message_of(fact->definition), field);
        ck_assert_msg(map == is(fact->type, "map"), "%s.%s is %s map", fact->definition, fact->name,
                      map ? "a" : "no");
        if (map) {
            const message_type *entry = field->descriptor;
            ck_assert_int_eq(entry->fields[0].type, PROTOBUF_C_TYPE_STRING);
        }
    }
}
END_TEST

START_TEST(messages_have_the_defined_fields_and_one_more)
{
    for (const struct fact *fact = facts; fact < facts_end(); fact++)
        ck_assert_msg(message_of(fact->definition)->n_fields == count_members(fact->definition) + 1,
                      "%s has %u fields", fact->definition, message_of(fact->definition)->n_fields);
}
END_TEST

START_TEST(the_last_field_of_every_message_is_for_additional_properties)
{
    struct message_list list = all_messages();

    for (size_t i = 0; i < list.count; i++) {
        const message_type *message = list.types[i];
        const field_type *last = &message->fields[message->n_fields - 1];
        ck_assert_msg(is(last->name, "additional_properties"), "%s ends in %s", message->name,
                      last->name);
        ck_assert_msg(last->id == ADDITIONAL_NUMBER, "%s.%s has number %u", message->name,
                      last->name, (unsigned)last->id);
        assert_optional_string(message, last);
    }
    ck_assert_uint_eq(list.count, DEFINITIONS + 1);
}
END_TEST

static void assert_tells_absence(const message_type *message, const field_type *field)
{
    bool counted = field->label == PROTOBUF_C_LABEL_REPEATED ||
                   (!is_message(field) && field->type != PROTOBUF_C_TYPE_STRING);

    ck_assert_msg(field->default_value == NULL, "%s.%s has a default", message->name, field->name);
    ck_assert_msg((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0, "%s.%s is in a oneof",
                  message->name, field->name);
    ck_assert_msg(!counted || field->quantifier_offset > 0, "%s.%s lacks its has_ or n_ member",
                  message->name, field->name);
}

START_TEST(every_field_tells_absence_from_emptiness)
{
    struct message_list list = all_messages();

    for (size_t i = 0; i < list.count; i++)
        for (unsigned j = 0; j < list.types[i]->n_fields; j++)
            assert_tells_absence(list.types[i], &list.types[i]->fields[j]);
}
END_TEST

START_TEST(a_listing_is_a_page_of_sessions)
{
    static const char *const names[] = { "entities", "next_uri", "self_uri", "previous_uri" };
    const message_type *listing = &journey__v1__session_listing__descriptor;

    ck_assert_uint_eq(listing->n_fields, 4 + 1);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_str_eq(listing->fields[i].name, names[i]);
        ck_assert_uint_eq(listing->fields[i].id, i + 1);
    }
    ck_assert_int_eq(listing->fields[0].label, PROTOBUF_C_LABEL_REPEATED);
    ck_assert_int_eq(listing->fields[0].type, PROTOBUF_C_TYPE_MESSAGE);
    ck_assert_ptr_eq(listing->fields[0].descriptor, &journey__v1__session__descriptor);
    for (unsigned i = 1; i < 4; i++)
        assert_optional_string(listing, &listing->fields[i]);
}
END_TEST

/* The messages on the way down, the innermost first. */
struct nesting {
    const message_type *message;
    const struct nesting *outer;
};

/* Comes to an end even if a message does nest in itself: there are only so many messages. */
static void assert_no_recursion(const message_type *message, const struct nesting *outer)
{
    struct nesting here = { message, outer };

    for (const struct nesting *above = outer; above != NULL; above = above->outer)
        ck_assert_msg(above->message != message, "%s contains itself", message->name);
    for (unsigned i = 0; i < message->n_fields; i++)
        if (is_message(&message->fields[i]))
            assert_no_recursion(message->fields[i].descriptor, &here);
}

START_TEST(no_message_contains_itself)
{
    assert_no_recursion(&journey__v1__session_listing__descriptor, NULL);
}
END_TEST

static Suite *schema_descriptor_suite(void)
{
    Suite *suite = suite_create("schema_descriptor");
    TCase *tests = tcase_create("schema_descriptor");

    tcase_add_checked_fixture(tests, read_facts, NULL);
    tcase_add_test(tests, the_facts_are_whole);
    tcase_add_test(tests, a_session_leads_to_the_defined_messages_and_to_no_other);
    tcase_add_test(tests, messages_keep_the_definitions_names);
    tcase_add_test(tests, fields_keep_the_definitions_names_and_order);
    tcase_add_test(tests, fields_are_numbered_from_1_without_gaps);
    tcase_add_test(tests, fields_have_the_definitions_types);
    tcase_add_test(tests, arrays_and_maps_are_repeated_and_all_else_is_optional);
    tcase_add_test(tests, maps_are_maps_with_string_keys_and_arrays_are_not);
    tcase_add_test(tests, messages_have_the_defined_fields_and_one_more);
    tcase_add_test(tests, the_last_field_of_every_message_is_for_additional_properties);
    tcase_add_test(tests, every_field_tells_absence_from_emptiness);
    tcase_add_test(tests, a_listing_is_a_page_of_sessions);
    tcase_add_test(tests, no_message_contains_itself);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(schema_descriptor_suite());

    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
