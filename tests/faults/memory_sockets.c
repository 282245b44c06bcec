/*
 * Sockets, under failing allocations.
 */
#include "memory.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net_support.h"
#include "support.h"

enum { PIECE = 64 };

static char unix_text[TEXT_MAX];

static void open_folder(struct scene *scene)
{
    (void)scene;
    unix_endpoint(unix_text, "socket");
}

static void close_sockets(struct scene *scene)
{
    for (size_t i = 0; i < COUNT_OF(scene->fds); i++)
        if (scene->fds[i] != -1)
            (void)close(scene->fds[i]);
    spb_frames_release(&scene->frames);
    spb_listener_free(scene->listener);
}

static enum spb_status listen_unix(struct scene *scene)
{
    return once(spb_listener_new(unix_text, NULL, &scene->listener, &scene->error));
}

static enum spb_status listen_tcp(struct scene *scene)
{
    return once(spb_listener_new("tcp:127.0.0.1:0", NULL, &scene->listener, &scene->error));
}

static void open_listener(struct scene *scene)
{
    open_folder(scene);
    scene->listener = listener_on(unix_text, NULL);
}

static void open_tcp_listener(struct scene *scene)
{
    scene->listener = listener_on("tcp:127.0.0.1:0", NULL);
}

static enum spb_status connect_there(struct scene *scene)
{
    return once(spb_socket_connect(spb_listener_endpoint(scene->listener), SOON_MS, &scene->fds[0],
                                   &scene->error));
}

static void open_waiting(struct scene *scene)
{
    open_listener(scene);
    scene->fds[0] = connection_to(unix_text);
}

static enum spb_status accept_one(struct scene *scene)
{
    struct spb_peer peer;
    const enum spb_status status =
        spb_listener_accept(scene->listener, &scene->fds[1], &peer, &scene->error);

    if (status == SPB_OK)
        note(scene, &peer.uid, sizeof peer.uid);
    return once(status);
}

/* Two messages, the second of which takes more room than the first. */
static void open_pair(struct scene *scene)
{
    struct spb_bytes frames = { 0 };

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, scene->fds), 0);
    ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, canonical_pb.data, PIECE, &frames),
                     SPB_OK);
    ck_assert_int_eq(
        spb_frame_append(SPB_FRAMING_DELIMITED, canonical_pb.data, canonical_pb.len, &frames),
        SPB_OK);
    ck_assert_int_eq(spb_socket_send(scene->fds[0], frames.data, frames.len, SOON_MS, NULL),
                     SPB_OK);
    ck_assert_int_eq(spb_socket_half_close(scene->fds[0], NULL), SPB_OK);
    spb_bytes_release(&frames);
}

static enum spb_status receive(struct scene *scene)
{
    const uint8_t *message;
    size_t len;
    const enum spb_status status =
        spb_socket_receive(scene->fds[1], &scene->frames, SOON_MS, &message, &len, &scene->error);

    if (status == SPB_OK)
        note(scene, message, len);
    return status;
}

static enum spb_status receive_some(struct scene *scene)
{
    const enum spb_status status =
        spb_socket_receive_some(scene->fds[1], &scene->frames, PIECE, &scene->error);

    if (status == SPB_OK && scene->frames.ended) {
        note(scene, scene->frames.arrived.data, spb_frames_pending(&scene->frames));
        return SPB_END;
    }
    return status;
}

/* clang-format off */
const struct entry sockets[] = {
    { "a listener on a file", open_folder, listen_unix, close_sockets },
    { "a listener of TCP", open_folder, listen_tcp, close_sockets, .system_fails = true },
    { "a connection to a file", open_listener, connect_there, close_sockets, .no_allocation = true },
    { "a connection of TCP", open_tcp_listener, connect_there, close_sockets, .system_fails = true },
    { "a connection taken", open_waiting, accept_one, close_sockets, .no_allocation = true },
    { "messages received", open_pair, receive, close_sockets },
    { "pieces received", open_pair, receive_some, close_sockets },
};
/* clang-format on */
const size_t socket_count = COUNT_OF(sockets);
