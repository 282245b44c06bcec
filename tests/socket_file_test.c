/*
 * The files of Unix sockets: their permissions, the directories they are made in, and who may
 * replace what.
 */
#define _GNU_SOURCE /* pid_t and the rest of POSIX */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net_support.h"

enum { PERMISSIONS = 07777 };

/* unix: and the path that is "s" in the directory of the test. */
static char endpoint[TEXT_MAX];

static void set_endpoint(void)
{
    unix_endpoint(endpoint, "s");
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    ck_assert_int_eq(lstat(path, &status), 0);
    return status.st_mode & PERMISSIONS;
}

static bool is_there(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

/* ---- Permissions. ---- */

static const mode_t umasks[] = { 0, 022, 077, 0177, 0777 };

enum { UMASKS = sizeof umasks / sizeof umasks[0] };

START_TEST(a_socket_is_its_owners_whatever_the_umask)
{
    const struct spb_listen_options defaults = { .size = sizeof defaults, .remote = true };

    for (size_t i = 0; i < UMASKS; i++) {
        umask(umasks[i]);
        for (int with = 0; with < 2; with++) {
            spb_listener *const listener = listener_on(endpoint, with ? &defaults : NULL);
            ck_assert_uint_eq(mode_of("s"), 0600);
            ck_assert_str_eq(spb_listener_endpoint(listener), endpoint);
            assert_serves(listener, endpoint);
            spb_listener_free(listener);
        }
        ck_assert_uint_eq(umask(022), umasks[i]);
    }
}
END_TEST

START_TEST(the_mode_of_the_options_is_honoured_whatever_the_umask)
{
    static const mode_t modes[] = { 0600, 0660, 0666, 0777, 0620, 0200 };

    for (size_t i = 0; i < UMASKS; i++) {
        for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
            const struct spb_listen_options options = { .size = sizeof options, .mode = modes[m] };
            umask(umasks[i]);
            spb_listener *const listener = listener_on(endpoint, &options);
            ck_assert_uint_eq(mode_of("s"), modes[m]);
            spb_listener_free(listener);
            ck_assert_uint_eq(umask(022), umasks[i]);
        }
    }
}
END_TEST

/* ---- Directories. ---- */

/* A directory `d` and an endpoint in it. */
static void make_directory(mode_t mode)
{
    ck_assert_int_eq(mkdir("d", 0700), 0);
    ck_assert_int_eq(chmod("d", mode), 0);
    unix_endpoint(endpoint, "d/s");
}

static void assert_directory_refused(void)
{
    assert_listen_fails(endpoint, NULL, REFUSED);
    ck_assert(is_empty_directory("d"));
}

START_TEST(a_directory_that_others_may_write_to_is_refused)
{
    static const mode_t modes[] = { 0777, 0707, 0702, 0770, 0720, 0730, 0775, 02775, 04777 };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        make_directory(modes[i]);
        assert_directory_refused();
        ck_assert_int_eq(rmdir("d"), 0);
    }
}
END_TEST

START_TEST(a_directory_that_is_sticky_or_its_owners_is_accepted)
{
    static const mode_t modes[] = { 01777, 01770, 01775, 03777, 0700, 0711, 0755, 01700 };

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        make_directory(modes[i]);
        spb_listener *const listener = listener_on(endpoint, NULL);
        assert_serves(listener, endpoint);
        spb_listener_free(listener);
        ck_assert(!is_there("d/s"));
        unlink("d/s.lock");
        ck_assert_int_eq(rmdir("d"), 0);
    }
}
END_TEST

START_TEST(a_directory_is_judged_behind_links)
{
    make_directory(0777);
    ck_assert_int_eq(symlink("d", "link"), 0);
    unix_endpoint(endpoint, "link/s");
    assert_directory_refused();
    assert_listen_fails("unix:link/s", NULL, REFUSED);
    assert_listen_fails("unix:d/s", NULL, REFUSED);

    ck_assert_int_eq(chmod("d", 0755), 0);
    spb_listener *const listener = listener_on(endpoint, NULL);
    assert_serves(listener, endpoint);
    spb_listener_free(listener);
}
END_TEST

START_TEST(the_current_directory_is_judged_too)
{
    ck_assert_int_eq(chmod(".", 0777), 0);
    assert_listen_fails("unix:s", NULL, REFUSED);
    assert_listen_fails("unix:./s", NULL, REFUSED);
    ck_assert(is_empty_directory("."));
}
END_TEST

START_TEST(a_directory_that_is_missing_or_none_is_refused)
{
    unix_endpoint(endpoint, "missing/s");
    assert_listen_fails(endpoint, NULL, SPB_IO);
    write_file("file", "text");
    unix_endpoint(endpoint, "file/s");
    assert_listen_fails(endpoint, NULL, SPB_IO);
    assert_file_holds("file", "text");
}
END_TEST

/* Only root can give a directory away. */
START_TEST(a_directory_of_another_user_is_refused)
{
    static const mode_t modes[] = { 0755, 0700, 01777 };

    for (size_t i = 0; geteuid() == 0 && i < sizeof modes / sizeof modes[0]; i++) {
        make_directory(modes[i]);
        ck_assert_int_eq(chown("d", NOBODY, NOBODY), 0);
        assert_directory_refused();
        ck_assert_int_eq(rmdir("d"), 0);
    }
}
END_TEST

/* ---- Other users. ---- */

static int listen_as_nobody(void *context)
{
    spb_listener *listener = NULL;

    become_nobody();
    const enum spb_status status = spb_listener_new(context, NULL, &listener, NULL);
    spb_listener_free(listener);
    return (int)status;
}

START_TEST(a_sticky_directory_of_root_is_accepted)
{
    if (geteuid() == 0) {
        let_others_in();
        make_directory(01777);
        ck_assert_int_eq(result_of(apart(listen_as_nobody, endpoint)), SPB_OK);
        ck_assert(!is_there("d/s"));
    }
}
END_TEST

/* ---- What stands at the path. ---- */

/* A process ends without freeing its own, which no checker of leaks is to miss. */
static spb_listener *left_behind;

static int listen_and_go(void *context)
{
    return (int)spb_listener_new(context, NULL, &left_behind, NULL);
}

START_TEST(a_socket_that_was_left_behind_is_replaced)
{
    for (int of_listener = 0; of_listener < 2; of_listener++) {
        if (of_listener)
            ck_assert_int_eq(result_of(apart(listen_and_go, endpoint)), SPB_OK);
        else
            leave_stale_socket("s");
        ck_assert(is_there("s"));
        assert_connect_fails(endpoint, SPB_IO);
        spb_listener *const listener = listener_on(endpoint, NULL);
        assert_serves(listener, endpoint);
        ck_assert_uint_eq(mode_of("s"), 0600);
        spb_listener_free(listener);
        ck_assert(!is_there("s"));
    }
}
END_TEST

/* The file of the path, so that it can be seen that it was left alone. */
static struct stat file_at(const char *path)
{
    struct stat status;

    ck_assert_int_eq(lstat(path, &status), 0);
    return status;
}

static const char in_use[] = "it is in use";
static const char no_socket[] = "there is a file of another kind";

static void assert_path_refused(const char *reason)
{
    struct spb_error error = { .status = SPB_OK };
    spb_listener *listener = NULL;
    const struct stat before = file_at("s");

    assert_listen_fails(endpoint, NULL, REFUSED);
    spb_listener_new(endpoint, NULL, &listener, &error);
    ck_assert_msg(strstr(error.reason, reason) != NULL, "\"%s\" is not \"%s\"", error.reason,
                  reason);
    const struct stat after = file_at("s");
    ck_assert_uint_eq(after.st_ino, before.st_ino);
    ck_assert_uint_eq(after.st_mode, before.st_mode);
    ck_assert_int_eq(after.st_size, before.st_size);
    ck_assert_int_eq(after.st_ctim.tv_sec, before.st_ctim.tv_sec);
    ck_assert_int_eq(after.st_ctim.tv_nsec, before.st_ctim.tv_nsec);
}

static int listen_again(void *context)
{
    assert_path_refused(in_use);
    (void)context;
    return EXIT_SUCCESS;
}

START_TEST(a_socket_of_a_listener_is_not_replaced)
{
    spb_listener *const listener = listener_on(endpoint, NULL);
    int fd = -1;

    ck_assert(is_there("s.lock"));
    assert_path_refused(in_use);
    ck_assert_int_eq(result_of(apart(listen_again, NULL)), EXIT_SUCCESS);
    assert_listen_fails("unix:s", NULL, REFUSED);
    ck_assert_int_eq(spb_listener_accept(listener, &fd, NULL, NULL), SPB_NEED_MORE);
    assert_serves(listener, endpoint);

    /* Its own lock is not lost by that. */
    assert_path_refused(in_use);
    spb_listener_free(listener);
    spb_listener_free(listener_on(endpoint, NULL));
}
END_TEST

START_TEST(a_socket_of_another_program_is_not_replaced)
{
    const int socket = plain_unix_socket("s", SOCK_STREAM, 5);

    assert_path_refused(in_use);
    const int fd = connection_to(endpoint);
    close(fd);
    close(socket);
    spb_listener_free(listener_on(endpoint, NULL));
}
END_TEST

/* Connects until no more fit. */
static void fill_backlog(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd;

    strcpy(address.sun_path, path);
    do {
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        ck_assert_int_ge(fd, 0);
    } while (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
    ck_assert_int_eq(errno, EAGAIN);
    close(fd);
}

START_TEST(a_socket_with_a_full_backlog_is_not_replaced)
{
    plain_unix_socket("s", SOCK_STREAM, 1);
    fill_backlog("s");
    assert_path_refused(in_use);
}
END_TEST

START_TEST(a_socket_of_another_type_is_not_replaced)
{
    static const int types[] = { SOCK_DGRAM, SOCK_SEQPACKET };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const int socket = plain_unix_socket("s", types[i], 5);
        assert_path_refused(in_use);
        close(socket);
        ck_assert_int_eq(unlink("s"), 0);
    }
}
END_TEST

START_TEST(what_is_no_socket_is_not_replaced)
{
    write_file("s", "text");
    assert_path_refused(no_socket);
    assert_file_holds("s", "text");
    write_file("s", "");
    assert_path_refused(no_socket);
    ck_assert_int_eq(unlink("s"), 0);

    ck_assert_int_eq(mkdir("s", 0755), 0);
    assert_path_refused(no_socket);
    ck_assert_int_eq(rmdir("s"), 0);

    ck_assert_int_eq(mkfifo("s", 0600), 0);
    assert_path_refused(no_socket);
    ck_assert_int_eq(unlink("s"), 0);
}
END_TEST

START_TEST(a_link_is_not_replaced_wherever_it_leads)
{
    static const char *const targets[] = { "missing", "file", "stale", "live", "s" };

    write_file("file", "text");
    leave_stale_socket("stale");
    const int live = plain_unix_socket("live", SOCK_STREAM, 5);
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        ck_assert_int_eq(symlink(targets[i], "s"), 0);
        assert_path_refused(no_socket);
        ck_assert_int_eq(unlink("s"), 0);
    }
    close(live);
    assert_file_holds("file", "text");
    ck_assert(!is_there("missing"));
    ck_assert(is_there("stale") && is_there("live"));
}
END_TEST

START_TEST(what_the_lock_would_spoil_is_left_alone)
{
    spb_listener *listener = NULL;

    /* A link that somebody has laid. */
    ck_assert_int_eq(symlink("missing", "s.lock"), 0);
    spb_listener_new(endpoint, NULL, &listener, NULL);
    spb_listener_free(listener);
    ck_assert(!is_there("missing"));
    ck_assert_int_eq(unlink("s.lock"), 0);

    listener = NULL;
    write_file("s.lock", "text");
    spb_listener_new(endpoint, NULL, &listener, NULL);
    assert_file_holds("s.lock", "text");
    spb_listener_free(listener);
    if (is_there("s.lock"))
        assert_file_holds("s.lock", "text");
}
END_TEST

/* ---- Freeing. ---- */

START_TEST(freeing_removes_the_socket)
{
    for (int i = 0; i < 3; i++) {
        spb_listener *const listener = listener_on(endpoint, NULL);
        ck_assert(is_there("s"));
        spb_listener_free(listener);
        ck_assert(!is_there("s"));
        assert_connect_fails(endpoint, SPB_IO);
    }
    spb_listener_free(NULL);
}
END_TEST

START_TEST(freeing_leaves_nothing_open)
{
    const int descriptors = count_descriptors();

    spb_listener_free(listener_on(endpoint, NULL));
    spb_listener_free(listener_on("tcp:127.0.0.1:0", NULL));
    ck_assert_int_eq(count_descriptors(), descriptors);
}
END_TEST

START_TEST(freeing_removes_what_it_made_wherever_the_process_stands)
{
    spb_listener *const first = listener_on("unix:s", NULL);

    ck_assert_int_eq(mkdir("d", 0755), 0);
    ck_assert_int_eq(chdir("d"), 0);
    spb_listener *const second = listener_on("unix:s", NULL);
    spb_listener_free(first);
    ck_assert(!is_there("../s"));
    ck_assert(is_there("s") && is_there("s.lock"));
    spb_listener_free(second);
}
END_TEST

START_TEST(freeing_does_not_remove_what_somebody_else_put_there)
{
    spb_listener *listener = listener_on(endpoint, NULL);

    ck_assert_int_eq(unlink("s"), 0);
    spb_listener_free(listener); /* nothing is there */

    listener = listener_on(endpoint, NULL);
    ck_assert_int_eq(unlink("s"), 0);
    write_file("s", "text");
    spb_listener_free(listener);
    assert_file_holds("s", "text");
    ck_assert_int_eq(unlink("s"), 0);

    listener = listener_on(endpoint, NULL);
    ck_assert_int_eq(unlink("s"), 0);
    const int socket = plain_unix_socket("s", SOCK_STREAM, 5);
    spb_listener_free(listener);
    close(connection_to(endpoint));
    close(socket);
    ck_assert_int_eq(unlink("s"), 0);

    listener = listener_on(endpoint, NULL);
    const int moved = plain_unix_socket("new", SOCK_STREAM, 5);
    ck_assert_int_eq(rename("new", "s"), 0);
    spb_listener_free(listener);
    close(connection_to(endpoint));
    close(moved);
}
END_TEST

/* ---- Many at once. ---- */

enum { RIVALS = 8, ROUNDS = 20, TURNS = 100 };

/* Pipes: what is closed when all shall begin, and when all shall go; and what has become of each. */
struct race {
    int begin[2];
    int go[2];
    int results[2];
};

static void wait_until_closed(int fd)
{
    char byte;

    while (read(fd, &byte, 1) == -1 && errno == EINTR)
        ;
}

static int run_race(void *context)
{
    const struct race *const race = context;

    close(race->begin[1]);
    close(race->go[1]);
    wait_until_closed(race->begin[0]);
    const char result = (char)spb_listener_new(endpoint, NULL, &left_behind, NULL);
    if (write(race->results[1], &result, 1) != 1)
        return EXIT_FAILURE;
    wait_until_closed(race->go[0]);
    return EXIT_SUCCESS;
}

START_TEST(of_many_that_start_at_once_one_listens)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct race race;
        pid_t rivals[RIVALS];
        int listening = 0;
        ck_assert(pipe(race.begin) == 0 && pipe(race.go) == 0 && pipe(race.results) == 0);
        for (size_t i = 0; i < RIVALS; i++)
            rivals[i] = apart(run_race, &race);
        close(race.begin[1]);
        for (size_t i = 0; i < RIVALS; i++) {
            char result;
            ck_assert_int_eq(read(race.results[0], &result, 1), 1);
            ck_assert(result == SPB_OK || result == SPB_IO);
            listening += result == SPB_OK;
        }
        ck_assert_int_eq(listening, 1);
        close(connection_to(endpoint));
        close(race.go[1]);
        for (size_t i = 0; i < RIVALS; i++)
            ck_assert_int_eq(result_of(rivals[i]), EXIT_SUCCESS);
        close(race.begin[0]);
        close(race.go[0]);
        close(race.results[0]);
        close(race.results[1]);
    }
}
END_TEST

/* Whether what connects to the path comes to this process. */
static bool reaches_itself(spb_listener *listener)
{
    struct pollfd waited = { .fd = spb_listener_fd(listener), .events = POLLIN };
    struct spb_peer peer = { .pid = -1 };
    int from = -1, to = -1;

    if (spb_socket_connect(endpoint, SOON_MS, &from, NULL) != SPB_OK)
        return false;
    while (peer.pid != getpid() && poll(&waited, 1, SOON_MS) == 1 &&
           spb_listener_accept(listener, &to, &peer, NULL) == SPB_OK)
        close(to);
    close(from);
    return peer.pid == getpid();
}

static int take_turns(void *context)
{
    (void)context;
    for (int turns = 0; turns < TURNS;) {
        spb_listener *listener = NULL;
        if (spb_listener_new(endpoint, NULL, &listener, NULL) != SPB_OK)
            continue;
        turns++;
        if (!reaches_itself(listener))
            return EXIT_FAILURE;
        spb_listener_free(listener);
    }
    return EXIT_SUCCESS;
}

/* However many come and go, whoever got a listener is the one that is reached. */
START_TEST(a_listener_is_not_replaced_while_others_come_and_go)
{
    pid_t rivals[RIVALS / 2];

    for (size_t i = 0; i < RIVALS / 2; i++)
        rivals[i] = apart(take_turns, NULL);
    for (size_t i = 0; i < RIVALS / 2; i++)
        ck_assert_int_eq(result_of(rivals[i]), EXIT_SUCCESS);
    ck_assert(!is_there("s"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("files of sockets");
    TCase *tcase = net_tcase("socket_file");

    tcase_add_checked_fixture(tcase, set_endpoint, NULL);
    tcase_add_test(tcase, a_socket_is_its_owners_whatever_the_umask);
    tcase_add_test(tcase, the_mode_of_the_options_is_honoured_whatever_the_umask);
    tcase_add_test(tcase, a_directory_that_others_may_write_to_is_refused);
    tcase_add_test(tcase, a_directory_that_is_sticky_or_its_owners_is_accepted);
    tcase_add_test(tcase, a_directory_is_judged_behind_links);
    tcase_add_test(tcase, the_current_directory_is_judged_too);
    tcase_add_test(tcase, a_directory_that_is_missing_or_none_is_refused);
    tcase_add_test(tcase, a_directory_of_another_user_is_refused);
    tcase_add_test(tcase, a_sticky_directory_of_root_is_accepted);
    tcase_add_test(tcase, a_socket_that_was_left_behind_is_replaced);
    tcase_add_test(tcase, a_socket_of_a_listener_is_not_replaced);
    tcase_add_test(tcase, a_socket_of_another_program_is_not_replaced);
    tcase_add_test(tcase, a_socket_with_a_full_backlog_is_not_replaced);
    tcase_add_test(tcase, a_socket_of_another_type_is_not_replaced);
    tcase_add_test(tcase, what_is_no_socket_is_not_replaced);
    tcase_add_test(tcase, a_link_is_not_replaced_wherever_it_leads);
    tcase_add_test(tcase, what_the_lock_would_spoil_is_left_alone);
    tcase_add_test(tcase, freeing_removes_the_socket);
    tcase_add_test(tcase, freeing_leaves_nothing_open);
    tcase_add_test(tcase, freeing_removes_what_it_made_wherever_the_process_stands);
    tcase_add_test(tcase, freeing_does_not_remove_what_somebody_else_put_there);
    tcase_add_test(tcase, of_many_that_start_at_once_one_listens);
    tcase_add_test(tcase, a_listener_is_not_replaced_while_others_come_and_go);
    suite_add_tcase(suite, tcase);
    return run_net_suite(suite);
}
