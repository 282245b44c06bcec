#ifndef SESSIONPB_TOOLS_CONNECTION_H
#define SESSIONPB_TOOLS_CONNECTION_H

/*
 * One connection from a sender: what has arrived, what was taken of it, and the receipts for that.
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/frame.h>
#include <sessionpb/receipt.h>
#include <sessionpb/socket.h>

#include "transport/channel.h"

enum connection_state {
    CONNECTION_GREETING, /* TLS shakes hands */
    CONNECTION_RECEIVING,
    CONNECTION_ENDING, /* nothing more is taken; the last receipt is due or on its way */
    CONNECTION_DRAINING, /* what still arrives is thrown away, so that the receipt is not lost with it */
    CONNECTION_CLOSED,
};

struct connection {
    enum connection_state state;
    struct channel channel;
    uint64_t number; /* of the sender, from 1 */
    const char *endpoint;
    struct spb_peer peer;
    struct spb_frames frames;

    uint64_t taken;             /* messages, bad ones too where they are passed over */
    uint64_t rejected;          /* of these */
    struct spb_receipt receipt; /* what is written; the reason is that of the end */
    bool due;                   /* a receipt */
    bool mute;                  /* it takes none */
    struct spb_bytes out;       /* what is left of the one that is on its way */

    uint64_t heard_ms; /* when the last byte arrived, or the state began */
    uint64_t frame_ms; /* when the frame began that is not whole; 0 without one */
};

enum { CONNECTION_PIECE = 64 * 1024 }; /* received at a time, so that each has its turn */

/* Print a line on it: the endpoint, who is at the other end, and `what` followed by `more`. */
void connection_tell(const struct connection *connection, const char *what, const char *more);

/*
 * Go on with the handshake.
 *
 * SPB_OK: the connection receives from now on, or waits for more of the handshake; SPB_BAD_WIRE, with
 * *error: the sender does not speak TLS, and plain words may tell it so; others: the sender is let down,
 * after a report.
 */
enum spb_status connection_greet(struct connection *connection, uint64_t now_ms,
                                 struct spb_error *error);

/*
 * Receive a piece.
 *
 * len_out   bytes that have arrived; 0 at the stream's end
 *
 * SPB_OK; SPB_NEED_MORE (nothing was there); others: the connection is closed, after a report.
 */
enum spb_status connection_receive(struct connection *connection, uint64_t now_ms, size_t *len_out);

/* All frames that are whole were pulled: begin to wait for the rest of the next one. */
void connection_settle(struct connection *connection, uint64_t now_ms);

/* Take no more. reason: empty when the sender has ended the stream as it should. */
void connection_end(struct connection *connection, const char *reason, uint64_t now_ms);

/* It could go on, or it has ended as it should and what was taken is not written: its last receipt needs a
   reason when no more is written. */
bool connection_is_unfinished(const struct connection *connection);

/* What poll() is to wait for, and what may be possible by what it has told: POLLIN to receive, POLLOUT to
   send. */
struct pollfd connection_poll(const struct connection *connection);
short connection_ready(const struct connection *connection, short told);

/* Something can be received of which poll() does not know. */
bool connection_holds_more(const struct connection *connection);

/* Whether a receipt or the end of the receipts is on its way. */
bool connection_sends(const struct connection *connection);

/* Send the receipt that is due, as far as it can be sent. */
void connection_answer(struct connection *connection, uint64_t now_ms);

/* Throw away what arrives. */
void connection_drain(struct connection *connection);

void connection_close(struct connection *connection);

#endif
