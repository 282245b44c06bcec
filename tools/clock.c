#define _POSIX_C_SOURCE 200809L

#include "clock.h"

#include <time.h>

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000, MS_PER_S = 1000, BACK_OFF_MAX_MS = 5000 };

uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t clock_ms(void)
{
    return clock_ns() / NS_PER_MS;
}

void clock_back_off(uint64_t *delay_ms, uint64_t left_ms)
{
    uint64_t half_ms = *delay_ms / 2;
    uint64_t chosen_ms = half_ms + clock_ms() * UINT64_C(2654435761) % (half_ms + 1);
    uint64_t part_ms = chosen_ms < left_ms ? chosen_ms : left_ms;
    struct timespec pause = { .tv_sec = (time_t)(part_ms / MS_PER_S),
                              .tv_nsec = (long)(part_ms % MS_PER_S) * NS_PER_MS };

    (void)nanosleep(&pause, NULL);
    *delay_ms = *delay_ms < BACK_OFF_MAX_MS / 2 ? *delay_ms * 2 : BACK_OFF_MAX_MS;
}
