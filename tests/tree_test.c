/*
 * The tree door, held to the text door on one side and to cJSON's own parser on the other: a tree
 * is what cJSON makes of a session's text, and its bytes are those of that text.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 240, POLICIES = 6 };

static const char unknown_and_additional[] =
    "\"$unknownFields\":\"uD4Byj4Ceno=\",\"zz\":[1,-0.5,{\"ä\":\"\\n\\\"\",\"\":{}},[],null,true]";

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

static cJSON *parse(const char *json)
{
    cJSON *tree = cJSON_Parse(json);

    ck_assert_msg(tree != NULL, "cJSON does not parse %.400s", json);
    return tree;
}

static void assert_tree_gives(spb_converter *with, const cJSON *tree,
                              const struct spb_bytes *expected, const char *about)
{
    struct spb_bytes pb = { 0 };
    struct spb_error error;

    if (spb_tree_to_pb(with, tree, &pb, &error) != SPB_OK)
        ck_abort_msg("%s at %s: %.400s", error.reason, error.path, about);
    assert_bytes_eq(&pb, expected, about);
    spb_bytes_release(&pb);
}

static void assert_tree_is_text(spb_converter *with, const char *json)
{
    struct spb_bytes pb = { 0 };
    cJSON *tree = parse(json);

    json_to_pb(with, json, &pb);
    assert_tree_gives(with, tree, &pb, json);
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
}

/* Node by node, with the links between them. */
static void assert_same_tree(const cJSON *a, const cJSON *b)
{
    const cJSON *last = NULL;

    ck_assert_int_eq(a->type & 0xFF, b->type & 0xFF);
    if (cJSON_IsNumber(a)) /* cJSON's own parser and constructor differ in that of true */
        ck_assert_int_eq(a->valueint, b->valueint);
    ck_assert_int_eq(memcmp(&a->valuedouble, &b->valuedouble, sizeof(double)), 0);
    ck_assert_pstr_eq(a->valuestring, b->valuestring);
    ck_assert_pstr_eq(a->string, b->string);
    a = a->child;
    b = b->child;
    for (const cJSON *first = a; a != NULL && b != NULL; a = a->next, b = b->next) {
        assert_same_tree(a, b);
        ck_assert_ptr_eq(a->prev, a == first ? a->prev : last);
        last = a;
        ck_assert(a->next != NULL || first->prev == a);
    }
    ck_assert_msg(a == NULL && b == NULL, "more nodes on one side");
}

static void assert_bytes_are_tree(spb_converter *with, const struct spb_bytes *pb)
{
    struct spb_bytes json = { 0 };
    cJSON *tree = NULL;

    pb_to_json(with, pb, &json);
    cJSON *expected = parse((const char *)json.data);
    assert_status(spb_pb_to_tree(with, pb->data, pb->len, &tree, NULL), SPB_OK,
                  (const char *)json.data);
    assert_same_tree(tree, expected);
    assert_tree_gives(with, tree, pb, (const char *)json.data);
    cJSON_Delete(tree);
    cJSON_Delete(expected);
    spb_bytes_release(&json);
}

static void assert_text_is_tree(spb_converter *with, const char *json)
{
    struct spb_bytes pb = { 0 };

    json_to_pb(with, json, &pb);
    assert_bytes_are_tree(with, &pb);
    spb_bytes_release(&pb);
}

/* ---- Documents both ways. ---- */

static void replace(struct spb_bytes *text, const char *what, const char *with)
{
    char *place = strstr((char *)text->data, what);

    ck_assert_ptr_nonnull(place);
    ck_assert_uint_ge(strlen(what), strlen(with));
    memset(place, ' ', strlen(what));
    memcpy(place, with, strlen(with));
}

/* One example has numbers that a double cannot hold as they are spelled. */
START_TEST(an_example_is_the_same_as_a_tree_and_as_text)
{
    struct examples examples;

    read_examples(&examples);
    for (size_t i = 0; i < examples.count; i++) {
        struct spb_bytes *text = &examples.texts[i];
        if (strstr((const char *)text->data, "9007199254740993") != NULL) {
            replace(text, "9007199254740993", "9007199254740992");
            replace(text, "8.0", "8");
            replace(text, "117.50", "117.5");
        }
        assert_tree_is_text(converter, (const char *)text->data);
        assert_text_is_tree(converter, (const char *)text->data);
    }
    release_examples(&examples);
}
END_TEST

START_TEST(the_session_with_all_members_is_the_same_as_a_tree_and_as_text)
{
    struct full_session full = { .extra = unknown_and_additional, .spoiled = SIZE_MAX };

    write_full_session(&full);
    assert_tree_is_text(converter, (const char *)full.json.data);
    assert_text_is_tree(converter, (const char *)full.json.data);
    spb_bytes_release(&full.json);
}
END_TEST

static const char *const documents[] = {
    "{}",
    "{\"id\":\"\"}",
    "{\"type\":\"b\",\"id\":\"a\"}",
    "{\"id\":null,\"browser\":null,\"searchTerms\":null,\"attributes\":null,\"zz\":null}",
    "{\"searchTerms\":[],\"attributes\":{},\"browser\":{}}",
    "{\"eventCount\":1.0,\"pageviewCount\":1e2,\"screenviewCount\":-2147483648}",
    "{\"geolocation\":{\"latitude\":9007199254740993,\"longitude\":-1.5e300}}",
    "{\"geolocation\":{\"latitude\":-0.0,\"longitude\":5e-324}}",
    "{\"createdDate\":\"2026-01-14T10:28:54.1+01:00\",\"endedDate\":\"1969-12-31T23:59:59.5Z\"}",
    "{\"attributes\":{\"z\":{\"dataType\":\"d\"},\"\":{},\"a\":{\"value\":\"v\",\"a\":1}}}",
    "{\"outcomeAchievements\":[{\"outcome\":{\"id\":\"a\"}},{},{\"outcome\":{}}]}",
    "{\"zz\":{\"b\":1,\"a\":[0.1,1e21,-5],\"b\":2},\"id\":\"a\",\"aa\":\"\\u001f\\ud83d\\udeb2\"}",
    "{\"lastPage\":{\"zz\":[{}],\"breadcrumb\":[\"\",\"ä\"],\"aa\":{\"\":\"\"}},\"bb\":false}",
    "{\"$unknownFields\":\"yj4CenrDPggFxD4=\",\"!\":1,\"%\":2}",
    "{\"$unknownFields\":\"\"}",
};

enum { DOCUMENTS = sizeof documents / sizeof documents[0] };

/* Of numbers in additional members only those that are spelled as ECMAScript does. */
static bool is_spelled_alike(const char *json)
{
    return strstr(json, "1e21") == NULL;
}

START_TEST(a_document_is_the_same_as_a_tree_and_as_text)
{
    if (is_spelled_alike(documents[_i])) {
        assert_tree_is_text(lenient, documents[_i]);
        assert_text_is_tree(lenient, documents[_i]);
    }
}
END_TEST

/* Turns the members of every object around; arrays stay. */
static void turn_around(cJSON *node)
{
    cJSON *turned = NULL;
    cJSON *child = NULL;

    cJSON_ArrayForEach(child, node)
    {
        turn_around(child);
    }
    if (!cJSON_IsObject(node))
        return;
    while ((child = cJSON_DetachItemFromArray(node, 0)) != NULL) {
        child->next = turned;
        if (turned != NULL)
            turned->prev = child;
        turned = child;
    }
    while (turned != NULL) {
        child = turned;
        turned = child->next;
        child->next = child->prev = NULL;
        cJSON_AddItemToArray(node, child);
    }
}

START_TEST(members_in_any_order_give_the_same_bytes)
{
    struct full_session full = { .extra = unknown_and_additional, .spoiled = SIZE_MAX };
    struct spb_bytes pb = { 0 };

    full.extra = "\"$unknownFields\":\"uD4Byj4Ceno=\",\"zy\":[1],\"zz\":{\"only\":\"\"}";
    write_full_session(&full);
    cJSON *tree = parse((const char *)full.json.data);
    turn_around(tree);
    ck_assert_str_ne(tree->child->string, "id");
    json_to_pb(converter, (const char *)full.json.data, &pb);
    assert_tree_gives(converter, tree, &pb, "turned around");
    cJSON_Delete(tree);
    spb_bytes_release(&full.json);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(bytes_in_another_order_give_a_tree_in_canonical_order)
{
    static const uint8_t last_screen[] = { 0xD2, 0x02, 1, 'x' }; /* field 42 */
    static const char *const names[] = { "id",         "type",          "eventCount",
                                         "lastEvent",  "authenticated", "lastScreen",
                                         "createdDate" };
    struct spb_bytes pb = { 0 };
    struct spb_bytes bytes = { 0 };
    cJSON *tree = NULL;

    json_to_pb(converter, small_session(""), &pb);
    set_bytes(&bytes, last_screen, sizeof last_screen);
    ck_assert_int_eq(spb_bytes_append(&bytes, pb.data, pb.len), SPB_OK);
    assert_status(spb_pb_to_tree(converter, bytes.data, bytes.len, &tree, NULL), SPB_OK, "bytes");
    const cJSON *child = tree->child;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++, child = child->next)
        ck_assert_str_eq(child->string, names[i]);
    ck_assert_ptr_null(child);
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
    spb_bytes_release(&bytes);
}
END_TEST

START_TEST(a_tree_is_only_read)
{
    struct full_session full = { .extra = unknown_and_additional, .spoiled = SIZE_MAX };
    struct spb_bytes pb = { 0 };

    write_full_session(&full);
    cJSON *tree = parse((const char *)full.json.data);
    cJSON *copy = parse((const char *)full.json.data);
    assert_status(spb_tree_to_pb(converter, tree, &pb, NULL), SPB_OK, "tree");
    assert_same_tree(tree, copy);
    cJSON_Delete(tree);
    cJSON_Delete(copy);
    spb_bytes_release(&full.json);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(bytes_are_appended)
{
    cJSON *tree = parse(small_session(""));
    struct spb_bytes pb = { 0 };
    struct spb_bytes expected = { 0 };

    json_to_pb(converter, small_session(""), &expected);
    put(&pb, "before");
    assert_status(spb_tree_to_pb(converter, tree, &pb, NULL), SPB_OK, "tree");
    ck_assert_uint_eq(pb.len, 6 + expected.len);
    ck_assert_mem_eq(pb.data, "before", 6);
    ck_assert_mem_eq(pb.data + 6, expected.data, expected.len);
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
    spb_bytes_release(&expected);
}
END_TEST

/* ---- Judged as text is. ---- */

static const char *const faults[] = {
    "{\"id\":1}",
    "{\"id\":\"a\"}",
    "{\"id\":null}",
    "{\"eventCount\":\"many\"}",
    "{\"eventCount\":1.5}",
    "{\"eventCount\":2147483648}",
    "{\"eventCount\":-2147483649}",
    "{\"eventCount\":true}",
    "{\"authenticated\":0}",
    "{\"browser\":[]}",
    "{\"browser\":{\"family\":5}}",
    "{\"lastPage\":{\"breadcrumb\":{}}}",
    "{\"lastPage\":{\"breadcrumb\":[\"a\",2]}}",
    "{\"lastPage\":{\"breadcrumb\":[\"a\",null]}}",
    "{\"geolocation\":{\"latitude\":\"1\"}}",
    "{\"createdDate\":5}",
    "{\"createdDate\":\"2026-02-30T00:00:00Z\"}",
    "{\"lastEvent\":{\"createdDate\":\"\"}}",
    "{\"attributes\":[]}",
    "{\"attributes\":{\"k\":\"v\"}}",
    "{\"attributes\":{\"k\":null}}",
    "{\"attributes\":{\"a/b~c\":{\"value\":1}}}",
    "{\"segmentAssignments\":[{},{\"segment\":{\"id\":[]}}]}",
    "{\"segmentAssignments\":[null]}",
    "{\"browser\":{\"zz\":[{\"a\":1}]}}",
    "{\"zz\":{\"a\":[[[]]]}}",
    "{\"$unknownFields\":5}",
    "{\"$unknownFields\":null}",
    "{\"$unknownFields\":\"?\"}",
    "{\"$unknownFields\":\"CgFh\"}",
    "{\"$unknownFields\":\"wj4Ce30=\"}",
    "{\"$unknownFields\":\"uD4=\"}",
    "{\"browser\":{\"$unknownFields\":\"uD4\"}}",
};

static const char *const repeats[] = {
    "{\"id\":\"a\",\"id\":\"b\"}",
    "{\"id\":\"a\",\"id\":null}",
    "{\"browser\":{\"family\":\"a\",\"version\":\"1\",\"family\":\"b\"}}",
    "{\"zz\":1,\"aa\":2,\"zz\":3}",
    "{\"lastPage\":{\"zz\":1,\"zz\":1}}",
    "{\"attributes\":{\"k\":{},\"j\":{},\"k\":{}}}",
    "{\"attributeLists\":{\"\":{},\"\":{}}}",
    "{\"$unknownFields\":\"uD4B\",\"$unknownFields\":\"uD4B\"}",
};

static const char *const no_objects[] = { "[]", "\"a\"", "null", "true", "1", "[{\"id\":\"a\"}]" };

enum {
    FAULTS = sizeof faults / sizeof faults[0],
    REPEATS = sizeof repeats / sizeof repeats[0],
    NO_OBJECTS = sizeof no_objects / sizeof no_objects[0],
    PARSED_MAX = 1024
};

static spb_converter *converter_for(int policy)
{
    const struct spb_options options = { .size = sizeof options,
                                         .lenient = policy / 3 != 0,
                                         .unknown = (enum spb_unknown)(policy % 3) };

    return new_converter(&options);
}

/* Converts text and its tree under every policy: status, and on success bytes, are the same. */
static void assert_judged_alike(const char *json, bool with_path)
{
    struct spb_bytes text_pb = { 0 };
    struct spb_bytes tree_pb = { 0 };
    cJSON *tree = parse(json);

    for (int policy = 0; policy < POLICIES; policy++) {
        struct spb_error of_text = { .status = SPB_OK };
        struct spb_error of_tree = { .status = SPB_OK };
        spb_converter *judge = converter_for(policy);
        text_pb.len = tree_pb.len = 0;
        const enum spb_status by_text =
            spb_json_to_pb(judge, json, strlen(json), &text_pb, &of_text);
        assert_status(spb_tree_to_pb(judge, tree, &tree_pb, &of_tree), by_text, json);
        assert_bytes_eq(&tree_pb, &text_pb, json);
        ck_assert_int_eq((int)of_tree.status, (int)by_text);
        ck_assert_uint_eq(of_tree.offset + of_tree.line + of_tree.column, 0);
        if (with_path && strcmp(of_tree.path, of_text.path) != 0)
            ck_abort_msg("\"%s\" instead of \"%s\": %s", of_tree.path, of_text.path, json);
        spb_converter_free(judge);
    }
    cJSON_Delete(tree);
    spb_bytes_release(&text_pb);
    spb_bytes_release(&tree_pb);
}

START_TEST(a_document_is_judged_as_its_text)
{
    if (is_spelled_alike(documents[_i]))
        assert_judged_alike(documents[_i], true);
}
END_TEST

START_TEST(a_fault_is_judged_and_placed_as_in_text)
{
    assert_judged_alike(faults[_i], true);
}
END_TEST

START_TEST(a_repeated_name_is_judged_as_in_text)
{
    assert_judged_alike(repeats[_i], false);
}
END_TEST

START_TEST(a_repeated_name_is_placed_as_in_text)
{
    assert_judged_alike(repeats[_i], true);
}
END_TEST

START_TEST(what_is_no_object_is_no_session)
{
    struct spb_bytes pb = { 0 };
    cJSON *tree = parse(no_objects[_i]);

    assert_status(spb_tree_to_pb(lenient, tree, &pb, NULL), SPB_WRONG_TYPE, no_objects[_i]);
    ck_assert_int_ne(spb_tree_to_pb(lenient, NULL, &pb, NULL), SPB_OK);
    ck_assert_uint_eq(pb.len, 0);
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(what_is_no_object_is_judged_as_in_text)
{
    assert_judged_alike(no_objects[_i], true);
}
END_TEST

/* ---- Errors. ---- */

static const struct {
    const char *json;
    const char *path;
} placed[] = {
    { "{\"browser\":{\"family\":5}}", "/browser/family" },
    { "{\"attributes\":{\"k\":5}}", "/attributes/k" },
    { "{\"attributes\":{\"a/b~\":{\"value\":{}}}}", "/attributes/a~1b~0/value" },
    { "{\"lastPage\":{\"breadcrumb\":[\"a\",5]}}", "/lastPage/breadcrumb/1" },
    { "{\"outcomeAchievements\":[{},{\"achievedDate\":\"?\"}]}",
      "/outcomeAchievements/0" }, /* lacks what is required */
    { "{\"browser\":{\"$unknownFields\":\"?\"}}", "/browser/$unknownFields" },
    { "{\"zz\":{\"ä\":[0,{\"n\":9007199254740994}]}}", "/zz/ä/1/n" },
    { "{\"lastEvent\":{}}", "/lastEvent" },
    { "{}", "" },
};

enum { PLACED = sizeof placed / sizeof placed[0] };

START_TEST(an_error_has_the_path_of_its_node)
{
    struct spb_bytes pb = { 0 };
    struct spb_error error;
    cJSON *tree = parse(placed[_i].json);

    put(&pb, "before");
    ck_assert_int_ne(spb_tree_to_pb(converter, tree, &pb, &error), SPB_OK);
    ck_assert_str_eq(error.path, placed[_i].path);
    ck_assert_str_ne(error.reason, "");
    ck_assert_uint_eq(error.offset, 0);
    ck_assert_uint_eq(error.line, 0);
    ck_assert_uint_eq(error.column, 0);
    assert_text_eq(&pb, "before");
    ck_assert_int_ne(spb_tree_to_pb(converter, tree, &pb, NULL), SPB_OK);
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(a_long_path_is_cut)
{
    struct spb_bytes json = { 0 };
    struct spb_bytes pb = { 0 };
    struct spb_error error;

    put(&json, "{\"attributes\":{\"");
    for (size_t i = 0; i < 40; i++)
        put(&json, "0123456789");
    put(&json, "\":{\"value\":7}}}");
    cJSON *tree = parse((const char *)json.data);
    assert_status(spb_tree_to_pb(converter, tree, &pb, &error), SPB_WRONG_TYPE, "long path");
    ck_assert_uint_lt(strlen(error.path), SPB_PATH_MAX);
    ck_assert_str_eq(error.path + strlen(error.path) - 3, "...");
    cJSON_Delete(tree);
    spb_bytes_release(&json);
    spb_bytes_release(&pb);
}
END_TEST

static const char *const bad_bytes[] = {
    "\x0A", "\x0A\x01\xFF", "\x0F", "\x00", "\x0A\x01", "\xDA"
};

enum { BAD_BYTES = sizeof bad_bytes / sizeof bad_bytes[0] };

START_TEST(bytes_are_judged_as_by_the_text_door)
{
    static char sentinel;
    struct spb_error of_text = { .status = SPB_OK };
    struct spb_error of_tree = { .status = SPB_OK };
    struct spb_bytes json = { 0 };
    cJSON *tree = (void *)&sentinel;
    const char *bytes = bad_bytes[_i];
    const size_t len = bytes[0] == '\0' ? 1 : strlen(bytes);

    const enum spb_status status = spb_pb_to_json(converter, bytes, len, &json, &of_text);
    ck_assert_int_ne(status, SPB_OK);
    assert_status(spb_pb_to_tree(converter, bytes, len, &tree, &of_tree), status, "bytes");
    ck_assert_ptr_eq(tree, (void *)&sentinel);
    ck_assert_uint_eq(of_tree.offset, of_text.offset);
    ck_assert_str_eq(of_tree.path, of_text.path);
    ck_assert_str_eq(of_tree.reason, of_text.reason);
    spb_bytes_release(&json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the tree door");
    TCase *tcase = tcase_create("tree");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, an_example_is_the_same_as_a_tree_and_as_text);
    tcase_add_test(tcase, the_session_with_all_members_is_the_same_as_a_tree_and_as_text);
    tcase_add_loop_test(tcase, a_document_is_the_same_as_a_tree_and_as_text, 0, DOCUMENTS);
    tcase_add_test(tcase, members_in_any_order_give_the_same_bytes);
    tcase_add_test(tcase, bytes_in_another_order_give_a_tree_in_canonical_order);
    tcase_add_test(tcase, a_tree_is_only_read);
    tcase_add_test(tcase, bytes_are_appended);
    tcase_add_loop_test(tcase, a_document_is_judged_as_its_text, 0, DOCUMENTS);
    tcase_add_loop_test(tcase, a_fault_is_judged_and_placed_as_in_text, 0, FAULTS);
    tcase_add_loop_test(tcase, a_repeated_name_is_judged_as_in_text, 0, REPEATS);
    tcase_add_loop_test(tcase, a_repeated_name_is_placed_as_in_text, 0, REPEATS);
    tcase_add_loop_test(tcase, what_is_no_object_is_no_session, 0, NO_OBJECTS);
    tcase_add_loop_test(tcase, what_is_no_object_is_judged_as_in_text, 0, NO_OBJECTS);
    tcase_add_loop_test(tcase, an_error_has_the_path_of_its_node, 0, PLACED);
    tcase_add_test(tcase, a_long_path_is_cut);
    tcase_add_loop_test(tcase, bytes_are_judged_as_by_the_text_door, 0, BAD_BYTES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
