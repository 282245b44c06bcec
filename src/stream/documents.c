/*
 * A stream of documents. The engine itself finds where a document ends, so text is read once. Only
 * a document that has not arrived whole is scanned for its closing brace as more text comes, so that
 * the engine begins again once and not with every piece.
 */
#include <sessionpb/documents.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bridge/converter.h"
#include "json/reader.h"

enum {
    PIECE = 256 << 10, /* bytes of text asked for at once */
};

static const char byte_order_mark[] = "\xEF\xBB\xBF";

/* How far the search for the end of a document has come. */
struct search {
    size_t at; /* offset in the text */
    size_t depth;
    bool in_string;
};

struct spb_documents {
    spb_converter *converter;
    struct spb_bytes text; /* what has arrived and is kept */
    size_t start;          /* of the next document in it */
    bool finished;
    bool incomplete; /* the document at start has not arrived whole: see search */
    struct search search;
    uint64_t count;
    /* Position of the text's first byte in the stream. */
    size_t offset;
    size_t line;
    size_t column;
};

/* See sessionpb/documents.h. */
spb_documents *spb_documents_new(spb_converter *converter)
{
    spb_documents *documents = calloc(1, sizeof *documents);

    if (documents == NULL)
        return NULL;
    documents->converter = converter;
    spb_documents_reset(documents);
    return documents;
}

/* See sessionpb/documents.h. */
void spb_documents_free(spb_documents *documents)
{
    if (documents == NULL)
        return;
    spb_bytes_release(&documents->text);
    free(documents);
}

/* See sessionpb/documents.h. */
void spb_documents_reset(spb_documents *documents)
{
    documents->text.len = 0;
    documents->start = 0;
    documents->finished = false;
    documents->incomplete = false;
    documents->count = 0;
    documents->offset = 0;
    documents->line = 1;
    documents->column = 1;
}

/* ------------------------------------------------------------------ positions */

/* Moves a position over text: lines, and code points since the last of them. */
static void advance(const uint8_t *text, size_t len, size_t *line, size_t *column)
{
    const uint8_t *at = text;
    const uint8_t *const end = text + len;

    for (const uint8_t *newline; at < end && (newline = memchr(at, '\n', (size_t)(end - at)));
         at = newline + 1) {
        (*line)++;
        *column = 1;
    }
    for (; at < end; at++)
        *column += (*at & 0xC0) != 0x80;
}

/* Makes an error that counts from the next document count from the start of the stream. */
static void place_error(const spb_documents *documents, struct spb_error *error)
{
    size_t line = documents->line;
    size_t column = documents->column;

    advance(documents->text.data, documents->start, &line, &column);
    error->offset += documents->offset + documents->start;
    if (error->line == 1)
        error->column += column - 1;
    error->line += line - 1;
}

/* ------------------------------------------------------------------ text */

static void drop_converted(spb_documents *documents)
{
    struct spb_bytes *const text = &documents->text;
    const size_t start = documents->start;

    if (start == 0)
        return;
    advance(text->data, start, &documents->line, &documents->column);
    memmove(text->data, text->data + start, text->len - start);
    text->len -= start;
    documents->offset += start;
    documents->search.at -= documents->incomplete ? start : 0;
    documents->start = 0;
}

/* See sessionpb/documents.h. */
enum spb_status spb_documents_space(spb_documents *documents, char **space_out, size_t *len_out)
{
    struct spb_bytes *const text = &documents->text;

    drop_converted(documents);
    if (spb_bytes_reserve(text, PIECE + SPB_PADDING) != SPB_OK)
        return SPB_NO_MEMORY;
    *space_out = (char *)text->data + text->len;
    *len_out = text->capacity - text->len - SPB_PADDING;
    return SPB_OK;
}

/* See sessionpb/documents.h. */
void spb_documents_commit(spb_documents *documents, size_t len)
{
    documents->text.len += len;
}

/* See sessionpb/documents.h. */
void spb_documents_finish(spb_documents *documents)
{
    documents->finished = true;
}

/* ------------------------------------------------------------------ documents */

/* Whether the document that begins at `start` has its closing brace by now, or never will. */
static bool search_end(spb_documents *documents)
{
    struct search *const search = &documents->search;
    const uint8_t *const text = documents->text.data;

    for (; search->at < documents->text.len; search->at++) {
        const uint8_t c = text[search->at];
        if (search->in_string && c < ' ')
            return true; /* which no string may hold: let the engine judge */
        if (search->in_string && c == '\\') {
            if (search->at + 1 >= documents->text.len)
                return false; /* what is escaped comes with the next piece */
            search->at++;
        } else if (c == '"') {
            search->in_string = !search->in_string;
        } else if (!search->in_string && (c == '{' || c == '[')) {
            search->depth++;
        } else if (!search->in_string && (c == '}' || c == ']')) {
            if (search->depth <= 1)
                return true;
            search->depth--;
        }
    }
    return false;
}

/*
 * Passes white space, and a byte order mark at the start of the stream. False where that may have
 * arrived in part only.
 */
static bool skip_between(spb_documents *documents)
{
    const char *const text = (const char *)documents->text.data;
    const size_t len = documents->text.len;
    const size_t mark_len = sizeof byte_order_mark - 1;

    if (documents->offset == 0 && documents->start == 0 && len > 0 &&
        memcmp(text, byte_order_mark, len < mark_len ? len : mark_len) == 0) {
        if (len < mark_len)
            return documents->finished;
        documents->start = mark_len;
    }
    documents->start = (size_t)(spb_json_space(text + documents->start) - text);
    return true;
}

static enum spb_status fail_too_large(spb_documents *documents, struct spb_error *error)
{
    const size_t document_max = documents->converter->options.limits.document_max;

    spb_error_set(error, SPB_TOO_LARGE, 0, "the document is longer than the limit of %zu bytes",
                  document_max);
    if (error != NULL) {
        error->line = 1;
        error->column = 1;
        place_error(documents, error);
    }
    return SPB_TOO_LARGE;
}

static enum spb_status wait_for_more(spb_documents *documents, struct spb_error *error)
{
    if (!documents->incomplete)
        documents->search = (struct search){ .at = documents->start };
    documents->incomplete = true;
    return spb_error_set(error, SPB_NEED_MORE, documents->offset + documents->text.len,
                         "the document has not arrived whole");
}

static enum spb_status convert(spb_documents *documents, struct spb_bytes *pb,
                               struct spb_error *error)
{
    const size_t document_max = documents->converter->options.limits.document_max;
    const char *const text = (const char *)documents->text.data + documents->start;
    const size_t len = documents->text.len - documents->start;
    const size_t pb_len = pb->len;
    size_t used = len;
    const enum spb_status status =
        spb_json_to_pb_padded(documents->converter, text, len, &used, pb, error);

    if ((status == SPB_OK || status == SPB_NEED_MORE) && used > document_max) {
        pb->len = pb_len;
        return fail_too_large(documents, error);
    }
    if (status == SPB_NEED_MORE && !documents->finished)
        return wait_for_more(documents, error);
    if (status == SPB_OK) {
        documents->start += used;
        documents->incomplete = false;
        documents->count++;
    } else if (error != NULL) {
        place_error(documents, error);
    }
    return status;
}

/* Whether there is reason to convert what was incomplete before. */
static bool is_worth_a_try(spb_documents *documents)
{
    const size_t len = documents->text.len - documents->start;

    return documents->finished || search_end(documents) ||
           len > documents->converter->options.limits.document_max;
}

/* See sessionpb/documents.h. */
enum spb_status spb_documents_next(spb_documents *documents, struct spb_bytes *pb,
                                   struct spb_error *error)
{
    if (!spb_bytes_pad(&documents->text))
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    const bool between = documents->incomplete || skip_between(documents);
    if (documents->start == documents->text.len && documents->finished)
        return SPB_END;
    if (!between || documents->start == documents->text.len)
        return spb_error_set(error, SPB_NEED_MORE, documents->offset + documents->start,
                             "no document has arrived");
    if (documents->incomplete && !is_worth_a_try(documents))
        return wait_for_more(documents, error);
    return convert(documents, pb, error);
}

/* See sessionpb/documents.h. */
uint64_t spb_documents_count(const spb_documents *documents)
{
    return documents->count;
}
