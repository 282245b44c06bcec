#ifndef SESSIONPB_TOOLS_TRANSPORT_CHANNEL_H
#define SESSIONPB_TOOLS_TRANSPORT_CHANNEL_H

/*
 * Bytes over a connected socket: as they are, or through TLS. What is behind a channel makes no
 * difference to who uses it, but for this: TLS begins with a handshake, it may have to send in order to
 * receive, and it may hold bytes of which poll() knows nothing. So wait by channel_wait(), or ask
 * channel_holds_more(), channel_events() and channel_ready().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/frame.h>
#include <sessionpb/status.h>

#include "cli.h"
#include "transport/transport.h"

/* Who this end is, and whom it trusts: what the options of TLS say. */
struct channel_security;

enum channel_side {
    CHANNEL_CLIENT, /* it checks the name of the other end */
    CHANNEL_SERVER, /* it lets nobody in without a certificate */
};

struct channel_layer;
struct tls;

struct channel {
    const struct channel_layer *layer; /* NULL without a connection */
    int fd;
    struct tls *tls;
    short receive_event; /* what poll() is to wait for in order to receive */
    short send_event;
    bool holds_more;
};

/* What carries the bytes; see the functions of the same names. */
struct channel_layer {
    enum spb_status (*handshake)(struct channel *channel, struct spb_error *error);
    enum spb_status (*send_some)(struct channel *channel, const void *data, size_t len,
                                 size_t *sent_out, struct spb_error *error);
    enum spb_status (*receive_some)(struct channel *channel, struct spb_frames *frames,
                                    size_t piece, struct spb_error *error);
    enum spb_status (*half_close)(struct channel *channel, struct spb_error *error);
    void (*release)(struct channel *channel);
};

/*
 * Load what the options of TLS name. *security_out is NULL where there are none: the channel is plain.
 *
 * CLI_OK; CLI_USAGE or CLI_FAILED after a report.
 */
enum cli_status channel_secure(const struct transport_access *access, enum channel_side side,
                               bool quiet, struct channel_security **security_out);
void channel_security_free(struct channel_security *security); /* NULL is allowed */

/*
 * Begin on a connected socket, which is the channel's from now on, whatever is returned. The handshake is
 * still to come.
 *
 * security  borrowed; NULL: plain
 * endpoint  of the client's side: tcp:HOST:PORT, where HOST is whom the other end's certificate has to name
 *
 * SPB_OK or SPB_NO_MEMORY.
 */
enum spb_status channel_begin(struct channel *channel, int fd, struct channel_security *security,
                              const char *endpoint, struct spb_error *error);

/*
 * Connect and shake hands. After a failure there is no connection. When a signal has come that ends the
 * tool, the handshake may not be over.
 *
 * SPB_OK; else as spb_socket_connect().
 */
enum spb_status channel_connect(struct channel *channel, const char *endpoint,
                                struct channel_security *security, int timeout_ms,
                                struct spb_error *error);

/*
 * Go on with the handshake, without waiting.
 *
 * SPB_OK (it is over); SPB_NEED_MORE (it waits to receive); SPB_BAD_WIRE (the other end does not speak TLS,
 * and was not answered); SPB_IO.
 */
enum spb_status channel_handshake(struct channel *channel, struct spb_error *error);

/* As spb_socket_send_some(). What was not sent is to be sent next, possibly with more behind it. */
enum spb_status channel_send_some(struct channel *channel, const void *data, size_t len,
                                  size_t *sent_out, struct spb_error *error);

/* As spb_socket_receive_some(). The end of a stream of TLS is only what the other end has called so. */
enum spb_status channel_receive_some(struct channel *channel, struct spb_frames *frames,
                                     size_t piece, struct spb_error *error);

/* As spb_socket_receive(). */
enum spb_status channel_receive(struct channel *channel, struct spb_frames *frames, int timeout_ms,
                                const uint8_t **message_out, size_t *len_out,
                                struct spb_error *error);

/* As spb_socket_half_close(), and SPB_NEED_MORE (it waits to send). */
enum spb_status channel_half_close(struct channel *channel, struct spb_error *error);

/* The same, and wait to send for so long. */
enum spb_status channel_finish(struct channel *channel, int timeout_ms, struct spb_error *error);

/* It may be able to receive without waiting, whatever poll() says. */
bool channel_holds_more(const struct channel *channel);

/* The events that poll() is to wait for. wanted: POLLIN to receive, POLLOUT to send. */
short channel_events(const struct channel *channel, short wanted);

/* Which of it may be possible now, POLLIN and POLLOUT; with POLLERR and POLLHUP as poll() tells them. */
short channel_ready(const struct channel *channel, short wanted, short told);

/* Wait until some of it may be possible; a signal does not end that. Returns what channel_ready() tells; 0
   when the time is over. */
short channel_wait(const struct channel *channel, short wanted, int timeout_ms);

/* From now on the bytes are plain, in both directions. */
void channel_strip(struct channel *channel);

/* Without telling the other end that this is a good end: see channel_half_close(). Without a connection
   nothing is done. */
void channel_close(struct channel *channel);

#endif
