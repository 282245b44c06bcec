/*
 * The keeper of what is received: each session is converted at once, so that its sender learns at once
 * when it is bad.
 */
#include "receiver.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "append.h"
#include "job.h"
#include "server.h"
#include "sink.h"
#include "transport/consumer.h"

enum {
    CONNECTIONS = 1024,
    MESSAGE_MAX = 4 << 20, /* what gRPC takes by default; sessions have a few kilobytes */
    IDLE_S = 600,          /* session2pb is heard of every minute */
    FRAME_S = 60,
    CONNECT_S = 30,
    ARCHIVE_HOLD_MS = 1000, /* short frames compress badly */
    LINES_HOLD_MS = 100,    /* while some senders send without a pause */
    MS_PER_S = 1000,
    DECIMAL = 10,
};

struct receiver {
    struct pb2session_options options;
    struct job job;
    struct sink sink;      /* of an archive */
    struct server *server; /* where messages come from: one of both */
    struct consumer *consumer;
    struct spb_bytes text; /* a session for an archive, converted only to see whether it is right */
};

/* -- Keeping ------------------------------------------------------------------------------- */

static enum cli_status convert(struct receiver *self, const uint8_t *message, size_t len,
                               struct spb_bytes *text, struct spb_error *error)
{
    enum spb_status status = spb_pb_to_json(self->job.converter, message, len, text, error);

    if (status == SPB_OK)
        return CLI_OK;
    return status == SPB_NO_MEMORY ? cli_no_memory() : cli_record_status(status);
}

static enum cli_status keep_line(struct receiver *self, const uint8_t *message, size_t len,
                                 struct spb_error *error)
{
    struct spb_bytes *out = &self->job.output.bytes;
    enum cli_status status = convert(self, message, len, out, error);

    if (status != CLI_OK)
        return status;
    if (spb_bytes_append(out, "\n", 1) != SPB_OK)
        return cli_no_memory();
    return output_record(&self->job.output);
}

static enum cli_status keep_message(struct receiver *self, const uint8_t *message, size_t len,
                                    struct spb_error *error)
{
    enum cli_status status;

    self->text.len = 0;
    status = convert(self, message, len, &self->text, error);
    return status == CLI_OK ? sink_add(&self->sink, message, len) : status;
}

static enum cli_status take(void *context, const uint8_t *message, size_t len,
                            struct spb_error *error)
{
    struct receiver *self = context;
    struct job *job = &self->job;
    enum cli_status status = self->options.common.zstd.given
                                 ? keep_message(self, message, len, error)
                                 : keep_line(self, message, len, error);

    if (status == CLI_REJECTED && job_skips_bad(job))
        job->meter.rejected++;
    if (status != CLI_OK)
        return status;
    job->meter.records++;
    (void)job_takes(job);
    return job_wants_more(job);
}

static enum cli_status commit(void *context)
{
    struct receiver *self = context;
    enum cli_status status = sink_flush(&self->sink);

    if (status == CLI_OK && self->options.fsync)
        status = output_sync(&self->job.output);
    return status;
}

static void arrived(void *context, size_t len)
{
    struct receiver *self = context;

    meter_read(&self->job.meter, len);
}

static void tell(void *context)
{
    struct receiver *self = context;

    self->job.meter.bytes_out = self->job.output.written;
    meter_tell(&self->job.meter);
}

/* -- Running ------------------------------------------------------------------------------- */

static uint64_t value_or(const struct cli_count *count, uint64_t otherwise)
{
    return count->given ? count->value : otherwise;
}

/* Numbers of users or groups. They are the caller's, to be freed. */
static enum cli_status read_ids(const struct cli_list *list, const char *option, uid_t **ids_out)
{
    uid_t *ids = malloc((list->count + 1) * sizeof(*ids));

    *ids_out = ids;
    if (ids == NULL)
        return cli_no_memory();
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i];
        char *end;
        uintmax_t id = strtoumax(text, &end, DECIMAL);

        if (text[0] < '0' || text[0] > '9' || *end != '\0' || id >= (uid_t)-1) {
            cli_error("'%s' is no value of '--%s': it takes a number", text, option);
            return CLI_USAGE;
        }
        ids[i] = (uid_t)id; /* NOLINT(clang-analyzer-unix.Malloc): count + 1 is not 0 */
    }
    return CLI_OK;
}

static int hold_ms(const struct pb2session_options *options)
{
    return options->common.zstd.given ? ARCHIVE_HOLD_MS : LINES_HOLD_MS;
}

static struct server_options server_options(const struct receiver *self, const uid_t *uids,
                                            const gid_t *gids)
{
    const struct pb2session_options *options = &self->options;

    return (struct server_options){
        .endpoints = &options->endpoints,
        .framing = cli_framing(&options->common),
        .message_max = (size_t)value_or(&options->message_max, MESSAGE_MAX),
        .connections_max = (size_t)value_or(&options->max_connections, CONNECTIONS),
        .idle_ms = (int)value_or(&options->idle_timeout, IDLE_S) * MS_PER_S,
        .frame_ms = (int)value_or(&options->frame_timeout, FRAME_S) * MS_PER_S,
        .hold_ms = hold_ms(options),
        .eager = !options->common.zstd.given,
        .skips_bad = options->common.on_error == CLI_ON_ERROR_SKIP,
        .remote = options->insecure_remote,
        .access = transport_access(&options->common),
        .uids = uids,
        .uid_count = options->uids.count,
        .gids = gids,
        .gid_count = options->gids.count,
        .quiet = options->common.quiet,
        .stats = options->common.stats,
    };
}

/* Until there is no more to receive. */
static enum cli_status receive(struct receiver *self)
{
    const struct keeper keeper = { self, take, commit, arrived, tell };

    return self->server != NULL ? server_run(self->server, &keeper)
                                : consumer_run(self->consumer, &keeper);
}

static enum cli_status keep_all(struct receiver *self)
{
    enum cli_status status = sink_open(&self->sink, &self->options.common, &self->job.output, NULL);
    enum cli_status finished;

    if (status == CLI_OK)
        status = job_wants_more(&self->job);
    if (status == CLI_OK)
        status = receive(self);
    if (status != CLI_OK && status != CLI_ENOUGH && status != CLI_REJECTED)
        return status;
    finished = sink_finish(&self->sink);
    return finished == CLI_OK ? status : finished;
}

/* With the endpoint open: whatever is wrong with an endpoint, no file is made. */
static enum cli_status write_all(struct receiver *self)
{
    const struct cli_options *options = &self->options.common;
    const struct output_target target = {
        .append = true,
        .durable = self->options.fsync,
        .refuse_terminal = options->zstd.given && !options->force,
    };
    enum cli_status status = job_begin(&self->job, options, "bytes lost", target);

    if (status == CLI_OK && options->output != NULL)
        status = append_prepare(&self->job.output, self->job.converter, !options->zstd.given);
    if (status == CLI_OK)
        status = keep_all(self);
    if (status == CLI_READER_GONE)
        cli_error("whoever read '%s' is gone", self->job.output.name);
    sink_release(&self->sink);
    spb_bytes_release(&self->text);
    return job_end(&self->job, status);
}

static enum cli_status listen_and_write(struct receiver *self, const uid_t *uids, const gid_t *gids)
{
    const struct server_options options = server_options(self, uids, gids);
    enum cli_status status = server_open(&options, &self->server);

    if (status == CLI_OK)
        status = write_all(self);
    server_close(self->server);
    return status;
}

static enum cli_status fetch_and_write(struct receiver *self)
{
    const struct pb2session_options *options = &self->options;
    const struct consumer_options from = {
        .endpoint = options->connect,
        .access = transport_access(&options->common),
        .framing = cli_framing(&options->common),
        .message_max = (size_t)value_or(&options->message_max, MESSAGE_MAX),
        .timeout_ms = CONNECT_S * MS_PER_S,
        .idle_exit_ms = (int)options->idle_exit.value * MS_PER_S,
        .hold_ms = hold_ms(options),
        .eager = !options->common.zstd.given,
        .skips_bad = options->common.on_error == CLI_ON_ERROR_SKIP,
        .quiet = options->common.quiet,
    };
    enum cli_status status = consumer_open(&from, &self->consumer);

    if (status == CLI_OK)
        status = write_all(self);
    consumer_close(self->consumer);
    return status;
}

/* What no row of the options can say. */
static bool can_listen(const struct pb2session_options *options)
{
    bool restricted = options->uids.count + options->gids.count > 0;

    for (size_t i = 0; i < options->endpoints.count && restricted; i++)
        if (strncmp(options->endpoints.items[i], "tcp:", 4) == 0) {
            cli_error(
                "'--allow-uid' and '--allow-gid' are for Unix sockets: nobody knows who sends "
                "over %s",
                options->endpoints.items[i]);
            return false;
        }
    return true;
}

static enum cli_status listen_as_told(struct receiver *self)
{
    const struct pb2session_options *options = &self->options;
    uid_t *uids = NULL;
    gid_t *gids = NULL;
    enum cli_status status;

    if (!can_listen(options))
        return CLI_USAGE;
    status = read_ids(&options->uids, "allow-uid", &uids);
    if (status == CLI_OK)
        status = read_ids(&options->gids, "allow-gid", &gids);
    if (status == CLI_OK)
        status = listen_and_write(self, uids, gids);
    free(uids);
    free(gids);
    return status;
}

enum cli_status receiver_run(const struct pb2session_options *options)
{
    static char *const no_files[] = { NULL };
    struct receiver self = { .options = *options };

    if (options->common.files_given) {
        cli_error("'--%s' takes no FILE", options->connect != NULL ? "connect" : "listen");
        return CLI_USAGE;
    }
    self.options.common.files = no_files;
    return options->connect != NULL ? fetch_and_write(&self) : listen_as_told(&self);
}
