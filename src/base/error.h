#ifndef SPB_BASE_ERROR_H
#define SPB_BASE_ERROR_H

#include <stdarg.h>

#include <sessionpb/status.h>

/*
 * Writes an error that knows its offset only: line, column and path stay empty. `error` may be
 * NULL. Returns status.
 */
enum spb_status spb_error_set(struct spb_error *error, enum spb_status status, size_t offset,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));
enum spb_status spb_error_vset(struct spb_error *error, enum spb_status status, size_t offset,
                               const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));

/* Keeps the path only: the rest counts in text that the caller has not seen. NULL is allowed. */
void spb_error_unplace(struct spb_error *error);

/*
 * A path under construction inside error->path. What does not fit is cut, and then the path ends in
 * "...". `len` is where the next part goes.
 */
struct spb_path {
    char *text; /* SPB_PATH_MAX bytes, NUL-terminated */
    size_t len;
};

void spb_path_append(struct spb_path *path, const char *text, size_t len);

/* Sets the path back to a length that it had, unless it was too long by then. */
void spb_path_cut(struct spb_path *path, size_t len);

/*
 * Appends a name with the escapes of a JSON Pointer (RFC 6901). A control character or what is not
 * UTF-8 becomes a question mark: a path is printed on terminals.
 */
void spb_path_append_name(struct spb_path *path, const char *name, size_t len);

#endif
