#ifndef SESSIONPB_SOCKET_H
#define SESSIONPB_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <sessionpb/bytes.h>
#include <sessionpb/frame.h>
#include <sessionpb/status.h>

SPB_BEGIN_DECLS

/*
 * Frames over stream sockets. The frames are those of sessionpb/frame.h, as plain bytes: any program
 * that reads or writes such a stream is a peer.
 *
 * An endpoint is text:
 *   unix:PATH        a socket in the file system
 *   tcp:HOST:PORT    HOST is a name, an IPv4 address or an IPv6 address in brackets; PORT is a number
 *                    or the name of a service, and 0 where a listener takes any that is free
 *   fd:N             a socket that the process was started with, by its number: one that listens for
 *                    a listener, one that is connected for spb_socket_connect()
 *   systemd:         for a listener: the one socket that systemd has passed; see sd_listen_fds(3)
 *
 * Sockets are descriptors: wait for them with poll(), epoll or a library of events. Those that are
 * made here are closed on exec. Whether a socket is non-blocking makes no difference to these
 * functions, and no SIGPIPE is raised. Interrupted calls are resumed; time-outs are of the whole
 * call, in milliseconds; negative ones never pass.
 *
 * Errors have a reason, which names the endpoint where it is given, and no place.
 */

/*
 * Connects. Of a name with several addresses each is tried, as long as there is time; how long the
 * system takes to look up a name is not bounded. *fd_out is the caller's, to be closed with close().
 * An idle TCP connection, here and at a listener, is found dead when its other end has not answered
 * the system for about a minute.
 *
 * SPB_OK; SPB_MISUSE (the text is no endpoint, or none to connect to); SPB_IO; SPB_TIMEOUT.
 */
enum spb_status spb_socket_connect(const char *endpoint, int timeout_ms, int *fd_out,
                                   struct spb_error *error);

/* Sends all of the bytes. After a failure some of them may have been sent: the connection is of no
   use for sending any more. SPB_OK, SPB_IO or SPB_TIMEOUT. */
enum spb_status spb_socket_send(int fd, const void *data, size_t len, int timeout_ms,
                                struct spb_error *error);

/* Sends as many of the bytes as can be sent at once; *sent_out may be 0. SPB_OK or SPB_IO. */
enum spb_status spb_socket_send_some(int fd, const void *data, size_t len, size_t *sent_out,
                                     struct spb_error *error);

/* Receives until a whole message is there, and pulls it, as spb_frames_next(). Its status or one of
   spb_socket_receive_some(), or SPB_TIMEOUT: what has arrived is kept, and the call can be repeated. */
enum spb_status spb_socket_receive(int fd, struct spb_frames *frames, int timeout_ms,
                                   const uint8_t **message_out, size_t *len_out,
                                   struct spb_error *error);

/* Receives a piece of what is there, at most `piece` bytes, without waiting, and pushes it into
   `frames`, or sets frames->ended at the stream's end. SPB_OK; SPB_NEED_MORE (nothing is there yet);
   SPB_IO; SPB_NO_MEMORY. */
enum spb_status spb_socket_receive_some(int fd, struct spb_frames *frames, size_t piece,
                                        struct spb_error *error);

/* Tells the other end that nothing more will be sent; receiving goes on. SPB_OK or SPB_IO. */
enum spb_status spb_socket_half_close(int fd, struct spb_error *error);

/* ---- listening ---- */

/* Set `size` to sizeof(struct spb_listen_options) and leave at zero what shall keep its default. */
struct spb_listen_options {
    size_t size; /* of this struct */
    /* Let tcp: take other addresses than those of the loopback interface. What is sent there is
       neither encrypted nor authenticated. */
    bool remote;
    /* Permissions of a Unix socket; default 0600. Who may write to it may connect. */
    mode_t mode;
};

typedef struct spb_listener spb_listener; /* opaque */

/*
 * Listens. A Unix socket is made in a directory that belongs to the process's user or root, and in
 * which nobody else can replace it: others may write to it only if it is sticky, as /tmp. A socket
 * that a process has left behind is replaced, one that somebody listens on is not. While a listener
 * lives it holds a lock on PATH.lock.
 *
 * options   NULL for the defaults
 *
 * SPB_OK; SPB_MISUSE (the text is no endpoint, or none to listen on, or a remote address without
 * `remote`); SPB_IO; SPB_NO_MEMORY.
 */
enum spb_status spb_listener_new(const char *endpoint, const struct spb_listen_options *options,
                                 spb_listener **listener_out, struct spb_error *error);

/* Closes the socket, and removes its file where spb_listener_new() made it. NULL is allowed. */
void spb_listener_free(spb_listener *listener);

int spb_listener_fd(const spb_listener *listener); /* is readable when a connection is there */

/* The endpoint that it listens on, with the address and port that it got; borrowed. */
const char *spb_listener_endpoint(const spb_listener *listener);

/* Who is at the other end of a connection: of a Unix socket, as the kernel knows since it was made;
   -1 where it does not know. */
struct spb_peer {
    pid_t pid;        /* its process */
    uid_t uid;        /* its user */
    gid_t gid;        /* its group */
    char address[64]; /* of TCP, such as 127.0.0.1:40312; else empty */
};

/* Takes the next connection, without waiting. *fd_out is the caller's, to be closed with close();
   peer_out may be NULL. SPB_OK; SPB_NEED_MORE (none is there); SPB_IO (such as too many open files:
   the connection stays where it is). */
enum spb_status spb_listener_accept(spb_listener *listener, int *fd_out, struct spb_peer *peer_out,
                                    struct spb_error *error);

SPB_END_DECLS
#endif
