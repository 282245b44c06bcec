#define _POSIX_C_SOURCE 200809L

#include "net/deadline.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#include "base/error.h"
#include "net/endpoint.h"

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* See net/deadline.h. */
struct spb_deadline spb_deadline_in(int timeout_ms)
{
    if (timeout_ms < 0)
        return (struct spb_deadline){ .never = true };
    return (struct spb_deadline){ .end_ms = now_ms() + timeout_ms };
}

/* See net/deadline.h. */
int spb_deadline_left(const struct spb_deadline *deadline)
{
    if (deadline->never)
        return -1;
    const int64_t left = deadline->end_ms - now_ms();
    return left < 0 ? 0 : (int)left;
}

/* See net/deadline.h. */
enum spb_status spb_deadline_wait(const struct spb_deadline *deadline, int fd, short events,
                                  struct spb_error *error)
{
    struct pollfd waiting = { .fd = fd, .events = events };
    int ready;

    do
        ready = poll(&waiting, 1, spb_deadline_left(deadline));
    while (ready == -1 && errno == EINTR);
    if (ready == -1)
        return spb_endpoint_failed(error, "wait for", "the socket", errno);
    if (ready == 0)
        return spb_error_set(error, SPB_TIMEOUT, 0, "the other end let the time-out pass");
    return SPB_OK;
}
