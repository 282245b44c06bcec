/*
 * Sends sessions to a receiver and waits until it has confirmed them: client ENDPOINT < SESSIONS
 *
 * The standard input is JSON in any shape that sessionpb/documents.h tells of, such as NDJSON. The
 * first session that is not right ends it; those before are sent. The exit status is 0 when all were
 * right, and the receiver has confirmed every one.
 */
#define _POSIX_C_SOURCE 200809L /* read() */

#include <sessionpb/sessionpb.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIMEOUT_MS = 60 * 1000, SEND_LEN = 64 << 10, RECEIPT_MAX = 4096 };

struct client {
    int fd;
    bool ended; /* the standard input */
    spb_documents *documents;
    struct spb_bytes message; /* of one session */
    struct spb_bytes frames;  /* messages that are to be sent together */
};

static bool fail(const char *reason)
{
    fprintf(stderr, "client: %s\n", reason);
    return false;
}

static bool read_text(struct client *client)
{
    char *space;
    size_t len;

    if (spb_documents_space(client->documents, &space, &len) != SPB_OK)
        return fail("out of memory");
    const ssize_t got = read(STDIN_FILENO, space, len);
    if (got < 0)
        return errno == EINTR || fail(strerror(errno));
    client->ended = got == 0;
    if (client->ended)
        spb_documents_finish(client->documents);
    else
        spb_documents_commit(client->documents, (size_t)got);
    return true;
}

static bool send_frames(struct client *client)
{
    struct spb_error error;

    if (spb_socket_send(client->fd, client->frames.data, client->frames.len, TIMEOUT_MS, &error) !=
        SPB_OK)
        return fail(error.reason);
    client->frames.len = 0;
    return true;
}

static bool add_frame(struct client *client)
{
    if (spb_frame_append(SPB_FRAMING_DELIMITED, client->message.data, client->message.len,
                         &client->frames) != SPB_OK)
        return fail("out of memory");
    client->message.len = 0;
    return client->frames.len < SEND_LEN || send_frames(client);
}

/* Sends the sessions of the standard input, and never waits for text before what it has is sent. */
static bool send_sessions(struct client *client)
{
    struct spb_error error;
    enum spb_status status;

    do {
        status = spb_documents_next(client->documents, &client->message, &error);
        if (status == SPB_OK && !add_frame(client))
            return false;
        if (status != SPB_OK && !send_frames(client))
            return false;
        if (status == SPB_NEED_MORE && !client->ended) {
            if (!read_text(client))
                return false;
            status = SPB_OK;
        }
    } while (status == SPB_OK);
    if (status != SPB_END)
        fprintf(stderr, "client: line %zu, column %zu: %s\n", error.line, error.column,
                error.reason);
    return status == SPB_END;
}

/* Reads receipts until the receiver closes the connection. The last one tells. */
static bool is_confirmed(struct client *client)
{
    const uint64_t sent = spb_documents_count(client->documents).sessions;
    struct spb_frames frames = { .message_max = RECEIPT_MAX };
    struct spb_receipt receipt = { 0 };
    struct spb_error error;
    enum spb_status status;
    const uint8_t *message;
    size_t len;

    do {
        status = spb_socket_receive(client->fd, &frames, TIMEOUT_MS, &message, &len, &error);
        if (status == SPB_OK)
            status = spb_receipt_read(message, len, &receipt, &error);
    } while (status == SPB_OK);
    spb_frames_release(&frames);
    if (status == SPB_END && receipt.sessions == sent && receipt.rejected == 0)
        return true;
    if (receipt.reason[0] != '\0')
        fail(receipt.reason);
    if (status != SPB_END)
        fail(error.reason);
    fprintf(stderr, "client: %" PRIu64 " of %" PRIu64 " sessions confirmed, %" PRIu64 " rejected\n",
            receipt.sessions, sent, receipt.rejected);
    return false;
}

int main(int argc, char **argv)
{
    struct client client = { 0 };
    struct spb_error error = { .reason = "usage: client ENDPOINT < SESSIONS" };

    if (argc != 2 || spb_socket_connect(argv[1], TIMEOUT_MS, &client.fd, &error) != SPB_OK)
        return fail(error.reason) ? 0 : 1;
    spb_converter *const converter = spb_converter_new(NULL);
    client.documents = converter == NULL ? NULL : spb_documents_new(converter);
    bool good = client.documents != NULL || fail("out of memory");
    if (good) {
        good = send_sessions(&client);
        spb_socket_half_close(client.fd, NULL);
        good = is_confirmed(&client) && good; /* asked in any case: the receipt tells why */
    }
    spb_bytes_release(&client.message);
    spb_bytes_release(&client.frames);
    spb_documents_free(client.documents);
    spb_converter_free(converter);
    close(client.fd);
    return good ? 0 : 1;
}
