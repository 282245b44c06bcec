/*
 * pb2session: Sessions from protobuf bytes to canonical JSON, a document a line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "job.h"
#include "listing.h"
#include "pb2session_options.h"
#include "receiver.h"
#include "selection.h"
#include "source.h"

enum {
    HINT_SIZE = 80,
    RECORDS_SIZE = 40,
};

struct pb2session {
    const struct pb2session_options *options;
    struct job job;
    struct source source;
    struct spb_bytes text; /* one document, before it is indented */
    bool in_array;         /* it has an element already */
};

/* -- Bad records and damage ---------------------------------------------------------------- */

static void report(const struct pb2session *self, uint64_t number, uint64_t offset,
                   const struct spb_error *error)
{
    const struct source *source = &self->source;
    char hint[HINT_SIZE] = "";

    if (number == 1 && source->archive == NULL)
        (void)input_hint(source->input, "protobuf", hint, sizeof(hint));
    cli_error("%s: record %" PRIu64 ": byte %" PRIu64 "%s: %s%s%s%s", source->input->name, number,
              offset, source->archive != NULL ? " of it" : "", error->path,
              error->path[0] != '\0' ? ": " : "", error->reason, hint);
}

static bool skips_bad(const struct pb2session *self)
{
    return job_skips_bad(&self->job) || self->options->salvage;
}

/* error: its offset counts from the start of the message. */
static enum cli_status reject(struct pb2session *self, const struct message *message,
                              const struct spb_error *error)
{
    const struct reject place = { self->source.input->name, self->source.count,
                                  message->offset + error->offset, error };
    enum cli_status status = cli_record_status(error->status);

    if (error->status == SPB_NO_MEMORY)
        return cli_no_memory();
    if (status == CLI_REJECTED)
        self->job.meter.rejected++;
    if (status != CLI_REJECTED || !skips_bad(self) || !self->options->common.quiet)
        report(self, place.number, place.offset, error);
    if (status != CLI_REJECTED || !skips_bad(self))
        return status;
    status = rejects_add_message(&self->job.rejects, message->data, message->len);
    return status == CLI_OK ? rejects_end(&self->job.rejects, &place) : status;
}

static enum cli_status report_damage(const struct pb2session *self, const struct spb_error *error)
{
    const struct source *source = &self->source;
    char hint[HINT_SIZE] = "";

    if (source->count > 0 || source->archive != NULL)
        (void)snprintf(hint, sizeof(hint), "; --salvage converts what is whole");
    else
        (void)input_hint(source->input, "protobuf", hint, sizeof(hint));
    cli_error("%s: record %" PRIu64 ": byte %zu: %s%s", source->input->name, source->count + 1,
              error->offset, error->reason, hint);
    return CLI_REJECTED;
}

static void tell_loss(const struct source *source, const struct spb_archive_loss *loss)
{
    const char *hint = source->archive != NULL && !source->input->regular
                           ? "; in a file, what is whole behind that could be found"
                           : "";
    char records[RECORDS_SIZE] = "";

    if (loss->records != UINT64_MAX)
        (void)snprintf(records, sizeof(records), ", %" PRIu64 " records", loss->records);
    cli_error("%s: lost %" PRIu64 " bytes from byte %" PRIu64 "%s: %s%s", source->input->name,
              loss->len, loss->offset, records, loss->error.reason, hint);
}

/* A check of many inputs goes on with the next one, where that is wanted. */
static enum cli_status pass_input(struct pb2session *self, enum cli_status status)
{
    if (status != CLI_REJECTED || !self->options->common.check || !skips_bad(self))
        return status;
    self->job.lost = true;
    return CLI_OK;
}

/* The input cannot be read on where it is. *ended_out: and nothing is behind that. */
static enum cli_status pass_damage(struct pb2session *self, const struct spb_error *error,
                                   bool *ended_out)
{
    struct source *source = &self->source;
    struct spb_archive_loss loss;
    enum spb_status salvaged;
    enum cli_status status;

    if (!self->options->salvage) {
        *ended_out = true;
        return pass_input(self, report_damage(self, error));
    }
    status = source_salvage(source, error, &loss, &salvaged);
    if (status != CLI_OK)
        return status;
    tell_loss(source, &loss);
    self->job.lost = true;
    self->job.meter.passed += loss.len;
    *ended_out = salvaged != SPB_OK;
    return CLI_OK;
}

/* -- Conversion ---------------------------------------------------------------------------- */

static enum cli_status append(struct spb_bytes *out, const char *text, size_t len)
{
    return spb_bytes_append(out, text, len) == SPB_OK ? CLI_OK : cli_no_memory();
}

/* What stands before a session, and behind it. */
static enum cli_status append_separator(struct pb2session *self)
{
    struct spb_bytes *out = &self->job.output.bytes;

    return self->in_array ? append(out, ",\n", 2) : CLI_OK;
}

static enum cli_status end_record(struct pb2session *self)
{
    struct output *output = &self->job.output;
    enum cli_status status = CLI_OK;

    self->job.meter.records++;
    self->in_array = self->options->array;
    if (!self->options->array)
        status = append(&output->bytes, "\n", 1);
    return status == CLI_OK ? output_record(output) : status;
}

static enum cli_status convert_message(struct pb2session *self, const struct message *message)
{
    const struct pb2session_options *options = self->options;
    struct spb_bytes *out = &self->job.output.bytes;
    struct spb_bytes *text = options->pretty ? &self->text : out;
    const size_t before = out->len;
    enum cli_status status;
    struct spb_error error;

    if (options->ids.count > 0 &&
        !selection_has(&options->ids, self->job.converter, message->data, message->len))
        return CLI_OK;
    (void)job_takes(&self->job);
    status = append_separator(self);
    if (status != CLI_OK)
        return status;
    if (spb_pb_to_json(self->job.converter, message->data, message->len, text, &error) != SPB_OK) {
        out->len = before;
        return reject(self, message, &error);
    }
    if (options->pretty) {
        if (spb_json_pretty((const char *)text->data, text->len, out) != SPB_OK)
            return cli_no_memory();
        text->len = 0;
    }
    return end_record(self);
}

/* Records that are to be passed over. */
static enum cli_status skip(struct pb2session *self, bool *ended_out)
{
    struct job *job = &self->job;
    enum spb_status skipped;
    struct spb_error error;
    uint64_t count;
    enum cli_status status = source_skip(&self->source, job->to_skip, &count, &skipped, &error);

    job->to_skip -= count;
    if (status != CLI_OK)
        return status;
    *ended_out = skipped != SPB_OK;
    if (skipped == SPB_OK || skipped == SPB_END)
        return CLI_OK;
    return pass_input(self, report_damage(self, &error));
}

static enum cli_status convert_messages(struct pb2session *self)
{
    bool ended = false;
    enum cli_status status = CLI_OK;

    if (self->job.to_skip > 0)
        status = skip(self, &ended);
    if (status == CLI_OK)
        status = job_wants_more(&self->job);
    while (status == CLI_OK && !ended) {
        struct message message;
        struct spb_error error;
        enum spb_status next;

        status = source_next(&self->source, &message, &next, &error);
        if (status != CLI_OK)
            break;
        if (next == SPB_END)
            ended = true;
        else if (next == SPB_OK)
            status = convert_message(self, &message);
        else
            status = pass_damage(self, &error, &ended);
        if (status == CLI_OK)
            status = job_wants_more(&self->job);
    }
    return status;
}

/* A pipe can be read only once: its frames are verified as they are converted. */
static enum cli_status check_input(struct pb2session *self)
{
    struct source *source = &self->source;
    enum cli_status status = CLI_OK;

    if (source->archive != NULL && source->input->regular)
        status = listing_check(source);
    if (status != CLI_OK)
        return pass_input(self, status);
    if (source->archive != NULL && source->input->regular)
        status = source_rewind_archive(source);
    return status == CLI_OK ? convert_messages(self) : status;
}

static enum cli_status read_input(struct pb2session *self)
{
    if (self->options->list)
        return listing_print(&self->source);
    if (self->options->common.check)
        return check_input(self);
    return convert_messages(self);
}

static enum cli_status convert_input(void *context, struct input *input)
{
    struct pb2session *self = context;
    enum cli_status status = job_wants_more(&self->job);

    if (status == CLI_OK)
        status = source_begin(&self->source, input, self->options->common.framing);
    if (status == CLI_OK)
        status = read_input(self);
    source_end(&self->source);
    return status;
}

static enum cli_status convert_all(struct pb2session *self)
{
    struct spb_bytes *out = &self->job.output.bytes;
    enum cli_status status = CLI_OK;
    enum cli_status ended;

    if (self->options->array)
        status = append(out, "[\n", 2);
    if (status == CLI_OK)
        status = input_each(self->options->common.files, &self->job.meter, convert_input, self);
    if (!self->options->array || (status != CLI_OK && status != CLI_ENOUGH))
        return status;
    ended = self->in_array ? append(out, "\n]\n", 3) : append(out, "]\n", 2);
    return ended == CLI_OK ? status : ended;
}

static enum cli_status run_on_files(const struct pb2session_options *options)
{
    struct pb2session self = { .options = options, .source.job = &self.job };
    const struct output_target target = { .discard = options->common.check };
    enum cli_status status = job_begin(&self.job, &options->common, "bytes lost", target);

    if (status == CLI_OK)
        status = convert_all(&self);
    source_release(&self.source);
    spb_bytes_release(&self.text);
    return job_end(&self.job, status);
}

int main(int argc, char **argv)
{
    struct pb2session_options options = { 0 };
    enum cli_status status;

    if (cli_parse(&pb2session_tool, argc, argv, &options.common, &status))
        status = options.endpoints.count > 0 || options.connect != NULL ? receiver_run(&options)
                                                                        : run_on_files(&options);
    free(options.ids.items);
    free(options.endpoints.items);
    free(options.uids.items);
    free(options.gids.items);
    free(options.common.settings.items);
    return cli_exit_code(status);
}
