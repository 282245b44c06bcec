#ifndef SPB_BRIDGE_ENGINE_H
#define SPB_BRIDGE_ENGINE_H

/*
 * The engine: one pass over a document, and one over a message. json_to_pb.c and pb_to_json.c are
 * compiled once for each set of vector instructions that pays (base/scan.h), and a converter takes
 * the best one that its processor has.
 */
#include "bridge/converter.h"

/*
 * Converts the document at the start of a padded text. *used_out: bytes of it, and of white space
 * before it. The error is not located yet.
 */
typedef enum spb_status spb_json_to_pb_pass(spb_converter *converter, const char *json, size_t len,
                                            size_t *used_out, struct spb_bytes *pb,
                                            struct spb_error *error);

/*
 * Prints a padded message in canonical order; SPB_INTERNAL where it is in another. `ordered`: it has
 * been put in order. *shadowed_out: an additional member has the name of a field that is absent. The
 * error is not located yet.
 */
typedef enum spb_status spb_pb_to_json_pass(spb_converter *converter, const uint8_t *pb, size_t len,
                                            bool ordered, struct spb_bytes *json,
                                            bool *shadowed_out, struct spb_error *error);

struct spb_engine {
    spb_json_to_pb_pass *json_to_pb;
    spb_pb_to_json_pass *pb_to_json;
};

/* What the two files define: a pass under the name of the variant that they are compiled as. */
#if !defined(SPB_ENGINE)
#define SPB_ENGINE baseline
#endif
#define SPB_ENGINE_NAME_OF(pass, engine) pass##_##engine
#define SPB_ENGINE_NAME(pass, engine)    SPB_ENGINE_NAME_OF(pass, engine)
#define SPB_JSON_TO_PB                   SPB_ENGINE_NAME(spb_engine_json_to_pb, SPB_ENGINE)
#define SPB_PB_TO_JSON                   SPB_ENGINE_NAME(spb_engine_pb_to_json, SPB_ENGINE)

spb_json_to_pb_pass SPB_JSON_TO_PB;
spb_pb_to_json_pass SPB_PB_TO_JSON;

/* Number `index` of those that this processor can run, the best one first; NULL behind the last. */
const struct spb_engine *spb_engine(unsigned index);

#endif
