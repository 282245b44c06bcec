/*
 * Reads archives frame by frame. A frame whose content is of a known and moderate size is gathered,
 * decompressed by one call into a buffer that is used again, and known to be whole before its first
 * record is handed out. Any other is decompressed piece by piece. The end of a record that a foreign
 * frame cuts apart is waited for at the start of the buffer.
 *
 * No number is believed: a frame's length is found by its blocks, and its content's size only after
 * as many blocks have arrived as it takes.
 */
#include "stream/archive_reader.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/bytes.h"
#include "base/error.h"

enum {
    WHOLE_MAX = 64 << 20, /* bytes of a frame and of its content that are decompressed by one call;
                             document_max of struct spb_limits */
    PIECE = SPB_ZSTD_BLOCK_MAX
};

/* ------------------------------------------------------------------ life */

/* See sessionpb/archive.h. */
spb_archive_reader *spb_archive_reader_new(const struct spb_archive_source *source,
                                           size_t message_max)
{
    spb_archive_reader *const reader = calloc(1, sizeof *reader);

    if (reader == NULL)
        return NULL;
    reader->input = spb_archive_input_begin(source);
    reader->message_max = message_max;
    reader->zstd = ZSTD_createDCtx();
    if (reader->zstd == NULL || !spb_bytes_pad(&reader->content)) {
        spb_archive_reader_free(reader);
        return NULL;
    }
    return reader;
}

/* See sessionpb/archive.h. */
void spb_archive_reader_free(spb_archive_reader *reader)
{
    if (reader == NULL)
        return;
    ZSTD_freeDCtx(reader->zstd);
    spb_archive_input_release(&reader->input);
    spb_bytes_release(&reader->content);
    spb_archive_index_release(&reader->index);
    free(reader);
}

/* See stream/archive_reader.h. */
void spb_reader_go(spb_archive_reader *reader, uint64_t offset)
{
    reader->at = offset;
    reader->sound = offset;
    reader->frame = (struct spb_archive_frame){ .offset = offset };
    reader->in_pieces = false;
    reader->content.len = 0;
    reader->content_at = 0;
    reader->failure.status = SPB_OK;
}

/* ------------------------------------------------------------------ failures */

/* See stream/archive_reader.h. */
enum spb_status spb_reader_torn(uint64_t offset, struct spb_error *error)
{
    return spb_error_set(error, SPB_NEED_MORE, (size_t)offset,
                         "the archive is torn: it ends inside of a frame");
}

static enum spb_status damaged(uint64_t offset, const char *why, struct spb_error *error)
{
    return spb_error_set(error, SPB_BAD_ARCHIVE, (size_t)offset, "the frame is damaged: %s", why);
}

static enum spb_status no_memory(uint64_t offset, struct spb_error *error)
{
    return spb_error_set(error, SPB_NO_MEMORY, (size_t)offset, "out of memory");
}

/* What zstd has against the frame at hand. */
static enum spb_status zstd_failed(const spb_archive_reader *reader, size_t result,
                                   struct spb_error *error)
{
    const uint64_t offset = reader->frame.offset;

    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return no_memory(offset, error);
    case ZSTD_error_frameParameter_windowTooLarge:
        return spb_error_set(error, SPB_TOO_LARGE, (size_t)offset,
                             "the frame asks for a window above zstd's limit of 128 MiB");
    default:
        return damaged(offset, ZSTD_getErrorName(result), error);
    }
}

/* ------------------------------------------------------------------ extents of frames */

/* See stream/archive_reader.h. */
enum spb_status spb_reader_header(spb_archive_reader *reader, uint64_t offset,
                                  struct spb_zstd_header *header_out, struct spb_error *error)
{
    const uint8_t *data;
    size_t have;
    size_t need = SPB_ZSTD_HEADER_MIN;

    for (;;) {
        const size_t asked = need;
        enum spb_status status =
            spb_archive_input_get(&reader->input, offset, asked, &data, &have, error);
        if (status != SPB_OK)
            return status;
        if (have == 0)
            return SPB_END;
        status = spb_zstd_read_header(data, have, header_out, &need);
        if (status == SPB_OK)
            return SPB_OK;
        if (status == SPB_NEED_MORE && have < asked)
            return spb_reader_torn(offset, error);
        if (status != SPB_NEED_MORE)
            return spb_error_set(error, status, (size_t)offset,
                                 offset == 0 ? "this is no zstd archive"
                                             : "no zstd frame begins here");
    }
}

/* See stream/archive_reader.h. */
enum spb_status spb_reader_measure(spb_archive_reader *reader, uint64_t offset,
                                   const struct spb_zstd_header *header, uint64_t len_max,
                                   bool hold, uint64_t *len_out, uint64_t *blocks_out,
                                   struct spb_error *error)
{
    struct spb_zstd_block block = { 0 };
    uint64_t len = header->len;
    const uint8_t *data;
    size_t have;

    for (*blocks_out = 0; !block.last && len <= len_max; ++*blocks_out) {
        const size_t before = hold ? (size_t)len : 0;
        const size_t need = before + SPB_ZSTD_BLOCK_HEADER;
        const enum spb_status status =
            spb_archive_input_get(&reader->input, offset + len - before, need, &data, &have, error);
        if (status != SPB_OK)
            return status;
        if (have < need)
            return spb_reader_torn(offset, error);
        if (!spb_zstd_read_block(data + before, &block))
            return damaged(offset, "no block begins where one should", error);
        len += SPB_ZSTD_BLOCK_HEADER + block.len;
    }
    if (block.last && header->checksum)
        len += SPB_ZSTD_CHECKSUM;
    *len_out = len;
    return SPB_OK;
}

/* ------------------------------------------------------------------ content */

/* Makes room behind the content for `len` bytes and the padding, and drops what is taken. */
static bool make_room(spb_archive_reader *reader, size_t len)
{
    struct spb_bytes *const content = &reader->content;
    const size_t taken = reader->content_at;

    if (taken > 0)
        memmove(content->data, content->data + taken, content->len - taken);
    content->len -= taken;
    reader->content_at = 0;
    return spb_bytes_reserve(content, len + SPB_PADDING) == SPB_OK;
}

static void add_content(spb_archive_reader *reader, size_t len)
{
    struct spb_bytes *const content = &reader->content;

    if (reader->content_hash != NULL)
        XXH64_update(reader->content_hash, content->data + content->len, len);
    content->len += len;
    memset(content->data + content->len, 0, SPB_PADDING);
    reader->frame.content_len += len;
}

static void add_compressed(spb_archive_reader *reader, const uint8_t *data, size_t len)
{
    if (reader->hash != NULL)
        XXH64_update(reader->hash, data, len);
    reader->frame.len += len;
    reader->at += len;
}

/* The frame at hand has ended, and is whole. */
static void end_frame(spb_archive_reader *reader)
{
    reader->in_pieces = false;
    reader->sound = reader->at;
}

/* ------------------------------------------------------------------ whole frames */

static enum spb_status decompress_whole(spb_archive_reader *reader, size_t len,
                                        struct spb_error *error)
{
    struct spb_bytes *const content = &reader->content;
    const uint64_t offset = reader->frame.offset;
    const size_t content_len = (size_t)reader->header.content_len;
    const uint8_t *data;
    size_t have;

    const enum spb_status status =
        spb_archive_input_get(&reader->input, offset, len, &data, &have, error);
    if (status != SPB_OK)
        return status;
    if (have < len)
        return spb_reader_torn(offset, error);
    if (!make_room(reader, content_len))
        return no_memory(offset, error);
    const size_t result = ZSTD_decompressDCtx(reader->zstd, content->data + content->len,
                                              content->capacity - content->len, data, len);
    if (ZSTD_isError(result))
        return zstd_failed(reader, result, error);
    reader->checksum = spb_get_le32(data + len - SPB_ZSTD_CHECKSUM);
    add_compressed(reader, data, len);
    add_content(reader, result); /* as much as the frame declares: zstd compares */
    end_frame(reader);
    return SPB_OK;
}

/* ------------------------------------------------------------------ frames in pieces */

static enum spb_status begin_pieces(spb_archive_reader *reader, struct spb_error *error)
{
    const size_t result = ZSTD_DCtx_reset(reader->zstd, ZSTD_reset_session_only);

    if (ZSTD_isError(result))
        return zstd_failed(reader, result, error);
    reader->in_pieces = true;
    reader->pending = false;
    reader->checksum = 0;
    return SPB_OK;
}

/* The last bytes that go by are the checksum. */
static void note_checksum(spb_archive_reader *reader, const uint8_t *data, size_t len)
{
    for (size_t i = len < SPB_ZSTD_CHECKSUM ? 0 : len - SPB_ZSTD_CHECKSUM; i < len; i++)
        reader->checksum = reader->checksum >> 8 | (uint32_t)data[i] << 24;
}

/* Decompresses a piece of the frame at hand. There may be nothing in it. */
static enum spb_status decompress_piece(spb_archive_reader *reader, struct spb_error *error)
{
    struct spb_bytes *const content = &reader->content;
    const uint64_t offset = reader->frame.offset;
    const size_t need =
        reader->pending ? 0 : 1; /* what is there comes before what must be awaited */
    const uint8_t *data;
    size_t have;

    if (!make_room(reader, PIECE))
        return no_memory(offset, error);
    const enum spb_status status =
        spb_archive_input_get(&reader->input, reader->at, need, &data, &have, error);
    if (status != SPB_OK)
        return status;
    ZSTD_inBuffer in = { .src = data, .size = have };
    ZSTD_outBuffer out = { .dst = content->data + content->len, .size = PIECE };
    const size_t result = ZSTD_decompressStream(reader->zstd, &out, &in);
    if (ZSTD_isError(result))
        return zstd_failed(reader, result, error);
    if (have < need && out.pos == 0 && result != 0)
        return spb_reader_torn(offset, error);
    reader->pending = out.pos == out.size;
    note_checksum(reader, data, in.pos);
    add_compressed(reader, data, in.pos);
    add_content(reader, out.pos);
    if (result == 0)
        end_frame(reader);
    return SPB_OK;
}

/* ------------------------------------------------------------------ frames */

static void begin_frame(spb_archive_reader *reader, uint64_t offset)
{
    reader->frame = (struct spb_archive_frame){ .offset = offset };
    if (reader->hash != NULL)
        XXH64_reset(reader->hash, 0);
    if (reader->content_hash != NULL)
        XXH64_reset(reader->content_hash, 0);
}

/* See stream/archive_reader.h. */
enum spb_status spb_reader_open(spb_archive_reader *reader, struct spb_error *error)
{
    const struct spb_zstd_header *const header = &reader->header;
    const uint64_t offset = reader->at;
    uint64_t len = 0;
    uint64_t blocks = 0;

    begin_frame(reader, offset);
    enum spb_status status = spb_reader_header(reader, offset, &reader->header, error);
    if (status != SPB_OK || header->skippable)
        return status;
    if (header->content_len > WHOLE_MAX)
        return begin_pieces(reader, error);
    status = spb_reader_measure(reader, offset, header, WHOLE_MAX, true, &len, &blocks, error);
    if (status != SPB_OK)
        return status;
    if (len > WHOLE_MAX)
        return begin_pieces(reader, error);
    if (header->content_len > blocks * SPB_ZSTD_BLOCK_MAX)
        return damaged(offset, "its content is not of the size that it declares", error);
    return decompress_whole(reader, (size_t)len, error);
}

/* See stream/archive_reader.h. */
enum spb_status spb_reader_pass(spb_archive_reader *reader, struct spb_error *error)
{
    const uint64_t end = reader->at + reader->header.len + reader->header.content_len;
    const uint8_t *data;
    size_t have;

    const enum spb_status status =
        spb_archive_input_get(&reader->input, end - 1, 1, &data, &have, error);
    if (status != SPB_OK)
        return status;
    if (have == 0)
        return spb_reader_torn(reader->at, error);
    reader->at = end;
    return SPB_OK;
}

/* Opens the next frame that is not skippable. */
static enum spb_status open_next(spb_archive_reader *reader, struct spb_error *error)
{
    for (;;) {
        enum spb_status status = spb_reader_open(reader, error);
        if (status != SPB_OK || !reader->header.skippable)
            return status;
        status = spb_reader_pass(reader, error);
        if (status != SPB_OK)
            return status;
    }
}

/* ------------------------------------------------------------------ records */

/* Finds the record at the start of what is decompressed. SPB_NEED_MORE without an error. */
static enum spb_status find_record(const spb_archive_reader *reader, struct spb_frame *record_out,
                                   struct spb_error *error)
{
    const uint8_t *const data = reader->content.data + reader->content_at;
    const size_t len = reader->content.len - reader->content_at;
    const enum spb_status status = spb_frame_find(SPB_FRAMING_DELIMITED, data, len, false,
                                                  reader->message_max, record_out, NULL);

    if (status == SPB_OK || status == SPB_NEED_MORE)
        return status;
    spb_frame_find(SPB_FRAMING_DELIMITED, data, len, false, reader->message_max, record_out, error);
    if (error != NULL)
        error->offset = (size_t)reader->frame.offset;
    return status;
}

/* See stream/archive_reader.h. */
enum spb_status spb_reader_take(spb_archive_reader *reader, struct spb_frame *record_out,
                                struct spb_error *error)
{
    for (;;) {
        enum spb_status status = find_record(reader, record_out, error);
        if (status == SPB_OK) {
            reader->content_at += record_out->frame_len;
            reader->frame.records++;
            return SPB_OK;
        }
        if (status == SPB_NEED_MORE && !reader->in_pieces)
            return SPB_END;
        if (status == SPB_NEED_MORE)
            status = decompress_piece(reader, error);
        if (status != SPB_OK)
            return status;
    }
}

/* See stream/archive_reader.h. */
enum spb_status spb_reader_next(spb_archive_reader *reader, struct spb_frame *record_out,
                                struct spb_error *error)
{
    enum spb_status status = spb_reader_take(reader, record_out, error);

    while (status == SPB_END) {
        const struct spb_archive_frame last = reader->frame;
        status = open_next(reader, error);
        if (status == SPB_END && spb_reader_has_rest(reader)) {
            reader->frame = last; /* salvage gives up what it has begun */
            return spb_error_set(error, SPB_NEED_MORE, (size_t)reader->at,
                                 "the archive is torn: it ends inside of a record");
        }
        if (status != SPB_OK)
            return status;
        status = spb_reader_take(reader, record_out, error);
    }
    return status;
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_next(spb_archive_reader *reader, const uint8_t **message_out,
                                 size_t *len_out, struct spb_error *error)
{
    struct spb_frame record;
    enum spb_status status = reader->failure.status;

    if (status == SPB_OK)
        status = spb_reader_next(reader, &record, &reader->failure);
    if (status == SPB_OK) {
        *message_out = record.message;
        *len_out = record.message_len;
    }
    return spb_reader_report(reader, status, error);
}
