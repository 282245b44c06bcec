/*
 * JSONTestSuite in every place where JSON text can enter the library. What stands in each place is
 * decided as its value is as an additional member of a session, and that by the suite's names: y_ is
 * accepted, n_ refused. Of the i_ cases json_suite_test.py has the reasons.
 */
#define _POSIX_C_SOURCE 200809L /* scandir() */

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 240, CASES_MIN = 318, PATH_MAX_BYTES = 1024, SKIPPED = 77 };

static spb_converter *kept;
static spb_converter *dropped;

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

/* ---- Doors: whether the whole input is accepted. ---- */

typedef bool door(const struct spb_bytes *in);

static bool text(const struct spb_bytes *in)
{
    struct spb_bytes pb = { 0 };
    const enum spb_status status = spb_json_to_pb(kept, (const char *)in->data, in->len, &pb, NULL);

    spb_bytes_release(&pb);
    return status == SPB_OK;
}

static bool text_dropped(const struct spb_bytes *in)
{
    struct spb_bytes pb = { 0 };
    const enum spb_status status =
        spb_json_to_pb(dropped, (const char *)in->data, in->len, &pb, NULL);

    spb_bytes_release(&pb);
    return status == SPB_OK;
}

static bool stream_by(size_t piece, const struct spb_bytes *in)
{
    spb_documents *documents = spb_documents_new(kept);
    enum spb_status status = SPB_NEED_MORE;
    struct spb_bytes pb = { 0 };
    char *space;
    size_t room;

    for (size_t at = 0, len = 0; status == SPB_NEED_MORE && at < in->len; at += len) {
        ck_assert_int_eq(spb_documents_space(documents, &space, &room), SPB_OK);
        len = in->len - at < piece ? in->len - at : piece;
        memcpy(space, in->data + at, len);
        spb_documents_commit(documents, len);
        do {
            status = spb_documents_next(documents, &pb, NULL);
        } while (status == SPB_OK);
    }
    spb_documents_finish(documents);
    do {
        status = spb_documents_next(documents, &pb, NULL);
    } while (status == SPB_OK);
    spb_documents_free(documents);
    spb_bytes_release(&pb);
    return status == SPB_END;
}

static bool stream(const struct spb_bytes *in)
{
    return stream_by(64 << 10, in);
}

static bool stream_in_single_bytes(const struct spb_bytes *in)
{
    return in->len > 4096 ? stream_by(64, in) : stream_by(1, in);
}

/* The text of additional_properties, in a message. */
static bool bytes(const struct spb_bytes *in)
{
    struct spb_bytes pb = { 0 };
    struct spb_bytes json = { 0 };
    size_t len = in->len;

    set_bytes(&pb, "\xc2\x3e", 2);
    for (; len >= 0x80; len /= 0x80)
        spb_bytes_append(&pb, &(uint8_t){ (uint8_t)(len % 0x80 + 0x80) }, 1);
    spb_bytes_append(&pb, &(uint8_t){ (uint8_t)len }, 1);
    spb_bytes_append(&pb, in->data, in->len);
    const enum spb_status status = spb_pb_to_json(kept, pb.data, pb.len, &json, NULL);
    spb_bytes_release(&pb);
    spb_bytes_release(&json);
    return status == SPB_OK;
}

/* The text of a raw node, which is a C string. */
static bool raw_node(const struct spb_bytes *in)
{
    cJSON *tree = cJSON_CreateObject();
    struct spb_bytes pb = { 0 };
    struct spb_bytes copy = { 0 };

    set_bytes(&copy, in->data, in->len);
    put(&copy, "");
    cJSON_AddItemToObject(tree, "x", cJSON_CreateRaw((const char *)copy.data));
    const bool accepted = strlen((const char *)copy.data) == in->len &&
                          spb_tree_to_pb(kept, tree, &pb, NULL) == SPB_OK;
    cJSON_Delete(tree);
    spb_bytes_release(&copy);
    spb_bytes_release(&pb);
    return accepted;
}

/* ---- Places: what stands around a value. ---- */

static const struct {
    door *through;
    const char *head;
    const char *tail;
} places[] = {
    { text, "{\"x\":", "}" }, /* the first: all others decide as it does */
    { text, " \n{ \"x\" :\t", "\r} " },
    { text, "{\"browser\":{\"x\":", "}}" },
    { text, "{\"outcomeAchievements\":[{\"outcome\":{\"x\":", "}}]}" },
    { text, "{\"conversationChannels\":[{},{\"x\":", "}]}" },
    { text, "{\"attributes\":{\"k\":{\"x\":", "}}}" },
    { text, "{\"attributeLists\":{\"k\":{\"values\":[],\"x\":", "}}}" },
    { text_dropped, "{\"x\":", "}" },
    { text_dropped, "{\"browser\":{\"x\":", "}}" },
    { stream, "{\"x\":", "}" },
    { stream, "{}\n{\"x\":", "}\n{}" },
    { stream, "{}{\"x\":", "}{}" },
    { stream, "[{},{\"x\":", "},{}]" },
    { stream, "{\"entities\":[{\"x\":", "}]}" },
    { stream, "{\"entities\":[{}],\"nextUri\":", "}" },
    { stream, "{\"topicName\":\"t\",\"eventBody\":{\"x\":", "}}" },
    { stream, "{\"topicName\":\"t\",\"metadata\":", ",\"eventBody\":{}}" },
    { stream, "{\"topicName\":\"channel.metadata\",\"eventBody\":", "}" },
    { stream, "{\"detail-type\":\"t\",\"detail\":{\"eventBody\":{\"x\":", "}}}" },
    { stream, "{\"detail-type\":\"t\",\"x\":", ",\"detail\":{\"eventBody\":{}}}" },
    { stream_in_single_bytes, "{\"x\":", "}" },
    { stream_in_single_bytes, "{\"entities\":[{}],\"nextUri\":", "}" },
    { stream_in_single_bytes, "{\"topicName\":\"t\",\"eventBody\":{\"x\":", "}}" },
    { bytes, "{\"x\":", "}" },
    { raw_node, "", "" },
    { raw_node, "{\"x\":", "}" },
};

enum { PLACES = sizeof places / sizeof places[0] };

static bool decide(int place, const struct spb_bytes *value)
{
    struct spb_bytes in = { 0 };

    put(&in, places[place].head);
    ck_assert_int_eq(spb_bytes_append(&in, value->data, value->len), SPB_OK);
    put(&in, places[place].tail);
    const bool accepted = places[place].through(&in);
    spb_bytes_release(&in);
    return accepted;
}

/* ---- The suite. ---- */

static void read_case(const char *name, struct spb_bytes *out)
{
    char path[PATH_MAX_BYTES];
    uint8_t piece[4096];
    size_t len;

    snprintf(path, sizeof path, "%s/%s", SPB_TEST_JSON_SUITE, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    out->len = 0;
    while ((len = fread(piece, 1, sizeof piece, file)) > 0)
        ck_assert_int_eq(spb_bytes_append(out, piece, len), SPB_OK);
    fclose(file);
}

static int is_case(const struct dirent *entry)
{
    return strchr("yni", entry->d_name[0]) != NULL && entry->d_name[1] == '_';
}

START_TEST(every_case_is_decided_alike_in_every_place)
{
    struct dirent **entries;
    struct spb_bytes value = { 0 };
    const int count = scandir(SPB_TEST_JSON_SUITE, &entries, is_case, alphasort);

    ck_assert_int_ge(count, CASES_MIN);
    for (int i = 0; i < count; i++) {
        const char *const name = entries[i]->d_name;
        read_case(name, &value);
        const bool expected = name[0] == 'i' ? decide(0, &value) : name[0] == 'y';
        ck_assert_msg(decide(_i, &value) == expected, "%s is %s in %s", name,
                      expected ? "refused" : "accepted", places[_i].head);
        free(entries[i]);
    }
    free(entries);
    spb_bytes_release(&value);
}
END_TEST

int main(void)
{
    DIR *const folder = opendir(SPB_TEST_JSON_SUITE);

    if (folder == NULL) {
        puts("skipped: JSONTestSuite is not there");
        return SKIPPED;
    }
    closedir(folder);

    Suite *suite = suite_create("JSONTestSuite in every place");
    TCase *tcase = tcase_create("places");
    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, every_case_is_decided_alike_in_every_place, 0, PLACES);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
