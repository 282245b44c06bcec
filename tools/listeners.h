#ifndef SESSIONPB_TOOLS_LISTENERS_H
#define SESSIONPB_TOOLS_LISTENERS_H

/* Where a server listens, and whom it lets in. */

#include <stdbool.h>
#include <stddef.h>

#include <sessionpb/socket.h>

#include "cli.h"
#include "server.h"
#include "transport/channel.h"

enum { LISTENERS_MAX = 16 };

struct listeners {
    const struct server_options *options;
    struct channel_security *security; /* NULL: plain */
    spb_listener *items[LISTENERS_MAX];
    size_t count;
};

/* zero-initialised. CLI_OK, or CLI_USAGE or CLI_FAILED after a report. Call listeners_close() in any
   case. */
enum cli_status listeners_open(struct listeners *listeners, const struct server_options *options);

/* Whether who is at the other end may send. */
bool listeners_allow(const struct listeners *listeners, const struct spb_peer *peer);

void listeners_close(struct listeners *listeners);

#endif
