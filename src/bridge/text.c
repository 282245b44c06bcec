/*
 * The text door: JSON text and protobuf bytes. A pass of the engine does the work; what stands here
 * is what it does not do by itself: padding, limits, places of errors, bytes in any other order.
 */
#include <sessionpb/convert.h>

#include "base/error.h"
#include "bridge/engine.h"
#include "wire/locate.h"
#include "json/locate.h"
#include "json/reader.h"

static enum spb_status fail_memory(struct spb_error *error)
{
    return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
}

const uint8_t *spb_input_padded(spb_converter *converter, const void *data, size_t len)
{
    if (converter->options.padded && data != NULL)
        return data;
    return spb_bytes_copy_padded(&converter->input, data, len) == SPB_OK ? converter->input.data
                                                                         : NULL;
}

/* ------------------------------------------------------------------ JSON to protobuf */

enum spb_status spb_json_to_pb_padded(spb_converter *converter, const char *json, size_t len,
                                      size_t *used_out, struct spb_bytes *pb,
                                      struct spb_error *error)
{
    struct spb_error own;
    const enum spb_status status =
        converter->engine->json_to_pb(converter, json, len, used_out, pb, &own);

    if (status != SPB_OK && error != NULL) {
        *error = own;
        spb_json_locate(json, len, error);
    }
    return status;
}

/* See sessionpb/convert.h. */
enum spb_status spb_json_to_pb(spb_converter *converter, const char *json, size_t len,
                               struct spb_bytes *pb, struct spb_error *error)
{
    const size_t pb_len = pb->len;
    size_t used = 0;

    if (len > converter->options.limits.document_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "the document is longer than the limit of %zu bytes",
                             converter->options.limits.document_max);
    const char *const text = (const char *)spb_input_padded(converter, json, len);
    if (text == NULL)
        return fail_memory(error);
    enum spb_status status = spb_json_to_pb_padded(converter, text, len, &used, pb, error);
    if (status != SPB_OK)
        return status;
    const char *const behind = spb_json_space(text + used);
    if (behind == text + len)
        return SPB_OK;
    pb->len = pb_len;
    status = spb_error_set(error, SPB_BAD_JSON, (size_t)(behind - text),
                           "something stands behind the document");
    if (error != NULL)
        spb_json_locate(text, len, error);
    return status;
}

/* ------------------------------------------------------------------ protobuf to JSON */

/* Puts the message into converter->normal, in canonical order. */
static enum spb_status normalise(spb_converter *converter, const uint8_t *pb, size_t len,
                                 struct spb_error *error)
{
    struct spb_bytes *const normal = &converter->normal;
    struct spb_wire_reader reader = { .begin = pb,
                                      .depth_max = converter->options.limits.depth_max };

    normal->len = 0;
    const enum spb_status status = spb_wire_normalise(&converter->normaliser, &reader,
                                                      converter->schema->session, pb, len, normal);
    if (status != SPB_OK)
        *error = reader.error;
    else if (!spb_bytes_pad(normal))
        return fail_memory(error);
    return status;
}

/* What another field can mend that comes later; SPB_INTERNAL is the order itself. */
static bool may_be_replaced(enum spb_status status)
{
    return status != SPB_OK && status != SPB_NEED_MORE && status != SPB_BAD_WIRE &&
           status != SPB_TOO_DEEP && status != SPB_NO_MEMORY;
}

/*
 * Prints a message in any order. Whatever is wrong is judged in canonical order only: it may be the
 * order itself, or a value that a later one replaces. Canonical bytes are judged twice by that, and
 * their errors keep their offsets.
 */
static enum spb_status print(spb_converter *converter, const uint8_t *pb, size_t len,
                             struct spb_bytes *json, bool *shadowed_out, struct spb_error *error)
{
    const struct spb_engine *const engine = converter->engine;
    struct spb_error own;
    enum spb_status status =
        engine->pb_to_json(converter, pb, len, false, json, shadowed_out, &own);

    if (may_be_replaced(status)) {
        status = normalise(converter, pb, len, &own);
        if (status == SPB_OK) {
            pb = converter->normal.data;
            len = converter->normal.len;
            status = engine->pb_to_json(converter, pb, len, true, json, shadowed_out, &own);
        }
    }
    if (status != SPB_OK && error != NULL) {
        *error = own;
        spb_wire_locate(converter->schema->session, pb, len, error);
    }
    return status;
}

/*
 * A member that was additional when the bytes were written is a field of the schema by now: reading
 * the text, from `begin` on, as JSON gives it its place, or refuses what it holds.
 */
static enum spb_status promote(spb_converter *converter, struct spb_bytes *json, size_t begin,
                               struct spb_error *error)
{
    struct spb_bytes *const text = &converter->text;
    struct spb_bytes *const pb = &converter->pb;
    bool shadowed;
    size_t used = 0;

    pb->len = 0;
    const enum spb_status copied =
        spb_bytes_copy_padded(text, json->data + begin, json->len - begin);
    json->len = begin;
    if (copied != SPB_OK)
        return fail_memory(error);
    const enum spb_status status =
        spb_json_to_pb_padded(converter, (const char *)text->data, text->len, &used, pb, error);
    if (status != SPB_OK) {
        spb_error_unplace(error);
        return status;
    }
    if (!spb_bytes_pad(pb))
        return fail_memory(error);
    return print(converter, pb->data, pb->len, json, &shadowed, error);
}

enum spb_status spb_pb_to_json_padded(spb_converter *converter, const uint8_t *pb, size_t len,
                                      struct spb_bytes *json, struct spb_error *error)
{
    const size_t begin = json->len;
    bool shadowed = false;
    const enum spb_status status = print(converter, pb, len, json, &shadowed, error);

    return status == SPB_OK && shadowed ? promote(converter, json, begin, error) : status;
}

/* See sessionpb/convert.h. */
enum spb_status spb_pb_to_json(spb_converter *converter, const void *pb, size_t len,
                               struct spb_bytes *json, struct spb_error *error)
{
    if (len > converter->options.limits.document_max)
        return spb_error_set(error, SPB_TOO_LARGE, 0,
                             "the message is longer than the limit of %zu bytes",
                             converter->options.limits.document_max);
    const uint8_t *const bytes = spb_input_padded(converter, pb, len);
    if (bytes == NULL)
        return fail_memory(error);
    return spb_pb_to_json_padded(converter, bytes, len, json, error);
}
