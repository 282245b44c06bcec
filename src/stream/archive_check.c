/*
 * Judges archives, and finds the way out of damage.
 *
 * To check a segment is to read it, to make its tables anew from what was read, and to compare: so
 * every bit of the tables is checked, and by the hashes in them every bit of the frames.
 */
#include "stream/archive_reader.h"

#include <string.h>

#include <xxhash.h>

#include "base/error.h"

enum { SCAN = 64 << 10 /* bytes searched at once */ };

/* ------------------------------------------------------------------ checking */

struct check {
    spb_archive_reader *reader;
    struct spb_error *error;
    uint64_t records;

    struct spb_archive_entries entries; /* of the segment at hand */
    struct spb_bytes tables;            /* made of them */
    bool split;                         /* a frame ends inside of a record */
    bool unchecked;                     /* a frame has no checksum of its own */
    bool closed;                        /* a segment has ended */
};

static enum spb_status bad(const struct check *check, const char *reason)
{
    return spb_error_set(check->error, SPB_BAD_ARCHIVE, (size_t)check->reader->frame.offset, "%s",
                         reason);
}

static enum spb_status check_frame(struct check *check)
{
    spb_archive_reader *const reader = check->reader;
    const struct spb_archive_frame *const frame = &reader->frame;
    struct spb_frame record;
    enum spb_status status;

    while ((status = spb_reader_take(reader, &record, check->error)) == SPB_OK)
        check->records++;
    if (status != SPB_END)
        return status;
    check->split = check->split || spb_reader_has_rest(reader);
    check->unchecked = check->unchecked || !reader->header.checksum;
    if (frame->len > UINT32_MAX || frame->content_len > UINT32_MAX)
        return bad(check, "the frame is longer than a seek table can say");
    const struct spb_archive_entry entry = {
        .len = (uint32_t)frame->len,
        .content_len = (uint32_t)frame->content_len,
        .checksum = reader->header.checksum ? reader->checksum
                                            : (uint32_t)XXH64_digest(reader->content_hash),
        .records = (uint32_t)frame->records,
        .hash = (uint32_t)XXH64_digest(reader->hash),
    };
    if (spb_archive_entries_push(&check->entries, entry) != SPB_OK)
        return spb_error_set(check->error, SPB_NO_MEMORY, (size_t)frame->offset, "out of memory");
    return SPB_OK;
}

/* Compares what stands at the reader's place with the tables, and moves on behind them. */
static enum spb_status compare_tables(struct check *check)
{
    spb_archive_reader *const reader = check->reader;
    const size_t len = check->tables.len;
    const uint8_t *data;
    size_t have;

    const enum spb_status status =
        spb_archive_input_get(&reader->input, reader->at, len, &data, &have, check->error);
    if (status != SPB_OK)
        return status;
    /* What spb_tables_put() has filled. NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker) */
    if (memcmp(data, check->tables.data, have < len ? have : len) != 0)
        return bad(check, "the tables are damaged, or not those of the frames before them");
    if (have < len)
        return spb_reader_torn(reader->at, check->error);
    reader->at += len;
    return SPB_OK;
}

/* Which of the others' tables stands at the reader's place. Without entries both are of one length, and
   the descriptor tells. */
static enum spb_status tell_seek_table(struct check *check, enum spb_tables_kind *kind_out)
{
    spb_archive_reader *const reader = check->reader;
    const uint64_t len = reader->header.len + reader->header.content_len;
    const size_t descriptor = SPB_SEEK_TABLE_MIN - sizeof(uint32_t) - 1;
    const uint8_t *data;
    size_t have;

    *kind_out = len == spb_seek_table_len(SPB_TABLES_SEEK_PLAIN, check->entries.count)
                    ? SPB_TABLES_SEEK_PLAIN
                    : SPB_TABLES_SEEK_CHECKSUMS;
    if (check->entries.count > 0)
        return SPB_OK;
    const enum spb_status status = spb_archive_input_get(&reader->input, reader->at, descriptor + 1,
                                                         &data, &have, check->error);
    if (status == SPB_OK && have > descriptor && data[descriptor] != 0)
        *kind_out = SPB_TABLES_SEEK_CHECKSUMS;
    return status;
}

static enum spb_status check_tables(struct check *check)
{
    const uint32_t magic = check->reader->header.magic;
    enum spb_tables_kind kind = SPB_TABLES_OWN;

    if (magic == SPB_SEEK_TABLE_MAGIC) {
        const enum spb_status status = tell_seek_table(check, &kind);
        if (status != SPB_OK)
            return status;
    } else if (magic != SPB_RECORD_TABLE_MAGIC) {
        return bad(check, "a skippable frame of an unknown kind");
    }
    if (kind == SPB_TABLES_OWN && check->split)
        return bad(check, "a frame before these tables ends inside of a record");
    if (kind == SPB_TABLES_SEEK_PLAIN && check->unchecked)
        return bad(check, "a frame before this table has no checksum");
    check->tables.len = 0;
    if (spb_tables_put(kind, &check->entries, &check->tables) != SPB_OK)
        return spb_error_set(check->error, SPB_NO_MEMORY, (size_t)check->reader->at,
                             "out of memory");
    check->entries.count = 0;
    check->split = false;
    check->unchecked = false;
    check->closed = true;
    return compare_tables(check);
}

static enum spb_status check_end(const struct check *check)
{
    const size_t end = (size_t)check->reader->at;

    if (spb_reader_has_rest(check->reader))
        return spb_error_set(check->error, SPB_NEED_MORE, end,
                             "the archive is torn: it ends inside of a record");
    if (check->entries.count > 0 || !check->closed)
        return spb_error_set(check->error, SPB_NEED_MORE, end,
                             "the archive is torn: it ends without a seek table");
    return SPB_END;
}

/* Checks a frame or the tables. SPB_END when that was all. */
static enum spb_status check_next(struct check *check)
{
    const enum spb_status status = spb_reader_open(check->reader, check->error);

    if (status == SPB_END)
        return check_end(check);
    if (status != SPB_OK)
        return status;
    return check->reader->header.skippable ? check_tables(check) : check_frame(check);
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_check(spb_archive_reader *reader, uint64_t *records_out,
                                  struct spb_error *error)
{
    struct check check = { .reader = reader, .error = &reader->failure };
    enum spb_status status = SPB_OK;

    *records_out = 0;
    if (!reader->input.seekable && reader->at > 0)
        return spb_error_set(error, SPB_MISUSE, 0, "the archive has been read from already");
    spb_reader_go(reader, 0);
    reader->hash = XXH64_createState();
    reader->content_hash = XXH64_createState();
    if (reader->hash == NULL || reader->content_hash == NULL)
        status = spb_error_set(&reader->failure, SPB_NO_MEMORY, 0, "out of memory");
    while (status == SPB_OK)
        status = check_next(&check);
    XXH64_freeState(reader->hash);
    XXH64_freeState(reader->content_hash);
    reader->hash = NULL;
    reader->content_hash = NULL;
    spb_archive_entries_release(&check.entries);
    spb_bytes_release(&check.tables);
    *records_out = check.records;
    status = spb_reader_report(reader, status == SPB_END ? SPB_OK : status, error);
    if (reader->input.seekable)
        spb_reader_go(reader, 0);
    return status;
}

/* ------------------------------------------------------------------ salvage */

/* What may be behind it, in contrast to a source that cannot be read. */
static bool is_damage(enum spb_status status)
{
    return status == SPB_NEED_MORE || status == SPB_BAD_ARCHIVE || status == SPB_BAD_WIRE ||
           status == SPB_TOO_LARGE;
}

/* Finds a frame's magic number at *at or behind it. SPB_END where there is none. */
static enum spb_status find_magic(spb_archive_reader *reader, uint64_t *at)
{
    uint8_t magic[sizeof(uint32_t)];
    const uint8_t *data;
    size_t have;

    spb_put_le32(magic, SPB_ZSTD_MAGIC);
    for (;;) {
        const enum spb_status status =
            spb_archive_input_get(&reader->input, *at, SCAN, &data, &have, &reader->failure);
        if (status != SPB_OK)
            return status;
        if (have < sizeof magic)
            return SPB_END;
        const uint8_t *const end = data + have - (sizeof magic - 1);
        const uint8_t *found = data;
        while (found < end && (found = memchr(found, magic[0], (size_t)(end - found))) != NULL &&
               memcmp(found, magic, sizeof magic) != 0)
            found++;
        if (found != NULL && found < end) {
            *at += (uint64_t)(found - data);
            return SPB_OK;
        }
        *at += (uint64_t)(end - data);
    }
}

/* Whether a whole frame of whole records begins at this offset. */
static enum spb_status try_frame(spb_archive_reader *reader, uint64_t offset)
{
    struct spb_frame record;

    spb_reader_go(reader, offset);
    enum spb_status status = spb_reader_open(reader, &reader->failure);
    while (status == SPB_OK)
        status = spb_reader_take(reader, &record, &reader->failure);
    if (status == SPB_END)
        return spb_reader_has_rest(reader) ? SPB_BAD_ARCHIVE : SPB_OK;
    return status;
}

/* Finds a whole frame at *at or behind it. SPB_END where there is none: then *at is the end. */
static enum spb_status find_whole(spb_archive_reader *reader, uint64_t *at)
{
    for (;;) {
        enum spb_status status = find_magic(reader, at);
        if (status == SPB_END)
            *at = reader->input.end;
        if (status != SPB_OK)
            return status;
        status = try_frame(reader, *at);
        if (!is_damage(status))
            return status;
        ++*at;
    }
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_salvage(spb_archive_reader *reader, struct spb_archive_loss *loss_out)
{
    const struct spb_error failure = reader->failure;
    const uint64_t taken = reader->frame.records;
    const uint64_t from =
        reader->frame.offset < reader->sound ? reader->frame.offset : reader->sound;
    uint64_t at = reader->sound;

    if (failure.status == SPB_OK || !reader->input.seekable)
        return SPB_MISUSE;
    if (!is_damage(failure.status))
        return failure.status;
    const enum spb_status status = find_whole(reader, &at);
    if (status != SPB_OK && status != SPB_END)
        return status;
    const uint64_t records = spb_reader_records_between(reader, from, at);
    if (reader->index.failure.status != SPB_OK) {
        reader->failure = reader->index.failure;
        return reader->failure.status;
    }
    *loss_out = (struct spb_archive_loss){
        .offset = from, .len = at - from, .records = records, .error = failure
    };
    if (loss_out->records != UINT64_MAX)
        loss_out->records -= taken < loss_out->records ? taken : loss_out->records;
    spb_reader_go(reader, at);
    return status;
}
