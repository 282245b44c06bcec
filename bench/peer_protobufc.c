/* What protobuf-c generates, and nothing around it. */
#include "peer.h"

#include <stdlib.h>

#include "journey/v1/session.pb-c.h"

void *peer_protobufc_unpack(const uint8_t *pb, size_t len)
{
    return journey__v1__session__unpack(NULL, len, pb);
}

bool peer_protobufc_pack(const void *session, struct peer_bytes *pb)
{
    const size_t len = journey__v1__session__get_packed_size(session);

    if (len > pb->capacity) {
        free(pb->data);
        pb->data = malloc(len * 2);
        pb->capacity = pb->data != NULL ? len * 2 : 0;
        if (pb->data == NULL)
            return false;
    }
    pb->len = journey__v1__session__pack(session, pb->data);
    return pb->len == len;
}
