#ifndef SESSIONPB_TOOLS_REJECTS_H
#define SESSIONPB_TOOLS_REJECTS_H

/*
 * Where bad records are kept: verbatim in a file, and beside it, in a file of the same name and
 * ".report", a line of JSON for each of them that tells where it was, what is wrong with it, and where
 * it is now.
 */

#include <stdint.h>

#include <sessionpb/status.h>

#include "cli.h"
#include "output.h"

struct rejects {
    char *report_path;
    struct output records;
    struct output report;
    uint64_t begin; /* of the record at hand in the file */
    char last;      /* byte in the file */
};

/* Where a bad record was. */
struct reject {
    const char *input; /* its name */
    uint64_t number;   /* of the record, from 1 */
    uint64_t offset;   /* of the error */
    const struct spb_error *error;
};

/* path: NULL when bad records are not kept. As output_open(). Call rejects_release() in any case. */
enum cli_status rejects_open(struct rejects *rejects, const char *path, bool overwrite);

/* Behind output_close(). */
void rejects_release(struct rejects *rejects);

/* Append a piece of a bad record. */
enum cli_status rejects_add(struct rejects *rejects, const void *data, size_t len);

/* Append a bad message, as a delimited frame. */
enum cli_status rejects_add_message(struct rejects *rejects, const void *data, size_t len);

/* The bad record is whole: end its line, where it is text without a line end, and report it. */
enum cli_status rejects_end_text(struct rejects *rejects, const struct reject *reject);
enum cli_status rejects_end(struct rejects *rejects, const struct reject *reject);

#endif
