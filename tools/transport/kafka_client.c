#define _POSIX_C_SOURCE 200809L

#include "transport/kafka_client.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "signals.h"

enum {
    MS_PER_S = 1000,
    ANSWER_MS = 250, /* for the first question; twice as long for each further one */
    ANSWER_MAX_MS = 4000,
    PORT_MAX = 65535,
    PORT_DIGITS = 5,
    TOPIC_MAX = 249,
    DECIMAL = 10,
    VALUE_SIZE = 512,
    LEVEL_DEBUG = 7, /* of syslog */
};

enum cli_status kafka_fail(const struct kafka_client *client, const char *format, ...)
{
    char reason[2 * KAFKA_REASON_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    cli_error("%s: %s", client->endpoint, reason);
    return CLI_FAILED;
}

/* -- The endpoint -------------------------------------------------------------------------- */

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");
    long port = digits > 0 && digits <= PORT_DIGITS ? strtol(text, NULL, DECIMAL) : 0;

    return text[digits] == '\0' && port > 0 && port <= PORT_MAX;
}

/* HOST[:PORT], an IPv6 address in brackets */
static bool is_broker(const char *text)
{
    const char *host_end = text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");

    if (host_end == NULL || host_end == text || strpbrk(text, " \t\r\n@") != NULL)
        return false;
    host_end += *host_end == ']';
    return *host_end == '\0' || (*host_end == ':' && is_port(host_end + 1));
}

static bool are_brokers(const char *list)
{
    char item[VALUE_SIZE];
    size_t len;

    for (;; list += len + 1) {
        len = strcspn(list, ",");
        if (len >= sizeof(item))
            return false;
        memcpy(item, list, len);
        item[len] = '\0';
        if (!is_broker(item))
            return false;
        if (list[len] == '\0')
            return true;
    }
}

static bool is_topic(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

    return len > 0 && len <= TOPIC_MAX && text[len] == '\0' && strcmp(text, ".") != 0 &&
           strcmp(text, "..") != 0;
}

/* Cut kafka://BROKERS/TOPIC[?group=NAME] into its parts. */
static bool cut_endpoint(struct kafka_client *client)
{
    char *text = client->text + strlen("kafka://");
    char *topic = strchr(text, '/');
    char *query = topic != NULL ? strchr(topic, '?') : NULL;

    if (topic == NULL)
        return false;
    *topic++ = '\0';
    if (query != NULL) {
        *query++ = '\0';
        if (strncmp(query, "group=", strlen("group=")) != 0)
            return false;
        client->group = query + strlen("group=");
    }
    client->brokers = text;
    client->topic = topic;
    return are_brokers(text) && is_topic(topic) &&
           (client->group == NULL || client->group[0] != '\0');
}

enum cli_status kafka_parse_endpoint(struct kafka_client *client, const char *endpoint)
{
    client->endpoint = endpoint;
    client->text = strdup(endpoint);
    if (client->text == NULL)
        return cli_no_memory();
    if (cut_endpoint(client))
        return CLI_OK;
    cli_error("'%s' is no endpoint of Kafka's: those are "
              "kafka://HOST[:PORT][,HOST[:PORT]...]/TOPIC[?group=NAME]",
              strchr(endpoint, '@') == NULL ? endpoint : "kafka://..."); /* it may be a password */
    return CLI_USAGE;
}

/* -- Settings ------------------------------------------------------------------------------ */

/* What -X must leave as it is, and why. */
static const struct kafka_setting promised_settings[] = {
    { "bootstrap.servers", "the endpoint says it" },
    { "group.id", "the endpoint says it" },
    { "acks", "what is confirmed must be safe" },
    { "enable.idempotence", "sessions must stay in order, each of them once" },
    { "delivery.report.only.error", "sessions are counted by their reports" },
    { "enabled_events", "sessions are counted by their reports" },
    { "transactional.id", "there are no transactions" },
    { "enable.auto.commit", "only what is written may be committed" },
    { "enable.auto.offset.store", "only what is written may be committed" },
    { "check.crcs", "what is damaged must be noticed" },
    { "enable.partition.eof", "the ends of partitions must be noticed" },
    { "test.mock.num.brokers", "sessions must leave the process" },
    { "internal.termination.signal", "signals end the tool" },
    { "log.queue", "messages have one place" },
    { NULL, NULL },
};

static void read_setting(const rd_kafka_conf_t *conf, const char *key, char value[VALUE_SIZE])
{
    size_t size = VALUE_SIZE;

    value[0] = '\0';
    if (rd_kafka_conf_get(conf, key, value, &size) != RD_KAFKA_CONF_OK)
        value[0] = '\0';
    value[VALUE_SIZE - 1] = '\0';
}

static enum cli_status set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
    char reason[KAFKA_REASON_SIZE];

    if (rd_kafka_conf_set(conf, key, value, reason, sizeof(reason)) == RD_KAFKA_CONF_OK)
        return CLI_OK;
    cli_error("cannot set %s: %s", key, reason); /* the value may be a password */
    return CLI_USAGE;
}

/* KEY=VALUE of -X */
static enum cli_status set_as_told(rd_kafka_conf_t *conf, const char *text)
{
    size_t key_len = strcspn(text, "=");
    char *key;
    enum cli_status status;

    if (text[key_len] == '\0') {
        cli_error("'%s' is no value of '-X': it takes KEY=VALUE", text);
        return CLI_USAGE;
    }
    key = strdup(text);
    if (key == NULL)
        return cli_no_memory();
    key[key_len] = '\0';
    status = set(conf, key, key + key_len + 1);
    free(key);
    return status;
}

/* Whether all that is promised is set as it was: some settings have more than one name. */
static enum cli_status judge_settings(const rd_kafka_conf_t *conf, const rd_kafka_conf_t *before,
                                      const char *text)
{
    for (const struct kafka_setting *promised = promised_settings; promised->key != NULL;
         promised++) {
        char value[VALUE_SIZE], value_before[VALUE_SIZE];

        read_setting(conf, promised->key, value);
        read_setting(before, promised->key, value_before);
        if (strcmp(value, value_before) != 0) {
            cli_error("'-X %s' is refused: %s", text, promised->value);
            return CLI_USAGE;
        }
    }
    return CLI_OK;
}

static enum cli_status set_list(rd_kafka_conf_t *conf, const struct cli_list *list)
{
    rd_kafka_conf_t *before = rd_kafka_conf_dup(conf);
    enum cli_status status = CLI_OK;

    for (size_t i = 0; status == CLI_OK && i < list->count; i++) {
        status = set_as_told(conf, list->items[i]);
        if (status == CLI_OK)
            status = judge_settings(conf, before, list->items[i]);
    }
    rd_kafka_conf_destroy(before);
    return status;
}

/* One that cannot be read is reported as files are. */
static enum cli_status set_file(rd_kafka_conf_t *conf, const char *key, const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        return cli_system_error("open", path, errno);
    (void)fclose(file);
    return set(conf, key, path);
}

static enum cli_status set_tls(rd_kafka_conf_t *conf, const struct transport_access *access)
{
    const struct kafka_setting files[] = {
        { "ssl.ca.location", access->tls_ca },
        { "ssl.certificate.location", access->tls_cert },
        { "ssl.key.location", access->tls_key },
    };
    enum cli_status status = CLI_OK;

    for (size_t i = 0; status == CLI_OK && i < sizeof files / sizeof files[0]; i++) {
        if (files[i].value == NULL)
            continue;
        status = set_file(conf, files[i].key, files[i].value);
        if (status == CLI_OK)
            status = set(conf, "security.protocol", "ssl");
    }
    return status;
}

/* -- Callbacks ----------------------------------------------------------------------------- */

static void hear_error(rd_kafka_t *kafka, int error, const char *reason, void *opaque)
{
    struct kafka_client *client = opaque;
    char *end = client->reason;

    (void)kafka;
    client->refused = client->refused || error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                      error == RD_KAFKA_RESP_ERR__SSL ||
                      error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE;
    client->down = client->down || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
    if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN && client->reason[0] != '\0')
        return; /* why they are has been told */
    (void)snprintf(client->reason, sizeof(client->reason), "%s", reason);
    while (*(end += strcspn(end, "\r\n")) != '\0')
        *end = ' ';
}

/* Errors come by other ways; anything else is wanted only by who sets `debug`. */
static void hear_log(const rd_kafka_t *kafka, int level, const char *facility, const char *text)
{
    (void)kafka;
    if (level >= LEVEL_DEBUG)
        cli_error("%s: %s", facility, text);
}

/* -- The connection ------------------------------------------------------------------------ */

rd_kafka_conf_t *kafka_configure(struct kafka_client *client, const struct kafka_setting *settings)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum cli_status status = set(conf, "bootstrap.servers", client->brokers);

    if (status == CLI_OK)
        status = set(conf, "client.id", "sessionpb");
    if (status == CLI_OK)
        status = set(conf, "log.queue", "true");
    for (; status == CLI_OK && settings->key != NULL; settings++)
        status = set(conf, settings->key, settings->value);
    rd_kafka_conf_set_opaque(conf, client);
    rd_kafka_conf_set_error_cb(conf, hear_error);
    rd_kafka_conf_set_log_cb(conf, hear_log);
    if (status == CLI_OK)
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

static enum cli_status make_client(struct kafka_client *client, rd_kafka_type_t type,
                                   rd_kafka_conf_t *conf, const struct transport_access *access)
{
    char reason[KAFKA_REASON_SIZE];
    enum cli_status status = set_tls(conf, access);

    if (status == CLI_OK)
        status = set_list(conf, access->settings);
    if (status == CLI_OK) {
        client->kafka = rd_kafka_new(type, conf, reason, sizeof(reason)); /* it blocks signals */
        if (client->kafka != NULL) {
            (void)rd_kafka_set_log_queue(client->kafka, NULL);
            return CLI_OK;
        }
        cli_error("%s: %s", client->endpoint, reason);
        status = CLI_USAGE;
    }
    rd_kafka_conf_destroy(conf);
    return status;
}

rd_kafka_resp_err_t kafka_look_for_topic(const struct kafka_client *client, int timeout_ms)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client->kafka, client->topic, NULL);
    const rd_kafka_metadata_t *metadata = NULL;
    rd_kafka_resp_err_t error;

    if (topic == NULL)
        return rd_kafka_last_error();
    error = rd_kafka_metadata(client->kafka, 0, topic, &metadata, timeout_ms);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1)
        error = metadata->topics[0].err;
    if (metadata != NULL)
        rd_kafka_metadata_destroy(metadata);
    rd_kafka_topic_destroy(topic);
    return error;
}

static enum cli_status await_topic(struct kafka_client *client, int timeout_ms)
{
    uint64_t end_ms = clock_ms() + (uint64_t)timeout_ms;
    int answer_ms = ANSWER_MS;

    while (!signals_want_stop()) {
        uint64_t now_ms = clock_ms();
        int left_ms = now_ms < end_ms ? (int)(end_ms - now_ms) : 0;
        rd_kafka_resp_err_t error =
            kafka_look_for_topic(client, answer_ms < left_ms ? answer_ms : left_ms);

        (void)rd_kafka_poll(client->kafka, 0);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            break;
        if (client->refused)
            return kafka_fail(client, "%s", client->reason);
        if (!kafka_is_passing(error))
            return kafka_fail(client, "topic %s: %s", client->topic, rd_kafka_err2str(error));
        if (clock_ms() >= end_ms)
            return kafka_fail(client, "no broker has answered for %d s: %s", timeout_ms / MS_PER_S,
                              client->reason[0] != '\0' ? client->reason : rd_kafka_err2str(error));
        answer_ms = answer_ms < ANSWER_MAX_MS ? answer_ms * 2 : ANSWER_MAX_MS;
    }
    client->down = false;
    client->reason[0] = '\0';
    return CLI_OK;
}

enum cli_status kafka_connect(struct kafka_client *client, rd_kafka_type_t type,
                              rd_kafka_conf_t *conf, const struct transport_access *access,
                              int timeout_ms)
{
    enum cli_status status = make_client(client, type, conf, access);

    return status == CLI_OK ? await_topic(client, timeout_ms) : status;
}

bool kafka_is_passing(rd_kafka_resp_err_t error)
{
    switch ((int)error) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_COORD:
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID:
    case RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT:
        return true;
    default:
        return false;
    }
}

void kafka_client_close(struct kafka_client *client)
{
    if (client->kafka != NULL)
        rd_kafka_destroy(client->kafka);
    free(client->text);
}
