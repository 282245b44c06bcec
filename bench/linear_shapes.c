#include "linear_shapes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEEP = 60 };

const char *const shape_names[SHAPES] = {
    [SHAPE_MAP] = "attributes",
    [SHAPE_ARRAY] = "array of strings",
    [SHAPE_STRINGS] = "one long string",
    [SHAPE_ADDITIONAL] = "additional members",
    [SHAPE_DISORDER] = "every object backwards",
    [SHAPE_MAP_DOWN] = "attributes, descending",
    [SHAPE_DEEP] = "deep additional values",
    [SHAPE_ESCAPES] = "escapes only",
};

static void put(struct spb_bytes *json, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void put(struct spb_bytes *json, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    const int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)spb_bytes_append(json, text, (size_t)len);
}

static void put_repeated(struct spb_bytes *json, const char *text, size_t end)
{
    while (json->len < end && spb_bytes_append(json, text, strlen(text)) == SPB_OK) {
    }
}

/* ------------------------------------------------------------------ shapes */

static void put_map(struct spb_bytes *json, size_t end, bool descending)
{
    enum { ENTRY = 59, LAST = 99999999 }; /* bytes of an entry */
    const size_t count = end / ENTRY;

    put(json, ",\"attributes\":{");
    for (size_t i = 0; i < count; i++)
        put(json, "%s\"key-%08zu\":{\"dataType\":\"string\",\"value\":\"value %05zu\"}",
            i > 0 ? "," : "", descending ? LAST - i : i, i % 100000);
    put(json, "}");
}

static void put_array(struct spb_bytes *json, size_t end)
{
    put(json, ",\"searchTerms\":[\"first\"");
    while (json->len < end)
        put(json, ",\"term %08zu\"", json->len);
    put(json, "]");
}

static void put_string(struct spb_bytes *json, size_t end, const char *text)
{
    put(json, ",\"conversationSubject\":\"");
    put_repeated(json, text, end);
    put(json, "\"");
}

static void put_additional(struct spb_bytes *json, size_t end)
{
    enum { ENTRY = 105 };
    const size_t count = end / ENTRY;

    for (size_t i = 0; i < count; i++)
        put(json,
            ",\"x-%08zu\":{\"text\":\"a value of an additional member, %05zu\",\"list\":"
            "[1,2.5,true,null],\"more\":\"\"}",
            i, i % 100000);
}

/* One array of objects cannot be divided, so the members in disorder are theirs. */
static void put_disorder(struct spb_bytes *json, size_t end)
{
    put(json, "\"segmentAssignments\":[");
    for (size_t i = 0; json->len < end; i++)
        put(json,
            "%s{\"x2\":[%zu],\"x1\":true,\"assignedDate\":\"2026-01-14T09:29:07.040Z\",\"segment\":"
            "{\"selfUri\":\"/api/v2/journey/segments/%08zu\",\"id\":\"%08zu\"}}",
            i > 0 ? "," : "", i, i, i);
    put(json, "],");
}

static void put_deep(struct spb_bytes *json, size_t end)
{
    for (size_t i = 0; json->len < end || i == 0; i++) {
        put(json, ",\"x-%08zu\":", i);
        for (int depth = 0; depth < DEEP; depth++)
            put(json, depth % 2 == 0 ? "{\"d\":" : "[1,");
        put(json, "0");
        for (int depth = DEEP; depth > 0; depth--)
            put(json, depth % 2 == 0 ? "]" : "}");
    }
}

static void put_shape(struct spb_bytes *json, enum shape shape, size_t end)
{
    static const char plain[] =
        "The quick brown fox jumps over the lazy dog, again and again, 64. ";

    switch (shape) {
    case SHAPE_MAP:
    case SHAPE_MAP_DOWN:
        put_map(json, end, shape == SHAPE_MAP_DOWN);
        break;
    case SHAPE_ARRAY:
        put_array(json, end);
        break;
    case SHAPE_STRINGS:
        put_string(json, end, plain);
        break;
    case SHAPE_ESCAPES:
        put_string(json, end, "\\\"\\\\\\n\\t\\u001f\\b\\f\\r");
        break;
    case SHAPE_ADDITIONAL:
        put_additional(json, end);
        break;
    case SHAPE_DEEP:
        put_deep(json, end);
        break;
    case SHAPE_DISORDER:
    case SHAPES:
        break;
    }
}

/* A shape stands at one of three places, so that members are in the definition's order. */
static unsigned place_of(enum shape shape)
{
    if (shape == SHAPE_STRINGS || shape == SHAPE_ESCAPES)
        return 1;
    return shape == SHAPE_ADDITIONAL || shape == SHAPE_DEEP ? 2 : 0;
}

bool shape_make(enum shape shape, size_t size, struct spb_bytes *json)
{
    static const char *const between[] = {
        "{\"id\":\"a\",\"type\":\"web\"",
        ",\"eventCount\":1,\"lastEvent\":{\"id\":\"e\",\"eventName\":\"e\",\"createdDate\":"
        "\"2026-01-14T09:41:52.318Z\"}",
        ",\"authenticated\":true,\"createdDate\":\"2026-01-14T09:28:54.112Z\"",
    };
    const size_t end = size - 200; /* what the other members take */

    if (spb_bytes_reserve(json, size + size / 4 + 4096) != SPB_OK)
        return false;
    if (shape == SHAPE_DISORDER) {
        put(json, "{\"x9\":1,\"createdDate\":\"2026-01-14T09:28:54.112Z\",\"authenticated\":true,"
                  "\"lastEvent\":{\"createdDate\":\"2026-01-14T09:41:52.318Z\",\"eventName\":"
                  "\"e\",\"id\":\"e\"},\"eventCount\":1,");
        put_disorder(json, end);
        put(json, "\"type\":\"web\",\"id\":\"a\"}");
        return true;
    }
    for (unsigned place = 0; place < 3; place++) {
        put(json, "%s", between[place]);
        if (place == place_of(shape))
            put_shape(json, shape, end);
    }
    put(json, "}");
    return true;
}
