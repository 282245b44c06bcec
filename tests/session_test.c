/*
 * The struct door. Judges are protobuf-c itself, which unpacks the same bytes, and the text door.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/session.h>

#include "base/bytes.h"
#include "door_support.h"
#include "wire/reader.h"

enum { TIMEOUT_SECONDS = 240 };

/* Field 999 as a varint, and 1001 as bytes: on both sides of additional_properties. */
static const char unknown_and_additional[] =
    "\"$unknownFields\":\"uD4Byj4Ceno=\",\"zz\":[1.0,\"\\u0000\"]";

static spb_converter *converter;
static struct spb_bytes full_json; /* every member, unknown fields, additional members */
static struct spb_bytes full_pb;
static struct examples examples;

static void set_up(void)
{
    struct full_session full = { .extra = unknown_and_additional, .spoiled = SIZE_MAX };

    converter = new_converter(NULL);
    write_full_session(&full);
    full_json = full.json;
    full_pb = (struct spb_bytes){ 0 };
    json_to_pb(converter, (const char *)full_json.data, &full_pb);
    ck_assert(spb_bytes_pad(&full_pb));
    read_examples(&examples);
}

static void tear_down(void)
{
    spb_converter_free(converter);
    spb_bytes_release(&full_json);
    spb_bytes_release(&full_pb);
    release_examples(&examples);
}

static struct spb_bytes session_pb(const Journey__V1__Session *session)
{
    struct spb_bytes pb = { 0 };

    assert_status(spb_session_to_pb(converter, session, &pb, NULL), SPB_OK, "session to pb");
    return pb;
}

static struct spb_bytes session_json(const Journey__V1__Session *session)
{
    struct spb_bytes json = { 0 };

    assert_status(spb_session_to_json(converter, session, &json, NULL), SPB_OK, "session to json");
    return json;
}

static struct spb_bytes pack(const Journey__V1__Session *session)
{
    struct spb_bytes packed = { 0 };

    ck_assert_int_eq(spb_bytes_reserve(&packed, journey__v1__session__get_packed_size(session) + 1),
                     SPB_OK);
    packed.len = journey__v1__session__pack(session, packed.data);
    return packed;
}

/* ---- What a session is as a struct. ---- */

START_TEST(every_member_of_every_definition_is_filled)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)full_json.data);
    const struct struct_sum sum = sum_struct(&session->base);

    ck_assert(protobuf_c_message_check(&session->base));
    ck_assert_uint_eq(sum.absent, 0);
    ck_assert_uint_eq(sum.unknown % 2, 0);
    ck_assert_uint_gt(sum.unknown, 2 * 20);
    spb_session_free(session);
}
END_TEST

static void assert_same_as_unpacked(const Journey__V1__Session *session, const struct spb_bytes *pb)
{
    Journey__V1__Session *unpacked = journey__v1__session__unpack(NULL, pb->len, pb->data);

    ck_assert_ptr_nonnull(unpacked);
    assert_same_struct(&session->base, &unpacked->base);
    struct spb_bytes ours = pack(session);
    struct spb_bytes theirs = pack(unpacked);
    assert_bytes_eq(&ours, &theirs, "packed by protobuf-c");
    spb_bytes_release(&ours);
    spb_bytes_release(&theirs);
    journey__v1__session__free_unpacked(unpacked, NULL);
}

START_TEST(it_is_the_struct_that_protobuf_c_unpacks)
{
    Journey__V1__Session *from_json = json_to_session(converter, (const char *)full_json.data);
    Journey__V1__Session *from_pb = pb_to_session(converter, &full_pb);

    assert_same_as_unpacked(from_json, &full_pb);
    assert_same_as_unpacked(from_pb, &full_pb);
    spb_session_free(from_json);
    spb_session_free(from_pb);
}
END_TEST

START_TEST(an_example_is_the_struct_that_protobuf_c_unpacks)
{
    struct spb_bytes pb = { 0 };

    for (size_t i = 0; i < examples.count; i++) {
        const char *text = (const char *)examples.texts[i].data;
        Journey__V1__Session *session = json_to_session(converter, text);
        json_to_pb(converter, text, &pb);
        ck_assert(protobuf_c_message_check(&session->base));
        assert_same_as_unpacked(session, &pb);
        spb_session_free(session);
    }
    ck_assert_uint_gt(examples.count, 4);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(an_empty_message_is_an_empty_struct)
{
    spb_converter *lenient = new_lenient_converter();
    Journey__V1__Session *session = NULL;

    assert_status(spb_pb_to_session(lenient, "", 0, &session, NULL), SPB_OK, "no bytes");
    const struct struct_sum sum = sum_struct(&session->base);
    ck_assert_uint_eq(sum.messages, 1);
    ck_assert_uint_eq(sum.absent, session->base.descriptor->n_fields);
    spb_session_free(session);
    spb_converter_free(lenient);
}
END_TEST

/* ---- There and back. ---- */

START_TEST(text_comes_back_canonical)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes expected = { 0 };

    for (size_t i = 0; i < examples.count; i++) {
        const char *text = (const char *)examples.texts[i].data;
        Journey__V1__Session *session = json_to_session(converter, text);
        struct spb_bytes json = session_json(session);
        json_to_pb(converter, text, &pb);
        pb_to_json(converter, &pb, &expected);
        assert_bytes_eq(&json, &expected, text);
        spb_session_free(session);
        spb_bytes_release(&json);
    }
    spb_bytes_release(&pb);
    spb_bytes_release(&expected);
}
END_TEST

START_TEST(canonical_text_comes_back_byte_for_byte)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)full_json.data);
    struct spb_bytes json = session_json(session);

    assert_bytes_eq(&json, &full_json, "the full session");
    spb_session_free(session);
    spb_bytes_release(&json);
}
END_TEST

START_TEST(canonical_bytes_come_back_byte_for_byte)
{
    Journey__V1__Session *session = pb_to_session(converter, &full_pb);
    struct spb_bytes pb = session_pb(session);

    assert_bytes_eq(&pb, &full_pb, "the full session");
    spb_session_free(session);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(a_session_made_by_hand_is_written)
{
    Google__Protobuf__Timestamp created = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
    Journey__V1__SessionLastEvent event = JOURNEY__V1__SESSION_LAST_EVENT__INIT;
    Journey__V1__Session session = JOURNEY__V1__SESSION__INIT;
    char *terms[] = { (char[]){ "b" }, (char[]){ "" }, (char[]){ "a\n" } };

    created.seconds = 1768382934;
    created.nanos = 112000000;
    event.id = event.event_name = (char[]){ "e" };
    event.created_date = session.created_date = &created;
    session.id = session.type = (char[]){ "x" };
    session.last_event = &event;
    session.has_event_count = 1;
    session.has_authenticated = session.authenticated = 1;
    session.search_terms = terms;
    session.n_search_terms = 3;
    struct spb_bytes json = session_json(&session);
    struct spb_bytes pb = session_pb(&session);
    struct spb_bytes expected = { 0 };
    assert_text_eq(&json, "{\"id\":\"x\",\"type\":\"x\",\"searchTerms\":[\"b\",\"\",\"a\\n\"],"
                          "\"eventCount\":0,\"lastEvent\":{\"id\":\"e\",\"eventName\":\"e\","
                          "\"createdDate\":\"2026-01-14T09:28:54.112Z\"},\"authenticated\":true,"
                          "\"createdDate\":\"2026-01-14T09:28:54.112Z\"}");
    json_to_pb(converter, (const char *)json.data, &expected);
    assert_bytes_eq(&pb, &expected, "made by hand");
    spb_bytes_release(&json);
    spb_bytes_release(&pb);
    spb_bytes_release(&expected);
}
END_TEST

START_TEST(a_session_may_be_changed_in_place)
{
    Journey__V1__Session *session = json_to_session(converter, small_session(""));

    session->event_count = -7;
    session->type = (char[]){ "other" };
    session->last_event->id[0] = 'q';
    struct spb_bytes json = session_json(session);
    ck_assert_ptr_nonnull(strstr((const char *)json.data, "\"type\":\"other\",\"eventCount\":-7,"
                                                          "\"lastEvent\":{\"id\":\"q\""));
    spb_session_free(session);
    spb_bytes_release(&json);
}
END_TEST

START_TEST(output_is_appended)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)full_json.data);
    struct spb_bytes json = { 0 };
    struct spb_bytes pb = { 0 };

    put(&json, "before");
    put(&pb, "before");
    assert_status(spb_session_to_json(converter, session, &json, NULL), SPB_OK, "json");
    assert_status(spb_session_to_pb(converter, session, &pb, NULL), SPB_OK, "pb");
    ck_assert_uint_eq(json.len, 6 + full_json.len);
    ck_assert_uint_eq(pb.len, 6 + full_pb.len);
    ck_assert_mem_eq(json.data, "before", 6);
    ck_assert_mem_eq(pb.data, "before", 6);
    ck_assert_mem_eq(json.data + 6, full_json.data, full_json.len);
    ck_assert_mem_eq(pb.data + 6, full_pb.data, full_pb.len);
    spb_session_free(session);
    spb_bytes_release(&json);
    spb_bytes_release(&pb);
}
END_TEST

/* ---- Bytes in another order. ---- */

/* Where a field of another number begins at the top of a message: it may be cut there. */
static size_t next_cut(const struct spb_bytes *pb, size_t from)
{
    struct spb_wire_reader reader = { .begin = pb->data, .depth_max = 1 };
    struct spb_wire_field field;
    const uint8_t *const end = pb->data + pb->len;
    const uint8_t *at = pb->data + from;
    uint32_t number = 0;

    for (const uint8_t *behind; at < end; at = behind) {
        behind = spb_wire_field(&reader, at, end, &field);
        ck_assert_ptr_nonnull(behind);
        if (number != 0 && field.number != number)
            break;
        number = field.number;
    }
    return (size_t)(at - pb->data);
}

/* The same message with its second part first. */
static struct spb_bytes rotated(const struct spb_bytes *pb, size_t cut)
{
    struct spb_bytes bytes = { 0 };

    ck_assert_int_eq(spb_bytes_append(&bytes, pb->data + cut, pb->len - cut), SPB_OK);
    ck_assert_int_eq(spb_bytes_append(&bytes, pb->data, cut), SPB_OK);
    return bytes;
}

START_TEST(bytes_in_any_order_give_one_struct)
{
    Journey__V1__Session *expected = pb_to_session(converter, &full_pb);
    size_t cuts = 0;

    for (size_t cut = next_cut(&full_pb, 0); cut < full_pb.len; cut = next_cut(&full_pb, cut)) {
        struct spb_bytes bytes = rotated(&full_pb, cut);
        Journey__V1__Session *session = pb_to_session(converter, &bytes);
        assert_same_struct(&session->base, &expected->base);
        spb_session_free(session);
        spb_bytes_release(&bytes);
        cuts++;
    }
    ck_assert_uint_gt(cuts, 40);
    spb_session_free(expected);
}
END_TEST

START_TEST(a_struct_that_protobuf_c_unpacked_is_written_canonically)
{
    for (size_t cut = next_cut(&full_pb, 0); cut < full_pb.len; cut = next_cut(&full_pb, cut)) {
        struct spb_bytes bytes = rotated(&full_pb, cut);
        Journey__V1__Session *unpacked = journey__v1__session__unpack(NULL, bytes.len, bytes.data);
        struct spb_bytes pb = session_pb(unpacked);
        struct spb_bytes json = session_json(unpacked);
        assert_bytes_eq(&pb, &full_pb, "unpacked by protobuf-c");
        assert_bytes_eq(&json, &full_json, "unpacked by protobuf-c");
        journey__v1__session__free_unpacked(unpacked, NULL);
        spb_bytes_release(&bytes);
        spb_bytes_release(&pb);
        spb_bytes_release(&json);
    }
}
END_TEST

/* ---- What the schema does not define. ---- */

START_TEST(additional_properties_are_the_text_of_an_object)
{
    Journey__V1__Session *session = json_to_session(
        converter, small_session(", \"zz\" : [ 1.50, 9007199254740993 , \"\\u0000\\/\" ]"
                                 ",\"a\":null"));

    ck_assert_str_eq(session->additional_properties,
                     "{\"a\":null,\"zz\":[1.50,9007199254740993,\"\\u0000\\/\"]}");
    spb_session_free(session);
}
END_TEST

START_TEST(unknown_fields_survive_as_protobuf_c_holds_them)
{
    Journey__V1__Session *session = pb_to_session(converter, &full_pb);
    const ProtobufCMessage *browser = &session->browser->base;

    ck_assert_uint_eq(browser->n_unknown_fields, 2);
    ck_assert_uint_eq(browser->unknown_fields[0].tag, 999);
    ck_assert_int_eq((int)browser->unknown_fields[0].wire_type, PROTOBUF_C_WIRE_TYPE_VARINT);
    ck_assert_mem_eq(browser->unknown_fields[0].data, "\x01", 1);
    ck_assert_uint_eq(browser->unknown_fields[1].tag, 1001);
    ck_assert_mem_eq(browser->unknown_fields[1].data, "\x02zz", 3);
    spb_session_free(session);
}
END_TEST

/* protobuf-c does not unpack groups; ours are kept, and packed as they were. */
START_TEST(an_unknown_group_survives)
{
    static const uint8_t group[] = { 0xC3, 0x3E, 0x08, 0x05, 0x13, 0x0D, 1,
                                     2,    3,    4,    0x14, 0xC4, 0x3E };
    struct spb_bytes pb = { 0 };

    json_to_pb(converter, small_session(""), &pb);
    ck_assert_int_eq(spb_bytes_append(&pb, group, sizeof group), SPB_OK);
    Journey__V1__Session *session = pb_to_session(converter, &pb);
    struct spb_bytes back = session_pb(session);
    ck_assert_uint_eq(session->base.n_unknown_fields, 1);
    assert_bytes_eq(&back, &pb, "a group");
    spb_session_free(session);
    spb_bytes_release(&back);
    spb_bytes_release(&pb);
}
END_TEST

/* ---- What a C string cannot hold. ---- */

static void assert_not_representable(const char *json, const char *path)
{
    static char sentinel;
    Journey__V1__Session *session = (void *)&sentinel;
    struct spb_bytes pb = { 0 };
    struct spb_error error = { .status = SPB_OK };

    json_to_pb(converter, json, &pb);
    assert_status(spb_json_to_session(converter, json, strlen(json), &session, &error),
                  SPB_NOT_REPRESENTABLE, path);
    ck_assert_int_eq((int)error.status, SPB_NOT_REPRESENTABLE);
    error = (struct spb_error){ .status = SPB_OK };
    assert_status(spb_pb_to_session(converter, pb.data, pb.len, &session, &error),
                  SPB_NOT_REPRESENTABLE, path);
    ck_assert_int_eq((int)error.status, SPB_NOT_REPRESENTABLE);
    ck_assert_str_eq(error.path, path);
    ck_assert_uint_lt(error.offset, pb.len);
    ck_assert_uint_eq(pb.data[error.offset], 0);
    ck_assert_ptr_eq(session, (void *)&sentinel);
    spb_bytes_release(&pb);
}

START_TEST(a_nul_in_any_string_is_not_representable)
{
    struct full_session full = { .spoil = "\\u0000", .spoiled = 0, .strings = 1 };

    for (; full.spoiled < full.strings; full.spoiled++) {
        full.json.len = 0;
        write_full_session(&full);
        if (full.spoiled < full.strings)
            assert_not_representable((const char *)full.json.data, full.spoiled_path);
    }
    ck_assert_uint_gt(full.strings, 100);
    spb_bytes_release(&full.json);
}
END_TEST

START_TEST(a_nul_at_the_end_of_a_string_is_not_representable)
{
    for (int len = 0; len < 200; len += 7) {
        struct spb_bytes members = { 0 };
        put_format(&members, ",\"lastScreen\":\"%0*d\\u0000\"", len, 0);
        assert_not_representable(small_session((const char *)members.data), "last_screen");
        spb_bytes_release(&members);
    }
}
END_TEST

START_TEST(a_nul_in_a_key_is_not_representable)
{
    assert_not_representable(
        small_session(",\"attributes\":{\"a\\u0000b\":{\"dataType\":\"d\",\"value\":\"v\"}}"),
        "attributes[\"a?b\"].key");
    assert_not_representable(small_session(",\"attributeLists\":{\"a\":{\"dataType\":\"d\"},"
                                           "\"b\\u0000\":{\"dataType\":\"d\"}}"),
                             "attribute_lists[\"b?\"].key");
}
END_TEST

START_TEST(what_a_struct_cannot_hold_has_a_field_path)
{
    const char *json = small_session(",\n\"lastScreen\": \"a\\u0000b\"");
    Journey__V1__Session *session = NULL;
    struct spb_error error;

    assert_status(spb_json_to_session(converter, json, strlen(json), &session, &error),
                  SPB_NOT_REPRESENTABLE, json);
    ck_assert_str_eq(error.path, "last_screen");
    ck_assert_uint_eq(error.line, 0);
}
END_TEST

/* ---- What UTF-8 and JSON cannot hold. ---- */

static size_t strings_spoiled;

static bool ends_with(const char *text, const char *end)
{
    const size_t len = strlen(text);

    return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static void spoil_and_write(char **string, const char *path, void *context)
{
    const bool additional = ends_with(path, "additional_properties");
    char *const kept = *string;
    struct spb_bytes out = { 0 };
    struct spb_error error;

    *string = additional ? (char[]){ "{\"a\":\"\xED\xA0\x80\"}" } : (char[]){ "a\xFF" };
    assert_status(spb_session_to_json(converter, context, &out, &error), SPB_BAD_UNICODE, path);
    if (!ends_with(path, ".key")) /* its path is made of what it was */
        ck_assert_str_eq(error.path, path);
    assert_status(spb_session_to_pb(converter, context, &out, &error), SPB_BAD_UNICODE, path);
    ck_assert_uint_eq(out.len, 0);
    *string = kept;
    strings_spoiled++;
    spb_bytes_release(&out);
}

START_TEST(bytes_that_are_not_utf8_are_refused_in_any_string)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)full_json.data);

    strings_spoiled = 0;
    each_string(&session->base, spoil_and_write, session);
    ck_assert_uint_eq(strings_spoiled, sum_struct(&session->base).strings);
    spb_session_free(session);
}
END_TEST

START_TEST(a_double_that_json_has_no_number_for_is_not_representable)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)full_json.data);
    struct spb_bytes out = { 0 };
    struct spb_error error;

    session->geolocation->longitude = (double)INFINITY;
    assert_status(spb_session_to_json(converter, session, &out, &error), SPB_NOT_REPRESENTABLE,
                  "infinity");
    ck_assert_str_eq(error.path, "geolocation.longitude");
    session->geolocation->longitude = (double)NAN;
    assert_status(spb_session_to_pb(converter, session, &out, &error), SPB_NOT_REPRESENTABLE,
                  "NaN");
    ck_assert_str_eq(error.path, "geolocation.longitude");
    ck_assert_uint_eq(out.len, 0);
    spb_session_free(session);
    spb_bytes_release(&out);
}
END_TEST

START_TEST(a_failure_leaves_the_output_untouched)
{
    Journey__V1__Session *session = json_to_session(converter, (const char *)full_json.data);
    struct spb_bytes out = { 0 };
    struct spb_error error;

    put(&out, "before");
    session->id = NULL;
    assert_status(spb_session_to_json(converter, session, &out, &error), SPB_MISSING_MEMBER, "id");
    assert_text_eq(&out, "before");
    assert_status(spb_session_to_pb(converter, session, &out, &error), SPB_MISSING_MEMBER, "id");
    assert_text_eq(&out, "before");
    assert_status(spb_session_to_pb(converter, session, &out, NULL), SPB_MISSING_MEMBER, "id");
    ck_assert_str_eq(error.path, "");
    spb_session_free(session);
    spb_bytes_release(&out);
}
END_TEST

START_TEST(nothing_is_released_as_null)
{
    spb_session_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("the struct door");
    TCase *tcase = tcase_create("session");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, every_member_of_every_definition_is_filled);
    tcase_add_test(tcase, it_is_the_struct_that_protobuf_c_unpacks);
    tcase_add_test(tcase, an_example_is_the_struct_that_protobuf_c_unpacks);
    tcase_add_test(tcase, an_empty_message_is_an_empty_struct);
    tcase_add_test(tcase, text_comes_back_canonical);
    tcase_add_test(tcase, canonical_text_comes_back_byte_for_byte);
    tcase_add_test(tcase, canonical_bytes_come_back_byte_for_byte);
    tcase_add_test(tcase, a_session_made_by_hand_is_written);
    tcase_add_test(tcase, a_session_may_be_changed_in_place);
    tcase_add_test(tcase, output_is_appended);
    tcase_add_test(tcase, bytes_in_any_order_give_one_struct);
    tcase_add_test(tcase, a_struct_that_protobuf_c_unpacked_is_written_canonically);
    tcase_add_test(tcase, additional_properties_are_the_text_of_an_object);
    tcase_add_test(tcase, unknown_fields_survive_as_protobuf_c_holds_them);
    tcase_add_test(tcase, an_unknown_group_survives);
    tcase_add_test(tcase, a_nul_in_any_string_is_not_representable);
    tcase_add_test(tcase, a_nul_at_the_end_of_a_string_is_not_representable);
    tcase_add_test(tcase, a_nul_in_a_key_is_not_representable);
    tcase_add_test(tcase, what_a_struct_cannot_hold_has_a_field_path);
    tcase_add_test(tcase, bytes_that_are_not_utf8_are_refused_in_any_string);
    tcase_add_test(tcase, a_double_that_json_has_no_number_for_is_not_representable);
    tcase_add_test(tcase, a_failure_leaves_the_output_untouched);
    tcase_add_test(tcase, nothing_is_released_as_null);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
