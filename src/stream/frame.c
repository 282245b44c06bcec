/*
 * Framing of messages: pure functions over bytes that have arrived.
 */
#include <sessionpb/frame.h>

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/out.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum {
    MESSAGE_MAX_DEFAULT = 64 << 20, /* document_max of struct spb_limits */
    BE32_LEN = 4,
    LIST_TAG = 1 << 3 | SPB_WIRE_LEN, /* SessionListing.entities, and Session.id */
    HEADER_MAX = 1 + SPB_VARINT_MAX
};

/* ------------------------------------------------------------------ writing */

static uint8_t *put_be32(uint8_t *to, uint32_t value)
{
    for (unsigned shift = 32; shift > 0; shift -= 8)
        *to++ = (uint8_t)(value >> (shift - 8));
    return to;
}

/* See sessionpb/frame.h. */
enum spb_status spb_frame_append(enum spb_framing framing, const void *message, size_t len,
                                 struct spb_bytes *out)
{
    uint8_t header[HEADER_MAX];
    uint8_t *end = header;

    if (framing == SPB_FRAMING_BE32 && len > UINT32_MAX)
        return SPB_TOO_LARGE;
    if (framing == SPB_FRAMING_LIST)
        *end++ = LIST_TAG;
    if (framing == SPB_FRAMING_LIST || framing == SPB_FRAMING_DELIMITED)
        end = spb_wire_put_varint(end, len);
    if (framing == SPB_FRAMING_BE32)
        end = put_be32(end, (uint32_t)len);
    if (len > SIZE_MAX - HEADER_MAX || spb_bytes_reserve(out, HEADER_MAX + len) != SPB_OK)
        return SPB_NO_MEMORY;
    spb_bytes_append(out, header, (size_t)(end - header));
    return spb_bytes_append(out, message, len);
}

/* ------------------------------------------------------------------ reading */

struct find {
    const uint8_t *data;
    const uint8_t *end;
    bool ended;
    size_t message_max;
    struct spb_error *error;
};

static enum spb_status need_more(const struct find *f)
{
    return spb_error_set(f->error, SPB_NEED_MORE, (size_t)(f->end - f->data),
                         f->ended ? "the stream ends inside a frame"
                                  : "the frame has not arrived whole");
}

static enum spb_status bad_header(const struct find *f)
{
    return spb_error_set(f->error, SPB_BAD_WIRE, 0,
                         "no frame begins here: is the framing another one?");
}

/* Reads the length behind what comes before it. *message: behind the length. */
static enum spb_status read_varint(const struct find *f, const uint8_t *at, const uint8_t **message,
                                   uint64_t *len)
{
    struct spb_wire_reader reader = { .begin = f->data };

    *message = spb_wire_varint(&reader, at, f->end, len);
    if (*message != NULL)
        return SPB_OK;
    return reader.error.status == SPB_NEED_MORE ? need_more(f) : bad_header(f);
}

static enum spb_status read_be32(const struct find *f, const uint8_t **message, uint64_t *len)
{
    if (f->end - f->data < BE32_LEN)
        return need_more(f);
    *len = 0;
    for (unsigned i = 0; i < BE32_LEN; i++)
        *len = *len << 8 | f->data[i];
    *message = f->data + BE32_LEN;
    return SPB_OK;
}

static enum spb_status read_header(const struct find *f, enum spb_framing framing,
                                   const uint8_t **message, uint64_t *len)
{
    if (framing == SPB_FRAMING_BE32)
        return read_be32(f, message, len);
    if (framing == SPB_FRAMING_DELIMITED)
        return read_varint(f, f->data, message, len);
    if (*f->data != LIST_TAG)
        return bad_header(f);
    return read_varint(f, f->data + 1, message, len);
}

static enum spb_status find_raw(const struct find *f, struct spb_frame *frame_out)
{
    const size_t len = (size_t)(f->end - f->data);

    if (len > f->message_max)
        return spb_error_set(f->error, SPB_TOO_LARGE, 0,
                             "the message is longer than the limit of %zu bytes", f->message_max);
    if (!f->ended)
        return need_more(f);
    *frame_out = (struct spb_frame){ f->data, len, len };
    return SPB_OK;
}

/* See sessionpb/frame.h. */
enum spb_status spb_frame_find(enum spb_framing framing, const void *data, size_t len, bool ended,
                               size_t message_max, struct spb_frame *frame_out,
                               struct spb_error *error)
{
    const uint8_t *const begin = len == 0 ? (const uint8_t *)"" : data; /* which may be NULL */
    const struct find f = { .data = begin,
                            .end = begin + len,
                            .ended = ended,
                            .message_max = message_max == 0 ? MESSAGE_MAX_DEFAULT : message_max,
                            .error = error };
    const uint8_t *message = NULL;
    uint64_t message_len = 0;

    if (len == 0)
        return f.ended ? SPB_END : need_more(&f);
    if (framing == SPB_FRAMING_RAW)
        return find_raw(&f, frame_out);
    const enum spb_status status = read_header(&f, framing, &message, &message_len);
    if (status != SPB_OK)
        return status;
    if (message_len > f.message_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "a message of %llu bytes is longer than the limit of %zu",
                             (unsigned long long)message_len, f.message_max);
    if (message_len > (uint64_t)(f.end - message))
        return need_more(&f);
    *frame_out = (struct spb_frame){ message, (size_t)message_len,
                                     (size_t)(message - f.data) + (size_t)message_len };
    return SPB_OK;
}

/* ------------------------------------------------------------------ telling apart */

/*
 * A list or a bare message: both begin with a field of number 1. Behind the first entity comes the
 * next one or the end, behind a session's id another field.
 */
static enum spb_status detect_list(const uint8_t *first, const uint8_t *end, bool ended,
                                   enum spb_framing *framing_out)
{
    struct spb_wire_reader reader = { .begin = first };
    uint64_t len = 0;
    const uint8_t *const value = spb_wire_varint(&reader, first + 1, end, &len);
    const bool arrived = value != NULL && len < (uint64_t)(end - value);

    if (!arrived && !ended && len <= MESSAGE_MAX_DEFAULT)
        return SPB_NEED_MORE;
    *framing_out = arrived && value[len] != LIST_TAG ? SPB_FRAMING_RAW : SPB_FRAMING_LIST;
    return SPB_OK;
}

/* See sessionpb/frame.h. */
enum spb_status spb_frame_detect(const void *data, size_t len, bool ended,
                                 enum spb_framing *framing_out)
{
    const uint8_t *const first = data;

    if (len == 0 && !ended)
        return SPB_NEED_MORE;
    if (len > 0 && *first == LIST_TAG)
        return detect_list(first, first + len, ended, framing_out);
    *framing_out = len > 0 && *first == 0 ? SPB_FRAMING_BE32 : SPB_FRAMING_DELIMITED;
    return SPB_OK;
}

/* A format and the bytes that it begins with. */
static const struct {
    const char *name;
    const char *bytes;
    size_t len;
} formats[] = {
    { "gzip data", "\x1f\x8b", 2 },       { "a zstd archive", "\x28\xb5\x2f\xfd", 4 },
    { "xz data", "\xfd\x37zXZ", 5 },      { "bzip2 data", "BZh", 3 },
    { "a zip file", "PK\x03\x04", 4 },    { "UTF-32 text", "\xff\xfe\0\0", 4 },
    { "UTF-32 text", "\0\0\xfe\xff", 4 }, { "UTF-16 text", "\xff\xfe", 2 },
    { "UTF-16 text", "\xfe\xff", 2 },     { "UTF-16 text", "{\0", 2 },
    { "UTF-16 text", "\0{", 2 },          { "UTF-16 text", "[\0", 2 },
    { "UTF-16 text", "\0[", 2 },          { "JSON text", "\xef\xbb\xbf{", 4 },
    { "XML text", "<?xml", 5 },           { "an Avro file", "Obj\x01", 4 },
    { "a Parquet file", "PAR1", 4 },
};

/* A brace or bracket and then, behind white space, what may follow it in JSON. */
static bool looks_like_json(const uint8_t *at, const uint8_t *end)
{
    while (at < end && memchr(" \t\r\n", *at, 4) != NULL)
        at++;
    if (at == end || (*at != '{' && *at != '['))
        return false;
    for (at++; at < end && memchr(" \t\r\n", *at, 4) != NULL; at++)
        continue;
    return at == end || memchr("\"{}[]", *at, 5) != NULL;
}

/* Two fields, one behind the other, of numbers that a session has. */
static bool looks_like_protobuf(const uint8_t *at, const uint8_t *end)
{
    struct spb_wire_reader reader = { .begin = at };
    struct spb_wire_field field;

    for (unsigned i = 0; i < 2; i++) {
        at = spb_wire_field(&reader, at, end, &field);
        if (at == NULL || field.number > SPB_ADDITIONAL_NUMBER)
            return false;
    }
    return true;
}

/* See sessionpb/frame.h. */
const char *spb_looks_like(const void *data, size_t len)
{
    const uint8_t *const begin = data;
    const uint8_t *const end = begin + len;
    struct spb_wire_reader reader = { .begin = begin };
    uint64_t message_len;

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (len >= formats[i].len && memcmp(data, formats[i].bytes, formats[i].len) == 0)
            return formats[i].name;
    }
    if (looks_like_json(begin, end))
        return "JSON text";
    if (looks_like_protobuf(begin, end))
        return "a protobuf message";
    const uint8_t *const message = spb_wire_varint(&reader, begin, end, &message_len);
    if (message != NULL && looks_like_protobuf(message, end))
        return "a stream of protobuf messages";
    return NULL;
}
