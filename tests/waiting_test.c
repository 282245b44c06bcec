/*
 * Waiting: time-outs, which are of the whole call, and signals, which are of no consequence.
 */
#define _GNU_SOURCE /* SOCK_NONBLOCK */

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection_support.h"

enum { TICK_US = 1000, TRICKLE_MS = 10 };

/* ---- Time-outs of receiving. ---- */

START_TEST(receiving_nothing_times_out_and_can_be_repeated)
{
    const struct connection connection = connect_kind(_i);
    struct spb_bytes stream = framed_message(MESSAGE);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };

    assert_times_out(connection.ours, &frames, A_WHILE_MS);
    assert_times_out(connection.ours, &frames, 1);
    assert_times_out(connection.ours, &frames, 0);
    ck_assert(!frames.ended);
    ck_assert_uint_eq(spb_frames_pending(&frames), 0);
    ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, stream.len, SOON_MS, NULL),
                     SPB_OK);
    assert_message(connection.ours, &frames, MESSAGE);
    assert_times_out(connection.ours, &frames, 1);
    close_both(connection);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

START_TEST(half_a_frame_is_kept_over_a_timeout)
{
    static const size_t halves[] = { 1, 2, 3, 150, MESSAGE + 1 };
    struct spb_bytes stream = framed_message(MESSAGE);
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };

    for (size_t i = 0; i < sizeof halves / sizeof halves[0]; i++) {
        const size_t half = halves[i];
        ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, half, SOON_MS, NULL),
                         SPB_OK);
        assert_times_out(connection.ours, &frames, A_WHILE_MS);
        assert_times_out(connection.ours, &frames, 1);
        ck_assert_uint_eq(spb_frames_pending(&frames), half);
        ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data + half, stream.len - half,
                                         SOON_MS, NULL),
                         SPB_OK);
        assert_message(connection.ours, &frames, MESSAGE);
    }
    close_both(connection);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

/* Each byte comes in time, the message never. */
START_TEST(a_timeout_of_receiving_is_of_the_whole_call)
{
    struct spb_bytes stream = framed_message(BIG);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct other other = { connect_kind(_i), stream.data, stream.len, 1, TRICKLE_MS };
    const pid_t pid = start(send_pieces, &other);

    assert_times_out(other.connection.ours, &frames, 10 * TRICKLE_MS);
    assert_times_out(other.connection.ours, &frames, 10 * TRICKLE_MS);
    stop(pid);
    close(other.connection.ours);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

START_TEST(a_negative_timeout_does_not_pass)
{
    static const int negative[] = { -1, -1000 };
    struct spb_bytes stream = framed_message(20);

    for (size_t i = 0; i < 2; i++) {
        struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
        struct other other = { connect_kind(_i), stream.data, stream.len, 1, TRICKLE_MS };
        const uint8_t *message;
        size_t len;
        const pid_t pid = start(send_pieces, &other);
        ck_assert_int_eq(
            spb_socket_receive(other.connection.ours, &frames, negative[i], &message, &len, NULL),
            SPB_OK);
        ck_assert_uint_eq(len, 20);
        ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
        close(other.connection.ours);
        spb_frames_release(&frames);
    }
    spb_bytes_release(&stream);
}
END_TEST

/* Repeated often enough, a call that may not wait gets there too. */
START_TEST(a_timeout_of_0_still_takes_what_is_there)
{
    struct spb_bytes stream = framed_message(MESSAGE);
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    const uint8_t *message;
    enum spb_status status = SPB_TIMEOUT;
    size_t len;

    ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, stream.len, 0, NULL), SPB_OK);
    for (int i = 0; i < SOON_MS && status == SPB_TIMEOUT; i++) {
        status = spb_socket_receive(connection.ours, &frames, 0, &message, &len, NULL);
        sleep_ms(1);
    }
    ck_assert_int_eq(status, SPB_OK);
    ck_assert_uint_eq(len, MESSAGE);
    close_both(connection);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

/* ---- Time-outs of sending. ---- */

static void assert_sending_times_out(int fd, int timeout_ms)
{
    struct spb_error error = { .status = SPB_OK };

    ck_assert_int_eq(spb_socket_send(fd, big, BIG, timeout_ms, &error), SPB_TIMEOUT);
    assert_error(&error, SPB_TIMEOUT, NULL);
}

START_TEST(sending_to_who_does_not_read_times_out)
{
    static const int timeouts[] = { A_WHILE_MS, 1, 0 };

    for (size_t i = 0; i < 3; i++) {
        const struct connection connection = connect_kind(_i);
        narrow(connection);
        assert_sending_times_out(connection.ours, timeouts[i]);
        close_both(connection);
    }
}
END_TEST

/* Some bytes are always taken in time, all of them never. */
START_TEST(a_timeout_of_sending_is_of_the_whole_call)
{
    struct other other = { connect_kind(_i), big, BIG, 1 << 10, TRICKLE_MS };

    narrow(other.connection);
    const pid_t pid = start(receive_pieces, &other);
    assert_sending_times_out(other.connection.ours, 20 * TRICKLE_MS);
    stop(pid);
    close(other.connection.ours);
}
END_TEST

/* ---- Signals. ---- */

START_TEST(nothing_is_lost_when_sending_is_interrupted)
{
    struct other other = { connect_kind(_i), big, BIG, 1 << 16, 1 };

    narrow(other.connection);
    const pid_t pid = start(receive_pieces, &other);
    interrupt_every(TICK_US);
    ck_assert_int_eq(spb_socket_send(other.connection.ours, big, BIG, SOON_MS, NULL), SPB_OK);
    interrupt_every(0);
    ck_assert_int_gt(ticks, 0);
    close(other.connection.ours);
    ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
}
END_TEST

START_TEST(nothing_is_lost_when_receiving_is_interrupted)
{
    const size_t half = BIG / 2;
    const size_t lengths[] = { half, half - 1, 1 };
    struct spb_bytes stream = framed(SPB_FRAMING_DELIMITED, lengths, 3);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct other other = { connect_kind(_i), stream.data, stream.len, 1 << 16, 1 };
    const pid_t pid = start(send_pieces, &other);

    interrupt_every(TICK_US);
    for (size_t i = 0; i < 3; i++)
        assert_message(other.connection.ours, &frames, lengths[i]);
    assert_receives(other.connection.ours, &frames, SPB_END);
    interrupt_every(0);
    ck_assert_int_gt(ticks, 0);
    ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
    close(other.connection.ours);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

/* An interrupted call must not begin to wait anew. */
START_TEST(timeouts_pass_under_signals_too)
{
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };

    narrow(connection);
    interrupt_every(TICK_US);
    assert_times_out(connection.ours, &frames, A_WHILE_MS);
    assert_sending_times_out(connection.ours, A_WHILE_MS);
    interrupt_every(0);
    ck_assert_int_gt(ticks, 0);
    close_both(connection);
    spb_frames_release(&frames);
}
END_TEST

/* ---- Connecting to who is busy. ---- */

enum { WAITING_MAX = 64 };

/* A listening socket, and connections that fill its backlog. */
struct busy {
    char endpoint[TEXT_MAX];
    int listening;
};

/* Connects without waiting; false when the backlog is full. */
static bool fills(const struct busy *busy, bool tcp)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    int failure = 0;
    socklen_t failure_len = sizeof failure;

    ck_assert_int_eq(getsockname(busy->listening, (struct sockaddr *)&address, &len), 0);
    const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    if (connect(fd, (const struct sockaddr *)&address, len) == 0)
        return true;
    struct pollfd waited = { .fd = fd, .events = POLLOUT };
    if (tcp && errno == EINPROGRESS && poll(&waited, 1, A_WHILE_MS) == 1 &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failure, &failure_len) == 0 && failure == 0)
        return true;
    close(fd);
    return false;
}

static struct busy make_busy(bool tcp)
{
    struct busy busy;
    unsigned port;

    if (tcp) {
        busy.listening = plain_tcp_socket(0, &port);
        snprintf(busy.endpoint, sizeof busy.endpoint, "tcp:127.0.0.1:%u", port);
    } else {
        busy.listening = plain_unix_socket("busy", SOCK_STREAM, 0);
        unix_endpoint(busy.endpoint, "busy");
    }
    int waiting = 0;
    while (fills(&busy, tcp))
        ck_assert_int_lt(++waiting, WAITING_MAX);
    return busy;
}

static void assert_connecting_times_out(const char *endpoint)
{
    struct spb_error error = { .status = SPB_OK };
    const int descriptors = count_descriptors();
    int fd = -1;

    ck_assert_int_eq(spb_socket_connect(endpoint, A_WHILE_MS, &fd, &error), SPB_TIMEOUT);
    assert_error(&error, SPB_TIMEOUT, endpoint);
    ck_assert_int_eq(count_descriptors(), descriptors);
}

START_TEST(connecting_to_who_does_not_accept_times_out)
{
    const struct busy busy = make_busy(_i == 1);

    assert_connecting_times_out(busy.endpoint);
    interrupt_every(TICK_US);
    assert_connecting_times_out(busy.endpoint);
    interrupt_every(0);
    ck_assert_int_gt(ticks, 0);
}
END_TEST

static int accept_after_a_while(void *context)
{
    const struct busy *const busy = context;

    sleep_ms(A_WHILE_MS);
    while (accept(busy->listening, NULL, NULL) != -1)
        ;
    return EXIT_FAILURE;
}

START_TEST(connecting_waits_for_room)
{
    struct busy busy = make_busy(_i == 1);
    const pid_t pid = apart(accept_after_a_while, &busy);

    interrupt_every(TICK_US);
    const int fd = connection_to(busy.endpoint);
    interrupt_every(0);
    ck_assert_int_gt(ticks, 0);
    close(fd);
    stop(pid);
}
END_TEST

/* ---- Ends that are gone without a word. ---- */

static int option_of(int fd, int level, int name)
{
    int value = -1;
    socklen_t len = sizeof value;

    ck_assert_int_eq(getsockopt(fd, level, name, &value, &len), 0);
    return value;
}

/* Nobody waits a minute for it: this asks the system what it was told. */
START_TEST(a_silent_tcp_connection_is_asked_for_a_sign_of_life)
{
    spb_listener *const listener = listener_on("tcp:127.0.0.1:0", NULL);
    const int fd = connection_to(spb_listener_endpoint(listener));
    const int silent_s =
        option_of(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
        option_of(fd, IPPROTO_TCP, TCP_KEEPINTVL) * option_of(fd, IPPROTO_TCP, TCP_KEEPCNT);

    ck_assert_int_ne(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
    ck_assert_int_ge(silent_s, 30);
    ck_assert_int_le(silent_s, 120);
    close(fd);
    spb_listener_free(listener);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("waiting");
    TCase *tcase = net_tcase("waiting");

    tcase_add_checked_fixture(tcase, set_up_big, NULL);
    tcase_add_loop_test(tcase, receiving_nothing_times_out_and_can_be_repeated, 0, KINDS);
    tcase_add_loop_test(tcase, half_a_frame_is_kept_over_a_timeout, 0, KINDS);
    tcase_add_loop_test(tcase, a_timeout_of_receiving_is_of_the_whole_call, 0, KINDS);
    tcase_add_loop_test(tcase, a_negative_timeout_does_not_pass, 0, KINDS);
    tcase_add_loop_test(tcase, a_timeout_of_0_still_takes_what_is_there, 0, KINDS);
    tcase_add_loop_test(tcase, sending_to_who_does_not_read_times_out, 0, KINDS);
    tcase_add_loop_test(tcase, a_timeout_of_sending_is_of_the_whole_call, 0, KINDS);
    tcase_add_loop_test(tcase, nothing_is_lost_when_sending_is_interrupted, 0, KINDS);
    tcase_add_loop_test(tcase, nothing_is_lost_when_receiving_is_interrupted, 0, KINDS);
    tcase_add_loop_test(tcase, timeouts_pass_under_signals_too, 0, KINDS);
    tcase_add_loop_test(tcase, connecting_to_who_does_not_accept_times_out, 0, 2);
    tcase_add_loop_test(tcase, connecting_waits_for_room, 0, 2);
    tcase_add_test(tcase, a_silent_tcp_connection_is_asked_for_a_sign_of_life);
    suite_add_tcase(suite, tcase);
    return run_net_suite(suite);
}
