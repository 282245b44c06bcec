/*
 * Documents, frames, receipts and archives, under failing allocations.
 */
#include "memory.h"

#include <string.h>

#include "support.h"

enum { RECORDS = 12 };

/* ---- documents ---- */

static void open_converter(struct scene *scene)
{
    scene->converter = spb_converter_new(NULL);
    ck_assert_ptr_nonnull(scene->converter);
}

static void open_documents(struct scene *scene)
{
    open_converter(scene);
    scene->documents = spb_documents_new(scene->converter);
    ck_assert_ptr_nonnull(scene->documents);
}

static void close_documents(struct scene *scene)
{
    spb_documents_free(scene->documents);
    spb_converter_free(scene->converter);
}

static enum spb_status make_documents(struct scene *scene)
{
    scene->documents = spb_documents_new(scene->converter);
    return scene->documents != NULL ? SPB_END : SPB_NO_MEMORY;
}

enum { CONVERT, PUSH, REJECT, PUSH_AND_REJECT };

static enum spb_status push_text(struct scene *scene)
{
    const struct spb_bytes piece = next_piece(scene);
    char *space;
    size_t room;
    const enum spb_status status = spb_documents_space(scene->documents, &space, &room);

    if (status != SPB_OK) {
        scene->error = (struct spb_error){ .status = status, .reason = "none is given" };
        return status;
    }
    if (piece.len == 0) {
        spb_documents_finish(scene->documents);
    } else {
        memcpy(space, piece.data, piece.len);
        spb_documents_commit(scene->documents, piece.len);
        scene->at += piece.len;
    }
    scene->step = scene->step == PUSH_AND_REJECT ? REJECT : CONVERT;
    return SPB_OK;
}

/* The text of rejects, too, must come out once and whole. */
static enum spb_status reject_text(struct scene *scene)
{
    const char *text;
    size_t len;
    const enum spb_status status = spb_documents_reject(scene->documents, &text, &len);

    if (status != SPB_OK && status != SPB_NEED_MORE)
        return status;
    note(scene, text, len);
    scene->step = status == SPB_OK ? CONVERT : PUSH_AND_REJECT;
    return SPB_OK;
}

static enum spb_status step_documents(struct scene *scene)
{
    if (scene->step == REJECT)
        return reject_text(scene);
    if (scene->step != CONVERT)
        return push_text(scene);

    const enum spb_status status = spb_documents_next(scene->documents, &scene->out, &scene->error);
    if (status == SPB_END || status == SPB_NO_MEMORY)
        return status;
    if (status == SPB_OK)
        note_out(scene);
    else
        scene->step = status == SPB_NEED_MORE ? PUSH : REJECT;
    return SPB_OK;
}

/* ---- frames and receipts ---- */

static void open_nothing(struct scene *scene)
{
    (void)scene;
}

static void close_frames(struct scene *scene)
{
    spb_frames_release(&scene->frames);
}

static enum spb_status noted(struct scene *scene, enum spb_status status)
{
    if (status == SPB_OK)
        note_out(scene);
    return once(status);
}

static enum spb_status append_frame(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return noted(scene, spb_frame_append(SPB_FRAMING_LIST, in->data, in->len, &scene->out));
}

static enum spb_status append_receipt(struct scene *scene)
{
    const struct spb_receipt receipt = { .sessions = 300, .rejected = 7, .reason = "a reason" };

    return noted(scene, spb_receipt_append(&receipt, &scene->out));
}

static enum spb_status read_receipt(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;
    struct spb_receipt receipt = { .sessions = 1 };
    const enum spb_status status = spb_receipt_read(in->data, in->len, &receipt, &scene->error);

    if (status == SPB_OK)
        note(scene, &receipt.sessions, sizeof receipt.sessions);
    return once(status);
}

static struct spb_bytes framed;

/* Frames of a few sizes, most of them longer than a piece. */
static void open_frames(struct scene *scene)
{
    (void)scene;
    framed.len = 0;
    for (size_t i = 0; i < RECORDS; i++)
        ck_assert_int_eq(spb_frame_append(SPB_FRAMING_DELIMITED, canonical_pb.data,
                                          canonical_pb.len * i / RECORDS, &framed),
                         SPB_OK);
}

static enum spb_status push_bytes(struct scene *scene)
{
    const struct spb_bytes piece = next_piece(scene);
    uint8_t *space;
    size_t room;
    const enum spb_status status = spb_frames_space(&scene->frames, piece.len, &space, &room);

    if (status != SPB_OK) {
        scene->error = (struct spb_error){ .status = status, .reason = "none is given" };
        return status;
    }
    if (piece.len > 0)
        memcpy(space, piece.data, piece.len);
    spb_frames_commit(&scene->frames, piece.len);
    scene->frames.ended = piece.len == 0;
    scene->at += piece.len;
    scene->step = CONVERT;
    return SPB_OK;
}

static enum spb_status step_frames(struct scene *scene)
{
    const uint8_t *message;
    size_t len;

    if (scene->step == PUSH)
        return push_bytes(scene);
    const enum spb_status status = spb_frames_next(&scene->frames, &message, &len, &scene->error);
    if (status == SPB_OK)
        note(scene, message, len);
    if (status != SPB_NEED_MORE)
        return status;
    scene->step = PUSH;
    spb_frames_shrink(&scene->frames);
    return SPB_OK;
}

/* clang-format off */
const struct entry streams[] = {
    { "a stream of documents", open_converter, make_documents, close_documents, .says_nothing = true },
    { "documents at once", open_documents, step_documents, close_documents, &documents_json, .piece = 60000 },
    { "documents in pieces", open_documents, step_documents, close_documents, &documents_json, .piece = 1000 },
    { "documents in small pieces", open_documents, step_documents, close_documents, &documents_json, .piece = 37 },
    { "a frame", open_nothing, append_frame, close_frames, &canonical_pb, .says_nothing = true },
    { "frames", open_frames, step_frames, close_frames, &framed },
    { "frames in pieces", open_frames, step_frames, close_frames, &framed, .piece = 500 },
    { "a receipt", open_nothing, append_receipt, close_frames, .says_nothing = true },
    { "a receipt that is read", open_nothing, read_receipt, close_frames, &receipt_pb, .no_allocation = true },
};
/* clang-format on */
const size_t stream_count = COUNT_OF(streams);
