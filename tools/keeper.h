#ifndef SESSIONPB_TOOLS_KEEPER_H
#define SESSIONPB_TOOLS_KEEPER_H

/* Who keeps the messages that arrive, wherever they come from. */

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/status.h>

#include "cli.h"

struct keeper {
    void *context;

    /*
     * A message, with SPB_PADDING readable bytes behind it.
     *
     * CLI_OK; CLI_ENOUGH (it was the last one that is wanted); CLI_REJECTED, with *error: it is bad;
     * others end the receiver.
     */
    enum cli_status (*take)(void *context, const uint8_t *message, size_t len,
                            struct spb_error *error);

    /* Write everything that was taken: it will be confirmed. */
    enum cli_status (*commit)(void *context);

    /* So many bytes more have arrived. */
    void (*arrived)(void *context, size_t len);

    /* Tell on standard error how things stand. */
    void (*tell)(void *context);
};

#endif
