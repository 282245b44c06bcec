/*
 * session2pb: Sessions from JSON text to protobuf bytes. Text is pushed into a stream of documents,
 * messages are pulled out of it and framed.
 */
#include <inttypes.h>

#include <sessionpb/documents.h>
#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "output.h"

struct options {
    struct cli_options common; /* first, where its rows look for it */
    bool force;
};

struct session2pb {
    const struct options *options;
    spb_converter *converter;
    spb_documents *documents;
    struct spb_bytes message; /* one session, before it is framed */
    struct output output;
    uint64_t written; /* sessions, of all inputs */
};

static const struct cli_option option_force = {
    .name = "force",
    .kind = CLI_FLAG,
    .offset = offsetof(struct options, force),
    .help = "write to a terminal, too",
};

static const struct cli_option *const option_table[] = {
    &cli_option_output,  &cli_option_framing, &cli_option_unknown,
    &cli_option_lenient, &cli_option_check,   &option_force,
    &cli_option_help,    &cli_option_version, NULL,
};

static const struct cli_tool tool = {
    .name = "session2pb",
    .about = "Convert Genesys Cloud journey sessions from JSON to protobuf.\n"
             "A FILE holds sessions, listings, notifications or EventBridge events, one behind\n"
             "another or in arrays. Without FILE, or where it is -, standard input is read.\n",
    .options = option_table,
};

static enum cli_status reject(const struct session2pb *self, const struct input *input,
                              const struct spb_error *error)
{
    if (error->status == SPB_NO_MEMORY)
        return cli_no_memory();
    cli_error("%s:%zu:%zu: record %" PRIu64 ": %s%s%s", input->name, error->line, error->column,
              spb_documents_count(self->documents).sessions + 1, error->path,
              error->path[0] != '\0' ? ": " : "", error->reason);
    return cli_record_status(error->status);
}

/* The document that was just converted is one more than the framing can hold. */
static enum cli_status reject_second(const struct session2pb *self, const struct input *input)
{
    cli_error("%s: record %" PRIu64 ": raw framing holds one session; use --framing=delimited "
              "for more",
              input->name, spb_documents_count(self->documents).sessions);
    return CLI_REJECTED;
}

static enum cli_status reject_nothing(void)
{
    cli_error("raw framing holds one session, and there is none");
    return CLI_REJECTED;
}

static enum cli_status write_message(struct session2pb *self, const struct input *input)
{
    enum spb_framing framing = (enum spb_framing)self->options->common.framing;

    if (framing == SPB_FRAMING_RAW && self->written > 0)
        return reject_second(self, input);
    if (spb_frame_append(framing, self->message.data, self->message.len, &self->output.bytes) !=
        SPB_OK)
        return cli_no_memory();
    self->message.len = 0;
    self->written++;
    return output_record(&self->output);
}

/* Whatever is converted goes out before the tool waits: its reader may be waiting, too. */
static enum cli_status read_more(struct session2pb *self, const struct input *input,
                                 bool *ended_out)
{
    enum cli_status status = CLI_OK;
    char *space;
    size_t len;

    if (input_would_wait(input))
        status = output_flush(&self->output);
    if (status != CLI_OK)
        return status;
    if (spb_documents_space(self->documents, &space, &len) != SPB_OK)
        return cli_no_memory();
    status = input_read(input, space, len, &len);
    if (status != CLI_OK)
        return status;

    *ended_out = len == 0;
    if (*ended_out)
        spb_documents_finish(self->documents);
    else
        spb_documents_commit(self->documents, len);
    return CLI_OK;
}

static enum cli_status convert_input(void *context, struct input *input)
{
    struct session2pb *self = context;
    enum cli_status status = CLI_OK;
    bool ended = false;

    spb_documents_reset(self->documents);
    while (status == CLI_OK) {
        struct spb_error error;
        enum spb_status next = spb_documents_next(self->documents, &self->message, &error);

        if (next == SPB_OK)
            status = write_message(self, input);
        else if (next == SPB_NEED_MORE && !ended)
            status = read_more(self, input, &ended);
        else if (next == SPB_END)
            break;
        else
            status = reject(self, input, &error);
    }
    return status;
}

static enum cli_status convert_all(struct session2pb *self)
{
    const struct cli_options *common = &self->options->common;
    enum cli_status status = CLI_OK;

    self->converter = cli_converter(common);
    if (self->converter != NULL)
        self->documents = spb_documents_new(self->converter);
    if (self->documents == NULL)
        return cli_no_memory();

    status = input_each(common->files, convert_input, self);
    if (status == CLI_OK && common->framing == SPB_FRAMING_RAW && self->written == 0)
        status = reject_nothing();
    return status;
}

static enum cli_status run(const struct options *options)
{
    struct session2pb self = { .options = options };
    struct output_target target = {
        .path = options->common.output,
        .discard = options->common.check,
        .refuse_terminal = !options->force,
    };
    enum cli_status status = output_open(&self.output, &target);

    if (status == CLI_OK)
        status = convert_all(&self);
    status = output_close(&self.output, status);
    spb_bytes_release(&self.message);
    spb_documents_free(self.documents);
    spb_converter_free(self.converter);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    enum cli_status status;

    if (cli_parse(&tool, argc, argv, &options.common, &status))
        status = run(&options);
    return cli_exit_code(status);
}
