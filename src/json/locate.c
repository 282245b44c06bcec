/*
 * Positions, worked out when an error has happened and never before. A small tokenizer that forgives
 * everything walks to the offset and keeps one part of the path for each open container.
 */
#include "json/locate.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"
#include "json/reader.h"

enum { LEVELS_MAX = 128 }; /* deeper containers get no part of the path */

struct level {
    bool array;
    bool expects_name;
    size_t index;     /* of an array's element */
    const char *name; /* of an object's member, behind its opening quote; NULL before the first */
    const char *name_end;
};

struct walk {
    struct level levels[LEVELS_MAX];
    size_t depth;
    const char *end;
    const char *place; /* of the error */
};

static const char *string_end(const char *at, const char *end)
{
    while (at < end && *at != '"')
        at += *at == '\\' ? 2 : 1;
    return at < end ? at : end;
}

static void open_level(struct walk *walk, bool array)
{
    if (walk->depth < LEVELS_MAX)
        walk->levels[walk->depth] = (struct level){ .array = array, .expects_name = !array };
    walk->depth++;
}

static struct level *innermost(struct walk *walk)
{
    return walk->depth > 0 && walk->depth <= LEVELS_MAX ? &walk->levels[walk->depth - 1] : NULL;
}

/* Passes a string, which may be a member's name. */
static const char *step_string(struct walk *walk, struct level *level, const char *at)
{
    const char *const end = string_end(at + 1, walk->end);

    /* What stands behind the place of the error has not been checked, and may not have arrived. */
    if (level != NULL && level->expects_name) {
        level->name = at + 1;
        level->name_end = at < walk->place && end > walk->place ? walk->place : end;
        level->expects_name = false;
    }
    return end < walk->end ? end + 1 : end;
}

static void step_comma(struct level *level)
{
    level->index++;
    level->name = NULL;
    level->expects_name = !level->array;
}

/* Passes one token. */
static const char *step(struct walk *walk, const char *at)
{
    struct level *level = innermost(walk);

    if (*at == '"')
        return step_string(walk, level, at);
    if (*at == '{' || *at == '[')
        open_level(walk, *at == '[');
    else if ((*at == '}' || *at == ']') && walk->depth > 0)
        walk->depth--;
    else if (*at == ',' && level != NULL)
        step_comma(level);
    return at + 1;
}

/* Appends a name with its escapes resolved. */
static void append_name(struct spb_path *path, const char *name, const char *end,
                        struct spb_json_reader *reader)
{
    while (name != NULL && name < end) {
        uint8_t character[SPB_UTF8_MAX];
        uint8_t *to = character;
        const char *run = name;
        while (run < end && *run != '\\')
            run++;
        spb_path_append_name(path, name, (size_t)(run - name));
        name = run < end ? spb_json_unescape(reader, run, &to) : run;
        spb_path_append_name(path, (const char *)character, (size_t)(to - character));
    }
}

static void write_path(const struct walk *walk, struct spb_error *error)
{
    struct spb_json_reader reader = { .begin = walk->end, .end = walk->end };
    struct spb_path path = { error->path, 0 };
    char index[24];

    for (size_t i = 0; i < walk->depth && i < LEVELS_MAX; i++) {
        const struct level *level = &walk->levels[i];
        if (level->array) {
            const int len = snprintf(index, sizeof index, "/%zu", level->index);
            spb_path_append(&path, index, (size_t)len);
        } else if (level->name != NULL) {
            spb_path_append(&path, "/", 1);
            append_name(&path, level->name, level->name_end, &reader);
        }
    }
}

static void count_lines(const char *text, size_t offset, struct spb_error *error)
{
    error->line = 1;
    error->column = 1;
    for (size_t i = 0; i < offset; i++) {
        if (text[i] == '\n') {
            error->line++;
            error->column = 1;
        } else if ((text[i] & 0xC0) != 0x80) {
            error->column++;
        }
    }
}

void spb_json_locate(const char *text, size_t len, struct spb_error *error)
{
    const char *const place = text + error->offset;
    struct walk walk = { .end = text + len, .place = place };
    const char *at = text;

    while (at < place)
        at = step(&walk, at);
    const struct level *level = innermost(&walk);
    if (at == place && at < walk.end && *at == '"' && level != NULL && level->expects_name)
        step(&walk, at);
    /* Only an error of a whole object is placed at its closing bracket; the others are misplaced. */
    if (at == place && *at == '}' && error->status != SPB_BAD_JSON && level != NULL)
        walk.depth--;
    count_lines(text, error->offset, error);
    write_path(&walk, error);
}
