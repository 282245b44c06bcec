#ifndef SESSIONPB_TOOLS_SERVER_H
#define SESSIONPB_TOOLS_SERVER_H

/*
 * Receiving messages from many senders at once, in one thread. The server owns connections, their
 * deadlines and their receipts; what becomes of a message is its keeper's business. While the keeper is
 * busy or waits for its output nothing is received, so that senders wait as well.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sessionpb/frame.h>

#include "cli.h"
#include "keeper.h"
#include "transport/transport.h"

struct server_options {
    const struct cli_list *endpoints;
    enum spb_framing framing;
    size_t message_max;
    size_t connections_max;
    int idle_ms;    /* without a byte, between frames */
    int frame_ms;   /* for a frame that has begun, and for a receipt that nobody takes */
    int hold_ms;    /* how long what was taken may wait to be committed */
    bool eager;     /* it does not wait when nothing more is there */
    bool skips_bad; /* pass over a bad message, instead of cutting its sender off */
    bool remote;    /* see struct spb_listen_options */
    struct transport_access access;
    const uid_t *uids; /* who may send over a Unix socket, besides this user */
    size_t uid_count;
    const gid_t *gids;
    size_t gid_count; /* without any of both, the socket's permissions decide */
    bool quiet;
    bool stats;
};

struct server;

/* Listen on all endpoints. CLI_OK, or CLI_USAGE or CLI_FAILED after a report, and *server_out is to be
   closed in any case. The options are borrowed. */
enum cli_status server_open(const struct server_options *options, struct server **server_out);

/*
 * Receive until a signal (SIGTERM, SIGINT), until the keeper has enough, or until it fails. What has
 * arrived whole by then is kept and confirmed; the senders are told why no more is taken.
 *
 * CLI_OK, CLI_ENOUGH, or how the keeper has failed.
 */
enum cli_status server_run(struct server *server, const struct keeper *keeper);

/* NULL is allowed. */
void server_close(struct server *server);

#endif
