/*
 * JSON text to protobuf bytes in one pass: a value is written to its place in the message as it is
 * read. The next row is predicted, because members mostly come in the order of the definition; only
 * a member that comes otherwise is looked up by its name.
 */
#include <string.h>

#include "bridge/engine.h"
#include "bridge/json_scalars.h"

static struct cursor read_message(struct json_to_pb *c, struct cursor k,
                                  const struct spb_table *table);

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

static struct cursor read_array(struct json_to_pb *c, struct cursor k, const struct spb_row *row);

static inline struct cursor read_value(struct json_to_pb *c, struct cursor k,
                                       const struct spb_row *row, enum spb_kind kind)
{
    switch (kind) {
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
    case SPB_KIND_ARRAY:
        return read_array(c, k, row);
    case SPB_KIND_COUNT:
        break;
    }
    __builtin_unreachable(); /* schema/table.c compiles no other row */
}

static struct cursor read_array(struct json_to_pb *c, struct cursor k, const struct spb_row *row)
{
    if (*k.at != '[')
        return fail_type(c, k.at, "an array");
    k.at = spb_json_space(k.at + 1);
    while (k.at != NULL && *k.at != ']') {
        k = read_value(c, k, row, row->kind);
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

/*
 * The fields go to where the writer's cursor is: flushed. Reading the name has made room on the stack
 * for the rest of the text.
 */
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

/* The one of the likely rows whose prefix stands here, or NULL. `any`: see spb_row_has_prefix(). */
static inline const struct spb_row *predict(const struct spb_row *next, const char *at,
                                            uint32_t any)
{
    for (unsigned i = 0; i < SPB_PREDICTIONS; i++) {
        if (spb_row_has_prefix(&next[i], at, any))
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

/* Any value of a defined member; k.at is where it begins. */
static struct cursor read_defined(struct json_to_pb *c, struct cursor k, const struct spb_row *row,
                                  struct spb_message *message)
{
    if (*k.at == 'n') {
        message->absent |= spb_row_bit(row);
        k.at = spb_json_expect(&c->reader, k.at, "null", "a value");
        return k;
    }
    return read_value(c, k, row, row->member);
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
    const struct spb_additional_mark mark = spb_additional_mark(&c->converter->additional);
    const struct cursor behind = read_defined(c, k, row, message);

    if (behind.at != NULL ||
        (c->reader.error.status != SPB_WRONG_TYPE && c->reader.error.status != SPB_OUT_OF_RANGE))
        return behind;
    return (struct cursor){ keep_verbatim(c, k.at, name, row, &mark), base(c) + offset };
}

/* The kinds that a value may be of, by its first byte; none where white space or null begins. */
enum {
    TEXTS = 1 << SPB_KIND_STRING | 1 << SPB_KIND_TIMESTAMP,
    NUMBERS = 1 << SPB_KIND_INT32 | 1 << SPB_KIND_DOUBLE,
    OBJECTS = 1 << SPB_KIND_MESSAGE | 1 << SPB_KIND_MAP,
};

static const uint16_t starts[UINT8_MAX + 1] = {
    ['"'] = TEXTS,
    ['-'] = NUMBERS,
    ['0'] = NUMBERS,
    ['1'] = NUMBERS,
    ['2'] = NUMBERS,
    ['3'] = NUMBERS,
    ['4'] = NUMBERS,
    ['5'] = NUMBERS,
    ['6'] = NUMBERS,
    ['7'] = NUMBERS,
    ['8'] = NUMBERS,
    ['9'] = NUMBERS,
    ['f'] = 1 << SPB_KIND_BOOL,
    ['t'] = 1 << SPB_KIND_BOOL,
    ['{'] = OBJECTS,
    ['['] = 1 << SPB_KIND_ARRAY,
};

/* With --lenient no value is read before it is known how to take it back. */
static const uint16_t no_starts[UINT8_MAX + 1];

static struct cursor read_slowly(struct json_to_pb *c, struct cursor k, const char *name,
                                 const struct spb_row *row, struct spb_message *message)
{
    k.at = spb_json_space(k.at);
    return c->starts == no_starts ? read_leniently(c, k, name, row, message)
                                  : read_defined(c, k, row, message);
}

/* `name` is where the member begins; k.at is behind its colon. */
static inline struct cursor read_next_row(struct json_to_pb *c, struct cursor k, const char *name,
                                          const struct spb_row *row, struct spb_message *message)
{
    if (*k.at == '"' && row->member == SPB_KIND_STRING) /* most are: foreseen better by itself */
        return read_string(c, k, row);
    if (*k.at == ' ') /* as many printers put it */
        k.at++;
    return (c->starts[(uint8_t)*k.at] >> row->member & 1) != 0
               ? read_value(c, k, row, row->member)
               : read_slowly(c, k, name, row, message);
}

static struct cursor read_row(struct json_to_pb *c, struct cursor k, const char *name,
                              const struct spb_row *row, struct spb_message *message)
{
    if (!spb_message_see(message, row))
        return fail(c, SPB_DUPLICATE_MEMBER, name, "the member occurs twice in one object");
    return read_next_row(c, k, name, row, message);
}

/* A member whose comma, or what stands for it, is at k.at. */
static inline struct cursor read_predicted(struct json_to_pb *c, struct cursor k,
                                           const struct spb_row *row, struct spb_message *message)
{
    const char *const name = k.at + 1;

    message->next = row + 1;
    message->seen |= spb_row_bit(row);
    k.at += row->prefix_len;
    return read_next_row(c, k, name, row, message);
}

/* A member that the schema does not define, or whose name is spelled with escapes or spaces. */
static struct cursor read_unusual(struct json_to_pb *c, struct cursor k,
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
    return read_row(c, k, name, row, message);
}

/* What was not predicted: white space, a member that comes otherwise, or the object's end. */
__attribute__((noinline)) static struct cursor read_other(struct json_to_pb *c, struct cursor k,
                                                          struct spb_message *message, bool first)
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
    if (k.at != begin + 1) { /* white space was in the way */
        const struct spb_row *const next = predict(message->next, k.at - 1, 1);
        if (next != NULL)
            return read_predicted(c, (struct cursor){ k.at - 1, k.to }, next, message);
    }
    const unsigned len = spb_first(spb_scan(k.at + 1).stop);
    const struct spb_row *const row = spb_table_guess_row(message->table, k.at + 1, len);
    if (!spb_row_has_prefix(row, k.at - 1, 1))
        return read_unusual(c, k, message);
    return read_row(c, (struct cursor){ k.at + row->prefix_len - 1, k.to }, k.at, row, message);
}

static struct cursor read_message(struct json_to_pb *c, struct cursor k,
                                  const struct spb_table *table)
{
    struct spb_message message;
    struct spb_fault fault;
    const struct spb_row *next = table->rows; /* of the message: in registers, but for others */
    spb_row_set seen = 0;
    bool first = true;

    spb_message_open(flush(c, k.to), table, &message);
    do {
        const struct spb_row *const row = predict(next, k.at, first);
        if (row != NULL) {
            next = row + 1;
            seen |= spb_row_bit(row);
            k = read_next_row(c, (struct cursor){ k.at + row->prefix_len, k.to }, k.at + 1, row,
                              &message);
        } else {
            message.next = next;
            message.seen = seen;
            k = read_other(c, k, &message, first);
            next = message.next;
            seen = message.seen;
        }
        if (k.at != NULL)
            k = make_room(c, k);
        if (k.at == NULL)
            return k;
        first = false;
    } while (*k.at != '}');
    message.seen = seen;
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
    if (k.at == NULL || k.to == NULL) /* never without the other: said for an analyser */
        return failed(NULL);
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
                            .starts = converter->options.lenient ? no_starts : starts };

    spb_out_begin(&c.writer.out, pb);
    c.lead = lead(&c);
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
