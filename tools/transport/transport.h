#ifndef SESSIONPB_TOOLS_TRANSPORT_TRANSPORT_H
#define SESSIONPB_TOOLS_TRANSPORT_TRANSPORT_H

/*
 * How messages get from one program to another: over a socket, or through a broker that keeps them. An
 * endpoint's scheme says which. Each transport is a file or two of this room behind publisher.h and
 * consumer.h, and a row of the table here. Libraries that a transport needs are looked for when sessionpb
 * is configured; without its library the transport is left out.
 */

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"

/* How to be let in. Paths, NULL where none is given. */
struct transport_access {
    const char *tls_ca; /* PEM: who is trusted to vouch for the other end */
    const char *tls_cert;
    const char *tls_key;
    const char *credentials;         /* of a NATS user: JWT and seed */
    const struct cli_list *settings; /* KEY=VALUE, of the transport's library */
};

/* What the options of the tools mean something for. */
enum transport_traits {
    TRANSPORT_STREAM = 1 << 0,      /* --framing, --receipt-every, --no-receipt */
    TRANSPORT_RETRY = 1 << 1,       /* --retry */
    TRANSPORT_WINDOW = 1 << 2,      /* --window */
    TRANSPORT_SCHEMA_ID = 1 << 3,   /* --schema-id */
    TRANSPORT_TLS = 1 << 4,         /* --tls-ca, --tls-cert, --tls-key */
    TRANSPORT_CREDENTIALS = 1 << 5, /* --credentials */
    TRANSPORT_SETTINGS = 1 << 6,    /* -X */
};

struct publisher_kind;
struct consumer_kind;

struct transport {
    const char *scheme; /* what endpoints begin with */
    const char *library;
    const struct publisher_kind *publisher; /* NULL: it is not built in */
    const struct consumer_kind *consumer;
    unsigned traits;
};

/*
 * The transport of an endpoint, with all that the options ask for.
 *
 * traits   enum transport_traits, those that options were given for
 *
 * NULL after a report: there is none of this scheme, it is not built in, or an option means nothing for it.
 */
const struct transport *transport_find(const char *endpoint, unsigned traits);

/* What the options say of access; borrowed from them. */
struct transport_access transport_access(const struct cli_options *options);

/* The traits that options of access were given for. */
unsigned transport_access_traits(const struct transport_access *access);

/* The libraries that are built in, such as `NATS 3.4.1`, from index 0 on; NULL behind the last. */
const char *transport_library(size_t index);

#endif
