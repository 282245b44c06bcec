/*
 * Listeners: taking connections, and what is known of who connects.
 */
#define _GNU_SOURCE /* pid_t and the rest of POSIX */

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_support.h"

enum { DESCRIPTORS = 1024 };

/* unix: and the path that is "s" in the directory of the test. */
static char endpoint[TEXT_MAX];

static void set_endpoint(void)
{
    unix_endpoint(endpoint, "s");
}

/* ---- Other users. ---- */

/* Returns 0 when the connection was made, and nothing but that. */
static int connect_as_nobody(void *context)
{
    int fd = -1;

    become_nobody();
    return (int)spb_socket_connect(context, SOON_MS, &fd, NULL);
}

START_TEST(who_may_write_to_a_socket_may_connect)
{
    static const struct spb_listen_options all = { .size = sizeof all, .mode = 0666 };

    for (int open = 0; geteuid() == 0 && open < 2; open++) {
        struct spb_peer peer;
        let_others_in();
        spb_listener *const listener = listener_on(endpoint, open ? &all : NULL);
        const pid_t pid = apart(connect_as_nobody, endpoint);
        ck_assert_int_eq(result_of(pid), open ? SPB_OK : SPB_IO);
        if (open) {
            close(next_connection(listener, &peer));
            ck_assert_int_eq(peer.pid, pid);
            ck_assert_uint_eq(peer.uid, NOBODY);
            ck_assert_uint_eq(peer.gid, NOBODY);
        }
        spb_listener_free(listener);
    }
}
END_TEST

/* ---- Descriptors. ---- */

START_TEST(what_is_made_is_closed_on_exec)
{
    bool before[DESCRIPTORS];

    for (int fd = 0; fd < DESCRIPTORS; fd++)
        before[fd] = fcntl(fd, F_GETFD) != -1;
    spb_listener *const listeners[] = { listener_on(endpoint, NULL),
                                        listener_on("tcp:127.0.0.1:0", NULL) };
    for (int i = 0; i < 2; i++) {
        connection_to(spb_listener_endpoint(listeners[i]));
        next_connection(listeners[i], NULL);
    }
    int made = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++) {
        const int flags = fcntl(fd, F_GETFD);
        if (flags == -1 || before[fd])
            continue;
        ck_assert_msg((flags & FD_CLOEXEC) != 0, "descriptor %d is kept", fd);
        made++;
    }
    ck_assert_int_ge(made, 6);
    spb_listener_free(listeners[0]);
    spb_listener_free(listeners[1]);
}
END_TEST

/* ---- Accepting. ---- */

START_TEST(accepting_does_not_wait)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        spb_listener *const listener = listener_on(tcp ? "tcp:127.0.0.1:0" : endpoint, NULL);
        for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
            int fd = -1;
            set_nonblocking(spb_listener_fd(listener), nonblocking);
            ck_assert_int_eq(spb_listener_accept(listener, &fd, NULL, NULL), SPB_NEED_MORE);
            assert_serves(listener, spb_listener_endpoint(listener));
            ck_assert_int_eq(spb_listener_accept(listener, &fd, NULL, NULL), SPB_NEED_MORE);
        }
        spb_listener_free(listener);
    }
}
END_TEST

static int connect_and_go(void *context)
{
    int fd = -1;
    const bool sent = spb_socket_connect(context, SOON_MS, &fd, NULL) == SPB_OK &&
                      spb_socket_send(fd, "\2hi", 3, SOON_MS, NULL) == SPB_OK;

    return sent ? EXIT_SUCCESS : EXIT_FAILURE;
}

START_TEST(a_peer_is_known_as_it_was_and_what_it_sent_is_there)
{
    spb_listener *const listener = listener_on(endpoint, NULL);
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    const uint8_t *message;
    size_t len;
    struct spb_peer peer;
    const pid_t pid = apart(connect_and_go, endpoint);

    ck_assert_int_eq(result_of(pid), EXIT_SUCCESS);
    const int fd = next_connection(listener, &peer);
    ck_assert_int_eq(peer.pid, pid);
    ck_assert_uint_eq(peer.uid, geteuid());
    ck_assert_uint_eq(peer.gid, getegid());
    ck_assert_str_eq(peer.address, "");
    ck_assert_int_eq(spb_socket_receive(fd, &frames, SOON_MS, &message, &len, NULL), SPB_OK);
    ck_assert_uint_eq(len, 2);
    ck_assert_int_eq(spb_socket_receive(fd, &frames, SOON_MS, &message, &len, NULL), SPB_END);
    spb_frames_release(&frames);
    close(fd);
    spb_listener_free(listener);
}
END_TEST

static void assert_tcp_peer(const char *listened, const char *host)
{
    spb_listener *const listener = listener_on(listened, NULL);
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    struct spb_peer peer;
    char expected[TEXT_MAX];
    const int fd = connection_to(spb_listener_endpoint(listener));

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    /* The port stands at the same place in both families. */
    const uint16_t port = ntohs(((const struct sockaddr_in *)(const void *)&address)->sin_port);
    snprintf(expected, sizeof expected, "%s:%u", host, port);
    close(next_connection(listener, &peer));
    ck_assert_str_eq(peer.address, expected);
    ck_assert_int_eq(peer.pid, -1);
    ck_assert_uint_eq(peer.uid, (uid_t)-1);
    ck_assert_uint_eq(peer.gid, (gid_t)-1);
    close(fd);
    spb_listener_free(listener);
}

START_TEST(a_peer_of_tcp_has_an_address)
{
    assert_tcp_peer("tcp:127.0.0.1:0", "127.0.0.1");
    if (have_ipv6())
        assert_tcp_peer("tcp:[::1]:0", "[::1]");
}
END_TEST

START_TEST(without_free_descriptors_a_connection_stays_where_it_is)
{
    spb_listener *const listener = listener_on(endpoint, NULL);
    struct rlimit limit;
    const int connected = connection_to(endpoint);
    const int lowest = dup(connected);

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    close(lowest);
    const struct rlimit none = { .rlim_cur = (rlim_t)lowest, .rlim_max = limit.rlim_max };
    for (int i = 0; i < 3; i++) {
        struct spb_error error = { .status = SPB_OK };
        int fd = -1;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
        const enum spb_status status = spb_listener_accept(listener, &fd, NULL, &error);
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(status, SPB_IO);
        assert_error(&error, SPB_IO, NULL);
    }
    const int accepted = next_connection(listener, NULL);
    assert_connected(connected, accepted);
    spb_listener_free(listener);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("listeners");
    TCase *tcase = net_tcase("listener");

    tcase_add_checked_fixture(tcase, set_endpoint, NULL);
    tcase_add_test(tcase, who_may_write_to_a_socket_may_connect);
    tcase_add_test(tcase, what_is_made_is_closed_on_exec);
    tcase_add_test(tcase, accepting_does_not_wait);
    tcase_add_test(tcase, a_peer_is_known_as_it_was_and_what_it_sent_is_there);
    tcase_add_test(tcase, a_peer_of_tcp_has_an_address);
    tcase_add_test(tcase, without_free_descriptors_a_connection_stays_where_it_is);
    suite_add_tcase(suite, tcase);
    return run_net_suite(suite);
}
