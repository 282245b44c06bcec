/*
 * The command line. A table of rows is turned into what getopt_long() wants, each option is stored
 * through its row, and the help text is printed from the same rows, so the three cannot disagree.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sessionpb/frame.h>
#include <sessionpb/version.h>

enum {
    OPTIONS_MAX = 32,
    LONG_BASE = 256,  /* getopt_long() returns LONG_BASE + row: no letter is as large */
    HELP_COLUMN = 34, /* where the help of each option begins */
};

static const char *tool_name = "sessionpb";

/* -- The rows of both tools ---------------------------------------------------------------- */

static const struct cli_choice framings[] = {
    { "delimited", SPB_FRAMING_DELIMITED },
    { "raw", SPB_FRAMING_RAW },
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
    .help = "its length before each message (default),\nor one message and nothing else",
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
    .help = "convert, but write nothing",
};

const struct cli_option cli_option_help = {
    .name = "help",
    .letter = 'h',
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, help),
    .help = "print this text",
};

const struct cli_option cli_option_version = {
    .name = "version",
    .letter = 'V',
    .kind = CLI_FLAG,
    .offset = offsetof(struct cli_options, version),
    .help = "print the version",
};

static const char *const exit_statuses[] = {
    [CLI_OK] = "all sessions were converted",
    [CLI_REJECTED] = "a session was rejected",
    [CLI_USAGE] = "wrong usage",
    [CLI_FAILED] = "input or output failed",
};

/* -- Messages ------------------------------------------------------------------------------ */

void cli_error(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "%s: ", tool_name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

enum cli_status cli_system_error(const char *verb, const char *name, int system_error)
{
    cli_error("cannot %s '%s': %s", verb, name, strerror(system_error));
    return CLI_FAILED;
}

enum cli_status cli_no_memory(void)
{
    cli_error("not enough memory");
    return CLI_FAILED;
}

enum cli_status cli_record_status(enum spb_status status)
{
    switch (status) {
    case SPB_MISUSE:
    case SPB_NO_MEMORY:
    case SPB_INTERNAL:
        return CLI_FAILED;
    default:
        return CLI_REJECTED;
    }
}

int cli_exit_code(enum cli_status status)
{
    return status == CLI_READER_GONE ? CLI_OK : (int)status;
}

/* -- Help and version ---------------------------------------------------------------------- */

/* The choices as `keep|drop|reject`. */
static int print_choices(FILE *stream, const struct cli_choice *choices)
{
    int width = 0;

    for (size_t i = 0; choices[i].name != NULL; i++)
        width += fprintf(stream, "%s%s", i == 0 ? "" : "|", choices[i].name);
    return width;
}

static void print_option(const struct cli_option *option)
{
    int width = option->letter != 0 ? printf("  -%c, ", option->letter) : printf("      ");

    width += printf("--%s", option->name);
    if (option->kind != CLI_FLAG)
        width += printf("=");
    if (option->kind == CLI_TEXT)
        width += printf("%s", option->value);
    if (option->kind == CLI_CHOICE)
        width += print_choices(stdout, option->choices);

    for (const char *line = option->help; line != NULL;) {
        const char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);

        printf("%*s%.*s\n", HELP_COLUMN - width, "", (int)len, line);
        width = 0;
        line = end != NULL ? end + 1 : NULL;
    }
}

static void print_help(const struct cli_tool *tool)
{
    printf("Usage: %s [OPTION]... [FILE]...\n%s\n", tool->name, tool->about);
    for (size_t i = 0; tool->options[i] != NULL; i++)
        print_option(tool->options[i]);
    printf("\nExit status:\n");
    for (size_t i = 0; i < sizeof(exit_statuses) / sizeof(exit_statuses[0]); i++)
        printf("  %zu  %s\n", i, exit_statuses[i]);
}

static void print_version(const struct cli_tool *tool)
{
    printf("%s (sessionpb) %s\n", tool->name, SPB_VERSION);
}

/* Text is out only when its last byte is: a full disk shows itself here. */
static enum cli_status flush_text(void)
{
    if (fflush(stdout) == 0 && close(STDOUT_FILENO) == 0)
        return CLI_OK;
    if (errno == EPIPE)
        return CLI_READER_GONE;
    return cli_system_error("write", "(standard output)", errno);
}

/* -- Parsing ------------------------------------------------------------------------------- */

static bool take_flag(const struct cli_option *option, const char *value, void *member)
{
    (void)option;
    (void)value;
    *(bool *)member = true;
    return true;
}

static bool take_text(const struct cli_option *option, const char *value, void *member)
{
    if (value[0] == '\0') {
        cli_error("option '--%s' needs a value", option->name);
        return false;
    }
    *(const char **)member = value;
    return true;
}

static bool take_choice(const struct cli_option *option, const char *value, void *member)
{
    for (const struct cli_choice *choice = option->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, value) == 0) {
            *(int *)member = choice->value;
            return true;
        }
    }
    fprintf(stderr, "%s: '%s' is no value of '--%s': it takes ", tool_name, value, option->name);
    print_choices(stderr, option->choices);
    fputc('\n', stderr);
    return false;
}

static bool (*const take[])(const struct cli_option *, const char *, void *) = {
    [CLI_FLAG] = take_flag,
    [CLI_TEXT] = take_text,
    [CLI_CHOICE] = take_choice,
};

/* The rows in getopt_long()'s form. */
struct getopt_tables {
    struct option options[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 2];
};

static void fill_getopt_tables(const struct cli_tool *tool, struct getopt_tables *tables)
{
    char *letter = tables->letters;

    *letter++ = ':'; /* a missing value is told apart from an unknown option */
    for (int row = 0; tool->options[row] != NULL; row++) {
        const struct cli_option *option = tool->options[row];
        bool has_value = option->kind != CLI_FLAG;

        assert(row < OPTIONS_MAX);
        tables->options[row] = (struct option){
            .name = option->name,
            .has_arg = has_value ? required_argument : no_argument,
            .val = LONG_BASE + row,
        };
        if (option->letter != 0)
            *letter++ = (char)option->letter;
        if (option->letter != 0 && has_value)
            *letter++ = ':';
    }
}

static const struct cli_option *find_option(const struct cli_tool *tool, int code)
{
    if (code >= LONG_BASE)
        return tool->options[code - LONG_BASE];
    for (size_t i = 0; tool->options[i] != NULL; i++)
        if (tool->options[i]->letter == code)
            return tool->options[i];
    return NULL;
}

/* What getopt_long() found wrong, in our words: its own begin with the path of the program. */
static void report_bad_option(const struct cli_tool *tool, int code, char *const *argv)
{
    const struct cli_option *known = optopt != 0 ? find_option(tool, optopt) : NULL;

    if (known != NULL && code == ':')
        cli_error("option '--%s' needs a value", known->name);
    else if (known != NULL)
        cli_error("option '--%s' takes no value", known->name);
    else if (optopt != 0)
        cli_error("unknown option '-%c'", optopt);
    else
        cli_error("unknown option '%s'", argv[optind - 1]);
}

static bool parse_options(const struct cli_tool *tool, int argc, char **argv,
                          struct cli_options *options)
{
    struct getopt_tables tables = { 0 };
    int code;

    fill_getopt_tables(tool, &tables);
    opterr = 0;
    while ((code = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
        const struct cli_option *option = NULL;

        if (code == '?' || code == ':') {
            report_bad_option(tool, code, argv);
            return false;
        }
        option = find_option(tool, code);
        if (!take[option->kind](option, optarg, (char *)options + option->offset))
            return false;
    }
    return true;
}

/* Without this, a file opened where descriptor 2 was closed would receive the messages. Opened the
   wrong way round, so that using one of them is still the error it was. */
static void keep_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) == -1 && errno == EBADF)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static void prepare_process(const struct cli_tool *tool)
{
    tool_name = tool->name;
    keep_standard_descriptors();
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* a message is one write, among those of others */
    signal(SIGPIPE, SIG_IGN);              /* a reader that goes away is seen as EPIPE */
    signal(SIGXFSZ, SIG_IGN);              /* a file that may not grow further, as EFBIG */
}

bool cli_parse(const struct cli_tool *tool, int argc, char **argv, struct cli_options *options,
               enum cli_status *status_out)
{
    static char dash[] = "-";
    static char *const standard_input[] = { dash, NULL };

    prepare_process(tool);
    if (!parse_options(tool, argc, argv, options)) {
        fprintf(stderr, "Try '%s --help' for more.\n", tool->name);
        *status_out = CLI_USAGE;
        return false;
    }
    options->files = optind < argc ? argv + optind : standard_input;
    if (!options->help && !options->version)
        return true;

    if (options->help)
        print_help(tool);
    else
        print_version(tool);
    *status_out = flush_text();
    return false;
}

spb_converter *cli_converter(const struct cli_options *options)
{
    struct spb_options converter_options = {
        .size = sizeof(converter_options),
        .unknown = (enum spb_unknown)options->unknown,
        .lenient = options->lenient,
    };

    return spb_converter_new(&converter_options);
}
