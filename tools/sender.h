#ifndef SESSIONPB_TOOLS_SENDER_H
#define SESSIONPB_TOOLS_SENDER_H

/*
 * Messages on their way to a receiver at the other end of a socket, and what it confirms of them by
 * receipts: see proto/journey/v1/receipt.proto. Where that is wanted, messages are kept until they are
 * confirmed, and sent once more when a connection breaks.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/frame.h>
#include <sessionpb/receipt.h>

#include "cli.h"

struct sender_options {
    const char *endpoint;
    enum spb_framing framing;
    bool receipts;    /* the receiver sends some */
    uint64_t every;   /* ask for a receipt behind so many messages; 0: only where it is needed */
    int timeout_ms;   /* without anything taken or confirmed */
    int retry_ms;     /* connect again until so long has passed without progress; 0: never */
    uint64_t skipped; /* records of the input before the first message, to say where to go on */
    bool quiet;
};

struct sender {
    struct sender_options options;
    int fd; /* -1 without a connection */
    struct spb_frames receipts;

    struct spb_bytes bytes; /* frames, from the first one that is not confirmed, or not sent */
    size_t begin;           /* where that is */
    size_t sent;            /* bytes up to here were sent on this connection */
    uint64_t bytes_added;   /* since it was opened */

    /* messages */
    uint64_t count;            /* added */
    uint64_t asked;            /* before the last demand for a receipt */
    uint64_t confirmed;        /* by receipts */
    uint64_t confirmed_before; /* when this connection was made */
    uint64_t rejected;         /* of the confirmed ones, by the receiver */
    uint64_t rejected_before;

    bool demanded;        /* a receipt, which has not come yet */
    uint64_t sent_ms;     /* when something was sent last */
    uint64_t progress_ms; /* when the receiver took or confirmed something last */
    uint64_t
        trouble_ms;    /* when a connection failed and no good receipt has come since; 0: not so */
    uint64_t delay_ms; /* before the next attempt to connect */

    bool failed;
    struct spb_error error; /* what is wrong with the connection */
};

/* Connect. CLI_OK, or after a report CLI_FAILED, as the others, or CLI_USAGE. Call sender_release() in
   any case. */
enum cli_status sender_open(struct sender *sender, const struct sender_options *options);

/* A message that is not empty. It is sent when much has gathered. */
enum cli_status sender_add(struct sender *sender, const void *message, size_t len);

/* Send everything so far. */
enum cli_status sender_flush(struct sender *sender);

/*
 * Send everything, and wait until something can be read from the descriptor. Meanwhile the receiver is
 * listened to, and hears something now and then all the same, for its idle time-out.
 */
enum cli_status sender_wait(struct sender *sender, int fd);

/*
 * Nothing more will come: send the rest, end the stream, and wait until all of it is confirmed.
 *
 * CLI_OK; CLI_REJECTED where the receiver has refused some; CLI_FAILED. The last two after a report.
 */
enum cli_status sender_finish(struct sender *sender);

/* The input has failed: print how much is confirmed, and how to send the rest. */
void sender_tell_confirmed(const struct sender *sender);

void sender_release(struct sender *sender);

#endif
