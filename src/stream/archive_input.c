/*
 * The window on an archive: one buffer, filled by large reads. What lies before the bytes asked for
 * is dropped only when the window must be filled, so that going back a little costs no read.
 */
#include "stream/archive_input.h"

#include <string.h>

#include "base/error.h"

enum { PIECE = 256 << 10 /* bytes asked for at once */ };

struct spb_archive_input spb_archive_input_begin(const struct spb_archive_source *source)
{
    return (struct spb_archive_input){ .source = *source,
                                       .seekable = source->len != UINT64_MAX,
                                       .end = source->len };
}

void spb_archive_input_release(struct spb_archive_input *input)
{
    spb_bytes_release(&input->bytes);
}

static uint64_t window_end(const struct spb_archive_input *input)
{
    return input->offset + input->bytes.len;
}

static void drop_before(struct spb_archive_input *input, uint64_t offset)
{
    struct spb_bytes *const bytes = &input->bytes;
    const size_t len = (size_t)(offset - input->offset);

    if (len > 0)
        memmove(bytes->data, bytes->data + len, bytes->len - len);
    bytes->len -= len;
    input->offset = offset;
}

/* Reads on behind the window; at the archive's end that is nothing. */
static enum spb_status fill(struct spb_archive_input *input, struct spb_error *error)
{
    struct spb_bytes *const bytes = &input->bytes;
    const uint64_t at = window_end(input);
    const size_t len = input->end - at < PIECE ? (size_t)(input->end - at) : PIECE;
    size_t arrived = 0;

    if (spb_bytes_reserve(bytes, PIECE) != SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, (size_t)at, "out of memory");
    const enum spb_status status =
        input->source.read(input->source.context, at, bytes->data + bytes->len, len, &arrived);
    if (arrived > len || status == SPB_END || status == SPB_NEED_MORE)
        return spb_error_set(error, SPB_MISUSE, (size_t)at,
                             "the read function does not do as sessionpb/archive.h says");
    if (status != SPB_OK)
        return spb_error_set(error, status, (size_t)at, "the archive could not be read");
    bytes->len += arrived;
    if (arrived == 0)
        input->end = at;
    return SPB_OK;
}

/* Makes the window begin at the offset, or before it. */
static enum spb_status move(struct spb_archive_input *input, uint64_t offset,
                            struct spb_error *error)
{
    enum spb_status status = SPB_OK;

    if (input->seekable && (offset < input->offset || offset > window_end(input))) {
        input->bytes.len = 0;
        input->offset = offset;
    }
    while (status == SPB_OK && offset > window_end(input) && window_end(input) < input->end) {
        drop_before(input, window_end(input));
        status = fill(input, error);
    }
    return status;
}

/* See stream/archive_input.h. */
enum spb_status spb_archive_input_get(struct spb_archive_input *input, uint64_t offset, size_t len,
                                      const uint8_t **data_out, size_t *have_out,
                                      struct spb_error *error)
{
    enum spb_status status = move(input, offset, error);

    *data_out = NULL;
    *have_out = 0;
    while (status == SPB_OK && window_end(input) < input->end && window_end(input) - offset < len) {
        drop_before(input, offset);
        status = fill(input, error);
    }
    if (status == SPB_OK && offset < window_end(input)) {
        *data_out = input->bytes.data + (offset - input->offset);
        *have_out = (size_t)(window_end(input) - offset);
    }
    return status;
}
