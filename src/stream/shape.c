/*
 * Shapes of objects. Names are looked at as they are spelled: nobody escapes these.
 */
#include "stream/shape.h"

#include <string.h>

#include "json/reader.h"

/* What the platform sends on a channel besides events. */
static const char *const notices[] = { "\"channel.metadata\"", "\"v2.system.socket_closing\"" };

/* A name that tells a shape, and the character that its value must begin with; 0: any. */
static const struct {
    const char *name;
    char value;
    enum spb_shape shape;
} telling[] = {
    { "entities", '[', SPB_SHAPE_LISTING },     { "topicName", 0, SPB_SHAPE_NOTIFICATION },
    { "eventBody", 0, SPB_SHAPE_NOTIFICATION }, { "detail-type", 0, SPB_SHAPE_EVENT },
    { "detail", '{', SPB_SHAPE_EVENT },
};

/* Behind the closing quote of the string whose opening quote is at `at`. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end;) {
        const uint32_t stop = spb_scan(at).stop;
        at += stop == 0 ? SPB_VECTOR : spb_first(stop);
        if (stop == 0 || at >= end)
            continue;
        if (*at == '"')
            return at + 1;
        at += *at == '\\' ? 2 : 1;
    }
    return NULL;
}

static const char *skip_container(const char *at, const char *end)
{
    size_t depth = 0;

    while (at < end) {
        if (*at == '"') {
            at = skip_string(at, end);
            if (at == NULL)
                return NULL;
            continue;
        }
        depth += *at == '{' || *at == '[';
        if ((*at == '}' || *at == ']') && --depth == 0)
            return at + 1;
        at++;
    }
    return NULL;
}

const char *spb_shape_skip(const char *at, const char *end)
{
    if (*at == '"')
        return skip_string(at, end);
    if (*at == '{' || *at == '[')
        return skip_container(at, end);
    while (at < end && *at != ',' && *at != '}' && *at != ']' && (unsigned char)*at > ' ')
        at++;
    return at < end ? at : NULL;
}

/* A member's name, without its quotes, and where its value is. */
struct member {
    const char *name;
    size_t len;
    const char *value;
};

enum found { MEMBER, CUT_SHORT, MALFORMED };

/* `at` is at the name. */
static enum found read_member(const char *at, const char *end, struct member *member)
{
    if (*at != '"')
        return at < end ? MALFORMED : CUT_SHORT;
    member->name = at + 1;
    at = skip_string(at, end);
    if (at == NULL)
        return CUT_SHORT;
    member->len = (size_t)(at - 1 - member->name);
    at = spb_json_space(at);
    if (at < end && *at != ':')
        return MALFORMED;
    member->value = spb_json_space(at + 1);
    return at < end && member->value < end ? MEMBER : CUT_SHORT;
}

static bool has_name(const struct member *member, const char *name)
{
    return member->len == strlen(name) && memcmp(member->name, name, member->len) == 0;
}

/* The shape that one member tells, or SPB_SHAPE_UNDECIDED. */
static enum spb_shape told_by(const struct spb_table *session, const struct member *member)
{
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++) {
        if (has_name(member, telling[i].name) &&
            (telling[i].value == 0 || telling[i].value == *member->value))
            return telling[i].shape;
    }
    if (has_name(member, "id") || has_name(member, "selfUri") ||
        spb_table_find_name(session, member->name, member->len) == NULL)
        return SPB_SHAPE_UNDECIDED;
    return SPB_SHAPE_SESSION;
}

enum spb_shape spb_shape_of(const struct spb_table *session, const char *at, const char *end)
{
    struct member member;

    at = spb_json_space(at + 1);
    for (;;) {
        const enum found found = read_member(at, end, &member);
        if (found != MEMBER)
            return found == CUT_SHORT ? SPB_SHAPE_UNDECIDED : SPB_SHAPE_SESSION;
        const enum spb_shape shape = told_by(session, &member);
        if (shape != SPB_SHAPE_UNDECIDED)
            return shape;
        at = spb_shape_skip(member.value, end);
        if (at == NULL)
            return SPB_SHAPE_UNDECIDED;
        at = spb_json_space(at);
        if (at < end && *at != ',')
            return SPB_SHAPE_SESSION;
        at = spb_json_space(at + (at < end));
    }
}

/*
 * The value of the member of this name in the whole object at `at`; NULL where it is not there, or more
 * than once.
 */
static const char *find_member(const char *at, const char *end, const char *name)
{
    const char *found = NULL;
    size_t count = 0;
    struct member member;

    at = spb_json_space(at + 1);
    while (at != NULL && at < end && read_member(at, end, &member) == MEMBER) {
        if (has_name(&member, name)) {
            found = member.value;
            count++;
        }
        at = spb_shape_skip(member.value, end);
        if (at != NULL)
            at = spb_json_space(at);
        if (at != NULL && *at == ',')
            at = spb_json_space(at + 1);
    }
    return count == 1 ? found : NULL;
}

/* Whether the topic of a notification says that it carries no session. */
static bool is_notice(const char *topic_name)
{
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++) {
        if (strncmp(topic_name, notices[i], strlen(notices[i])) == 0)
            return true;
    }
    return false;
}

/* See stream/shape.h. */
const char *spb_shape_open(enum spb_shape shape, const char *at, const char *end,
                           const char **body_out)
{
    *body_out = NULL;
    if (shape == SPB_SHAPE_EVENT) {
        at = find_member(at, end, "detail");
        if (at == NULL || *at != '{')
            return "the event has not one object \"detail\"";
    }
    const char *const topic = find_member(at, end, "topicName");
    if (topic != NULL && is_notice(topic))
        return NULL;
    const char *const body = find_member(at, end, "eventBody");
    if (body == NULL || *body != '{')
        return "the notification has not one object \"eventBody\"";
    *body_out = body;
    return NULL;
}
