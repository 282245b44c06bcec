/* What a peer sends as its receipt: whatever is read can be written, and is then read the same. */
#include "base/utf8.h"
#include "fuzz.h"

/* A reason can be put on a terminal. */
static void check_reason(const char *reason)
{
    const size_t len = strlen(reason);

    for (size_t i = 0; i < len;) {
        bool printable = false;
        i += spb_utf8_character((const uint8_t *)reason + i, len - i, &printable);
        fuzz_must(printable);
    }
    fuzz_must(spb_utf8_valid_len((const uint8_t *)reason, len) == len);
}

static bool same_receipt(const struct spb_receipt *a, const struct spb_receipt *b)
{
    return a->sessions == b->sessions && a->rejected == b->rejected &&
           strcmp(a->reason, b->reason) == 0;
}

static void check_written(const struct spb_receipt *receipt)
{
    struct spb_bytes stream = { 0 };
    struct spb_frame frame;
    struct spb_receipt again;

    fuzz_must(spb_receipt_append(receipt, &stream) == SPB_OK);
    fuzz_must(spb_frame_find(SPB_FRAMING_DELIMITED, stream.data, stream.len, true, 0, &frame,
                             NULL) == SPB_OK);
    fuzz_must(frame.frame_len == stream.len);
    fuzz_must(spb_receipt_read(frame.message, frame.message_len, &again, NULL) == SPB_OK);
    fuzz_must(same_receipt(receipt, &again));
    spb_bytes_release(&stream);
}

/* The receipt's own rules, for a reason that anybody has written. */
static void check_any_reason(const uint8_t *data, size_t size)
{
    struct spb_receipt receipt = { .sessions = UINT64_MAX, .rejected = size };
    struct spb_bytes stream = { 0 };
    struct spb_receipt again;
    const size_t len = size < sizeof receipt.reason ? size : sizeof receipt.reason - 1;

    if (len > 0)
        memcpy(receipt.reason, data, len);
    fuzz_must(spb_receipt_append(&receipt, &stream) == SPB_OK);
    struct spb_frame frame;
    fuzz_must(spb_frame_find(SPB_FRAMING_DELIMITED, stream.data, stream.len, true, 0, &frame,
                             NULL) == SPB_OK);
    fuzz_must(spb_receipt_read(frame.message, frame.message_len, &again, NULL) == SPB_OK);
    fuzz_must(again.sessions == receipt.sessions && again.rejected == receipt.rejected);
    check_reason(again.reason);
    spb_bytes_release(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *const copy = fuzz_copy(data, size, false);
    struct spb_receipt receipt;
    struct spb_receipt untouched;
    struct spb_error error;

    memset(&receipt, '?', sizeof receipt);
    untouched = receipt;
    const enum spb_status status = spb_receipt_read(copy, size, &receipt, &error);
    if (status == SPB_OK) {
        check_reason(receipt.reason);
        check_written(&receipt);
    } else {
        fuzz_check_error(&error, status);
        fuzz_must(memcmp(&receipt, &untouched, sizeof receipt) == 0);
    }
    check_any_reason(data, size);
    free(copy);
    return 0;
}
