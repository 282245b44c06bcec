#ifndef SPB_TESTS_DOOR_SUPPORT_H
#define SPB_TESTS_DOOR_SUPPORT_H

/* What the tests of the doors and of the streams share. A failure here fails the test at hand. */
#include <stddef.h>

#include <check.h>
#include <sessionpb/session.h>
#include <sessionpb/sessionpb.h>

/* ---- documents ---- */

enum { EXAMPLES_MAX = 16 };

/* The documents of examples/sessions, one of which is a file of lines. */
struct examples {
    struct spb_bytes texts[EXAMPLES_MAX]; /* NUL-terminated behind len */
    size_t count;
};

void read_examples(struct examples *examples);
void release_examples(struct examples *examples);

/* A session that satisfies the schema and has `members` (`,"name":value` ...) behind its own. */
const char *small_session(const char *members);

/*
 * Canonical text of a session with every member of every definition, two elements in every array
 * and two keys in every map, made from the descriptors. All its strings and numbers differ.
 */
struct full_session {
    const char *extra; /* members behind the defined ones of every object, without comma; or NULL */
    size_t spoiled;    /* the string, from 0, that has `spoil` in its middle; or SIZE_MAX */
    const char *spoil; /* as it stands in JSON */

    /* What it gives. */
    struct spb_bytes json;           /* NUL-terminated behind len; appended */
    size_t strings;                  /* values of members and elements, no names, keys or dates */
    char spoiled_path[SPB_PATH_MAX]; /* field path of the string that was spoiled */
};

void write_full_session(struct full_session *full);

/* ---- text, bytes ---- */

void put(struct spb_bytes *bytes, const char *text);
void put_format(struct spb_bytes *bytes, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Sets the content to len bytes. */
void set_bytes(struct spb_bytes *bytes, const void *data, size_t len);

/* ---- conversions that succeed; the output is replaced ---- */

spb_converter *new_converter(const struct spb_options *options);
spb_converter *new_lenient_converter(void);

void json_to_pb(spb_converter *converter, const char *json, struct spb_bytes *pb);
void pb_to_json(spb_converter *converter, const struct spb_bytes *pb, struct spb_bytes *json);
Journey__V1__Session *json_to_session(spb_converter *converter, const char *json);
Journey__V1__Session *pb_to_session(spb_converter *converter, const struct spb_bytes *pb);

/* ---- assertions ---- */

/* `about` is named when the assertion fails, such as the input. */
void assert_status(enum spb_status got, enum spb_status expected, const char *about);
void assert_bytes_eq(const struct spb_bytes *got, const struct spb_bytes *expected,
                     const char *about);
void assert_text_eq(const struct spb_bytes *got, const char *expected);

/* ---- structs of protobuf-c, member by member ---- */

/* Fails at the first difference, unknown fields included. */
void assert_same_struct(const ProtobufCMessage *a, const ProtobufCMessage *b);

/* What a struct holds. */
struct struct_sum {
    size_t messages; /* this one included */
    size_t strings;  /* additional_properties included */
    size_t unknown;  /* fields */
    size_t absent;   /* members that are not there, or empty */
    size_t bytes;    /* of structs, strings, arrays, unknown fields */
};

struct struct_sum sum_struct(const ProtobufCMessage *message);

/* Calls visit for every string of a struct, with its field path. */
typedef void visit_string(char **string, const char *path, void *context);
void each_string(ProtobufCMessage *message, visit_string *visit, void *context);

/* ---- the program ---- */

/* Bytes of the heap in use. */
size_t allocated_bytes(void);

/* Runs and frees a suite. Returns the exit status. */
int run_suite(Suite *suite);

#endif
