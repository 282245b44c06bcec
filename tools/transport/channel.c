#define _POSIX_C_SOURCE 200809L

#include "transport/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <sessionpb/socket.h>

#include "clock.h"
#include "signals.h"

#ifdef SPB_WITH_TLS
#include "transport/tls.h"
#endif

enum {
    PIECE = 64 * 1024, /* received at a time */
    MS_PER_S = 1000,
};

/* -- Plain --------------------------------------------------------------------------------- */

static enum spb_status plain_handshake(struct channel *channel, struct spb_error *error)
{
    (void)channel;
    (void)error;
    return SPB_OK;
}

static enum spb_status plain_send_some(struct channel *channel, const void *data, size_t len,
                                       size_t *sent_out, struct spb_error *error)
{
    return spb_socket_send_some(channel->fd, data, len, sent_out, error);
}

static enum spb_status plain_receive_some(struct channel *channel, struct spb_frames *frames,
                                          size_t piece, struct spb_error *error)
{
    return spb_socket_receive_some(channel->fd, frames, piece, error);
}

static enum spb_status plain_half_close(struct channel *channel, struct spb_error *error)
{
    return spb_socket_half_close(channel->fd, error);
}

static void plain_release(struct channel *channel)
{
    (void)channel;
}

static const struct channel_layer plain_layer = {
    .handshake = plain_handshake,
    .send_some = plain_send_some,
    .receive_some = plain_receive_some,
    .half_close = plain_half_close,
    .release = plain_release,
};

/* -- Security ------------------------------------------------------------------------------ */

enum cli_status channel_secure(const struct transport_access *access, enum channel_side side,
                               bool quiet, struct channel_security **security_out)
{
    *security_out = NULL;
    if ((transport_access_traits(access) & TRANSPORT_TLS) == 0)
        return CLI_OK;
    if (access->tls_ca == NULL || (side == CHANNEL_SERVER && access->tls_cert == NULL)) {
        cli_error("TLS over tcp: needs '--tls-ca'%s",
                  side == CHANNEL_SERVER ? ", and of a listener '--tls-cert' and '--tls-key'" : "");
        return CLI_USAGE;
    }
#ifdef SPB_WITH_TLS
    return tls_security_new(access, side, quiet, security_out);
#else
    (void)quiet;
    cli_error("this sessionpb was built without TLS");
    return CLI_USAGE;
#endif
}

void channel_security_free(struct channel_security *security)
{
#ifdef SPB_WITH_TLS
    tls_security_free(security);
#else
    (void)security;
#endif
}

/* -- Connecting ---------------------------------------------------------------------------- */

enum spb_status channel_begin(struct channel *channel, int fd, struct channel_security *security,
                              const char *endpoint, struct spb_error *error)
{
    enum spb_status status = SPB_OK;

    *channel = (struct channel){
        .layer = &plain_layer, .fd = fd, .receive_event = POLLIN, .send_event = POLLOUT
    };
#ifdef SPB_WITH_TLS
    if (security != NULL)
        status = tls_begin(channel, security, endpoint);
#else
    (void)security;
    (void)endpoint;
#endif
    if (status == SPB_OK)
        return SPB_OK;
    *error = (struct spb_error){ .status = status, .reason = "not enough memory" };
    channel_close(channel);
    return status;
}

static int time_left(uint64_t end_ms)
{
    uint64_t now_ms = clock_ms();

    return now_ms < end_ms ? (int)(end_ms - now_ms) : 0;
}

/* A signal that ends the tool ends this, too. */
static enum spb_status shake_hands(struct channel *channel, uint64_t end_ms, int timeout_ms,
                                   struct spb_error *error)
{
    enum spb_status status = channel_handshake(channel, error);

    while (status == SPB_NEED_MORE && !signals_want_stop()) {
        struct pollfd connection = { .fd = channel->fd, .events = channel_events(channel, POLLIN) };
        int left_ms = time_left(end_ms);

        if (left_ms == 0) {
            *error = (struct spb_error){ .status = SPB_TIMEOUT };
            (void)snprintf(error->reason, sizeof(error->reason),
                           "the TLS handshake did not end within %d seconds",
                           timeout_ms / MS_PER_S);
            return SPB_TIMEOUT;
        }
        (void)signals_wait(&connection, 1, left_ms);
        status = channel_handshake(channel, error);
    }
    return status == SPB_NEED_MORE ? SPB_OK : status;
}

enum spb_status channel_connect(struct channel *channel, const char *endpoint,
                                struct channel_security *security, int timeout_ms,
                                struct spb_error *error)
{
    uint64_t end_ms = clock_ms() + (uint64_t)timeout_ms;
    int fd;
    enum spb_status status = spb_socket_connect(endpoint, timeout_ms, &fd, error);

    *channel = (struct channel){ .fd = -1 };
    if (status == SPB_OK)
        status = channel_begin(channel, fd, security, endpoint, error);
    if (status == SPB_OK)
        status = shake_hands(channel, end_ms, timeout_ms, error);
    if (status != SPB_OK)
        channel_close(channel);
    return status;
}

enum spb_status channel_handshake(struct channel *channel, struct spb_error *error)
{
    return channel->layer->handshake(channel, error);
}

/* -- Bytes --------------------------------------------------------------------------------- */

enum spb_status channel_send_some(struct channel *channel, const void *data, size_t len,
                                  size_t *sent_out, struct spb_error *error)
{
    return channel->layer->send_some(channel, data, len, sent_out, error);
}

enum spb_status channel_receive_some(struct channel *channel, struct spb_frames *frames,
                                     size_t piece, struct spb_error *error)
{
    return channel->layer->receive_some(channel, frames, piece, error);
}

/* As spb_socket_receive(), of any layer. */
static enum spb_status receive_message(struct channel *channel, struct spb_frames *frames,
                                       uint64_t end_ms, const uint8_t **message_out,
                                       size_t *len_out, struct spb_error *error)
{
    for (;;) {
        enum spb_status status = spb_frames_next(frames, message_out, len_out, error);

        if (status != SPB_NEED_MORE || frames->ended)
            return status;
        status = channel_receive_some(channel, frames, PIECE, error);
        if (status == SPB_NEED_MORE && channel_wait(channel, POLLIN, time_left(end_ms)) == 0)
            return SPB_TIMEOUT;
        if (status != SPB_OK && status != SPB_NEED_MORE)
            return status;
    }
}

enum spb_status channel_receive(struct channel *channel, struct spb_frames *frames, int timeout_ms,
                                const uint8_t **message_out, size_t *len_out,
                                struct spb_error *error)
{
    struct spb_error last; /* of the steps on the way, none of which may be a failure */
    enum spb_status status;

    if (channel->layer == &plain_layer)
        return spb_socket_receive(channel->fd, frames, timeout_ms, message_out, len_out, error);
    status = receive_message(channel, frames, clock_ms() + (uint64_t)timeout_ms, message_out,
                             len_out, &last);
    if (status != SPB_OK && status != SPB_END && status != SPB_TIMEOUT)
        *error = last;
    return status;
}

enum spb_status channel_half_close(struct channel *channel, struct spb_error *error)
{
    return channel->layer->half_close(channel, error);
}

enum spb_status channel_finish(struct channel *channel, int timeout_ms, struct spb_error *error)
{
    uint64_t end_ms = clock_ms() + (uint64_t)timeout_ms;
    enum spb_status status = channel_half_close(channel, error);

    while (status == SPB_NEED_MORE) {
        if (channel_wait(channel, POLLOUT, time_left(end_ms)) == 0) {
            *error = (struct spb_error){ .status = SPB_TIMEOUT,
                                         .reason = "the other end takes nothing more" };
            return SPB_TIMEOUT;
        }
        status = channel_half_close(channel, error);
    }
    return status;
}

/* -- Waiting ------------------------------------------------------------------------------- */

bool channel_holds_more(const struct channel *channel)
{
    return channel->holds_more;
}

short channel_events(const struct channel *channel, short wanted)
{
    short events = 0;

    if ((wanted & POLLIN) != 0)
        events |= channel->receive_event;
    if ((wanted & POLLOUT) != 0)
        events |= channel->send_event;
    return events;
}

short channel_ready(const struct channel *channel, short wanted, short told)
{
    short ready = told & ~(POLLIN | POLLOUT);

    if ((wanted & POLLIN) != 0 && ((told & channel->receive_event) != 0 || channel->holds_more))
        ready |= POLLIN;
    if ((wanted & POLLOUT) != 0 && (told & channel->send_event) != 0)
        ready |= POLLOUT;
    return ready;
}

short channel_wait(const struct channel *channel, short wanted, int timeout_ms)
{
    struct pollfd connection = { .fd = channel->fd, .events = channel_events(channel, wanted) };
    uint64_t end_ms = clock_ms() + (uint64_t)timeout_ms;
    bool at_once = channel->holds_more && (wanted & POLLIN) != 0;
    int told;

    do
        told = poll(&connection, 1, at_once ? 0 : time_left(end_ms));
    while (told == -1 && errno == EINTR);
    return channel_ready(channel, wanted, connection.revents);
}

/* -- The end ------------------------------------------------------------------------------- */

void channel_strip(struct channel *channel)
{
    channel->layer->release(channel);
    channel->layer = &plain_layer;
    channel->receive_event = POLLIN;
    channel->send_event = POLLOUT;
    channel->holds_more = false;
}

void channel_close(struct channel *channel)
{
    if (channel->layer == NULL)
        return;
    channel->layer->release(channel);
    (void)close(channel->fd);
    *channel = (struct channel){ .fd = -1 };
}
