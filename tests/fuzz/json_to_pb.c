/* Any text to bytes: one verdict whoever reads it, at a place that is counted right. */
#include "fuzz_engines.h"

/* Line and column as status.h defines them, from the offset alone. */
static void check_place(const struct spb_error *error, const uint8_t *text, size_t len)
{
    size_t line = 1;
    size_t column = 1;

    fuzz_must(error->offset <= len);
    for (size_t i = 0; i < error->offset; i++) {
        column += (text[i] & 0xc0) != 0x80;
        if (text[i] == '\n') {
            line++;
            column = 1;
        }
    }
    fuzz_must(error->line == line);
    fuzz_must(error->column == column);
}

/* Bytes that were written are in the order that normalisation gives: see normalise.c. Here they have
   to be a message that can be read again. */
static void check_bytes(unsigned options, const struct spb_bytes *pb)
{
    struct fuzz_result text = fuzz_run_with(spb_pb_to_json, options, pb->data, pb->len);

    /* What lenient reading has kept as an additional member is one that SPB_UNKNOWN_REJECT refuses. */
    fuzz_must(text.status == SPB_OK ||
              (text.status == SPB_UNKNOWN_MEMBER && (options & FUZZ_REJECT) != 0 &&
               (options & FUZZ_LENIENT) != 0));
    fuzz_release(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const unsigned options = fuzz_options(&input);
    struct fuzz_result pb = fuzz_run_with(fuzz_json_to_pb, options, input.at, input.len);

    if (pb.status == SPB_OK)
        check_bytes(options, &pb.out);
    else
        check_place(&pb.error, input.at, input.len);
    fuzz_check_variants(fuzz_json_to_pb, options, input.at, input.len, &pb);
    fuzz_release(&pb);
    return 0;
}
