#ifndef SPB_STREAM_SEEK_TABLE_H
#define SPB_STREAM_SEEK_TABLE_H

/*
 * Archives on disk. An archive is any number of segments, one behind the other:
 *
 *   segment       zstd frame*  record table  seek table
 *
 *   zstd frame    whole records; its content's size in its header, its content's checksum at its end
 *
 *   record table  a skippable frame:
 *                   "SPB" and a version, 1
 *                   for each zstd frame, in order:
 *                     records     4 bytes
 *                     hash        4 bytes, of all bytes of the frame as it stands in the archive
 *                   hash          4 bytes, of the whole seek table, seeded with the XXH64 of what
 *                                 this frame holds up to here
 *
 *   seek table    of the zstd seekable format, version 0.1.0, a skippable frame:
 *                   for each zstd frame, in order:
 *                     length      4 bytes, of the frame
 *                     length      4 bytes, of its content
 *                     checksum    4 bytes, the one at the frame's end; only where the descriptor
 *                                 says so, as ours does
 *                   count         4 bytes, of the zstd frames
 *                   descriptor    1 byte
 *                   magic number  4 bytes
 *
 * Numbers are unsigned, the least significant byte first. A hash is the low 32 bits of XXH64, as
 * zstd's own checksums are. The content's checksum does not see every flipped bit: some bits of a
 * frame mean nothing. The hash does, and needs no decompression.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/bytes.h>

#include "stream/zstd_frame.h"

/* 0 is pzstd's and others', D the dictionary's of WARC files, E the seek table's. */
#define SPB_RECORD_TABLE_MAGIC SPB_ZSTD_SKIPPABLE(0xBu)
#define SPB_SEEK_TABLE_MAGIC   SPB_ZSTD_SKIPPABLE(0xEu)
#define SPB_SEEK_FOOTER_MAGIC  0x8F92EAB1u

enum {
    SPB_SKIPPABLE_HEADER = 8, /* bytes: magic number and length */
    SPB_SEEK_FOOTER = 9,      /* bytes */
    SPB_SEEK_TABLE_MIN = SPB_SKIPPABLE_HEADER + SPB_SEEK_FOOTER
};

static inline uint8_t *spb_put_le32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> 8 * i);
    return to + 4;
}

static inline uint32_t spb_get_le32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* What the tables say about a zstd frame. */
struct spb_archive_entry {
    uint32_t len;
    uint32_t content_len;
    uint32_t checksum;
    uint32_t records;
    uint32_t hash;
};

/* Zero-initialise it, and release it with spb_archive_entries_release(). */
struct spb_archive_entries {
    struct spb_archive_entry *items;
    size_t count;
    size_t capacity;
};

/* SPB_OK or SPB_NO_MEMORY. */
enum spb_status spb_archive_entries_push(struct spb_archive_entries *entries,
                                         struct spb_archive_entry entry);
void spb_archive_entries_release(struct spb_archive_entries *entries);

/* What closes a segment. Only the first is ours; the others are met in other programs' archives. */
enum spb_tables_kind {
    SPB_TABLES_OWN,            /* the record table and a seek table with checksums */
    SPB_TABLES_SEEK_CHECKSUMS, /* the seek table alone */
    SPB_TABLES_SEEK_PLAIN      /* the seek table alone, and without checksums */
};

/* Bytes of the seek table for so many frames. */
size_t spb_seek_table_len(enum spb_tables_kind kind, size_t count);

/* Appends the tables. SPB_OK or SPB_NO_MEMORY (then `out` is unchanged). */
enum spb_status spb_tables_put(enum spb_tables_kind kind, const struct spb_archive_entries *entries,
                               struct spb_bytes *out);

/* Tables as they are found at the end of a segment. */
struct spb_tables {
    uint32_t count;         /* of the entries */
    size_t seek_len;        /* bytes of the seek table */
    size_t record_len;      /* bytes of the record table; 0: there is none */
    size_t entry_len;       /* bytes of an entry of the seek table */
    const uint8_t *entries; /* of the seek table */
    const uint8_t *records; /* the record table's; NULL where there is none */
};

/*
 * Reads the footer, the last SPB_SEEK_FOOTER bytes of a segment. Fills count and the lengths, the
 * record table's as if there were one. False when it is no footer. Nothing is said yet about what
 * stands before it.
 */
bool spb_tables_read_footer(const uint8_t *footer, struct spb_tables *tables_out);

/*
 * Reads the tables at the end of data[0..len), which begins where a record table would, or later
 * where there is no room for one. The tables point into the data. False when they are damaged.
 */
bool spb_tables_read(const uint8_t *data, size_t len, struct spb_tables *tables);

/* Entry `index`; its records and hash are 0 where there is no record table. */
struct spb_archive_entry spb_tables_entry(const struct spb_tables *tables, uint32_t index);

#endif
