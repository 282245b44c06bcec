/*
 * The stack of additional members. Names are kept twice, plain to sort by and escaped to print,
 * because escapes do not sort as what they stand for.
 */
#include "bridge/additional.h"

#include <string.h>

#include "base/base64.h"
#include "json/writer.h"

void spb_additional_begin(struct spb_additional *stack)
{
    stack->text.len = 0;
    stack->members.count = 0;
    spb_out_begin(&stack->out, &stack->text);
}

void spb_additional_drop(struct spb_additional *stack, const struct spb_additional_mark *mark)
{
    stack->members.count = mark->count;
    if (stack->out.at != NULL)
        spb_out_rewind(&stack->out, mark->offset);
}

bool spb_additional_name(struct spb_additional *stack, const struct spb_additional_mark *mark)
{
    struct spb_out *out = &stack->out;
    const size_t name_len = spb_out_offset(out) - mark->offset;
    struct spb_utf8_watch watch = { 0 };

    /* Room for the longest spelling at once, so that the name does not move while it is read. */
    if (!spb_out_room(out, spb_json_string_room(6 * name_len) + SPB_PADDING))
        return false;
    memset(out->at, 0, SPB_PADDING); /* behind the name: read, and not to be left to chance */
    if (!spb_json_write_string(out, stack->text.data + mark->offset, name_len, &watch))
        return false;
    *out->at++ = ':';
    return true;
}

bool spb_additional_push(struct spb_additional *stack, const struct spb_additional_mark *mark,
                         size_t name_len, size_t source)
{
    const size_t offset = mark->offset + name_len;
    const struct spb_span member = { .number = source,
                                     .key_offset = mark->offset,
                                     .key_len = name_len,
                                     .offset = offset,
                                     .len = spb_out_offset(&stack->out) - offset };

    return spb_spans_push(&stack->members, member) == SPB_OK;
}

void spb_additional_hide(struct spb_additional *stack)
{
    struct spb_span *const member = &stack->members.items[stack->members.count - 1];

    spb_out_rewind(&stack->out, member->offset);
    member->len = 0;
}

bool spb_additional_push_unknown(struct spb_additional *stack, const uint8_t *data, size_t len)
{
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    const size_t name_len = sizeof SPB_UNKNOWN_FIELDS - 1;
    struct spb_out *const out = &stack->out;

    if (!spb_out_room(out, name_len))
        return false;
    memcpy(out->at, SPB_UNKNOWN_FIELDS, name_len);
    out->at += name_len;
    if (!spb_additional_name(stack, &mark) || !spb_out_room(out, spb_base64_encoded_len(len) + 2))
        return false;
    *out->at++ = '"';
    out->at += spb_base64_encode(data, len, (char *)out->at);
    *out->at++ = '"';
    return spb_additional_push(stack, &mark, name_len, 0);
}

const struct spb_span *spb_additional_sort(struct spb_additional *stack,
                                           const struct spb_additional_mark *mark)
{
    const uint8_t *base = stack->text.data;
    const struct spb_span *items = stack->members.items;

    if (!spb_additional_any(stack, mark))
        return NULL;
    spb_spans_sort_by_key(&stack->members, mark->count, base);
    for (size_t i = mark->count + 1; i < stack->members.count; i++) {
        if (spb_key_compare(base + items[i - 1].key_offset, items[i - 1].key_len,
                            base + items[i].key_offset, items[i].key_len) == 0)
            return &items[i];
    }
    return NULL;
}

size_t spb_additional_len(const struct spb_additional *stack,
                          const struct spb_additional_mark *mark)
{
    size_t len = 0;

    for (size_t i = mark->count; i < stack->members.count; i++) {
        const size_t member_len = stack->members.items[i].len;
        len += member_len + (len > 0 && member_len > 0);
    }
    return len;
}

uint8_t *spb_additional_put(const struct spb_additional *stack,
                            const struct spb_additional_mark *mark, uint8_t *to)
{
    const uint8_t *const begin = to;

    for (size_t i = mark->count; i < stack->members.count; i++) {
        const struct spb_span *member = &stack->members.items[i];
        if (member->len == 0)
            continue;
        if (to > begin)
            *to++ = ',';
        memcpy(to, stack->text.data + member->offset, member->len);
        to += member->len;
    }
    return to;
}

/* One member, from its name's opening quote. */
static const char *read_member(struct spb_additional *stack, struct spb_json_reader *reader,
                               const char *at)
{
    const struct spb_additional_mark mark = spb_additional_mark(stack);
    const char *const name = at;
    const size_t room = (size_t)(reader->end - at) + SPB_PADDING;

    if (*at != '"')
        return spb_json_fail(reader, SPB_BAD_JSON, at, "expected a member's name in quotes");
    if (!spb_out_room(&stack->out, room))
        return spb_json_fail(reader, SPB_NO_MEMORY, at, "out of memory");
    at = spb_json_string(reader, at + 1, &stack->out.at);
    if (at != NULL)
        at = spb_json_expect(reader, spb_json_space(at), ":", "':' behind a member's name");
    if (at == NULL)
        return NULL;
    const size_t name_len = spb_out_offset(&stack->out) - mark.offset;
    if (!spb_additional_name(stack, &mark) || !spb_out_room(&stack->out, room))
        return spb_json_fail(reader, SPB_NO_MEMORY, at, "out of memory");
    at = spb_json_copy_value(reader, spb_json_space(at), &stack->out.at);
    if (at != NULL && !spb_additional_push(stack, &mark, name_len, (size_t)(name - reader->begin)))
        return spb_json_fail(reader, SPB_NO_MEMORY, at, "out of memory");
    return at;
}

bool spb_additional_read(struct spb_additional *stack, struct spb_json_reader *reader)
{
    const char *at = spb_json_expect(reader, spb_json_space(reader->begin), "{", "an object");

    if (at != NULL)
        at = spb_json_space(at);
    if (at != NULL && *at != '}') {
        at = read_member(stack, reader, at);
        while (at != NULL && *spb_json_space(at) == ',')
            at = read_member(stack, reader, spb_json_space(spb_json_space(at) + 1));
        if (at != NULL)
            at = spb_json_space(at);
    }
    if (at != NULL)
        at = spb_json_expect(reader, at, "}", "',' or '}'");
    if (at != NULL && spb_json_space(at) != reader->end)
        at = spb_json_fail(reader, SPB_BAD_JSON, at, "text behind the object");
    return at != NULL;
}

void spb_additional_release(struct spb_additional *stack)
{
    spb_bytes_release(&stack->text);
    spb_spans_release(&stack->members);
}
