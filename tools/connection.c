#define _POSIX_C_SOURCE 200809L

#include "connection.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

enum { SENDER_SIZE = 96 };

void connection_tell(const struct connection *connection, const char *what, const char *more)
{
    const struct spb_peer *peer = &connection->peer;
    char who[SENDER_SIZE] = "";

    if (peer->address[0] != '\0')
        (void)snprintf(who, sizeof(who), " (%s)", peer->address);
    else if (peer->pid != -1)
        (void)snprintf(who, sizeof(who), " (pid %ld, uid %lu)", (long)peer->pid,
                       (unsigned long)peer->uid);
    cli_error("%s: sender %" PRIu64 "%s: %s%s", connection->endpoint, connection->number, who, what,
              more);
}

enum spb_status connection_greet(struct connection *connection, uint64_t now_ms,
                                 struct spb_error *error)
{
    enum spb_status status = channel_handshake(&connection->channel, error);

    if (status == SPB_NEED_MORE)
        return SPB_OK;
    connection->heard_ms = now_ms;
    if (status == SPB_OK) {
        connection->state = CONNECTION_RECEIVING;
        return SPB_OK;
    }
    channel_strip(&connection->channel);
    if (status == SPB_BAD_WIRE)
        return status;
    connection_tell(connection, error->reason, "");
    connection->state = CONNECTION_DRAINING; /* the sender is to hear TLS's alert */
    if (channel_half_close(&connection->channel, error) != SPB_OK)
        connection_close(connection);
    return status;
}

enum spb_status connection_receive(struct connection *connection, uint64_t now_ms, size_t *len_out)
{
    struct spb_frames *frames = &connection->frames;
    size_t before = spb_frames_pending(frames);
    struct spb_error error;
    enum spb_status status =
        channel_receive_some(&connection->channel, frames, CONNECTION_PIECE, &error);

    *len_out = spb_frames_pending(frames) - before;
    if (status == SPB_OK && *len_out > 0)
        connection->heard_ms = now_ms;
    if (status != SPB_OK && status != SPB_NEED_MORE) {
        connection_tell(connection, error.reason, "");
        connection_close(connection);
    }
    return status;
}

void connection_settle(struct connection *connection, uint64_t now_ms)
{
    if (spb_frames_pending(&connection->frames) == 0)
        connection->frame_ms = 0;
    else if (connection->frame_ms == 0)
        connection->frame_ms = now_ms;
}

/* As much of it as fits, in whole characters of UTF-8. */
static void copy_reason(char to[SPB_REASON_MAX], const char *reason)
{
    size_t len = strlen(reason);

    if (len >= SPB_REASON_MAX)
        for (len = SPB_REASON_MAX - 1; ((unsigned char)reason[len] & 0xc0) == 0x80;)
            len--;
    memcpy(to, reason, len);
    to[len] = '\0';
}

void connection_end(struct connection *connection, const char *reason, uint64_t now_ms)
{
    if (connection->mute) {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_ENDING;
    connection->heard_ms = now_ms;
    connection->due = true;
    copy_reason(connection->receipt.reason, reason);
    spb_frames_release(&connection->frames);
}

bool connection_is_unfinished(const struct connection *connection)
{
    if (connection->state == CONNECTION_RECEIVING)
        return true;
    return connection->state == CONNECTION_ENDING && connection->receipt.reason[0] == '\0' &&
           connection->receipt.sessions < connection->taken;
}

static short wish_of(const struct connection *connection)
{
    if (connection->state == CONNECTION_ENDING)
        return POLLOUT;
    return connection->out.len > 0 ? POLLIN | POLLOUT : POLLIN;
}

struct pollfd connection_poll(const struct connection *connection)
{
    bool raw = connection->state == CONNECTION_DRAINING;
    short wish = wish_of(connection);

    return (struct pollfd){ .fd = connection->channel.fd,
                            .events = raw ? wish : channel_events(&connection->channel, wish) };
}

short connection_ready(const struct connection *connection, short told)
{
    if (connection->state == CONNECTION_DRAINING)
        return told;
    return channel_ready(&connection->channel, wish_of(connection), told);
}

bool connection_holds_more(const struct connection *connection)
{
    return connection->state == CONNECTION_RECEIVING && channel_holds_more(&connection->channel);
}

bool connection_sends(const struct connection *connection)
{
    return connection->out.len > 0 || (connection->state == CONNECTION_ENDING && !connection->due);
}

/* The last receipt is sent. What the sender still sends would make the system throw the receipt away, if
   the connection were closed before it is read. */
static void end_answers(struct connection *connection, uint64_t now_ms)
{
    struct spb_error error;
    enum spb_status status = channel_half_close(&connection->channel, &error);

    if (status == SPB_NEED_MORE)
        return;
    if (status != SPB_OK || connection->receipt.reason[0] == '\0') {
        connection_close(connection);
        return;
    }
    connection->state = CONNECTION_DRAINING;
    connection->heard_ms = now_ms;
}

/* The receipt that is on its way, as far as it can be sent; the next one, where none is. */
static enum spb_status send_receipt(struct connection *connection, struct spb_error *error)
{
    struct spb_bytes *out = &connection->out;
    enum spb_status status = SPB_OK;
    size_t sent = 0;

    if (out->len == 0) {
        connection->due = false;
        status = spb_receipt_append(&connection->receipt, out);
    }
    if (status == SPB_OK)
        status = channel_send_some(&connection->channel, out->data, out->len, &sent, error);
    out->len -= sent;
    if (out->len > 0)
        memmove(out->data, out->data + sent, out->len);
    else
        spb_bytes_release(out);
    return status;
}

/* Who does not take receipts may still have sent sessions. */
static void give_up_receipts(struct connection *connection, const char *reason)
{
    connection->mute = true;
    connection->due = false;
    spb_bytes_release(&connection->out);
    if (connection->state != CONNECTION_ENDING)
        return;
    if (connection->taken > 0)
        connection_tell(connection, "no receipt for its sessions: ", reason);
    connection_close(connection);
}

void connection_answer(struct connection *connection, uint64_t now_ms)
{
    struct spb_error error = { .reason = "not enough memory" };
    enum spb_status status = SPB_OK;

    while (status == SPB_OK && (connection->out.len > 0 || connection->due)) {
        status = send_receipt(connection, &error);
        if (connection->out.len > 0)
            break; /* it does not read them now */
    }
    if (status != SPB_OK)
        give_up_receipts(connection, error.reason);
    else if (connection->state == CONNECTION_ENDING && connection->out.len == 0)
        end_answers(connection, now_ms);
}

void connection_drain(struct connection *connection)
{
    struct spb_frames *frames = &connection->frames;

    /* whatever layer is above it */
    if (spb_socket_receive_some(connection->channel.fd, frames, CONNECTION_PIECE, NULL) == SPB_OK &&
        !frames->ended)
        spb_frames_release(frames);
    else
        connection_close(connection);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSED)
        return;
    channel_close(&connection->channel);
    spb_frames_release(&connection->frames);
    spb_bytes_release(&connection->out);
    connection->due = false;
    connection->state = CONNECTION_CLOSED;
}
