#define _POSIX_C_SOURCE 200809L

#include "transport/publisher.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    MORE_SIZE = 128,
    LINE_SIZE = 1024, /* of what a signal makes it say */
    DIGITS_MAX = 20,  /* of 64 bits */
    DECIMAL = 10,
};

/* -- Signals ------------------------------------------------------------------------------- */

static const int ending_signals[] = { SIGINT, SIGTERM };
enum { ENDING_SIGNAL_COUNT = sizeof(ending_signals) / sizeof(ending_signals[0]) };

static struct sigaction before[ENDING_SIGNAL_COUNT];
static const struct publisher *volatile at_work; /* NULL: nothing can be said */
static bool on_terminal;                         /* where progress may stand in the line */

struct line {
    size_t len;
    char text[LINE_SIZE];
};

static void put(struct line *line, const char *text)
{
    while (*text != '\0' && line->len < LINE_SIZE - 1)
        line->text[line->len++] = *text++;
}

static void put_number(struct line *line, uint64_t number)
{
    char digits[DIGITS_MAX + 1] = "";
    char *at = digits + DIGITS_MAX;

    do
        *--at = (char)('0' + number % DECIMAL);
    while ((number /= DECIMAL) > 0);
    put(line, at);
}

/* In a handler nothing of stdio may be used. */
static void tell_at_once(const struct publisher *publisher)
{
    struct line line = { 0 };
    ssize_t written;

    put(&line, on_terminal ? "\nsession2pb: " : "session2pb: ");
    put(&line, publisher->options.endpoint);
    put(&line, ": a signal has ended it; ");
    put_number(&line, publisher->confirmed);
    put(&line, " of ");
    put_number(&line, publisher->count);
    put(&line, " sessions confirmed, go on with --skip=");
    put_number(&line, publisher->options.skipped + publisher->confirmed);
    line.text[line.len++] = '\n';
    written = write(STDERR_FILENO, line.text, line.len);
    (void)written; /* there is nobody else to tell */
}

/* Then the signal does what it would have done. */
static void tell_and_end(int signal_number)
{
    const struct publisher *publisher = at_work;

    if (publisher != NULL && publisher->counts && publisher->count > 0)
        tell_at_once(publisher);
    at_work = NULL;
    for (size_t i = 0; i < ENDING_SIGNAL_COUNT; i++)
        if (ending_signals[i] == signal_number)
            (void)sigaction(signal_number, &before[i], NULL);
    (void)raise(signal_number); /* it arrives when this function returns */
}

static void watch_signals(void)
{
    on_terminal = isatty(STDERR_FILENO);
    for (size_t i = 0; i < ENDING_SIGNAL_COUNT; i++) {
        struct sigaction action = { .sa_handler = tell_and_end };

        sigfillset(&action.sa_mask); /* one of them at a time */
        /* What was ignored stays ignored: nohup */
        if (sigaction(ending_signals[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN)
            (void)sigaction(ending_signals[i], &action, NULL);
    }
}

/* -- Publishing ---------------------------------------------------------------------------- */

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
    enum cli_status status;

    *publisher_out = NULL;
    if (transport == NULL)
        return CLI_USAGE;
    status = transport->publisher->open(options, publisher_out);
    if (status == CLI_OK) {
        at_work = *publisher_out;
        watch_signals();
    }
    return status;
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
    at_work = NULL;
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
