/*
 * Messages from a topic of Kafka's, as a member of a group. The offset of what was kept is stored in
 * librdkafka, which knows the partitions that are ours, and committed when it is written.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "signals.h"
#include "transport/kafka.h"
#include "transport/kafka_client.h"

enum {
    MS_PER_S = 1000,
    SLICE_MS = 100,
    COMMIT_PAUSE_MAX_MS = 1600,
    ANSWER_MS = 300,
    MARGIN_MS = 600, /* before the time is up: a wait for a message, and one for an answer */
    PLACE_TOPIC_MAX = 40,
    TROUBLE_SIZE = 128,
    HEAD_LEN = 5, /* of Confluent's wire format: a zero, the schema's number */
    VARINT_BITS = 7,
    VARINT_MORE = 0x80,
};

struct reader {
    struct consumer base;
    struct kafka_client client;
    rd_kafka_message_t *ahead; /* it came before it was asked for; or NULL */
    rd_kafka_message_t *last;  /* what was fetched last; or NULL */
    struct spb_bytes message;  /* its copy, with padding */
    bool assigned; /* the group has told which partitions are ours, and not revoked them */
    bool kept;     /* something that is not committed yet */
    bool behind;   /* what is written could not be committed: the group was changing */
    uint64_t catch_up_from_ms;                /* when that is tried again */
    rd_kafka_topic_partition_list_t *revoked; /* to be given back when that is; or NULL */
    uint64_t heard_ms;                        /* when the last message came, or was committed */
    bool outage;                              /* it was told */
    bool *at_end;                             /* by partition: it has no more, or had none */
    int32_t at_end_count;
    char trouble[TROUBLE_SIZE];
};

static const struct kafka_setting settings[] = {
    { "auto.offset.reset", "earliest" },
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "check.crcs", "true" },
    { "queued.max.messages.kbytes", "16384" },
    { "enable.partition.eof", "true" },
    { NULL, NULL },
};

/* -- Partitions ---------------------------------------------------------------------------- */

static void note_end(struct reader *reader, int32_t partition, bool at_end)
{
    if (partition >= reader->at_end_count) {
        size_t count = (size_t)partition + 1;
        bool *grown = realloc(reader->at_end, count * sizeof(*grown));

        if (grown == NULL)
            return; /* it counts as one with more in it */
        for (size_t i = (size_t)reader->at_end_count; i < count; i++)
            grown[i] = false;
        reader->at_end = grown;
        reader->at_end_count = partition + 1;
    }
    reader->at_end[partition] = at_end;
}

/* Nothing has come: that is trouble while the group is changing, or a partition of ours is known to have
   more, or not known to have none. */
static void look_for_ends(struct reader *reader)
{
    rd_kafka_topic_partition_list_t *ours = NULL;

    reader->base.trouble =
        reader->assigned ? NULL : "the group gives out its partitions anew, and nothing comes";
    if (reader->base.trouble != NULL ||
        rd_kafka_assignment(reader->client.kafka, &ours) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    for (int i = 0; i < ours->cnt && reader->base.trouble == NULL; i++) {
        int32_t partition = ours->elems[i].partition;

        if (partition < reader->at_end_count && reader->at_end[partition])
            continue;
        (void)snprintf(reader->trouble, sizeof(reader->trouble),
                       "%.*s [%" PRId32 "] is not read to its end, and nothing comes",
                       PLACE_TOPIC_MAX, reader->client.topic, partition);
        reader->base.trouble = reader->trouble;
    }
    rd_kafka_topic_partition_list_destroy(ours);
}

/* While librdkafka closes, it may know the group's protocol no more; giving back is alike then. */
static bool is_cooperative(rd_kafka_t *kafka)
{
    const char *protocol = rd_kafka_rebalance_protocol(kafka);

    return protocol != NULL && strcmp(protocol, "COOPERATIVE") == 0;
}

static void take_over(rd_kafka_t *kafka, const rd_kafka_topic_partition_list_t *partitions)
{
    if (is_cooperative(kafka))
        rd_kafka_error_destroy(rd_kafka_incremental_assign(kafka, partitions));
    else
        (void)rd_kafka_assign(kafka, partitions);
}

static void give_back(rd_kafka_t *kafka, const rd_kafka_topic_partition_list_t *partitions)
{
    if (is_cooperative(kafka))
        rd_kafka_error_destroy(rd_kafka_incremental_unassign(kafka, partitions));
    else
        (void)rd_kafka_assign(kafka, NULL);
}

/* Partitions with something that is kept and not committed are given back when it is: the group waits for
   that, and whoever gets them goes on behind it. */
static void rebalance(rd_kafka_t *kafka, rd_kafka_resp_err_t what,
                      rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
    struct reader *reader = ((struct kafka_client *)opaque)->owner;

    if (what == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
        reader->assigned = reader->base.stirred = true;
        for (int i = 0; i < partitions->cnt; i++)
            note_end(reader, partitions->elems[i].partition, false);
        take_over(kafka, partitions);
        return;
    }
    reader->assigned = is_cooperative(kafka); /* then the group may have nothing else to tell */
    if (what == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS && reader->kept && reader->revoked == NULL &&
        rd_kafka_assignment_lost(kafka) == 0) {
        reader->revoked = rd_kafka_topic_partition_list_copy(partitions);
    } else {
        give_back(kafka, partitions);
    }
}

static void give_back_revoked(struct reader *reader)
{
    if (reader->revoked == NULL)
        return;
    give_back(reader->client.kafka, reader->revoked);
    rd_kafka_topic_partition_list_destroy(reader->revoked);
    reader->revoked = NULL;
}

/* -- Fetching ------------------------------------------------------------------------------ */

static void release(rd_kafka_message_t **message)
{
    if (*message != NULL)
        rd_kafka_message_destroy(*message);
    *message = NULL;
}

static void store_offset(const struct reader *reader)
{
    /* Fails for a partition that is not ours any more. Its new owner gets the message again. */
    (void)rd_kafka_offset_store(reader->last->rkt, reader->last->partition, reader->last->offset);
}

/* A zigzag varint, -1 where there is none. */
static int64_t read_number(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;

    for (int shift = 0; *at < end && shift < 32; shift += VARINT_BITS) {
        uint8_t byte = *(*at)++;

        value |= (uint64_t)(byte & (VARINT_MORE - 1)) << shift;
        if ((byte & VARINT_MORE) == 0)
            return (value & 1) == 0 ? (int64_t)(value >> 1) : -1;
    }
    return -1;
}

/*
 * Pass over the head of Confluent's wire format: a zero, with which no protobuf message begins, the schema's
 * number, and the way to the message type in the schema, as a count and so many indexes. Session is the first
 * type, and has the way 0 or 1 0. Returns what is wrong; NULL: nothing.
 */
static const char *strip_head(const uint8_t **data, size_t *len)
{
    const uint8_t *at = *data + HEAD_LEN;
    const uint8_t *end = *data + *len;
    int64_t count;

    if (*len == 0 || (*data)[0] != 0)
        return NULL;
    if (*len <= HEAD_LEN)
        return "it begins in Confluent's wire format, and ends too early";
    count = read_number(&at, end);
    if (count > 1 || count < 0 || (count == 1 && read_number(&at, end) != 0))
        return "in Confluent's wire format, it is of another type than its schema's first, Session";
    *len = (size_t)(end - at);
    *data = at;
    return NULL;
}

static enum cli_status pass_on(struct reader *reader, struct incoming *message_out)
{
    const uint8_t *data = reader->last->payload;
    size_t len = reader->last->len;

    message_out->reason = strip_head(&data, &len);
    reader->message.len = 0;
    if (spb_bytes_append(&reader->message, data, len) != SPB_OK ||
        spb_bytes_reserve(&reader->message, SPB_PADDING) != SPB_OK)
        return cli_no_memory();
    message_out->data = reader->message.data;
    message_out->len = len;
    return CLI_OK;
}

static enum cli_status judge(struct reader *reader, struct incoming *message_out)
{
    const rd_kafka_message_t *last = reader->last;
    const struct consumer_options *options = &reader->base.options;

    if (last->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        note_end(reader, last->partition, true);
    if (last->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_is_passing(last->err)
                   ? CLI_OK
                   : kafka_fail(&reader->client, "%s", rd_kafka_message_errstr(last));

    reader->heard_ms = clock_ms();
    reader->client.down = reader->outage = false;
    note_end(reader, last->partition, false);
    (void)snprintf(message_out->place, sizeof(message_out->place),
                   "%.*s [%" PRId32 "] offset %" PRId64, PLACE_TOPIC_MAX, reader->client.topic,
                   last->partition, last->offset);
    if (last->payload == NULL) {
        if (!options->quiet)
            cli_error("%s: %s: passed over: it has no value", options->endpoint,
                      message_out->place);
        store_offset(reader);
        return CLI_OK;
    }
    if (last->len > options->message_max) {
        cli_error("%s: %s: %zu bytes are more than --message-max=%zu allows", options->endpoint,
                  message_out->place, last->len, options->message_max);
        return CLI_REJECTED;
    }
    return pass_on(reader, message_out);
}

/* Nothing has come, and no broker could be reached: that is not the end of the topic. */
static enum cli_status watch_outage(struct reader *reader)
{
    struct kafka_client *client = &reader->client;
    int idle_ms = reader->base.options.idle_exit_ms;

    if (!reader->outage && !reader->base.options.quiet)
        (void)kafka_fail(client, "%s; waiting", client->reason);
    reader->outage = true;
    if (idle_ms == 0 || clock_ms() - reader->heard_ms + MARGIN_MS < (uint64_t)idle_ms)
        return CLI_OK;
    client->down = kafka_look_for_topic(client, ANSWER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR;
    return client->down ? kafka_fail(client, "no broker answers: %s", client->reason) : CLI_OK;
}

/* The group has changed meanwhile. Of partitions that are another member's by now, or were given out anew,
   what is not committed comes again; of those that a cooperative group leaves us, it does not. */
static bool has_group_changed(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           error == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ||
           error == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS ||
           error == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

/* Once more, what is written of partitions that stayed ours. What is kept is not written yet. */
static void catch_up(struct reader *reader)
{
    rd_kafka_resp_err_t error;

    if (!reader->behind || reader->kept)
        return;
    error = rd_kafka_commit(reader->client.kafka, NULL, 0);
    reader->behind = has_group_changed(error) || kafka_is_passing(error);
    reader->catch_up_from_ms = clock_ms() + COMMIT_PAUSE_MAX_MS;
}

static enum cli_status next(struct consumer *consumer, int timeout_ms, struct incoming *message_out)
{
    struct reader *reader = (struct reader *)consumer;

    release(&reader->last);
    if (reader->revoked != NULL) { /* first of all, what is kept is to be committed */
        (void)poll(NULL, 0, timeout_ms);
        return CLI_OK;
    }
    reader->last = reader->ahead;
    reader->ahead = NULL;
    if (reader->last == NULL)
        reader->last = rd_kafka_consumer_poll(reader->client.kafka, timeout_ms);
    if (reader->last != NULL)
        return judge(reader, message_out);
    if (clock_ms() >= reader->catch_up_from_ms)
        catch_up(reader);
    look_for_ends(reader);
    return reader->client.down && !reader->kept ? watch_outage(reader) : CLI_OK;
}

/* -- Committing ---------------------------------------------------------------------------- */

static void keep(struct consumer *consumer)
{
    struct reader *reader = (struct reader *)consumer;

    store_offset(reader);
    reader->kept = true;
}

/* The pauses grow: an attempt while librdkafka looks for the group's coordinator makes it begin anew. */
static enum cli_status commit(struct reader *reader)
{
    uint64_t end_ms = clock_ms() + (uint64_t)reader->base.options.timeout_ms;
    rd_kafka_resp_err_t error = rd_kafka_commit(reader->client.kafka, NULL, 0);

    for (int pause_ms = SLICE_MS; error != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_is_passing(error) &&
                                  !has_group_changed(error) && clock_ms() < end_ms;) {
        (void)poll(NULL, 0, pause_ms);
        pause_ms = pause_ms < COMMIT_PAUSE_MAX_MS ? pause_ms * 2 : pause_ms;
        error = rd_kafka_commit(reader->client.kafka, NULL, 0);
    }
    reader->behind = has_group_changed(error);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR__NO_OFFSET)
        return CLI_OK; /* no offset: the partitions are another member's, which begins before it */
    if (!reader->behind)
        return kafka_fail(&reader->client, "cannot commit: %s", rd_kafka_err2str(error));
    if (!reader->base.options.quiet)
        (void)kafka_fail(&reader->client, "cannot commit, sessions may come again: %s",
                         rd_kafka_err2str(error));
    return CLI_OK;
}

static enum cli_status acknowledge(struct consumer *consumer)
{
    struct reader *reader = (struct reader *)consumer;
    enum cli_status status = commit(reader);

    reader->kept = false;
    reader->heard_ms = clock_ms();
    give_back_revoked(reader);
    return status;
}

/* -- The connection ------------------------------------------------------------------------ */

static enum cli_status subscribe(struct reader *reader)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t error;

    (void)rd_kafka_topic_partition_list_add(topics, reader->client.topic, RD_KAFKA_PARTITION_UA);
    (void)rd_kafka_poll_set_consumer(reader->client.kafka);
    error = rd_kafka_subscribe(reader->client.kafka, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR
               ? CLI_OK
               : kafka_fail(&reader->client, "%s", rd_kafka_err2str(error));
}

/* A group takes its time to let a member in. That does not count as idle. */
static enum cli_status await_partitions(struct reader *reader)
{
    const struct consumer_options *options = &reader->base.options;
    uint64_t end_ms = clock_ms() + (uint64_t)options->timeout_ms;

    while (!reader->assigned && reader->ahead == NULL && !signals_want_stop() &&
           clock_ms() < end_ms)
        reader->ahead = rd_kafka_consumer_poll(reader->client.kafka, SLICE_MS);
    reader->heard_ms = clock_ms();
    if (reader->assigned || reader->ahead != NULL || signals_want_stop() ||
        options->idle_exit_ms == 0)
        return CLI_OK;
    return kafka_fail(&reader->client, "the group has given out no partitions for %d s",
                      options->timeout_ms / MS_PER_S);
}

static enum cli_status join_group(struct reader *reader)
{
    struct kafka_client *client = &reader->client;
    struct kafka_setting all[sizeof settings / sizeof settings[0] + 1];
    rd_kafka_conf_t *conf;
    enum cli_status status;

    all[0] =
        (struct kafka_setting){ "group.id", client->group != NULL ? client->group : "sessionpb" };
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
        all[i + 1] = settings[i];
    conf = kafka_configure(client, all);
    if (conf == NULL)
        return CLI_FAILED;
    rd_kafka_conf_set_rebalance_cb(conf, rebalance);
    status = kafka_connect(client, RD_KAFKA_CONSUMER, conf, &reader->base.options.access,
                           reader->base.options.timeout_ms);
    if (status == CLI_OK)
        status = subscribe(reader);
    if (status == CLI_OK)
        status = await_partitions(reader);
    return status;
}

static enum cli_status open_kafka(const struct consumer_options *options,
                                  struct consumer **consumer_out)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    enum cli_status status;

    if (reader == NULL)
        return cli_no_memory();
    *consumer_out = &reader->base;
    reader->base = (struct consumer){ .kind = &kafka_consumer, .options = *options };
    reader->client.owner = reader;
    status = kafka_parse_endpoint(&reader->client, options->endpoint);
    return status == CLI_OK ? join_group(reader) : status;
}

static void close_kafka(struct consumer *consumer)
{
    struct reader *reader = (struct reader *)consumer;

    release(&reader->last);
    release(&reader->ahead);
    if (reader->client.kafka != NULL)
        catch_up(reader);
    reader->kept = false; /* what is not written by now is not committed */
    give_back_revoked(reader);
    if (reader->client.kafka != NULL)
        (void)rd_kafka_consumer_close(reader->client.kafka);
    kafka_client_close(&reader->client);
    spb_bytes_release(&reader->message);
    free(reader->at_end);
    free(reader);
}

const struct consumer_kind kafka_consumer = {
    .open = open_kafka,
    .next = next,
    .keep = keep,
    .acknowledge = acknowledge,
    .close = close_kafka,
};
