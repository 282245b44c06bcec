/*
 * Files and standard input, as descriptors: a read returns what a pipe has now instead of waiting
 * for a full buffer, so that a session is converted as soon as it is there.
 */
#define _POSIX_C_SOURCE 200809L

#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum cli_status input_open(struct input *input, const char *name)
{
    struct stat status;
    bool standard = strcmp(name, "-") == 0;

    input->name = standard ? "(standard input)" : name;
    input->fd = standard ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (input->fd == -1)
        return cli_system_error("open", input->name, errno);
    input->regular = fstat(input->fd, &status) == 0 && S_ISREG(status.st_mode);
    return CLI_OK;
}

static void input_close(struct input *input)
{
    if (input->fd != STDIN_FILENO)
        (void)close(input->fd);
}

enum cli_status input_each(char *const *names, input_visit *visit, void *context)
{
    enum cli_status status = CLI_OK;

    for (; *names != NULL && status == CLI_OK; names++) {
        struct input input;

        status = input_open(&input, *names);
        if (status == CLI_OK) {
            status = visit(context, &input);
            input_close(&input);
        }
    }
    return status;
}

bool input_would_wait(const struct input *input)
{
    struct pollfd arrival = { .fd = input->fd, .events = POLLIN };

    return !input->regular && poll(&arrival, 1, 0) == 0;
}

/* For a descriptor that someone else has made non-blocking. */
static void wait_for_arrival(const struct input *input)
{
    struct pollfd arrival = { .fd = input->fd, .events = POLLIN };

    (void)poll(&arrival, 1, -1);
}

enum cli_status input_read(const struct input *input, void *space, size_t len, size_t *len_out)
{
    for (;;) {
        ssize_t got = read(input->fd, space, len);

        if (got >= 0) {
            *len_out = (size_t)got;
            return CLI_OK;
        }
        if (errno == EAGAIN)
            wait_for_arrival(input);
        else if (errno != EINTR)
            return cli_system_error("read", input->name, errno);
    }
}
