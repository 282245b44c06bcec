#ifndef SESSIONPB_TOOLS_TRANSPORT_SOCKETS_H
#define SESSIONPB_TOOLS_TRANSPORT_SOCKETS_H

/* Sockets as a transport: a stream of frames, and receipts against it. */

#include "transport/consumer.h"
#include "transport/publisher.h"

extern const struct publisher_kind socket_publisher;
extern const struct consumer_kind socket_consumer;

#endif
