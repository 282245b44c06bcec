/*
 * Protobuf bytes to canonical JSON text in one pass: a field is printed as it is read, behind its
 * row's ready-made `,"name":`, whose comma becomes the brace of the object where it is the first.
 * The bytes are taken to be in canonical order until a field tells otherwise; then the message is
 * normalised, and the pass begins again.
 */
#include <sessionpb/convert.h>

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "base/time.h"
#include "base/utf8.h"
#include "bridge/converter.h"
#include "wire/locate.h"
#include "wire/reader.h"
#include "wire/writer.h"
#include "json/writer.h"

enum {
    PREDICTIONS = 4,  /* rows tried before a tag is looked up */
    FIELD_ROOM = 128, /* a name, a number or date, and some brackets */
};

struct pb_to_json {
    struct spb_wire_reader reader;
    struct spb_out out;
    spb_converter *converter;
    bool ordered;  /* the bytes have been put in canonical order */
    bool shadowed; /* an additional member has the name of a field that is absent */
};

/* One message while it is read. */
struct reading {
    const struct spb_table *table;
    unsigned next; /* the row behind the latest one */
    struct spb_row_set seen;
    struct spb_wire_field additional; /* its value is NULL where there is none */
    uint32_t last_unknown;            /* number of the latest unknown field */
    size_t unknown;                   /* where its unknown fields begin on their stack */
    bool shadowed;
};

static const uint8_t *write_message(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                    const struct spb_table *table, const uint8_t *place);

/* ------------------------------------------------------------------ failing */

static const uint8_t *fail_memory(struct pb_to_json *c, const uint8_t *at)
{
    return spb_wire_fail(&c->reader, SPB_NO_MEMORY, at, "out of memory");
}

/* Ends the first pass only: see run_any(). */
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
static const uint8_t *fail_inside(struct pb_to_json *c)
{
    if (c->reader.error.status == SPB_NEED_MORE)
        c->reader.error.status = SPB_BAD_WIRE;
    return NULL;
}

static bool make_room(struct pb_to_json *c, size_t room)
{
    return spb_out_room(&c->out, room + FIELD_ROOM);
}

/* ------------------------------------------------------------------ scalar values */

static const uint8_t *write_text(struct pb_to_json *c, const uint8_t *text, size_t len)
{
    uint32_t high = 0;

    if (!make_room(c, spb_json_string_room(len)) ||
        !spb_json_write_string(&c->out, text, len, &high))
        return fail_memory(c, text);
    if (high != 0 && !spb_json_is_utf8(text, len))
        return spb_wire_fail(&c->reader, SPB_BAD_UNICODE, text + spb_utf8_valid_len(text, len),
                             "bytes that are not UTF-8");
    return text + len;
}

static const uint8_t *write_string(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                   const struct spb_row *row)
{
    size_t len;

    (void)row;
    at = spb_wire_length(&c->reader, at, end, &len);
    return at == NULL ? NULL : write_text(c, at, len);
}

static const uint8_t *write_int32(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                  const struct spb_row *row)
{
    uint64_t value;

    (void)row;
    at = spb_wire_varint(&c->reader, at, end, &value);
    if (at != NULL) /* protobuf's parsers take the low 32 bits */
        c->out.at += spb_int32_to_text((int32_t)(uint32_t)value, (char *)c->out.at);
    return at;
}

static const uint8_t *write_double(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                   const struct spb_row *row)
{
    double value;

    (void)row;
    if (end - at < 8)
        return spb_wire_fail(&c->reader, SPB_NEED_MORE, at, "the message ends inside a field");
    const uint64_t bits = spb_wire_get_fixed64(at);
    memcpy(&value, &bits, sizeof value);
    if (!isfinite(value))
        return spb_wire_fail(&c->reader, SPB_NOT_REPRESENTABLE, at,
                             "JSON has no number for a double that is infinite or not a number");
    c->out.at += spb_double_to_text(value, (char *)c->out.at);
    return at + 8;
}

static const uint8_t *write_bool(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                 const struct spb_row *row)
{
    static const char texts[2][32] = { "false", "true" };
    uint64_t value;

    (void)row;
    at = spb_wire_varint(&c->reader, at, end, &value);
    if (at != NULL)
        c->out.at = spb_put32(c->out.at, texts[value != 0], value != 0 ? 4 : 5);
    return at;
}

static const uint8_t *write_time(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                 const struct spb_row *row)
{
    struct spb_time time;
    bool unknown;
    size_t len;

    (void)row;
    at = spb_wire_length(&c->reader, at, end, &len);
    if (at == NULL)
        return NULL;
    if (!spb_wire_timestamp(&c->reader, at, at + len, &time.seconds, &time.nanos, &unknown))
        return fail_inside(c);
    if (unknown && c->converter->options.unknown != SPB_UNKNOWN_DROP)
        return refuse_unknown(c, at, "JSON has no place for an unknown field in a date");
    if (!spb_time_is_valid(time))
        return spb_wire_fail(&c->reader, SPB_OUT_OF_RANGE, at,
                             "the Timestamp is not between year 0001 and 9999");
    *c->out.at++ = '"';
    c->out.at += spb_time_to_text(time, (char *)c->out.at);
    *c->out.at++ = '"';
    return at + len;
}

/* ------------------------------------------------------------------ composite values */

static const uint8_t *write_nested(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                   const struct spb_row *row)
{
    const uint8_t *const place = at - 1;
    size_t len;

    at = spb_wire_length(&c->reader, at, end, &len);
    if (at == NULL)
        return NULL;
    return write_message(c, at, at + len, row->table, place) == NULL ? fail_inside(c) : at + len;
}

static bool has_tag(const uint8_t *at, const uint8_t *end, const struct spb_row *row)
{
    if (row->tag_mask == 0)
        return (size_t)(end - at) >= row->tag_len && memcmp(at, row->tag, row->tag_len) == 0;
    return ((at[0] | at[1] << 8) & row->tag_mask) == row->tag_value &&
           (size_t)(end - at) >= row->tag_len;
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

/* An entry that is as the canonical order has it: its key, behind the one before, and its value. */
static const uint8_t *write_entry(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                  const struct spb_row *row, struct key *last)
{
    const struct spb_row *const rows = row->table->rows;
    struct key key;

    if (!has_tag(at, end, &rows[SPB_ENTRY_KEY - 1]))
        return give_up_order(c, at);
    key.text = spb_wire_length(&c->reader, at + rows[SPB_ENTRY_KEY - 1].tag_len, end, &key.len);
    if (key.text == NULL)
        return NULL;
    if (last->text != NULL && spb_key_compare(last->text, last->len, key.text, key.len) >= 0)
        return give_up_order(c, at);
    *last = key;
    at = key.text + key.len;
    if (!has_tag(at, end, &rows[SPB_ENTRY_VALUE - 1]))
        return give_up_order(c, at);
    *c->out.at++ = ',';
    if (write_text(c, key.text, key.len) == NULL)
        return NULL;
    *c->out.at++ = ':';
    at = write_nested(c, at + rows[SPB_ENTRY_VALUE - 1].tag_len, end, &rows[SPB_ENTRY_VALUE - 1]);
    if (at == NULL || at == end)
        return at;
    if (!c->ordered)
        return give_up_order(c, at);
    return c->converter->options.unknown == SPB_UNKNOWN_DROP
               ? end
               : refuse_unknown(c, at, "JSON has no place for an unknown field in a map's entry");
}

/* `at` is behind the tag of the first of them. */
static const uint8_t *write_map(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                const struct spb_row *row)
{
    const size_t bracket = spb_out_offset(&c->out);
    struct key last = { NULL, 0 };
    size_t len;

    for (;;) {
        if (!make_room(c, 0))
            return fail_memory(c, at);
        at = spb_wire_length(&c->reader, at, end, &len);
        if (at == NULL)
            return NULL;
        at = write_entry(c, at, at + len, row, &last);
        if (at == NULL)
            return fail_inside(c);
        if (!has_tag(at, end, row))
            break;
        at += row->tag_len;
    }
    open_bracket(c, bracket, '{');
    *c->out.at++ = '}';
    return at;
}

typedef const uint8_t *write_value(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                   const struct spb_row *row);

static write_value *const writers[SPB_KIND_COUNT] = {
    [SPB_KIND_STRING] = write_string,  [SPB_KIND_INT32] = write_int32,
    [SPB_KIND_DOUBLE] = write_double,  [SPB_KIND_BOOL] = write_bool,
    [SPB_KIND_TIMESTAMP] = write_time, [SPB_KIND_MESSAGE] = write_nested,
    [SPB_KIND_MAP] = write_map,
};

static const uint8_t *write_array(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                  const struct spb_row *row)
{
    const size_t bracket = spb_out_offset(&c->out);

    for (;;) {
        if (!make_room(c, 0))
            return fail_memory(c, at);
        *c->out.at++ = ',';
        at = writers[row->kind](c, at, end, row);
        if (at == NULL || !has_tag(at, end, row))
            break;
        at += row->tag_len;
    }
    open_bracket(c, bracket, '[');
    *c->out.at++ = ']';
    return at;
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
        (row != NULL && spb_row_set_has(&r->seen, row->index)))
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

/* Prints what the schema does not define of a message; `at` is its place for errors. */
static const uint8_t *write_additional(struct pb_to_json *c, struct reading *r, const uint8_t *at)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    const struct spb_bytes *const unknown = &c->converter->unknown;

    if (r->additional.value != NULL &&
        push_additional(c, r, r->additional.value - 1, &mark) == NULL)
        return NULL;
    if (unknown->len > r->unknown && c->converter->options.unknown == SPB_UNKNOWN_KEEP &&
        !spb_additional_push_unknown(stack, unknown->data + r->unknown, unknown->len - r->unknown))
        return fail_memory(c, at);
    if (spb_additional_sort(stack, &mark) != NULL)
        return spb_wire_fail(&c->reader, SPB_DUPLICATE_MEMBER, at,
                             "a name occurs twice in additional_properties");
    const size_t len = spb_additional_len(stack, &mark);
    if (!make_room(c, len))
        return fail_memory(c, at);
    if (len > 0) {
        *c->out.at++ = ',';
        c->out.at = spb_additional_put(stack, &mark, c->out.at);
    }
    spb_additional_drop(stack, &mark);
    return at;
}

/* ------------------------------------------------------------------ fields */

static const struct spb_row *predict(const struct reading *r, const uint8_t *at, const uint8_t *end)
{
    const struct spb_row *row = r->table->rows + r->next;
    const struct spb_row *rows_end = r->table->rows + r->table->row_count;

    if (rows_end - row > PREDICTIONS)
        rows_end = row + PREDICTIONS;
    for (; row < rows_end; row++) {
        if (has_tag(at, end, row))
            return row;
    }
    return NULL;
}

/* `at` is behind the tag. */
static const uint8_t *write_row(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                const struct spb_row *row, struct reading *r)
{
    if (row->index < r->next)
        return give_up_order(c, at - 1);
    if (!make_room(c, SPB_PREFIX_MAX))
        return fail_memory(c, at);
    r->next = row->index + 1u;
    spb_row_set_add(&r->seen, row->index);
    if (row->prefix_len <= 32)
        c->out.at = spb_put32(c->out.at, row->prefix, row->prefix_len);
    else
        c->out.at = (uint8_t *)memcpy(c->out.at, row->prefix, SPB_PREFIX_MAX) + row->prefix_len;
    return row->repeated ? write_array(c, at, end, row) : writers[row->kind](c, at, end, row);
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
static const uint8_t *write_other(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                  struct reading *r)
{
    struct spb_wire_field field;
    const uint8_t *const value = spb_wire_tag(&c->reader, at, end, &field);

    if (value == NULL)
        return NULL;
    const struct spb_row *row = spb_table_find_field(r->table, field.number, field.type);
    if (row != NULL)
        return write_row(c, value, end, row, r);
    const uint8_t *const behind = spb_wire_field(&c->reader, at, end, &field);
    return behind == NULL ? NULL : note_unknown(c, at, behind, &field, r);
}

static const uint8_t *check_required(struct pb_to_json *c, const struct reading *r,
                                     const uint8_t *place)
{
    const struct spb_row *row = spb_table_missing(r->table, &r->seen);

    /* What is shadowed may be what is missing: the second pass will tell. */
    if (row == NULL || r->shadowed || c->converter->options.lenient)
        return place;
    return spb_wire_fail(&c->reader, SPB_MISSING_MEMBER, place,
                         "the required member \"%.*s\" is missing", (int)spb_row_name_len(row),
                         spb_row_name(row));
}

/* `place` is where errors of the message as a whole are: in the tag of its field. */
static const uint8_t *write_message(struct pb_to_json *c, const uint8_t *at, const uint8_t *end,
                                    const struct spb_table *table, const uint8_t *place)
{
    const size_t bracket = spb_out_offset(&c->out);
    struct reading r = { .table = table, .unknown = c->converter->unknown.len };

    while (at < end) {
        const struct spb_row *row = predict(&r, at, end);
        at = row != NULL ? write_row(c, at + row->tag_len, end, row, &r)
                         : write_other(c, at, end, &r);
        if (at == NULL)
            return NULL;
    }
    if ((r.additional.value != NULL || c->converter->unknown.len > r.unknown) &&
        write_additional(c, &r, place) == NULL)
        return NULL;
    if (check_required(c, &r, place) == NULL)
        return NULL;
    if (!make_room(c, 0))
        return fail_memory(c, at);
    if (spb_out_offset(&c->out) == bracket)
        *c->out.at++ = '{';
    else
        open_bracket(c, bracket, '{');
    *c->out.at++ = '}';
    c->converter->unknown.len = r.unknown;
    c->shadowed = c->shadowed || r.shadowed;
    return at;
}

/* ------------------------------------------------------------------ the message */

/* One pass over bytes in canonical order. */
static bool run(struct pb_to_json *c, const uint8_t *pb, size_t len, struct spb_bytes *json)
{
    c->reader = (struct spb_wire_reader){ .begin = pb,
                                          .depth_max = c->converter->options.limits.depth_max };
    c->shadowed = false;
    spb_out_begin(&c->out, json);
    spb_additional_begin(&c->converter->additional);
    c->converter->unknown.len = 0;
    if (!make_room(c, len))
        return fail_memory(c, pb) != NULL;
    return write_message(c, pb, pb + len, c->converter->schema->session, pb + len) != NULL;
}

/* Puts the message into converter->normal, in canonical order. */
static bool normalise(struct pb_to_json *c, const uint8_t *pb, size_t len)
{
    struct spb_bytes *const normal = &c->converter->normal;

    c->ordered = true;
    c->reader.error.status = SPB_OK;
    normal->len = 0;
    return spb_wire_normalise(&c->converter->normaliser, &c->reader, c->converter->schema->session,
                              pb, len, normal) == SPB_OK &&
           (spb_bytes_pad(normal) || fail_memory(c, pb) != NULL);
}

/* What another field can mend that comes later; SPB_INTERNAL is the order itself. */
static bool may_be_replaced(enum spb_status status)
{
    return status != SPB_NEED_MORE && status != SPB_BAD_WIRE && status != SPB_TOO_DEEP &&
           status != SPB_NO_MEMORY;
}

/*
 * A pass over bytes in any order. Whatever is wrong is judged in canonical order only: it may be the
 * order itself, or a value that a later one replaces. Canonical bytes are judged twice by that, and
 * their errors keep their offsets.
 */
static bool run_any(struct pb_to_json *c, const uint8_t *pb, size_t len, struct spb_bytes *json,
                    struct spb_error *error)
{
    bool fine = run(c, pb, len, json);

    if (!fine && may_be_replaced(c->reader.error.status) && normalise(c, pb, len)) {
        pb = c->converter->normal.data;
        len = c->converter->normal.len;
        fine = run(c, pb, len, json);
    }
    if (!fine && error != NULL) {
        *error = c->reader.error;
        spb_wire_locate(c->converter->schema->session, pb, len, error);
    }
    return fine;
}

/*
 * A member that was additional when the bytes were written is a field of the schema by now: reading
 * the text as JSON gives it its place, or refuses what it holds.
 */
static enum spb_status promote(struct pb_to_json *c, struct spb_bytes *json,
                               struct spb_error *error)
{
    struct spb_bytes *const text = &c->converter->text;
    struct spb_bytes *const pb = &c->converter->pb;
    size_t used = 0;

    pb->len = 0;
    if (spb_bytes_copy_padded(text, json->data + json->len, spb_out_offset(&c->out) - json->len) !=
        SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    const enum spb_status status =
        spb_json_to_pb_padded(c->converter, (const char *)text->data, text->len, &used, pb, error);
    if (status != SPB_OK) {
        spb_error_unplace(error);
        return status;
    }
    if (!spb_bytes_pad(pb))
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    return run_any(c, pb->data, pb->len, json, error) ? SPB_OK : c->reader.error.status;
}

enum spb_status spb_pb_to_json_padded(spb_converter *converter, const uint8_t *pb, size_t len,
                                      struct spb_bytes *json, struct spb_error *error)
{
    struct pb_to_json c = { .converter = converter };

    if (!run_any(&c, pb, len, json, error))
        return c.reader.error.status;
    const enum spb_status status = c.shadowed ? promote(&c, json, error) : SPB_OK;
    if (status != SPB_OK)
        return status;
    spb_out_finish(&c.out);
    json->data[json->len] = '\0'; /* FIELD_ROOM holds it */
    return SPB_OK;
}

/* See sessionpb/convert.h. */
enum spb_status spb_pb_to_json(spb_converter *converter, const void *pb, size_t len,
                               struct spb_bytes *json, struct spb_error *error)
{
    if (len > converter->options.limits.document_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "the message is longer than the limit of %zu bytes",
                             converter->options.limits.document_max);
    if (spb_bytes_copy_padded(&converter->input, pb, len) != SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    return spb_pb_to_json_padded(converter, converter->input.data, len, json, error);
}
