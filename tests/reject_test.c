/*
 * Bad records in a stream: each is given back verbatim, and the good ones around it are converted,
 * however the text arrives.
 */
#include <sessionpb/sessionpb.h>

#include <check.h>
#include <string.h>

#define GOOD "{\"id\":\"g\"}"

/* A stream, its bad records one behind another with '|' between them, and its good ones. */
static const struct {
    const char *stream;
    const char *rejects;
    unsigned good;
} streams[] = {
    { GOOD "\n{\"id\":tru}\n" GOOD, "{\"id\":tru}", 2 },
    { GOOD "\n{\"id\":\"a}\n" GOOD "\n" GOOD, "{\"id\":\"a}", 3 },
    { GOOD "{\"id\":\"a\",\"id\":\"}{\"}" GOOD, "{\"id\":\"a\",\"id\":\"}{\"}", 2 },
    { "garbage\nmore\n" GOOD, "garbage|more", 1 },
    { "{\n  \"id\": tru,\n  \"x\": {}\n}\n{\n  \"id\": \"g\"\n}",
      "{\n  \"id\": tru,\n  \"x\": {}\n}", 1 },
    { "[" GOOD ",{\"id\":tru}," GOOD "]" GOOD, "{\"id\":tru}", 3 },
    { "[\n  {\n    \"id\": tru,\n    \"x\": {}\n  },\n  {\n    \"id\": \"g\"\n  }\n]",
      "{\n    \"id\": tru,\n    \"x\": {}\n  }", 1 },
    { "[\n  " GOOD ",\n  {\"id\":\"a,\n  " GOOD "\n]", "{\"id\":\"a,", 2 },
    { "{\"entities\":[{\"id\":1e},{\"id\":\"g\"}]}" GOOD, "{\"id\":1e}", 2 },
    { GOOD "{\"id\":\"cut", "{\"id\":\"cut", 1 },
    { GOOD "{\"id\":\"cut\\", "{\"id\":\"cut\\", 1 },
};

/* What is still to be pushed into a stream, and how much of it at once. */
struct feed {
    spb_documents *documents;
    const char *rest;
    size_t piece;
    bool finished;
};

static void push(struct feed *feed)
{
    size_t len = strlen(feed->rest);
    size_t room;
    char *space;

    ck_assert_int_eq(spb_documents_space(feed->documents, &space, &room), SPB_OK);
    len = len < feed->piece ? len : feed->piece;
    memcpy(space, feed->rest, len);
    feed->rest += len;
    spb_documents_commit(feed->documents, len);
    feed->finished = len == 0;
    if (feed->finished)
        spb_documents_finish(feed->documents);
}

static void take_reject(struct feed *feed, struct spb_bytes *rejects)
{
    enum spb_status status;
    const char *text;
    size_t len;

    if (rejects->len > 0)
        ck_assert_int_eq(spb_bytes_append(rejects, "|", 1), SPB_OK);
    for (;;) {
        status = spb_documents_reject(feed->documents, &text, &len);
        ck_assert_int_eq(spb_bytes_append(rejects, text, len), SPB_OK);
        if (status != SPB_NEED_MORE)
            break;
        push(feed);
    }
    ck_assert_int_eq(status, SPB_OK);
}

static void check_stream(size_t index, size_t piece)
{
    const struct spb_options options = { .size = sizeof options, .lenient = true };
    spb_converter *converter = spb_converter_new(&options);
    struct feed feed = { .documents = spb_documents_new(converter),
                         .rest = streams[index].stream,
                         .piece = piece };
    struct spb_bytes rejects = { 0 };
    struct spb_bytes pb = { 0 };
    enum spb_status status;

    while ((status = spb_documents_next(feed.documents, &pb, NULL)) != SPB_END) {
        if (status == SPB_NEED_MORE && !feed.finished)
            push(&feed);
        else if (status != SPB_OK)
            take_reject(&feed, &rejects);
    }
    ck_assert_int_eq(spb_bytes_append(&rejects, "", 1), SPB_OK);
    ck_assert_str_eq((const char *)rejects.data, streams[index].rejects);
    ck_assert_uint_eq(spb_documents_count(feed.documents).sessions, streams[index].good);
    spb_bytes_release(&rejects);
    spb_bytes_release(&pb);
    spb_documents_free(feed.documents);
    spb_converter_free(converter);
}

START_TEST(a_bad_record_is_given_back_verbatim)
{
    check_stream((size_t)_i, SIZE_MAX);
}
END_TEST

START_TEST(a_bad_record_is_the_same_in_pieces_of_one_byte)
{
    check_stream((size_t)_i, 1);
}
END_TEST

START_TEST(there_is_nothing_to_reject_where_nothing_failed)
{
    spb_converter *converter = spb_converter_new(NULL);
    spb_documents *documents = spb_documents_new(converter);
    const char *text = GOOD;
    size_t len = 3;

    ck_assert_int_eq(spb_documents_reject(documents, &text, &len), SPB_MISUSE);
    ck_assert_str_eq(text, GOOD);
    ck_assert_uint_eq(len, 3);
    spb_documents_free(documents);
    spb_converter_free(converter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reject");
    TCase *cases = tcase_create("reject");
    const int count = sizeof streams / sizeof streams[0];

    tcase_add_loop_test(cases, a_bad_record_is_given_back_verbatim, 0, count);
    tcase_add_loop_test(cases, a_bad_record_is_the_same_in_pieces_of_one_byte, 0, count);
    tcase_add_test(cases, there_is_nothing_to_reject_where_nothing_failed);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
