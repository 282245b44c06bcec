#ifndef SPB_TOOLS_TRANSPORT_PASSPHRASE_H
#define SPB_TOOLS_TRANSPORT_PASSPHRASE_H

#include <stdbool.h>

/* A pem_password_cb for OpenSSL, which would ask at the terminal or in the input: there is no passphrase, and
   the bool at `asked` tells that one was needed. */
static inline int passphrase_refuse(char *buffer, int size, int writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)writing;
    *(bool *)asked = true;
    return -1;
}

#endif
