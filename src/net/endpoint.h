#ifndef SPB_NET_ENDPOINT_H
#define SPB_NET_ENDPOINT_H

/*
 * The text of an endpoint, taken apart; see sessionpb/socket.h. Nothing is looked up or opened.
 */
#include <stdbool.h>

#include <sessionpb/status.h>

enum { SPB_HOST_SIZE = 256, SPB_PORT_SIZE = 32 };

enum spb_endpoint_kind {
    SPB_ENDPOINT_UNIX,
    SPB_ENDPOINT_TCP,
    SPB_ENDPOINT_FD,
    SPB_ENDPOINT_SYSTEMD
};

struct spb_endpoint {
    enum spb_endpoint_kind kind;
    const char *text;         /* all of it, borrowed */
    const char *path;         /* UNIX: part of the text */
    char host[SPB_HOST_SIZE]; /* TCP: without brackets */
    bool in_brackets;         /* it is to be an IPv6 address */
    char port[SPB_PORT_SIZE]; /* TCP: a number or a name */
    int fd;                   /* FD */
};

/* SPB_OK or SPB_MISUSE. */
enum spb_status spb_endpoint_parse(const char *text, struct spb_endpoint *endpoint_out,
                                   struct spb_error *error);

/* Writes SPB_IO with the reason "cannot VERB ENDPOINT: SYSTEM ERROR", and returns it. */
enum spb_status spb_endpoint_failed(struct spb_error *error, const char *verb, const char *endpoint,
                                    int system_error);

#endif
