/*
 * Where the frames of an archive are. The tables at the end of each segment tell, from the last
 * segment back to the first, if every byte of the archive is accounted for. Otherwise the frames'
 * own headers do, from the first frame on.
 */
#include "stream/archive_reader.h"

#include <stdlib.h>

#include "base/error.h"

enum {
    LOOK_BACK = 128 << 10, /* bytes read at once on the way back: segments may be small */
    ITEMS_MIN = 16
};

#define UNKNOWN UINT64_MAX

static enum spb_status push(struct spb_archive_index *index, struct spb_archive_frame frame)
{
    if (index->count == index->capacity) {
        const size_t capacity = index->capacity == 0 ? ITEMS_MIN : 2 * index->capacity;
        struct spb_archive_frame *const items = realloc(index->items, capacity * sizeof *items);
        if (items == NULL)
            return SPB_NO_MEMORY;
        index->items = items;
        index->capacity = capacity;
    }
    index->items[index->count++] = frame;
    return SPB_OK;
}

/* See stream/archive_reader.h. */
void spb_archive_index_release(struct spb_archive_index *index)
{
    free(index->items);
    *index = (struct spb_archive_index){ 0 };
}

/* The first frame at `offset` or behind it: its number, or the count. */
static size_t find(const struct spb_archive_index *index, uint64_t offset)
{
    size_t first = 0;
    size_t end = index->count;

    while (first < end) {
        const size_t middle = first + (end - first) / 2;
        if (index->items[middle].offset < offset)
            first = middle + 1;
        else
            end = middle;
    }
    return first;
}

/* ------------------------------------------------------------------ by the tables */

/* The `len` bytes before `end`, or NULL. They are there: len <= end <= the archive's length. */
static const uint8_t *get_before(spb_archive_reader *reader, uint64_t end, uint64_t len)
{
    struct spb_archive_input *const input = &reader->input;
    const uint64_t back = len > LOOK_BACK ? len : LOOK_BACK;
    const uint64_t wide = back < end ? back : end;
    const uint64_t held_end = input->offset + input->bytes.len;
    const bool held = end - len >= input->offset && end <= held_end;
    const uint64_t want = held ? len : wide;
    const uint8_t *data;
    size_t have;

    if (want > SIZE_MAX || spb_archive_input_get(input, end - want, (size_t)want, &data, &have,
                                                 &reader->index.failure) != SPB_OK)
        return NULL;
    return have < want ? NULL : data + (want - len);
}

/* Adds the frames of a segment, last one first. *at: where its last frame ends; then its start. */
static bool push_entries(struct spb_archive_index *index, const struct spb_tables *tables,
                         uint64_t *at)
{
    for (uint32_t i = tables->count; i > 0; i--) {
        const struct spb_archive_entry entry = spb_tables_entry(tables, i - 1);
        struct spb_archive_frame frame = { .len = entry.len,
                                           .content_len = entry.content_len,
                                           .records = entry.records };
        if (tables->records == NULL)
            frame.records = UNKNOWN;
        else if (entry.records > entry.content_len)
            return false;
        if (entry.len < SPB_ZSTD_FRAME_MIN || entry.len > *at)
            return false;
        *at -= entry.len;
        frame.offset = *at;
        if (push(index, frame) != SPB_OK) {
            (void)spb_error_set(&index->failure, SPB_NO_MEMORY, (size_t)*at, "out of memory");
            return false;
        }
    }
    return true;
}

/* Adds the frames of the segment that ends at *end, and goes to its start. */
static bool add_segment(spb_archive_reader *reader, uint64_t *end)
{
    struct spb_tables tables;

    if (*end < SPB_SEEK_TABLE_MIN)
        return false;
    const uint8_t *data = get_before(reader, *end, SPB_SEEK_FOOTER);
    if (data == NULL || !spb_tables_read_footer(data, &tables))
        return false;
    if (tables.seek_len > *end || tables.count > (*end - tables.seek_len) / SPB_ZSTD_FRAME_MIN)
        return false;
    uint64_t len = (uint64_t)tables.seek_len + tables.record_len;
    if (len > *end)
        len = tables.seek_len;
    data = get_before(reader, *end, len);
    if (data == NULL || !spb_tables_read(data, (size_t)len, &tables))
        return false;
    *end -= tables.seek_len + tables.record_len;
    if (!push_entries(&reader->index, &tables, end))
        return false;
    if (tables.count == 0)
        return true;
    data = get_before(reader, *end + sizeof(uint32_t), sizeof(uint32_t));
    return data != NULL && spb_get_le32(data) == SPB_ZSTD_MAGIC;
}

static void reverse(struct spb_archive_index *index)
{
    struct spb_archive_frame *const items = index->items;

    for (size_t i = 0; i < index->count / 2; i++) {
        const struct spb_archive_frame frame = items[i];
        items[i] = items[index->count - 1 - i];
        items[index->count - 1 - i] = frame;
    }
}

/* See stream/archive_reader.h. */
bool spb_reader_seek_tables(spb_archive_reader *reader)
{
    struct spb_archive_index *const index = &reader->index;
    uint64_t end = reader->input.end;
    bool fits = reader->input.seekable && end > 0;

    if (index->sought)
        return index->from_tables;
    index->failure.status = SPB_OK;
    while (fits && end > 0)
        fits = add_segment(reader, &end);
    if (!fits)
        index->count = 0;
    reverse(index);
    index->sought = index->failure.status == SPB_OK;
    index->from_tables = fits;
    return fits;
}

/* The tables have told something that is not so. */
static void drop_tables(spb_archive_reader *reader)
{
    reader->index.from_tables = false;
    reader->index.count = 0;
}

/* See stream/archive_reader.h. */
uint64_t spb_reader_records_between(spb_archive_reader *reader, uint64_t from, uint64_t to)
{
    const struct spb_archive_index *const index = &reader->index;
    uint64_t records = 0;

    if (!spb_reader_seek_tables(reader))
        return UNKNOWN;
    for (size_t i = find(index, from); i < index->count && index->items[i].offset < to; i++) {
        if (index->items[i].records == UNKNOWN)
            return UNKNOWN;
        records += index->items[i].records;
    }
    return records;
}

/* ------------------------------------------------------------------ by the frames' headers */

/* Passes one frame, and notes it if it is not skippable. SPB_END at the archive's end. */
static enum spb_status walk(spb_archive_reader *reader, struct spb_error *error)
{
    struct spb_archive_index *const index = &reader->index;
    const uint64_t offset = index->walked;
    struct spb_zstd_header header;
    struct spb_archive_frame frame = { .offset = offset, .records = UNKNOWN };
    uint64_t blocks;

    enum spb_status status = spb_reader_header(reader, offset, &header, error);
    if (status != SPB_OK)
        return status;
    frame.len = header.len + header.content_len;
    frame.content_len = header.content_len;
    if (!header.skippable)
        status = spb_reader_measure(reader, offset, &header, UINT64_MAX, false, &frame.len, &blocks,
                                    error);
    if (status != SPB_OK)
        return status;
    if (frame.len > reader->input.end - offset)
        return spb_reader_torn(offset, error);
    if (!header.skippable && push(index, frame) != SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, (size_t)offset, "out of memory");
    index->walked = offset + frame.len;
    return SPB_OK;
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_frame_at(spb_archive_reader *reader, uint64_t index,
                                     struct spb_archive_frame *frame_out, struct spb_error *error)
{
    enum spb_status status = SPB_OK;

    if (!reader->input.seekable)
        return spb_error_set(error, SPB_MISUSE, 0, "a source of unknown length cannot be searched");
    if (!spb_reader_seek_tables(reader)) {
        status = reader->index.failure.status;
        if (status != SPB_OK && error != NULL)
            *error = reader->index.failure;
        while (status == SPB_OK && reader->index.count <= index)
            status = walk(reader, error);
    }
    if (status != SPB_OK)
        return status;
    if (index >= reader->index.count)
        return SPB_END;
    *frame_out = reader->index.items[index];
    return SPB_OK;
}

/* ------------------------------------------------------------------ skipping */

/* Goes to a frame and opens it. False when it is not what the tables say. */
static bool land(spb_archive_reader *reader, const struct spb_archive_frame *frame)
{
    const struct spb_zstd_header *const header = &reader->header;
    struct spb_error ignored;

    spb_reader_go(reader, frame->offset);
    if (spb_reader_open(reader, &ignored) != SPB_OK || header->skippable)
        return false;
    if (!reader->in_pieces && reader->frame.len != frame->len)
        return false;
    return header->content_len == frame->content_len || header->content_len == SPB_ZSTD_LEN_UNKNOWN;
}

/*
 * Between two frames: goes over as many as have *left records at most. Where the tables turn out to
 * be wrong they are dropped, and nothing has moved. Returns whether something has.
 */
static bool jump(spb_archive_reader *reader, uint64_t *left)
{
    const struct spb_archive_index *const index = &reader->index;
    const uint64_t origin = reader->at;
    const uint64_t sound = reader->sound;
    uint64_t rest = *left;

    if (!spb_reader_seek_tables(reader))
        return false;
    const size_t first = find(index, origin);
    size_t i = first;
    while (i < index->count && index->items[i].records != UNKNOWN &&
           index->items[i].records <= rest)
        rest -= index->items[i++].records;
    if (i == first)
        return false;
    if (i == index->count) {
        spb_reader_go(reader, reader->input.end);
    } else if (!land(reader, &index->items[i])) {
        drop_tables(reader);
        spb_reader_go(reader, origin);
        reader->sound = sound;
        return false;
    }
    *left = rest;
    return true;
}

/* See sessionpb/archive.h. */
enum spb_status spb_archive_skip(spb_archive_reader *reader, uint64_t count, uint64_t *skipped_out,
                                 struct spb_error *error)
{
    struct spb_frame record;
    enum spb_status status = reader->failure.status;
    uint64_t left = count;

    while (status == SPB_OK && left > 0) {
        if (!reader->in_pieces && !spb_reader_has_rest(reader) && jump(reader, &left))
            continue;
        if (reader->index.failure.status != SPB_OK)
            reader->failure = reader->index.failure;
        status = reader->failure.status;
        if (status == SPB_OK)
            status = spb_reader_next(reader, &record, &reader->failure);
        left -= status == SPB_OK;
    }
    *skipped_out = count - left;
    return spb_reader_report(reader, status == SPB_END ? SPB_OK : status, error);
}
