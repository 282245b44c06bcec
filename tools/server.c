/*
 * The server's loop: wait, take what has arrived, write it, confirm it, and look after the clock.
 */
#define _POSIX_C_SOURCE 200809L

#include "server.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sessionpb/socket.h>

#include "clock.h"
#include "connection.h"
#include "listeners.h"
#include "signals.h"

enum {
    CONNECTIONS_AT_FIRST = 16,
    STOP_LEN = 4 * 1024 * 1024, /* at most so much of each sender is taken after a signal */
    STOP_MS = 2000,             /* for senders to read their last receipt and go */
    DRAIN_MS = 2000,            /* likewise, of one that was cut off */
    ACCEPT_PAUSE_MS = 1000,     /* when the system has no more descriptors */
    HELD_UP_MS = 1000,          /* a round that took longer waited for the output */
    HINT_SIZE = 64,
    REASON_SIZE = SPB_PATH_MAX + SPB_REASON_MAX + HINT_SIZE + 32,
    MS_PER_S = 1000,
};

struct server {
    const struct server_options *options;
    const struct keeper *keeper;
    struct listeners listeners;
    struct connection *connections;
    struct pollfd *polls; /* of the listeners, then of the connections */
    size_t count;         /* connections */
    size_t capacity;
    uint64_t now_ms;
    uint64_t accept_from_ms;
    bool accept_fails; /* which was told */

    uint64_t sender_count;
    uint64_t cut_off_count;
    bool stopping;
    uint64_t uncommitted_ms; /* when something was taken that is not committed; 0: nothing */
    enum cli_status status;  /* of the keeper */
};

/* -- Accepting ----------------------------------------------------------------------------- */

/* Room for one connection more. */
static bool grow(struct server *server)
{
    size_t capacity = server->capacity > 0 ? server->capacity * 2 : CONNECTIONS_AT_FIRST;
    void *grown;

    if (server->count < server->capacity)
        return true;
    grown = realloc(server->connections, capacity * sizeof(*server->connections));
    if (grown == NULL)
        return false;
    server->connections = grown;
    grown = realloc(server->polls, (LISTENERS_MAX + capacity) * sizeof(*server->polls));
    if (grown == NULL)
        return false;
    server->polls = grown;
    server->capacity = capacity;
    return true;
}

enum cli_status server_open(const struct server_options *options, struct server **server_out)
{
    struct server *server = calloc(1, sizeof(*server));

    *server_out = server;
    if (server == NULL || !grow(server))
        return cli_no_memory();
    server->options = options;
    server->now_ms = clock_ms();
    signals_watch();
    return listeners_open(&server->listeners, options);
}

static void cut_off(struct server *server, struct connection *connection, const char *reason)
{
    connection_tell(connection, reason, "");
    server->cut_off_count++;
    connection_end(connection, reason, server->now_ms);
}

static void add_connection(struct server *server, spb_listener *listener, int fd,
                           const struct spb_peer *peer)
{
    const struct server_options *options = server->options;
    const struct spb_frames frames = { .framing = options->framing,
                                       .message_max = options->message_max };
    struct connection *connection = &server->connections[server->count];
    struct channel_security *security = server->listeners.security;
    struct channel channel;
    struct spb_error error;

    if (channel_begin(&channel, fd, security, NULL, &error) != SPB_OK) {
        cli_error("%s: %s", spb_listener_endpoint(listener), error.reason);
        return;
    }
    server->count++;
    *connection = (struct connection){
        .state = security != NULL ? CONNECTION_GREETING : CONNECTION_RECEIVING,
        .channel = channel,
        .number = ++server->sender_count,
        .endpoint = spb_listener_endpoint(listener),
        .peer = *peer,
        .frames = frames,
        .heard_ms = server->now_ms,
    };
    if (!listeners_allow(&server->listeners, peer))
        cut_off(server, connection, "this user may not send");
}

/* Those that wait, as far as there is room for them. */
static void accept_connections(struct server *server, spb_listener *listener)
{
    while (server->count < server->options->connections_max) {
        struct spb_peer peer;
        struct spb_error error;
        enum spb_status status = SPB_NO_MEMORY;
        int fd;

        if (grow(server))
            status = spb_listener_accept(listener, &fd, &peer, &error);
        if (status == SPB_NEED_MORE)
            return;
        if (status != SPB_OK) {
            if (!server->accept_fails)
                cli_error("%s; trying again",
                          status == SPB_IO ? error.reason : "not enough memory");
            server->accept_fails = true;
            server->accept_from_ms = server->now_ms + ACCEPT_PAUSE_MS;
            return;
        }
        server->accept_fails = false;
        add_connection(server, listener, fd, &peer);
    }
}

/* -- Receiving ----------------------------------------------------------------------------- */

static void note_uncommitted(struct server *server)
{
    if (server->uncommitted_ms == 0)
        server->uncommitted_ms = server->now_ms;
}

/* What is wrong, and with which of its sessions. */
static void describe(const struct connection *connection, const struct spb_error *error,
                     const char *hint, char reason[REASON_SIZE])
{
    (void)snprintf(reason, REASON_SIZE, "record %" PRIu64 ": byte %zu: %s%s%s%s",
                   connection->taken + 1, error->offset, error->path,
                   error->path[0] != '\0' ? ": " : "", error->reason, hint);
}

/* What the stream looks like, as long as its first bytes are still there. */
static const char *hint(const struct connection *connection, char text[HINT_SIZE])
{
    const struct spb_frames *frames = &connection->frames;
    const char *look = NULL;

    text[0] = '\0';
    if (connection->taken == 0 && frames->offset == frames->used)
        look = spb_looks_like(frames->arrived.data, frames->arrived.len);
    if (look != NULL && strstr(look, "protobuf") == NULL)
        (void)snprintf(text, HINT_SIZE, "; it looks like %s", look);
    return text;
}

static void judge_bad(struct server *server, struct connection *connection,
                      const struct spb_error *error, bool can_pass)
{
    char text[HINT_SIZE];
    char reason[REASON_SIZE];

    describe(connection, error, hint(connection, text), reason);
    if (!can_pass) {
        cut_off(server, connection, reason);
        return;
    }
    connection->taken++;
    connection->rejected++;
    note_uncommitted(server);
    if (!server->options->quiet)
        connection_tell(connection, reason, "");
}

static void take_message(struct server *server, struct connection *connection,
                         const uint8_t *message, size_t len)
{
    struct spb_error error;
    enum cli_status status;

    if (len == 0) {
        connection->due = !connection->mute;
        return;
    }
    status = server->keeper->take(server->keeper->context, message, len, &error);
    if (status == CLI_REJECTED) {
        error.offset += (size_t)connection->frames.offset - len; /* in the stream */
        judge_bad(server, connection, &error, server->options->skips_bad);
        return;
    }
    if (status == CLI_OK || status == CLI_ENOUGH) {
        connection->taken++;
        note_uncommitted(server);
    }
    server->status = status;
}

/* Take all frames that are whole. */
static void take_frames(struct server *server, struct connection *connection)
{
    struct spb_frames *frames = &connection->frames;
    enum spb_status next = SPB_OK;
    struct spb_error error;

    while (server->status == CLI_OK && connection->state == CONNECTION_RECEIVING) {
        const uint8_t *message;
        size_t len;

        next = spb_frames_next(frames, &message, &len, &error);
        if (next != SPB_OK)
            break;
        connection->frame_ms = 0;
        take_message(server, connection, message, len);
    }
    if (next == SPB_END)
        connection_end(connection, "", server->now_ms);
    else if (next != SPB_OK && (next != SPB_NEED_MORE || frames->ended))
        judge_bad(server, connection, &error, false);
    else
        connection_settle(connection, server->now_ms);
}

static void greet(struct server *server, struct connection *connection)
{
    struct spb_error error;
    enum spb_status status = connection_greet(connection, server->now_ms, &error);

    if (status == SPB_BAD_WIRE)
        cut_off(server, connection, error.reason);
    else if (status != SPB_OK)
        server->cut_off_count++;
}

/* Receive once. Returns how many bytes arrived. */
static size_t receive(struct server *server, struct connection *connection)
{
    size_t len;
    enum spb_status status = connection_receive(connection, server->now_ms, &len);

    if (status != SPB_OK)
        return 0;
    server->keeper->arrived(server->keeper->context, len);
    take_frames(server, connection);
    if (connection->state == CONNECTION_RECEIVING && len < CONNECTION_PIECE)
        spb_frames_shrink(&connection->frames);
    return len;
}

/* -- Receipts ------------------------------------------------------------------------------ */

/* Have everything that was taken written; receipts may tell so from now on. */
static void commit(struct server *server)
{
    if (server->uncommitted_ms != 0)
        server->status = server->keeper->commit(server->keeper->context);
    if (server->status != CLI_OK)
        return;
    server->uncommitted_ms = 0;
    for (size_t i = 0; i < server->count; i++) {
        server->connections[i].receipt.sessions = server->connections[i].taken;
        server->connections[i].receipt.rejected = server->connections[i].rejected;
    }
}

static void answer(struct server *server)
{
    bool due = false;

    for (size_t i = 0; i < server->count; i++)
        due = due || server->connections[i].due;
    if (due)
        commit(server);
    for (size_t i = 0; i < server->count && server->status == CLI_OK; i++)
        if (server->connections[i].due)
            connection_answer(&server->connections[i], server->now_ms);
}

/* -- Deadlines ----------------------------------------------------------------------------- */

/* When the connection's patience ends. */
static uint64_t deadline(const struct server *server, const struct connection *connection)
{
    const struct server_options *options = server->options;

    if (connection->state == CONNECTION_DRAINING)
        return connection->heard_ms + DRAIN_MS;
    if (connection->state == CONNECTION_ENDING || connection->state == CONNECTION_GREETING)
        return connection->heard_ms + (uint64_t)options->frame_ms;
    if (connection->frame_ms != 0)
        return connection->frame_ms + (uint64_t)options->frame_ms;
    return connection->heard_ms + (uint64_t)options->idle_ms;
}

static void expire(struct server *server, struct connection *connection)
{
    const struct server_options *options = server->options;
    bool in_frame = connection->frame_ms != 0;
    char reason[REASON_SIZE];

    if (connection->state != CONNECTION_RECEIVING) {
        if (connection->state == CONNECTION_ENDING)
            connection_tell(connection, "it does not read its receipt", "");
        else if (connection->state == CONNECTION_GREETING)
            connection_tell(connection, "the TLS handshake did not end in time", "");
        connection_close(connection);
        return;
    }
    (void)snprintf(reason, sizeof(reason),
                   in_frame ? "record %" PRIu64 ": the rest of it did not arrive within %d seconds"
                            : "after %" PRIu64 " records, nothing has arrived for %d seconds",
                   connection->taken + in_frame,
                   (in_frame ? options->frame_ms : options->idle_ms) / MS_PER_S);
    cut_off(server, connection, reason);
}

/* The output has held everything up since `before_ms`: no sender is to blame for that. */
static void forgive(struct server *server, uint64_t before_ms)
{
    uint64_t held_ms = server->now_ms - before_ms;

    for (size_t i = 0; i < server->count && held_ms > HELD_UP_MS; i++) {
        struct connection *connection = &server->connections[i];

        connection->heard_ms += held_ms;
        if (connection->frame_ms != 0)
            connection->frame_ms += held_ms;
    }
}

/* When what was taken is to be committed. */
static uint64_t commit_deadline(const struct server *server)
{
    return server->uncommitted_ms + (uint64_t)server->options->hold_ms;
}

/* Until the next deadline, for poll(). */
static int patience(const struct server *server)
{
    uint64_t next = UINT64_MAX;

    if (server->uncommitted_ms != 0)
        next = server->options->eager ? server->now_ms : commit_deadline(server);
    if (server->accept_from_ms > server->now_ms && server->accept_from_ms < next)
        next = server->accept_from_ms;
    for (size_t i = 0; i < server->count; i++) {
        const struct connection *connection = &server->connections[i];
        bool ready = connection_holds_more(connection);
        uint64_t own = ready ? server->now_ms : deadline(server, connection);

        next = own < next ? own : next;
    }
    if (next == UINT64_MAX)
        return -1;
    return next > server->now_ms ? (int)(next - server->now_ms) : 0;
}

/* -- The loop ------------------------------------------------------------------------------ */

static void tell_senders(const struct server *server)
{
    cli_error("%zu senders connected, %" PRIu64 " in all, %" PRIu64 " cut off", server->count,
              server->sender_count, server->cut_off_count);
}

static void drop_closed(struct server *server)
{
    size_t i = 0;

    while (i < server->count)
        if (server->connections[i].state == CONNECTION_CLOSED)
            server->connections[i] = server->connections[--server->count];
        else
            i++;
}

/* Returns how many descriptors are to be waited for. */
static size_t fill_polls(struct server *server)
{
    bool accepts = !server->stopping && server->count < server->options->connections_max &&
                   server->now_ms >= server->accept_from_ms;
    struct pollfd *at = server->polls;

    for (size_t i = 0; i < server->listeners.count; i++)
        *at++ = (struct pollfd){ .fd = accepts ? spb_listener_fd(server->listeners.items[i]) : -1,
                                 .events = POLLIN };
    for (size_t i = 0; i < server->count; i++)
        *at++ = connection_poll(&server->connections[i]);
    return (size_t)(at - server->polls);
}

/* What the connection has waited for may be possible. told: by poll() */
static void serve(struct server *server, struct connection *connection, short told)
{
    short events = connection_ready(connection, told);

    if (connection_sends(connection) && (events & POLLOUT) != 0)
        connection_answer(connection, server->now_ms);
    if ((events & ~POLLOUT) == 0)
        return;
    if (connection->state == CONNECTION_GREETING)
        greet(server, connection);
    else if (connection->state == CONNECTION_RECEIVING)
        (void)receive(server, connection);
    else if (connection->state == CONNECTION_DRAINING)
        connection_drain(connection);
    else if ((events & (POLLERR | POLLHUP)) != 0 && connection_sends(connection))
        connection_answer(connection, server->now_ms);
}

/* What has arrived at a connection, or what has not by now. ready: whether poll() could tell. */
static void attend(struct server *server, struct connection *connection, short events, bool ready)
{
    bool late = server->now_ms >= deadline(server, connection);

    if (connection_holds_more(connection))
        events |= POLLIN;
    if (events != 0 && !(late && connection->state == CONNECTION_DRAINING))
        serve(server, connection, events);
    else if (late && ready)
        expire(server, connection);
}

/* ready: what poll() has returned */
static bool is_idle(const struct server *server, int ready)
{
    for (size_t i = 0; i < server->count; i++)
        if (connection_holds_more(&server->connections[i]))
            return false;
    return ready == 0;
}

/* One round. */
static void turn(struct server *server)
{
    size_t polled = fill_polls(server);
    size_t listeners = server->listeners.count;
    int ready = signals_wait(server->polls, polled, patience(server));
    uint64_t before_ms = server->now_ms = clock_ms();

    if (server->uncommitted_ms != 0 && ((server->options->eager && is_idle(server, ready)) ||
                                        server->now_ms >= commit_deadline(server)))
        commit(server);
    for (size_t i = listeners; i < polled && server->status == CLI_OK; i++)
        attend(server, &server->connections[i - listeners],
               ready > 0 ? server->polls[i].revents : 0, ready >= 0);
    if (server->status == CLI_OK)
        answer(server);
    for (size_t i = 0; i < listeners && ready > 0; i++)
        if (server->polls[i].revents != 0)
            accept_connections(server, server->listeners.items[i]);
    drop_closed(server);
    server->now_ms = clock_ms();
    forgive(server, before_ms);
}

static void serve_until_stopped(struct server *server)
{
    while (server->status == CLI_OK && !signals_want_stop()) {
        turn(server);
        if (signals_want_stats()) {
            tell_senders(server);
            server->keeper->tell(server->keeper->context);
        }
    }
}

/* -- The end ------------------------------------------------------------------------------- */

/* What has arrived whole by now is kept. */
static void take_rest(struct server *server, struct connection *connection)
{
    size_t taken = 0;
    size_t len = 1;

    while (len > 0 && taken < STOP_LEN && server->status == CLI_OK &&
           connection->state == CONNECTION_RECEIVING) {
        len = receive(server, connection);
        taken += len;
    }
}

static const char *why_stopped(enum cli_status status)
{
    switch (status) {
    case CLI_OK:
        return "the receiver is stopping";
    case CLI_ENOUGH:
        return "the receiver wants no more sessions";
    default:
        return "the receiver cannot write";
    }
}

/* Those of which poll() had something to say. */
static void serve_ready(struct server *server, size_t polled)
{
    const size_t listeners = server->listeners.count;

    for (size_t i = listeners; i < polled; i++)
        if (server->polls[i].revents != 0)
            serve(server, &server->connections[i - listeners], server->polls[i].revents);
}

/* Whatever the reason, senders learn how much of theirs is written, and have a moment to hear it. */
static void dismiss(struct server *server)
{
    const char *reason = why_stopped(server->status);
    uint64_t end_ms = clock_ms() + STOP_MS;

    server->stopping = true;
    for (size_t i = 0; i < server->count; i++)
        if (connection_is_unfinished(&server->connections[i]))
            connection_end(&server->connections[i], reason, server->now_ms);
        else if (server->connections[i].state == CONNECTION_GREETING)
            connection_close(&server->connections[i]);
    for (size_t i = 0; i < server->count; i++)
        if (server->connections[i].due)
            connection_answer(&server->connections[i], server->now_ms);
    drop_closed(server);
    for (uint64_t now = clock_ms(); server->count > 0 && now < end_ms; now = clock_ms()) {
        size_t polled = fill_polls(server);

        if (poll(server->polls, polled, (int)(end_ms - now)) > 0)
            serve_ready(server, polled);
        drop_closed(server);
    }
}

static void stop(struct server *server)
{
    enum cli_status status = server->status;

    server->now_ms = clock_ms();
    for (size_t i = 0; i < server->listeners.count && status == CLI_OK; i++)
        accept_connections(server, server->listeners.items[i]);
    for (size_t i = 0; i < server->count && server->status == CLI_OK; i++)
        take_rest(server, &server->connections[i]);
    status = server->status;
    if (status == CLI_OK || status == CLI_ENOUGH) {
        server->status = CLI_OK;
        commit(server);
        if (server->status == CLI_OK)
            server->status = status;
    }
    dismiss(server);
}

enum cli_status server_run(struct server *server, const struct keeper *keeper)
{
    server->keeper = keeper;
    serve_until_stopped(server);
    stop(server);
    if (server->options->stats)
        tell_senders(server);
    return server->status;
}

void server_close(struct server *server)
{
    if (server == NULL)
        return;
    for (size_t i = 0; i < server->count; i++)
        connection_close(&server->connections[i]);
    listeners_close(&server->listeners);
    free(server->connections);
    free(server->polls);
    free(server);
}
