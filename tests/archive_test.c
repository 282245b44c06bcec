/*
 * Archives: what is written comes back, whichever way it is read; what is damaged is found, and what
 * is not damaged is saved.
 */
#include <sessionpb/archive.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <zstd.h>

enum { RECORDS = 40, RECORD_MAX = 60, FRAME_SIZE = 200, FRAMES_MAX = 64 };

static uint32_t random_state = 1;

static uint32_t next_random(void)
{
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

/* ---- records, and where they go ---- */

static struct spb_bytes records[RECORDS];

static void make_records(void)
{
    for (size_t i = 0; i < RECORDS; i++) {
        const size_t len = i == 3 ? 0 : i == 7 ? 3 * FRAME_SIZE : next_random() % RECORD_MAX;
        for (size_t at = 0; at < len; at++) {
            const uint8_t byte = (uint8_t)('a' + (i + next_random() % 3) % 26);
            ck_assert_int_eq(spb_bytes_append(&records[i], &byte, 1), SPB_OK);
        }
    }
}

static void release_records(void)
{
    for (size_t i = 0; i < RECORDS; i++)
        spb_bytes_release(&records[i]);
}

static enum spb_status append(void *context, const void *data, size_t len)
{
    return spb_bytes_append(context, data, len);
}

static void write_archive(struct spb_bytes *archive, size_t first, size_t end)
{
    const struct spb_archive_options options = { .size = sizeof options, .frame_size = FRAME_SIZE };
    spb_archive_writer *writer = spb_archive_writer_new(&options, append, archive);

    ck_assert_ptr_nonnull(writer);
    for (size_t i = first; i < end; i++)
        ck_assert_int_eq(spb_archive_write(writer, records[i].data, records[i].len), SPB_OK);
    ck_assert_int_eq(spb_archive_finish(writer), SPB_OK);
    spb_archive_writer_free(writer);
}

static void put_stream(struct spb_bytes *stream, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const size_t len = records[i].len;
        const uint8_t length[] = { (uint8_t)(len % 0x80 | (len >= 0x80 ? 0x80 : 0)),
                                   (uint8_t)(len / 0x80) };
        ck_assert_int_eq(spb_bytes_append(stream, length, len < 0x80 ? 1 : 2), SPB_OK);
        ck_assert_int_eq(spb_bytes_append(stream, records[i].data, len), SPB_OK);
    }
}

/* ---- reading ---- */

struct memory {
    struct spb_bytes *bytes;
    size_t piece; /* given at most at once; 0: random */
    uint64_t expected;
    bool seekable;
};

static enum spb_status read_memory(void *context, uint64_t offset, void *data, size_t len,
                                   size_t *read_out)
{
    struct memory *memory = context;
    const size_t left = memory->bytes->len - (size_t)offset;
    size_t give = memory->piece == 0 ? 1 + next_random() % 100 : memory->piece;

    ck_assert(memory->seekable || offset == memory->expected);
    give = give < len ? give : len;
    give = give < left ? give : left;
    if (give > 0)
        memcpy(data, memory->bytes->data + offset, give);
    memory->expected = offset + give;
    *read_out = give;
    return SPB_OK;
}

static spb_archive_reader *open_memory(struct memory *memory)
{
    const struct spb_archive_source source = { read_memory, memory,
                                               memory->seekable ? memory->bytes->len : UINT64_MAX };
    spb_archive_reader *reader = spb_archive_reader_new(&source, 0);

    ck_assert_ptr_nonnull(reader);
    return reader;
}

static spb_archive_reader *open_archive(struct spb_bytes *archive, struct memory *memory)
{
    *memory = (struct memory){ .bytes = archive, .piece = SIZE_MAX, .seekable = true };
    return open_memory(memory);
}

/* The number of the record that a message is, from `first` on; RECORDS for none. */
static size_t record_of(const uint8_t *message, size_t len, size_t first)
{
    while (first < RECORDS && (records[first].len != len ||
                               (len > 0 && memcmp(records[first].data, message, len) != 0)))
        first++;
    return first;
}

/* The next message is that record; RECORDS stands for the end. */
static void expect_next(spb_archive_reader *reader, size_t record)
{
    static const uint8_t nothing[SPB_PADDING];
    const enum spb_status expected = record == RECORDS ? SPB_END : SPB_OK;
    const uint8_t *message = nothing;
    size_t len = 0;

    ck_assert_int_eq(spb_archive_next(reader, &message, &len, NULL), expected);
    ck_assert_uint_eq(len, record == RECORDS ? 0 : records[record].len);
    if (len > 0)
        ck_assert_mem_eq(message, records[record].data, len);
    for (size_t i = 0; i < SPB_PADDING; i++) /* ASan sees what is not there */
        (void)*(const volatile uint8_t *)&message[len + i];
}

static void expect_records(struct memory *memory)
{
    spb_archive_reader *reader = open_memory(memory);

    for (size_t i = 0; i <= RECORDS; i++)
        expect_next(reader, i);
    spb_archive_reader_free(reader);
}

static enum spb_status check_archive(struct spb_bytes *archive, uint64_t *count)
{
    struct memory memory;
    struct spb_error error = { .status = SPB_OK };
    spb_archive_reader *reader = open_archive(archive, &memory);
    const enum spb_status status = spb_archive_check(reader, count, &error);

    ck_assert_int_eq(error.status, status);
    spb_archive_reader_free(reader);
    return status;
}

/* ---- whole archives ---- */

START_TEST(what_is_written_comes_back_from_files_and_pipes_in_pieces_of_any_size)
{
    static const size_t pieces[] = { 1, 0, 7, SIZE_MAX };
    struct spb_bytes archive = { 0 };

    write_archive(&archive, 0, RECORDS);
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (int seekable = 0; seekable < 2; seekable++) {
            struct memory memory = { .bytes = &archive,
                                     .piece = pieces[i],
                                     .seekable = seekable == 1 };
            expect_records(&memory);
        }
    }
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(archives_behind_each_other_are_one_archive)
{
    struct spb_bytes archive = { 0 };
    struct memory memory = { .bytes = &archive, .piece = 0, .seekable = true };
    uint64_t count;

    write_archive(&archive, 0, 0);
    write_archive(&archive, 0, 11);
    write_archive(&archive, 11, 11);
    write_archive(&archive, 11, RECORDS);
    expect_records(&memory);
    ck_assert_int_eq(check_archive(&archive, &count), SPB_OK);
    ck_assert_uint_eq(count, RECORDS);
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(the_frames_hold_whole_records_and_together_the_plain_stream)
{
    struct spb_bytes archive = { 0 };
    struct spb_bytes stream = { 0 };
    struct spb_bytes content = { 0 };
    struct spb_archive_frame frame;
    struct memory memory;
    uint64_t count = 0;

    write_archive(&archive, 0, RECORDS);
    put_stream(&stream, 0, RECORDS);
    spb_archive_reader *reader = open_archive(&archive, &memory);
    uint64_t i = 0;
    for (; spb_archive_frame_at(reader, i, &frame, NULL) == SPB_OK; i++) {
        ck_assert_int_eq(spb_bytes_reserve(&content, frame.content_len), SPB_OK);
        ck_assert_uint_eq(ZSTD_decompress(content.data + content.len, frame.content_len,
                                          archive.data + frame.offset, frame.len),
                          frame.content_len);
        content.len += frame.content_len;
        ck_assert_uint_gt(frame.records, 0);
        ck_assert_uint_le(frame.content_len, 3 * FRAME_SIZE + 2);
        count += frame.records;
        struct spb_bytes expected = { 0 };
        put_stream(&expected, 0, (size_t)count);
        ck_assert_uint_eq(content.len, expected.len); /* cut between records */
        spb_bytes_release(&expected);
    }
    ck_assert_uint_gt(i, 5);
    ck_assert_uint_eq(count, RECORDS);
    ck_assert_uint_eq(content.len, stream.len);
    ck_assert_mem_eq(content.data, stream.data, stream.len);
    spb_archive_reader_free(reader);
    spb_bytes_release(&archive);
    spb_bytes_release(&stream);
    spb_bytes_release(&content);
}
END_TEST

static uint32_t le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

START_TEST(the_seek_table_is_that_of_the_zstd_seekable_format)
{
    enum { FOOTER = 9, ENTRY = 12, HEADER = 8 };
    struct spb_bytes archive = { 0 };
    struct spb_archive_frame frame;
    struct memory memory;

    write_archive(&archive, 0, RECORDS);
    const uint8_t *const footer = archive.data + archive.len - FOOTER;
    const uint32_t count = le32(footer);
    ck_assert_uint_eq(le32(footer + 5), 0x8F92EAB1u);
    ck_assert_uint_eq(footer[4], 0x80); /* with checksums */
    const uint8_t *entry = footer - (size_t)ENTRY * count;
    ck_assert_uint_eq(le32(entry - HEADER), 0x184D2A5Eu);
    ck_assert_uint_eq(le32(entry - 4), FOOTER + ENTRY * count);
    spb_archive_reader *reader = open_archive(&archive, &memory);
    for (uint32_t i = 0; i < count; i++, entry += ENTRY) {
        ck_assert_int_eq(spb_archive_frame_at(reader, i, &frame, NULL), SPB_OK);
        ck_assert_uint_eq(le32(entry), frame.len);
        ck_assert_uint_eq(le32(entry + 4), frame.content_len);
        ck_assert_uint_eq(le32(entry + 8), le32(archive.data + frame.offset + frame.len - 4));
    }
    ck_assert_int_eq(spb_archive_frame_at(reader, count, &frame, NULL), SPB_END);
    spb_archive_reader_free(reader);
    spb_bytes_release(&archive);
}
END_TEST

/* ---- skipping ---- */

static void expect_skips(struct spb_bytes *archive)
{
    for (size_t before = 0; before < RECORDS; before += 7) {
        for (size_t skip = 0; skip < RECORDS + 2; skip++) {
            struct memory memory;
            spb_archive_reader *reader = open_archive(archive, &memory);
            const size_t target = before + skip < RECORDS ? before + skip : RECORDS;
            uint64_t skipped;
            for (size_t i = 0; i < before; i++)
                expect_next(reader, i);
            ck_assert_int_eq(spb_archive_skip(reader, skip, &skipped, NULL), SPB_OK);
            ck_assert_uint_eq(skipped, target - before);
            for (size_t i = target; i <= RECORDS; i++)
                expect_next(reader, i);
            spb_archive_reader_free(reader);
        }
    }
}

START_TEST(skipping_leads_to_the_same_record_by_right_tables_and_by_wrong_ones)
{
    struct spb_bytes archive = { 0 };

    write_archive(&archive, 0, 20);
    write_archive(&archive, 20, RECORDS);
    expect_skips(&archive);
    archive.data[archive.len - 20] ^= 4; /* a length in the last seek table */
    expect_skips(&archive);
    spb_bytes_release(&archive);
}
END_TEST

/* ---- damage ---- */

struct frames {
    size_t count;
    size_t first[FRAMES_MAX + 1];
    uint64_t end[FRAMES_MAX];
};

static void find_frames(struct spb_bytes *archive, struct frames *frames)
{
    struct spb_archive_frame frame;
    struct memory memory;
    spb_archive_reader *reader = open_archive(archive, &memory);

    *frames = (struct frames){ 0 };
    while (spb_archive_frame_at(reader, frames->count, &frame, NULL) == SPB_OK) {
        ck_assert_uint_lt(frames->count, FRAMES_MAX);
        frames->end[frames->count] = frame.offset + frame.len;
        frames->first[frames->count + 1] = frames->first[frames->count] + (size_t)frame.records;
        frames->count++;
    }
    spb_archive_reader_free(reader);
}

/* Reads on through all damage: which records come out. Nothing else may, and nothing twice. */
static void salvage(struct spb_bytes *archive, bool found[RECORDS])
{
    struct spb_archive_loss loss;
    struct memory memory;
    spb_archive_reader *reader = open_archive(archive, &memory);
    const uint8_t *message;
    enum spb_status status;
    size_t next = 0;
    size_t len;

    memset(found, 0, RECORDS * sizeof found[0]);
    while ((status = spb_archive_next(reader, &message, &len, NULL)) != SPB_END) {
        if (status == SPB_OK) {
            next = record_of(message, len, next);
            ck_assert_uint_lt(next, RECORDS);
            found[next++] = true;
            continue;
        }
        const enum spb_status salvaged = spb_archive_salvage(reader, &loss);
        ck_assert(salvaged == SPB_OK || salvaged == SPB_END);
        ck_assert_uint_le(loss.offset + loss.len, archive->len);
        ck_assert_int_ne(loss.error.status, SPB_OK);
        if (salvaged == SPB_END)
            break;
    }
    spb_archive_reader_free(reader);
}

static void expect_found(const bool found[RECORDS], size_t first, size_t end)
{
    for (size_t i = first; i < end; i++)
        ck_assert_msg(found[i], "record %zu is not saved", i);
}

START_TEST(every_cut_is_found_and_the_whole_frames_before_it_are_saved)
{
    struct spb_bytes archive = { 0 };
    struct frames frames;
    bool found[RECORDS];
    uint64_t count;

    write_archive(&archive, 0, RECORDS);
    find_frames(&archive, &frames);
    for (archive.len--; archive.len > 0; archive.len--) {
        size_t whole = 0;
        while (whole < frames.count && frames.end[whole] <= archive.len)
            whole++;
        ck_assert_int_ne(check_archive(&archive, &count), SPB_OK);
        ck_assert_uint_le(count, frames.first[whole]);
        salvage(&archive, found);
        expect_found(found, 0, frames.first[whole]);
    }
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(every_flipped_bit_is_found_and_the_other_frames_are_saved)
{
    struct spb_bytes archive = { 0 };
    struct frames frames;
    bool found[RECORDS];
    uint64_t count;

    write_archive(&archive, 0, RECORDS);
    find_frames(&archive, &frames);
    for (size_t bit = 0; bit < 8 * archive.len; bit++) {
        size_t hit = 0;
        while (hit < frames.count && frames.end[hit] <= bit / 8)
            hit++;
        archive.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        ck_assert_msg(check_archive(&archive, &count) != SPB_OK, "bit %zu is not missed", bit);
        salvage(&archive, found);
        expect_found(found, 0, frames.first[hit]);
        expect_found(found, frames.first[hit + (hit < frames.count)], frames.first[frames.count]);
        archive.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    ck_assert_int_eq(check_archive(&archive, &count), SPB_OK);
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(what_was_flushed_is_saved_whatever_happens_then)
{
    struct spb_bytes archive = { 0 };
    spb_archive_writer *writer = spb_archive_writer_new(NULL, append, &archive);
    bool found[RECORDS];

    for (size_t i = 0; i < RECORDS; i++) {
        ck_assert_int_eq(spb_archive_write(writer, records[i].data, records[i].len), SPB_OK);
        ck_assert_int_eq(spb_archive_flush(writer), SPB_OK);
        salvage(&archive, found);
        expect_found(found, 0, i + 1);
    }
    spb_archive_writer_free(writer);
    spb_bytes_release(&archive);
}
END_TEST

/* ---- others' archives ---- */

START_TEST(plain_zstd_streams_are_read_wherever_their_frames_are_cut)
{
    struct spb_bytes archive = { 0 };
    struct spb_bytes stream = { 0 };
    uint64_t count;

    put_stream(&stream, 0, RECORDS);
    for (size_t cut = 0; cut <= stream.len; cut += 13) {
        ZSTD_CCtx *zstd = ZSTD_createCCtx();
        archive.len = 0;
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, (int)(cut % 2));
        ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, (int)(cut / 2 % 2));
        for (size_t part = 0; part < 2; part++) {
            const size_t from = part == 0 ? 0 : cut;
            const size_t len = part == 0 ? cut : stream.len - cut;
            ck_assert_int_eq(spb_bytes_reserve(&archive, ZSTD_compressBound(len)), SPB_OK);
            archive.len += ZSTD_compress2(zstd, archive.data + archive.len, ZSTD_compressBound(len),
                                          stream.data + from, len);
        }
        ZSTD_freeCCtx(zstd);
        for (int seekable = 0; seekable < 2; seekable++) {
            struct memory memory = { .bytes = &archive, .seekable = seekable == 1 };
            expect_records(&memory);
        }
        ck_assert_int_eq(check_archive(&archive, &count), SPB_NEED_MORE); /* no seek table */
        ck_assert_uint_eq(count, RECORDS);
    }
    spb_bytes_release(&archive);
    spb_bytes_release(&stream);
}
END_TEST

/* ---- failures ---- */

static enum spb_status fail_write(void *context, const void *data, size_t len)
{
    size_t *left = context;

    (void)data;
    (void)len;
    return (*left)-- == 0 ? SPB_IO : SPB_OK;
}

START_TEST(a_failed_write_is_final)
{
    for (size_t fine = 0; fine < 4; fine++) {
        size_t left = fine;
        const struct spb_archive_options options = { .size = sizeof options, .frame_size = 1 };
        spb_archive_writer *writer = spb_archive_writer_new(&options, fail_write, &left);
        for (size_t i = 0; i < fine; i++)
            ck_assert_int_eq(spb_archive_write(writer, "abc", 3), SPB_OK);
        ck_assert_int_eq(spb_archive_write(writer, "abc", 3), SPB_IO);
        ck_assert_int_eq(spb_archive_write(writer, "abc", 3), SPB_IO);
        ck_assert_int_eq(spb_archive_finish(writer), SPB_IO);
        spb_archive_writer_free(writer);
    }
}
END_TEST

static enum spb_status fail_read(void *context, uint64_t offset, void *data, size_t len,
                                 size_t *read_out)
{
    (void)offset;
    (void)data;
    *read_out = *(enum spb_status *)context == SPB_OK ? len + 1 : 0;
    return *(enum spb_status *)context;
}

START_TEST(a_failed_read_is_handed_over_and_a_wrong_one_is_misuse)
{
    static enum spb_status given[] = { SPB_IO, SPB_OK, SPB_END, SPB_NEED_MORE };

    for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
        const struct spb_archive_source source = { fail_read, &given[i], 1000 };
        spb_archive_reader *reader = spb_archive_reader_new(&source, 0);
        const uint8_t *message;
        size_t len;
        const enum spb_status expected = given[i] == SPB_IO ? SPB_IO : SPB_MISUSE;
        struct spb_archive_loss loss;
        ck_assert_int_eq(spb_archive_next(reader, &message, &len, NULL), expected);
        ck_assert_int_eq(spb_archive_salvage(reader, &loss), expected);
        spb_archive_reader_free(reader);
    }
}
END_TEST

START_TEST(options_out_of_range_give_no_writer)
{
    const size_t size = sizeof(struct spb_archive_options);
    const struct spb_archive_options bad[] = { { .size = 0 },
                                               { .size = size + 1 },
                                               { .size = size, .level = 23 },
                                               { .size = size, .level = -1 },
                                               { .size = size, .frame_size = (1u << 30) + 1 } };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_ptr_null(spb_archive_writer_new(&bad[i], append, NULL));
    spb_archive_writer_free(NULL);
    spb_archive_reader_free(NULL);
}
END_TEST

START_TEST(a_message_above_the_limit_is_refused_before_it_is_held)
{
    struct spb_bytes archive = { 0 };
    struct memory memory = { .bytes = &archive, .piece = SIZE_MAX, .seekable = true };
    const uint8_t *message;
    size_t len;

    write_archive(&archive, 0, RECORDS);
    const struct spb_archive_source source = { read_memory, &memory, archive.len };
    spb_archive_reader *reader = spb_archive_reader_new(&source, 2 * FRAME_SIZE);
    for (size_t i = 0; i < 7; i++)
        expect_next(reader, i);
    ck_assert_int_eq(spb_archive_next(reader, &message, &len, NULL), SPB_TOO_LARGE);
    spb_archive_reader_free(reader);
    spb_bytes_release(&archive);
}
END_TEST

START_TEST(salvage_is_misuse_where_nothing_failed_or_nothing_can_be_sought)
{
    struct spb_bytes archive = { 0 };
    struct memory memory = { .bytes = &archive, .piece = SIZE_MAX };
    struct spb_archive_loss loss;
    const uint8_t *message;
    size_t len;

    write_archive(&archive, 0, RECORDS);
    spb_archive_reader *reader = open_archive(&archive, &memory);
    ck_assert_int_eq(spb_archive_salvage(reader, &loss), SPB_MISUSE);
    spb_archive_reader_free(reader);

    archive.len = 3;
    memory.seekable = false;
    memory.expected = 0;
    reader = open_memory(&memory);
    ck_assert_int_eq(spb_archive_next(reader, &message, &len, NULL), SPB_NEED_MORE);
    ck_assert_int_eq(spb_archive_salvage(reader, &loss), SPB_MISUSE);
    spb_archive_reader_free(reader);
    spb_bytes_release(&archive);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("archive");
    TCase *cases = tcase_create("archive");

    tcase_add_checked_fixture(cases, make_records, release_records);
    tcase_set_timeout(cases, 240);
    tcase_add_test(cases, what_is_written_comes_back_from_files_and_pipes_in_pieces_of_any_size);
    tcase_add_test(cases, archives_behind_each_other_are_one_archive);
    tcase_add_test(cases, the_frames_hold_whole_records_and_together_the_plain_stream);
    tcase_add_test(cases, the_seek_table_is_that_of_the_zstd_seekable_format);
    tcase_add_test(cases, skipping_leads_to_the_same_record_by_right_tables_and_by_wrong_ones);
    tcase_add_test(cases, every_cut_is_found_and_the_whole_frames_before_it_are_saved);
    tcase_add_test(cases, every_flipped_bit_is_found_and_the_other_frames_are_saved);
    tcase_add_test(cases, what_was_flushed_is_saved_whatever_happens_then);
    tcase_add_test(cases, plain_zstd_streams_are_read_wherever_their_frames_are_cut);
    tcase_add_test(cases, a_failed_write_is_final);
    tcase_add_test(cases, a_failed_read_is_handed_over_and_a_wrong_one_is_misuse);
    tcase_add_test(cases, options_out_of_range_give_no_writer);
    tcase_add_test(cases, a_message_above_the_limit_is_refused_before_it_is_held);
    tcase_add_test(cases, salvage_is_misuse_where_nothing_failed_or_nothing_can_be_sought);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
