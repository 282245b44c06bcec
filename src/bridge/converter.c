/*
 * The converter: options with their defaults, schema tables, scratch memory.
 */
#include "bridge/converter.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bridge/engine.h"

/* The reasons for the numbers are in sessionpb/convert.h. */
static const struct spb_limits default_limits = {
    .document_max = (size_t)64 << 20,
    .depth_max = 64,
    .memory_max = (size_t)256 << 20,
    .items_max = 1000000,
};

enum { DEPTH_CEILING = 1000 };

static size_t limit(size_t given, size_t otherwise)
{
    return given == 0 ? otherwise : given;
}

/* False when the options are not of this version, or out of range. */
static bool set_options(struct spb_converter *converter, const struct spb_options *options)
{
    struct spb_options *const own = &converter->options;

    if (options != NULL && options->size != sizeof *options)
        return false;
    if (options != NULL)
        *own = *options;
    own->limits.document_max = limit(own->limits.document_max, default_limits.document_max);
    own->limits.depth_max = limit(own->limits.depth_max, default_limits.depth_max);
    own->limits.memory_max = limit(own->limits.memory_max, default_limits.memory_max);
    own->limits.items_max = limit(own->limits.items_max, default_limits.items_max);
    return own->unknown <= SPB_UNKNOWN_REJECT && own->limits.depth_max <= DEPTH_CEILING;
}

/* See sessionpb/convert.h. */
spb_converter *spb_converter_new(const struct spb_options *options)
{
    spb_converter *converter = calloc(1, sizeof *converter);

    if (converter == NULL)
        return NULL;
    converter->engine = spb_engine(0);
    converter->schema = spb_schema_new();
    if (converter->schema != NULL)
        converter->length_lens = malloc(converter->schema->row_count);
    if (converter->length_lens == NULL || !set_options(converter, options)) {
        spb_converter_free(converter);
        return NULL;
    }
    memset(converter->length_lens, 1, converter->schema->row_count);
    converter->normaliser.memory_max = converter->options.limits.memory_max;
    return converter;
}

/* See sessionpb/convert.h. */
void spb_converter_free(spb_converter *converter)
{
    if (converter == NULL)
        return;
    spb_schema_free(converter->schema);
    spb_additional_release(&converter->additional);
    spb_normaliser_release(&converter->normaliser);
    spb_spans_release(&converter->entries);
    spb_bytes_release(&converter->input);
    spb_bytes_release(&converter->normal);
    spb_bytes_release(&converter->text);
    spb_bytes_release(&converter->unknown);
    spb_bytes_release(&converter->packed);
    spb_bytes_release(&converter->pb);
    spb_bytes_release(&converter->json);
    free(converter->length_lens);
    free(converter);
}

enum spb_status spb_canonical(spb_converter *converter, const void *pb, size_t len,
                              const struct spb_bytes **canonical_out, struct spb_error *error)
{
    struct spb_bytes *const json = &converter->json;
    size_t used = 0;

    json->len = 0;
    enum spb_status status = spb_pb_to_json(converter, pb, len, json, error);
    if (status != SPB_OK)
        return status;
    converter->pb.len = 0;
    if (!spb_bytes_pad(json))
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    status = spb_json_to_pb_padded(converter, (const char *)json->data, json->len, &used,
                                   &converter->pb, error);
    if (status == SPB_OK && !spb_bytes_pad(&converter->pb))
        status = spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    *canonical_out = &converter->pb;
    return status;
}
