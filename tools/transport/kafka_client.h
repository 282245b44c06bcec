#ifndef SESSIONPB_TOOLS_TRANSPORT_KAFKA_CLIENT_H
#define SESSIONPB_TOOLS_TRANSPORT_KAFKA_CLIENT_H

/*
 * What the publisher and the consumer of Kafka share: the endpoint, the settings, and a connection whose topic
 * is there. librdkafka has threads and queues of its own, but calls back only while it is polled, so that
 * everything happens in one thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include <librdkafka/rdkafka.h>

#include "cli.h"
#include "transport/transport.h"

enum { KAFKA_REASON_SIZE = 400 };

struct kafka_setting {
    const char *key;
    const char *value;
};

/* Zero-initialise it; release it with kafka_client_close(). */
struct kafka_client {
    rd_kafka_t *kafka;
    void *owner; /* of callbacks, which get the client */
    const char *endpoint;
    char *text; /* the endpoint, cut into what follows */
    const char *brokers;
    const char *topic;
    const char *group;              /* NULL: none is named */
    bool refused;                   /* by a broker, which will not change its mind */
    bool down;                      /* no broker could be reached, when that was tried last */
    char reason[KAFKA_REASON_SIZE]; /* what librdkafka has told last */
};

/* Take kafka://HOST[:PORT][,HOST[:PORT]...]/TOPIC[?group=NAME] apart. CLI_OK; CLI_USAGE or CLI_FAILED
   after a report. */
enum cli_status kafka_parse_endpoint(struct kafka_client *client, const char *endpoint);

/* A configuration with the endpoint, and with settings up to a NULL key. NULL after a report. */
rd_kafka_conf_t *kafka_configure(struct kafka_client *client, const struct kafka_setting *settings);

/*
 * Make the client of the configuration, which it takes over, with what the user has set; and wait until a
 * broker says that the topic is there, for at most so long, or until a signal comes.
 *
 * CLI_OK; CLI_USAGE or CLI_FAILED after a report.
 */
enum cli_status kafka_connect(struct kafka_client *client, rd_kafka_type_t type,
                              rd_kafka_conf_t *conf, const struct transport_access *access,
                              int timeout_ms);

/* Ask any broker for the topic, and wait for the answer for so long. */
rd_kafka_resp_err_t kafka_look_for_topic(const struct kafka_client *client, int timeout_ms);

/* Whether librdkafka, or another attempt, will get over it. */
bool kafka_is_passing(rd_kafka_resp_err_t error);

/* Print a reason behind the endpoint. Returns CLI_FAILED. */
#if defined(__GNUC__)
__attribute__((format(printf, 2, 3)))
#endif
enum cli_status
kafka_fail(const struct kafka_client *client, const char *format, ...);

void kafka_client_close(struct kafka_client *client);

#endif
