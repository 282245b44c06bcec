#define _GNU_SOURCE /* mallinfo2() */

#include "door_support.h"

#include <ctype.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void); /* GCC comes without the header */
#endif

typedef ProtobufCFieldDescriptor field_type;
typedef ProtobufCMessageDescriptor message_type;

enum { NAME_MAX_BYTES = 64, LINE_MAX_BYTES = 256 };

/* ---- Text, bytes. ---- */

/* Makes room for a NUL behind the content and puts it there. */
static void terminate(struct spb_bytes *bytes)
{
    assert_status(spb_bytes_reserve(bytes, 1), SPB_OK, "memory");
    bytes->data[bytes->len] = '\0';
}

void put(struct spb_bytes *bytes, const char *text)
{
    assert_status(spb_bytes_append(bytes, text, strlen(text)), SPB_OK, text);
    terminate(bytes);
}

void put_format(struct spb_bytes *bytes, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    va_list arguments;

    va_start(arguments, format);
    const int len = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    ck_assert_int_lt(len, (int)sizeof line);
    put(bytes, line);
}

void set_bytes(struct spb_bytes *bytes, const void *data, size_t len)
{
    bytes->len = 0;
    ck_assert_int_eq(spb_bytes_append(bytes, data, len), SPB_OK);
}

/* ---- Examples. ---- */

static void read_file(const char *name, struct spb_bytes *text)
{
    char path[sizeof SPB_TEST_EXAMPLES + NAME_MAX_BYTES];
    char piece[4096];
    size_t len;

    snprintf(path, sizeof path, "%s/%s", SPB_TEST_EXAMPLES, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    while ((len = fread(piece, 1, sizeof piece, file)) > 0)
        ck_assert_int_eq(spb_bytes_append(text, piece, len), SPB_OK);
    ck_assert_int_eq(ferror(file), 0);
    fclose(file);
    terminate(text);
}

static struct spb_bytes *next_example(struct examples *examples)
{
    ck_assert_uint_lt(examples->count, EXAMPLES_MAX);
    return &examples->texts[examples->count++];
}

void read_examples(struct examples *examples)
{
    static const char *const documents[] = { "app.json", "conversation.json", "next-year.json",
                                             "web.json" };
    struct spb_bytes lines = { 0 };

    *examples = (struct examples){ .count = 0 };
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++)
        read_file(documents[i], next_example(examples));
    read_file("sessions.ndjson", &lines);
    for (char *line = strtok((char *)lines.data, "\n"); line != NULL; line = strtok(NULL, "\n"))
        put(next_example(examples), line);
    spb_bytes_release(&lines);
}

void release_examples(struct examples *examples)
{
    for (size_t i = 0; i < examples->count; i++)
        spb_bytes_release(&examples->texts[i]);
}

const char *small_session(const char *members)
{
    static char text[2048];
    const int len =
        snprintf(text, sizeof text,
                 "{\"id\":\"a\",\"type\":\"web\",\"eventCount\":1,\"lastEvent\":{\"id\":\"b\","
                 "\"eventName\":\"c\",\"createdDate\":\"2026-01-14T09:28:54.112Z\"},"
                 "\"authenticated\":false,\"createdDate\":\"2026-01-14T09:28:54.112Z\"%s}",
                 members);

    ck_assert_int_lt(len, (int)sizeof text);
    return text;
}

/* ---- Descriptors. ---- */

static bool is_repeated(const field_type *field)
{
    return field->label == PROTOBUF_C_LABEL_REPEATED;
}

static bool is_message(const field_type *field)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool is_timestamp(const field_type *field)
{
    return is_message(field) && field->descriptor == &google__protobuf__timestamp__descriptor;
}

static bool is_additional(const field_type *field)
{
    return strcmp(field->name, "additional_properties") == 0;
}

/* protobuf-c does not mark the entries of a map; in our schema only they are called so. */
static bool is_entry(const message_type *message)
{
    const size_t len = strlen(message->short_name);

    return len > 5 && strcmp(message->short_name + len - 5, "Entry") == 0;
}

/* ---- A path while a tree is walked. ---- */

struct path {
    char text[SPB_PATH_MAX];
    size_t len;
};

/* Returns the length to cut the path to when the part is left. */
static size_t path_enter(struct path *path, const char *name, const char *before_index,
                         const char *index, const char *behind_index)
{
    const size_t len = path->len;
    const int added =
        snprintf(path->text + len, sizeof path->text - len, "%s%s%s%s%s",
                 len == 0 || *name == '\0' ? "" : ".", name, before_index, index, behind_index);

    ck_assert_int_lt(added, (int)(sizeof path->text - len));
    path->len += (size_t)added;
    return len;
}

static size_t path_enter_element(struct path *path, const char *name, size_t index)
{
    char text[24];

    snprintf(text, sizeof text, "%zu", index);
    return path_enter(path, name, "[", text, "]");
}

static void path_leave(struct path *path, size_t len)
{
    path->len = len;
    path->text[len] = '\0';
}

/* ---- The full session. ---- */

struct full_writer {
    struct full_session *full;
    struct path path;
    int values; /* so far */
};

static void write_object(struct full_writer *w, const message_type *message);

static void write_string(struct full_writer *w)
{
    struct full_session *full = w->full;
    const bool spoiled = full->strings == full->spoiled;

    put_format(&full->json, "\"ä%d%s…\"", w->values, spoiled ? full->spoil : "");
    if (spoiled)
        strcpy(full->spoiled_path, w->path.text);
    full->strings++;
}

static void write_value(struct full_writer *w, const field_type *field)
{
    struct spb_bytes *json = &w->full->json;
    const int value = ++w->values;

    if (field->type == PROTOBUF_C_TYPE_STRING)
        write_string(w);
    else if (field->type == PROTOBUF_C_TYPE_INT32)
        put_format(json, "%d", -value);
    else if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        put_format(json, "%d.5", value);
    else if (field->type == PROTOBUF_C_TYPE_BOOL)
        put(json, "true");
    else if (is_timestamp(field))
        put_format(json, "\"2026-01-14T09:28:54.%03dZ\"", value % 1000);
    else
        write_object(w, field->descriptor);
}

static void write_array(struct full_writer *w, const field_type *field)
{
    for (size_t i = 0; i < 2; i++) {
        const size_t len = path_enter_element(&w->path, field->name, i);
        put(&w->full->json, i == 0 ? "[" : ",");
        write_value(w, field);
        path_leave(&w->path, len);
    }
    put(&w->full->json, "]");
}

static void write_map(struct full_writer *w, const field_type *field)
{
    static const char *const keys[] = { "key", "schlüssel" };
    static const char *const keys_in_path[] = { "key", "schl??ssel" };
    const message_type *entry = field->descriptor;

    for (size_t i = 0; i < 2; i++) {
        const size_t len = path_enter(&w->path, field->name, "[\"", keys_in_path[i], "\"]");
        put_format(&w->full->json, "%s\"%s\":", i == 0 ? "{" : ",", keys[i]);
        write_value(w, &entry->fields[1]);
        path_leave(&w->path, len);
    }
    put(&w->full->json, "}");
}

static void write_name(struct full_writer *w, const field_type *field)
{
    char name[NAME_MAX_BYTES] = "";
    size_t len = 0;

    for (const char *c = field->name; *c != '\0'; c++) {
        const bool capital = c > field->name && c[-1] == '_';
        ck_assert_uint_lt(len, sizeof name - 1);
        if (*c != '_')
            name[len++] = capital ? (char)toupper((unsigned char)*c) : *c;
    }
    put_format(&w->full->json, "\"%s\":", name);
}

static void write_object(struct full_writer *w, const message_type *message)
{
    struct spb_bytes *json = &w->full->json;
    const char *separator = "{";

    for (unsigned i = 0; i < message->n_fields; i++) {
        const field_type *field = &message->fields[i];
        if (is_additional(field))
            continue;
        put(json, separator);
        separator = ",";
        write_name(w, field);
        if (is_repeated(field) && is_message(field) && is_entry(field->descriptor)) {
            write_map(w, field);
        } else if (is_repeated(field)) {
            write_array(w, field);
        } else {
            const size_t len = path_enter(&w->path, field->name, "", "", "");
            write_value(w, field);
            path_leave(&w->path, len);
        }
    }
    if (w->full->extra != NULL)
        put_format(json, ",%s", w->full->extra);
    put(json, "}");
}

void write_full_session(struct full_session *full)
{
    struct full_writer w = { .full = full };

    full->strings = 0;
    write_object(&w, &journey__v1__session__descriptor);
}

/* ---- Conversions that succeed. ---- */

spb_converter *new_converter(const struct spb_options *options)
{
    spb_converter *converter = spb_converter_new(options);

    ck_assert_ptr_nonnull(converter);
    return converter;
}

spb_converter *new_lenient_converter(void)
{
    const struct spb_options options = { .size = sizeof options, .lenient = true };

    return new_converter(&options);
}

static void assert_ok(enum spb_status status, const struct spb_error *error, const char *about)
{
    if (status != SPB_OK)
        ck_abort_msg("%s at %s: %s; %.400s", spb_status_name(status), error->path, error->reason,
                     about);
}

void json_to_pb(spb_converter *converter, const char *json, struct spb_bytes *pb)
{
    struct spb_error error;

    pb->len = 0;
    assert_ok(spb_json_to_pb(converter, json, strlen(json), pb, &error), &error, json);
}

void pb_to_json(spb_converter *converter, const struct spb_bytes *pb, struct spb_bytes *json)
{
    struct spb_error error;

    json->len = 0;
    assert_ok(spb_pb_to_json(converter, pb->data, pb->len, json, &error), &error, "bytes");
    terminate(json);
}

Journey__V1__Session *json_to_session(spb_converter *converter, const char *json)
{
    Journey__V1__Session *session = NULL;
    struct spb_error error;

    assert_ok(spb_json_to_session(converter, json, strlen(json), &session, &error), &error, json);
    ck_assert_ptr_nonnull(session);
    return session;
}

Journey__V1__Session *pb_to_session(spb_converter *converter, const struct spb_bytes *pb)
{
    Journey__V1__Session *session = NULL;
    struct spb_error error;

    assert_ok(spb_pb_to_session(converter, pb->data, pb->len, &session, &error), &error, "bytes");
    ck_assert_ptr_nonnull(session);
    return session;
}

/* ---- Assertions. ---- */

void assert_status(enum spb_status got, enum spb_status expected, const char *about)
{
    if (got != expected)
        ck_abort_msg("%s instead of %s: %.400s", spb_status_name(got), spb_status_name(expected),
                     about);
}

void assert_bytes_eq(const struct spb_bytes *got, const struct spb_bytes *expected,
                     const char *about)
{
    size_t same = 0;

    while (same < got->len && same < expected->len && got->data[same] == expected->data[same])
        same++;
    if (same < got->len || same < expected->len)
        ck_abort_msg("%zu bytes instead of %zu, the same up to %zu: %.400s", got->len,
                     expected->len, same, about);
}

void assert_text_eq(const struct spb_bytes *got, const char *expected)
{
    if (got->len != strlen(expected) || memcmp(got->data, expected, got->len) != 0)
        ck_abort_msg("%.*s\ninstead of\n%s", (int)got->len, (const char *)got->data, expected);
}

/* ---- Structs. ---- */

static const void *member_of(const ProtobufCMessage *message, size_t offset)
{
    return (const char *)message + offset;
}

/* How many values a member has: 0 or 1 for one that is not an array. */
static size_t value_count(const ProtobufCMessage *message, const field_type *field)
{
    const void *member = member_of(message, field->offset);
    const void *quantifier = member_of(message, field->quantifier_offset);

    if (is_repeated(field))
        return *(const size_t *)quantifier;
    if (field->type == PROTOBUF_C_TYPE_STRING || is_message(field))
        return *(void *const *)member != NULL;
    return field->label == PROTOBUF_C_LABEL_NONE || *(const protobuf_c_boolean *)quantifier != 0;
}

/* The pointer of a string or message. */
static void **pointer_at(const ProtobufCMessage *message, const field_type *field, size_t index)
{
    void *const *member = member_of(message, field->offset);

    return is_repeated(field) ? (void **)*member + index : (void **)(uintptr_t)member;
}

static void assert_same_unknown(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    ck_assert_uint_eq(a->n_unknown_fields, b->n_unknown_fields);
    for (unsigned i = 0; i < a->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *x = &a->unknown_fields[i];
        const ProtobufCMessageUnknownField *y = &b->unknown_fields[i];
        ck_assert_uint_eq(x->tag, y->tag);
        ck_assert_int_eq((int)x->wire_type, (int)y->wire_type);
        ck_assert_uint_eq(x->len, y->len);
        ck_assert_mem_eq(x->data, y->data, x->len);
    }
}

static void assert_same_scalar(const void *a, const void *b, const field_type *field)
{
    if (field->type == PROTOBUF_C_TYPE_DOUBLE || field->type == PROTOBUF_C_TYPE_INT64)
        ck_assert_msg(memcmp(a, b, 8) == 0, "%s differs", field->name);
    else
        ck_assert_msg(memcmp(a, b, 4) == 0, "%s differs", field->name);
}

void assert_same_struct(const ProtobufCMessage *a, const ProtobufCMessage *b)
{
    ck_assert_ptr_eq(a->descriptor, b->descriptor);
    for (unsigned i = 0; i < a->descriptor->n_fields; i++) {
        const field_type *field = &a->descriptor->fields[i];
        const size_t count = value_count(a, field);
        ck_assert_msg(count == value_count(b, field), "%s: %zu and %zu values", field->name, count,
                      value_count(b, field));
        for (size_t j = 0; j < count; j++) {
            if (field->type == PROTOBUF_C_TYPE_STRING)
                ck_assert_str_eq(*pointer_at(a, field, j), *pointer_at(b, field, j));
            else if (is_message(field))
                assert_same_struct(*pointer_at(a, field, j), *pointer_at(b, field, j));
            else
                assert_same_scalar(member_of(a, field->offset), member_of(b, field->offset), field);
        }
    }
    assert_same_unknown(a, b);
}

static void add_sum(struct struct_sum *sum, const ProtobufCMessage *message)
{
    sum->messages++;
    sum->bytes += message->descriptor->sizeof_message;
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const field_type *field = &message->descriptor->fields[i];
        const size_t count = value_count(message, field);
        sum->absent += count == 0;
        sum->bytes += is_repeated(field) ? count * sizeof(void *) : 0;
        for (size_t j = 0; j < count; j++) {
            if (is_message(field))
                add_sum(sum, *pointer_at(message, field, j));
            if (field->type != PROTOBUF_C_TYPE_STRING)
                continue;
            sum->strings++;
            sum->bytes += strlen(*pointer_at(message, field, j)) + 1;
        }
    }
    sum->unknown += message->n_unknown_fields;
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        sum->bytes += sizeof message->unknown_fields[i] + message->unknown_fields[i].len;
}

struct struct_sum sum_struct(const ProtobufCMessage *message)
{
    struct struct_sum sum = { 0 };

    add_sum(&sum, message);
    return sum;
}

static void visit_strings(ProtobufCMessage *message, struct path *path, visit_string *visit,
                          void *context);

/* The value of an entry is what its map's path names already. */
static size_t enter_value(struct path *path, const ProtobufCMessage *message,
                          const field_type *field, size_t index)
{
    if (is_entry(message->descriptor) && field->id == 2)
        return path_enter(path, "", "", "", "");
    if (!is_repeated(field))
        return path_enter(path, field->name, "", "", "");
    if (!is_message(field) || !is_entry(field->descriptor))
        return path_enter_element(path, field->name, index);

    const ProtobufCMessage *entry = *pointer_at(message, field, index);
    char key[NAME_MAX_BYTES] = "";
    strncpy(key, *pointer_at(entry, &entry->descriptor->fields[0], 0), sizeof key - 1);
    for (char *c = key; *c != '\0'; c++)
        *c = isprint((unsigned char)*c) ? *c : '?';
    return path_enter(path, field->name, "[\"", key, "\"]");
}

static void visit_strings(ProtobufCMessage *message, struct path *path, visit_string *visit,
                          void *context)
{
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const field_type *field = &message->descriptor->fields[i];
        const size_t count = value_count(message, field);
        for (size_t j = 0; j < count; j++) {
            const size_t len = enter_value(path, message, field, j);
            if (field->type == PROTOBUF_C_TYPE_STRING)
                visit((char **)pointer_at(message, field, j), path->text, context);
            else if (is_message(field))
                visit_strings(*pointer_at(message, field, j), path, visit, context);
            path_leave(path, len);
        }
    }
}

void each_string(ProtobufCMessage *message, visit_string *visit, void *context)
{
    struct path path = { .len = 0 };

    visit_strings(message, &path, visit, context);
}

/* ---- The program. ---- */

size_t allocated_bytes(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return __sanitizer_get_current_allocated_bytes();
#else
    const struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
#endif
}

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
