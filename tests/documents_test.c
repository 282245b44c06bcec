/*
 * Streams of documents: whatever stands between documents, and wherever the stream is cut into
 * pieces, the same messages come out, and the same errors at the same places.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <sessionpb/documents.h>
#include <sessionpb/frame.h>

#include "door_support.h"

enum { TIMEOUT_SECONDS = 240, SPACE_MIN = 64 << 10, DOCUMENT_MAX = 1000 };

static const char bom[] = "\xEF\xBB\xBF";

/* What a scanner for the end of a document may stumble over. */
static const char *const tricky[] = {
    "{\"id\":\"}{][\\\"}\\\\\"}",
    "{\"id\":\"\\\\\\\"\",\"zz\":[\"]\",{\"}\":\"{\"},\"\\\"\"]}",
    "{ \"id\" : \"\\ud83d\\udeb2 \xF0\x9F\x9A\xB2 \xC3\xA4\" ,\r\n\t\"eventCount\" : -1.0e1 }",
    "{\"id\":\"\\\"\"}",
    "{\"id\":\"\\\\\"}",
    "{}",
    "{\"zz\":[[],{},[{}]],\"authenticated\":true,\"browser\":null}",
};

enum { TRICKY = sizeof tricky / sizeof tricky[0] };

static spb_converter *converter;

static void set_up(void)
{
    converter = new_lenient_converter();
}

static void tear_down(void)
{
    spb_converter_free(converter);
}

/* ---- A stream that is fed and emptied. ---- */

struct result {
    struct spb_bytes frames; /* of the messages */
    enum spb_status status;  /* that ended it */
    struct spb_error error;
};

static void push(spb_documents *documents, const char *text, size_t len)
{
    char *space;
    size_t room;

    for (size_t pushed = 0; pushed < len; pushed += room) {
        assert_status(spb_documents_space(documents, &space, &room), SPB_OK, "space");
        if (room < SPACE_MIN)
            ck_abort_msg("a space of %zu bytes", room);
        room = room < len - pushed ? room : len - pushed;
        memcpy(space, text + pushed, room);
        spb_documents_commit(documents, room);
    }
}

/* Pulls until there is no next message. */
static enum spb_status pull(spb_documents *documents, struct result *result)
{
    struct spb_bytes pb = { 0 };

    result->error.status = SPB_OK;
    while ((result->status = spb_documents_next(documents, &pb, &result->error)) == SPB_OK) {
        ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, pb.data, pb.len, &result->frames),
                         SPB_OK);
        pb.len = 0;
    }
    ck_assert_uint_eq(pb.len, 0);
    spb_bytes_release(&pb);
    return result->status;
}

/* Feeds a stream in pieces of piece_len bytes, the first one of first_len, and pulls after each. */
static void feed(spb_documents *documents, const char *text, size_t len, size_t first_len,
                 size_t piece_len, struct result *result)
{
    size_t piece = first_len;

    result->frames.len = 0;
    for (size_t at = 0; at < len; at += piece, piece = piece_len) {
        piece = piece < len - at ? piece : len - at;
        push(documents, text + at, piece);
        if (pull(documents, result) != SPB_NEED_MORE)
            return;
    }
    spb_documents_finish(documents);
    pull(documents, result);
}

static void assert_same_result(const struct result *got, const struct result *expected,
                               const char *text)
{
    assert_status(got->status, expected->status, text);
    assert_bytes_eq(&got->frames, &expected->frames, text);
    if (got->status == SPB_END)
        return;
    ck_assert_int_eq((int)got->error.status, (int)got->status);
    ck_assert_msg(got->error.offset == expected->error.offset, "offset %zu instead of %zu: %s",
                  got->error.offset, expected->error.offset, text);
    ck_assert_msg(got->error.line == expected->error.line, "line %zu instead of %zu: %s",
                  got->error.line, expected->error.line, text);
    ck_assert_msg(got->error.column == expected->error.column, "column %zu instead of %zu: %s",
                  got->error.column, expected->error.column, text);
    ck_assert_str_eq(got->error.path, expected->error.path);
}

/* Feeds the text at once, cut in two everywhere, and byte by byte. */
static void assert_fed_alike(const char *text, const struct result *expected)
{
    spb_documents *documents = spb_documents_new(converter);
    struct result result = { .status = SPB_OK };
    const size_t len = strlen(text);

    for (size_t cut = 1; cut <= len; cut++) {
        spb_documents_reset(documents);
        feed(documents, text, len, cut, len, &result);
        assert_same_result(&result, expected, text);
    }
    spb_documents_reset(documents);
    feed(documents, text, len, 1, 1, &result);
    assert_same_result(&result, expected, text);
    spb_documents_free(documents);
    spb_bytes_release(&result.frames);
}

/* ---- Shapes of streams. ---- */

static void append_frame(const char *json, struct spb_bytes *frames)
{
    struct spb_bytes pb = { 0 };

    json_to_pb(converter, json, &pb);
    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, pb.data, pb.len, frames), SPB_OK);
    spb_bytes_release(&pb);
}

static const struct {
    const char *before;
    const char *between;
    const char *behind;
} shapes[] = {
    { "", "\n", "\n" },  { "", "\n", "" },     { "", "", "" },      { "", "\r\n", "\r\n" },
    { bom, "\n", "\n" }, { "\n ", " ", "\t" }, { bom, "", "\r\n" }, { " ", "\n\n\n", "\n \n" },
    { "", "\t", " " },   { bom, "\r\n", "" },
};

enum { SHAPES = sizeof shapes / sizeof shapes[0] };

START_TEST(a_stream_of_any_shape_gives_its_documents)
{
    struct result expected = { .status = SPB_END };
    struct spb_bytes text = { 0 };

    put(&text, shapes[_i].before);
    for (size_t i = 0; i < TRICKY; i++) {
        put(&text, i == 0 ? "" : shapes[_i].between);
        put(&text, tricky[i]);
        append_frame(tricky[i], &expected.frames);
    }
    put(&text, shapes[_i].behind);
    assert_fed_alike((const char *)text.data, &expected);
    spb_bytes_release(&text);
    spb_bytes_release(&expected.frames);
}
END_TEST

START_TEST(one_document_is_a_stream)
{
    struct result expected = { .status = SPB_END };

    append_frame(tricky[_i], &expected.frames);
    assert_fed_alike(tricky[_i], &expected);
    spb_bytes_release(&expected.frames);
}
END_TEST

START_TEST(a_stream_without_documents_ends)
{
    static const char *const texts[] = { "", " ", "\n", "\r\n \t\n", bom, "\xEF\xBB\xBF\n" };
    const struct result expected = { .status = SPB_END };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_fed_alike(texts[i], &expected);
}
END_TEST

START_TEST(pretty_and_compact_examples_stand_together)
{
    struct examples examples;
    struct result expected = { .status = SPB_END };
    struct result result = { .status = SPB_OK };
    struct spb_bytes text = { 0 };
    spb_documents *documents = spb_documents_new(converter);

    read_examples(&examples);
    for (size_t i = 0; i < examples.count; i++) {
        put(&text, (const char *)examples.texts[i].data);
        append_frame((const char *)examples.texts[i].data, &expected.frames);
    }
    for (size_t piece = 1; piece < 2 * text.len; piece = piece * 3 / 2 + 1) {
        spb_documents_reset(documents);
        feed(documents, (const char *)text.data, text.len, piece, piece, &result);
        assert_same_result(&result, &expected, "examples");
        ck_assert_uint_eq(spb_documents_count(documents).sessions, examples.count);
    }
    spb_documents_free(documents);
    release_examples(&examples);
    spb_bytes_release(&text);
    spb_bytes_release(&result.frames);
    spb_bytes_release(&expected.frames);
}
END_TEST

/* Each document is there as soon as its closing brace is. */
START_TEST(a_document_is_converted_when_its_last_byte_arrives)
{
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes pb = { 0 };

    for (size_t i = 0; i < TRICKY; i++) {
        const size_t len = strlen(tricky[i]);
        for (size_t at = 0; at < len; at++) {
            assert_status(spb_documents_next(documents, &pb, NULL), SPB_NEED_MORE, tricky[i]);
            ck_assert_uint_eq(spb_documents_count(documents).sessions, i);
            push(documents, tricky[i] + at, 1);
        }
        assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, tricky[i]);
    }
    ck_assert_uint_eq(spb_documents_count(documents).sessions, TRICKY);
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(messages_are_appended)
{
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes pb = { 0 };

    push(documents, "{\"id\":\"a\"}{\"id\":\"b\"}{", 21);
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, "first");
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, "second");
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_NEED_MORE, "third");
    assert_text_eq(&pb, "\n\1a\n\1b");
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}
END_TEST

/* ---- Errors. ---- */

/* A caret stands before the place of the error. `good`: how many documents come before it. */
static const struct {
    enum spb_status status;
    const char *text;
    const char *path;
    size_t good;
} faults[] = {
    { SPB_BAD_JSON, "^?", "", 0 },
    { SPB_BAD_JSON, "{\"id\":^?}", "/id", 0 },
    { SPB_BAD_JSON, "{}\n{}\n{\"id\":^'c'}\n{}\n", "/id", 2 },
    { SPB_BAD_JSON, "{}{\"zz\":\"\xF0\x9F\x9A\xB2\",\"id\":^?}", "/id", 1 },
    { SPB_BAD_JSON, "{}\r\n\r\n{\"lastPage\":\r\n {\"breadcrumb\":\r\n  [\"\xC3\xA4\", ^?]}}",
      "/lastPage/breadcrumb/1", 1 },
    { SPB_BAD_JSON, "{} ^x {}", "", 1 },
    { SPB_BAD_JSON, "{}^,{}", "", 1 },
    { SPB_BAD_JSON, "{}\n{}\n^\xEF\xBB\xBF{}", "", 2 },
    { SPB_BAD_JSON, "\xEF\xBB\xBF{\"id\":^?}", "/id", 0 },
    { SPB_BAD_JSON, "\xEF\xBB\xBF{}\n{\"id\": ^?}", "/id", 1 },
    { SPB_BAD_UNICODE, "{}\n{\"zz\":[\"\xC3\xA4^\xFF\"]}", "/zz/0", 1 },
    { SPB_DUPLICATE_MEMBER, "{}{\"id\":\"a\",\n ^\"id\":\"b\"}", "/id", 1 },
    { SPB_WRONG_TYPE, "\n{\"browser\":{\"family\": ^[]}}", "/browser/family", 0 },
    { SPB_OUT_OF_RANGE, "\n\n  {\"zz\":\"\xC3\xA4\",\"eventCount\":^1.5}", "/eventCount", 0 },
    { SPB_MISSING_MEMBER, " \n{\"id\":\"\xC3\xA4\"^}\n{}", "", 0 },
};

enum { FAULTS = sizeof faults / sizeof faults[0] };

/* Line and column of an offset, counted one character after the other. */
static void expect_place(const char *text, size_t offset, struct spb_error *error)
{
    error->offset = offset;
    error->line = 1;
    error->column = 1;
    for (size_t i = 0; i < offset; i++) {
        error->line += text[i] == '\n';
        error->column = text[i] == '\n' ? 1 : error->column + ((text[i] & 0xC0) != 0x80);
    }
}

/* Takes the caret out of a fault's text. */
static struct result expect_fault(int index, struct spb_bytes *text)
{
    struct result expected = { .status = faults[index].status };
    const char *caret = strchr(faults[index].text, '^');
    const size_t offset = (size_t)(caret - faults[index].text);

    set_bytes(text, faults[index].text, offset);
    put(text, caret + 1);
    for (size_t i = 0; i < faults[index].good; i++)
        append_frame("{}", &expected.frames);
    strcpy(expected.error.path, faults[index].path);
    expect_place((const char *)text->data, offset, &expected.error);
    return expected;
}

/* Where no document comes before it, the error may be one that a lenient converter forgives. */
START_TEST(an_error_has_its_place_in_the_stream)
{
    struct spb_bytes text = { 0 };
    struct result expected = expect_fault(_i, &text);

    if (faults[_i].good == 0) {
        spb_converter_free(converter);
        converter = new_converter(NULL);
    }
    assert_fed_alike((const char *)text.data, &expected);
    spb_bytes_release(&text);
    spb_bytes_release(&expected.frames);
}
END_TEST

START_TEST(a_stream_stays_at_a_bad_document)
{
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes pb = { 0 };
    struct spb_error error;

    push(documents, "{}\n{\"id\":?}\n{}\n", 15);
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, "first");
    put(&pb, "before");
    for (size_t i = 0; i < 6; i++) {
        if (i == 3)
            push(documents, "{}\n", 3);
        if (i == 5)
            spb_documents_finish(documents);
        assert_status(spb_documents_next(documents, &pb, &error), SPB_BAD_JSON, "second");
        ck_assert_uint_eq(error.offset, 9);
        ck_assert_uint_eq(error.line, 2);
        ck_assert_uint_eq(error.column, 7);
        ck_assert_uint_eq(spb_documents_count(documents).sessions, 1);
        assert_text_eq(&pb, "before");
    }
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_BAD_JSON, "no error struct");
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}
END_TEST

/* A stream that is finished after `len` bytes of a document that follows another one. */
static void assert_cut_short(const char *json, size_t len)
{
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes pb = { 0 };
    struct spb_error error = { .status = SPB_OK };

    push(documents, "{}\n", 3);
    push(documents, json, len);
    spb_documents_finish(documents);
    assert_status(spb_documents_next(documents, &pb, &error), SPB_OK, "first");
    for (size_t i = 0; i < 2; i++) {
        assert_status(spb_documents_next(documents, &pb, &error), SPB_NEED_MORE, json);
        ck_assert_int_eq((int)error.status, SPB_NEED_MORE);
        ck_assert_uint_eq(error.offset, 3 + len);
        ck_assert_uint_eq(error.line, 2);
        ck_assert_uint_eq(pb.len, 0);
    }
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}

START_TEST(a_stream_cut_anywhere_in_a_document_is_cut_short)
{
    const size_t len = strcspn(tricky[_i], "\n"); /* of its first line */

    for (size_t cut = 1; cut < len; cut++)
        assert_cut_short(tricky[_i], cut);
}
END_TEST

START_TEST(the_end_stays_the_end)
{
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes pb = { 0 };

    push(documents, "{} \n", 4);
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, "first");
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_NEED_MORE, "white space");
    spb_documents_finish(documents);
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_END, "end");
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_END, "end again");
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(a_stream_that_is_reset_is_as_new)
{
    static const char *const left[] = { "{}\n{}\n{\"zz\":\"{", "{}\n?", "", "\xEF\xBB\xBF{}\n",
                                        "{\"a" };
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes pb = { 0 };
    struct spb_error error;

    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        push(documents, left[i], strlen(left[i]));
        while (spb_documents_next(documents, &pb, NULL) == SPB_OK)
            continue;
        if (i % 2 == 1)
            spb_documents_finish(documents);
        spb_documents_reset(documents);
        ck_assert_uint_eq(spb_documents_count(documents).sessions, 0);
        assert_status(spb_documents_next(documents, &pb, NULL), SPB_NEED_MORE, "nothing");
        push(documents, "\xEF\xBB\xBF{}\n x", 8);
        assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, "first");
        assert_status(spb_documents_next(documents, &pb, &error), SPB_BAD_JSON, "second");
        ck_assert_uint_eq(error.offset, 7);
        ck_assert_uint_eq(error.line, 2);
        ck_assert_uint_eq(error.column, 2);
        spb_documents_reset(documents);
    }
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}
END_TEST

START_TEST(nothing_is_released_as_null)
{
    spb_documents_free(NULL);
}
END_TEST

/* ---- Limits. ---- */

/* `{"zz":"aaa..."}` of len bytes. */
static void put_document(size_t len, struct spb_bytes *text)
{
    put(text, "{\"zz\":\"");
    for (size_t i = 9; i < len; i++)
        put(text, "a");
    put(text, "\"}");
}

static void use_small_limit(void)
{
    const struct spb_options options = { .size = sizeof options,
                                         .lenient = true,
                                         .limits.document_max = DOCUMENT_MAX };

    spb_converter_free(converter);
    converter = new_converter(&options);
}

START_TEST(the_size_limit_is_that_of_one_document)
{
    struct result expected = { .status = SPB_TOO_LARGE };
    struct spb_bytes text = { 0 };

    for (size_t i = 0; i < 3; i++) {
        put_document(DOCUMENT_MAX, &text);
        append_frame((const char *)text.data + i * (DOCUMENT_MAX + 2), &expected.frames);
        put(&text, "\n ");
    }
    put_document(DOCUMENT_MAX + 1, &text);
    expect_place((const char *)text.data, text.len - DOCUMENT_MAX - 1, &expected.error);
    use_small_limit();
    assert_fed_alike((const char *)text.data, &expected);
    spb_bytes_release(&text);
    spb_bytes_release(&expected.frames);
}
END_TEST

START_TEST(a_document_above_the_limit_is_refused_before_its_end)
{
    spb_documents *documents;
    struct spb_bytes pb = { 0 };
    struct spb_error error;
    size_t pushed = 8;

    use_small_limit();
    documents = spb_documents_new(converter);
    push(documents, "{}\n {\"a\"", pushed);
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_OK, "first");
    for (; spb_documents_next(documents, &pb, &error) == SPB_NEED_MORE; pushed++)
        push(documents, " ", 1);
    assert_status(error.status, SPB_TOO_LARGE, "white space inside");
    ck_assert_uint_eq(pushed, 4 + DOCUMENT_MAX + 1);
    ck_assert_uint_eq(error.offset, 4);
    ck_assert_uint_eq(error.line, 2);
    ck_assert_uint_eq(error.column, 2);
    push(documents, ":1}", 3);
    assert_status(spb_documents_next(documents, &pb, NULL), SPB_TOO_LARGE, "its end");
    ck_assert_uint_eq(pb.len, 0);
    spb_documents_free(documents);
    spb_bytes_release(&pb);
}
END_TEST

/* Were it scanned from its start with each piece, this would take hours. */
START_TEST(a_document_in_many_small_pieces_takes_linear_time)
{
    enum { LEN = 2 << 20, PIECE = 3 };
    struct result expected = { .status = SPB_END };
    struct result result = { .status = SPB_OK };
    struct spb_bytes text = { 0 };
    spb_documents *documents = spb_documents_new(converter);

    put_document(LEN, &text);
    append_frame((const char *)text.data, &expected.frames);
    feed(documents, (const char *)text.data, text.len, 1, PIECE, &result);
    assert_same_result(&result, &expected, "2 MiB");
    spb_documents_free(documents);
    spb_bytes_release(&text);
    spb_bytes_release(&result.frames);
    spb_bytes_release(&expected.frames);
}
END_TEST

/* Fills every space to its end, pulls, and returns the most memory that was in use. */
static size_t pass_through(spb_documents *documents, const struct spb_bytes *text, size_t total)
{
    struct spb_bytes pb = { 0 };
    size_t most = 0;
    size_t room;
    char *space;

    for (size_t passed = 0; passed < total; passed += room) {
        assert_status(spb_documents_space(documents, &space, &room), SPB_OK, "space");
        for (size_t i = 0; i < room; i++)
            space[i] = (char)text->data[(passed + i) % text->len];
        spb_documents_commit(documents, room);
        while (spb_documents_next(documents, &pb, NULL) == SPB_OK)
            pb.len = 0;
        if (allocated_bytes() > most)
            most = allocated_bytes();
    }
    spb_bytes_release(&pb);
    return most;
}

START_TEST(memory_does_not_grow_with_the_stream)
{
    enum { TOTAL = 64 << 20, MEMORY_MAX = 4 << 20 };
    struct examples examples;
    struct spb_bytes text = { 0 };

    read_examples(&examples);
    for (size_t i = 0; i < examples.count; i++)
        put(&text, (const char *)examples.texts[i].data);
    const size_t before = allocated_bytes();
    spb_documents *documents = spb_documents_new(converter);
    const size_t most = pass_through(documents, &text, TOTAL);
    ck_assert_uint_gt(spb_documents_count(documents).sessions, 10000);
    ck_assert_uint_lt(most - before, MEMORY_MAX);
    spb_documents_free(documents);
    release_examples(&examples);
    spb_bytes_release(&text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("streams of documents");
    TCase *tcase = tcase_create("documents");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, a_stream_of_any_shape_gives_its_documents, 0, SHAPES);
    tcase_add_loop_test(tcase, one_document_is_a_stream, 0, TRICKY);
    tcase_add_test(tcase, a_stream_without_documents_ends);
    tcase_add_test(tcase, pretty_and_compact_examples_stand_together);
    tcase_add_test(tcase, a_document_is_converted_when_its_last_byte_arrives);
    tcase_add_test(tcase, messages_are_appended);
    tcase_add_loop_test(tcase, an_error_has_its_place_in_the_stream, 0, FAULTS);
    tcase_add_test(tcase, a_stream_stays_at_a_bad_document);
    tcase_add_loop_test(tcase, a_stream_cut_anywhere_in_a_document_is_cut_short, 0, TRICKY);
    tcase_add_test(tcase, the_end_stays_the_end);
    tcase_add_test(tcase, a_stream_that_is_reset_is_as_new);
    tcase_add_test(tcase, nothing_is_released_as_null);
    tcase_add_test(tcase, the_size_limit_is_that_of_one_document);
    tcase_add_test(tcase, a_document_above_the_limit_is_refused_before_its_end);
    tcase_add_test(tcase, a_document_in_many_small_pieces_takes_linear_time);
    tcase_add_test(tcase, memory_does_not_grow_with_the_stream);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
