#ifndef SESSIONPB_TREE_H
#define SESSIONPB_TREE_H

#include <sessionpb/convert.h>

SPB_BEGIN_DECLS

struct cJSON;

/*
 * The tree door: a session as a tree of cJSON nodes.
 *
 * cJSON keeps numbers as doubles and strings as C strings. What that cannot hold is an error here,
 * SPB_NOT_REPRESENTABLE, and never a silent change: a NUL in a string, and in the value of an
 * additional member an integer above 2^53 or a number with more digits than a double has.
 * A cJSON_Raw node (its text must be JSON) carries any number exactly, as an additional member.
 */

/*
 * tree      an object; read only
 * pb        receives the message, appended; untouched on failure
 *
 * Fails like spb_json_to_pb(); the error has a path and a reason but no offset, line or column.
 */
enum spb_status spb_tree_to_pb(spb_converter *converter, const struct cJSON *tree,
                               struct spb_bytes *pb, struct spb_error *error);

/*
 * pb, len     see spb_pb_to_json()
 * *tree_out   caller owns it, release with cJSON_Delete(); untouched on failure. Members stand in
 *             canonical order.
 *
 * Fails like spb_pb_to_json(), and with SPB_NOT_REPRESENTABLE or SPB_OVER_BUDGET (above
 * limits.memory_max or items_max); the path of these two is a JSON Pointer, and they have no offset.
 */
enum spb_status spb_pb_to_tree(spb_converter *converter, const void *pb, size_t len,
                               struct cJSON **tree_out, struct spb_error *error);

SPB_END_DECLS
#endif
