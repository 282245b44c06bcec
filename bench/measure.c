#define _GNU_SOURCE /* syscall() */

/* All rows are run in turn, round by round, so that whatever else the machine does hits all alike. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/perf_event.h>
#include <sys/syscall.h>
#endif

enum { COUNTERS = 2 }; /* cycles and instructions, of this program in user mode */

struct sample {
    double ns;
    double counts[COUNTERS];
};

uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

/* ------------------------------------------------------------------ the processor's counters */

#ifdef __linux__
static int open_counter(uint64_t config, int group)
{
    struct perf_event_attr attributes;

    memset(&attributes, 0, sizeof attributes);
    attributes.size = sizeof attributes;
    attributes.type = PERF_TYPE_HARDWARE;
    attributes.config = config;
    attributes.exclude_kernel = 1;
    attributes.exclude_hv = 1;
    return (int)syscall(SYS_perf_event_open, &attributes, 0, -1, group, 0);
}

static bool open_counters(int files[COUNTERS])
{
    files[0] = open_counter(PERF_COUNT_HW_CPU_CYCLES, -1);
    files[1] = files[0] < 0 ? -1 : open_counter(PERF_COUNT_HW_INSTRUCTIONS, files[0]);
    if (files[0] >= 0 && files[1] < 0)
        close(files[0]);
    return files[1] >= 0;
}
#else
static bool open_counters(int files[COUNTERS])
{
    (void)files;
    return false;
}
#endif

static void read_counters(bool opened, const int files[COUNTERS], double counts[COUNTERS])
{
    for (int i = 0; i < COUNTERS; i++) {
        uint64_t count = 0;
        if (opened && read(files[i], &count, sizeof count) != (ssize_t)sizeof count)
            count = 0;
        counts[i] = (double)count;
    }
}

/* ------------------------------------------------------------------ rounds */

static struct sample run_once(const struct row *row, const struct inputs *inputs, bool counters,
                              const int files[COUNTERS])
{
    double before[COUNTERS], after[COUNTERS];

    read_counters(counters, files, before);
    const uint64_t begin = now_ns();
    const bool done = row->run(inputs);
    const uint64_t end = now_ns();
    read_counters(counters, files, after);
    if (!done)
        bench_fail("%s: %s fails", row->who, row->name);
    return (struct sample){ (double)(end - begin), { after[0] - before[0], after[1] - before[1] } };
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, compare);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

/* The median of one part of the samples, which begins `part` doubles behind their start. */
static double median_of(const struct sample *samples, unsigned rounds, unsigned part,
                        double *scratch)
{
    for (unsigned i = 0; i < rounds; i++)
        scratch[i] = part == 0 ? samples[i].ns : samples[i].counts[part - 1];
    return median(scratch, rounds);
}

static double allocations_of(const struct row *row, const struct inputs *inputs)
{
    const size_t before = allocations_so_far();

    row->run(inputs);
    return (double)(allocations_so_far() - before) / (double)inputs->compact.count;
}

/* Whether the library's calls are seen: those of a shared one are not. */
static bool allocations_seen(void)
{
    const size_t before = allocations_so_far();

    spb_converter_free(spb_converter_new(NULL));
    return allocations_so_far() > before;
}

/* After the rounds: every buffer has grown by then. */
static void count_allocations(const struct inputs *inputs, struct results *results)
{
    const bool seen = allocations_seen();

    count_cjson(true);
    for (unsigned i = 0; i < ROWS; i++)
        results->rows[i].allocations =
            seen && bench_rows[i].ours ? allocations_of(&bench_rows[i], inputs) : -1;
    count_cjson(false);
}

void measure(const struct inputs *inputs, unsigned rounds, struct results *results)
{
    struct sample *const samples = calloc((size_t)ROWS * rounds, sizeof *samples);
    double *const scratch = calloc(rounds, sizeof *scratch);
    const double sessions = (double)inputs->compact.count;
    int files[COUNTERS] = { -1, -1 };

    if (samples == NULL || scratch == NULL)
        bench_fail("out of memory");
    results->counters = open_counters(files);
    for (unsigned round = 0; round <= rounds; round++) {
        for (unsigned i = 0; i < ROWS; i++) {
            if (bench_rows[i].run == NULL)
                continue;
            const struct sample sample = run_once(&bench_rows[i], inputs, results->counters, files);
            if (round > 0) /* the first one warms up */
                samples[(size_t)i * rounds + round - 1] = sample;
        }
        fprintf(stderr, "\rround %u of %u", round, rounds);
    }
    fputc('\n', stderr);
    for (unsigned i = 0; i < ROWS; i++) {
        const struct sample *const of_row = samples + (size_t)i * rounds;
        struct figures *const figures = &results->rows[i];
        const struct docs *const text = bench_rows[i].pretty ? &inputs->pretty : &inputs->compact;
        figures->ns = median_of(of_row, rounds, 0, scratch) / sessions;
        figures->cycles = median_of(of_row, rounds, 1, scratch) / sessions;
        figures->instructions = median_of(of_row, rounds, 2, scratch) / sessions;
        figures->bytes = (double)text->total / sessions;
    }
    count_allocations(inputs, results);
    free(samples);
    free(scratch);
}
