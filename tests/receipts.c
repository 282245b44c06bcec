/*
 * Receipts as lines of text, "SESSIONS REJECTED REASON", and as delimited messages:
 * receipts read <DELIMITED >LINES
 * receipts write <LINES >DELIMITED
 */
#include <sessionpb/frame.h>
#include <sessionpb/receipt.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096, LINE_MAX_BYTES = 1024 };

static void push(struct spb_frames *frames)
{
    uint8_t *space = NULL;
    size_t room = 0;

    if (spb_frames_space(frames, PIECE, &space, &room) != SPB_OK)
        exit(EXIT_FAILURE);
    const size_t len = fread(space, 1, room, stdin);
    spb_frames_commit(frames, len);
    frames->ended = len == 0;
}

/* How it ended: SPB_END when all was read. */
static enum spb_status read_receipts(void)
{
    struct spb_frames frames = { .framing = SPB_FRAMING_DELIMITED };
    struct spb_receipt receipt;
    const uint8_t *message;
    enum spb_status status;
    size_t len;

    for (;;) {
        status = spb_frames_next(&frames, &message, &len, NULL);
        if (status == SPB_OK)
            status = spb_receipt_read(message, len, &receipt, NULL);
        else if (status == SPB_NEED_MORE && !frames.ended) {
            push(&frames);
            continue;
        }
        if (status != SPB_OK)
            break;
        printf("%" PRIu64 " %" PRIu64 " %s\n", receipt.sessions, receipt.rejected, receipt.reason);
    }
    spb_frames_release(&frames);
    return status;
}

static enum spb_status write_receipts(void)
{
    struct spb_bytes out = { 0 };
    char line[LINE_MAX_BYTES];

    while (fgets(line, sizeof line, stdin) != NULL) {
        struct spb_receipt receipt = { 0 };
        char *end = line;
        line[strcspn(line, "\n")] = '\0';
        receipt.sessions = strtoull(end, &end, 10);
        receipt.rejected = strtoull(end, &end, 10);
        snprintf(receipt.reason, sizeof receipt.reason, "%s", end + 1);
        if (spb_receipt_append(&receipt, &out) != SPB_OK)
            exit(EXIT_FAILURE);
    }
    fwrite(out.data, 1, out.len, stdout);
    spb_bytes_release(&out);
    return SPB_END;
}

int main(int argc, char **argv)
{
    const bool write = argc == 2 && strcmp(argv[1], "write") == 0;
    const enum spb_status status = write ? write_receipts() : read_receipts();

    if (status != SPB_END)
        fprintf(stderr, "%s\n", spb_status_name(status));
    return status == SPB_END ? EXIT_SUCCESS : EXIT_FAILURE;
}
