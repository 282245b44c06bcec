/*
 * Writes archives. Records gather in one buffer until a frame is due; then one call compresses them
 * into another, and one call writes it. Both buffers are used again.
 */
#include <sessionpb/archive.h>

#include <stdlib.h>

#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "stream/seek_table.h"
#include "wire/writer.h"

enum {
    LEVEL_DEFAULT = 3,
    LEVEL_MAX = 22,
    FRAME_SIZE_DEFAULT = 1 << 20,
    FRAME_SIZE_MAX = 1 << 30,
    MESSAGE_MAX = INT32_MAX,     /* protobuf's own; the seek table holds lengths below 4 GiB */
    SEGMENT_FRAMES_MAX = 1 << 18 /* bounds what is kept for the tables; 256 GiB by default */
};

struct spb_archive_writer {
    spb_archive_write_fn *write;
    void *context;
    size_t frame_size;
    ZSTD_CCtx *zstd;
    struct spb_bytes records;    /* of the frame at hand, delimited */
    uint32_t record_count;       /* of them */
    struct spb_bytes compressed; /* what is written next */
    struct spb_archive_entries entries;
    bool closed; /* the last segment has its tables, and there is one */
    bool finished;
    enum spb_status failure; /* final, unless SPB_OK */
};

/* ------------------------------------------------------------------ life */

/* False when the options are not of this version, or out of range, or memory is short. */
static bool set_options(spb_archive_writer *writer, const struct spb_archive_options *options)
{
    const struct spb_archive_options given =
        options == NULL ? (struct spb_archive_options){ 0 } : *options;
    const int level = given.level == 0 ? LEVEL_DEFAULT : given.level;

    if (options != NULL && options->size != sizeof *options)
        return false;
    if (level < 1 || level > LEVEL_MAX || given.frame_size > FRAME_SIZE_MAX)
        return false;
    writer->frame_size = given.frame_size == 0 ? FRAME_SIZE_DEFAULT : given.frame_size;
    return !ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, level)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1));
}

/* See sessionpb/archive.h. */
spb_archive_writer *spb_archive_writer_new(const struct spb_archive_options *options,
                                           spb_archive_write_fn *write, void *context)
{
    spb_archive_writer *const writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return NULL;
    writer->write = write;
    writer->context = context;
    writer->zstd = ZSTD_createCCtx();
    if (writer->zstd == NULL || !set_options(writer, options)) {
        spb_archive_writer_free(writer);
        return NULL;
    }
    return writer;
}

/* See sessionpb/archive.h. */
void spb_archive_writer_free(spb_archive_writer *writer)
{
    if (writer == NULL)
        return;
    ZSTD_freeCCtx(writer->zstd);
    spb_bytes_release(&writer->records);
    spb_bytes_release(&writer->compressed);
    spb_archive_entries_release(&writer->entries);
    free(writer);
}

/* ------------------------------------------------------------------ frames */

static enum spb_status write_compressed(spb_archive_writer *writer)
{
    const struct spb_bytes *const bytes = &writer->compressed;

    return writer->write(writer->context, bytes->data, bytes->len);
}

static enum spb_status compress(spb_archive_writer *writer)
{
    const struct spb_bytes *const records = &writer->records;
    struct spb_bytes *const compressed = &writer->compressed;

    compressed->len = 0;
    if (spb_bytes_reserve(compressed, ZSTD_compressBound(records->len)) != SPB_OK)
        return SPB_NO_MEMORY;
    const size_t len = ZSTD_compress2(writer->zstd, compressed->data, compressed->capacity,
                                      records->data, records->len);
    if (ZSTD_getErrorCode(len) == ZSTD_error_memory_allocation)
        return SPB_NO_MEMORY;
    if (ZSTD_isError(len))
        return SPB_INTERNAL;
    compressed->len = len;
    return SPB_OK;
}

/* The entry of what compress() has made. */
static struct spb_archive_entry make_entry(const spb_archive_writer *writer)
{
    const struct spb_bytes *const frame = &writer->compressed;

    return (struct spb_archive_entry){
        .len = (uint32_t)frame->len,
        .content_len = (uint32_t)writer->records.len,
        .checksum = spb_get_le32(frame->data + frame->len - SPB_ZSTD_CHECKSUM),
        .records = writer->record_count,
        .hash = (uint32_t)XXH64(frame->data, frame->len, 0),
    };
}

static enum spb_status close_segment(spb_archive_writer *writer)
{
    writer->compressed.len = 0;
    enum spb_status status = spb_tables_put(SPB_TABLES_OWN, &writer->entries, &writer->compressed);
    if (status == SPB_OK)
        status = write_compressed(writer);
    writer->entries.count = 0;
    writer->closed = true;
    return status;
}

static enum spb_status end_frame(spb_archive_writer *writer)
{
    if (writer->record_count == 0)
        return SPB_OK;
    enum spb_status status = compress(writer);
    if (status == SPB_OK)
        status = spb_archive_entries_push(&writer->entries, make_entry(writer));
    if (status == SPB_OK)
        status = write_compressed(writer);
    writer->records.len = 0;
    writer->record_count = 0;
    writer->closed = false;
    if (status == SPB_OK && writer->entries.count == SEGMENT_FRAMES_MAX)
        status = close_segment(writer);
    return status;
}

/* ------------------------------------------------------------------ records */

/* Adds a record, which fits, to the frame at hand. */
static enum spb_status add_record(spb_archive_writer *writer, const uint8_t *header,
                                  size_t header_len, const void *message, size_t len)
{
    struct spb_bytes *const records = &writer->records;

    if (header_len + len > writer->frame_size) {
        const enum spb_status status = end_frame(writer); /* it gets a frame of its own */
        if (status != SPB_OK)
            return status;
    }
    if (spb_bytes_reserve(records, header_len + len) != SPB_OK)
        return SPB_NO_MEMORY;
    spb_bytes_append(records, header, header_len);
    spb_bytes_append(records, message, len);
    writer->record_count++;
    return records->len >= writer->frame_size ? end_frame(writer) : SPB_OK;
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_write(spb_archive_writer *writer, const void *message, size_t len)
{
    uint8_t header[SPB_VARINT_MAX];
    const size_t header_len = (size_t)(spb_wire_put_varint(header, len) - header);

    if (writer->finished)
        return SPB_MISUSE;
    if (writer->failure != SPB_OK)
        return writer->failure;
    if (len > MESSAGE_MAX)
        return SPB_TOO_LARGE;
    writer->failure = add_record(writer, header, header_len, message, len);
    return writer->failure;
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_flush(spb_archive_writer *writer)
{
    if (writer->failure == SPB_OK)
        writer->failure = end_frame(writer);
    return writer->failure;
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_finish(spb_archive_writer *writer)
{
    enum spb_status status = spb_archive_flush(writer);

    if (status == SPB_OK && !writer->closed)
        status = close_segment(writer);
    writer->failure = status;
    writer->finished = true;
    return status;
}
