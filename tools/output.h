#ifndef SESSIONPB_TOOLS_OUTPUT_H
#define SESSIONPB_TOOLS_OUTPUT_H

/*
 * Where a tool writes: standard output, and files that appear under their names only when they are
 * whole. Until then a file has a temporary name in the same directory, and is removed when the tool
 * fails or is ended by a signal. A file that is appended to grows as it is.
 */

#include <stdbool.h>
#include <stdint.h>

#include <sessionpb/bytes.h>

#include "cli.h"

enum { OUTPUTS_MAX = 3 }; /* open at a time: the sessions, the rejects, their report */

struct output_target {
    const char *path;     /* NULL or "-": standard output */
    bool discard;         /* write nothing, open nothing */
    bool refuse_terminal; /* for binary data */
    bool overwrite;       /* a file that exists */
    bool append;          /* to the file itself, which is made where there is none */
    bool durable;         /* append: a new file's name is made safe on disk */
};

struct output {
    struct spb_bytes bytes; /* append a whole record here, then call output_record() */
    uint64_t written;       /* bytes that have left it */
    const char *name;       /* for messages */
    int fd;                 /* -1: all is discarded */
    bool overwrite;
    char *path;      /* what the temporary file will become; NULL without one */
    char *temporary; /* its name until then; NULL without one */
};

/* CLI_OK, or CLI_USAGE (a terminal) or CLI_FAILED after a report. Call output_close() in any case. */
enum cli_status output_open(struct output *output, const struct output_target *target);

/* Whether it is a terminal. */
bool output_is_terminal(const struct output *output);

/* A whole record was appended: writes when much has gathered. */
enum cli_status output_record(struct output *output);

/* Append text as of printf(), of less than OUTPUT_FORMAT_MAX bytes. CLI_OK, or CLI_FAILED after a
   report. */
enum { OUTPUT_FORMAT_MAX = 256 };
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
enum cli_status
output_format(struct output *output, const char *format, ...);

/* Write what has gathered. CLI_OK, CLI_READER_GONE, or CLI_FAILED after a report. */
enum cli_status output_flush(struct output *output);

/* Make what was written safe on disk, where there is one. */
enum cli_status output_sync(struct output *output);

/*
 * Write the rest of all outputs, close them, and put the files in their places: none of them before
 * all are written. After a failure remove the files instead.
 *
 * outputs   all that output_open() was called for
 * status    how the tool fared so far
 *
 * Returns how it fared in the end.
 */
enum cli_status output_close(struct output *const outputs[], size_t count, enum cli_status status);

#endif
