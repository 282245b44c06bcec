#ifndef SPB_TESTS_FUZZ_H
#define SPB_TESTS_FUZZ_H

/*
 * What the targets share. A target is a function of bytes that ends the program when a promise is
 * broken. libFuzzer looks for such bytes, and replay.c passes it the ones of the corpus.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sessionpb/sessionpb.h>

#ifdef __cplusplus
extern "C" {
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of assert(), which a release build leaves out. */
#define fuzz_must(condition) \
    ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__, __func__))

static inline void fuzz_broken(const char *condition, const char *file, int line,
                               const char *function)
{
    fprintf(stderr, "%s:%d: %s: broken: %s\n", file, line, function, condition);
    abort();
}

/* ---- inputs ---- */

/* An input is some bytes that choose, and then what is to be read. */
struct fuzz_input {
    const uint8_t *at;
    size_t len;
};

/* The next byte that chooses; 0 where none is left. */
static inline uint8_t fuzz_byte(struct fuzz_input *input)
{
    if (input->len == 0)
        return 0;
    input->len--;
    return *input->at++;
}

/*
 * A copy in memory of exactly its size, so that AddressSanitizer sees whoever reads on; with
 * `padded` SPB_PADDING bytes more, as a caller may have them: the first is 0, the others look like
 * more of the input.
 */
static inline uint8_t *fuzz_copy(const void *data, size_t len, bool padded)
{
    uint8_t *const copy = (uint8_t *)malloc(len + (padded ? SPB_PADDING : 0));

    fuzz_must(copy != NULL || len == 0);
    if (len > 0)
        memcpy(copy, data, len);
    if (padded) {
        memset(copy + len, '"', SPB_PADDING);
        copy[len] = 0;
    }
    return copy;
}

static inline bool fuzz_same(const struct spb_bytes *a, const struct spb_bytes *b)
{
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static inline void fuzz_append(struct spb_bytes *bytes, const void *data, size_t len)
{
    fuzz_must(spb_bytes_append(bytes, data, len) == SPB_OK);
}

/* ---- options ---- */

enum { FUZZ_PADDED = 1, FUZZ_LENIENT = 2, FUZZ_DROP = 4, FUZZ_REJECT = 8, FUZZ_OPTIONS = 12 };

/* A number below FUZZ_OPTIONS of the bits above. */
static inline unsigned fuzz_options(struct fuzz_input *input)
{
    return fuzz_byte(input) % FUZZ_OPTIONS;
}

/* Kept from input to input, as a program would: what one leaves behind must not reach the next. */
static inline spb_converter *fuzz_converter(unsigned options)
{
    static spb_converter *converters[FUZZ_OPTIONS];

    if (converters[options] == NULL) {
        struct spb_options chosen = { 0 };
        chosen.size = sizeof chosen;
        chosen.padded = (options & FUZZ_PADDED) != 0;
        chosen.lenient = (options & FUZZ_LENIENT) != 0;
        chosen.unknown = (options & FUZZ_DROP) != 0     ? SPB_UNKNOWN_DROP
                         : (options & FUZZ_REJECT) != 0 ? SPB_UNKNOWN_REJECT
                                                        : SPB_UNKNOWN_KEEP;
        converters[options] = spb_converter_new(&chosen);
        fuzz_must(converters[options] != NULL);
    }
    return converters[options];
}

/* ---- results ---- */

/* What an error says of itself, whatever failed. */
static inline void fuzz_check_error(const struct spb_error *error, enum spb_status status)
{
    fuzz_must(error->status == status);
    fuzz_must(status != SPB_OK && status != SPB_INTERNAL && status != SPB_NO_MEMORY);
    fuzz_must(strncmp(spb_status_name(status), "SPB_", 4) == 0);
    fuzz_must(memchr(error->path, '\0', sizeof error->path) != NULL);
    fuzz_must(memchr(error->reason, '\0', sizeof error->reason) != NULL);
    fuzz_must(error->reason[0] != '\0');
    for (const char *c = error->path; *c != '\0'; c++)
        fuzz_must((unsigned char)*c >= ' ' && *c != 0x7f);
}

static inline bool fuzz_same_error(const struct spb_error *a, const struct spb_error *b)
{
    return a->status == b->status && a->offset == b->offset && a->line == b->line &&
           a->column == b->column && strcmp(a->path, b->path) == 0 &&
           strcmp(a->reason, b->reason) == 0;
}

struct fuzz_result {
    enum spb_status status;
    struct spb_bytes out;
    struct spb_error error; /* where it failed */
};

typedef enum spb_status fuzz_convert(spb_converter *converter, const void *data, size_t len,
                                     struct spb_bytes *out, struct spb_error *error);

static inline enum spb_status fuzz_json_to_pb(spb_converter *converter, const void *data,
                                              size_t len, struct spb_bytes *out,
                                              struct spb_error *error)
{
    return spb_json_to_pb(converter, (const char *)data, len, out, error);
}

/* Converts a copy, and holds the outputs to what sessionpb.h says of them. */
static inline struct fuzz_result fuzz_run(fuzz_convert *convert, spb_converter *converter,
                                          bool padded, const void *data, size_t len)
{
    static const char before[] = "before";
    struct fuzz_result result;
    struct spb_error untouched;
    uint8_t *const copy = fuzz_copy(data, len, padded);

    memset(&result, 0, sizeof result);
    memset(&result.error, '?', sizeof result.error);
    untouched = result.error;
    fuzz_append(&result.out, before, sizeof before);
    result.status = convert(converter, copy, len, &result.out, &result.error);
    fuzz_must(len == 0 || memcmp(copy, data, len) == 0);
    fuzz_must(memcmp(result.out.data, before, sizeof before) == 0);
    if (result.status == SPB_OK) {
        fuzz_must(memcmp(&result.error, &untouched, sizeof untouched) == 0);
    } else {
        fuzz_must(result.out.len == sizeof before);
        fuzz_check_error(&result.error, result.status);
        fuzz_must(convert(converter, copy, len, &result.out, NULL) == result.status);
    }
    result.out.len -= sizeof before;
    fuzz_must(spb_bytes_reserve(&result.out, sizeof before + 1) == SPB_OK);
    memmove(result.out.data, result.out.data + sizeof before, result.out.len + 1);
    free(copy);
    return result;
}

/* As fuzz_run(), with a number of fuzz_options(). */
static inline struct fuzz_result fuzz_run_with(fuzz_convert *convert, unsigned options,
                                               const void *data, size_t len)
{
    return fuzz_run(convert, fuzz_converter(options), (options & FUZZ_PADDED) != 0, data, len);
}

static inline void fuzz_release(struct fuzz_result *result)
{
    spb_bytes_release(&result->out);
}

static inline bool fuzz_same_result(const struct fuzz_result *a, const struct fuzz_result *b)
{
    return a->status == b->status && fuzz_same(&a->out, &b->out) &&
           (a->status == SPB_OK || fuzz_same_error(&a->error, &b->error));
}

#ifdef __cplusplus
}
#endif

#endif
