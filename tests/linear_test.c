/*
 * Work in proportion to the input. Hostile input of n and of 4n parts goes through each door, and the
 * steps of the second may be some more than four times those of the first: n log n is, n^2 is not.
 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"
#include "schema/table.h"
#include "steps.h"

enum { TIMEOUT_SECONDS = 240, PARTS = 1000, FACTOR = 4, NUMBERED_MAX = 10000000 };

static const double growth_max = 5.2; /* 4 * log 4000 / log 1000 is 4.8 */

static spb_converter *lenient;

static void set_up(void)
{
    lenient = new_lenient_converter();
}

static void tear_down(void)
{
    spb_converter_free(lenient);
}

/* ---- Inputs: `head`, then `part` n times, then `tail`. ---- */

struct input {
    const char *about;
    const char *head;
    const char *part; /* a %u is a number: all are different, and in no order; a %d descends */
    const char *tail;
    enum spb_status status; /* what becomes of it as a session */
    const char *wrap;       /* the tag of a field around all parts, for messages; or NULL */
};

/* A part, with the number in the place of the %; seven digits, so that all parts have one length. */
static void put_part(struct spb_bytes *out, const char *part, size_t index)
{
    const char *const place = strchr(part, '%');
    const size_t shuffled = index * 7654321 % NUMBERED_MAX;

    if (place == NULL) {
        put(out, part);
        return;
    }
    ck_assert_int_eq(spb_bytes_append(out, part, (size_t)(place - part)), SPB_OK);
    put_format(out, "%07zu", place[1] == 'd' ? NUMBERED_MAX - 1 - index : shuffled);
    put_part(out, place + 2, index);
}

static void put_varint(struct spb_bytes *out, size_t value)
{
    for (; value >= 0x80; value /= 0x80)
        ck_assert_int_eq(spb_bytes_append(out, &(uint8_t){ (uint8_t)(value % 0x80 + 0x80) }, 1),
                         SPB_OK);
    ck_assert_int_eq(spb_bytes_append(out, &(uint8_t){ (uint8_t)value }, 1), SPB_OK);
}

static void put_input(struct spb_bytes *out, const struct input *input, size_t count)
{
    struct spb_bytes parts = { 0 };

    out->len = 0;
    put(out, input->head);
    for (size_t i = 0; i < count; i++)
        put_part(&parts, input->part, i);
    if (input->wrap != NULL) {
        put(out, input->wrap);
        put_varint(out, parts.len);
    }
    ck_assert_int_eq(spb_bytes_append(out, parts.data, parts.len), SPB_OK);
    put(out, input->tail);
    spb_bytes_release(&parts);
}

#define DEEP8     "[[[[[[[["
#define DEEP32    DEEP8 DEEP8 DEEP8 DEEP8
#define SHUT8     "]]]]]]]]"
#define SHUT32    SHUT8 SHUT8 SHUT8 SHUT8
#define PREFIX    "the same sixteen bytes and a good many more of them, "
#define ATTRIBUTE "{\"value\":\"v\",\"dataType\":\"d\"}"

static const struct input documents[] = {
    { "additional names in no order", "{\"x\":0", ",\"x%u\":1", "}", SPB_OK, NULL },
    { "additional names in descending order", "{\"y\":0", ",\"x%d\":1", "}", SPB_OK, NULL },
    { "additional names that begin alike", "{\"x\":0", ",\"" PREFIX "%u\":1", "}", SPB_OK, NULL },
    { "additional names of escapes", "{\"x\":0", ",\"\\u0001\\n%u\":1", "}", SPB_OK, NULL },
    { "a name of many escapes", "{\"", "\\u0001", "\":1}", SPB_OK, NULL },
    { "names that occur twice", "{\"x\":0", ",\"x\":1", "}", SPB_DUPLICATE_MEMBER, NULL },
    { "empty names", "{\"\":0", ",\"\":1", "}", SPB_DUPLICATE_MEMBER, NULL },
    { "map keys in no order", "{\"attributes\":{\"x\":{}", ",\"x%u\":" ATTRIBUTE, "}}", SPB_OK,
      NULL },
    { "map keys that descend", "{\"attributes\":{\"y\":{}", ",\"x%d\":{}", "}}", SPB_OK, NULL },
    { "map keys that begin alike", "{\"attributes\":{\"x\":{}", ",\"" PREFIX "%u\":{}", "}}",
      SPB_OK, NULL },
    { "elements out of order", "{\"outcomeAchievements\":[{}", ",{\"y\":1,\"x\":2,\"outcome\":{}}",
      "]}", SPB_OK, NULL },
    { "elements out of order and of lengths that change", "{\"conversationChannels\":[{}",
      ",{\"y\":\"" PREFIX PREFIX PREFIX "\",\"type\":\"a\"},{\"platform\":\"p\",\"type\":\"a\"}",
      "]}", SPB_OK, NULL },
    { "an array whose last element is wrong", "{\"searchTerms\":[\"\"", ",\"a\"", ",1]}", SPB_OK,
      NULL },
    { "wrong values in arrays in arrays", "{\"searchTerms\":[[]", ",[[]]", "]}", SPB_OK, NULL },
    { "a map whose last value is wrong", "{\"attributes\":{\"x\":{}", ",\"x%u\":{}", ",\"a\":1}}",
      SPB_OK, NULL },
    { "digits of an int32", "{\"eventCount\":1.", "0", "}", SPB_OK, NULL },
    { "digits of a double", "{\"geolocation\":{\"latitude\":0.", "123456789", "}}", SPB_OK, NULL },
    { "digits before a double's point", "{\"geolocation\":{\"latitude\":1", "0", "e-9999}}", SPB_OK,
      NULL },
    { "digits of an additional number", "{\"x\":1", "234567890", "}", SPB_OK, NULL },
    { "digits of an exponent", "{\"x\":1e", "9", "}", SPB_OK, NULL },
    { "escapes of surrogates", "{\"id\":\"", "\\ud83d\\ude00", "\"}", SPB_OK, NULL },
    { "escapes among characters of three bytes", "{\"id\":\"", "\xE2\x82\xAC\\n", "\"}", SPB_OK,
      NULL },
    { "white space", "{\"id\":", " \n\t\r ", "\"a\"}", SPB_OK, NULL },
    { "values as deep as may be", "{\"x\":[0", "," DEEP32 SHUT32, "]}", SPB_OK, NULL },
    { "brackets that stay open", "{\"x\":", "[", "", SPB_TOO_DEEP, NULL },
    { "a fault behind all", "{\"x\":[0", ",\"\\n\"", "x]}", SPB_BAD_JSON, NULL },
    { "a bad character behind all", "{\"x\":\"", "\xC3\xA9", "\xFF\"}", SPB_BAD_UNICODE, NULL },
    { "a text that ends too early", "{\"searchTerms\":[\"\"", ",\"a\"", "", SPB_NEED_MORE, NULL },
    { "messages with unknown fields", "{\"conversationChannels\":[{}",
      ",{\"$unknownFields\":\"uD4B\",\"x\":1}", "]}", SPB_OK, NULL },
};

enum { DOCUMENTS = sizeof documents / sizeof documents[0] };

/* ---- Messages: the same with bytes, none of which is 0. ---- */

#define ID      "\x0a\x01i"        /* field 1 */
#define CONTACT "\x12\x03\x0a\x01" /* 2, up to the byte of its id */
#define TYPE    "\x2a\x01t"        /* 5 */
#define ENTRY   "\x5a"             /* 11, the tag */
#define PAGE    "\x92\x01"         /* 18, the tag */
#define TERM    "\xc2\x01\x01"     /* 24, up to the byte of the term */
#define OPEN    "\x93\x3f"         /* a group of an unknown field */
#define CLOSE   "\x94\x3f"

static const struct input messages[] = {
    { "fields in descending order", "", TYPE ID, "", SPB_OK, NULL },
    { "unknown fields in descending order", "", "\xc2\x3f\x01z\xba\x3f\x07%d", "", SPB_OK, NULL },
    { "unknown fields in a message", "", "\xc2\x3f\x01z\xba\x3f\x07%d", "", SPB_OK, PAGE },
    { "a message in pieces", "", CONTACT "a", "", SPB_OK, NULL },
    { "a message in pieces with elements", "", PAGE "\x03\x52\x01w", "", SPB_OK, NULL },
    { "a message in pieces among others", "", CONTACT "w" TYPE, "", SPB_OK, NULL },
    { "pieces of pieces", "", "\xf2\x01\x05\x1a\x03\x08\xc1\x01", "", SPB_OK, NULL },
    { "pieces in a piece", "", "\x1a\x03\x08\xc1\x01\x0a\x01w", "", SPB_OK, "\xf2\x01" },
    { "a key that comes again", "", ENTRY "\x03\x0a\x01k", "", SPB_OK, NULL },
    { "keys in no order", "", ENTRY "\x09\x0a\x07%u", "", SPB_OK, NULL },
    { "keys in descending order", "", ENTRY "\x09\x0a\x07%d", "", SPB_OK, NULL },
    { "an entry of many keys", "", "\x0a\x07%u", "", SPB_OK, ENTRY },
    { "an entry whose value is in pieces", "", "\x12\x03\x0a\x01w\x0a\x01k", "", SPB_OK, ENTRY },
    { "additional properties again and again", "", "\xc2\x3e\x0f{\"x%u\":1} ", "", SPB_OK, NULL },
    { "groups beside each other", "", OPEN OPEN OPEN CLOSE CLOSE CLOSE, "", SPB_OK, NULL },
    { "groups in a group", OPEN, OPEN OPEN CLOSE CLOSE, CLOSE, SPB_OK, NULL },
    { "groups that stay open", "", OPEN, "", SPB_TOO_DEEP, NULL },
    { "known fields of another type", "", "\x0dwxyz" TYPE, "", SPB_OK, NULL },
    { "elements and a fault behind all", "", TERM "w", "\x07", SPB_BAD_WIRE, NULL },
    { "elements and bad text behind all", "", TERM "w", TERM "\xff", SPB_BAD_UNICODE, NULL },
    { "elements with members out of order", "", "\x9a\x02\x06\x12\x01p\x0a\x01t", "", SPB_OK,
      NULL },
};

enum { MESSAGES = sizeof messages / sizeof messages[0] };

/* ---- Streams: whatever becomes of them, bad records are passed over. ---- */

static const struct input streams[] = {
    { "sessions", "", "{\"id\":\"a\"}\n", "", SPB_OK, NULL },
    { "white space between sessions", "{}", " \n", "{}", SPB_OK, NULL },
    { "spaces between sessions", "{}\n", "    ", "{}", SPB_OK, NULL },
    { "white space in a session", "{", "  \n  ", "}", SPB_OK, NULL },
    { "a long string", "{\"x\":\"", "\\\\\\\"[{", "\"}", SPB_OK, NULL },
    { "a long name that may tell the shape", "{\"", "entities", "\":1}", SPB_OK, NULL },
    { "members that do not tell the shape", "{\"id\":\"a\"", ",\"selfUri\":\"b\"", ",\"y\":1}",
      SPB_OK, NULL },
    { "unknown members that do not tell the shape", "{\"x\":1", ",\"x%u\":[[]]", "}", SPB_OK,
      NULL },
    { "brackets that stay open", "", "[", "", SPB_OK, NULL },
    { "braces that stay open", "", "{\"a\":", "", SPB_OK, NULL },
    { "arrays in an array", "[", "[],", "[]]", SPB_OK, NULL },
    { "an array of sessions", "[{}", ",{\"id\":\"a\"}", "]", SPB_OK, NULL },
    { "a listing of sessions", "{\"entities\":[{}", ",{\"id\":\"a\"}", "]}", SPB_OK, NULL },
    { "a long member of a listing", "{\"entities\":[],\"x\":[0", ",\"abc\"", "]}", SPB_OK, NULL },
    { "a long name in a listing", "{\"entities\":[],\"", "abcd", "\":1}", SPB_OK, NULL },
    { "a long number in a listing", "{\"entities\":[],\"x\":1", "2345", "}", SPB_OK, NULL },
    { "white space in a listing's member", "{\"entities\":[],\"x\" :", "  \n ", "1}", SPB_OK,
      NULL },
    { "members of a listing", "{\"entities\":[]", ",\"x%u\":1", "}", SPB_OK, NULL },
    { "a notification", "{\"topicName\":\"t\"", ",\"x%u\":1", ",\"eventBody\":{\"id\":\"a\"}}",
      SPB_OK, NULL },
    { "an event", "{\"detail-type\":\"t\"", ",\"x%u\":1",
      ",\"detail\":{\"topicName\":\"t\",\"eventBody\":{}}}", SPB_OK, NULL },
    { "notices", "", "{\"topicName\":\"channel.metadata\",\"x\":[[]]}\n", "", SPB_OK, NULL },
    { "bad records", "", "{\"type\":1.}\n", "", SPB_OK, NULL },
    { "bad records on one line", "", "{\"x\":[1,]} ", "", SPB_OK, NULL },
    { "bad records that do not end", "", "{\"type\":tru\n", "", SPB_OK, NULL },
    { "one bad record of many lines", "{\"type\":tru\n", " \"x\":1,\n", "", SPB_OK, NULL },
    { "one bad record and empty lines", "{\"type\":tru", "\n", "{}", SPB_OK, NULL },
    { "one bad record and a line of spaces", "{\"type\":tru\n", "    ", "{}", SPB_OK, NULL },
    { "bad records of the wrong type", "", "{\"attributes\":{\"k\":1}}", "", SPB_OK, NULL },
    { "rubbish", "", "rubbish ", "", SPB_OK, NULL },
    { "rubbish in an array", "[", "1,", "1]", SPB_OK, NULL },
    { "rubbish on a line", "", "x", "\n{}", SPB_OK, NULL },
    { "a string instead of a session", "\"", "abcd", "\"", SPB_OK, NULL },
    { "a number instead of a session", "1", "2345", "\n", SPB_OK, NULL },
};

enum { STREAMS = sizeof streams / sizeof streams[0] };

/* ---- Doors. Each gives a status, and leaves nothing behind but `out`. ---- */

typedef enum spb_status door(const struct spb_bytes *in, struct spb_bytes *out);

static enum spb_status text_to_bytes(const struct spb_bytes *in, struct spb_bytes *out)
{
    return spb_json_to_pb(lenient, (const char *)in->data, in->len, out,
                          &(struct spb_error){ .status = SPB_OK });
}

static enum spb_status text_to_struct(const struct spb_bytes *in, struct spb_bytes *out)
{
    Journey__V1__Session *session = NULL;
    const enum spb_status status =
        spb_json_to_session(lenient, (const char *)in->data, in->len, &session, NULL);

    if (status == SPB_OK)
        spb_session_to_pb(lenient, session, out, NULL);
    spb_session_free(session);
    return status;
}

static enum spb_status pretty(const struct spb_bytes *in, struct spb_bytes *out)
{
    struct spb_bytes json = { 0 };
    const enum spb_status status = spb_pb_to_json(lenient, in->data, in->len, &json, NULL);

    if (status == SPB_OK)
        spb_json_pretty((const char *)json.data, json.len, out);
    spb_bytes_release(&json);
    return status;
}

static enum spb_status bytes_to_text(const struct spb_bytes *in, struct spb_bytes *out)
{
    return spb_pb_to_json(lenient, in->data, in->len, out, &(struct spb_error){ .status = SPB_OK });
}

static enum spb_status bytes_to_id(const struct spb_bytes *in, struct spb_bytes *out)
{
    const char *id;
    size_t len;

    (void)out;
    return spb_pb_id(lenient, in->data, in->len, &id, &len, NULL);
}

static enum spb_status bytes_to_struct(const struct spb_bytes *in, struct spb_bytes *out)
{
    Journey__V1__Session *session = NULL;
    const enum spb_status status = spb_pb_to_session(lenient, in->data, in->len, &session, NULL);

    if (status == SPB_OK)
        spb_session_to_json(lenient, session, out, NULL);
    spb_session_free(session);
    return status;
}

static enum spb_status bytes_to_tree(const struct spb_bytes *in, struct spb_bytes *out)
{
    cJSON *tree = NULL;
    const enum spb_status status = spb_pb_to_tree(lenient, in->data, in->len, &tree, NULL);

    if (status == SPB_OK)
        spb_tree_to_pb(lenient, tree, out, NULL);
    cJSON_Delete(tree);
    return status;
}

/* Pulls what there is, and passes over what is bad. */
static enum spb_status pull_all(spb_documents *stream, bool finished, bool *rejecting,
                                struct spb_bytes *out)
{
    struct spb_error error;
    enum spb_status status = SPB_OK;
    const char *text;
    size_t len;

    while (status == SPB_OK) {
        if (*rejecting) {
            status = spb_documents_reject(stream, &text, &len);
            *rejecting = status != SPB_OK;
            continue;
        }
        out->len = 0;
        status = spb_documents_next(stream, out, &error);
        *rejecting = status > SPB_END || (status == SPB_NEED_MORE && finished);
        status = *rejecting ? SPB_OK : status;
    }
    return status;
}

static enum spb_status stream_by(size_t piece, const struct spb_bytes *in, struct spb_bytes *out)
{
    spb_documents *stream = spb_documents_new(lenient);
    bool rejecting = false;
    char *space;
    size_t room;

    for (size_t at = 0, len = 0; at < in->len; at += len) {
        ck_assert_int_eq(spb_documents_space(stream, &space, &room), SPB_OK);
        len = in->len - at < piece ? in->len - at : piece;
        memcpy(space, in->data + at, len);
        spb_documents_commit(stream, len);
        pull_all(stream, false, &rejecting, out);
    }
    spb_documents_finish(stream);
    const enum spb_status status = pull_all(stream, true, &rejecting, out);
    spb_documents_free(stream);
    return status;
}

static enum spb_status stream_in_single_bytes(const struct spb_bytes *in, struct spb_bytes *out)
{
    return stream_by(1, in, out);
}

static enum spb_status stream_in_four_pieces(const struct spb_bytes *in, struct spb_bytes *out)
{
    return stream_by(in->len / 4 + 1, in, out);
}

/* ---- Growth. ---- */

static uint64_t steps_of(door *through, const struct spb_bytes *in, struct spb_bytes *out,
                         enum spb_status *status_out)
{
    out->len = 0;
    steps = 0;
    *status_out = through(in, out);
    return steps;
}

/* Both inputs through one door. Returns what becomes of the larger one. */
static enum spb_status assert_linear(door *through, const char *door_name, const char *about,
                                     const struct spb_bytes in[2], struct spb_bytes *out)
{
    enum spb_status status[2];
    const uint64_t little = steps_of(through, &in[0], out, &status[0]);
    const uint64_t much = steps_of(through, &in[1], out, &status[1]);

    ck_assert_msg(little > 0, "nothing is counted: %s", about);
    ck_assert_msg(status[0] == status[1], "%s: %s: %s, then %s", door_name, about,
                  spb_status_name(status[0]), spb_status_name(status[1]));
    ck_assert_msg((double)much <= growth_max * (double)little,
                  "%s: %s: %llu steps for %zu bytes, but %llu for %zu", door_name, about,
                  (unsigned long long)little, in[0].len, (unsigned long long)much, in[1].len);
    return status[1];
}

#define assert_linear_through(door, about, in, out) assert_linear(door, #door, about, in, out)

static void make_inputs(const struct input *input, struct spb_bytes in[2])
{
    put_input(&in[0], input, PARTS);
    put_input(&in[1], input, (size_t)PARTS * FACTOR);
}

static void release_inputs(struct spb_bytes in[2])
{
    spb_bytes_release(&in[0]);
    spb_bytes_release(&in[1]);
}

static void assert_bytes_are_linear(const char *about, const struct spb_bytes in[2])
{
    struct spb_bytes out = { 0 };

    assert_linear_through(bytes_to_text, about, in, &out);
    assert_linear_through(bytes_to_struct, about, in, &out);
    assert_linear_through(bytes_to_tree, about, in, &out);
    assert_linear_through(bytes_to_id, about, in, &out);
    assert_linear_through(pretty, about, in, &out);
    spb_bytes_release(&out);
}

START_TEST(documents_take_linear_work)
{
    const struct input *const input = &documents[_i];
    struct spb_bytes in[2] = { { 0 }, { 0 } };
    struct spb_bytes pb[2] = { { 0 }, { 0 } };
    struct spb_bytes out = { 0 };

    make_inputs(input, in);
    assert_status(assert_linear_through(text_to_bytes, input->about, in, &out), input->status,
                  input->about);
    assert_linear_through(text_to_struct, input->about, in, &out);
    assert_linear_through(stream_in_single_bytes, input->about, in, &out);
    for (int i = 0; i < 2 && input->status == SPB_OK; i++)
        assert_status(text_to_bytes(&in[i], &pb[i]), SPB_OK, input->about);
    if (input->status == SPB_OK)
        assert_bytes_are_linear(input->about, pb);
    release_inputs(in);
    release_inputs(pb);
    spb_bytes_release(&out);
}
END_TEST

START_TEST(messages_take_linear_work)
{
    const struct input *const input = &messages[_i];
    struct spb_bytes in[2] = { { 0 }, { 0 } };
    struct spb_bytes out = { 0 };

    make_inputs(input, in);
    assert_status(bytes_to_text(&in[0], &out), input->status, input->about);
    assert_bytes_are_linear(input->about, in);
    release_inputs(in);
    spb_bytes_release(&out);
}
END_TEST

START_TEST(streams_take_linear_work)
{
    const struct input *const input = &streams[_i];
    struct spb_bytes in[2] = { { 0 }, { 0 } };
    struct spb_bytes out = { 0 };

    make_inputs(input, in);
    assert_status(assert_linear_through(stream_in_single_bytes, input->about, in, &out), SPB_END,
                  input->about);
    assert_status(assert_linear_through(stream_in_four_pieces, input->about, in, &out), SPB_END,
                  input->about);
    release_inputs(in);
    spb_bytes_release(&out);
}
END_TEST

/* ---- Names that the hash of a table has in one place. ---- */

enum { LETTERS = 26, COLLIDING_LEN = 12, TRIES_MAX = 4000000 };

/* Counts up in letters. */
static void next_name(char *name)
{
    size_t i = 0;

    while (++name[i] > 'z')
        name[i++] = 'a';
}

/* `count` names that are all in the slot of `slot`, or, with SIZE_MAX, in any. */
static void put_names(struct spb_bytes *out, const struct spb_table *table, size_t slot,
                      size_t count)
{
    char name[COLLIDING_LEN + SPB_PADDING] = "aaaaaaaaaaaa";

    out->len = 0;
    put(out, "{\"x\":1");
    for (size_t i = 0; count > 0; i++, next_name(name)) {
        ck_assert_uint_lt(i, TRIES_MAX);
        if (slot != SIZE_MAX && spb_table_slot(table, name, COLLIDING_LEN) != slot)
            continue;
        put_format(out, ",\"%s\":1", name);
        count--;
    }
    put(out, "}");
}

START_TEST(names_made_to_collide_take_no_more_work_than_others)
{
    const struct spb_row *row;
    struct spb_schema *schema = spb_schema_new();
    struct spb_bytes in = { 0 };
    struct spb_bytes out = { 0 };
    enum spb_status status;

    row = spb_table_find_name(schema->session, "authenticated", strlen("authenticated"));
    const size_t slot = spb_table_slot(schema->session, spb_row_name(row), spb_row_name_len(row));
    put_names(&in, schema->session, slot, PARTS);
    const uint64_t colliding = steps_of(text_to_bytes, &in, &out, &status);
    ck_assert_int_eq(status, SPB_OK);
    put_names(&in, schema->session, SIZE_MAX, PARTS);
    const uint64_t others = steps_of(text_to_bytes, &in, &out, &status);
    ck_assert_int_eq(status, SPB_OK);
    ck_assert_uint_le(colliding, others + others / 4);
    spb_schema_free(schema);
    spb_bytes_release(&in);
    spb_bytes_release(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("work in proportion to the input");
    TCase *tcase = tcase_create("linear");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, documents_take_linear_work, 0, DOCUMENTS);
    tcase_add_loop_test(tcase, messages_take_linear_work, 0, MESSAGES);
    tcase_add_loop_test(tcase, streams_take_linear_work, 0, STREAMS);
    tcase_add_test(tcase, names_made_to_collide_take_no_more_work_than_others);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
