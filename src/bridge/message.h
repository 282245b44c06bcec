#ifndef SPB_BRIDGE_MESSAGE_H
#define SPB_BRIDGE_MESSAGE_H

/*
 * Writing a message: what the doors that make protobuf bytes share. Values are appended in the order
 * in which they come; what must be known about the message as a whole (repeats, order, required
 * members, additional ones) is kept in struct spb_message and settled when it closes.
 */
#include <stdbool.h>

#include "base/out.h"
#include "bridge/converter.h"
#include "wire/writer.h"

/*
 * Room behind the cursor that a caller makes for each member or element, besides that for its text:
 * a tag, a length or number, lengths of enclosing messages that grow, two vectors of a string that
 * are copied whole.
 */
enum { SPB_MEMBER_ROOM = 128 };

struct spb_pb_writer {
    spb_converter *converter;
    struct spb_out out;
};

struct spb_message {
    const struct spb_table *table;
    size_t start;               /* offset of its first field */
    const struct spb_row *next; /* the row behind the latest one; unordered: behind all */
    bool unordered;             /* fields do not stand in the order of their numbers */
    bool has_unknown_fields;    /* "$unknownFields" was among the members */
    spb_row_set seen;           /* rows whose members have come */
    spb_row_set absent;         /* those of them that were null */
    struct spb_additional_mark mark;
};

/* Why a message cannot be closed, or a member be taken. */
struct spb_fault {
    enum spb_status status;
    size_t source;    /* of the member as it was pushed; SIZE_MAX: the fault is the message's */
    const char *name; /* of that member, until the next is written; NULL likewise */
    size_t name_len;
    char reason[SPB_REASON_MAX];
};

static inline void spb_message_open(const struct spb_pb_writer *writer,
                                    const struct spb_table *table, struct spb_message *message)
{
    *message = (struct spb_message){ .table = table,
                                     .next = table->rows,
                                     .start = spb_out_offset(&writer->out),
                                     .mark = spb_additional_mark(&writer->converter->additional) };
}

/* Notes that a row's member has come. False when it came before: an error. */
static inline bool spb_message_see(struct spb_message *message, const struct spb_row *row)
{
    if (row < message->next) {
        if ((message->seen & spb_row_bit(row)) != 0)
            return false;
        message->unordered = true;
        message->next = message->table->rows + message->table->row_count;
    } else {
        message->next = row + 1;
    }
    message->seen |= spb_row_bit(row);
    return true;
}

/*
 * Writes the additional members, checks that nothing required is missing, and puts the fields in
 * order. `left`: room that the caller wants to find behind the message. False: *fault tells why.
 */
bool spb_message_close(struct spb_pb_writer *writer, struct spb_message *message, size_t left,
                       struct spb_fault *fault);

/* Whether there is nothing for spb_message_close() to do. */
static inline bool spb_message_is_plain(const spb_converter *converter,
                                        const struct spb_message *message)
{
    const spb_row_set present = message->seen & ~message->absent;

    return (message->table->required & ~present) == 0 && !message->unordered &&
           !spb_additional_any(&converter->additional, &message->mark);
}

/*
 * Takes the fields that a "$unknownFields" member carries: base64 text of len bytes. The caller has
 * made SPB_MEMBER_ROOM and len bytes of room.
 */
bool spb_message_unknown_fields(struct spb_pb_writer *writer, struct spb_message *message,
                                const char *text, size_t len, struct spb_fault *fault);

/*
 * A length whose value is known when its content is written. It is guessed to take as many bytes as
 * last time in its row: the content begins at spb_length_open(), and spb_length_close() moves it
 * where that was wrong. `place` is where the length stands, `end` the content's. Returns the new end.
 */
static inline uint8_t *spb_length_open(const spb_converter *converter, const struct spb_row *row,
                                       uint8_t *place)
{
    return place + converter->length_lens[row->id];
}

uint8_t *spb_length_move(spb_converter *converter, const struct spb_row *row, uint8_t *place,
                         const uint8_t *end);

static inline uint8_t *spb_length_close(spb_converter *converter, const struct spb_row *row,
                                        uint8_t *place, uint8_t *end)
{
    const unsigned guess = converter->length_lens[row->id];
    const size_t len = (size_t)(end - place) - guess;

    if (guess == 1 && len < 0x80) {
        *place = (uint8_t)len;
        return end;
    }
    if (guess == 2 && len >= 0x80 && len < 0x4000) {
        place[0] = (uint8_t)(len | 0x80);
        place[1] = (uint8_t)(len >> 7);
        return end;
    }
    return spb_length_move(converter, row, place, end);
}

/* ---- a map ---- */

struct spb_map {
    const struct spb_row *row;
    size_t start;      /* offset of its first entry */
    size_t first;      /* of its entries among the converter's */
    bool unordered;    /* keys do not ascend strictly */
    size_t key_offset; /* of the latest entry */
    size_t key_len;
};

void spb_map_open(const struct spb_pb_writer *writer, const struct spb_row *row,
                  struct spb_map *map);

/*
 * Notes the entry that was just written, whose field starts at `offset`.
 * `source`: see spb_fault. False when memory is short.
 */
bool spb_map_entry(struct spb_pb_writer *writer, struct spb_map *map, size_t offset, size_t source);

/* Puts the entries in order. False: *fault tells which key came twice, or that memory is short. */
bool spb_map_close(struct spb_pb_writer *writer, struct spb_map *map, struct spb_fault *fault);

#endif
