/*
 * Canonical order of protobuf bytes. Normalising twice is normalising once, what is merged is the
 * same wherever the bytes are cut, and neither changes what the text says.
 */
#include "wire/normalise.h"
#include "fuzz.h"

enum { DEPTH_MAX = 64 };

static enum spb_status normalise(const void *data, size_t len, struct spb_bytes *out)
{
    static struct spb_schema *schema;
    static struct spb_normaliser normaliser;
    uint8_t *const padded = fuzz_copy(data, len, true);
    struct spb_wire_reader reader = { .begin = padded, .depth_max = DEPTH_MAX };

    if (schema == NULL)
        schema = spb_schema_new();
    fuzz_must(schema != NULL);
    const enum spb_status status =
        spb_wire_normalise(&normaliser, &reader, schema->session, padded, len, out);
    fuzz_must(normaliser.spans.count == 0);
    fuzz_must(reader.error.status == status);
    fuzz_must(reader.error.offset <= len);
    free(padded);
    return status;
}

/* Protobuf's rule: messages one behind the other are one message, merged. Only the first is put in order
   before: a zero in a date of the second, which overrides the first's, would be left out. */
static void check_concatenation(const struct fuzz_input *input, size_t cut,
                                const struct spb_bytes *normal)
{
    struct spb_bytes parts = { 0 };
    struct spb_bytes merged = { 0 };

    if (normalise(input->at, cut, &parts) == SPB_OK) {
        fuzz_append(&parts, input->at + cut, input->len - cut);
        fuzz_must(normalise(parts.data, parts.len, &merged) == SPB_OK);
        fuzz_must(fuzz_same(&merged, normal));
    }
    spb_bytes_release(&parts);
    spb_bytes_release(&merged);
}

/* What was put in order says the same, and its text is a text of bytes in order. */
static void check_text(unsigned options, const struct fuzz_input *input,
                       const struct spb_bytes *normal)
{
    struct spb_bytes again = { 0 };
    struct fuzz_result text = fuzz_run_with(spb_pb_to_json, options, input->at, input->len);
    struct fuzz_result same = fuzz_run_with(spb_pb_to_json, options, normal->data, normal->len);

    fuzz_must(text.status == same.status);
    fuzz_must(fuzz_same(&text.out, &same.out));
    if (text.status == SPB_OK) {
        struct fuzz_result pb =
            fuzz_run_with(fuzz_json_to_pb, options, text.out.data, text.out.len);
        if (pb.status == SPB_OK) {
            fuzz_must(normalise(pb.out.data, pb.out.len, &again) == SPB_OK);
            fuzz_must(fuzz_same(&again, &pb.out));
        }
        fuzz_release(&pb);
    }
    fuzz_release(&text);
    fuzz_release(&same);
    spb_bytes_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const unsigned options = fuzz_options(&input);
    const size_t cut = (size_t)fuzz_byte(&input) * (input.len + 1) / 256;
    struct spb_bytes normal = { 0 };
    struct spb_bytes again = { 0 };
    const enum spb_status status = normalise(input.at, input.len, &normal);

    if (status == SPB_OK) {
        fuzz_must(normalise(normal.data, normal.len, &again) == SPB_OK);
        fuzz_must(fuzz_same(&again, &normal));
        check_concatenation(&input, cut, &normal);
        check_text(options, &input, &normal);
    } else {
        struct fuzz_result text = fuzz_run_with(spb_pb_to_json, options, input.at, input.len);
        fuzz_must(text.status != SPB_OK);
        fuzz_release(&text);
    }
    spb_bytes_release(&normal);
    spb_bytes_release(&again);
    return 0;
}
