#ifndef SPB_NET_SOCKET_FILE_H
#define SPB_NET_SOCKET_FILE_H

/*
 * The file of a Unix socket that is listened on, from its making to its removal. One that a process
 * has left behind is replaced; that nobody else does so at the same time is what the lock is for.
 */
#include <sys/types.h>

#include <sessionpb/status.h>

struct spb_socket_file {
    char *path;      /* NULL without a file */
    char *lock_path; /* NULL without one */
    int lock;        /* the descriptor of a locked file; -1 without one */
    dev_t device;    /* what the file is, to tell it from one that somebody put there later */
    ino_t inode;
};

/*
 * Binds the socket to a new file of these permissions.
 *
 * endpoint   for messages
 *
 * SPB_OK; SPB_IO or SPB_NO_MEMORY, and there is nothing to remove.
 */
enum spb_status spb_socket_file_bind(struct spb_socket_file *file, int fd, const char *path,
                                     mode_t mode, const char *endpoint, struct spb_error *error);

/* Removes the file, if it is still the one. */
void spb_socket_file_remove(struct spb_socket_file *file);

#endif
