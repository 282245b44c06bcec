/*
 * Loaded in front of the system's library (LD_PRELOAD), this makes one call of a program go wrong that
 * would never go wrong in a test. It is told what to do by the environment:
 *
 *   SPB_FAULT_LOG    a file that gets the name of each call on a line, and "!" before one that failed
 *   SPB_FAULT_CALL   the name of the function that is to fail
 *   SPB_FAULT_AT     which of its calls, from 1
 *   SPB_FAULT_ON     "1": and each of its calls behind that
 *   SPB_FAULT_ERROR  the errno; 0: the call succeeds, with no more than one byte
 *
 * The functions are defined without their headers, whose prototypes have more attributes and fewer
 * parameters than these. Calls that the system's library makes itself are not seen.
 */
#define _GNU_SOURCE /* RTLD_NEXT */

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>

enum { LINE_MAX_LEN = 32, LOG_FLAGS = 02001 /* O_WRONLY | O_APPEND, on all of Linux */ };

enum met { PASSES, FAILS, IS_SHORT };

extern long syscall(long number, ...);

static const char *call;
static long at;
static bool on;
static int failure;
static int log_fd = -1;
static long calls;

static const char *variable(const char *name)
{
    const char *const value = getenv(name);

    return value != NULL ? value : "";
}

__attribute__((constructor)) static void begin(void)
{
    at = strtol(variable("SPB_FAULT_AT"), NULL, 10);
    on = *variable("SPB_FAULT_ON") != '\0';
    failure = (int)strtol(variable("SPB_FAULT_ERROR"), NULL, 10);
    log_fd = (int)syscall(SYS_openat, -100 /* AT_FDCWD */, variable("SPB_FAULT_LOG"), LOG_FLAGS, 0);
    call = variable("SPB_FAULT_CALL");
}

static void write_log(const char *name, bool failed)
{
    char line[LINE_MAX_LEN] = "!";
    size_t len = failed;

    for (; *name != '\0' && len < sizeof line - 1; name++)
        line[len++] = *name;
    line[len++] = '\n';
    (void)syscall(SYS_write, log_fd, line, len);
}

/* What becomes of this call. */
static enum met meet(const char *name)
{
    const int before = errno;
    bool met = false;

    if (call == NULL || log_fd == -1) /* not begun yet */
        return PASSES;
    if (strcmp(name, call) == 0) {
        calls++;
        met = at > 0 && (calls == at || (on && calls > at));
    }
    write_log(name, met);
    errno = met && failure != 0 ? failure : before;
    if (!met)
        return PASSES;
    return failure != 0 ? FAILS : IS_SHORT;
}

static inline size_t cut(enum met met, size_t len)
{
    return met == IS_SHORT && len > 1 ? 1 : len;
}

/* One function a row: what it returns, and when it fails, its name, its parameters, and what is passed
   on. */
#define CALL(type, failed, name, parameters, arguments)        \
    type name parameters;                                      \
    type name parameters                                       \
    {                                                          \
        static type(*next) parameters;                         \
        const enum met met = meet(#name);                      \
                                                               \
        if (next == NULL)                                      \
            *(void **)(void *)&next = dlsym(RTLD_NEXT, #name); \
        return met == FAILS ? (failed) : next arguments;       \
    }

struct pollfd;
struct sockaddr;
struct stat;
struct timespec;

/* clang-format off */
CALL(ssize_t, -1, read, (int fd, void *data, size_t len), (fd, data, cut(met, len)))
CALL(ssize_t, -1, pread, (int fd, void *data, size_t len, off_t from), (fd, data, cut(met, len), from))
CALL(ssize_t, -1, write, (int fd, const void *data, size_t len), (fd, data, cut(met, len)))
CALL(ssize_t, -1, recv, (int fd, void *data, size_t len, int flags), (fd, data, cut(met, len), flags))
CALL(ssize_t, -1, send, (int fd, const void *data, size_t len, int flags), (fd, data, cut(met, len), flags))

CALL(int, -1, open, (const char *path, int flags, mode_t mode), (path, flags, mode))
CALL(int, -1, openat, (int folder, const char *path, int flags, mode_t mode), (folder, path, flags, mode))
CALL(char *, NULL, realpath, (const char *path, char *found), (path, found))
CALL(int, -1, stat, (const char *path, struct stat *found), (path, found))
CALL(int, -1, lstat, (const char *path, struct stat *found), (path, found))
CALL(int, -1, fstat, (int fd, struct stat *found), (fd, found))
CALL(int, -1, fstatat, (int folder, const char *path, struct stat *found, int flags), (folder, path, found, flags))
CALL(int, -1, access, (const char *path, int mode), (path, mode))
CALL(off_t, -1, lseek, (int fd, off_t offset, int whence), (fd, offset, whence))
CALL(int, -1, ftruncate, (int fd, off_t len), (fd, len))
CALL(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
CALL(int, -1, fchmodat, (int folder, const char *path, mode_t mode, int flags), (folder, path, mode, flags))
CALL(int, -1, flock, (int fd, int operation), (fd, operation))
CALL(int, -1, fsync, (int fd), (fd))
CALL(int, -1, fdatasync, (int fd), (fd))
CALL(int, -1, link, (const char *path, const char *other), (path, other))
CALL(int, -1, rename, (const char *path, const char *other), (path, other))
CALL(int, -1, unlink, (const char *path), (path))
CALL(int, -1, unlinkat, (int folder, const char *path, int flags), (folder, path, flags))
CALL(int, -1, fcntl, (int fd, int command, long argument), (fd, command, argument))

CALL(int, -1, poll, (struct pollfd *polls, unsigned long count, int timeout), (polls, count, timeout))
CALL(int, -1, ppoll, (struct pollfd *polls, unsigned long count, const struct timespec *timeout, const void *signals), (polls, count, timeout, signals))
CALL(int, -1, socket, (int family, int type, int protocol), (family, type, protocol))
CALL(int, -1, bind, (int fd, const struct sockaddr *address, unsigned len), (fd, address, len))
CALL(int, -1, listen, (int fd, int backlog), (fd, backlog))
CALL(int, -1, accept4, (int fd, struct sockaddr *address, unsigned *len, int flags), (fd, address, len, flags))
CALL(int, -1, connect, (int fd, const struct sockaddr *address, unsigned len), (fd, address, len))
CALL(int, -1, shutdown, (int fd, int how), (fd, how))
CALL(int, -1, getsockopt, (int fd, int level, int name, void *value, unsigned *len), (fd, level, name, value, len))
CALL(int, -1, setsockopt, (int fd, int level, int name, const void *value, unsigned len), (fd, level, name, value, len))
/* clang-format on */

/* The program has ended. What is called from now on is not its own work: a build with counters writes
   them now. */
void __cxa_finalize(void *object);
void __cxa_finalize(void *object)
{
    static void (*next)(void *object);

    call = NULL;
    if (next == NULL)
        *(void **)(void *)&next = dlsym(RTLD_NEXT, "__cxa_finalize");
    next(object);
}

/* However a close ends, the descriptor is closed: close(2). */
int close(int fd);
int close(int fd)
{
    const enum met met = meet("close");
    const int error = errno;
    const int closed = (int)syscall(SYS_close, fd);

    if (met != FAILS)
        return closed;
    errno = error;
    return -1;
}

/* A sanitizer has an allocator of its own, and gives back memory that is not its own to nobody. */
#if !defined(__SANITIZE_ADDRESS__)
extern void *__libc_malloc(size_t len);
extern void *__libc_calloc(size_t count, size_t len);
extern void *__libc_realloc(void *memory, size_t len);
extern void *__libc_memalign(size_t alignment, size_t len);

void *malloc(size_t len)
{
    return meet("malloc") == FAILS ? NULL : __libc_malloc(len);
}

void *calloc(size_t count, size_t len)
{
    return meet("calloc") == FAILS ? NULL : __libc_calloc(count, len);
}

void *realloc(void *memory, size_t len)
{
    return meet("realloc") == FAILS ? NULL : __libc_realloc(memory, len);
}

void *aligned_alloc(size_t alignment, size_t len)
{
    return meet("aligned_alloc") == FAILS ? NULL : __libc_memalign(alignment, len);
}
#endif
