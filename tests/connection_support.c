#define _GNU_SOURCE /* setitimer() */

#include "connection_support.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- A connection of each kind. ---- */

static bool is_tcp(int kind)
{
    return kind == TCP || kind == TCP_NONBLOCKING;
}

struct connection connect_kind(int kind)
{
    struct connection made;

    if (kind < UNIX) {
        int ends[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        made = (struct connection){ ends[0], ends[1] };
    } else {
        char path[TEXT_MAX];
        const char *endpoint = is_tcp(kind) ? "tcp:127.0.0.1:0" : unix_endpoint(path, "s");
        spb_listener *const listener = listener_on(endpoint, NULL);
        made.ours = connection_to(spb_listener_endpoint(listener));
        made.theirs = next_connection(listener, NULL);
        spb_listener_free(listener);
    }
    set_nonblocking(made.ours, kind % 2 == 1);
    set_nonblocking(made.theirs, kind % 2 == 1);
    return made;
}

void close_both(struct connection connection)
{
    close(connection.ours);
    close(connection.theirs);
}

void narrow(struct connection connection)
{
    const int size = 1 << 16;

    ck_assert_int_eq(setsockopt(connection.ours, SOL_SOCKET, SO_SNDBUF, &size, sizeof size), 0);
    ck_assert_int_eq(setsockopt(connection.theirs, SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
}

/* ---- The other process. ---- */

bool wait_for(int fd, short events)
{
    struct pollfd waited = { .fd = fd, .events = events };

    return poll(&waited, 1, SOON_MS) == 1;
}

int send_pieces(void *context)
{
    const struct other *const other = context;
    const int fd = other->connection.theirs;

    close(other->connection.ours);
    for (size_t at = 0; at < other->len;) {
        const size_t rest = other->len - at;
        const ssize_t sent =
            send(fd, other->data + at, rest < other->at_once ? rest : other->at_once, MSG_NOSIGNAL);
        if (sent == -1 && (errno != EAGAIN || !wait_for(fd, POLLOUT)))
            return EXIT_FAILURE;
        at += sent > 0 ? (size_t)sent : 0;
        if (other->pause_ms > 0)
            sleep_ms(other->pause_ms);
    }
    return EXIT_SUCCESS;
}

int receive_pieces(void *context)
{
    static uint8_t piece[BIG];
    const struct other *const other = context;
    size_t at = 0;
    ssize_t got;

    close(other->connection.ours);
    do {
        got = recv(other->connection.theirs, piece, other->at_once, 0);
        if (got == -1 && (errno != EAGAIN || !wait_for(other->connection.theirs, POLLIN)))
            return EXIT_FAILURE;
        if (got > 0) {
            if ((size_t)got > other->len - at || memcmp(piece, other->data + at, (size_t)got) != 0)
                return EXIT_FAILURE;
            at += (size_t)got;
        }
        if (other->pause_ms > 0)
            sleep_ms(other->pause_ms);
    } while (got != 0);
    return at == other->len ? EXIT_SUCCESS : EXIT_FAILURE;
}

pid_t start(int (*what)(void *context), struct other *other)
{
    const pid_t pid = apart(what, other);

    close(other->connection.theirs);
    return pid;
}

/* ---- Messages. ---- */

uint8_t big[BIG];

void set_up_big(void)
{
    for (size_t i = 0; i < BIG; i++)
        big[i] = (uint8_t)(i * 31 + (i >> 9) * 7 + (i >> 17));
}

struct spb_bytes framed(enum spb_framing framing, const size_t *lengths, size_t count)
{
    struct spb_bytes stream = { 0 };

    for (size_t i = 0; i < count; i++)
        ck_assert_int_eq(spb_frame_append(framing, big, lengths[i], &stream), SPB_OK);
    return stream;
}

struct spb_bytes framed_message(size_t len)
{
    return framed(SPB_FRAMING_DELIMITED, &len, 1);
}

void assert_receives(int fd, struct spb_frames *frames, enum spb_status expected)
{
    struct spb_error error = { .status = SPB_OK };
    const uint8_t *message = NULL;
    size_t len = 0;

    ck_assert_int_eq(spb_socket_receive(fd, frames, SOON_MS, &message, &len, &error), expected);
    if (expected != SPB_OK && expected != SPB_END) {
        ck_assert_int_eq(error.status, expected);
        ck_assert_str_ne(error.reason, "");
    }
}

void assert_times_out(int fd, struct spb_frames *frames, int timeout_ms)
{
    struct spb_error error = { .status = SPB_OK };
    const uint8_t *message = NULL;
    size_t len = 0;

    ck_assert_int_eq(spb_socket_receive(fd, frames, timeout_ms, &message, &len, &error),
                     SPB_TIMEOUT);
    assert_error(&error, SPB_TIMEOUT, NULL);
}

void assert_message(int fd, struct spb_frames *frames, size_t len)
{
    struct spb_error error = { .status = SPB_OK };
    const uint8_t *message = NULL;
    size_t got = 0;
    const enum spb_status status = spb_socket_receive(fd, frames, SOON_MS, &message, &got, &error);

    ck_assert_msg(status == SPB_OK, "%s: %s", spb_status_name(status), error.reason);
    ck_assert_uint_eq(got, len);
    ck_assert(memcmp(message, big, len) == 0);
    unsigned sum = 0;
    for (size_t i = 0; i < SPB_PADDING; i++)
        sum += message[len + i];
    ck_assert_uint_le(sum, 255 * SPB_PADDING);
}

/* ---- Signals. ---- */

volatile sig_atomic_t ticks;

static void count_tick(int signal)
{
    (void)signal;
    ticks++;
}

void interrupt_every(long microseconds)
{
    const struct sigaction action = { .sa_handler = count_tick };
    const struct itimerval every = { { 0, microseconds }, { 0, microseconds } };

    ck_assert_int_eq(sigaction(SIGALRM, &action, NULL), 0);
    ck_assert_int_eq(setitimer(ITIMER_REAL, &every, NULL), 0);
}
