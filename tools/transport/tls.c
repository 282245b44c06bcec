#define _POSIX_C_SOURCE 200809L

#include "transport/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "transport/passphrase.h"

enum { HOST_SIZE = 256 };

struct channel_security {
    SSL_CTX *context;
    enum channel_side side;
};

struct tls {
    SSL *ssl;
    const char *who; /* is at the other end */
    bool established;
    bool half_closed;
    bool at_end;              /* of what the other end sends */
    struct spb_error failure; /* of which OpenSSL tells only once */
};

/* -- Files --------------------------------------------------------------------------------- */

/* What OpenSSL's first error says of a file. what: is not in it. */
static enum cli_status file_failed(const char *path, const char *what)
{
    unsigned long first = ERR_peek_error();
    int reason = ERR_GET_REASON(first);

    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(first))
        return cli_system_error("read", path, reason);
    if (ERR_GET_LIB(first) == ERR_LIB_SSL)
        cli_error("cannot use '%s': %s", path, ERR_reason_error_string(first));
    else
        cli_error("cannot use '%s': there is no %s in it, in PEM", path, what);
    return CLI_FAILED;
}

static void warn_of_readers(const char *path)
{
    struct stat file;

    if (stat(path, &file) == 0 && (file.st_mode & (S_IROTH | S_IWOTH)) != 0)
        cli_error("every user of this system can read or write the private key '%s'", path);
}

static enum cli_status load_key(SSL_CTX *context, const char *cert, const char *key)
{
    bool encrypted = false;
    unsigned long last;
    bool loaded, misfit;

    SSL_CTX_set_default_passwd_cb(context, passphrase_refuse);
    SSL_CTX_set_default_passwd_cb_userdata(context, &encrypted);
    loaded = SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (encrypted) {
        ERR_clear_error();
        cli_error("cannot use '%s': the private key is encrypted", key);
        return CLI_FAILED;
    }
    last = ERR_peek_last_error();
    misfit = !loaded && ERR_GET_LIB(last) == ERR_LIB_X509;
    if (!loaded && !misfit)
        return file_failed(key, "private key");
    if (!misfit && SSL_CTX_check_private_key(context) == 1)
        return CLI_OK;
    ERR_clear_error();
    cli_error("the private key '%s' is not that of the certificate '%s'", key, cert);
    return CLI_FAILED;
}

static enum cli_status load(struct channel_security *security,
                            const struct transport_access *access)
{
    SSL_CTX *context = security->context;

    ERR_clear_error();
    if (SSL_CTX_load_verify_file(context, access->tls_ca) != 1)
        return file_failed(access->tls_ca, "certificate");
    if (security->side == CHANNEL_SERVER) /* for senders that have to choose a certificate */
        SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(access->tls_ca));
    if (access->tls_cert == NULL)
        return CLI_OK;
    if (SSL_CTX_use_certificate_chain_file(context, access->tls_cert) != 1)
        return file_failed(access->tls_cert, "certificate");
    return load_key(context, access->tls_cert, access->tls_key);
}

/* What the system's configuration of OpenSSL says otherwise does not hold. */
static void restrict_protocol(SSL_CTX *context, enum channel_side side)
{
    int verify = SSL_VERIFY_PEER;

    if (side == CHANNEL_SERVER)
        verify |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    SSL_CTX_set_verify(context, verify, NULL);
    (void)SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    (void)SSL_CTX_set_max_proto_version(context, 0);
    (void)SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    (void)SSL_CTX_set_options(context,
                              SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
    (void)SSL_CTX_set_num_tickets(context, 0);
    (void)SSL_CTX_set_max_early_data(context, 0);
    (void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
}

enum cli_status tls_security_new(const struct transport_access *access, enum channel_side side,
                                 bool quiet, struct channel_security **security_out)
{
    struct channel_security *security = calloc(1, sizeof(*security));
    enum cli_status status;

    *security_out = security;
    if (security == NULL)
        return cli_no_memory();
    security->side = side;
    security->context =
        SSL_CTX_new(side == CHANNEL_SERVER ? TLS_server_method() : TLS_client_method());
    if (security->context == NULL)
        return cli_no_memory();
    restrict_protocol(security->context, side);
    status = load(security, access);
    if (status == CLI_OK && access->tls_key != NULL && !quiet)
        warn_of_readers(access->tls_key);
    return status;
}

void tls_security_free(struct channel_security *security)
{
    if (security == NULL)
        return;
    SSL_CTX_free(security->context);
    free(security);
}

/* -- Beginning ----------------------------------------------------------------------------- */

/* HOST of tcp:HOST:PORT, without the brackets and the zone of an IPv6 address. */
static void host_of(const char *endpoint, char host[HOST_SIZE])
{
    const char *begin = endpoint + strcspn(endpoint, ":") + 1;
    const char *end = strrchr(begin, ':');
    size_t len = end != NULL ? (size_t)(end - begin) : strlen(begin);

    if (len > 0 && begin[0] == '[') {
        begin++;
        len = strcspn(begin, "]%");
    }
    (void)snprintf(host, HOST_SIZE, "%.*s", (int)len, begin);
}

/* The certificate of the other end is to be one of this host: among its alternative names. */
static bool expect_host(SSL *ssl, const char *endpoint)
{
    char host[HOST_SIZE];

    host_of(endpoint, host);
    SSL_set_hostflags(ssl,
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1)
        return true;
    return host[0] != '\0' && SSL_set1_host(ssl, host) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

enum spb_status tls_begin(struct channel *channel, struct channel_security *security,
                          const char *endpoint)
{
    struct tls *tls = calloc(1, sizeof(*tls));
    int flags = fcntl(channel->fd, F_GETFL);

    if (tls == NULL)
        return SPB_NO_MEMORY;
    channel->layer = &tls_layer;
    channel->tls = tls;
    tls->who = security->side == CHANNEL_SERVER ? "the sender" : "the other end";
    tls->ssl = SSL_new(security->context);
    if (tls->ssl == NULL || flags == -1 || fcntl(channel->fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
        SSL_set_fd(tls->ssl, channel->fd) != 1)
        return SPB_NO_MEMORY;
    if (security->side == CHANNEL_SERVER)
        SSL_set_accept_state(tls->ssl);
    else
        SSL_set_connect_state(tls->ssl);
    return security->side == CHANNEL_SERVER || expect_host(tls->ssl, endpoint) ? SPB_OK
                                                                               : SPB_NO_MEMORY;
}

static void tls_release(struct channel *channel)
{
    if (channel->tls == NULL)
        return;
    SSL_free(channel->tls->ssl);
    free(channel->tls);
    channel->tls = NULL;
}

/* -- Failing ------------------------------------------------------------------------------- */

#define SAY(error, ...) (void)snprintf((error)->reason, sizeof((error)->reason), __VA_ARGS__)

/* The connection is gone, or the system fails. */
static void explain_system(const struct tls *tls, int system_error, struct spb_error *error)
{
    if (!tls->established && (system_error == 0 || system_error == ECONNRESET))
        SAY(error, "%s has closed the connection during the TLS handshake", tls->who);
    else if (system_error == 0)
        SAY(error, "the connection was cut: the stream has not the end that TLS demands");
    else
        SAY(error, "the connection to %s failed: %s", tls->who, strerror(system_error));
}

static void explain(const struct tls *tls, int system_error, struct spb_error *error)
{
    unsigned long first = ERR_peek_error();
    int reason = ERR_GET_REASON(first);
    bool of_ssl = ERR_GET_LIB(first) == ERR_LIB_SSL;

    if (first == 0 || ERR_SYSTEM_ERROR(first))
        explain_system(tls, first == 0 ? system_error : reason, error);
    else if (of_ssl && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        explain_system(tls, 0, error);
    else if (of_ssl && reason == SSL_R_CERTIFICATE_VERIFY_FAILED)
        SAY(error, "the certificate of %s is refused: %s", tls->who,
            X509_verify_cert_error_string(SSL_get_verify_result(tls->ssl)));
    else if (of_ssl && reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
        SAY(error, "%s shows no certificate", tls->who);
    else if (of_ssl && reason >= SSL_AD_REASON_OFFSET) /* an alert */
        SAY(error, "%s refuses TLS with this end: %s", tls->who, ERR_reason_error_string(first));
    else
        SAY(error, "TLS with %s failed: %s", tls->who, ERR_reason_error_string(first));
}

/*
 * Why an operation of OpenSSL was not done.
 *
 * event_out   what it waits for, with SPB_NEED_MORE
 *
 * SPB_NEED_MORE; SPB_END (the other end has ended its stream); SPB_IO.
 */
static enum spb_status judge(struct tls *tls, int result, short *event_out, struct spb_error *error)
{
    int system_error = errno;
    int why = SSL_get_error(tls->ssl, result);

    *error = (struct spb_error){ .status = SPB_NEED_MORE };
    switch (why) {
    case SSL_ERROR_WANT_READ:
        *event_out = POLLIN;
        return SPB_NEED_MORE;
    case SSL_ERROR_WANT_WRITE:
        *event_out = POLLOUT;
        return SPB_NEED_MORE;
    case SSL_ERROR_ZERO_RETURN:
        error->status = SPB_END;
        return SPB_END;
    default:
        error->status = SPB_IO;
        explain(tls, system_error, error);
        if (why == SSL_ERROR_SSL)
            tls->failure = *error;
        ERR_clear_error();
        return SPB_IO;
    }
}

/* The same of sending. Once the other end has ended its stream, OpenSSL calls a failure of the system that
   end as well. */
static enum spb_status judge_sending(struct tls *tls, int result, short *event_out,
                                     struct spb_error *error)
{
    int system_error = errno;
    enum spb_status status = judge(tls, result, event_out, error);

    if (status != SPB_END)
        return status;
    error->status = SPB_IO;
    explain_system(tls, system_error, error);
    return SPB_IO;
}

/* OpenSSL looks at what was left of errors of other calls. */
static void forget_errors(void)
{
    ERR_clear_error();
    errno = 0;
}

/* -- The handshake ------------------------------------------------------------------------- */

/* What has come is no record of TLS. OpenSSL has not answered it. */
static bool speaks_no_tls(void)
{
    int reason = ERR_GET_REASON(ERR_peek_error());

    return reason == SSL_R_WRONG_VERSION_NUMBER || reason == SSL_R_HTTP_REQUEST ||
           reason == SSL_R_HTTPS_PROXY_REQUEST;
}

static enum spb_status tls_handshake(struct channel *channel, struct spb_error *error)
{
    struct tls *tls = channel->tls;
    int result;

    forget_errors();
    result = SSL_do_handshake(tls->ssl);
    if (result == 1) {
        tls->established = true;
        channel->receive_event = POLLIN;
        channel->holds_more = true;
        return SPB_OK;
    }
    if (!speaks_no_tls())
        return judge(tls, result, &channel->receive_event, error);
    *error = (struct spb_error){ .status = SPB_BAD_WIRE };
    SAY(error, "%s does not speak TLS", tls->who);
    ERR_clear_error();
    return SPB_BAD_WIRE;
}

/* -- Bytes --------------------------------------------------------------------------------- */

static enum spb_status tls_send_some(struct channel *channel, const void *data, size_t len,
                                     size_t *sent_out, struct spb_error *error)
{
    const uint8_t *at = data;
    enum spb_status status = SPB_OK;

    *sent_out = 0;
    while (status == SPB_OK && *sent_out < len) {
        size_t sent = 0;

        forget_errors();
        if (SSL_write_ex(channel->tls->ssl, at + *sent_out, len - *sent_out, &sent) != 1)
            status = judge_sending(channel->tls, 0, &channel->send_event, error);
        else
            channel->send_event = POLLOUT;
        *sent_out += sent;
    }
    return status == SPB_NEED_MORE ? SPB_OK : status;
}

/* As many records as fit. */
static enum spb_status read_records(struct channel *channel, uint8_t *space, size_t len,
                                    size_t *got_out, struct spb_error *error)
{
    struct tls *tls = channel->tls;
    enum spb_status status = SPB_OK;

    *got_out = 0;
    while (status == SPB_OK && *got_out < len) {
        size_t got = 0;

        forget_errors();
        if (SSL_read_ex(tls->ssl, space + *got_out, len - *got_out, &got) != 1)
            status = judge(tls, 0, &channel->receive_event, error);
        else
            channel->receive_event = POLLIN;
        *got_out += got;
    }
    return status;
}

/* What comes behind the bytes, an end or a failure, is told by the next call. */
static enum spb_status tls_receive_some(struct channel *channel, struct spb_frames *frames,
                                        size_t piece, struct spb_error *error)
{
    struct tls *tls = channel->tls;
    enum spb_status status = tls->at_end ? SPB_END : tls->failure.status;
    uint8_t *space;
    size_t len, got = 0;

    if (spb_frames_space(frames, piece, &space, &len) != SPB_OK) {
        *error = (struct spb_error){ .status = SPB_NO_MEMORY, .reason = "not enough memory" };
        return SPB_NO_MEMORY;
    }
    if (status == SPB_OK)
        status = read_records(channel, space, len < piece ? len : piece, &got, error);
    else
        *error = tls->failure;
    spb_frames_commit(frames, got);
    tls->at_end = status == SPB_END;
    if (status == SPB_IO)
        tls->failure = *error;
    channel->holds_more = got > 0 && status != SPB_NEED_MORE;
    if (got > 0)
        return SPB_OK;
    frames->ended = tls->at_end;
    return status == SPB_END ? SPB_OK : status;
}

/* The bytes before it are sent. Nothing is to be received for it: OpenSSL would throw away what comes. */
static enum spb_status tls_half_close(struct channel *channel, struct spb_error *error)
{
    struct tls *tls = channel->tls;
    enum spb_status status = SPB_OK;
    int result;

    if (tls->half_closed)
        return SPB_OK;
    forget_errors();
    result = SSL_shutdown(tls->ssl);
    tls->half_closed = result >= 0;
    if (result < 0)
        status = judge_sending(tls, result, &channel->send_event, error);
    return status;
}

const struct channel_layer tls_layer = {
    .handshake = tls_handshake,
    .send_some = tls_send_some,
    .receive_some = tls_receive_some,
    .half_close = tls_half_close,
    .release = tls_release,
};
