#ifndef SESSIONPB_TOOLS_JOB_H
#define SESSIONPB_TOOLS_JOB_H

/*
 * One run of a tool: what it writes, what it counts, and what it does about bad records.
 */

#include "cli.h"
#include "input.h"
#include "meter.h"
#include "output.h"
#include "rejects.h"

struct job {
    const struct cli_options *options;
    spb_converter *converter;
    struct output output;
    struct rejects rejects;
    struct meter meter;
    uint64_t to_skip; /* records that are still to be passed over */
    uint64_t left;    /* records that are still wanted */
    bool lost;        /* some of an input could not be read, and was passed over */
};

/*
 * Open the outputs. Call job_end() in any case.
 *
 * job           zero-initialised
 * passed_name   what meter.passed counts
 * target        of the sessions; its path and permission to overwrite are filled in
 */
enum cli_status job_begin(struct job *job, const struct cli_options *options,
                          const char *passed_name, struct output_target target);

/* Settle and release everything, tell what there is to tell. Returns how the run ended. */
enum cli_status job_end(struct job *job, enum cli_status status);

/* Whether a bad record is passed over. */
bool job_skips_bad(const struct job *job);

/* CLI_OK, or CLI_ENOUGH when all records that are wanted were taken. Ask before reading for another. */
enum cli_status job_wants_more(const struct job *job);

/* A record is there, good or bad. Returns false when it is one of those to be passed over. */
bool job_takes(struct job *job);

/* Before a read that may wait: whatever is converted goes out, since its reader may be waiting, too. */
enum cli_status job_flush_before_wait(struct job *job, const struct input *input);

#endif
