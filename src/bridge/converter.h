#ifndef SPB_BRIDGE_CONVERTER_H
#define SPB_BRIDGE_CONVERTER_H

/*
 * What a converter owns, and the steps that the doors share. Not part of the public interface.
 */
#include <sessionpb/convert.h>

#include "base/bytes.h"
#include "base/sort.h"
#include "bridge/additional.h"
#include "schema/table.h"
#include "wire/normalise.h"

struct spb_engine;

struct spb_converter {
    struct spb_options options; /* limits filled in */
    struct spb_schema *schema;
    const struct spb_engine *engine; /* see bridge/engine.h */
    struct spb_additional additional;
    struct spb_normaliser normaliser;
    struct spb_spans entries; /* of the map that is being written */
    struct spb_bytes input;   /* a padded copy of what a caller gave */
    struct spb_bytes normal;  /* a message in canonical order, when it came in another */
    struct spb_bytes text;    /* a padded copy of text that stands inside of a message */
    struct spb_bytes unknown; /* unknown fields of the messages that are being read, a stack */
    struct spb_bytes packed;  /* a struct as bytes, while it is converted */
    struct spb_bytes pb;      /* a message between two passes */
    struct spb_bytes json;    /* text between two passes */
    uint8_t *length_lens;     /* for each row, the bytes that its last length took */
};

/* What a caller gave, with its padding: in a copy unless it has it. NULL when memory is short. */
const uint8_t *spb_input_padded(spb_converter *converter, const void *data, size_t len);

/*
 * Converts the document at the start of a padded text, which may be followed by more. *used_out:
 * bytes of the document and the white space before it. See spb_json_to_pb().
 */
enum spb_status spb_json_to_pb_padded(spb_converter *converter, const char *json, size_t len,
                                      size_t *used_out, struct spb_bytes *pb,
                                      struct spb_error *error);

/* See spb_pb_to_json(); the bytes are padded. */
enum spb_status spb_pb_to_json_padded(spb_converter *converter, const uint8_t *pb, size_t len,
                                      struct spb_bytes *json, struct spb_error *error);

/*
 * Gives a message as canonical bytes that have passed every check, for doors that then walk them
 * without looking back: *canonical_out, padded, valid until the next conversion. Fails like
 * spb_pb_to_json().
 */
enum spb_status spb_canonical(spb_converter *converter, const void *pb, size_t len,
                              const struct spb_bytes **canonical_out, struct spb_error *error);

#endif
