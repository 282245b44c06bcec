/*
 * Messages from a stream of NATS JetStream, fetched in batches by a durable pull consumer. Several
 * processes may share one. Messages that are kept are held until they are written, and then acknowledged; a
 * thread tells the server meanwhile that they are worked on, however long the output takes.
 *
 * The library makes a broken connection again. What was acknowledged on a connection that broke before the
 * server had answered is acknowledged once more.
 */
#define _POSIX_C_SOURCE 200809L

#include "transport/nats.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sessionpb/bytes.h>

#include "clock.h"
#include "signals.h"
#include "transport/nats_durable.h"
#include "transport/nats_link.h"

enum {
    BATCH = 512,
    BATCH_BYTES = 8 * 1024 * 1024,
    HELD_MAX = 8192, /* messages that wait to be written */
    HELD_BYTES_MAX = 16 * 1024 * 1024,
    ANSWER_MS = 2000,     /* for one acknowledgement */
    GONE_MS = 300 * 1000, /* how long a server may be gone */
    STOP_MS = 5000,       /* the same after a signal */
    SICK_MS = 10 * 1000,  /* how long one that is there may be of no use */
    BEATS = 3,            /* in the time after which the server gives a message to another one */
    MEMORIES = 65536,     /* of messages that were kept */
    NS_PER_MS = 1000000,
    MS_PER_S = 1000,
};

static const char acknowledged[] = "+ACK";
static const char refused[] = "-NAK";
static const char worked_on[] = "+WPI";

/* A message that was kept, to know it when it comes again. */
struct memory {
    uint64_t sequence;
    int64_t time;
};

struct nats_reader {
    struct consumer base;
    struct nats_link link;
    struct nats_durable durable;

    /* Under link.lock, since the heart beats for all of them. */
    natsMsg *fetched[BATCH];
    int fetched_count;
    int at; /* in what is fetched: the message that the keeper has, or the next one */
    natsMsg *held[HELD_MAX];
    size_t held_count;
    bool ended;

    size_t held_bytes;
    int batch;
    struct spb_bytes message;
    jsMsgMetaData *about; /* the message */
    struct memory *memories;

    pthread_t heart;
    pthread_cond_t end;
    bool beating;
    uint64_t beat_ms;

    uint64_t trouble_ms; /* since when nothing can be fetched; 0: all is well */
};

static void lock(struct nats_reader *reader)
{
    pthread_mutex_lock(&reader->link.lock);
}

static void unlock(struct nats_reader *reader)
{
    pthread_mutex_unlock(&reader->link.lock);
}

static void tell_server(struct nats_reader *reader, natsMsg *message, const char *what)
{
    (void)natsConnection_PublishString(reader->link.connection, natsMsg_GetReply(message), what);
}

/* -- The heart ----------------------------------------------------------------------------- */

static void beat(struct nats_reader *reader)
{
    if (natsConnection_Status(reader->link.connection) != NATS_CONN_STATUS_CONNECTED)
        return;
    for (size_t i = 0; i < reader->held_count; i++)
        tell_server(reader, reader->held[i], worked_on);
    for (int i = reader->at; i < reader->fetched_count; i++)
        tell_server(reader, reader->fetched[i], worked_on);
}

static void *live(void *context)
{
    struct nats_reader *reader = context;
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    lock(reader);
    while (!reader->ended) {
        until.tv_sec += (time_t)(reader->beat_ms / MS_PER_S);
        until.tv_nsec += (long)(reader->beat_ms % MS_PER_S) * NS_PER_MS;
        until.tv_sec += until.tv_nsec / (MS_PER_S * (long)NS_PER_MS);
        until.tv_nsec %= MS_PER_S * (long)NS_PER_MS;
        while (!reader->ended &&
               pthread_cond_timedwait(&reader->end, &reader->link.lock, &until) == 0)
            continue;
        if (!reader->ended)
            beat(reader);
    }
    unlock(reader);
    return NULL;
}

static bool start_heart(struct nats_reader *reader)
{
    uint64_t wait_ms = (uint64_t)(reader->durable.ack_wait_ns / NS_PER_MS);

    reader->beat_ms = wait_ms > BEATS ? wait_ms / BEATS : 1;
    signals_hide();
    reader->beating = pthread_create(&reader->heart, NULL, live, reader) == 0;
    signals_show();
    return reader->beating;
}

static void stop_heart(struct nats_reader *reader)
{
    if (!reader->beating)
        return;
    lock(reader);
    reader->ended = true;
    pthread_cond_signal(&reader->end);
    unlock(reader);
    (void)pthread_join(reader->heart, NULL);
}

/* -- Opening ------------------------------------------------------------------------------- */

static enum cli_status fail(struct nats_reader *reader, const char *reason)
{
    return consumer_fail(&reader->base, reason);
}

static enum cli_status connect_reader(struct nats_reader *reader)
{
    char reason[NATS_REASON_SIZE];
    jsOptions options;
    enum cli_status status;

    if (jsOptions_Init(&options) != NATS_OK)
        return cli_no_memory();
    if (nats_link_connect(&reader->link, reader->base.options.timeout_ms, &options, reason) !=
        NATS_OK)
        return fail(reader, reason);
    status = nats_durable_open(&reader->link, &reader->durable);
    if (status == CLI_OK && !start_heart(reader))
        status = cli_no_memory();
    return status;
}

static bool make(struct nats_reader *reader)
{
    pthread_condattr_t attributes;
    bool made = pthread_condattr_init(&attributes) == 0;

    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    made = made && pthread_cond_init(&reader->end, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    reader->memories = calloc(MEMORIES, sizeof(*reader->memories));
    reader->batch = 1;
    return made && reader->memories != NULL;
}

static enum cli_status open_nats(const struct consumer_options *options,
                                 struct consumer **consumer_out)
{
    struct nats_reader *reader = calloc(1, sizeof(*reader));
    enum cli_status status;

    if (reader == NULL)
        return cli_no_memory();
    reader->base = (struct consumer){ .kind = &nats_consumer, .options = *options };
    reader->link.reconnects = true;
    *consumer_out = &reader->base;
    status = nats_link_open(&reader->link, options->endpoint, &options->access, true);
    reader->base.options.endpoint = reader->link.place.shown;
    if (!make(reader))
        return cli_no_memory();
    return status == CLI_OK ? connect_reader(reader) : status;
}

/* -- Trouble ------------------------------------------------------------------------------- */

static const char gone[] = "the stream or its durable consumer is gone";

/* Nothing can be done for now. CLI_OK after a pause: try again. */
static enum cli_status bear(struct nats_reader *reader, natsStatus status, int pause_ms)
{
    bool there = natsConnection_Status(reader->link.connection) == NATS_CONN_STATUS_CONNECTED;
    uint64_t most_ms = signals_want_stop() ? STOP_MS : there ? SICK_MS : GONE_MS;
    char reason[NATS_REASON_SIZE];

    reader->base.trouble = there ? "the server gives no messages" : "the connection is broken";
    if (reader->trouble_ms == 0) {
        reader->trouble_ms = clock_ms();
        if (!there && !reader->base.options.quiet)
            cli_error("%s: the connection is broken; trying again", reader->base.options.endpoint);
    }
    if (nats_link_forbids(&reader->link, reason))
        return fail(reader, reason);
    if (natsConnection_IsClosed(reader->link.connection) ||
        clock_ms() - reader->trouble_ms >= most_ms) {
        nats_link_reason(there ? status : NATS_CONNECTION_CLOSED, reason);
        if (there && status == NATS_ERR)
            return fail(reader, reader->durable.reason);
        if (there && status == NATS_NO_RESPONDERS)
            return fail(reader, gone);
        return fail(reader, reason);
    }
    (void)signals_wait(NULL, 0, pause_ms);
    return CLI_OK;
}

static void recover(struct nats_reader *reader)
{
    reader->trouble_ms = 0;
    reader->base.trouble = NULL;
}

/* -- Fetching ------------------------------------------------------------------------------ */

static struct memory *remember(struct nats_reader *reader, uint64_t sequence)
{
    return &reader->memories[sequence % MEMORIES];
}

/* Whether this process has kept the message, and its acknowledgement was lost with a server, which may have
   forgotten that it has ever delivered it. */
static bool was_kept(struct nats_reader *reader)
{
    const jsMsgMetaData *about = reader->about;
    const struct memory *memory = remember(reader, about->Sequence.Stream);

    return memory->sequence == about->Sequence.Stream && memory->time == about->Timestamp;
}

static natsMsg *first_fetched(const struct nats_reader *reader)
{
    return reader->at < reader->fetched_count ? reader->fetched[reader->at] : NULL;
}

/* Take the first message out of what is fetched. */
static natsMsg *take_first(struct nats_reader *reader)
{
    natsMsg *first = first_fetched(reader);

    reader->at++;
    if (reader->at == reader->fetched_count)
        reader->at = reader->fetched_count = 0;
    return first;
}

/* Hold a message until everything is written. */
static void hold(struct nats_reader *reader)
{
    natsMsg *message;

    lock(reader);
    message = take_first(reader);
    reader->held[reader->held_count++] = message;
    unlock(reader);
    reader->held_bytes += (size_t)natsMsg_GetDataLength(message);
}

static bool is_full(const struct nats_reader *reader)
{
    return reader->held_count + BATCH > HELD_MAX || reader->held_bytes > HELD_BYTES_MAX;
}

/* As many as fit, judged by the last ones. */
static int next_batch(const struct nats_reader *reader)
{
    int64_t most = (int64_t)reader->batch * 4;
    int64_t bytes = 1;
    int64_t fits;

    for (int i = 0; i < reader->fetched_count; i++)
        bytes += natsMsg_GetDataLength(reader->fetched[i]);
    fits = (int64_t)BATCH_BYTES * reader->fetched_count / bytes;
    if (fits > most)
        fits = most;
    return fits < 1 ? 1 : fits > BATCH ? BATCH : (int)fits;
}

static enum cli_status fetch(struct nats_reader *reader, int timeout_ms)
{
    natsMsg *messages[BATCH];
    int count = 0;
    natsStatus status;

    if (is_full(reader)) {
        (void)signals_wait(NULL, 0, timeout_ms);
        return CLI_OK;
    }
    /* What is requested while there is no server would all come at once later */
    if (natsConnection_Status(reader->link.connection) != NATS_CONN_STATUS_CONNECTED)
        return bear(reader, NATS_CONNECTION_DISCONNECTED, timeout_ms);
    status = nats_durable_fetch(&reader->link, &reader->durable, messages, reader->batch,
                                timeout_ms, &count);
    if (status == NATS_INVALID_SUBSCRIPTION)
        return fail(reader, gone);
    if (status != NATS_OK && status != NATS_NOT_FOUND)
        return bear(reader, status, timeout_ms);
    recover(reader);
    lock(reader);
    for (int i = 0; i < count; i++)
        reader->fetched[i] = messages[i];
    reader->fetched_count = count;
    unlock(reader);
    if (count > 0)
        reader->batch = next_batch(reader);
    return CLI_OK;
}

/* Look at the first message that is fetched; a copy has bytes behind it. */
static enum cli_status hand_out(struct nats_reader *reader, struct incoming *message_out)
{
    natsMsg *first = first_fetched(reader);
    size_t len = (size_t)natsMsg_GetDataLength(first);

    (void)snprintf(message_out->place, sizeof(message_out->place), "sequence %" PRIu64,
                   reader->about->Sequence.Stream);
    if (len > reader->base.options.message_max) {
        cli_error("%s: %s: a message of %zu bytes; '--message-max' is %zu",
                  reader->base.options.endpoint, message_out->place, len,
                  reader->base.options.message_max);
        return CLI_REJECTED;
    }
    reader->message.len = 0;
    if (spb_bytes_reserve(&reader->message, len + SPB_PADDING) != SPB_OK)
        return cli_no_memory();
    memcpy(reader->message.data, natsMsg_GetData(first), len);
    memset(reader->message.data + len, 0, SPB_PADDING);
    message_out->data = reader->message.data;
    message_out->len = len;
    return CLI_OK;
}

/* What this process has kept is only acknowledged again, behind what is still to be written. */
static void acknowledge_again(struct nats_reader *reader)
{
    natsMsg *message;

    if (reader->held_count > 0 && reader->held_count < HELD_MAX) {
        hold(reader);
        return;
    }
    lock(reader);
    message = take_first(reader);
    unlock(reader);
    tell_server(reader, message, acknowledged);
    natsMsg_Destroy(message);
}

static enum cli_status next(struct consumer *consumer, int timeout_ms, struct incoming *message_out)
{
    struct nats_reader *reader = (struct nats_reader *)consumer;
    enum cli_status status = CLI_OK;

    if (first_fetched(reader) == NULL && timeout_ms > 0)
        status = fetch(reader, timeout_ms);
    while (status == CLI_OK && first_fetched(reader) != NULL) {
        jsMsgMetaData_Destroy(reader->about);
        reader->about = NULL;
        if (natsMsg_GetMetaData(&reader->about, first_fetched(reader)) != NATS_OK)
            return fail(reader, "the server sends what is no message of a stream");
        if (!was_kept(reader))
            return hand_out(reader, message_out);
        acknowledge_again(reader);
    }
    return status;
}

static void keep(struct consumer *consumer)
{
    struct nats_reader *reader = (struct nats_reader *)consumer;
    const jsMsgMetaData *about = reader->about;

    *remember(reader, about->Sequence.Stream) =
        (struct memory){ about->Sequence.Stream, about->Timestamp };
    hold(reader);
}

/* -- Acknowledging ------------------------------------------------------------------------- */

/* How many connections there were before this one. */
static uint64_t connections(const struct nats_reader *reader)
{
    natsStatistics *statistics = NULL;
    uint64_t count = 0;

    if (natsStatistics_Create(&statistics) == NATS_OK &&
        natsConnection_GetStats(reader->link.connection, statistics) == NATS_OK)
        (void)natsStatistics_GetCounts(statistics, NULL, NULL, NULL, NULL, &count);
    natsStatistics_Destroy(statistics);
    return count;
}

/* The server takes them in their order, so its answer to the last stands for all. */
static natsStatus acknowledge_once(struct nats_reader *reader)
{
    uint64_t before = connections(reader);
    size_t last = reader->held_count - 1;
    natsMsg *answer = NULL;
    natsStatus status;

    for (size_t i = 0; i < last; i++)
        tell_server(reader, reader->held[i], acknowledged);
    status =
        natsConnection_RequestString(&answer, reader->link.connection,
                                     natsMsg_GetReply(reader->held[last]), acknowledged, ANSWER_MS);
    natsMsg_Destroy(answer);
    if (status == NATS_OK && connections(reader) != before)
        return NATS_CONNECTION_DISCONNECTED;
    return status;
}

static void drop_held(struct nats_reader *reader)
{
    lock(reader);
    for (size_t i = 0; i < reader->held_count; i++)
        natsMsg_Destroy(reader->held[i]);
    reader->held_count = 0;
    unlock(reader);
    reader->held_bytes = 0;
}

static enum cli_status acknowledge(struct consumer *consumer)
{
    struct nats_reader *reader = (struct nats_reader *)consumer;
    enum cli_status status = CLI_OK;

    while (reader->held_count > 0) {
        natsStatus answer = acknowledge_once(reader);

        if (answer == NATS_OK) {
            recover(reader);
            drop_held(reader);
        } else {
            status = bear(reader, answer, ANSWER_MS / BEATS);
        }
        if (status != CLI_OK) {
            cli_error("%s: %zu sessions are written and may not be acknowledged: they come again",
                      reader->base.options.endpoint, reader->held_count);
            break;
        }
    }
    return status;
}

/* -- The end ------------------------------------------------------------------------------- */

/* Another consumer shall have them at once. */
static void give_back(struct nats_reader *reader)
{
    for (size_t i = 0; i < reader->held_count; i++)
        tell_server(reader, reader->held[i], refused);
    for (int i = reader->at; i < reader->fetched_count; i++)
        tell_server(reader, reader->fetched[i], refused);
    (void)natsConnection_FlushTimeout(reader->link.connection, ANSWER_MS);
}

static void close_nats(struct consumer *consumer)
{
    struct nats_reader *reader = (struct nats_reader *)consumer;

    stop_heart(reader);
    if (reader->link.connection != NULL)
        give_back(reader);
    drop_held(reader);
    while (first_fetched(reader) != NULL)
        natsMsg_Destroy(take_first(reader));
    jsMsgMetaData_Destroy(reader->about);
    nats_durable_close(&reader->durable);
    nats_link_close(&reader->link);
    (void)pthread_cond_destroy(&reader->end);
    spb_bytes_release(&reader->message);
    free(reader->memories);
    free(reader);
}

const struct consumer_kind nats_consumer = {
    .open = open_nats,
    .next = next,
    .keep = keep,
    .acknowledge = acknowledge,
    .close = close_nats,
};
