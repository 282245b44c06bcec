/*
 * Canonical order. A message is cut into spans of fields, the spans are sorted, and the fields are
 * written in their new order; nested messages go the same way. Depth is the schema's, which does not
 * recurse. Merging relies on protobuf's own rule: concatenated messages are the merged message.
 */
#include "wire/normalise.h"

#include <string.h>

#include "wire/writer.h"

struct normalise {
    struct spb_normaliser *scratch;
    struct spb_wire_reader *reader;
    struct spb_bytes *out;
    size_t spans_max;
    unsigned depth; /* of merged messages inside each other */
};

static bool fail_memory(struct normalise *n)
{
    spb_wire_fail(n->reader, SPB_NO_MEMORY, n->reader->begin, "out of memory");
    return false;
}

static bool append(struct normalise *n, const void *data, size_t len)
{
    return spb_bytes_append(n->out, data, len) == SPB_OK || fail_memory(n);
}

/* A length is written behind its content, and then put before it: it is seldom more than 2 bytes. */
static bool insert_length(struct normalise *n, size_t start)
{
    uint8_t varint[SPB_VARINT_MAX];
    const size_t len = n->out->len - start;
    const size_t varint_len = (size_t)(spb_wire_put_varint(varint, len) - varint);

    if (!append(n, varint, varint_len))
        return false;
    memmove(n->out->data + start + varint_len, n->out->data + start, len);
    memcpy(n->out->data + start, varint, varint_len);
    return true;
}

/* ------------------------------------------------------------------ spans */

/* The spans that fit into `memory_max` bytes while their stack doubles, with room to sort them. */
static size_t spans_in(size_t memory_max)
{
    return memory_max == 0 ? SIZE_MAX : memory_max / (sizeof(struct spb_span) * 2 * 2);
}

/* Pushes the span of what is at `at`. */
static bool push(struct normalise *n, struct spb_span span, const uint8_t *at)
{
    struct spb_spans *const spans = &n->scratch->spans;

    if (spans->count == n->spans_max) {
        spb_wire_fail(n->reader, SPB_OVER_BUDGET, at,
                      "more than %zu fields are to be put in order; limits.memory_max allows no "
                      "more",
                      n->spans_max);
        return false;
    }
    return spb_spans_push(spans, span) == SPB_OK || fail_memory(n);
}

/*
 * The key that fields are sorted by. Unknown ones stand behind known ones of their number, and in an
 * entry behind all known ones, where its reader expects what it cannot keep.
 */
static size_t sort_number(const struct spb_table *table, const struct spb_wire_field *field,
                          const struct spb_row *row)
{
    const bool additional = field->number == SPB_ADDITIONAL_NUMBER && field->type == SPB_WIRE_LEN;

    if (table->is_entry && row == NULL)
        return SIZE_MAX;
    return (size_t)field->number * 2 + (row == NULL && !additional);
}

/*
 * Collects the fields as spans whose key is the value; offsets count from `base`. With `join`,
 * neighbours of one number become one span, without a key.
 */
static bool collect(struct normalise *n, const struct spb_table *table, const uint8_t *base,
                    const uint8_t *end, bool join)
{
    struct spb_spans *const spans = &n->scratch->spans;
    const size_t first = spans->count;
    struct spb_wire_field field;

    for (const uint8_t *at = base; at < end;) {
        const uint8_t *const begin = at;
        at = spb_wire_field(n->reader, at, end, &field);
        if (at == NULL)
            return false;
        const struct spb_row *row = spb_table_find_field(table, field.number, field.type);
        const struct spb_span span = { .number = sort_number(table, &field, row),
                                       .key_offset = (size_t)(field.value - base),
                                       .key_len = field.len,
                                       .offset = (size_t)(begin - base),
                                       .len = (size_t)(at - begin) };
        if (join && spans->count > first && spans->items[spans->count - 1].number == span.number)
            spans->items[spans->count - 1].len += span.len;
        else if (!push(n, span, begin))
            return false;
    }
    return true;
}

/* Copies fields of the schema, each behind its shortest tag and length. */
static bool copy_values(struct normalise *n, const struct spb_row *row, const uint8_t *base,
                        size_t first, size_t count)
{
    uint8_t head[sizeof row->tag + SPB_VARINT_MAX];

    for (size_t i = first; i < first + count; i++) {
        const struct spb_span span = n->scratch->spans.items[i];
        uint8_t *end = spb_wire_put_tag(head, row);
        if (row->wire_type == SPB_WIRE_LEN)
            end = spb_wire_put_varint(end, span.key_len);
        if (!append(n, head, (size_t)(end - head)) ||
            !append(n, base + span.key_offset, span.key_len))
            return false;
    }
    return true;
}

/* Copies a field that the schema lacks, and had `len` bytes. */
static bool copy_field(struct normalise *n, const struct spb_wire_field *field, size_t len)
{
    if (spb_bytes_reserve(n->out, len) != SPB_OK)
        return fail_memory(n);
    n->out->len = (size_t)(spb_wire_put_field(n->out->data + n->out->len, field) - n->out->data);
    return true;
}

static bool copy_fields(struct normalise *n, const uint8_t *base, size_t first, size_t count)
{
    struct spb_wire_field field;

    for (size_t i = first; i < first + count; i++) {
        const struct spb_span span = n->scratch->spans.items[i];
        const uint8_t *const at = base + span.offset;
        if (spb_wire_field(n->reader, at, at + span.len, &field) == NULL ||
            !copy_field(n, &field, span.len))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ messages */

/* Fields of one number, as spans of a scratch stack that may move. */
struct group {
    const struct spb_row *row;
    const uint8_t *base;
    size_t first;
    size_t count;
};

static bool write_message(struct normalise *n, const struct spb_table *table, const uint8_t *data,
                          size_t len);

/* What an entry is without its key or value: in front of it, it fills in what the entry lacks. */
static const uint8_t empty_entry[] = { SPB_ENTRY_KEY << 3 | SPB_WIRE_LEN, 0,
                                       SPB_ENTRY_VALUE << 3 | SPB_WIRE_LEN, 0 };

/* Pieces of a message are messages: a field may not begin in one and end in the next. */
static bool check_piece(struct normalise *n, const uint8_t *at, size_t len)
{
    const uint8_t *const end = at + len;
    struct spb_wire_field field;

    while (at != NULL && at < end)
        at = spb_wire_field(n->reader, at, end, &field);
    return at != NULL;
}

/* The payloads of a group, one behind another. */
static bool merge(struct normalise *n, const struct group *group, struct spb_bytes *merged)
{
    enum spb_status status = SPB_OK;

    merged->len = 0;
    if (group->row->kind == SPB_KIND_MAP)
        status = spb_bytes_append(merged, empty_entry, sizeof empty_entry);
    for (size_t i = group->first; status == SPB_OK && i < group->first + group->count; i++) {
        const struct spb_span span = n->scratch->spans.items[i];
        if (!check_piece(n, group->base + span.key_offset, span.key_len))
            return false;
        status = spb_bytes_append(merged, group->base + span.key_offset, span.key_len);
    }
    return (status == SPB_OK && spb_bytes_pad(merged)) || fail_memory(n);
}

/* The fields of a date that are neither its seconds nor its nanos, in the order they have. */
static bool copy_unknown_of_date(struct normalise *n, const uint8_t *at, const uint8_t *end)
{
    struct spb_wire_field field;

    while (at < end) {
        const uint8_t *const begin = at;
        at = spb_wire_field(n->reader, at, end, &field);
        if (at == NULL)
            return false;
        if (!spb_wire_is_time(&field) && !copy_field(n, &field, (size_t)(at - begin)))
            return false;
    }
    return true;
}

/* A date's fields; unknown ones stay behind them, for its reader to judge. */
static bool write_timestamp(struct normalise *n, const uint8_t *data, size_t len)
{
    uint8_t fields[SPB_TIMESTAMP_MAX];
    int64_t seconds;
    int32_t nanos;
    bool unknown;

    if (!spb_wire_timestamp(n->reader, data, data + len, &seconds, &nanos, &unknown))
        return false;
    uint8_t *const end = spb_wire_put_timestamp(fields, seconds, nanos);
    return append(n, fields, (size_t)(end - fields)) &&
           (!unknown || copy_unknown_of_date(n, data, data + len));
}

/*
 * Writes one message or entry out of a group's payloads. Each level has a buffer of its own, for an
 * outer one is in use. An error inside is placed at the first payload.
 */
static bool write_merged(struct normalise *n, const struct group *group)
{
    struct spb_bytes *const merged = &n->scratch->merged[n->depth];
    const uint8_t *const begin = n->reader->begin;
    const size_t offset = n->scratch->spans.items[group->first].offset;
    bool fine = merge(n, group, merged);

    if (fine) {
        n->reader->begin = merged->data;
        n->depth++;
        fine = group->row->kind == SPB_KIND_TIMESTAMP
                   ? write_timestamp(n, merged->data, merged->len)
                   : write_message(n, group->row->table, merged->data, merged->len);
        n->depth--;
        n->reader->begin = begin;
    }
    if (!fine)
        n->reader->error.offset = (size_t)(group->base + offset - begin);
    return fine;
}

/* Writes a group as one field. */
static bool write_field(struct normalise *n, const struct group *group)
{
    const struct spb_span span = n->scratch->spans.items[group->first];
    const struct spb_row *row = group->row;

    if (!append(n, row->tag, row->tag_len))
        return false;
    const size_t start = n->out->len;
    const bool direct = group->count == 1 && row->kind == SPB_KIND_MESSAGE;
    if (direct ? !write_message(n, row->table, group->base + span.key_offset, span.key_len)
               : !write_merged(n, group)) {
        if (n->reader->error.status == SPB_NEED_MORE)
            n->reader->error.status = SPB_BAD_WIRE;
        return false;
    }
    return insert_length(n, start);
}

/* Writes each field of a group as a field of its own. */
static bool write_each(struct normalise *n, const struct group *group)
{
    struct group one = *group;

    one.count = 1;
    for (one.first = group->first; one.first < group->first + group->count; one.first++) {
        if (!write_field(n, &one))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ maps */

/* Collects the entries just written behind `start`, with the places of their keys. */
static bool collect_entries(struct normalise *n, size_t start)
{
    const uint8_t *const base = n->out->data;
    const uint8_t *const end = base + n->out->len;
    struct spb_wire_field entry;
    struct spb_wire_field key;

    for (const uint8_t *at = base + start; at < end;) {
        const uint8_t *const behind = spb_wire_field(n->reader, at, end, &entry);
        if (behind == NULL || spb_wire_field(n->reader, entry.value, behind, &key) == NULL)
            return false;
        const struct spb_span span = { .key_offset = (size_t)(key.value - base),
                                       .key_len = key.len,
                                       .offset = (size_t)(at - base),
                                       .len = (size_t)(behind - at) };
        if (!push(n, span, n->reader->begin))
            return false;
        at = behind;
    }
    return true;
}

/* Of entries with the same key the last stays. */
static void drop_repeated_keys(struct spb_spans *spans, size_t first, const uint8_t *base)
{
    size_t kept = first;

    for (size_t i = first + 1; i < spans->count; i++) {
        const struct spb_span *last = &spans->items[kept];
        const struct spb_span *next = &spans->items[i];
        if (spb_key_compare(base + last->key_offset, last->key_len, base + next->key_offset,
                            next->key_len) != 0)
            kept++;
        spans->items[kept] = *next;
    }
    spans->count = kept + 1;
}

static bool write_map(struct normalise *n, const struct group *group)
{
    struct spb_spans *spans = &n->scratch->spans;
    const size_t start = n->out->len;
    const size_t first = spans->count;
    size_t len = 0;

    if (!write_each(n, group) || !collect_entries(n, start))
        return false;
    spb_spans_sort_by_key(spans, first, n->out->data);
    drop_repeated_keys(spans, first, n->out->data);
    for (size_t i = first; i < spans->count; i++)
        len += spans->items[i].len;
    const enum spb_status status =
        spb_wire_rearrange(n->scratch, spans, first, n->out->data + start, start);
    spans->count = first;
    n->out->len = start + len;
    return status == SPB_OK || fail_memory(n);
}

/* ------------------------------------------------------------------ one message */

/* Fields of one number, or of additional_properties: what becomes of them is their row's matter. */
static bool write_group(struct normalise *n, const struct spb_table *table, struct group *group)
{
    const struct spb_span span = n->scratch->spans.items[group->first];
    const size_t last = group->first + group->count - 1;
    const struct spb_row *row = NULL;

    if (span.number % 2 == 1)
        return copy_fields(n, group->base, group->first, group->count);
    row = spb_table_find_number(table, (uint32_t)(span.number / 2));
    if (row == NULL) /* additional_properties: the last wins */
        return copy_fields(n, group->base, last, 1);
    group->row = row;
    if (row->kind == SPB_KIND_MAP)
        return write_map(n, group);
    if (row->kind == SPB_KIND_MESSAGE)
        return row->repeated ? write_each(n, group) : write_field(n, group);
    if (row->kind == SPB_KIND_TIMESTAMP)
        return write_field(n, group);
    return row->repeated ? copy_values(n, row, group->base, group->first, group->count)
                         : copy_values(n, row, group->base, last, 1);
}

static bool write_message(struct normalise *n, const struct spb_table *table, const uint8_t *data,
                          size_t len)
{
    struct spb_spans *spans = &n->scratch->spans;
    const size_t first = spans->count;
    bool fine = collect(n, table, data, data + len, false);
    const size_t end = spans->count;

    if (fine)
        spb_spans_sort_by_number(spans, first);
    for (size_t i = first; fine && i < end;) {
        struct group group = { .base = data, .first = i, .count = 1 };
        while (i + group.count < end &&
               spans->items[i].number == spans->items[i + group.count].number)
            group.count++;
        i += group.count;
        fine = write_group(n, table, &group);
    }
    spans->count = first;
    return fine;
}

enum spb_status spb_wire_normalise(struct spb_normaliser *normaliser,
                                   struct spb_wire_reader *reader, const struct spb_table *table,
                                   const uint8_t *data, size_t len, struct spb_bytes *out)
{
    struct normalise n = { .scratch = normaliser,
                           .reader = reader,
                           .out = out,
                           .spans_max = spans_in(normaliser->memory_max) };

    write_message(&n, table, data, len);
    return reader->error.status;
}

/* ------------------------------------------------------------------ in place */

enum spb_status spb_wire_rearrange(struct spb_normaliser *normaliser, const struct spb_spans *spans,
                                   size_t first, uint8_t *data, size_t origin)
{
    struct spb_bytes *sorted = &normaliser->sorted;

    sorted->len = 0;
    for (size_t i = first; i < spans->count; i++) {
        const struct spb_span *span = &spans->items[i];
        if (spb_bytes_append(sorted, data + (span->offset - origin), span->len) != SPB_OK)
            return SPB_NO_MEMORY;
    }
    if (sorted->len > 0)
        memcpy(data, sorted->data, sorted->len);
    return SPB_OK;
}

/* Where the fields of each row stand, all of a row in one piece. */
struct pieces {
    const uint8_t *begin[SPB_ROWS_MAX];
    size_t len[SPB_ROWS_MAX];
    spb_row_set rows;
};

/*
 * Finds the pieces up to `end`, or to additional_properties, the last of all numbers, which stays
 * where it is. Returns where they end; NULL: something else is among them.
 */
static const uint8_t *find_pieces(struct pieces *pieces, const struct spb_table *table,
                                  const uint8_t *at, const uint8_t *end)
{
    struct spb_wire_reader reader = { .begin = at };
    const struct spb_row *next = table->rows;
    struct spb_wire_field field;

    while (at < end) {
        const uint8_t *const begin = at;
        const struct spb_row *const row = spb_table_tag(table, next, at, end);
        if (row == NULL) {
            const bool last = spb_wire_field(&reader, at, end, &field) == end;
            return last && field.number == SPB_ADDITIONAL_NUMBER ? at : NULL;
        }
        if ((pieces->rows & spb_row_bit(row)) != 0)
            return NULL;
        do
            at = spb_wire_field(&reader, at, end, &field);
        while (at != NULL && at < end && spb_row_has_tag(row, at, end));
        if (at == NULL)
            return NULL;
        pieces->rows |= spb_row_bit(row);
        pieces->begin[row->index] = begin;
        pieces->len[row->index] = (size_t)(at - begin);
        next = row + 1;
    }
    return at;
}

/* Sorts as a message nearly always can be: without comparing. False: it cannot, or memory is short. */
static bool sort_pieces(struct spb_normaliser *normaliser, const struct spb_table *table,
                        uint8_t *data, size_t len)
{
    struct pieces pieces;

    pieces.rows = 0;
    const uint8_t *const end = find_pieces(&pieces, table, data, data + len);
    normaliser->sorted.len = 0;
    if (end == NULL || spb_bytes_reserve(&normaliser->sorted, len + SPB_VECTOR) != SPB_OK)
        return false;
    uint8_t *to = normaliser->sorted.data;
    for (spb_row_set rows = pieces.rows; rows != 0; rows &= rows - 1) {
        const unsigned index = (unsigned)__builtin_ctzll(rows);
        if (pieces.len[index] <= SPB_VECTOR)
            memcpy(to, pieces.begin[index], SPB_VECTOR); /* padding is behind */
        else
            memcpy(to, pieces.begin[index], pieces.len[index]);
        to += pieces.len[index];
    }
    memcpy(data, normaliser->sorted.data, (size_t)(end - data));
    return true;
}

enum spb_status spb_wire_sort_fields(struct spb_normaliser *normaliser,
                                     const struct spb_table *table, uint8_t *data, size_t len)
{
    if (sort_pieces(normaliser, table, data, len))
        return SPB_OK;
    struct spb_wire_reader reader = { .begin = data, .depth_max = SIZE_MAX };
    struct normalise n = { .scratch = normaliser, .reader = &reader, .spans_max = SIZE_MAX };
    struct spb_spans *spans = &normaliser->spans;
    const size_t first = spans->count;
    enum spb_status status = SPB_NO_MEMORY;

    if (collect(&n, table, data, data + len, true)) {
        spb_spans_sort_by_number(spans, first);
        status = spb_wire_rearrange(normaliser, spans, first, data, 0);
    }
    spans->count = first;
    return status;
}

void spb_normaliser_release(struct spb_normaliser *normaliser)
{
    spb_spans_release(&normaliser->spans);
    for (size_t i = 0; i < SPB_TABLES_DEEP; i++)
        spb_bytes_release(&normaliser->merged[i]);
    spb_bytes_release(&normaliser->sorted);
}
