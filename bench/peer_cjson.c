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

/* ------------------------------------------------------------------ dates */

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const unsigned year_of_era = (unsigned)(year - era * 400);
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* Digits up to `count` of them; false if there are fewer. */
static bool digits(const char **at, unsigned count, unsigned *value)
{
    *value = 0;
    for (; count > 0; count--, ++*at) {
        const unsigned digit = (unsigned)(unsigned char)**at - '0';
        if (digit > 9)
            return false;
        *value = *value * 10 + digit;
    }
    return true;
}

static bool letter(const char **at, char expected)
{
    return *(*at)++ == expected;
}

/* The offset from UTC in seconds; the text ends behind it. */
static bool parse_zone(const char *at, int *offset)
{
    unsigned hour, minute;
    const char sign = *at++;

    *offset = 0;
    if (sign == 'Z' || sign == 'z')
        return *at == '\0';
    if ((sign != '+' && sign != '-') || !digits(&at, 2, &hour) || !letter(&at, ':') ||
        !digits(&at, 2, &minute) || hour > 23 || minute > 59)
        return false;
    *offset = (int)(hour * 3600 + minute * 60) * (sign == '-' ? -1 : 1);
    return *at == '\0';
}

static bool parse_date(const char *at, Google__Protobuf__Timestamp *time)
{
    unsigned year, month, day, hour, minute, second, nanos = 0;
    int offset;

    if (!digits(&at, 4, &year) || !letter(&at, '-') || !digits(&at, 2, &month) ||
        !letter(&at, '-') || !digits(&at, 2, &day) || !letter(&at, 'T') || !digits(&at, 2, &hour) ||
        !letter(&at, ':') || !digits(&at, 2, &minute) || !letter(&at, ':') ||
        !digits(&at, 2, &second) || month - 1 > 11 || day - 1 > 30 || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    if (*at == '.') {
        unsigned scale = 100000000;
        for (at++; *at >= '0' && *at <= '9'; at++, scale /= 10)
            nanos += scale * (unsigned)(*at - '0');
    }
    if (!parse_zone(at, &offset))
        return false;
    time->seconds =
        days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    time->nanos = (int32_t)nanos;
    return true;
}

static char *put_digits(char *at, unsigned count, unsigned value)
{
    for (unsigned i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + count;
}

static char *put_letter(char *at, char c)
{
    *at = c;
    return at + 1;
}

/* Of the years 0001 to 9999; text has room for 32 bytes. */
static void print_date(const Google__Protobuf__Timestamp *time, char *at)
{
    const int64_t shifted = time->seconds + INT64_C(719468) * 86400; /* from 0000-03-01: above 0 */
    const unsigned days = (unsigned)(shifted / 86400), rest = (unsigned)(shifted % 86400);
    const unsigned era = days / 146097, of_era = days % 146097;
    const unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const unsigned day = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const unsigned month = (5 * day + 2) / 153;
    const unsigned nanos = (unsigned)time->nanos;

    at = put_digits(at, 4, era * 400 + year_of_era + (month >= 10));
    at = put_letter(at, '-');
    at = put_digits(at, 2, month < 10 ? month + 3 : month - 9);
    at = put_letter(at, '-');
    at = put_digits(at, 2, day - (153 * month + 2) / 5 + 1);
    at = put_letter(at, 'T');
    at = put_digits(at, 2, rest / 3600);
    at = put_letter(at, ':');
    at = put_digits(at, 2, rest / 60 % 60);
    at = put_letter(at, ':');
    at = put_digits(at, 2, rest % 60);
    at = put_letter(at, '.');
    if (nanos % 1000000 == 0)
        at = put_digits(at, 3, nanos / 1000000);
    else if (nanos % 1000 == 0)
        at = put_digits(at, 6, nanos / 1000);
    else
        at = put_digits(at, 9, nanos);
    at = put_letter(at, 'Z');
    *at = '\0';
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
    if (time != NULL && (!cJSON_IsString(json) || !parse_date(json->valuestring, time))) {
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

/* They stay in the order in which they come. */
static bool add_additional(cJSON **object, cJSON *member)
{
    if (*object == NULL)
        *object = cJSON_CreateObject();
    return *object != NULL && cJSON_AddItemReferenceToObject(*object, member->string, member);
}

static ProtobufCMessage *fill_message(const struct shape *shape, const cJSON *object)
{
    ProtobufCMessage *const message = new_message(shape->descriptor);
    cJSON *additional = NULL;
    unsigned next = 0;
    bool filled = message != NULL;

    for (cJSON *json = object->child; json != NULL && filled; json = json->next) {
        const struct member *const member = find(shape, json->string, &next);
        if (member != NULL)
            filled = fill_member(member, json, (char *)message);
        else
            filled = add_additional(&additional, json);
    }
    if (additional != NULL && filled) {
        char **const place = (void *)((char *)message + shape->additional);
        *place = cJSON_PrintUnformatted(additional);
        filled = *place != NULL;
    }
    cJSON_Delete(additional);
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
    print_date(value, text);
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
