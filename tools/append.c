#define _POSIX_C_SOURCE 200809L

#include "append.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source.h"

enum {
    HEAD_LEN = 4,             /* tells an archive */
    TAIL_LEN = 64 * 1024,     /* read at a time, to find the end of the last line */
    LINE_MAX_LEN = 256 << 20, /* of JSON, made of one message; far above any */
};

static enum cli_status refuse(const struct output *output, const char *why)
{
    cli_error("'%s' %s; nothing is appended to it", output->name, why);
    return CLI_FAILED;
}

static enum cli_status read_at(const struct output *output, void *space, size_t len, off_t at)
{
    uint8_t *to = space;

    while (len > 0) {
        ssize_t got = pread(output->fd, to, len, at);

        if (got == -1 && errno == EINTR)
            continue;
        if (got <= 0)
            return cli_system_error("read", output->name, got == -1 ? errno : EIO);
        to += got;
        at += got;
        len -= (size_t)got;
    }
    return CLI_OK;
}

/* Where the last line that is whole ends. */
static enum cli_status find_line_end(const struct output *output, off_t *end)
{
    enum cli_status status = CLI_OK;
    char tail[TAIL_LEN];

    while (status == CLI_OK && *end > 0) {
        size_t len = *end < TAIL_LEN ? (size_t)*end : TAIL_LEN;

        status = read_at(output, tail, len, *end - (off_t)len);
        while (status == CLI_OK && len > 0 && tail[len - 1] != '\n') {
            len--;
            (*end)--;
        }
        if (len > 0)
            break;
    }
    return status;
}

static enum cli_status cut(const struct output *output, off_t end, off_t size)
{
    int result;

    do
        result = ftruncate(output->fd, end);
    while (result == -1 && errno == EINTR);
    if (result == -1)
        return cli_system_error("cut a torn line off", output->name, errno);
    cli_error("'%s' ended in a torn line; its %jd bytes were cut off", output->name,
              (intmax_t)(size - end));
    return CLI_OK;
}

static enum cli_status end_line(const struct output *output)
{
    ssize_t written;

    do
        written = write(output->fd, "\n", 1);
    while (written == -1 && errno == EINTR);
    if (written != 1)
        return cli_system_error("write", output->name, errno);
    cli_error("the last line of '%s' was not ended; now it is", output->name);
    return CLI_OK;
}

/* What stands behind the last line: a session, the beginning of one, or something else. */
static enum cli_status judge_rest(const struct output *output, spb_converter *converter, off_t end,
                                  off_t size)
{
    struct spb_bytes text = { 0 }, message = { 0 };
    size_t len = (size_t)(size - end);
    enum spb_status judged = SPB_BAD_JSON;
    enum cli_status status = CLI_OK;

    if (len > LINE_MAX_LEN)
        return refuse(output, "does not end in a line");
    if (spb_bytes_reserve(&text, len + SPB_PADDING) != SPB_OK)
        return cli_no_memory();
    status = read_at(output, text.data, len, end);
    if (status == CLI_OK) {
        memset(text.data + len, 0, SPB_PADDING);
        judged = spb_json_to_pb(converter, (const char *)text.data, len, &message, NULL);
    }
    spb_bytes_release(&text);
    spb_bytes_release(&message);
    if (status != CLI_OK)
        return status;
    if (judged == SPB_NO_MEMORY)
        return cli_no_memory();
    if (judged == SPB_OK)
        return end_line(output);
    return judged == SPB_NEED_MORE ? cut(output, end, size)
                                   : refuse(output, "does not end in a line of JSON");
}

static enum cli_status prepare_lines(const struct output *output, spb_converter *converter,
                                     off_t size)
{
    enum cli_status status;
    off_t end = size;
    char first;

    status = read_at(output, &first, 1, 0);
    if (status == CLI_OK && first != '{')
        return refuse(output, "holds no lines of JSON");
    if (status == CLI_OK)
        status = find_line_end(output, &end);
    return status == CLI_OK && end < size ? judge_rest(output, converter, end, size) : status;
}

static enum cli_status prepare_archive(const struct output *output, off_t size)
{
    uint8_t head[HEAD_LEN];
    enum cli_status status = CLI_OK;

    if (size >= HEAD_LEN)
        status = read_at(output, head, HEAD_LEN, 0);
    if (status == CLI_OK && (size < HEAD_LEN || !source_is_archive(head, HEAD_LEN)))
        return refuse(output, "is no archive");
    return status;
}

enum cli_status append_prepare(const struct output *output, spb_converter *converter, bool lines)
{
    struct stat found;

    if (output->fd == -1)
        return CLI_OK;
    if (fstat(output->fd, &found) == -1)
        return cli_system_error("read", output->name, errno);
    if (!S_ISREG(found.st_mode) || found.st_size == 0)
        return CLI_OK;
    return lines ? prepare_lines(output, converter, found.st_size)
                 : prepare_archive(output, found.st_size);
}
