#ifndef SESSIONPB_TOOLS_INPUT_H
#define SESSIONPB_TOOLS_INPUT_H

/* The files that a tool reads, and standard input among them. */

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

struct input {
    const char *name; /* for messages */
    int fd;
    bool regular; /* a read from it never waits for another process */
};

typedef enum cli_status input_visit(void *context, struct input *input);

/* Open one file after another and hand it to `visit`, until one does not return CLI_OK. Errors have
   been reported. */
enum cli_status input_each(char *const *names, input_visit *visit, void *context);

/* Whether nothing has arrived at the moment, and the next read waits for it. */
bool input_would_wait(const struct input *input);

/*
 * Read what has arrived, at most `len` bytes.
 *
 * len_out   bytes read; 0 at the end of the input
 *
 * CLI_OK, or CLI_FAILED after a report.
 */
enum cli_status input_read(const struct input *input, void *space, size_t len, size_t *len_out);

#endif
