#ifndef SESSIONPB_TOOLS_TRANSPORT_NATS_DURABLE_H
#define SESSIONPB_TOOLS_TRANSPORT_NATS_DURABLE_H

/* The durable consumer of a stream at a NATS server, which is found, or made, as an endpoint says. */

#include <stdint.h>

#include "transport/nats_link.h"

/*
 * Subscribe to it, over a connection.
 *
 * ack_wait_out   nanoseconds before the server gives a message to another consumer
 *
 * CLI_OK, or CLI_FAILED after a report.
 */
enum cli_status nats_durable_open(struct nats_link *link, natsSubscription **subscription_out,
                                  int64_t *ack_wait_out);

#endif
