#include "transport/transport.h"

#include <stdio.h>
#include <string.h>

#include "transport/sockets.h"

#ifdef SPB_WITH_NATS
#include "transport/nats.h"
#define NATS &nats_publisher, &nats_consumer
#else
#define NATS NULL, NULL
#endif

#ifdef SPB_WITH_KAFKA
#include "transport/kafka.h"
#define KAFKA &kafka_publisher, &kafka_consumer
#else
#define KAFKA NULL, NULL
#endif

/* What CMake has found says its version. */
static const char *const libraries[] = {
#ifdef SPB_WITH_TLS
    "OpenSSL " SPB_WITH_TLS,
#endif
#ifdef SPB_WITH_NATS
    "NATS " SPB_WITH_NATS,
#endif
#ifdef SPB_WITH_KAFKA
    "librdkafka " SPB_WITH_KAFKA,
#endif
    NULL,
};

static const struct transport transports[] = {
    { "unix:", NULL, &socket_publisher, &socket_consumer, TRANSPORT_STREAM | TRANSPORT_RETRY },
    { "tcp:", NULL, &socket_publisher, &socket_consumer,
      TRANSPORT_STREAM | TRANSPORT_RETRY | TRANSPORT_TLS },
    { "fd:", NULL, &socket_publisher, &socket_consumer, TRANSPORT_STREAM | TRANSPORT_RETRY },
    { "nats://", "NATS", NATS,
      TRANSPORT_RETRY | TRANSPORT_WINDOW | TRANSPORT_TLS | TRANSPORT_CREDENTIALS },
    { "kafka://", "Kafka", KAFKA,
      TRANSPORT_WINDOW | TRANSPORT_SCHEMA_ID | TRANSPORT_TLS | TRANSPORT_SETTINGS },
};

static const struct {
    unsigned trait;
    const char *options;
} options_of[] = {
    { TRANSPORT_STREAM, "a framing or an option of receipts" },
    { TRANSPORT_RETRY, "'--retry'" },
    { TRANSPORT_WINDOW, "'--window'" },
    { TRANSPORT_SCHEMA_ID, "'--schema-id'" },
    { TRANSPORT_TLS, "an option of TLS" },
    { TRANSPORT_CREDENTIALS, "'--credentials'" },
    { TRANSPORT_SETTINGS, "'-X'" },
};

enum {
    TRANSPORTS = sizeof transports / sizeof transports[0],
    OPTIONS = sizeof options_of / sizeof options_of[0],
};

/* Endpoints are not printed as they are: there may be a password in them. */
static bool judge(const struct transport *transport, unsigned traits)
{
    if (transport->publisher == NULL) {
        cli_error("%s: this sessionpb was built without %s", transport->scheme, transport->library);
        return false;
    }
    for (size_t i = 0; i < OPTIONS; i++)
        if ((traits & ~transport->traits & options_of[i].trait) != 0) {
            cli_error("%s means nothing for %s", options_of[i].options, transport->scheme);
            return false;
        }
    return true;
}

const struct transport *transport_find(const char *endpoint, unsigned traits)
{
    for (size_t i = 0; i < TRANSPORTS; i++) {
        const struct transport *transport = &transports[i];

        if (strncmp(endpoint, transport->scheme, strlen(transport->scheme)) == 0)
            return judge(transport, traits) ? transport : NULL;
    }
    cli_error("'%s' is no endpoint: it begins with unix:, tcp:, fd:, nats:// or kafka://",
              strchr(endpoint, '@') == NULL ? endpoint : "...");
    return NULL;
}

struct transport_access transport_access(const struct cli_options *options)
{
    return (struct transport_access){
        .tls_ca = options->tls_ca,
        .tls_cert = options->tls_cert,
        .tls_key = options->tls_key,
        .credentials = options->credentials,
        .settings = &options->settings,
    };
}

unsigned transport_access_traits(const struct transport_access *access)
{
    bool tls = access->tls_ca != NULL || access->tls_cert != NULL || access->tls_key != NULL;
    bool settings = access->settings->count > 0;

    return (tls ? TRANSPORT_TLS : 0) | (access->credentials != NULL ? TRANSPORT_CREDENTIALS : 0) |
           (settings ? TRANSPORT_SETTINGS : 0);
}

const char *transport_library(size_t index)
{
    return libraries[index];
}
