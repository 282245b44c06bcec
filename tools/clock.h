#ifndef SESSIONPB_TOOLS_CLOCK_H
#define SESSIONPB_TOOLS_CLOCK_H

/* Time that only goes forward, from an arbitrary beginning, and pauses. */

#include <stdint.h>

uint64_t clock_ns(void);
uint64_t clock_ms(void);

enum { CLOCK_BACK_OFF_MS = 100 }; /* the first delay */

/* Sleep before another attempt, for at most left_ms. The next delay is twice as long, up to a few seconds;
   some of it is by chance, so that many programs do not come back at the same moment. */
void clock_back_off(uint64_t *delay_ms, uint64_t left_ms);

#endif
