#ifndef SPB_NET_SOCKET_FILE_H
#define SPB_NET_SOCKET_FILE_H

/*
 * The file of a Unix socket that is listened on, from its making to its removal. One that a process
 * has left behind is replaced; that nobody else does so at the same time is what the lock is for.
 */
#include <sys/types.h>

#include <sessionpb/status.h>

enum { SPB_SOCKET_NAME_SIZE = 128 }; /* with ".lock"; a socket's whole path has 108 bytes at most */

struct spb_socket_file {
    int directory;                   /* wherever the process stands by then; -1 without a file */
    int lock;                        /* the locked file; -1 without one */
    char name[SPB_SOCKET_NAME_SIZE]; /* in the directory */
    char lock_name[SPB_SOCKET_NAME_SIZE];
    dev_t device; /* what the file is, to tell it from one that somebody put there later */
    ino_t inode;
};

/* One without a file. */
struct spb_socket_file spb_socket_file_none(void);

/*
 * Binds the socket to a new file of these permissions.
 *
 * endpoint   for messages
 *
 * SPB_OK; SPB_IO, and there is nothing to remove.
 */
enum spb_status spb_socket_file_bind(struct spb_socket_file *file, int fd, const char *path,
                                     mode_t mode, const char *endpoint, struct spb_error *error);

/* Removes the file, if it is still the one. */
void spb_socket_file_remove(struct spb_socket_file *file);

#endif
