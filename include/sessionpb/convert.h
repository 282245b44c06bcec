#ifndef SESSIONPB_CONVERT_H
#define SESSIONPB_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

#include <sessionpb/bytes.h>
#include <sessionpb/status.h>

SPB_BEGIN_DECLS

/* What becomes of a member or a wire field that the schema does not define. */
enum spb_unknown {
    SPB_UNKNOWN_KEEP,   /* it survives, in both directions */
    SPB_UNKNOWN_DROP,   /* it is left out */
    SPB_UNKNOWN_REJECT, /* it is an error, SPB_UNKNOWN_MEMBER */
};

/* Limits of one session, the same in every direction. 0 stands for the default. */
struct spb_limits {
    /* Bytes of one document or message that is read; what is written of it may be longer. Default
       64 MiB: far above any session (a few kilobytes), and what other runtimes' stream readers take
       at most. */
    size_t document_max;
    /* Nesting of the values of additional members, and of groups in unknown fields. Default 64: the
       schema nests 3 deep, other runtimes stop at 100, and the stack must hold it. At most 1,000. */
    size_t depth_max;
    /* Bytes that a struct or a tree may take, and what it takes to put the fields of a message that
       are out of order into order: 160 for each. Default 256 MiB: document_max times 4, what a
       session made of short strings takes as a struct. */
    size_t memory_max;
    /* Strings, messages and array elements that a struct or a tree may hold. Default 1,000,000:
       `"",` costs 3 bytes of text and some 100 bytes as a node of a tree. */
    size_t items_max;
};

/* Set `size` to sizeof(struct spb_options) and leave at zero what shall keep its default. */
struct spb_options {
    size_t size;              /* of this struct */
    enum spb_unknown unknown; /* what becomes of members and fields that the schema lacks */
    /* Accept a session that lacks a required member, and keep a value of the wrong type verbatim as
       an additional member of the message it stands in, whatever `unknown` says: its name is
       defined. */
    bool lenient;
    /* Promise that all texts and bytes that are given to conversions have SPB_PADDING readable bytes
       behind their end, a text's first of them 0: then they are not copied before they are read. */
    bool padded;
    struct spb_limits limits; /* zeros for the defaults */
};

/*
 * Schema tables, options and scratch memory for any number of conversions, one after another: it
 * allocates nothing once it has seen the largest session. One per thread.
 */
typedef struct spb_converter spb_converter;

/* options: NULL for the defaults. Returns NULL when memory is short or when options->size is not a
   size this library knows. */
spb_converter *spb_converter_new(const struct spb_options *options);
void spb_converter_free(spb_converter *converter); /* NULL is allowed */

/*
 * Convert one Session from JSON text to protobuf bytes.
 *
 * json, len   one document in UTF-8, white space around it allowed
 * pb          receives the message, appended; untouched on failure
 *
 * The same session gives the same bytes, whatever the order, spacing and spelling of its text.
 *
 * Fails with SPB_NEED_MORE (the text ends too early), SPB_BAD_JSON, SPB_BAD_UNICODE, any status of
 * the schema group, SPB_TOO_LARGE, SPB_TOO_DEEP, SPB_NO_MEMORY.
 */
enum spb_status spb_json_to_pb(spb_converter *converter, const char *json, size_t len,
                               struct spb_bytes *pb, struct spb_error *error);

/*
 * Convert one Session from protobuf bytes to canonical JSON text.
 *
 * pb, len   one message, in any field order that protobuf allows
 * json      receives the text, appended; a NUL that is not counted follows; untouched on failure
 *
 * Fails with SPB_NEED_MORE (the bytes end inside a field), SPB_BAD_WIRE, SPB_BAD_UNICODE, any
 * status of the schema group, SPB_TOO_LARGE, SPB_TOO_DEEP, SPB_NO_MEMORY.
 */
enum spb_status spb_pb_to_json(spb_converter *converter, const void *pb, size_t len,
                               struct spb_bytes *json, struct spb_error *error);

/*
 * Find the id of a Session in protobuf bytes, without a look at anything else but their form.
 *
 * *id_out, of *len_out bytes, is borrowed from pb, not NUL-terminated and not checked to be UTF-8;
 * NULL where there is none. Of several it is the last one, as every reader of protobuf has it.
 *
 * Fails with SPB_NEED_MORE, SPB_BAD_WIRE, SPB_TOO_DEEP.
 */
enum spb_status spb_pb_id(spb_converter *converter, const void *pb, size_t len, const char **id_out,
                          size_t *len_out, struct spb_error *error);

/* Append JSON text, valid and without insignificant white space as spb_pb_to_json() prints it, with
   one member or element to a line, indented by two spaces for each level, and without a line end.
   SPB_OK or SPB_NO_MEMORY (then `pretty` is unchanged). */
enum spb_status spb_json_pretty(const char *json, size_t len, struct spb_bytes *pretty);

SPB_END_DECLS
#endif
