/*
 * The rows of the options that both tools have.
 */
#include "cli.h"

#include <sessionpb/frame.h>

enum {
    LEVEL_MAX = 22,        /* of zstd */
    FRAME_SIZE_MIN = 1024, /* below that, a frame costs more than it holds */
    FRAME_SIZE_MAX =
        1 << 30, /* above that, tools that read the archive would need too much memory */
};

static const struct cli_choice framings[] = {
    { "delimited", CLI_FRAMING_BASE + SPB_FRAMING_DELIMITED },
    { "list", CLI_FRAMING_BASE + SPB_FRAMING_LIST },
    { "be32", CLI_FRAMING_BASE + SPB_FRAMING_BE32 },
    { "raw", CLI_FRAMING_BASE + SPB_FRAMING_RAW },
    { NULL, 0 },
};

static const struct cli_choice on_errors[] = {
    { "stop", CLI_ON_ERROR_STOP },
    { "skip", CLI_ON_ERROR_SKIP },
    { NULL, 0 },
};

static const struct cli_choice unknown_policies[] = {
    { "keep", SPB_UNKNOWN_KEEP },
    { "drop", SPB_UNKNOWN_DROP },
    { "reject", SPB_UNKNOWN_REJECT },
    { NULL, 0 },
};

const struct cli_option cli_option_output = {
    .name = "output",
    .letter = 'o',
    .kind = CLI_TEXT,
    .offset = offsetof(struct cli_options, output),
    .value = "FILE",
    .help = "write FILE, whole or not at all",
};

const struct cli_option cli_option_framing = {
    .name = "framing",
    .kind = CLI_CHOICE,
    .offset = offsetof(struct cli_options, framing),
    .choices = framings,
    .help = "how messages stand in the stream",
};

const struct cli_option cli_option_zstd = {
    .name = "zstd",
    .kind = CLI_COUNT,
    .value_optional = true,
    .offset = offsetof(struct cli_options, zstd),
    .value = "LEVEL",
    .min = 1,
    .max = LEVEL_MAX,
    .help = "write an archive, compressed by zstd",
};

const struct cli_option cli_option_frame_size = {
    .name = "frame-size",
    .kind = CLI_COUNT,
    .offset = offsetof(struct cli_options, frame_size),
    .value = "BYTES",
    .min = FRAME_SIZE_MIN,
    .max = FRAME_SIZE_MAX,
    .help = "of an archive's frames (default: 1 MiB)",
};

const struct cli_option cli_option_on_error = {
    .name = "on-error",
    .kind = CLI_CHOICE,
    .offset = offsetof(struct cli_options, on_error),
    .choices = on_errors,
    .help = "what a bad record does (default: stop)",
};

const struct cli_option cli_option_rejects = {
    .name = "rejects",
    .kind = CLI_TEXT,
    .offset = offsetof(struct cli_options, rejects),
    .value = "FILE",
    .help = "skip bad records and keep them in FILE,\nwith the reasons in FILE.report",
};

const struct cli_option cli_option_skip = {
    .name = "skip",
    .kind = CLI_COUNT,
    .offset = offsetof(struct cli_options, skip),
    .value = "N",
    .help = "pass over the first N records",
};

const struct cli_option cli_option_limit = {
    .name = "limit",
    .kind = CLI_COUNT,
    .offset = offsetof(struct cli_options, limit),
    .value = "N",
    .help = "end after N records",
};

const struct cli_option cli_option_unknown = {
    .name = "unknown",
    .kind = CLI_CHOICE,
    .offset = offsetof(struct cli_options, unknown),
    .choices = unknown_policies,
    .help = "what the schema lacks (default: keep)",
};

const struct cli_option cli_option_lenient = {
    .name = "lenient",
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, lenient),
    .help = "take sessions without required members,\nand keep values of a wrong type as they are",
};

const struct cli_option cli_option_check = {
    .name = "check",
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, check),
    .help = "judge everything, but write nothing",
};

const struct cli_option cli_option_stats = {
    .name = "stats",
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, stats),
    .help = "tell counts, sizes and speed at the end",
};

const struct cli_option cli_option_quiet = {
    .name = "quiet",
    .letter = 'q',
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, quiet),
    .help = "no progress, no lines on skipped records",
};

const struct cli_option cli_option_force = {
    .name = "force",
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, force),
    .help = "overwrite FILE, write binary to a terminal",
};

const struct cli_option cli_option_help = {
    .name = "help",
    .letter = 'h',
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, help),
    .help = "print this text",
};

const struct cli_option cli_option_help_network = {
    .name = "help-network",
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, help_network),
    .help = "print the options of sockets and brokers",
};

const struct cli_option cli_option_version = {
    .name = "version",
    .letter = 'V',
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, version),
    .help = "print the version",
};

const struct cli_option cli_option_tls_ca = {
    .name = "tls-ca",
    .kind = CLI_TEXT,
    .network = true,
    .offset = offsetof(struct cli_options, tls_ca),
    .value = "FILE",
    .help = "PEM: who vouches for the other end",
};

const struct cli_option cli_option_tls_cert = {
    .name = "tls-cert",
    .kind = CLI_TEXT,
    .network = true,
    .offset = offsetof(struct cli_options, tls_cert),
    .value = "FILE",
    .help = "PEM: the certificate of this end, and those\nbetween it and its authority",
};

const struct cli_option cli_option_tls_key = {
    .name = "tls-key",
    .kind = CLI_TEXT,
    .network = true,
    .offset = offsetof(struct cli_options, tls_key),
    .value = "FILE",
    .help = "PEM: its private key",
};

const struct cli_option cli_option_credentials = {
    .name = "credentials",
    .kind = CLI_TEXT,
    .network = true,
    .offset = offsetof(struct cli_options, credentials),
    .value = "FILE",
    .help = "of a NATS user: JWT and seed",
};

const struct cli_option cli_option_setting = {
    .name = "set",
    .letter = 'X',
    .kind = CLI_LIST,
    .network = true,
    .offset = offsetof(struct cli_options, settings),
    .value = "KEY=VALUE",
    .help = "a setting of librdkafka; repeatable",
};

enum spb_framing cli_framing(const struct cli_options *options)
{
    return options->framing == 0 ? SPB_FRAMING_DELIMITED
                                 : (enum spb_framing)(options->framing - CLI_FRAMING_BASE);
}

spb_converter *cli_converter(const struct cli_options *options)
{
    struct spb_options converter_options = {
        .size = sizeof(converter_options),
        .unknown = (enum spb_unknown)options->unknown,
        .lenient = options->lenient,
        .padded = true,
    };

    return spb_converter_new(&converter_options);
}
