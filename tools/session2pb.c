/*
 * session2pb: Sessions from JSON text to protobuf bytes. Text is pushed into a stream of documents,
 * messages are pulled out of it and framed.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <sessionpb/documents.h>
#include <sessionpb/frame.h>

#include "cli.h"
#include "input.h"
#include "job.h"
#include "sink.h"
#include "transport/publisher.h"

enum {
    HINT_SIZE = 80,
    MS_PER_S = 1000,
    NUMBER_MAX = 1000000, /* of seconds, or of sessions between receipts, or in a window */
    RETRY_S = 60,         /* long enough for a receiver to be started again */
    TIMEOUT_S = 300,      /* a receiver whose output is stuck is not gone yet */
};

struct options {
    struct cli_options common; /* first, where its rows look for it */
    const char *connect;       /* the endpoint; NULL: the output is a file */
    struct cli_count receipt_every;
    struct cli_count retry; /* seconds; 0 for the default */
    struct cli_count timeout;
    struct cli_count window;
    struct cli_count schema_id;
    bool no_receipt;
};

struct session2pb {
    const struct options *options;
    struct job job;
    spb_documents *documents;
    struct spb_bytes message; /* one session, before it is framed */
    struct sink sink;
    struct publisher *publisher; /* NULL: the output is a file */
    uint64_t written;            /* sessions, of all inputs */

    bool ended; /* all of the current input has arrived */
};

/* -- The command line ---------------------------------------------------------------------- */

static const struct cli_option option_connect = {
    .name = "connect",
    .kind = CLI_TEXT,
    .offset = offsetof(struct options, connect),
    .value = "ENDPOINT",
    .help = "send to unix:PATH, tcp:HOST:PORT, fd:N,\nnats://HOST[:PORT]/SUBJECT or\n"
            "kafka://HOST[:PORT]/TOPIC",
};

static const struct cli_option option_receipt_every = {
    .name = "receipt-every",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct options, receipt_every),
    .value = "N",
    .min = 1,
    .max = NUMBER_MAX,
    .help = "ask for a receipt behind every N sessions",
};

static const struct cli_option option_no_receipt = {
    .name = "no-receipt",
    .kind = CLI_FLAG,
    .network = true,
    .offset = offsetof(struct options, no_receipt),
    .help = "the receiver knows nothing of receipts",
};

static const struct cli_option option_retry = {
    .name = "retry",
    .kind = CLI_COUNT,
    .network = true,
    .value_optional = true,
    .offset = offsetof(struct options, retry),
    .value = "SECONDS",
    .min = 1,
    .max = NUMBER_MAX,
    .help = "connect again for so long (default: 60),\nand send again what is not confirmed",
};

static const struct cli_option option_timeout = {
    .name = "timeout",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct options, timeout),
    .value = "SECONDS",
    .min = 1,
    .max = NUMBER_MAX,
    .help = "wait so long for the receiver\n(default: 300)",
};

static const struct cli_option option_window = {
    .name = "window",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct options, window),
    .value = "N",
    .min = 1,
    .max = NUMBER_MAX,
    .help = "sessions that a broker may have without\nhaving acknowledged them (default: 4096)",
};

static const struct cli_option option_schema_id = {
    .name = "schema-id",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct options, schema_id),
    .value = "N",
    .max = INT32_MAX,
    .help = "put Confluent's wire format in front of\neach message, with this schema",
};

static const struct cli_option *const option_table[] = {
    &cli_option_output,     &cli_option_framing,      &cli_option_zstd,
    &cli_option_frame_size, &cli_option_check,        &cli_option_on_error,
    &cli_option_rejects,    &cli_option_skip,         &cli_option_limit,
    &cli_option_unknown,    &cli_option_lenient,      &cli_option_stats,
    &cli_option_quiet,      &cli_option_force,        &option_connect,
    &cli_option_help,       &cli_option_help_network, &cli_option_version,
    &option_receipt_every,  &option_no_receipt,       &option_retry,
    &option_timeout,        &option_window,           &cli_option_credentials,
    &option_schema_id,      &cli_option_setting,      &cli_option_tls_ca,
    &cli_option_tls_cert,   &cli_option_tls_key,      NULL,
};

static const struct cli_conflict conflicts[] = {
    { &cli_option_zstd, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_LIST },
    { &cli_option_zstd, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_BE32 },
    { &cli_option_zstd, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_RAW },
    { &cli_option_rejects, &cli_option_on_error, CLI_ON_ERROR_STOP },
    { &option_connect, &cli_option_output, 0 },
    { &option_connect, &cli_option_zstd, 0 },
    { &option_connect, &cli_option_check, 0 },
    { &option_connect, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_RAW },
    { &option_no_receipt, &option_receipt_every, 0 },
    { &option_no_receipt, &option_retry, 0 },
    { NULL, NULL, 0 },
};

static const struct cli_need needs[] = {
    { &cli_option_frame_size, &cli_option_zstd, NULL },
    { &option_receipt_every, &option_connect, NULL },
    { &option_no_receipt, &option_connect, NULL },
    { &option_retry, &option_connect, NULL },
    { &option_timeout, &option_connect, NULL },
    { &option_window, &option_connect, NULL },
    { &option_schema_id, &option_connect, NULL },
    { &cli_option_credentials, &option_connect, NULL },
    { &cli_option_setting, &option_connect, NULL },
    { &cli_option_tls_ca, &option_connect, NULL },
    { &cli_option_tls_cert, &option_connect, NULL },
    { &cli_option_tls_key, &option_connect, NULL },
    { &cli_option_tls_cert, &cli_option_tls_key, NULL },
    { &cli_option_tls_key, &cli_option_tls_cert, NULL },
    { NULL, NULL, NULL },
};

static const struct cli_tool tool = {
    .name = "session2pb",
    .about = "Convert Genesys Cloud journey sessions from JSON to protobuf.\n"
             "A FILE holds sessions, listings, notifications or events: one document, NDJSON,\n"
             "concatenated documents or an array. Standard input is read where there is no\n"
             "FILE, or where FILE is -. With --connect, messages go elsewhere.\n",
    .options = option_table,
    .conflicts = conflicts,
    .needs = needs,
};

/* -- Bad records --------------------------------------------------------------------------- */

static uint64_t record_number(const struct session2pb *self)
{
    const struct spb_documents_counts counts = spb_documents_count(self->documents);

    return counts.sessions + counts.rejected + 1;
}

static void report(const struct session2pb *self, const struct input *input,
                   const struct spb_error *error)
{
    char hint[HINT_SIZE] = "";
    uint64_t number = record_number(self);

    if (number == 1)
        (void)input_hint(input, "JSON", hint, sizeof(hint));
    cli_error("%s:%zu:%zu: record %" PRIu64 ": %s%s%s%s", input->name, error->line, error->column,
              number, error->path, error->path[0] != '\0' ? ": " : "", error->reason, hint);
}

/* The document that was just converted is one more than the framing can hold. */
static enum cli_status reject_second(const struct session2pb *self, const struct input *input)
{
    cli_error("%s: record %" PRIu64 ": raw framing holds one session; use --framing=delimited "
              "for more",
              input->name, record_number(self) - 1);
    return CLI_REJECTED;
}

static enum cli_status reject_empty(const struct session2pb *self, const struct input *input)
{
    cli_error("%s: record %" PRIu64 ": an empty session cannot be sent: over a socket, an empty "
              "message asks for a receipt",
              input->name, record_number(self) - 1);
    return CLI_REJECTED;
}

static enum cli_status reject_nothing(void)
{
    cli_error("raw framing holds one session, and there is none");
    return CLI_REJECTED;
}

static enum cli_status read_more(struct session2pb *self, struct input *input);

/* Pass over the bad record, and keep its text where that is wanted. */
static enum cli_status pass_bad(struct session2pb *self, struct input *input, bool keep)
{
    enum cli_status status = CLI_OK;
    enum spb_status passed = SPB_NEED_MORE;

    while (status == CLI_OK && passed == SPB_NEED_MORE) {
        const char *text;
        size_t len;

        passed = spb_documents_reject(self->documents, &text, &len);
        if (passed != SPB_OK && passed != SPB_NEED_MORE)
            status = cli_no_memory();
        else if (keep)
            status = rejects_add(&self->job.rejects, text, len);
        if (status == CLI_OK && passed == SPB_NEED_MORE && !self->ended)
            status = read_more(self, input);
    }
    return status;
}

static enum cli_status reject(struct session2pb *self, struct input *input,
                              const struct spb_error *error)
{
    const struct reject place = { input->name, record_number(self), error->offset, error };
    enum cli_status status = cli_record_status(error->status);

    if (error->status == SPB_NO_MEMORY)
        return cli_no_memory();
    if (status != CLI_REJECTED) {
        report(self, input, error);
        return status;
    }
    if (!job_takes(&self->job))
        return pass_bad(self, input, false);

    self->job.meter.rejected++;
    if (!job_skips_bad(&self->job) || !self->options->common.quiet)
        report(self, input, error);
    if (!job_skips_bad(&self->job))
        return CLI_REJECTED;
    status = pass_bad(self, input, true);
    return status == CLI_OK ? rejects_end_text(&self->job.rejects, &place) : status;
}

/* -- Conversion ---------------------------------------------------------------------------- */

static enum cli_status write_message(struct session2pb *self, const struct input *input)
{
    size_t len = self->message.len;

    self->message.len = 0;
    if (!job_takes(&self->job))
        return CLI_OK;
    if (self->sink.framing == SPB_FRAMING_RAW && self->written > 0)
        return reject_second(self, input);
    if (self->publisher != NULL && len == 0)
        return reject_empty(self, input);
    self->written++;
    self->job.meter.records++;
    return sink_add(&self->sink, self->message.data, len);
}

static enum cli_status read_more(struct session2pb *self, struct input *input)
{
    enum cli_status status = sink_flush_before_wait(&self->sink, input);
    char *space;
    size_t len;

    if (status != CLI_OK)
        return status;
    if (spb_documents_space(self->documents, &space, &len) != SPB_OK)
        return cli_no_memory();
    status = input_read(input, space, len, &len);
    if (status != CLI_OK)
        return status;

    self->ended = len == 0;
    if (self->ended)
        spb_documents_finish(self->documents);
    else
        spb_documents_commit(self->documents, len);
    return CLI_OK;
}

static enum cli_status convert_input(void *context, struct input *input)
{
    struct session2pb *self = context;
    enum cli_status status = job_wants_more(&self->job);

    spb_documents_reset(self->documents);
    self->ended = false;
    while (status == CLI_OK) {
        struct spb_error error;
        enum spb_status next = spb_documents_next(self->documents, &self->message, &error);

        if (next == SPB_OK)
            status = write_message(self, input);
        else if (next == SPB_NEED_MORE && !self->ended)
            status = read_more(self, input);
        else if (next == SPB_END)
            break;
        else
            status = reject(self, input, &error);
        if (status == CLI_OK)
            status = job_wants_more(&self->job);
    }
    self->job.meter.passed += spb_documents_count(self->documents).notices;
    return status;
}

static int milliseconds(const struct cli_count *seconds, int default_s)
{
    return (int)(seconds->value != 0 ? seconds->value : (uint64_t)default_s) * MS_PER_S;
}

static enum cli_status open_publisher(struct session2pb *self)
{
    const struct options *options = self->options;
    const struct publisher_options to = {
        .endpoint = options->connect,
        .access = transport_access(&options->common),
        .converter = self->job.converter,
        .framing = cli_framing(&options->common),
        .receipts = !options->no_receipt,
        .every = options->receipt_every.value,
        .window = options->window.value,
        .schema_id = options->schema_id.given ? (int64_t)options->schema_id.value : -1,
        .timeout_ms = milliseconds(&options->timeout, TIMEOUT_S),
        .retry_ms = options->retry.given ? milliseconds(&options->retry, RETRY_S) : 0,
        .skipped = options->common.skip.value,
        .quiet = options->common.quiet,
    };

    return publisher_open(&to, &self->publisher);
}

static enum cli_status open_sink(struct session2pb *self)
{
    enum cli_status status = self->options->connect != NULL ? open_publisher(self) : CLI_OK;

    if (status != CLI_OK)
        return status;
    return sink_open(&self->sink, &self->options->common, &self->job.output, self->publisher);
}

/* Whether what was converted can still go out, although something failed. */
static bool can_finish(const struct session2pb *self)
{
    return self->publisher != NULL && !self->publisher->failed;
}

static enum cli_status convert_all(struct session2pb *self)
{
    enum cli_status status = open_sink(self);
    enum cli_status finished;

    if (status != CLI_OK)
        return status;
    self->documents = spb_documents_new(self->job.converter);
    if (self->documents == NULL)
        return cli_no_memory();
    status = input_each(self->options->common.files, &self->job.meter, convert_input, self);
    if (status == CLI_OK && self->sink.framing == SPB_FRAMING_RAW && self->written == 0)
        return reject_nothing();
    if (status == CLI_READER_GONE || (status == CLI_FAILED && !can_finish(self)))
        return status;
    finished = sink_finish(&self->sink); /* whole records before a bad one are good, and go out */
    if (finished == CLI_OK && status == CLI_FAILED)
        publisher_tell_confirmed(self->publisher);
    return finished == CLI_OK ? status : finished;
}

static enum cli_status run(const struct options *options)
{
    struct session2pb self = { .options = options };
    const struct output_target target = {
        .discard = options->common.check || options->connect != NULL,
        .refuse_terminal = !options->common.force,
    };
    enum cli_status status = job_begin(&self.job, &options->common, "notices", target);

    if (status == CLI_OK)
        status = convert_all(&self);
    spb_documents_free(self.documents);
    sink_release(&self.sink);
    if (self.publisher != NULL)
        self.job.output.written += self.publisher->bytes;
    publisher_close(self.publisher);
    spb_bytes_release(&self.message);
    return job_end(&self.job, status);
}

int main(int argc, char **argv)
{
    struct options options = { 0 };
    enum cli_status status;

    if (cli_parse(&tool, argc, argv, &options.common, &status))
        status = run(&options);
    free(options.common.settings.items);
    return cli_exit_code(status);
}
