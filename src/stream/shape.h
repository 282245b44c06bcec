#ifndef SPB_STREAM_SHAPE_H
#define SPB_STREAM_SHAPE_H

/*
 * What an object in a stream of JSON is, told by the names of its members, and the way to the session
 * inside of it. Knows only names; the text is checked elsewhere. Texts are padded as for the JSON
 * reader.
 */
#include <stdbool.h>
#include <stddef.h>

#include "schema/table.h"

enum spb_shape {
    SPB_SHAPE_UNDECIDED,    /* the text ends before a telling name */
    SPB_SHAPE_SESSION,      /* {"id":...,"type":...}, and whatever is nothing else */
    SPB_SHAPE_LISTING,      /* {"entities":[...],...} */
    SPB_SHAPE_NOTIFICATION, /* {"topicName":...,"eventBody":{...},...} */
    SPB_SHAPE_EVENT         /* {"detail-type":...,"detail":{"topicName":...,"eventBody":...},...} */
};

/*
 * The shape of the object at `at`, decided by the first name that tells. "id" and "selfUri" tell
 * nothing: EventBridge events have the one, listings the other.
 */
enum spb_shape spb_shape_of(const struct spb_table *session, const char *at, const char *end);

/* Passes any value without a look at its grammar. NULL where the text ends inside of it. */
const char *spb_shape_skip(const char *at, const char *end);

/*
 * Finds the session in the whole notification or event at `at`. *body_out: its brace; NULL where the
 * topic says that there is none, as that of a heartbeat. Returns NULL, or why it is no such envelope.
 */
const char *spb_shape_open(enum spb_shape shape, const char *at, const char *end,
                           const char **body_out);

#endif
