/*
 * The help text and the version. What is said of an option stands in its row.
 */
#define _POSIX_C_SOURCE 200809L

#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sessionpb/version.h>

#include "transport/transport.h"

enum {
    HELP_COLUMN = 34,  /* where the help of each option begins */
    CHOICES_SIZE = 64, /* all choices of an option */
};

static const char *const exit_statuses[] = {
    [CLI_OK] = "all sessions were converted",
    [CLI_REJECTED] = "a session was rejected or lost",
    [CLI_USAGE] = "wrong usage",
    [CLI_FAILED] = "input or output failed",
};

void cli_format_choices(const struct cli_choice *choices, char *text, size_t size)
{
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; choices[i].name != NULL && len < size; i++)
        len += (size_t)snprintf(text + len, size - len, "%s%s", i == 0 ? "" : "|", choices[i].name);
}

static void print_option(const struct cli_option *option)
{
    char choices[CHOICES_SIZE];
    const char *value = option->value;
    int width = option->letter != 0 ? printf("  -%c, ", option->letter) : printf("      ");

    if (option->kind == CLI_CHOICE) {
        cli_format_choices(option->choices, choices, sizeof(choices));
        value = choices;
    }
    width += printf("--%s", option->name);
    if (value != NULL)
        width += printf(option->value_optional ? "[=%s]" : "=%s", value);
    if (width >= HELP_COLUMN) {
        putchar('\n');
        width = 0;
    }
    for (const char *line = option->help; line != NULL;) {
        const char *end = strchr(line, '\n');
        size_t len = end != NULL ? (size_t)(end - line) : strlen(line);

        printf("%*s%.*s\n", HELP_COLUMN - width, "", (int)len, line);
        width = 0;
        line = end != NULL ? end + 1 : NULL;
    }
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

enum cli_status cli_print_help(const struct cli_tool *tool, bool network)
{
    if (network)
        printf("Options of %s for sockets and brokers:\n\n", tool->name);
    else
        printf("Usage: %s [OPTION]... [FILE]...\n%s\n", tool->name, tool->about);
    for (size_t i = 0; tool->options[i] != NULL; i++)
        if (tool->options[i]->network == network)
            print_option(tool->options[i]);
    if (network)
        return flush_text();
    printf("\nExit status:\n");
    for (size_t i = 0; i < sizeof(exit_statuses) / sizeof(exit_statuses[0]); i++)
        printf("  %zu  %s\n", i, exit_statuses[i]);
    return flush_text();
}

enum cli_status cli_print_version(const struct cli_tool *tool)
{
    const char *library;

    printf("%s (sessionpb) %s\n", tool->name, SPB_VERSION);
    for (size_t i = 0; (library = transport_library(i)) != NULL; i++)
        printf("%s%s", i == 0 ? "with " : ", ", library);
    if (transport_library(0) != NULL)
        putchar('\n');
    return flush_text();
}
