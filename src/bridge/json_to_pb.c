/*
 * JSON text to protobuf bytes in one pass: a value is written to its place in the message as it is
 * read. The next row is predicted, because members mostly come in the order of the definition; only
 * a member that comes otherwise is looked up by its name.
 */
#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "bridge/engine.h"
#include "bridge/message.h"
#include "json/reader.h"

struct json_to_pb {
    struct spb_json_reader reader;
    struct spb_pb_writer writer; /* its cursor is behind `to`: see flush() */
    spb_converter *converter;
    bool lenient;
};

/* Where text is read, and where bytes are written: two values, so that they stay in registers. */
struct cursor {
    const char *at; /* NULL: it has failed */
    uint8_t *to;
};

static struct cursor read_message(struct json_to_pb *c, struct cursor k,
                                  const struct spb_table *table);

/* ------------------------------------------------------------------ failing */

static struct cursor failed(const char *null)
{
    return (struct cursor){ null, NULL };
}

static struct cursor fail(struct json_to_pb *c, enum spb_status status, const char *at,
                          const char *reason)
{
    return failed(spb_json_fail(&c->reader, status, at, "%s", reason));
}

static const char *fail_memory(struct json_to_pb *c, const char *at)
{
    return fail(c, SPB_NO_MEMORY, at, "out of memory").at;
}

/* `at` is where the message is that cannot be closed. */
static const char *fail_fault(struct json_to_pb *c, const char *at, const struct spb_fault *fault)
{
    if (fault->source != SIZE_MAX)
        at = c->reader.begin + fault->source;
    return spb_json_fail(&c->reader, fault->status, at, "%s", fault->reason);
}

/* Malformed text is that, whatever its type: so the value is read once more before it is judged. */
static struct cursor fail_type(struct json_to_pb *c, const char *at, const char *expected)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);

    if (!spb_out_room(&stack->out, (size_t)(c->reader.end - at) + SPB_MEMBER_ROOM))
        return failed(fail_memory(c, at));
    const char *const end = spb_json_copy_value(&c->reader, at, &stack->out.at);
    spb_additional_drop(stack, &mark);
    if (end == NULL)
        return failed(NULL);
    if (end == c->reader.end) /* a number that may go on */
        return fail(c, SPB_BAD_JSON, end, "the number is cut short");
    return failed(spb_json_fail(&c->reader, SPB_WRONG_TYPE, at, "expected %s", expected));
}

/* ------------------------------------------------------------------ room */

/* The writer takes over, to do what needs more than a place to write to. */
static struct spb_pb_writer *flush(struct json_to_pb *c, uint8_t *to)
{
    c->writer.out.at = to;
    return &c->writer;
}

static uint8_t *base(const struct json_to_pb *c)
{
    return c->writer.out.bytes->data;
}

static struct cursor grow(struct json_to_pb *c, struct cursor k, size_t room)
{
    if (!spb_out_grow(&flush(c, k.to)->out, room))
        return failed(fail_memory(c, k.at));
    k.to = c->writer.out.at;
    return k;
}

/* Makes room for what is written before the next call of this: see SPB_MEMBER_ROOM. */
static inline struct cursor make_room(struct json_to_pb *c, struct cursor k)
{
    const size_t room = (size_t)(c->reader.end - k.at) + SPB_MEMBER_ROOM;

    return (size_t)(c->writer.out.end - k.to) >= room ? k : grow(c, k, room);
}

/* ------------------------------------------------------------------ scalar values */

/* Any string; `to` is behind its tag. */
static struct cursor read_long_string(struct json_to_pb *c, struct cursor k,
                                      const struct spb_row *row)
{
    uint8_t *end = spb_length_open(c->converter, row, k.to);

    k.at = spb_json_string(&c->reader, k.at + 1, &end);
    if (k.at != NULL)
        k.to = spb_length_close(c->converter, row, k.to, end);
    return k;
}

/* ASCII that ends within two vectors is whole when they are copied. */
static inline struct cursor read_string(struct json_to_pb *c, struct cursor k,
                                        const struct spb_row *row)
{
    if (*k.at != '"')
        return fail_type(c, k.at, "a string");
    const char *const text = k.at + 1;
    uint8_t *const length = spb_wire_put_tag(k.to, row);
    const struct spb_scan scan = spb_copy_scan(text, length + 1);
    unsigned len = spb_first(scan.stop);
    uint32_t high = scan.high & spb_first_bits(len);
    if (len == SPB_VECTOR) {
        const struct spb_scan more = spb_copy_scan(text + SPB_VECTOR, length + 1 + SPB_VECTOR);
        const unsigned more_len = spb_first(more.stop);
        high |= more.high & spb_first_bits(more_len);
        len += more_len;
    }
    if (text[len] != '"' || high != 0)
        return read_long_string(c, (struct cursor){ k.at, length }, row);
    *length = (uint8_t)len;
    return (struct cursor){ text + len + 1, length + 1 + len };
}

/* What the text cuts short may become another number. */
static struct cursor fail_range(struct json_to_pb *c, const char *at, const char *end,
                                const char *reason)
{
    if (end == c->reader.end)
        return fail(c, SPB_BAD_JSON, end, "the number is cut short");
    return fail(c, SPB_OUT_OF_RANGE, at, reason);
}

static const char *number_end(struct json_to_pb *c, const char *at)
{
    if (*at != '-' && (*at < '0' || *at > '9'))
        return fail_type(c, at, "a number").at;
    return spb_json_number(&c->reader, at);
}

/* Any spelling of a number. */
static struct cursor read_any_int32(struct json_to_pb *c, struct cursor k,
                                    const struct spb_row *row)
{
    const char *const end = number_end(c, k.at);
    int32_t value;

    if (end == NULL)
        return failed(NULL);
    if (!spb_int32_from_text(k.at, (size_t)(end - k.at), &value))
        return fail_range(c, k.at, end,
                          "the number is not an int32: a whole number from -2147483648 to "
                          "2147483647");
    return (struct cursor){ end, spb_put_int32(k.to, row, value) };
}

static struct cursor read_int32(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    int32_t value;
    const char *const end = spb_int32_from_digits(k.at, &value);

    return end == NULL ? read_any_int32(c, k, row)
                       : (struct cursor){ end, spb_put_int32(k.to, row, value) };
}

static struct cursor read_double(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    const char *const end = number_end(c, k.at);
    double value;

    if (end == NULL)
        return failed(NULL);
    if (!spb_double_from_text(k.at, (size_t)(end - k.at), &value))
        return fail_range(c, k.at, end, "the number is not a double: it is too large");
    return (struct cursor){ end, spb_put_double(k.to, row, value) };
}

static struct cursor read_bool(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    const bool value = *k.at == 't';

    if (*k.at != 't' && *k.at != 'f')
        return fail_type(c, k.at, "true or false");
    k.at = spb_json_expect(&c->reader, k.at, value ? "true" : "false", "true or false");
    k.to = spb_put_bool(k.to, row, value);
    return k;
}

/* A date-time that is spelled in another way than the platform's: read to where its bytes will be. */
static struct cursor read_any_time(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    const char *const begin = k.at;
    uint8_t *end = k.to;
    struct spb_time time;

    if (*k.at != '"')
        return fail_type(c, k.at, "a string with a date-time");
    k.at = spb_json_string(&c->reader, k.at + 1, &end);
    if (k.at == NULL)
        return k;
    const char *const reason = spb_time_from_text((char *)k.to, (size_t)(end - k.to), &time);
    if (reason != NULL)
        return fail(c, SPB_OUT_OF_RANGE, begin, reason);
    k.to = spb_put_time(k.to, row, time.seconds, time.nanos);
    return k;
}

static struct cursor read_time(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    struct spb_time time;

    if (k.at[0] != '"' || k.at[SPB_TIME_FORM_LEN + 1] != '"' ||
        !spb_time_from_form(k.at + 1, &time))
        return read_any_time(c, k, row);
    return (struct cursor){ k.at + SPB_TIME_FORM_LEN + 2,
                            spb_put_time(k.to, row, time.seconds, time.nanos) };
}

/* ------------------------------------------------------------------ composite values */

static struct cursor read_nested(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    if (*k.at != '{')
        return fail_type(c, k.at, "an object");
    k.to = spb_wire_put_tag(k.to, row);
    const size_t length = (size_t)(k.to - base(c));
    k.to = spb_length_open(c->converter, row, k.to);
    k = read_message(c, k, row->table);
    if (k.at != NULL)
        k.to = spb_length_close(c->converter, row, base(c) + length, k.to);
    return k;
}

/* One entry: its key is a member's name. */
static struct cursor read_entry(struct json_to_pb *c, struct cursor k, const struct spb_row *row,
                                struct spb_map *map)
{
    const size_t offset = (size_t)(k.to - base(c));
    const size_t source = (size_t)(k.at - c->reader.begin);
    const struct spb_row *const entry = row->table->rows;

    if (*k.at != '"')
        return fail(c, SPB_BAD_JSON, k.at, "expected a key in quotes");
    k.to = spb_wire_put_tag(k.to, row);
    const size_t length = (size_t)(k.to - base(c));
    k.to = spb_length_open(c->converter, row, k.to);
    k = read_string(c, k, &entry[SPB_ENTRY_KEY - 1]);
    if (k.at == NULL)
        return k;
    k.at = spb_json_space(k.at);
    if (*k.at != ':')
        return fail(c, SPB_BAD_JSON, k.at, "expected ':' behind a key");
    k.at = spb_json_space(k.at + 1);
    k = read_nested(c, k, &entry[SPB_ENTRY_VALUE - 1]);
    if (k.at == NULL)
        return k;
    k.to = spb_length_close(c->converter, row, base(c) + length, k.to);
    return spb_map_entry(flush(c, k.to), map, offset, source) ? k : failed(fail_memory(c, k.at));
}

/* Behind a value. Goes to the start of the next one, or to `close`. */
static inline struct cursor next_item(struct json_to_pb *c, struct cursor k, char close)
{
    k.at = spb_json_space(k.at);
    if (*k.at == close)
        return k;
    if (*k.at != ',')
        return failed(spb_json_fail(&c->reader, SPB_BAD_JSON, k.at, "expected ',' or '%c'", close));
    k.at = spb_json_space(k.at + 1);
    if (*k.at == close)
        return fail(c, SPB_BAD_JSON, k.at, "nothing stands behind the last ','");
    return make_room(c, k);
}

static struct cursor read_map(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    const char *const begin = k.at;
    struct spb_fault fault;
    struct spb_map map;

    if (*k.at != '{')
        return fail_type(c, k.at, "an object");
    spb_map_open(flush(c, k.to), row, &map);
    k.at = spb_json_space(k.at + 1);
    while (k.at != NULL && *k.at != '}') {
        k = read_entry(c, k, row, &map);
        if (k.at != NULL)
            k = next_item(c, k, '}');
    }
    if (k.at == NULL)
        return k;
    if (!spb_map_close(flush(c, k.to), &map, &fault))
        return failed(fail_fault(c, begin, &fault));
    return (struct cursor){ k.at + 1, k.to };
}

static inline struct cursor read_value(struct json_to_pb *c, struct cursor k,
                                       const struct spb_row *row)
{
    switch ((enum spb_kind)row->kind) {
    case SPB_KIND_STRING:
        return read_string(c, k, row);
    case SPB_KIND_TIMESTAMP:
        return read_time(c, k, row);
    case SPB_KIND_INT32:
        return read_int32(c, k, row);
    case SPB_KIND_BOOL:
        return read_bool(c, k, row);
    case SPB_KIND_DOUBLE:
        return read_double(c, k, row);
    case SPB_KIND_MESSAGE:
        return read_nested(c, k, row);
    case SPB_KIND_MAP:
        return read_map(c, k, row);
    default:
        return fail(c, SPB_INTERNAL, k.at, "a field of no known kind");
    }
}

static struct cursor read_array(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    if (*k.at != '[')
        return fail_type(c, k.at, "an array");
    k.at = spb_json_space(k.at + 1);
    while (k.at != NULL && *k.at != ']') {
        k = read_value(c, k, row);
        if (k.at != NULL)
            k = next_item(c, k, ']');
    }
    return k.at == NULL ? k : (struct cursor){ k.at + 1, k.to };
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

/* The fields go to where the writer's cursor is: flushed. */
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

/*
 * The one of the likely rows whose `,"name":` stands here, or NULL. `any`: 1 if any byte will do for
 * the comma, else 0.
 */
static inline const struct spb_row *predict(const struct spb_row *next, const char *at,
                                            uint32_t any)
{
    for (unsigned i = 0; i < SPB_PREDICTIONS; i++) {
        if ((next[i].prefix_bits & ~(uint64_t)(spb_match(at, next[i].prefix) | any)) == 0)
            return &next[i];
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

static inline struct cursor read_defined(struct json_to_pb *c, struct cursor k,
                                         const struct spb_row *row, struct spb_message *message)
{
    if (*k.at == 'n') {
        message->absent |= spb_row_bit(row);
        k.at = spb_json_expect(&c->reader, k.at, "null", "a value");
        return k;
    }
    return row->repeated ? read_array(c, k, row) : read_value(c, k, row);
}

/* Takes back what was written of a value of the wrong type, and keeps its text. */
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

/* As read_defined(), with --lenient. */
static struct cursor read_leniently(struct json_to_pb *c, struct cursor k, const char *name,
                                    const struct spb_row *row, struct spb_message *message)
{
    const size_t offset = (size_t)(k.to - base(c));
    const size_t entries = c->converter->entries.count;
    const struct spb_additional_mark mark = spb_additional_mark(&c->converter->additional);
    const struct cursor behind = read_defined(c, k, row, message);

    if (behind.at != NULL ||
        (c->reader.error.status != SPB_WRONG_TYPE && c->reader.error.status != SPB_OUT_OF_RANGE))
        return behind;
    c->converter->entries.count = entries;
    return (struct cursor){ keep_verbatim(c, k.at, name, row, &mark), base(c) + offset };
}

static inline struct cursor read_row(struct json_to_pb *c, struct cursor k, const char *name,
                                     const struct spb_row *row, struct spb_message *message)
{
    k.at = spb_json_space(k.at);
    return c->lenient ? read_leniently(c, k, name, row, message)
                      : read_defined(c, k, row, message);
}

/* A member whose comma, or what stands for it, is at k.at. */
static inline struct cursor read_predicted(struct json_to_pb *c, struct cursor k,
                                           const struct spb_row *row, struct spb_message *message)
{
    const char *const name = k.at + 1;

    message->next = row + 1;
    message->seen |= spb_row_bit(row);
    k.at += row->prefix_len;
    return read_row(c, k, name, row, message);
}

static struct cursor read_unpredicted(struct json_to_pb *c, struct cursor k,
                                      struct spb_message *message)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    const char *const name = k.at;
    const struct spb_row *row = NULL;

    k.at = read_name(c, k.at, message->table, &row);
    if (k.at == NULL)
        return k;
    if (row == NULL) {
        flush(c, k.to);
        k.at = read_additional(c, k.at, name, &mark, message);
        return (struct cursor){ k.at, c->writer.out.at };
    }
    spb_additional_drop(stack, &mark);
    if (!spb_message_see(message, row))
        return fail(c, SPB_DUPLICATE_MEMBER, name, "the member occurs twice in one object");
    return read_row(c, k, name, row, message);
}

/* What was not predicted: white space, a member that comes otherwise, or the object's end. */
static struct cursor read_other(struct json_to_pb *c, struct cursor k, struct spb_message *message,
                                bool first)
{
    const char *const begin = k.at;

    k.at = spb_json_space(begin + first);
    if (!first && *k.at == ',') {
        k.at = spb_json_space(k.at + 1);
        if (*k.at == '}')
            return fail(c, SPB_BAD_JSON, k.at, "nothing stands behind the last ','");
    } else if (*k.at == '}') {
        return k;
    } else if (!first) {
        return fail(c, SPB_BAD_JSON, k.at, "expected ',' or '}'");
    }
    const struct spb_row *const row =
        k.at == begin + 1 ? NULL : predict(message->next, k.at - 1, 1);
    if (row == NULL)
        return read_unpredicted(c, k, message);
    k.at--;
    return read_predicted(c, k, row, message);
}

static struct cursor read_message(struct json_to_pb *c, struct cursor k,
                                  const struct spb_table *table)
{
    struct spb_message message;
    struct spb_fault fault;
    bool first = true;

    spb_message_open(flush(c, k.to), table, &message);
    do {
        const struct spb_row *const row = predict(message.next, k.at, first);
        k = row != NULL ? read_predicted(c, k, row, &message) : read_other(c, k, &message, first);
        if (k.at != NULL)
            k = make_room(c, k);
        if (k.at == NULL)
            return k;
        first = false;
    } while (*k.at != '}');
    if (spb_message_is_plain(c->converter, &message))
        return (struct cursor){ k.at + 1, k.to };
    if (!spb_message_close(flush(c, k.to), &message, (size_t)(c->reader.end - k.at), &fault))
        return failed(fail_fault(c, k.at, &fault));
    return (struct cursor){ k.at + 1, c->writer.out.at };
}

/* ------------------------------------------------------------------ the document */

static struct cursor read_document(struct json_to_pb *c, struct cursor k)
{
    k = make_room(c, k);
    if (k.at == NULL)
        return k;
    if (*k.at == '{')
        return read_message(c, k, c->converter->schema->session);
    const bool value = *k.at != '\0' && strchr("[\"-0123456789tfn", *k.at) != NULL;
    return fail(c, value ? SPB_WRONG_TYPE : SPB_BAD_JSON, k.at,
                "expected an object, which a session is");
}

enum spb_status SPB_JSON_TO_PB(spb_converter *converter, const char *json, size_t len,
                               size_t *used_out, struct spb_bytes *pb, struct spb_error *error)
{
    struct json_to_pb c = { .reader = { .begin = json,
                                        .end = json + len,
                                        .depth_max = converter->options.limits.depth_max },
                            .writer = { .converter = converter },
                            .converter = converter,
                            .lenient = converter->options.lenient };

    spb_out_begin(&c.writer.out, pb);
    spb_additional_begin(&converter->additional);
    converter->entries.count = 0;
    const struct cursor k =
        read_document(&c, (struct cursor){ spb_json_space(json), c.writer.out.at });
    if (k.at == NULL) {
        *error = c.reader.error;
        return c.reader.error.status;
    }
    spb_out_finish(&flush(&c, k.to)->out);
    *used_out = (size_t)(k.at - json);
    return SPB_OK;
}
