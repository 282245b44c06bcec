#ifndef SESSIONPB_TOOLS_TRANSPORT_NATS_LINK_H
#define SESSIONPB_TOOLS_TRANSPORT_NATS_LINK_H

/* What both directions of NATS share: the endpoint, the connection, and what is wrong with it. */

#include <pthread.h>
#include <stdbool.h>

#include <nats/nats.h>

#include "cli.h"
#include "transport/transport.h"

/* nats://[USER[:PASSWORD]@]HOST[:PORT]/SUBJECT[?stream=NAME][&durable=NAME] */
struct nats_place {
    char *shown; /* the endpoint without the credentials */
    char *url;   /* of the server */
    char *parts; /* owns those below, which are NULL where they are not given */
    const char *user;
    const char *password;
    const char *subject;
    const char *stream;
    const char *durable;
};

enum { NATS_REASON_SIZE = 256 };

struct nats_link {
    struct nats_place place;
    char *found; /* a stream's name, where it was looked up */
    struct transport_access access;
    bool reconnects;            /* the library makes the connection again */
    natsConnection *connection; /* NULL without one */
    jsCtx *stream;
    pthread_mutex_t lock;             /* for what the library's threads tell */
    char forbidden[NATS_REASON_SIZE]; /* what the server does not permit; empty where all is well */
};

/*
 * Read an endpoint. A consumer's subject may have wildcards, and it has a durable name.
 *
 * link   zero-initialised; call nats_link_close() in any case
 *
 * CLI_OK; CLI_USAGE or CLI_FAILED after a report.
 */
enum cli_status nats_link_open(struct nats_link *link, const char *endpoint,
                               const struct transport_access *access, bool consumer);

/* Make a connection, and a context of JetStream. What is wrong is in `reason`. */
natsStatus nats_link_connect(struct nats_link *link, int timeout_ms, const jsOptions *options,
                             char reason[NATS_REASON_SIZE]);

/* Drop the connection. */
void nats_link_disconnect(struct nats_link *link);

/* What has gone wrong, of the last call of this thread. */
void nats_link_reason(natsStatus status, char reason[NATS_REASON_SIZE]);

/* Whether the server has said that something is not permitted, and then what. */
bool nats_link_forbids(struct nats_link *link, char reason[NATS_REASON_SIZE]);

/* The library is ended: no thread of it is left. */
void nats_link_close(struct nats_link *link);

#endif
