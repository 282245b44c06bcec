/*
 * What hostile input may cost in memory. The allocator is counted, of libraries too; each door must keep
 * to a multiple of its input, or to the limit that it is given.
 *
 * CVE-2022-1941, CVE-2021-22569, protobuf-c (284 times its input), protobuf#13309 (memory for a declared
 * length).
 */
#define _GNU_SOURCE /* malloc_usable_size() */

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "door_support.h"

enum {
    TIMEOUT_SECONDS = 120,
    INPUT = (1 << 20) + (1 << 16),
    /* just above a power of 2, before which buffers double */ BUDGET = 4 << 20
};

static size_t in_use;
static size_t peak;

void *__real_malloc(size_t len);
void *__real_calloc(size_t count, size_t len);
void *__real_aligned_alloc(size_t alignment, size_t len);
void *__real_realloc(void *memory, size_t len);
void __real_free(void *memory);

void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t count, size_t len);
void *__wrap_aligned_alloc(size_t alignment, size_t len);
void *__wrap_realloc(void *memory, size_t len);
void __wrap_free(void *memory);

static void *counted(void *memory)
{
    in_use += memory == NULL ? 0 : malloc_usable_size(memory);
    peak = in_use > peak ? in_use : peak;
    return memory;
}

void *__wrap_malloc(size_t len)
{
    return counted(__real_malloc(len));
}

void *__wrap_calloc(size_t count, size_t len)
{
    return counted(__real_calloc(count, len));
}

void *__wrap_aligned_alloc(size_t alignment, size_t len)
{
    return counted(__real_aligned_alloc(alignment, len));
}

/* As if both were there at once, which they are where the memory moves. */
void *__wrap_realloc(void *memory, size_t len)
{
    const size_t before = memory == NULL ? 0 : malloc_usable_size(memory);
    void *const moved = __real_realloc(memory, len);

    if (moved == NULL)
        return NULL;
    counted(moved);
    in_use -= before;
    return moved;
}

void __wrap_free(void *memory)
{
    in_use -= memory == NULL ? 0 : malloc_usable_size(memory);
    __real_free(memory);
}

/* cJSON is a shared library, whose calls are not wrapped: it is given the same functions. */
static void count_cjson(void)
{
    cJSON_Hooks hooks = { .malloc_fn = __wrap_malloc, .free_fn = __wrap_free };

    cJSON_InitHooks(&hooks);
}

/* ---- Inputs of about INPUT bytes: `head`, `part` again and again, `tail`. ---- */

struct input {
    const char *head;
    const char *part;
    size_t part_len;
    const char *tail;
};

#define INPUT_OF(head, part, tail)         \
    {                                      \
        head, part, sizeof(part) - 1, tail \
    }

static void make(struct spb_bytes *out, const struct input *input)
{
    out->len = 0;
    put(out, input->head);
    ck_assert_int_eq(spb_bytes_reserve(out, INPUT + input->part_len), SPB_OK);
    for (; out->len < INPUT; out->len += input->part_len)
        memcpy(out->data + out->len, input->part, input->part_len);
    put(out, input->tail);
}

static const struct input texts[] = {
    INPUT_OF("{\"searchTerms\":[\"\"", ",\"\"", "]}"),
    INPUT_OF("{\"conversationChannels\":[{}", ",{}", "]}"),
    INPUT_OF("{\"attributes\":{\"\":{}", ",\"\":{}", "}}"),
    INPUT_OF("{\"x\":[0", ",0", "]}"),
    INPUT_OF("{\"x\":[[]", ",[]", "]}"),
    INPUT_OF("{\"x\":1", ",\"\":1", "}"),
    INPUT_OF("{\"", "\\u0001", "\":1}"),
    INPUT_OF("{\"", "a", "\":1}"),
    INPUT_OF("{\"id\":\"", "\\u0001", "\"}"),
    INPUT_OF("{\"id\":", "1", "}"),
    INPUT_OF("{\"x\":", "[", ""),
    INPUT_OF("{\"$unknownFields\":\"", "AAAA", "\"}"),
    INPUT_OF("{\"$unknownFields\":\"", "uD4B", "\"}"),
    INPUT_OF("", " ", "{}"),
};

static const struct input messages[] = {
    INPUT_OF("", "\x0a\x00", ""),         /* strings of no bytes */
    INPUT_OF("", "\xc2\x01\x00", ""),     /* elements of no bytes */
    INPUT_OF("", "\x9a\x02\x00", ""),     /* messages of no fields */
    INPUT_OF("", "\x4a\x02\x0a\x00", ""), /* messages in messages */
    INPUT_OF("", "\x5a\x00", ""),         /* entries of no fields */
    INPUT_OF("", "\x12\x00", ""),         /* a message in pieces of no bytes */
    INPUT_OF("", "\x08\x01", ""),         /* unknown varints: protobuf-c takes 44 times that */
    INPUT_OF("", "\x93\x3f\x94\x3f", ""), /* groups */
    INPUT_OF("", "\xc2\x3e\x02{}", ""),   /* additional properties */
    INPUT_OF("\x0a\x01i", "\x2a\x00\x0a\x00", ""), /* out of order */
    INPUT_OF("\x0a\xff\xff\xff\xff\x07", "a", ""), /* a length of 2 GiB */
};

enum { TEXTS = sizeof texts / sizeof texts[0], MESSAGES = sizeof messages / sizeof messages[0] };

/* ---- Doors. Everything that they hold, and what they give, is released in the end. ---- */

typedef void door(spb_converter *converter, const struct spb_bytes *in);

static void text_to_bytes(spb_converter *converter, const struct spb_bytes *in)
{
    struct spb_bytes out = { 0 };

    spb_json_to_pb(converter, (const char *)in->data, in->len, &out, NULL);
    spb_bytes_release(&out);
}

static void text_to_struct(spb_converter *converter, const struct spb_bytes *in)
{
    Journey__V1__Session *session = NULL;

    spb_json_to_session(converter, (const char *)in->data, in->len, &session, NULL);
    spb_session_free(session);
}

static void stream(spb_converter *converter, const struct spb_bytes *in)
{
    spb_documents *documents = spb_documents_new(converter);
    struct spb_bytes out = { 0 };
    char *space;
    size_t room;

    for (size_t at = 0, len = 0; at < in->len; at += len) {
        if (spb_documents_space(documents, &space, &room) != SPB_OK)
            break;
        len = in->len - at < room ? in->len - at : room;
        memcpy(space, in->data + at, len);
        spb_documents_commit(documents, len);
        out.len = 0;
        if (spb_documents_next(documents, &out, NULL) > SPB_END)
            break;
    }
    spb_documents_free(documents);
    spb_bytes_release(&out);
}

static void bytes_to_text(spb_converter *converter, const struct spb_bytes *in)
{
    struct spb_bytes out = { 0 };

    spb_pb_to_json(converter, in->data, in->len, &out, NULL);
    spb_bytes_release(&out);
}

static void bytes_to_struct(spb_converter *converter, const struct spb_bytes *in)
{
    Journey__V1__Session *session = NULL;

    spb_pb_to_session(converter, in->data, in->len, &session, NULL);
    spb_session_free(session);
}

static void bytes_to_tree(spb_converter *converter, const struct spb_bytes *in)
{
    cJSON *tree = NULL;

    spb_pb_to_tree(converter, in->data, in->len, &tree, NULL);
    cJSON_Delete(tree);
}

/*
 * Putting fields in order takes two spans of 40 bytes for each, and doubles: a field may have 2 bytes.
 * With a budget it keeps to that.
 */
static const struct {
    const char *name;
    door *through;
    bool text;
    size_t memory_max;   /* that the converter is given */
    unsigned factor_max; /* of the input, besides memory_max */
} doors[] = {
    { "text to bytes", text_to_bytes, true, 0, 40 },
    { "text to a struct", text_to_struct, true, BUDGET, 40 },
    { "a stream of text", stream, true, 0, 40 },
    { "bytes to text", bytes_to_text, false, 0, 240 },
    { "bytes to text within a budget", bytes_to_text, false, BUDGET, 40 },
    { "bytes to a struct", bytes_to_struct, false, BUDGET, 40 },
    { "bytes to a tree", bytes_to_tree, false, BUDGET, 40 },
};

enum { DOORS = sizeof doors / sizeof doors[0] };

/* A converter of its own for each input: what the one before has left there would not be counted. */
START_TEST(memory_keeps_to_a_multiple_of_the_input_and_to_the_limit)
{
    const struct spb_options options = { .size = sizeof options,
                                         .lenient = true,
                                         .limits.memory_max = doors[_i].memory_max };
    const struct input *const inputs = doors[_i].text ? texts : messages;
    const size_t count = doors[_i].text ? TEXTS : MESSAGES;
    struct spb_bytes in = { 0 };

    count_cjson();
    for (size_t i = 0; i < count; i++) {
        make(&in, &inputs[i]);
        const size_t before = in_use;
        peak = in_use;
        spb_converter *converter = spb_converter_new(&options);
        doors[_i].through(converter, &in);
        spb_converter_free(converter);
        const size_t behind = in_use; /* assertions allocate, too */
        ck_assert_msg(peak > before, "nothing is counted");
        ck_assert_msg(peak - before <= doors[_i].factor_max * in.len + doors[_i].memory_max,
                      "%s, input %zu: %zu bytes for %zu", doors[_i].name, i, peak - before, in.len);
        ck_assert_uint_eq(behind, before);
    }
    spb_bytes_release(&in);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory of hostile input");
    TCase *tcase = tcase_create("memory");

    tcase_set_timeout(tcase, TIMEOUT_SECONDS);
    tcase_add_loop_test(tcase, memory_keeps_to_a_multiple_of_the_input_and_to_the_limit, 0, DOORS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
