#ifndef SESSIONPB_TOOLS_TRANSPORT_NATS_H
#define SESSIONPB_TOOLS_TRANSPORT_NATS_H

/* NATS JetStream, by libnats. */

#include "transport/consumer.h"
#include "transport/publisher.h"

extern const struct publisher_kind nats_publisher;
extern const struct consumer_kind nats_consumer;

#endif
