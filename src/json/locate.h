#ifndef SPB_JSON_LOCATE_H
#define SPB_JSON_LOCATE_H

#include <stddef.h>

#include <sessionpb/status.h>

/*
 * Works out line, column and path of error->offset in the text, by reading it again from the start.
 * The text is valid JSON up to the offset, and padded as for the reader. An offset at a member's
 * name, at its value or behind belongs to the member; one at a closing brace to the object, unless
 * the text is malformed there.
 */
void spb_json_locate(const char *text, size_t len, struct spb_error *error);

#endif
