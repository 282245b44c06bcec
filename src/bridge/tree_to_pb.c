/*
 * cJSON tree to protobuf bytes: the tree is walked, and written as the text door writes. With its
 * counterpart pb_to_tree.c this is all that knows cJSON, whose parser and printer are not used: they lose
 * what sessionpb keeps.
 */
#include <sessionpb/tree.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/error.h"
#include "base/number.h"
#include "base/time.h"
#include "base/utf8.h"
#include "bridge/message.h"
#include "json/writer.h"

/* Up to 2^53 every integer is a double. */
static const double integer_max = 9007199254740992.0;

struct tree_to_pb {
    struct spb_pb_writer writer;
    spb_converter *converter;
    struct spb_error error;
    struct spb_path path; /* of the node at hand; points into error */
};

static bool put_message(struct tree_to_pb *c, const cJSON *tree, const struct spb_table *table);

static bool fail(struct tree_to_pb *c, enum spb_status status, const char *reason)
{
    if (c->error.status == SPB_OK) {
        c->error.status = status;
        snprintf(c->error.reason, sizeof c->error.reason, "%s", reason);
    }
    return false;
}

static bool fail_memory(struct tree_to_pb *c)
{
    return fail(c, SPB_NO_MEMORY, "out of memory");
}

static bool fail_depth(struct tree_to_pb *c)
{
    return fail(c, SPB_TOO_DEEP, "values are nested deeper than the limit");
}

/* Appends "/name" to the path. Returns the length to set it back to. */
static size_t enter_member(struct tree_to_pb *c, const char *name)
{
    const size_t len = c->path.len;

    spb_path_append(&c->path, "/", 1);
    spb_path_append_name(&c->path, name, strlen(name));
    return len;
}

/* The path is that of the message or map; a fault of one member adds its name. */
static bool fail_fault(struct tree_to_pb *c, const struct spb_fault *fault)
{
    if (fault->name != NULL) {
        spb_path_append(&c->path, "/", 1);
        spb_path_append_name(&c->path, fault->name, fault->name_len);
    }
    return fail(c, fault->status, fault->reason);
}

static size_t enter_element(struct tree_to_pb *c, size_t index)
{
    char text[24];

    snprintf(text, sizeof text, "%zu", index);
    return enter_member(c, text);
}

static void leave(struct tree_to_pb *c, size_t len)
{
    spb_path_cut(&c->path, len);
}

static bool check_text(struct tree_to_pb *c, const char *text, size_t len)
{
    if (spb_utf8_valid_len((const uint8_t *)text, len) != len)
        return fail(c, SPB_BAD_UNICODE, "bytes that are not UTF-8");
    return true;
}

/* ------------------------------------------------------------------ lengths */

/* Returns the offset of the length, for close_length(). */
static size_t open_length(struct tree_to_pb *c, const struct spb_row *row)
{
    struct spb_out *const out = &c->writer.out;
    const size_t offset = spb_out_offset(out);

    out->at = spb_length_open(c->converter, row, out->at);
    return offset;
}

static void close_length(struct tree_to_pb *c, const struct spb_row *row, size_t offset)
{
    struct spb_out *const out = &c->writer.out;

    out->at = spb_length_close(c->converter, row, out->bytes->data + offset, out->at);
}

/* ------------------------------------------------------------------ values of defined members */

static bool put_text(struct tree_to_pb *c, const char *text, const struct spb_row *row)
{
    struct spb_out *const out = &c->writer.out;
    const size_t len = strlen(text);

    if (!check_text(c, text, len))
        return false;
    if (!spb_out_room(out, len + SPB_MEMBER_ROOM))
        return fail_memory(c);
    out->at = spb_wire_put_tag(out->at, row);
    out->at = spb_wire_put_varint(out->at, len);
    memcpy(out->at, text, len);
    out->at += len;
    return true;
}

static bool put_string(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    if (!cJSON_IsString(node) || node->valuestring == NULL)
        return fail(c, SPB_WRONG_TYPE, "expected a string");
    return put_text(c, node->valuestring, row);
}

static bool put_int32(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    const double value = cJSON_IsNumber(node) ? node->valuedouble : 0;

    if (!cJSON_IsNumber(node))
        return fail(c, SPB_WRONG_TYPE, "expected a number");
    if (!(value >= INT32_MIN && value <= INT32_MAX) || value != trunc(value))
        return fail(c, SPB_OUT_OF_RANGE,
                    "the number is not an int32: a whole number from "
                    "-2147483648 to 2147483647");
    c->writer.out.at = spb_put_int32(c->writer.out.at, row, (int32_t)value);
    return true;
}

static bool put_double(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    if (!cJSON_IsNumber(node))
        return fail(c, SPB_WRONG_TYPE, "expected a number");
    if (isnan(node->valuedouble))
        return fail(c, SPB_NOT_REPRESENTABLE, "JSON has no number that is none");
    if (isinf(node->valuedouble))
        return fail(c, SPB_OUT_OF_RANGE, "the number is not a double: it is too large");
    c->writer.out.at = spb_put_double(c->writer.out.at, row, node->valuedouble + 0.0 /* -0 is 0 */);
    return true;
}

static bool put_bool(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    if (!cJSON_IsBool(node))
        return fail(c, SPB_WRONG_TYPE, "expected true or false");
    c->writer.out.at = spb_put_bool(c->writer.out.at, row, cJSON_IsTrue(node));
    return true;
}

static bool put_time(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    struct spb_time time;

    if (!cJSON_IsString(node) || node->valuestring == NULL)
        return fail(c, SPB_WRONG_TYPE, "expected a string with a date-time");
    const char *reason = spb_time_from_text(node->valuestring, strlen(node->valuestring), &time);
    if (reason != NULL)
        return fail(c, SPB_OUT_OF_RANGE, reason);
    c->writer.out.at = spb_put_time(c->writer.out.at, row, time.seconds, time.nanos);
    return true;
}

static bool put_nested(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    if (!cJSON_IsObject(node))
        return fail(c, SPB_WRONG_TYPE, "expected an object");
    c->writer.out.at = spb_wire_put_tag(c->writer.out.at, row);
    const size_t length = open_length(c, row);
    if (!put_message(c, node, row->table))
        return false;
    close_length(c, row, length);
    return true;
}

static bool put_entry(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row,
                      struct spb_map *map)
{
    const size_t offset = spb_out_offset(&c->writer.out);
    const struct spb_row *const entry = row->table->rows;

    c->writer.out.at = spb_wire_put_tag(c->writer.out.at, row);
    const size_t length = open_length(c, row);
    if (!put_text(c, node->string, &entry[SPB_ENTRY_KEY - 1]))
        return false;
    if (!spb_out_room(&c->writer.out, SPB_MEMBER_ROOM))
        return fail_memory(c);
    if (!put_nested(c, node, &entry[SPB_ENTRY_VALUE - 1]))
        return false;
    close_length(c, row, length);
    return spb_map_entry(&c->writer, map, offset, SIZE_MAX) || fail_memory(c);
}

static bool put_map(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    const cJSON *child = NULL;
    struct spb_fault fault;
    struct spb_map map;

    if (!cJSON_IsObject(node))
        return fail(c, SPB_WRONG_TYPE, "expected an object");
    spb_map_open(&c->writer, row, &map);
    cJSON_ArrayForEach(child, node)
    {
        if (child->string == NULL)
            return fail(c, SPB_MISUSE, "a member of an object has no name");
        const size_t path = enter_member(c, child->string);
        if (!spb_out_room(&c->writer.out, SPB_MEMBER_ROOM))
            return fail_memory(c);
        if (!put_entry(c, child, row, &map))
            return false;
        leave(c, path);
    }
    return spb_map_close(&c->writer, &map, &fault) || fail_fault(c, &fault);
}

typedef bool put_value(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row);

static put_value *const putters[SPB_KIND_COUNT] = {
    [SPB_KIND_STRING] = put_string,  [SPB_KIND_INT32] = put_int32,
    [SPB_KIND_DOUBLE] = put_double,  [SPB_KIND_BOOL] = put_bool,
    [SPB_KIND_TIMESTAMP] = put_time, [SPB_KIND_MESSAGE] = put_nested,
    [SPB_KIND_MAP] = put_map,
};

static bool put_array(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row)
{
    const cJSON *child = NULL;
    size_t index = 0;

    if (!cJSON_IsArray(node))
        return fail(c, SPB_WRONG_TYPE, "expected an array");
    cJSON_ArrayForEach(child, node)
    {
        const size_t path = enter_element(c, index++);
        if (!spb_out_room(&c->writer.out, SPB_MEMBER_ROOM))
            return fail_memory(c);
        if (!putters[row->kind](c, child, row))
            return false;
        leave(c, path);
    }
    return true;
}

/* ------------------------------------------------------------------ additional members */

/* Text of an additional value goes to the stack of additional members. */
static bool push_bytes(struct tree_to_pb *c, const char *text, size_t len)
{
    struct spb_out *const out = &c->converter->additional.out;

    if (!spb_out_room(out, len + 1)) /* so that there is a place for no bytes, too */
        return fail_memory(c);
    memcpy(out->at, text, len);
    out->at += len;
    return true;
}

/* The JSON writer reads whole vectors, and a C string has no padding: hence the copy. */
static bool push_string(struct tree_to_pb *c, const char *text)
{
    struct spb_out *const out = &c->converter->additional.out;
    struct spb_bytes *const copy = &c->converter->text;
    const size_t len = strlen(text);
    struct spb_utf8_watch watch = { 0 };

    if (!check_text(c, text, len))
        return false;
    if (spb_bytes_copy_padded(copy, text, len) != SPB_OK ||
        !spb_out_room(out, spb_json_string_room(len)) ||
        !spb_json_write_string(out, copy->data, len, &watch))
        return fail_memory(c);
    return true;
}

static bool push_number(struct tree_to_pb *c, double value)
{
    char text[SPB_DOUBLE_TEXT_MAX];

    if (!isfinite(value))
        return fail(c, SPB_NOT_REPRESENTABLE, "the number is not finite");
    if (fabs(value) > integer_max)
        return fail(c, SPB_NOT_REPRESENTABLE,
                    "a number above 2^53 may have lost digits in cJSON; use a raw node");
    return push_bytes(c, text, spb_double_to_text(value, text));
}

/* Any JSON text, checked and made compact. */
static bool push_raw(struct tree_to_pb *c, const char *text, size_t depth)
{
    struct spb_out *const out = &c->converter->additional.out;
    struct spb_bytes *const copy = &c->converter->text;
    struct spb_json_reader reader = { .depth_max = depth };

    if (text == NULL || spb_bytes_copy_padded(copy, text, strlen(text)) != SPB_OK ||
        !spb_out_room(out, copy->len + SPB_MEMBER_ROOM))
        return text == NULL ? fail(c, SPB_MISUSE, "a raw node has no text") : fail_memory(c);
    reader.begin = (const char *)copy->data;
    reader.end = reader.begin + copy->len;
    const char *end = spb_json_copy_value(&reader, spb_json_space(reader.begin), &out->at);
    if (end != NULL && spb_json_space(end) != reader.end)
        spb_json_fail(&reader, SPB_BAD_JSON, end, "something stands behind the value");
    if (reader.error.status == SPB_NEED_MORE)
        return fail(c, SPB_BAD_JSON, "the text of a raw node ends inside its value");
    if (reader.error.status == SPB_TOO_DEEP)
        return fail_depth(c);
    return reader.error.status == SPB_OK || fail(c, reader.error.status, reader.error.reason);
}

static bool push_value(struct tree_to_pb *c, const cJSON *node, size_t depth);

static bool push_container(struct tree_to_pb *c, const cJSON *node, size_t depth)
{
    const bool object = cJSON_IsObject(node);
    const cJSON *child = NULL;
    size_t index = 0;

    if (depth == 0)
        return fail_depth(c);
    if (!push_bytes(c, object ? "{" : "[", 1))
        return false;
    cJSON_ArrayForEach(child, node)
    {
        if (object && child->string == NULL)
            return fail(c, SPB_MISUSE, "a member of an object has no name");
        const size_t path = object ? enter_member(c, child->string) : enter_element(c, index);
        if (index++ > 0 && !push_bytes(c, ",", 1))
            return false;
        if (object && (!push_string(c, child->string) || !push_bytes(c, ":", 1)))
            return false;
        if (!push_value(c, child, depth - 1))
            return false;
        leave(c, path);
    }
    return push_bytes(c, object ? "}" : "]", 1);
}

static bool push_value(struct tree_to_pb *c, const cJSON *node, size_t depth)
{
    if (cJSON_IsObject(node) || cJSON_IsArray(node))
        return push_container(c, node, depth);
    if (cJSON_IsString(node) && node->valuestring != NULL)
        return push_string(c, node->valuestring);
    if (cJSON_IsNumber(node))
        return push_number(c, node->valuedouble);
    if (cJSON_IsRaw(node))
        return push_raw(c, node->valuestring, depth);
    if (cJSON_IsTrue(node))
        return push_bytes(c, "true", 4);
    if (cJSON_IsFalse(node))
        return push_bytes(c, "false", 5);
    if (cJSON_IsNull(node))
        return push_bytes(c, "null", 4);
    return fail(c, SPB_MISUSE, "a node has no type of cJSON");
}

static bool keep_member(struct tree_to_pb *c, const cJSON *node)
{
    struct spb_additional *const stack = &c->converter->additional;
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    const size_t len = strlen(node->string);

    if (!check_text(c, node->string, len) || !push_bytes(c, node->string, len))
        return false;
    if (!spb_additional_name(stack, &mark))
        return fail_memory(c);
    if (!push_value(c, node, c->converter->options.limits.depth_max))
        return false;
    return spb_additional_push(stack, &mark, len, SIZE_MAX) || fail_memory(c);
}

static bool put_unknown_fields(struct tree_to_pb *c, const cJSON *node, struct spb_message *message)
{
    struct spb_fault fault;

    if (message->has_unknown_fields)
        return fail(c, SPB_DUPLICATE_MEMBER, "the member occurs twice in one object");
    message->has_unknown_fields = true;
    if (cJSON_IsNull(node))
        return true;
    if (!cJSON_IsString(node) || node->valuestring == NULL)
        return fail(c, SPB_BAD_WIRE, "expected a string with base64");
    if (c->converter->options.unknown == SPB_UNKNOWN_DROP)
        return true;
    const size_t len = strlen(node->valuestring);
    if (!spb_out_room(&c->writer.out, len + SPB_MEMBER_ROOM))
        return fail_memory(c);
    return spb_message_unknown_fields(&c->writer, message, node->valuestring, len, &fault) ||
           fail_fault(c, &fault);
}

static bool put_additional(struct tree_to_pb *c, const cJSON *node, struct spb_message *message)
{
    if (c->converter->options.unknown == SPB_UNKNOWN_REJECT)
        return fail(c, SPB_UNKNOWN_MEMBER, "the schema does not define this member");
    if (spb_is_unknown_fields(node->string, strlen(node->string)))
        return put_unknown_fields(c, node, message);
    if (!keep_member(c, node))
        return false;
    if (c->converter->options.unknown == SPB_UNKNOWN_DROP)
        spb_additional_hide(&c->converter->additional);
    return true;
}

/* ------------------------------------------------------------------ members */

static bool put_defined(struct tree_to_pb *c, const cJSON *node, const struct spb_row *row,
                        struct spb_message *message)
{
    const size_t offset = spb_out_offset(&c->writer.out);
    const size_t entries = c->converter->entries.count;
    const struct spb_additional_mark mark = spb_additional_mark(&c->converter->additional);
    const size_t path = c->path.len;

    if (!spb_message_see(message, row))
        return fail(c, SPB_DUPLICATE_MEMBER, "the member occurs twice in one object");
    if (cJSON_IsNull(node)) {
        message->absent |= spb_row_bit(row);
        return true;
    }
    if (row->repeated ? put_array(c, node, row) : putters[row->kind](c, node, row))
        return true;
    if (!c->converter->options.lenient ||
        (c->error.status != SPB_WRONG_TYPE && c->error.status != SPB_OUT_OF_RANGE))
        return false;
    /* What was written of it is taken back, and its text kept. */
    c->error.status = SPB_OK;
    leave(c, path);
    spb_out_rewind(&c->writer.out, offset);
    c->converter->entries.count = entries;
    spb_additional_drop(&c->converter->additional, &mark);
    return keep_member(c, node);
}

static bool put_member(struct tree_to_pb *c, const cJSON *node, struct spb_message *message)
{
    if (node->string == NULL)
        return fail(c, SPB_MISUSE, "a member of an object has no name");
    const struct spb_row *row =
        spb_table_find_name(message->table, node->string, strlen(node->string));
    const size_t path = enter_member(c, node->string);
    if (!spb_out_room(&c->writer.out, SPB_MEMBER_ROOM))
        return fail_memory(c);
    if (row != NULL ? !put_defined(c, node, row, message) : !put_additional(c, node, message))
        return false;
    leave(c, path);
    return true;
}

static bool put_message(struct tree_to_pb *c, const cJSON *tree, const struct spb_table *table)
{
    const cJSON *child = NULL;
    struct spb_message message;
    struct spb_fault fault;

    spb_message_open(&c->writer, table, &message);
    cJSON_ArrayForEach(child, tree)
    {
        if (!put_member(c, child, &message))
            return false;
    }
    return spb_message_close(&c->writer, &message, 0, &fault) || fail_fault(c, &fault);
}

/* See sessionpb/tree.h. */
enum spb_status spb_tree_to_pb(spb_converter *converter, const struct cJSON *tree,
                               struct spb_bytes *pb, struct spb_error *error)
{
    struct tree_to_pb c = { .writer = { .converter = converter }, .converter = converter };

    c.path.text = c.error.path;
    spb_out_begin(&c.writer.out, pb);
    spb_additional_begin(&converter->additional);
    converter->entries.count = 0;
    if (!cJSON_IsObject(tree))
        fail(&c, SPB_WRONG_TYPE, "a session is an object");
    else if (!spb_out_room(&c.writer.out, SPB_MEMBER_ROOM))
        fail_memory(&c);
    else if (put_message(&c, tree, converter->schema->session) &&
             spb_out_offset(&c.writer.out) - pb->len > converter->options.limits.document_max)
        fail(&c, SPB_TOO_LARGE, "the message is longer than the limit");
    if (c.error.status == SPB_OK)
        spb_out_finish(&c.writer.out);
    else if (error != NULL)
        *error = c.error;
    return c.error.status;
}
