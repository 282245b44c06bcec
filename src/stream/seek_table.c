/*
 * The tables at the end of a segment. What is read is checked for its form here, and for its sense
 * by those who know the archive around it.
 */
#include "stream/seek_table.h"

#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

enum {
    ENTRY_PLAIN = 8,
    ENTRY_CHECKSUM = 12,
    DESCRIPTOR_PLAIN = 0,
    DESCRIPTOR_CHECKSUM = 0x80,
    RECORD_ENTRY = 8,
    TAG_LEN = 4,
    HASH_LEN = 4,
    ENTRIES_MIN = 16
};

static const uint8_t record_table_tag[TAG_LEN] = { 'S', 'P', 'B', 1 };

/* ------------------------------------------------------------------ entries */

enum spb_status spb_archive_entries_push(struct spb_archive_entries *entries,
                                         struct spb_archive_entry entry)
{
    if (entries->count == entries->capacity) {
        const size_t capacity = entries->capacity == 0 ? ENTRIES_MIN : 2 * entries->capacity;
        struct spb_archive_entry *const items = realloc(entries->items, capacity * sizeof *items);
        if (items == NULL)
            return SPB_NO_MEMORY;
        entries->items = items;
        entries->capacity = capacity;
    }
    entries->items[entries->count++] = entry;
    return SPB_OK;
}

void spb_archive_entries_release(struct spb_archive_entries *entries)
{
    free(entries->items);
    *entries = (struct spb_archive_entries){ 0 };
}

/* ------------------------------------------------------------------ writing */

static size_t record_table_len(size_t count)
{
    return SPB_SKIPPABLE_HEADER + TAG_LEN + RECORD_ENTRY * count + HASH_LEN;
}

size_t spb_seek_table_len(enum spb_tables_kind kind, size_t count)
{
    return SPB_SEEK_TABLE_MIN +
           (kind == SPB_TABLES_SEEK_PLAIN ? ENTRY_PLAIN : ENTRY_CHECKSUM) * count;
}

/* Of what the record table holds, up to its hash, and of the seek table. */
static uint32_t tables_hash(const uint8_t *record_table, size_t record_len,
                            const uint8_t *seek_table, size_t seek_len)
{
    const XXH64_hash_t seed =
        XXH64(record_table + SPB_SKIPPABLE_HEADER, record_len - SPB_SKIPPABLE_HEADER - HASH_LEN, 0);

    return (uint32_t)XXH64(seek_table, seek_len, seed);
}

static uint8_t *put_skippable_header(uint8_t *to, uint32_t magic, size_t len)
{
    to = spb_put_le32(to, magic);
    return spb_put_le32(to, (uint32_t)(len - SPB_SKIPPABLE_HEADER));
}

/* Leaves room for the hash. */
static uint8_t *put_record_table(uint8_t *to, const struct spb_archive_entries *entries)
{
    to = put_skippable_header(to, SPB_RECORD_TABLE_MAGIC, record_table_len(entries->count));
    memcpy(to, record_table_tag, TAG_LEN);
    to += TAG_LEN;
    for (size_t i = 0; i < entries->count; i++) {
        to = spb_put_le32(to, entries->items[i].records);
        to = spb_put_le32(to, entries->items[i].hash);
    }
    return to + HASH_LEN;
}

static uint8_t *put_seek_table(uint8_t *to, const struct spb_archive_entries *entries, size_t len,
                               bool checksums)
{
    to = put_skippable_header(to, SPB_SEEK_TABLE_MAGIC, len);
    for (size_t i = 0; i < entries->count; i++) {
        to = spb_put_le32(to, entries->items[i].len);
        to = spb_put_le32(to, entries->items[i].content_len);
        if (checksums)
            to = spb_put_le32(to, entries->items[i].checksum);
    }
    to = spb_put_le32(to, (uint32_t)entries->count);
    *to++ = checksums ? DESCRIPTOR_CHECKSUM : DESCRIPTOR_PLAIN;
    return spb_put_le32(to, SPB_SEEK_FOOTER_MAGIC);
}

enum spb_status spb_tables_put(enum spb_tables_kind kind, const struct spb_archive_entries *entries,
                               struct spb_bytes *out)
{
    const bool own = kind == SPB_TABLES_OWN;
    const bool checksums = kind != SPB_TABLES_SEEK_PLAIN;
    const size_t record_len = own ? record_table_len(entries->count) : 0;
    const size_t seek_len = spb_seek_table_len(kind, entries->count);

    if (spb_bytes_reserve(out, record_len + seek_len) != SPB_OK)
        return SPB_NO_MEMORY;
    uint8_t *const record_table = out->data + out->len;
    uint8_t *const seek_table = own ? put_record_table(record_table, entries) : record_table;
    put_seek_table(seek_table, entries, seek_len, checksums);
    if (own)
        spb_put_le32(seek_table - HASH_LEN,
                     tables_hash(record_table, record_len, seek_table, seek_len));
    out->len += record_len + seek_len;
    return SPB_OK;
}

/* ------------------------------------------------------------------ reading */

bool spb_tables_read_footer(const uint8_t *footer, struct spb_tables *tables_out)
{
    const uint32_t count = spb_get_le32(footer);
    const uint8_t descriptor = footer[4];

    if (spb_get_le32(footer + 5) != SPB_SEEK_FOOTER_MAGIC ||
        (descriptor != DESCRIPTOR_CHECKSUM && descriptor != DESCRIPTOR_PLAIN))
        return false;
    const size_t entry_len = descriptor == DESCRIPTOR_CHECKSUM ? ENTRY_CHECKSUM : ENTRY_PLAIN;
    if (count > (UINT32_MAX - SPB_SEEK_TABLE_MIN) / entry_len) /* what a skippable frame can hold */
        return false;
    *tables_out = (struct spb_tables){ .count = count,
                                       .seek_len = SPB_SEEK_TABLE_MIN + entry_len * count,
                                       .record_len = record_table_len(count),
                                       .entry_len = entry_len };
    return true;
}

static bool is_skippable(const uint8_t *frame, uint32_t magic, size_t len)
{
    return spb_get_le32(frame) == magic &&
           spb_get_le32(frame + 4) == (uint32_t)(len - SPB_SKIPPABLE_HEADER);
}

bool spb_tables_read(const uint8_t *data, size_t len, struct spb_tables *tables)
{
    const uint8_t *const seek_table = data + (len - tables->seek_len);
    const uint8_t *const record_table = data;
    const size_t record_len = tables->record_len;

    if (!is_skippable(seek_table, SPB_SEEK_TABLE_MAGIC, tables->seek_len))
        return false;
    tables->entries = seek_table + SPB_SKIPPABLE_HEADER;
    if (len != record_len + tables->seek_len ||
        !is_skippable(record_table, SPB_RECORD_TABLE_MAGIC, record_len) ||
        memcmp(record_table + SPB_SKIPPABLE_HEADER, record_table_tag, TAG_LEN) != 0) {
        tables->record_len = 0;
        tables->records = NULL;
        return true;
    }
    tables->records = record_table + SPB_SKIPPABLE_HEADER + TAG_LEN;
    return spb_get_le32(seek_table - HASH_LEN) ==
           tables_hash(record_table, record_len, seek_table, tables->seek_len);
}

struct spb_archive_entry spb_tables_entry(const struct spb_tables *tables, uint32_t index)
{
    const uint8_t *const at = tables->entries + tables->entry_len * index;
    struct spb_archive_entry entry = { .len = spb_get_le32(at),
                                       .content_len = spb_get_le32(at + 4) };

    if (tables->entry_len == ENTRY_CHECKSUM)
        entry.checksum = spb_get_le32(at + 8);
    if (tables->records != NULL) {
        entry.records = spb_get_le32(tables->records + (size_t)RECORD_ENTRY * index);
        entry.hash = spb_get_le32(tables->records + (size_t)RECORD_ENTRY * index + 4);
    }
    return entry;
}
