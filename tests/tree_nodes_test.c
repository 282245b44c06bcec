/*
 * Trees made by hand: what cJSON lets a program build and no session has. Each is an error with its
 * path, or is written exactly.
 */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 240 };

static const double integer_max = 9007199254740992.0; /* 2^53 */

static spb_converter *converter;
static spb_converter *lenient;

static void set_up(void)
{
    converter = new_converter(NULL);
    lenient = new_lenient_converter();
}

static void tear_down(void)
{
    spb_converter_free(converter);
    spb_converter_free(lenient);
}

/* Gives node, which is deleted, the name and puts it into an object that is converted. */
static enum spb_status convert_member(spb_converter *with, const char *name, cJSON *node,
                                      struct spb_bytes *pb, struct spb_error *error)
{
    cJSON *tree = cJSON_CreateObject();

    pb->len = 0;
    cJSON_AddItemToObject(tree, name, node);
    const enum spb_status status = spb_tree_to_pb(with, tree, pb, error);
    cJSON_Delete(tree);
    return status;
}

static void assert_member_is(const char *name, cJSON *node, const char *json)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes text = { 0 };

    assert_status(convert_member(lenient, name, node, &pb, NULL), SPB_OK, json);
    pb_to_json(lenient, &pb, &text);
    assert_text_eq(&text, json);
    spb_bytes_release(&pb);
    spb_bytes_release(&text);
}

static void assert_member_fails(spb_converter *with, const char *name, cJSON *node,
                                enum spb_status expected, const char *path)
{
    struct spb_bytes pb = { 0 };
    struct spb_error error = { .status = SPB_OK };

    assert_status(convert_member(with, name, node, &pb, &error), expected, path);
    ck_assert_str_eq(error.path, path);
    ck_assert_int_eq((int)error.status, (int)expected);
    ck_assert_str_ne(error.reason, "");
    ck_assert_uint_eq(pb.len, 0);
    spb_bytes_release(&pb);
}

START_TEST(an_additional_number_is_written_with_the_fewest_digits)
{
    assert_member_is("zz", cJSON_CreateNumber(integer_max), "{\"zz\":9007199254740992}");
    assert_member_is("zz", cJSON_CreateNumber(-integer_max), "{\"zz\":-9007199254740992}");
    assert_member_is("zz", cJSON_CreateNumber(1.50), "{\"zz\":1.5}");
    assert_member_is("zz", cJSON_CreateNumber(0.30000000000000004), "{\"zz\":0.30000000000000004}");
    assert_member_is("zz", cJSON_CreateNumber(1e-7), "{\"zz\":1e-7}");
    assert_member_is("zz", cJSON_CreateNumber(5e-324), "{\"zz\":5e-324}");
}
END_TEST

START_TEST(an_additional_integer_above_2_53_is_not_representable)
{
    static const double values[] = { 9007199254740994.0, -9007199254740994.0, 1e16, 1e300,
                                     1.7976931348623157e308 };

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_member_fails(converter, "zz", cJSON_CreateNumber(values[i]), SPB_NOT_REPRESENTABLE,
                            "/zz");
        assert_member_fails(lenient, "eventCount", cJSON_CreateNumber(values[i]),
                            SPB_NOT_REPRESENTABLE, "/eventCount");
    }
}
END_TEST

/* What cJSON's parser makes of 1e400, and what JSON has no number for. */
START_TEST(an_additional_number_that_is_not_finite_is_not_representable)
{
    assert_member_fails(lenient, "zz", cJSON_Parse("1e400"), SPB_NOT_REPRESENTABLE, "/zz");
    assert_member_fails(lenient, "zz", cJSON_CreateNumber((double)-INFINITY), SPB_NOT_REPRESENTABLE,
                        "/zz");
    assert_member_fails(lenient, "zz", cJSON_CreateNumber((double)NAN), SPB_NOT_REPRESENTABLE,
                        "/zz");
}
END_TEST

static cJSON *with_latitude(double latitude)
{
    cJSON *geolocation = cJSON_CreateObject();

    cJSON_AddNumberToObject(geolocation, "latitude", latitude);
    return geolocation;
}

/* The text door says so of 1e400. */
START_TEST(a_defined_number_that_is_infinite_is_out_of_range)
{
    assert_member_fails(converter, "geolocation", with_latitude((double)INFINITY), SPB_OUT_OF_RANGE,
                        "/geolocation/latitude");
    assert_member_fails(converter, "eventCount", cJSON_Parse("-1e400"), SPB_OUT_OF_RANGE,
                        "/eventCount");
}
END_TEST

START_TEST(a_defined_number_that_is_none_is_not_representable)
{
    assert_member_fails(converter, "geolocation", with_latitude((double)NAN), SPB_NOT_REPRESENTABLE,
                        "/geolocation/latitude");
}
END_TEST

START_TEST(a_raw_node_carries_its_text)
{
    assert_member_is("zz", cJSON_CreateRaw("123456789012345678901234567890"),
                     "{\"zz\":123456789012345678901234567890}");
    assert_member_is("zz",
                     cJSON_CreateRaw(" { \"b\" : [ 1.0 , 9007199254740993 ],\n\"a\":1e400 } "),
                     "{\"zz\":{\"b\":[1.0,9007199254740993],\"a\":1e400}}");
    assert_member_is("zz", cJSON_CreateRaw("\"\\u0000\\/ \""), "{\"zz\":\"\\u0000\\/ \"}");
    assert_member_is("zz", cJSON_CreateRaw("null"), "{\"zz\":null}");
    cJSON *array = cJSON_CreateArray();
    cJSON_AddItemToArray(array, cJSON_CreateRaw("1.0"));
    cJSON_AddItemToArray(array, cJSON_CreateRaw("[]"));
    assert_member_is("zz", array, "{\"zz\":[1.0,[]]}");
}
END_TEST

START_TEST(a_raw_node_must_be_json)
{
    static const char *const texts[] = { "",     " ",   "{",        "01",      "1 2",     "tru",
                                         "[1,]", "'a'", "{\"a\":1", "\"a\n\"", "\"\\x\"", "[1}" };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_member_fails(lenient, "zz", cJSON_CreateRaw(texts[i]), SPB_BAD_JSON, "/zz");
    assert_member_fails(lenient, "zz", cJSON_CreateRaw("\"\xFF\""), SPB_BAD_UNICODE, "/zz");
    assert_member_fails(lenient, "zz", cJSON_CreateRaw("\"\\udc00\""), SPB_BAD_UNICODE, "/zz");
}
END_TEST

START_TEST(a_raw_node_is_of_no_defined_type)
{
    assert_member_fails(converter, "eventCount", cJSON_CreateRaw("5"), SPB_WRONG_TYPE,
                        "/eventCount");
    assert_member_fails(converter, "id", cJSON_CreateRaw("\"a\""), SPB_WRONG_TYPE, "/id");
    assert_member_is("eventCount", cJSON_CreateRaw("\"5\""), "{\"eventCount\":\"5\"}");
}
END_TEST

START_TEST(a_member_without_a_name_is_misuse)
{
    cJSON *object = cJSON_CreateObject();
    struct spb_bytes pb = { 0 };

    cJSON_AddItemToArray(object, cJSON_CreateTrue());
    assert_status(spb_tree_to_pb(lenient, object, &pb, NULL), SPB_MISUSE, "at the top");
    ck_assert_uint_eq(pb.len, 0);
    spb_bytes_release(&pb);
    assert_member_fails(lenient, "zz", cJSON_Duplicate(object, true), SPB_MISUSE, "/zz");
    assert_member_fails(lenient, "browser", cJSON_Duplicate(object, true), SPB_MISUSE, "/browser");
    assert_member_fails(lenient, "attributes", object, SPB_MISUSE, "/attributes");
}
END_TEST

static cJSON *node_of_type(int type)
{
    cJSON *node = cJSON_CreateNull();

    node->type = type;
    return node;
}

/* No type, two types, a string or raw node without text. */
START_TEST(a_node_of_no_type_is_misuse)
{
    static const int types[] = { cJSON_Invalid, cJSON_True | cJSON_False, 0x80, cJSON_String,
                                 cJSON_Raw };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        assert_member_fails(lenient, "zz", node_of_type(types[i]), SPB_MISUSE, "/zz");
        assert_member_fails(converter, "id", node_of_type(types[i]), SPB_WRONG_TYPE, "/id");
        assert_member_fails(converter, "createdDate", node_of_type(types[i]), SPB_WRONG_TYPE,
                            "/createdDate");
    }
}
END_TEST

/* In a path a question mark stands for what is not fit to print. */
START_TEST(text_that_is_not_utf8_is_refused_wherever_it_stands)
{
    cJSON *map = cJSON_CreateObject();
    cJSON *array = cJSON_CreateArray();

    cJSON_AddItemToObject(map, "\xC3", cJSON_CreateObject());
    cJSON_AddItemToArray(array, cJSON_CreateString("\xED\xA0\x80"));
    assert_member_fails(lenient, "id", cJSON_CreateString("a\xFF"), SPB_BAD_UNICODE, "/id");
    assert_member_fails(lenient, "attributes", map, SPB_BAD_UNICODE, "/attributes/?");
    assert_member_fails(lenient, "searchTerms", array, SPB_BAD_UNICODE, "/searchTerms/0");
    assert_member_fails(lenient, "\x80", cJSON_CreateNull(), SPB_BAD_UNICODE, "/?");
    assert_member_fails(lenient, "zz", cJSON_CreateString("\xC0\x80"), SPB_BAD_UNICODE, "/zz");
    map = cJSON_CreateObject();
    cJSON_AddItemToObject(map, "\xF5", cJSON_CreateTrue());
    assert_member_fails(lenient, "zz", map, SPB_BAD_UNICODE, "/zz/?");
}
END_TEST

/* ---- Limits. ---- */

static cJSON *nested(size_t depth, cJSON *innermost)
{
    for (; depth > 0; depth--) {
        cJSON *outer = depth % 2 == 0 ? cJSON_CreateArray() : cJSON_CreateObject();
        if (cJSON_IsArray(outer))
            cJSON_AddItemToArray(outer, innermost);
        else
            cJSON_AddItemToObject(outer, "a", innermost);
        innermost = outer;
    }
    return innermost;
}

START_TEST(additional_values_nest_as_deep_as_the_limit)
{
    const struct spb_options options = { .size = sizeof options,
                                         .lenient = true,
                                         .limits.depth_max = 6 };
    spb_converter *shallow = new_converter(&options);
    struct spb_bytes pb = { 0 };

    for (size_t depth = 0; depth < 10; depth++) {
        const enum spb_status expected = depth <= 6 ? SPB_OK : SPB_TOO_DEEP;
        const enum spb_status expected_raw = depth + 1 <= 6 ? SPB_OK : SPB_TOO_DEEP;
        assert_status(convert_member(shallow, "zz", nested(depth, cJSON_CreateTrue()), &pb, NULL),
                      expected, "nodes");
        assert_status(convert_member(shallow, "id", nested(depth, cJSON_CreateTrue()), &pb, NULL),
                      expected, "nodes kept by --lenient");
        assert_status(
            convert_member(shallow, "zz", nested(depth, cJSON_CreateRaw("[]")), &pb, NULL),
            expected_raw, "a raw node inside");
    }
    spb_converter_free(shallow);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(the_message_is_held_to_the_size_limit)
{
    struct spb_options options = { .size = sizeof options };
    cJSON *tree = cJSON_Parse(small_session(""));
    struct spb_bytes pb = { 0 };

    json_to_pb(converter, small_session(""), &pb);
    options.limits.document_max = pb.len;
    spb_converter *enough = new_converter(&options);
    options.limits.document_max = pb.len - 1;
    spb_converter *too_little = new_converter(&options);
    pb.len = 0;
    assert_status(spb_tree_to_pb(too_little, tree, &pb, NULL), SPB_TOO_LARGE, "a byte too much");
    ck_assert_uint_eq(pb.len, 0);
    assert_status(spb_tree_to_pb(enough, tree, &pb, NULL), SPB_OK, "just enough");
    cJSON_Delete(tree);
    spb_converter_free(enough);
    spb_converter_free(too_little);
    spb_bytes_release(&pb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trees made by hand");
    TCase *tcase = tcase_create("tree");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_additional_number_is_written_with_the_fewest_digits);
    tcase_add_test(tcase, an_additional_integer_above_2_53_is_not_representable);
    tcase_add_test(tcase, an_additional_number_that_is_not_finite_is_not_representable);
    tcase_add_test(tcase, a_defined_number_that_is_infinite_is_out_of_range);
    tcase_add_test(tcase, a_defined_number_that_is_none_is_not_representable);
    tcase_add_test(tcase, a_raw_node_carries_its_text);
    tcase_add_test(tcase, a_raw_node_must_be_json);
    tcase_add_test(tcase, a_raw_node_is_of_no_defined_type);
    tcase_add_test(tcase, a_member_without_a_name_is_misuse);
    tcase_add_test(tcase, a_node_of_no_type_is_misuse);
    tcase_add_test(tcase, text_that_is_not_utf8_is_refused_wherever_it_stands);
    tcase_add_test(tcase, additional_values_nest_as_deep_as_the_limit);
    tcase_add_test(tcase, the_message_is_held_to_the_size_limit);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
