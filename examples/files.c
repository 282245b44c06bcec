/*
 * Converts a file of JSON into a delimited stream: files IN.json > OUT.pb
 *
 * IN.json has sessions in any of the shapes that sessionpb/documents.h tells of, such as NDJSON; no
 * more than one is in memory at a time. The first that is not right ends it, with its place; those
 * before are written.
 */
#include <sessionpb/sessionpb.h>

#include <stdio.h>

/* An error that has no place in the text. */
static enum spb_status fail(struct spb_error *error, const char *reason)
{
    *error = (struct spb_error){ .status = SPB_IO };
    snprintf(error->reason, sizeof error->reason, "%s", reason);
    return SPB_IO;
}

static enum spb_status read_piece(FILE *in, spb_documents *documents, struct spb_error *error)
{
    char *space;
    size_t len;

    if (spb_documents_space(documents, &space, &len) != SPB_OK)
        return fail(error, "out of memory");
    spb_documents_commit(documents, fread(space, 1, len, in));
    if (feof(in))
        spb_documents_finish(documents);
    return ferror(in) ? fail(error, "the input cannot be read") : SPB_OK;
}

/* SPB_END when all is converted. The memory of `message` and `frame` serves for all sessions. */
static enum spb_status convert(FILE *in, spb_documents *documents, struct spb_error *error)
{
    struct spb_bytes message = { 0 }, frame = { 0 };
    enum spb_status status;

    do {
        message.len = frame.len = 0;
        status = spb_documents_next(documents, &message, error);
        if (status == SPB_NEED_MORE && !feof(in)) /* behind the end it means: cut short */
            status = read_piece(in, documents, error);
        else if (status == SPB_OK) {
            status = spb_frame_append(SPB_FRAMING_DELIMITED, message.data, message.len, &frame);
            if (status != SPB_OK || fwrite(frame.data, 1, frame.len, stdout) < frame.len)
                status = fail(error, "the output cannot be written");
        }
    } while (status == SPB_OK);
    spb_bytes_release(&message);
    spb_bytes_release(&frame);
    return status;
}

/* As compilers do: the place, the member's path where there is one, the reason. */
static void report(const char *input, const struct spb_error *error)
{
    if (error->line > 0)
        fprintf(stderr, "%s:%zu:%zu: ", input, error->line, error->column);
    fprintf(stderr, "%s%s%s\n", error->path, error->path[0] == '\0' ? "" : ": ", error->reason);
}

int main(int argc, char **argv)
{
    struct spb_error error = { .reason = "usage: files IN.json > OUT.pb, with IN.json readable" };
    FILE *const in = argc == 2 ? fopen(argv[1], "rb") : NULL;
    spb_converter *const converter = spb_converter_new(NULL);
    spb_documents *const documents = converter == NULL ? NULL : spb_documents_new(converter);

    bool good = in != NULL && documents != NULL && convert(in, documents, &error) == SPB_END;
    if (fflush(stdout) != 0 && good)
        good = fail(&error, "the output cannot be written") == SPB_OK;
    if (!good)
        report(argv[1], &error);
    spb_documents_free(documents);
    spb_converter_free(converter);
    if (in != NULL)
        fclose(in);
    return good ? 0 : 1;
}
