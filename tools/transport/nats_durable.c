#define _POSIX_C_SOURCE 200809L

#include "transport/nats_durable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signals.h"

enum {
    ACK_PENDING = 65536, /* for all who share the durable */
    ACK_WAIT_MS = 30000,
    NS_PER_MS = 1000000,
    PAUSE_MS = 2, /* before it is asked whether more are to come */
    LATE_MS = 200,
    ASK_MS = 1000, /* whether the durable is still there */
    REQUEST_SIZE = 64,
};

static const char durable_default[] = "sessionpb";

static enum cli_status fail(struct nats_link *link, const char *reason)
{
    cli_error("%s: %s", link->place.shown, reason);
    return CLI_FAILED;
}

/* A request to JetStream has failed. */
static enum cli_status fail_request(struct nats_link *link, natsStatus status, jsErrCode code,
                                    const char *what)
{
    char reason[NATS_REASON_SIZE];
    char text[2 * NATS_REASON_SIZE];

    if (nats_link_forbids(link, reason))
        return fail(link, reason);
    if (code == JSNotEnabledErr || code == JSNotEnabledForAccountErr ||
        status == NATS_NO_RESPONDERS)
        return fail(link, "JetStream is not enabled there");
    nats_link_reason(status, reason);
    (void)snprintf(text, sizeof(text), "%s '%s': %s", what,
                   what[0] == 's' ? link->place.stream : link->place.durable, reason);
    return fail(link, text);
}

/* The one stream that has the subject. */
static enum cli_status find_stream(struct nats_link *link)
{
    struct nats_place *place = &link->place;
    jsStreamNamesList *names = NULL;
    jsErrCode code = 0;
    jsOptions options;
    natsStatus status = jsOptions_Init(&options);
    enum cli_status found = CLI_OK;

    if (place->stream != NULL)
        return CLI_OK;
    options.Stream.Info.SubjectsFilter = place->subject;
    if (status == NATS_OK)
        status = js_StreamNames(&names, link->stream, &options, &code);
    if (status == NATS_NOT_FOUND || (status == NATS_OK && names->Count == 0))
        found = fail(link, "no stream takes the subject");
    else if (status != NATS_OK)
        found = fail_request(link, status, code, "subject");
    else if (names->Count > 1)
        found = fail(link, "more than one stream takes the subject: add ?stream=NAME");
    else
        link->found = strdup(names->List[0]);
    jsStreamNamesList_Destroy(names);
    if (found == CLI_OK && link->found == NULL)
        return cli_no_memory();
    place->stream = link->found;
    return found;
}

static natsStatus make_durable(struct nats_link *link, jsConsumerInfo **info_out,
                               jsErrCode *code_out)
{
    const struct nats_place *place = &link->place;
    jsConsumerConfig config;
    natsStatus status = jsConsumerConfig_Init(&config);

    config.Durable = place->durable;
    config.FilterSubject = place->subject;
    config.AckPolicy = js_AckExplicit;
    config.AckWait = (int64_t)ACK_WAIT_MS * NS_PER_MS;
    config.MaxAckPending = ACK_PENDING;
    if (status != NATS_OK)
        return status;
    return js_AddConsumer(info_out, link->stream, place->stream, &config, NULL, code_out);
}

/* One that somebody else has made may differ. */
static enum cli_status judge_durable(struct nats_link *link, const jsConsumerConfig *config)
{
    const char *filter = config->FilterSubject != NULL ? config->FilterSubject : "";

    if (config->DeliverSubject != NULL && config->DeliverSubject[0] != '\0')
        return fail(link, "the durable consumer is one that messages are pushed to");
    if (config->AckPolicy != js_AckExplicit)
        return fail(link, "the durable consumer does not want explicit acknowledgements");
    if (strcmp(filter, link->place.subject) != 0)
        return fail(link, "the durable consumer is for another subject: add ?durable=NAME");
    return CLI_OK;
}

static enum cli_status find_durable(struct nats_link *link, struct nats_durable *durable)
{
    const struct nats_place *place = &link->place;
    jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    natsStatus status =
        js_GetConsumerInfo(&info, link->stream, place->stream, place->durable, NULL, &code);
    enum cli_status found;

    if (status != NATS_OK && code == JSConsumerNotFoundErr)
        status = make_durable(link, &info, &code);
    if (status != NATS_OK)
        return fail_request(link, status, code,
                            code == JSStreamNotFoundErr ? "stream" : "durable consumer");
    found = judge_durable(link, info->Config);
    durable->ack_wait_ns = info->Config->AckWait;
    durable->batch_max = info->Config->MaxRequestBatch;
    jsConsumerInfo_Destroy(info);
    return found;
}

/* Messages come to our own inbox: natsSubscription_Fetch() of libnats 3.4.1 writes behind its array when late
   messages of an earlier request come to the next one. */
static enum cli_status subscribe(struct nats_link *link, struct nats_durable *durable)
{
    static const char api[] = "$JS.API.CONSUMER.MSG.NEXT.%s.%s";
    const struct nats_place *place = &link->place;
    size_t size = sizeof(api) + strlen(place->stream) + strlen(place->durable);
    natsStatus status;

    durable->api = malloc(size);
    if (durable->api == NULL)
        return cli_no_memory();
    (void)snprintf(durable->api, size, api, place->stream, place->durable);
    signals_hide();
    status = natsInbox_Create(&durable->inbox);
    if (status == NATS_OK)
        status =
            natsConnection_SubscribeSync(&durable->subscription, link->connection, durable->inbox);
    signals_show();
    return status == NATS_OK ? CLI_OK : fail_request(link, status, 0, "durable consumer");
}

enum cli_status nats_durable_open(struct nats_link *link, struct nats_durable *durable)
{
    enum cli_status status = find_stream(link);

    if (link->place.durable == NULL)
        link->place.durable = durable_default;
    if (status == CLI_OK)
        status = find_durable(link, durable);
    return status == CLI_OK ? subscribe(link, durable) : status;
}

/* -- Fetching ------------------------------------------------------------------------------ */

static natsStatus request(struct nats_link *link, struct nats_durable *durable, int most,
                          int timeout_ms)
{
    char text[REQUEST_SIZE];

    if (timeout_ms == 0)
        (void)snprintf(text, sizeof(text), "{\"batch\":%d,\"no_wait\":true}", most);
    else
        (void)snprintf(text, sizeof(text), "{\"batch\":%d,\"expires\":%" PRId64 "}", most,
                       (int64_t)timeout_ms * NS_PER_MS);
    return natsConnection_PublishRequestString(link->connection, durable->api, durable->inbox,
                                               text);
}

/* Something that is no message of the stream: there is nothing, or no more, or something is wrong. */
static natsStatus judge_status(struct nats_durable *durable, natsMsg *message)
{
    const char *code = "";
    const char *text = "";

    (void)natsMsgHeader_Get(message, "Status", &code);
    (void)natsMsgHeader_Get(message, "Description", &text);
    if (strcmp(code, "404") == 0 || strcmp(code, "408") == 0)
        return NATS_NOT_FOUND;
    (void)snprintf(durable->reason, sizeof(durable->reason), "the server says: %s %s", code, text);
    return NATS_ERR;
}

/* Whether the server had more of them when it sent the message. */
static bool has_more(natsMsg *message)
{
    jsMsgMetaData *about = NULL;
    bool more = natsMsg_GetMetaData(&about, message) == NATS_OK && about->NumPending > 0;

    jsMsgMetaData_Destroy(about);
    return more;
}

/* The next message of a request. Behind the first one, none is left on its way that is still to come: nobody
   would tell the server that it is worked on. */
static natsStatus next_message(struct nats_durable *durable, natsMsg *before, int timeout_ms,
                               natsMsg **message_out)
{
    natsSubscription *subscription = durable->subscription;
    natsStatus status =
        natsSubscription_NextMsg(message_out, subscription, before == NULL ? timeout_ms : PAUSE_MS);

    if (status == NATS_TIMEOUT && before != NULL && has_more(before))
        status = natsSubscription_NextMsg(message_out, subscription, LATE_MS);
    return status;
}

/* Messages as they come; the first one in so long. */
static natsStatus collect(struct nats_durable *durable, natsMsg **messages, int most,
                          int timeout_ms, int *count_out)
{
    natsStatus status = NATS_OK;

    while (status == NATS_OK && *count_out < most) {
        natsMsg *message = NULL;

        status = next_message(durable, *count_out > 0 ? messages[*count_out - 1] : NULL, timeout_ms,
                              &message);
        if (status == NATS_OK && natsMsg_GetReply(message) != NULL) {
            messages[(*count_out)++] = message;
        } else if (status == NATS_OK) {
            status = judge_status(durable, message);
            natsMsg_Destroy(message);
        }
    }
    return *count_out > 0 ? NATS_OK : status;
}

/* Why a request was not answered: the server answers none for a durable that is not there. */
static natsStatus look_for_durable(struct nats_link *link)
{
    jsConsumerInfo *info = NULL;
    jsErrCode code = 0;
    jsOptions options;
    natsStatus status = jsOptions_Init(&options);

    options.Wait = ASK_MS;
    if (status == NATS_OK)
        status = js_GetConsumerInfo(&info, link->stream, link->place.stream, link->place.durable,
                                    &options, &code);
    jsConsumerInfo_Destroy(info);
    if (code == JSConsumerNotFoundErr || code == JSStreamNotFoundErr)
        return NATS_INVALID_SUBSCRIPTION;
    return status == NATS_OK ? NATS_NOT_FOUND : status; /* it is there, and has no message */
}

natsStatus nats_durable_fetch(struct nats_link *link, struct nats_durable *durable,
                              natsMsg **messages, int most, int timeout_ms, int *count_out)
{
    natsStatus status;

    if (durable->batch_max > 0 && most > durable->batch_max)
        most = (int)durable->batch_max;
    *count_out = 0;
    status = request(link, durable, most, 0);
    if (status == NATS_OK)
        status = collect(durable, messages, most, timeout_ms, count_out);
    if (status == NATS_TIMEOUT)
        return look_for_durable(link);
    if (status != NATS_NOT_FOUND)
        return status;
    /* Only one, so that no more come when nobody looks */
    status = request(link, durable, 1, timeout_ms);
    if (status == NATS_OK)
        status = collect(durable, messages, 1, timeout_ms + PAUSE_MS, count_out);
    return status == NATS_TIMEOUT ? NATS_NOT_FOUND : status;
}

void nats_durable_close(struct nats_durable *durable)
{
    natsSubscription_Destroy(durable->subscription);
    natsInbox_Destroy(durable->inbox);
    free(durable->api);
}
