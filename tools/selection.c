/*
 * Passes over a message's fields one by one. Knows the encoding of protobuf, and of the schema that
 * Session.id is field 1.
 */
#include "selection.h"

#include <string.h>

enum {
    ID_NUMBER = 1,
    VARINT_BITS = 7, /* of each byte */
    VARINT_MORE = 0x80,
    VALUE_BITS_MAX = 64,
    TYPE_BITS = 3, /* of a tag */
    TYPE_MASK = 7,
    FIXED32_LEN = 4,
    FIXED64_LEN = 8,
};

enum wire_type { VARINT, FIXED64, LEN, GROUP_START, GROUP_END, FIXED32 };

struct scan {
    const uint8_t *at;
    const uint8_t *end;
    size_t depth;      /* groups that are open */
    const uint8_t *id; /* NULL: not met so far */
    size_t id_len;
};

static bool read_varint(struct scan *scan, uint64_t *value_out)
{
    *value_out = 0;
    for (unsigned shift = 0; shift < VALUE_BITS_MAX && scan->at < scan->end; shift += VARINT_BITS) {
        uint8_t byte = *scan->at++;

        *value_out |= (uint64_t)(byte & ~VARINT_MORE) << shift;
        if ((byte & VARINT_MORE) == 0)
            return true;
    }
    return false;
}

static bool pass(struct scan *scan, uint64_t len)
{
    if (len > (uint64_t)(scan->end - scan->at))
        return false;
    scan->at += len;
    return true;
}

static bool read_len(struct scan *scan, bool is_id)
{
    uint64_t len;

    if (!read_varint(scan, &len))
        return false;
    if (is_id) {
        scan->id = scan->at;
        scan->id_len = (size_t)len;
    }
    return pass(scan, len);
}

/* Returns false where no field can be told. */
static bool pass_field(struct scan *scan)
{
    uint64_t tag, value;

    if (!read_varint(scan, &tag) || tag >> TYPE_BITS == 0)
        return false;
    switch (tag & TYPE_MASK) {
    case VARINT:
        return read_varint(scan, &value);
    case FIXED64:
        return pass(scan, FIXED64_LEN);
    case LEN:
        return read_len(scan, scan->depth == 0 && tag >> TYPE_BITS == ID_NUMBER);
    case GROUP_START:
        scan->depth++;
        return true;
    case GROUP_END:
        return scan->depth-- > 0;
    case FIXED32:
        return pass(scan, FIXED32_LEN);
    default:
        return false;
    }
}

bool selection_has(const struct cli_list *ids, const uint8_t *data, size_t len)
{
    struct scan scan = { .at = data, .end = data + len };

    while (scan.at < scan.end)
        if (!pass_field(&scan))
            return true;
    if (scan.depth > 0)
        return true;
    for (size_t i = 0; scan.id != NULL && i < ids->count; i++)
        if (strlen(ids->items[i]) == scan.id_len &&
            memcmp(ids->items[i], scan.id, scan.id_len) == 0)
            return true;
    return false;
}
