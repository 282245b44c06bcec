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

/*
 * A path under construction inside error->path. What does not fit is cut, and then the path ends in
 * "...". `len` is where the next part goes; set it back to cut the path to an earlier part.
 */
struct spb_path {
    char *text; /* SPB_PATH_MAX bytes, NUL-terminated */
    size_t len;
};

void spb_path_append(struct spb_path *path, const char *text, size_t len);

/* Appends a name with the escapes of a JSON Pointer (RFC 6901). */
void spb_path_append_name(struct spb_path *path, const char *name, size_t len);

#endif
