#ifndef SPB_TESTS_ALLOCATIONS_H
#define SPB_TESTS_ALLOCATIONS_H

/*
 * The allocator of the program that this is a part of: the system's, but for allocations that fail
 * when they are told to. Those of libraries are among them.
 */
#include <stdbool.h>
#include <stddef.h>

/* False where something else has taken the allocator's place: then nothing here does anything. */
bool can_fail_allocations(void);

/* From now on, fail the n-th allocation, from 1, and with `on` all behind it. 0: fail none. */
void fail_allocation(size_t number, bool on);

/* From now on, fail the first realloc(): memory that grows. */
void fail_growth(void);

/* Since then. */
size_t count_allocations(void);
bool has_failed(void);

/* How much there is that was allocated and not freed. */
size_t live_allocations(void);

#endif
