#ifndef SPB_TESTS_CONNECTION_SUPPORT_H
#define SPB_TESTS_CONNECTION_SUPPORT_H

/*
 * Connections of each kind of socket and descriptor, with a process at the other end that knows
 * nothing of the library. A failure here fails the test at hand.
 */
#include <signal.h>

#include "net_support.h"

enum { PIECE = 4096, BIG = 8 << 20, MESSAGE = 300 };

/* What is sent. set_up_big() is a fixture. */
extern uint8_t big[BIG];

void set_up_big(void);

/* ---- a connection of each kind ---- */

enum { PAIR, PAIR_NONBLOCKING, UNIX, UNIX_NONBLOCKING, TCP, TCP_NONBLOCKING, KINDS };

/* The two ends: the library's, and that of the other process. */
struct connection {
    int ours;
    int theirs;
};

struct connection connect_kind(int kind);
void close_both(struct connection connection);

/* Lets no more than some 100 KiB be on their way. */
void narrow(struct connection connection);

/* poll() for one of them, up to SOON_MS. */
bool wait_for(int fd, short events);

/* ---- the other process ---- */

struct other {
    struct connection connection;
    const uint8_t *data; /* what it sends, or expects */
    size_t len;
    size_t at_once;
    unsigned pause_ms; /* after each piece */
};

/* Sends everything, in pieces. */
int send_pieces(void *context);

/* Receives up to the end, in pieces, and compares. */
int receive_pieces(void *context);

/* Starts one of them, and leaves it alone with its end. */
pid_t start(int (*what)(void *context), struct other *other);

/* ---- messages, each of which is the start of `big` ---- */

struct spb_bytes framed(enum spb_framing framing, const size_t *lengths, size_t count);
struct spb_bytes framed_message(size_t len);

/* The next call of spb_socket_receive() ends so. */
void assert_receives(int fd, struct spb_frames *frames, enum spb_status expected);
void assert_times_out(int fd, struct spb_frames *frames, int timeout_ms);

/* The next message is of that length, and has padding. */
void assert_message(int fd, struct spb_frames *frames, size_t len);

/* ---- signals ---- */

/* How many have come. */
extern volatile sig_atomic_t ticks;

/* Interrupts this process again and again; 0 ends it. No call is resumed by the system. */
void interrupt_every(long microseconds);

#endif
