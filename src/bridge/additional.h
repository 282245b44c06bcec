#ifndef SPB_BRIDGE_ADDITIONAL_H
#define SPB_BRIDGE_ADDITIONAL_H

/*
 * Additional members: those that the schema does not define. While a message is read they pile up on
 * a stack as ready JSON text, one `"name":value` each; when the message closes, those above its
 * mark are sorted, written out, and taken off the stack.
 */
#include <stdbool.h>
#include <string.h>

#include <sessionpb/status.h>

#include "base/out.h"
#include "base/sort.h"
#include "json/reader.h"

/*
 * The name under which fields travel through JSON that the schema does not define: base64 of their
 * bytes. Text in additional_properties may not use it.
 */
#define SPB_UNKNOWN_FIELDS "$unknownFields"

static inline bool spb_is_unknown_fields(const char *name, size_t len)
{
    return len == sizeof SPB_UNKNOWN_FIELDS - 1 && memcmp(name, SPB_UNKNOWN_FIELDS, len) == 0;
}

struct spb_additional {
    struct spb_bytes text; /* names as they sort, each with its member's text behind it */
    struct spb_out out;    /* writes to text; where it stands is the top of the stack */
    struct spb_spans members;
};

struct spb_additional_mark {
    size_t offset;
    size_t count;
};

static inline struct spb_additional_mark spb_additional_mark(const struct spb_additional *stack)
{
    return (struct spb_additional_mark){ spb_out_offset(&stack->out), stack->members.count };
}

static inline bool spb_additional_any(const struct spb_additional *stack,
                                      const struct spb_additional_mark *mark)
{
    return stack->members.count > mark->count;
}

/* Empties the stack, before a conversion. */
void spb_additional_begin(struct spb_additional *stack);

/* Takes off what lies above the mark. */
void spb_additional_drop(struct spb_additional *stack, const struct spb_additional_mark *mark);

/*
 * A member is put on the stack in four steps: note the mark, write its plain name (UTF-8, without
 * escapes) through stack->out, call spb_additional_name(), which writes the name as JSON and the
 * colon, write its value through stack->out, and call spb_additional_push(). `source` is the offset
 * of the name in the text it came from. False when memory is short.
 */
bool spb_additional_name(struct spb_additional *stack, const struct spb_additional_mark *mark);
bool spb_additional_push(struct spb_additional *stack, const struct spb_additional_mark *mark,
                         size_t name_len, size_t source);

/*
 * Forgets the text of the member that was pushed last. Its name stays, and will be found when it
 * comes twice; nothing is written of it.
 */
void spb_additional_hide(struct spb_additional *stack);

/* Puts a member SPB_UNKNOWN_FIELDS with these bytes on the stack. False when memory is short. */
bool spb_additional_push_unknown(struct spb_additional *stack, const uint8_t *data, size_t len);

/*
 * Sorts the members above the mark by their names' bytes. Returns the second of two that have the
 * same name, or NULL.
 */
const struct spb_span *spb_additional_sort(struct spb_additional *stack,
                                           const struct spb_additional_mark *mark);

/* Bytes of the members above the mark with the commas between them; hidden ones have none. */
size_t spb_additional_len(const struct spb_additional *stack,
                          const struct spb_additional_mark *mark);

/* Writes them so at `to`, which has the room. Returns the place behind. */
uint8_t *spb_additional_put(const struct spb_additional *stack,
                            const struct spb_additional_mark *mark, uint8_t *to);

/*
 * Puts the members of an object's text on the stack. The reader reads that text. False when it has
 * failed, or when memory is short (SPB_NO_MEMORY in the reader's error).
 */
bool spb_additional_read(struct spb_additional *stack, struct spb_json_reader *reader);

void spb_additional_release(struct spb_additional *stack);

#endif
