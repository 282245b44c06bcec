#ifndef SESSIONPB_DOCUMENTS_H
#define SESSIONPB_DOCUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/convert.h>

SPB_BEGIN_DECLS

/*
 * Sessions out of a stream of JSON text, in every shape that they come in. Documents follow each
 * other with white space or nothing between them (NDJSON is that), and each is
 *
 *   a Session              {"id":...,"type":...}
 *   a SessionListing       {"entities":[...],...}, of any length: each entity is a session
 *   a notification         {"topicName":...,"eventBody":{...},...}
 *   an EventBridge event   {"detail-type":...,"detail":{"eventBody":{...},...},...}
 *   an array of these, of any length
 *
 * told by the first name that tells; "id" and "selfUri" do not. Notices without a session (topics
 * channel.metadata and v2.system.socket_closing) are passed over and counted. A byte order mark at
 * the start of the stream is passed over.
 *
 * Push text as it arrives, in pieces of any size, and pull converted sessions. A stream holds no
 * more than one document (of a listing or array: one element or member) and one piece.
 */
typedef struct spb_documents spb_documents;

/* converter: borrowed, must outlive the stream. NULL when memory is short. */
spb_documents *spb_documents_new(spb_converter *converter);
void spb_documents_free(spb_documents *documents); /* NULL is allowed */

/* Forget all text and counts, to begin with another input. */
void spb_documents_reset(spb_documents *documents);

/*
 * Give space for the next piece of text: *space_out, of *len_out bytes (at least 64 KiB), valid until
 * the next call. Read into it, then commit what was read. SPB_OK or SPB_NO_MEMORY.
 */
enum spb_status spb_documents_space(spb_documents *documents, char **space_out, size_t *len_out);
void spb_documents_commit(spb_documents *documents, size_t len); /* so many bytes were read */
void spb_documents_finish(spb_documents *documents);             /* no more text will come */

/*
 * Convert the next session and append its message to pb.
 *
 * SPB_OK          one session was converted
 * SPB_NEED_MORE   give more text, or finish; after spb_documents_finish() the text is cut short
 * SPB_END         the text is finished and all of it was converted
 * others          see spb_json_to_pb(); pb is untouched and the stream stays where it is. Offset,
 *                 line and column of the error count from the start of the stream, its path from
 *                 the session.
 */
enum spb_status spb_documents_next(spb_documents *documents, struct spb_bytes *pb,
                                   struct spb_error *error);

/*
 * After spb_documents_next() has failed: pass over the bad record, and give its text, verbatim and
 * in pieces: *text_out, of *len_out bytes, valid until the next call. A well-formed record ends with
 * its closing brace. Where a malformed one ends is a guess: with its closing brace, or before a line
 * that begins as its own line does, whichever comes first.
 *
 * SPB_OK          this was the last piece; go on with spb_documents_next()
 * SPB_NEED_MORE   give more text, or finish, and call again
 */
enum spb_status spb_documents_reject(spb_documents *documents, const char **text_out,
                                     size_t *len_out);

/* How many records of each kind a stream has met. */
struct spb_documents_counts {
    uint64_t sessions; /* converted */
    uint64_t rejected; /* passed over by spb_documents_reject() */
    uint64_t notices;  /* passed over because there is no session in them */
};

/* What the stream has met so far. The next record is number sessions + rejected + 1. */
struct spb_documents_counts spb_documents_count(const spb_documents *documents);

SPB_END_DECLS
#endif
