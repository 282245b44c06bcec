/*
 * A cluster of librdkafka's mock brokers, for tests. It prints its bootstrap servers, and then does what each
 * line of standard input says; `ok` or `failed` on a line answers, and fetched values before it. It ends with
 * its input.
 *
 *     kafka_mock BROKERS
 *
 *     topic NAME PARTITIONS
 *     topic-error NAME CODE                what metadata says of it
 *     error produce|fetch|metadata|commit|find COUNT CODE
 *                                          answers of the next so many requests
 *     broker up|down|slow ID [MS]          slow: the round-trip time
 *     leader NAME PARTITION ID
 *     put NAME PARTITION KEY HEX           produce a message, whose value is `-` for none
 *     get NAME PARTITION                   all messages: offset, key and value in hexadecimal
 *     committed GROUP NAME PARTITION       the offset that a group goes on with; below 0 for none
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

enum { LINE = 4096, WORDS = 5, REASON = 256, WAIT_MS = 10000, REPLICAS = 1, VALUE = LINE / 2 };

struct mock {
    rd_kafka_mock_cluster_t *cluster;
    rd_kafka_t *owner;
    rd_kafka_t *producer;
    rd_kafka_t *consumer;
};

static const struct {
    const char *name;
    int16_t key; /* of the API */
} requests[] = {
    { "produce", 0 }, { "fetch", 1 }, { "metadata", 3 }, { "commit", 8 }, { "find", 10 },
};

static rd_kafka_t *make_client(rd_kafka_type_t type, const char *brokers, const char *group)
{
    char reason[REASON];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;

    rd_kafka_conf_set(conf, "bootstrap.servers", brokers, NULL, 0);
    rd_kafka_conf_set(conf, "enable.partition.eof", "true", NULL, 0);
    rd_kafka_conf_set(conf, "linger.ms", "0", NULL, 0);
    if (group != NULL)
        rd_kafka_conf_set(conf, "group.id", group, NULL, 0);
    rd_kafka_conf_set_log_cb(conf, NULL);
    client = rd_kafka_new(type, conf, reason, sizeof(reason));
    if (client == NULL) {
        fprintf(stderr, "kafka_mock: %s\n", reason);
        exit(1);
    }
    return client;
}

static int push_errors(struct mock *mock, const char *name, int count, rd_kafka_resp_err_t error)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (strcmp(requests[i].name, name) == 0) {
            for (int n = 0; n < count; n++)
                rd_kafka_mock_push_request_errors(mock->cluster, requests[i].key, 1, error);
            return 0;
        }
    return 1;
}

static size_t from_hex(const char *text, unsigned char *bytes)
{
    size_t len = 0;
    unsigned byte;

    for (; sscanf(text, "%2x", &byte) == 1; text += 2)
        bytes[len++] = (unsigned char)byte;
    return len;
}

static int put(struct mock *mock, char *const *words)
{
    static unsigned char value[VALUE];
    size_t len = from_hex(words[4], value);
    rd_kafka_topic_t *topic = rd_kafka_topic_new(mock->producer, words[1], NULL);
    void *data = strcmp(words[4], "-") == 0 ? NULL : value;
    int failed = rd_kafka_produce(topic, atoi(words[2]), RD_KAFKA_MSG_F_COPY, data, len, words[3],
                                  strlen(words[3]), NULL);

    if (failed == 0)
        failed = rd_kafka_flush(mock->producer, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_destroy(topic);
    return failed;
}

static void print_hex(const void *data, size_t len)
{
    const unsigned char *bytes = data;

    printf(len == 0 ? " -" : " ");
    for (size_t i = 0; i < len; i++)
        printf("%02x", bytes[i]);
}

static int get(struct mock *mock, const char *name, int32_t partition)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(mock->consumer, name, NULL);
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;

    rd_kafka_consume_start(topic, partition, RD_KAFKA_OFFSET_BEGINNING);
    while (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        rd_kafka_message_t *message = rd_kafka_consume(topic, partition, WAIT_MS);

        if (message == NULL)
            break;
        error = message->err;
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
            printf("%" PRId64, message->offset);
            print_hex(message->key, message->key_len);
            print_hex(message->payload, message->len);
            putchar('\n');
        }
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consume_stop(topic, partition);
    rd_kafka_topic_destroy(topic);
    return error != RD_KAFKA_RESP_ERR__PARTITION_EOF;
}

static int committed(struct mock *mock, char *const *words)
{
    const char *brokers = rd_kafka_mock_cluster_bootstraps(mock->cluster);
    rd_kafka_t *client = make_client(RD_KAFKA_CONSUMER, brokers, words[1]);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_resp_err_t error;

    rd_kafka_topic_partition_list_add(list, words[2], atoi(words[3]));
    error = rd_kafka_committed(client, list, WAIT_MS);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        printf("%" PRId64 "\n", list->elems[0].offset);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(client);
    return error != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static int change_broker(struct mock *mock, const char *how, int32_t id, int ms)
{
    if (strcmp(how, "up") == 0)
        return rd_kafka_mock_broker_set_up(mock->cluster, id) != 0;
    if (strcmp(how, "down") == 0)
        return rd_kafka_mock_broker_set_down(mock->cluster, id) != 0;
    return rd_kafka_mock_broker_set_rtt(mock->cluster, id, ms) != 0;
}

static int obey(struct mock *mock, char *const *words)
{
    const char *what = words[0];

    if (strcmp(what, "topic") == 0)
        return rd_kafka_mock_topic_create(mock->cluster, words[1], atoi(words[2]), REPLICAS) != 0;
    if (strcmp(what, "topic-error") == 0) {
        rd_kafka_mock_topic_set_error(mock->cluster, words[1], (rd_kafka_resp_err_t)atoi(words[2]));
        return 0;
    }
    if (strcmp(what, "error") == 0)
        return push_errors(mock, words[1], atoi(words[2]), (rd_kafka_resp_err_t)atoi(words[3]));
    if (strcmp(what, "broker") == 0)
        return change_broker(mock, words[1], atoi(words[2]), atoi(words[3]));
    if (strcmp(what, "leader") == 0)
        return rd_kafka_mock_partition_set_leader(mock->cluster, words[1], atoi(words[2]),
                                                  atoi(words[3])) != 0;
    if (strcmp(what, "put") == 0)
        return put(mock, words);
    if (strcmp(what, "get") == 0)
        return get(mock, words[1], atoi(words[2]));
    if (strcmp(what, "committed") == 0)
        return committed(mock, words);
    return 1;
}

int main(int argc, char **argv)
{
    char line[LINE];
    struct mock mock = { .owner = make_client(RD_KAFKA_PRODUCER, "", NULL) };
    const char *brokers;

    mock.cluster = rd_kafka_mock_cluster_new(mock.owner, argc > 1 ? atoi(argv[1]) : 1);
    if (mock.cluster == NULL)
        return 1;
    brokers = rd_kafka_mock_cluster_bootstraps(mock.cluster);
    mock.producer = make_client(RD_KAFKA_PRODUCER, brokers, NULL);
    mock.consumer = make_client(RD_KAFKA_CONSUMER, brokers, NULL);
    puts(brokers);
    fflush(stdout);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char none[] = "";
        char *words[WORDS] = { none, none, none, none, none };
        char *rest = line;

        for (int i = 0; i < WORDS; i++) {
            char *word = strtok_r(rest, " \n", &rest);

            words[i] = word != NULL ? word : none;
        }
        puts(obey(&mock, words) == 0 ? "ok" : "failed");
        fflush(stdout);
    }
    return 0; /* nothing is to be kept */
}
