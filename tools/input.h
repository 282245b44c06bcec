#ifndef SESSIONPB_TOOLS_INPUT_H
#define SESSIONPB_TOOLS_INPUT_H

/* The files that a tool reads, and standard input among them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "meter.h"

enum { INPUT_HEAD_LEN = 64 }; /* as much of an input's beginning as tells what it looks like */

struct input {
    const char *name; /* for messages */
    int fd;
    bool regular;   /* a read from it never waits for another process */
    uint64_t begin; /* of a regular file: where it stands when it is opened */
    uint64_t size;  /* bytes behind that; UINT64_MAX where it is not known */
    struct meter *meter;
    uint8_t head[INPUT_HEAD_LEN]; /* the first bytes that input_read() has read */
    size_t head_len;
};

typedef enum cli_status input_visit(void *context, struct input *input);

/* Open one file after another and hand it to `visit`, until one does not return CLI_OK. Errors have
   been reported. What is read is counted by the meter. */
enum cli_status input_each(char *const *names, struct meter *meter, input_visit *visit,
                           void *context);

/* Bytes of all files together; UINT64_MAX where that is not known. */
uint64_t input_size_of_all(char *const *names);

/* Whether nothing has arrived for so long, and the next read waits for it. */
bool input_would_wait(const struct input *input, int timeout_ms);

/*
 * Read what has arrived, at most `len` bytes.
 *
 * len_out   bytes read; 0 at the end of the input
 *
 * CLI_OK, or CLI_FAILED after a report.
 */
enum cli_status input_read(struct input *input, void *space, size_t len, size_t *len_out);

/* The same from `offset` in a regular file, counted from input->begin; does not touch the head. */
enum cli_status input_read_at(const struct input *input, uint64_t offset, void *space, size_t len,
                              size_t *len_out);

/*
 * What the input looks like by its first bytes, as the end of a message: "; the input looks like
 * gzip data". Empty where that is not known, or where it looks as it should.
 *
 * expected   part of the names that spb_looks_like() has for what is right
 */
const char *input_hint(const struct input *input, const char *expected, char *text, size_t size);

#endif
