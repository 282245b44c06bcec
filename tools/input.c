/*
 * Files and standard input, as descriptors: a read returns what a pipe has now instead of waiting
 * for a full buffer, so that a session is converted as soon as it is there.
 */
#define _POSIX_C_SOURCE 200809L

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sessionpb/frame.h>

static bool is_standard(const char *name)
{
    return strcmp(name, "-") == 0;
}

/* Where a regular file stands, and how much comes behind that. Others have no size. */
static void measure(struct input *input, const struct stat *status)
{
    off_t at = lseek(input->fd, 0, SEEK_CUR);

    input->regular = S_ISREG(status->st_mode) && at != -1;
    input->size = UINT64_MAX;
    if (!input->regular)
        return;
    input->begin = (uint64_t)at;
    input->size = status->st_size > at ? (uint64_t)(status->st_size - at) : 0;
}

static void input_close(struct input *input)
{
    if (input->fd != STDIN_FILENO)
        (void)close(input->fd);
}

static enum cli_status input_open(struct input *input, const char *name)
{
    struct stat status = { 0 };
    bool standard = is_standard(name);

    input->name = standard ? "(standard input)" : name;
    input->fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->fd == -1)
        return cli_system_error("open", input->name, errno);
    /* a bad descriptor is what the first read reports */
    if (fstat(input->fd, &status) == -1 && errno != EBADF) {
        enum cli_status failed = cli_system_error("open", input->name, errno);

        input_close(input);
        return failed;
    }
    measure(input, &status);
    return CLI_OK;
}

enum cli_status input_each(char *const *names, struct meter *meter, input_visit *visit,
                           void *context)
{
    enum cli_status status = CLI_OK;

    for (; *names != NULL && status == CLI_OK; names++) {
        struct input input = { .meter = meter };

        status = input_open(&input, *names);
        if (status == CLI_OK) {
            status = visit(context, &input);
            input_close(&input);
        }
    }
    return status;
}

uint64_t input_size_of_all(char *const *names)
{
    uint64_t sum = 0;

    if (*names == NULL)
        return UINT64_MAX;
    for (; *names != NULL; names++) {
        struct stat status;

        if ((is_standard(*names) ? fstat(STDIN_FILENO, &status) : stat(*names, &status)) == -1 ||
            !S_ISREG(status.st_mode))
            return UINT64_MAX;
        sum += (uint64_t)status.st_size;
    }
    return sum;
}

bool input_would_wait(const struct input *input, int timeout_ms)
{
    struct pollfd arrival = { .fd = input->fd, .events = POLLIN };

    return !input->regular && poll(&arrival, 1, timeout_ms) == 0;
}

/* For a descriptor that someone else has made non-blocking. */
static void wait_for_arrival(const struct input *input)
{
    struct pollfd arrival = { .fd = input->fd, .events = POLLIN };

    (void)poll(&arrival, 1, -1);
}

/* The result of one read. Returns false when it is to be tried again. */
static bool judge_read(const struct input *input, ssize_t got, size_t *len_out,
                       enum cli_status *status_out)
{
    *status_out = CLI_OK;
    *len_out = got >= 0 ? (size_t)got : 0;
    if (got >= 0) {
        meter_read(input->meter, (uint64_t)got);
        return true;
    }
    if (errno == EAGAIN)
        wait_for_arrival(input);
    else if (errno != EINTR)
        *status_out = cli_system_error("read", input->name, errno);
    return *status_out != CLI_OK;
}

static void keep_head(struct input *input, const void *data, size_t len)
{
    size_t room = sizeof(input->head) - input->head_len;
    size_t taken = len < room ? len : room;

    memcpy(input->head + input->head_len, data, taken);
    input->head_len += taken;
}

enum cli_status input_read(struct input *input, void *space, size_t len, size_t *len_out)
{
    enum cli_status status;

    while (!judge_read(input, read(input->fd, space, len), len_out, &status))
        continue;
    keep_head(input, space, *len_out);
    return status;
}

enum cli_status input_read_at(const struct input *input, uint64_t offset, void *space, size_t len,
                              size_t *len_out)
{
    off_t at = (off_t)(input->begin + offset);
    enum cli_status status;

    while (!judge_read(input, pread(input->fd, space, len, at), len_out, &status))
        continue;
    return status;
}

const char *input_hint(const struct input *input, const char *expected, char *text, size_t size)
{
    const char *look = spb_looks_like(input->head, input->head_len);

    text[0] = '\0';
    if (look != NULL && strstr(look, expected) == NULL)
        snprintf(text, size, "; the input looks like %s", look);
    return text;
}
