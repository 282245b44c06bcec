/* The figures as a table and as JSON. */
#include "bench.h"

double ratio_of(const struct results *results, const struct ratio *ratio)
{
    const double ours = results->rows[ratio->ours].ns, theirs = results->rows[ratio->theirs].ns;

    return bench_rows[ratio->theirs].run == NULL || !(ours > 0) ? 0 : theirs / ours;
}

static double mb_per_second(const struct figures *figures)
{
    return figures->ns > 0 ? figures->bytes * 1000 / figures->ns : 0;
}

static void print_row(const struct results *results, unsigned i)
{
    const struct row *const row = &bench_rows[i];
    const struct figures *const figures = &results->rows[i];

    printf("%-14s %-26s", row->who, row->name);
    if (row->run == NULL) {
        printf("  missing: it takes %s\n", row->needs);
        return;
    }
    printf(" %11.0f %8.0f", figures->ns, mb_per_second(figures));
    if (results->counters)
        printf(" %12.2f %12.0f", figures->cycles / figures->bytes, figures->instructions);
    if (figures->allocations >= 0)
        printf(" %12.2f", figures->allocations);
    putchar('\n');
}

static void print_goal(double goal)
{
    if (goal > 0)
        printf(" %7.1f", goal);
    else
        printf(" %7s", "-");
}

static void print_ratio(const struct results *results, const struct ratio *ratio)
{
    const double value = ratio_of(results, ratio);
    const struct row *const theirs = &bench_rows[ratio->theirs];

    printf("%-24s %-14s %-26s", bench_rows[ratio->ours].name, theirs->who, theirs->name);
    if (!(value > 0)) {
        puts("  missing");
        return;
    }
    printf(" %8.2f", value);
    print_goal(ratio->goal);
    print_goal(ratio->reach);
    if (ratio->goal > 0)
        printf("  %s", value < ratio->goal                         ? "missed"
                       : ratio->reach > 0 && value >= ratio->reach ? "reached"
                                                                   : "met");
    putchar('\n');
}

void report_table(const struct results *results)
{
    printf("%zu sessions of seed %llu, on average %.0f bytes of JSON and %.0f of protobuf; "
           "median of %u rounds\n",
           results->sessions, (unsigned long long)results->seed, results->json_bytes,
           results->pb_bytes, results->rounds);
    if (!results->counters)
        puts("No cycles and no instructions: the processor's counters are not permitted here.");
    if (results->rows[JSON_TO_PB].allocations < 0)
        puts("No allocations: those of a shared library are not seen.");
    printf("\n%-14s %-26s %11s %8s", "", "", "ns/session", "MB/s");
    if (results->counters)
        printf(" %12s %12s", "cycles/byte", "instructions");
    puts("  allocations");
    for (unsigned i = 0; i < ROWS; i++)
        print_row(results, i);

    printf("\n%-24s %-14s %-26s %8s %7s %7s\n", "times as fast", "as", "", "ratio", "goal",
           "reach");
    for (size_t i = 0; i < bench_ratio_count; i++)
        print_ratio(results, &bench_ratios[i]);
}

static void json_row(const struct results *results, unsigned i, FILE *file)
{
    const struct row *const row = &bench_rows[i];
    const struct figures *const figures = &results->rows[i];

    fprintf(file, "%s\n    {\"who\":\"%s\",\"name\":\"%s\"", i > 0 ? "," : "", row->who, row->name);
    if (row->run == NULL) {
        fprintf(file, ",\"missing\":\"%s\"}", row->needs);
        return;
    }
    fprintf(file, ",\"nsPerSession\":%.1f,\"mbPerSecond\":%.1f", figures->ns,
            mb_per_second(figures));
    if (results->counters)
        fprintf(file, ",\"cyclesPerByte\":%.3f,\"instructionsPerSession\":%.0f",
                figures->cycles / figures->bytes, figures->instructions);
    if (figures->allocations >= 0)
        fprintf(file, ",\"allocationsPerSession\":%.3f", figures->allocations);
    fputc('}', file);
}

void report_json(const struct results *results, FILE *file)
{
    fprintf(file,
            "{\n  \"sessions\":%zu,\"seed\":%llu,\"rounds\":%u,\"jsonBytes\":%.1f,"
            "\"pbBytes\":%.1f,\n  \"rows\":[",
            results->sessions, (unsigned long long)results->seed, results->rounds,
            results->json_bytes, results->pb_bytes);
    for (unsigned i = 0; i < ROWS; i++)
        json_row(results, i, file);
    fputs("\n  ],\n  \"ratios\":[", file);
    for (size_t i = 0; i < bench_ratio_count; i++) {
        const struct ratio *const ratio = &bench_ratios[i];
        fprintf(file,
                "%s\n    {\"ours\":\"%s\",\"who\":\"%s\",\"theirs\":\"%s\",\"ratio\":%.3f,"
                "\"goal\":%.1f,\"reach\":%.1f}",
                i > 0 ? "," : "", bench_rows[ratio->ours].name, bench_rows[ratio->theirs].who,
                bench_rows[ratio->theirs].name, ratio_of(results, ratio), ratio->goal,
                ratio->reach);
    }
    fputs("\n  ]\n}\n", file);
}
