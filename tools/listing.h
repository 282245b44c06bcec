#ifndef SESSIONPB_TOOLS_LISTING_H
#define SESSIONPB_TOOLS_LISTING_H

/* What pb2session tells about an archive as a whole. */

#include "source.h"

/* Print a table of the archive's frames, or say that the input is no archive. */
enum cli_status listing_print(struct source *source);

/* Verify everything in the archive. CLI_OK, or what is wrong has been reported. */
enum cli_status listing_check(struct source *source);

#endif
