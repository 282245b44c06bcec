/*
 * Sending and receiving, over each kind of connection and both kinds of descriptors.
 */
#define _GNU_SOURCE /* pid_t and the rest of POSIX */

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connection_support.h"

static const enum spb_framing framings[] = { SPB_FRAMING_DELIMITED, SPB_FRAMING_LIST,
                                             SPB_FRAMING_BE32, SPB_FRAMING_RAW };

enum { FRAMINGS = 4, FRAMINGS_WITH_LENGTH = 3 };

/* ---- Receiving. ---- */

START_TEST(messages_come_whole_of_single_bytes)
{
    static const size_t lengths[] = { 1, 0, 127, 128, MESSAGE, 5000 };

    for (size_t i = 0; i < FRAMINGS; i++) {
        const bool raw = framings[i] == SPB_FRAMING_RAW;
        const size_t *first = raw ? lengths + 5 : lengths;
        const size_t count = raw ? 1 : 6;
        struct spb_bytes stream = framed(framings[i], first, count);
        struct other other = { connect_kind(_i), stream.data, stream.len, 1, 0 };
        struct spb_frames frames = { .framing = framings[i] };
        const pid_t pid = start(send_pieces, &other);
        for (size_t m = 0; m < count; m++)
            assert_message(other.connection.ours, &frames, first[m]);
        assert_receives(other.connection.ours, &frames, SPB_END);
        assert_receives(other.connection.ours, &frames, SPB_END);
        ck_assert_uint_eq(frames.offset, stream.len);
        ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
        close(other.connection.ours);
        spb_frames_release(&frames);
        spb_bytes_release(&stream);
    }
}
END_TEST

START_TEST(messages_that_come_together_are_received_one_by_one)
{
    static const size_t lengths[] = { 3, 0, MESSAGE, 1 };
    const struct connection connection = connect_kind(_i);
    struct spb_bytes stream = framed(SPB_FRAMING_DELIMITED, lengths, 4);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    const uint8_t *message;
    size_t len;

    ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, stream.len, SOON_MS, NULL),
                     SPB_OK);
    assert_message(connection.ours, &frames, 3);
    for (size_t i = 1; i < 4; i++) { /* those are there already */
        ck_assert_int_eq(spb_socket_receive(connection.ours, &frames, 0, &message, &len, NULL),
                         SPB_OK);
        ck_assert_uint_eq(len, lengths[i]);
    }
    assert_times_out(connection.ours, &frames, A_WHILE_MS);
    close_both(connection);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

/* Not to have everything at once is no failure. */
START_TEST(the_error_is_written_on_failure_only)
{
    struct spb_error error = { .status = SPB_OK };
    struct spb_bytes stream = framed_message(20);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct other other = { connect_kind(PAIR), stream.data, stream.len, 1, 1 };
    const uint8_t *message;
    size_t len;
    const pid_t pid = start(send_pieces, &other);

    ck_assert_int_eq(
        spb_socket_receive(other.connection.ours, &frames, SOON_MS, &message, &len, &error),
        SPB_OK);
    ck_assert_int_eq(
        spb_socket_receive(other.connection.ours, &frames, SOON_MS, &message, &len, &error),
        SPB_END);
    ck_assert_int_eq(error.status, SPB_OK);
    ck_assert_str_eq(error.reason, "");
    ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
    close(other.connection.ours);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
}
END_TEST

START_TEST(a_stream_that_ends_inside_a_frame_is_cut_short)
{
    struct spb_bytes stream = framed_message(MESSAGE);

    for (size_t len = 1; len < stream.len; len += 100) {
        const struct connection connection = connect_kind(_i);
        struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
        ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, len, SOON_MS, NULL),
                         SPB_OK);
        close(connection.theirs);
        assert_receives(connection.ours, &frames, SPB_NEED_MORE);
        ck_assert(frames.ended);
        ck_assert_uint_eq(spb_frames_pending(&frames), len);
        assert_receives(connection.ours, &frames, SPB_NEED_MORE);
        close(connection.ours);
        spb_frames_release(&frames);
    }
    spb_bytes_release(&stream);
}
END_TEST

START_TEST(a_length_above_the_limit_is_refused_before_its_bytes_arrive)
{
    for (size_t i = 0; i < FRAMINGS; i++) {
        const struct connection connection = connect_kind(_i);
        const size_t above = MESSAGE + 1;
        struct spb_bytes stream = framed(framings[i], &above, 1);
        struct spb_frames frames = { .framing = framings[i], .message_max = MESSAGE };
        /* The length alone; of a raw message, which has none, everything but its end. */
        const size_t len = framings[i] == SPB_FRAMING_RAW ? stream.len : stream.len - above;
        ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, len, SOON_MS, NULL),
                         SPB_OK);
        assert_receives(connection.ours, &frames, SPB_TOO_LARGE);
        assert_receives(connection.ours, &frames, SPB_TOO_LARGE);
        close_both(connection);
        spb_frames_release(&frames);
        spb_bytes_release(&stream);
    }
}
END_TEST

START_TEST(no_memory_is_taken_because_a_length_says_so)
{
    static const uint8_t length[] = { 0x03, 0x00, 0x00, 0x00, 'x' }; /* 48 MiB */
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_BE32 };

    ck_assert_int_eq(spb_socket_send(connection.theirs, length, sizeof length, SOON_MS, NULL),
                     SPB_OK);
    assert_times_out(connection.ours, &frames, A_WHILE_MS);
    ck_assert_uint_eq(spb_frames_pending(&frames), sizeof length);
    ck_assert_uint_lt(frames.arrived.capacity, 1 << 20);
    close_both(connection);
    spb_frames_release(&frames);
}
END_TEST

START_TEST(bytes_that_are_no_length_are_bad_wire)
{
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_LIST };

    ck_assert_int_eq(spb_socket_send(connection.theirs, "{}", 2, SOON_MS, NULL), SPB_OK);
    assert_receives(connection.ours, &frames, SPB_BAD_WIRE);
    assert_receives(connection.ours, &frames, SPB_BAD_WIRE);
    close_both(connection);
    spb_frames_release(&frames);
}
END_TEST

/* ---- Receiving what is there. ---- */

START_TEST(receive_some_takes_what_is_there_and_does_not_wait)
{
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_RAW };
    size_t pending = 0;

    ck_assert_int_eq(spb_socket_receive_some(connection.ours, &frames, PIECE, NULL), SPB_NEED_MORE);
    ck_assert(!frames.ended);
    ck_assert_int_eq(spb_socket_send(connection.theirs, big, MESSAGE, SOON_MS, NULL), SPB_OK);
    while (pending < MESSAGE) { /* no more than a piece at a time */
        ck_assert(wait_for(connection.ours, POLLIN));
        ck_assert_int_eq(spb_socket_receive_some(connection.ours, &frames, 7, NULL), SPB_OK);
        ck_assert_uint_gt(spb_frames_pending(&frames), pending);
        ck_assert_uint_le(spb_frames_pending(&frames), pending + 7);
        pending = spb_frames_pending(&frames);
        ck_assert(!frames.ended);
    }
    ck_assert_uint_eq(pending, MESSAGE);
    ck_assert_int_eq(spb_socket_receive_some(connection.ours, &frames, PIECE, NULL), SPB_NEED_MORE);
    ck_assert_uint_eq(spb_frames_pending(&frames), MESSAGE);

    ck_assert_int_eq(spb_socket_half_close(connection.theirs, NULL), SPB_OK);
    ck_assert(wait_for(connection.ours, POLLIN));
    ck_assert_int_eq(spb_socket_receive_some(connection.ours, &frames, PIECE, NULL), SPB_OK);
    ck_assert(frames.ended);
    assert_message(connection.ours, &frames, MESSAGE);
    close_both(connection);
    spb_frames_release(&frames);
}
END_TEST

START_TEST(a_piece_of_no_bytes_is_no_end)
{
    const struct connection connection = connect_kind(_i);
    struct spb_frames frames = { .framing = SPB_FRAMING_RAW };

    ck_assert_int_eq(spb_socket_send(connection.theirs, big, MESSAGE, SOON_MS, NULL), SPB_OK);
    ck_assert(wait_for(connection.ours, POLLIN));
    spb_socket_receive_some(connection.ours, &frames, 0, NULL);
    ck_assert(!frames.ended);
    ck_assert_uint_eq(spb_frames_pending(&frames), 0);
    close_both(connection);
    spb_frames_release(&frames);
}
END_TEST

/* ---- The end, and other ends. ---- */

START_TEST(after_a_half_close_the_other_end_can_still_answer)
{
    const struct connection connection = connect_kind(_i);
    struct spb_bytes stream = framed_message(MESSAGE);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct spb_frames answers = { .framing = SPB_FRAMING_DELIMITED };

    ck_assert_int_eq(spb_socket_send(connection.ours, stream.data, stream.len, SOON_MS, NULL),
                     SPB_OK);
    ck_assert_int_eq(spb_socket_half_close(connection.ours, NULL), SPB_OK);
    assert_message(connection.theirs, &frames, MESSAGE);
    assert_receives(connection.theirs, &frames, SPB_END);
    ck_assert_int_eq(spb_socket_send(connection.theirs, stream.data, stream.len, SOON_MS, NULL),
                     SPB_OK);
    assert_message(connection.ours, &answers, MESSAGE);
    assert_times_out(connection.ours, &answers, A_WHILE_MS);
    close(connection.theirs);
    assert_receives(connection.ours, &answers, SPB_END);
    close(connection.ours);
    spb_frames_release(&frames);
    spb_frames_release(&answers);
    spb_bytes_release(&stream);
}
END_TEST

/* SIGPIPE would end this process. Over TCP the first bytes may still be taken. */
START_TEST(sending_to_a_closed_end_fails_without_a_signal)
{
    for (int some = 0; some < 2; some++) {
        const struct connection connection = connect_kind(_i);
        struct spb_error error = { .status = SPB_OK };
        enum spb_status status = SPB_OK;
        size_t sent;
        close(connection.theirs);
        for (int i = 0; i < SOON_MS && status == SPB_OK; i++) {
            status = some ? spb_socket_send_some(connection.ours, big, MESSAGE, &sent, &error)
                          : spb_socket_send(connection.ours, big, MESSAGE, SOON_MS, &error);
            sleep_ms(1);
        }
        ck_assert_int_eq(status, SPB_IO);
        assert_error(&error, SPB_IO, NULL);
        ck_assert_int_eq(spb_socket_send(connection.ours, big, MESSAGE, SOON_MS, NULL), SPB_IO);
        close(connection.ours);
    }
}
END_TEST

START_TEST(sending_after_a_half_close_fails_without_a_signal)
{
    const struct connection connection = connect_kind(_i);

    ck_assert_int_eq(spb_socket_half_close(connection.ours, NULL), SPB_OK);
    ck_assert_int_eq(spb_socket_send(connection.ours, big, 1, SOON_MS, NULL), SPB_IO);
    close_both(connection);
}
END_TEST

/* Closing a TCP socket so that it lingers for no time resets the connection. */
START_TEST(a_connection_that_is_reset_is_no_end)
{
    for (int some = 0; some < 2; some++) {
        static const struct linger reset = { .l_onoff = 1 };
        const struct connection connection = connect_kind(TCP + _i);
        struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
        ck_assert_int_eq(setsockopt(connection.theirs, SOL_SOCKET, SO_LINGER, &reset, sizeof reset),
                         0);
        close(connection.theirs);
        ck_assert(wait_for(connection.ours, POLLIN));
        if (some)
            ck_assert_int_eq(spb_socket_receive_some(connection.ours, &frames, PIECE, NULL),
                             SPB_IO);
        else
            assert_receives(connection.ours, &frames, SPB_IO);
        ck_assert(!frames.ended);
        close(connection.ours);
        spb_frames_release(&frames);
    }
}
END_TEST

START_TEST(what_is_no_connection_fails)
{
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    const int fds[] = { -1, open("/dev/null", O_RDWR), socket(AF_INET, SOCK_STREAM, 0) };

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        struct spb_error error = { .status = SPB_OK };
        size_t sent;
        ck_assert_int_eq(spb_socket_send(fds[i], "x", 1, SOON_MS, &error), SPB_IO);
        assert_error(&error, SPB_IO, NULL);
        ck_assert_int_eq(spb_socket_send_some(fds[i], "x", 1, &sent, NULL), SPB_IO);
        ck_assert_int_eq(spb_socket_receive_some(fds[i], &frames, PIECE, NULL), SPB_IO);
        assert_receives(fds[i], &frames, SPB_IO);
        ck_assert_int_eq(spb_socket_half_close(fds[i], &error), SPB_IO);
        ck_assert(!frames.ended);
    }
    spb_frames_release(&frames);
}
END_TEST

/* ---- Sending. ---- */

START_TEST(everything_is_sent_to_a_slow_reader)
{
    for (size_t at_once = 50000; at_once <= BIG; at_once += BIG - 50000) {
        struct other other = { connect_kind(_i), big, BIG, at_once, 1 };
        const pid_t pid = start(receive_pieces, &other);
        ck_assert_int_eq(spb_socket_send(other.connection.ours, big, BIG - 1, -1, NULL), SPB_OK);
        ck_assert_int_eq(spb_socket_send(other.connection.ours, big, 0, SOON_MS, NULL), SPB_OK);
        ck_assert_int_eq(spb_socket_send(other.connection.ours, NULL, 0, SOON_MS, NULL), SPB_OK);
        ck_assert_int_eq(spb_socket_send(other.connection.ours, big + BIG - 1, 1, SOON_MS, NULL),
                         SPB_OK);
        close(other.connection.ours);
        ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
    }
}
END_TEST

/* Sends what fits, until nothing does. TCP moves what was sent from end to end in its own time. */
static size_t fill(int fd)
{
    size_t total = 0;
    size_t sent;

    for (int none = 0; none < 2; none = sent == 0 ? none + 1 : 0) {
        const size_t rest = BIG - total;
        sent = rest + 1;
        ck_assert_int_eq(spb_socket_send_some(fd, big + total, rest, &sent, NULL), SPB_OK);
        ck_assert_uint_le(sent, rest);
        total += sent;
        if (sent == 0)
            sleep_ms(A_WHILE_MS);
    }
    return total;
}

START_TEST(send_some_sends_what_fits_and_does_not_wait)
{
    struct other other = { connect_kind(_i), big, 0, 50000, 0 };
    size_t sent = BIG;

    narrow(other.connection);
    const size_t fitted = fill(other.connection.ours);
    ck_assert_uint_gt(fitted, 0);
    ck_assert_uint_lt(fitted, BIG);
    ck_assert_int_eq(spb_socket_send_some(other.connection.ours, NULL, 0, &sent, NULL), SPB_OK);
    ck_assert_uint_eq(sent, 0);
    other.len = fitted + MESSAGE;
    const pid_t pid = start(receive_pieces, &other);
    for (size_t at = fitted; at < other.len; at += sent) {
        ck_assert(wait_for(other.connection.ours, POLLOUT));
        ck_assert_int_eq(
            spb_socket_send_some(other.connection.ours, big + at, other.len - at, &sent, NULL),
            SPB_OK);
    }
    close(other.connection.ours);
    ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sockets");
    TCase *tcase = net_tcase("socket");

    tcase_add_checked_fixture(tcase, set_up_big, NULL);
    tcase_add_loop_test(tcase, messages_come_whole_of_single_bytes, 0, KINDS);
    tcase_add_loop_test(tcase, messages_that_come_together_are_received_one_by_one, 0, KINDS);
    tcase_add_test(tcase, the_error_is_written_on_failure_only);
    tcase_add_loop_test(tcase, a_stream_that_ends_inside_a_frame_is_cut_short, 0, KINDS);
    tcase_add_loop_test(tcase, a_length_above_the_limit_is_refused_before_its_bytes_arrive, 0,
                        KINDS);
    tcase_add_loop_test(tcase, no_memory_is_taken_because_a_length_says_so, 0, KINDS);
    tcase_add_loop_test(tcase, bytes_that_are_no_length_are_bad_wire, 0, KINDS);
    tcase_add_loop_test(tcase, receive_some_takes_what_is_there_and_does_not_wait, 0, KINDS);
    tcase_add_loop_test(tcase, a_piece_of_no_bytes_is_no_end, 0, KINDS);
    tcase_add_loop_test(tcase, after_a_half_close_the_other_end_can_still_answer, 0, KINDS);
    tcase_add_loop_test(tcase, sending_to_a_closed_end_fails_without_a_signal, 0, KINDS);
    tcase_add_loop_test(tcase, sending_after_a_half_close_fails_without_a_signal, 0, KINDS);
    tcase_add_loop_test(tcase, a_connection_that_is_reset_is_no_end, 0, 2);
    tcase_add_test(tcase, what_is_no_connection_fails);
    tcase_add_loop_test(tcase, everything_is_sent_to_a_slow_reader, 0, KINDS);
    tcase_add_loop_test(tcase, send_some_sends_what_fits_and_does_not_wait, 0, KINDS);
    suite_add_tcase(suite, tcase);
    return run_net_suite(suite);
}
