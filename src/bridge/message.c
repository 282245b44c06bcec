/*
 * Writing messages. The fast path is a message whose members came in order and are all defined:
 * closing it is one look at the set of required rows.
 */
#include "bridge/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"

/* Returns false, for a caller's `return`. */
static bool fail(struct spb_fault *fault, enum spb_status status, size_t source, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

static bool fail(struct spb_fault *fault, enum spb_status status, size_t source, const char *format,
                 ...)
{
    va_list arguments;

    fault->status = status;
    fault->source = source;
    fault->name = NULL;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof fault->reason, format, arguments);
    va_end(arguments);
    return false;
}

static bool fail_memory(struct spb_fault *fault)
{
    return fail(fault, SPB_NO_MEMORY, SIZE_MAX, "out of memory");
}

/* `second`: of two members or entries with the same key. */
static bool fail_repeat(struct spb_fault *fault, const struct spb_span *second, const uint8_t *base,
                        const char *reason)
{
    fail(fault, SPB_DUPLICATE_MEMBER, second->number, "%s", reason);
    fault->name = (const char *)base + second->key_offset;
    fault->name_len = second->key_len;
    return false;
}

/* ------------------------------------------------------------------ closing */

/* The field additional_properties: an object's text. */
static bool write_additional(struct spb_pb_writer *writer, const struct spb_message *message,
                             size_t left)
{
    static const uint8_t tag[] = { (SPB_ADDITIONAL_NUMBER << 3 | SPB_WIRE_LEN) % 0x80 | 0x80,
                                   (SPB_ADDITIONAL_NUMBER << 3 | SPB_WIRE_LEN) / 0x80 };
    const struct spb_additional *stack = &writer->converter->additional;
    struct spb_out *out = &writer->out;
    const size_t members_len = spb_additional_len(stack, &message->mark);
    const size_t len = 2 + members_len;

    if (members_len == 0)
        return true;
    if (!spb_out_room(out, sizeof tag + SPB_VARINT_MAX + len + left + SPB_MEMBER_ROOM))
        return false;
    memcpy(out->at, tag, sizeof tag);
    out->at = spb_wire_put_varint(out->at + sizeof tag, len);
    *out->at++ = '{';
    out->at = spb_additional_put(stack, &message->mark, out->at);
    *out->at++ = '}';
    return true;
}

static bool close_additional(struct spb_pb_writer *writer, const struct spb_message *message,
                             size_t left, struct spb_fault *fault)
{
    struct spb_additional *stack = &writer->converter->additional;
    const struct spb_span *repeat = spb_additional_sort(stack, &message->mark);

    if (repeat != NULL)
        return fail_repeat(fault, repeat, stack->text.data,
                           "the member occurs twice in one object");
    if (!write_additional(writer, message, left))
        return fail_memory(fault);
    spb_additional_drop(stack, &message->mark);
    return true;
}

static bool check_required(const struct spb_message *message, struct spb_fault *fault)
{
    const struct spb_row *row = spb_table_missing(message->table, message->seen & ~message->absent);

    if (row == NULL)
        return true;
    return fail(fault, SPB_MISSING_MEMBER, SIZE_MAX, "the required member \"%.*s\" is missing",
                (int)spb_row_name_len(row), spb_row_name(row));
}

bool spb_message_close(struct spb_pb_writer *writer, struct spb_message *message, size_t left,
                       struct spb_fault *fault)
{
    spb_converter *const converter = writer->converter;

    if (spb_additional_any(&converter->additional, &message->mark) &&
        !close_additional(writer, message, left, fault))
        return false;
    if (!converter->options.lenient && !check_required(message, fault))
        return false;
    if (message->unordered &&
        (!spb_out_room(&writer->out, left + SPB_MEMBER_ROOM) ||
         spb_wire_sort_fields(&converter->normaliser, message->table,
                              writer->out.bytes->data + message->start,
                              spb_out_offset(&writer->out) - message->start) != SPB_OK))
        return fail_memory(fault);
    return true;
}

/* ------------------------------------------------------------------ "$unknownFields" */

/*
 * Writes the fields over themselves with their shortest tags. What travelled as unknown may be
 * anything but a field that the schema knows by now. False: *fault tells why.
 */
static bool take_fields(struct spb_pb_writer *writer, const struct spb_table *table, size_t len,
                        struct spb_fault *fault)
{
    const uint8_t *at = writer->out.at;
    const uint8_t *const end = at + len;
    struct spb_wire_reader reader = { .begin = at,
                                      .depth_max = writer->converter->options.limits.depth_max };
    struct spb_wire_field field;

    while (at < end) {
        at = spb_wire_field(&reader, at, end, &field);
        if (at == NULL)
            return fail(fault, reader.error.status == SPB_TOO_DEEP ? SPB_TOO_DEEP : SPB_BAD_WIRE,
                        SIZE_MAX, "\"" SPB_UNKNOWN_FIELDS "\" does not hold protobuf fields");
        if (spb_table_find_field(table, field.number, field.type) != NULL ||
            (field.number == SPB_ADDITIONAL_NUMBER && field.type == SPB_WIRE_LEN))
            return fail(fault, SPB_DUPLICATE_MEMBER, SIZE_MAX,
                        "\"" SPB_UNKNOWN_FIELDS "\" holds a field that the schema defines");
        writer->out.at = spb_wire_put_field(writer->out.at, &field);
    }
    return true;
}

bool spb_message_unknown_fields(struct spb_pb_writer *writer, struct spb_message *message,
                                const char *text, size_t len, struct spb_fault *fault)
{
    size_t data_len;

    if (!spb_base64_decode(text, len, writer->out.at, &data_len))
        return fail(fault, SPB_BAD_WIRE, SIZE_MAX,
                    "\"" SPB_UNKNOWN_FIELDS "\" is not base64 (RFC 4648, padded)");
    memset(writer->out.at + data_len, 0, SPB_PADDING);
    message->unordered = message->unordered || data_len > 0;
    return take_fields(writer, message->table, data_len, fault);
}

/* ------------------------------------------------------------------ lengths */

/* The guess was wrong, or the length takes more than two bytes. */
uint8_t *spb_length_move(spb_converter *converter, const struct spb_row *row, uint8_t *place,
                         const uint8_t *end)
{
    uint8_t *const guess = &converter->length_lens[row->id];
    const size_t len = (size_t)(end - place) - *guess;
    const unsigned varint_len = spb_wire_varint_len(len);

    if (varint_len != *guess)
        memmove(place + varint_len, place + *guess, len);
    *guess = (uint8_t)varint_len;
    return spb_wire_put_varint(place, len) + len;
}

/* ------------------------------------------------------------------ maps */

void spb_map_open(const struct spb_pb_writer *writer, const struct spb_row *row,
                  struct spb_map *map)
{
    *map = (struct spb_map){ .row = row,
                             .start = spb_out_offset(&writer->out),
                             .first = writer->converter->entries.count };
}

/* The key of an entry: it is the first field, and what was written here needs no checks. */
static const uint8_t *find_key(const struct spb_row *row, const uint8_t *entry, size_t *len_out)
{
    const uint8_t *at = entry + row->tag_len;
    size_t len = 0;

    while (*at++ >= 0x80)
        ;
    at += row->table->rows[SPB_ENTRY_KEY - 1].tag_len;
    for (unsigned shift = 0;; shift += 7) {
        len |= (size_t)(*at & 0x7f) << shift;
        if (*at++ < 0x80)
            break;
    }
    *len_out = len;
    return at;
}

bool spb_map_entry(struct spb_pb_writer *writer, struct spb_map *map, size_t offset, size_t source)
{
    struct spb_spans *const entries = &writer->converter->entries;
    const uint8_t *const base = writer->out.bytes->data;
    size_t key_len;
    const uint8_t *const key = find_key(map->row, base + offset, &key_len);

    if (entries->count > map->first &&
        !spb_key_is_before(base + map->key_offset, map->key_len, key, key_len))
        map->unordered = true;
    map->key_offset = (size_t)(key - base);
    map->key_len = key_len;
    const struct spb_span entry = { .number = source,
                                    .key_offset = map->key_offset,
                                    .key_len = key_len,
                                    .offset = offset,
                                    .len = (size_t)(writer->out.at - base) - offset };
    return spb_spans_push(entries, entry) == SPB_OK;
}

/* Sorts the entries. Returns the second of two that have the same key, or NULL. */
static const struct spb_span *sort_entries(struct spb_spans *entries, size_t first,
                                           const uint8_t *base)
{
    spb_spans_sort_by_key(entries, first, base);
    for (size_t i = first + 1; i < entries->count; i++) {
        const struct spb_span *const last = &entries->items[i - 1];
        const struct spb_span *const next = &entries->items[i];
        if (spb_key_compare(base + last->key_offset, last->key_len, base + next->key_offset,
                            next->key_len) == 0)
            return next;
    }
    return NULL;
}

bool spb_map_close(struct spb_pb_writer *writer, struct spb_map *map, struct spb_fault *fault)
{
    struct spb_spans *const entries = &writer->converter->entries;
    uint8_t *const base = writer->out.bytes->data;

    if (map->unordered) {
        const struct spb_span *repeat = sort_entries(entries, map->first, base);
        if (repeat != NULL)
            return fail_repeat(fault, repeat, base, "the key occurs twice in one map");
        if (spb_wire_rearrange(&writer->converter->normaliser, entries, map->first,
                               base + map->start, map->start) != SPB_OK)
            return fail_memory(fault);
    }
    entries->count = map->first;
    return true;
}
