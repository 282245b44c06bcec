/* Nothing is timed whose result is wrong: every row is checked on the whole corpus first. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sessionpb/session.h>
#include <sessionpb/sessionpb.h>
#include <sessionpb/tree.h>

#include "bridge/converter.h"
#include "peer.h"

static bool same(const struct docs *docs, size_t i, const void *data, size_t len)
{
    return docs->len[i] == len && memcmp(docs->data + docs->at[i], data, len) == 0;
}

static void expect(bool right, const char *what, size_t i)
{
    if (!right)
        bench_fail("document %zu: %s gives another result", i, what);
}

/* ------------------------------------------------------------------ ours */

static void verify_text(const struct inputs *in, const struct docs *docs, const char *what)
{
    struct spb_bytes pb = { 0 };

    for (size_t i = 0; i < docs->count; i++) {
        pb.len = 0;
        spb_json_to_pb(in->converter, (const char *)docs->data + docs->at[i], docs->len[i], &pb,
                       NULL);
        expect(same(&in->pb, i, pb.data, pb.len), what, i);
    }
    spb_bytes_release(&pb);
}

static void verify_bytes(const struct inputs *in, const struct docs *docs, const char *what)
{
    struct spb_bytes json = { 0 };

    for (size_t i = 0; i < docs->count; i++) {
        json.len = 0;
        spb_pb_to_json(in->converter, docs->data + docs->at[i], docs->len[i], &json, NULL);
        expect(same(&in->compact, i, json.data, json.len), what, i);
    }
    spb_bytes_release(&json);
}

/* What both functions of the session door give, packed again. */
static void verify_session(const struct inputs *in)
{
    struct peer_bytes packed = { 0 };

    for (size_t i = 0; i < in->pb.count; i++) {
        Journey__V1__Session *session = NULL;
        spb_json_to_session(in->converter, (const char *)in->compact.data + in->compact.at[i],
                            in->compact.len[i], &session, NULL);
        expect(session != NULL && peer_protobufc_pack(session, &packed) &&
                   same(&in->pb, i, packed.data, packed.len),
               "json_to_session", i);
        spb_session_free(session);
        session = NULL;
        spb_pb_to_session(in->converter, in->pb.data + in->pb.at[i], in->pb.len[i], &session, NULL);
        expect(session != NULL && peer_protobufc_pack(session, &packed) &&
                   same(&in->pb, i, packed.data, packed.len),
               "pb_to_session", i);
        spb_session_free(session);
        expect(peer_protobufc_pack(in->sessions[i], &packed) &&
                   same(&in->pb, i, packed.data, packed.len),
               "protobuf-c's pack", i);
    }
    free(packed.data);
}

static void verify_normalise(const struct inputs *in)
{
    const struct docs *const docs = &in->pb_shuffled;
    struct spb_normaliser normaliser = { 0 };
    struct spb_bytes out = { 0 };

    for (size_t i = 0; i < docs->count; i++) {
        const uint8_t *const data = docs->data + docs->at[i];
        struct spb_wire_reader reader = { .begin = data, .depth_max = 64 };
        out.len = 0;
        spb_wire_normalise(&normaliser, &reader, in->converter->schema->session, data, docs->len[i],
                           &out);
        expect(same(&in->pb, i, out.data, out.len), "normalise", i);
    }
    spb_bytes_release(&out);
    spb_normaliser_release(&normaliser);
}

/* ------------------------------------------------------------------ trees and visitors */

static void visit_tree(const cJSON *json, struct peer_visit *seen)
{
    seen->values++;
    if (cJSON_IsString(json))
        seen->strings += strlen(json->valuestring);
    else if (cJSON_IsNumber(json))
        seen->numbers += json->valuedouble;
    for (const cJSON *child = json->child; child != NULL; child = child->next)
        visit_tree(child, seen);
}

/* Sums of the same numbers in the same order are equal to the last bit. */
static bool same_visit(const struct peer_visit *a, const struct peer_visit *b)
{
    return a->values == b->values && a->strings == b->strings && !(a->numbers < b->numbers) &&
           !(a->numbers > b->numbers);
}

static void verify_visitors(const char *json, size_t len, const struct peer_visit *ours, size_t i)
{
    (void)json, (void)len, (void)ours, (void)i, (void)same_visit;
#ifndef BENCH_NO_simdjson
    struct peer_visit simdjson = { 0 };
    expect(peer_simdjson_visit(json, len, &simdjson) && same_visit(&simdjson, ours), "simdjson", i);
#endif
#ifndef BENCH_NO_rapidjson
    struct peer_visit rapidjson = { 0 };
    expect(peer_rapidjson_visit(json, len, &rapidjson) && same_visit(&rapidjson, ours), "RapidJSON",
           i);
#endif
}

/* The tree door there and back, and its tree against what the visitors see. */
static void verify_trees(const struct inputs *in)
{
    struct spb_bytes pb = { 0 };

    for (size_t i = 0; i < in->pb.count; i++) {
        struct peer_visit ours = { 0 };
        cJSON *tree = NULL;
        spb_pb_to_tree(in->converter, in->pb.data + in->pb.at[i], in->pb.len[i], &tree, NULL);
        pb.len = 0;
        expect(tree != NULL && spb_tree_to_pb(in->converter, tree, &pb, NULL) == SPB_OK &&
                   same(&in->pb, i, pb.data, pb.len),
               "the tree door", i);
        visit_tree(tree, &ours);
        cJSON_Delete(tree);
        verify_visitors((const char *)in->compact.data + in->compact.at[i], in->compact.len[i],
                        &ours, i);
    }
    spb_bytes_release(&pb);
}

/* ------------------------------------------------------------------ peers */

static void verify_cjson(const struct inputs *in)
{
    struct peer_bytes pb = { 0 };

    for (size_t i = 0; i < in->pb.count; i++) {
        const struct docs *const texts[] = { &in->compact, &in->shuffled };
        for (unsigned form = 0; form < 2; form++)
            expect(peer_cjson_to_pb((const char *)texts[form]->data + texts[form]->at[i],
                                    texts[form]->len[i], &pb) &&
                       same(&in->pb, i, pb.data, pb.len),
                   "the cJSON peer to protobuf", i);
        char *const text = peer_cjson_to_json(in->pb.data + in->pb.at[i], in->pb.len[i]);
        expect(text != NULL && same(&in->compact, i, text, strlen(text)), "the cJSON peer to JSON",
               i);
        cJSON_free(text);
    }
    free(pb.data);
}

static void verify_google(const struct inputs *in)
{
#ifdef BENCH_NO_google
    (void)in;
#else
    struct peer_bytes out = { 0 };

    for (size_t i = 0; i < in->pb.count; i++) {
        const uint8_t *const pb = in->pb.data + in->pb.at[i];
        expect(peer_google_to_pb((const char *)in->compact.data + in->compact.at[i],
                                 in->compact.len[i], &out) &&
                   peer_google_same(out.data, out.len, pb, in->pb.len[i]),
               "json_util to protobuf", i);
        expect(peer_google_to_json(pb, in->pb.len[i], &out) &&
                   peer_google_same_text((const char *)out.data, out.len, pb, in->pb.len[i]),
               "json_util to JSON", i);
    }
    free(out.data);
#endif
}

void verify_all(const struct inputs *in)
{
    verify_text(in, &in->compact, "json_to_pb");
    verify_text(in, &in->shuffled, "json_to_pb of shuffled text");
    verify_text(in, &in->pretty, "json_to_pb of pretty text");
    verify_bytes(in, &in->pb, "pb_to_json");
    verify_bytes(in, &in->pb_shuffled, "pb_to_json of shuffled fields");
    verify_session(in);
    verify_normalise(in);
    verify_trees(in);
    verify_cjson(in);
    verify_google(in);
}
