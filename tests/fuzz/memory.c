/*
 * Memory that runs out, at the allocation that the input says. A call then fails with SPB_NO_MEMORY,
 * or has not needed it; its outputs are untouched; and the same converter does its work when there
 * is memory again. The linker puts these allocators in place of the library's.
 */
#include <sessionpb/session.h>
#include <sessionpb/tree.h>

#include <cjson/cJSON.h>

#include "fuzz.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static unsigned left; /* allocations, until one fails; 0: none does */

static bool fails(void)
{
    return left > 0 && --left == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails() ? NULL : __real_realloc(memory, size);
}

/* ---- what is called: each appends what it has made ---- */

static enum spb_status by_struct(spb_converter *converter, const void *data, size_t len,
                                 struct spb_bytes *out, struct spb_error *error)
{
    Journey__V1__Session *session = NULL;
    enum spb_status status = spb_pb_to_session(converter, data, len, &session, error);

    fuzz_must((status == SPB_OK) == (session != NULL));
    if (status == SPB_OK)
        status = spb_session_to_pb(converter, session, out, error);
    spb_session_free(session);
    return status;
}

static enum spb_status by_tree(spb_converter *converter, const void *data, size_t len,
                               struct spb_bytes *out, struct spb_error *error)
{
    cJSON *tree = NULL;
    enum spb_status status = spb_pb_to_tree(converter, data, len, &tree, error);

    fuzz_must((status == SPB_OK) == (tree != NULL));
    if (status == SPB_OK)
        status = spb_tree_to_pb(converter, tree, out, error);
    cJSON_Delete(tree);
    return status;
}

static enum spb_status indented(spb_converter *converter, const void *data, size_t len,
                                struct spb_bytes *out, struct spb_error *error)
{
    struct spb_bytes json = { 0 };
    enum spb_status status = spb_pb_to_json(converter, data, len, &json, error);

    if (status == SPB_OK && spb_json_pretty((const char *)json.data, json.len, out) != SPB_OK) {
        status = SPB_NO_MEMORY;
        if (error != NULL)
            *error = (struct spb_error){ .status = status };
    }
    spb_bytes_release(&json);
    return status;
}

static enum spb_status archived(spb_converter *converter, const void *data, size_t len,
                                struct spb_bytes *out, struct spb_error *error);

/* Text through a stream of documents. */
static enum spb_status streamed(spb_converter *converter, const void *data, size_t len,
                                struct spb_bytes *out, struct spb_error *error)
{
    spb_documents *const documents = spb_documents_new(converter);
    enum spb_status status = documents == NULL ? SPB_NO_MEMORY : SPB_OK;
    char *space = NULL;
    size_t room = 0;

    if (error != NULL)
        error->status = SPB_NO_MEMORY; /* of the calls that give none */
    if (status == SPB_OK)
        status = spb_documents_space(documents, &space, &room);
    if (status == SPB_OK) {
        memcpy(space, data, len < room ? len : room);
        spb_documents_commit(documents, len < room ? len : room);
        spb_documents_finish(documents);
        status = spb_documents_next(documents, out, error);
    }
    spb_documents_free(documents);
    return status;
}

/* A message as a frame, and out of it again. */
static enum spb_status framed(spb_converter *converter, const void *data, size_t len,
                              struct spb_bytes *out, struct spb_error *error)
{
    struct spb_frames frames = { .framing = SPB_FRAMING_LIST };
    struct spb_bytes stream = { 0 };
    const uint8_t *message = NULL;
    uint8_t *space = NULL;
    size_t room = 0;
    enum spb_status status = spb_frame_append(frames.framing, data, len, &stream);

    (void)converter;
    if (error != NULL)
        error->status = SPB_NO_MEMORY;
    if (status == SPB_OK)
        status = spb_frames_space(&frames, stream.len, &space, &room);
    if (status == SPB_OK) {
        memcpy(space, stream.data, stream.len);
        spb_frames_commit(&frames, stream.len);
        spb_frames_shrink(&frames);
        status = spb_frames_next(&frames, &message, &room, error);
    }
    if (status == SPB_OK)
        status = spb_bytes_append(out, message, room);
    spb_frames_release(&frames);
    spb_bytes_release(&stream);
    return status;
}

static fuzz_convert *const calls[] = { fuzz_json_to_pb, spb_pb_to_json, by_struct, by_tree,
                                       indented,        archived,       streamed,  framed };

/* ---- archives, as one of these calls: a record is written twice, and read ---- */

struct memory_file {
    struct spb_bytes bytes;
};

static enum spb_status append(void *context, const void *data, size_t len)
{
    return spb_bytes_append(&((struct memory_file *)context)->bytes, data, len);
}

static enum spb_status read_file(void *context, uint64_t offset, void *data, size_t len,
                                 size_t *read_out)
{
    const struct spb_bytes *const bytes = &((struct memory_file *)context)->bytes;

    *read_out = len < bytes->len - offset ? len : bytes->len - (size_t)offset;
    memcpy(data, bytes->data + offset, *read_out);
    return SPB_OK;
}

static enum spb_status write_archive(struct memory_file *file, const void *data, size_t len)
{
    const struct spb_archive_options options = { .size = sizeof options, .frame_size = 16 };
    spb_archive_writer *const writer = spb_archive_writer_new(&options, append, file);
    enum spb_status status = writer == NULL ? SPB_NO_MEMORY : SPB_OK;

    for (int i = 0; i < 2 && status == SPB_OK; i++)
        status = spb_archive_write(writer, data, len);
    if (status == SPB_OK)
        status = spb_archive_finish(writer);
    spb_archive_writer_free(writer);
    return status;
}

static enum spb_status read_archive(struct memory_file *file, struct spb_bytes *out)
{
    const struct spb_archive_source source = { read_file, file, file->bytes.len };
    spb_archive_reader *const reader = spb_archive_reader_new(&source, 0);
    enum spb_status status = reader == NULL ? SPB_NO_MEMORY : SPB_OK;
    const uint8_t *message = NULL;
    size_t len = 0;
    uint64_t count = 0;

    if (status == SPB_OK)
        status = spb_archive_skip(reader, 1, &count, NULL);
    if (status == SPB_OK)
        status = spb_archive_check(reader, &count, NULL);
    if (status == SPB_OK)
        status = spb_archive_next(reader, &message, &len, NULL);
    if (status == SPB_OK)
        status = spb_bytes_append(out, message, len);
    spb_archive_reader_free(reader);
    return status;
}

static enum spb_status archived(spb_converter *converter, const void *data, size_t len,
                                struct spb_bytes *out, struct spb_error *error)
{
    struct memory_file file = { .bytes = { 0 } };
    enum spb_status status = write_archive(&file, data, len);

    (void)converter;
    if (status == SPB_OK)
        status = read_archive(&file, out);
    if (status != SPB_OK && error != NULL)
        *error = (struct spb_error){ .status = status };
    spb_bytes_release(&file.bytes);
    return status;
}

/* ---- the promise ---- */

/* Fails at the allocation of that number, counted from 1. */
static void check_failing(fuzz_convert *convert, spb_converter *converter, unsigned number,
                          const struct fuzz_input *input, const struct spb_bytes *expected)
{
    struct spb_bytes out = { 0 };
    struct spb_error error;

    left = number;
    const enum spb_status status = convert(converter, input->at, input->len, &out, &error);
    const bool failed = left == 0;
    left = 0;
    fuzz_must(status == SPB_OK || (failed && status == SPB_NO_MEMORY));
    fuzz_must(status == SPB_OK ? fuzz_same(&out, expected) : out.len == 0);
    fuzz_must(status == SPB_OK || error.status == status);
    spb_bytes_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    fuzz_convert *const convert = calls[fuzz_byte(&input) % (sizeof calls / sizeof calls[0])];
    const unsigned number = 1u + fuzz_byte(&input) % 32;
    const struct spb_options options = { .size = sizeof options, .lenient = true };
    struct spb_bytes expected = { 0 };
    struct spb_bytes out = { 0 };

    if (convert(fuzz_converter(FUZZ_LENIENT), input.at, input.len, &expected, NULL) == SPB_OK) {
        left = number;
        spb_converter *converter = spb_converter_new(&options);
        left = 0;
        if (converter == NULL)
            converter = spb_converter_new(&options);
        fuzz_must(converter != NULL);
        check_failing(convert, converter, number, &input, &expected);
        fuzz_must(convert(converter, input.at, input.len, &out, NULL) == SPB_OK);
        fuzz_must(fuzz_same(&out, &expected));
        spb_converter_free(converter);
    }
    spb_bytes_release(&expected);
    spb_bytes_release(&out);
    return 0;
}
