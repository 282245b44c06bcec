/*
 * Errors: the caller's struct, filled in one place. Long texts are cut, never allocated.
 */
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

enum spb_status spb_error_vset(struct spb_error *error, enum spb_status status, size_t offset,
                               const char *format, va_list arguments)
{
    if (error == NULL)
        return status;
    error->status = status;
    error->offset = offset;
    error->line = 0;
    error->column = 0;
    error->path[0] = '\0';
    vsnprintf(error->reason, sizeof error->reason, format, arguments);
    return status;
}

enum spb_status spb_error_set(struct spb_error *error, enum spb_status status, size_t offset,
                              const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    spb_error_vset(error, status, offset, format, arguments);
    va_end(arguments);
    return status;
}

void spb_error_unplace(struct spb_error *error)
{
    if (error == NULL)
        return;
    error->offset = 0;
    error->line = 0;
    error->column = 0;
}

void spb_path_append(struct spb_path *path, const char *text, size_t len)
{
    static const char cut[] = "...";
    const size_t room = SPB_PATH_MAX - sizeof cut - path->len;
    size_t fits = len < room ? len : room;

    if (path->len > SPB_PATH_MAX - sizeof cut)
        return;
    while (fits > 0 && fits < len && ((uint8_t)text[fits] & 0xC0) == 0x80)
        fits--; /* not inside of a character */
    memcpy(path->text + path->len, text, fits);
    path->len += fits;
    path->text[path->len] = '\0';
    if (fits < len) {
        memcpy(path->text + path->len, cut, sizeof cut);
        path->len = SPB_PATH_MAX;
    }
}

void spb_path_cut(struct spb_path *path, size_t len)
{
    if (len >= SPB_PATH_MAX)
        return;
    path->len = len;
    path->text[len] = '\0';
}

/* One character of a name. Returns its bytes. */
static size_t append_character(struct spb_path *path, const char *name, size_t len)
{
    bool printable;
    const size_t character = spb_utf8_character((const uint8_t *)name, len, &printable);

    if (*name == '~')
        spb_path_append(path, "~0", 2);
    else if (*name == '/')
        spb_path_append(path, "~1", 2);
    else if (!printable)
        spb_path_append(path, "?", 1);
    else
        spb_path_append(path, name, character);
    return character;
}

void spb_path_append_name(struct spb_path *path, const char *name, size_t len)
{
    for (size_t i = 0; i < len;)
        i += append_character(path, name + i, len - i);
}

/* See sessionpb/status.h. */
const char *spb_status_name(enum spb_status status)
{
    static const struct {
        enum spb_status status;
        const char *name;
    } names[] = {
        { SPB_OK, "SPB_OK" },
        { SPB_NEED_MORE, "SPB_NEED_MORE" },
        { SPB_END, "SPB_END" },
        { SPB_MISUSE, "SPB_MISUSE" },
        { SPB_BAD_JSON, "SPB_BAD_JSON" },
        { SPB_BAD_UNICODE, "SPB_BAD_UNICODE" },
        { SPB_BAD_WIRE, "SPB_BAD_WIRE" },
        { SPB_BAD_ARCHIVE, "SPB_BAD_ARCHIVE" },
        { SPB_MISSING_MEMBER, "SPB_MISSING_MEMBER" },
        { SPB_DUPLICATE_MEMBER, "SPB_DUPLICATE_MEMBER" },
        { SPB_WRONG_TYPE, "SPB_WRONG_TYPE" },
        { SPB_OUT_OF_RANGE, "SPB_OUT_OF_RANGE" },
        { SPB_UNKNOWN_MEMBER, "SPB_UNKNOWN_MEMBER" },
        { SPB_NOT_REPRESENTABLE, "SPB_NOT_REPRESENTABLE" },
        { SPB_TOO_LARGE, "SPB_TOO_LARGE" },
        { SPB_TOO_DEEP, "SPB_TOO_DEEP" },
        { SPB_OVER_BUDGET, "SPB_OVER_BUDGET" },
        { SPB_NO_MEMORY, "SPB_NO_MEMORY" },
        { SPB_IO, "SPB_IO" },
        { SPB_TIMEOUT, "SPB_TIMEOUT" },
        { SPB_INTERNAL, "SPB_INTERNAL" },
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (names[i].status == status)
            return names[i].name;
    }
    return "(no status of sessionpb)";
}
