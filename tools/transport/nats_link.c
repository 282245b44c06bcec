#define _POSIX_C_SOURCE 200809L

#include "transport/nats_link.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "signals.h"
#include "transport/passphrase.h"

enum {
    PORT_MAX = 65535,
    DECIMAL = 10,
    PING_MS = 20 * 1000, /* of a silent server */
    RECONNECT_MS = 250,
    DIGIT_BITS = 4,
};

static const char scheme[] = "nats://";

/* -- Endpoints ----------------------------------------------------------------------------- */

static enum cli_status refuse(const struct nats_link *link, const char *reason)
{
    cli_error("%s: %s", link->place.shown, reason);
    return CLI_USAGE;
}

static int hex_digit(char digit)
{
    const char *digits = "0123456789abcdef";
    char lower = digit >= 'A' && digit <= 'F' ? (char)(digit - 'A' + 'a') : digit;
    const char *found = lower != '\0' ? strchr(digits, lower) : NULL;

    return found != NULL ? (int)(found - digits) : -1;
}

/* Decode %XX in place. */
static bool decode(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++, to++) {
        int high, low;

        *to = *from;
        if (*from != '%')
            continue;
        high = hex_digit(from[1]);
        low = high < 0 ? -1 : hex_digit(from[2]);
        if (high < 0 || low < 0)
            return false;
        *to = (char)(high << DIGIT_BITS | low);
        from += 2;
    }
    *to = '\0';
    return true;
}

/* Tokens between dots, none of them empty. */
static bool is_subject(const char *subject, bool wildcards)
{
    size_t token = 0;

    for (const char *at = subject;; at++) {
        if (*at == '.' || *at == '\0') {
            if (token == 0)
                return false;
            token = 0;
        } else if ((unsigned char)*at <= ' ' || (!wildcards && (*at == '*' || *at == '>'))) {
            return false;
        } else {
            token++;
        }
        if (*at == '\0')
            return true;
    }
}

static bool is_name(const char *name)
{
    return name[0] != '\0' && name[strcspn(name, " .*>/\\\t\r\n")] == '\0';
}

/* HOST[:PORT], or [IPv6][:PORT] */
static bool is_server(const char *server)
{
    const char *bracket = server[0] == '[' ? strchr(server, ']') : NULL;
    const char *colon = strchr(bracket != NULL ? bracket : server, ':');
    char *end;
    unsigned long port;

    if (server[0] == '\0' || server[0] == ':' || (server[0] == '[' && bracket == NULL) ||
        strpbrk(server, " %@") != NULL)
        return false;
    if (colon == NULL)
        return bracket == NULL || bracket[1] == '\0';
    port = strtoul(colon + 1, &end, DECIMAL);
    return colon[1] >= '0' && colon[1] <= '9' && *end == '\0' && port > 0 && port <= PORT_MAX &&
           (bracket == NULL || colon == bracket + 1);
}

static enum cli_status read_query(struct nats_link *link, char *query, bool consumer)
{
    char *rest = query;

    while (rest != NULL && *rest != '\0') {
        char *item = rest;
        const char **value = NULL;

        rest = strchr(item, '&');
        if (rest != NULL)
            *rest++ = '\0';
        if (strncmp(item, "stream=", 7) == 0)
            value = &link->place.stream;
        else if (consumer && strncmp(item, "durable=", 8) == 0)
            value = &link->place.durable;
        if (value == NULL)
            return refuse(link, consumer
                                    ? "behind the subject there may be stream=NAME and durable=NAME"
                                    : "behind the subject there may be stream=NAME");
        *value = strchr(item, '=') + 1;
        if (!is_name(*value))
            return refuse(link, "a stream or durable has a name without spaces and any of .*>/\\");
    }
    return CLI_OK;
}

/* The credentials in front of the server, with their end in front of the @. */
static bool read_user(struct nats_place *place, char *user)
{
    char *colon = strchr(user, ':');

    if (colon != NULL) {
        *colon = '\0';
        place->password = colon + 1;
        if (!decode(colon + 1))
            return false;
    }
    place->user = user;
    return decode(user);
}

/* The endpoint without what stands in front of the last @ of the server. */
static bool copy_endpoint(struct nats_place *place, const char *endpoint)
{
    const char *authority = endpoint + strlen(scheme);
    size_t authority_len = strcspn(authority, "/");
    size_t secret = authority_len;

    while (secret > 0 && authority[secret - 1] != '@')
        secret--;
    place->parts = strdup(authority);
    place->shown = malloc(strlen(endpoint) + 1);
    place->url = malloc(strlen(endpoint) + 1);
    if (place->parts == NULL || place->shown == NULL || place->url == NULL)
        return false;
    (void)sprintf(place->shown, "%s%s", scheme, authority + secret);
    (void)sprintf(place->url, "%s%.*s", scheme, (int)(authority_len - secret), authority + secret);
    return true;
}

static enum cli_status read_endpoint(struct nats_link *link, const char *endpoint, bool consumer)
{
    struct nats_place *place = &link->place;
    char *subject, *query, *at;

    if (!copy_endpoint(place, endpoint))
        return cli_no_memory();
    if (!is_server(place->url + strlen(scheme))) {
        place->shown[strlen(scheme)] = '\0'; /* it may be a password with a / in it */
        return refuse(link,
                      "there is no HOST or HOST:PORT, or credentials have characters that must "
                      "be written as %XX");
    }
    subject = strchr(place->parts, '/');
    if (subject == NULL)
        return refuse(link, "there is no subject: nats://HOST[:PORT]/SUBJECT");
    *subject++ = '\0';
    at = strrchr(place->parts, '@');
    if (at != NULL)
        *at = '\0';
    if (at != NULL && !read_user(place, place->parts))
        return refuse(link,
                      "the user or password has a % without two hexadecimal digits behind it");
    query = strchr(subject, '?');
    if (query != NULL)
        *query++ = '\0';
    if (!decode(subject) || !is_subject(subject, consumer))
        return refuse(link, consumer ? "the subject is invalid"
                                     : "the subject is invalid, or has wildcards");
    place->subject = subject;
    return read_query(link, query, consumer);
}

/* The library would not say why it cannot read one. */
static enum cli_status check_files(const struct transport_access *access)
{
    const char *const paths[] = { access->tls_ca, access->tls_cert, access->tls_key,
                                  access->credentials };
    enum cli_status status = CLI_OK;

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]) && status == CLI_OK; i++) {
        FILE *file = paths[i] != NULL ? fopen(paths[i], "r") : NULL;

        if (file != NULL)
            (void)fclose(file);
        else if (paths[i] != NULL)
            status = cli_system_error("open", paths[i], errno);
    }
    return status;
}

/* The library lets OpenSSL ask for a passphrase, at the terminal or in the input. What else may be wrong with a
   key it says itself. */
static enum cli_status check_key(const char *path)
{
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    bool encrypted = false;

    if (file == NULL)
        return CLI_OK;
    EVP_PKEY_free(PEM_read_PrivateKey(file, NULL, passphrase_refuse, &encrypted));
    ERR_clear_error();
    (void)fclose(file);
    if (!encrypted)
        return CLI_OK;
    cli_error("cannot use '%s': the private key is encrypted", path);
    return CLI_FAILED;
}

enum cli_status nats_link_open(struct nats_link *link, const char *endpoint,
                               const struct transport_access *access, bool consumer)
{
    enum cli_status status;
    natsStatus opened;

    link->access = *access;
    if (pthread_mutex_init(&link->lock, NULL) != 0)
        return cli_no_memory();
    signals_hide();
    opened = nats_Open(-1); /* before OpenSSL is used, which it must outlive at the process's end */
    signals_show();
    if (opened != NATS_OK)
        return cli_no_memory();
    status = read_endpoint(link, endpoint, consumer);
    if (status == CLI_OK)
        status = check_files(access);
    return status == CLI_OK ? check_key(access->tls_key) : status;
}

/* -- What is wrong ------------------------------------------------------------------------- */

static const struct {
    natsStatus status;
    const char *reason;
} reasons[] = {
    { NATS_NO_SERVER, "cannot connect: no server can be reached there" },
    { NATS_CONNECTION_AUTH_FAILED, "cannot connect: the server refuses the credentials" },
    { NATS_SECURE_CONNECTION_WANTED, "cannot connect: the server does not speak TLS" },
    { NATS_CONNECTION_CLOSED, "the connection is broken" },
    { NATS_CONNECTION_DISCONNECTED, "the connection is broken" },
    { NATS_STALE_CONNECTION, "the connection is broken" },
    { NATS_IO_ERROR, "the connection is broken" },
    { NATS_TIMEOUT, "the server does not answer" },
    { NATS_NO_RESPONDERS, "no stream takes the subject, or JetStream is not enabled" },
};

void nats_link_reason(natsStatus status, char reason[NATS_REASON_SIZE])
{
    natsStatus last = NATS_OK;
    const char *text = nats_GetLastError(&last);

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status) {
            (void)snprintf(reason, NATS_REASON_SIZE, "%s", reasons[i].reason);
            return;
        }
    if (text == NULL || last != status || text[0] == '\0')
        text = natsStatus_GetText(status);
    if (text[0] == '(' && strstr(text, "): ") != NULL) /* a line of the library's */
        text = strstr(text, "): ") + 3;
    (void)snprintf(reason, NATS_REASON_SIZE, "%s%s",
                   status == NATS_SSL_ERROR ? "cannot connect: " : "", text);
}

bool nats_link_forbids(struct nats_link *link, char reason[NATS_REASON_SIZE])
{
    bool forbids;

    pthread_mutex_lock(&link->lock);
    forbids = link->forbidden[0] != '\0';
    if (forbids)
        (void)snprintf(reason, NATS_REASON_SIZE, "%s", link->forbidden);
    pthread_mutex_unlock(&link->lock);
    return forbids;
}

/* In a thread of the library. Without a handler, it prints what is wrong. */
static void hear_error(natsConnection *connection, natsSubscription *subscription,
                       natsStatus status, void *closure)
{
    struct nats_link *link = closure;
    const char *text = NULL;

    (void)subscription;
    if (status != NATS_NOT_PERMITTED)
        return;
    (void)natsConnection_GetLastError(connection, &text);
    pthread_mutex_lock(&link->lock);
    (void)snprintf(link->forbidden, sizeof(link->forbidden), "the server says: %s",
                   text != NULL ? text : natsStatus_GetText(status));
    pthread_mutex_unlock(&link->lock);
}

/* -- Connections --------------------------------------------------------------------------- */

static natsStatus set_user(const struct nats_place *place, natsOptions *options)
{
    if (place->user == NULL)
        return NATS_OK;
    return place->password != NULL ? natsOptions_SetUserInfo(options, place->user, place->password)
                                   : natsOptions_SetToken(options, place->user);
}

static natsStatus set_access(const struct transport_access *access, natsOptions *options)
{
    natsStatus status = NATS_OK;

    if (access->tls_ca != NULL || access->tls_cert != NULL)
        status = natsOptions_SetSecure(options, true);
    if (status == NATS_OK && access->tls_ca != NULL)
        status = natsOptions_LoadCATrustedCertificates(options, access->tls_ca);
    if (status == NATS_OK && access->tls_cert != NULL)
        status = natsOptions_LoadCertificatesChain(options, access->tls_cert, access->tls_key);
    if (status == NATS_OK && access->credentials != NULL)
        status = natsOptions_SetUserCredentialsFromFiles(options, access->credentials, NULL);
    return status;
}

static natsStatus set_options(struct nats_link *link, int timeout_ms, natsOptions *options)
{
    natsStatus status = natsOptions_SetURL(options, link->place.url);

    if (status == NATS_OK)
        status = natsOptions_SetName(options, "sessionpb");
    if (status == NATS_OK)
        status = natsOptions_SetErrorHandler(options, hear_error, link);
    if (status == NATS_OK)
        status = natsOptions_SetTimeout(options, timeout_ms);
    if (status == NATS_OK)
        status = natsOptions_SetWriteDeadline(options, timeout_ms);
    if (status == NATS_OK)
        status = natsOptions_SetPingInterval(options, PING_MS);
    if (status == NATS_OK)
        status = natsOptions_SetAllowReconnect(options, link->reconnects);
    if (status == NATS_OK && link->reconnects)
        status = natsOptions_SetMaxReconnect(options, -1);
    if (status == NATS_OK)
        status = natsOptions_SetReconnectWait(options, RECONNECT_MS);
    if (status == NATS_OK)
        status = set_user(&link->place, options);
    return status == NATS_OK ? set_access(&link->access, options) : status;
}

natsStatus nats_link_connect(struct nats_link *link, int timeout_ms, const jsOptions *options,
                             char reason[NATS_REASON_SIZE])
{
    natsOptions *wishes = NULL;
    jsOptions copy = *options;
    natsStatus status;

    signals_hide();
    status = natsOptions_Create(&wishes);
    if (status == NATS_OK)
        status = set_options(link, timeout_ms, wishes);
    if (status == NATS_OK)
        status = natsConnection_Connect(&link->connection, wishes);
    if (status == NATS_OK)
        status = natsConnection_JetStream(&link->stream, link->connection, &copy);
    signals_show();
    if (status != NATS_OK)
        nats_link_reason(status, reason);
    if (status == NATS_TIMEOUT)
        (void)snprintf(reason, NATS_REASON_SIZE, "cannot connect: the server does not answer");
    natsOptions_Destroy(wishes);
    return status;
}

void nats_link_disconnect(struct nats_link *link)
{
    jsCtx *stream = link->stream;
    natsConnection *connection = link->connection;

    pthread_mutex_lock(&link->lock); /* what comes from now on is for nobody */
    link->stream = NULL;
    link->connection = NULL;
    pthread_mutex_unlock(&link->lock);
    jsCtx_Destroy(stream);
    natsConnection_Destroy(connection);
}

void nats_link_close(struct nats_link *link)
{
    nats_link_disconnect(link);
    (void)nats_CloseAndWait(0);
    free(link->found);
    free(link->place.shown);
    free(link->place.url);
    free(link->place.parts);
    (void)pthread_mutex_destroy(&link->lock);
}
