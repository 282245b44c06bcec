/*
 * Limits, which the input says. Below them a door does what it does without; what is above them ends with
 * the status of a limit, or with that of a fault that was met before.
 */
#include <sessionpb/session.h>
#include <sessionpb/tree.h>

#include <cjson/cJSON.h>

#include "fuzz.h"

static enum spb_status by_struct(spb_converter *converter, const void *data, size_t len,
                                 struct spb_bytes *out, struct spb_error *error)
{
    Journey__V1__Session *session = NULL;
    enum spb_status status = spb_pb_to_session(converter, data, len, &session, error);

    if (status == SPB_OK)
        status = spb_session_to_json(converter, session, out, error);
    spb_session_free(session);
    return status;
}

static enum spb_status by_tree(spb_converter *converter, const void *data, size_t len,
                               struct spb_bytes *out, struct spb_error *error)
{
    cJSON *tree = NULL;
    enum spb_status status = spb_pb_to_tree(converter, data, len, &tree, error);

    if (status == SPB_OK)
        status = spb_tree_to_pb(converter, tree, out, error);
    cJSON_Delete(tree);
    return status;
}

static fuzz_convert *const calls[] = { fuzz_json_to_pb, spb_pb_to_json, by_struct, by_tree };

static bool is_limit(enum spb_status status)
{
    return status == SPB_TOO_LARGE || status == SPB_TOO_DEEP || status == SPB_OVER_BUDGET;
}

/* Two bits of the number choose each limit; 0 is the default. Kept from input to input. */
static spb_converter *limited(uint8_t number)
{
    static const size_t documents[] = { 0, 16, 128, 1024 };
    static const size_t depths[] = { 0, 1, 2, 4 };
    static const size_t memories[] = { 0, 256, 2048, 16384 };
    static const size_t items[] = { 0, 1, 4, 16 };
    static spb_converter *converters[256];

    if (converters[number] == NULL) {
        const struct spb_options options = { .size = sizeof options,
                                             .lenient = true,
                                             .limits = {
                                                 .document_max = documents[number % 4],
                                                 .depth_max = depths[number / 4 % 4],
                                                 .memory_max = memories[number / 16 % 4],
                                                 .items_max = items[number / 64],
                                             } };
        converters[number] = spb_converter_new(&options);
        fuzz_must(converters[number] != NULL);
    }
    return converters[number];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    fuzz_convert *const convert = calls[fuzz_byte(&input) % (sizeof calls / sizeof calls[0])];
    spb_converter *const converter = limited(fuzz_byte(&input));
    struct fuzz_result expected =
        fuzz_run(convert, fuzz_converter(FUZZ_LENIENT), false, input.at, input.len);
    struct fuzz_result result = fuzz_run(convert, converter, false, input.at, input.len);

    fuzz_must(is_limit(result.status) || fuzz_same_result(&result, &expected));
    fuzz_release(&expected);
    fuzz_release(&result);
    return 0;
}
