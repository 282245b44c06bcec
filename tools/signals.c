#define _GNU_SOURCE /* ppoll() */

#include "signals.h"

#include <signal.h>
#include <time.h>

enum { MS_PER_S = 1000 };

static volatile sig_atomic_t stop_wanted;
static volatile sig_atomic_t stats_wanted;
static sigset_t shown; /* the mask outside of signals_hide() */

/* The second one of either kind ends the process as ever. */
static void want_stop(int signal_number)
{
    (void)signal_number;
    stop_wanted = 1;
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGINT, SIG_DFL);
}

static void want_stats(int signal_number)
{
    (void)signal_number;
    stats_wanted = 1;
}

static void watch(int signal_number, void (*handler)(int))
{
    struct sigaction action = { .sa_handler = handler };
    struct sigaction before;

    /* What was ignored stays ignored: nohup */
    if (sigaction(signal_number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(signal_number, &action, NULL);
}

void signals_watch(void)
{
    watch(SIGTERM, want_stop);
    watch(SIGINT, want_stop);
    watch(SIGUSR1, want_stats);
}

bool signals_want_stop(void)
{
    return stop_wanted;
}

bool signals_want_stats(void)
{
    if (!stats_wanted)
        return false;
    stats_wanted = 0;
    return true;
}

void signals_hide(void)
{
    sigset_t watched;

    sigemptyset(&watched);
    sigaddset(&watched, SIGTERM);
    sigaddset(&watched, SIGINT);
    sigaddset(&watched, SIGUSR1);
    (void)pthread_sigmask(SIG_BLOCK, &watched, &shown);
}

void signals_show(void)
{
    (void)pthread_sigmask(SIG_SETMASK, &shown, NULL);
}

int signals_wait(struct pollfd *polls, size_t count, int timeout_ms)
{
    const struct timespec timeout = { .tv_sec = timeout_ms / MS_PER_S,
                                      .tv_nsec = timeout_ms % MS_PER_S * 1000000L };
    int ready = -1;

    signals_hide();
    if (!stop_wanted && !stats_wanted)
        ready = ppoll(polls, count, timeout_ms < 0 ? NULL : &timeout, &shown);
    signals_show();
    return ready;
}
