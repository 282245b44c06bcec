/*
 * Indents canonical text. It trusts its input: what comes here was written by this library.
 */
#include <sessionpb/convert.h>

#include <stdbool.h>

#include "base/out.h"
#include "json/reader.h"

enum { INDENT = 2 };

static bool put_line(struct spb_out *out, size_t depth)
{
    if (!spb_out_room(out, 1 + depth * INDENT))
        return false;
    *out->at++ = '\n';
    for (size_t i = 0; i < depth * INDENT; i++)
        *out->at++ = ' ';
    return true;
}

static bool put_text(struct spb_out *out, const char *text, size_t len)
{
    if (!spb_out_room(out, len))
        return false;
    memcpy(out->at, text, len);
    out->at += len;
    return true;
}

/* The end of what is printed as it is: a string, a run of other characters, an empty container. */
static const char *plain_end(const char *at, const char *end)
{
    if (*at == '"')
        return spb_json_skip_string(at + 1);
    if ((*at == '{' && at[1] == '}') || (*at == '[' && at[1] == ']'))
        return at + 2;
    while (at < end && *at != '"' && *at != ',' && *at != ':' && *at != '{' && *at != '}' &&
           *at != '[' && *at != ']')
        at++;
    return at;
}

static bool indent(struct spb_out *out, const char *at, const char *end)
{
    size_t depth = 0;
    bool fine = true;

    while (fine && at < end) {
        const char *const behind = plain_end(at, end);
        if (behind > at) {
            fine = put_text(out, at, (size_t)(behind - at));
            at = behind;
            continue;
        }
        if (*at == '}' || *at == ']')
            fine = put_line(out, --depth);
        fine = fine && put_text(out, at, 1);
        if (*at == '{' || *at == '[')
            fine = fine && put_line(out, ++depth);
        else if (*at == ',')
            fine = fine && put_line(out, depth);
        else if (*at == ':')
            fine = fine && put_text(out, " ", 1);
        at++;
    }
    return fine;
}

/* See sessionpb/convert.h. */
enum spb_status spb_json_pretty(const char *json, size_t len, struct spb_bytes *pretty)
{
    struct spb_out out;

    spb_out_begin(&out, pretty);
    if (!indent(&out, json, json + len))
        return SPB_NO_MEMORY;
    spb_out_finish(&out);
    return SPB_OK;
}
