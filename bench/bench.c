/* Measures the conversions, and other libraries at the same work. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include "peer.h"

enum { ROUNDS_MIN = 7, SESSIONS = 20000 };

static const char usage[] =
    "usage: sessionpb-bench [--rounds N] [--seed N] [--count N] [--json FILE] [--svg FILE]\n";

struct arguments {
    unsigned long rounds, count;
    uint64_t seed;
    const char *json, *svg;
};

static bool parse(int argc, char **argv, struct arguments *arguments)
{
    for (int i = 1; i < argc; i += 2) {
        const char *const value = argv[i + 1];
        if (value == NULL)
            return false;
        if (strcmp(argv[i], "--rounds") == 0)
            arguments->rounds = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--count") == 0)
            arguments->count = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--seed") == 0)
            arguments->seed = strtoull(value, NULL, 10);
        else if (strcmp(argv[i], "--json") == 0)
            arguments->json = value;
        else if (strcmp(argv[i], "--svg") == 0)
            arguments->svg = value;
        else
            return false;
    }
    return arguments->count > 0 && arguments->rounds >= ROUNDS_MIN && arguments->rounds < 10000;
}

typedef void write_results(const struct results *results, FILE *file);

static void write_file(const char *name, write_results *write, const struct results *results)
{
    if (name == NULL)
        return;
    FILE *const file = fopen(name, "w");
    if (file == NULL)
        bench_fail("cannot write %s", name);
    write(results, file);
    if (fclose(file) != 0)
        bench_fail("cannot write %s", name);
}

static void print_peers(void)
{
#ifndef BENCH_NO_google
    puts(peer_google_version());
#endif
#ifndef BENCH_NO_simdjson
    puts(peer_simdjson_version());
#endif
}

int main(int argc, char **argv)
{
    struct arguments arguments = { .rounds = ROUNDS_MIN, .count = SESSIONS, .seed = 1 };
    struct inputs inputs;
    struct results results = { 0 };

    if (!parse(argc, argv, &arguments)) {
        fprintf(stderr, "%sAt least %d rounds.\n", usage, ROUNDS_MIN);
        return 2;
    }
    inputs_make(&inputs, arguments.seed, arguments.count);
    verify_all(&inputs);

    results.sessions = arguments.count;
    results.seed = arguments.seed;
    results.rounds = (unsigned)arguments.rounds;
    results.json_bytes = (double)inputs.compact.total / (double)arguments.count;
    results.pb_bytes = (double)inputs.pb.total / (double)arguments.count;
    measure(&inputs, results.rounds, &results);

    print_peers();
    report_table(&results);
    write_file(arguments.json, report_json, &results);
    write_file(arguments.svg, chart_svg, &results);
    inputs_release(&inputs);
    return 0;
}
