#ifndef SPB_NET_ADDRESS_H
#define SPB_NET_ADDRESS_H

/*
 * Addresses of sockets: from text, to text, and what is set for TCP.
 */
#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "net/endpoint.h"

enum { SPB_ADDRESS_SIZE = 64 }; /* "[IPv6%interface]:port" */

/* path: as spb_endpoint_parse() has it. */
struct sockaddr_un spb_address_unix(const char *path);

/*
 * The addresses of a TCP endpoint, to be released with freeaddrinfo().
 *
 * passive   to listen on, else to connect to
 *
 * SPB_OK; SPB_MISUSE (no IPv6 address stands in the brackets); SPB_IO.
 */
enum spb_status spb_address_resolve(const struct spb_endpoint *endpoint, bool passive,
                                    struct addrinfo **addresses_out, struct spb_error *error);

bool spb_address_is_loopback(const struct sockaddr *address);

/* HOST:PORT in numbers, as it stands in an endpoint. Empty where the address is none of IP. */
void spb_address_format(const struct sockaddr *address, socklen_t len, char text[SPB_ADDRESS_SIZE]);

/* Sends what there is without waiting for more, and asks an idle peer whether it is still there. */
void spb_address_tune_tcp(int fd);

#endif
