/*
 * Archives that others wrote, and sources that fail: seekable archives with every kind of table, tables
 * that are wrong, frames that are torn, and a read that fails wherever it may.
 */
#include <sessionpb/archive.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <zstd.h>

#include "stream/seek_table.h"

enum {
    RECORDS = 24,
    RECORD_LEN = 8, /* with its length before it */
    FRAMES = 6,
    FRAME_LEN = RECORDS * RECORD_LEN / FRAMES,
    FOOTER = 9,
    CHECKSUM = 4,
    TIMEOUT_SECONDS = 240
};

/* ---- archives ---- */

static uint8_t stream[RECORDS * RECORD_LEN];

static void set_up(void)
{
    for (size_t i = 0; i < RECORDS; i++) {
        uint8_t *const record = stream + i * RECORD_LEN;
        record[0] = RECORD_LEN - 1;
        memset(record + 1, (int)('a' + i), RECORD_LEN - 1);
    }
}

static void put_le32(struct spb_bytes *out, uint32_t value)
{
    const uint8_t bytes[] = { (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                              (uint8_t)(value >> 24) };

    ck_assert_int_eq(spb_bytes_append(out, bytes, sizeof bytes), SPB_OK);
}

/* Returns how long the frame is. */
static size_t put_frame(struct spb_bytes *out, const uint8_t *data, size_t len, bool checksum,
                        bool says_len)
{
    ZSTD_CCtx *const zstd = ZSTD_createCCtx();
    const size_t bound = ZSTD_compressBound(len);

    ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, checksum);
    ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, says_len);
    ck_assert_int_eq(spb_bytes_reserve(out, bound), SPB_OK);
    const size_t frame_len = ZSTD_compress2(zstd, out->data + out->len, bound, data, len);
    ck_assert(!ZSTD_isError(frame_len));
    out->len += frame_len;
    ZSTD_freeCCtx(zstd);
    return frame_len;
}

/* How another program may write the stream. */
struct style {
    bool checksum;      /* of each frame */
    bool says_len;      /* of its content */
    uint8_t descriptor; /* of the seek table: 0x80 with checksums, 0 without */
    size_t cut;         /* bytes by which the frames end too late to hold whole records */
    enum spb_status checked;
};

/* The checksum is what a frame of the content would carry. */
static uint32_t checksum_of(const uint8_t *data, size_t len)
{
    struct spb_bytes frame = { 0 };
    uint32_t checksum = 0;

    put_frame(&frame, data, len, true, true);
    for (size_t i = CHECKSUM; i > 0; i--)
        checksum = checksum << 8 | frame.data[frame.len - CHECKSUM + i - 1];
    spb_bytes_release(&frame);
    return checksum;
}

static void write_archive(struct spb_bytes *archive, const struct style *style)
{
    const size_t entry_len = style->descriptor != 0 ? 12 : 8;
    struct spb_bytes entries = { 0 };

    archive->len = 0;
    for (size_t i = 0; i < FRAMES; i++) {
        const size_t from = i == 0 ? 0 : i * FRAME_LEN + style->cut;
        const size_t end = i == FRAMES - 1 ? sizeof stream : (i + 1) * FRAME_LEN + style->cut;
        put_le32(&entries, (uint32_t)put_frame(archive, stream + from, end - from, style->checksum,
                                               style->says_len));
        put_le32(&entries, (uint32_t)(end - from));
        if (style->descriptor != 0)
            put_le32(&entries, checksum_of(stream + from, end - from));
    }
    put_le32(archive, 0x184D2A5E);
    put_le32(archive, (uint32_t)(FRAMES * entry_len + FOOTER));
    spb_bytes_append(archive, entries.data, entries.len);
    put_le32(archive, FRAMES);
    spb_bytes_append(archive, &style->descriptor, 1);
    put_le32(archive, 0x8F92EAB1);
    spb_bytes_release(&entries);
}

static enum spb_status append(void *context, const void *data, size_t len)
{
    return spb_bytes_append(context, data, len);
}

static void write_own(struct spb_bytes *archive)
{
    const struct spb_archive_options options = { .size = sizeof options, .frame_size = FRAME_LEN };
    spb_archive_writer *const writer = spb_archive_writer_new(&options, append, archive);

    archive->len = 0;
    for (size_t i = 0; i < RECORDS; i++)
        ck_assert_int_eq(spb_archive_write(writer, stream + i * RECORD_LEN + 1, RECORD_LEN - 1),
                         SPB_OK);
    ck_assert_int_eq(spb_archive_finish(writer), SPB_OK);
    spb_archive_writer_free(writer);
}

/* ---- reading ---- */

struct source {
    const struct spb_bytes *archive;
    size_t reads; /* until one fails; SIZE_MAX: none does */
    size_t piece;
    bool has_failed;
};

static enum spb_status read_source(void *context, uint64_t offset, void *data, size_t len,
                                   size_t *read_out)
{
    struct source *const source = context;
    const size_t left = source->archive->len - (size_t)offset;

    *read_out = 0;
    if (source->reads-- == 0) {
        source->has_failed = true;
        return SPB_IO;
    }
    *read_out = len < left ? len : left;
    *read_out = *read_out < source->piece ? *read_out : source->piece;
    memcpy(data, source->archive->data + offset, *read_out);
    return SPB_OK;
}

static spb_archive_reader *open_source(struct source *source, bool seekable)
{
    const struct spb_archive_source given = { read_source, source,
                                              seekable ? source->archive->len : UINT64_MAX };
    spb_archive_reader *const reader = spb_archive_reader_new(&given, 0);

    ck_assert_ptr_nonnull(reader);
    return reader;
}

/* The records from *next on. Nothing else comes out. */
static enum spb_status read_on(spb_archive_reader *reader, size_t *next)
{
    const uint8_t *message;
    enum spb_status status;
    size_t len;

    while ((status = spb_archive_next(reader, &message, &len, NULL)) == SPB_OK) {
        ck_assert_uint_lt(*next, RECORDS);
        ck_assert_uint_eq(len, RECORD_LEN - 1);
        ck_assert_mem_eq(message, stream + (*next)++ * RECORD_LEN + 1, len);
    }
    return status;
}

static void expect_skips(const struct spb_bytes *archive)
{
    for (size_t skip = 0; skip <= RECORDS; skip++) {
        struct source source = { archive, SIZE_MAX, SIZE_MAX, false };
        spb_archive_reader *const reader = open_source(&source, true);
        uint64_t skipped;
        size_t next = skip;
        ck_assert_int_eq(spb_archive_skip(reader, skip, &skipped, NULL), SPB_OK);
        ck_assert_uint_eq(skipped, skip);
        ck_assert_int_eq(read_on(reader, &next), SPB_END);
        ck_assert_uint_eq(next, RECORDS);
        spb_archive_reader_free(reader);
    }
}

static enum spb_status check_archive(const struct spb_bytes *archive, struct spb_error *error)
{
    struct source source = { archive, SIZE_MAX, SIZE_MAX, false };
    spb_archive_reader *const reader = open_source(&source, true);
    uint64_t records;
    const enum spb_status status = spb_archive_check(reader, &records, error);

    spb_archive_reader_free(reader);
    return status;
}

/* ---- others' tables ---- */

static const struct style styles[] = {
    { true, true, 0x80, 0, SPB_OK },          { true, true, 0, 0, SPB_OK },
    { true, true, 0x80, 3, SPB_OK },          { true, false, 0x80, 3, SPB_OK },
    { false, true, 0x80, 0, SPB_OK },         { false, false, 0x80, 3, SPB_OK },
    { false, true, 0, 0, SPB_BAD_ARCHIVE },   /* nothing vouches for the content */
    { true, true, 0x84, 0, SPB_BAD_ARCHIVE }, /* reserved bits */
};

START_TEST(seekable_archives_of_others_are_read_searched_and_checked)
{
    struct spb_bytes archive = { 0 };
    struct spb_error error;

    write_archive(&archive, &styles[_i]);
    expect_skips(&archive);
    ck_assert_int_eq(check_archive(&archive, &error), styles[_i].checked);
    spb_bytes_release(&archive);
}
END_TEST

/* The frames as the tables say, or as their own headers do. */
static void expect_frames(const struct spb_bytes *archive, const uint64_t ends[FRAMES])
{
    struct source source = { archive, SIZE_MAX, SIZE_MAX, false };
    spb_archive_reader *const reader = open_source(&source, true);
    struct spb_archive_frame frame;

    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert_int_eq(spb_archive_frame_at(reader, i, &frame, NULL), SPB_OK);
        ck_assert_uint_eq(frame.offset, i == 0 ? 0 : ends[i - 1]);
        ck_assert_uint_eq(frame.offset + frame.len, ends[i]);
    }
    spb_archive_reader_free(reader);
}

static void find_ends(const struct spb_bytes *archive, uint64_t ends[FRAMES])
{
    struct source source = { archive, SIZE_MAX, SIZE_MAX, false };
    spb_archive_reader *const reader = open_source(&source, true);
    struct spb_archive_frame frame;

    for (size_t i = 0; i < FRAMES; i++) {
        ck_assert_int_eq(spb_archive_frame_at(reader, i, &frame, NULL), SPB_OK);
        ends[i] = frame.offset + frame.len;
    }
    ck_assert_int_eq(spb_archive_frame_at(reader, FRAMES, &frame, NULL), SPB_END);
    spb_archive_reader_free(reader);
}

START_TEST(wrong_tables_never_lead_to_a_wrong_place)
{
    struct spb_bytes archive = { 0 };
    struct spb_error error;
    uint64_t ends[FRAMES];

    write_own(&archive);
    find_ends(&archive, ends);
    ck_assert_int_eq(check_archive(&archive, &error), SPB_OK);
    for (size_t at = (size_t)ends[FRAMES - 1]; at < archive.len; at++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            archive.data[at] ^= (uint8_t)(1u << bit);
            ck_assert_int_ne(check_archive(&archive, &error), SPB_OK);
            expect_frames(&archive, ends);
            archive.data[at] ^= (uint8_t)(1u << bit);
        }
    }
    spb_bytes_release(&archive);
}
END_TEST

/* Tables of our own kind, with a hash that is right. One frame is said to be longer than it is, the next
   one shorter, or to hold more. */
static void append_tables(struct spb_bytes *archive, const uint64_t ends[FRAMES], size_t wrong,
                          uint32_t by, uint32_t more)
{
    struct spb_archive_entries entries = { 0 };

    for (size_t i = 0; i < FRAMES; i++) {
        const uint64_t begin = i == 0 ? 0 : ends[i - 1];
        const uint32_t longer = i == wrong ? by : i == wrong + 1 ? 0 - by : 0;
        const struct spb_archive_entry entry = { .len = (uint32_t)(ends[i] - begin) + longer,
                                                 .content_len = FRAME_LEN + (i == wrong ? more : 0),
                                                 .records = RECORDS / FRAMES };
        ck_assert_int_eq(spb_archive_entries_push(&entries, entry), SPB_OK);
    }
    ck_assert_int_eq(spb_tables_put(SPB_TABLES_OWN, &entries, archive), SPB_OK);
    spb_archive_entries_release(&entries);
}

START_TEST(tables_that_lie_are_dropped_where_it_shows)
{
    struct spb_bytes archive = { 0 };
    struct spb_error error;
    uint64_t ends[FRAMES];

    write_own(&archive);
    find_ends(&archive, ends);
    for (size_t wrong = 0; wrong < FRAMES - 1; wrong++) {
        for (uint32_t by = 0; by < 3; by++) {
            archive.len = (size_t)ends[FRAMES - 1];
            append_tables(&archive, ends, wrong, by, by == 0);
            expect_skips(&archive);
            ck_assert_int_eq(check_archive(&archive, &error), SPB_BAD_ARCHIVE);
        }
    }
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(tables_of_whole_records_behind_a_cut_one_are_bad)
{
    static const struct style cut = { true, true, 0x80, 3, SPB_OK };
    struct spb_bytes archive = { 0 };
    struct spb_error error = { .status = SPB_OK };
    uint64_t ends[FRAMES];

    write_archive(&archive, &cut);
    find_ends(&archive, ends);
    archive.len = (size_t)ends[1];
    append_tables(&archive, ends, FRAMES, 0, 0);
    ck_assert_int_eq(check_archive(&archive, &error), SPB_BAD_ARCHIVE);
    ck_assert_ptr_nonnull(strstr(error.reason, "inside of a record"));
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(a_seek_table_alone_is_an_archive_of_nothing)
{
    for (unsigned descriptor = 0; descriptor <= 0x80; descriptor += 0x80) {
        const uint8_t table[] = {
            0x5E, 0x2A, 0x4D, 0x18, FOOTER, 0, 0, 0, 0, 0, 0, 0, (uint8_t)descriptor,
            0xB1, 0xEA, 0x92, 0x8F
        };
        struct spb_bytes archive = { 0 };
        struct spb_archive_frame frame;
        struct spb_error error;
        size_t next = 0;

        spb_bytes_append(&archive, table, sizeof table);
        struct source source = { &archive, SIZE_MAX, SIZE_MAX, false };
        spb_archive_reader *const reader = open_source(&source, true);
        ck_assert_int_eq(spb_archive_frame_at(reader, 0, &frame, NULL), SPB_END);
        ck_assert_int_eq(read_on(reader, &next), SPB_END);
        ck_assert_uint_eq(next, 0);
        spb_archive_reader_free(reader);
        ck_assert_int_eq(check_archive(&archive, &error), SPB_OK);
        spb_bytes_release(&archive);
    }
}
END_TEST

START_TEST(frames_are_listed_up_to_a_tear)
{
    struct spb_bytes archive = { 0 };
    struct spb_archive_frame frame;
    uint64_t ends[FRAMES];

    write_own(&archive);
    find_ends(&archive, ends);
    for (archive.len--; archive.len > 0; archive.len--) {
        struct source source = { &archive, SIZE_MAX, SIZE_MAX, false };
        spb_archive_reader *const reader = open_source(&source, true);
        enum spb_status status;
        size_t count = 0;
        while ((status = spb_archive_frame_at(reader, count, &frame, NULL)) == SPB_OK)
            ck_assert_uint_eq(frame.offset + frame.len, ends[count++]);
        const uint64_t whole = count == 0 ? 0 : ends[count - 1];
        ck_assert(count == FRAMES || ends[count] > archive.len);
        ck_assert(status == SPB_NEED_MORE || status == SPB_END);
        ck_assert(archive.len != whole || status == SPB_END);
        ck_assert(count == FRAMES || archive.len == whole || status == SPB_NEED_MORE);
        spb_archive_reader_free(reader);
    }
    spb_bytes_release(&archive);
}
END_TEST

/* ---- sources that fail ---- */

typedef enum spb_status reading(spb_archive_reader *reader);

static enum spb_status read_all(spb_archive_reader *reader)
{
    size_t next = 0;

    return read_on(reader, &next);
}

static enum spb_status check_all(spb_archive_reader *reader)
{
    uint64_t records;

    return spb_archive_check(reader, &records, NULL);
}

static enum spb_status skip_most(spb_archive_reader *reader)
{
    size_t next = RECORDS - 2;
    uint64_t skipped;
    const enum spb_status status = spb_archive_skip(reader, next, &skipped, NULL);

    return status == SPB_OK ? read_on(reader, &next) : status;
}

static enum spb_status list_all(spb_archive_reader *reader)
{
    struct spb_archive_frame frame;
    enum spb_status status = SPB_OK;

    for (uint64_t i = 0; status == SPB_OK; i++)
        status = spb_archive_frame_at(reader, i, &frame, NULL);
    return status;
}

/* From the second frame, which is damaged, on. */
static enum spb_status salvage_rest(spb_archive_reader *reader)
{
    struct spb_archive_loss loss;
    size_t next = 0;
    const enum spb_status status = read_on(reader, &next);

    if (status == SPB_IO)
        return status;
    ck_assert_int_ne(status, SPB_END);
    const enum spb_status salvaged = spb_archive_salvage(reader, &loss);
    if (salvaged != SPB_OK)
        return salvaged;
    next = 2 * RECORDS / FRAMES;
    return read_on(reader, &next);
}

static reading *const readings[] = { read_all, check_all, skip_most, list_all, salvage_rest };

/* Each read fails in turn. */
static void expect_failures(const struct spb_bytes *archive, reading *read, bool seekable)
{
    bool fails = true;

    for (size_t reads = 0; fails; reads++) {
        struct source source = { archive, reads, 5, false };
        spb_archive_reader *const reader = open_source(&source, seekable);
        const enum spb_status status = read(reader);
        fails = source.has_failed;
        if (fails)
            ck_assert_int_eq(status, SPB_IO);
        else
            ck_assert(status == SPB_OK || status == SPB_END);
        spb_archive_reader_free(reader);
        ck_assert_uint_lt(reads, archive->len);
    }
}

START_TEST(a_read_that_fails_anywhere_is_handed_over)
{
    static const struct style in_pieces = { true, false, 0x80, 0, SPB_OK };
    struct spb_bytes archive = { 0 };

    for (int own = 0; own < 2; own++) {
        if (own == 1)
            write_own(&archive);
        else
            write_archive(&archive, &in_pieces);
        if (readings[_i] == salvage_rest)
            archive.data[archive.len / 8 + 2] ^= 0x40;
        expect_failures(&archive, readings[_i], true);
        if (readings[_i] == read_all || readings[_i] == check_all)
            expect_failures(&archive, readings[_i], false);
    }
    spb_bytes_release(&archive);
}
END_TEST

/* ---- torn and false ---- */

START_TEST(a_stream_that_ends_inside_of_a_record_is_torn)
{
    struct spb_bytes archive = { 0 };
    struct spb_error error = { .status = SPB_OK };
    const uint8_t *message;
    size_t len;

    put_frame(&archive, stream, 2 * RECORD_LEN - 1, true, true);
    for (int seekable = 0; seekable < 2; seekable++) {
        struct source source = { &archive, SIZE_MAX, SIZE_MAX, false };
        spb_archive_reader *const reader = open_source(&source, seekable == 1);
        ck_assert_int_eq(spb_archive_next(reader, &message, &len, &error), SPB_OK);
        ck_assert_int_eq(spb_archive_next(reader, &message, &len, &error), SPB_NEED_MORE);
        ck_assert_ptr_nonnull(strstr(error.reason, "inside of a record"));
        spb_archive_reader_free(reader);
    }
    ck_assert_int_eq(check_archive(&archive, &error), SPB_NEED_MORE);
    ck_assert_ptr_nonnull(strstr(error.reason, "inside of a record"));
    spb_bytes_release(&archive);
}
END_TEST

/* One raw block of three bytes, in a frame that says it holds 192 KiB: two blocks at least. */
START_TEST(a_frame_with_too_few_blocks_for_its_content_is_damaged)
{
    static const uint8_t frame[] = { 0x28, 0xB5, 0x2F, 0xFD, 0xA0, 0x00, 0x00, 0x03,
                                     0x00, 0x19, 0x00, 0x00, 2,    'a',  'b' };
    struct spb_bytes archive = { 0 };
    struct spb_error error = { .status = SPB_OK };

    spb_bytes_append(&archive, frame, sizeof frame);
    ck_assert_int_eq(check_archive(&archive, &error), SPB_BAD_ARCHIVE);
    ck_assert_ptr_nonnull(strstr(error.reason, "size that it declares"));
    spb_bytes_release(&archive);
}
END_TEST

/* ---- misuse ---- */

START_TEST(a_source_of_unknown_length_can_be_checked_once_and_not_searched)
{
    struct spb_bytes archive = { 0 };
    struct spb_archive_frame frame;
    uint64_t records;

    write_own(&archive);
    struct source source = { &archive, SIZE_MAX, SIZE_MAX, false };
    spb_archive_reader *const reader = open_source(&source, false);
    ck_assert_int_eq(spb_archive_frame_at(reader, 0, &frame, NULL), SPB_MISUSE);
    ck_assert_int_eq(spb_archive_check(reader, &records, NULL), SPB_OK);
    ck_assert_uint_eq(records, RECORDS);
    ck_assert_int_eq(spb_archive_check(reader, &records, NULL), SPB_MISUSE);
    spb_archive_reader_free(reader);
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(a_writer_takes_no_message_above_2_gib_and_none_behind_the_end)
{
    struct spb_bytes archive = { 0 };
    struct spb_error error;
    spb_archive_writer *const writer = spb_archive_writer_new(NULL, append, &archive);

    ck_assert_int_eq(spb_archive_write(writer, "", (size_t)INT32_MAX + 1), SPB_TOO_LARGE);
    ck_assert_int_eq(spb_archive_write(writer, "abc", 3), SPB_OK);
    ck_assert_int_eq(spb_archive_finish(writer), SPB_OK);
    const size_t len = archive.len;
    ck_assert_int_eq(spb_archive_write(writer, "abc", 3), SPB_MISUSE);
    spb_archive_writer_free(writer);
    ck_assert_uint_eq(archive.len, len);
    ck_assert_int_eq(check_archive(&archive, &error), SPB_OK);
    spb_bytes_release(&archive);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("others' archives");
    TCase *tcase = tcase_create("archive");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_checked_fixture(tcase, set_up, NULL);
    tcase_add_loop_test(tcase, seekable_archives_of_others_are_read_searched_and_checked, 0,
                        sizeof styles / sizeof styles[0]);
    tcase_add_test(tcase, wrong_tables_never_lead_to_a_wrong_place);
    tcase_add_test(tcase, tables_that_lie_are_dropped_where_it_shows);
    tcase_add_test(tcase, tables_of_whole_records_behind_a_cut_one_are_bad);
    tcase_add_test(tcase, a_seek_table_alone_is_an_archive_of_nothing);
    tcase_add_test(tcase, frames_are_listed_up_to_a_tear);
    tcase_add_loop_test(tcase, a_read_that_fails_anywhere_is_handed_over, 0,
                        sizeof readings / sizeof readings[0]);
    tcase_add_test(tcase, a_stream_that_ends_inside_of_a_record_is_torn);
    tcase_add_test(tcase, a_frame_with_too_few_blocks_for_its_content_is_damaged);
    tcase_add_test(tcase, a_source_of_unknown_length_can_be_checked_once_and_not_searched);
    tcase_add_test(tcase, a_writer_takes_no_message_above_2_gib_and_none_behind_the_end);
    suite_add_tcase(suite, tcase);

    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
