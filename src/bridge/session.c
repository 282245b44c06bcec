/*
 * The struct door. A session's struct and all its parts are cut from an arena whose first chunk
 * begins just before the struct, so that one call releases it. The bytes it is filled from have
 * passed every check of the text door and are in canonical order; what is left to check is what a C
 * string cannot hold, and the budget. Structs that come in are packed by protobuf-c, which is all
 * that this file asks of it, and go through the same checks.
 */
#include <sessionpb/session.h>

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bridge/converter.h"
#include "wire/locate.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum { CHUNK_MIN = 4096 };

/* ------------------------------------------------------------------ the arena */

struct chunk {
    struct chunk *next; /* of the first chunk: all others */
    alignas(max_align_t) uint8_t memory[];
};

struct arena {
    struct chunk *first;
    uint8_t *at;
    size_t left;
    size_t memory_left; /* of limits.memory_max */
    size_t items_left;  /* of limits.items_max */
};

static void free_chunks(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *const next = chunk->next;
        free(chunk);
        chunk = next;
    }
}

static enum spb_status add_chunk(struct arena *arena, size_t len)
{
    if (len > arena->memory_left)
        return SPB_OVER_BUDGET;
    struct chunk *const chunk = malloc(sizeof *chunk + len);
    if (chunk == NULL)
        return SPB_NO_MEMORY;
    arena->memory_left -= len;
    chunk->next = NULL;
    if (arena->first == NULL) {
        arena->first = chunk;
    } else {
        chunk->next = arena->first->next;
        arena->first->next = chunk;
    }
    arena->at = chunk->memory;
    arena->left = len;
    return SPB_OK;
}

/* Aligned for anything. NULL: *status tells why. */
static void *take(struct arena *arena, size_t len, enum spb_status *status)
{
    const size_t step = alignof(max_align_t);
    const size_t rounded = (len + step - 1) / step * step;

    if (rounded > arena->left) {
        const size_t wish = rounded > CHUNK_MIN ? rounded : CHUNK_MIN;
        *status = add_chunk(arena, wish <= arena->memory_left ? wish : rounded);
        if (*status != SPB_OK)
            return NULL;
    }
    void *const memory = arena->at;
    arena->at += rounded;
    arena->left -= rounded;
    return memory;
}

/* ------------------------------------------------------------------ filling */

struct fill {
    struct spb_wire_reader reader;
    struct arena arena;
    const struct spb_limits *limits;
};

typedef bool fill_value(struct fill *f, const struct spb_row *row, void *member,
                        const struct spb_wire_field *field);

static bool fill_message(struct fill *f, const struct spb_table *table, ProtobufCMessage *message,
                         const uint8_t *at, const uint8_t *end);

static bool fail_over(struct fill *f, enum spb_status status, const uint8_t *at)
{
    if (status == SPB_NO_MEMORY)
        spb_wire_fail(&f->reader, status, at, "out of memory");
    else
        spb_wire_fail(&f->reader, status, at,
                      "the struct is above its limits of %zu bytes and %zu items",
                      f->limits->memory_max, f->limits->items_max);
    return false;
}

/* Memory for one item, or for an array of pointers (then it is no item). */
static void *take_for(struct fill *f, size_t len, bool item, const uint8_t *at)
{
    enum spb_status status = SPB_OVER_BUDGET;
    void *memory = NULL;

    if (!item || f->arena.items_left > 0)
        memory = take(&f->arena, len, &status);
    if (memory == NULL)
        fail_over(f, status, at);
    f->arena.items_left -= item && memory != NULL;
    return memory;
}

static bool fill_string(struct fill *f, const struct spb_row *row, void *member,
                        const struct spb_wire_field *field)
{
    const uint8_t *const nul = memchr(field->value, '\0', field->len);

    (void)row;
    if (nul != NULL) {
        spb_wire_fail(&f->reader, SPB_NOT_REPRESENTABLE, nul,
                      "a C string cannot hold the NUL in this string");
        return false;
    }
    char *const text = take_for(f, field->len + 1, true, field->value);
    if (text == NULL)
        return false;
    memcpy(text, field->value, field->len);
    text[field->len] = '\0';
    *(char **)member = text;
    return true;
}

static bool fill_int32(struct fill *f, const struct spb_row *row, void *member,
                       const struct spb_wire_field *field)
{
    (void)f, (void)row;
    *(int32_t *)member = (int32_t)field->varint;
    return true;
}

static bool fill_double(struct fill *f, const struct spb_row *row, void *member,
                        const struct spb_wire_field *field)
{
    const uint64_t bits = spb_wire_get_fixed64(field->value);

    (void)f, (void)row;
    memcpy(member, &bits, sizeof bits);
    return true;
}

static bool fill_bool(struct fill *f, const struct spb_row *row, void *member,
                      const struct spb_wire_field *field)
{
    (void)f, (void)row;
    *(protobuf_c_boolean *)member = field->varint != 0;
    return true;
}

static bool fill_time(struct fill *f, const struct spb_row *row, void *member,
                      const struct spb_wire_field *field)
{
    Google__Protobuf__Timestamp *const time = take_for(f, sizeof *time, true, field->value);
    bool unknown;

    (void)row;
    if (time == NULL)
        return false;
    google__protobuf__timestamp__init(time);
    *(Google__Protobuf__Timestamp **)member = time;
    return spb_wire_timestamp(&f->reader, field->value, field->value + field->len, &time->seconds,
                              &time->nanos, &unknown);
}

static bool fill_nested(struct fill *f, const struct spb_row *row, void *member,
                        const struct spb_wire_field *field)
{
    ProtobufCMessage *const message = take_for(f, row->table->struct_size, true, field->value);

    if (message == NULL)
        return false;
    *(ProtobufCMessage **)member = message;
    return fill_message(f, row->table, message, field->value, field->value + field->len);
}

static fill_value *const fillers[SPB_KIND_COUNT] = {
    [SPB_KIND_STRING] = fill_string,  [SPB_KIND_INT32] = fill_int32,
    [SPB_KIND_DOUBLE] = fill_double,  [SPB_KIND_BOOL] = fill_bool,
    [SPB_KIND_TIMESTAMP] = fill_time, [SPB_KIND_MESSAGE] = fill_nested,
    [SPB_KIND_MAP] = fill_nested,
};

/* ------------------------------------------------------------------ fields */

static void *member_at(ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *)message + offset;
}

/* Fields of this number and type from `at` on, which stand together. */
static size_t count_fields(struct fill *f, const uint8_t *at, const uint8_t *end,
                           const struct spb_wire_field *like)
{
    struct spb_wire_field field = *like;
    size_t count = 0;

    for (; at < end && at != NULL; count++) {
        at = spb_wire_field(&f->reader, at, end, &field);
        if (at == NULL || field.number != like->number || field.type != like->type)
            break;
    }
    return count;
}

/* Puts an element behind those that came before; the first brings the array. */
static bool fill_element(struct fill *f, const struct spb_row *row, ProtobufCMessage *message,
                         const struct spb_wire_field *field, const uint8_t *behind,
                         const uint8_t *end)
{
    size_t *const count = member_at(message, row->quantifier_offset);
    void ***const array = member_at(message, row->offset);

    if (*count == 0) {
        const size_t len = (1 + count_fields(f, behind, end, field)) * sizeof(void *);
        *array = take_for(f, len, false, field->value);
        if (*array == NULL)
            return false;
    }
    return fillers[row->kind](f, row, &(*array)[(*count)++], field);
}

static bool fill_row(struct fill *f, const struct spb_row *row, ProtobufCMessage *message,
                     const struct spb_wire_field *field, const uint8_t *behind, const uint8_t *end)
{
    const bool pointer = row->kind == SPB_KIND_STRING || row->kind == SPB_KIND_TIMESTAMP ||
                         row->kind == SPB_KIND_MESSAGE;

    if (row->repeated || row->kind == SPB_KIND_MAP)
        return fill_element(f, row, message, field, behind, end);
    if (!pointer)
        *(protobuf_c_boolean *)member_at(message, row->quantifier_offset) = 1;
    return fillers[row->kind](f, row, member_at(message, row->offset), field);
}

/* Fields without a row: at least as many as are unknown, for additional_properties has none. */
static size_t count_unknown(struct fill *f, const struct spb_table *table, const uint8_t *at,
                            const uint8_t *end)
{
    struct spb_wire_field field;
    size_t count = 0;

    while (at < end) {
        at = spb_wire_field(&f->reader, at, end, &field);
        count += spb_table_find_field(table, field.number, field.type) == NULL;
    }
    return count;
}

/* protobuf-c keeps an unknown field as its bytes behind the tag. */
static bool fill_unknown(struct fill *f, const struct spb_table *table, ProtobufCMessage *message,
                         const struct spb_wire_field *field, const uint8_t *begin,
                         const uint8_t *behind, const uint8_t *end)
{
    struct spb_wire_field tag;
    const uint8_t *const value = spb_wire_tag(&f->reader, begin, end, &tag);

    if (message->unknown_fields == NULL) {
        const size_t count = count_unknown(f, table, begin, end);
        message->unknown_fields =
            take_for(f, count * sizeof *message->unknown_fields, false, begin);
    }
    uint8_t *const data = take_for(f, (size_t)(behind - value), true, begin);
    if (message->unknown_fields == NULL || data == NULL)
        return false;
    memcpy(data, value, (size_t)(behind - value));
    message->unknown_fields[message->n_unknown_fields++] =
        (ProtobufCMessageUnknownField){ .tag = field->number,
                                        .wire_type = (ProtobufCWireType)field->type,
                                        .len = (size_t)(behind - value),
                                        .data = data };
    return true;
}

static bool fill_message(struct fill *f, const struct spb_table *table, ProtobufCMessage *message,
                         const uint8_t *at, const uint8_t *end)
{
    bool fine = true;

    memset(message, 0, table->struct_size);
    message->descriptor = table->descriptor;
    while (fine && at < end) {
        struct spb_wire_field field;
        const uint8_t *const behind = spb_wire_field(&f->reader, at, end, &field);
        if (behind == NULL)
            return false;
        const struct spb_row *row = spb_table_find_field(table, field.number, field.type);
        if (row != NULL)
            fine = fill_row(f, row, message, &field, behind, end);
        else if (field.number == SPB_ADDITIONAL_NUMBER && field.type == SPB_WIRE_LEN)
            fine = fill_string(f, NULL, member_at(message, table->additional_offset), &field);
        else
            fine = fill_unknown(f, table, message, &field, at, behind, end);
        at = behind;
    }
    return fine;
}

/* ------------------------------------------------------------------ the door */

/* Fills a struct from canonical bytes. */
static enum spb_status fill_session(spb_converter *converter, const struct spb_bytes *pb,
                                    Journey__V1__Session **session_out, struct spb_error *error)
{
    const struct spb_limits *const limits = &converter->options.limits;
    const struct spb_table *const table = converter->schema->session;
    struct fill f = { .reader = { .begin = pb->data, .depth_max = limits->depth_max },
                      .arena = { .memory_left = limits->memory_max,
                                 .items_left = limits->items_max },
                      .limits = limits };
    /* The struct comes first: spb_session_free() looks for the chunk before it. */
    ProtobufCMessage *const session = take_for(&f, table->struct_size, true, pb->data);

    if (session != NULL && fill_message(&f, table, session, pb->data, pb->data + pb->len)) {
        *session_out = (Journey__V1__Session *)session;
        return SPB_OK;
    }
    free_chunks(f.arena.first);
    if (error != NULL) {
        *error = f.reader.error;
        spb_wire_locate(table, pb->data, pb->len, error);
    }
    return f.reader.error.status;
}

/* See sessionpb/session.h. */
enum spb_status spb_json_to_session(spb_converter *converter, const char *json, size_t len,
                                    Journey__V1__Session **session_out, struct spb_error *error)
{
    struct spb_bytes *const pb = &converter->pb;

    pb->len = 0;
    const enum spb_status status = spb_json_to_pb(converter, json, len, pb, error);
    if (status != SPB_OK)
        return status;
    if (!spb_bytes_pad(pb))
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    return fill_session(converter, pb, session_out, error);
}

/* See sessionpb/session.h. */
enum spb_status spb_pb_to_session(spb_converter *converter, const void *pb, size_t len,
                                  Journey__V1__Session **session_out, struct spb_error *error)
{
    const struct spb_bytes *canonical;
    const enum spb_status status = spb_canonical(converter, pb, len, &canonical, error);

    return status == SPB_OK ? fill_session(converter, canonical, session_out, error) : status;
}

/* Packs a struct into converter->text. */
static enum spb_status pack(spb_converter *converter, const Journey__V1__Session *session,
                            struct spb_error *error)
{
    struct spb_bytes *const packed = &converter->text;
    const size_t len = journey__v1__session__get_packed_size(session);

    packed->len = 0;
    if (spb_bytes_reserve(packed, len + SPB_PADDING) != SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    packed->len = journey__v1__session__pack(session, packed->data);
    return SPB_OK;
}

/* See sessionpb/session.h. */
enum spb_status spb_session_to_json(spb_converter *converter, const Journey__V1__Session *session,
                                    struct spb_bytes *json, struct spb_error *error)
{
    const enum spb_status status = pack(converter, session, error);

    if (status != SPB_OK)
        return status;
    return spb_pb_to_json(converter, converter->text.data, converter->text.len, json, error);
}

/* See sessionpb/session.h. */
enum spb_status spb_session_to_pb(spb_converter *converter, const Journey__V1__Session *session,
                                  struct spb_bytes *pb, struct spb_error *error)
{
    const struct spb_bytes *canonical;
    enum spb_status status = pack(converter, session, error);

    if (status == SPB_OK)
        status =
            spb_canonical(converter, converter->text.data, converter->text.len, &canonical, error);
    if (status == SPB_OK && spb_bytes_append(pb, canonical->data, canonical->len) != SPB_OK)
        status = spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    return status;
}

/* See sessionpb/session.h. */
void spb_session_free(Journey__V1__Session *session)
{
    if (session != NULL)
        free_chunks((struct chunk *)((uint8_t *)session - offsetof(struct chunk, memory)));
}
