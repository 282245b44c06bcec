#ifndef SESSIONPB_TOOLS_TRANSPORT_TLS_H
#define SESSIONPB_TOOLS_TRANSPORT_TLS_H

/* Channels through TLS 1.3, by OpenSSL. Each end shows a certificate, the client where it has one. */

#include "transport/channel.h"

extern const struct channel_layer tls_layer;

/* See channel_secure(); all that is needed is given. */
enum cli_status tls_security_new(const struct transport_access *access, enum channel_side side,
                                 bool quiet, struct channel_security **security_out);
void tls_security_free(struct channel_security *security);

/* Begin with TLS on channel->fd. SPB_OK or SPB_NO_MEMORY. */
enum spb_status tls_begin(struct channel *channel, struct channel_security *security,
                          const char *endpoint);

#endif
