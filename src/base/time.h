#ifndef SPB_BASE_TIME_H
#define SPB_BASE_TIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An instant, counted from 1970-01-01T00:00:00Z as google.protobuf.Timestamp counts. */
struct spb_time {
    int64_t seconds;
    int32_t nanos; /* forward from seconds, before 1970 too */
};

/* Bytes of yyyy-MM-ddTHH:mm:ss.mmmZ, the form in which the platform prints date-times. */
enum { SPB_TIME_FORM_LEN = 24 };

enum { SPB_TIME_TEXT_MAX = 32 }; /* room for 2025-01-31T09:05:00.123456789Z */

/*
 * Reads an RFC 3339 date-time: any offset, 0 to 9 fraction digits, T and Z in either case; in UTC a
 * year from 0001 to 9999, and no leap second. Returns NULL; or else why not, as a constant sentence
 * for the user (lower-case start, no full stop), with *time_out untouched.
 */
const char *spb_time_from_text(const char *text, size_t len, struct spb_time *time_out);

/* Reads the form alone: false for every other text of SPB_TIME_FORM_LEN bytes, valid or not. */
bool spb_time_from_form(const char *text, struct spb_time *time_out);

/* Years 0001 to 9999 and nanos 0 to 999999999: what has a text. */
bool spb_time_is_valid(struct spb_time time);

/*
 * Writes a valid time in UTC as yyyy-MM-ddTHH:mm:ss.mmmZ, with six or nine fraction digits where
 * three do not hold it, and returns the length in bytes. There is no NUL behind it.
 */
size_t spb_time_to_text(struct spb_time time, char out[SPB_TIME_TEXT_MAX]);

#endif
