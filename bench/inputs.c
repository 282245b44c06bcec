/* The corpus in all its forms. */
#include "bench.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sessionpb/sessionpb.h>

#include "bridge/converter.h"
#include "corpus.h"
#include "peer.h"
#include "wire/reader.h"

enum { FIELDS_MAX = 256 };

_Noreturn void bench_fail(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    fputs("sessionpb-bench: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void docs_begin(struct docs *docs, size_t count)
{
    docs->at = malloc(count * sizeof *docs->at);
    docs->len = malloc(count * sizeof *docs->len);
    if (docs->at == NULL || docs->len == NULL)
        bench_fail("out of memory");
}

static void docs_add(struct docs *docs, const void *data, size_t len)
{
    const size_t at = docs->total + docs->count * PEER_PADDING;
    const size_t needed = at + len + PEER_PADDING;

    if (needed > docs->capacity) {
        docs->capacity = needed * 2;
        docs->data = realloc(docs->data, docs->capacity);
        if (docs->data == NULL)
            bench_fail("out of memory");
    }
    memcpy(docs->data + at, data, len);
    memset(docs->data + at + len, 0, PEER_PADDING);
    docs->at[docs->count] = at;
    docs->len[docs->count++] = len;
    docs->total += len;
}

static void docs_release(struct docs *docs)
{
    free(docs->data);
    free(docs->at);
    free(docs->len);
}

static void add_texts(struct docs *docs, uint64_t seed, size_t count, bool shuffled)
{
    struct corpus corpus = corpus_make(seed, count, shuffled);

    docs_begin(docs, count);
    for (size_t i = 0; i < count; i++)
        docs_add(docs, corpus.text + corpus.at[i], corpus.at[i + 1] - corpus.at[i] - 1);
    corpus_release(&corpus);
}

/* ------------------------------------------------------------------ shuffled fields */

struct piece {
    size_t at, len;
    uint32_t number;
};

/* A swap of two pieces of the same number would be another message: they take their places in turn. */
static void restore_turns(struct piece *pieces, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = i + 1; j < count; j++) {
            if (pieces[i].number == pieces[j].number && pieces[i].at > pieces[j].at) {
                const struct piece taken = pieces[i];
                pieces[i] = pieces[j];
                pieces[j] = taken;
            }
        }
    }
}

static void shuffle_pieces(uint64_t *random, struct piece *pieces, unsigned count)
{
    for (unsigned i = count; i > 1; i--) {
        *random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const unsigned at = (unsigned)(*random >> 33) % i;
        const struct piece taken = pieces[i - 1];
        pieces[i - 1] = pieces[at];
        pieces[at] = taken;
    }
    restore_turns(pieces, count);
}

/* Shuffles the fields of a valid message and of those in it, in place. */
static void shuffle_fields(uint64_t *random, const struct spb_table *table, uint8_t *data,
                           size_t len)
{
    struct spb_wire_reader reader = { .begin = data, .depth_max = 64 };
    struct piece pieces[FIELDS_MAX];
    unsigned count = 0;
    uint8_t *const copy = malloc(len + 1);

    if (copy == NULL)
        bench_fail("out of memory");
    for (const uint8_t *at = data; at < data + len;) {
        struct spb_wire_field field;
        const uint8_t *const next = spb_wire_field(&reader, at, data + len, &field);
        if (next == NULL || count == FIELDS_MAX)
            bench_fail("a message of the corpus cannot be shuffled");
        pieces[count++] = (struct piece){ (size_t)(at - data), (size_t)(next - at), field.number };
        const struct spb_row *const row = spb_table_find_number(table, field.number);
        if (row != NULL && row->table != NULL)
            shuffle_fields(random, row->table, data + (field.value - data), field.len);
        at = next;
    }
    shuffle_pieces(random, pieces, count);
    memcpy(copy, data, len);
    for (unsigned i = 0; i < count; i++) {
        memcpy(data, copy + pieces[i].at, pieces[i].len);
        data += pieces[i].len;
    }
    free(copy);
}

static void add_shuffled_fields(struct inputs *inputs)
{
    uint64_t random = 1;
    struct docs *const docs = &inputs->pb_shuffled;

    docs_begin(docs, inputs->pb.count);
    for (size_t i = 0; i < inputs->pb.count; i++) {
        docs_add(docs, inputs->pb.data + inputs->pb.at[i], inputs->pb.len[i]);
        shuffle_fields(&random, inputs->converter->schema->session, docs->data + docs->at[i],
                       docs->len[i]);
    }
}

/* ------------------------------------------------------------------ all of them */

static void add_messages(struct inputs *inputs)
{
    const struct docs *const compact = &inputs->compact;
    struct spb_bytes pb = { 0 }, pretty = { 0 };
    struct spb_error error;

    docs_begin(&inputs->pb, compact->count);
    docs_begin(&inputs->pretty, compact->count);
    inputs->sessions = calloc(compact->count, sizeof *inputs->sessions);
    for (size_t i = 0; i < compact->count; i++) {
        const char *const text = (const char *)compact->data + compact->at[i];
        pb.len = pretty.len = 0;
        if (spb_json_to_pb(inputs->converter, text, compact->len[i], &pb, &error) != SPB_OK)
            bench_fail("document %zu: %s: %s", i, error.path, error.reason);
        if (spb_json_pretty(text, compact->len[i], &pretty) != SPB_OK)
            bench_fail("out of memory");
        docs_add(&inputs->pb, pb.data, pb.len);
        docs_add(&inputs->pretty, pretty.data, pretty.len);
        if (inputs->sessions != NULL)
            inputs->sessions[i] = peer_protobufc_unpack(pb.data, pb.len);
    }
    spb_bytes_release(&pb);
    spb_bytes_release(&pretty);
}

void inputs_make(struct inputs *inputs, uint64_t seed, size_t count)
{
    const struct spb_options options = { .size = sizeof(options), .padded = true };
    *inputs = (struct inputs){ .converter = spb_converter_new(&options) };
    if (inputs->converter == NULL || !peer_cjson_start())
        bench_fail("out of memory");
    add_texts(&inputs->compact, seed, count, false);
    add_texts(&inputs->shuffled, seed, count, true);
    add_messages(inputs);
    add_shuffled_fields(inputs);
    if (inputs->sessions == NULL)
        bench_fail("out of memory");
}

void inputs_release(struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->pb.count; i++)
        peer_cjson_free_session(inputs->sessions[i]);
    free(inputs->sessions);
    docs_release(&inputs->compact);
    docs_release(&inputs->shuffled);
    docs_release(&inputs->pretty);
    docs_release(&inputs->pb);
    docs_release(&inputs->pb_shuffled);
    spb_converter_free(inputs->converter);
    peer_cjson_end();
}
