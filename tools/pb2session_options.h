#ifndef SESSIONPB_TOOLS_PB2SESSION_OPTIONS_H
#define SESSIONPB_TOOLS_PB2SESSION_OPTIONS_H

/* What pb2session can be told. */

#include <stdbool.h>

#include "cli.h"

struct pb2session_options {
    struct cli_options common; /* first, where its rows look for it */
    struct cli_list ids;
    bool pretty;
    bool array;
    bool list;
    bool salvage;

    /* of receiving; without any of both, files are read */
    const char *connect;
    struct cli_list endpoints; /* to listen on */
    struct cli_list uids;
    struct cli_list gids;
    struct cli_count max_connections;
    struct cli_count message_max;
    struct cli_count idle_exit; /* seconds, as the next */
    struct cli_count idle_timeout;
    struct cli_count frame_timeout;
    bool fsync;
    bool insecure_remote;
};

extern const struct cli_tool pb2session_tool;

#endif
