/*
 * Changes a member of a session in a cJSON tree: tree NAME VALUE OUT.pb < SESSION.json
 *
 * VALUE is JSON text; null takes the member away. OUT.pb receives the canonical protobuf bytes, the
 * standard output the canonical text. The document is read by sessionpb: cJSON_Parse() would not
 * say that it rounds a number or drops the end of a string.
 */
#include <sessionpb/sessionpb.h>
#include <sessionpb/tree.h>

#include <cjson/cJSON.h>
#include <stdio.h>

enum { PIECE = 64 << 10 };

static bool read_all(FILE *file, struct spb_bytes *bytes)
{
    size_t got = 0;

    while (spb_bytes_reserve(bytes, PIECE) == SPB_OK &&
           (got = fread(bytes->data + bytes->len, 1, PIECE, file)) > 0)
        bytes->len += got;
    return feof(file) && !ferror(file);
}

static bool write_file(const char *path, const struct spb_bytes *bytes)
{
    FILE *const file = fopen(path, "wb");

    if (file == NULL)
        return false;
    const bool written = fwrite(bytes->data, 1, bytes->len, file) == bytes->len;
    return fclose(file) == 0 && written;
}

/* The order of members in a tree does not matter: bytes and text are canonical all the same. */
static bool set_member(cJSON *tree, const char *name, const char *value)
{
    cJSON *const item = cJSON_ParseWithOpts(value, NULL, true);

    if (item == NULL)
        return false;
    cJSON_DeleteItemFromObjectCaseSensitive(tree, name);
    return cJSON_AddItemToObject(tree, name, item);
}

static bool fail(const char *what, const char *reason)
{
    fprintf(stderr, "tree: %s%s%s\n", what, what[0] == '\0' ? "" : ": ", reason);
    return false;
}

/* An error has the member's path, such as /lastEvent/createdDate, empty for the whole document. */
static bool is_ok(enum spb_status status, const struct spb_error *error)
{
    return status == SPB_OK || fail(error->path, error->reason);
}

static bool change(spb_converter *converter, const char *name, const char *value, const char *out)
{
    struct spb_bytes text = { 0 }, pb = { 0 };
    struct spb_error error;
    cJSON *tree = NULL;

    bool good =
        (read_all(stdin, &text) || fail("", "the standard input cannot be read")) &&
        is_ok(spb_json_to_pb(converter, (char *)text.data, text.len, &pb, &error), &error) &&
        is_ok(spb_pb_to_tree(converter, pb.data, pb.len, &tree, &error), &error) &&
        (set_member(tree, name, value) || fail(value, "is not JSON"));
    text.len = pb.len = 0; /* their memory is used again */
    good = good && is_ok(spb_tree_to_pb(converter, tree, &pb, &error), &error) &&
           is_ok(spb_pb_to_json(converter, pb.data, pb.len, &text, &error), &error) &&
           (write_file(out, &pb) || fail(out, "cannot be written"));
    if (good)
        puts((char *)text.data);
    cJSON_Delete(tree);
    spb_bytes_release(&text);
    spb_bytes_release(&pb);
    return good;
}

int main(int argc, char **argv)
{
    spb_converter *const converter = spb_converter_new(NULL);
    bool good = converter != NULL || fail("", "out of memory");

    good = good && (argc == 4 || fail("usage", "tree NAME VALUE OUT.pb < SESSION.json")) &&
           change(converter, argv[1], argv[2], argv[3]) &&
           (fflush(stdout) == 0 || fail("", "the standard output cannot be written"));
    spb_converter_free(converter);
    return good ? 0 : 1;
}
