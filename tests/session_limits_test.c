/*
 * The struct door: its budget, to the byte; that it judges as the text door does; and that a
 * converter does not grow.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/session.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 240, ROUNDS = 300 };

static const char members_of_all_kinds[] =
    ",\"searchTerms\":[\"a\",\"\",\"c\"],\"zz\":[1,2],\"$unknownFields\":\"uD4Byj4Ceno=\","
    "\"attributes\":{\"k\":{\"dataType\":\"d\",\"value\":\"v\"}},"
    "\"geolocation\":{\"latitude\":1.5,\"longitude\":-0.25}";

static char sentinel;

static spb_converter *converter;

static void set_up(void)
{
    converter = new_converter(NULL);
}

static void tear_down(void)
{
    spb_converter_free(converter);
}

/* ---- The budget. ---- */

/* Converts both ways within limits, which must give the same status. */
static enum spb_status convert_within(const struct spb_limits *limits, const char *json)
{
    const struct spb_options options = { .size = sizeof options, .limits = *limits };
    spb_converter *limited = new_converter(&options);
    Journey__V1__Session *session = (void *)&sentinel;
    struct spb_bytes pb = { 0 };
    struct spb_error error = { .status = SPB_OK };

    json_to_pb(converter, json, &pb);
    const enum spb_status status =
        spb_json_to_session(limited, json, strlen(json), &session, &error);
    if (status == SPB_OK) {
        spb_session_free(session);
    } else {
        ck_assert_ptr_eq(session, (void *)&sentinel);
        ck_assert_int_eq((int)error.status, (int)status);
        ck_assert_str_ne(error.reason, "");
    }
    session = (void *)&sentinel;
    assert_status(spb_pb_to_session(limited, pb.data, pb.len, &session, &error), status, "bytes");
    if (status == SPB_OK)
        spb_session_free(session);
    else
        ck_assert_ptr_eq(session, (void *)&sentinel);
    spb_bytes_release(&pb);
    spb_converter_free(limited);
    return status;
}

static enum spb_status with_items(size_t items, const char *json)
{
    return convert_within(&(struct spb_limits){ .items_max = items }, json);
}

static enum spb_status with_memory(size_t memory, const char *json)
{
    return convert_within(&(struct spb_limits){ .memory_max = memory }, json);
}

static struct struct_sum sum_of(const char *json)
{
    Journey__V1__Session *session = json_to_session(converter, json);
    const struct struct_sum sum = sum_struct(&session->base);

    spb_session_free(session);
    return sum;
}

static void assert_items_limit_is_exact(const char *json)
{
    const struct struct_sum sum = sum_of(json);
    const size_t items = sum.messages + sum.strings + sum.unknown;

    assert_status(with_items(items, json), SPB_OK, json);
    assert_status(with_items(items + 1, json), SPB_OK, json);
    for (size_t less = 1; less < items; less += 1 + items / 50)
        assert_status(with_items(items - less, json), SPB_OVER_BUDGET, json);
}

START_TEST(the_items_of_a_struct_are_its_strings_and_messages)
{
    struct full_session full = { .extra = "\"zz\":0", .spoiled = SIZE_MAX };

    write_full_session(&full);
    assert_items_limit_is_exact(small_session(""));
    assert_items_limit_is_exact(small_session(members_of_all_kinds));
    assert_items_limit_is_exact((const char *)full.json.data);
    spb_bytes_release(&full.json);
}
END_TEST

static size_t least_memory(const char *json)
{
    size_t too_little = 0;
    size_t enough = (size_t)16 << 20;

    assert_status(with_memory(enough, json), SPB_OK, json);
    while (enough - too_little > 1) {
        const size_t middle = too_little + (enough - too_little) / 2;
        const enum spb_status status = with_memory(middle, json);
        if (status == SPB_OK) {
            enough = middle;
        } else {
            assert_status(status, SPB_OVER_BUDGET, json);
            too_little = middle;
        }
    }
    return enough;
}

/* There is one boundary, and it is not below what the struct takes. */
static void assert_memory_limit_is_exact(const char *json)
{
    const struct struct_sum sum = sum_of(json);
    const size_t least = least_memory(json);

    ck_assert_uint_ge(least, sum.bytes);
    for (size_t i = 1; i < 200; i++) {
        assert_status(with_memory(least + i * 61, json), SPB_OK, json);
        if (i * 61 < least)
            assert_status(with_memory(least - i * 61, json), SPB_OVER_BUDGET, json);
    }
}

START_TEST(the_memory_limit_has_one_boundary)
{
    struct full_session full = { .extra = "\"zz\":0", .spoiled = SIZE_MAX };

    write_full_session(&full);
    assert_memory_limit_is_exact(small_session(""));
    assert_memory_limit_is_exact(small_session(members_of_all_kinds));
    assert_memory_limit_is_exact((const char *)full.json.data);
    spb_bytes_release(&full.json);
}
END_TEST

/* A string of 3000 bytes does not fit beside another in a piece of 4096. */
START_TEST(the_memory_limit_holds_for_long_strings)
{
    struct spb_bytes json = { 0 };

    put(&json, "{\"searchTerms\":[\"");
    for (size_t i = 0; i < 20; i++) {
        for (size_t j = 0; j < 300; j++)
            put(&json, "0123456789");
        put(&json, "\",\"");
    }
    put_format(&json, "\"],%s", small_session("") + 1);
    assert_memory_limit_is_exact((const char *)json.data);
    spb_bytes_release(&json);
}
END_TEST

/* Two thousand empty strings take 6 kB of text, and as a struct a pointer and a byte each. */
START_TEST(a_small_text_does_not_become_a_large_struct)
{
    struct spb_bytes json = { 0 };

    put(&json, "{\"divisionIds\":[\"\"");
    for (size_t i = 1; i < 2000; i++)
        put(&json, ",\"\"");
    put_format(&json, "],%s", small_session("") + 1);
    assert_status(with_memory(2000 * sizeof(char *), (const char *)json.data), SPB_OVER_BUDGET, "2000 strings");
    assert_status(with_items(2000, (const char *)json.data), SPB_OVER_BUDGET, "2000 strings");
    assert_status(with_memory(100000, (const char *)json.data), SPB_OK, "2000 strings");
    spb_bytes_release(&json);
}
END_TEST

START_TEST(the_size_limit_is_that_of_what_was_given)
{
    struct full_session full = { .spoiled = SIZE_MAX };
    struct spb_bytes pb = { 0 };
    struct spb_bytes out = { 0 };
    Journey__V1__Session *session = NULL;

    write_full_session(&full);
    json_to_pb(converter, (const char *)full.json.data, &pb);
    const struct spb_options exact = { .size = sizeof exact, .limits.document_max = pb.len };
    const struct spb_options less = { .size = sizeof less, .limits.document_max = pb.len - 1 };
    spb_converter *enough = new_converter(&exact);
    spb_converter *too_little = new_converter(&less);
    assert_status(spb_pb_to_json(enough, pb.data, pb.len, &out, NULL), SPB_OK, "to text");
    assert_status(spb_pb_to_session(too_little, pb.data, pb.len, &session, NULL), SPB_TOO_LARGE,
                  "to a struct");
    assert_status(spb_pb_to_session(enough, pb.data, pb.len, &session, NULL), SPB_OK,
                  "to a struct");
    assert_status(spb_session_to_pb(too_little, session, &out, NULL), SPB_TOO_LARGE, "to bytes");
    assert_status(spb_session_to_pb(enough, session, &out, NULL), SPB_OK, "to bytes");
    spb_session_free(session);
    spb_converter_free(enough);
    spb_converter_free(too_little);
    spb_bytes_release(&full.json);
    spb_bytes_release(&pb);
    spb_bytes_release(&out);
}
END_TEST

/* ---- The text door says the same. ---- */

static const char *const documents[] = {
    "",
    "{",
    "{}",
    "[]",
    "null",
    "{\"id\":\"a\"}",
    "{\"id\":\"a\",}",
    "{\"id\":\"a\" \"type\":\"b\"}",
    "{\"id\":tru}",
    "{\"id\":1}",
    "{\"id\":\"\\ud800\"}",
    "{\"id\":\"\xC0\x80\"}",
    "{\"eventCount\":1.5}",
    "{\"eventCount\":1e2}",
    "{\"eventCount\":2147483648}",
    "{\"eventCount\":null}",
    "{\"createdDate\":\"yesterday\"}",
    "{\"createdDate\":\"0001-01-01T00:00:00Z\",\"endedDate\":\"9999-12-31T23:59:59.999999999Z\"}",
    "{\"id\":\"a\",\"id\":\"b\"}",
    "{\"zz\":1,\"zz\":2}",
    "{\"zz\":[[[[1]]]],\"browser\":{\"zz\":{}}}",
    "{\"$unknownFields\":\"uD4B\"}",
    "{\"$unknownFields\":\"CgFh\"}",
    "{\"$unknownFields\":\"?\"}",
    "{\"attributes\":{\"k\":{},\"k\":{}}}",
    "{\"attributes\":{\"k\":null}}",
    "{\"browser\":{},\"lastPage\":{\"breadcrumb\":[]}}",
    "{\"geolocation\":{\"latitude\":1e400}}",
    "{\"geolocation\":{\"latitude\":1e300}}",
    "{\"lastPage\":{\"breadcrumb\":[\"a\",2]}}",
    "{\"id\":\"a\"} x",
};

static void assert_same_error(const struct spb_error *a, const struct spb_error *b)
{
    ck_assert_int_eq((int)a->status, (int)b->status);
    ck_assert_uint_eq(a->offset, b->offset);
    ck_assert_uint_eq(a->line, b->line);
    ck_assert_uint_eq(a->column, b->column);
    ck_assert_str_eq(a->path, b->path);
    ck_assert_str_eq(a->reason, b->reason);
}

static void assert_text_judged_alike(spb_converter *judge, const char *json)
{
    Journey__V1__Session *session = NULL;
    struct spb_bytes pb = { 0 };
    struct spb_error of_text = { .status = SPB_OK };
    struct spb_error of_struct = { .status = SPB_OK };
    const enum spb_status status = spb_json_to_pb(judge, json, strlen(json), &pb, &of_text);

    assert_status(spb_json_to_session(judge, json, strlen(json), &session, &of_struct), status,
                  json);
    assert_same_error(&of_text, &of_struct);
    spb_session_free(session);
    spb_bytes_release(&pb);
}

static spb_converter *converter_for(int policy)
{
    const struct spb_options options = { .size = sizeof options,
                                         .lenient = policy / 3 != 0,
                                         .unknown = (enum spb_unknown)(policy % 3) };

    return new_converter(&options);
}

enum { POLICIES = 6 };

START_TEST(text_is_judged_as_by_the_text_door)
{
    spb_converter *judge = converter_for(_i);

    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++)
        assert_text_judged_alike(judge, documents[i]);
    assert_text_judged_alike(judge, small_session(""));
    assert_text_judged_alike(judge, small_session(members_of_all_kinds));
    assert_text_judged_alike(judge, small_session(",\"eventCount\":1"));
    spb_converter_free(judge);
}
END_TEST

/* Where the doors differ, a string has a NUL. */
static void assert_bytes_judged_alike(spb_converter *judge, const uint8_t *data, size_t len)
{
    Journey__V1__Session *session = NULL;
    struct spb_bytes json = { 0 };
    struct spb_bytes again = { 0 };
    struct spb_error of_text = { .status = SPB_OK };
    struct spb_error of_struct = { .status = SPB_OK };
    const enum spb_status by_text = spb_pb_to_json(judge, data, len, &json, &of_text);
    const enum spb_status by_struct = spb_pb_to_session(judge, data, len, &session, &of_struct);

    if (by_text == SPB_OK && by_struct == SPB_NOT_REPRESENTABLE) {
        ck_assert_ptr_nonnull(strstr((const char *)json.data, "\\u0000"));
    } else {
        assert_status(by_struct, by_text, "bytes");
        assert_same_error(&of_text, &of_struct);
    }
    if (by_struct == SPB_OK) {
        assert_status(spb_session_to_json(judge, session, &again, NULL), SPB_OK, "back");
        assert_bytes_eq(&again, &json, (const char *)json.data);
    }
    spb_session_free(session);
    spb_bytes_release(&json);
    spb_bytes_release(&again);
}

START_TEST(bytes_cut_anywhere_are_judged_as_by_the_text_door)
{
    struct full_session full = { .extra = "\"$unknownFields\":\"uD4B\"", .spoiled = SIZE_MAX };
    struct spb_bytes pb = { 0 };
    spb_converter *judge = converter_for(_i);

    write_full_session(&full);
    json_to_pb(converter, (const char *)full.json.data, &pb);
    for (size_t len = 0; len <= pb.len; len++)
        assert_bytes_judged_alike(judge, pb.data, len);
    spb_converter_free(judge);
    spb_bytes_release(&full.json);
    spb_bytes_release(&pb);
}
END_TEST

/* A struct does not hold how an unknown field's tag was spelled: with needless bytes, say. */
static bool ends_a_long_varint(const struct spb_bytes *pb, size_t i)
{
    return pb->data[i] == 0 && i > 0 && pb->data[i - 1] >= 0x80;
}

START_TEST(bytes_changed_anywhere_are_judged_as_by_the_text_door)
{
    struct spb_bytes pb = { 0 };
    spb_converter *judge = converter_for(_i);

    json_to_pb(converter, small_session(members_of_all_kinds), &pb);
    for (size_t i = 0; i < pb.len; i++) {
        for (unsigned change = 1; change < 256; change++) {
            pb.data[i] ^= (uint8_t)change;
            if (!ends_a_long_varint(&pb, i))
                assert_bytes_judged_alike(judge, pb.data, pb.len);
            pb.data[i] ^= (uint8_t)change;
        }
    }
    spb_converter_free(judge);
    spb_bytes_release(&pb);
}
END_TEST

/* ---- Many sessions. ---- */

/* In every message it makes a struct of many pieces. */
static const char long_member[] =
    "\"zz\":\"01234567890123456789012345678901234567890123456789012345678901234567890123456789"
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789\"";

static void convert_every_way(const struct spb_bytes *text, struct spb_bytes *json,
                              struct spb_bytes *pb)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)text->data);

    pb->len = 0;
    json->len = 0;
    assert_status(spb_session_to_pb(converter, session, pb, NULL), SPB_OK, "to pb");
    spb_session_free(session);
    session = pb_to_session(converter, pb);
    assert_status(spb_session_to_json(converter, session, json, NULL), SPB_OK, "to json");
    spb_session_free(session);
}

START_TEST(a_converter_does_not_grow_with_the_number_of_sessions)
{
    struct examples examples;
    struct full_session full = { .extra = long_member, .spoiled = SIZE_MAX };
    struct spb_bytes json = { 0 };
    struct spb_bytes pb = { 0 };
    size_t warm = 0;

    read_examples(&examples);
    write_full_session(&full);
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < examples.count; i++)
            convert_every_way(&examples.texts[i], &json, &pb);
        convert_every_way(&full.json, &json, &pb);
        if (round == 1)
            warm = allocated_bytes();
    }
    ck_assert_uint_eq(allocated_bytes(), warm);
    release_examples(&examples);
    spb_bytes_release(&full.json);
    spb_bytes_release(&json);
    spb_bytes_release(&pb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the struct door's limits");
    TCase *tcase = tcase_create("session");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, the_items_of_a_struct_are_its_strings_and_messages);
    tcase_add_test(tcase, the_memory_limit_has_one_boundary);
    tcase_add_test(tcase, the_memory_limit_holds_for_long_strings);
    tcase_add_test(tcase, a_small_text_does_not_become_a_large_struct);
    tcase_add_test(tcase, the_size_limit_is_that_of_what_was_given);
    tcase_add_loop_test(tcase, text_is_judged_as_by_the_text_door, 0, POLICIES);
    tcase_add_loop_test(tcase, bytes_cut_anywhere_are_judged_as_by_the_text_door, 0, POLICIES);
    tcase_add_loop_test(tcase, bytes_changed_anywhere_are_judged_as_by_the_text_door, 0, POLICIES);
    tcase_add_test(tcase, a_converter_does_not_grow_with_the_number_of_sessions);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
