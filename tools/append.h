#ifndef SESSIONPB_TOOLS_APPEND_H
#define SESSIONPB_TOOLS_APPEND_H

/*
 * Whether more can be appended to a file that is there: what is in it must be of the same kind, and a run
 * that was killed may have left a line that is not whole.
 */

#include <stdbool.h>

#include <sessionpb/convert.h>

#include "cli.h"
#include "output.h"

/*
 * Look at the file, of lines or an archive, before anything is written to it. A line that is torn, which
 * nobody was told is there, is cut off; one that is whole is ended; both are told.
 *
 * CLI_OK, also for what is no regular file; CLI_FAILED after a report.
 */
enum cli_status append_prepare(const struct output *output, spb_converter *converter, bool lines);

#endif
