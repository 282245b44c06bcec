#ifndef SESSIONPB_TOOLS_SINK_H
#define SESSIONPB_TOOLS_SINK_H

/* Where messages go: one behind the other in a framing, into an archive, or over a transport. */

#include <stdbool.h>
#include <stddef.h>

#include <sessionpb/archive.h>
#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "output.h"
#include "transport/publisher.h"

struct sink {
    struct output *output;
    enum spb_framing framing;
    struct publisher
        *publisher; /* messages go over a transport; borrowed, NULL where they do not */
    spb_archive_writer *archive; /* NULL without one */
    bool pending;                /* the archive has messages that are in no frame yet */
    enum cli_status failure;     /* of the output, while the archive writes to it */
};

/*
 * Make it as the options want it.
 *
 * sink     zero-initialised
 * publisher   NULL, or connected
 *
 * CLI_OK, or CLI_FAILED after a report. Call sink_release() in any case.
 */
enum cli_status sink_open(struct sink *sink, const struct cli_options *options,
                          struct output *output, struct publisher *publisher);

/* CLI_OK, CLI_READER_GONE, or CLI_FAILED after a report. */
enum cli_status sink_add(struct sink *sink, const void *message, size_t len);

/* Before a read that may wait: see job_flush_before_wait(). An archive's frame is ended only when
   nothing arrives for a while, since short frames compress badly. */
enum cli_status sink_flush_before_wait(struct sink *sink, const struct input *input);

/* Hand over everything so far: of an archive, end the frame at hand. */
enum cli_status sink_flush(struct sink *sink);

/* Nothing more will come. */
enum cli_status sink_finish(struct sink *sink);

/* Release what the sink owns; the output is not among it. */
void sink_release(struct sink *sink);

#endif
