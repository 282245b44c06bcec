#ifndef SESSIONPB_RECEIPT_H
#define SESSIONPB_RECEIPT_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/bytes.h>
#include <sessionpb/status.h>

SPB_BEGIN_DECLS

/*
 * What the receiver of sessions tells their sender, the message Receipt of
 * proto/journey/v1/receipt.proto: when it is sent, and what it promises, is said there.
 */
struct spb_receipt {
    uint64_t sessions;           /* of the connection, that the receiver has done with */
    uint64_t rejected;           /* of these, that it refused and passed over */
    char reason[SPB_REASON_MAX]; /* why it takes no more, in UTF-8; empty when it does, and when it
                                    has taken everything */
};

/* Appends the receipt as a delimited message. What is not fit to print in its reason, a control
   character or what is not UTF-8, becomes a question mark, since a peer may refuse it. SPB_OK or
   SPB_NO_MEMORY (then `out` is unchanged). */
enum spb_status spb_receipt_append(const struct spb_receipt *receipt, struct spb_bytes *out);

/* Reads the message of a frame (see sessionpb/frame.h). Fields that this version does not know are
   passed over; of a field that stands there twice the last counts; a reason that is too long for the
   struct is cut between two characters, and what is not fit to print in it becomes a question mark.
   SPB_OK; SPB_NEED_MORE (it is cut short), SPB_BAD_WIRE or SPB_TOO_DEEP (groups in unknown fields). */
enum spb_status spb_receipt_read(const void *message, size_t len, struct spb_receipt *receipt_out,
                                 struct spb_error *error);

SPB_END_DECLS
#endif
