/*
 * Messages on their way in. An archive's reader calls back for bytes: of a regular file from any
 * place, of everything else first those that told what it is.
 */
#include "source.h"

#include <string.h>

enum {
    READ_LEN = 256 * 1024,
    MAGIC_LEN = 4,
};

/* RFC 8878: a frame, and skippable frames of 16 numbers, least significant byte first. */
static const uint8_t zstd_magic[MAGIC_LEN] = { 0x28, 0xb5, 0x2f, 0xfd };
static const uint8_t skippable_magic[MAGIC_LEN] = { 0x50, 0x2a, 0x4d, 0x18 };
enum { SKIPPABLE_MASK = 0xf0 };

static const uint8_t *pending(const struct source *source)
{
    return source->frames.arrived.data + source->frames.used;
}

static size_t pending_len(const struct source *source)
{
    return spb_frames_pending(&source->frames);
}

static void pass_over(struct source *source, size_t len)
{
    source->frames.used += len;
    source->frames.offset += len;
}

static enum cli_status read_more(struct source *source)
{
    struct spb_frames *frames = &source->frames;
    enum cli_status status = job_flush_before_wait(source->job, source->input);
    uint8_t *space;
    size_t room;
    size_t len = 0;

    if (status == CLI_OK && spb_frames_space(frames, READ_LEN, &space, &room) != SPB_OK)
        status = cli_no_memory();
    if (status != CLI_OK)
        return status;
    status = input_read(source->input, space, room, &len);
    spb_frames_commit(frames, len);
    frames->ended = len == 0;
    return status;
}

/* -- Archives ------------------------------------------------------------------------------ */

bool source_is_archive(const uint8_t *data, size_t len)
{
    return len >= MAGIC_LEN && (memcmp(data, zstd_magic, MAGIC_LEN) == 0 ||
                                ((data[0] & SKIPPABLE_MASK) == skippable_magic[0] &&
                                 memcmp(data + 1, skippable_magic + 1, MAGIC_LEN - 1) == 0));
}

/* Whether more bytes could make an archive of it: every byte so far fits one of the magics. */
static bool may_become_archive(const uint8_t *data, size_t len)
{
    return len < MAGIC_LEN && (memcmp(data, zstd_magic, len) == 0 ||
                               ((data[0] & SKIPPABLE_MASK) == skippable_magic[0] &&
                                memcmp(data + 1, skippable_magic + 1, len - 1) == 0));
}

/* Bytes of a pipe, from where the last ones ended. */
static enum cli_status take_arrived(struct source *source, void *data, size_t len, size_t *taken)
{
    enum cli_status status = CLI_OK;

    *taken = 0;
    if (pending_len(source) == 0 && !source->frames.ended)
        status = read_more(source);
    if (status != CLI_OK)
        return status;
    *taken = len < pending_len(source) ? len : pending_len(source);
    memcpy(data, pending(source), *taken);
    pass_over(source, *taken);
    return CLI_OK;
}

static enum spb_status read_archive(void *context, uint64_t offset, void *data, size_t len,
                                    size_t *read_out)
{
    struct source *source = context;
    enum cli_status status = CLI_OK;
    size_t got = 1;

    *read_out = 0;
    while (status == CLI_OK && got > 0 && *read_out < len) {
        uint8_t *to = (uint8_t *)data + *read_out;

        if (source->input->regular)
            status = input_read_at(source->input, offset + *read_out, to, len - *read_out, &got);
        else
            status = take_arrived(source, to, len - *read_out, &got);
        *read_out += got;
    }
    source->failure = status;
    return status == CLI_OK ? SPB_OK : SPB_IO;
}

static enum cli_status open_archive(struct source *source)
{
    const struct spb_archive_source archive = { read_archive, source, source->input->size };

    source->archive = spb_archive_reader_new(&archive, 0);
    return source->archive != NULL ? CLI_OK : cli_no_memory();
}

/* What a call of the archive's reader came to, as far as it is not the archive's fault. */
static enum cli_status judge(const struct source *source, enum spb_status status)
{
    if (status == SPB_IO && source->failure != CLI_OK)
        return source->failure;
    return status == SPB_NO_MEMORY ? cli_no_memory() : CLI_OK;
}

/* -- Beginning and end --------------------------------------------------------------------- */

static enum cli_status detect(struct source *source, int framing)
{
    struct spb_frames *frames = &source->frames;
    enum cli_status status;
    bool delimited = framing == CLI_FRAMING_BASE + SPB_FRAMING_DELIMITED;

    if (framing != 0 && !delimited) {
        frames->framing = (enum spb_framing)(framing - CLI_FRAMING_BASE);
        return CLI_OK;
    }
    do {
        status = read_more(source);
    } while (status == CLI_OK && !frames->ended &&
             may_become_archive(pending(source), pending_len(source)));
    if (status == CLI_OK && source_is_archive(pending(source), pending_len(source)))
        return open_archive(source);
    while (status == CLI_OK && !delimited &&
           spb_frame_detect(pending(source), pending_len(source), frames->ended,
                            &frames->framing) == SPB_NEED_MORE)
        status = read_more(source);
    return status;
}

enum cli_status source_begin(struct source *source, struct input *input, int framing)
{
    struct spb_bytes memory = source->frames.arrived;

    memory.len = 0;
    source->input = input;
    source->frames = (struct spb_frames){ .framing = SPB_FRAMING_DELIMITED, .arrived = memory };
    source->count = 0;
    source->failure = CLI_OK;
    source->bytes_before = source->job->meter.bytes_in;
    return detect(source, framing);
}

void source_end(struct source *source)
{
    struct meter *meter = &source->job->meter;

    if (source->archive == NULL)
        return;
    spb_archive_reader_free(source->archive);
    source->archive = NULL;
    /* Some of the file, as its seek table, was read more than once. */
    if (meter->bytes_in - source->bytes_before > source->input->size)
        meter->bytes_in = source->bytes_before + source->input->size;
}

enum cli_status source_rewind_archive(struct source *source)
{
    source_end(source);
    return open_archive(source);
}

void source_release(struct source *source)
{
    source_end(source);
    spb_frames_release(&source->frames);
}

/* -- Messages ------------------------------------------------------------------------------ */

static enum cli_status next_of_archive(struct source *source, struct message *message_out,
                                       enum spb_status *status_out, struct spb_error *error)
{
    *message_out = (struct message){ 0 };
    *status_out = spb_archive_next(source->archive, &message_out->data, &message_out->len, error);
    return judge(source, *status_out);
}

/* An empty raw input is a message all the same: that of a session without any member. */
static enum spb_status judge_end(const struct source *source, struct message *message_out)
{
    if (source->frames.framing != SPB_FRAMING_RAW || source->count > 0)
        return SPB_END;
    *message_out = (struct message){ .data = pending(source) };
    return SPB_OK;
}

static enum cli_status next_of_stream(struct source *source, struct message *message_out,
                                      enum spb_status *status_out, struct spb_error *error)
{
    struct spb_frames *frames = &source->frames;

    for (;;) {
        *status_out = spb_frames_next(frames, &message_out->data, &message_out->len, error);
        if (*status_out != SPB_NEED_MORE || frames->ended)
            break;
        const enum cli_status status = read_more(source);
        if (status != CLI_OK)
            return status;
    }
    if (*status_out == SPB_OK)
        message_out->offset = frames->offset - message_out->len;
    else if (*status_out == SPB_END)
        *status_out = judge_end(source, message_out);
    return CLI_OK;
}

enum cli_status source_next(struct source *source, struct message *message_out,
                            enum spb_status *status_out, struct spb_error *error)
{
    enum cli_status status = source->archive != NULL
                                 ? next_of_archive(source, message_out, status_out, error)
                                 : next_of_stream(source, message_out, status_out, error);

    if (status == CLI_OK && *status_out == SPB_OK)
        source->count++;
    return status;
}

enum cli_status source_skip(struct source *source, uint64_t count, uint64_t *skipped_out,
                            enum spb_status *status_out, struct spb_error *error)
{
    enum cli_status status = CLI_OK;
    struct message message;

    *skipped_out = 0;
    *status_out = SPB_OK;
    if (source->archive != NULL && count > 0) {
        *status_out = spb_archive_skip(source->archive, count, skipped_out, error);
        source->count += *skipped_out;
        return judge(source, *status_out);
    }
    while (status == CLI_OK && *status_out == SPB_OK && *skipped_out < count) {
        status = source_next(source, &message, status_out, error);
        *skipped_out += status == CLI_OK && *status_out == SPB_OK;
    }
    return status;
}

/* -- Damage -------------------------------------------------------------------------------- */

/* Read to the end of a stream or a pipe: what follows the damage cannot be found there. */
static enum cli_status lose_rest(struct source *source, uint64_t from,
                                 struct spb_archive_loss *loss_out)
{
    enum cli_status status = CLI_OK;

    for (;;) {
        pass_over(source, pending_len(source));
        if (source->frames.ended || status != CLI_OK)
            break;
        status = read_more(source);
    }
    loss_out->offset = from;
    loss_out->len = source->frames.offset - from;
    return status;
}

enum cli_status source_salvage(struct source *source, const struct spb_error *error,
                               struct spb_archive_loss *loss_out, enum spb_status *status_out)
{
    *loss_out = (struct spb_archive_loss){ .records = UINT64_MAX, .error = *error };
    *status_out = SPB_END;
    if (source->archive == NULL)
        return lose_rest(source, source->frames.offset, loss_out);
    if (!source->input->regular)
        return lose_rest(source, error->offset, loss_out);
    *status_out = spb_archive_salvage(source->archive, loss_out);
    if (loss_out->records != UINT64_MAX)
        source->count += loss_out->records;
    return judge(source, *status_out);
}
