#define _GNU_SOURCE /* flock(), O_PATH */

#include "net/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "net/address.h"
#include "net/endpoint.h"

enum { LOCK_MODE = 0600, PERMISSIONS = 0777 };

static enum spb_status refuse(struct spb_error *error, const char *endpoint, const char *why)
{
    return spb_error_set(error, SPB_IO, 0, "cannot listen on %s: %s", endpoint, why);
}

static enum spb_status failed(struct spb_error *error, const char *endpoint)
{
    return spb_endpoint_failed(error, "listen on", endpoint, errno);
}

/* Whether the name still means this file. */
static bool is_named(int directory, const char *name, dev_t device, ino_t inode)
{
    struct stat found;

    return fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_dev == device &&
           found.st_ino == inode;
}

/* ------------------------------------------------------------------ the directory */

static enum spb_status open_directory(struct spb_socket_file *file, const char *path,
                                      const char *endpoint, struct spb_error *error)
{
    const char *const slash = strrchr(path, '/');
    char directory[SPB_SOCKET_NAME_SIZE] = ".";

    /* "/" is the directory of "/name" */
    if (slash != NULL)
        (void)snprintf(directory, sizeof directory, "%.*s", (int)(slash - path) + 1, path);
    (void)snprintf(file->name, sizeof file->name, "%s", slash != NULL ? slash + 1 : path);
    (void)snprintf(file->lock_name, sizeof file->lock_name, "%.*s.lock", (int)sizeof file->name - 6,
                   file->name);
    file->directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return file->directory != -1 ? SPB_OK : failed(error, endpoint);
}

/* Who may write to the directory may put another socket in this one's place. */
static enum spb_status check_directory(const struct spb_socket_file *file, const char *endpoint,
                                       struct spb_error *error)
{
    struct stat directory;

    if (fstat(file->directory, &directory) == -1)
        return failed(error, endpoint);
    if (directory.st_uid != geteuid() && directory.st_uid != 0)
        return refuse(error, endpoint, "its directory belongs to another user");
    if ((directory.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (directory.st_mode & S_ISVTX) == 0)
        return refuse(error, endpoint, "others may write to its directory");
    return SPB_OK;
}

/* ------------------------------------------------------------------ the lock */

/* A lock that cannot be had at once is somebody else's. */
static enum spb_status try_lock(const struct spb_socket_file *file, int lock, const char *endpoint,
                                bool *current_out, struct spb_error *error)
{
    struct stat locked;

    if (flock(lock, LOCK_EX | LOCK_NB) == -1)
        return errno == EWOULDBLOCK ? refuse(error, endpoint, "it is in use")
                                    : spb_endpoint_failed(error, "lock", endpoint, errno);
    if (fstat(lock, &locked) == -1)
        return failed(error, endpoint);
    if (!S_ISREG(locked.st_mode) || locked.st_size > 0)
        return refuse(error, endpoint, "what has the name of its lock is none");
    *current_out = is_named(file->directory, file->lock_name, locked.st_dev, locked.st_ino);
    return SPB_OK;
}

/* Again, when the last owner has removed the file since it was opened. */
static enum spb_status take_lock(struct spb_socket_file *file, const char *endpoint,
                                 struct spb_error *error)
{
    enum spb_status status;
    bool current = false;

    do {
        const int lock = openat(file->directory, file->lock_name,
                                O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, LOCK_MODE);

        if (lock == -1)
            return spb_endpoint_failed(error, "make the lock of", endpoint, errno);
        status = try_lock(file, lock, endpoint, &current, error);
        if (current)
            file->lock = lock;
        else
            (void)close(lock);
    } while (status == SPB_OK && !current);
    return status;
}

static void drop_lock(const struct spb_socket_file *file)
{
    struct stat locked;

    if (file->lock == -1)
        return;
    if (fstat(file->lock, &locked) == 0 &&
        is_named(file->directory, file->lock_name, locked.st_dev, locked.st_ino))
        (void)unlinkat(file->directory, file->lock_name, 0);
    (void)close(file->lock);
}

/* ------------------------------------------------------------------ the file */

/* 0 where somebody listens, else the system's error. */
static int probe(const char *path)
{
    const struct sockaddr_un address = spb_address_unix(path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failure = errno;

    if (fd == -1)
        return failure;
    failure = connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : errno;
    (void)close(fd);
    /* its backlog is full; it takes another kind of connection */
    return failure == EAGAIN || failure == EPROTOTYPE ? 0 : failure;
}

/* With the lock held: what stands there belongs to nobody, or to another program. */
static enum spb_status remove_stale(const struct spb_socket_file *file, const char *path,
                                    const char *endpoint, struct spb_error *error)
{
    struct stat found;

    if (fstatat(file->directory, file->name, &found, AT_SYMLINK_NOFOLLOW) == -1)
        return errno == ENOENT ? SPB_OK : failed(error, endpoint);
    if (!S_ISSOCK(found.st_mode))
        return refuse(error, endpoint, "there is a file of another kind");
    const int failure = probe(path);
    if (failure == 0)
        return refuse(error, endpoint, "it is in use");
    if (failure != ECONNREFUSED)
        return spb_endpoint_failed(error, "tell who listens on", endpoint, failure);
    return unlinkat(file->directory, file->name, 0) == 0 ? SPB_OK : failed(error, endpoint);
}

/* The file has never more permissions than it shall have in the end: the umask only takes some away
   at first. */
static enum spb_status make_file(struct spb_socket_file *file, int fd, const char *path,
                                 mode_t mode, const char *endpoint, struct spb_error *error)
{
    const struct sockaddr_un address = spb_address_unix(path);
    struct stat made;

    if (fchmod(fd, mode) == -1 || bind(fd, (const struct sockaddr *)&address, sizeof address) == -1)
        return failed(error, endpoint);
    if (fchmodat(file->directory, file->name, mode, 0) == -1 ||
        fstatat(file->directory, file->name, &made, AT_SYMLINK_NOFOLLOW) == -1) {
        (void)failed(error, endpoint);
        (void)unlinkat(file->directory, file->name, 0);
        return SPB_IO;
    }
    file->device = made.st_dev;
    file->inode = made.st_ino;
    return SPB_OK;
}

/* See net/socket_file.h. */
struct spb_socket_file spb_socket_file_none(void)
{
    return (struct spb_socket_file){ .directory = -1, .lock = -1 };
}

static void forget(struct spb_socket_file *file)
{
    drop_lock(file);
    if (file->directory != -1)
        (void)close(file->directory);
    *file = spb_socket_file_none();
}

/* See net/socket_file.h. */
enum spb_status spb_socket_file_bind(struct spb_socket_file *file, int fd, const char *path,
                                     mode_t mode, const char *endpoint, struct spb_error *error)
{
    enum spb_status status;

    *file = spb_socket_file_none();
    status = open_directory(file, path, endpoint, error);
    if (status == SPB_OK)
        status = check_directory(file, endpoint, error);
    if (status == SPB_OK)
        status = take_lock(file, endpoint, error);
    if (status == SPB_OK)
        status = remove_stale(file, path, endpoint, error);
    if (status == SPB_OK)
        status = make_file(file, fd, path, mode & PERMISSIONS, endpoint, error);
    if (status != SPB_OK)
        forget(file);
    return status;
}

/* See net/socket_file.h. */
void spb_socket_file_remove(struct spb_socket_file *file)
{
    if (file->directory == -1)
        return;
    if (is_named(file->directory, file->name, file->device, file->inode))
        (void)unlinkat(file->directory, file->name, 0);
    forget(file);
}
