#ifndef SESSIONPB_ARCHIVE_H
#define SESSIONPB_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/bytes.h>
#include <sessionpb/status.h>

SPB_BEGIN_DECLS

/*
 * Archives: a stream of delimited messages (see sessionpb/frame.h) compressed by zstd in frames that
 * begin and end between records, each with zstd's own checksum of its content, closed by the seek
 * table of the zstd seekable format. `zstd -d` gives the plain stream. Before the seek table stands
 * a skippable frame with the number of records of each frame, which lets a reader skip records
 * without decompressing; readers that do not know it pass over it.
 *
 * Archives that follow each other in one file are one archive: to append, write another archive
 * behind the first.
 *
 * One writer or reader is for one thread at a time.
 */

/* ---- writing ---- */

/* Takes bytes of the archive, all or none. Anything but SPB_OK ends the writing with that status. */
typedef enum spb_status spb_archive_write_fn(void *context, const void *data, size_t len);

/* Set `size` to sizeof(struct spb_archive_options) and leave at zero what shall keep its default. */
struct spb_archive_options {
    size_t size;       /* of this struct */
    int level;         /* of zstd, 1 to 22; default 3, zstd's own */
    size_t frame_size; /* bytes of records after which a frame ends, at most 1 GiB; default 1 MiB:
                          what is lost with a torn frame, against what a frame's start costs */
};

typedef struct spb_archive_writer spb_archive_writer; /* opaque */

/* options: NULL for the defaults. Returns NULL when memory is short or an option is out of range. */
spb_archive_writer *spb_archive_writer_new(const struct spb_archive_options *options,
                                           spb_archive_write_fn *write, void *context);
void spb_archive_writer_free(spb_archive_writer *writer); /* NULL is allowed; finishes nothing */

/* Adds one message. SPB_OK, SPB_TOO_LARGE (above 2 GiB, protobuf's own limit; nothing has happened),
   SPB_NO_MEMORY or the write function's: these two end the writing, and every further call returns
   them again. SPB_MISUSE behind spb_archive_finish(). */
enum spb_status spb_archive_write(spb_archive_writer *writer, const void *message, size_t len);

/* Ends the frame at hand, so that all records so far can be recovered, whatever happens next. SPB_OK,
   SPB_NO_MEMORY or the write function's, as above. */
enum spb_status spb_archive_flush(spb_archive_writer *writer);

/* Ends the archive. An archive without records is valid as well. As spb_archive_flush(). */
enum spb_status spb_archive_finish(spb_archive_writer *writer);

/* ---- reading ---- */

/* Gives bytes of the archive from `offset`: writes up to `len` of them to data, at least one, and
   sets *read_out; to 0 at the archive's end only. SPB_OK, or what shall become the reader's status,
   such as SPB_IO; but not SPB_END or SPB_NEED_MORE. */
typedef enum spb_status spb_archive_read_fn(void *context, uint64_t offset, void *data, size_t len,
                                            size_t *read_out);

/* Where an archive is read from. */
struct spb_archive_source {
    spb_archive_read_fn *read; /* gives its bytes */
    void *context;             /* passed to `read` */
    uint64_t len; /* bytes; UINT64_MAX: not known, and each read goes on where the last one ended (a
                     pipe): then there is no seek table, and no salvage */
};

/* A frame with records in it. */
struct spb_archive_frame {
    uint64_t offset;      /* of its first byte in the archive */
    uint64_t len;         /* bytes, compressed */
    uint64_t content_len; /* bytes of its records, lengths and all; UINT64_MAX as below */
    uint64_t records;     /* UINT64_MAX where the archive does not tell */
};

/* What was passed over in a damaged archive. */
struct spb_archive_loss {
    uint64_t offset;        /* of the first byte passed over, where a frame begins */
    uint64_t len;           /* bytes passed over, of frames and of tables */
    uint64_t records;       /* by the tables, without those that were read before the damage showed;
                               UINT64_MAX where the archive does not tell */
    struct spb_error error; /* why */
};

typedef struct spb_archive_reader spb_archive_reader; /* opaque */

/* source: copied. message_max: bytes of one message, 0 for the default of struct spb_limits. Returns
   NULL when memory is short. */
spb_archive_reader *spb_archive_reader_new(const struct spb_archive_source *source,
                                           size_t message_max);
void spb_archive_reader_free(spb_archive_reader *reader); /* NULL is allowed */

/*
 * The next message: *message_out is borrowed, valid until the next call on the reader, and has
 * SPB_PADDING readable bytes behind it.
 *
 * Reads any zstd stream of delimited messages, with or without checksums and tables, and messages
 * that go on from one frame into the next. It needs no table and trusts none. A message of a frame
 * of up to 64 MiB is given only after the whole frame was found undamaged; a larger frame, or one
 * that does not tell its size, is read in bounded memory, and its checksum comes last.
 *
 * SPB_OK; SPB_END; SPB_NEED_MORE (the archive is torn); SPB_BAD_ARCHIVE (damaged, or not zstd's);
 * SPB_BAD_WIRE (its content is no stream of messages); SPB_TOO_LARGE (a message above message_max,
 * or a frame that asks for a window above zstd's limit, 128 MiB); SPB_NO_MEMORY; the read function's.
 * A failure stays until spb_archive_salvage(). Offsets of errors are those of the damaged frame in
 * the archive.
 */
enum spb_status spb_archive_next(spb_archive_reader *reader, const uint8_t **message_out,
                                 size_t *len_out, struct spb_error *error);

/*
 * Moves on over `count` records. *skipped_out is less at the archive's end only, or on failure.
 * SPB_OK, or as spb_archive_next(). Where the archive has tables, whole frames are passed over by the
 * record counts in them, without a look at the frames: damage there goes unnoticed. Tables that do
 * not fit the archive are not used.
 */
enum spb_status spb_archive_skip(spb_archive_reader *reader, uint64_t count, uint64_t *skipped_out,
                                 struct spb_error *error);

/*
 * After a failed spb_archive_next() or spb_archive_skip(): moves on to the next frame that is whole,
 * and says what was passed over. SPB_OK, or SPB_END where no whole frame follows (*loss_out is
 * written then, too). Where a message that was damaged holds a zstd frame of messages itself, that
 * one may be found.
 *
 * Fails, with *loss_out untouched, with SPB_MISUSE (nothing has failed, or the source's length is
 * not known), SPB_NO_MEMORY, or the read function's.
 */
enum spb_status spb_archive_salvage(spb_archive_reader *reader, struct spb_archive_loss *loss_out);

/*
 * The frames with records, in order: `index` from 0. As the tables have them; where there are none,
 * by reading through the archive, without decompressing it. What is read next stays the same.
 *
 * SPB_OK; SPB_END behind the last one; SPB_MISUSE where the source's length is not known; the others
 * as spb_archive_next().
 */
enum spb_status spb_archive_frame_at(spb_archive_reader *reader, uint64_t index,
                                     struct spb_archive_frame *frame_out, struct spb_error *error);

/*
 * Verifies everything: each frame's checksum, each record's bounds, the record counts and the seek
 * tables against what is there, and that nothing else is there. Stops at the first fault: SPB_OK, or
 * as spb_archive_next(). Frames without a seek table behind them, such as those of a plain zstd
 * file, are SPB_NEED_MORE: an archive that was cut off between two frames looks like that.
 *
 * Reads from the archive's start, and leaves the reader there; of a source whose length is not
 * known it must be the first thing to be done, and the only one. *records_out: how many records were
 * read, on failure up to the fault.
 */
enum spb_status spb_archive_check(spb_archive_reader *reader, uint64_t *records_out,
                                  struct spb_error *error);

SPB_END_DECLS
#endif
