/*
 * Archives, written and read, under failing allocations.
 */
#include "memory.h"

#include <string.h>

#include "support.h"

enum { FRAME_SIZE = 1000, RECORDS = 12, SKIPPED = 5, DAMAGE = 60 };

/* ---- writing ---- */

static enum spb_status note_written(void *context, const void *data, size_t len)
{
    note(context, data, len);
    return SPB_OK;
}

static const struct spb_archive_options options = { .size = sizeof options,
                                                    .frame_size = FRAME_SIZE };

static void open_nothing(struct scene *scene)
{
    (void)scene;
}

static enum spb_status make_writer(struct scene *scene)
{
    scene->writer = spb_archive_writer_new(&options, note_written, scene);
    return scene->writer != NULL ? SPB_END : SPB_NO_MEMORY;
}

static void open_writer(struct scene *scene)
{
    ck_assert_int_eq(make_writer(scene), SPB_END);
}

static void close_writer(struct scene *scene)
{
    spb_archive_writer_free(scene->writer);
}

static enum spb_status write_records(struct scene *scene)
{
    const size_t len = canonical_pb.len * scene->at / RECORDS;

    if (scene->at < RECORDS) {
        const enum spb_status status = spb_archive_write(scene->writer, canonical_pb.data, len);
        scene->at += status == SPB_OK;
        return status;
    }
    if (scene->step++ == 0)
        return spb_archive_flush(scene->writer);
    return once(spb_archive_finish(scene->writer));
}

/* ---- reading ---- */

static struct spb_bytes whole, damaged;

static enum spb_status append(void *context, const void *data, size_t len)
{
    return spb_bytes_append(context, data, len);
}

static void write_archive(struct spb_bytes *archive)
{
    spb_archive_writer *const writer = spb_archive_writer_new(&options, append, archive);

    ck_assert_ptr_nonnull(writer);
    for (size_t i = 0; i < RECORDS; i++)
        ck_assert_int_eq(
            spb_archive_write(writer, canonical_pb.data, canonical_pb.len * i / RECORDS), SPB_OK);
    ck_assert_int_eq(spb_archive_finish(writer), SPB_OK);
    spb_archive_writer_free(writer);
}

static enum spb_status read_archive(void *context, uint64_t offset, void *data, size_t len,
                                    size_t *read_out)
{
    const struct spb_bytes *const archive = context;
    const size_t left = archive->len - (size_t)offset;

    *read_out = len < left ? len : left;
    memcpy(data, archive->data + offset, *read_out);
    return SPB_OK;
}

static enum spb_status make_reader(struct scene *scene)
{
    struct spb_bytes *const archive = scene->entry->input;
    const struct spb_archive_source source = {
        .read = read_archive,
        .context = archive,
        .len = scene->entry->piece != 0 ? UINT64_MAX : archive->len,
    };

    scene->reader = spb_archive_reader_new(&source, 0);
    return scene->reader != NULL ? SPB_END : SPB_NO_MEMORY;
}

static void make_archives(struct scene *scene)
{
    (void)scene;
    if (whole.len > 0)
        return;
    write_archive(&whole);
    write_archive(&whole);
    ck_assert_int_eq(spb_bytes_append(&damaged, whole.data, whole.len), SPB_OK);
    damaged.data[DAMAGE] ^= 1;
}

static void open_reader(struct scene *scene)
{
    make_archives(scene);
    ck_assert_int_eq(make_reader(scene), SPB_END);
}

static void close_reader(struct scene *scene)
{
    spb_archive_reader_free(scene->reader);
}

static enum spb_status read_records(struct scene *scene)
{
    const uint8_t *message;
    size_t len;
    const enum spb_status status = spb_archive_next(scene->reader, &message, &len, &scene->error);

    if (status == SPB_OK)
        note(scene, message, len);
    return status;
}

static enum spb_status skip_records(struct scene *scene)
{
    uint64_t skipped;

    if (scene->step++ % 2 == 1)
        return read_records(scene);
    const enum spb_status status =
        spb_archive_skip(scene->reader, SKIPPED, &skipped, &scene->error);
    if (status == SPB_OK)
        note(scene, &skipped, sizeof skipped);
    return status;
}

enum { READING, SALVAGING };

static enum spb_status salvage_records(struct scene *scene)
{
    struct spb_archive_loss loss = { .len = 0 };
    enum spb_status status;

    if (scene->step == READING) {
        status = read_records(scene);
        if (status != SPB_BAD_ARCHIVE)
            return status;
        scene->step = SALVAGING;
        return SPB_OK;
    }
    status = spb_archive_salvage(scene->reader, &loss);
    if (status == SPB_NO_MEMORY)
        scene->error = (struct spb_error){ .status = status, .reason = "none is given" };
    if (status != SPB_OK && status != SPB_END)
        return status;
    note(scene, &loss.offset, sizeof loss.offset);
    note(scene, &loss.len, sizeof loss.len);
    note(scene, &loss.records, sizeof loss.records);
    scene->step = READING;
    return status;
}

/* Twice, and then the first record is read: a check leaves the reader at the start. */
static enum spb_status check_archive(struct scene *scene)
{
    uint64_t records;

    if (scene->step == 2) {
        const enum spb_status read = read_records(scene);
        return once(read);
    }
    const enum spb_status status = spb_archive_check(scene->reader, &records, &scene->error);
    if (status != SPB_OK)
        return status;
    note(scene, &records, sizeof records);
    scene->step++;
    return SPB_OK;
}

static enum spb_status list_frames(struct scene *scene)
{
    struct spb_archive_frame frame;
    const enum spb_status status =
        spb_archive_frame_at(scene->reader, scene->at, &frame, &scene->error);

    if (status != SPB_OK)
        return status;
    note(scene, &frame, sizeof frame);
    scene->at++;
    return SPB_OK;
}

/* clang-format off */
const struct entry archives[] = {
    { "an archive's writer", open_nothing, make_writer, close_writer, .says_nothing = true },
    { "records written", open_writer, write_records, close_writer, .after = ENDS, .says_nothing = true },
    { "an archive's reader", make_archives, make_reader, close_reader, &whole, .says_nothing = true },
    { "records read", open_reader, read_records, close_reader, &whole, .after = ENDS },
    { "records skipped", open_reader, skip_records, close_reader, &whole, .after = ENDS },
    { "records salvaged", open_reader, salvage_records, close_reader, &damaged, .after = ENDS },
    { "an archive checked", open_reader, check_archive, close_reader, &whole },
    { "frames listed", open_reader, list_frames, close_reader, &whole },
};
/* clang-format on */
const size_t archive_count = COUNT_OF(archives);
