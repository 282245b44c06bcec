/*
 * Takes sessions from many senders at once, and prints each as a line of JSON: server ENDPOINT
 *
 * A sender gets a receipt when it asks for one, when it has ended, and when it is cut off. Here
 * are no deadlines, and a signal just ends the server: pb2session --listen does better.
 */
#include <sessionpb/sessionpb.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { FD_MAX = 512, PIECE = 64 << 10, MESSAGE_MAX = 4 << 20 };

struct sender {
    bool asked;                 /* for a receipt */
    bool cut_off;               /* nothing more is taken from it */
    struct spb_frames frames;   /* what has arrived */
    struct spb_receipt receipt; /* what has become of it */
};

struct server {
    int epoll;
    spb_listener *listener;
    spb_converter *converter;
    struct spb_bytes text;         /* of one session or receipt; its memory is used again */
    struct sender senders[FD_MAX]; /* by the descriptor of the connection */
};

static bool fail(const char *reason)
{
    fprintf(stderr, "server: %s\n", reason);
    return false;
}

static bool watch(const struct server *server, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) == 0 || fail(strerror(errno));
}

/* Prints the sessions that have arrived whole. False: the sender is to be cut off. */
static bool take(struct server *server, struct sender *sender, int fd, struct spb_error *error)
{
    const uint8_t *message;
    size_t len;
    enum spb_status status = spb_socket_receive_some(fd, &sender->frames, PIECE, error);

    if (status != SPB_OK)
        return status == SPB_NEED_MORE;
    while ((status = spb_frames_next(&sender->frames, &message, &len, error)) == SPB_OK) {
        if (len == 0) { /* no session: it asks for a receipt */
            sender->asked = true;
            continue;
        }
        server->text.len = 0;
        if (spb_pb_to_json(server->converter, message, len, &server->text, error) != SPB_OK)
            return false;
        puts((const char *)server->text.data);
        sender->receipt.sessions++;
    }
    return status == SPB_END || (status == SPB_NEED_MORE && !sender->frames.ended);
}

/* Sends the receipt: there is room for it, unless the sender reads none. False: it can be closed. */
static bool answer(struct server *server, struct sender *sender, int fd)
{
    server->text.len = 0;
    sender->asked = false;
    if (spb_receipt_append(&sender->receipt, &server->text) != SPB_OK ||
        spb_socket_send(fd, server->text.data, server->text.len, 0, NULL) != SPB_OK)
        return false;
    return !sender->frames.ended && (!sender->cut_off || spb_socket_half_close(fd, NULL) == SPB_OK);
}

/* Passes over what a sender still sends that is cut off, until it has read why. False: as above. */
static bool discard(struct sender *sender, int fd)
{
    spb_frames_release(&sender->frames);
    const enum spb_status status = spb_socket_receive_some(fd, &sender->frames, PIECE, NULL);
    return status == SPB_NEED_MORE || (status == SPB_OK && !sender->frames.ended);
}

static bool leave(struct sender *sender, int fd)
{
    spb_frames_release(&sender->frames);
    return close(fd) == 0 || fail(strerror(errno));
}

/* Something has come from a sender. False, here and below: the server cannot go on. */
static bool serve(struct server *server, int fd)
{
    struct sender *const sender = &server->senders[fd];
    struct spb_error error;

    if (sender->cut_off)
        return discard(sender, fd) || leave(sender, fd);
    if (!take(server, sender, fd, &error)) {
        fail(error.reason);
        memcpy(sender->receipt.reason, error.reason, sizeof error.reason);
        sender->cut_off = true;
    }
    if (fflush(stdout) != 0 || ferror(stdout)) /* a receipt is for what is written */
        return fail("cannot write to the standard output");
    if (sender->asked || sender->cut_off || sender->frames.ended)
        return answer(server, sender, fd) || leave(sender, fd);
    return true;
}

static bool welcome(struct server *server)
{
    struct spb_error error;
    int fd;
    const enum spb_status status = spb_listener_accept(server->listener, &fd, NULL, &error);

    if (status != SPB_OK) /* too many open files, perhaps: a sender may leave */
        return status == SPB_NEED_MORE || fail(error.reason) || sleep(1) == 0;
    if (fd >= FD_MAX)
        return close(fd) == 0; /* no room for it */
    server->senders[fd] = (struct sender){ .frames.message_max = MESSAGE_MAX };
    return watch(server, fd);
}

int main(int argc, char **argv)
{
    static struct server server;
    struct spb_error error = { .reason = "usage: server ENDPOINT" };
    struct epoll_event event;

    if (argc != 2 || spb_listener_new(argv[1], NULL, &server.listener, &error) != SPB_OK)
        return fail(error.reason) ? 0 : 1;
    const int listener = spb_listener_fd(server.listener);
    fprintf(stderr, "server: listening on %s\n", spb_listener_endpoint(server.listener));
    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    server.converter = spb_converter_new(NULL);
    bool good = server.converter != NULL && watch(&server, listener);
    while (good) {
        if (epoll_wait(server.epoll, &event, 1, -1) < 0)
            good = errno == EINTR || fail(strerror(errno));
        else
            good = event.data.fd == listener ? welcome(&server) : serve(&server, event.data.fd);
    }
    spb_listener_free(server.listener);
    spb_converter_free(server.converter);
    return 1;
}
