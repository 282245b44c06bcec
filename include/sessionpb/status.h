#ifndef SESSIONPB_STATUS_H
#define SESSIONPB_STATUS_H

#include <stddef.h>

/* Around what a header declares: C, and seen from outside of a shared library. */
#if defined(__GNUC__)
#define SPB_VISIBILITY_PUSH_ _Pragma("GCC visibility push(default)")
#define SPB_VISIBILITY_POP_  _Pragma("GCC visibility pop")
#else
#define SPB_VISIBILITY_PUSH_
#define SPB_VISIBILITY_POP_
#endif
#ifdef __cplusplus
#define SPB_BEGIN_DECLS             \
    SPB_VISIBILITY_PUSH_ extern "C" \
    {
#define SPB_END_DECLS \
    }                 \
    SPB_VISIBILITY_POP_
#else
#define SPB_BEGIN_DECLS SPB_VISIBILITY_PUSH_
#define SPB_END_DECLS   SPB_VISIBILITY_POP_
#endif

SPB_BEGIN_DECLS

/*
 * What became of a call, grouped by cause. The numbers are stable from release to release; new ones
 * are added at the end of a group's range.
 */
enum spb_status {
    SPB_OK = 0,

    /* Not broken yet, but not whole: the input ends inside a document, a message or a frame. */
    SPB_NEED_MORE = 1, /* `{"id":` */
    /* Nothing is left: the stream ended between two records. */
    SPB_END = 2,

    /* The caller's mistake. */
    SPB_MISUSE = 10, /* options of an unknown size, a NULL where none is allowed */

    /* Malformed JSON text (RFC 8259). */
    SPB_BAD_JSON = 20,    /* `{"id":tru}`, `{"id":"a",}` */
    SPB_BAD_UNICODE = 21, /* bytes that are not UTF-8, in text or in a protobuf string; "\ud800" */

    /* Malformed protobuf bytes. */
    SPB_BAD_WIRE = 30,    /* field number 0, a varint of eleven bytes, a group without its end */
    SPB_BAD_ARCHIVE = 31, /* a frame whose checksum is wrong, bytes that are not zstd's */

    /* Well-formed, but against the schema. */
    SPB_MISSING_MEMBER = 40,   /* a Session without "id" */
    SPB_DUPLICATE_MEMBER = 41, /* `{"id":"a","id":"b"}` */
    SPB_WRONG_TYPE = 42,       /* `"eventCount":"many"` */
    SPB_OUT_OF_RANGE = 43,     /* `"eventCount":4294967296`, `1.5` for an int32, a date in year 0 */
    SPB_UNKNOWN_MEMBER = 44,   /* a member outside the schema, under SPB_UNKNOWN_REJECT */
    SPB_NOT_REPRESENTABLE = 45, /* what this form cannot hold: a NUL in a C string, NaN in JSON */

    /* A limit of struct spb_limits. */
    SPB_TOO_LARGE = 50,   /* a document or message above document_max */
    SPB_TOO_DEEP = 51,    /* additional values nested deeper than depth_max */
    SPB_OVER_BUDGET = 52, /* above memory_max or items_max */

    /* The environment. */
    SPB_NO_MEMORY = 60,
    SPB_IO = 61,      /* a function that the caller gave, or a socket, could not read or write */
    SPB_TIMEOUT = 62, /* a deadline has passed */

    /* A bug in this library; please report it. */
    SPB_INTERNAL = 70
};

enum { SPB_PATH_MAX = 256, SPB_REASON_MAX = 192 };

/*
 * Where and why a call failed. The caller owns it; there is nothing to release. It is the last
 * parameter of every function that takes it, may be NULL, and is written on failure only.
 *
 * The path is of JSON text a JSON Pointer (RFC 6901), such as /lastPage/breadcrumb/2; of protobuf
 * bytes a field path, such as last_page.breadcrumb[2]; empty for the whole document. It ends in "..."
 * where it was too long, and a question mark stands for what is not fit to print. When protobuf bytes
 * had to be put into canonical order first, the offset counts in the reordered bytes.
 */
struct spb_error {
    enum spb_status status;  /* what the call returned */
    size_t offset;           /* bytes from the start of the input to the place */
    size_t line;             /* of JSON text, from 1; 0 for everything else, and without a place */
    size_t column;           /* of JSON text, in Unicode code points, from 1; 0 likewise */
    char path[SPB_PATH_MAX]; /* in the input; see above */
    char reason[SPB_REASON_MAX]; /* one sentence without a full stop, in English */
};

/* The enumerator's name, such as "SPB_BAD_JSON"; a constant. */
const char *spb_status_name(enum spb_status status);

SPB_END_DECLS
#endif
