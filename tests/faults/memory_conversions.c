/*
 * Converters, their conversions and the doors, under failing allocations.
 */
#include "memory.h"

#include <string.h>

#include <cjson/cJSON.h>

#include "support.h"

struct spb_bytes canonical_json, shuffled_json, canonical_pb, shuffled_pb, documents_json,
    receipt_pb;

/* Small, and with something of everything that is written piece by piece. */
static struct spb_bytes crowded_json, mistyped_json, crowded_pb, promoted_pb;

/* ---- inputs ---- */

static void set_input(struct spb_bytes *input, struct blob blob)
{
    ck_assert_int_eq(spb_bytes_append(input, blob.data, blob.len), SPB_OK);
}

/* Additional members, unknown fields and a map, of which most is out of order when shuffled. */
static const char more[] =
    ",\"zz\":[1,{\"y\":\"\\u20ac\",\"x\":[]}],\"aa\":{\"b\":1.5},\"mm\":null,"
    "\"$unknownFields\":\"uD4Byj4Ceno=\"";

/* More than is copied at once, and so many escapes that room for them must be made. */
#define ESCAPES "\\u0001\\u0002\\u0003\\u0004\\\"\\\\\\/\\n"
#define LONG_TEXT \
    "\"a text above the 64 bytes of two vectors, " ESCAPES ESCAPES ESCAPES ESCAPES " \\u20ac\""

static void make_crowded_inputs(void)
{
    const char *const unknown =
        unknown_fields("1003:{'a field that will be there next year'} 1001:7 1002:{'another'}");
    const struct blob json = minimal(
        printed(",\"externalId\":\"%s\",\"attributes\":{" LONG_TEXT
                ":{\"value\":\"v\",\"dataType\":" LONG_TEXT ",%s},"
                "\"A\":{\"value\":\"\",\"dataType\":\"t\"},"
                "\"z\":{\"value\":\"w\",\"zz\":[],\"dataType\":\"t\",\"aa\":1}},"
                "\"searchTerms\":[\"one\"," LONG_TEXT ",\"three\"],"
                "\"zz\":[%s\"z\",%s{\"y\":" LONG_TEXT ",\"x\":[]}]," LONG_TEXT ":{},\"aa\":1.5,%s",
                repeated("\\u0001", 300).data, unknown, repeated("1,", 200).data,
                repeated("1,", 200).data, unknown)
            .data);
    const struct blob pb = pb_of(NULL, json);

    set_input(&crowded_json, json);
    set_input(&crowded_pb, joined(minimal_wire("11:{1:{'z'} 2:{1:{'t'} 2:{'v'}}} 1004:{'later'} "
                                               "11:{1:{'b'} 2:{1:{'t'} 2:{'v'}}} 1002:7"),
                                  joined(pb, pb)));
    set_input(&mistyped_json,
              minimal(",\"pageviewCount\":99999999999,\"durationInSeconds\":" LONG_TEXT
                      ",\"lastConnectedQueue\":[" LONG_TEXT "]"));
    set_input(&promoted_pb, minimal_wire("1000:{'{\"searchTerms\":[\"of next year, then\"]}'}"));
}

void make_inputs(void)
{
    const struct blob json = full_session(&(struct style){ .backwards = false }, NULL);
    const struct blob backwards = full_session(&(struct style){ .backwards = true }, NULL);
    const struct blob shuffled = spliced(backwards, LITERAL(more));
    const struct blob pb = pb_of(NULL, shuffled);
    const struct blob other = minimal_wire("1004:{'later'} 1002:7");

    set_input(&canonical_json, json);
    set_input(&shuffled_json, shuffled);
    set_input(&canonical_pb, pb);
    set_input(&shuffled_pb, joined(joined(other, pb), other));
    set_input(&receipt_pb, wire("1:300 2:7 3:{'why'} 99:{'later'}"));
    set_input(&documents_json,
              printed("\xEF\xBB\xBF%s\n{\"entities\":[%s,{\"id\":3},%s]}\n{\"id\":tru}\n[%s,%s] "
                      "{\"topicName\":\"channel.metadata\",\"eventBody\":{}}%s",
                      json.data, minimal("").data, shuffled.data, minimal(",\"zz\":1").data,
                      minimal(",\"id\":\"twice\"").data, minimal("").data));
    make_crowded_inputs();
}

void release_inputs(void)
{
    spb_bytes_release(&canonical_json);
    spb_bytes_release(&shuffled_json);
    spb_bytes_release(&canonical_pb);
    spb_bytes_release(&shuffled_pb);
    spb_bytes_release(&documents_json);
    spb_bytes_release(&receipt_pb);
    spb_bytes_release(&crowded_json);
    spb_bytes_release(&mistyped_json);
    spb_bytes_release(&crowded_pb);
    spb_bytes_release(&promoted_pb);
}

/* ---- opening and closing ---- */

static void open_nothing(struct scene *scene)
{
    (void)scene;
}

static void open_converter(struct scene *scene)
{
    scene->converter = spb_converter_new(NULL);
    ck_assert_ptr_nonnull(scene->converter);
}

static void open_lenient(struct scene *scene)
{
    scene->converter = spb_converter_new(&lenient);
    ck_assert_ptr_nonnull(scene->converter);
}

static void open_session(struct scene *scene)
{
    const struct spb_bytes *const pb = scene->entry->input;

    open_converter(scene);
    ck_assert_int_eq(spb_pb_to_session(scene->converter, pb->data, pb->len, &scene->session, NULL),
                     SPB_OK);
    spb_converter_free(scene->converter);
    open_converter(scene); /* one that has not seen it */
}

static void open_tree(struct scene *scene)
{
    const struct spb_bytes *const pb = scene->entry->input;

    open_converter(scene);
    ck_assert_int_eq(spb_pb_to_tree(scene->converter, pb->data, pb->len, &scene->tree, NULL),
                     SPB_OK);
    spb_converter_free(scene->converter);
    open_converter(scene);
}

static void open_raw_tree(struct scene *scene)
{
    open_tree(scene);
    ck_assert_ptr_nonnull(cJSON_AddRawToObject(scene->tree, "raw", " [ " LONG_TEXT ", 1.50 ] "));
}

static void close_all(struct scene *scene)
{
    spb_session_free(scene->session);
    cJSON_Delete(scene->tree);
    spb_converter_free(scene->converter);
}

/* ---- steps ---- */

static enum spb_status make_converter(struct scene *scene)
{
    scene->converter = spb_converter_new(NULL);
    return scene->converter != NULL ? SPB_END : SPB_NO_MEMORY;
}

static enum spb_status noted(struct scene *scene, enum spb_status status)
{
    if (status == SPB_OK)
        note_out(scene);
    return once(status);
}

static enum spb_status json_to_pb(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return noted(scene, spb_json_to_pb(scene->converter, (const char *)in->data, in->len,
                                       &scene->out, &scene->error));
}

static enum spb_status pb_to_json(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return noted(scene,
                 spb_pb_to_json(scene->converter, in->data, in->len, &scene->out, &scene->error));
}

static enum spb_status pretty(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return noted(scene, spb_json_pretty((const char *)in->data, in->len, &scene->out));
}

static enum spb_status find_id(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;
    const char *id;
    size_t len;
    const enum spb_status status =
        spb_pb_id(scene->converter, in->data, in->len, &id, &len, &scene->error);

    if (status == SPB_OK)
        note(scene, id, len);
    return once(status);
}

/* What a session or a tree holds is told by the size of its bytes, and by the entries that write it. */
static enum spb_status to_session(struct scene *scene, enum spb_status status)
{
    if (status == SPB_OK) {
        const size_t len = journey__v1__session__get_packed_size(scene->session);
        note(scene, &len, sizeof len);
    }
    return once(status);
}

static enum spb_status json_to_session(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return to_session(scene, spb_json_to_session(scene->converter, (const char *)in->data, in->len,
                                                 &scene->session, &scene->error));
}

static enum spb_status pb_to_session(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return to_session(scene, spb_pb_to_session(scene->converter, in->data, in->len, &scene->session,
                                               &scene->error));
}

static enum spb_status session_to_json(struct scene *scene)
{
    return noted(scene,
                 spb_session_to_json(scene->converter, scene->session, &scene->out, &scene->error));
}

static enum spb_status session_to_pb(struct scene *scene)
{
    return noted(scene,
                 spb_session_to_pb(scene->converter, scene->session, &scene->out, &scene->error));
}

static void note_names(struct scene *scene, const cJSON *tree)
{
    const cJSON *node;

    cJSON_ArrayForEach(node, tree) note(scene, node->string, strlen(node->string));
}

static enum spb_status pb_to_tree(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;
    const enum spb_status status =
        spb_pb_to_tree(scene->converter, in->data, in->len, &scene->tree, &scene->error);

    if (status == SPB_OK)
        note_names(scene, scene->tree);
    return once(status);
}

static enum spb_status tree_to_pb(struct scene *scene)
{
    return noted(scene, spb_tree_to_pb(scene->converter, scene->tree, &scene->out, &scene->error));
}

static enum spb_status append_bytes(struct scene *scene)
{
    const struct spb_bytes *const in = scene->entry->input;

    return noted(scene, spb_bytes_append(&scene->out, in->data, in->len));
}

static enum spb_status reserve_bytes(struct scene *scene)
{
    return noted(scene, spb_bytes_reserve(&scene->out, scene->entry->input->len));
}

/* clang-format off */
const struct entry conversions[] = {
    { "a converter", open_nothing, make_converter, close_all, .says_nothing = true },
    { "canonical text to bytes", open_converter, json_to_pb, close_all, &canonical_json },
    { "shuffled text to bytes", open_converter, json_to_pb, close_all, &shuffled_json },
    { "canonical bytes to text", open_converter, pb_to_json, close_all, &canonical_pb },
    { "shuffled bytes to text", open_converter, pb_to_json, close_all, &shuffled_pb },
    { "pretty text", open_nothing, pretty, close_all, &canonical_json, .says_nothing = true },
    { "an id", open_converter, find_id, close_all, &shuffled_pb, .no_allocation = true },
    { "text to a struct", open_converter, json_to_session, close_all, &shuffled_json },
    { "bytes to a struct", open_converter, pb_to_session, close_all, &shuffled_pb },
    { "a struct to text", open_session, session_to_json, close_all, &canonical_pb },
    { "a struct to bytes", open_session, session_to_pb, close_all, &canonical_pb },
    { "bytes to a tree", open_converter, pb_to_tree, close_all, &shuffled_pb },
    { "a tree to bytes", open_tree, tree_to_pb, close_all, &canonical_pb },
    { "bytes appended", open_nothing, append_bytes, close_all, &canonical_pb, .says_nothing = true },
    { "room for bytes", open_nothing, reserve_bytes, close_all, &canonical_pb, .says_nothing = true },
};

const struct entry growths[] = {
    { "text to bytes", open_converter, json_to_pb, close_all, &crowded_json },
    { "text of wrong types to bytes", open_lenient, json_to_pb, close_all, &mistyped_json },
    { "bytes to text", open_converter, pb_to_json, close_all, &crowded_pb },
    { "bytes with text that has a field by now", open_converter, pb_to_json, close_all, &promoted_pb },
    { "pretty text", open_nothing, pretty, close_all, &crowded_json, .says_nothing = true },
    { "text to a struct", open_converter, json_to_session, close_all, &crowded_json },
    { "bytes to a struct", open_converter, pb_to_session, close_all, &crowded_pb },
    { "a struct to text", open_session, session_to_json, close_all, &crowded_pb },
    { "a struct to bytes", open_session, session_to_pb, close_all, &crowded_pb },
    { "bytes to a tree", open_converter, pb_to_tree, close_all, &crowded_pb },
    { "a tree to bytes", open_raw_tree, tree_to_pb, close_all, &crowded_pb },
};
/* clang-format on */
const size_t conversion_count = COUNT_OF(conversions);
const size_t growth_count = COUNT_OF(growths);
