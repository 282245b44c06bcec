#define _DEFAULT_SOURCE /* what the loopback addresses are */

#include "net/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Of an idle connection: dead after 60 seconds without an answer. */
enum { KEEPALIVE_IDLE_S = 30, KEEPALIVE_EVERY_S = 10, KEEPALIVE_COUNT = 3 };

enum { HOST_TEXT_SIZE = 48, PORT_TEXT_SIZE = 8 };

/* See net/address.h. */
struct sockaddr_un spb_address_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memcpy(address.sun_path, path, strlen(path) + 1);
    return address;
}

/* See net/address.h. */
enum spb_status spb_address_resolve(const struct spb_endpoint *endpoint, bool passive,
                                    struct addrinfo **addresses_out, struct spb_error *error)
{
    const struct addrinfo wanted = {
        .ai_family = endpoint->in_brackets ? AF_INET6 : AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = (passive ? AI_PASSIVE : 0) | (endpoint->in_brackets ? AI_NUMERICHOST : 0),
    };
    const int failure = getaddrinfo(endpoint->host, endpoint->port, &wanted, addresses_out);

    if (failure == 0)
        return SPB_OK;
    if (failure == EAI_NONAME && endpoint->in_brackets)
        return spb_error_set(error, SPB_MISUSE, 0,
                             "'%s' is no endpoint: in brackets stands an "
                             "IPv6 address",
                             endpoint->text);
    return spb_error_set(error, SPB_IO, 0, "cannot find %s: %s", endpoint->text,
                         failure == EAI_SYSTEM ? "the system failed" : gai_strerror(failure));
}

/* See net/address.h. */
bool spb_address_is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in ip;

        memcpy(&ip, address, sizeof ip);
        return ntohl(ip.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 ip;

        memcpy(&ip, address, sizeof ip);
        return IN6_IS_ADDR_LOOPBACK(&ip.sin6_addr) ||
               (IN6_IS_ADDR_V4MAPPED(&ip.sin6_addr) && ip.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
    }
    return false;
}

/* See net/address.h. */
void spb_address_format(const struct sockaddr *address, socklen_t len, char text[SPB_ADDRESS_SIZE])
{
    const bool brackets = address->sa_family == AF_INET6;
    char host[HOST_TEXT_SIZE];
    char port[PORT_TEXT_SIZE];

    text[0] = '\0';
    if ((address->sa_family == AF_INET || brackets) &&
        getnameinfo(address, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        (void)snprintf(text, SPB_ADDRESS_SIZE, "%s%s%s:%s", brackets ? "[" : "", host,
                       brackets ? "]" : "", port);
}

/* See net/address.h. */
void spb_address_tune_tcp(int fd)
{
    const struct {
        int level, name, value;
    } options[] = {
        { IPPROTO_TCP, TCP_NODELAY, 1 },
        { SOL_SOCKET, SO_KEEPALIVE, 1 },
        { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S },
        { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_EVERY_S },
        { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_COUNT },
    };

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}
