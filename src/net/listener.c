/*
 * Listening sockets: made here, or passed by whoever started the process.
 */
#define _GNU_SOURCE /* accept4(), struct ucred */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sessionpb/socket.h>

#include "base/error.h"
#include "net/address.h"
#include "net/endpoint.h"
#include "net/socket_file.h"

enum {
    MODE_DEFAULT = 0600,
    SYSTEMD_FD = 3, /* SD_LISTEN_FDS_START */
    ENDPOINT_SIZE = 128,
    DECIMAL = 10
};

struct spb_listener {
    int fd;
    struct spb_socket_file file;
    char endpoint[ENDPOINT_SIZE];
};

/* ------------------------------------------------------------------ opening */

static enum spb_status failed(const struct spb_endpoint *endpoint, struct spb_error *error)
{
    return spb_endpoint_failed(error, "listen on", endpoint->text, errno);
}

static enum spb_status start(const struct spb_endpoint *endpoint, int fd, struct spb_error *error)
{
    return listen(fd, SOMAXCONN) == 0 ? SPB_OK : failed(endpoint, error);
}

static enum spb_status listen_unix(spb_listener *listener, const struct spb_endpoint *endpoint,
                                   const struct spb_listen_options *options,
                                   struct spb_error *error)
{
    const mode_t mode = options->mode != 0 ? options->mode : MODE_DEFAULT;

    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd == -1)
        return failed(endpoint, error);
    const enum spb_status status = spb_socket_file_bind(
        &listener->file, listener->fd, endpoint->path, mode, endpoint->text, error);
    return status == SPB_OK ? start(endpoint, listener->fd, error) : status;
}

static enum spb_status check_remote(const struct spb_endpoint *endpoint,
                                    const struct addrinfo *addresses, bool remote,
                                    struct spb_error *error)
{
    for (; addresses != NULL && !remote; addresses = addresses->ai_next)
        if (!spb_address_is_loopback(addresses->ai_addr))
            return spb_error_set(error, SPB_MISUSE, 0,
                                 "%s can be reached by others, who could read and send sessions",
                                 endpoint->text);
    return SPB_OK;
}

/* 0, or the system's error. */
static int bind_address(spb_listener *listener, const struct addrinfo *address)
{
    const int on = 1;

    listener->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener->fd == -1)
        return errno;
    (void)setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener->fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    const int failure = errno;
    (void)close(listener->fd);
    listener->fd = -1;
    return failure;
}

/* The address and port that the system has chosen. */
static void name_tcp(spb_listener *listener)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    char text[SPB_ADDRESS_SIZE];

    if (getsockname(listener->fd, (struct sockaddr *)&address, &len) == -1)
        return;
    spb_address_format((const struct sockaddr *)&address, len, text);
    (void)snprintf(listener->endpoint, sizeof listener->endpoint, "tcp:%s", text);
}

static enum spb_status listen_tcp(spb_listener *listener, const struct spb_endpoint *endpoint,
                                  const struct spb_listen_options *options, struct spb_error *error)
{
    struct addrinfo *addresses;
    enum spb_status status = spb_address_resolve(endpoint, true, &addresses, error);

    if (status != SPB_OK)
        return status;
    status = check_remote(endpoint, addresses, options->remote, error);
    if (status == SPB_OK) {
        int failure = EADDRNOTAVAIL;

        for (const struct addrinfo *at = addresses; at != NULL && failure != 0; at = at->ai_next)
            failure = bind_address(listener, at);
        if (failure != 0)
            status = spb_endpoint_failed(error, "listen on", endpoint->text, failure);
    }
    freeaddrinfo(addresses);
    if (status == SPB_OK)
        status = start(endpoint, listener->fd, error);
    if (status == SPB_OK)
        name_tcp(listener);
    return status;
}

/* Takes a socket that somebody else has opened, and who may use it further. */
static enum spb_status take_passed(spb_listener *listener, const struct spb_endpoint *endpoint,
                                   int fd, struct spb_error *error)
{
    int listens = 0;
    int type = 0;
    socklen_t size = sizeof listens;

    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == -1 ||
        getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == -1)
        return failed(endpoint, error);
    if (!listens || type != SOCK_STREAM)
        return spb_error_set(error, SPB_IO, 0,
                             "cannot listen on %s: it is a socket of another kind", endpoint->text);
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    listener->fd = fd;
    return SPB_OK;
}

/* Whether a variable of the environment is this number. */
static bool is_number(const char *variable, long number)
{
    const char *const text = getenv(variable);
    char *end;

    return text != NULL && strtol(text, &end, DECIMAL) == number && end != text && *end == '\0';
}

static enum spb_status take_systemd(spb_listener *listener, const struct spb_endpoint *endpoint,
                                    struct spb_error *error)
{
    if (!is_number("LISTEN_PID", getpid()) || !is_number("LISTEN_FDS", 1))
        return spb_error_set(error, SPB_IO, 0,
                             "cannot listen on systemd:: not exactly one socket was passed to this "
                             "process; of several, each is fd:N with N from 3");
    return take_passed(listener, endpoint, SYSTEMD_FD, error);
}

static enum spb_status open_listener(spb_listener *listener, const struct spb_endpoint *endpoint,
                                     const struct spb_listen_options *options,
                                     struct spb_error *error)
{
    (void)snprintf(listener->endpoint, sizeof listener->endpoint, "%s", endpoint->text);
    switch (endpoint->kind) {
    case SPB_ENDPOINT_UNIX:
        return listen_unix(listener, endpoint, options, error);
    case SPB_ENDPOINT_TCP:
        return listen_tcp(listener, endpoint, options, error);
    case SPB_ENDPOINT_FD:
        return take_passed(listener, endpoint, endpoint->fd, error);
    case SPB_ENDPOINT_SYSTEMD:
        break;
    }
    return take_systemd(listener, endpoint, error);
}

/* See sessionpb/socket.h. */
enum spb_status spb_listener_new(const char *endpoint, const struct spb_listen_options *options,
                                 spb_listener **listener_out, struct spb_error *error)
{
    const struct spb_listen_options defaults = { .size = sizeof defaults };
    struct spb_endpoint parsed;
    enum spb_status status = spb_endpoint_parse(endpoint, &parsed, error);

    if (options == NULL)
        options = &defaults;
    if (status == SPB_OK && options->size != sizeof *options)
        status = spb_error_set(error, SPB_MISUSE, 0, "options of an unknown size");
    if (status != SPB_OK)
        return status;
    spb_listener *const listener = calloc(1, sizeof *listener);
    if (listener == NULL)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "not enough memory");
    listener->fd = -1;
    listener->file = spb_socket_file_none();
    status = open_listener(listener, &parsed, options, error);
    if (status == SPB_OK)
        *listener_out = listener;
    else
        spb_listener_free(listener);
    return status;
}

/* See sessionpb/socket.h. */
void spb_listener_free(spb_listener *listener)
{
    if (listener == NULL)
        return;
    spb_socket_file_remove(&listener->file);
    if (listener->fd != -1)
        (void)close(listener->fd);
    free(listener);
}

/* See sessionpb/socket.h. */
int spb_listener_fd(const spb_listener *listener)
{
    return listener->fd;
}

/* See sessionpb/socket.h. */
const char *spb_listener_endpoint(const spb_listener *listener)
{
    return listener->endpoint;
}

/* ------------------------------------------------------------------ accepting */

static void describe_peer(int fd, const struct sockaddr *address, socklen_t len,
                          struct spb_peer *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;

    *peer = (struct spb_peer){ .pid = -1, .uid = (uid_t)-1, .gid = (gid_t)-1 };
    spb_address_format(address, len, peer->address);
    if (address->sa_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == -1)
        return;
    peer->pid = credentials.pid;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
}

/* Failures of the one connection, which is gone: accept(2) has the list. */
static bool is_lost_connection(int failure)
{
    switch (failure) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EPERM:
        return true;
    default:
        return false;
    }
}

/* See sessionpb/socket.h. */
enum spb_status spb_listener_accept(spb_listener *listener, int *fd_out, struct spb_peer *peer_out,
                                    struct spb_error *error)
{
    struct sockaddr_storage address = { 0 };
    struct sockaddr *const peer = (struct sockaddr *)&address;
    struct pollfd arrival = { .fd = listener->fd, .events = POLLIN };
    socklen_t len;
    int fd;

    /* A socket that was passed may have been made to wait by whoever else has it. */
    if (poll(&arrival, 1, 0) == 0)
        return spb_error_set(error, SPB_NEED_MORE, 0, "nobody has connected");
    do {
        len = sizeof address;
        fd = accept4(listener->fd, peer, &len, SOCK_CLOEXEC);
    } while (fd == -1 && is_lost_connection(errno));
    if (fd == -1 && errno == EAGAIN)
        return spb_error_set(error, SPB_NEED_MORE, 0, "nobody has connected");
    if (fd == -1)
        return spb_endpoint_failed(error, "accept a connection on", listener->endpoint, errno);
    if (peer->sa_family != AF_UNIX)
        spb_address_tune_tcp(fd);
    if (peer_out != NULL)
        describe_peer(fd, peer, len, peer_out);
    *fd_out = fd;
    return SPB_OK;
}
