#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

/*
 * Sessions for benchmarks: made up, the same ones for the same seed, and canonical, so that they
 * survive the way to protobuf and back byte for byte.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Document i is text[at[i]..at[i + 1] - 1), and a line feed follows: NDJSON. */
struct corpus {
    char *text;
    size_t *at;
    size_t count;
};

/*
 * shuffled   the same sessions with the members of every object, and the keys of every map, in an
 *            arbitrary order; but not inside of the values of additional members, whose text is kept
 *            as it is and would no longer be the same session
 *
 * Ends the program when memory is short.
 */
struct corpus corpus_make(uint64_t seed, size_t count, bool shuffled);
void corpus_release(struct corpus *corpus);

#endif
