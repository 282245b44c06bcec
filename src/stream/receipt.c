/*
 * Receipts: one small message with three fields, so its numbers are written here and held to
 * receipt.proto by a test.
 */
#include <sessionpb/receipt.h>

#include <stdbool.h>
#include <string.h>

#include <sessionpb/frame.h>

#include "base/utf8.h"
#include "wire/reader.h"
#include "wire/writer.h"

enum {
    SESSIONS = 1,
    REJECTED = 2,
    REASON = 3,
    FIELDS_LEN_MAX = 2 * (1 + SPB_VARINT_MAX) + 1 + SPB_VARINT_MAX + SPB_REASON_MAX,
    GROUP_DEPTH_MAX = 64 /* of unknown fields; depth_max of struct spb_limits */
};

/*
 * Puts as much of a text into a reason as fits, in whole characters, with question marks for what is
 * not fit to print. Returns its bytes.
 */
static size_t put_reason(char reason[SPB_REASON_MAX], const uint8_t *text, size_t len)
{
    size_t to = 0;

    for (size_t at = 0; at < len;) {
        bool printable;
        const size_t character = spb_utf8_character(text + at, len - at, &printable);
        const size_t put = printable ? character : 1;
        if (put > SPB_REASON_MAX - 1 - to)
            break;
        memcpy(reason + to, printable ? text + at : (const uint8_t *)"?", put);
        at += character;
        to += put;
    }
    reason[to] = '\0';
    return to;
}

static uint8_t *put_number(uint8_t *to, unsigned field, uint64_t value)
{
    *to++ = (uint8_t)(field << 3 | SPB_WIRE_VARINT);
    return spb_wire_put_varint(to, value);
}

/* See sessionpb/receipt.h. */
enum spb_status spb_receipt_append(const struct spb_receipt *receipt, struct spb_bytes *out)
{
    uint8_t fields[FIELDS_LEN_MAX];
    char reason[SPB_REASON_MAX];
    const char *const end = memchr(receipt->reason, '\0', SPB_REASON_MAX);
    const size_t given = end == NULL ? SPB_REASON_MAX : (size_t)(end - receipt->reason);
    const size_t len = put_reason(reason, (const uint8_t *)receipt->reason, given);
    uint8_t *to = fields;

    to = put_number(to, SESSIONS, receipt->sessions);
    to = put_number(to, REJECTED, receipt->rejected);
    if (len > 0) {
        *to++ = REASON << 3 | SPB_WIRE_LEN;
        to = spb_wire_put_varint(to, len);
        memcpy(to, reason, len);
        to += len;
    }
    return spb_frame_append(SPB_FRAMING_DELIMITED, fields, (size_t)(to - fields), out);
}

static void take(const struct spb_wire_field *field, struct spb_receipt *receipt)
{
    if (field->type == SPB_WIRE_VARINT && field->number == SESSIONS)
        receipt->sessions = field->varint;
    else if (field->type == SPB_WIRE_VARINT && field->number == REJECTED)
        receipt->rejected = field->varint;
    else if (field->type == SPB_WIRE_LEN && field->number == REASON)
        put_reason(receipt->reason, field->value, field->len);
}

/* See sessionpb/receipt.h. */
enum spb_status spb_receipt_read(const void *message, size_t len, struct spb_receipt *receipt_out,
                                 struct spb_error *error)
{
    const uint8_t *at = message;
    const uint8_t *const end = at + len;
    struct spb_wire_reader reader = { .begin = at, .depth_max = GROUP_DEPTH_MAX };
    struct spb_receipt receipt = { 0 };
    struct spb_wire_field field;

    while (at < end) {
        at = spb_wire_field(&reader, at, end, &field);
        if (at == NULL) {
            if (error != NULL)
                *error = reader.error;
            return reader.error.status;
        }
        take(&field, &receipt);
    }
    *receipt_out = receipt;
    return SPB_OK;
}
