#ifndef BENCH_PEER_H
#define BENCH_PEER_H

/*
 * Other libraries, each doing what one of our functions does. A call that returns bool is false for
 * a document that the peer does not take.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A buffer that a peer fills from its start and keeps for the next call. */
struct peer_bytes {
    uint8_t *data;
    size_t len;
    size_t capacity;
};

/* What a visitor has seen of a text: each value, as it is after parsing. */
struct peer_visit {
    size_t values;  /* containers included, names not */
    size_t strings; /* bytes of unescaped strings, names not */
    double numbers; /* their sum */
};

/* A visitor's text has this many zeros behind it. */
enum { PEER_PADDING = 64 };

/* ---- careful cJSON and protobuf-c; sessions are structs of protobuf-c ---- */

bool peer_cjson_start(void);
void peer_cjson_end(void);
void *peer_cjson_to_session(const char *json, size_t len);
bool peer_cjson_to_pb(const char *json, size_t len, struct peer_bytes *pb);
/* The caller frees it. */
char *peer_cjson_to_json(const uint8_t *pb, size_t len);
void peer_cjson_free_session(void *session);

/* Dates of the years 0001 to 9999. text: room for 32 bytes. */
bool peer_parse_date(const char *text, int64_t *seconds, int32_t *nanos);
void peer_print_date(int64_t seconds, int32_t nanos, char *text);

/* ---- protobuf-c alone ---- */

void *peer_protobufc_unpack(const uint8_t *pb, size_t len);
bool peer_protobufc_pack(const void *session, struct peer_bytes *pb);

/* ---- Google's C++ runtime: json_util on one message that is used again ---- */

bool peer_google_to_pb(const char *json, size_t len, struct peer_bytes *pb);
bool peer_google_to_json(const uint8_t *pb, size_t len, struct peer_bytes *json);
/*
 * Whether a message that json_util made is the one that ours are. Additional members are outside of
 * the comparison: json_util does not keep them.
 */
bool peer_google_same(const uint8_t *theirs, size_t their_len, const uint8_t *ours, size_t our_len);
/* Whether json_util reads its own text of ours as ours. */
bool peer_google_same_text(const char *text, size_t text_len, const uint8_t *ours, size_t our_len);
const char *peer_google_version(void);

/* ---- visitors ---- */

bool peer_simdjson_visit(const char *json, size_t len, struct peer_visit *visit);
const char *peer_simdjson_version(void); /* and which of its code runs */
bool peer_rapidjson_visit(const char *json, size_t len, struct peer_visit *visit);

#ifdef __cplusplus
}
#endif

#endif
