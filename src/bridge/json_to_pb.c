/*
 * JSON text to protobuf bytes in one pass: a value is written to its place in the message as it is
 * read. The next row is predicted, because members mostly come in the order of the definition; only
 * a member that comes otherwise is looked up by its name.
 */
#include <sessionpb/convert.h>

#include <string.h>

#include "base/error.h"
#include "base/number.h"
#include "bridge/message.h"
#include "json/locate.h"
#include "json/reader.h"

enum {
    PREDICTIONS = 3,  /* rows tried before a name is looked up */
    INT32_DIGITS = 9, /* that every int32 has room for */
};

struct json_to_pb {
    struct spb_json_reader reader;
    struct spb_pb_writer writer;
    spb_converter *converter;
};

static const char *read_message(struct json_to_pb *c, const char *at,
                                const struct spb_table *table);

/* ------------------------------------------------------------------ failing */

static const char *fail_memory(struct json_to_pb *c, const char *at)
{
    return spb_json_fail(&c->reader, SPB_NO_MEMORY, at, "out of memory");
}

/* `at` is where the message is that cannot be closed. */
static const char *fail_fault(struct json_to_pb *c, const char *at, const struct spb_fault *fault)
{
    if (fault->source != SIZE_MAX)
        at = c->reader.begin + fault->source;
    return spb_json_fail(&c->reader, fault->status, at, "%s", fault->reason);
}

/* Room for what is written before the next call of this: see SPB_MEMBER_ROOM. */
static bool make_room(struct json_to_pb *c, const char *at)
{
    return spb_out_room(&c->writer.out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM);
}

/* Malformed text is that, whatever its type: so the value is read once more before it is judged. */
static const char *fail_type(struct json_to_pb *c, const char *at, const char *expected)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);

    if (!spb_out_room(&stack->out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM))
        return fail_memory(c, at);
    const char *const end = spb_json_copy_value(&c->reader, at, &stack->out.at);
    spb_additional_drop(stack, &mark);
    if (end == NULL)
        return NULL;
    if (end == c->reader.end) /* a number that may go on */
        return spb_json_fail(&c->reader, SPB_BAD_JSON, end, "the number is cut short");
    return spb_json_fail(&c->reader, SPB_WRONG_TYPE, at, "expected %s", expected);
}

/* ------------------------------------------------------------------ scalar values */

static const char *read_string(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    struct spb_out *const out = &c->writer.out;

    if (*at != '"')
        return fail_type(c, at, "a string");
    out->at = spb_wire_put_tag(out->at, row);
    const size_t length = spb_length_open(&c->writer, row);
    at = spb_json_string(&c->reader, at + 1, &out->at);
    if (at != NULL)
        spb_length_close(&c->writer, row, length);
    return at;
}

/* What the text cuts short may become another number. */
static const char *fail_range(struct json_to_pb *c, const char *at, const char *end,
                              const char *reason)
{
    if (end == c->reader.end)
        return spb_json_fail(&c->reader, SPB_BAD_JSON, end, "the number is cut short");
    return spb_json_fail(&c->reader, SPB_OUT_OF_RANGE, at, "%s", reason);
}

/* Any spelling of a number. */
static const char *read_any_int32(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    int32_t value;

    if (*at != '-' && (*at < '0' || *at > '9'))
        return fail_type(c, at, "a number");
    const char *const end = spb_json_number(&c->reader, at);
    if (end == NULL)
        return NULL;
    if (!spb_int32_from_text(at, (size_t)(end - at), &value))
        return fail_range(c, at, end,
                          "the number is not an int32: a whole number from -2147483648 to "
                          "2147483647");
    spb_put_int32(&c->writer, row, value);
    return end;
}

/* What is not up to nine digits and nothing else takes the other way. */
static const char *read_int32(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    const char *const begin = at;
    int32_t value = 0;

    while (*at >= '0' && *at <= '9' && at - begin < INT32_DIGITS)
        value = value * 10 + (*at++ - '0');
    const bool more = (*at >= '0' && *at <= '9') || *at == '.' || *at == 'e' || *at == 'E';
    if (at == begin || more || (*begin == '0' && at - begin > 1))
        return read_any_int32(c, begin, row);
    spb_put_int32(&c->writer, row, value);
    return at;
}

static const char *read_double(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    double value;

    if (*at != '-' && (*at < '0' || *at > '9'))
        return fail_type(c, at, "a number");
    const char *const end = spb_json_number(&c->reader, at);
    if (end == NULL)
        return NULL;
    if (!spb_double_from_text(at, (size_t)(end - at), &value))
        return fail_range(c, at, end, "the number is not a double: it is too large");
    spb_put_double(&c->writer, row, value);
    return end;
}

static const char *read_bool(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    const bool value = *at == 't';

    if (*at != 't' && *at != 'f')
        return fail_type(c, at, "true or false");
    at = spb_json_expect(&c->reader, at, value ? "true" : "false", "true or false");
    if (at != NULL)
        spb_put_bool(&c->writer, row, value);
    return at;
}

/* The string is read to where the bytes will stand, which take its place. */
static const char *read_time(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    const char *const begin = at;
    uint8_t *const text = c->writer.out.at;
    uint8_t *end = text;
    struct spb_time time;

    if (*at != '"')
        return fail_type(c, at, "a string with a date-time");
    at = spb_json_string(&c->reader, at + 1, &end);
    if (at == NULL)
        return NULL;
    const char *reason = spb_time_from_text((const char *)text, (size_t)(end - text), &time);
    if (reason != NULL)
        return spb_json_fail(&c->reader, SPB_OUT_OF_RANGE, begin, "%s", reason);
    spb_put_time(&c->writer, row, time);
    return at;
}

/* ------------------------------------------------------------------ composite values */

static const char *read_nested(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    if (*at != '{')
        return fail_type(c, at, "an object");
    c->writer.out.at = spb_wire_put_tag(c->writer.out.at, row);
    const size_t length = spb_length_open(&c->writer, row);
    at = read_message(c, at, row->table);
    if (at != NULL)
        spb_length_close(&c->writer, row, length);
    return at;
}

/* One entry: its key is a member's name. */
static const char *read_entry(struct json_to_pb *c, const char *at, const struct spb_row *row,
                              struct spb_map *map)
{
    const size_t offset = spb_out_offset(&c->writer.out);
    const size_t source = (size_t)(at - c->reader.begin);
    const struct spb_row *const entry = row->table->rows;

    if (*at != '"')
        return spb_json_fail(&c->reader, SPB_BAD_JSON, at, "expected a key in quotes");
    c->writer.out.at = spb_wire_put_tag(c->writer.out.at, row);
    const size_t length = spb_length_open(&c->writer, row);
    at = read_string(c, at, &entry[SPB_ENTRY_KEY - 1]);
    if (at != NULL)
        at = spb_json_expect(&c->reader, spb_json_space(at), ":", "':' behind a key");
    if (at != NULL)
        at = read_nested(c, spb_json_space(at), &entry[SPB_ENTRY_VALUE - 1]);
    if (at == NULL)
        return NULL;
    spb_length_close(&c->writer, row, length);
    return spb_map_entry(&c->writer, map, offset, source) ? at : fail_memory(c, at);
}

/* `at` is behind a value. Returns the start of the next one, or `close`, or NULL. */
static const char *next_item(struct json_to_pb *c, const char *at, char close)
{
    at = spb_json_space(at);
    if (*at == close)
        return at;
    if (*at != ',')
        return spb_json_fail(&c->reader, SPB_BAD_JSON, at, "expected ',' or '%c'", close);
    at = spb_json_space(at + 1);
    if (*at == close)
        return spb_json_fail(&c->reader, SPB_BAD_JSON, at, "nothing stands behind the last ','");
    return make_room(c, at) ? at : fail_memory(c, at);
}

static const char *read_map(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    const char *const begin = at;
    struct spb_fault fault;
    struct spb_map map;

    if (*at != '{')
        return fail_type(c, at, "an object");
    spb_map_open(&c->writer, &map);
    at = spb_json_space(at + 1);
    while (at != NULL && *at != '}') {
        at = read_entry(c, at, row, &map);
        if (at != NULL)
            at = next_item(c, at, '}');
    }
    if (at != NULL && !spb_map_close(&c->writer, &map, &fault))
        return fail_fault(c, begin, &fault);
    return at == NULL ? NULL : at + 1;
}

typedef const char *read_value(struct json_to_pb *c, const char *at, const struct spb_row *row);

static read_value *const readers[SPB_KIND_COUNT] = {
    [SPB_KIND_STRING] = read_string,  [SPB_KIND_INT32] = read_int32,
    [SPB_KIND_DOUBLE] = read_double,  [SPB_KIND_BOOL] = read_bool,
    [SPB_KIND_TIMESTAMP] = read_time, [SPB_KIND_MESSAGE] = read_nested,
    [SPB_KIND_MAP] = read_map,
};

static const char *read_array(struct json_to_pb *c, const char *at, const struct spb_row *row)
{
    if (*at != '[')
        return fail_type(c, at, "an array");
    at = spb_json_space(at + 1);
    while (at != NULL && *at != ']') {
        at = readers[row->kind](c, at, row);
        if (at != NULL)
            at = next_item(c, at, ']');
    }
    return at == NULL ? NULL : at + 1;
}

/* ------------------------------------------------------------------ additional members */

/*
 * Puts a member on the stack of additional ones. `mark` is from before its plain name, which stands
 * there already; `name` is where the member begins, `at` its value.
 */
static const char *keep_member(struct json_to_pb *c, const char *at, const char *name,
                               const struct spb_additional_mark *mark)
{
    struct spb_additional *const stack = &c->converter->additional;
    const size_t name_len = spb_out_offset(&stack->out) - mark->offset;

    if (!spb_additional_name(stack, mark) ||
        !spb_out_room(&stack->out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM))
        return fail_memory(c, at);
    at = spb_json_copy_value(&c->reader, at, &stack->out.at);
    if (at != NULL && !spb_additional_push(stack, mark, name_len, (size_t)(name - c->reader.begin)))
        return fail_memory(c, at);
    return at;
}

static const char *read_unknown_fields(struct json_to_pb *c, const char *at, const char *name,
                                       struct spb_message *message)
{
    const char *const begin = at;
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    struct spb_fault fault;

    if (message->has_unknown_fields)
        return spb_json_fail(&c->reader, SPB_DUPLICATE_MEMBER, name,
                             "\"" SPB_UNKNOWN_FIELDS "\" occurs twice in one object");
    message->has_unknown_fields = true;
    if (*at == 'n')
        return spb_json_expect(&c->reader, at, "null", "a value");
    if (*at != '"')
        return spb_json_fail(&c->reader, SPB_BAD_WIRE, at, "expected a string with base64");
    if (!spb_out_room(&stack->out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM))
        return fail_memory(c, at);
    at = spb_json_string(&c->reader, at + 1, &stack->out.at);
    if (at == NULL)
        return NULL;
    const char *const text = (const char *)stack->text.data + mark.offset;
    const size_t len = spb_out_offset(&stack->out) - mark.offset;
    if (c->converter->options.unknown != SPB_UNKNOWN_DROP &&
        !spb_message_unknown_fields(&c->writer, message, text, len, &fault))
        return fail_fault(c, begin, &fault);
    spb_additional_drop(stack, &mark);
    return at;
}

/* A member that the schema does not define, whose plain name is on the stack. */
static const char *read_additional(struct json_to_pb *c, const char *at, const char *name,
                                   const struct spb_additional_mark *mark,
                                   struct spb_message *message)
{
    struct spb_additional *const stack = &c->converter->additional;
    const char *const plain = (const char *)stack->text.data + mark->offset;
    const bool unknown_fields =
        spb_is_unknown_fields(plain, spb_out_offset(&stack->out) - mark->offset);

    if (c->converter->options.unknown == SPB_UNKNOWN_REJECT)
        return spb_json_fail(&c->reader, SPB_UNKNOWN_MEMBER, name,
                             "the schema does not define this member");
    if (unknown_fields) {
        spb_additional_drop(stack, mark);
        return read_unknown_fields(c, at, name, message);
    }
    at = keep_member(c, at, name, mark);
    if (at != NULL && c->converter->options.unknown == SPB_UNKNOWN_DROP)
        spb_additional_hide(stack);
    return at;
}

/* ------------------------------------------------------------------ members */

/* The row of a member whose text begins as a row's does that is likely next, or NULL. */
static const struct spb_row *predict(const struct spb_message *message, const char *at)
{
    const struct spb_row *row = message->table->rows + message->next;
    const struct spb_row *end = message->table->rows + message->table->row_count;

    if (end - row > PREDICTIONS)
        end = row + PREDICTIONS;
    for (; row < end; row++) {
        const size_t len = row->prefix_len - 1u;
        if ((spb_match(at, row->prefix + 1) & row->key_bits) == row->key_bits &&
            (len <= SPB_KEY_VECTOR || memcmp(at, row->prefix + 1, len) == 0))
            return row;
    }
    return NULL;
}

/*
 * Puts the plain name of the member at `at` on the stack, and finds its row, or NULL in *row. Returns
 * the place of its value.
 */
static const char *read_name(struct json_to_pb *c, const char *at, const struct spb_table *table,
                             const struct spb_row **row)
{
    struct spb_additional *const stack = &c->converter->additional;

    if (*at != '"')
        return spb_json_fail(&c->reader, SPB_BAD_JSON, at, "expected a member's name in quotes");
    if (!spb_out_room(&stack->out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM))
        return fail_memory(c, at);
    uint8_t *const name = stack->out.at;
    at = spb_json_string(&c->reader, at + 1, &stack->out.at);
    if (at == NULL)
        return NULL;
    *row = spb_table_find_name(table, (const char *)name, (size_t)(stack->out.at - name));
    at = spb_json_expect(&c->reader, spb_json_space(at), ":", "':' behind a member's name");
    return at == NULL ? NULL : spb_json_space(at);
}

static const char *read_defined(struct json_to_pb *c, const char *at, const struct spb_row *row,
                                struct spb_message *message)
{
    if (*at == 'n') {
        spb_row_set_add(&message->absent, row->index);
        return spb_json_expect(&c->reader, at, "null", "a value");
    }
    if (row->repeated)
        return read_array(c, at, row);
    return readers[row->kind](c, at, row);
}

/* Takes back what was written of a value of the wrong type, and keeps its text (--lenient). */
static const char *keep_verbatim(struct json_to_pb *c, const char *at, const char *name,
                                 const struct spb_row *row, const struct spb_additional_mark *mark)
{
    struct spb_additional *const stack = &c->converter->additional;
    const size_t len = spb_row_name_len(row);

    c->reader.error.status = SPB_OK;
    spb_additional_drop(stack, mark);
    if (!spb_out_room(&stack->out, len))
        return fail_memory(c, at);
    memcpy(stack->out.at, spb_row_name(row), len);
    stack->out.at += len;
    return keep_member(c, at, name, mark);
}

static const char *read_row(struct json_to_pb *c, const char *at, const char *name,
                            const struct spb_row *row, struct spb_message *message)
{
    const size_t offset = spb_out_offset(&c->writer.out);
    const size_t entries = c->converter->entries.count;
    const struct spb_additional_mark mark = spb_additional_mark(&c->converter->additional);

    if (!spb_message_see(message, row))
        return spb_json_fail(&c->reader, SPB_DUPLICATE_MEMBER, name,
                             "the member occurs twice in one object");
    const char *const end = read_defined(c, at, row, message);
    if (end != NULL || !c->converter->options.lenient ||
        (c->reader.error.status != SPB_WRONG_TYPE && c->reader.error.status != SPB_OUT_OF_RANGE))
        return end;
    spb_out_rewind(&c->writer.out, offset);
    c->converter->entries.count = entries;
    return keep_verbatim(c, at, name, row, &mark);
}

static const char *read_member(struct json_to_pb *c, const char *at, struct spb_message *message)
{
    const char *const name = at;
    const struct spb_row *row = predict(message, at);

    if (row != NULL) {
        at = spb_json_space(at + row->prefix_len - 1);
        return read_row(c, at, name, row, message);
    }
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    at = read_name(c, at, message->table, &row);
    if (at == NULL)
        return NULL;
    if (row == NULL)
        return read_additional(c, at, name, &mark, message);
    spb_additional_drop(stack, &mark);
    return read_row(c, at, name, row, message);
}

static const char *read_message(struct json_to_pb *c, const char *at, const struct spb_table *table)
{
    struct spb_message message;
    struct spb_fault fault;

    spb_message_open(&c->writer, table, &message);
    at = spb_json_space(at + 1);
    while (*at != '}') {
        at = read_member(c, at, &message);
        if (at != NULL)
            at = next_item(c, at, '}');
        if (at == NULL)
            return NULL;
    }
    if (!spb_message_close(&c->writer, &message, (size_t)(c->reader.end - at), &fault))
        return fail_fault(c, at, &fault);
    return at + 1;
}

/* ------------------------------------------------------------------ the document */

static const char *read_document(struct json_to_pb *c, const char *at)
{
    if (!make_room(c, at))
        return fail_memory(c, at);
    if (*at == '{')
        return read_message(c, at, c->converter->schema->session);
    const bool value = *at != '\0' && strchr("[\"-0123456789tfn", *at) != NULL;
    return spb_json_fail(&c->reader, value ? SPB_WRONG_TYPE : SPB_BAD_JSON, at,
                         "expected an object, which a session is");
}

enum spb_status spb_json_to_pb_padded(spb_converter *converter, const char *json, size_t len,
                                      size_t *used_out, struct spb_bytes *pb,
                                      struct spb_error *error)
{
    struct json_to_pb c = { .reader = { .begin = json,
                                        .end = json + len,
                                        .depth_max = converter->options.limits.depth_max },
                            .writer = { .converter = converter },
                            .converter = converter };
    const char *at = spb_json_space(json);

    spb_out_begin(&c.writer.out, pb);
    spb_additional_begin(&converter->additional);
    converter->entries.count = 0;
    at = read_document(&c, at);
    if (at == NULL) {
        if (error != NULL) {
            *error = c.reader.error;
            spb_json_locate(json, len, error);
        }
        return c.reader.error.status;
    }
    spb_out_finish(&c.writer.out);
    *used_out = (size_t)(at - json);
    return SPB_OK;
}

/* See sessionpb/convert.h. */
enum spb_status spb_json_to_pb(spb_converter *converter, const char *json, size_t len,
                               struct spb_bytes *pb, struct spb_error *error)
{
    const size_t pb_len = pb->len;
    size_t used = 0;

    if (len > converter->options.limits.document_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "the document is longer than the limit of %zu bytes",
                             converter->options.limits.document_max);
    if (spb_bytes_copy_padded(&converter->input, json, len) != SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    const char *const text = (const char *)converter->input.data;
    enum spb_status status = spb_json_to_pb_padded(converter, text, len, &used, pb, error);
    if (status != SPB_OK)
        return status;
    const char *const behind = spb_json_space(text + used);
    if (behind == text + len)
        return SPB_OK;
    pb->len = pb_len;
    status = spb_error_set(error, SPB_BAD_JSON, (size_t)(behind - text),
                           "something stands behind the document");
    if (error != NULL)
        spb_json_locate(text, len, error);
    return status;
}
