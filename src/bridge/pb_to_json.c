/*
 * Protobuf bytes to canonical JSON text in one pass: a field is printed as it is read, behind its
 * row's ready-made `,"name":`, whose comma becomes the brace of the object where it is the first.
 * The bytes are taken to be in canonical order until a field tells otherwise: that ends the pass.
 */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "base/utf8.h"
#include "bridge/engine.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "json/writer.h"

enum { FIELD_ROOM = 128 /* a name, a number, a date or two vectors of text, and some brackets */ };

struct pb_to_json {
    struct spb_wire_reader reader;
    struct spb_out out; /* its cursor is behind `to`: see flush() */
    spb_converter *converter;
    bool ordered;  /* the bytes have been put in canonical order */
    bool shadowed; /* an additional member has the name of a field that is absent */
};

/* Where bytes are read, and where text is written: two values, so that they stay in registers. */
struct cursor {
    const uint8_t *at; /* NULL: it has failed */
    uint8_t *to;
};

/* One message while it is read. */
struct reading {
    const struct spb_table *table;
    const struct spb_row *next; /* the row behind the latest one */
    spb_row_set seen;
    struct spb_wire_field additional; /* its value is NULL where there is none */
    uint32_t last_unknown;            /* number of the latest unknown field */
    size_t unknown;                   /* where its unknown fields begin on their stack */
    bool shadowed;
};

static struct cursor write_message(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                   const struct spb_table *table, const uint8_t *place);

/* ------------------------------------------------------------------ failing */

/* Where `at` is NULL, so is `to`: said so that an analyser sees it as well. */
static struct cursor failed(const uint8_t *null)
{
    return (struct cursor){ null, (uint8_t *)(uintptr_t)null };
}

static struct cursor fail(struct pb_to_json *c, enum spb_status status, const uint8_t *at,
                          const char *reason)
{
    return failed(spb_wire_fail(&c->reader, status, at, "%s", reason));
}

static const uint8_t *fail_memory(struct pb_to_json *c, const uint8_t *at)
{
    return spb_wire_fail(&c->reader, SPB_NO_MEMORY, at, "out of memory");
}

/* The message is put in order, and the next pass does not come here. */
static const uint8_t *give_up_order(struct pb_to_json *c, const uint8_t *at)
{
    return spb_wire_fail(&c->reader, SPB_INTERNAL, at, "the field is not in canonical order");
}

/* What the schema does not define, under a policy that does not drop it. */
static const uint8_t *refuse_unknown(struct pb_to_json *c, const uint8_t *at, const char *reason)
{
    const bool reject = c->converter->options.unknown == SPB_UNKNOWN_REJECT;

    return spb_wire_fail(&c->reader, reject ? SPB_UNKNOWN_MEMBER : SPB_NOT_REPRESENTABLE, at, "%s",
                         reason);
}

/* Inside of a message whose length is known, an end that comes too early is an error. */
static struct cursor fail_inside(struct pb_to_json *c)
{
    if (c->reader.error.status == SPB_NEED_MORE)
        c->reader.error.status = SPB_BAD_WIRE;
    return failed(NULL);
}

/* ------------------------------------------------------------------ room */

/* The buffer takes over, to do what needs more than a place to write to. */
static struct spb_out *flush(struct pb_to_json *c, uint8_t *to)
{
    c->out.at = to;
    return &c->out;
}

static struct cursor grow(struct pb_to_json *c, struct cursor k, size_t room)
{
    if (!spb_out_grow(flush(c, k.to), room))
        return failed(fail_memory(c, k.at));
    k.to = c->out.at;
    return k;
}

/* Makes room for a field besides what is asked for. */
static inline struct cursor make_room(struct pb_to_json *c, struct cursor k, size_t room)
{
    room += FIELD_ROOM;
    return spb_out_left(k.to, c->out.end) >= room ? k : grow(c, k, room);
}

/* ------------------------------------------------------------------ scalar values */

/* Reads a length, and checks that so many bytes follow. */
static inline const uint8_t *read_length(struct pb_to_json *c, const uint8_t *at,
                                         const uint8_t *end, size_t *len)
{
    if (*at < 0x80 && *at < end - at) {
        *len = *at;
        return at + 1;
    }
    return spb_wire_length(&c->reader, at, end, len);
}

/* Any text, from k.at on. */
static struct cursor write_long_text(struct pb_to_json *c, struct cursor k, size_t len)
{
    const uint8_t *const text = k.at;
    struct spb_utf8_watch watch = { 0 };

    k = make_room(c, k, spb_json_string_room(len));
    if (k.at == NULL)
        return k;
    if (!spb_json_write_string(flush(c, k.to), text, len, &watch))
        return failed(fail_memory(c, text));
    if (watch.doubt && !spb_json_is_utf8(text, len))
        return failed(spb_wire_fail(&c->reader, SPB_BAD_UNICODE,
                                    text + spb_utf8_valid_len(text, len),
                                    "bytes that are not UTF-8"));
    return (struct cursor){ text + len, c->out.at };
}

/* Text of two vectors or less is whole when they are copied; a field's room holds them. */
static inline struct cursor write_text(struct pb_to_json *c, struct cursor k, size_t len)
{
    if (len > 2 * (size_t)SPB_VECTOR)
        return write_long_text(c, k, len);
    uint32_t rare = spb_copy_scan(k.at, k.to + 1).rare;
    if (len <= SPB_VECTOR)
        rare &= spb_first_bits((unsigned)len);
    else
        rare |= spb_copy_scan(k.at + SPB_VECTOR, k.to + 1 + SPB_VECTOR).rare &
                spb_first_bits((unsigned)len - SPB_VECTOR);
    if (rare != 0 && !spb_is_common_text(k.at, len))
        return write_long_text(c, k, len);
    *k.to = '"';
    k.to[1 + len] = '"';
    return (struct cursor){ k.at + len, k.to + len + 2 };
}

static inline struct cursor write_string(struct pb_to_json *c, struct cursor k, const uint8_t *end)
{
    size_t len;

    k.at = read_length(c, k.at, end, &len);
    return k.at == NULL ? k : write_text(c, k, len);
}

static struct cursor write_int32(struct pb_to_json *c, struct cursor k, const uint8_t *end)
{
    uint64_t value;

    k.at = spb_wire_varint(&c->reader, k.at, end, &value);
    if (k.at != NULL) /* protobuf's parsers take the low 32 bits */
        k.to += spb_int32_to_text((int32_t)(uint32_t)value, (char *)k.to);
    return k;
}

static struct cursor write_double(struct pb_to_json *c, struct cursor k, const uint8_t *end)
{
    double value;

    if (end - k.at < 8)
        return fail(c, SPB_NEED_MORE, k.at, "the message ends inside a field");
    const uint64_t bits = spb_wire_get_fixed64(k.at);
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value))
        return fail(c, SPB_NOT_REPRESENTABLE, k.at,
                    "JSON has no number for a double that is infinite or not a "
                    "number");
    return (struct cursor){ k.at + 8, k.to + spb_double_to_text(value, (char *)k.to) };
}

static struct cursor write_bool(struct pb_to_json *c, struct cursor k, const uint8_t *end)
{
    static const char texts[2][32] = { "false", "true" };
    uint64_t value;

    k.at = spb_wire_varint(&c->reader, k.at, end, &value);
    if (k.at != NULL)
        k.to = spb_put32(k.to, texts[value != 0], value != 0 ? 4 : 5);
    return k;
}

static struct cursor write_time(struct pb_to_json *c, struct cursor k, const uint8_t *end)
{
    struct spb_time time;
    bool unknown;
    size_t len;

    k.at = read_length(c, k.at, end, &len);
    if (k.at == NULL)
        return k;
    if (!spb_wire_timestamp(&c->reader, k.at, k.at + len, &time.seconds, &time.nanos, &unknown))
        return fail_inside(c);
    if (unknown && c->converter->options.unknown != SPB_UNKNOWN_DROP)
        return failed(refuse_unknown(c, k.at, "JSON has no place for an unknown field in a date"));
    if (!spb_time_is_valid(time))
        return fail(c, SPB_OUT_OF_RANGE, k.at, "the Timestamp is not between year 0001 and 9999");
    const size_t text_len = spb_time_to_text(time, (char *)k.to + 1);
    k.to[0] = '"';
    k.to[1 + text_len] = '"';
    return (struct cursor){ k.at + len, k.to + text_len + 2 };
}

/* ------------------------------------------------------------------ composite values */

static struct cursor write_nested(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                  const struct spb_row *row)
{
    const uint8_t *const place = k.at - 1;
    size_t len;

    k.at = read_length(c, k.at, end, &len);
    if (k.at == NULL)
        return k;
    k = write_message(c, k, k.at + len, row->table, place);
    return k.at == NULL ? fail_inside(c) : k;
}

/* Where `to` stands, in a form that outlives make_room(). */
static size_t offset_of(const struct pb_to_json *c, const uint8_t *to)
{
    return (size_t)(to - c->out.bytes->data);
}

/* Where a bracket takes the place of the comma before the first element or member. */
static void open_bracket(struct pb_to_json *c, size_t offset, char bracket)
{
    c->out.bytes->data[offset] = (uint8_t)bracket;
}

struct key {
    const uint8_t *text;
    size_t len;
};

/* What may follow the value in an entry. */
static struct cursor end_entry(struct pb_to_json *c, struct cursor k, const uint8_t *end)
{
    if (k.at == NULL || k.at == end)
        return k;
    if (!c->ordered)
        return failed(give_up_order(c, k.at));
    if (c->converter->options.unknown != SPB_UNKNOWN_DROP)
        return failed(
            refuse_unknown(c, k.at, "JSON has no place for an unknown field in a map's entry"));
    k.at = end;
    return k;
}

/* An entry that is as the canonical order has it: its key, behind the one before, and its value. */
static struct cursor write_entry(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                 const struct spb_row *row, struct key *last)
{
    const struct spb_row *const rows = row->table->rows;
    struct key key;

    if (!spb_row_has_tag(&rows[SPB_ENTRY_KEY - 1], k.at, end))
        return failed(give_up_order(c, k.at));
    key.text = read_length(c, k.at + rows[SPB_ENTRY_KEY - 1].tag_len, end, &key.len);
    if (key.text == NULL)
        return failed(NULL);
    if (last->text != NULL && !spb_key_is_before(last->text, last->len, key.text, key.len))
        return failed(give_up_order(c, k.at));
    *last = key;
    if (!spb_row_has_tag(&rows[SPB_ENTRY_VALUE - 1], key.text + key.len, end))
        return failed(give_up_order(c, key.text + key.len));
    *k.to = ',';
    k = write_text(c, (struct cursor){ key.text, k.to + 1 }, key.len);
    if (k.at == NULL)
        return k;
    *k.to = ':';
    k = (struct cursor){ k.at + rows[SPB_ENTRY_VALUE - 1].tag_len, k.to + 1 };
    return end_entry(c, write_nested(c, k, end, &rows[SPB_ENTRY_VALUE - 1]), end);
}

/* `at` is behind the tag of the first of them. */
static struct cursor write_map(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                               const struct spb_row *row)
{
    const size_t bracket = offset_of(c, k.to);
    struct key last = { NULL, 0 };
    size_t len;

    for (;;) {
        k = make_room(c, k, 0);
        if (k.at == NULL)
            return k;
        k.at = read_length(c, k.at, end, &len);
        if (k.at == NULL)
            return k;
        k = write_entry(c, k, k.at + len, row, &last);
        if (k.at == NULL)
            return fail_inside(c);
        if (!spb_row_has_tag(row, k.at, end))
            break;
        k.at += row->tag_len;
    }
    open_bracket(c, bracket, '{');
    *k.to++ = '}';
    return k;
}

static struct cursor write_array(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                 const struct spb_row *row);

static inline struct cursor write_value(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                        const struct spb_row *row, enum spb_kind kind)
{
    switch (kind) {
    case SPB_KIND_STRING:
        return write_string(c, k, end);
    case SPB_KIND_TIMESTAMP:
        return write_time(c, k, end);
    case SPB_KIND_INT32:
        return write_int32(c, k, end);
    case SPB_KIND_BOOL:
        return write_bool(c, k, end);
    case SPB_KIND_DOUBLE:
        return write_double(c, k, end);
    case SPB_KIND_MESSAGE:
        return write_nested(c, k, end, row);
    case SPB_KIND_MAP:
        return write_map(c, k, end, row);
    case SPB_KIND_ARRAY:
        return write_array(c, k, end, row);
    case SPB_KIND_COUNT:
        break;
    }
    __builtin_unreachable(); /* schema/table.c compiles no other row */
}

static struct cursor write_array(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                 const struct spb_row *row)
{
    const size_t bracket = offset_of(c, k.to);

    for (;;) {
        k = make_room(c, k, 0);
        if (k.at == NULL)
            return k;
        *k.to++ = ',';
        k = write_value(c, k, end, row, row->kind);
        if (k.at == NULL)
            return k;
        if (!spb_row_has_tag(row, k.at, end))
            break;
        k.at += row->tag_len;
    }
    open_bracket(c, bracket, '[');
    *k.to++ = ']';
    return k;
}

/* ------------------------------------------------------------------ additional members */

/* Text inside of additional_properties is malformed: the error is the message's. */
static const uint8_t *fail_additional(struct pb_to_json *c, const uint8_t *at,
                                      const struct spb_error *error)
{
    if (error->status != SPB_NEED_MORE && error->status != SPB_BAD_JSON)
        return spb_wire_fail(&c->reader, error->status, at, "%s", error->reason);
    return spb_wire_fail(&c->reader, SPB_BAD_JSON, at,
                         "additional_properties is not an object's text: %.100s at byte %zu",
                         error->reason, error->offset);
}

/* The name of a field may be that of an additional member only where the field is absent: it was
   unknown once, or its value was of the wrong type. The policy for unknown is for all others. */
static const uint8_t *check_name(struct pb_to_json *c, struct reading *r, const uint8_t *at,
                                 struct spb_span *member)
{
    const char *const name = (const char *)c->converter->additional.text.data + member->key_offset;
    const struct spb_row *const row = spb_table_find_name(r->table, name, member->key_len);

    if (spb_is_unknown_fields(name, member->key_len) ||
        (row != NULL && (r->seen & spb_row_bit(row)) != 0))
        return spb_wire_fail(&c->reader, SPB_DUPLICATE_MEMBER, at,
                             "additional_properties holds the name of a field");
    if (row == NULL && c->converter->options.unknown == SPB_UNKNOWN_REJECT)
        return refuse_unknown(c, at, "the schema does not define these members");
    if (row == NULL && c->converter->options.unknown == SPB_UNKNOWN_DROP)
        member->len = 0; /* hidden: see bridge/additional.h */
    r->shadowed = r->shadowed || row != NULL;
    return at;
}

static const uint8_t *push_additional(struct pb_to_json *c, struct reading *r, const uint8_t *at,
                                      const struct spb_additional_mark *mark)
{
    struct spb_bytes *const text = &c->converter->text;
    struct spb_json_reader reader = { .depth_max = c->converter->options.limits.depth_max };

    if (spb_bytes_copy_padded(text, r->additional.value, r->additional.len) != SPB_OK)
        return fail_memory(c, at);
    reader.begin = (const char *)text->data;
    reader.end = reader.begin + text->len;
    struct spb_additional *const stack = &c->converter->additional;
    if (!spb_additional_read(stack, &reader))
        return fail_additional(c, at, &reader.error);
    for (size_t i = mark->count; at != NULL && i < stack->members.count; i++)
        at = check_name(c, r, at, &stack->members.items[i]);
    return at;
}

/* Prints what the schema does not define of a message; `place` is where its errors are. */
static struct cursor write_additional(struct pb_to_json *c, struct cursor k, struct reading *r,
                                      const uint8_t *place)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    const struct spb_bytes *const unknown = &c->converter->unknown;

    if (r->additional.value != NULL &&
        push_additional(c, r, r->additional.value - 1, &mark) == NULL)
        return failed(NULL);
    if (unknown->len > r->unknown && c->converter->options.unknown == SPB_UNKNOWN_KEEP &&
        !spb_additional_push_unknown(stack, unknown->data + r->unknown, unknown->len - r->unknown))
        return failed(fail_memory(c, place));
    if (spb_additional_sort(stack, &mark) != NULL)
        return fail(c, SPB_DUPLICATE_MEMBER, place, "a name occurs twice in additional_properties");
    const size_t len = spb_additional_len(stack, &mark);
    k = make_room(c, k, len);
    if (k.at != NULL && len > 0) {
        *k.to = ',';
        k.to = spb_additional_put(stack, &mark, k.to + 1);
    }
    spb_additional_drop(stack, &mark);
    return k;
}

/* ------------------------------------------------------------------ fields */

/* `at` is behind the tag. */
static inline struct cursor write_row(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                      const struct spb_row *row, struct reading *r)
{
    k = make_room(c, k, 0);
    if (k.at == NULL)
        return k;
    r->next = row + 1;
    r->seen |= spb_row_bit(row);
    memcpy(k.to, row->prefix, SPB_PREFIX_MAX);
    k.to += row->prefix_len;
    if (row->member == SPB_KIND_STRING) /* most are: foreseen better by itself */
        return write_string(c, k, end);
    return write_value(c, k, end, row, row->member);
}

/* A field that the schema does not define, or additional_properties: both wait for the end. */
static const uint8_t *note_unknown(struct pb_to_json *c, const uint8_t *at, const uint8_t *behind,
                                   const struct spb_wire_field *field, struct reading *r)
{
    if (field->number == SPB_ADDITIONAL_NUMBER && field->type == SPB_WIRE_LEN) {
        if (r->additional.value != NULL)
            return give_up_order(c, at);
        r->additional = *field;
        return behind;
    }
    if (c->converter->options.unknown == SPB_UNKNOWN_REJECT)
        return refuse_unknown(c, at, "the schema does not define this field");
    if (field->number < r->last_unknown)
        return give_up_order(c, at);
    r->last_unknown = field->number;
    struct spb_bytes *const unknown = &c->converter->unknown;
    if (spb_bytes_reserve(unknown, (size_t)(behind - at)) != SPB_OK)
        return fail_memory(c, at);
    unknown->len =
        (size_t)(spb_wire_put_field(unknown->data + unknown->len, field) - unknown->data);
    return behind;
}

/* A field whose tag is not among the predicted ones. */
static struct cursor write_other(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                 struct reading *r)
{
    const uint8_t *const begin = k.at;
    struct spb_wire_field field;

    k.at = spb_wire_tag(&c->reader, begin, end, &field);
    if (k.at == NULL)
        return k;
    const struct spb_row *row = spb_table_find_field(r->table, field.number, field.type);
    if (row != NULL && row < r->next)
        return failed(give_up_order(c, begin));
    if (row != NULL)
        return write_row(c, k, end, row, r);
    k.at = spb_wire_field(&c->reader, begin, end, &field);
    if (k.at != NULL)
        k.at = note_unknown(c, begin, k.at, &field, r);
    return k;
}

static const uint8_t *check_required(struct pb_to_json *c, const struct reading *r,
                                     const uint8_t *place)
{
    const struct spb_row *row = spb_table_missing(r->table, r->seen);

    /* What is shadowed may be what is missing: the second pass will tell. */
    if (row == NULL || r->shadowed || c->converter->options.lenient)
        return place;
    return spb_wire_fail(&c->reader, SPB_MISSING_MEMBER, place,
                         "the required member \"%.*s\" is missing", (int)spb_row_name_len(row),
                         spb_row_name(row));
}

/* `place` is where errors of the message as a whole are: in the tag of its field. */
static struct cursor write_message(struct pb_to_json *c, struct cursor k, const uint8_t *end,
                                   const struct spb_table *table, const uint8_t *place)
{
    const size_t bracket = offset_of(c, k.to);
    struct reading r = { .table = table,
                         .next = table->rows,
                         .unknown = c->converter->unknown.len };

    while (k.at < end) {
        const struct spb_row *const row = spb_table_tag(table, r.next, k.at, end);
        if (row != NULL && row >= r.next) {
            k.at += row->tag_len;
            k = write_row(c, k, end, row, &r);
        } else {
            k = write_other(c, k, end, &r);
        }
        if (k.at == NULL)
            return k;
    }
    if (r.additional.value != NULL || c->converter->unknown.len > r.unknown)
        k = write_additional(c, k, &r, place);
    if (k.at == NULL || check_required(c, &r, place) == NULL)
        return failed(NULL);
    k = make_room(c, k, 0);
    if (k.at == NULL)
        return k;
    k.to += offset_of(c, k.to) == bracket;
    open_bracket(c, bracket, '{');
    *k.to++ = '}';
    c->converter->unknown.len = r.unknown;
    c->shadowed = c->shadowed || r.shadowed;
    return k;
}

/* ------------------------------------------------------------------ the message */

enum spb_status SPB_PB_TO_JSON(spb_converter *converter, const uint8_t *pb, size_t len,
                               bool ordered, struct spb_bytes *json, bool *shadowed_out,
                               struct spb_error *error)
{
    struct pb_to_json c = { .reader = { .begin = pb,
                                        .depth_max = converter->options.limits.depth_max },
                            .converter = converter,
                            .ordered = ordered };

    spb_out_begin(&c.out, json);
    spb_additional_begin(&converter->additional);
    converter->unknown.len = 0;
    struct cursor k = make_room(&c, (struct cursor){ pb, c.out.at }, len);
    if (k.at != NULL)
        k = write_message(&c, k, pb + len, converter->schema->session, pb + len);
    if (k.at == NULL) {
        *error = c.reader.error;
        return c.reader.error.status;
    }
    *k.to = '\0'; /* FIELD_ROOM holds it */
    spb_out_finish(flush(&c, k.to));
    *shadowed_out = c.shadowed;
    return SPB_OK;
}
