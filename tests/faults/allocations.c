/*
 * The program's own definitions take the place of the system's, for its libraries too.
 */
#include "allocations.h"

#include <stdlib.h>

static size_t fail_at;
static bool fail_on;
static bool fail_growing;
static size_t count;
static size_t live;
static bool failed;

extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t items, size_t len);
extern void *__libc_realloc(void *memory, size_t len);
extern void *__libc_memalign(size_t alignment, size_t len);
extern void __libc_free(void *memory);

void fail_allocation(size_t number, bool on)
{
    fail_at = number;
    fail_on = on;
    fail_growing = false;
    count = 0;
    failed = false;
}

void fail_growth(void)
{
    fail_allocation(0, false);
    fail_growing = true;
}

size_t count_allocations(void)
{
    return count;
}

bool has_failed(void)
{
    return failed;
}

size_t live_allocations(void)
{
    return live;
}

static bool fails(void)
{
    count++;
    if (fail_at == 0 || count < fail_at || (count > fail_at && !fail_on))
        return false;
    failed = true;
    return true;
}

static bool growth_fails(void)
{
    if (!fail_growing)
        return fails();
    fail_growing = false;
    failed = true;
    return true;
}

static void *counted(void *memory)
{
    live += memory != NULL;
    return memory;
}

bool can_fail_allocations(void)
{
    void *volatile memory; /* or nothing would be allocated */

    fail_allocation(0, false);
    memory = malloc(1);
    free(memory);
    return count > 0;
}

/* A sanitizer has an allocator of its own, and memcheck puts its own in the place of these. */
#if !defined(__SANITIZE_ADDRESS__)
void *malloc(size_t len)
{
    return fails() ? NULL : counted(__libc_malloc(len));
}

void *calloc(size_t items, size_t len)
{
    return fails() ? NULL : counted(__libc_calloc(items, len));
}

void *realloc(void *memory, size_t len)
{
    if (growth_fails())
        return NULL;
    return memory == NULL ? counted(__libc_malloc(len)) : __libc_realloc(memory, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
    return fails() ? NULL : counted(__libc_memalign(alignment, len));
}

void free(void *memory)
{
    live -= memory != NULL;
    __libc_free(memory);
}
#endif
