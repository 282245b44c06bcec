/*
 * Connections: making them, and moving bytes.
 */
#define _POSIX_C_SOURCE 200809L

#include <sessionpb/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "net/address.h"
#include "net/deadline.h"
#include "net/endpoint.h"

enum { PIECE = 64 * 1024 }; /* received at a time */

/* ------------------------------------------------------------------ connecting */

static enum spb_status connect_failed(const struct spb_endpoint *endpoint, int system_error,
                                      struct spb_error *error)
{
    return spb_endpoint_failed(error, "connect to", endpoint->text, system_error);
}

static enum spb_status connect_timed_out(const struct spb_endpoint *endpoint,
                                         struct spb_error *error)
{
    return spb_error_set(error, SPB_TIMEOUT, 0, "cannot connect to %s: it does not answer",
                         endpoint->text);
}

/* 0, EAGAIN when the deadline has passed, or another of the system's errors. A connection that waits for
   room in the backlog cannot be waited for with poll(): the time-out is the socket's. */
static int connect_unix_socket(int fd, const char *path, const struct spb_deadline *deadline)
{
    const struct sockaddr_un address = spb_address_unix(path);
    int left = spb_deadline_left(deadline);
    int result;

    do {
        /* zero would be no time-out at all */
        const struct timeval timeout = { .tv_sec = left < 0 ? 0 : left / 1000,
                                         .tv_usec = left < 0 ? 0 : left % 1000 * 1000 + 1 };

        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        result = connect(fd, (const struct sockaddr *)&address, sizeof address);
        left = spb_deadline_left(deadline);
    } while (result == -1 && errno == EINTR && left != 0);
    if (result == 0)
        return 0;
    return errno == EINTR ? EAGAIN : errno;
}

static enum spb_status connect_unix(const struct spb_endpoint *endpoint,
                                    const struct spb_deadline *deadline, int *fd_out,
                                    struct spb_error *error)
{
    const struct timeval none = { 0 };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return connect_failed(endpoint, errno, error);
    const int failure = connect_unix_socket(fd, endpoint->path, deadline);
    if (failure == 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof none);
        *fd_out = fd;
        return SPB_OK;
    }
    (void)close(fd);
    return failure == EAGAIN ? connect_timed_out(endpoint, error)
                             : connect_failed(endpoint, failure, error);
}

/* The same. */
static int connect_address(int fd, const struct addrinfo *address,
                           const struct spb_deadline *deadline)
{
    int failure = 0;
    socklen_t size = sizeof failure;

    if (connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return 0;
    if (errno != EINPROGRESS && errno != EINTR)
        return errno;
    if (spb_deadline_wait(deadline, fd, POLLOUT, NULL) != SPB_OK)
        return EAGAIN;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &size) == -1 ? errno : failure;
}

/* The same, and a socket that waits on the caller's wish. */
static int open_connection(const struct addrinfo *address, const struct spb_deadline *deadline,
                           int *fd_out)
{
    const int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd == -1)
        return errno;
    const int failure = connect_address(fd, address, deadline);
    if (failure != 0) {
        (void)close(fd);
        return failure;
    }
    (void)fcntl(fd, F_SETFL, 0);
    spb_address_tune_tcp(fd);
    *fd_out = fd;
    return 0;
}

static enum spb_status connect_tcp(const struct spb_endpoint *endpoint,
                                   const struct spb_deadline *deadline, int *fd_out,
                                   struct spb_error *error)
{
    struct addrinfo *addresses;
    int failure = EHOSTUNREACH;
    const enum spb_status status = spb_address_resolve(endpoint, false, &addresses, error);

    if (status != SPB_OK)
        return status;
    for (const struct addrinfo *at = addresses; at != NULL && failure != 0; at = at->ai_next)
        failure = open_connection(at, deadline, fd_out);
    freeaddrinfo(addresses);
    if (failure == 0)
        return SPB_OK;
    return failure == EAGAIN ? connect_timed_out(endpoint, error)
                             : connect_failed(endpoint, failure, error);
}

static enum spb_status take_connected(const struct spb_endpoint *endpoint, int *fd_out,
                                      struct spb_error *error)
{
    struct sockaddr_storage peer;
    socklen_t peer_size = sizeof peer;
    int type = 0;
    socklen_t type_size = sizeof type;

    if (getpeername(endpoint->fd, (struct sockaddr *)&peer, &peer_size) == -1 ||
        getsockopt(endpoint->fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == -1)
        return spb_endpoint_failed(error, "use", endpoint->text, errno);
    if (type != SOCK_STREAM)
        return spb_error_set(error, SPB_IO, 0, "cannot use %s: it is a socket of another kind",
                             endpoint->text);
    (void)fcntl(endpoint->fd, F_SETFD, FD_CLOEXEC);
    *fd_out = endpoint->fd;
    return SPB_OK;
}

/* See sessionpb/socket.h. */
enum spb_status spb_socket_connect(const char *endpoint, int timeout_ms, int *fd_out,
                                   struct spb_error *error)
{
    const struct spb_deadline deadline = spb_deadline_in(timeout_ms);
    struct spb_endpoint parsed;
    const enum spb_status status = spb_endpoint_parse(endpoint, &parsed, error);

    if (status != SPB_OK)
        return status;
    switch (parsed.kind) {
    case SPB_ENDPOINT_UNIX:
        return connect_unix(&parsed, &deadline, fd_out, error);
    case SPB_ENDPOINT_TCP:
        return connect_tcp(&parsed, &deadline, fd_out, error);
    case SPB_ENDPOINT_FD:
        return take_connected(&parsed, fd_out, error);
    case SPB_ENDPOINT_SYSTEMD:
        break;
    }
    return spb_error_set(error, SPB_MISUSE, 0, "systemd: is an endpoint to listen on");
}

/* ------------------------------------------------------------------ sending */

/* See sessionpb/socket.h. */
enum spb_status spb_socket_send_some(int fd, const void *data, size_t len, size_t *sent_out,
                                     struct spb_error *error)
{
    ssize_t sent;

    do
        sent = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent == -1 && errno == EINTR);
    if (sent == -1 && errno != EAGAIN)
        return spb_endpoint_failed(error, "send to", "the other end", errno);
    *sent_out = sent == -1 ? 0 : (size_t)sent;
    return SPB_OK;
}

/* See sessionpb/socket.h. */
enum spb_status spb_socket_send(int fd, const void *data, size_t len, int timeout_ms,
                                struct spb_error *error)
{
    const struct spb_deadline deadline = spb_deadline_in(timeout_ms);
    const uint8_t *at = data;
    enum spb_status status = SPB_OK;

    while (len > 0 && status == SPB_OK) {
        size_t sent = 0;

        status = spb_socket_send_some(fd, at, len, &sent, error);
        at += sent;
        len -= sent;
        if (status == SPB_OK && len > 0)
            status = spb_deadline_wait(&deadline, fd, POLLOUT, error);
    }
    return status;
}

/* See sessionpb/socket.h. */
enum spb_status spb_socket_half_close(int fd, struct spb_error *error)
{
    if (shutdown(fd, SHUT_WR) == 0)
        return SPB_OK;
    return spb_endpoint_failed(error, "end the stream to", "the other end", errno);
}

/* ------------------------------------------------------------------ receiving */

/* See sessionpb/socket.h. */
enum spb_status spb_socket_receive_some(int fd, struct spb_frames *frames, size_t piece,
                                        struct spb_error *error)
{
    uint8_t *space;
    size_t len;
    ssize_t got;

    if (piece == 0) /* what recv() returns then would look like the end */
        return spb_error_set(error, SPB_NEED_MORE, 0, "nothing was to be received");
    if (spb_frames_space(frames, piece, &space, &len) != SPB_OK)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "not enough memory");
    do
        got = recv(fd, space, len < piece ? len : piece, MSG_DONTWAIT);
    while (got == -1 && errno == EINTR);
    if (got == -1 && errno == EAGAIN)
        return spb_error_set(error, SPB_NEED_MORE, 0, "nothing has arrived");
    if (got == -1)
        return spb_endpoint_failed(error, "receive from", "the other end", errno);
    frames->ended = got == 0;
    spb_frames_commit(frames, (size_t)got);
    return SPB_OK;
}

static enum spb_status receive_message(int fd, struct spb_frames *frames,
                                       const struct spb_deadline *deadline,
                                       const uint8_t **message_out, size_t *len_out,
                                       struct spb_error *error)
{
    for (;;) {
        enum spb_status status = spb_frames_next(frames, message_out, len_out, error);

        if (status != SPB_NEED_MORE || frames->ended)
            return status;
        status = spb_socket_receive_some(fd, frames, PIECE, error);
        if (status == SPB_NEED_MORE)
            status = spb_deadline_wait(deadline, fd, POLLIN, error);
        if (status != SPB_OK)
            return status;
    }
}

/* See sessionpb/socket.h. */
enum spb_status spb_socket_receive(int fd, struct spb_frames *frames, int timeout_ms,
                                   const uint8_t **message_out, size_t *len_out,
                                   struct spb_error *error)
{
    const struct spb_deadline deadline = spb_deadline_in(timeout_ms);
    struct spb_error last; /* of the steps on the way, none of which may be a failure */
    const enum spb_status status =
        receive_message(fd, frames, &deadline, message_out, len_out, &last);

    if (status != SPB_OK && status != SPB_END && error != NULL)
        *error = last;
    return status;
}
