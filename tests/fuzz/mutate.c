/*
 * Mutations that keep the form, for the targets that read text or messages: values and members of
 * JSON are copied, moved and left out whole, and so are fields of messages, with the lengths around
 * them put right. Half of the time libFuzzer's own mutations are better.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 512, DEEP = 4, HEADER = 2, VARINT_MAX = 10 };

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

static uint32_t random_state;

static size_t random_below(size_t count)
{
    random_state = random_state * 1664525u + 1013904223u;
    return count == 0 ? 0 : (size_t)((uint64_t)random_state * count >> 32);
}

/* A run of bytes that is whole in itself, and the runs around it, whose lengths count it. */
struct part {
    size_t begin, end;
    size_t lens[DEEP]; /* where the lengths of the messages around it stand */
    size_t deep;
};

struct parts {
    struct part items[PARTS_MAX];
    size_t count;
};

static struct part *add(struct parts *parts, size_t begin, size_t end)
{
    struct part *const part = &parts->items[parts->count];

    if (parts->count == PARTS_MAX)
        return NULL;
    parts->count++;
    *part = (struct part){ .begin = begin, .end = end };
    return part;
}

/* ---- what the parts of a text are ---- */

static size_t string_end(const uint8_t *data, size_t size, size_t at)
{
    for (at++; at < size && data[at] != '"'; at++)
        at += data[at] == '\\';
    return at < size ? at + 1 : size;
}

/* Each string, number, object and array, and each member with its name. */
static void find_values(const uint8_t *data, size_t size, struct parts *parts)
{
    size_t open[64];
    size_t depth = 0;
    size_t name = SIZE_MAX; /* where the member at hand begins */

    for (size_t at = HEADER; at < size;) {
        const size_t begin = at;
        const uint8_t c = data[at++];
        if (c == '"')
            at = string_end(data, size, begin);
        else if (c != '\0' && strchr("-0123456789tfn", c) != NULL)
            while (at < size && data[at] != '\0' && strchr(",]} \n\"{[", data[at]) == NULL)
                at++;
        else if ((c == '{' || c == '[') && depth < sizeof open / sizeof open[0])
            open[depth++] = begin;
        if (c == '"' && at < size && data[at] == ':') {
            name = begin;
            continue;
        }
        if ((c == '}' || c == ']') && depth > 0)
            add(parts, open[--depth], at);
        else if (at > begin + 1)
            add(parts, begin, at);
        else
            continue;
        if (name != SIZE_MAX && c != '}' && c != ']')
            add(parts, name, at);
        name = SIZE_MAX;
    }
}

/* ---- what the parts of a message are ---- */

static size_t get_varint(const uint8_t *data, size_t size, size_t at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; at < size && shift < 7 * VARINT_MAX; shift += 7) {
        const uint8_t byte = data[at++];
        *value |= shift < 64 ? (uint64_t)(byte & 0x7f) << shift : 0;
        if (byte < 0x80)
            return at;
    }
    return SIZE_MAX;
}

static size_t skip_value(const uint8_t *data, size_t end, size_t at, unsigned type, size_t *payload)
{
    uint64_t value = 0;

    *payload = SIZE_MAX;
    if (type == 1 || type == 5)
        return end - at >= (type == 1 ? 8u : 4u) ? at + (type == 1 ? 8 : 4) : SIZE_MAX;
    if (type == 3 || type == 4)
        return at;
    at = type == 0 || type == 2 ? get_varint(data, end, at, &value) : SIZE_MAX;
    if (type != 2 || at == SIZE_MAX)
        return at;
    *payload = at;
    return value <= end - at ? at + (size_t)value : SIZE_MAX;
}

/* Each field, and those of what may be a message in it. False where something else stands there. */
static bool find_fields(const uint8_t *data, struct part around, struct parts *parts)
{
    for (size_t at = around.begin; at < around.end;) {
        uint64_t tag = 0;
        size_t payload;
        const size_t value = get_varint(data, around.end, at, &tag);
        const size_t end = value == SIZE_MAX
                               ? SIZE_MAX
                               : skip_value(data, around.end, value, (unsigned)(tag % 8), &payload);
        struct part *const part = end == SIZE_MAX ? NULL : add(parts, at, end);
        if (part == NULL)
            return false;
        memcpy(part->lens, around.lens, sizeof part->lens);
        part->deep = around.deep;
        if (payload != SIZE_MAX && part->deep < DEEP) {
            struct part inner = *part;
            inner.begin = payload;
            inner.lens[inner.deep++] = value;
            (void)find_fields(data, inner, parts);
        }
        at = end;
    }
    return true;
}

/* The message begins behind the bytes that choose, of which there are none to HEADER. */
static void find_message(const uint8_t *data, size_t size, struct parts *parts)
{
    for (size_t begin = 0; begin <= HEADER; begin++) {
        parts->count = 0;
        if (find_fields(data, (struct part){ .begin = begin, .end = size }, parts))
            return;
    }
}

/* ---- changing them ---- */

/* Replaces data[begin..end) by text. Returns the new size, or 0 where there is no room. */
static size_t replace(uint8_t *data, size_t size, size_t max_size, size_t begin, size_t end,
                      const uint8_t *text, size_t len)
{
    if (size - (end - begin) + len > max_size)
        return 0;
    memmove(data + begin + len, data + end, size - end);
    if (len > 0)
        memcpy(data + begin, text, len);
    return size - (end - begin) + len;
}

/* Adds `change` to the lengths around a part, the innermost first: an outer one stands before it. */
static size_t mend_lengths(uint8_t *data, size_t size, size_t max_size, const struct part *part,
                           ptrdiff_t change)
{
    for (size_t i = part->deep; i-- > 0 && size != 0;) {
        uint8_t varint[VARINT_MAX];
        size_t len = 0;
        uint64_t value = 0;
        const size_t end = get_varint(data, size, part->lens[i], &value);
        if (end == SIZE_MAX)
            return 0;
        for (value += (uint64_t)change; value >= 0x80; value >>= 7)
            varint[len++] = (uint8_t)(value | 0x80);
        varint[len++] = (uint8_t)value;
        change += (ptrdiff_t)len - (ptrdiff_t)(end - part->lens[i]);
        size = replace(data, size, max_size, part->lens[i], end, varint, len);
    }
    return size;
}

/* Leaves a part out, puts a copy of another in its place or before it, or changes it inside. */
static size_t change_part(uint8_t *data, size_t size, size_t max_size, const struct parts *parts,
                          const char *separator)
{
    const struct part *const to = &parts->items[random_below(parts->count)];
    const struct part *const from = &parts->items[random_below(parts->count)];
    const size_t how = random_below(4);
    const size_t room = 2 * max_size + 1;
    uint8_t *const text = malloc(room);
    size_t len = 0;

    if (text == NULL)
        return 0;
    if (how == 1 || how == 2) {
        len = from->end - from->begin;
        memcpy(text, data + from->begin, len);
    } else if (how == 3) {
        len = to->end - to->begin;
        memcpy(text, data + to->begin, len);
        len = LLVMFuzzerMutate(text, len, max_size);
    }
    if (how == 2)
        for (const char *c = separator; *c != '\0'; c++)
            text[len++] = (uint8_t)*c;
    const size_t end = how == 2 ? to->begin : to->end;
    const ptrdiff_t change = (ptrdiff_t)len - (ptrdiff_t)(end - to->begin);
    size = replace(data, size, max_size, to->begin, end, text, len);
    free(text);
    return mend_lengths(data, size, max_size, to, change);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct parts parts;
    static uint8_t *copy;
    static size_t copy_size;
    bool is_text = false;

    random_state = seed;
    if (random_below(2) == 0 || size <= HEADER)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t i = 0; i < size && i < 20; i++)
        is_text = is_text || data[i] == '{';
    parts.count = 0;
    if (is_text)
        find_values(data, size, &parts);
    else
        find_message(data, size, &parts);
    if (parts.count == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    if (copy_size < size) {
        free(copy);
        copy = malloc(copy_size = size);
    }
    if (copy == NULL)
        return LLVMFuzzerMutate(data, size, max_size);
    memcpy(copy, data, size);
    const size_t changed = change_part(data, size, max_size, &parts, is_text ? "," : "");
    if (changed != 0)
        return changed;
    memcpy(data, copy, size); /* there was no room */
    return LLVMFuzzerMutate(data, size, max_size);
}
