/*
 * One limit of depth, whatever way leads to nesting: members that are kept, dropped, of the wrong type or
 * passed over, in text, in trees, in envelopes; groups in unknown fields, in base64, in any order.
 *
 * CVE-2024-7254, CVE-2025-59789, CVE-2026-0994, CVE-2026-44289, golang/protobuf#1583, upb#350: others had
 * a limit, and a second way around it.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/receipt.h>
#include <sessionpb/tree.h>

#include "base/base64.h"
#include "door_support.h"

enum { TIMEOUT_SECONDS = 120, LIMIT = 64, HOSTILE = 100000, HOSTILE_TREE = 5000, WRAPS_MAX = 3 };

/* ---- Judges: each gives the status of an input, and prints what was accepted with the same limit. ---- */

typedef enum spb_status judge(spb_converter *converter, const struct spb_bytes *in);

static void assert_prints(spb_converter *converter, const struct spb_bytes *pb)
{
    Journey__V1__Session *session = NULL;
    struct spb_bytes json = { 0 };
    cJSON *tree = NULL;

    assert_status(spb_pb_to_json(converter, pb->data, pb->len, &json, NULL), SPB_OK, "text");
    assert_status(spb_pb_to_session(converter, pb->data, pb->len, &session, NULL), SPB_OK, "read");
    assert_status(spb_session_to_json(converter, session, &json, NULL), SPB_OK, "struct");
    assert_status(spb_pb_to_tree(converter, pb->data, pb->len, &tree, NULL), SPB_OK, "tree");
    spb_session_free(session);
    cJSON_Delete(tree);
    spb_bytes_release(&json);
}

static enum spb_status text(spb_converter *converter, const struct spb_bytes *in)
{
    struct spb_bytes pb = { 0 };
    const enum spb_status status =
        spb_json_to_pb(converter, (const char *)in->data, in->len, &pb, NULL);

    if (status == SPB_OK)
        assert_prints(converter, &pb);
    spb_bytes_release(&pb);
    return status;
}

static enum spb_status text_to_struct(spb_converter *converter, const struct spb_bytes *in)
{
    Journey__V1__Session *session = NULL;
    const enum spb_status status =
        spb_json_to_session(converter, (const char *)in->data, in->len, &session, NULL);

    spb_session_free(session);
    return status;
}

/* Of all documents until the first that fails; SPB_OK where none does. */
static enum spb_status stream(spb_converter *converter, const struct spb_bytes *in)
{
    spb_documents *documents = spb_documents_new(converter);
    enum spb_status status = SPB_OK;
    struct spb_bytes pb = { 0 };
    char *space;
    size_t room;

    for (size_t at = 0, len = 0; at < in->len; at += len) {
        ck_assert_int_eq(spb_documents_space(documents, &space, &room), SPB_OK);
        len = in->len - at < room ? in->len - at : room;
        memcpy(space, in->data + at, len);
        spb_documents_commit(documents, len);
    }
    spb_documents_finish(documents);
    while (status == SPB_OK)
        status = spb_documents_next(documents, &pb, NULL);
    spb_documents_free(documents);
    spb_bytes_release(&pb);
    return status == SPB_END ? SPB_OK : status;
}

static enum spb_status bytes(spb_converter *converter, const struct spb_bytes *in)
{
    struct spb_bytes json = { 0 };
    const enum spb_status status = spb_pb_to_json(converter, in->data, in->len, &json, NULL);

    spb_bytes_release(&json);
    return status;
}

static enum spb_status bytes_to_struct(spb_converter *converter, const struct spb_bytes *in)
{
    Journey__V1__Session *session = NULL;
    const enum spb_status status = spb_pb_to_session(converter, in->data, in->len, &session, NULL);

    spb_session_free(session);
    return status;
}

static enum spb_status bytes_to_tree(spb_converter *converter, const struct spb_bytes *in)
{
    cJSON *tree = NULL;
    const enum spb_status status = spb_pb_to_tree(converter, in->data, in->len, &tree, NULL);

    cJSON_Delete(tree);
    return status;
}

static enum spb_status bytes_to_id(spb_converter *converter, const struct spb_bytes *in)
{
    const char *id;
    size_t len;

    return spb_pb_id(converter, in->data, in->len, &id, &len, NULL);
}

static enum spb_status base64(spb_converter *converter, const struct spb_bytes *in)
{
    struct spb_bytes json = { 0 };

    put(&json, "{\"$unknownFields\":\"");
    ck_assert_int_eq(spb_bytes_reserve(&json, spb_base64_encoded_len(in->len) + 1), SPB_OK);
    json.len += spb_base64_encode(in->data, in->len, (char *)json.data + json.len);
    put(&json, "\"}");
    const enum spb_status status = text(converter, &json);
    spb_bytes_release(&json);
    return status;
}

/* ---- Policies. ---- */

static spb_converter *kept;    /* lenient, so that the inputs may be short */
static spb_converter *dropped; /* the same */

static void set_up(void)
{
    const struct spb_options dropping = { .size = sizeof dropping,
                                          .lenient = true,
                                          .unknown = SPB_UNKNOWN_DROP };

    kept = new_lenient_converter();
    dropped = new_converter(&dropping);
}

static void tear_down(void)
{
    spb_converter_free(kept);
    spb_converter_free(dropped);
}

static void assert_depth(judge *by, const struct spb_bytes *in, size_t depth, const char *about)
{
    const enum spb_status expected = depth <= LIMIT ? SPB_OK : SPB_TOO_DEEP;

    assert_status(by(kept, in), expected, about);
    assert_status(by(dropped, in), expected, about);
}

static const size_t depths[] = { LIMIT - 1, LIMIT, LIMIT + 1, HOSTILE };

enum { DEPTHS = sizeof depths / sizeof depths[0] };

/* One assertion for all: there may be many. */
static void put_times(struct spb_bytes *out, const char *unit, size_t count)
{
    const size_t len = strlen(unit);

    ck_assert_int_eq(spb_bytes_reserve(out, count * len), SPB_OK);
    for (size_t i = 0; i < count; i++, out->len += len)
        memcpy(out->data + out->len, unit, len);
}

/* ---- Text: a value that nests, and what stands before and behind it. ---- */

static const struct {
    judge *by;
    size_t outer; /* containers of the value that the head opens */
    const char *head;
    const char *tail;
} texts[] = {
    { text, 0, "{\"x\":", "}" },
    { text, 0, "{\"x\":1,\"\":", "}" },
    { text, 0, "{\"browser\":{\"x\":", "}}" },
    { text, 0, "{\"lastEvent\":{\"x\":", "}}" },
    { text, 0, "{\"conversationChannels\":[{\"x\":", "}]}" },
    { text, 0, "{\"attributes\":{\"k\":{\"x\":", "}}}" },
    { text, 0, "{\"outcomeAchievements\":[{\"outcome\":{\"x\":", "}}]}" },
    /* Of the wrong type, and kept for that. */
    { text, 0, "{\"id\":", "}" },
    { text, 0, "{\"eventCount\":", "}" },
    { text, 0, "{\"authenticated\":", "}" },
    { text, 0, "{\"createdDate\":", "}" },
    { text, 0, "{\"geolocation\":{\"latitude\":", "}}" },
    { text, 1, "{\"searchTerms\":[", "]}" },
    { text, 1, "{\"conversationChannels\":[{},", "]}" },
    { text, 1, "{\"attributes\":{\"k\":", "}}" },
    { text, 2, "{\"attributeLists\":{\"k\":{\"values\":[]},\"l\":[", "]}}" },
    { text_to_struct, 0, "{\"x\":", "}" },
    { text_to_struct, 0, "{\"id\":", "}" },
    { stream, 0, "{\"x\":", "}" },
    { stream, 0, "[{\"x\":", "}]" },
    { stream, 0, "{\"entities\":[{\"x\":", "}]}" },
    { stream, 0, "[{\"entities\":[{\"x\":", "}]}]" },
    /* Passed over. */
    { stream, 0, "{\"entities\":[],\"x\":", "}" },
    { stream, 0, "[{\"entities\":[],\"nextUri\":", "}]" },
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

static void put_nested(struct spb_bytes *out, const char *head, const char *brackets[2],
                       size_t depth, const char *tail)
{
    out->len = 0;
    put(out, head);
    put_times(out, brackets[0], depth);
    put(out, "0");
    put_times(out, brackets[1], depth);
    put(out, tail);
}

static const char *array[2] = { "[", "]" };
static const char *object[2] = { "{\"\":", "}" };

START_TEST(values_nest_as_deep_as_the_limit_wherever_they_stand)
{
    struct spb_bytes in = { 0 };

    for (size_t i = 0; i < DEPTHS; i++) {
        const size_t inner = depths[i] - texts[_i].outer;
        put_nested(&in, texts[_i].head, array, inner, texts[_i].tail);
        assert_depth(texts[_i].by, &in, depths[i], texts[_i].head);
        if (texts[_i].outer > 0) /* an object could be the element that is due there */
            continue;
        put_nested(&in, texts[_i].head, object, inner, texts[_i].tail);
        assert_depth(texts[_i].by, &in, depths[i], texts[_i].head);
    }
    spb_bytes_release(&in);
}
END_TEST

/* An envelope is a shape of the stream, so what is a session alone is one in there. */
static const char *const envelopes[][2] = {
    { "", "" },
    { "[", "]" },
    { "{\"entities\":[", "]}" },
    { "{\"topicName\":\"t\",\"eventBody\":", "}" },
    { "[{\"topicName\":\"t\",\"eventBody\":", "}]" },
    { "{\"detail-type\":\"t\",\"detail\":{\"topicName\":\"t\",\"eventBody\":", "}}" },
};

enum { ENVELOPES = sizeof envelopes / sizeof envelopes[0] };

START_TEST(an_envelope_takes_nothing_of_the_limit)
{
    struct spb_bytes head = { 0 };
    struct spb_bytes tail = { 0 };
    struct spb_bytes in = { 0 };

    put(&head, envelopes[_i][0]);
    put(&head, "{\"type\":\"t\",\"x\":");
    put(&tail, "}");
    put(&tail, envelopes[_i][1]);
    for (size_t i = 0; i < DEPTHS; i++) {
        put_nested(&in, (const char *)head.data, array, depths[i], (const char *)tail.data);
        assert_depth(stream, &in, depths[i], envelopes[_i][0]);
    }
    spb_bytes_release(&head);
    spb_bytes_release(&tail);
    spb_bytes_release(&in);
}
END_TEST

/* Its levels may count or not, as long as there is an end. */
static const char *const passed_over[][2] = {
    { "{\"topicName\":\"t\",\"x\":", ",\"eventBody\":{}}" },
    { "{\"topicName\":\"channel.metadata\",\"eventBody\":", "}" },
    { "{\"detail-type\":\"t\",\"x\":", ",\"detail\":{\"eventBody\":{}}}" },
    { "{\"detail\":{\"x\":", ",\"eventBody\":{}}}" },
};

enum { PASSED_OVER = sizeof passed_over / sizeof passed_over[0] };

START_TEST(what_is_passed_over_is_held_to_a_limit)
{
    struct spb_bytes in = { 0 };

    put_nested(&in, passed_over[_i][0], array, LIMIT / 2, passed_over[_i][1]);
    assert_depth(stream, &in, LIMIT / 2, passed_over[_i][0]);
    put_nested(&in, passed_over[_i][0], object, HOSTILE, passed_over[_i][1]);
    assert_depth(stream, &in, HOSTILE, passed_over[_i][0]);
    spb_bytes_release(&in);
}
END_TEST

/* ---- Bytes: groups, and texts, inside of messages. ---- */

static const struct {
    const char *before;       /* fields before it */
    uint8_t wraps[WRAPS_MAX]; /* one-byte tags of the messages around it, the innermost first */
} places[] = {
    { "", { 0 } },
    { "\x2a\x01w\x0a\x01i", { 0 } }, /* fields out of order */
    { "", { 0x6a } },                /* browser */
    { "\x2a\x01w\x0a\x01i", { 0x6a } },
    { "\x6a\x03\x12\x01v", { 0x6a } },       /* one message in two pieces */
    { "", { 0x0a, 0x4a } },                  /* outcome_achievements, outcome */
    { "", { 0x12, 0x5a } },                  /* its value */
    { "\x5a\x03\x0a\x01k", { 0x12, 0x5a } }, /* a key that comes twice */
};

enum { PLACES = sizeof places / sizeof places[0] };

static void put_varint(struct spb_bytes *out, size_t value)
{
    for (; value >= 0x80; value /= 0x80)
        spb_bytes_append(out, &(uint8_t){ (uint8_t)(value % 0x80 + 0x80) }, 1);
    ck_assert_int_eq(spb_bytes_append(out, &(uint8_t){ (uint8_t)value }, 1), SPB_OK);
}

static void put_placed(struct spb_bytes *out, int place, const struct spb_bytes *field)
{
    struct spb_bytes inner = { 0 };

    set_bytes(&inner, field->data, field->len);
    out->len = 0;
    for (size_t i = 0; i < WRAPS_MAX && places[place].wraps[i] != 0; i++) {
        set_bytes(out, &places[place].wraps[i], 1);
        put_varint(out, inner.len);
        ck_assert_int_eq(spb_bytes_append(out, inner.data, inner.len), SPB_OK);
        set_bytes(&inner, out->data, out->len);
    }
    out->len = 0;
    put(out, places[place].before);
    ck_assert_int_eq(spb_bytes_append(out, inner.data, inner.len), SPB_OK);
    spb_bytes_release(&inner);
}

static void put_groups(struct spb_bytes *out, size_t depth)
{
    out->len = 0;
    put_times(out, "\x93\x3f", depth);
    put_times(out, "\x94\x3f", depth);
}

static void put_additional(struct spb_bytes *out, size_t depth)
{
    struct spb_bytes json = { 0 };

    put_nested(&json, "{\"x\":", array, depth, "}");
    set_bytes(out, "\xc2\x3e", 2);
    put_varint(out, json.len);
    put(out, (const char *)json.data);
    spb_bytes_release(&json);
}

START_TEST(groups_and_texts_nest_as_deep_as_the_limit_wherever_they_stand)
{
    struct spb_bytes field = { 0 };
    struct spb_bytes in = { 0 };

    for (size_t i = 0; i < DEPTHS; i++) {
        for (int additional = 0; additional < 2; additional++) {
            (additional ? put_additional : put_groups)(&field, depths[i]);
            put_placed(&in, _i, &field);
            assert_depth(bytes, &in, depths[i], "to text");
            assert_depth(bytes_to_struct, &in, depths[i], "to a struct");
            assert_depth(bytes_to_tree, &in, depths[i], "to a tree");
        }
    }
    spb_bytes_release(&field);
    spb_bytes_release(&in);
}
END_TEST

/* A map's entry has no place for what is unknown, whatever its depth. */
START_TEST(groups_in_an_entry_are_held_to_the_limit)
{
    struct spb_bytes field = { 0 };
    struct spb_bytes in = { 0 };

    for (size_t i = 0; i < DEPTHS; i++) {
        const uint8_t tag = 0x5a; /* attributes */
        put_groups(&field, depths[i]);
        set_bytes(&in, &tag, 1);
        put_varint(&in, field.len);
        ck_assert_int_eq(spb_bytes_append(&in, field.data, field.len), SPB_OK);
        assert_status(bytes(kept, &in), depths[i] <= LIMIT ? SPB_NOT_REPRESENTABLE : SPB_TOO_DEEP,
                      "an entry");
    }
    spb_bytes_release(&field);
    spb_bytes_release(&in);
}
END_TEST

START_TEST(groups_nest_as_deep_as_the_limit_in_base64_and_where_they_are_passed_over)
{
    struct spb_bytes in = { 0 };

    for (size_t i = 0; i < DEPTHS; i++) {
        const enum spb_status expected = depths[i] <= LIMIT ? SPB_OK : SPB_TOO_DEEP;
        put_groups(&in, depths[i]);
        assert_status(base64(kept, &in), expected, "base64");
        assert_status(bytes_to_id(kept, &in), expected, "the id");
        struct spb_receipt receipt;
        assert_status(spb_receipt_read(in.data, in.len, &receipt, NULL), expected, "a receipt");
    }
    spb_bytes_release(&in);
}
END_TEST

/* ---- What a program hands over. ---- */

START_TEST(a_struct_is_held_to_the_limit_when_it_is_written)
{
    Journey__V1__Session session = JOURNEY__V1__SESSION__INIT;
    ProtobufCMessageUnknownField field = { .tag = 1010, .wire_type = (ProtobufCWireType)3 };
    struct spb_bytes in = { 0 };
    struct spb_bytes out = { 0 };

    for (size_t i = 0; i < DEPTHS; i++) {
        const enum spb_status expected = depths[i] <= LIMIT ? SPB_OK : SPB_TOO_DEEP;
        put_nested(&in, "{\"x\":", array, depths[i], "}");
        session.additional_properties = (char *)in.data;
        assert_status(spb_session_to_json(kept, &session, &out, NULL), expected, "text");
        assert_status(spb_session_to_pb(kept, &session, &out, NULL), expected, "bytes");
        session.additional_properties = NULL;
        put_groups(&in, depths[i]);
        field.data = in.data + 2; /* behind the first tag */
        field.len = in.len - 2;
        session.base.unknown_fields = &field;
        session.base.n_unknown_fields = 1;
        assert_status(spb_session_to_json(kept, &session, &out, NULL), expected, "text");
        assert_status(spb_session_to_pb(kept, &session, &out, NULL), expected, "bytes");
        session.base.n_unknown_fields = 0;
    }
    spb_bytes_release(&in);
    spb_bytes_release(&out);
}
END_TEST

/* A tree of arrays; not by cJSON's parser, which has a limit of its own. */
static cJSON *nested_tree(size_t depth)
{
    cJSON *inner = cJSON_CreateNull();

    for (; depth > 0; depth--) {
        cJSON *outer = cJSON_CreateArray();
        cJSON_AddItemToArray(outer, inner);
        inner = outer;
    }
    return inner;
}

/* The places of a tree where a value is kept: additional, or of the wrong type. */
static const char *const members[] = { "x", "", "id", "eventCount", "browser", "attributes" };

enum { TREE_MEMBERS = sizeof members / sizeof members[0] };

START_TEST(a_tree_is_held_to_the_limit)
{
    struct spb_bytes raw = { 0 };
    struct spb_bytes pb = { 0 };

    for (size_t i = 0; i < DEPTHS; i++) {
        const size_t depth = depths[i] < HOSTILE_TREE ? depths[i] : HOSTILE_TREE;
        const enum spb_status expected = depth <= LIMIT ? SPB_OK : SPB_TOO_DEEP;
        put_nested(&raw, "", array, depths[i], "");
        for (int as_raw = 0; as_raw < 2; as_raw++) {
            cJSON *tree = cJSON_CreateObject();
            cJSON_AddItemToObject(tree, members[_i],
                                  as_raw ? cJSON_CreateRaw((const char *)raw.data)
                                         : nested_tree(depth));
            assert_status(spb_tree_to_pb(kept, tree, &pb, NULL), expected, members[_i]);
            assert_status(spb_tree_to_pb(dropped, tree, &pb, NULL), expected, members[_i]);
            cJSON_Delete(tree);
        }
    }
    spb_bytes_release(&raw);
    spb_bytes_release(&pb);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("one limit of depth");
    TCase *tcase = tcase_create("depth");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, values_nest_as_deep_as_the_limit_wherever_they_stand, 0, TEXTS);
    tcase_add_loop_test(tcase, an_envelope_takes_nothing_of_the_limit, 0, ENVELOPES);
    tcase_add_loop_test(tcase, what_is_passed_over_is_held_to_a_limit, 0, PASSED_OVER);
    tcase_add_loop_test(tcase, groups_and_texts_nest_as_deep_as_the_limit_wherever_they_stand, 0,
                        PLACES);
    tcase_add_test(tcase,
                   groups_nest_as_deep_as_the_limit_in_base64_and_where_they_are_passed_over);
    tcase_add_test(tcase, groups_in_an_entry_are_held_to_the_limit);
    tcase_add_test(tcase, a_struct_is_held_to_the_limit_when_it_is_written);
    tcase_add_loop_test(tcase, a_tree_is_held_to_the_limit, 0, TREE_MEMBERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
