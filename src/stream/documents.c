/*
 * A stream of documents. Text is read once: the engine itself finds where a session ends. Only one
 * that has not arrived whole is searched for its closing brace as more text comes, so that the
 * engine begins again once and not with every piece. Listings and arrays are never held.
 */
#include <sessionpb/documents.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bridge/converter.h"
#include "bridge/engine.h"
#include "stream/extent.h"
#include "stream/shape.h"
#include "json/locate.h"
#include "json/reader.h"

enum {
    PIECE = 256 << 10, /* bytes of text asked for at once */
    RETRY_MIN = 512,   /* bytes: longer text, if too short to judge, waits until it has doubled */
    ENVELOPE_DEPTH = 8 /* levels of an envelope and of the schema */
};

#define LINE_BEGUN SIZE_MAX

/* Which of a listing's parts is open. */
enum listing { NO_LISTING, IN_MEMBERS, IN_ENTITIES };

/* What may come next in the innermost array or listing. */
enum expect { ITEM, ITEM_OR_CLOSE, COMMA_OR_CLOSE };

struct spb_documents {
    spb_converter *converter;
    struct spb_bytes text; /* what has arrived and is kept */
    struct spb_bytes scratch;
    size_t start;  /* of what is next in it */
    size_t indent; /* white space before it on its line; LINE_BEGUN where something else is */
    bool finished;

    bool in_array; /* a listing may be its element */
    enum listing listing;
    enum expect expect;

    bool incomplete;          /* the record at start has not arrived whole: */
    struct spb_extent extent; /* how far the search for its end has come */
    size_t retry_len;         /* bytes of it, at least, before it is judged again */

    bool failed; /* what is at start is bad; the extent is that of a bad record */
    bool record; /* it is a record, and not what stands between them */

    struct spb_documents_counts counts;
    size_t offset;  /* of the text's first byte in the stream */
    size_t counted; /* bytes of the text that are behind this place: */
    size_t line;
    size_t column;
};

/* See sessionpb/documents.h. */
spb_documents *spb_documents_new(spb_converter *converter)
{
    spb_documents *d = calloc(1, sizeof *d);

    if (d == NULL)
        return NULL;
    d->converter = converter;
    spb_documents_reset(d);
    return d;
}

/* See sessionpb/documents.h. */
void spb_documents_free(spb_documents *d)
{
    if (d == NULL)
        return;
    spb_bytes_release(&d->text);
    spb_bytes_release(&d->scratch);
    free(d);
}

/* See sessionpb/documents.h. */
void spb_documents_reset(spb_documents *d)
{
    const spb_documents kept = *d;

    *d = (spb_documents){ .converter = kept.converter,
                          .text = kept.text,
                          .scratch = kept.scratch,
                          .line = 1,
                          .column = 1 };
    d->text.len = 0;
}

/* See sessionpb/documents.h. */
struct spb_documents_counts spb_documents_count(const spb_documents *d)
{
    return d->counts;
}

static const char *text_at(const spb_documents *d, size_t offset)
{
    return (const char *)d->text.data + offset;
}

static const char *text_end(const spb_documents *d)
{
    return text_at(d, d->text.len);
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

/* Each byte is counted once, however many records are bad. */
static void count_to_start(spb_documents *d)
{
    advance(d->text.data + d->counted, d->start - d->counted, &d->line, &d->column);
    d->counted = d->start;
}

/* Makes an error whose position counts from `from` in the text count from the stream's start. */
static void place_error(spb_documents *d, size_t from, struct spb_error *error)
{
    count_to_start(d);
    size_t line = d->line;
    size_t column = d->column;

    advance(d->text.data + d->start, from - d->start, &line, &column);
    error->offset += d->offset + from;
    if (error->line == 1)
        error->column += column - 1;
    error->line += line - 1;
}

/* Notes a bad record, for spb_documents_reject(). `error` has an offset, from `from` on. Returns its
   status. */
static enum spb_status fail(spb_documents *d, bool record, size_t from,
                            const struct spb_error *error, struct spb_error *error_out)
{
    const bool malformed = error->status == SPB_BAD_JSON || error->status == SPB_BAD_UNICODE ||
                           error->status == SPB_NEED_MORE;

    d->failed = true;
    d->record = record;
    d->extent = spb_extent_begin_bad(d->start, *text_at(d, d->start) == '{',
                                     d->indent == LINE_BEGUN ? 0 : d->indent,
                                     malformed ? from + error->offset : SIZE_MAX);
    if (error_out != NULL) {
        *error_out = *error;
        spb_json_locate(text_at(d, from), d->text.len - from, error_out);
        place_error(d, from, error_out);
    }
    return error->status;
}

/* A fault at the text's start, which the engine has not seen. */
static enum spb_status fail_at_start(spb_documents *d, bool record, enum spb_status status,
                                     const char *reason, struct spb_error *error_out)
{
    struct spb_error error;

    spb_error_set(&error, status, 0, "%s", reason);
    return fail(d, record, d->start, &error, error_out);
}

/* ------------------------------------------------------------------ text */

static void drop_used(spb_documents *d)
{
    struct spb_bytes *const text = &d->text;
    const size_t start = d->start;

    if (start == 0)
        return;
    count_to_start(d);
    d->counted = 0;
    memmove(text->data, text->data + start, text->len - start);
    text->len -= start;
    d->offset += start;
    d->extent.at -= d->incomplete || d->failed ? start : 0;
    if (d->failed && d->extent.error_at != SIZE_MAX)
        d->extent.error_at -= d->extent.error_at < start ? d->extent.error_at : start;
    d->start = 0;
}

/* See sessionpb/documents.h. */
enum spb_status spb_documents_space(spb_documents *d, char **space_out, size_t *len_out)
{
    struct spb_bytes *const text = &d->text;

    drop_used(d);
    if (spb_bytes_reserve(text, PIECE + SPB_PADDING) != SPB_OK)
        return SPB_NO_MEMORY;
    *space_out = (char *)text->data + text->len;
    *len_out = text->capacity - text->len - SPB_PADDING;
    return SPB_OK;
}

/* See sessionpb/documents.h. */
void spb_documents_commit(spb_documents *d, size_t len)
{
    d->text.len += len;
}

/* See sessionpb/documents.h. */
void spb_documents_finish(spb_documents *d)
{
    d->finished = true;
}

/* ------------------------------------------------------------------ waiting */

static enum spb_status fail_too_large(spb_documents *d, struct spb_error *error)
{
    return fail_at_start(d, true, SPB_TOO_LARGE, "the document is longer than the limit", error);
}

static void begin_extent(spb_documents *d)
{
    if (!d->incomplete)
        d->extent = spb_extent_begin(d->start);
    d->incomplete = true;
}

/* The record at the start needs more text than there is. */
static enum spb_status wait(spb_documents *d, struct spb_error *error)
{
    const size_t len = d->text.len - d->start;

    if (len > d->converter->options.limits.document_max)
        return fail_too_large(d, error);
    begin_extent(d);
    d->retry_len = len < RETRY_MIN ? len + 1 : 2 * len;
    return spb_error_set(error, SPB_NEED_MORE, d->offset + d->text.len,
                         "the document has not arrived whole");
}

/* Whether the object at the start has its closing brace. Each byte is looked at once. */
static bool is_whole(spb_documents *d)
{
    begin_extent(d);
    return d->extent.depth == 0 && d->extent.at > d->start
               ? true
               : spb_extent_find(&d->extent, text_at(d, 0), d->text.len);
}

/* Whether it is of use to look at what is incomplete again. */
static bool is_worth_a_try(spb_documents *d)
{
    const size_t len = d->text.len - d->start;

    return !d->incomplete || d->finished || len >= d->retry_len ||
           len > d->converter->options.limits.document_max ||
           (*text_at(d, d->start) == '{' && is_whole(d));
}

/* ------------------------------------------------------------------ records */

/* Moves on to `end`, over something else than white space. */
static void pass(spb_documents *d, const char *end)
{
    d->start = (size_t)(end - text_at(d, 0));
    d->indent = LINE_BEGUN;
}

/* The record or member at the start is done with, up to `end`. */
static void consume(spb_documents *d, const char *end)
{
    pass(d, end);
    d->incomplete = false;
    if (d->in_array || d->listing != NO_LISTING)
        d->expect = COMMA_OR_CLOSE;
}

/* Converts the session at `at`. *end_out: behind it. */
static enum spb_status convert(spb_documents *d, const char *at, const char **end_out,
                               struct spb_bytes *pb, struct spb_error *error)
{
    const size_t pb_len = pb->len;
    struct spb_error own;
    size_t used = 0;
    const enum spb_status status = d->converter->engine->json_to_pb(
        d->converter, at, (size_t)(text_end(d) - at), &used, pb, &own);

    if (status == SPB_NEED_MORE && !d->finished)
        return wait(d, error);
    if (status != SPB_OK)
        return fail(d, true, (size_t)(at - text_at(d, 0)), &own, error);
    if (used > d->converter->options.limits.document_max) {
        pb->len = pb_len;
        return fail_too_large(d, error);
    }
    *end_out = at + used;
    d->counts.sessions++;
    return SPB_OK;
}

static enum spb_status take_session(spb_documents *d, struct spb_bytes *pb, struct spb_error *error)
{
    const char *end = NULL;
    const enum spb_status status = convert(d, text_at(d, d->start), &end, pb, error);

    if (status == SPB_OK)
        consume(d, end);
    return status;
}

/* Checks the grammar of the value or member at the start, which may nest so many levels deeper than the
   limit. Returns the place behind it, or NULL. */
static const char *check_text(spb_documents *d, const char *at, size_t levels,
                              struct spb_json_reader *reader)
{
    struct spb_out out;

    *reader = (struct spb_json_reader){ .begin = text_at(d, d->start), .end = text_end(d) };
    reader->depth_max = d->converter->options.limits.depth_max + levels;
    d->scratch.len = 0;
    spb_out_begin(&out, &d->scratch);
    if (!spb_out_room(&out, (size_t)(reader->end - at) + SPB_PADDING))
        return spb_json_fail(reader, SPB_NO_MEMORY, at, "out of memory");
    return spb_json_copy_value(reader, at, &out.at);
}

static enum spb_status fail_text(spb_documents *d, bool record, struct spb_json_reader *reader,
                                 struct spb_error *error)
{
    if (reader->error.status == SPB_NEED_MORE && !d->finished)
        return wait(d, error);
    return fail(d, record, d->start, &reader->error, error);
}

/* A notification or event, or a notice without a session: then *again is set. */
static enum spb_status take_envelope(spb_documents *d, enum spb_shape shape, struct spb_bytes *pb,
                                     bool *again, struct spb_error *error)
{
    struct spb_json_reader reader;
    const char *body = NULL;
    const char *body_end;

    if (!is_whole(d) && !d->finished)
        return wait(d, error);
    const char *const end = check_text(d, text_at(d, d->start), ENVELOPE_DEPTH, &reader);
    if (end == NULL)
        return fail_text(d, true, &reader, error);
    const char *const fault = spb_shape_open(shape, text_at(d, d->start), end, &body);
    if (fault != NULL)
        return fail_at_start(d, true, SPB_WRONG_TYPE, fault, error);
    *again = body == NULL;
    d->counts.notices += *again;
    const enum spb_status status = *again ? SPB_OK : convert(d, body, &body_end, pb, error);
    if (status == SPB_OK)
        consume(d, end);
    return status;
}

/* A document or an array's element. */
static enum spb_status take_record(spb_documents *d, struct spb_bytes *pb, bool *again,
                                   struct spb_error *error)
{
    const char *const at = text_at(d, d->start);
    enum spb_shape shape = SPB_SHAPE_SESSION;

    if (!is_worth_a_try(d))
        return wait(d, error);
    if (*at == '{' && d->listing == NO_LISTING)
        shape = spb_shape_of(d->converter->schema->session, at, text_end(d));
    switch (shape) {
    case SPB_SHAPE_UNDECIDED:
        return d->finished ? take_session(d, pb, error) : wait(d, error);
    case SPB_SHAPE_LISTING:
        consume(d, at + 1);
        d->listing = IN_MEMBERS;
        d->expect = ITEM_OR_CLOSE;
        *again = true;
        return SPB_OK;
    case SPB_SHAPE_NOTIFICATION:
    case SPB_SHAPE_EVENT:
        return take_envelope(d, shape, pb, again, error);
    default:
        return take_session(d, pb, error);
    }
}

/* ------------------------------------------------------------------ listings and arrays */

/* A member of a listing: its entities are entered, everything else is checked and passed over. */
static enum spb_status take_member(spb_documents *d, bool *again, struct spb_error *error)
{
    static const char entities[] = "\"entities\"";
    struct spb_json_reader reader;
    const char *const name = text_at(d, d->start);
    const char *at = NULL;

    if (!is_worth_a_try(d))
        return wait(d, error);
    if (*name != '"')
        return fail_at_start(d, false, SPB_BAD_JSON, "expected a member's name in quotes", error);
    at = check_text(d, name, 0, &reader);
    const bool is_entities = at != NULL && strncmp(name, entities, sizeof entities - 1) == 0;
    if (at != NULL)
        at = spb_json_expect(&reader, spb_json_space(at), ":", "':' behind a member's name");
    if (at != NULL)
        at = spb_json_space(at);
    *again = at != NULL;
    if (at != NULL && is_entities && *at == '[') {
        consume(d, at + 1);
        d->listing = IN_ENTITIES;
        d->expect = ITEM_OR_CLOSE;
        return SPB_OK;
    }
    if (at != NULL)
        at = check_text(d, at, 0, &reader);
    /* A number is whole only when something stands behind it. */
    if (at != NULL && at == reader.end)
        at = spb_json_fail(&reader, SPB_BAD_JSON, at, "expected ',' or '}'");
    *again = at != NULL;
    if (at == NULL)
        return fail_text(d, false, &reader, error);
    consume(d, at);
    return SPB_OK;
}

/* The innermost listing, entities or array ends. */
static void close_innermost(spb_documents *d)
{
    if (d->listing == IN_ENTITIES)
        d->listing = IN_MEMBERS;
    else if (d->listing == IN_MEMBERS)
        d->listing = NO_LISTING;
    else
        d->in_array = false;
    pass(d, text_at(d, d->start + 1));
    d->expect = COMMA_OR_CLOSE;
}

/* One step inside of a listing or an array. */
static enum spb_status take_item(spb_documents *d, struct spb_bytes *pb, bool *again,
                                 struct spb_error *error)
{
    const char c = *text_at(d, d->start);
    const char close = d->listing == IN_MEMBERS ? '}' : ']';

    *again = true;
    if (c == close && d->expect != ITEM) {
        close_innermost(d);
        return SPB_OK;
    }
    if (c == ',' && d->expect == COMMA_OR_CLOSE) {
        pass(d, text_at(d, d->start + 1));
        d->expect = ITEM;
        return SPB_OK;
    }
    *again = false;
    if (d->expect == COMMA_OR_CLOSE)
        return fail_at_start(d, false, SPB_BAD_JSON,
                             close == ']' ? "expected ',' or ']'" : "expected ',' or '}'", error);
    if (d->listing == IN_MEMBERS)
        return take_member(d, again, error);
    return take_record(d, pb, again, error);
}

/* ------------------------------------------------------------------ the stream */

static void skip_space(spb_documents *d)
{
    const char *const begin = text_at(d, d->start);
    const char *const end = spb_json_space(begin);
    const char *line = end;

    while (line > begin && line[-1] != '\n')
        line--;
    if (line > begin)
        d->indent = 0;
    if (d->indent != LINE_BEGUN)
        d->indent += (size_t)(end - line);
    d->start += (size_t)(end - begin);
}

/*
 * Passes white space, and a byte order mark at the start of the stream. False where that may have
 * arrived in part only.
 */
static bool skip_between(spb_documents *d)
{
    const size_t len = d->text.len;
    const size_t mark_len = 3;

    if (d->offset == 0 && d->start == 0 && len > 0 &&
        memcmp(text_at(d, 0), "\xEF\xBB\xBF", len < mark_len ? len : mark_len) == 0) {
        if (len < mark_len)
            return d->finished;
        d->start = mark_len;
    }
    skip_space(d);
    return true;
}

static enum spb_status at_end(spb_documents *d, struct spb_error *error)
{
    if (!d->finished)
        return spb_error_set(error, SPB_NEED_MORE, d->offset + d->start, "no text is left");
    if (d->in_array || d->listing != NO_LISTING)
        return fail_at_start(d, false, SPB_NEED_MORE,
                             "the text ends inside of an array or a listing", error);
    return SPB_END;
}

/* One record, or one step towards it: then *again is set. */
static enum spb_status take(spb_documents *d, struct spb_bytes *pb, bool *again,
                            struct spb_error *error)
{
    *again = false;
    if ((!d->incomplete && !skip_between(d)) || d->start == d->text.len)
        return at_end(d, error);
    if (d->in_array || d->listing != NO_LISTING)
        return take_item(d, pb, again, error);
    if (*text_at(d, d->start) != '[')
        return take_record(d, pb, again, error);
    pass(d, text_at(d, d->start + 1));
    d->in_array = true;
    d->expect = ITEM_OR_CLOSE;
    *again = true;
    return SPB_OK;
}

/* See sessionpb/documents.h. */
enum spb_status spb_documents_next(spb_documents *d, struct spb_bytes *pb, struct spb_error *error)
{
    enum spb_status status;
    bool again;

    d->failed = false;
    if (!spb_bytes_pad(&d->text))
        return spb_error_set(error, SPB_NO_MEMORY, 0, "out of memory");
    do {
        status = take(d, pb, &again, error);
    } while (again);
    return status;
}

/* ------------------------------------------------------------------ bad records */

/* Where the stream stands behind a bad record whose text ends at `end`. */
static void leave_bad(spb_documents *d, size_t end)
{
    const bool inside = d->in_array || d->listing != NO_LISTING;
    const char *const text = text_at(d, 0);
    size_t last = end;

    d->failed = false;
    d->incomplete = false;
    d->expect = COMMA_OR_CLOSE;
    if (!d->record) { /* what is between records is beyond repair: begin anew */
        d->in_array = false;
        d->listing = NO_LISTING;
    }
    while (last > d->start && (unsigned char)text[last - 1] <= ' ')
        last--;
    if (inside && last > d->start && text[last - 1] == ',')
        d->expect = ITEM; /* it stood before the line that ended the record */
    pass(d, text_at(d, end));
    d->counts.rejected++;
}

/* See sessionpb/documents.h. */
enum spb_status spb_documents_reject(spb_documents *d, const char **text_out, size_t *len_out)
{
    const size_t begin = d->start;

    if (!d->failed)
        return SPB_MISUSE;
    if (!spb_bytes_pad(&d->text))
        return SPB_NO_MEMORY;
    const bool found = spb_extent_find_bad(&d->extent, text_at(d, 0), d->text.len, d->finished);
    *text_out = text_at(d, begin);
    if (!found && d->text.len - d->start <= d->converter->options.limits.document_max) {
        *len_out = 0;
        return SPB_NEED_MORE;
    }
    *len_out = d->extent.at - begin;
    if (found)
        leave_bad(d, d->extent.at);
    else
        d->start = d->extent.at;
    return found ? SPB_OK : SPB_NEED_MORE;
}
