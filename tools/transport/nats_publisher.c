/*
 * Messages into a stream of NATS JetStream. Each has an identity made from its content, by which the server
 * drops what it has already; that makes it safe to publish again whatever was not acknowledged. Messages
 * are published without waiting; those without an acknowledgement stand in a ring. The library reports
 * acknowledgements in a thread of its own.
 *
 * A connection is never mended: a new one is made, and everything is published on it that is not
 * acknowledged.
 */
#define _POSIX_C_SOURCE 200809L

#include "transport/nats.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "clock.h"
#include "transport/nats_link.h"

enum {
    WINDOW = 4096,
    KEPT_MAX = 16 * 1024 * 1024, /* bytes of messages that wait for an acknowledgement */
    SLICE_MS = 100,              /* between two looks at the connection */
    LAST_WORDS_MS = 2000,        /* for acknowledgements that are on their way */
    ID_SIZE = 2 * EVP_MAX_MD_SIZE + 1,
    MS_PER_S = 1000,
    NS_PER_MS = 1000000,
};

/* A message without an acknowledgement. */
struct outstanding {
    const natsMsg *sent; /* to know it by; the library's */
    uint8_t *data;       /* NULL: nothing is kept to be published again */
    size_t len;
    bool acknowledged; /* but one before it is not */
};

struct nats_sender {
    struct publisher base;
    struct nats_link link;
    EVP_MD_CTX *digest;
    EVP_MD *sha256;

    /* Under link.lock, with base.confirmed. */
    struct outstanding *ring; /* by the message's number, modulo the window */
    uint64_t window;
    uint64_t published; /* messages that are or were in the ring */
    uint64_t kept;      /* bytes of those that are */
    uint64_t enough;    /* without an acknowledgement, for the one who waits */
    uint64_t progress_ms;
    natsStatus refusal; /* the answer to a message, other than an acknowledgement */
    jsErrCode refusal_code;
    char reason[NATS_REASON_SIZE];
    pthread_cond_t changed;

    uint64_t trouble_ms; /* when a connection failed; 0: something was acknowledged since */
    uint64_t trouble_at; /* how many were confirmed then */
    uint64_t delay_ms;
};

static bool keeps(const struct nats_sender *sender)
{
    return sender->base.options.retry_ms > 0;
}

static void lock(struct nats_sender *sender)
{
    pthread_mutex_lock(&sender->link.lock);
}

static void unlock(struct nats_sender *sender)
{
    pthread_mutex_unlock(&sender->link.lock);
}

static uint64_t out(const struct nats_sender *sender)
{
    return sender->published - sender->base.confirmed;
}

static struct outstanding *at(struct nats_sender *sender, uint64_t number)
{
    return &sender->ring[number % sender->window];
}

/* -- Acknowledgements ---------------------------------------------------------------------- */

/* Those at the front leave the ring. */
static void confirm(struct nats_sender *sender)
{
    while (out(sender) > 0) {
        struct outstanding *first = at(sender, sender->base.confirmed);

        if (!first->acknowledged)
            break;
        sender->kept -= first->len;
        free(first->data);
        *first = (struct outstanding){ .sent = NULL };
        sender->base.confirmed++;
    }
}

/* The number of a message, or that behind the last one. Acknowledgements mostly come in order. */
static uint64_t find(struct nats_sender *sender, const natsMsg *sent)
{
    uint64_t number = sender->base.confirmed;

    while (number < sender->published &&
           (at(sender, number)->acknowledged || at(sender, number)->sent != sent))
        number++;
    return number;
}

static void refuse(struct nats_sender *sender, uint64_t number, const jsPubAckErr *error)
{
    if (sender->refusal != NATS_OK)
        return;
    sender->refusal = error->Err;
    sender->refusal_code = error->ErrCode;
    if (error->Err == NATS_NO_RESPONDERS || error->ErrText == NULL || error->ErrText[0] == '\0')
        nats_link_reason(error->Err, sender->reason);
    else
        (void)snprintf(sender->reason, sizeof(sender->reason),
                       "record %" PRIu64 ": the server refuses it: %s",
                       sender->base.options.skipped + number + 1, error->ErrText);
}

/* In a thread of the library; the message is ours. */
static void hear_answer(jsCtx *stream, natsMsg *message, jsPubAck *acknowledgement,
                        jsPubAckErr *error, void *closure)
{
    struct nats_sender *sender = closure;
    uint64_t number;

    lock(sender);
    number = stream == sender->link.stream ? find(sender, message) : sender->published;
    if (number < sender->published && acknowledgement != NULL) {
        at(sender, number)->acknowledged = true;
        sender->progress_ms = clock_ms();
        confirm(sender);
    } else if (number < sender->published && error != NULL) {
        refuse(sender, number, error);
    }
    if (out(sender) <= sender->enough || sender->refusal != NATS_OK)
        pthread_cond_signal(&sender->changed);
    natsMsg_Destroy(message); /* before the process can end */
    unlock(sender);
}

/* -- Publishing ---------------------------------------------------------------------------- */

/* The SHA-256 of the content in hexadecimal digits. */
static bool identify(struct nats_sender *sender, const void *data, size_t len, char id[ID_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    char *to = id;

    if (EVP_DigestInit_ex(sender->digest, sender->sha256, NULL) != 1 ||
        EVP_DigestUpdate(sender->digest, data, len) != 1 ||
        EVP_DigestFinal_ex(sender->digest, hash, &hash_len) != 1)
        return false;
    for (unsigned i = 0; i < hash_len; i++) {
        *to++ = digits[hash[i] >> 4];
        *to++ = digits[hash[i] & 15];
    }
    *to = '\0';
    return true;
}

static natsStatus make_message(struct nats_sender *sender, const void *data, size_t len,
                               natsMsg **message_out)
{
    const struct nats_place *place = &sender->link.place;
    char id[ID_SIZE];
    natsStatus status;

    if (len > INT32_MAX || !identify(sender, data, len, id))
        return NATS_NO_MEMORY;
    status = natsMsg_Create(message_out, place->subject, NULL, data, (int)len);
    if (status == NATS_OK)
        status = natsMsgHeader_Set(*message_out, "Content-Type", "application/x-protobuf");
    if (status == NATS_OK)
        status = natsMsgHeader_Set(*message_out, "Schema", "journey.v1.Session");
    if (status == NATS_OK)
        status = natsMsgHeader_Set(*message_out, "Nats-Msg-Id", id);
    if (status == NATS_OK && place->stream != NULL)
        status = natsMsgHeader_Set(*message_out, "Nats-Expected-Stream", place->stream);
    return status;
}

static natsStatus publish(struct nats_sender *sender, uint64_t number, const void *data, size_t len)
{
    natsMsg *message = NULL;
    natsStatus status = make_message(sender, data, len, &message);

    lock(sender);
    at(sender, number)->sent = message;
    unlock(sender);
    if (status == NATS_OK)
        status = js_PublishMsgAsync(sender->link.stream, &message, NULL);
    natsMsg_Destroy(message);
    return status;
}

/* What is kept, on a new connection. */
static natsStatus publish_again(struct nats_sender *sender)
{
    natsStatus status = NATS_OK;
    uint64_t number = sender->base.confirmed;

    for (; status == NATS_OK && number < sender->published; number++) {
        struct outstanding message;

        lock(sender);
        message = *at(sender, number);
        unlock(sender);
        /* Nobody but confirm() takes the data away, which it does not before the acknowledgement */
        if (number >= sender->base.confirmed && !message.acknowledged)
            status = publish(sender, number, message.data, message.len);
    }
    return status;
}

/* -- Connections --------------------------------------------------------------------------- */

static natsStatus connect_once(struct nats_sender *sender, int timeout_ms)
{
    jsOptions options;
    natsStatus status = jsOptions_Init(&options);

    options.PublishAsync.AckHandler = hear_answer;
    options.PublishAsync.AckHandlerClosure = sender;
    sender->refusal = NATS_OK;
    sender->refusal_code = 0;
    sender->progress_ms = clock_ms();
    if (status == NATS_OK)
        status = nats_link_connect(&sender->link, timeout_ms, &options, sender->reason);
    if (status != NATS_OK)
        sender->refusal = status;
    return status;
}

static void disconnect(struct nats_sender *sender)
{
    nats_link_disconnect(&sender->link);
    lock(sender); /* addresses of messages will be used again */
    for (uint64_t number = sender->base.confirmed; number < sender->published; number++)
        at(sender, number)->sent = NULL;
    unlock(sender);
}

/* Whether another attempt could end otherwise. */
static bool is_final(struct nats_sender *sender)
{
    char reason[NATS_REASON_SIZE];

    switch (sender->refusal) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_INVALID_ARG: /* a file that cannot be read */
    case NATS_NOT_FOUND:
        return true;
    default:
        return sender->refusal_code == JSStreamNotMatchErr ||
               sender->refusal_code == JSStreamMessageExceedsMaximumErr ||
               sender->refusal_code == JSStreamSealedErr ||
               nats_link_forbids(&sender->link, reason);
    }
}

/* For the reason in sender->reason. Nothing is confirmed any more. */
static enum cli_status give_up(struct nats_sender *sender)
{
    disconnect(sender);
    return publisher_give_up(&sender->base, sender->reason);
}

/* Make another connection, in what is left of the time for that. */
static enum cli_status reconnect(struct nats_sender *sender)
{
    const struct publisher_options *options = &sender->base.options;
    uint64_t end_ms = sender->trouble_ms + (uint64_t)options->retry_ms;
    natsStatus status;

    do {
        uint64_t now_ms = clock_ms();
        int left_ms = now_ms < end_ms ? (int)(end_ms - now_ms) : 0;

        if (left_ms == 0)
            return give_up(sender);
        clock_back_off(&sender->delay_ms, (uint64_t)left_ms);
        status =
            connect_once(sender, left_ms < options->timeout_ms ? left_ms : options->timeout_ms);
        if (status != NATS_OK && is_final(sender))
            return give_up(sender);
        if (status == NATS_OK)
            status = publish_again(sender);
        if (status != NATS_OK)
            disconnect(sender);
    } while (status != NATS_OK);
    return CLI_OK;
}

/* What is in sender->reason has gone wrong: make another connection, if that is wanted and of use. */
static enum cli_status recover(struct nats_sender *sender)
{
    if (!keeps(sender) || is_final(sender))
        return give_up(sender);
    disconnect(sender);
    if (!sender->base.options.quiet)
        publisher_tell(&sender->base, sender->reason, "; trying again");
    if (sender->trouble_ms == 0 || sender->base.confirmed > sender->trouble_at) {
        sender->trouble_ms = clock_ms();
        sender->trouble_at = sender->base.confirmed;
        sender->delay_ms = CLOCK_BACK_OFF_MS;
    }
    return reconnect(sender);
}

static enum cli_status first_connection(struct nats_sender *sender)
{
    const struct publisher_options *options = &sender->base.options;
    int timeout_ms = options->timeout_ms;

    if (keeps(sender) && options->retry_ms < timeout_ms)
        timeout_ms = options->retry_ms;
    return connect_once(sender, timeout_ms) == NATS_OK ? CLI_OK : recover(sender);
}

static bool make(struct nats_sender *sender)
{
    pthread_condattr_t attributes;
    bool made = pthread_condattr_init(&attributes) == 0;

    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    made = made && pthread_cond_init(&sender->changed, &attributes) == 0;
    (void)pthread_condattr_destroy(&attributes);
    sender->window = sender->base.options.window > 0 ? sender->base.options.window : WINDOW;
    sender->ring = calloc(sender->window, sizeof(*sender->ring));
    sender->digest = EVP_MD_CTX_new();
    sender->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sender->delay_ms = CLOCK_BACK_OFF_MS;
    return made && sender->ring != NULL && sender->digest != NULL && sender->sha256 != NULL;
}

static enum cli_status open_nats(const struct publisher_options *options,
                                 struct publisher **publisher_out)
{
    struct nats_sender *sender = calloc(1, sizeof(*sender));
    enum cli_status status;

    if (sender == NULL)
        return cli_no_memory();
    sender->base =
        (struct publisher){ .kind = &nats_publisher, .options = *options, .counts = true };
    *publisher_out = &sender->base;
    status = nats_link_open(&sender->link, options->endpoint, &options->access, false);
    sender->base.options.endpoint = sender->link.place.shown;
    if (!make(sender))
        return cli_no_memory();
    return status == CLI_OK ? first_connection(sender) : status;
}

/* -- Waiting ------------------------------------------------------------------------------- */

/* What is wrong, in sender->reason. */
static bool is_broken(struct nats_sender *sender)
{
    uint64_t timeout_ms = (uint64_t)sender->base.options.timeout_ms;
    const char *text = NULL;
    bool broken;

    if (nats_link_forbids(&sender->link, sender->reason))
        return true;
    lock(sender);
    broken = sender->refusal != NATS_OK;
    if (!broken && out(sender) > 0 && clock_ms() - sender->progress_ms >= timeout_ms) {
        (void)snprintf(sender->reason, sizeof(sender->reason),
                       "the server acknowledges nothing any more");
        broken = true;
    }
    unlock(sender);
    if (broken || !natsConnection_IsClosed(sender->link.connection))
        return broken;
    (void)natsConnection_GetLastError(sender->link.connection, &text);
    (void)snprintf(sender->reason, sizeof(sender->reason), "the connection is broken%s%s",
                   text != NULL && text[0] != '\0' ? ": " : "", text != NULL ? text : "");
    return true;
}

/* Until something has changed, or for a moment. */
static void wait_for_answers(struct nats_sender *sender, uint64_t enough)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += SLICE_MS * (long)NS_PER_MS;
    until.tv_sec += until.tv_nsec / (MS_PER_S * (long)NS_PER_MS);
    until.tv_nsec %= MS_PER_S * (long)NS_PER_MS;
    lock(sender);
    sender->enough = enough;
    while (out(sender) > enough && sender->refusal == NATS_OK)
        if (pthread_cond_timedwait(&sender->changed, &sender->link.lock, &until) != 0)
            break;
    unlock(sender);
}

static uint64_t out_now(struct nats_sender *sender)
{
    uint64_t count;

    lock(sender);
    count = out(sender);
    unlock(sender);
    return count;
}

/* Until at most so many messages are without an acknowledgement. */
static enum cli_status await(struct nats_sender *sender, uint64_t enough)
{
    enum cli_status status = CLI_OK;

    while (status == CLI_OK && out_now(sender) > enough) {
        wait_for_answers(sender, enough);
        if (is_broken(sender))
            status = recover(sender);
    }
    return status;
}

/* Where there is none, wait until half of what is out is acknowledged. See to a refusal, too. */
static enum cli_status make_room(struct nats_sender *sender)
{
    uint64_t count;
    bool full;

    lock(sender);
    count = out(sender);
    full = count >= sender->window || (count > 0 && sender->kept > KEPT_MAX) ||
           sender->refusal != NATS_OK;
    unlock(sender);
    return full ? await(sender, count / 2) : CLI_OK;
}

static enum cli_status wait_for_input(struct publisher *publisher, int fd)
{
    struct nats_sender *sender = (struct nats_sender *)publisher;
    struct pollfd input = { .fd = fd, .events = POLLIN };
    enum cli_status status = CLI_OK;

    while (status == CLI_OK) {
        int ready = poll(&input, 1, SLICE_MS);

        if (ready > 0)
            break;
        if (is_broken(sender))
            status = recover(sender);
    }
    return status;
}

/* -- Messages ------------------------------------------------------------------------------ */

static enum cli_status enter(struct nats_sender *sender, const void *message, size_t len)
{
    struct outstanding entry = { .len = len };

    if (keeps(sender)) {
        entry.data = malloc(len);
        if (entry.data == NULL) {
            sender->base.failed = true;
            return cli_no_memory();
        }
        memcpy(entry.data, message, len);
    }
    lock(sender);
    if (out(sender) == 0)
        sender->progress_ms = clock_ms();
    *at(sender, sender->published) = entry;
    sender->published++;
    sender->kept += len;
    unlock(sender);
    sender->base.bytes += len;
    return CLI_OK;
}

/* Those before it may still be acknowledged. */
static enum cli_status give_up_large(struct nats_sender *sender, size_t len)
{
    const struct publisher *base = &sender->base;
    int64_t most = natsConnection_GetMaxPayload(sender->link.connection);
    uint64_t end_ms = clock_ms() + LAST_WORDS_MS;
    char reason[NATS_REASON_SIZE];

    lock(sender);
    sender->published--;
    sender->kept -= len;
    free(at(sender, sender->published)->data);
    *at(sender, sender->published) = (struct outstanding){ .sent = NULL };
    unlock(sender);
    while (out_now(sender) > 0 && clock_ms() < end_ms && !is_broken(sender))
        wait_for_answers(sender, 0);
    (void)snprintf(reason, sizeof(reason),
                   "record %" PRIu64 ": the server takes messages of %" PRId64
                   " bytes at most; this one has %zu, and headers",
                   base->options.skipped + base->count, most, len);
    disconnect(sender);
    return publisher_give_up(&sender->base, reason);
}

static enum cli_status add(struct publisher *publisher, const void *message, size_t len)
{
    struct nats_sender *sender = (struct nats_sender *)publisher;
    enum cli_status status;
    natsStatus sent;

    sender->base.count++;
    status = make_room(sender);
    if (status == CLI_OK)
        status = enter(sender, message, len);
    if (status != CLI_OK)
        return status;
    sent = publish(sender, sender->published - 1, message, len);
    if (sent == NATS_OK)
        return CLI_OK;
    if (sent == NATS_MAX_PAYLOAD)
        return give_up_large(sender, len);
    if (sent == NATS_NO_MEMORY) {
        sender->base.failed = true;
        return cli_no_memory();
    }
    if (!is_broken(sender))
        nats_link_reason(sent, sender->reason);
    return recover(sender);
}

static enum cli_status finish(struct publisher *publisher)
{
    return await((struct nats_sender *)publisher, 0);
}

static void close_nats(struct publisher *publisher)
{
    struct nats_sender *sender = (struct nats_sender *)publisher;

    nats_link_disconnect(&sender->link);
    EVP_MD_CTX_free(sender->digest); /* before the library cleans OpenSSL up */
    EVP_MD_free(sender->sha256);
    nats_link_close(&sender->link);
    for (uint64_t i = 0; sender->ring != NULL && i < sender->window; i++)
        free(sender->ring[i].data);
    free(sender->ring);
    (void)pthread_cond_destroy(&sender->changed);
    free(sender);
}

const struct publisher_kind nats_publisher = {
    .open = open_nats,
    .add = add,
    .wait = wait_for_input,
    .finish = finish,
    .close = close_nats,
};
