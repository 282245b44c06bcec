/* See steps.h. */
#include "steps.h"

#include <stddef.h>
#include <stdlib.h>

uint64_t steps;

enum { PIECE = 16 };

void __sanitizer_cov_trace_pc(void);
void *__real_memcpy(void *to, const void *from, size_t len);
void *__real_memmove(void *to, const void *from, size_t len);
void *__real_memset(void *to, int byte, size_t len);
void *__real_memchr(const void *in, int byte, size_t len);
int __real_memcmp(const void *a, const void *b, size_t len);
size_t __real_strlen(const char *text);
void *__real_realloc(void *memory, size_t len);
void *__real_calloc(size_t count, size_t len);

void *__wrap_memcpy(void *to, const void *from, size_t len);
void *__wrap_memmove(void *to, const void *from, size_t len);
void *__wrap_memset(void *to, int byte, size_t len);
void *__wrap_memchr(const void *in, int byte, size_t len);
int __wrap_memcmp(const void *a, const void *b, size_t len);
size_t __wrap_strlen(const char *text);
void *__wrap_realloc(void *memory, size_t len);
void *__wrap_calloc(size_t count, size_t len);

void __sanitizer_cov_trace_pc(void)
{
    steps++;
}

void *__wrap_memcpy(void *to, const void *from, size_t len)
{
    steps += len / PIECE;
    return __real_memcpy(to, from, len);
}

void *__wrap_memmove(void *to, const void *from, size_t len)
{
    steps += len / PIECE;
    return __real_memmove(to, from, len);
}

void *__wrap_memset(void *to, int byte, size_t len)
{
    steps += len / PIECE;
    return __real_memset(to, byte, len);
}

void *__wrap_memchr(const void *in, int byte, size_t len)
{
    const char *const found = __real_memchr(in, byte, len);

    steps += (found == NULL ? len : (size_t)(found - (const char *)in)) / PIECE;
    return (void *)(uintptr_t)found;
}

int __wrap_memcmp(const void *a, const void *b, size_t len)
{
    steps += len / PIECE;
    return __real_memcmp(a, b, len);
}

size_t __wrap_strlen(const char *text)
{
    const size_t len = __real_strlen(text);

    steps += len / PIECE;
    return len;
}

/* As if all of it were copied. */
void *__wrap_realloc(void *memory, size_t len)
{
    steps += len / PIECE;
    return __real_realloc(memory, len);
}

void *__wrap_calloc(size_t count, size_t len)
{
    steps += count * len / PIECE;
    return __real_calloc(count, len);
}
