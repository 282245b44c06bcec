/*
 * A stream of documents. Sessions, rejects, errors and counts are the same in whatever pieces the
 * text arrives; the pieces come from the input.
 */
#include "fuzz.h"

enum { PIECES_MAX = 16, SPACE_MIN = 64 * 1024 };

struct pieces {
    uint8_t lens[PIECES_MAX]; /* each bytes less one, taken in turn */
    size_t count;             /* 0: all at once */
};

/* What a stream gives, written down in one piece. */
struct log {
    struct spb_bytes bytes;
    uint64_t sessions, rejected;
};

static void log_number(struct log *log, uint64_t number)
{
    fuzz_append(&log->bytes, &number, sizeof number);
}

static void log_text(struct log *log, const char *text)
{
    fuzz_append(&log->bytes, text, strlen(text) + 1);
}

static void log_error(struct log *log, const struct spb_error *error)
{
    fuzz_append(&log->bytes, "E", 1);
    log_number(log, (uint64_t)error->status);
    log_number(log, error->offset);
    log_number(log, error->line);
    log_number(log, error->column);
    log_text(log, error->path);
    log_text(log, error->reason);
}

/* Gives the next piece, or says that there is none. False when that was said before. */
static bool feed(spb_documents *documents, struct fuzz_input *text, const struct pieces *pieces,
                 size_t *turn, bool *finished)
{
    char *space;
    size_t room;

    if (*finished)
        return false;
    if (text->len == 0) {
        spb_documents_finish(documents);
        *finished = true;
        return true;
    }
    fuzz_must(spb_documents_space(documents, &space, &room) == SPB_OK && room >= SPACE_MIN);
    size_t len = pieces->count == 0 ? text->len : pieces->lens[(*turn)++ % pieces->count] + 1u;
    len = len < text->len ? len : text->len;
    len = len < room ? len : room;
    memcpy(space, text->at, len);
    spb_documents_commit(documents, len);
    text->at += len;
    text->len -= len;
    return true;
}

/* Passes over a bad record. Its text stands in the stream as it is given. */
static void reject(spb_documents *documents, struct log *log, struct fuzz_input *text,
                   const struct pieces *pieces, size_t *turn, bool *finished)
{
    enum spb_status status;

    fuzz_append(&log->bytes, "R", 1);
    do {
        const char *piece = NULL;
        size_t len = 0;
        status = spb_documents_reject(documents, &piece, &len);
        fuzz_must(status == SPB_OK || status == SPB_NEED_MORE);
        fuzz_append(&log->bytes, piece, len);
        if (status == SPB_NEED_MORE)
            fuzz_must(feed(documents, text, pieces, turn, finished));
    } while (status != SPB_OK);
    log->rejected++;
}

static void read_all(unsigned options, struct fuzz_input text, const struct pieces *pieces,
                     struct log *log)
{
    static spb_documents *streams[FUZZ_OPTIONS];
    struct spb_error error;
    enum spb_status status;
    bool finished = false;
    size_t turn = 0;

    if (streams[options] == NULL)
        streams[options] = spb_documents_new(fuzz_converter(options));
    spb_documents *const documents = streams[options];
    spb_documents_reset(documents);
    for (;;) {
        const size_t before = log->bytes.len;
        status = spb_documents_next(documents, &log->bytes, &error);
        if (status == SPB_OK) {
            log_number(log, log->bytes.len - before);
            log->sessions++;
        } else {
            fuzz_must(log->bytes.len == before);
        }
        if (status == SPB_OK ||
            (status == SPB_NEED_MORE && feed(documents, &text, pieces, &turn, &finished)))
            continue;
        if (status == SPB_END)
            break;
        fuzz_check_error(&error, status);
        log_error(log, &error);
        reject(documents, log, &text, pieces, &turn, &finished);
    }
    const struct spb_documents_counts counts = spb_documents_count(documents);
    fuzz_must(counts.sessions == log->sessions && counts.rejected == log->rejected);
    log_number(log, counts.notices);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    const unsigned options = fuzz_options(&input) & ~(unsigned)FUZZ_PADDED;
    struct pieces pieces = { .count = fuzz_byte(&input) % PIECES_MAX + 1u };
    const struct pieces whole = { .count = 0 };
    struct log logs[2] = { 0 };

    for (size_t i = 0; i < pieces.count; i++)
        pieces.lens[i] = fuzz_byte(&input);
    read_all(options, input, &whole, &logs[0]);
    read_all(options, input, &pieces, &logs[1]);
    fuzz_must(fuzz_same(&logs[0].bytes, &logs[1].bytes));
    spb_bytes_release(&logs[0].bytes);
    spb_bytes_release(&logs[1].bytes);
    return 0;
}
