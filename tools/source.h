#ifndef SESSIONPB_TOOLS_SOURCE_H
#define SESSIONPB_TOOLS_SOURCE_H

/*
 * Where messages come from: an input in one of the framings, or an archive, told apart by the input's
 * first bytes.
 */

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/archive.h>
#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "job.h"

struct source {
    struct job *job;
    struct input *input;
    struct spb_frames frames;    /* what was read: frames, or an archive that is no regular file */
    spb_archive_reader *archive; /* NULL without one */
    uint64_t count;              /* records so far */
    uint64_t bytes_before;       /* that the meter had counted when the input began */
    enum cli_status failure;     /* of the input, while the archive reads from it */
};

struct message {
    const uint8_t *data; /* borrowed, until the next call on the source */
    size_t len;
    uint64_t offset; /* of its first byte in the input; 0 in an archive */
};

/* Whether this is how an archive begins, by its first four bytes. */
bool source_is_archive(const uint8_t *data, size_t len);

/*
 * Begin with another input: read as much as tells what it is.
 *
 * source    zero-initialised but for job; used for one input after another
 * framing   cli_options.framing: what it is, where that is said
 */
enum cli_status source_begin(struct source *source, struct input *input, int framing);

/* Begin again with the archive of a regular file. CLI_OK, or CLI_FAILED after a report. */
enum cli_status source_rewind_archive(struct source *source);

/* Release what is not kept for the next input. */
void source_end(struct source *source);

void source_release(struct source *source);

/*
 * The next message, of which the frame or the archive says that it is whole.
 *
 * status_out   SPB_OK; SPB_END; why the stream or archive cannot be read on. The error's offset
 *              counts in the input.
 *
 * CLI_OK, or how reading the input failed, after a report.
 */
enum cli_status source_next(struct source *source, struct message *message_out,
                            enum spb_status *status_out, struct spb_error *error);

/* Pass over `count` records. *skipped_out is fewer at the end and after a failure, which are told as
   by source_next(). */
enum cli_status source_skip(struct source *source, uint64_t count, uint64_t *skipped_out,
                            enum spb_status *status_out, struct spb_error *error);

/*
 * After source_next() has failed: pass over what is damaged.
 *
 * status_out   SPB_OK, or SPB_END where nothing whole follows
 */
enum cli_status source_salvage(struct source *source, const struct spb_error *error,
                               struct spb_archive_loss *loss_out, enum spb_status *status_out);

#endif
