#ifndef SPB_TESTS_NET_SUPPORT_H
#define SPB_TESTS_NET_SUPPORT_H

/*
 * What the tests of endpoints, listeners and connections share. A failure here fails the test at
 * hand.
 *
 * No test measures time: what comes at all comes within SOON_MS on a busy machine too, and what
 * never comes is waited for during A_WHILE_MS.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <check.h>
#include <sessionpb/socket.h>

enum { SOON_MS = 20000, A_WHILE_MS = 100, TIMEOUT_SECONDS = 60, TEXT_MAX = 512 };

/* The user and group that own nothing. */
enum { NOBODY = 65534 };

/* What no member of enum spb_status is: SPB_MISUSE or SPB_IO, where the header leaves it open. */
enum { REFUSED = -1 };

/* ---- a directory for each test, which is the current one ---- */

extern char here[TEXT_MAX];

/* Adds the fixtures. Every test starts with SIGPIPE as it is by default. */
TCase *net_tcase(const char *name);

/* Writes unix:, the directory of the test and the name. Returns `out`. */
const char *unix_endpoint(char out[TEXT_MAX], const char *name);

bool is_empty_directory(const char *path);
void write_file(const char *path, const char *content);
void assert_file_holds(const char *path, const char *content);

/* ---- descriptors ---- */

int count_descriptors(void);
void set_nonblocking(int fd, bool nonblocking);

/* A socket made without the library, bound to the path and, unless of datagrams, listening. */
int plain_unix_socket(const char *path, int type, int backlog);

/* The same of TCP, on any free port of 127.0.0.1. */
int plain_tcp_socket(int backlog, unsigned *port_out);

/* What is left when a process that listened is gone. */
void leave_stale_socket(const char *path);

bool have_ipv6(void);

/* ---- calls and what is expected of them ---- */

/* A whole error that has no place; NULL is no endpoint to be named. */
void assert_error(const struct spb_error *error, enum spb_status status, const char *endpoint);

/* The calls fail with the status, name the endpoint and leave no descriptor behind. */
void assert_listen_fails(const char *endpoint, const struct spb_listen_options *options,
                         int expected);
void assert_connect_fails(const char *endpoint, int expected);

spb_listener *listener_on(const char *endpoint, const struct spb_listen_options *options);
int connection_to(const char *endpoint);

/* Waits for a connection. */
int next_connection(spb_listener *listener, struct spb_peer *peer_out);

/* Connects and sends a message through. */
void assert_serves(spb_listener *listener, const char *endpoint);

/* Sends and receives one small message. */
void assert_connected(int from, int to);

/* ---- another process ---- */

/* Calls what(context) in another process. Returns its id. */
pid_t apart(int (*what)(void *context), void *context);

/* Waits for it, and returns what what() returned. */
int result_of(pid_t pid);

void stop(pid_t pid);

/* For a process apart, of root: another user. */
void become_nobody(void);

/* Lets other users into the directory of the test. */
void let_others_in(void);

void sleep_ms(unsigned milliseconds);

/* ---- the program ---- */

/* Runs and frees a suite. Returns the exit status. */
int run_net_suite(Suite *suite);

#endif
