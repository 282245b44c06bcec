#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/* What the parts of the benchmark share. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <sessionpb/convert.h>

/* Documents one behind another, each with PEER_PADDING zeros behind it. */
struct docs {
    uint8_t *data;
    size_t *at;
    size_t *len;
    size_t count;
    size_t total; /* bytes, without padding */
    size_t capacity;
};

/* The same sessions in every form that a row reads. */
struct inputs {
    spb_converter *converter;
    struct docs compact, shuffled, pretty;
    struct docs pb, pb_shuffled;
    void **sessions; /* structs of protobuf-c */
};

/* The rows, in the order of the table. */
enum row_id {
    JSON_TO_PB,
    JSON_TO_PB_SHUFFLED,
    JSON_TO_PB_PRETTY,
    PB_TO_JSON,
    JSON_TO_SESSION,
    PB_TO_SESSION,
    TREE_TO_PB,
    PB_TO_TREE,
    NORMALISE,
    CJSON_JSON_TO_PB,
    CJSON_JSON_TO_PB_SHUFFLED,
    CJSON_PB_TO_JSON,
    CJSON_JSON_TO_SESSION,
    PROTOBUFC_UNPACK,
    PROTOBUFC_PACK,
    GOOGLE_JSON_TO_PB,
    GOOGLE_PB_TO_JSON,
    SIMDJSON_VISIT,
    RAPIDJSON_VISIT,
    MEMCPY,
    ROWS
};

struct row {
    const char *name;
    const char *who;
    bool (*run)(const struct inputs *inputs); /* over the whole corpus; NULL: it is missing */
    const char *needs;                        /* what a missing peer takes */
    bool ours, pretty;
};

/* Of one row, for one session. A counter that is not permitted is 0. */
struct figures {
    double ns;
    double cycles;
    double instructions;
    double allocations; /* below 0: not counted */
    double bytes;       /* of JSON */
};

struct results {
    struct figures rows[ROWS];
    size_t sessions;
    double json_bytes, pb_bytes; /* of a session */
    unsigned rounds;
    uint64_t seed;
    bool counters; /* the processor's are permitted */
};

/* Two rows that do the same work: how many times as fast the first one is. */
struct ratio {
    enum row_id ours, theirs;
    double goal, reach; /* reach 0: none */
};

extern const struct row bench_rows[ROWS];
extern const struct ratio bench_ratios[];
extern const size_t bench_ratio_count;

/* Ends the program with a message. */
_Noreturn void bench_fail(const char *format, ...);

void inputs_make(struct inputs *inputs, uint64_t seed, size_t count);
void inputs_release(struct inputs *inputs);

/* Ends the program when a row's result is not what it must be. */
void verify_all(const struct inputs *inputs);

/* `rounds` of them count, and one before them does not. */
void measure(const struct inputs *inputs, unsigned rounds, struct results *results);
uint64_t now_ns(void);

/* Calls of malloc, calloc and realloc from this program and from a library in it. */
size_t allocations_so_far(void);
void count_cjson(bool counted); /* whether cJSON's count as well */

void report_table(const struct results *results);
void report_json(const struct results *results, FILE *file);
void chart_svg(const struct results *results, FILE *file);
double ratio_of(const struct results *results,
                const struct ratio *ratio); /* 0: a peer is missing */

#endif
