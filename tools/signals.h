#ifndef SESSIONPB_TOOLS_SIGNALS_H
#define SESSIONPB_TOOLS_SIGNALS_H

/* Signals as wishes of a server's master: SIGTERM and SIGINT for a stop, SIGUSR1 for statistics. */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

/* From now on. A second SIGTERM or SIGINT ends the process as ever. */
void signals_watch(void);

bool signals_want_stop(void);

/* Once for each time that they are wanted. */
bool signals_want_stats(void);

/* Threads that are started between the two leave the signals to this one. */
void signals_hide(void);
void signals_show(void);

/* As poll(), but a signal that has arrived by then makes it return at once, with -1. */
int signals_wait(struct pollfd *polls, size_t count, int timeout_ms);

#endif
