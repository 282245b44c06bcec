/*
 * The command line of pb2session.
 */
#include "pb2session_options.h"

enum {
    CONNECTIONS_MAX = 1000000,
    MESSAGE_MAX_MAX = 64 << 20, /* document_max of struct spb_limits */
    SECONDS_MAX = 1000000,
};

static const struct cli_option option_pretty = {
    .name = "pretty",
    .kind = CLI_FLAG,
    .offset = offsetof(struct pb2session_options, pretty),
    .help = "indent by two spaces",
};

static const struct cli_option option_array = {
    .name = "array",
    .kind = CLI_FLAG,
    .offset = offsetof(struct pb2session_options, array),
    .help = "print one array of all sessions",
};

static const struct cli_option option_id = {
    .name = "id",
    .kind = CLI_LIST,
    .offset = offsetof(struct pb2session_options, ids),
    .value = "ID",
    .help = "only the session of this id; repeatable",
};

static const struct cli_option option_list = {
    .name = "list",
    .kind = CLI_FLAG,
    .offset = offsetof(struct pb2session_options, list),
    .help = "print a table of an archive's frames",
};

static const struct cli_option option_salvage = {
    .name = "salvage",
    .kind = CLI_FLAG,
    .offset = offsetof(struct pb2session_options, salvage),
    .help = "convert what is whole of a damaged input,\nand tell what is lost",
};

static const struct cli_option option_listen = {
    .name = "listen",
    .kind = CLI_LIST,
    .offset = offsetof(struct pb2session_options, endpoints),
    .value = "ENDPOINT",
    .help = "receive at unix:PATH, tcp:HOST:PORT, fd:N\nor systemd:; repeatable",
};

static const struct cli_option option_connect = {
    .name = "connect",
    .kind = CLI_TEXT,
    .offset = offsetof(struct pb2session_options, connect),
    .value = "ENDPOINT",
    .help = "fetch from nats://HOST[:PORT]/SUBJECT,\nkafka://HOST[:PORT]/TOPIC, unix:PATH,\n"
            "tcp:HOST:PORT or fd:N",
};

static const struct cli_option option_idle_exit = {
    .name = "idle-exit",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct pb2session_options, idle_exit),
    .value = "SECONDS",
    .min = 1,
    .max = SECONDS_MAX,
    .help = "end when nothing has come for so long",
};

static const struct cli_option option_fsync = {
    .name = "fsync",
    .kind = CLI_FLAG,
    .network = true,
    .offset = offsetof(struct pb2session_options, fsync),
    .help = "confirm only what is safe on disk",
};

static const struct cli_option option_max_connections = {
    .name = "max-connections",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct pb2session_options, max_connections),
    .value = "N",
    .min = 1,
    .max = CONNECTIONS_MAX,
    .help = "further senders wait (default: 1024)",
};

static const struct cli_option option_message_max = {
    .name = "message-max",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct pb2session_options, message_max),
    .value = "BYTES",
    .min = 1,
    .max = MESSAGE_MAX_MAX,
    .help = "of one session (default: 4 MiB)",
};

static const struct cli_option option_idle_timeout = {
    .name = "idle-timeout",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct pb2session_options, idle_timeout),
    .value = "SECONDS",
    .min = 1,
    .max = SECONDS_MAX,
    .help = "for a silent sender (default: 600)",
};

static const struct cli_option option_frame_timeout = {
    .name = "frame-timeout",
    .kind = CLI_COUNT,
    .network = true,
    .offset = offsetof(struct pb2session_options, frame_timeout),
    .value = "SECONDS",
    .min = 1,
    .max = SECONDS_MAX,
    .help = "for the rest of a message (default: 60)",
};

static const struct cli_option option_allow_uid = {
    .name = "allow-uid",
    .kind = CLI_LIST,
    .network = true,
    .offset = offsetof(struct pb2session_options, uids),
    .value = "UID",
    .help = "who may send over a Unix socket,\nbesides this user; repeatable",
};

static const struct cli_option option_allow_gid = {
    .name = "allow-gid",
    .kind = CLI_LIST,
    .network = true,
    .offset = offsetof(struct pb2session_options, gids),
    .value = "GID",
    .help = "likewise, by group",
};

static const struct cli_option option_insecure_remote = {
    .name = "insecure-remote",
    .kind = CLI_FLAG,
    .network = true,
    .offset = offsetof(struct pb2session_options, insecure_remote),
    .help = "let tcp: be reached from other machines,\nwithout encryption or authentication",
};

static const struct cli_option *const option_table[] = {
    &cli_option_output,
    &cli_option_framing,
    &option_pretty,
    &option_array,
    &option_id,
    &option_list,
    &cli_option_check,
    &option_salvage,
    &cli_option_on_error,
    &cli_option_rejects,
    &cli_option_skip,
    &cli_option_limit,
    &cli_option_unknown,
    &cli_option_lenient,
    &cli_option_stats,
    &cli_option_quiet,
    &cli_option_force,
    &option_connect,
    &option_listen,
    &cli_option_zstd,
    &cli_option_frame_size,
    &cli_option_help,
    &cli_option_help_network,
    &cli_option_version,
    &option_fsync,
    &option_idle_exit,
    &option_message_max,
    &option_max_connections,
    &option_idle_timeout,
    &option_frame_timeout,
    &option_allow_uid,
    &option_allow_gid,
    &option_insecure_remote,
    &cli_option_credentials,
    &cli_option_setting,
    &cli_option_tls_ca,
    &cli_option_tls_cert,
    &cli_option_tls_key,
    NULL,
};

static const struct cli_conflict conflicts[] = {
    { &cli_option_rejects, &cli_option_on_error, CLI_ON_ERROR_STOP },
    { &option_salvage, &cli_option_on_error, CLI_ON_ERROR_STOP },
    { &option_salvage, &cli_option_check, 0 },
    { &option_salvage, &cli_option_skip, 0 },
    { &option_list, &cli_option_check, 0 },
    { &option_list, &option_salvage, 0 },
    { &option_list, &option_array, 0 },
    { &option_list, &option_pretty, 0 },
    { &option_list, &option_id, 0 },
    { &option_list, &cli_option_skip, 0 },
    { &option_list, &cli_option_limit, 0 },
    { &option_list, &cli_option_rejects, 0 },
    { &option_list, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_LIST },
    { &option_list, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_BE32 },
    { &option_list, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_RAW },
    { &option_listen, &option_pretty, 0 },
    { &option_listen, &option_array, 0 },
    { &option_listen, &option_id, 0 },
    { &option_listen, &option_list, 0 },
    { &option_listen, &cli_option_check, 0 },
    { &option_listen, &option_salvage, 0 },
    { &option_listen, &cli_option_rejects, 0 },
    { &option_listen, &cli_option_skip, 0 },
    { &option_listen, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_RAW },
    { &option_connect, &option_pretty, 0 },
    { &option_connect, &option_array, 0 },
    { &option_connect, &option_id, 0 },
    { &option_connect, &option_list, 0 },
    { &option_connect, &cli_option_check, 0 },
    { &option_connect, &option_salvage, 0 },
    { &option_connect, &cli_option_rejects, 0 },
    { &option_connect, &cli_option_skip, 0 },
    { &option_connect, &cli_option_framing, CLI_FRAMING_BASE + SPB_FRAMING_RAW },
    { &option_connect, &option_listen, 0 },
    { NULL, NULL, 0 },
};

static const struct cli_need needs[] = {
    { &cli_option_zstd, &option_listen, &option_connect },
    { &cli_option_frame_size, &cli_option_zstd, NULL },
    { &option_fsync, &option_listen, &option_connect },
    { &option_idle_exit, &option_connect, NULL },
    { &option_message_max, &option_listen, &option_connect },
    { &option_max_connections, &option_listen, NULL },
    { &option_idle_timeout, &option_listen, NULL },
    { &option_frame_timeout, &option_listen, NULL },
    { &option_allow_uid, &option_listen, NULL },
    { &option_allow_gid, &option_listen, NULL },
    { &option_insecure_remote, &option_listen, NULL },
    { &cli_option_credentials, &option_connect, NULL },
    { &cli_option_setting, &option_connect, NULL },
    { &cli_option_tls_ca, &option_listen, &option_connect },
    { &cli_option_tls_cert, &option_listen, &option_connect },
    { &cli_option_tls_key, &option_listen, &option_connect },
    { &cli_option_tls_cert, &cli_option_tls_key, NULL },
    { &cli_option_tls_key, &cli_option_tls_cert, NULL },
    { NULL, NULL, NULL },
};

const struct cli_tool pb2session_tool = {
    .name = "pb2session",
    .about = "Convert Genesys Cloud journey sessions from protobuf to canonical JSON,\n"
             "one document a line. A FILE is a stream of messages in any framing, or an\n"
             "archive. Standard input is read where there is no FILE, or where FILE is -.\n"
             "With --connect or --listen, messages come from elsewhere.\n",
    .options = option_table,
    .conflicts = conflicts,
    .needs = needs,
};
