/* Counts allocations: the linker puts these functions between the program and the C library. */
#include "bench.h"

#include <stdlib.h>

#include <cjson/cJSON.h>

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_realloc(void *memory, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_realloc(void *memory, size_t len);

static size_t allocations;

void *__wrap_malloc(size_t len)
{
    allocations++;
    return __real_malloc(len);
}

void *__wrap_calloc(size_t count, size_t len)
{
    allocations++;
    return __real_calloc(count, len);
}

void *__wrap_realloc(void *memory, size_t len)
{
    allocations++;
    return __real_realloc(memory, len);
}

size_t allocations_so_far(void)
{
    return allocations;
}

/* cJSON is a shared library, whose calls are its own. With hooks it is slower: not while timing. */
void count_cjson(bool counted)
{
    cJSON_Hooks hooks = { malloc, free };

    cJSON_InitHooks(counted ? &hooks : NULL);
}
