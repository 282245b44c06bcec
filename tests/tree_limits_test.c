/*
 * Bytes to trees: what a tree of cJSON cannot hold is an error, and nothing is changed in silence.
 * Then the budget.
 */
#include <float.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 240, ROUNDS = 300 };

static const double integer_max = 9007199254740992.0; /* 2^53 */

static char sentinel;

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

static cJSON *text_to_tree(const char *json)
{
    struct spb_bytes pb = { 0 };
    cJSON *tree = NULL;

    json_to_pb(lenient, json, &pb);
    assert_status(spb_pb_to_tree(lenient, pb.data, pb.len, &tree, NULL), SPB_OK, json);
    spb_bytes_release(&pb);
    return tree;
}

/* ---- Bytes that no tree can hold. ---- */

static void assert_no_tree(const char *json)
{
    struct spb_bytes pb = { 0 };
    struct spb_error error = { .status = SPB_OK };
    cJSON *tree = (void *)&sentinel;

    json_to_pb(lenient, json, &pb);
    assert_status(spb_pb_to_tree(lenient, pb.data, pb.len, &tree, &error), SPB_NOT_REPRESENTABLE,
                  json);
    ck_assert_ptr_eq(tree, (void *)&sentinel);
    ck_assert_int_eq((int)error.status, SPB_NOT_REPRESENTABLE);
    ck_assert_str_ne(error.path, "");
    ck_assert_str_ne(error.reason, "");
    spb_bytes_release(&pb);
}

START_TEST(a_nul_in_any_string_is_not_representable)
{
    struct full_session full = { .spoil = "\\u0000", .spoiled = 0, .strings = 1 };

    for (; full.spoiled < full.strings; full.spoiled++) {
        full.json.len = 0;
        write_full_session(&full);
        if (full.spoiled < full.strings)
            assert_no_tree((const char *)full.json.data);
    }
    ck_assert_uint_gt(full.strings, 100);
    spb_bytes_release(&full.json);
}
END_TEST

START_TEST(a_nul_in_any_name_is_not_representable)
{
    assert_no_tree("{\"attributes\":{\"\\u0000\":{}}}");
    assert_no_tree("{\"attributeLists\":{\"a\":{},\"a\\u0000\":{}}}");
    assert_no_tree("{\"a\\u0000\":1}");
    assert_no_tree("{\"browser\":{\"\\u0000a\":1}}");
    assert_no_tree("{\"zz\":{\"a\":[{\"b\\u0000c\":1}]}}");
}
END_TEST

START_TEST(a_nul_in_an_additional_value_is_not_representable)
{
    assert_no_tree("{\"zz\":\"\\u0000\"}");
    assert_no_tree("{\"zz\":[\"a\",[\"b\\u0000\"]]}");
    assert_no_tree("{\"lastPage\":{\"zz\":{\"a\":\"\\u0000b\"}}}");
}
END_TEST

static const char *const held_numbers[] = {
    "0",
    "-1",
    "9007199254740992",
    "-9007199254740992",
    "1.50",
    "0.1",
    "1e2",
    "1E+2",
    "1e15",
    "123456.789e3",
    "0.00",
    "0e999999",
    "5e-324",
    "2.2250738585072014e-308",
    "0.30000000000000004",
    "1e-7",
    "-2.5e-3",
    "100000000000e-5",
    "0.000001",
    "2251799813685248.5",
    "12e00",
    "9.0e15",
    "0.1e1",
    "1000000000000000000e-10",
};

static const char *const lost_numbers[] = {
    "9007199254740993",
    "-9007199254740993",
    "9007199254740993.0",
    "9007199254740994",
    "9007199254740992.5",
    "1e16",
    "1e300",
    "18446744073709551616",
    "123456789012345678901234567890",
    "0.1234567890123456789",
    "0.1000000000000000055511151231257827",
    "2500000000000000.3",
    "4503599627370496.5",
    "3.14159265358979323846",
    "0.300000000000000041",
    "1e400",
    "-1e400",
    "1e-400",
    "1e-99999999999999999999",
    "1e99999999999999999999",
};

enum {
    HELD = sizeof held_numbers / sizeof held_numbers[0],
    LOST = sizeof lost_numbers / sizeof lost_numbers[0]
};

static const char *with_number(const char *before, const char *number, const char *behind)
{
    static struct spb_bytes text;

    text.len = 0;
    put(&text, before);
    put(&text, number);
    put(&text, behind);
    return (const char *)text.data;
}

START_TEST(a_number_that_a_double_holds_is_held)
{
    const char *number = held_numbers[_i];
    cJSON *tree = text_to_tree(with_number("{\"zz\":[{\"n\":", number, "}]}"));
    const cJSON *node = tree->child->child->child;

    ck_assert(cJSON_IsNumber(node));
    ck_assert_msg(node->valuedouble == strtod(number, NULL), "%s", number);
    cJSON_Delete(tree);
}
END_TEST

START_TEST(a_number_that_a_double_does_not_hold_is_not_representable)
{
    const char *number = lost_numbers[_i];

    assert_no_tree(with_number("{\"zz\":", number, "}"));
    assert_no_tree(with_number("{\"zz\":[{\"n\":", number, "}]}"));
    assert_no_tree(with_number("{\"lastPage\":{\"zz\":[0,", number, "]}}"));
}
END_TEST

/* What --lenient keeps is an additional member, whatever its name. */
START_TEST(a_number_kept_in_the_place_of_another_type_is_held_to_the_same)
{
    const char *number = lost_numbers[_i];

    assert_no_tree(with_number("{\"id\":", number, "}"));
    assert_no_tree(with_number("{\"eventCount\":9007199254740993,\"zz\":", number, "}"));
    assert_no_tree(with_number("{\"browser\":", number, "}"));
    assert_no_tree(with_number("{\"searchTerms\":[", number, "]}"));
    assert_no_tree(with_number("{\"browser\":[{\"isMobile\":", number, "}]}"));
    assert_no_tree(with_number("{\"attributes\":{\"k\":", number, "}}"));
}
END_TEST

START_TEST(a_count_that_is_kept_because_it_is_out_of_range_is_held_to_the_same)
{
    assert_no_tree("{\"eventCount\":9007199254740993}");
    assert_no_tree("{\"browser\":{\"viewWidth\":0.1000000000000000055511151231257827}}");
}
END_TEST

START_TEST(a_double_of_the_schema_is_what_the_bytes_hold)
{
    cJSON *tree = text_to_tree("{\"geolocation\":{\"latitude\":9007199254740993,"
                               "\"longitude\":-1.7976931348623157e308}}");
    const cJSON *latitude = tree->child->child;

    ck_assert(latitude->valuedouble == integer_max);
    ck_assert(latitude->next->valuedouble == -DBL_MAX);
    cJSON_Delete(tree);
}
END_TEST

START_TEST(what_no_tree_can_hold_has_a_pointer_and_no_place)
{
    struct spb_bytes pb = { 0 };
    struct spb_error error;
    cJSON *tree = NULL;

    json_to_pb(lenient, "{\"id\":\"a\",\"browser\":{\"family\":\"b\\u0000\"}}", &pb);
    assert_status(spb_pb_to_tree(lenient, pb.data, pb.len, &tree, &error), SPB_NOT_REPRESENTABLE,
                  "NUL");
    ck_assert_str_eq(error.path, "/browser/family");
    ck_assert_uint_eq(error.offset, 0);
    ck_assert_uint_eq(error.line, 0);
    ck_assert_uint_eq(error.column, 0);
    spb_bytes_release(&pb);
}
END_TEST

/* ---- The budget. ---- */

static const char budget_members[] =
    ",\"searchTerms\":[\"a\",\"\",\"c\"],\"attributes\":{\"k\":{\"dataType\":\"d\",\"value\":\"v\"}"
    "},"
    "\"zz\":[1,null,true,{\"a\":\"0123456789012345678901234567890123456789\"}]";

static enum spb_status within(size_t memory, size_t items)
{
    const struct spb_options options = { .size = sizeof options,
                                         .limits.memory_max = memory,
                                         .limits.items_max = items };
    spb_converter *limited = new_converter(&options);
    struct spb_bytes pb = { 0 };
    cJSON *tree = (void *)&sentinel;

    json_to_pb(converter, small_session(budget_members), &pb);
    const enum spb_status status = spb_pb_to_tree(limited, pb.data, pb.len, &tree, NULL);
    if (status == SPB_OK)
        cJSON_Delete(tree);
    else
        ck_assert_ptr_eq(tree, (void *)&sentinel);
    spb_converter_free(limited);
    spb_bytes_release(&pb);
    return status;
}

/* Bytes of a tree, without what malloc() adds; *nodes and *names are counted up. */
static size_t tree_bytes(const cJSON *node, size_t *nodes, size_t *names)
{
    size_t bytes = sizeof *node;
    const cJSON *child = NULL;

    ++*nodes;
    *names += node->string != NULL;
    bytes += node->string == NULL ? 0 : strlen(node->string) + 1;
    bytes += node->valuestring == NULL ? 0 : strlen(node->valuestring) + 1;
    cJSON_ArrayForEach(child, node)
    {
        bytes += tree_bytes(child, nodes, names);
    }
    return bytes;
}

static enum spb_status within_limit(bool memory, size_t limit)
{
    return memory ? within(limit, 0) : within(0, limit);
}

/* The least limit that a tree keeps within; what is above is enough, what is below is not. */
static size_t boundary(bool memory, size_t enough)
{
    size_t too_little = 0;
    const size_t step = enough / 40;

    while (enough - too_little > 1) {
        const size_t middle = too_little + (enough - too_little) / 2;
        if (within_limit(memory, middle) == SPB_OK)
            enough = middle;
        else
            too_little = middle;
    }
    for (size_t i = 0; i < 40; i++) {
        assert_status(within_limit(memory, enough + i * step), SPB_OK, "above the boundary");
        if (too_little > i * step)
            assert_status(within_limit(memory, too_little - i * step), SPB_OVER_BUDGET, "below it");
    }
    return enough;
}

START_TEST(a_tree_keeps_within_its_budget)
{
    cJSON *tree = text_to_tree(small_session(budget_members));
    size_t nodes = 0;
    size_t names = 0;
    const size_t bytes = tree_bytes(tree, &nodes, &names);
    const size_t items = boundary(false, 200);

    ck_assert_uint_ge(items, nodes);
    ck_assert_uint_le(items, nodes + names);
    ck_assert_uint_ge(boundary(true, 4 * bytes), bytes);
    cJSON_Delete(tree);
}
END_TEST

START_TEST(a_converter_does_not_grow_with_the_number_of_trees)
{
    struct spb_bytes pb = { 0 };
    size_t warm = 0;

    for (size_t round = 0; round < ROUNDS; round++) {
        cJSON *tree = text_to_tree(small_session(budget_members));
        pb.len = 0;
        assert_status(spb_tree_to_pb(converter, tree, &pb, NULL), SPB_OK, "tree");
        cJSON_Delete(tree);
        if (round == 1)
            warm = allocated_bytes();
    }
    ck_assert_uint_eq(allocated_bytes(), warm);
    spb_bytes_release(&pb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the tree door's limits");
    TCase *tcase = tcase_create("tree");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, a_nul_in_any_string_is_not_representable);
    tcase_add_test(tcase, a_nul_in_any_name_is_not_representable);
    tcase_add_test(tcase, a_nul_in_an_additional_value_is_not_representable);
    tcase_add_loop_test(tcase, a_number_that_a_double_holds_is_held, 0, HELD);
    tcase_add_loop_test(tcase, a_number_that_a_double_does_not_hold_is_not_representable, 0, LOST);
    tcase_add_loop_test(tcase, a_number_kept_in_the_place_of_another_type_is_held_to_the_same, 0,
                        LOST);
    tcase_add_test(tcase, a_count_that_is_kept_because_it_is_out_of_range_is_held_to_the_same);
    tcase_add_test(tcase, a_double_of_the_schema_is_what_the_bytes_hold);
    tcase_add_test(tcase, what_no_tree_can_hold_has_a_pointer_and_no_place);
    tcase_add_test(tcase, a_tree_keeps_within_its_budget);
    tcase_add_test(tcase, a_converter_does_not_grow_with_the_number_of_trees);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
