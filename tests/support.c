#include "support.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_BYTES = 600, CONVERTERS_MAX = 64, TIMEOUT_SECONDS = 120 };

/* ---- Memory that lives until the program ends, and is in reach until then. ---- */

struct block {
    struct block *next;
    char data[];
};

static struct block *blocks;

static char *allocate(size_t len)
{
    struct block *block = malloc(sizeof *block + len);

    ck_assert_ptr_nonnull(block);
    block->next = blocks;
    blocks = block;
    return block->data;
}

static struct blob kept(const void *data, size_t len)
{
    char *copy = allocate(len + 1);

    if (len > 0)
        memcpy(copy, data, len);
    copy[len] = '\0';
    return (struct blob){ copy, len };
}

struct blob taken(struct spb_bytes *bytes)
{
    const struct blob blob = kept(bytes->data, bytes->len);

    spb_bytes_release(bytes);
    return blob;
}

static void append(struct spb_bytes *bytes, const void *data, size_t len)
{
    ck_assert_int_eq(spb_bytes_append(bytes, data, len), SPB_OK);
}

static void append_text(struct spb_bytes *bytes, const char *string)
{
    append(bytes, string, strlen(string));
}

/* ---- Text and bytes. ---- */

struct blob cut(struct blob whole, size_t len)
{
    return kept(whole.data, len);
}

struct blob joined(struct blob first, struct blob second)
{
    struct spb_bytes bytes = { 0 };

    append(&bytes, first.data, first.len);
    append(&bytes, second.data, second.len);
    return taken(&bytes);
}

struct blob printed(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    const int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ck_assert_int_ge(len, 0);
    char *data = allocate((size_t)len + 1);
    va_start(arguments, format);
    vsnprintf(data, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return (struct blob){ data, (size_t)len };
}

struct blob repeated(const char *unit, size_t count)
{
    const size_t unit_len = strlen(unit);
    char *data = allocate(unit_len * count + 1);

    for (size_t i = 0; i < count; i++)
        memcpy(data + i * unit_len, unit, unit_len);
    data[unit_len * count] = '\0';
    return (struct blob){ data, unit_len * count };
}

const char *shown(struct blob blob)
{
    struct spb_bytes bytes = { 0 };

    for (size_t i = 0; i < blob.len && i < SHOWN_BYTES; i++) {
        const unsigned char byte = (unsigned char)blob.data[i];
        if (byte >= 0x20 && byte < 0x7f)
            append(&bytes, &blob.data[i], 1);
        else
            append_text(&bytes, printed("\\x%02x", byte).data);
    }
    if (blob.len > SHOWN_BYTES)
        append_text(&bytes, printed("... (%zu bytes)", blob.len).data);
    return taken(&bytes).data;
}

/* ---- Facts. ---- */

static void read_fact(struct fact *fact, const char *line)
{
    const char **const columns[] = { &fact->definition, NULL, &fact->name,
                                     &fact->type,       NULL, &fact->of };
    char *column = strtok(memcpy(fact->line, line, strlen(line) + 1), "\t\n");

    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        ck_assert_ptr_nonnull(column);
        if (columns[i] != NULL)
            *columns[i] = column;
        if (i == 4 && is(column, "date-time"))
            fact->type = column;
        column = strtok(NULL, "\t\n");
    }
    ck_assert_ptr_nonnull(column);
    fact->required = is(column, "1");
}

const struct fact *facts(void)
{
    static struct fact all[MEMBERS];
    static size_t count;
    char line[sizeof all[0].line];
    FILE *stream = count == 0 ? fopen(SPB_TEST_FACTS, "r") : NULL;

    ck_assert_msg(count > 0 || stream != NULL, "cannot open %s", SPB_TEST_FACTS);
    while (stream != NULL && fgets(line, sizeof line, stream) != NULL) {
        if (line[0] == '#')
            continue;
        ck_assert_uint_lt(count, MEMBERS);
        read_fact(&all[count++], line);
    }
    if (stream != NULL)
        fclose(stream);
    ck_assert_uint_eq(count, MEMBERS);
    return all;
}

/* ---- Sessions as JSON text. ---- */

static const char *minimal_value(const char *name)
{
    static const char *const members[][2] = {
        { "id", "\"i\"" },
        { "type", "\"web\"" },
        { "eventCount", "1" },
        { "lastEvent",
          "{\"id\":\"e\",\"eventName\":\"n\",\"createdDate\":\"2024-01-02T03:04:07.890Z\"}" },
        { "authenticated", "false" },
        { "createdDate", "\"2024-01-02T03:04:05.678Z\"" },
    };

    for (size_t i = 0; i < COUNT_OF(members); i++)
        if (is(members[i][0], name))
            return members[i][1];
    return NULL;
}

static void append_member(struct spb_bytes *bytes, const char *name, const char *value)
{
    if (bytes->data[bytes->len - 1] != '{')
        append_text(bytes, ",");
    append_text(bytes, "\"");
    append_text(bytes, name);
    append_text(bytes, "\":");
    append_text(bytes, value);
}

struct blob session_with(const char *name, const char *value)
{
    struct spb_bytes bytes = { 0 };
    const struct fact *fact = facts();
    bool placed = false;

    append_text(&bytes, "{");
    for (; is(fact->definition, "Session"); fact++) {
        const bool here = is(fact->name, name);
        const char *member = here ? value : minimal_value(fact->name);
        if (member != NULL)
            append_member(&bytes, fact->name, member);
        placed = placed || here;
    }
    if (!placed)
        append_member(&bytes, name, value);
    append_text(&bytes, "}");
    return taken(&bytes);
}

struct blob spliced(struct blob object, struct blob members)
{
    return joined(joined(cut(object, object.len - 1), members), LITERAL("}"));
}

struct blob minimal(const char *members)
{
    return spliced(session_with("id", minimal_value("id")), text(members));
}

static struct blob full_object(const char *definition, const struct style *style,
                               const char *pointer, struct blob *parent_out);

static struct blob full_value(const struct fact *fact, const struct style *style,
                              const char *pointer, struct blob *parent_out)
{
    if (is(fact->type, "date-time"))
        return LITERAL("\"2024-01-02T03:04:05.678Z\"");
    if (is(fact->type, "string"))
        return printed("\"the %s\"", fact->name);
    if (is(fact->type, "integer"))
        return LITERAL("42");
    if (is(fact->type, "number"))
        return LITERAL("-37.8159");
    if (is(fact->type, "boolean"))
        return LITERAL("true");
    if (is(fact->of, "string"))
        return LITERAL("[\"first\",\"second\"]");

    const char *place = is(fact->type, "array") ? "/0" : is(fact->type, "map") ? "/key" : "";
    const char *inner = printed("%s/%s%s", pointer, fact->name, place).data;
    const struct blob object = full_object(fact->of, style, inner, parent_out);
    if (is(fact->type, "array"))
        return printed("[%s,%s]", object.data, object.data);
    return is(fact->type, "map") ? printed("{\"key\":%s}", object.data) : object;
}

static struct blob full_object(const char *definition, const struct style *style,
                               const char *pointer, struct blob *parent_out)
{
    struct spb_bytes bytes = { 0 };
    const struct fact *fact = facts();
    const char *last = NULL;
    const bool changed = style->definition != NULL && is(definition, style->definition);

    if (changed && parent_out != NULL && parent_out->data == NULL)
        *parent_out = text(pointer);
    append_text(&bytes, "{");
    for (size_t i = 0; i < MEMBERS; i++) {
        const struct fact *member = style->backwards ? &fact[MEMBERS - 1 - i] : &fact[i];
        if (!is(member->definition, definition))
            continue;
        const bool here = changed && is(member->name, style->member);
        const char *value = here ? style->value : NULL;
        if (value == NULL && (!here || style->last))
            value = full_value(member, style, pointer, parent_out).data;
        if (here && style->last)
            last = value;
        else if (value != NULL)
            append_member(&bytes, member->name, value);
    }
    if (last != NULL)
        append_member(&bytes, style->member, last);
    append_text(&bytes, "}");
    return taken(&bytes);
}

struct blob full_session(const struct style *style, struct blob *parent_out)
{
    if (parent_out != NULL)
        *parent_out = (struct blob){ NULL, 0 };
    return full_object("Session", style, "", parent_out);
}

/* ---- Protobuf bytes. ---- */

enum wire_type { VARINT = 0, FIXED64 = 1, LENGTH = 2, GROUP = 3, GROUP_END = 4 };

static void append_varint(struct spb_bytes *bytes, uint64_t value)
{
    while (value >= 0x80) {
        append(bytes, &(uint8_t){ (uint8_t)(value | 0x80) }, 1);
        value >>= 7;
    }
    append(bytes, &(uint8_t){ (uint8_t)value }, 1);
}

static void append_double(struct spb_bytes *bytes, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        append(bytes, &(uint8_t){ (uint8_t)(bits >> (8 * i)) }, 1);
}

static void append_hex(struct spb_bytes *bytes, const char *from, const char *to)
{
    while (from < to) {
        char *end;
        const unsigned long byte = strtoul(from, &end, 16);
        append(bytes, &(uint8_t){ (uint8_t)byte }, 1);
        from = end + strspn(end, " ");
    }
}

/* 'text' or `hex`; returns what follows. */
static const char *assemble_literal(const char *source, struct spb_bytes *bytes)
{
    const char *end = strchr(source + 1, *source);

    ck_assert_msg(end != NULL, "no end: %s", source);
    if (*source == '\'')
        append(bytes, source + 1, (size_t)(end - source) - 1);
    else
        append_hex(bytes, source + 1, end);
    return end + 1;
}

static const char *assemble(const char *source, struct spb_bytes *bytes);

/* What stands behind the colon of a field; returns what follows. */
static const char *assemble_value(const char *source, uint64_t number, struct spb_bytes *bytes)
{
    const bool group = *source == '!';
    struct spb_bytes inner = { 0 };
    char *end;

    if (!group && *source != '{') {
        const double value = strtod(source, &end);
        const bool whole = memchr(source, '.', (size_t)(end - source)) == NULL && isfinite(value);
        append_varint(bytes, number << 3 | (whole ? VARINT : FIXED64));
        if (whole)
            append_varint(bytes, *source == '-' ? (uint64_t)strtoll(source, NULL, 10)
                                                : strtoull(source, NULL, 10));
        else
            append_double(bytes, value);
        return end;
    }
    source = assemble(source + group + 1, &inner);
    ck_assert_msg(*source == '}', "no closing brace: %s", source);
    append_varint(bytes, number << 3 | (group ? GROUP : LENGTH));
    if (!group)
        append_varint(bytes, inner.len);
    append(bytes, inner.data, inner.len);
    if (group)
        append_varint(bytes, number << 3 | GROUP_END);
    spb_bytes_release(&inner);
    return source + 1;
}

/* Up to the end or a closing brace; returns that. */
static const char *assemble(const char *source, struct spb_bytes *bytes)
{
    for (source += strspn(source, " "); *source != '\0' && *source != '}';
         source += strspn(source, " ")) {
        char *end;
        if (*source == '\'' || *source == '`') {
            source = assemble_literal(source, bytes);
            continue;
        }
        const uint64_t number = strtoull(source, &end, 10);
        ck_assert_msg(end != source, "no item: %s", source);
        if (*end == ':')
            source = assemble_value(end + 1, number, bytes);
        else
            append_varint(bytes, number);
        source = *end == ':' ? source : end;
    }
    return source;
}

struct blob wire(const char *source)
{
    struct spb_bytes bytes = { 0 };

    const char *end = assemble(source, &bytes);
    ck_assert_msg(*end == '\0', "a closing brace too many: %s", end);
    return taken(&bytes);
}

struct blob base64(struct blob bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct spb_bytes out = { 0 };

    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t bits = 0;
        for (size_t j = 0; j < 3; j++)
            bits = bits << 8 | (i + j < bytes.len ? (unsigned char)bytes.data[i + j] : 0);
        for (size_t j = 0; j < 4; j++)
            append(&out, i + j <= bytes.len ? &digits[bits >> (18 - 6 * j) & 63] : "=", 1);
    }
    return taken(&out);
}

const char *unknown_fields(const char *source)
{
    return printed("\"$unknownFields\":\"%s\"", base64(wire(source)).data).data;
}

/* ---- Conversions. ---- */

const struct spb_options lenient = { .size = sizeof lenient, .lenient = true };
const struct spb_options dropping = { .size = sizeof dropping, .unknown = SPB_UNKNOWN_DROP };
const struct spb_options rejecting = { .size = sizeof rejecting, .unknown = SPB_UNKNOWN_REJECT };

static bool options_equal(const struct spb_options *a, const struct spb_options *b)
{
    return a->unknown == b->unknown && a->lenient == b->lenient &&
           memcmp(&a->limits, &b->limits, sizeof a->limits) == 0;
}

spb_converter *converter_for(const struct spb_options *options)
{
    static const struct spb_options defaults = { .size = sizeof defaults };
    static struct {
        struct spb_options options;
        spb_converter *converter;
    } made[CONVERTERS_MAX];
    size_t i = 0;

    if (options == NULL)
        options = &defaults;
    while (made[i].converter != NULL && !options_equal(&made[i].options, options))
        ck_assert_uint_lt(++i, CONVERTERS_MAX);
    if (made[i].converter == NULL) {
        made[i].options = *options;
        made[i].converter = spb_converter_new(options);
        ck_assert_ptr_nonnull(made[i].converter);
    }
    return made[i].converter;
}

static const char before[] = "what stood there before";

/*
 * Either direction. The result behind `before` goes to *out; on failure nothing may have changed.
 */
static enum spb_status convert(bool to_pb, const struct spb_options *options, struct blob in,
                               struct blob *out, struct spb_error *error)
{
    struct spb_bytes result = { 0 };
    char *exact = malloc(in.len > 0 ? in.len : 1);

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, in.data, in.len);
    append_text(&result, before);
    const enum spb_status status =
        to_pb ? spb_json_to_pb(converter_for(options), exact, in.len, &result, error)
              : spb_pb_to_json(converter_for(options), exact, in.len, &result, error);
    free(exact);
    ck_assert_uint_ge(result.len, strlen(before));
    ck_assert_mem_eq(result.data, before, strlen(before));
    if (status != SPB_OK)
        ck_assert_msg(result.len == strlen(before), "written to on failure: %s", shown(in));
    else if (!to_pb)
        ck_assert_int_eq(result.data[result.len], '\0');
    *out = kept(result.data + strlen(before), result.len - strlen(before));
    spb_bytes_release(&result);
    return status;
}

struct blob converted(bool to_pb, const struct spb_options *options, struct blob in)
{
    struct blob out;
    struct spb_error error;
    struct spb_error untouched;

    memset(&error, 0x55, sizeof error);
    memset(&untouched, 0x55, sizeof untouched);
    if (convert(to_pb, options, in, &out, &error) != SPB_OK)
        ck_abort_msg("%s at %zu, path '%s': %s\nfor %s", spb_status_name(error.status),
                     error.offset, error.path, error.reason, shown(in));
    ck_assert_mem_eq(&error, &untouched, sizeof error);
    return out;
}

/* Line and column belong to the offset. */
static void expect_position(const struct spb_error *error, struct blob json)
{
    size_t line = 1;
    size_t column = 1;

    ck_assert_uint_le(error->offset, json.len);
    for (size_t i = 0; i < error->offset; i++) {
        column += ((unsigned char)json.data[i] & 0xc0) != 0x80;
        if (json.data[i] == '\n') {
            line++;
            column = 1;
        }
    }
    ck_assert_msg(error->line == line && error->column == column,
                  "line %zu, column %zu for offset %zu, not line %zu, column %zu\nof %s",
                  error->line, error->column, error->offset, line, column, shown(json));
}

struct spb_error failed(bool to_pb, const struct spb_options *options, struct blob in)
{
    struct blob out;
    struct spb_error error = { 0 };
    const enum spb_status status = convert(to_pb, options, in, &out, &error);

    if (status == SPB_OK)
        ck_abort_msg("accepted: %s\nas %s", shown(in), shown(out));
    ck_assert_int_eq(error.status, status);
    ck_assert_int_eq(convert(to_pb, options, in, &out, NULL), status);
    if (to_pb)
        expect_position(&error, in);
    else
        ck_assert_msg(error.line == 0 && error.column == 0, "a line in %s", shown(in));
    ck_assert_ptr_nonnull(memchr(error.path, '\0', sizeof error.path));
    ck_assert_ptr_nonnull(memchr(error.reason, '\0', sizeof error.reason));
    const size_t len = strlen(error.reason);
    ck_assert_msg(len > 0 && error.reason[len - 1] != '.', "no reason, or a full stop: '%s' for %s",
                  error.reason, shown(in));
    return error;
}

void expect_failure(bool to_pb, const struct spb_options *options, struct blob in,
                    enum spb_status status, const char *path, const char *reason_part)
{
    const struct spb_error error = failed(to_pb, options, in);

    ck_assert_msg(error.status == status && (path == NULL || is(error.path, path)) &&
                      strstr(error.reason, reason_part) != NULL,
                  "%s, path '%s': %s\nnot %s, path '%s': ...%s...\nfor %s",
                  spb_status_name(error.status), error.path, error.reason, spb_status_name(status),
                  path == NULL ? "(any)" : path, reason_part, shown(in));
}

static void expect_equal(struct blob got, struct blob expected, struct blob in)
{
    ck_assert_msg(got.len == expected.len && memcmp(got.data, expected.data, got.len) == 0,
                  "got      %s\nexpected %s\nfor      %s", shown(got), shown(expected), shown(in));
}

void expect_pb(const struct spb_options *options, struct blob json, struct blob pb)
{
    expect_equal(pb_of(options, json), pb, json);
}

void expect_json(const struct spb_options *options, struct blob pb, struct blob json)
{
    expect_equal(json_of(options, pb), json, pb);
    expect_equal(json_of(options, pb_of(options, json)), json, json);
}

void expect_pb_equal(struct blob first_json, struct blob second_json)
{
    expect_equal(pb_of(NULL, first_json), pb_of(NULL, second_json), first_json);
}

void expect_canonical_with(const struct spb_options *options, struct blob json,
                           struct blob canonical)
{
    const struct blob pb = pb_of(options, json);

    expect_equal(json_of(options, pb), canonical, json);
    expect_equal(pb_of(options, canonical), pb, json);
}

/* ---- Running. ---- */

int run(const char *suite, const TTest *const *const tests[], size_t count)
{
    TCase *tcase = tcase_create(suite);
    Suite *whole = suite_create(suite);

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, *tests[i]);
    suite_add_tcase(whole, tcase);

    SRunner *runner = srunner_create(whole);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
