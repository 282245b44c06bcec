#define _GNU_SOURCE /* nftw(), setresuid() */

#include "net_support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TMPDIR_MAX = 40, DESCRIPTORS_MAX = 1024, REMOVED_AT_ONCE = 16 };

/* ---- A directory for each test. ---- */

char here[TEXT_MAX];

static char base[TEXT_MAX];

static void make_base(void)
{
    const char *tmpdir = getenv("TMPDIR");

    /* The paths of sockets are short. */
    if (tmpdir == NULL || tmpdir[0] != '/' || strlen(tmpdir) > TMPDIR_MAX)
        tmpdir = "/tmp";
    snprintf(base, sizeof base, "%s/sessionpb-XXXXXX", tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(base));
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
    (void)status;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void remove_base(void)
{
    ck_assert_int_eq(nftw(base, remove_entry, REMOVED_AT_ONCE, FTW_DEPTH | FTW_PHYS), 0);
}

static void enter(void)
{
    const int written = snprintf(here, sizeof here, "%s/XXXXXX", base);

    ck_assert_int_lt(written, TEXT_MAX);
    ck_assert_ptr_nonnull(mkdtemp(here));
    ck_assert_int_eq(chdir(here), 0);
    umask(022);
    signal(SIGPIPE, SIG_DFL);
}

static void leave(void)
{
    ck_assert_int_eq(chdir("/"), 0);
}

TCase *net_tcase(const char *name)
{
    TCase *tcase = tcase_create(name);

    tcase_add_unchecked_fixture(tcase, make_base, remove_base);
    tcase_add_checked_fixture(tcase, enter, leave);
    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    return tcase;
}

const char *unix_endpoint(char out[TEXT_MAX], const char *name)
{
    const int written = snprintf(out, TEXT_MAX, "unix:%s/%s", here, name);

    ck_assert_int_lt(written, TEXT_MAX);
    return out;
}

bool is_empty_directory(const char *path)
{
    DIR *const dir = opendir(path);
    size_t entries = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        entries++;
    closedir(dir);
    return entries == 2;
}

void write_file(const char *path, const char *content)
{
    FILE *const file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(content, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

void assert_file_holds(const char *path, const char *content)
{
    char got[TEXT_MAX] = { 0 };
    FILE *const file = fopen(path, "r");

    ck_assert_ptr_nonnull(file);
    const size_t len = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    ck_assert_uint_eq(len, strlen(content));
    ck_assert_str_eq(got, content);
}

/* ---- Descriptors. ---- */

int count_descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < DESCRIPTORS_MAX; fd++)
        count += fcntl(fd, F_GETFD) != -1;
    return count;
}

void set_nonblocking(int fd, bool nonblocking)
{
    const int flags = fcntl(fd, F_GETFL);

    ck_assert_int_ne(flags, -1);
    ck_assert_int_eq(fcntl(fd, F_SETFL, nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK), 0);
}

int plain_unix_socket(const char *path, int type, int backlog)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, type, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_uint_lt(strlen(path), sizeof address.sun_path);
    strcpy(address.sun_path, path);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (type != SOCK_DGRAM)
        ck_assert_int_eq(listen(fd, backlog), 0);
    return fd;
}

int plain_tcp_socket(int backlog, unsigned *port_out)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    socklen_t len = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    if (backlog >= 0)
        ck_assert_int_eq(listen(fd, backlog), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port_out = ntohs(address.sin_port);
    return fd;
}

void leave_stale_socket(const char *path)
{
    struct stat status;

    close(plain_unix_socket(path, SOCK_STREAM, 1));
    ck_assert_int_eq(lstat(path, &status), 0);
}

bool have_ipv6(void)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
    const int fd = socket(AF_INET6, SOCK_STREAM, 0);
    const bool bound = fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0;

    if (fd >= 0)
        close(fd);
    return bound;
}

/* ---- Calls and what is expected of them. ---- */

void assert_error(const struct spb_error *error, enum spb_status status, const char *endpoint)
{
    ck_assert_int_eq(error->status, status);
    ck_assert_str_ne(error->reason, "");
    ck_assert_int_ne(error->reason[strlen(error->reason) - 1], '.');
    ck_assert_uint_eq(error->offset + error->line + error->column, 0);
    ck_assert_str_eq(error->path, "");
    if (endpoint != NULL)
        ck_assert_msg(strstr(error->reason, endpoint) != NULL, "'%s' is not named: %s", endpoint,
                      error->reason);
}

static void assert_fails(const char *call, const char *endpoint, enum spb_status status,
                         int expected, const struct spb_error *error, int descriptors)
{
    const bool as_expected =
        expected == REFUSED ? status == SPB_MISUSE || status == SPB_IO : (int)status == expected;

    ck_assert_msg(as_expected, "%s to '%s' is %s: %s", call, endpoint, spb_status_name(status),
                  status == SPB_OK ? "" : error->reason);
    assert_error(error, status, endpoint);
    ck_assert_msg(count_descriptors() == descriptors, "%s to '%s' opens or closes descriptors",
                  call, endpoint);
}

void assert_listen_fails(const char *endpoint, const struct spb_listen_options *options,
                         int expected)
{
    struct spb_error error = { .status = SPB_OK };
    spb_listener *listener = NULL;
    const int descriptors = count_descriptors();
    const enum spb_status status = spb_listener_new(endpoint, options, &listener, &error);

    assert_fails("listening", endpoint, status, expected, &error, descriptors);
    listener = NULL;
    ck_assert_int_eq(spb_listener_new(endpoint, options, &listener, NULL), status);
}

void assert_connect_fails(const char *endpoint, int expected)
{
    struct spb_error error = { .status = SPB_OK };
    int fd = -1;
    const int descriptors = count_descriptors();
    const enum spb_status status = spb_socket_connect(endpoint, SOON_MS, &fd, &error);

    assert_fails("connecting", endpoint, status, expected, &error, descriptors);
    ck_assert_int_eq(spb_socket_connect(endpoint, SOON_MS, &fd, NULL), status);
}

spb_listener *listener_on(const char *endpoint, const struct spb_listen_options *options)
{
    struct spb_error error = { .status = SPB_OK };
    spb_listener *listener = NULL;
    const enum spb_status status = spb_listener_new(endpoint, options, &listener, &error);

    ck_assert_msg(status == SPB_OK, "listening on '%s' is %s: %s", endpoint,
                  spb_status_name(status), error.reason);
    ck_assert_int_eq(error.status, SPB_OK);
    ck_assert_ptr_nonnull(listener);
    return listener;
}

int connection_to(const char *endpoint)
{
    struct spb_error error = { .status = SPB_OK };
    int fd = -1;
    const enum spb_status status = spb_socket_connect(endpoint, SOON_MS, &fd, &error);

    ck_assert_msg(status == SPB_OK, "connecting to '%s' is %s: %s", endpoint,
                  spb_status_name(status), error.reason);
    ck_assert_int_ge(fd, 0);
    return fd;
}

int next_connection(spb_listener *listener, struct spb_peer *peer_out)
{
    struct pollfd waited = { .fd = spb_listener_fd(listener), .events = POLLIN };
    struct spb_error error = { .status = SPB_OK };
    int fd = -1;

    ck_assert_int_eq(poll(&waited, 1, SOON_MS), 1);
    const enum spb_status status = spb_listener_accept(listener, &fd, peer_out, &error);
    ck_assert_msg(status == SPB_OK, "accepting is %s: %s", spb_status_name(status), error.reason);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void assert_serves(spb_listener *listener, const char *endpoint)
{
    const int from = connection_to(endpoint);
    const int to = next_connection(listener, NULL);

    assert_connected(from, to);
    assert_connected(to, from);
    close(from);
    close(to);
}

void assert_connected(int from, int to)
{
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    const uint8_t *message;
    size_t len;

    ck_assert_int_eq(spb_socket_send(from, "\5hello", 6, SOON_MS, NULL), SPB_OK);
    ck_assert_int_eq(spb_socket_receive(to, &frames, SOON_MS, &message, &len, NULL), SPB_OK);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(message, "hello", 5);
    spb_frames_release(&frames);
}

/* ---- Another process. ---- */

/* The counters of a build that counts, which _exit() would lose. */
extern void __gcov_dump(void) __attribute__((weak));

pid_t apart(int (*what)(void *context), void *context)
{
    fflush(NULL);
    const pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        alarm(TIMEOUT_SECONDS);
        const int result = what(context);
        if (__gcov_dump != NULL)
            __gcov_dump();
        _exit(result);
    }
    return pid;
}

int result_of(pid_t pid)
{
    int status = 0;
    pid_t ended;

    do {
        ended = waitpid(pid, &status, 0);
    } while (ended == -1 && errno == EINTR);
    ck_assert_int_eq(ended, pid);
    ck_assert_msg(WIFEXITED(status), "the other process was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

void stop(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

void become_nobody(void)
{
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
        _exit(EXIT_FAILURE);
}

void let_others_in(void)
{
    ck_assert_int_eq(chmod("..", 0755), 0);
    ck_assert_int_eq(chmod(".", 0755), 0);
}

void sleep_ms(unsigned milliseconds)
{
    const struct timespec time = { .tv_sec = milliseconds / 1000,
                                   .tv_nsec = (long)(milliseconds % 1000) * 1000000 };

    nanosleep(&time, NULL);
}

int run_net_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
