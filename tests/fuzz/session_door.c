/*
 * The struct door beside the text door: one verdict, but for what a C string and a budget cannot
 * hold, and the same bytes and text.
 */
#include <sessionpb/session.h>

#include "fuzz.h"

/* What a struct refuses that text does not. */
static bool is_of_door(enum spb_status status)
{
    return status == SPB_NOT_REPRESENTABLE || status == SPB_OVER_BUDGET;
}

static void check_verdict(enum spb_status door, enum spb_status text, const struct spb_error *error,
                          const Journey__V1__Session *session)
{
    fuzz_must(door == text || (text == SPB_OK && is_of_door(door)));
    fuzz_must((door == SPB_OK) == (session != NULL));
    if (door != SPB_OK)
        fuzz_check_error(error, door);
}

/* A struct gives the text and the bytes that the text door gives. */
static void check_struct(unsigned options, const Journey__V1__Session *session,
                         const struct fuzz_result *json)
{
    spb_converter *const converter = fuzz_converter(options);
    struct spb_bytes text = { 0 };
    struct spb_bytes pb = { 0 };
    struct fuzz_result expected =
        fuzz_run_with(fuzz_json_to_pb, options, json->out.data, json->out.len);

    fuzz_must(spb_session_to_json(converter, session, &text, NULL) == SPB_OK);
    fuzz_must(fuzz_same(&text, &json->out));
    fuzz_must(spb_session_to_pb(converter, session, &pb, NULL) == SPB_OK);
    fuzz_must(expected.status == SPB_OK && fuzz_same(&pb, &expected.out));
    fuzz_release(&expected);
    spb_bytes_release(&text);
    spb_bytes_release(&pb);
}

static void check_bytes(unsigned options, const void *data, size_t len)
{
    Journey__V1__Session *session = NULL;
    struct spb_error error;
    uint8_t *const copy = fuzz_copy(data, len, (options & FUZZ_PADDED) != 0);
    struct fuzz_result json = fuzz_run_with(spb_pb_to_json, options, data, len);
    const enum spb_status status =
        spb_pb_to_session(fuzz_converter(options), copy, len, &session, &error);

    free(copy); /* the struct borrows nothing */
    check_verdict(status, json.status, &error, session);
    if (status == SPB_OK)
        check_struct(options, session, &json);
    spb_session_free(session);
    fuzz_release(&json);
}

static void check_text(unsigned options, const void *data, size_t len)
{
    Journey__V1__Session *session = NULL;
    struct spb_error error;
    struct fuzz_result json = { 0 };
    uint8_t *const copy = fuzz_copy(data, len, (options & FUZZ_PADDED) != 0);
    struct fuzz_result pb = fuzz_run_with(fuzz_json_to_pb, options, data, len);
    const enum spb_status status =
        spb_json_to_session(fuzz_converter(options), (const char *)copy, len, &session, &error);

    free(copy);
    check_verdict(status, pb.status, &error, session);
    if (pb.status == SPB_OK) {
        json = fuzz_run_with(spb_pb_to_json, options, pb.out.data, pb.out.len);
        check_bytes(options, pb.out.data, pb.out.len);
    }
    if (status == SPB_OK)
        check_struct(options, session, &json);
    spb_session_free(session);
    fuzz_release(&json);
    fuzz_release(&pb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const unsigned options = fuzz_options(&input) & ~(unsigned)FUZZ_REJECT;

    if (fuzz_byte(&input) % 2 == 0)
        check_text(options, input.at, input.len);
    else
        check_bytes(options, input.at, input.len);
    return 0;
}
