/*
 * The tree door beside the text door, and beside cJSON's own parser: one verdict, but for what a
 * tree cannot hold, and the same bytes.
 */
#define _POSIX_C_SOURCE 200809L /* strnlen() */

#include <cjson/cJSON.h>
#include <sessionpb/tree.h>

#include "fuzz.h"

static bool is_of_door(enum spb_status status)
{
    return status == SPB_NOT_REPRESENTABLE || status == SPB_OVER_BUDGET;
}

/* Whether two messages say the same, as cJSON reads their texts. */
static bool same_meaning(spb_converter *converter, const struct spb_bytes *a,
                         const struct spb_bytes *b)
{
    struct spb_bytes texts[2] = { 0 };
    cJSON *trees[3];

    fuzz_must(spb_pb_to_json(converter, a->data, a->len, &texts[0], NULL) == SPB_OK);
    fuzz_must(spb_pb_to_json(converter, b->data, b->len, &texts[1], NULL) == SPB_OK);
    for (size_t i = 0; i < 3; i++)
        trees[i] = cJSON_Parse((const char *)texts[i % 2].data);
    /* Where a name stands twice in an additional value, cJSON finds a tree unlike its twin. */
    const bool same = fuzz_same(&texts[0], &texts[1]) || cJSON_Compare(trees[0], trees[1], true) ||
                      !cJSON_Compare(trees[0], trees[2], true);
    for (size_t i = 0; i < 3; i++)
        cJSON_Delete(trees[i]);
    for (size_t i = 0; i < 2; i++)
        spb_bytes_release(&texts[i]);
    return same;
}

/*
 * A tree's bytes. Numbers of additional members are spelled anew by a tree (2.50 is 2.5), so it is
 * what they say that is compared, and the bytes of the next tree.
 */
static void check_tree(spb_converter *converter, const cJSON *tree,
                       const struct spb_bytes *expected)
{
    struct spb_bytes first = { 0 };
    struct spb_bytes second = { 0 };
    cJSON *again = NULL;
    struct spb_error error;
    const enum spb_status status = spb_tree_to_pb(converter, tree, &first, &error);

    if (status == SPB_OK) {
        fuzz_must(spb_pb_to_tree(converter, first.data, first.len, &again, NULL) == SPB_OK);
        fuzz_must(spb_tree_to_pb(converter, again, &second, NULL) == SPB_OK);
        fuzz_must(fuzz_same(&first, &second));
        fuzz_must(expected == NULL || same_meaning(converter, &first, expected));
        cJSON_Delete(again);
    } else {
        fuzz_check_error(&error, status);
        fuzz_must(expected == NULL || status == SPB_NOT_REPRESENTABLE);
    }
    spb_bytes_release(&first);
    spb_bytes_release(&second);
}

static void check_bytes(unsigned options, const void *data, size_t len)
{
    cJSON *tree = NULL;
    struct spb_error error;
    uint8_t *const copy = fuzz_copy(data, len, (options & FUZZ_PADDED) != 0);
    struct fuzz_result json = fuzz_run_with(spb_pb_to_json, options, data, len);
    const enum spb_status status =
        spb_pb_to_tree(fuzz_converter(options), copy, len, &tree, &error);

    free(copy); /* the tree borrows nothing */
    fuzz_must(status == json.status || (json.status == SPB_OK && is_of_door(status)));
    fuzz_must((status == SPB_OK) == (tree != NULL));
    if (status == SPB_OK) {
        struct fuzz_result pb =
            fuzz_run_with(fuzz_json_to_pb, options, json.out.data, json.out.len);
        fuzz_must(pb.status == SPB_OK);
        check_tree(fuzz_converter(options & ~(unsigned)FUZZ_PADDED), tree, &pb.out);
        fuzz_release(&pb);
    } else {
        fuzz_check_error(&error, status);
    }
    cJSON_Delete(tree);
    fuzz_release(&json);
}

/* cJSON takes more than JSON; what then comes through the door is bytes as good as any. */
static void check_parsed(unsigned options, const void *data, size_t len)
{
    struct spb_bytes pb = { 0 };
    struct spb_error error;
    uint8_t *const copy = fuzz_copy(data, len, true);
    cJSON *const tree = cJSON_ParseWithLength((const char *)copy, len + 1);
    struct fuzz_result json;

    free(copy);
    if (tree != NULL && spb_tree_to_pb(fuzz_converter(options), tree, &pb, &error) == SPB_OK) {
        json = fuzz_run_with(spb_pb_to_json, options, pb.data, pb.len);
        fuzz_must(json.status == SPB_OK);
        struct fuzz_result again =
            fuzz_run_with(fuzz_json_to_pb, options, json.out.data, json.out.len);
        fuzz_must(again.status == SPB_OK && fuzz_same(&again.out, &pb));
        check_tree(fuzz_converter(options & ~(unsigned)FUZZ_PADDED), tree, NULL);
        fuzz_release(&again);
        fuzz_release(&json);
    }
    cJSON_Delete(tree);
    spb_bytes_release(&pb);
}

/* A raw node holds a value as text: what is taken is what the text door takes. */
static void check_raw(unsigned options, const void *data, size_t len)
{
    spb_converter *const converter = fuzz_converter((options & FUZZ_PADDED) | FUZZ_LENIENT);
    cJSON *const tree = cJSON_CreateObject();
    struct spb_bytes text = { 0 };
    struct spb_bytes pb = { 0 };
    struct spb_error error;

    fuzz_append(&text, data, len);
    fuzz_append(&text, "", 1);
    cJSON_AddItemToObject(tree, "x", cJSON_CreateRaw((const char *)text.data));
    const enum spb_status status = spb_tree_to_pb(converter, tree, &pb, &error);
    if (status == SPB_OK) {
        text.len = 0;
        fuzz_append(&text, "{\"x\":", 5);
        fuzz_append(&text, data, strnlen((const char *)data, len));
        fuzz_append(&text, "}", 1);
        struct fuzz_result expected =
            fuzz_run_with(fuzz_json_to_pb, FUZZ_LENIENT, text.data, text.len);
        fuzz_must(expected.status == SPB_OK && fuzz_same(&pb, &expected.out));
        fuzz_release(&expected);
    } else {
        fuzz_check_error(&error, status);
    }
    cJSON_Delete(tree);
    spb_bytes_release(&text);
    spb_bytes_release(&pb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const unsigned options = fuzz_options(&input) & ~(unsigned)FUZZ_REJECT;

    if (fuzz_byte(&input) % 2 == 0) {
        struct fuzz_result pb = fuzz_run_with(fuzz_json_to_pb, options, input.at, input.len);
        check_parsed(options, input.at, input.len);
        check_raw(options, input.at, input.len);
        if (pb.status == SPB_OK)
            check_bytes(options, pb.out.data, pb.out.len);
        fuzz_release(&pb);
    } else {
        check_bytes(options, input.at, input.len);
    }
    return 0;
}
