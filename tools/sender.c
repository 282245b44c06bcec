/*
 * The sending side of a connection. Frames wait in one buffer: in front of `begin` they are confirmed,
 * up to `sent` they are on their way. Without --retry nothing is kept once it is sent.
 */
#define _POSIX_C_SOURCE 200809L

#include "sender.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sessionpb/socket.h>

#include "clock.h"

enum {
    SEND_LEN = 64 * 1024,        /* gathered before it is sent */
    KEPT_MAX = 16 * 1024 * 1024, /* bytes that wait for a receipt before no more are sent */
    RECEIPT_MAX = 4096,          /* bytes: far above any */
    ASK_EVERY = 1000,            /* messages, where they are kept until they are confirmed */
    BACK_OFF_MIN_MS = 100,
    BACK_OFF_MAX_MS = 5000,
    MORE_SIZE = 128,
    SILENCE_MS = 60 * 1000, /* often enough for the receiver's idle time-out */
    LAST_WORDS_MS = 1000,   /* they were sent before the connection was found closed */
};

static bool keeps(const struct sender *sender)
{
    return sender->options.retry_ms > 0;
}

/* -- Receipts ------------------------------------------------------------------------------ */

/* Forget the frames of messages that were confirmed, and the demands between them. Returns false when
   there are not as many among those that were sent. */
static bool drop_confirmed(struct sender *sender, uint64_t count)
{
    while (count > 0) {
        struct spb_frame frame;

        if (spb_frame_find(sender->options.framing, sender->bytes.data + sender->begin,
                           sender->sent - sender->begin, true, SIZE_MAX, &frame, NULL) != SPB_OK)
            return false;
        sender->begin += frame.frame_len;
        count -= frame.message_len > 0;
    }
    return true;
}

/* Move what is left to the front, once that is less than what is gone. */
static void compact(struct sender *sender)
{
    struct spb_bytes *bytes = &sender->bytes;
    size_t gone = sender->begin;

    if (gone == 0 || gone < bytes->len - gone)
        return;
    memmove(bytes->data, bytes->data + gone, bytes->len - gone);
    bytes->len -= gone;
    sender->sent -= gone;
    sender->begin = 0;
}

static enum spb_status fail(struct sender *sender, enum spb_status status, const char *reason)
{
    sender->error = (struct spb_error){ .status = status };
    (void)snprintf(sender->error.reason, sizeof(sender->error.reason), "%s", reason);
    return status;
}

/* SPB_OK; others: the connection is of no use any more, see sender->error. */
static enum spb_status take_receipt(struct sender *sender, const void *message, size_t len)
{
    struct spb_receipt receipt;
    enum spb_status status = spb_receipt_read(message, len, &receipt, &sender->error);
    uint64_t confirmed;

    if (status != SPB_OK)
        return fail(sender, status, "the other end sends no receipts");
    confirmed = sender->confirmed_before + receipt.sessions;
    if (confirmed < sender->confirmed || confirmed > sender->count ||
        receipt.rejected > receipt.sessions ||
        (keeps(sender) && !drop_confirmed(sender, confirmed - sender->confirmed)))
        return fail(sender, SPB_BAD_WIRE, "the receiver confirms what was not sent");
    if (confirmed > sender->confirmed)
        sender->trouble_ms = 0;
    sender->confirmed = confirmed;
    sender->rejected = sender->rejected_before + receipt.rejected;
    compact(sender);
    return receipt.reason[0] == '\0' ? SPB_OK : fail(sender, SPB_IO, receipt.reason);
}

/*
 * Take the receipts that are there; wait for one when `timeout_ms` is not 0.
 *
 * SPB_OK; SPB_END when the receiver has closed the connection; others as take_receipt().
 */
static enum spb_status take_receipts(struct sender *sender, int timeout_ms)
{
    for (;;) {
        struct spb_error *error = &sender->error;
        const uint8_t *message;
        enum spb_status status;
        size_t len;

        status =
            spb_socket_receive(sender->fd, &sender->receipts, timeout_ms, &message, &len, error);
        if (status == SPB_TIMEOUT && timeout_ms == 0)
            return SPB_OK;
        if (status == SPB_END)
            return fail(sender, status, "the receiver has closed the connection");
        if (status == SPB_TIMEOUT)
            return fail(sender, status, "the receiver gives no sign of life");
        if (status == SPB_BAD_WIRE || status == SPB_TOO_LARGE || status == SPB_NEED_MORE)
            return fail(sender, status, "the other end sends no receipts");
        if (status == SPB_OK)
            status = take_receipt(sender, message, len);
        if (status != SPB_OK)
            return status;
        timeout_ms = 0;
    }
}

/* -- Connections --------------------------------------------------------------------------- */

static void disconnect(struct sender *sender)
{
    if (sender->fd != -1)
        (void)close(sender->fd);
    sender->fd = -1;
    spb_frames_release(&sender->receipts);
}

/* Everything that is not confirmed is still to be sent, on this connection. */
static enum spb_status connect_once(struct sender *sender)
{
    enum spb_status status = spb_socket_connect(
        sender->options.endpoint, sender->options.timeout_ms, &sender->fd, &sender->error);

    sender->receipts = (struct spb_frames){ .message_max = RECEIPT_MAX };
    sender->sent = sender->begin;
    sender->confirmed_before = sender->confirmed;
    sender->rejected_before = sender->rejected;
    sender->asked = sender->confirmed;
    return status;
}

/* Some of it by chance, so that many senders do not come back at the same moment. */
static void back_off(uint64_t delay_ms)
{
    uint64_t now = clock_ms();
    uint64_t part_ms = delay_ms / 2 + now * UINT64_C(2654435761) % (delay_ms / 2 + 1);
    struct timespec pause = { .tv_sec = (time_t)(part_ms / 1000),
                              .tv_nsec = (long)(part_ms % 1000) * 1000000 };

    (void)nanosleep(&pause, NULL);
}

/* Print what is wrong, and behind it what that means. */
static void tell(const struct sender *sender, const char *more)
{
    const char *endpoint = sender->options.endpoint;
    bool named = strstr(sender->error.reason, endpoint) != NULL;

    cli_error("%s%s%s%s", named ? "" : endpoint, named ? "" : ": ", sender->error.reason, more);
}

static enum cli_status give_up(const struct sender *sender)
{
    char more[MORE_SIZE] = "";

    if (sender->options.receipts && sender->count > 0)
        (void)snprintf(
            more, sizeof(more),
            "; %" PRIu64 " of %" PRIu64 " sessions confirmed, go on with --skip=%" PRIu64,
            sender->confirmed, sender->count, sender->options.skipped + sender->confirmed);
    tell(sender, more);
    return CLI_FAILED;
}

/* A receiver that takes no more says why before it goes away. */
static void hear_last_words(struct sender *sender)
{
    struct spb_error before = sender->error;

    if (before.status == SPB_IO && sender->options.receipts &&
        take_receipts(sender, LAST_WORDS_MS) != SPB_IO)
        sender->error = before;
}

/* The connection is broken, for the reason in sender->error: make another one, if that is wanted. */
static enum cli_status reconnect(struct sender *sender)
{
    const struct sender_options *options = &sender->options;
    uint64_t delay_ms = BACK_OFF_MIN_MS;

    disconnect(sender);
    if (sender->trouble_ms == 0)
        sender->trouble_ms = clock_ms();
    if (keeps(sender) && !options->quiet)
        tell(sender, "; trying again");
    do {
        uint64_t end_ms = sender->trouble_ms + (uint64_t)options->retry_ms;
        uint64_t now_ms = clock_ms();

        if (now_ms >= end_ms)
            return give_up(sender);
        back_off(delay_ms < end_ms - now_ms ? delay_ms : end_ms - now_ms);
        delay_ms = delay_ms < BACK_OFF_MAX_MS / 2 ? delay_ms * 2 : BACK_OFF_MAX_MS;
    } while (connect_once(sender) != SPB_OK);
    return CLI_OK;
}

enum cli_status sender_open(struct sender *sender, const struct sender_options *options)
{
    enum spb_status status;

    *sender = (struct sender){ .options = *options, .fd = -1 };
    if (keeps(sender) && strncmp(options->endpoint, "fd:", 3) == 0) {
        cli_error("'--retry' cannot make a connection that was passed once more");
        return CLI_USAGE;
    }
    status = connect_once(sender);
    if (status == SPB_MISUSE) {
        cli_error("%s", sender->error.reason);
        return CLI_USAGE;
    }
    return status == SPB_OK ? CLI_OK : reconnect(sender);
}

/* -- Sending ------------------------------------------------------------------------------- */

/* Until something can be sent, or until the receiver has something to say, which is taken. */
static enum spb_status wait_for_room(struct sender *sender)
{
    struct pollfd connection = { .fd = sender->fd, .events = POLLOUT };
    int ready;

    if (sender->options.receipts)
        connection.events |= POLLIN;
    do
        ready = poll(&connection, 1, sender->options.timeout_ms);
    while (ready == -1 && errno == EINTR);
    if (ready == 0)
        return fail(sender, SPB_TIMEOUT, "the receiver takes nothing more");
    return (connection.revents & POLLIN) != 0 ? take_receipts(sender, 0) : SPB_OK;
}

static enum spb_status send_bytes(struct sender *sender)
{
    enum spb_status status = SPB_OK;

    while (status == SPB_OK && sender->sent < sender->bytes.len) {
        size_t sent = 0;

        status = spb_socket_send_some(sender->fd, sender->bytes.data + sender->sent,
                                      sender->bytes.len - sender->sent, &sent, &sender->error);
        sender->sent += sent;
        if (status != SPB_OK)
            hear_last_words(sender);
        else if (sender->sent < sender->bytes.len)
            status = wait_for_room(sender);
    }
    if (status != SPB_OK)
        return status;
    if (!keeps(sender))
        sender->begin = sender->sent;
    compact(sender);
    return sender->asked > sender->confirmed ? take_receipts(sender, 0) : SPB_OK;
}

enum cli_status sender_flush(struct sender *sender)
{
    enum cli_status status = CLI_OK;

    while (status == CLI_OK && sender->sent < sender->bytes.len)
        if (send_bytes(sender) != SPB_OK)
            status = reconnect(sender);
    return status;
}

static enum cli_status append_frame(struct sender *sender, const void *message, size_t len)
{
    size_t before = sender->bytes.len;

    if (spb_frame_append(sender->options.framing, message, len, &sender->bytes) != SPB_OK)
        return cli_no_memory();
    sender->bytes_added += sender->bytes.len - before;
    return CLI_OK;
}

static enum cli_status append_demand(struct sender *sender)
{
    sender->asked = sender->count;
    return append_frame(sender, "", 0);
}

static enum cli_status ask(struct sender *sender)
{
    enum cli_status status = CLI_OK;

    if (sender->options.receipts)
        status = append_demand(sender);
    return status == CLI_OK ? sender_flush(sender) : status;
}

enum cli_status sender_wait(struct sender *sender, int fd)
{
    enum cli_status status = sender_flush(sender);

    while (status == CLI_OK) {
        struct pollfd polls[] = { { .fd = fd, .events = POLLIN },
                                  { .fd = sender->fd, .events = POLLIN } };
        int ready = poll(polls, sender->options.receipts ? 2 : 1, SILENCE_MS);

        if (ready > 0 && polls[0].revents != 0)
            break;
        if (ready == 0)
            status = ask(sender);
        else if (ready > 0 && take_receipts(sender, 0) != SPB_OK)
            status = reconnect(sender);
    }
    return status;
}

/* So many messages are out without a receipt that no more are kept. */
static enum cli_status await_receipts(struct sender *sender)
{
    enum cli_status status = ask(sender);

    while (status == CLI_OK && sender->bytes.len - sender->begin > KEPT_MAX / 2) {
        if (take_receipts(sender, sender->options.timeout_ms) != SPB_OK)
            status = reconnect(sender);
        if (status == CLI_OK)
            status = sender_flush(sender);
    }
    return status;
}

static bool is_receipt_due(const struct sender *sender)
{
    uint64_t every = sender->options.every;

    if (every == 0 && keeps(sender))
        every = ASK_EVERY;
    return every > 0 && sender->count - sender->asked >= every;
}

enum cli_status sender_add(struct sender *sender, const void *message, size_t len)
{
    enum cli_status status = append_frame(sender, message, len);

    sender->count++;
    if (status == CLI_OK && is_receipt_due(sender))
        status = append_demand(sender);
    if (status == CLI_OK && sender->bytes.len - sender->sent >= SEND_LEN)
        status = sender_flush(sender);
    if (status == CLI_OK && sender->bytes.len - sender->begin > KEPT_MAX)
        status = await_receipts(sender);
    return status;
}

/* -- The end ------------------------------------------------------------------------------- */

/* Everything was sent. SPB_OK when all of it is confirmed; else why it is not in sender->error. */
static enum spb_status await_last_receipt(struct sender *sender)
{
    enum spb_status status = spb_socket_half_close(sender->fd, &sender->error);

    while (status == SPB_OK)
        status = take_receipts(sender, sender->options.timeout_ms);
    return sender->confirmed == sender->count ? SPB_OK : status;
}

/* The other end gives no receipts: when it closes the connection without an error, it has read
   everything. */
static enum spb_status await_close(struct sender *sender)
{
    enum spb_status status = spb_socket_half_close(sender->fd, &sender->error);
    const uint8_t *message;
    size_t len;

    while (status == SPB_OK)
        status = spb_socket_receive(sender->fd, &sender->receipts, sender->options.timeout_ms,
                                    &message, &len, &sender->error);
    return status == SPB_IO || status == SPB_NO_MEMORY ? status : SPB_OK;
}

enum cli_status sender_finish(struct sender *sender)
{
    enum cli_status status = sender_flush(sender);

    while (status == CLI_OK && (sender->options.receipts ? await_last_receipt(sender)
                                                         : await_close(sender)) != SPB_OK) {
        status = reconnect(sender);
        if (status == CLI_OK)
            status = sender_flush(sender);
    }
    if (status != CLI_OK || sender->rejected == 0)
        return status;
    cli_error("%s: the receiver rejected %" PRIu64 " of %" PRIu64 " sessions",
              sender->options.endpoint, sender->rejected, sender->count);
    return CLI_REJECTED;
}

void sender_release(struct sender *sender)
{
    if (sender->options.endpoint != NULL)
        disconnect(sender);
    spb_bytes_release(&sender->bytes);
}
