#ifndef SESSIONPB_TOOLS_TRANSPORT_NATS_DURABLE_H
#define SESSIONPB_TOOLS_TRANSPORT_NATS_DURABLE_H

/* The durable consumer of a stream at a NATS server, which is found, or made, as an endpoint says. */

#include <stdint.h>

#include "transport/nats_link.h"

struct nats_durable {
    natsSubscription *subscription;
    natsInbox *inbox;
    char *api;           /* where requests go */
    int64_t ack_wait_ns; /* before the server gives a message to another consumer */
    int64_t batch_max;   /* messages in a request; 0 or less: any number */
    char reason[NATS_REASON_SIZE];
};

/*
 * Find or make it.
 *
 * durable   zero-initialised; call nats_durable_close() in any case
 *
 * CLI_OK, or CLI_FAILED after a report.
 */
enum cli_status nats_durable_open(struct nats_link *link, struct nats_durable *durable);

/*
 * Fetch some messages, at most so many; wait for the first one for so long.
 *
 * NATS_OK, with messages to be destroyed; NATS_NOT_FOUND: there are none; NATS_TIMEOUT: the server has not
 * answered; NATS_INVALID_SUBSCRIPTION: it has the durable consumer no more; NATS_ERR, with a reason; others.
 */
natsStatus nats_durable_fetch(struct nats_link *link, struct nats_durable *durable,
                              natsMsg **messages, int most, int timeout_ms, int *count_out);

/* Before the connection's end. */
void nats_durable_close(struct nats_durable *durable);

#endif
