#define _GNU_SOURCE /* ppoll() */

#include "signals.h"

#include <signal.h>
#include <time.h>

enum { MS_PER_S = 1000 };

static volatile sig_atomic_t stop_wanted;
static volatile sig_atomic_t stats_wanted;

static void want_stop(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
}

static void want_stats(int signal_number)
{
    (void)signal_number;
    stats_wanted = 1;
}

void signals_watch(void)
{
    const struct sigaction stop = { .sa_handler = want_stop, .sa_flags = (int)SA_RESETHAND };
    const struct sigaction stats = { .sa_handler = want_stats };

    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGUSR1, &stats, NULL);
}

bool signals_want_stop(void)
{
    return stop_wanted;
}

bool signals_want_stats(void)
{
    bool wanted = stats_wanted;

    stats_wanted = 0;
    return wanted;
}

int signals_wait(struct pollfd *polls, size_t count, int timeout_ms)
{
    const struct timespec timeout = { .tv_sec = timeout_ms / MS_PER_S,
                                      .tv_nsec = timeout_ms % MS_PER_S * 1000000L };
    sigset_t watched, before;
    int ready = 0;

    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGUSR1);
    sigprocmask(SIG_BLOCK, &watched, &before);
    if (!stop_wanted && !stats_wanted)
        ready = ppoll(polls, count, timeout_ms < 0 ? NULL : &timeout, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return ready;
}
