#ifndef SESSIONPB_TOOLS_SINK_H
#define SESSIONPB_TOOLS_SINK_H

/* Where messages go: one behind the other in a framing, or into an archive. */

#include <stdbool.h>
#include <stddef.h>

#include <sessionpb/archive.h>
#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "output.h"

struct sink {
    struct output *output;
    enum spb_framing framing;
    spb_archive_writer *archive; /* NULL without one */
    bool pending;                /* the archive has messages that are in no frame yet */
    enum cli_status failure;     /* of the output, while the archive writes to it */
};

/* The archive of these options, instead of a framing. CLI_OK, or CLI_FAILED after a report. */
enum cli_status sink_open_archive(struct sink *sink, const struct spb_archive_options *options);

/* CLI_OK, CLI_READER_GONE, or CLI_FAILED after a report. */
enum cli_status sink_add(struct sink *sink, const void *message, size_t len);

/* Before a read that may wait: see job_flush_before_wait(). An archive's frame is ended only when
   nothing arrives for a while, since short frames compress badly. */
enum cli_status sink_flush_before_wait(struct sink *sink, const struct input *input);

/* Nothing more will come. */
enum cli_status sink_finish(struct sink *sink);

/* Release what the sink owns; the output is not among it. */
void sink_release(struct sink *sink);

#endif
