#ifndef SESSIONPB_TOOLS_RECEIVER_H
#define SESSIONPB_TOOLS_RECEIVER_H

/* pb2session as a receiver: sessions of many senders, or from a broker, into one stream of lines, or into an
   archive. */

#include "cli.h"
#include "pb2session_options.h"

/* Receive until it is enough. Returns how the tool ends. */
enum cli_status receiver_run(const struct pb2session_options *options);

#endif
