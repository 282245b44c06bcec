/*
 * Bugs that peers have had, as rows. docs/known-bugs.md says which test holds against which bug; here
 * are those that no other C test holds against.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 60 };

static spb_converter *lenient;

static void set_up(void)
{
    lenient = new_lenient_converter();
}

static void tear_down(void)
{
    spb_converter_free(lenient);
}

/* A message must have one outcome at every door. */
static enum spb_status every_door(const struct spb_bytes *pb, struct spb_bytes *json)
{
    Journey__V1__Session *session = NULL;
    cJSON *tree = NULL;
    json->len = 0;
    const enum spb_status status = spb_pb_to_json(lenient, pb->data, pb->len, json, NULL);

    assert_status(spb_pb_to_session(lenient, pb->data, pb->len, &session, NULL), status, "struct");
    assert_status(spb_pb_to_tree(lenient, pb->data, pb->len, &tree, NULL), status, "tree");
    spb_session_free(session);
    cJSON_Delete(tree);
    return status;
}

#define BYTES(literal) literal, sizeof(literal) - 1
#define NINE_FF        "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

/* ---- What is no message. ---- */

/* Numbers and tags: protobuf-c takes field number 0 spelled long, and varints above 64 bits. */
static const struct {
    const char *pb;
    size_t len;
} malformed[] = {
    { BYTES("\x00\x01") },
    { BYTES("\x02\x00") },
    { BYTES("\x80\x00\x01") },
    { BYTES("\x82\x80\x80\x80\x00\x00") },
    { BYTES("\x80\x80\x80\x80\x10\x01") },     /* number 2^29 */
    { BYTES("\xd8\x01" NINE_FF "\x02") },      /* more than 64 bits, in a field of the schema */
    { BYTES("\x98\x3f" NINE_FF "\x7f") },      /* in an unknown one */
    { BYTES("\x98\x3f" NINE_FF "\xff\x01") },  /* eleven bytes */
    { BYTES(NINE_FF "\x02") },                 /* in a tag */
    { BYTES("\x8a\x80\x80\x80\x80\x00\x00") }, /* a tag of six bytes */
    { BYTES("\x98\xbf\x80\x80\x80\x00\x00") }, /* of an unknown field */
    { BYTES("\x0a" NINE_FF "\x02") },          /* in a length */
    { BYTES("\x0e") },                         /* wire types that there are not */
    { BYTES("\x0f") },
    { BYTES("\x94\x3f") },                 /* the end of a group that never began */
    { BYTES("\x0c") },                     /* of one with a number of the schema */
    { BYTES("\x93\x3f\x9c\x3f") },         /* the end of another group */
    { BYTES("\x6a\x02\x94\x3f") },         /* in a message */
    { BYTES("\x93\x3f\x6a\x02\x94\x3f") }, /* an end that is a message's content */
    { BYTES("\x6a\x02\x93\x3f\x94\x3f") }, /* a group that goes on behind its message */
};

enum { MALFORMED = sizeof malformed / sizeof malformed[0] };

START_TEST(a_malformed_message_is_refused_at_every_door)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes json = { 0 };

    set_bytes(&pb, malformed[_i].pb, malformed[_i].len);
    const enum spb_status status = every_door(&pb, &json);
    ck_assert_msg(status == SPB_BAD_WIRE || status == SPB_NEED_MORE, "%d: %s", _i,
                  spb_status_name(status));
    spb_bytes_release(&pb);
    spb_bytes_release(&json);
}
END_TEST

/* CVE-2022-48468, protobuf-c#375, #796, protobuf#27611: lengths that wrap in 32 or 64 bits. */
static const struct {
    const char *varint;
    size_t len;
} lengths[] = {
    { BYTES("\x03") },
    { BYTES("\xff\xff\xff\xff\x07") },                     /* 2^31 - 1 */
    { BYTES("\x80\x80\x80\x80\x08") },                     /* 2^31 */
    { BYTES("\xff\xff\xff\xff\x0f") },                     /* 2^32 - 1 */
    { BYTES("\x80\x80\x80\x80\x10") },                     /* 2^32 */
    { BYTES("\x82\x80\x80\x80\x10") },                     /* 2^32 + 2: what is there, in 32 bits */
    { BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") }, /* 2^63 */
    { BYTES(NINE_FF "\x01") },                             /* 2^64 - 1 */
    { BYTES("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01") },
};

/* Strings, messages, elements, entries, dates, additional_properties, unknown fields. */
static const char *const tags[] = { "\x0a",     "\x12",     "\x6a",     "\x5a",    "\xc2\x01",
                                    "\x9a\x02", "\xe2\x02", "\xc2\x3e", "\xba\x3f" };

enum { LENGTHS = sizeof lengths / sizeof lengths[0], TAGS = sizeof tags / sizeof tags[0] };

START_TEST(a_length_beyond_the_end_is_refused_at_every_door)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes json = { 0 };

    for (size_t tag = 0; tag < TAGS; tag++) {
        pb.len = 0;
        put(&pb, tags[tag]);
        ck_assert_int_eq(spb_bytes_append(&pb, lengths[_i].varint, lengths[_i].len), SPB_OK);
        put(&pb, "ab");
        const enum spb_status status = every_door(&pb, &json);
        ck_assert_msg(status == SPB_BAD_WIRE || status == SPB_NEED_MORE, "%d, tag %zu: %s", _i, tag,
                      spb_status_name(status));
    }
    spb_bytes_release(&pb);
    spb_bytes_release(&json);
}
END_TEST

/* ---- Messages with an odd spelling, and the text that they mean. ---- */

static const struct {
    const char *pb;
    size_t len;
    const char *json;
} spelled[] = {
    /* bool 2, which protobuf-c keeps as it is; and 2^32, which is not 0 */
    { BYTES("\xc0\x02\x02"), "{\"authenticated\":true}" },
    { BYTES("\xc0\x02\x80\x80\x80\x80\x10"), "{\"authenticated\":true}" },
    /* -1 in ten bytes and in five */
    { BYTES("\xd8\x01" NINE_FF "\x01"), "{\"eventCount\":-1}" },
    { BYTES("\xd8\x01\xff\xff\xff\xff\x0f"), "{\"eventCount\":-1}" },
    /* RepeatedScalarMessageMerge: a message in pieces, with elements */
    { BYTES("\x92\x01\x03\x52\x01\x61\x92\x01\x03\x52\x01\x62"),
      "{\"lastPage\":{\"breadcrumb\":[\"a\",\"b\"]}}" },
    /* a key twice: the last one counts */
    { BYTES("\x5a\x08\x0a\x01k\x12\x03\x12\x01v\x5a\x08\x0a\x01k\x12\x03\x12\x01w"),
      "{\"attributes\":{\"k\":{\"value\":\"w\"}}}" },
    /* a known field of another wire type, and a group, are unknown fields */
    { BYTES("\x08\x05"), "{\"$unknownFields\":\"CAU=\"}" },
    { BYTES("\x93\x3f\x94\x3f"), "{\"$unknownFields\":\"kz+UPw==\"}" },
    { BYTES("\x0b\x0a\x01x\x0c"), "{\"$unknownFields\":\"CwoBeAw=\"}" },
};

enum { SPELLED = sizeof spelled / sizeof spelled[0] };

START_TEST(an_odd_spelling_means_the_same_at_every_door)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes json = { 0 };

    set_bytes(&pb, spelled[_i].pb, spelled[_i].len);
    assert_status(every_door(&pb, &json), SPB_OK, spelled[_i].json);
    assert_text_eq(&json, spelled[_i].json);
    spb_bytes_release(&pb);
    spb_bytes_release(&json);
}
END_TEST

/* ---- Text. ---- */

/* `head`, `part` so many times, `tail`: and what it becomes; NULL: itself. */
static const struct {
    const char *head;
    const char *part;
    size_t count;
    const char *tail;
    const char *canonical;
} texts[] = {
    /* CVE-2023-26819: long numbers */
    { "{\"eventCount\":1.", "0", 1000, "}", "{\"eventCount\":1}" },
    { "{\"eventCount\":1.", "0", 100000, "}", "{\"eventCount\":1}" },
    { "{\"geolocation\":{\"latitude\":0.5", "0", 1000, "1}}",
      "{\"geolocation\":{\"latitude\":0.5}}" },
    { "{\"geolocation\":{\"latitude\":0.5", "0", 100000, "}}",
      "{\"geolocation\":{\"latitude\":0.5}}" },
    { "{\"x\":1", "2", 1000, "}", NULL },
    { "{\"x\":1", "2", 100000, ".5e-7}", NULL },
    /* cJSON#635, #838, #14: 1e+15, precision, integers of more than 53 bits */
    { "{\"geolocation\":{\"latitude\":1e15", "", 0, "}}",
      "{\"geolocation\":{\"latitude\":1000000000000000}}" },
    { "{\"geolocation\":{\"latitude\":0.1", "", 0, "}}", NULL },
    { "{\"x\":[9007199254740993,-9223372036854775808,18446744073709551615", "", 0, "]}", NULL },
    /* CVE-2024-24786: empty names */
    { "{\"\":", "{\"\":", 60, "0}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}}",
      NULL },
};

enum { TEXTS = sizeof texts / sizeof texts[0] };

START_TEST(a_text_that_others_stumbled_over_comes_back)
{
    struct spb_bytes in = { 0 };
    struct spb_bytes pb = { 0 };
    struct spb_bytes json = { 0 };

    put(&in, texts[_i].head);
    for (size_t i = 0; i < texts[_i].count; i++)
        put(&in, texts[_i].part);
    put(&in, texts[_i].tail);
    json_to_pb(lenient, (const char *)in.data, &pb);
    pb_to_json(lenient, &pb, &json);
    assert_text_eq(&json,
                   texts[_i].canonical == NULL ? (const char *)in.data : texts[_i].canonical);
    spb_bytes_release(&in);
    spb_bytes_release(&pb);
    spb_bytes_release(&json);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bugs of peers");
    TCase *tcase = tcase_create("bugs");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_malformed_message_is_refused_at_every_door, 0, MALFORMED);
    tcase_add_loop_test(tcase, a_length_beyond_the_end_is_refused_at_every_door, 0, LENGTHS);
    tcase_add_loop_test(tcase, an_odd_spelling_means_the_same_at_every_door, 0, SPELLED);
    tcase_add_loop_test(tcase, a_text_that_others_stumbled_over_comes_back, 0, TEXTS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
