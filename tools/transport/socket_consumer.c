/*
 * Messages from a program that serves a stream of them, and ends it when there are no more. It sends on
 * whatever becomes of them: nothing is acknowledged.
 */
#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"
#include "transport/channel.h"
#include "transport/sockets.h"

enum { PIECE = 64 * 1024 };

struct reader {
    struct consumer base;
    struct channel channel;
    struct channel_security *security; /* NULL: plain */
    struct spb_frames frames;
    uint64_t count;
};

static enum cli_status open_socket(const struct consumer_options *options,
                                   struct consumer **consumer_out)
{
    struct reader *reader = calloc(1, sizeof(*reader));
    struct spb_error error;
    enum cli_status secured;
    enum spb_status status;

    if (reader == NULL)
        return cli_no_memory();
    reader->base = (struct consumer){ .kind = &socket_consumer, .options = *options };
    reader->frames =
        (struct spb_frames){ .framing = options->framing, .message_max = options->message_max };
    *consumer_out = &reader->base;
    secured = channel_secure(&options->access, CHANNEL_CLIENT, options->quiet, &reader->security);
    if (secured != CLI_OK)
        return secured;
    status = channel_connect(&reader->channel, options->endpoint, reader->security,
                             options->timeout_ms, &error);
    if (status == SPB_OK)
        return CLI_OK;
    if (status != SPB_MISUSE && strstr(error.reason, options->endpoint) == NULL)
        return consumer_fail(&reader->base, error.reason);
    cli_error("%s", error.reason);
    return status == SPB_MISUSE ? CLI_USAGE : CLI_FAILED;
}

static enum cli_status receive(struct reader *reader, int timeout_ms)
{
    struct channel *channel = &reader->channel;
    struct pollfd connection = { .fd = channel->fd, .events = channel_events(channel, POLLIN) };
    struct spb_error error;
    enum spb_status status;

    if (!channel_holds_more(channel) && signals_wait(&connection, 1, timeout_ms) <= 0)
        return CLI_OK;
    status = channel_receive_some(channel, &reader->frames, PIECE, &error);
    if (status == SPB_OK || status == SPB_NEED_MORE)
        return CLI_OK;
    return status == SPB_NO_MEMORY ? cli_no_memory() : consumer_fail(&reader->base, error.reason);
}

static enum cli_status next(struct consumer *consumer, int timeout_ms, struct incoming *message_out)
{
    struct reader *reader = (struct reader *)consumer;
    struct spb_error error;
    enum spb_status status =
        spb_frames_next(&reader->frames, &message_out->data, &message_out->len, &error);

    (void)snprintf(message_out->place, sizeof(message_out->place), "record %" PRIu64,
                   reader->count + 1);
    switch (status) {
    case SPB_OK:
        if (message_out->len == 0) /* a demand for a receipt; there are none */
            message_out->data = NULL;
        message_out->offset = reader->frames.offset - message_out->len;
        reader->count += message_out->len > 0;
        return CLI_OK;
    case SPB_END:
        return CLI_ENOUGH;
    case SPB_NO_MEMORY:
        return cli_no_memory();
    case SPB_NEED_MORE:
        message_out->data = NULL;
        if (!reader->frames.ended)
            return receive(reader, timeout_ms);
        break;
    default:
        break;
    }
    cli_error("%s: %s: byte %zu: %s", consumer->options.endpoint, message_out->place, error.offset,
              error.reason);
    return CLI_REJECTED;
}

static void keep(struct consumer *consumer)
{
    (void)consumer;
}

static void close_socket(struct consumer *consumer)
{
    struct reader *reader = (struct reader *)consumer;

    struct spb_error error;

    if (reader->frames.ended)
        (void)channel_half_close(&reader->channel, &error); /* as who serves may expect it */
    channel_close(&reader->channel);
    channel_security_free(reader->security);
    spb_frames_release(&reader->frames);
    free(reader);
}

const struct consumer_kind socket_consumer = {
    .open = open_socket,
    .next = next,
    .keep = keep,
    .close = close_socket,
};
