#ifndef SPB_WIRE_LOCATE_H
#define SPB_WIRE_LOCATE_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/status.h>

#include "schema/table.h"

/*
 * Works out the field path of error->offset in a message, by reading it again from the start. An
 * offset at a field's tag belongs to the field, one at the end of the message to the message.
 */
void spb_wire_locate(const struct spb_table *table, const uint8_t *data, size_t len,
                     struct spb_error *error);

#endif
