#ifndef SESSIONPB_TOOLS_TRANSPORT_PUBLISHER_H
#define SESSIONPB_TOOLS_TRANSPORT_PUBLISHER_H

/*
 * Messages on their way from session2pb to whoever takes them at an endpoint, and how many of them
 * were confirmed: by receipts, by acknowledgements, as the transport has it. After publisher_finish()
 * has succeeded all of them were.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/convert.h>
#include <sessionpb/frame.h>

#include "cli.h"
#include "transport/transport.h"

struct publisher_options {
    const char *endpoint;
    struct transport_access access;
    spb_converter *converter; /* to look into messages; borrowed */
    enum spb_framing framing; /* of a stream */
    bool receipts;            /* the receiver of a stream sends some */
    uint64_t every;           /* ask for a receipt behind so many messages; 0: where it is needed */
    uint64_t window;   /* messages that may wait for their acknowledgements; 0: the default */
    int64_t schema_id; /* of a schema registry, in front of each message; -1 for none */
    int timeout_ms;    /* without anything taken or confirmed */
    int retry_ms;      /* connect again until so long has passed without progress; 0: never */
    uint64_t skipped;  /* records of the input before the first message, to say where to go on */
    bool quiet;
};

/* What each transport has in its own struct, first. */
struct publisher {
    const struct publisher_kind *kind;
    struct publisher_options options;
    uint64_t count;     /* messages added */
    uint64_t confirmed; /* of these, from the first one on */
    uint64_t bytes;     /* sent for them */
    bool counts;        /* it learns what is confirmed */
    bool failed;
};

/* A transport. The functions report what is wrong before they return CLI_FAILED. */
struct publisher_kind {
    /* Connect. *publisher_out is made with malloc(), or NULL, and to be closed in any case. CLI_OK,
       CLI_FAILED or CLI_USAGE. */
    enum cli_status (*open)(const struct publisher_options *options,
                            struct publisher **publisher_out);

    /* A message that is not empty; it is copied. */
    enum cli_status (*add)(struct publisher *publisher, const void *message, size_t len);

    /* Send everything so far, and wait until something can be read from the descriptor. */
    enum cli_status (*wait)(struct publisher *publisher, int fd);

    /* Nothing more will come: send the rest, and wait until all of it is confirmed. CLI_OK;
       CLI_REJECTED where the receiver has refused some; CLI_FAILED. */
    enum cli_status (*finish)(struct publisher *publisher);

    void (*close)(struct publisher *publisher);
};

/* Connect to the endpoint, by the transport of its scheme. CLI_OK, or CLI_FAILED or CLI_USAGE after a
   report. Call publisher_close() in any case. */
enum cli_status publisher_open(const struct publisher_options *options,
                               struct publisher **publisher_out);

/* See struct publisher_kind. */
enum cli_status publisher_add(struct publisher *publisher, const void *message, size_t len);
enum cli_status publisher_wait(struct publisher *publisher, int fd);
enum cli_status publisher_finish(struct publisher *publisher);

/* NULL is allowed. */
void publisher_close(struct publisher *publisher);

/* The input has failed: print how much is confirmed, and how to send the rest. */
void publisher_tell_confirmed(const struct publisher *publisher);

/* For transports: print why nothing more can be sent, how much is confirmed, and how to send the rest.
   Returns CLI_FAILED. */
enum cli_status publisher_give_up(struct publisher *publisher, const char *reason);

/* For transports: print a reason behind the endpoint, unless it is named already, and `more`. */
void publisher_tell(const struct publisher *publisher, const char *reason, const char *more);

#endif
