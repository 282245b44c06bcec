#include "transport/publisher.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MORE_SIZE = 128 };

static unsigned traits_of(const struct publisher_options *options)
{
    bool of_stream =
        options->framing != SPB_FRAMING_DELIMITED || options->every > 0 || !options->receipts;

    return transport_access_traits(&options->access) | (of_stream ? TRANSPORT_STREAM : 0) |
           (options->retry_ms > 0 ? TRANSPORT_RETRY : 0) |
           (options->window > 0 ? TRANSPORT_WINDOW : 0) |
           (options->schema_id >= 0 ? TRANSPORT_SCHEMA_ID : 0);
}

enum cli_status publisher_open(const struct publisher_options *options,
                               struct publisher **publisher_out)
{
    const struct transport *transport = transport_find(options->endpoint, traits_of(options));

    *publisher_out = NULL;
    return transport != NULL ? transport->publisher->open(options, publisher_out) : CLI_USAGE;
}

enum cli_status publisher_add(struct publisher *publisher, const void *message, size_t len)
{
    return publisher->kind->add(publisher, message, len);
}

enum cli_status publisher_wait(struct publisher *publisher, int fd)
{
    return publisher->kind->wait(publisher, fd);
}

enum cli_status publisher_finish(struct publisher *publisher)
{
    return publisher->kind->finish(publisher);
}

void publisher_close(struct publisher *publisher)
{
    if (publisher != NULL)
        publisher->kind->close(publisher);
}

static void describe_confirmed(const struct publisher *publisher, char text[MORE_SIZE])
{
    text[0] = '\0';
    if (publisher->counts && publisher->count > 0)
        (void)snprintf(text, MORE_SIZE,
                       "; %" PRIu64 " of %" PRIu64
                       " sessions confirmed, go on with --skip=%" PRIu64,
                       publisher->confirmed, publisher->count,
                       publisher->options.skipped + publisher->confirmed);
}

void publisher_tell_confirmed(const struct publisher *publisher)
{
    char more[MORE_SIZE];

    describe_confirmed(publisher, more);
    if (more[0] != '\0')
        cli_error("%s: the input failed%s", publisher->options.endpoint, more);
}

enum cli_status publisher_give_up(struct publisher *publisher, const char *reason)
{
    char more[MORE_SIZE];

    publisher->failed = true;
    describe_confirmed(publisher, more);
    publisher_tell(publisher, reason, more);
    return CLI_FAILED;
}

void publisher_tell(const struct publisher *publisher, const char *reason, const char *more)
{
    const char *endpoint = publisher->options.endpoint;
    bool named = strstr(reason, endpoint) != NULL;

    cli_error("%s%s%s%s", named ? "" : endpoint, named ? "" : ": ", reason, more);
}
