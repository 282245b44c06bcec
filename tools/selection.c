/*
 * A look at the id alone.
 */
#include "selection.h"

#include <string.h>

bool selection_has(const struct cli_list *ids, spb_converter *converter, const uint8_t *data,
                   size_t len)
{
    const char *id;
    size_t id_len;

    if (spb_pb_id(converter, data, len, &id, &id_len, NULL) != SPB_OK)
        return true;
    for (size_t i = 0; id != NULL && i < ids->count; i++)
        if (strlen(ids->items[i]) == id_len && memcmp(ids->items[i], id, id_len) == 0)
            return true;
    return false;
}
