#define _POSIX_C_SOURCE 200809L

#include "clock.h"

#include <time.h>

enum { NS_PER_S = 1000000000, NS_PER_MS = 1000000 };

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
