/*
 * What both tools do around the conversion itself.
 */
#define _POSIX_C_SOURCE 200809L

#include "job.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool job_skips_bad(const struct job *job)
{
    return job->options->on_error == CLI_ON_ERROR_SKIP || job->options->rejects != NULL;
}

/* Progress is for who waits in front of a terminal, and would get lost among sessions on it. */
static bool shows_progress(const struct job *job)
{
    return !job->options->quiet && isatty(STDERR_FILENO) && !output_is_terminal(&job->output);
}

static enum cli_status check_names(const struct job *job)
{
    const char *output = job->output.path;

    if (output == NULL || job->rejects.records.path == NULL || job->rejects.report.path == NULL ||
        (strcmp(output, job->rejects.records.path) != 0 &&
         strcmp(output, job->rejects.report.path) != 0))
        return CLI_OK;
    cli_error("'%s' cannot hold the sessions and the rejects", job->output.name);
    return CLI_USAGE;
}

/* A file that is read must not be replaced by rejects, nor grow while it is read. */
static bool is_written(const struct job *job, const struct stat *input)
{
    const struct output *outputs[] = { &job->rejects.records, &job->rejects.report };
    struct stat other;

    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++)
        if (outputs[i]->path != NULL && stat(outputs[i]->path, &other) == 0 &&
            other.st_dev == input->st_dev && other.st_ino == input->st_ino)
            return true;
    return job->output.fd == STDOUT_FILENO && fstat(STDOUT_FILENO, &other) == 0 &&
           other.st_dev == input->st_dev && other.st_ino == input->st_ino;
}

/* All of them before the first one is read: a run may last hours. */
static enum cli_status check_inputs(const struct job *job)
{
    for (char *const *names = job->options->files; *names != NULL; names++) {
        bool standard = strcmp(*names, "-") == 0;
        struct stat input;

        if ((standard ? fstat(STDIN_FILENO, &input) : stat(*names, &input)) == -1)
            return standard ? CLI_OK : cli_system_error("open", *names, errno);
        if (S_ISREG(input.st_mode) && is_written(job, &input)) {
            cli_error("'%s' is read and written", *names);
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

/* Without outputs to open where something is wrong already, so that all can be closed alike. */
static enum cli_status open_outputs(struct job *job, struct output_target target)
{
    const struct cli_options *options = job->options;
    const char *rejects = options->rejects;
    enum cli_status status = CLI_OK;
    enum cli_status opened;

    if (rejects != NULL && strcmp(rejects, "-") == 0) {
        cli_error("'--rejects' needs a file");
        status = CLI_USAGE;
    }
    target.path = options->output;
    target.overwrite = options->force;
    target.discard = target.discard || status != CLI_OK;
    opened = output_open(&job->output, &target);
    if (status == CLI_OK)
        status = opened;
    opened = rejects_open(&job->rejects, status == CLI_OK ? rejects : NULL, options->force);
    if (status == CLI_OK)
        status = opened;
    if (status == CLI_OK)
        status = check_names(job);
    return status == CLI_OK ? check_inputs(job) : status;
}

enum cli_status job_begin(struct job *job, const struct cli_options *options,
                          const char *passed_name, struct output_target target)
{
    enum cli_status status;

    job->options = options;
    job->to_skip = options->skip.value;
    job->left = options->limit.given ? options->limit.value : UINT64_MAX;
    status = open_outputs(job, target);
    if (status == CLI_OK) {
        job->converter = cli_converter(options);
        status = job->converter != NULL ? CLI_OK : cli_no_memory();
    }
    job->meter.passed_name = passed_name;
    job->meter.bytes_in_all = input_size_of_all(options->files);
    meter_begin(&job->meter, shows_progress(job));
    return status;
}

/* Each of them has been told already, unless that was too much. */
static void tell_rejected(const struct job *job)
{
    if (job->meter.rejected > 0 && job_skips_bad(job) && !job->options->quiet)
        cli_error("%" PRIu64 " of %" PRIu64 " records rejected", job->meter.rejected,
                  job->meter.records + job->meter.rejected);
}

enum cli_status job_end(struct job *job, enum cli_status status)
{
    struct output *const outputs[] = { &job->rejects.records, &job->rejects.report, &job->output };
    size_t rejects = 2;
    bool seen = job->output.path == NULL && job->meter.rejected > 0;
    enum cli_status kept;

    if (status == CLI_ENOUGH)
        status = CLI_OK;
    /* Where sessions went out one by one, the rejects among them are as true, however it ended. */
    kept = seen ? output_close(outputs, rejects, CLI_OK) : CLI_OK;
    status = output_close(seen ? outputs + rejects : outputs, seen ? 1 : rejects + 1, status);
    if (status == CLI_OK || kept == CLI_FAILED)
        status = kept == CLI_OK ? status : kept;
    job->meter.bytes_out = job->output.written;
    if (status != CLI_READER_GONE)
        tell_rejected(job);
    meter_end(&job->meter, job->options->stats && status != CLI_USAGE);
    rejects_release(&job->rejects);
    spb_converter_free(job->converter);
    if (status == CLI_OK && (job->meter.rejected > 0 || job->lost))
        status = CLI_REJECTED;
    return status;
}

enum cli_status job_wants_more(const struct job *job)
{
    return job->left > 0 ? CLI_OK : CLI_ENOUGH;
}

bool job_takes(struct job *job)
{
    if (job->to_skip > 0) {
        job->to_skip--;
        return false;
    }
    job->left--;
    return true;
}

enum cli_status job_flush_before_wait(struct job *job, const struct input *input)
{
    return input_would_wait(input, 0) ? output_flush(&job->output) : CLI_OK;
}
