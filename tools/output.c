/*
 * Output in big writes. A file is written under a temporary name and renamed: readers see the old
 * file or the new one, whole, and an input may be its own output.
 */
#define _GNU_SOURCE /* asprintf(), F_SETPIPE_SZ */

#include "output.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    WRITE_LEN = 256 * 1024,  /* gathered before it is written: few calls, and still in cache */
    TEMPORARY_NAME_LEN = 64, /* ".sessionpb-", two numbers and ".tmp" */
    TEMPORARY_TRIES = 100,   /* names left behind by killed processes with the same number */
    NEW_FILE_MODE = 0666,    /* before the umask, as for a file that a shell makes */
};

/* -- Signals ------------------------------------------------------------------------------- */

static const int ending_signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
enum { ENDING_SIGNAL_COUNT = sizeof(ending_signals) / sizeof(ending_signals[0]) };

/* The names that a signal must not leave behind. */
static const char *volatile unfinished[OUTPUTS_MAX];

static void remove_unfinished(int signal_number)
{
    for (size_t i = 0; i < OUTPUTS_MAX; i++)
        if (unfinished[i] != NULL)
            (void)unlink(unfinished[i]);
    (void)signal(signal_number, SIG_DFL);
    (void)raise(signal_number); /* it arrives when this function returns, and ends the tool */
}

static void watch_signals(void)
{
    for (size_t i = 0; i < ENDING_SIGNAL_COUNT; i++) {
        struct sigaction action = { .sa_handler = remove_unfinished };
        struct sigaction before;

        sigfillset(&action.sa_mask); /* one of them at a time */
        /* What was ignored stays ignored: nohup */
        if (sigaction(ending_signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(ending_signals[i], &action, NULL);
    }
}

static void block_signals(sigset_t *before)
{
    sigset_t ending;

    sigemptyset(&ending);
    for (size_t i = 0; i < ENDING_SIGNAL_COUNT; i++)
        sigaddset(&ending, ending_signals[i]);
    sigprocmask(SIG_BLOCK, &ending, before);
}

/* Put `name` in the place of `old`; NULL is none. */
static void remember(const char *old, const char *name)
{
    size_t i = 0;

    while (i < OUTPUTS_MAX && unfinished[i] != old)
        i++;
    if (i < OUTPUTS_MAX)
        unfinished[i] = name;
}

/* -- Temporary files ----------------------------------------------------------------------- */

/* No signal may come between making the file and remembering its name. */
static int create_remembered(const char *name, mode_t mode)
{
    sigset_t before;
    int fd;
    int system_error;

    block_signals(&before);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    system_error = errno;
    if (fd != -1)
        remember(NULL, name);
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = system_error;
    return fd;
}

static void forget_name(struct output *output)
{
    int system_error = errno;

    free(output->temporary);
    output->temporary = NULL;
    errno = system_error;
}

/* Make a file beside output->path. Its name does not grow from the other: that may be as long as a
   name can be. */
static int create_beside(struct output *output, mode_t mode)
{
    const char *slash = strrchr(output->path, '/');
    size_t directory_len = slash != NULL ? (size_t)(slash - output->path) + 1 : 0;
    int fd = -1;

    output->temporary = malloc(directory_len + TEMPORARY_NAME_LEN);
    if (output->temporary == NULL)
        return -1;
    memcpy(output->temporary, output->path, directory_len);
    for (int number = 0; fd == -1 && number < TEMPORARY_TRIES; number++) {
        snprintf(output->temporary + directory_len, TEMPORARY_NAME_LEN, ".sessionpb-%ld-%d.tmp",
                 (long)getpid(), number);
        fd = create_remembered(output->temporary, mode);
        if (fd == -1 && errno != EEXIST)
            break;
    }
    if (fd == -1)
        forget_name(output); /* it may be the name of another's file */
    return fd;
}

static enum cli_status refuse_existing(const char *path)
{
    cli_error("'%s' exists; --force overwrites it", path);
    return CLI_FAILED;
}

/* The one name of a file that may not exist yet: links are followed, not replaced. NULL: see errno. */
static char *resolve(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    char *found = realpath(path, NULL);
    char *directory = NULL;
    char *resolved = NULL;
    struct stat link;

    if (found != NULL || errno != ENOENT || lstat(path, &link) == 0)
        return found; /* a link to nothing is no place for a file */
    directory = strndup(slash != NULL ? path : ".", slash != NULL ? (size_t)(slash - path) + 1 : 1);
    found = directory != NULL ? realpath(directory, NULL) : NULL;
    if (found != NULL && asprintf(&resolved, "%s/%s", found, name) == -1)
        resolved = NULL;
    free(directory);
    free(found);
    return resolved;
}

/* `before` is the file to be replaced, or NULL: its permissions are kept. */
static enum cli_status open_temporary(struct output *output, const char *path,
                                      const struct stat *before)
{
    mode_t mode = before != NULL ? before->st_mode & 0777 : NEW_FILE_MODE;

    if (before != NULL && !output->overwrite)
        return refuse_existing(path);
    if (before != NULL && access(path, W_OK) == -1)
        return cli_system_error("open", path, errno);
    output->path = resolve(path);
    if (output->path == NULL)
        return cli_system_error("open", path, errno);

    watch_signals();
    output->fd = create_beside(output, mode);
    if (output->fd == -1)
        return cli_system_error("create a file beside", path, errno);
    if (before != NULL && fchmod(output->fd, mode) == -1)
        return cli_system_error("set the mode of", path, errno);
    return CLI_OK;
}

/* Give the file its name, which another process may have taken meanwhile. Only rename() can replace
   a file, and only link() can refuse to; where files cannot have two names, rename() has to do. */
static enum cli_status place(const struct output *output)
{
    if (!output->overwrite) {
        if (link(output->temporary, output->path) == 0) {
            (void)unlink(output->temporary);
            return CLI_OK;
        }
        if (errno == EEXIST)
            return refuse_existing(output->name);
    }
    if (rename(output->temporary, output->path) == -1)
        return cli_system_error("replace", output->name, errno);
    return CLI_OK;
}

/* Place the file when it is to be kept, else remove it. */
static enum cli_status settle_temporary(struct output *output, bool keep)
{
    enum cli_status status = keep ? place(output) : CLI_OK;

    if (!keep || status != CLI_OK)
        (void)unlink(output->temporary);
    remember(output->temporary, NULL);
    return status;
}

/* -- Opening ------------------------------------------------------------------------------- */

/* A device or a pipe is written as it is; renaming would put a file in its place. */
static enum cli_status open_directly(struct output *output, const char *path)
{
    output->fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return output->fd != -1 ? CLI_OK : cli_system_error("open", path, errno);
}

/* fsync() or fdatasync(), through interruptions. */
static bool is_synced(int (*sync)(int fd), int fd)
{
    int result;

    do
        result = sync(fd);
    while (result == -1 && errno == EINTR);
    return result == 0;
}

/* A file that is new is there after a power failure only when its directory is safe on disk. */
static enum cli_status sync_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int fd = directory != NULL ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    bool synced = fd != -1 && (is_synced(fsync, fd) || errno == EINVAL);
    int system_error = errno;

    if (fd != -1)
        (void)close(fd);
    free(directory);
    return synced ? CLI_OK : cli_system_error("sync the directory of", path, system_error);
}

static enum cli_status open_appending(struct output *output, const struct output_target *target)
{
    const char *path = target->path;

    output->fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, NEW_FILE_MODE);
    if (output->fd == -1)
        return cli_system_error("open", path, errno);
    if (flock(output->fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno != EWOULDBLOCK)
            return cli_system_error("lock", path, errno);
        cli_error("another process writes '%s'", path);
        return CLI_FAILED;
    }
    return target->durable ? sync_directory(path) : CLI_OK;
}

static enum cli_status open_path(struct output *output, const struct output_target *target)
{
    const char *path = target->path;
    struct stat before;
    bool exists = stat(path, &before) == 0;

    output->name = path;
    if (!exists && errno != ENOENT)
        return cli_system_error("open", path, errno);
    if (exists && !S_ISREG(before.st_mode))
        return open_directly(output, path);
    if (target->append)
        return open_appending(output, target);
    return open_temporary(output, path, exists ? &before : NULL);
}

static void open_standard(struct output *output)
{
    output->name = "(standard output)";
    output->fd = STDOUT_FILENO;
}

/* A pipe that holds a whole write lets its two ends work at the same time. What is no pipe, or may not
   grow, stays as it is. */
static void widen_pipe(int fd)
{
    if (fcntl(fd, F_GETPIPE_SZ) < WRITE_LEN)
        (void)fcntl(fd, F_SETPIPE_SZ, WRITE_LEN);
}

enum cli_status output_open(struct output *output, const struct output_target *target)
{
    enum cli_status status = CLI_OK;

    *output = (struct output){ .fd = -1, .overwrite = target->overwrite };
    if (target->discard)
        return CLI_OK;
    if (target->path == NULL || strcmp(target->path, "-") == 0)
        open_standard(output);
    else
        status = open_path(output, target);

    if (status == CLI_OK)
        widen_pipe(output->fd);
    if (status == CLI_OK && target->refuse_terminal && isatty(output->fd)) {
        cli_error("binary data is not written to a terminal without --force");
        status = CLI_USAGE;
    }
    return status;
}

bool output_is_terminal(const struct output *output)
{
    return output->fd != -1 && isatty(output->fd);
}

/* -- Writing ------------------------------------------------------------------------------- */

static enum cli_status write_failed(const struct output *output)
{
    return errno == EPIPE ? CLI_READER_GONE : cli_system_error("write", output->name, errno);
}

/* For a descriptor that someone else has made non-blocking. */
static void wait_for_room(const struct output *output)
{
    struct pollfd room = { .fd = output->fd, .events = POLLOUT };

    (void)poll(&room, 1, -1);
}

enum cli_status output_flush(struct output *output)
{
    const uint8_t *data = output->bytes.data;
    size_t len = output->fd != -1 ? output->bytes.len : 0;

    output->written += output->bytes.len;
    output->bytes.len = 0; /* whatever becomes of them, no byte is written twice */
    while (len > 0) {
        ssize_t written = write(output->fd, data, len);

        if (written >= 0) {
            data += written;
            len -= (size_t)written;
        } else if (errno == EAGAIN) {
            wait_for_room(output);
        } else if (errno != EINTR) {
            return write_failed(output);
        }
    }
    return CLI_OK;
}

enum cli_status output_sync(struct output *output)
{
    bool synced = output->fd == -1 || is_synced(fdatasync, output->fd);

    return synced || errno == EINVAL || errno == EROFS ? CLI_OK : write_failed(output);
}

enum cli_status output_record(struct output *output)
{
    return output->bytes.len >= WRITE_LEN ? output_flush(output) : CLI_OK;
}

enum cli_status output_format(struct output *output, const char *format, ...)
{
    char text[OUTPUT_FORMAT_MAX];
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    assert(len >= 0 && (size_t)len < sizeof(text));
    if (spb_bytes_append(&output->bytes, text, (size_t)len) != SPB_OK)
        return cli_no_memory();
    return CLI_OK;
}

/* -- Closing ------------------------------------------------------------------------------- */

/* Late errors come out here: a full disk, a quota, a file server. A file is made durable before it
   gets its name: the one that it replaces was. */
static enum cli_status close_descriptor(struct output *output, bool durable)
{
    enum cli_status status = CLI_OK;

    if (durable && !is_synced(fsync, output->fd) && errno != EINVAL)
        status = write_failed(output);
    /* interrupted, it is closed all the same */
    if (close(output->fd) == -1 && errno != EINTR && status == CLI_OK)
        status = write_failed(output);
    output->fd = -1;
    return status;
}

/* Whole records before a bad one are good, and go out where they can be seen. */
static enum cli_status finish(struct output *output, bool whole)
{
    bool is_file = output->temporary != NULL;
    enum cli_status status = whole || !is_file ? output_flush(output) : CLI_OK;
    enum cli_status closed;

    if (output->fd == -1)
        return status;
    closed = close_descriptor(output, is_file && whole && status == CLI_OK);
    return status == CLI_OK ? closed : status;
}

/* What failed first counts, unless something worse did since. */
static enum cli_status worse(enum cli_status status, enum cli_status next)
{
    return status == CLI_OK || next == CLI_FAILED ? next : status;
}

static void release(struct output *output)
{
    free(output->temporary);
    free(output->path);
    spb_bytes_release(&output->bytes);
}

enum cli_status output_close(struct output *const outputs[], size_t count, enum cli_status status)
{
    for (size_t i = 0; i < count; i++)
        status = worse(status, finish(outputs[i], status == CLI_OK));
    for (size_t i = 0; i < count; i++) {
        if (outputs[i]->temporary != NULL)
            status = worse(status, settle_temporary(outputs[i], status == CLI_OK));
        release(outputs[i]);
    }
    return status;
}
