#ifndef SESSIONPB_TOOLS_TRANSPORT_KAFKA_H
#define SESSIONPB_TOOLS_TRANSPORT_KAFKA_H

/* Kafka, by librdkafka. */

#include "transport/consumer.h"
#include "transport/publisher.h"

extern const struct publisher_kind kafka_publisher;
extern const struct consumer_kind kafka_consumer;

#endif
