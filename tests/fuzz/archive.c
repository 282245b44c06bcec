/*
 * Archives. The input is an archive, or a recipe for one: records, the frames and tables around them,
 * and then damage. So the checksums are right where the fuzzer wants to come further than to them.
 * What was written comes back, however it is read; of what is damaged nothing comes that was not
 * written, and what check() finds whole is whole.
 */
#include <zstd.h>

#include "fuzz.h"

enum { RECORDS_MAX = 64, STEPS_MAX = 64, LEVEL = 1, MESSAGE_MAX = 1 << 20 };
enum { PARTS_MAX = RECORDS_MAX + 3 * STEPS_MAX }; /* frames, and tables */

/* An archive, and what was put into it. */
struct archive {
    struct spb_bytes bytes;
    struct spb_bytes records[RECORDS_MAX];
    size_t count;
    size_t parts[PARTS_MAX]; /* where each that was written begins */
    size_t part_count;
    bool known;   /* the records are what went in */
    bool plain;   /* some frames are not ours: nothing checks them, and they have no tables */
    bool damaged; /* bytes were changed behind the writer's back */
};

/* ---- writing ---- */

static void begin_part(struct archive *archive)
{
    fuzz_must(archive->part_count < PARTS_MAX);
    archive->parts[archive->part_count++] = archive->bytes.len;
}

static bool begins_part(const struct archive *archive, uint64_t offset)
{
    size_t i = 0;

    while (i < archive->part_count && archive->parts[i] != offset)
        i++;
    return i < archive->part_count;
}

/* The writer calls it once for each frame. */
static enum spb_status append(void *context, const void *data, size_t len)
{
    struct archive *const archive = (struct archive *)context;

    begin_part(archive);
    return spb_bytes_append(&archive->bytes, data, len);
}

static void add_record(struct archive *archive, struct fuzz_input *input)
{
    size_t len = fuzz_byte(input);

    len = len < input->len ? len : input->len;
    fuzz_append(&archive->records[archive->count++], input->at, len);
    input->at += len;
    input->len -= len;
}

/* A frame as any program of zstd's makes it, of one record. */
static void add_plain_frame(struct archive *archive, struct fuzz_input *input)
{
    struct spb_bytes stream = { 0 };
    struct spb_bytes *const record = &archive->records[archive->count];

    add_record(archive, input);
    fuzz_must(spb_frame_append(SPB_FRAMING_DELIMITED, record->data, record->len, &stream) ==
              SPB_OK);
    fuzz_must(spb_bytes_reserve(&archive->bytes, ZSTD_compressBound(stream.len)) == SPB_OK);
    begin_part(archive);
    archive->bytes.len +=
        ZSTD_compress(archive->bytes.data + archive->bytes.len,
                      archive->bytes.capacity - archive->bytes.len, stream.data, stream.len, LEVEL);
    archive->plain = true;
    spb_bytes_release(&stream);
}

static void add_skippable(struct archive *archive, struct fuzz_input *input)
{
    const uint8_t nibble = fuzz_byte(input) % 16;
    const uint8_t header[] = {
        (uint8_t)(0x50 | nibble), 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'
    };

    fuzz_append(&archive->bytes, header, sizeof header);
    archive->plain = true;
}

/* Records in our own frames, up to the end of a segment. */
static void add_segment(struct archive *archive, struct fuzz_input *input, bool finished)
{
    const struct spb_archive_options options = { .size = sizeof options,
                                                 .level = LEVEL,
                                                 .frame_size = 1u + fuzz_byte(input) };
    spb_archive_writer *const writer = spb_archive_writer_new(&options, append, archive);
    size_t records = fuzz_byte(input) % 8;

    fuzz_must(writer != NULL);
    for (; records > 0 && archive->count < RECORDS_MAX; records--) {
        const struct spb_bytes *const record = &archive->records[archive->count];
        add_record(archive, input);
        fuzz_must(spb_archive_write(writer, record->data, record->len) == SPB_OK);
    }
    fuzz_must((finished ? spb_archive_finish : spb_archive_flush)(writer) == SPB_OK);
    archive->plain = archive->plain || !finished;
    spb_archive_writer_free(writer);
}

static void damage(struct archive *archive, struct fuzz_input *input)
{
    const uint8_t how = fuzz_byte(input);
    const size_t at = fuzz_byte(input) | (size_t)fuzz_byte(input) << 8;

    if (archive->bytes.len == 0 || how == 0)
        return;
    archive->damaged = true;
    if (how % 4 == 3)
        archive->bytes.len = at % archive->bytes.len;
    else
        archive->bytes.data[at % archive->bytes.len] ^= how;
}

static void follow_recipe(struct archive *archive, struct fuzz_input *input)
{
    archive->known = true;
    for (size_t steps = 0; input->len > 0 && steps < STEPS_MAX; steps++) {
        const uint8_t step = fuzz_byte(input) % 8;
        if (step == 7)
            damage(archive, input);
        else if (step == 6)
            add_skippable(archive, input);
        else if (archive->count == RECORDS_MAX)
            continue;
        else if (step == 5)
            add_plain_frame(archive, input);
        else
            add_segment(archive, input, step != 4);
    }
}

/* ---- reading ---- */

struct memory {
    uint8_t *data; /* of its exact size */
    size_t len;
    size_t piece; /* given at most at once */
    uint64_t next;
    bool is_pipe;
};

static enum spb_status read_memory(void *context, uint64_t offset, void *data, size_t len,
                                   size_t *read_out)
{
    struct memory *const memory = (struct memory *)context;

    fuzz_must(len > 0 && offset <= memory->len);
    fuzz_must(!memory->is_pipe || offset == memory->next);
    len = len < memory->piece ? len : memory->piece;
    len = len < memory->len - offset ? len : memory->len - (size_t)offset;
    memcpy(data, memory->data + offset, len);
    memory->next = offset + len;
    *read_out = len;
    return SPB_OK;
}

static spb_archive_reader *open_memory(struct memory *memory, const struct archive *archive,
                                       size_t piece, bool is_pipe)
{
    *memory = (struct memory){ fuzz_copy(archive->bytes.data, archive->bytes.len, false),
                               archive->bytes.len, piece, 0, is_pipe };
    const struct spb_archive_source source = { read_memory, memory,
                                               is_pipe ? UINT64_MAX : memory->len };
    spb_archive_reader *const reader = spb_archive_reader_new(&source, MESSAGE_MAX);

    fuzz_must(reader != NULL);
    return reader;
}

static void close_memory(struct memory *memory, spb_archive_reader *reader)
{
    spb_archive_reader_free(reader);
    free(memory->data);
}

/* The next message; its padding is there. */
static enum spb_status next(spb_archive_reader *reader, struct spb_bytes *message)
{
    const uint8_t *data = NULL;
    size_t len = 0;
    struct spb_error error;
    const enum spb_status status = spb_archive_next(reader, &data, &len, &error);

    message->len = 0;
    if (status == SPB_OK) {
        fuzz_must(len <= MESSAGE_MAX);
        fuzz_append(message, data, len + SPB_PADDING); /* AddressSanitizer looks at the padding */
        message->len = len;
    } else if (status != SPB_END) {
        fuzz_check_error(&error, status);
    }
    return status;
}

/* The number of the next record that a message is, behind `from`; RECORDS_MAX for none. */
static size_t find_record(const struct archive *archive, const struct spb_bytes *message,
                          size_t from)
{
    while (from < archive->count && !fuzz_same(&archive->records[from], message))
        from++;
    return from < archive->count ? from : RECORDS_MAX;
}

/* Reads on to the end or a failure. Returns how many messages there were. */
static uint64_t read_on(spb_archive_reader *reader, const struct archive *archive, size_t *record,
                        enum spb_status *status_out)
{
    struct spb_bytes message = { 0 };
    uint64_t count = 0;

    while ((*status_out = next(reader, &message)) == SPB_OK) {
        count++;
        if (!archive->known || (archive->plain && archive->damaged))
            continue;
        *record = find_record(archive, &message, *record);
        fuzz_must(*record < RECORDS_MAX);
        ++*record;
    }
    spb_bytes_release(&message);
    return count;
}

/* ---- promises ---- */

static uint64_t check_reading(const struct archive *archive, size_t piece, bool is_pipe,
                              enum spb_status *status_out)
{
    struct memory memory;
    spb_archive_reader *const reader = open_memory(&memory, archive, piece, is_pipe);
    size_t record = 0;
    const uint64_t count = read_on(reader, archive, &record, status_out);

    if (archive->known && !archive->damaged)
        fuzz_must(*status_out == SPB_END && count == archive->count);
    close_memory(&memory, reader);
    return count;
}

static bool is_fault_of_message(enum spb_status status)
{
    return status == SPB_BAD_WIRE || status == SPB_TOO_LARGE;
}

/* Whether it is the same fault. Where a frame does not tell its size, and both its bytes and a message
   in them are wrong, the pieces that the bytes come in decide which is met first. */
static bool is_same_fault(enum spb_status a, enum spb_status b)
{
    return a == b || (a == SPB_BAD_ARCHIVE && is_fault_of_message(b)) ||
           (b == SPB_BAD_ARCHIVE && is_fault_of_message(a));
}

/* In pieces, and through a pipe, it is the same. How much of a frame that turns out to be damaged is
   given before that differs, where the frame does not tell its size. */
static void check_pieces(const struct archive *archive, size_t piece, uint64_t count,
                         enum spb_status expected)
{
    for (int is_pipe = 0; is_pipe < 2; is_pipe++) {
        enum spb_status status;
        const uint64_t in_pieces = check_reading(archive, piece, is_pipe != 0, &status);
        fuzz_must(is_same_fault(status, expected));
        fuzz_must(in_pieces == count || status != SPB_END);
    }
}

/* Salvage moves on, and comes to the end. It may find a frame that a damaged record holds: from there on
   records are not known. */
static void check_salvage(const struct archive *archive)
{
    struct archive rest = *archive;
    struct memory memory;
    spb_archive_reader *const reader = open_memory(&memory, archive, SIZE_MAX, false);
    struct spb_archive_loss loss = { 0 };
    size_t record = 0;
    uint64_t behind = 0;
    enum spb_status status = SPB_OK;

    for (;;) {
        (void)read_on(reader, &rest, &record, &status);
        if (status == SPB_END)
            break;
        const enum spb_status salvaged = spb_archive_salvage(reader, &loss);
        fuzz_must(salvaged == SPB_OK || salvaged == SPB_END);
        fuzz_check_error(&loss.error, status);
        fuzz_must(loss.len > 0 && loss.offset >= behind && loss.offset + loss.len <= memory.len);
        behind = loss.offset + loss.len;
        rest.known = rest.known && begins_part(archive, behind);
        if (salvaged == SPB_END)
            break;
    }
    close_memory(&memory, reader);
}

/* Frames stand behind each other, and to look for them changes nothing of what is read. */
static void check_frames(const struct archive *archive, uint64_t count, enum spb_status expected)
{
    struct memory memory;
    spb_archive_reader *const reader = open_memory(&memory, archive, SIZE_MAX, false);
    struct spb_archive_frame frame;
    struct spb_error error;
    enum spb_status status = SPB_OK;
    uint64_t behind = 0;
    size_t record = 0;

    for (uint64_t i = 0; (status = spb_archive_frame_at(reader, i, &frame, &error)) == SPB_OK;
         i++) {
        fuzz_must(frame.offset >= behind && frame.len <= memory.len - frame.offset);
        behind = frame.offset + frame.len;
    }
    if (status != SPB_END)
        fuzz_check_error(&error, status);
    fuzz_must(status == SPB_END || !archive->known || archive->damaged);
    fuzz_must(read_on(reader, archive, &record, &status) == count && status == expected);
    close_memory(&memory, reader);
}

/* What is found whole is read whole, and the tables are right about it. */
static void check_check(const struct archive *archive, uint64_t count, enum spb_status last)
{
    struct memory memory;
    spb_archive_reader *const reader = open_memory(&memory, archive, SIZE_MAX, false);
    struct spb_error error;
    struct spb_archive_frame frame;
    uint64_t records = UINT64_MAX;
    uint64_t sum = 0;
    const enum spb_status status = spb_archive_check(reader, &records, &error);

    if (archive->known && !archive->damaged && !archive->plain)
        fuzz_must(status == SPB_OK || archive->bytes.len == 0);
    if (status == SPB_OK) {
        fuzz_must(last == SPB_END && records == count);
        for (uint64_t i = 0; spb_archive_frame_at(reader, i, &frame, NULL) == SPB_OK; i++)
            sum += frame.records == UINT64_MAX ? 0 : frame.records;
        fuzz_must(sum <= count);
    } else {
        fuzz_check_error(&error, status);
    }
    close_memory(&memory, reader);
}

/* Skipping is reading without looking, wherever it ends. */
static void check_skip(const struct archive *archive, uint64_t distance, uint64_t count)
{
    struct memory memory;
    spb_archive_reader *const reader = open_memory(&memory, archive, SIZE_MAX, false);
    struct spb_bytes message = { 0 };
    struct spb_error error;
    uint64_t skipped = UINT64_MAX;
    const enum spb_status status = spb_archive_skip(reader, distance, &skipped, &error);

    fuzz_must(skipped <= distance);
    if (status != SPB_OK)
        fuzz_check_error(&error, status);
    if (archive->known && !archive->damaged) {
        fuzz_must(status == SPB_OK && skipped == (distance < count ? distance : count));
        fuzz_must(next(reader, &message) == (skipped < count ? SPB_OK : SPB_END));
        if (skipped < count)
            fuzz_must(fuzz_same(&message, &archive->records[skipped]));
    }
    spb_bytes_release(&message);
    close_memory(&memory, reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    struct archive archive = { .count = 0 };
    const bool is_recipe = fuzz_byte(&input) % 2 == 1;
    const uint8_t distance = fuzz_byte(&input);
    const size_t piece = 1u + fuzz_byte(&input);
    enum spb_status status;

    if (is_recipe)
        follow_recipe(&archive, &input);
    else
        fuzz_append(&archive.bytes, input.at, input.len);
    const uint64_t count = check_reading(&archive, SIZE_MAX, false, &status);
    check_pieces(&archive, piece, count, status);
    check_salvage(&archive);
    check_frames(&archive, count, status);
    check_check(&archive, count, status);
    check_skip(&archive, distance, count);
    for (size_t i = 0; i < archive.count; i++)
        spb_bytes_release(&archive.records[i]);
    spb_bytes_release(&archive.bytes);
    return 0;
}
