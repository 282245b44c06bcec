#ifndef SESSIONPB_TOOLS_SELECTION_H
#define SESSIONPB_TOOLS_SELECTION_H

/* Which sessions are wanted, told by their ids without converting them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"

/*
 * Whether the message's id is among `ids`: the value of its last field 1, as every reader of protobuf
 * has it. So is a message whose fields cannot be told apart, which might be one of those: converting it
 * says what is wrong with it.
 */
bool selection_has(const struct cli_list *ids, const uint8_t *data, size_t len);

#endif
