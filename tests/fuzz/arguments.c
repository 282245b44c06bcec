/*
 * The command lines of both tools: lines of the input are arguments. What is let through keeps to the
 * tables; what is not has been explained. session2pb's table is part of its program, which is
 * included here under another name.
 */
#define _GNU_SOURCE

int session2pb_main(int argc, char **argv);

#define main session2pb_main
#include "session2pb.c"
#undef main

#include <getopt.h>
#include <unistd.h>

#include "fuzz.h"
#include "pb2session_options.h"

enum { ARGUMENTS_MAX = 24 };

union both {
    struct options session2pb;
    struct pb2session_options pb2session;
};

static const void *member_of(const struct cli_option *option, const union both *options)
{
    return (const char *)options + option->offset;
}

static bool is_set(const struct cli_option *option, const union both *options)
{
    const void *const member = member_of(option, options);

    switch (option->kind) {
    case CLI_FLAG:
        return *(const bool *)member;
    case CLI_TEXT:
        return *(const char *const *)member != NULL;
    case CLI_CHOICE:
        return *(const int *)member != 0;
    case CLI_COUNT:
        return ((const struct cli_count *)member)->given;
    case CLI_LIST:
        return ((const struct cli_list *)member)->count > 0;
    }
    return false;
}

static bool is_choice(const struct cli_option *option, int value)
{
    const struct cli_choice *choice = option->choices;

    while (choice->name != NULL && choice->value != value)
        choice++;
    return choice->name != NULL;
}

/* Each value is one that its row allows. */
static void check_values(const struct cli_tool *of, const union both *options)
{
    for (size_t i = 0; of->options[i] != NULL; i++) {
        const struct cli_option *const option = of->options[i];
        const void *const member = member_of(option, options);
        if (!is_set(option, options))
            continue;
        if (option->kind == CLI_TEXT)
            fuzz_must((*(const char *const *)member)[0] != '\0');
        if (option->kind == CLI_CHOICE)
            fuzz_must(is_choice(option, *(const int *)member));
        if (option->kind == CLI_COUNT) {
            const uint64_t value = ((const struct cli_count *)member)->value;
            fuzz_must((option->value_optional && value == 0) || value >= option->min);
            fuzz_must(option->max == 0 || value <= option->max);
        }
    }
}

/* No two options contradict each other, and none lacks what it needs. */
static void check_relations(const struct cli_tool *of, const union both *options)
{
    for (const struct cli_conflict *row = of->conflicts; row->one != NULL; row++) {
        const bool other =
            is_set(row->other, options) &&
            (row->choice == 0 || *(const int *)member_of(row->other, options) == row->choice);
        fuzz_must(!is_set(row->one, options) || !other);
    }
    for (const struct cli_need *row = of->needs; row->one != NULL; row++)
        fuzz_must(!is_set(row->one, options) || is_set(row->other, options) ||
                  (row->alternative != NULL && is_set(row->alternative, options)));
}

static void release_lists(const struct cli_tool *of, const union both *options)
{
    for (size_t i = 0; of->options[i] != NULL; i++)
        if (of->options[i]->kind == CLI_LIST)
            free(((const struct cli_list *)member_of(of->options[i], options))->items);
}

/* What the tool has printed, which is its name and a sentence, or the help. */
static void check_messages(const struct cli_tool *of, bool runs, enum cli_status status,
                           const char *out, const char *err)
{
    fuzz_must((out[0] != '\0') == (!runs && status == CLI_OK));
    fuzz_must((err[0] != '\0') == (!runs && status == CLI_USAGE));
    if (err[0] != '\0') {
        fuzz_must(strncmp(err, of->name, strlen(of->name)) == 0);
        fuzz_must(strstr(err, " --help' for more.\n") != NULL);
    }
}

static void parse(const struct cli_tool *of, int argc, char **argv)
{
    FILE *const own[] = { stdout, stderr };
    const int descriptor = dup(STDOUT_FILENO); /* the help closes it, to see that all is written */
    char *texts[2] = { NULL, NULL };
    size_t lens[2];
    union both options = { 0 };
    enum cli_status status = CLI_FAILED;

    stdout = open_memstream(&texts[0], &lens[0]);
    stderr = open_memstream(&texts[1], &lens[1]);
    optind = 0; /* glibc: begin anew */
    const bool runs = cli_parse(of, argc, argv, &options.session2pb.common, &status);
    fclose(stdout);
    fclose(stderr);
    stdout = own[0];
    stderr = own[1];
    dup2(descriptor, STDOUT_FILENO);
    close(descriptor);

    fuzz_must(runs || status == CLI_OK || status == CLI_USAGE);
    check_messages(of, runs, status, texts[0], texts[1]);
    if (runs) {
        const struct cli_options *const common = &options.session2pb.common;
        check_values(of, &options);
        check_relations(of, &options);
        fuzz_must(common->files[0] != NULL);
        fuzz_must(common->files_given || strcmp(common->files[0], "-") == 0);
    }
    release_lists(of, &options);
    free(texts[0]);
    free(texts[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const struct cli_tool *const of = fuzz_byte(&input) % 2 == 0 ? &tool : &pb2session_tool;
    char name[] = "tool";
    char *argv[ARGUMENTS_MAX + 1] = { name };
    int argc = 1;

    while (input.len > 0 && argc < ARGUMENTS_MAX) {
        const uint8_t *const end = (const uint8_t *)memchr(input.at, '\n', input.len);
        const size_t len = end != NULL ? (size_t)(end - input.at) : input.len;
        argv[argc] = (char *)calloc(1, len + 1);
        memcpy(argv[argc++], input.at, len);
        input.at += end != NULL ? len + 1 : len;
        input.len -= end != NULL ? len + 1 : len;
    }
    char *strings[ARGUMENTS_MAX];
    memcpy(strings, argv, sizeof strings); /* getopt_long() changes their order */
    parse(of, argc, argv);
    for (int i = 1; i < argc; i++)
        free(strings[i]);
    return 0;
}
