#define _DEFAULT_SOURCE /* flock(), S_ISVTX */

#include "net/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "net/address.h"
#include "net/endpoint.h"

enum { LOCK_MODE = 0600, PERMISSIONS = 0777 };

static const char lock_suffix[] = ".lock";

static enum spb_status refuse(struct spb_error *error, const char *endpoint, const char *why)
{
    return spb_error_set(error, SPB_IO, 0, "cannot listen on %s: %s", endpoint, why);
}

static enum spb_status failed(struct spb_error *error, const char *endpoint)
{
    return spb_endpoint_failed(error, "listen on", endpoint, errno);
}

/* ------------------------------------------------------------------ the directory */

/* Who may write to the directory may put another socket in this one's place. */
static enum spb_status check_directory(const char *path, const char *endpoint,
                                       struct spb_error *error)
{
    char *const copy = strdup(path);
    struct stat directory;

    if (copy == NULL)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "not enough memory");
    const int result = stat(dirname(copy), &directory);
    free(copy);
    if (result == -1)
        return failed(error, endpoint);
    if (directory.st_uid != geteuid() && directory.st_uid != 0)
        return refuse(error, endpoint, "its directory belongs to another user");
    if ((directory.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (directory.st_mode & S_ISVTX) == 0)
        return refuse(error, endpoint, "others may write to its directory");
    return SPB_OK;
}

/* ------------------------------------------------------------------ the lock */

/* Whether the path still names the locked file: its last owner may have removed it meanwhile. */
static bool is_current(int lock, const char *path)
{
    struct stat locked, named;

    return fstat(lock, &locked) == 0 && lstat(path, &named) == 0 && locked.st_dev == named.st_dev &&
           locked.st_ino == named.st_ino;
}

static enum spb_status take_lock(struct spb_socket_file *file, const char *endpoint,
                                 struct spb_error *error)
{
    for (;;) {
        const int lock =
            open(file->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOCK_MODE);

        if (lock == -1)
            return spb_endpoint_failed(error, "make the lock of", endpoint, errno);
        const bool locked = flock(lock, LOCK_EX | LOCK_NB) == 0;
        const int failure = errno;
        if (locked && is_current(lock, file->lock_path)) {
            file->lock = lock;
            return SPB_OK;
        }
        (void)close(lock);
        if (!locked && failure != EINTR)
            return failure == EWOULDBLOCK ? refuse(error, endpoint, "it is in use")
                                          : spb_endpoint_failed(error, "lock", endpoint, failure);
    }
}

static void drop_lock(struct spb_socket_file *file)
{
    (void)unlink(file->lock_path);
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
    return failure == EAGAIN ? 0 : failure; /* its backlog is full */
}

/* With the lock held: what stands there belongs to nobody, or to another program. */
static enum spb_status remove_stale(const char *path, const char *endpoint, struct spb_error *error)
{
    struct stat found;

    if (lstat(path, &found) == -1)
        return errno == ENOENT ? SPB_OK : failed(error, endpoint);
    if (!S_ISSOCK(found.st_mode))
        return refuse(error, endpoint, "there is a file of another kind");
    const int failure = probe(path);
    if (failure == 0)
        return refuse(error, endpoint, "it is in use");
    if (failure != ECONNREFUSED)
        return spb_endpoint_failed(error, "tell who listens on", endpoint, failure);
    return unlink(path) == 0 ? SPB_OK : failed(error, endpoint);
}

/* The file has never more permissions than it shall have in the end: the umask only takes some away
   at first. */
static enum spb_status make_file(struct spb_socket_file *file, int fd, mode_t mode,
                                 const char *endpoint, struct spb_error *error)
{
    const struct sockaddr_un address = spb_address_unix(file->path);
    struct stat made;

    if (fchmod(fd, mode) == -1 || bind(fd, (const struct sockaddr *)&address, sizeof address) == -1)
        return failed(error, endpoint);
    if (chmod(file->path, mode) == -1 || lstat(file->path, &made) == -1) {
        (void)failed(error, endpoint);
        (void)unlink(file->path);
        return SPB_IO;
    }
    file->device = made.st_dev;
    file->inode = made.st_ino;
    return SPB_OK;
}

static enum spb_status copy_paths(struct spb_socket_file *file, const char *path,
                                  struct spb_error *error)
{
    const size_t len = strlen(path);

    file->path = strdup(path);
    file->lock_path = malloc(len + sizeof lock_suffix);
    if (file->path == NULL || file->lock_path == NULL)
        return spb_error_set(error, SPB_NO_MEMORY, 0, "not enough memory");
    memcpy(file->lock_path, path, len);
    memcpy(file->lock_path + len, lock_suffix, sizeof lock_suffix);
    return SPB_OK;
}

static void forget(struct spb_socket_file *file)
{
    free(file->path);
    free(file->lock_path);
    *file = (struct spb_socket_file){ .lock = -1 };
}

/* See net/socket_file.h. */
enum spb_status spb_socket_file_bind(struct spb_socket_file *file, int fd, const char *path,
                                     mode_t mode, const char *endpoint, struct spb_error *error)
{
    enum spb_status status = check_directory(path, endpoint, error);

    *file = (struct spb_socket_file){ .lock = -1 };
    if (status == SPB_OK)
        status = copy_paths(file, path, error);
    if (status == SPB_OK)
        status = take_lock(file, endpoint, error);
    if (status == SPB_OK)
        status = remove_stale(path, endpoint, error);
    if (status == SPB_OK)
        status = make_file(file, fd, mode & PERMISSIONS, endpoint, error);
    if (status != SPB_OK) {
        if (file->lock != -1)
            drop_lock(file);
        forget(file);
    }
    return status;
}

/* See net/socket_file.h. */
void spb_socket_file_remove(struct spb_socket_file *file)
{
    struct stat found;

    if (file->path == NULL)
        return;
    if (lstat(file->path, &found) == 0 && found.st_dev == file->device &&
        found.st_ino == file->inode)
        (void)unlink(file->path);
    drop_lock(file);
    forget(file);
}
