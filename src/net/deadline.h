#ifndef SPB_NET_DEADLINE_H
#define SPB_NET_DEADLINE_H

/*
 * The end of a call's time-out, and waiting for a socket until then.
 */
#include <stdbool.h>
#include <stdint.h>

#include <sessionpb/status.h>

struct spb_deadline {
    bool never;
    int64_t end_ms; /* of the monotonic clock */
};

/* timeout_ms: negative for one that never passes. */
struct spb_deadline spb_deadline_in(int timeout_ms);

/* Milliseconds that are left, as poll() takes them: -1 for ever, 0 once it has passed. */
int spb_deadline_left(const struct spb_deadline *deadline);

/*
 * Waits until the socket has one of poll()'s events, or an error to tell.
 *
 * SPB_OK or SPB_TIMEOUT; SPB_IO where poll() fails.
 */
enum spb_status spb_deadline_wait(const struct spb_deadline *deadline, int fd, short events,
                                  struct spb_error *error);

#endif
