/*
 * Endpoints: which texts are some, and where each kind leads.
 */
#define _GNU_SOURCE /* setenv() */

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net_support.h"

enum { PATH_BYTES_MAX = 107, FIRST_PASSED = 3, PORT_MAX = 65535, WRONG_ANSWER = 99 };

/* An address of a network that is for documentation only (RFC 5737): nobody has it. */
#define ELSEWHERE "203.0.113.77"

static const struct spb_listen_options remote = { .size = sizeof remote, .remote = true };

/* ---- Texts. ---- */

static const char *const no_endpoints[] = {
    "",
    ":",
    "unix",
    "tcp",
    "fd",
    "systemd",
    "/tmp/socket",
    "foo:bar",
    "http://127.0.0.1:80",
    " unix:socket",
    "unix:",
    "tcp:",
    "tcp::",
    "tcp::80",
    "tcp:localhost",
    "tcp:localhost:",
    "tcp:127.0.0.1",
    "tcp:127.0.0.1:",
    "tcp:127.0.0.1:65536",
    "tcp:127.0.0.1:65617",
    "tcp:127.0.0.1:4294967376",
    "tcp:127.0.0.1:99999999999999999999999",
    "tcp:[::1]",
    "tcp:[::1]:",
    "tcp:[::1",
    "tcp:[::1:80",
    "tcp:::1]:80",
    "tcp:::1:80",
    "tcp:[]:80",
    "tcp:[::1]80",
    "tcp:[::1]x:80",
    "tcp:[[::1]]:80",
    "fd:",
    "fd:x",
    "fd:-1",
    "fd:+1",
    "fd: 1",
    "fd:1x",
    "fd:1 ",
    "fd:0x1",
    "fd:4294967296",
    "fd:99999999999999999999999",
    "systemd:x",
    "systemd:3",
};

START_TEST(text_that_is_no_endpoint_is_misuse)
{
    for (size_t i = 0; i < sizeof no_endpoints / sizeof no_endpoints[0]; i++) {
        assert_listen_fails(no_endpoints[i], NULL, SPB_MISUSE);
        assert_listen_fails(no_endpoints[i], &remote, SPB_MISUSE);
        assert_connect_fails(no_endpoints[i], SPB_MISUSE);
    }
    ck_assert(is_empty_directory("."));
}
END_TEST

/* Whether the text or the name is at fault is left open. */
START_TEST(hosts_and_ports_that_there_are_not_are_refused)
{
    static const char *const refused[] = { "tcp:127.0.0.1:-1",   "tcp:127.0.0.1: 80",
                                           "tcp:127.0.0.1:80 ",  "tcp:127.0.0.1:no-such-service",
                                           "tcp:127.0.0.1:0x50", "tcp:[127.0.0.1]:80",
                                           "tcp:[localhost]:80" };

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_listen_fails(refused[i], NULL, REFUSED);
        assert_connect_fails(refused[i], REFUSED);
    }
    assert_connect_fails("tcp:127.0.0.1:0", REFUSED);
}
END_TEST

START_TEST(options_of_an_unknown_size_are_misuse)
{
    const struct spb_listen_options unknown[] = { { .size = 0 }, { .size = sizeof remote + 1 } };
    char endpoint[TEXT_MAX];

    unix_endpoint(endpoint, "s");
    for (size_t i = 0; i < 2; i++) {
        spb_listener *listener = NULL;
        ck_assert_int_eq(spb_listener_new(endpoint, &unknown[i], &listener, NULL), SPB_MISUSE);
    }
    ck_assert(is_empty_directory("."));
}
END_TEST

/* ---- Paths. ---- */

/* Writes unix: and an absolute path of `len` bytes. */
static void write_path_of(char out[TEXT_MAX], size_t len)
{
    unix_endpoint(out, "");
    size_t at = strlen(out);

    for (; at < strlen("unix:") + len; at++)
        out[at] = 'x';
    out[at] = '\0';
}

START_TEST(a_path_has_at_most_107_bytes)
{
    char endpoint[TEXT_MAX];

    for (size_t len = PATH_BYTES_MAX + 1; len < PATH_BYTES_MAX + 4; len++) {
        write_path_of(endpoint, len);
        assert_listen_fails(endpoint, NULL, SPB_MISUSE);
        assert_connect_fails(endpoint, SPB_MISUSE);
    }
    ck_assert(is_empty_directory("."));

    for (size_t len = PATH_BYTES_MAX - 6; len <= PATH_BYTES_MAX; len++) {
        write_path_of(endpoint, len);
        spb_listener *const listener = listener_on(endpoint, NULL);
        ck_assert_str_eq(spb_listener_endpoint(listener), endpoint);
        assert_serves(listener, endpoint);
        spb_listener_free(listener);
        ck_assert_int_eq(access(endpoint + strlen("unix:"), F_OK), -1);
    }
}
END_TEST

START_TEST(a_path_may_have_any_bytes)
{
    static const char *const names[] = { "a:b",  "tcp:127.0.0.1:80", "a b", "[",
                                         "%s%n", "\xc3\xa4",         "@" };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char endpoint[TEXT_MAX];
        spb_listener *const listener = listener_on(unix_endpoint(endpoint, names[i]), NULL);
        ck_assert_str_eq(spb_listener_endpoint(listener), endpoint);
        ck_assert_int_eq(access(names[i], F_OK), 0);
        assert_serves(listener, endpoint);
        spb_listener_free(listener);
    }
}
END_TEST

START_TEST(a_path_may_be_relative)
{
    static const char *const relative[] = { "unix:s", "unix:./s", "unix:d/s", "unix:d/../s" };

    ck_assert_int_eq(mkdir("d", 0755), 0);
    for (size_t i = 0; i < sizeof relative / sizeof relative[0]; i++) {
        const char *path = relative[i] + strlen("unix:");
        spb_listener *const listener = listener_on(relative[i], NULL);
        ck_assert_int_eq(access(path, F_OK), 0);
        assert_serves(listener, relative[i]);
        spb_listener_free(listener);
        ck_assert_int_eq(access(path, F_OK), -1);
    }
}
END_TEST

/* ---- TCP. ---- */

/* The port at the end of the endpoint, which begins with `before`. */
static unsigned port_behind(const char *endpoint, const char *before)
{
    unsigned port = 0;
    char again[TEXT_MAX];

    ck_assert_msg(strncmp(endpoint, before, strlen(before)) == 0, "'%s' does not begin with '%s'",
                  endpoint, before);
    ck_assert_int_eq(sscanf(endpoint + strlen(before), "%u", &port), 1);
    snprintf(again, sizeof again, "%s%u", before, port);
    ck_assert_str_eq(endpoint, again);
    return port;
}

static unsigned port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    in_port_t port;

    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    if (address.ss_family == AF_INET6)
        port = ((const struct sockaddr_in6 *)(const void *)&address)->sin6_port;
    else
        port = ((const struct sockaddr_in *)(const void *)&address)->sin_port;
    return ntohs(port);
}

/* Listens on a free port and is reached there. */
static void assert_free_port(const char *endpoint, const char *before,
                             const struct spb_listen_options *options)
{
    spb_listener *const listener = listener_on(endpoint, options);
    const char *got = spb_listener_endpoint(listener);
    const unsigned port = port_behind(got, before);

    ck_assert_uint_ne(port, 0);
    ck_assert_uint_le(port, PORT_MAX);
    ck_assert_uint_eq(port, port_of(spb_listener_fd(listener)));
    assert_serves(listener, got);
    spb_listener_free(listener);
}

START_TEST(port_0_is_a_free_port_that_the_endpoint_tells)
{
    static const struct spb_listen_options defaults = { .size = sizeof defaults };

    assert_free_port("tcp:127.0.0.1:0", "tcp:127.0.0.1:", NULL);
    assert_free_port("tcp:127.0.0.1:0", "tcp:127.0.0.1:", &defaults);
    assert_free_port("tcp:127.0.0.1:0", "tcp:127.0.0.1:", &remote);
    assert_free_port("tcp:127.0.0.2:0", "tcp:127.0.0.2:", NULL);
    if (have_ipv6())
        assert_free_port("tcp:[::1]:0", "tcp:[::1]:", NULL);
}
END_TEST

START_TEST(a_port_that_is_given_is_taken)
{
    char endpoint[TEXT_MAX];
    unsigned port;

    close(plain_tcp_socket(-1, &port));
    snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", port);
    spb_listener *const listener = listener_on(endpoint, NULL);
    ck_assert_str_eq(spb_listener_endpoint(listener), endpoint);
    assert_serves(listener, endpoint);
    assert_listen_fails(endpoint, NULL, SPB_IO);
    assert_serves(listener, endpoint);
    spb_listener_free(listener);
    assert_connect_fails(endpoint, SPB_IO);
}
END_TEST

START_TEST(localhost_is_loopback_and_the_endpoint_tells_its_address)
{
    spb_listener *const listener = listener_on("tcp:localhost:0", NULL);
    const char *got = spb_listener_endpoint(listener);

    ck_assert(strncmp(got, "tcp:127.0.0.1:", 14) == 0 || strncmp(got, "tcp:[::1]:", 10) == 0);
    assert_serves(listener, got);
    spb_listener_free(listener);
}
END_TEST

/* localhost may be ::1 and 127.0.0.1, and there is a listener on one of them only. */
START_TEST(each_address_of_a_name_is_tried)
{
    spb_listener *const listener = listener_on("tcp:127.0.0.1:0", NULL);
    char endpoint[TEXT_MAX];

    snprintf(endpoint, sizeof endpoint, "tcp:localhost:%u",
             port_behind(spb_listener_endpoint(listener), "tcp:127.0.0.1:"));
    assert_serves(listener, endpoint);
    spb_listener_free(listener);
}
END_TEST

START_TEST(a_port_may_be_the_name_of_a_service)
{
    const struct servent *const service = getservbyname("tcpmux", "tcp");

    if (service != NULL && ntohs((uint16_t)service->s_port) == 1) {
        int fd = -1;
        const enum spb_status by_number = spb_socket_connect("tcp:127.0.0.1:1", SOON_MS, &fd, NULL);
        ck_assert_int_eq(spb_socket_connect("tcp:127.0.0.1:tcpmux", SOON_MS, &fd, NULL), by_number);
        ck_assert_int_ne(by_number, SPB_MISUSE);
    }
}
END_TEST

START_TEST(remote_addresses_are_refused_without_remote)
{
    static const char *const addresses[] = { "tcp:0.0.0.0:0",
                                             "tcp:0:0",
                                             "tcp:" ELSEWHERE ":0",
                                             "tcp:126.255.255.255:0",
                                             "tcp:128.0.0.1:0",
                                             "tcp:255.255.255.255:0",
                                             "tcp:[::]:0",
                                             "tcp:[::2]:0",
                                             "tcp:[2001:db8::1]:0",
                                             "tcp:[fe80::1]:0",
                                             "tcp:[::ffff:0.0.0.0]:0",
                                             "tcp:[::ffff:" ELSEWHERE "]:0" };
    const struct spb_listen_options defaults = { .size = sizeof defaults, .mode = 0600 };

    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        /* Without IPv6 in the system its addresses may be none at all. */
        const int expected =
            strchr(addresses[i], '[') == NULL || have_ipv6() ? SPB_MISUSE : REFUSED;
        assert_listen_fails(addresses[i], NULL, expected);
        assert_listen_fails(addresses[i], &defaults, expected);
    }
}
END_TEST

static void assert_reached_on_loopback(const char *endpoint, const char *before,
                                       const char *loopback)
{
    spb_listener *const listener = listener_on(endpoint, &remote);
    char reached[TEXT_MAX];

    snprintf(reached, sizeof reached, "tcp:%s:%u", loopback,
             port_behind(spb_listener_endpoint(listener), before));
    assert_serves(listener, reached);
    spb_listener_free(listener);
}

START_TEST(remote_addresses_are_allowed_with_remote)
{
    spb_listener *listener = NULL;

    assert_reached_on_loopback("tcp:0.0.0.0:0", "tcp:0.0.0.0:", "127.0.0.1");
    if (have_ipv6())
        assert_reached_on_loopback("tcp:[::]:0", "tcp:[::]:", "[::1]");

    const enum spb_status status =
        spb_listener_new("tcp:" ELSEWHERE ":0", &remote, &listener, NULL);
    ck_assert_int_ne(status, SPB_MISUSE);
    if (status == SPB_OK)
        spb_listener_free(listener);
}
END_TEST

START_TEST(a_connection_to_nobody_fails_and_names_the_endpoint)
{
    char endpoint[TEXT_MAX];
    unsigned port;

    assert_connect_fails(unix_endpoint(endpoint, "missing"), SPB_IO);
    assert_connect_fails(unix_endpoint(endpoint, "no/folder"), SPB_IO);
    leave_stale_socket("stale");
    assert_connect_fails(unix_endpoint(endpoint, "stale"), SPB_IO);
    write_file("file", "");
    assert_connect_fails(unix_endpoint(endpoint, "file"), SPB_IO);

    const int bound = plain_tcp_socket(-1, &port);
    snprintf(endpoint, sizeof endpoint, "tcp:127.0.0.1:%u", port);
    assert_connect_fails(endpoint, SPB_IO);
    snprintf(endpoint, sizeof endpoint, "tcp:localhost:%u", port);
    assert_connect_fails(endpoint, SPB_IO);
    close(bound);
}
END_TEST

/* ---- Descriptors that are given. ---- */

static const char *fd_endpoint(char out[TEXT_MAX], int fd)
{
    snprintf(out, TEXT_MAX, "fd:%d", fd);
    return out;
}

START_TEST(a_socket_that_listens_may_be_given)
{
    char given[TEXT_MAX], reached[TEXT_MAX];

    unix_endpoint(reached, "s");
    for (int nonblocking = 0; nonblocking < 2; nonblocking++) {
        struct spb_peer peer;
        int fd = -1;
        const int socket = plain_unix_socket("s", SOCK_STREAM, 5);
        set_nonblocking(socket, nonblocking);
        spb_listener *const listener = listener_on(fd_endpoint(given, socket), NULL);
        ck_assert_str_ne(spb_listener_endpoint(listener), "");
        ck_assert_int_eq(spb_listener_accept(listener, &fd, &peer, NULL), SPB_NEED_MORE);
        assert_serves(listener, reached);
        ck_assert_int_eq(spb_listener_accept(listener, &fd, NULL, NULL), SPB_NEED_MORE);

        /* It is closed, but its file is not the library's. */
        spb_listener_free(listener);
        assert_connect_fails(reached, SPB_IO);
        ck_assert_int_eq(unlink("s"), 0);
    }
}
END_TEST

START_TEST(a_tcp_socket_that_listens_may_be_given)
{
    char given[TEXT_MAX], reached[TEXT_MAX];
    unsigned port;
    const int socket = plain_tcp_socket(5, &port);
    spb_listener *const listener = listener_on(fd_endpoint(given, socket), NULL);

    snprintf(reached, sizeof reached, "tcp:127.0.0.1:%u", port);
    assert_serves(listener, reached);
    spb_listener_free(listener);
    assert_connect_fails(reached, SPB_IO);
}
END_TEST

START_TEST(a_socket_that_is_connected_may_be_given)
{
    char given[TEXT_MAX];
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    const int fd = connection_to(fd_endpoint(given, ends[0]));
    assert_connected(fd, ends[1]);
    assert_connected(ends[1], fd);
    close(fd);
    close(ends[1]);
}
END_TEST

START_TEST(what_is_given_is_of_the_kind_that_is_wanted)
{
    char endpoint[TEXT_MAX];
    unsigned port;
    int ends[2], datagrams[2], pipe_ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, datagrams), 0);
    ck_assert_int_eq(pipe(pipe_ends), 0);
    write_file("file", "text");
    const int listening[] = { plain_unix_socket("s", SOCK_STREAM, 5), plain_tcp_socket(5, &port) };
    const int neither[] = { plain_unix_socket("p", SOCK_SEQPACKET, 5),
                            open("file", O_RDWR),
                            pipe_ends[0],
                            pipe_ends[1],
                            datagrams[0],
                            plain_tcp_socket(-1, &port),
                            socket(AF_UNIX, SOCK_STREAM, 0) };

    assert_listen_fails(fd_endpoint(endpoint, ends[0]), NULL, REFUSED);
    for (size_t i = 0; i < sizeof listening / sizeof listening[0]; i++)
        assert_connect_fails(fd_endpoint(endpoint, listening[i]), REFUSED);
    for (size_t i = 0; i < sizeof neither / sizeof neither[0]; i++) {
        assert_listen_fails(fd_endpoint(endpoint, neither[i]), NULL, REFUSED);
        assert_connect_fails(fd_endpoint(endpoint, neither[i]), REFUSED);
    }
    assert_file_holds("file", "text");
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_is_refused)
{
    char endpoint[TEXT_MAX];
    const int fd = dup(0);

    close(fd);
    assert_listen_fails(fd_endpoint(endpoint, fd), NULL, REFUSED);
    assert_connect_fails(fd_endpoint(endpoint, fd), REFUSED);
    assert_listen_fails("fd:2147483647", NULL, REFUSED);
    assert_connect_fails("fd:2147483647", REFUSED);
}
END_TEST

/* ---- systemd. ---- */

/* What a process finds when it starts. */
struct passed {
    const char *pid; /* NULL: none; "own" */
    const char *fds; /* NULL: none */
    bool listens;
    bool good;
};

static void set_or_not(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}

/* In a process of its own, where the descriptors behind standard error are free to be taken. */
static int listen_as_service(void *context)
{
    const struct passed *const passed = context;
    char own[TEXT_MAX];
    spb_listener *listener = NULL;
    struct spb_error error = { .status = SPB_OK };
    const int socket = plain_unix_socket("s", SOCK_STREAM, 5);
    const int other = fcntl(plain_unix_socket("other", SOCK_STREAM, 5), F_DUPFD, 10);
    const int given = passed->listens ? fcntl(socket, F_DUPFD, 10) : open("/dev/null", O_RDWR);

    dup2(given, FIRST_PASSED);
    dup2(other, FIRST_PASSED + 1);
    snprintf(own, sizeof own, "%ld", (long)getpid());
    set_or_not("LISTEN_PID",
               passed->pid != NULL && strcmp(passed->pid, "own") == 0 ? own : passed->pid);
    set_or_not("LISTEN_FDS", passed->fds);
    const enum spb_status status = spb_listener_new("systemd:", NULL, &listener, &error);
    if (status != SPB_OK)
        return strstr(error.reason, "systemd:") != NULL ? (int)status : WRONG_ANSWER;

    /* One connection, to the socket that was passed. */
    int fd = -1;
    char endpoint[TEXT_MAX];
    const bool reached =
        spb_socket_connect(unix_endpoint(endpoint, "s"), SOON_MS, &fd, NULL) == SPB_OK &&
        spb_listener_accept(listener, &fd, NULL, NULL) == SPB_OK;
    spb_listener_free(listener);
    return reached && access("s", F_OK) == 0 ? SPB_OK : WRONG_ANSWER;
}

START_TEST(the_one_socket_that_systemd_passes_is_taken)
{
    static const struct passed cases[] = {
        { "own", "1", true, true },  { NULL, NULL, true, false },  { "own", NULL, true, false },
        { NULL, "1", true, false },  { "1", "1", true, false },    { "", "1", true, false },
        { "own", "0", true, false }, { "own", "2", true, false },  { "own", "", true, false },
        { "own", "x", true, false }, { "own", "1x", true, false }, { "own", "-1", true, false },
        { "x", "1", true, false },   { "own", "1", false, false },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct passed passed = cases[i];
        const int result = result_of(apart(listen_as_service, &passed));
        ck_assert_msg(passed.good ? result == SPB_OK : result == SPB_MISUSE || result == SPB_IO,
                      "case %zu is %d", i, result);
        unlink("s");
        unlink("other");
    }
}
END_TEST

START_TEST(systemd_is_none_to_connect_to)
{
    assert_connect_fails("systemd:", SPB_MISUSE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("endpoints");
    TCase *tcase = net_tcase("endpoint");

    tcase_add_test(tcase, text_that_is_no_endpoint_is_misuse);
    tcase_add_test(tcase, hosts_and_ports_that_there_are_not_are_refused);
    tcase_add_test(tcase, options_of_an_unknown_size_are_misuse);
    tcase_add_test(tcase, a_path_has_at_most_107_bytes);
    tcase_add_test(tcase, a_path_may_have_any_bytes);
    tcase_add_test(tcase, a_path_may_be_relative);
    tcase_add_test(tcase, port_0_is_a_free_port_that_the_endpoint_tells);
    tcase_add_test(tcase, a_port_that_is_given_is_taken);
    tcase_add_test(tcase, localhost_is_loopback_and_the_endpoint_tells_its_address);
    tcase_add_test(tcase, each_address_of_a_name_is_tried);
    tcase_add_test(tcase, a_port_may_be_the_name_of_a_service);
    tcase_add_test(tcase, remote_addresses_are_refused_without_remote);
    tcase_add_test(tcase, remote_addresses_are_allowed_with_remote);
    tcase_add_test(tcase, a_connection_to_nobody_fails_and_names_the_endpoint);
    tcase_add_test(tcase, a_socket_that_listens_may_be_given);
    tcase_add_test(tcase, a_tcp_socket_that_listens_may_be_given);
    tcase_add_test(tcase, a_socket_that_is_connected_may_be_given);
    tcase_add_test(tcase, what_is_given_is_of_the_kind_that_is_wanted);
    tcase_add_test(tcase, a_descriptor_that_is_not_open_is_refused);
    tcase_add_test(tcase, the_one_socket_that_systemd_passes_is_taken);
    tcase_add_test(tcase, systemd_is_none_to_connect_to);
    suite_add_tcase(suite, tcase);
    return run_net_suite(suite);
}
