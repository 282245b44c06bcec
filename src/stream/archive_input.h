#ifndef SPB_STREAM_ARCHIVE_INPUT_H
#define SPB_STREAM_ARCHIVE_INPUT_H

/*
 * A window on the bytes of an archive, which grows with the bytes that arrive: asking for many does
 * not allocate them.
 */
#include <stdbool.h>

#include <sessionpb/archive.h>
#include <sessionpb/bytes.h>

struct spb_archive_input {
    struct spb_archive_source source;
    bool seekable;
    uint64_t end;           /* of the archive; UINT64_MAX while it is not known */
    uint64_t offset;        /* of the window's first byte in the archive */
    struct spb_bytes bytes; /* the window */
};

struct spb_archive_input spb_archive_input_begin(const struct spb_archive_source *source);
void spb_archive_input_release(struct spb_archive_input *input);

/*
 * Moves the window so that it has the bytes [offset, offset + len), and more behind them as it
 * happens. *data_out is borrowed, valid until the next call. *have_out is less than len only where
 * the archive ends. Of a source that is not seekable, what lies before `offset` is gone.
 *
 * SPB_OK, SPB_NO_MEMORY, or the read function's, with their error.
 */
enum spb_status spb_archive_input_get(struct spb_archive_input *input, uint64_t offset, size_t len,
                                      const uint8_t **data_out, size_t *have_out,
                                      struct spb_error *error);

#endif
