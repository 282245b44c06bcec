/*
 * The id of a message, found by passing over its fields.
 */
#include <sessionpb/convert.h>

#include "bridge/converter.h"
#include "wire/reader.h"

/* See sessionpb/convert.h. */
enum spb_status spb_pb_id(spb_converter *converter, const void *pb, size_t len, const char **id_out,
                          size_t *len_out, struct spb_error *error)
{
    const uint8_t *const end = (const uint8_t *)pb + len;
    const uint32_t id = spb_table_find_name(converter->schema->session, "id", 2)->number;
    struct spb_wire_reader reader = { .begin = pb,
                                      .depth_max = converter->options.limits.depth_max };
    struct spb_wire_field found = { 0 };
    struct spb_wire_field field;

    for (const uint8_t *at = pb; at < end;) {
        at = spb_wire_field(&reader, at, end, &field);
        if (at == NULL) {
            if (error != NULL)
                *error = reader.error;
            return reader.error.status;
        }
        if (field.number == id && field.type == SPB_WIRE_LEN)
            found = field;
    }
    *id_out = (const char *)found.value;
    *len_out = found.len;
    return SPB_OK;
}
