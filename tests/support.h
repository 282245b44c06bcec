#ifndef SPB_TESTS_SUPPORT_H
#define SPB_TESTS_SUPPORT_H

/*
 * What the tests of the two text conversions share. What is named expect_ fails the test.
 *
 * Every conversion reads from memory of exactly its input's size, so that a sanitizer sees a byte
 * read too many, and appends behind bytes that must stay. Converters are kept and used again.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <check.h>

#include <sessionpb/sessionpb.h>

enum { MEMBERS = 141, MEMBERS_OF_SESSION = 47 }; /* in the facts; those of Session are first */

/* ---- Text and bytes. What these give lives until the program ends. ---- */

struct blob {
    const char *data; /* a NUL that is not counted follows */
    size_t len;
};

#define LITERAL(text)   ((struct blob){ text, sizeof(text) - 1 })
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static inline struct blob text(const char *string)
{
    return (struct blob){ string, strlen(string) };
}

struct blob cut(struct blob whole, size_t len);
struct blob taken(struct spb_bytes *bytes); /* and releases them */
struct blob joined(struct blob first, struct blob second);
struct blob printed(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct blob repeated(const char *unit, size_t count);

/* For messages: printable, and not all of it where it is long. */
const char *shown(struct blob blob);

/* ---- Sessions as JSON text. ---- */

/* The smallest session, with `members` behind its last one: "" or text that starts with a comma. */
struct blob minimal(const char *members);

/* The same for any object: `members` before its closing brace. */
struct blob spliced(struct blob object, struct blob members);

/* The smallest session with a member at the definition's place for it; value NULL: without it. */
struct blob session_with(const char *name, const char *value);

/* One member of one definition, from facts/definitions.tsv. "-" where nothing is to be said. */
struct fact {
    char line[256]; /* cut into the columns */
    const char *definition;
    const char *name;
    const char *type;
    const char *of; /* what a ref, an array or a map leads to */
    bool required;
};

const struct fact *facts(void); /* MEMBERS of them */

static inline bool is(const char *word, const char *expected)
{
    return strcmp(word, expected) == 0;
}

/* How the session with all members of all definitions is written. */
struct style {
    bool backwards;         /* the members of each object in the reverse order */
    const char *definition; /* in each object of this one, */
    const char *member;     /* this member */
    const char *value;      /* has this value; NULL: its own where it is last, or is left out */
    bool last;              /* and stands behind all others */
};

/* *parent_out, if given: the JSON Pointer of the first object of style->definition. */
struct blob full_session(const struct style *style, struct blob *parent_out);

/* ---- Protobuf bytes. ---- */

/*
 * Assemble bytes from a text that looks like protoscope's:
 *
 *   27:5          field 27, the varint 5; negative numbers have ten bytes
 *   3:1.5         field 3, a double; inf, -inf and nan too
 *   3:{ 1:5 }     field 3, length-delimited
 *   48:!{ 1:5 }   field 48, a group
 *   'text'        the text's bytes
 *   `c3 28`       bytes in hexadecimal
 *   5             the varint 5
 */
struct blob wire(const char *source);

/* The message of minimal(""), as a source. Fields above 44 may follow it in canonical order. */
#define MINIMAL_WIRE                                                                 \
    "1:{'i'} 5:{'web'} 27:1 30:{1:{'e'} 2:{'n'} 3:{1:1704164647 2:890000000}} 40:0 " \
    "44:{1:1704164645 2:678000000} "

static inline struct blob minimal_wire(const char *fields)
{
    return wire(printed(MINIMAL_WIRE "%s", fields).data);
}

struct blob base64(struct blob bytes);

/* The member "$unknownFields" for bytes that wire() assembles, without a comma. */
const char *unknown_fields(const char *source);

/* ---- Conversions. Options NULL: the defaults. ---- */

extern const struct spb_options lenient;
extern const struct spb_options dropping;
extern const struct spb_options rejecting;

spb_converter *converter_for(const struct spb_options *options);

/* Must succeed. */
struct blob converted(bool to_pb, const struct spb_options *options, struct blob in);

static inline struct blob pb_of(const struct spb_options *options, struct blob json)
{
    return converted(true, options, json);
}

static inline struct blob json_of(const struct spb_options *options, struct blob pb)
{
    return converted(false, options, pb);
}

/* Must fail; all that holds for every error is checked. */
struct spb_error failed(bool to_pb, const struct spb_options *options, struct blob in);

static inline struct spb_error json_error(const struct spb_options *options, struct blob json)
{
    return failed(true, options, json);
}

/* json becomes pb, byte for byte. */
void expect_pb(const struct spb_options *options, struct blob json, struct blob pb);

/* pb becomes json, and json becomes bytes that become json. */
void expect_json(const struct spb_options *options, struct blob pb, struct blob json);

void expect_pb_equal(struct blob first_json, struct blob second_json);

/* There and back, json has become canonical, which itself stays what it is. */
void expect_canonical_with(const struct spb_options *options, struct blob json,
                           struct blob canonical);

static inline void expect_canonical(struct blob json, struct blob canonical)
{
    expect_canonical_with(NULL, json, canonical);
}

/* path NULL: any. reason_part: stands somewhere in the reason. */
void expect_failure(bool to_pb, const struct spb_options *options, struct blob in,
                    enum spb_status status, const char *path, const char *reason_part);

static inline void expect_status(struct blob json, enum spb_status status, const char *path,
                                 const char *reason_part)
{
    expect_failure(true, NULL, json, status, path, reason_part);
}

static inline void expect_wire_status(struct blob pb, enum spb_status status, const char *path,
                                      const char *reason_part)
{
    expect_failure(false, NULL, pb, status, path, reason_part);
}

/* ---- Running. ---- */

/* Runs tests, which are the names of START_TEST by address; what main() returns. */
int run(const char *suite, const TTest *const *const tests[], size_t count);

#endif
