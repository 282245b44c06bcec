#ifndef SESSIONPB_TOOLS_OUTPUT_H
#define SESSIONPB_TOOLS_OUTPUT_H

/*
 * Where a tool writes: standard output, or a file that appears under its name only when it is whole.
 * Until then it has a temporary name in the same directory, and is removed when the tool fails or is
 * ended by a signal.
 */

#include <stdbool.h>

#include <sessionpb/bytes.h>

#include "cli.h"

struct output_target {
    const char *path;     /* NULL or "-": standard output */
    bool discard;         /* write nothing, open nothing */
    bool refuse_terminal; /* for binary data */
};

struct output {
    struct spb_bytes bytes; /* append a whole record here, then call output_record() */
    const char *name;       /* for messages */
    int fd;                 /* -1: all is discarded */
    char *path;             /* what the temporary file will replace; NULL without one */
    char *temporary;        /* its name until then; NULL without one */
};

/* CLI_OK, or CLI_USAGE (a terminal) or CLI_FAILED after a report. Call output_close() in any case. At
   most one file is open for output at a time. */
enum cli_status output_open(struct output *output, const struct output_target *target);

/* A whole record was appended: writes when much has gathered. */
enum cli_status output_record(struct output *output);

/* Write what has gathered. CLI_OK, CLI_READER_GONE, or CLI_FAILED after a report. */
enum cli_status output_flush(struct output *output);

/*
 * Write the rest, close, and put the file in its place; after a failure remove the file instead.
 *
 * status   how the tool fared so far
 *
 * Returns how it fared in the end.
 */
enum cli_status output_close(struct output *output, enum cli_status status);

#endif
