#ifndef SPB_STREAM_ARCHIVE_READER_H
#define SPB_STREAM_ARCHIVE_READER_H

/*
 * The reader of archives, as its three files share it: archive_reader.c opens frames and takes
 * records out of them, archive_index.c knows where frames are, archive_check.c judges archives and
 * finds the way out of damage.
 */
#include <stdbool.h>

#include <sessionpb/archive.h>
#include <sessionpb/frame.h>

#include "stream/archive_input.h"
#include "stream/seek_table.h"

/* Where the frames with records are, as far as is known. */
struct spb_archive_index {
    struct spb_archive_frame *items;
    size_t count;
    size_t capacity;
    bool sought;              /* the tables have been sought, from the archive's end */
    bool from_tables;         /* they were found, and all of the archive is known */
    uint64_t walked;          /* otherwise: what lies before this offset has been read through */
    struct spb_error failure; /* why the tables could not be looked at this time, or SPB_OK */
};

void spb_archive_index_release(struct spb_archive_index *index);

struct XXH64_state_s;
struct ZSTD_DCtx_s;

struct spb_archive_reader {
    struct spb_archive_input input;
    size_t message_max;
    struct ZSTD_DCtx_s *zstd;
    struct spb_archive_index index;

    uint64_t at;    /* offset of what is read next */
    uint64_t sound; /* offset behind the last frame with records that was whole */

    /* The frame at hand. Its lengths count on while it is decompressed piece by piece. */
    struct spb_zstd_header header;
    struct spb_archive_frame frame; /* records: taken out of it so far */
    bool in_pieces;                 /* it is decompressed piece by piece, and has not ended yet */
    bool pending;                   /* zstd may have more of it without more input */
    uint32_t checksum;              /* its last bytes; of use only with header.checksum */
    struct XXH64_state_s *hash;     /* of the frame; NULL but for a check */
    struct XXH64_state_s *content_hash; /* of its content, likewise */

    struct spb_bytes content; /* what is decompressed, with padding behind it */
    size_t content_at;        /* offset in it of the next record */

    struct spb_error failure; /* of spb_archive_next() or skip(): it stays */
};

/* Forgets what is at hand and goes to this offset, where a frame begins. */
void spb_reader_go(spb_archive_reader *reader, uint64_t offset);

/* SPB_NEED_MORE, with its error: the archive ends inside of the frame at `offset`. */
enum spb_status spb_reader_torn(uint64_t offset, struct spb_error *error);

/*
 * Reads the header of the frame at `offset`. SPB_OK; SPB_END at the archive's end, without an error;
 * SPB_NEED_MORE, SPB_BAD_ARCHIVE, or the read function's.
 */
enum spb_status spb_reader_header(spb_archive_reader *reader, uint64_t offset,
                                  struct spb_zstd_header *header_out, struct spb_error *error);

/*
 * Finds the length of a frame by its blocks, or stops at `len_max`, which is passed then. With `hold`
 * the whole of it is in the input's window afterwards. *blocks_out: their number.
 */
enum spb_status spb_reader_measure(spb_archive_reader *reader, uint64_t offset,
                                   const struct spb_zstd_header *header, uint64_t len_max,
                                   bool hold, uint64_t *len_out, uint64_t *blocks_out,
                                   struct spb_error *error);

/*
 * Opens the frame at reader->at and moves on behind it. A skippable frame is opened only: pass it
 * with spb_reader_pass(). As spb_reader_header(), and SPB_TOO_LARGE, SPB_NO_MEMORY.
 */
enum spb_status spb_reader_open(spb_archive_reader *reader, struct spb_error *error);

/* Moves on behind the skippable frame that was opened. */
enum spb_status spb_reader_pass(spb_archive_reader *reader, struct spb_error *error);

/*
 * Takes the next record out of the frame at hand. SPB_END where the frame ends, without an error:
 * behind its last record, or inside of one (spb_reader_has_rest()), which goes on in the next frame.
 */
enum spb_status spb_reader_take(spb_archive_reader *reader, struct spb_frame *record_out,
                                struct spb_error *error);

/* Takes the next record, whichever frame it is in. SPB_END without an error. */
enum spb_status spb_reader_next(spb_archive_reader *reader, struct spb_frame *record_out,
                                struct spb_error *error);

/* Whether something is decompressed that has not been taken. */
static inline bool spb_reader_has_rest(const spb_archive_reader *reader)
{
    return reader->content_at < reader->content.len;
}

/* Ends a public function that fails for good: hands over the failure. Returns status. */
static inline enum spb_status spb_reader_report(const spb_archive_reader *reader,
                                                enum spb_status status, struct spb_error *error)
{
    if (status != SPB_OK && status != SPB_END && error != NULL)
        *error = reader->failure;
    return status;
}

/* Seeks the tables once. True when they tell where all frames are. */
bool spb_reader_seek_tables(spb_archive_reader *reader);

/*
 * Records in the frames that begin in [from, to), by the tables. UINT64_MAX where they do not tell.
 */
uint64_t spb_reader_records_between(spb_archive_reader *reader, uint64_t from, uint64_t to);

#endif
