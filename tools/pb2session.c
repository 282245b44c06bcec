/*
 * pb2session: Sessions from protobuf bytes to canonical JSON, a document a line. Frames are found in
 * a buffer of what has arrived, which grows with that and never with a length that a frame declares.
 */
#include <inttypes.h>
#include <string.h>

#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "output.h"

enum { READ_LEN = 256 * 1024 };

struct options {
    struct cli_options common; /* first, where its rows look for it */
    bool pretty;
};

struct pb2session {
    const struct options *options;
    spb_converter *converter;
    struct spb_bytes text; /* one document, before it is indented */
    struct output output;

    /* Of the current input: */
    struct spb_bytes arrived;
    size_t used;     /* bytes of `arrived` that are converted */
    uint64_t offset; /* of its first byte that is not */
    uint64_t count;  /* records converted */
    bool ended;      /* all has arrived */
};

static const struct cli_option option_pretty = {
    .name = "pretty",
    .kind = CLI_FLAG,
    .offset = offsetof(struct options, pretty),
    .help = "indent by two spaces",
};

static const struct cli_option *const option_table[] = {
    &cli_option_output,  &cli_option_framing, &option_pretty,
    &cli_option_unknown, &cli_option_lenient, &cli_option_check,
    &cli_option_help,    &cli_option_version, NULL,
};

static const struct cli_tool tool = {
    .name = "pb2session",
    .about = "Convert Genesys Cloud journey sessions from protobuf to canonical JSON,\n"
             "one document a line. Standard input is read where there is no FILE, or where\n"
             "FILE is -.\n",
    .options = option_table,
};

/* `start` is the place in the input that error->offset counts from. */
static enum cli_status reject(const struct pb2session *self, const struct input *input,
                              uint64_t start, const struct spb_error *error)
{
    if (error->status == SPB_NO_MEMORY)
        return cli_no_memory();
    cli_error("%s: record %" PRIu64 ": byte %" PRIu64 ": %s%s%s", input->name, self->count + 1,
              start + error->offset, error->path, error->path[0] != '\0' ? ": " : "",
              error->reason);
    return cli_record_status(error->status);
}

static enum cli_status write_line_end(struct pb2session *self)
{
    if (spb_bytes_append(&self->output.bytes, "\n", 1) != SPB_OK)
        return cli_no_memory();
    return output_record(&self->output);
}

static enum cli_status convert_message(struct pb2session *self, const struct input *input,
                                       const struct spb_frame *frame)
{
    size_t header_len = frame->frame_len - frame->message_len;
    struct spb_bytes *text = self->options->pretty ? &self->text : &self->output.bytes;
    struct spb_error error;

    if (spb_pb_to_json(self->converter, frame->message, frame->message_len, text, &error) != SPB_OK)
        return reject(self, input, self->offset + header_len, &error);
    if (self->options->pretty) {
        if (spb_json_pretty((const char *)text->data, text->len, &self->output.bytes) != SPB_OK)
            return cli_no_memory();
        text->len = 0;
    }
    self->used += frame->frame_len;
    self->offset += frame->frame_len;
    self->count++;
    return write_line_end(self);
}

/* An empty raw input is a message all the same: that of a session without any member. */
static enum cli_status convert_end(struct pb2session *self, const struct input *input)
{
    const struct spb_frame empty = { .message = self->arrived.data };

    if (self->options->common.framing == SPB_FRAMING_RAW && self->count == 0)
        return convert_message(self, input, &empty);
    return CLI_OK;
}

/* Room for as much again as has arrived, and for one big read at least. */
static enum cli_status make_room(struct pb2session *self)
{
    struct spb_bytes *arrived = &self->arrived;

    if (self->used > 0) {
        arrived->len -= self->used;
        memmove(arrived->data, arrived->data + self->used, arrived->len);
        self->used = 0;
    }
    if (arrived->capacity - arrived->len >= READ_LEN)
        return CLI_OK;
    if (spb_bytes_reserve(arrived, arrived->len > READ_LEN ? arrived->len : READ_LEN) != SPB_OK)
        return cli_no_memory();
    return CLI_OK;
}

/* Whatever is converted goes out before the tool waits: its reader may be waiting, too. */
static enum cli_status read_more(struct pb2session *self, const struct input *input)
{
    struct spb_bytes *arrived = &self->arrived;
    enum cli_status status = CLI_OK;
    size_t len = 0;

    if (input_would_wait(input))
        status = output_flush(&self->output);
    if (status == CLI_OK)
        status = make_room(self);
    if (status == CLI_OK)
        status =
            input_read(input, arrived->data + arrived->len, arrived->capacity - arrived->len, &len);
    arrived->len += len;
    self->ended = len == 0;
    return status;
}

static enum cli_status begin_input(struct pb2session *self)
{
    self->arrived.len = 0;
    self->used = 0;
    self->offset = 0;
    self->count = 0;
    self->ended = false;
    return make_room(self);
}

static enum cli_status convert_input(void *context, struct input *input)
{
    struct pb2session *self = context;
    enum spb_framing framing = (enum spb_framing)self->options->common.framing;
    enum cli_status status = begin_input(self);

    while (status == CLI_OK) {
        struct spb_frame frame;
        struct spb_error error;
        enum spb_status found =
            spb_frame_find(framing, self->arrived.data + self->used, self->arrived.len - self->used,
                           self->ended, 0, &frame, &error);

        if (found == SPB_OK)
            status = convert_message(self, input, &frame);
        else if (found == SPB_NEED_MORE && !self->ended)
            status = read_more(self, input);
        else if (found == SPB_END)
            return convert_end(self, input);
        else
            status = reject(self, input, self->offset, &error);
    }
    return status;
}

static enum cli_status convert_all(struct pb2session *self)
{
    self->converter = cli_converter(&self->options->common);
    if (self->converter == NULL)
        return cli_no_memory();
    return input_each(self->options->common.files, convert_input, self);
}

static enum cli_status run(const struct options *options)
{
    struct pb2session self = { .options = options };
    struct output_target target = {
        .path = options->common.output,
        .discard = options->common.check,
    };
    enum cli_status status = output_open(&self.output, &target);

    if (status == CLI_OK)
        status = convert_all(&self);
    status = output_close(&self.output, status);
    spb_bytes_release(&self.arrived);
    spb_bytes_release(&self.text);
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
