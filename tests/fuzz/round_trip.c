/*
 * There and back. Whatever is accepted, what comes out is a fixed point: its text gives its bytes,
 * its bytes give its text, and the same bytes come from any other spelling of it.
 */
#include "fuzz.h"

/* Text that was accepted and what has come of it: every further step changes nothing. */
static void check_fixed_point(unsigned options, const struct spb_bytes *pb)
{
    struct fuzz_result text = fuzz_run_with(spb_pb_to_json, options, pb->data, pb->len);
    fuzz_must(text.status == SPB_OK);
    struct fuzz_result again = fuzz_run_with(fuzz_json_to_pb, options, text.out.data, text.out.len);
    fuzz_must(again.status == SPB_OK);
    fuzz_must(fuzz_same(&again.out, pb));
    fuzz_release(&text);
    fuzz_release(&again);
}

/* The first text of some bytes is canonical already. */
static void check_canonical(unsigned options, const struct spb_bytes *text)
{
    struct fuzz_result pb = fuzz_run_with(fuzz_json_to_pb, options, text->data, text->len);
    fuzz_must(pb.status == SPB_OK);
    struct fuzz_result again = fuzz_run_with(spb_pb_to_json, options, pb.out.data, pb.out.len);
    fuzz_must(again.status == SPB_OK);
    fuzz_must(fuzz_same(&again.out, text));
    check_fixed_point(options, &pb.out);
    fuzz_release(&pb);
    fuzz_release(&again);
}

/* Where all of a text is kept, indentation is no part of it. */
static void check_indented(unsigned options, const struct spb_bytes *pb)
{
    struct spb_bytes pretty = { 0 };
    struct fuzz_result text = fuzz_run_with(spb_pb_to_json, options, pb->data, pb->len);

    fuzz_must(spb_json_pretty((const char *)text.out.data, text.out.len, &pretty) == SPB_OK);
    struct fuzz_result again = fuzz_run_with(fuzz_json_to_pb, options, pretty.data, pretty.len);
    fuzz_must(again.status == SPB_OK && fuzz_same(&again.out, pb));
    fuzz_release(&text);
    fuzz_release(&again);
    spb_bytes_release(&pretty);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    /* Of what is accepted, rejecting unknown members leaves what keeping them leaves; but lenient
       reading may keep what it then refuses. */
    const unsigned options = fuzz_options(&input) & ~(unsigned)FUZZ_REJECT;
    const bool from_text = fuzz_byte(&input) % 2 == 0;
    struct fuzz_result result =
        fuzz_run_with(from_text ? fuzz_json_to_pb : spb_pb_to_json, options, input.at, input.len);

    if (result.status == SPB_OK && from_text) {
        check_fixed_point(options, &result.out);
        check_indented(options, &result.out);
    } else if (result.status == SPB_OK) {
        check_canonical(options, &result.out);
    }
    fuzz_release(&result);
    return 0;
}
