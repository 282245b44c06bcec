#ifndef SESSIONPB_TOOLS_SELECTION_H
#define SESSIONPB_TOOLS_SELECTION_H

/* Which sessions are wanted, told by their ids without converting them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"

/*
 * Whether the message's id is among `ids`. A malformed message might be one of those, and counts as
 * one: converting it says what is wrong with it.
 */
bool selection_has(const struct cli_list *ids, spb_converter *converter, const uint8_t *data,
                   size_t len);

#endif
