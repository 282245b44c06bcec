/* What is measured: each row once over all documents. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <sessionpb/session.h>
#include <sessionpb/sessionpb.h>
#include <sessionpb/tree.h>

#include "bridge/converter.h"
#include "peer.h"
#include "wire/normalise.h"

/* ------------------------------------------------------------------ ours */

static bool to_pb(const struct inputs *in, const struct docs *docs)
{
    static struct spb_bytes pb;

    for (size_t i = 0; i < docs->count; i++) {
        pb.len = 0;
        if (spb_json_to_pb(in->converter, (const char *)docs->data + docs->at[i], docs->len[i], &pb,
                           NULL) != SPB_OK)
            return false;
    }
    return true;
}

static bool json_to_pb(const struct inputs *in)
{
    return to_pb(in, &in->compact);
}

static bool json_to_pb_shuffled(const struct inputs *in)
{
    return to_pb(in, &in->shuffled);
}

static bool json_to_pb_pretty(const struct inputs *in)
{
    return to_pb(in, &in->pretty);
}

static bool pb_to_json(const struct inputs *in)
{
    static struct spb_bytes json;

    for (size_t i = 0; i < in->pb.count; i++) {
        json.len = 0;
        if (spb_pb_to_json(in->converter, in->pb.data + in->pb.at[i], in->pb.len[i], &json, NULL) !=
            SPB_OK)
            return false;
    }
    return true;
}

static bool json_to_session(const struct inputs *in)
{
    for (size_t i = 0; i < in->compact.count; i++) {
        Journey__V1__Session *session;
        if (spb_json_to_session(in->converter, (const char *)in->compact.data + in->compact.at[i],
                                in->compact.len[i], &session, NULL) != SPB_OK)
            return false;
        spb_session_free(session);
    }
    return true;
}

static bool pb_to_session(const struct inputs *in)
{
    for (size_t i = 0; i < in->pb.count; i++) {
        Journey__V1__Session *session;
        if (spb_pb_to_session(in->converter, in->pb.data + in->pb.at[i], in->pb.len[i], &session,
                              NULL) != SPB_OK)
            return false;
        spb_session_free(session);
    }
    return true;
}

/* As a caller has it that holds text: the tree is parsed, converted and deleted. */
static bool tree_to_pb(const struct inputs *in)
{
    static struct spb_bytes pb;
    enum spb_status status = SPB_OK;

    for (size_t i = 0; i < in->compact.count && status == SPB_OK; i++) {
        cJSON *const tree = cJSON_ParseWithLength(
            (const char *)in->compact.data + in->compact.at[i], in->compact.len[i]);
        pb.len = 0;
        status = spb_tree_to_pb(in->converter, tree, &pb, NULL);
        cJSON_Delete(tree);
    }
    return status == SPB_OK;
}

static bool pb_to_tree(const struct inputs *in)
{
    for (size_t i = 0; i < in->pb.count; i++) {
        cJSON *tree;
        if (spb_pb_to_tree(in->converter, in->pb.data + in->pb.at[i], in->pb.len[i], &tree, NULL) !=
            SPB_OK)
            return false;
        cJSON_Delete(tree);
    }
    return true;
}

static bool normalise(const struct inputs *in)
{
    static struct spb_normaliser normaliser;
    static struct spb_bytes out;
    const struct docs *const docs = &in->pb_shuffled;

    for (size_t i = 0; i < docs->count; i++) {
        const uint8_t *const data = docs->data + docs->at[i];
        struct spb_wire_reader reader = { .begin = data, .depth_max = 64 };
        out.len = 0;
        if (spb_wire_normalise(&normaliser, &reader, in->converter->schema->session, data,
                               docs->len[i], &out) != SPB_OK)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ cJSON and protobuf-c */

static bool cjson_to_pb(const struct docs *docs)
{
    static struct peer_bytes pb;

    for (size_t i = 0; i < docs->count; i++)
        if (!peer_cjson_to_pb((const char *)docs->data + docs->at[i], docs->len[i], &pb))
            return false;
    return true;
}

static bool cjson_json_to_pb(const struct inputs *in)
{
    return cjson_to_pb(&in->compact);
}

static bool cjson_json_to_pb_shuffled(const struct inputs *in)
{
    return cjson_to_pb(&in->shuffled);
}

static bool cjson_pb_to_json(const struct inputs *in)
{
    for (size_t i = 0; i < in->pb.count; i++) {
        char *const text = peer_cjson_to_json(in->pb.data + in->pb.at[i], in->pb.len[i]);
        if (text == NULL)
            return false;
        cJSON_free(text);
    }
    return true;
}

static bool cjson_json_to_session(const struct inputs *in)
{
    for (size_t i = 0; i < in->compact.count; i++) {
        void *const session = peer_cjson_to_session(
            (const char *)in->compact.data + in->compact.at[i], in->compact.len[i]);
        if (session == NULL)
            return false;
        peer_cjson_free_session(session);
    }
    return true;
}

static bool protobufc_unpack(const struct inputs *in)
{
    for (size_t i = 0; i < in->pb.count; i++) {
        void *const session = peer_protobufc_unpack(in->pb.data + in->pb.at[i], in->pb.len[i]);
        if (session == NULL)
            return false;
        peer_cjson_free_session(session);
    }
    return true;
}

static bool protobufc_pack(const struct inputs *in)
{
    static struct peer_bytes pb;

    for (size_t i = 0; i < in->pb.count; i++)
        if (!peer_protobufc_pack(in->sessions[i], &pb))
            return false;
    return true;
}

/* ------------------------------------------------------------------ C++ */

#ifdef BENCH_NO_google
#define GOOGLE_ROW(name)                                       \
    {                                                          \
        name, "json_util", NULL, BENCH_NO_google, false, false \
    }
#else
static bool google_json_to_pb(const struct inputs *in)
{
    static struct peer_bytes pb;
    const struct docs *const docs = &in->compact;

    for (size_t i = 0; i < docs->count; i++)
        if (!peer_google_to_pb((const char *)docs->data + docs->at[i], docs->len[i], &pb))
            return false;
    return true;
}

static bool google_pb_to_json(const struct inputs *in)
{
    static struct peer_bytes json;

    for (size_t i = 0; i < in->pb.count; i++)
        if (!peer_google_to_json(in->pb.data + in->pb.at[i], in->pb.len[i], &json))
            return false;
    return true;
}
#endif

#ifndef BENCH_NO_simdjson
static bool simdjson_visit(const struct inputs *in)
{
    struct peer_visit seen = { 0 };
    const struct docs *const docs = &in->compact;

    for (size_t i = 0; i < docs->count; i++)
        if (!peer_simdjson_visit((const char *)docs->data + docs->at[i], docs->len[i], &seen))
            return false;
    return true;
}
#endif

#ifndef BENCH_NO_rapidjson
static bool rapidjson_visit(const struct inputs *in)
{
    struct peer_visit seen = { 0 };
    const struct docs *const docs = &in->compact;

    for (size_t i = 0; i < docs->count; i++)
        if (!peer_rapidjson_visit((const char *)docs->data + docs->at[i], docs->len[i], &seen))
            return false;
    return true;
}
#endif

static bool copy(const struct inputs *in)
{
    static uint8_t *place;
    static size_t capacity;

    for (size_t i = 0; i < in->compact.count; i++) {
        if (in->compact.len[i] > capacity) {
            free(place);
            capacity = in->compact.len[i] * 2;
            place = malloc(capacity);
            if (place == NULL)
                return false;
        }
        memcpy(place, in->compact.data + in->compact.at[i], in->compact.len[i]);
        __asm__ volatile("" : : "r"(place) : "memory"); /* else the copy is left out */
    }
    return true;
}

/* ------------------------------------------------------------------ the table */

#define OURS(name, run)                           \
    {                                             \
        name, "sessionpb", run, NULL, true, false \
    }
#define PEER(name, who, run)               \
    {                                      \
        name, who, run, NULL, false, false \
    }

const struct row bench_rows[ROWS] = {
    [JSON_TO_PB] = OURS("json_to_pb", json_to_pb),
    [JSON_TO_PB_SHUFFLED] = OURS("json_to_pb, shuffled", json_to_pb_shuffled),
    [JSON_TO_PB_PRETTY] = { "json_to_pb, pretty", "sessionpb", json_to_pb_pretty, NULL, true,
                            true },
    [PB_TO_JSON] = OURS("pb_to_json", pb_to_json),
    [JSON_TO_SESSION] = OURS("json_to_session, free", json_to_session),
    [PB_TO_SESSION] = OURS("pb_to_session, free", pb_to_session),
    [TREE_TO_PB] = OURS("cJSON parse, tree_to_pb", tree_to_pb),
    [PB_TO_TREE] = OURS("pb_to_tree, delete", pb_to_tree),
    [NORMALISE] = OURS("normalise shuffled bytes", normalise),
    [CJSON_JSON_TO_PB] = PEER("JSON to bytes", "careful cJSON", cjson_json_to_pb),
    [CJSON_JSON_TO_PB_SHUFFLED] =
        PEER("JSON to bytes, shuffled", "careful cJSON", cjson_json_to_pb_shuffled),
    [CJSON_PB_TO_JSON] = PEER("bytes to JSON", "careful cJSON", cjson_pb_to_json),
    [CJSON_JSON_TO_SESSION] = PEER("JSON to struct, free", "careful cJSON", cjson_json_to_session),
    [PROTOBUFC_UNPACK] = PEER("unpack, free", "protobuf-c", protobufc_unpack),
    [PROTOBUFC_PACK] = PEER("pack", "protobuf-c", protobufc_pack),
#ifdef BENCH_NO_google
    [GOOGLE_JSON_TO_PB] = GOOGLE_ROW("JSON to bytes"),
    [GOOGLE_PB_TO_JSON] = GOOGLE_ROW("bytes to JSON"),
#else
    [GOOGLE_JSON_TO_PB] = PEER("JSON to bytes", "json_util", google_json_to_pb),
    [GOOGLE_PB_TO_JSON] = PEER("bytes to JSON", "json_util", google_pb_to_json),
#endif
#ifdef BENCH_NO_simdjson
    [SIMDJSON_VISIT] = { "visit", "simdjson", NULL, BENCH_NO_simdjson, false, false },
#else
    [SIMDJSON_VISIT] = PEER("visit", "simdjson", simdjson_visit),
#endif
#ifdef BENCH_NO_rapidjson
    [RAPIDJSON_VISIT] = { "SAX, UTF-8 checked", "RapidJSON", NULL, BENCH_NO_rapidjson, false,
                          false },
#else
    [RAPIDJSON_VISIT] = PEER("SAX, UTF-8 checked", "RapidJSON", rapidjson_visit),
#endif
    [MEMCPY] = PEER("of the text", "memcpy", copy),
};

const struct ratio bench_ratios[] = {
    { JSON_TO_PB, SIMDJSON_VISIT, 1.0, 1.2 },
    { JSON_TO_PB, CJSON_JSON_TO_PB, 12, 15 },
    { JSON_TO_PB, GOOGLE_JSON_TO_PB, 80, 120 },
    { PB_TO_JSON, SIMDJSON_VISIT, 1.2, 1.5 },
    { PB_TO_JSON, CJSON_PB_TO_JSON, 15, 20 },
    { PB_TO_JSON, GOOGLE_PB_TO_JSON, 0, 0 },
    { JSON_TO_PB_SHUFFLED, CJSON_JSON_TO_PB_SHUFFLED, 4, 6 },
    { JSON_TO_SESSION, CJSON_JSON_TO_SESSION, 3, 8 },
    { PB_TO_SESSION, PROTOBUFC_UNPACK, 1.5, 5 },
};
const size_t bench_ratio_count = sizeof bench_ratios / sizeof *bench_ratios;
