/*
 * What a careful programmer makes of cJSON and protobuf-c: one pass over the members of each object,
 * names found in a table that is built once from the descriptors (the expected next name first, else
 * by binary search), dates by hand, buffers used again. It checks types, ranges and names that occur
 * twice; not UTF-8, and not that required members are there.
 */
#include "peer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "google/protobuf/timestamp.pb-c.h"
#include "journey/v1/session.pb-c.h"

enum { NAME_MAX_LEN = 40, ADDITIONAL = 1000 };

struct shape;

struct member {
    char name[NAME_MAX_LEN]; /* in JSON */
    const ProtobufCFieldDescriptor *field;
    struct shape *shape; /* of a message; NULL for a Timestamp */
    bool map;
};

struct shape {
    const ProtobufCMessageDescriptor *descriptor;
    struct member *members; /* in the definition's order */
    unsigned *by_name;      /* indices of members */
    unsigned count;
    size_t additional; /* offset of additional_properties; 0: none */
};

static struct shape *session_shape;

/* ------------------------------------------------------------------ shapes */

static void camel_case(const char *field_name, char *name)
{
    for (; *field_name != '\0'; field_name++) {
        if (*field_name != '_')
            *name++ = *field_name;
        else if (field_name[1] != '\0')
            *name++ = (char)(*++field_name - 'a' + 'A');
    }
    *name = '\0';
}

static void sort_names(struct shape *shape)
{
    for (unsigned i = 0; i < shape->count; i++) {
        unsigned at = i;
        for (; at > 0 &&
               strcmp(shape->members[shape->by_name[at - 1]].name, shape->members[i].name) > 0;
             at--)
            shape->by_name[at] = shape->by_name[at - 1];
        shape->by_name[at] = i;
    }
}

static void free_shape(struct shape *shape)
{
    if (shape == NULL)
        return;
    for (unsigned i = 0; i < shape->count; i++)
        free_shape(shape->members[i].shape);
    free(shape->members);
    free(shape->by_name);
    free(shape);
}

static bool is_map_entry(const ProtobufCMessageDescriptor *descriptor)
{
    return descriptor->n_fields == 2 && strcmp(descriptor->fields[0].name, "key") == 0 &&
           strcmp(descriptor->fields[1].name, "value") == 0 &&
           descriptor->fields[1].type == PROTOBUF_C_TYPE_MESSAGE;
}

static struct shape *make_shape(const ProtobufCMessageDescriptor *descriptor)
{
    struct shape *const shape = calloc(1, sizeof *shape);

    if (shape == NULL)
        return NULL;
    shape->descriptor = descriptor;
    shape->members = calloc(descriptor->n_fields, sizeof *shape->members);
    shape->by_name = calloc(descriptor->n_fields, sizeof *shape->by_name);
    for (unsigned i = 0; i < descriptor->n_fields && shape->members && shape->by_name; i++) {
        const ProtobufCFieldDescriptor *const field = &descriptor->fields[i];
        if (field->id == ADDITIONAL) {
            shape->additional = field->offset;
            continue;
        }
        struct member *const member = &shape->members[shape->count++];
        camel_case(field->name, member->name);
        member->field = field;
        if (field->type == PROTOBUF_C_TYPE_MESSAGE &&
            field->descriptor != &google__protobuf__timestamp__descriptor) {
            member->map = is_map_entry(field->descriptor);
            member->shape = make_shape(field->descriptor);
        }
    }
    if (shape->members != NULL && shape->by_name != NULL)
        sort_names(shape);
    return shape;
}

bool peer_cjson_start(void)
{
    session_shape = make_shape(&journey__v1__session__descriptor);
    return session_shape != NULL;
}

void peer_cjson_end(void)
{
    free_shape(session_shape);
}

/* *next: where the member is expected; moved on. */
static const struct member *find(const struct shape *shape, const char *name, unsigned *next)
{
    if (*next < shape->count && strcmp(shape->members[*next].name, name) == 0)
        return &shape->members[(*next)++];

    unsigned low = 0, high = shape->count;
    while (low < high) {
        const unsigned middle = (low + high) / 2, index = shape->by_name[middle];
        const int order = strcmp(shape->members[index].name, name);
        if (order == 0) {
            *next = index + 1;
            return &shape->members[index];
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ------------------------------------------------------------------ JSON to struct */

static ProtobufCMessage *fill_message(const struct shape *shape, const cJSON *object);

static ProtobufCMessage *new_message(const ProtobufCMessageDescriptor *descriptor)
{
    ProtobufCMessage *const message = malloc(descriptor->sizeof_message);

    if (message != NULL)
        protobuf_c_message_init(descriptor, message);
    return message;
}

static char *copy_string(const char *text)
{
    const size_t len = strlen(text) + 1;
    char *const copy = malloc(len);

    return copy != NULL ? memcpy(copy, text, len) : NULL;
}

/* A string or message; NULL: it is none, or memory is short. */
static void *new_value(const struct member *member, const cJSON *json)
{
    if (member->field->type == PROTOBUF_C_TYPE_STRING)
        return cJSON_IsString(json) ? copy_string(json->valuestring) : NULL;
    if (member->shape != NULL)
        return cJSON_IsObject(json) ? (void *)fill_message(member->shape, json) : NULL;

    Google__Protobuf__Timestamp *const time = (void *)new_message(member->field->descriptor);
    if (time != NULL && (!cJSON_IsString(json) ||
                         !peer_parse_date(json->valuestring, &time->seconds, &time->nanos))) {
        free(time);
        return NULL;
    }
    return time;
}

static bool fill_scalar(const struct member *member, const cJSON *json, char *base)
{
    protobuf_c_boolean *const has = (void *)(base + member->field->quantifier_offset);
    char *const place = base + member->field->offset;

    if (*has) /* twice */
        return false;
    *has = true;
    switch (member->field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)(void *)place = cJSON_IsTrue(json);
        return cJSON_IsBool(json);
    case PROTOBUF_C_TYPE_INT32:
        if (!cJSON_IsNumber(json) || json->valuedouble != floor(json->valuedouble) ||
            fabs(json->valuedouble) > INT32_MAX)
            return false;
        *(int32_t *)(void *)place = json->valueint;
        return true;
    case PROTOBUF_C_TYPE_DOUBLE:
        *(double *)(void *)place = json->valuedouble;
        return cJSON_IsNumber(json);
    default:
        return false;
    }
}

static int compare_entries(const void *a, const void *b)
{
    const Journey__V1__Session__AttributesEntry *const *const left = a, *const *const right = b;

    return strcmp((*left)->key, (*right)->key);
}

static ProtobufCMessage *new_entry(const struct member *member, const cJSON *json)
{
    /* Entries of every map begin alike. */
    Journey__V1__Session__AttributesEntry *const entry =
        (void *)new_message(member->field->descriptor);

    if (entry == NULL)
        return NULL;
    entry->key = copy_string(json->string);
    entry->value = new_value(&member->shape->members[1], json);
    if (entry->key == NULL || entry->value == NULL) {
        protobuf_c_message_free_unpacked(&entry->base, NULL);
        return NULL;
    }
    return &entry->base;
}

static bool sort_entries(void **entries, size_t count)
{
    bool sorted = true;

    for (size_t i = 1; i < count && sorted; i++)
        sorted = compare_entries(&entries[i - 1], &entries[i]) < 0;
    if (!sorted)
        qsort(entries, count, sizeof *entries, compare_entries);
    for (size_t i = 1; i < count && !sorted; i++)
        if (compare_entries(&entries[i - 1], &entries[i]) == 0)
            return false;
    return true;
}

/* An array or a map. */
static bool fill_repeated(const struct member *member, const cJSON *json, char *base)
{
    size_t *const count = (void *)(base + member->field->quantifier_offset);
    void **const place = (void *)(base + member->field->offset);
    size_t wanted = 0;

    if (*count > 0 || !(member->map ? cJSON_IsObject(json) : cJSON_IsArray(json)))
        return false;
    for (const cJSON *child = json->child; child != NULL; child = child->next)
        wanted++;
    if (wanted == 0)
        return true;

    void **const values = malloc(wanted * sizeof *values);
    *place = values;
    if (values == NULL)
        return false;
    for (const cJSON *child = json->child; child != NULL; child = child->next) {
        void *const value = member->map ? (void *)new_entry(member, child) //
                                        : new_value(member, child);
        if (value == NULL)
            return false;
        values[(*count)++] = value;
    }
    return !member->map || sort_entries(values, *count);
}

static bool fill_member(const struct member *member, const cJSON *json, char *base)
{
    if (cJSON_IsNull(json))
        return true;
    if (member->field->label == PROTOBUF_C_LABEL_REPEATED)
        return fill_repeated(member, json, base);
    if (member->field->type != PROTOBUF_C_TYPE_STRING &&
        member->field->type != PROTOBUF_C_TYPE_MESSAGE)
        return fill_scalar(member, json, base);

    void **const place = (void *)(base + member->field->offset);
    if (*place != NULL)
        return false;
    *place = new_value(member, json);
    return *place != NULL;
}

/* Members that the schema does not define. */
struct unknown {
    cJSON **members;
    size_t count, capacity;
};

static bool add_unknown(struct unknown *unknown, cJSON *member)
{
    if (unknown->count == unknown->capacity) {
        const size_t capacity = unknown->capacity * 2 + 4;
        cJSON **const larger = realloc(unknown->members, capacity * sizeof *larger);
        if (larger == NULL)
            return false;
        unknown->members = larger;
        unknown->capacity = capacity;
    }
    unknown->members[unknown->count++] = member;
    return true;
}

static int compare_names(const void *a, const void *b)
{
    const cJSON *const *const left = a, *const *const right = b;

    return strcmp((*left)->string, (*right)->string);
}

/* The text of an object of them, in ascending order of their names. NULL: memory is short. */
static char *print_unknown(const struct unknown *unknown)
{
    cJSON *const object = cJSON_CreateObject();
    bool whole = object != NULL;

    qsort(unknown->members, unknown->count, sizeof *unknown->members, compare_names);
    for (size_t i = 0; i < unknown->count && whole; i++)
        whole = cJSON_AddItemReferenceToObject(object, unknown->members[i]->string,
                                               unknown->members[i]);
    char *const text = whole ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    return text;
}

static ProtobufCMessage *fill_message(const struct shape *shape, const cJSON *object)
{
    ProtobufCMessage *const message = new_message(shape->descriptor);
    struct unknown unknown = { 0 };
    unsigned next = 0;
    bool filled = message != NULL;

    for (cJSON *json = object->child; json != NULL && filled; json = json->next) {
        const struct member *const member = find(shape, json->string, &next);
        if (member != NULL)
            filled = fill_member(member, json, (char *)message);
        else
            filled = add_unknown(&unknown, json);
    }
    if (unknown.count > 0 && filled) {
        char **const place = (void *)((char *)message + shape->additional);
        *place = print_unknown(&unknown);
        filled = *place != NULL;
    }
    free(unknown.members);
    if (!filled && message != NULL) {
        protobuf_c_message_free_unpacked(message, NULL);
        return NULL;
    }
    return message;
}

void *peer_cjson_to_session(const char *json, size_t len)
{
    cJSON *const tree = cJSON_ParseWithLength(json, len);
    ProtobufCMessage *const message =
        cJSON_IsObject(tree) ? fill_message(session_shape, tree) : NULL;

    cJSON_Delete(tree);
    return message;
}

void peer_cjson_free_session(void *session)
{
    journey__v1__session__free_unpacked(session, NULL);
}

bool peer_cjson_to_pb(const char *json, size_t len, struct peer_bytes *pb)
{
    void *const session = peer_cjson_to_session(json, len);
    const bool packed = session != NULL && peer_protobufc_pack(session, pb);

    if (session != NULL)
        peer_cjson_free_session(session);
    return packed;
}

/* ------------------------------------------------------------------ struct to JSON */

static cJSON *print_message(const struct shape *shape, const ProtobufCMessage *message);

static cJSON *print_value(const struct member *member, const void *value)
{
    char text[32];

    if (member->field->type == PROTOBUF_C_TYPE_STRING)
        return cJSON_CreateString(value);
    if (member->shape != NULL)
        return print_message(member->shape, value);
    const Google__Protobuf__Timestamp *const time = value;
    peer_print_date(time->seconds, time->nanos, text);
    return cJSON_CreateString(text);
}

static cJSON *print_repeated(const struct member *member, void *const *values, size_t count)
{
    cJSON *const json = member->map ? cJSON_CreateObject() : cJSON_CreateArray();

    for (size_t i = 0; i < count; i++) {
        if (member->map) {
            const Journey__V1__Session__AttributesEntry *const entry = values[i];
            cJSON_AddItemToObjectCS(json, entry->key,
                                    print_value(&member->shape->members[1], entry->value));
        } else {
            cJSON_AddItemToArray(json, print_value(member, values[i]));
        }
    }
    return json;
}

/* NULL: the member is absent. */
static cJSON *print_member(const struct member *member, const char *base)
{
    const ProtobufCFieldDescriptor *const field = member->field;
    const char *const place = base + field->offset, *const quantifier =
                                                        base + field->quantifier_offset;

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        const size_t count = *(const size_t *)(const void *)quantifier;
        return count == 0
                   ? NULL
                   : print_repeated(member, *(void *const *const *)(const void *)place, count);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) {
        const void *const value = *(void *const *)(const void *)place;
        return value == NULL ? NULL : print_value(member, value);
    }
    if (!*(const protobuf_c_boolean *)(const void *)quantifier)
        return NULL;
    if (field->type == PROTOBUF_C_TYPE_BOOL)
        return cJSON_CreateBool(*(const protobuf_c_boolean *)(const void *)place);
    if (field->type == PROTOBUF_C_TYPE_INT32)
        return cJSON_CreateNumber(*(const int32_t *)(const void *)place);
    return cJSON_CreateNumber(*(const double *)(const void *)place);
}

static void print_additional(cJSON *object, const char *text)
{
    cJSON *const additional = cJSON_Parse(text);

    while (additional != NULL && additional->child != NULL)
        cJSON_AddItemToArray(object, cJSON_DetachItemViaPointer(additional, additional->child));
    cJSON_Delete(additional);
}

static cJSON *print_message(const struct shape *shape, const ProtobufCMessage *message)
{
    const char *const base = (const char *)message;
    cJSON *const object = cJSON_CreateObject();

    for (unsigned i = 0; i < shape->count; i++) {
        cJSON *const json = print_member(&shape->members[i], base);
        if (json != NULL)
            cJSON_AddItemToObjectCS(object, shape->members[i].name, json);
    }
    if (shape->additional != 0) {
        const char *const text = *(char *const *)(const void *)(base + shape->additional);
        if (text != NULL)
            print_additional(object, text);
    }
    return object;
}

char *peer_cjson_to_json(const uint8_t *pb, size_t len)
{
    Journey__V1__Session *const session = journey__v1__session__unpack(NULL, len, pb);

    if (session == NULL)
        return NULL;
    cJSON *const tree = print_message(session_shape, &session->base);
    char *const text = tree != NULL ? cJSON_PrintUnformatted(tree) : NULL;

    cJSON_Delete(tree);
    peer_cjson_free_session(session);
    return text;
}
