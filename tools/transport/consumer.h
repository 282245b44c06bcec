#ifndef SESSIONPB_TOOLS_TRANSPORT_CONSUMER_H
#define SESSIONPB_TOOLS_TRANSPORT_CONSUMER_H

/*
 * Messages that pb2session fetches from an endpoint. A message is acknowledged only after its keeper has
 * written it; what was fetched and not acknowledged comes again, to this consumer or to another one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"
#include "keeper.h"
#include "transport/transport.h"

struct consumer_options {
    const char *endpoint;
    struct transport_access access;
    enum spb_framing framing; /* of a stream */
    size_t message_max;
    int timeout_ms;   /* to connect */
    int idle_exit_ms; /* end when nothing has come for so long; 0: never */
    int hold_ms;      /* how long what was taken may wait to be written and acknowledged */
    bool eager;       /* it does not wait when nothing more is there */
    bool skips_bad;   /* pass over a bad message, and acknowledge it */
    bool quiet;
};

enum { CONSUMER_PLACE_SIZE = 96 };

/* A message, with SPB_PADDING readable bytes behind it; it lives until the next call. */
struct incoming {
    const uint8_t *data; /* NULL: none has come */
    size_t len;
    uint64_t offset;                 /* of its first byte in the stream; 0 where it stands alone */
    char place[CONSUMER_PLACE_SIZE]; /* which one it is, such as `sequence 12` */
    const char *reason; /* why it is no session, where the transport knows better; or NULL */
};

/* What each transport has in its own struct, first. */
struct consumer {
    const struct consumer_kind *kind;
    struct consumer_options options;
    const char *trouble; /* why nothing can be fetched for now; NULL: all is well */
    bool stirred;        /* something else than a message has come: that is not idle either */
};

/* A transport. The functions report what is wrong before they return CLI_FAILED. */
struct consumer_kind {
    /* Connect. *consumer_out is made with malloc(), or NULL, and to be closed in any case. CLI_OK,
       CLI_FAILED or CLI_USAGE. */
    enum cli_status (*open)(const struct consumer_options *options, struct consumer **consumer_out);

    /* Fetch the next message; wait for it for at most so long, and return when a signal comes.
       CLI_OK, with a message or without one; CLI_ENOUGH (there is no more); CLI_REJECTED (what comes
       is not messages, after a report); CLI_FAILED. */
    enum cli_status (*next)(struct consumer *consumer, int timeout_ms,
                            struct incoming *message_out);

    /* The keeper has taken the last message, or it is passed over: the next acknowledge() is for it,
       too. */
    void (*keep)(struct consumer *consumer);

    /* All messages that are kept are written: acknowledge them, and wait until that is certain.
       NULL where nobody listens. */
    enum cli_status (*acknowledge)(struct consumer *consumer);

    void (*close)(struct consumer *consumer);
};

/* Connect to the endpoint, by the transport of its scheme. CLI_OK, or CLI_FAILED or CLI_USAGE after a
   report. Call consumer_close() in any case. */
enum cli_status consumer_open(const struct consumer_options *options,
                              struct consumer **consumer_out);

/*
 * Fetch messages until a signal (SIGTERM, SIGINT), until nothing has come for long enough, until the keeper
 * has enough, or until something fails. What the keeper has taken by then is written and acknowledged. That
 * nothing has come is a failure when nothing could.
 *
 * CLI_OK; CLI_ENOUGH; CLI_REJECTED (a bad message, which was not acknowledged); how the keeper or the
 * transport has failed.
 */
enum cli_status consumer_run(struct consumer *consumer, const struct keeper *keeper);

/* NULL is allowed. */
void consumer_close(struct consumer *consumer);

/* For transports: print a reason behind the endpoint. Returns CLI_FAILED. */
enum cli_status consumer_fail(const struct consumer *consumer, const char *reason);

#endif
