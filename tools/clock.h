#ifndef SESSIONPB_TOOLS_CLOCK_H
#define SESSIONPB_TOOLS_CLOCK_H

/* Time that only goes forward, from an arbitrary beginning. */

#include <stdint.h>

uint64_t clock_ns(void);
uint64_t clock_ms(void);

#endif
