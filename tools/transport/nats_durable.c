#define _POSIX_C_SOURCE 200809L

#include "transport/nats_durable.h"

#include <stdio.h>
#include <string.h>

#include "signals.h"

enum {
    ACK_PENDING = 65536, /* for all who share the durable */
    ACK_WAIT_MS = 30000,
    NS_PER_MS = 1000000,
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

static enum cli_status find_durable(struct nats_link *link, int64_t *ack_wait_out)
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
    *ack_wait_out = info->Config->AckWait;
    jsConsumerInfo_Destroy(info);
    return found;
}

static enum cli_status subscribe(struct nats_link *link, natsSubscription **subscription_out)
{
    struct nats_place *place = &link->place;
    jsSubOptions options;
    jsErrCode code = 0;
    natsStatus status = jsSubOptions_Init(&options);

    options.Stream = place->stream;
    options.Consumer = place->durable;
    options.ManualAck = true;
    signals_hide();
    if (status == NATS_OK)
        status = js_PullSubscribe(subscription_out, link->stream, place->subject, place->durable,
                                  NULL, &options, &code);
    signals_show();
    return status == NATS_OK ? CLI_OK : fail_request(link, status, code, "durable consumer");
}

enum cli_status nats_durable_open(struct nats_link *link, natsSubscription **subscription_out,
                                  int64_t *ack_wait_out)
{
    enum cli_status status = find_stream(link);

    if (link->place.durable == NULL)
        link->place.durable = durable_default;
    if (status == CLI_OK)
        status = find_durable(link, ack_wait_out);
    return status == CLI_OK ? subscribe(link, subscription_out) : status;
}
