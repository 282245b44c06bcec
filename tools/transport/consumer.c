#include "transport/consumer.h"

#include <inttypes.h>
#include <stdio.h>

#include "clock.h"
#include "signals.h"

enum {
    SLICE_MS = 100, /* a wait inside of a library does not end when a signal comes */
};

struct run {
    struct consumer *consumer;
    const struct keeper *keeper;
    uint64_t heard_ms; /* when the last message came */
    uint64_t taken_ms; /* when the first of those came that are not written; 0: there are none */
    bool cut;          /* the transport has failed */
};

static unsigned traits_of(const struct consumer_options *options)
{
    return transport_access_traits(&options->access) |
           (options->framing != SPB_FRAMING_DELIMITED ? TRANSPORT_STREAM : 0);
}

enum cli_status consumer_open(const struct consumer_options *options,
                              struct consumer **consumer_out)
{
    const struct transport *transport = transport_find(options->endpoint, traits_of(options));

    *consumer_out = NULL;
    if (transport == NULL)
        return CLI_USAGE;
    signals_watch();
    return transport->consumer->open(options, consumer_out);
}

enum cli_status consumer_fail(const struct consumer *consumer, const char *reason)
{
    cli_error("%s: %s", consumer->options.endpoint, reason);
    return CLI_FAILED;
}

static void keep(struct run *run)
{
    run->consumer->kind->keep(run->consumer);
    if (run->taken_ms == 0)
        run->taken_ms = clock_ms();
}

/* Write what was taken, and then acknowledge it. */
static enum cli_status commit(struct run *run)
{
    struct consumer *consumer = run->consumer;
    enum cli_status status;

    if (run->taken_ms == 0)
        return CLI_OK;
    run->taken_ms = 0;
    status = run->keeper->commit(run->keeper->context);
    if (status == CLI_OK && consumer->kind->acknowledge != NULL)
        status = consumer->kind->acknowledge(consumer);
    run->heard_ms = clock_ms();
    return status;
}

static void tell_bad(const struct consumer *consumer, const struct incoming *message,
                     const struct spb_error *error)
{
    cli_error("%s: %s: byte %" PRIu64 ": %s%s%s", consumer->options.endpoint, message->place,
              message->offset + error->offset, error->path, error->path[0] != '\0' ? ": " : "",
              message->reason != NULL ? message->reason : error->reason);
}

static enum cli_status take(struct run *run, const struct incoming *message)
{
    const struct consumer_options *options = &run->consumer->options;
    struct spb_error error;
    enum cli_status status;

    run->keeper->arrived(run->keeper->context, message->len);
    status = run->keeper->take(run->keeper->context, message->data, message->len, &error);
    run->heard_ms = clock_ms(); /* the output may have kept us waiting */
    if (status == CLI_REJECTED && (!options->skips_bad || !options->quiet))
        tell_bad(run->consumer, message, &error);
    if (status == CLI_REJECTED && options->skips_bad)
        status = CLI_OK;
    if (status == CLI_OK || status == CLI_ENOUGH)
        keep(run);
    return status;
}

/* How long to wait for a message: not at all while some are to be written as soon as there is nothing
   else to do. */
static int patience(const struct run *run)
{
    return run->taken_ms != 0 && run->consumer->options.eager ? 0 : SLICE_MS;
}

static bool is_commit_due(const struct run *run, bool idle)
{
    const struct consumer_options *options = &run->consumer->options;

    return run->taken_ms != 0 &&
           ((idle && options->eager) || clock_ms() - run->taken_ms >= (uint64_t)options->hold_ms);
}

static bool was_idle_for_long(const struct run *run)
{
    int idle_exit_ms = run->consumer->options.idle_exit_ms;

    return idle_exit_ms > 0 && clock_ms() - run->heard_ms >= (uint64_t)idle_exit_ms;
}

/* One message, or a wait for one. */
static enum cli_status turn(struct run *run)
{
    struct incoming message = { .data = NULL };
    enum cli_status status = run->consumer->kind->next(run->consumer, patience(run), &message);

    run->cut = status == CLI_FAILED;
    if (run->consumer->stirred)
        run->heard_ms = clock_ms();
    run->consumer->stirred = false;
    if (status == CLI_OK && message.data != NULL)
        status = take(run, &message);
    if (status == CLI_OK && is_commit_due(run, message.data == NULL))
        status = commit(run);
    return status;
}

enum cli_status consumer_run(struct consumer *consumer, const struct keeper *keeper)
{
    struct run run = { .consumer = consumer, .keeper = keeper, .heard_ms = clock_ms() };
    enum cli_status status = CLI_OK;
    enum cli_status committed;

    while (status == CLI_OK && !signals_want_stop() && !was_idle_for_long(&run)) {
        status = turn(&run);
        if (signals_want_stats())
            keeper->tell(keeper->context);
    }
    if (status != CLI_OK && status != CLI_ENOUGH && status != CLI_REJECTED &&
        !(run.cut && consumer->kind->acknowledge == NULL)) /* then nobody would send it again */
        return status;
    committed = commit(&run);
    if (committed == CLI_OK && status == CLI_OK && consumer->trouble != NULL &&
        !signals_want_stop())
        return consumer_fail(consumer, consumer->trouble);
    return committed == CLI_OK ? status : committed;
}

void consumer_close(struct consumer *consumer)
{
    if (consumer != NULL)
        consumer->kind->close(consumer);
}
