/*
 * The struct door. A session's struct and all its parts are cut from an arena whose first chunk
 * begins just before the struct, so that one call releases it. Structs that come in are packed by protobuf-c, which is all
 * that this file asks of it, and go through the same checks.
 */
#include <sessionpb/session.h>

#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/scan.h"
#include "base/time.h"
#include "base/utf8.h"
#include "bridge/converter.h"
#include "wire/locate.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum {
    CHUNK_MIN = 4096,
    CHUNK_FACTOR = 4 /* of a message's bytes: most sessions fit in a first chunk of so many */
};

/* ------------------------------------------------------------------ the arena */

struct chunk {
    struct chunk *next; /* of the first chunk: all others */
    alignas(max_align_t) uint8_t memory[];
};

struct arena {
    struct chunk *first;
    uint8_t *at;
    size_t left;
    size_t chunk_len;   /* of the next chunk, if the budget has it */
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
    struct chunk *const chunk = malloc(sizeof *chunk + len + SPB_VECTOR); /* copied whole */

    if (chunk == NULL)
        return SPB_NO_MEMORY;
    chunk->next = NULL;
    if (arena->first == NULL) {
        arena->first = chunk;
    } else {
        chunk->next = arena->first->next;
        arena->first->next = chunk;
    }
    arena->at = chunk->memory;
    arena->left = len;
    arena->chunk_len = CHUNK_MIN;
    return SPB_OK;
}

/*
 * Aligned for anything, or (1) for text. The budget pays for what is taken, whatever chunk it comes
 * from. NULL: *status tells why.
 */
static inline void *take(struct arena *arena, size_t len, size_t align, enum spb_status *status)
{
    const size_t cost = len + (align - 1);
    size_t gap = (size_t)(-(uintptr_t)arena->at & (align - 1));

    *status = SPB_OVER_BUDGET;
    if (cost > arena->memory_left)
        return NULL;
    if (gap + len > arena->left) {
        const size_t wish =
            arena->chunk_len < arena->memory_left ? arena->chunk_len : arena->memory_left;
        *status = add_chunk(arena, len > wish ? len : wish);
        if (*status != SPB_OK)
            return NULL;
        gap = 0;
    }
    void *const memory = arena->at + gap;
    arena->at += gap + len;
    arena->left -= gap + len;
    arena->memory_left -= cost;
    return memory;
}

/* ------------------------------------------------------------------ filling */

struct fill {
    struct spb_wire_reader reader;
    struct arena arena;
    const struct spb_limits *limits;
    bool checked; /* the bytes are canonical, and have passed all checks */
    bool lenient;
};

static const uint8_t *fill_message(struct fill *f, const struct spb_table *table,
                                   ProtobufCMessage *message, const uint8_t *at,
                                   const uint8_t *end);

static void *fail_over(struct fill *f, enum spb_status status, const uint8_t *at)
{
    if (status == SPB_NO_MEMORY)
        spb_wire_fail(&f->reader, status, at, "out of memory");
    else
        spb_wire_fail(&f->reader, status, at,
                      "the struct is above its limits of %zu bytes and %zu items",
                      f->limits->memory_max, f->limits->items_max);
    return NULL;
}

/* Bytes that were not checked must be: see spb_pb_to_session(). */
static const uint8_t *give_up(struct fill *f, const uint8_t *at)
{
    return spb_wire_fail(&f->reader, SPB_INTERNAL, at, "the bytes have not been checked");
}

/* Memory for one item. */
static inline void *take_item(struct fill *f, size_t len, size_t align, const uint8_t *at)
{
    enum spb_status status = SPB_OVER_BUDGET;
    void *const memory = f->arena.items_left > 0 ? take(&f->arena, len, align, &status) : NULL;

    if (memory == NULL)
        return fail_over(f, status, at);
    f->arena.items_left--;
    return memory;
}

/* Memory for an array of pointers and the like, which is no item. */
static void *take_array(struct fill *f, size_t len, const uint8_t *at)
{
    enum spb_status status;
    void *const memory = take(&f->arena, len, alignof(max_align_t), &status);

    return memory != NULL ? memory : fail_over(f, status, at);
}

static inline const uint8_t *read_length(struct fill *f, const uint8_t *at, const uint8_t *end,
                                         size_t *len)
{
    if (at < end && *at < 0x80 && *at < end - at) {
        *len = *at;
        return at + 1;
    }
    return spb_wire_length(&f->reader, at, end, len);
}

/* What a short string's first vector shows; a longer one, or one with a doubt, is looked at again. */
static bool is_fit(struct fill *f, const uint8_t *text, size_t len)
{
    const uint8_t *const nul = memchr(text, '\0', len);

    if (nul != NULL)
        return spb_wire_fail(&f->reader, SPB_NOT_REPRESENTABLE, nul,
                             "a C string cannot hold the NUL in this string") != NULL;
    return f->checked || spb_utf8_valid_len(text, len) == len || give_up(f, text) != NULL;
}

static inline const uint8_t *fill_string(struct fill *f, char **member, const uint8_t *at,
                                         const uint8_t *end)
{
    struct spb_utf8_watch watch = { 0 };
    size_t len;

    at = read_length(f, at, end, &len);
    if (at == NULL)
        return NULL;
    char *const text = take_item(f, len + 1, 1, at);
    if (text == NULL)
        return NULL;
    const struct spb_scan scan = spb_copy_scan(at, text);
    const unsigned short_len = len < SPB_VECTOR ? (unsigned)len : 0;
    spb_watch_utf8(&watch, at, scan.high, short_len);
    if (len >= SPB_VECTOR || (scan.stop & spb_first_bits(short_len)) != 0 || watch.doubt) {
        if (!is_fit(f, at, len))
            return NULL;
        memcpy(text, at, len);
    }
    text[len] = '\0';
    *member = text;
    return at + len;
}

static const uint8_t *fill_int32(struct fill *f, int32_t *member, const uint8_t *at,
                                 const uint8_t *end)
{
    uint64_t value;

    at = spb_wire_varint(&f->reader, at, end, &value);
    if (at != NULL)
        *member = (int32_t)(uint32_t)value;
    return at;
}

static const uint8_t *fill_double(struct fill *f, double *member, const uint8_t *at,
                                  const uint8_t *end)
{
    if (end - at < 8)
        return give_up(f, at);
    const uint64_t bits = spb_wire_get_fixed64(at);
    memcpy(member, &bits, sizeof bits);
    if (!isfinite(*member) || (*member == 0 && bits != 0))
        return give_up(f, at);
    return at + 8;
}

static const uint8_t *fill_bool(struct fill *f, protobuf_c_boolean *member, const uint8_t *at,
                                const uint8_t *end)
{
    uint64_t value;

    at = spb_wire_varint(&f->reader, at, end, &value);
    if (at != NULL)
        *member = value != 0;
    return at;
}

static const uint8_t *fill_time(struct fill *f, Google__Protobuf__Timestamp **member,
                                const uint8_t *at, const uint8_t *end)
{
    struct spb_time time;
    bool unknown;
    size_t len;

    at = read_length(f, at, end, &len);
    if (at == NULL)
        return NULL;
    *member = take_item(f, sizeof **member, alignof(max_align_t), at);
    if (*member == NULL)
        return NULL;
    google__protobuf__timestamp__init(*member);
    if (!spb_wire_timestamp(&f->reader, at, at + len, &time.seconds, &time.nanos, &unknown))
        return NULL;
    if (unknown || !spb_time_is_valid(time))
        return give_up(f, at);
    (*member)->seconds = time.seconds;
    (*member)->nanos = time.nanos;
    return at + len;
}

static const uint8_t *fill_nested(struct fill *f, const struct spb_row *row,
                                  ProtobufCMessage **member, const uint8_t *at, const uint8_t *end)
{
    size_t len;

    at = read_length(f, at, end, &len);
    if (at == NULL)
        return NULL;
    *member = take_item(f, row->table->struct_size, alignof(max_align_t), at);
    return *member == NULL ? NULL : fill_message(f, row->table, *member, at, at + len);
}

/* ------------------------------------------------------------------ fields */

static void *member_at(ProtobufCMessage *message, size_t offset)
{
    return (uint8_t *)message + offset;
}

/* `at` is behind the tag. */
static const uint8_t *fill_value(struct fill *f, const struct spb_row *row, void *member,
                                 const uint8_t *at, const uint8_t *end)
{
    switch ((enum spb_kind)row->kind) {
    case SPB_KIND_STRING:
        return fill_string(f, member, at, end);
    case SPB_KIND_TIMESTAMP:
        return fill_time(f, member, at, end);
    case SPB_KIND_INT32:
        return fill_int32(f, member, at, end);
    case SPB_KIND_BOOL:
        return fill_bool(f, member, at, end);
    case SPB_KIND_DOUBLE:
        return fill_double(f, member, at, end);
    default:
        return fill_nested(f, row, member, at, end);
    }
}

/* Elements from `at`, behind the first one's tag, that stand together. All have a length. */
static size_t count_elements(const struct spb_row *row, const uint8_t *at, const uint8_t *end)
{
    struct spb_wire_reader reader = { .begin = at };
    size_t count = 0;
    size_t len;

    do {
        count++;
        at = spb_wire_length(&reader, at, end, &len);
        at = at != NULL && spb_row_has_tag(row, at + len, end) ? at + len + row->tag_len : NULL;
    } while (at != NULL);
    return count;
}

/* Whether the keys of the entries of a map ascend, and each has its value. */
static bool is_ascending(const ProtobufCMessage *last, const ProtobufCMessage *next,
                         const struct spb_row *rows)
{
    const size_t key = rows[SPB_ENTRY_KEY - 1].offset;
    const char *const *const last_key =
        last == NULL ? NULL : (const void *)((const uint8_t *)last + key);
    const char *const *const next_key = (const void *)((const uint8_t *)next + key);

    return last_key == NULL || strcmp(*last_key, *next_key) < 0;
}

static const uint8_t *fill_array(struct fill *f, const struct spb_row *row,
                                 ProtobufCMessage *message, const uint8_t *at, const uint8_t *end)
{
    const size_t count = count_elements(row, at, end);
    void **const array = take_array(f, count * sizeof *array, at);

    if (array == NULL)
        return NULL;
    *(size_t *)member_at(message, row->quantifier_offset) = count;
    *(void **)member_at(message, row->offset) = array;
    for (size_t i = 0; i < count; i++) {
        at = fill_value(f, row, &array[i], at, end);
        if (at == NULL)
            return NULL;
        if (row->kind == SPB_KIND_MAP && !f->checked &&
            !is_ascending(i == 0 ? NULL : array[i - 1], array[i], row->table->rows))
            return give_up(f, at);
        at += i + 1 < count ? row->tag_len : 0;
    }
    return at;
}

/* `at` is behind the tag. */
static inline const uint8_t *fill_row(struct fill *f, const struct spb_row *row,
                                      ProtobufCMessage *message, const uint8_t *at,
                                      const uint8_t *end)
{
    if (row->repeated || row->kind == SPB_KIND_MAP)
        return fill_array(f, row, message, at, end);
    if (row->kind == SPB_KIND_INT32 || row->kind == SPB_KIND_BOOL || row->kind == SPB_KIND_DOUBLE)
        *(protobuf_c_boolean *)member_at(message, row->quantifier_offset) = 1;
    return fill_value(f, row, member_at(message, row->offset), at, end);
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
static const uint8_t *fill_unknown(struct fill *f, const struct spb_table *table,
                                   ProtobufCMessage *message, const uint8_t *begin,
                                   const uint8_t *end)
{
    struct spb_wire_field field;
    struct spb_wire_field tag;
    const uint8_t *const value = spb_wire_tag(&f->reader, begin, end, &tag);
    const uint8_t *const behind = spb_wire_field(&f->reader, begin, end, &field);

    if (message->unknown_fields == NULL) {
        const size_t count = count_unknown(f, table, begin, end);
        message->unknown_fields = take_array(f, count * sizeof *message->unknown_fields, begin);
    }
    uint8_t *const data = take_item(f, (size_t)(behind - value), 1, begin);
    if (message->unknown_fields == NULL || data == NULL)
        return NULL;
    memcpy(data, value, (size_t)(behind - value));
    message->unknown_fields[message->n_unknown_fields++] =
        (ProtobufCMessageUnknownField){ .tag = field.number,
                                        .wire_type = (ProtobufCWireType)field.type,
                                        .len = (size_t)(behind - value),
                                        .data = data };
    return behind;
}

/* A field that is none of the next rows. */
static const uint8_t *fill_other(struct fill *f, const struct spb_table *table,
                                 ProtobufCMessage *message, const struct spb_row **next,
                                 const uint8_t *at, const uint8_t *end)
{
    struct spb_wire_field field;
    const uint8_t *const value = spb_wire_tag(&f->reader, at, end, &field);

    if (value == NULL)
        return NULL;
    const struct spb_row *const row = spb_table_find_field(table, field.number, field.type);
    if (row != NULL && row >= *next) {
        *next = row + 1;
        return fill_row(f, row, message, value, end);
    }
    if (!f->checked)
        return give_up(f, at);
    if (field.number == SPB_ADDITIONAL_NUMBER && field.type == SPB_WIRE_LEN)
        return fill_string(f, member_at(message, table->additional_offset), value, end);
    return fill_unknown(f, table, message, at, end);
}

/* Whether all is there that must be. Every member is set or NULL; entries have both of theirs. */
static bool is_complete(const struct fill *f, const struct spb_table *table, spb_row_set seen)
{
    if (table->is_entry)
        return seen == 3;
    return f->lenient || spb_table_missing(table, seen) == NULL;
}

static const uint8_t *fill_message(struct fill *f, const struct spb_table *table,
                                   ProtobufCMessage *message, const uint8_t *at, const uint8_t *end)
{
    const struct spb_row *next = table->rows;
    spb_row_set seen = 0;

    memset(message, 0, table->struct_size);
    message->descriptor = table->descriptor;
    while (at < end) {
        const struct spb_row *const row = spb_table_tag(table, next, at, end);
        if (row != NULL && row >= next) {
            next = row + 1;
            at = fill_row(f, row, message, at + row->tag_len, end);
        } else {
            at = fill_other(f, table, message, &next, at, end);
        }
        if (at == NULL)
            return NULL;
        if (next > table->rows)
            seen |= spb_row_bit(next - 1);
    }
    return f->checked || is_complete(f, table, seen) ? at : give_up(f, end);
}

/* ------------------------------------------------------------------ the door */

/*
 * Fills a struct from padded bytes. Those that are not `checked` must be what they would be made to:
 * canonical, valid, and all of the schema; otherwise SPB_INTERNAL, or what seems to be wrong.
 */
static enum spb_status fill_session(spb_converter *converter, const uint8_t *pb, size_t len,
                                    bool checked, Journey__V1__Session **session_out,
                                    struct spb_error *error)
{
    const struct spb_limits *const limits = &converter->options.limits;
    const struct spb_table *const table = converter->schema->session;
    const size_t chunk_len = CHUNK_FACTOR * len;
    struct fill f = { .reader = { .begin = pb, .depth_max = limits->depth_max },
                      .arena = { .chunk_len = chunk_len > CHUNK_MIN ? chunk_len : CHUNK_MIN,
                                 .memory_left = limits->memory_max,
                                 .items_left = limits->items_max },
                      .limits = limits,
                      .checked = checked,
                      .lenient = converter->options.lenient };
    /* The struct comes first: spb_session_free() looks for the chunk before it. */
    ProtobufCMessage *const session = take_item(&f, table->struct_size, alignof(max_align_t), pb);

    if (session != NULL && fill_message(&f, table, session, pb, pb + len) != NULL) {
        *session_out = (Journey__V1__Session *)session;
        return SPB_OK;
    }
    free_chunks(f.arena.first);
    if (error != NULL) {
        *error = f.reader.error;
        spb_wire_locate(table, pb, len, error);
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
    return fill_session(converter, pb->data, pb->len, true, session_out, error);
}

/*
 * See sessionpb/session.h. Bytes that are canonical and well, which is soon said of most, are taken
 * as they are. All others are put through the text door, which has the last word on them.
 */
enum spb_status spb_pb_to_session(spb_converter *converter, const void *pb, size_t len,
                                  Journey__V1__Session **session_out, struct spb_error *error)
{
    const struct spb_bytes *canonical;

    if (len <= converter->options.limits.document_max) {
        const uint8_t *const bytes = spb_input_padded(converter, pb, len);
        if (bytes != NULL &&
            fill_session(converter, bytes, len, false, session_out, NULL) == SPB_OK)
            return SPB_OK;
    }
    const enum spb_status status = spb_canonical(converter, pb, len, &canonical, error);
    return status == SPB_OK
               ? fill_session(converter, canonical->data, canonical->len, true, session_out, error)
               : status;
}

/* Packs a struct into converter->packed. */
static enum spb_status pack(spb_converter *converter, const Journey__V1__Session *session,
                            struct spb_error *error)
{
    struct spb_bytes *const packed = &converter->packed;
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
    return spb_pb_to_json(converter, converter->packed.data, converter->packed.len, json, error);
}

/* See sessionpb/session.h. */
enum spb_status spb_session_to_pb(spb_converter *converter, const Journey__V1__Session *session,
                                  struct spb_bytes *pb, struct spb_error *error)
{
    const struct spb_bytes *canonical;
    enum spb_status status = pack(converter, session, error);

    if (status == SPB_OK)
        status = spb_canonical(converter, converter->packed.data, converter->packed.len, &canonical,
                               error);
    if (status == SPB_OK && spb_bytes_append(pb, canonical->data, canonical->len) != SPB_OK)
        status = spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    return status;
}

/* See sessionpb/session.h. */
void spb_session_free(Journey__V1__Session *session)
{
    if (session != NULL) /* by way of void *: the bytes before it are aligned, being a chunk's */
        free_chunks((void *)((uint8_t *)session - offsetof(struct chunk, memory)));
}
