#ifndef SPB_TESTS_STEPS_H
#define SPB_TESTS_STEPS_H

/*
 * Counting what a call does, where measuring time would measure the machine. The library is compiled
 * with -fsanitize-coverage=trace-pc, which calls a function for every basic block, and linked with the
 * functions of libc that loop over bytes wrapped.
 */
#include <stdint.h>

/* Basic blocks and pieces of 16 bytes that the library has gone through since the program began. */
extern uint64_t steps;

#endif
