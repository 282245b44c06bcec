/*
 * Field paths, worked out when an error has happened and never before.
 */
#include "wire/locate.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "wire/reader.h"

enum { DEPTH_MAX = 1000 }; /* of groups; converters stop before that */

struct place {
    struct spb_wire_field field;
    size_t before; /* fields of the same number before it in its message */
    bool whole;    /* false: it cannot be read to its end */
};

/* Finds the field that holds `target`. False where none does. */
static bool find(struct spb_wire_reader *reader, const uint8_t *begin, const uint8_t *end,
                 const uint8_t *target, struct place *place)
{
    struct spb_wire_field other = { 0 };
    const uint8_t *behind;
    const uint8_t *at;

    for (at = begin; at < end; at = behind) {
        place->field = (struct spb_wire_field){ 0 };
        behind = spb_wire_field(reader, at, end, &place->field);
        place->whole = behind != NULL;
        if (behind == NULL || target < behind)
            break;
    }
    place->before = 0;
    for (const uint8_t *p = begin; p < at; place->before += other.number == place->field.number)
        p = spb_wire_field(reader, p, end, &other);
    return at < end && place->field.number != 0;
}

static void append_number(struct spb_path *path, const char *open, size_t number, const char *close)
{
    char text[32];
    const int len = snprintf(text, sizeof text, "%s%zu%s", open, number, close);

    spb_path_append(path, text, (size_t)len);
}

/* ["key"] of a map's entry; what is not printable ASCII becomes a question mark. */
static void append_key(struct spb_path *path, struct spb_wire_reader *reader,
                       const struct spb_wire_field *entry)
{
    const uint8_t *at = entry->value;
    const uint8_t *const end = at + entry->len;
    struct spb_wire_field field;

    spb_path_append(path, "[\"", 2);
    while (at != NULL && at < end) {
        at = spb_wire_field(reader, at, end, &field);
        if (at == NULL || field.number != SPB_ENTRY_KEY || field.type != SPB_WIRE_LEN)
            continue;
        for (size_t i = 0; i < field.len; i++) {
            const char c = (char)field.value[i];
            spb_path_append(path, c >= ' ' && c <= '~' ? &c : "?", 1);
        }
        break;
    }
    spb_path_append(path, "\"]", 2);
}

/* Appends one field's part. Returns its row, or NULL where the schema has none. */
static const struct spb_row *append_field(struct spb_path *path, struct spb_wire_reader *reader,
                                          const struct spb_table *table, const struct place *place)
{
    const struct spb_wire_field *field = &place->field;
    const struct spb_row *row = spb_table_find_field(table, field->number, field->type);

    if (path->len > 0)
        spb_path_append(path, ".", 1);
    if (row == NULL && field->number == SPB_ADDITIONAL_NUMBER)
        spb_path_append(path, "additional_properties", sizeof "additional_properties" - 1);
    else if (row == NULL)
        append_number(path, "", field->number, "");
    else
        spb_path_append(path, row->field_name, strlen(row->field_name));
    if (row != NULL && row->kind == SPB_KIND_MAP && place->whole)
        append_key(path, reader, field);
    else if (row != NULL && row->repeated)
        append_number(path, "[", place->before, "]");
    return row;
}

void spb_wire_locate(const struct spb_table *table, const uint8_t *data, size_t len,
                     struct spb_error *error)
{
    struct spb_wire_reader reader = { .begin = data, .depth_max = DEPTH_MAX };
    struct spb_path path = { error->path, 0 };
    const uint8_t *const target = data + error->offset;
    const uint8_t *at = data;
    const uint8_t *end = data + len;
    const struct spb_row *row = NULL;
    struct place place = { 0 };

    path.text[0] = '\0';
    while (table != NULL && find(&reader, at, end, target, &place)) {
        /* The value of a map's entry is what attributes["key"] names already. */
        const bool named =
            row != NULL && row->kind == SPB_KIND_MAP && place.field.number == SPB_ENTRY_VALUE;
        row = named ? spb_table_find_field(table, place.field.number, place.field.type)
                    : append_field(&path, &reader, table, &place);
        if (row == NULL || !place.whole || target < place.field.value)
            break;
        table = row->table;
        at = place.field.value;
        end = place.field.value + place.field.len;
    }
}
