#define _POSIX_C_SOURCE 200809L

#include "net/endpoint.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/error.h"

enum { SYSTEM_ERROR_SIZE = 96, DECIMAL = 10, PORT_DIGITS = 5 };

static enum spb_status misuse(struct spb_error *error, const char *text, const char *why)
{
    return spb_error_set(error, SPB_MISUSE, 0, "'%s' is no endpoint: %s", text, why);
}

static enum spb_status parse_unix(const char *path, struct spb_endpoint *endpoint,
                                  struct spb_error *error)
{
    const size_t size = sizeof((struct sockaddr_un *)NULL)->sun_path;

    if (*path == '\0')
        return misuse(error, endpoint->text, "a path must follow unix:");
    if (strlen(path) >= size)
        return spb_error_set(error, SPB_MISUSE, 0,
                             "the path of a socket has at most %zu bytes, unlike '%s'", size - 1,
                             endpoint->text);
    endpoint->kind = SPB_ENDPOINT_UNIX;
    endpoint->path = path;
    return SPB_OK;
}

/* Copies a part of the text as a string. False when it is empty or too long. */
static bool copy_part(char *part, size_t size, const char *text, size_t len)
{
    if (len == 0 || len >= size)
        return false;
    memcpy(part, text, len);
    part[len] = '\0';
    return true;
}

/* A number that a port can have, or what may be a name: the system reads other numbers its own way. */
static bool is_port(const char *text)
{
    const size_t digits = strspn(text, "0123456789");

    if (text[digits] == '\0')
        return digits <= PORT_DIGITS && strtoul(text, NULL, 10) <= UINT16_MAX;
    return *text != '-' && strpbrk(text, " +") == NULL;
}

static enum spb_status parse_tcp(const char *host, struct spb_endpoint *endpoint,
                                 struct spb_error *error)
{
    const char *const colon = strrchr(host, ':');
    size_t host_len = colon == NULL ? 0 : (size_t)(colon - host);

    if (*host == '[') {
        if (host_len < 2 || host[host_len - 1] != ']')
            return misuse(error, endpoint->text, "an address in brackets and :PORT are due");
        host++;
        host_len -= 2;
        endpoint->in_brackets = true;
    } else if (memchr(host, ':', host_len) != NULL) {
        return misuse(error, endpoint->text, "an IPv6 address stands in brackets");
    }
    if (colon == NULL || !copy_part(endpoint->host, SPB_HOST_SIZE, host, host_len) ||
        !copy_part(endpoint->port, SPB_PORT_SIZE, colon + 1, strlen(colon + 1)))
        return misuse(error, endpoint->text, "HOST:PORT must follow tcp:");
    if (!is_port(endpoint->port))
        return misuse(error, endpoint->text, "a port is a number up to 65535 or a name");
    endpoint->kind = SPB_ENDPOINT_TCP;
    return SPB_OK;
}

static enum spb_status parse_fd(const char *number, struct spb_endpoint *endpoint,
                                struct spb_error *error)
{
    char *end;

    errno = 0;
    const long fd = strtol(number, &end, DECIMAL);
    if (*number < '0' || *number > '9' || *end != '\0' || errno != 0 || fd > INT_MAX)
        return misuse(error, endpoint->text, "the number of a descriptor must follow fd:");
    endpoint->kind = SPB_ENDPOINT_FD;
    endpoint->fd = (int)fd;
    return SPB_OK;
}

static enum spb_status parse_systemd(const char *rest, struct spb_endpoint *endpoint,
                                     struct spb_error *error)
{
    if (*rest != '\0')
        return misuse(error, endpoint->text, "nothing may follow systemd:");
    endpoint->kind = SPB_ENDPOINT_SYSTEMD;
    return SPB_OK;
}

static const struct {
    const char *scheme;
    enum spb_status (*parse)(const char *rest, struct spb_endpoint *, struct spb_error *);
} schemes[] = {
    { "unix:", parse_unix },
    { "tcp:", parse_tcp },
    { "fd:", parse_fd },
    { "systemd:", parse_systemd },
};

/* See net/endpoint.h. */
enum spb_status spb_endpoint_parse(const char *text, struct spb_endpoint *endpoint_out,
                                   struct spb_error *error)
{
    *endpoint_out = (struct spb_endpoint){ .text = text, .fd = -1 };
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        const size_t len = strlen(schemes[i].scheme);

        if (strncmp(text, schemes[i].scheme, len) == 0)
            return schemes[i].parse(text + len, endpoint_out, error);
    }
    return misuse(error, text, "it begins with unix:, tcp:, fd: or systemd:");
}

/* See net/endpoint.h. */
enum spb_status spb_endpoint_failed(struct spb_error *error, const char *verb, const char *endpoint,
                                    int system_error)
{
    char text[SYSTEM_ERROR_SIZE] = "";

    (void)strerror_r(system_error, text, sizeof text);
    return spb_error_set(error, SPB_IO, 0, "cannot %s %s: %s", verb, endpoint, text);
}
