/*
 * Messages to a topic of Kafka's. The idempotent producer keeps each partition in order, through retries; what
 * its delivery reports tell is gathered in a ring, for they come in any order.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "transport/kafka.h"
#include "transport/kafka_client.h"

enum {
    MS_PER_S = 1000,
    TEXT_SIZE = 2 * KAFKA_REASON_SIZE,
    CONNECT_MS = 30 * MS_PER_S,
    SLICE_MS = 50,  /* between two looks at what else goes on */
    IDLE_MS = 1000, /* the same, while there is nothing to confirm */
    WINDOW = 4096,
    NUMBER_SIZE = 24,
    HEAD_LEN = 6, /* of Confluent's wire format, for the first message of a schema */
    BYTE_BITS = 8,
};

struct producer {
    struct publisher base;
    struct kafka_client client;
    rd_kafka_topic_t *topic;
    struct spb_bytes value; /* of the message at hand */
    uint64_t window;
    bool *delivered;      /* a ring: by the message's number modulo the window */
    uint64_t progress_ms; /* when more was confirmed, or nothing was to be */

    /* The first message that cannot be delivered */
    uint64_t failed; /* its number; UINT64_MAX: there is none */
    size_t failed_len;
    rd_kafka_resp_err_t failure;
};

static const struct kafka_setting settings[] = {
    { "enable.idempotence", "true" },
    { "acks", "all" },
    /* A request that timed out is taken for done when a later one is, which leans on the broker's count. */
    { "max.in.flight", "1" },
    { "partitioner", "murmur2_random" },       /* as Kafka's own clients have it */
    { "message.timeout.ms", "0" },             /* none is passed over; see has_patience() */
    { "queue.buffering.max.kbytes", "65536" }, /* however large its messages are */
    { "allow.auto.create.topics", "false" },   /* the name might be misspelt */
    { NULL, NULL },
};

/* -- Reports ------------------------------------------------------------------------------- */

static void note_failure(struct producer *producer, uint64_t number, size_t len,
                         rd_kafka_resp_err_t error)
{
    if (number >= producer->failed)
        return;
    producer->failed = number;
    producer->failed_len = len;
    producer->failure = error;
}

static void hear_report(rd_kafka_t *kafka, const rd_kafka_message_t *report, void *opaque)
{
    struct producer *producer = ((struct kafka_client *)opaque)->owner;
    struct publisher *base = &producer->base;
    uint64_t number = (uint64_t)(uintptr_t)report->_private;

    (void)kafka;
    if (report->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        note_failure(producer, number, report->len, report->err);
        return;
    }
    producer->delivered[number % producer->window] = true;
    while (producer->delivered[base->confirmed % producer->window]) {
        producer->delivered[base->confirmed % producer->window] = false;
        base->confirmed++;
        producer->progress_ms = clock_ms();
    }
}

/* Whether the first message that is not confirmed may still be. Time-outs of librdkafka's own would pass over
   it, and go on with those behind it. */
static bool has_patience(const struct producer *producer)
{
    return clock_ms() - producer->progress_ms < (uint64_t)producer->base.options.timeout_ms;
}

static void describe_failure(const struct producer *producer, char reason[TEXT_SIZE])
{
    char fatal[KAFKA_REASON_SIZE];
    char limit[NUMBER_SIZE] = "";
    size_t limit_size = sizeof(limit);
    uint64_t number = producer->failed + 1;

    if (rd_kafka_fatal_error(producer->client.kafka, fatal, sizeof(fatal)) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)snprintf(reason, TEXT_SIZE, "%s", fatal);
        return;
    }
    if (producer->failure != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
        (void)snprintf(reason, TEXT_SIZE, "session %" PRIu64 ": %s", number,
                       rd_kafka_err2str(producer->failure));
        return;
    }
    (void)rd_kafka_conf_get(rd_kafka_conf(producer->client.kafka), "message.max.bytes", limit,
                            &limit_size);
    (void)snprintf(reason, TEXT_SIZE,
                   "session %" PRIu64 ", of %zu bytes: %s (message.max.bytes is %s here)", number,
                   producer->failed_len, rd_kafka_err2str(producer->failure), limit);
}

static enum cli_status give_up(struct producer *producer)
{
    char reason[TEXT_SIZE];
    const char *trouble = producer->client.reason;

    if (producer->failed < UINT64_MAX)
        describe_failure(producer, reason);
    else
        (void)snprintf(reason, sizeof(reason), "nothing was acknowledged for %d s%s%s",
                       producer->base.options.timeout_ms / MS_PER_S, trouble[0] != '\0' ? ": " : "",
                       trouble);
    return publisher_give_up(&producer->base, reason);
}

/* Until so many messages are confirmed. Those in front of one that failed may still be. */
static enum cli_status await(struct producer *producer, uint64_t count)
{
    const struct publisher *base = &producer->base;

    while (base->confirmed < count && base->confirmed < producer->failed && has_patience(producer))
        (void)rd_kafka_poll(producer->client.kafka, SLICE_MS);
    return base->confirmed >= count ? CLI_OK : give_up(producer);
}

/* -- Sending ------------------------------------------------------------------------------- */

/* The bytes of a schema's id, behind a zero, and the index of its first message. */
static size_t write_head(int64_t schema_id, uint8_t head[HEAD_LEN])
{
    size_t len = 0;

    if (schema_id < 0)
        return 0;
    head[len++] = 0;
    for (int shift = 3 * BYTE_BITS; shift >= 0; shift -= BYTE_BITS)
        head[len++] = (uint8_t)((uint64_t)schema_id >> shift);
    head[len++] = 0;
    return len;
}

/* Hand the message to librdkafka, once it has room for it. */
static enum cli_status produce(struct producer *producer, size_t head_len)
{
    struct publisher *base = &producer->base;
    const struct spb_bytes *value = &producer->value;
    const char *id = NULL;
    size_t id_len = 0;
    enum cli_status status = CLI_OK;

    (void)spb_pb_id(base->options.converter, value->data + head_len, value->len - head_len, &id,
                    &id_len, NULL);
    while (status == CLI_OK) {
        rd_kafka_resp_err_t error;

        if (rd_kafka_produce(producer->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY,
                             value->data, value->len, id, id_len,
                             (void *)(uintptr_t)base->count) == 0)
            break;
        error = rd_kafka_last_error();
        if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && base->confirmed < base->count) {
            status = await(producer, base->confirmed + 1);
        } else {
            note_failure(producer, base->count, value->len, error);
            break;
        }
    }
    return status;
}

static enum cli_status add(struct publisher *publisher, const void *message, size_t len)
{
    struct producer *producer = (struct producer *)publisher;
    uint8_t head[HEAD_LEN];
    size_t head_len = write_head(publisher->options.schema_id, head);
    enum cli_status status = CLI_OK;

    producer->value.len = 0;
    if (spb_bytes_append(&producer->value, head, head_len) != SPB_OK ||
        spb_bytes_append(&producer->value, message, len) != SPB_OK ||
        spb_bytes_reserve(&producer->value, SPB_PADDING) != SPB_OK) {
        publisher->failed = true;
        return cli_no_memory();
    }
    if (publisher->count >= producer->window)
        status = await(producer, publisher->count - producer->window + 1);
    if (publisher->confirmed == publisher->count)
        producer->progress_ms = clock_ms();
    if (status == CLI_OK)
        status = produce(producer, head_len);
    if (status != CLI_OK)
        return status;
    publisher->count++;
    publisher->bytes += producer->value.len;
    (void)rd_kafka_poll(producer->client.kafka, 0);
    return producer->failed < UINT64_MAX ? await(producer, publisher->count) : CLI_OK;
}

static enum cli_status wait_for_input(struct publisher *publisher, int fd)
{
    struct producer *producer = (struct producer *)publisher;

    for (;;) {
        struct pollfd input = { .fd = fd, .events = POLLIN };
        bool idle = publisher->confirmed == publisher->count;

        if (poll(&input, 1, idle ? IDLE_MS : SLICE_MS) > 0)
            return CLI_OK;
        (void)rd_kafka_poll(producer->client.kafka, 0);
        if (!idle && (producer->failed < UINT64_MAX || !has_patience(producer)))
            return await(producer, publisher->count);
    }
}

static enum cli_status finish(struct publisher *publisher)
{
    return await((struct producer *)publisher, publisher->count);
}

/* -- The connection ------------------------------------------------------------------------ */

static enum cli_status connect_to_topic(struct producer *producer)
{
    struct kafka_client *client = &producer->client;
    const struct publisher_options *options = &producer->base.options;
    char window[NUMBER_SIZE];
    struct kafka_setting all[sizeof settings / sizeof settings[0] + 2];
    rd_kafka_conf_t *conf;
    enum cli_status status;

    (void)snprintf(window, sizeof(window), "%" PRIu64, producer->window);
    all[0] = (struct kafka_setting){ "queue.buffering.max.messages", window };
    /* A single message waits in vain for others to go with it. */
    all[1] = (struct kafka_setting){ "linger.ms", producer->window > 1 ? "5" : "0" };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        all[i + 2] = settings[i];
    conf = kafka_configure(client, all);
    if (conf == NULL)
        return CLI_FAILED;
    rd_kafka_conf_set_dr_msg_cb(conf, hear_report);
    status = kafka_connect(client, RD_KAFKA_PRODUCER, conf, &options->access,
                           options->timeout_ms < CONNECT_MS ? options->timeout_ms : CONNECT_MS);
    if (status != CLI_OK)
        return status;
    producer->topic = rd_kafka_topic_new(client->kafka, client->topic, NULL);
    return producer->topic != NULL
               ? CLI_OK
               : kafka_fail(client, "%s", rd_kafka_err2str(rd_kafka_last_error()));
}

static enum cli_status open_kafka(const struct publisher_options *options,
                                  struct publisher **publisher_out)
{
    struct producer *producer = calloc(1, sizeof(*producer));
    enum cli_status status;

    if (producer == NULL)
        return cli_no_memory();
    *publisher_out = &producer->base;
    producer->base =
        (struct publisher){ .kind = &kafka_publisher, .options = *options, .counts = true };
    producer->client.owner = producer;
    producer->failed = UINT64_MAX;
    producer->window = options->window > 0 ? options->window : WINDOW;
    producer->delivered = calloc((size_t)producer->window, sizeof(*producer->delivered));
    if (producer->delivered == NULL)
        return cli_no_memory();
    status = kafka_parse_endpoint(&producer->client, options->endpoint);
    if (status != CLI_OK)
        return status;
    if (producer->client.group != NULL) {
        cli_error("%s: a group is for those who read", options->endpoint);
        return CLI_USAGE;
    }
    return connect_to_topic(producer);
}

static void close_kafka(struct publisher *publisher)
{
    struct producer *producer = (struct producer *)publisher;

    if (producer->topic != NULL)
        rd_kafka_topic_destroy(producer->topic);
    kafka_client_close(&producer->client);
    spb_bytes_release(&producer->value);
    free(producer->delivered);
    free(producer);
}

const struct publisher_kind kafka_publisher = {
    .open = open_kafka,
    .add = add,
    .wait = wait_for_input,
    .finish = finish,
    .close = close_kafka,
};
