#ifndef SESSIONPB_SESSION_H
#define SESSIONPB_SESSION_H

#include <sessionpb/convert.h>

#include "journey/v1/session.pb-c.h"

SPB_BEGIN_DECLS

/*
 * The struct door: a session as the struct that protobuf-c generates from session.proto.
 *
 * A session that was read here lives in memory of its own, in one piece for all its parts: release
 * it with spb_session_free() and never with journey__v1__session__free_unpacked(), and free none of
 * its parts. It may be changed in place, as long as what it then points to outlives its use.
 *
 * A C string ends at its first NUL, so a session with a NUL in a string is SPB_NOT_REPRESENTABLE
 * here. A struct above limits.memory_max or limits.items_max is SPB_OVER_BUDGET. Both are found in the
 * session's canonical bytes: the error's path is a field path then, for text as well.
 */

/* json, len: see spb_json_to_pb(). *session_out: caller owns it; untouched on failure. Fails like
   spb_json_to_pb(), and with SPB_NOT_REPRESENTABLE or SPB_OVER_BUDGET. */
enum spb_status spb_json_to_session(spb_converter *converter, const char *json, size_t len,
                                    Journey__V1__Session **session_out, struct spb_error *error);

/* pb, len: see spb_pb_to_json(). *session_out: caller owns it; untouched on failure. Fails like
   spb_pb_to_json(), and with SPB_NOT_REPRESENTABLE or SPB_OVER_BUDGET. */
enum spb_status spb_pb_to_session(spb_converter *converter, const void *pb, size_t len,
                                  Journey__V1__Session **session_out, struct spb_error *error);

/* Write a session, which may come from anywhere, as canonical JSON text. Fails like spb_pb_to_json();
   positions count in the bytes that protobuf-c packs from the struct. */
enum spb_status spb_session_to_json(spb_converter *converter, const Journey__V1__Session *session,
                                    struct spb_bytes *json, struct spb_error *error);

/* The same as protobuf bytes. Fails likewise. */
enum spb_status spb_session_to_pb(spb_converter *converter, const Journey__V1__Session *session,
                                  struct spb_bytes *pb, struct spb_error *error);

/* Release a session that spb_json_to_session() or spb_pb_to_session() gave. NULL is allowed. */
void spb_session_free(Journey__V1__Session *session);

SPB_END_DECLS
#endif
