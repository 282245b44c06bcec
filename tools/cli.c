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
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "statusline.h"

enum {
    OPTIONS_MAX = 48,
    LONG_BASE = 256,   /* getopt_long() returns LONG_BASE + row: no letter is as large */
    CHOICES_SIZE = 64, /* all choices of an option */
    DECIMAL = 10,
};

static const char *tool_name = "sessionpb";
static enum cli_status parse_status = CLI_USAGE; /* of a command line that cannot be used */

/* -- Messages ------------------------------------------------------------------------------ */

void cli_error(const char *format, ...)
{
    va_list arguments;

    statusline_erase();
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
    return status == CLI_READER_GONE || status == CLI_ENOUGH ? CLI_OK : (int)status;
}

/* -- Values -------------------------------------------------------------------------------- */

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
    char choices[CHOICES_SIZE];

    for (const struct cli_choice *choice = option->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, value) == 0) {
            *(int *)member = choice->value;
            return true;
        }
    }
    cli_format_choices(option->choices, choices, sizeof(choices));
    cli_error("'%s' is no value of '--%s': it takes %s", value, option->name, choices);
    return false;
}

/* Decimal digits, and nothing else; a number too large to hold is larger than any count. */
static bool read_count(const char *text, uint64_t *count_out)
{
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return false;
    *count_out = strtoumax(text, &end, DECIMAL);
    return *end == '\0';
}

static bool take_count(const struct cli_option *option, const char *value, void *member)
{
    struct cli_count *count = member;
    uint64_t max = option->max != 0 ? option->max : UINT64_MAX;

    *count = (struct cli_count){ .given = true };
    if (value == NULL)
        return true;
    if (read_count(value, &count->value) && count->value >= option->min && count->value <= max)
        return true;
    if (option->max != 0)
        cli_error("'%s' is no value of '--%s': it takes %" PRIu64 " to %" PRIu64, value,
                  option->name, option->min, option->max);
    else
        cli_error("'%s' is no value of '--%s': it takes a number", value, option->name);
    return false;
}

static bool take_list(const struct cli_option *option, const char *value, void *member)
{
    struct cli_list *list = member;
    const char **items;

    if (value[0] == '\0') {
        cli_error("option '--%s' needs a value", option->name);
        return false;
    }
    items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (items == NULL) {
        parse_status = cli_no_memory();
        return false;
    }
    items[list->count++] = value;
    list->items = items;
    return true;
}

static bool (*const take[])(const struct cli_option *, const char *, void *) = {
    [CLI_FLAG] = take_flag,   [CLI_TEXT] = take_text, [CLI_CHOICE] = take_choice,
    [CLI_COUNT] = take_count, [CLI_LIST] = take_list,
};

/* -- Contradictions ------------------------------------------------------------------------ */

/* choice: see struct cli_conflict. */
static bool is_given(const struct cli_option *option, const struct cli_options *options, int choice)
{
    const void *member = (const char *)options + option->offset;

    switch (option->kind) {
    case CLI_FLAG:
        return *(const bool *)member;
    case CLI_TEXT:
        return *(const char *const *)member != NULL;
    case CLI_CHOICE:
        return choice == 0 ? *(const int *)member != 0 : *(const int *)member == choice;
    case CLI_COUNT:
        return ((const struct cli_count *)member)->given;
    case CLI_LIST:
        return ((const struct cli_list *)member)->count > 0;
    }
    return false;
}

static const char *choice_name(const struct cli_option *option, int value)
{
    const struct cli_choice *choice = option->choices;

    while (choice->name != NULL && choice->value != value)
        choice++;
    return choice->name;
}

static bool is_free_of_conflicts(const struct cli_tool *tool, const struct cli_options *options)
{
    for (const struct cli_conflict *row = tool->conflicts; row->one != NULL; row++) {
        if (!is_given(row->one, options, 0) || !is_given(row->other, options, row->choice))
            continue;
        if (row->choice != 0)
            cli_error("'--%s' and '--%s=%s' contradict each other", row->one->name,
                      row->other->name, choice_name(row->other, row->choice));
        else
            cli_error("'--%s' and '--%s' contradict each other", row->one->name, row->other->name);
        return false;
    }
    return true;
}

static bool has_what_it_needs(const struct cli_tool *tool, const struct cli_options *options)
{
    for (const struct cli_need *row = tool->needs; row->one != NULL; row++) {
        const struct cli_option *alternative = row->alternative;

        if (!is_given(row->one, options, 0) || is_given(row->other, options, 0) ||
            (alternative != NULL && is_given(alternative, options, 0)))
            continue;
        cli_error("'--%s' needs '--%s'%s%s%s", row->one->name, row->other->name,
                  alternative != NULL ? " or '--" : "",
                  alternative != NULL ? alternative->name : "", alternative != NULL ? "'" : "");
        return false;
    }
    return true;
}

/* -- Parsing ------------------------------------------------------------------------------- */

/* The rows in getopt_long()'s form. */
struct getopt_tables {
    struct option options[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 2];
};

static int argument_of(const struct cli_option *option)
{
    if (option->kind == CLI_FLAG)
        return no_argument;
    return option->value_optional ? optional_argument : required_argument;
}

static void fill_getopt_tables(const struct cli_tool *tool, struct getopt_tables *tables)
{
    char *letter = tables->letters;

    *letter++ = ':'; /* a missing value is told apart from an unknown option */
    for (int row = 0; tool->options[row] != NULL; row++) {
        const struct cli_option *option = tool->options[row];

        assert(row < OPTIONS_MAX);
        tables->options[row] = (struct option){
            .name = option->name,
            .has_arg = argument_of(option),
            .val = LONG_BASE + row,
        };
        if (option->letter != 0)
            *letter++ = (char)option->letter;
        if (option->letter != 0 && option->kind != CLI_FLAG)
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
        if (option == NULL || !take[option->kind](option, optarg, (char *)options + option->offset))
            return false;
    }
    return options->help || options->help_network || options->version ||
           (is_free_of_conflicts(tool, options) && has_what_it_needs(tool, options));
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
        if (parse_status == CLI_USAGE)
            fprintf(stderr, "Try '%s --help' for more.\n", tool->name);
        *status_out = parse_status;
        return false;
    }
    options->files_given = optind < argc;
    options->files = options->files_given ? argv + optind : standard_input;
    if (options->help || options->help_network)
        *status_out = cli_print_help(tool, !options->help);
    else if (options->version)
        *status_out = cli_print_version(tool);
    else
        return true;
    return false;
}
