/*
 * Converts what standard input holds, pushed into a stream of documents in pieces of so many bytes:
 * pieces BYTES <TEXT >DELIMITED
 */
#include <sessionpb/sessionpb.h>

#include <stdio.h>
#include <stdlib.h>

static void push(spb_documents *documents, size_t piece)
{
    char *space = NULL;
    size_t room = 0;

    if (spb_documents_space(documents, &space, &room) != SPB_OK)
        exit(EXIT_FAILURE);
    const size_t len = fread(space, 1, piece < room ? piece : room, stdin);
    spb_documents_commit(documents, len);
    if (len == 0)
        spb_documents_finish(documents);
}

int main(int argc, char **argv)
{
    const size_t piece = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    spb_converter *const converter = spb_converter_new(NULL);
    spb_documents *const documents = spb_documents_new(converter);
    struct spb_bytes message = { 0 };
    struct spb_bytes stream = { 0 };
    struct spb_error error;
    enum spb_status status;

    while ((status = spb_documents_next(documents, &message, &error)) != SPB_END) {
        if (status == SPB_NEED_MORE)
            push(documents, piece);
        else if (status != SPB_OK)
            break;
        else
            spb_frame_append(SPB_FRAMING_DELIMITED, message.data, message.len, &stream);
        message.len = 0;
    }
    if (status == SPB_END)
        fwrite(stream.data, 1, stream.len, stdout);
    else
        fprintf(stderr, "%zu:%zu: %s\n", error.line, error.column, error.reason);
    spb_bytes_release(&message);
    spb_bytes_release(&stream);
    spb_documents_free(documents);
    spb_converter_free(converter);
    return status == SPB_END ? EXIT_SUCCESS : EXIT_FAILURE;
}
