#ifndef SESSIONPB_DOCUMENTS_H
#define SESSIONPB_DOCUMENTS_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/convert.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A stream of JSON documents, one Session each, with white space or nothing between them: one
 * document, NDJSON, or documents that follow each other directly. Push text as it arrives, in
 * pieces of any size, and pull converted sessions. Holds no more than one document and one piece. A
 * byte order mark at the start of the stream is passed over.
 */
typedef struct spb_documents spb_documents;

/* converter: borrowed, must outlive the stream. NULL when memory is short. */
spb_documents *spb_documents_new(spb_converter *converter);

/* NULL is allowed. */
void spb_documents_free(spb_documents *documents);

/* Forget all text and counts, to begin with another input. */
void spb_documents_reset(spb_documents *documents);

/*
 * Give space for the next piece of text: *space_out, of *len_out bytes (at least 64 KiB), valid until
 * the next call. Read into it, then say with spb_documents_commit() how many bytes were read.
 *
 * SPB_OK or SPB_NO_MEMORY.
 */
enum spb_status spb_documents_space(spb_documents *documents, char **space_out, size_t *len_out);
void spb_documents_commit(spb_documents *documents, size_t len);

/* No more text will come. */
void spb_documents_finish(spb_documents *documents);

/*
 * Convert the next document and append its message to pb.
 *
 * SPB_OK          one document was converted
 * SPB_NEED_MORE   give more text, or finish; after spb_documents_finish() the text is cut short
 * SPB_END         the text is finished and all of it was converted
 * others          see spb_json_to_pb(); pb is untouched and the stream stays where it is. Offset,
 *                 line and column of the error count from the start of the stream.
 */
enum spb_status spb_documents_next(spb_documents *documents, struct spb_bytes *pb,
                                   struct spb_error *error);

/* The number of documents converted so far. */
uint64_t spb_documents_count(const spb_documents *documents);

#ifdef __cplusplus
}
#endif

#endif
