#define _POSIX_C_SOURCE 200809L

#include "listeners.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    OPEN_FILES_SPARE = 64, /* besides connections */
    MODE_FOR_ALL = 0666,   /* of a socket where credentials decide */
};

/* As many open files as the connections need, where the system allows it. */
static void raise_open_files(size_t connections_max)
{
    struct rlimit limit;
    rlim_t wanted = connections_max + OPEN_FILES_SPARE;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool judges_credentials(const struct server_options *options)
{
    return options->uid_count + options->gid_count > 0;
}

static enum cli_status open_listener(struct listeners *listeners, const char *endpoint)
{
    const struct server_options *options = listeners->options;
    const struct spb_listen_options listen = {
        .size = sizeof(listen),
        .remote = options->remote || listeners->security != NULL,
        .mode = judges_credentials(options) ? MODE_FOR_ALL : 0,
    };
    spb_listener **listener = &listeners->items[listeners->count];
    struct spb_error error;
    enum spb_status status = spb_listener_new(endpoint, &listen, listener, &error);

    if (status != SPB_OK) {
        cli_error("%s%s", error.reason,
                  status == SPB_MISUSE && strncmp(endpoint, "tcp:", 4) == 0 && !options->remote
                      ? "; see --tls-ca, or --insecure-remote"
                      : "");
        return status == SPB_MISUSE ? CLI_USAGE : CLI_FAILED;
    }
    listeners->count++;
    if (!options->quiet)
        cli_error("listening on %s", spb_listener_endpoint(*listener));
    return CLI_OK;
}

/* TLS is for all of them, or none. */
static enum cli_status secure(struct listeners *listeners)
{
    const struct server_options *options = listeners->options;
    bool tls = (transport_access_traits(&options->access) & TRANSPORT_TLS) != 0;

    for (size_t i = 0; i < options->endpoints->count && tls; i++)
        if (strncmp(options->endpoints->items[i], "tcp:", 4) != 0) {
            cli_error("an option of TLS means nothing for %s", options->endpoints->items[i]);
            return CLI_USAGE;
        }
    return channel_secure(&options->access, CHANNEL_SERVER, options->quiet, &listeners->security);
}

enum cli_status listeners_open(struct listeners *listeners, const struct server_options *options)
{
    const struct cli_list *endpoints = options->endpoints;
    enum cli_status status;

    listeners->options = options;
    if (endpoints->count > LISTENERS_MAX) {
        cli_error("more than %d endpoints", LISTENERS_MAX);
        return CLI_USAGE;
    }
    raise_open_files(options->connections_max);
    status = secure(listeners);
    for (size_t i = 0; i < endpoints->count && status == CLI_OK; i++)
        status = open_listener(listeners, endpoints->items[i]);
    return status;
}

bool listeners_allow(const struct listeners *listeners, const struct spb_peer *peer)
{
    const struct server_options *options = listeners->options;

    if (!judges_credentials(options) || peer->uid == geteuid())
        return true;
    for (size_t i = 0; i < options->uid_count; i++)
        if (peer->uid == options->uids[i])
            return true;
    for (size_t i = 0; i < options->gid_count; i++)
        if (peer->gid == options->gids[i])
            return true;
    return false;
}

void listeners_close(struct listeners *listeners)
{
    while (listeners->count > 0)
        spb_listener_free(listeners->items[--listeners->count]);
    channel_security_free(listeners->security);
}
