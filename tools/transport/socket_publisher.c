/*
 * Messages to a receiver at the other end of a socket, which confirms them by receipts: see
 * proto/journey/v1/receipt.proto. Frames wait in one buffer: in front of `begin` they are confirmed, up to
 * `sent` they are on their way. Without --retry nothing is kept once it is sent.
 */
#define _POSIX_C_SOURCE 200809L

#include "transport/sockets.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sessionpb/frame.h>
#include <sessionpb/receipt.h>

#include "clock.h"
#include "transport/channel.h"

enum {
    SEND_LEN = 64 * 1024,        /* gathered before it is sent */
    KEPT_MAX = 16 * 1024 * 1024, /* bytes that wait for a receipt before no more are sent */
    RECEIPT_MAX = 4096,          /* bytes: far above any */
    ASK_EVERY = 1000,            /* messages, where they are kept until they are confirmed */
    SILENCE_MS = 60 * 1000,      /* often enough for the receiver's idle time-out */
    LAST_WORDS_MS = 1000,        /* they were sent before the connection was found closed */
};

struct sender {
    struct publisher base;
    struct channel channel;
    struct channel_security *security; /* NULL: plain */
    struct spb_frames receipts;

    struct spb_bytes bytes; /* frames, from the first one that is not confirmed, or not sent */
    size_t begin;           /* where that is */
    size_t sent;            /* bytes up to here were sent on this connection */

    /* messages */
    uint64_t asked;            /* before the last demand for a receipt */
    uint64_t confirmed_before; /* when this connection was made */
    uint64_t rejected;         /* of the confirmed ones, by the receiver */
    uint64_t rejected_before;

    bool ending;          /* nothing more will be added */
    bool demanded;        /* a receipt, which has not come yet */
    uint64_t sent_ms;     /* when something was sent last */
    uint64_t progress_ms; /* when the receiver took or confirmed something last */
    uint64_t
        trouble_ms;    /* when a connection failed and no good receipt has come since; 0: not so */
    uint64_t delay_ms; /* before the next attempt to connect */

    struct spb_error error; /* what is wrong with the connection */
};

static bool keeps(const struct sender *sender)
{
    return sender->base.options.retry_ms > 0;
}

/* -- Receipts ------------------------------------------------------------------------------ */

/* Forget the frames of messages that were confirmed, and the demands between and behind them. Returns
   false, and forgets nothing, when there are not as many among those that were sent. */
static bool drop_confirmed(struct sender *sender, uint64_t count)
{
    size_t begin = sender->begin;

    while (begin < sender->sent) {
        struct spb_frame frame;

        if (spb_frame_find(sender->base.options.framing, sender->bytes.data + begin,
                           sender->sent - begin, true, SIZE_MAX, &frame, NULL) != SPB_OK ||
            (count == 0 && frame.message_len > 0))
            break;
        begin += frame.frame_len;
        count -= frame.message_len > 0;
    }
    if (count > 0)
        return false;
    sender->begin = begin;
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
    if (confirmed < sender->base.confirmed || confirmed > sender->base.count ||
        receipt.rejected > receipt.sessions ||
        (keeps(sender) && !drop_confirmed(sender, confirmed - sender->base.confirmed)))
        return fail(sender, SPB_BAD_WIRE, "the receiver confirms what was not sent");
    if (confirmed > sender->base.confirmed)
        sender->progress_ms = clock_ms();
    sender->base.confirmed = confirmed;
    sender->rejected = sender->rejected_before + receipt.rejected;
    sender->demanded = sender->demanded && confirmed < sender->asked;
    compact(sender);
    if (receipt.reason[0] != '\0')
        return fail(sender, SPB_IO, receipt.reason);
    sender->trouble_ms = 0;
    sender->delay_ms = CLOCK_BACK_OFF_MS;
    return SPB_OK;
}

/*
 * Take the receipts that are there; wait for one for so long.
 *
 * SPB_OK, whether one has come or not; SPB_END when the receiver has closed the connection; others as
 * take_receipt().
 */
static enum spb_status take_receipts(struct sender *sender, int timeout_ms)
{
    for (;;) {
        const uint8_t *message;
        size_t len;
        enum spb_status status = channel_receive(&sender->channel, &sender->receipts, timeout_ms,
                                                 &message, &len, &sender->error);

        if (status == SPB_TIMEOUT)
            return SPB_OK;
        if (status == SPB_END)
            return fail(sender, status, "the receiver has closed the connection");
        if (status == SPB_BAD_WIRE || status == SPB_TOO_LARGE || status == SPB_NEED_MORE)
            return fail(sender, status, "the other end sends no receipts");
        if (status == SPB_OK)
            status = take_receipt(sender, message, len);
        if (status != SPB_OK)
            return status;
        timeout_ms = 0;
    }
}

/* What is left of the time-out, for poll(). */
static int patience(const struct sender *sender)
{
    uint64_t passed_ms = clock_ms() - sender->progress_ms;
    uint64_t timeout_ms = (uint64_t)sender->base.options.timeout_ms;

    return passed_ms < timeout_ms ? (int)(timeout_ms - passed_ms) : 0;
}

static enum spb_status fail_timeout(struct sender *sender)
{
    return fail(sender, SPB_TIMEOUT, "the receiver gives no sign of life");
}

/* Wait for a receipt as long as there is patience, and take it. */
static enum spb_status await_receipt(struct sender *sender)
{
    int left_ms = patience(sender);

    return left_ms > 0 ? take_receipts(sender, left_ms) : fail_timeout(sender);
}

/* -- Connections --------------------------------------------------------------------------- */

static void disconnect(struct sender *sender)
{
    channel_close(&sender->channel);
    spb_frames_release(&sender->receipts);
}

/* Everything that is not confirmed is still to be sent, on this connection. */
static enum spb_status connect_once(struct sender *sender, int timeout_ms)
{
    enum spb_status status = channel_connect(&sender->channel, sender->base.options.endpoint,
                                             sender->security, timeout_ms, &sender->error);

    sender->receipts = (struct spb_frames){ .message_max = RECEIPT_MAX };
    sender->sent = sender->begin;
    sender->confirmed_before = sender->base.confirmed;
    sender->rejected_before = sender->rejected;
    sender->asked = sender->base.confirmed;
    sender->demanded = false;
    sender->progress_ms = clock_ms();
    sender->sent_ms = sender->progress_ms;
    return status;
}

/* A receiver that takes no more says why before it goes away. */
static void hear_last_words(struct sender *sender)
{
    struct spb_error before = sender->error;

    if (before.status == SPB_IO && sender->base.options.receipts &&
        take_receipts(sender, LAST_WORDS_MS) != SPB_IO)
        sender->error = before;
}

static enum cli_status append_frame(struct sender *sender, const void *message, size_t len)
{
    size_t before = sender->bytes.len;

    sender->base.failed =
        spb_frame_append(sender->base.options.framing, message, len, &sender->bytes) != SPB_OK;
    if (sender->base.failed)
        return cli_no_memory();
    sender->base.bytes += sender->bytes.len - before;
    return CLI_OK;
}

static enum cli_status append_demand(struct sender *sender)
{
    sender->asked = sender->base.count;
    sender->demanded = true;
    return append_frame(sender, "", 0);
}

/* Make another connection, with what is left of the time for that. What is kept is still to be sent; the
   receipt for it tells whether the trouble is over. */
static enum cli_status reconnect(struct sender *sender)
{
    const struct publisher_options *options = &sender->base.options;
    uint64_t end_ms = sender->trouble_ms + (uint64_t)options->retry_ms;

    for (;;) {
        uint64_t now_ms = clock_ms();
        int left_ms = now_ms < end_ms ? (int)(end_ms - now_ms) : 0;

        if (left_ms == 0)
            return publisher_give_up(&sender->base, sender->error.reason);
        clock_back_off(&sender->delay_ms, (uint64_t)left_ms);
        if (connect_once(sender, left_ms < options->timeout_ms ? left_ms : options->timeout_ms) ==
            SPB_OK)
            return append_demand(sender);
    }
}

/* The connection is broken, for the reason in sender->error: make another one, if that is wanted. */
static enum cli_status recover(struct sender *sender)
{
    disconnect(sender);
    if (!keeps(sender))
        return publisher_give_up(&sender->base, sender->error.reason);
    if (!sender->base.options.quiet)
        publisher_tell(&sender->base, sender->error.reason, "; trying again");
    if (sender->trouble_ms == 0)
        sender->trouble_ms = clock_ms();
    return reconnect(sender);
}

static enum cli_status first_connection(struct sender *sender)
{
    const struct publisher_options *options = &sender->base.options;
    int timeout_ms = options->timeout_ms;
    enum spb_status status;

    if (keeps(sender) && strncmp(options->endpoint, "fd:", 3) == 0) {
        cli_error("'--retry' cannot make a connection that was passed once more");
        return CLI_USAGE;
    }
    if (keeps(sender)) {
        sender->trouble_ms = clock_ms();
        timeout_ms = timeout_ms < options->retry_ms ? timeout_ms : options->retry_ms;
    }
    status = connect_once(sender, timeout_ms);
    if (status == SPB_MISUSE) {
        cli_error("%s", sender->error.reason);
        return CLI_USAGE;
    }
    if (status != SPB_OK)
        return recover(sender);
    sender->trouble_ms = 0;
    return CLI_OK;
}

static enum cli_status open_socket(const struct publisher_options *options,
                                   struct publisher **publisher_out)
{
    struct sender *sender = calloc(1, sizeof(*sender));
    enum cli_status status;

    if (sender == NULL)
        return cli_no_memory();
    sender->base = (struct publisher){ .kind = &socket_publisher,
                                       .options = *options,
                                       .counts = options->receipts };
    sender->delay_ms = CLOCK_BACK_OFF_MS;
    *publisher_out = &sender->base;
    status = channel_secure(&options->access, CHANNEL_CLIENT, options->quiet, &sender->security);
    return status == CLI_OK ? first_connection(sender) : status;
}

/* -- Sending ------------------------------------------------------------------------------- */

/* Until something can be sent, or until the receiver has something to say, which is taken. */
static enum spb_status wait_for_room(struct sender *sender)
{
    short wanted = sender->base.options.receipts ? POLLIN | POLLOUT : POLLOUT;
    short ready = channel_wait(&sender->channel, wanted, patience(sender));

    if (ready == 0)
        return fail_timeout(sender);
    return (ready & POLLIN) != 0 ? take_receipts(sender, 0) : SPB_OK;
}

static enum spb_status send_bytes(struct sender *sender)
{
    enum spb_status status = SPB_OK;

    while (status == SPB_OK && sender->sent < sender->bytes.len) {
        size_t sent = 0;

        status = channel_send_some(&sender->channel, sender->bytes.data + sender->sent,
                                   sender->bytes.len - sender->sent, &sent, &sender->error);
        sender->sent += sent;
        if (sent > 0)
            sender->sent_ms = sender->progress_ms = clock_ms();
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
    return sender->demanded ? take_receipts(sender, 0) : SPB_OK;
}

/* Whether there is nothing left to do, whatever became of the connection since. */
static bool is_done(const struct sender *sender)
{
    return sender->ending && sender->base.options.receipts &&
           sender->base.confirmed == sender->base.count;
}

/* CLI_OK; CLI_ENOUGH: the connection broke when all was done; CLI_FAILED. */
static enum cli_status flush(struct sender *sender)
{
    enum cli_status status = CLI_OK;

    while (status == CLI_OK && sender->sent < sender->bytes.len)
        if (send_bytes(sender) != SPB_OK)
            status = is_done(sender) ? CLI_ENOUGH : recover(sender);
    return status;
}

/* -- Waiting ------------------------------------------------------------------------------- */

static enum cli_status ask(struct sender *sender)
{
    enum cli_status status = sender->base.options.receipts ? append_demand(sender) : CLI_OK;

    sender->sent_ms = clock_ms();
    return status == CLI_OK ? flush(sender) : status;
}

/* How long the input may be silent before the receiver is to hear something, or to have said something:
   for poll(). */
static int silence_left(const struct sender *sender)
{
    uint64_t passed_ms = clock_ms() - sender->sent_ms;
    int left_ms = passed_ms < SILENCE_MS ? (int)(SILENCE_MS - passed_ms) : 0;
    int patience_ms = sender->demanded ? patience(sender) : left_ms;

    return patience_ms < left_ms ? patience_ms : left_ms;
}

static enum cli_status break_silence(struct sender *sender)
{
    if (!sender->demanded || patience(sender) > 0)
        return ask(sender);
    (void)fail_timeout(sender);
    return recover(sender);
}

static enum cli_status wait_for_input(struct publisher *publisher, int fd)
{
    struct sender *sender = (struct sender *)publisher;
    enum cli_status status = flush(sender);

    while (status == CLI_OK) {
        int left_ms = silence_left(sender);
        struct pollfd polls[] = { { .fd = fd, .events = POLLIN },
                                  { .fd = sender->channel.fd,
                                    .events = channel_events(&sender->channel, POLLIN) } };
        int ready = poll(polls, sender->base.options.receipts ? 2 : 1, left_ms);

        if (left_ms == 0)
            status = break_silence(sender);
        else if (ready > 0 && polls[0].revents != 0)
            break;
        else if (ready > 0 && take_receipts(sender, 0) != SPB_OK)
            status = recover(sender);
        if (status == CLI_OK)
            status = flush(sender);
    }
    return status;
}

/* So many messages are out without a receipt that no more are kept. */
static enum cli_status await_receipts(struct sender *sender)
{
    enum cli_status status = ask(sender);

    while (status == CLI_OK && sender->bytes.len - sender->begin > KEPT_MAX / 2) {
        if (await_receipt(sender) != SPB_OK)
            status = recover(sender);
        if (status == CLI_OK)
            status = flush(sender);
    }
    return status;
}

static bool is_receipt_due(const struct sender *sender)
{
    uint64_t every = sender->base.options.every;

    if (every == 0 && keeps(sender))
        every = ASK_EVERY;
    return every > 0 && sender->base.count - sender->asked >= every;
}

static enum cli_status add(struct publisher *publisher, const void *message, size_t len)
{
    struct sender *sender = (struct sender *)publisher;
    enum cli_status status = append_frame(sender, message, len);

    sender->base.count++;
    if (status == CLI_OK && is_receipt_due(sender))
        status = append_demand(sender);
    if (status == CLI_OK && sender->bytes.len - sender->sent >= SEND_LEN)
        status = flush(sender);
    if (status == CLI_OK && sender->bytes.len - sender->begin > KEPT_MAX)
        status = await_receipts(sender);
    return status;
}

/* -- The end ------------------------------------------------------------------------------- */

/* Everything was sent. SPB_OK when all of it is confirmed; else why it is not in sender->error. */
static enum spb_status await_last_receipt(struct sender *sender)
{
    enum spb_status status =
        channel_finish(&sender->channel, sender->base.options.timeout_ms, &sender->error);

    sender->progress_ms = clock_ms();
    while (status == SPB_OK)
        status = await_receipt(sender);
    return sender->base.confirmed == sender->base.count ? SPB_OK : status;
}

/* The other end gives no receipts: when it closes the connection without an error, it has read
   everything. */
static enum spb_status await_close(struct sender *sender)
{
    enum spb_status status =
        channel_finish(&sender->channel, sender->base.options.timeout_ms, &sender->error);
    const uint8_t *message;
    size_t len;

    while (status == SPB_OK)
        status = channel_receive(&sender->channel, &sender->receipts,
                                 sender->base.options.timeout_ms, &message, &len, &sender->error);
    return status == SPB_IO || status == SPB_NO_MEMORY ? status : SPB_OK;
}

static enum cli_status finish(struct publisher *publisher)
{
    struct sender *sender = (struct sender *)publisher;
    enum cli_status status;

    sender->ending = true;
    status = flush(sender);
    while (status == CLI_OK && (sender->base.options.receipts ? await_last_receipt(sender)
                                                              : await_close(sender)) != SPB_OK) {
        status = recover(sender);
        if (status == CLI_OK)
            status = flush(sender);
    }
    if (status == CLI_FAILED || sender->rejected == 0)
        return status == CLI_FAILED ? CLI_FAILED : CLI_OK;
    cli_error("%s: the receiver rejected %" PRIu64 " of %" PRIu64 " sessions",
              sender->base.options.endpoint, sender->rejected, sender->base.count);
    return CLI_REJECTED;
}

static void close_socket(struct publisher *publisher)
{
    struct sender *sender = (struct sender *)publisher;

    disconnect(sender);
    channel_security_free(sender->security);
    spb_bytes_release(&sender->bytes);
    free(sender);
}

const struct publisher_kind socket_publisher = {
    .open = open_socket,
    .add = add,
    .wait = wait_for_input,
    .finish = finish,
    .close = close_socket,
};
