/*
 * Every status of the text door, by name, with its place and reason; every truncation; every limit
 * at its edge. The cases are rows: a text or bytes, and what becomes of them.
 */
#include <sessionpb/sessionpb.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define REST                                                                             \
    "\"type\":\"web\",\"eventCount\":1,\"lastEvent\":{\"id\":\"e\",\"eventName\":\"n\"," \
    "\"createdDate\":\"2024-01-02T03:04:07.890Z\"},\"authenticated\":false,"             \
    "\"createdDate\":\"2024-01-02T03:04:05.678Z\""
#define MINIMAL "{\"id\":\"i\"," REST "}"
/* A valid session with one more member. */
#define WITH(member) "{\"id\":\"i\"," REST "," member "}"

static const char EXISTING[] = "what is there";

static struct spb_options options(enum spb_unknown unknown, bool lenient)
{
    return (struct spb_options){ .size = sizeof(struct spb_options),
                                 .unknown = unknown,
                                 .lenient = lenient };
}

/* Converts with options; the output must keep what it held, and nothing more on failure. */
static enum spb_status convert(const struct spb_options *o, bool to_pb, const void *data,
                               size_t len, struct spb_bytes *out, struct spb_error *error)
{
    spb_converter *converter = spb_converter_new(o);
    enum spb_status status;

    ck_assert_ptr_nonnull(converter);
    ck_assert_int_eq(spb_bytes_append(out, EXISTING, sizeof EXISTING), SPB_OK);
    memset(error, 0, sizeof *error);
    status = to_pb ? spb_json_to_pb(converter, data, len, out, error)
                   : spb_pb_to_json(converter, data, len, out, error);
    ck_assert_mem_eq(out->data, EXISTING, sizeof EXISTING);
    if (status != SPB_OK) {
        ck_assert_uint_eq(out->len, sizeof EXISTING);
        ck_assert_int_eq(error->status, status);
        ck_assert_uint_gt(strlen(error->reason), 10);
        ck_assert_ptr_null(strchr(error->reason, '\n'));
    }
    spb_converter_free(converter);
    return status;
}

/* ------------------------------------------------------------------ JSON text */

struct text_case {
    const char *json;
    enum spb_status status;
    const char *path;
    const char *reason; /* a part of it */
    enum spb_unknown unknown;
    bool lenient;
};

static const struct text_case text_cases[] = {
    { "{\"id\":", SPB_NEED_MORE, "/id", "ends inside", 0, 0 },
    { "{\"id\":12", SPB_NEED_MORE, "/id", "", 0, 0 },
    { "", SPB_NEED_MORE, "", "ends inside", 0, 0 },
    { "\xEF\xBB\xBF" MINIMAL, SPB_BAD_JSON, "", "an object", 0, 0 },
    { WITH("\"x\":tru"), SPB_BAD_JSON, "/x", "true, false or null", 0, 0 },
    { WITH("\"x\":[1,]"), SPB_BAD_JSON, "/x/1", "last ','", 0, 0 },
    { "{\"id\":\"a\",}", SPB_BAD_JSON, "", "last ','", 0, 0 },
    { "{\"id\":\"a\" \"type\":\"web\"}", SPB_BAD_JSON, "/id", "expected ',' or '}'", 0, 0 },
    { "{\"id\":\"a\";\"type\":\"web\"}", SPB_BAD_JSON, "/id", "expected ',' or '}'", 0, 0 },
    { WITH("\"searchTerms\":[\"a\" \"b\"]"), SPB_BAD_JSON, "/searchTerms/0", "expected ',' or ']'",
      0, 0 },
    { WITH("\"lastScreen\":\"a\nb\""), SPB_BAD_JSON, "/lastScreen", "0x0a", 0, 0 },
    { WITH("\"durationInSeconds\":01"), SPB_BAD_JSON, "/durationInSeconds", "leading zero", 0, 0 },
    { MINIMAL "x", SPB_BAD_JSON, "", "behind the document", 0, 0 },
    { WITH("\"lastScreen\":\"\xC3(\""), SPB_BAD_UNICODE, "/lastScreen", "not UTF-8", 0, 0 },
    { WITH("\"lastScreen\":\"\\ud800\""), SPB_BAD_UNICODE, "/lastScreen", "surrogate", 0, 0 },
    { WITH("\"x\":[{\"a~/b\":\"\\udc00\"}]"), SPB_BAD_UNICODE, "/x/0/a~0~1b", "surrogate", 0, 0 },
    { WITH("\"$unknownFields\":\"AA==\""), SPB_BAD_WIRE, "/$unknownFields", "fields", 0, 0 },
    { WITH("\"$unknownFields\":\"AA\""), SPB_BAD_WIRE, "/$unknownFields", "base64", 0, 0 },
    { WITH("\"$unknownFields\":\"CgFh\""), SPB_DUPLICATE_MEMBER, "/$unknownFields", "defines", 0,
      0 },
    { "{" REST "}", SPB_MISSING_MEMBER, "", "\"id\"", 0, 0 },
    { WITH("\"sdkLibrary\":{\"name\":\"n\"}"), SPB_MISSING_MEMBER, "/sdkLibrary", "version", 0, 0 },
    { "{\"id\":null," REST "}", SPB_MISSING_MEMBER, "", "\"id\"", 0, 0 },
    { WITH("\"id\":\"j\""), SPB_DUPLICATE_MEMBER, "/id", "twice", 0, 0 },
    { WITH("\"id\":null"), SPB_DUPLICATE_MEMBER, "/id", "twice", 0, 1 },
    { WITH("\"x\":1,\"y\":2,\"x\":1"), SPB_DUPLICATE_MEMBER, "/x", "twice", 0, 0 },
    { WITH("\"x\":1,\"y\":2,\"x\":1"), SPB_DUPLICATE_MEMBER, "/x", "twice", SPB_UNKNOWN_DROP, 0 },
    { WITH("\"lastScreen\":5"), SPB_WRONG_TYPE, "/lastScreen", "a string", 0, 0 },
    { WITH("\"browser\":[]"), SPB_WRONG_TYPE, "/browser", "an object", 0, 0 },
    { WITH("\"attributes\":[]"), SPB_WRONG_TYPE, "/attributes", "an object", 0, 0 },
    { WITH("\"attributes\":{\"k\":null}"), SPB_WRONG_TYPE, "/attributes/k", "an object", 0, 0 },
    { WITH("\"searchTerms\":[\"a\",null]"), SPB_WRONG_TYPE, "/searchTerms/1", "a string", 0, 0 },
    { WITH("\"endedDate\":0"), SPB_WRONG_TYPE, "/endedDate", "date-time", 0, 0 },
    { "[]", SPB_WRONG_TYPE, "", "an object", 0, 0 },
    { WITH("\"durationInSeconds\":1.5"), SPB_OUT_OF_RANGE, "/durationInSeconds", "int32", 0, 0 },
    { WITH("\"durationInSeconds\":2147483648"), SPB_OUT_OF_RANGE, "/durationInSeconds", "", 0, 0 },
    { WITH("\"endedDate\":\"2024-02-30T00:00:00Z\""), SPB_OUT_OF_RANGE, "/endedDate", "", 0, 0 },
    { WITH("\"geolocation\":{\"latitude\":1e400}"), SPB_OUT_OF_RANGE, "/geolocation/latitude", "",
      0, 0 },
    { WITH("\"x\":1"), SPB_UNKNOWN_MEMBER, "/x", "not define", SPB_UNKNOWN_REJECT, 0 },
    { WITH("\"$unknownFields\":\"\""), SPB_UNKNOWN_MEMBER, "/$unknownFields", "",
      SPB_UNKNOWN_REJECT, 0 },
    /* What lenient accepts, whatever the policy for unknown members. */
    { "{}", SPB_OK, NULL, NULL, 0, 1 },
    { "{\"id\":5}", SPB_OK, NULL, NULL, SPB_UNKNOWN_REJECT, 1 },
    { "{\"lastPage\":{\"url\":[1],\"breadcrumb\":[\"a\",{}]},\"attributes\":7}", SPB_OK, NULL, NULL,
      0, 1 },
};

START_TEST(each_text_has_its_status_place_and_reason)
{
    const struct text_case *c = &text_cases[_i];
    const struct spb_options o = options(c->unknown, c->lenient);
    struct spb_bytes out = { 0 };
    struct spb_error error;

    ck_assert_msg(convert(&o, true, c->json, strlen(c->json), &out, &error) == c->status,
                  "%s: %s: %s", c->json, spb_status_name(error.status), error.reason);
    if (c->status != SPB_OK) {
        ck_assert_str_eq(error.path, c->path);
        ck_assert_msg(strstr(error.reason, c->reason) != NULL, "%s: %s", c->json, error.reason);
        ck_assert_uint_ge(error.line, 1);
        ck_assert_uint_le(error.offset, strlen(c->json));
    }
    spb_bytes_release(&out);
}
END_TEST

START_TEST(line_and_column_count_characters)
{
    static const char json[] =
        "{\"id\":\"i\",\n  \"type\":\"\xC3\xA9\xE2\x82\xAC\", \"eventCount\":true}";
    const struct spb_options o = options(SPB_UNKNOWN_KEEP, false);
    struct spb_bytes out = { 0 };
    struct spb_error error;

    ck_assert_int_eq(convert(&o, true, json, sizeof json - 1, &out, &error), SPB_WRONG_TYPE);
    ck_assert_uint_eq(error.line, 2);
    ck_assert_uint_eq(error.column, 29);
    ck_assert_uint_eq(error.offset, (size_t)(strstr(json, "true") - json));
    spb_bytes_release(&out);
}
END_TEST

START_TEST(each_truncation_of_a_document_needs_more)
{
    static const char json[] = WITH(
        "\"attributes\":{\"a\\u00e9\":{\"dataType\":\"\xC3\xA9\",\"value\":\"\"}},"
        "\"geolocation\":{\"latitude\":-1.5e1},\"zz\":[null,{\"a\":[-0.5E+3,\"\\ud83d\\ude00\"]}]");
    const struct spb_options o = options(SPB_UNKNOWN_KEEP, false);
    struct spb_error error;

    for (size_t len = 0; len < sizeof json - 1; len++) {
        struct spb_bytes out = { 0 };
        ck_assert_msg(convert(&o, true, json, len, &out, &error) == SPB_NEED_MORE, "%zu: %s", len,
                      error.reason);
        spb_bytes_release(&out);
    }
}
END_TEST

/* ------------------------------------------------------------------ protobuf bytes */

/* Required members but id: type "w", eventCount 1, lastEvent, authenticated, createdDate. */
#define PB_REST                                 \
    "\x2a\x01w\xd8\x01\x01\xf2\x01\x08\x0a\x01" \
    "e\x12\x01n\x1a\x00\xc0\x02\x00\xe2\x02\x00"
#define PB(fields) fields PB_REST, sizeof(fields PB_REST) - 1

struct wire_case {
    const char *pb;
    size_t len;
    enum spb_status status;
    const char *path;
    enum spb_unknown unknown;
    bool lenient;
};

static const struct wire_case wire_cases[] = {
    { PB("\x0a\x01i"), SPB_OK, NULL, 0, 0 },
    { PB(""), SPB_MISSING_MEMBER, "", 0, 0 },
    { PB(""), SPB_OK, NULL, 0, 1 },
    { "\x0a\x05i", 3, SPB_NEED_MORE, "id", 0, 0 },
    { PB("\x0a\x01i\x00\x00"), SPB_BAD_WIRE, "", 0, 0 },
    { PB("\x0a\x01i\x07"), SPB_BAD_WIRE, "", 0, 0 },
    { PB("\x0a\x01i\x93\x3f\x94\x3f"), SPB_OK, NULL, 0, 0 },
    { PB("\x0a\x01i\x94\x3f"), SPB_BAD_WIRE, "1010", 0, 0 },
    { PB("\x0a\x01i\xd8\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), SPB_BAD_WIRE, "event_count",
      0, 0 },
    { PB("\x0a\x01i\x12\x04\x0a\x05xx"), SPB_BAD_WIRE, "external_contact.id", 0, 0 },
    { PB("\x0a\x01\xff"), SPB_BAD_UNICODE, "id", 0, 0 },
    { PB("\x0a\x01i\x12\x02\x12\x00\xc2\x01\x02\xc0\x80"), SPB_BAD_UNICODE, "search_terms[0]", 0,
      0 },
    { PB("\x0a\x01i\x7a\x09\x19\x00\x00\x00\x00\x00\x00\xf0\x7f"), SPB_NOT_REPRESENTABLE,
      "geolocation.latitude", 0, 0 },
    { PB("\x0a\x01i\x98\x3f\x05"), SPB_OK, NULL, 0, 0 },
    { PB("\x0a\x01i\x98\x3f\x05"), SPB_OK, NULL, SPB_UNKNOWN_DROP, 0 },
    { PB("\x0a\x01i\x98\x3f\x05"), SPB_UNKNOWN_MEMBER, "1011", SPB_UNKNOWN_REJECT, 0 },
    { PB("\x0a\x01i\xc2\x3e\x07{\"x\":1}"), SPB_OK, NULL, 0, 0 },
    { PB("\x0a\x01i\xc2\x3e\x07{\"x\":1}"), SPB_UNKNOWN_MEMBER, "additional_properties",
      SPB_UNKNOWN_REJECT, 0 },
    { PB("\x0a\x01i\xc2\x3e\x06{\"x\":1"), SPB_BAD_JSON, "additional_properties", 0, 0 },
    { PB("\x0a\x01i\xc2\x3e\x0a{\"id\":\"j\"}"), SPB_DUPLICATE_MEMBER, "additional_properties", 0,
      0 },
    { PB("\x0a\x01i\xc2\x3e\x0d{\"x\":1,\"x\":2}"), SPB_DUPLICATE_MEMBER, "", 0, 0 },
    { PB("\x0a\x01i\x5a\x06\x0a\x00\x12\x00\x18\x01"), SPB_NOT_REPRESENTABLE, NULL, 0, 1 },
    { PB("\x0a\x01i\xea\x02\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00"), SPB_BAD_WIRE, NULL,
      0, 0 },
    { PB("\x0a\x01i\xea\x02\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), SPB_OUT_OF_RANGE,
      "ended_date", 0, 0 },
};

START_TEST(each_message_has_its_status_and_field_path)
{
    const struct wire_case *c = &wire_cases[_i];
    const struct spb_options o = options(c->unknown, c->lenient);
    struct spb_bytes out = { 0 };
    struct spb_error error;

    ck_assert_msg(convert(&o, false, c->pb, c->len, &out, &error) == c->status, "%d: %s: %s", _i,
                  spb_status_name(error.status), error.reason);
    if (c->status != SPB_OK && c->path != NULL)
        ck_assert_str_eq(error.path, c->path);
    if (c->status != SPB_OK)
        ck_assert_uint_eq(error.line, 0);
    spb_bytes_release(&out);
}
END_TEST

/* A message cut inside of a field needs more; one cut between two lacks members. */
START_TEST(each_truncation_of_a_message_is_refused)
{
    const struct spb_options o = options(SPB_UNKNOWN_KEEP, false);
    struct spb_bytes whole = { 0 };
    struct spb_error error;
    size_t between = 0;

    ck_assert_int_eq(convert(&o, true, MINIMAL, strlen(MINIMAL), &whole, &error), SPB_OK);
    const uint8_t *pb = whole.data + sizeof EXISTING;
    for (size_t len = 0; len < whole.len - sizeof EXISTING; len++) {
        struct spb_bytes out = { 0 };
        const enum spb_status status = convert(&o, false, pb, len, &out, &error);
        ck_assert_msg(status == SPB_NEED_MORE || status == SPB_MISSING_MEMBER, "%zu: %s", len,
                      error.reason);
        between += status == SPB_MISSING_MEMBER;
        spb_bytes_release(&out);
    }
    ck_assert_uint_eq(between, 6); /* behind nothing, and behind each field but the last */
    spb_bytes_release(&whole);
}
END_TEST

/* ------------------------------------------------------------------ limits */

static enum spb_status with_limits(struct spb_limits limits, bool to_pb, const void *data,
                                   size_t len)
{
    struct spb_options o = options(SPB_UNKNOWN_KEEP, true);
    struct spb_bytes out = { 0 };
    struct spb_error error;

    o.limits = limits;
    const enum spb_status status = convert(&o, to_pb, data, len, &out, &error);
    spb_bytes_release(&out);
    return status;
}

START_TEST(document_max_holds_in_both_directions)
{
    static const char json[] = "{\"id\":\"abc\"}";
    static const char pb[] = "\x0a\x03"
                             "abc";

    for (int more = 0; more < 2; more++) {
        const struct spb_limits text = { .document_max = sizeof json - 1 - (size_t)more };
        const struct spb_limits wire = { .document_max = sizeof pb - 1 - (size_t)more };
        const enum spb_status expected = more ? SPB_TOO_LARGE : SPB_OK;
        ck_assert_int_eq(with_limits(text, true, json, sizeof json - 1), expected);
        ck_assert_int_eq(with_limits(wire, false, pb, sizeof pb - 1), expected);
    }
}
END_TEST

START_TEST(depth_max_holds_for_values_and_groups)
{
    static const char member[] = "{\"x\":";
    char json[256];
    char pb[256 + 8];

    for (size_t depth = 64; depth < 66; depth++) {
        const enum spb_status expected = depth > 64 ? SPB_TOO_DEEP : SPB_OK;
        char *at = (char *)memcpy(json, member, sizeof member) + sizeof member - 1;
        memset(at, '[', depth);
        memset(at + depth, ']', depth);
        at[2 * depth] = '}';
        ck_assert_int_eq(
            with_limits((struct spb_limits){ 0 }, true, json, sizeof member + 2 * depth), expected);
        for (size_t i = 0; i < depth; i++) {
            memcpy(pb + 2 * i, "\x93\x3f", 2);
            memcpy(pb + 2 * depth + 2 * i, "\x94\x3f", 2);
        }
        ck_assert_int_eq(with_limits((struct spb_limits){ 0 }, false, pb, 4 * depth), expected);
    }
}
END_TEST

START_TEST(hostile_depth_ends_with_a_status)
{
    const size_t len = 1000000;
    char *data = malloc(len);

    memset(data, '[', len);
    memcpy(data, "{\"x\":", 5);
    ck_assert_int_eq(with_limits((struct spb_limits){ 0 }, true, data, len), SPB_TOO_DEEP);
    for (size_t i = 0; i < len; i += 2)
        memcpy(data + i, "\x93\x3f", 2);
    ck_assert_int_eq(with_limits((struct spb_limits){ 0 }, false, data, len), SPB_TOO_DEEP);
    free(data);
}
END_TEST

START_TEST(options_of_another_size_or_range_are_refused)
{
    struct spb_options o = options(SPB_UNKNOWN_KEEP, false);

    o.size++;
    ck_assert_ptr_null(spb_converter_new(&o));
    o.size--;
    o.limits.depth_max = 1001;
    ck_assert_ptr_null(spb_converter_new(&o));
    o.limits.depth_max = 1000;
    o.unknown = (enum spb_unknown)3;
    ck_assert_ptr_null(spb_converter_new(&o));
}
END_TEST

START_TEST(each_status_has_a_name)
{
    static const enum spb_status all[] = {
        SPB_OK,         SPB_NEED_MORE,        SPB_END,         SPB_MISUSE,
        SPB_BAD_JSON,   SPB_BAD_UNICODE,      SPB_BAD_WIRE,    SPB_MISSING_MEMBER,
        SPB_WRONG_TYPE, SPB_DUPLICATE_MEMBER, SPB_TOO_LARGE,   SPB_OUT_OF_RANGE,
        SPB_TOO_DEEP,   SPB_UNKNOWN_MEMBER,   SPB_OVER_BUDGET, SPB_NOT_REPRESENTABLE,
        SPB_NO_MEMORY,  SPB_INTERNAL,         SPB_BAD_ARCHIVE, SPB_IO,
    };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        ck_assert_mem_eq(spb_status_name(all[i]), "SPB_", 4);
        for (size_t j = 0; j < i; j++)
            ck_assert_str_ne(spb_status_name(all[i]), spb_status_name(all[j]));
    }
}
END_TEST

START_TEST(what_is_no_status_has_a_name_that_is_none)
{
    const char *const name = spb_status_name((enum spb_status)1000);

    ck_assert_ptr_nonnull(name);
    ck_assert_int_ne(strncmp(name, "SPB_", 4), 0);
}
END_TEST

/* The id of a message, or the status that its search ends with. */
static const struct {
    const char *message;
    size_t len;
    const char *id; /* NULL: there is none */
    enum spb_status status;
} id_cases[] = {
    { "\x0a\x02"
      "ab",
      4, "ab", SPB_OK },
    { "", 0, NULL, SPB_OK },
    { "\x0a\x00", 2, "", SPB_OK },
    { "\x12\x01x\x0a\x01"
      "a\x18\x05\x0a\x01"
      "b",
      11, "b", SPB_OK },             /* the last one counts */
    { "\x08\x01", 2, NULL, SPB_OK }, /* of another type */
    { "\x0a\x01"
      "a\xf3\x3e\x0a\x01z\xf4\x3e",
      10, "a", SPB_OK }, /* not that of a group */
    { "\x0a\x02"
      "a",
      3, NULL, SPB_NEED_MORE },
    { "\x0a\x01"
      "a\x07",
      4, NULL, SPB_BAD_WIRE },
};

START_TEST(the_id_of_a_message_is_found_or_its_fault_told)
{
    static const char nowhere[] = "untouched";
    spb_converter *converter = spb_converter_new(NULL);
    const char *id = nowhere;
    size_t len = 99;

    ck_assert_int_eq(spb_pb_id(converter, id_cases[_i].message, id_cases[_i].len, &id, &len, NULL),
                     id_cases[_i].status);
    if (id_cases[_i].status != SPB_OK) {
        ck_assert_ptr_eq(id, nowhere);
    } else if (id_cases[_i].id == NULL) {
        ck_assert_ptr_null(id);
    } else {
        ck_assert_uint_eq(len, strlen(id_cases[_i].id));
        ck_assert_mem_eq(id, id_cases[_i].id, len);
    }
    spb_converter_free(converter);
}
END_TEST

START_TEST(the_error_may_be_null)
{
    spb_converter *converter = spb_converter_new(NULL);
    struct spb_bytes out = { 0 };

    ck_assert_int_eq(spb_json_to_pb(converter, "{", 1, &out, NULL), SPB_NEED_MORE);
    ck_assert_int_eq(spb_pb_to_json(converter, "\0", 1, &out, NULL), SPB_BAD_WIRE);
    spb_bytes_release(&out);
    spb_converter_free(converter);
    spb_converter_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statuses");
    TCase *cases = tcase_create("statuses");

    tcase_add_loop_test(cases, each_text_has_its_status_place_and_reason, 0,
                        sizeof text_cases / sizeof text_cases[0]);
    tcase_add_test(cases, line_and_column_count_characters);
    tcase_add_test(cases, each_truncation_of_a_document_needs_more);
    tcase_add_loop_test(cases, each_message_has_its_status_and_field_path, 0,
                        sizeof wire_cases / sizeof wire_cases[0]);
    tcase_add_test(cases, each_truncation_of_a_message_is_refused);
    tcase_add_test(cases, document_max_holds_in_both_directions);
    tcase_add_test(cases, depth_max_holds_for_values_and_groups);
    tcase_add_test(cases, hostile_depth_ends_with_a_status);
    tcase_add_test(cases, options_of_another_size_or_range_are_refused);
    tcase_add_test(cases, each_status_has_a_name);
    tcase_add_test(cases, what_is_no_status_has_a_name_that_is_none);
    tcase_add_loop_test(cases, the_id_of_a_message_is_found_or_its_fault_told, 0,
                        sizeof id_cases / sizeof id_cases[0]);
    tcase_add_test(cases, the_error_may_be_null);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
