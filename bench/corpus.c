/*
 * Definitions are tables of members, each with its own probability for each type of session. Values
 * come from lists of templates, in which some control characters stand for random parts.
 */
#include "corpus_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MAX = 64 };

struct maker {
    char *text;
    size_t len, capacity;
    char *scratch; /* of one object that is being shuffled */
    size_t scratch_capacity;
    uint64_t content, order; /* states of the generators: the order must not change the content */
    bool shuffled;
    bool strange;  /* the document has additional members */
    unsigned type; /* of the session: web, app, conversation */
};

/* ------------------------------------------------------------------ chance */

/* SplitMix64. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static unsigned below(uint64_t *state, size_t limit)
{
    return (unsigned)((next_random(state) >> 32) * limit >> 32);
}

static bool chance(struct maker *m, unsigned permille)
{
    return below(&m->content, 1000) < permille;
}

/* ------------------------------------------------------------------ text */

static void *grown(void *memory, size_t len)
{
    void *const larger = realloc(memory, len);

    if (larger == NULL) {
        fputs("bench: out of memory\n", stderr);
        exit(3);
    }
    return larger;
}

static void put(struct maker *m, const char *text, size_t len)
{
    if (m->capacity - m->len < len) {
        m->capacity = m->capacity * 2 + len;
        m->text = grown(m->text, m->capacity);
    }
    memcpy(m->text + m->len, text, len);
    m->len += len;
}

static void put_char(struct maker *m, char c)
{
    put(m, &c, 1);
}

static void put_text(struct maker *m, const char *text)
{
    put(m, text, strlen(text));
}

WORDS(vocabulary, "order", "bicycle", "helmet", "delivery", "Größe", "invoice", "return", "blue",
      "checkout", "café", "support", "account", "summer", "payment", "straße", "gift", "account",
      "warranty", "lamp", "返品", "question", "premium", "item", "stock", "voucher", "élan", "tour",
      "size", "winter", "shipping", "address", "🚲", "reset", "catalogue", "smörgås", "customer");

static void put_uuid(struct maker *m)
{
    uint64_t bits = next_random(&m->content);

    for (unsigned i = 0; i < 32; i++, bits >>= 4) {
        if (i == 16)
            bits = next_random(&m->content);
        if (i == 8 || i == 12 || i == 16 || i == 20)
            put_char(m, '-');
        put_char(m, i == 12 ? '4' : "0123456789abcdef"[bits & 15]);
    }
}

static void put_sentence(struct maker *m)
{
    static const char *const between[] = { " ", " ", " ", " ", ", ", " – ", "\\n", " \\\"" };

    for (unsigned left = 2 + below(&m->content, 9); left > 0; left--) {
        put_text(m, vocabulary.words[below(&m->content, vocabulary.count)]);
        if (left > 1)
            put_text(m, between[below(&m->content, LENGTH(between))]);
    }
}

static void put_template(struct maker *m, const char *template)
{
    for (; *template != '\0'; template ++) {
        if (*template == *DIGIT)
            put_char(m, (char)('0' + below(&m->content, 10)));
        else if (*template == *HEX)
            put_char(m, "0123456789abcdef"[below(&m->content, 16)]);
        else if (*template == *UUID)
            put_uuid(m);
        else if (*template == *WORD)
            put_text(m, vocabulary.words[below(&m->content, vocabulary.count)]);
        else if (*template == *SENTENCE)
            put_sentence(m);
        else
            put_char(m, *template);
    }
}

/* ------------------------------------------------------------------ values */

/* of: struct words. */
void make_string(struct maker *m, const void *of)
{
    const struct words *const words = of;

    put_char(m, '"');
    put_template(m, words->words[below(&m->content, words->count)]);
    put_char(m, '"');
}

void make_boolean(struct maker *m, const void *of)
{
    (void)of;
    put_text(m, chance(m, 500) ? "true" : "false");
}

/* of: struct range. */
void make_whole(struct maker *m, const void *of)
{
    const struct range *const range = of;
    char text[16];

    snprintf(text, sizeof text, "%d",
             range->from + (int)below(&m->content, (size_t)(range->to - range->from) + 1));
    put_text(m, text);
}

/* of: struct range, of degrees. Up to four digits behind the point, as the platform gives them. */
void make_degrees(struct maker *m, const void *of)
{
    const struct range *const range = of;
    const unsigned span = (unsigned)(range->to - range->from) * 10000;
    const int value = range->from * 10000 + (int)below(&m->content, span + 1);
    const unsigned size = value < 0 ? 0u - (unsigned)value : (unsigned)value;
    char text[16];
    int len =
        snprintf(text, sizeof text, "%s%u.%04u", value < 0 ? "-" : "", size / 10000, size % 10000);

    while (text[len - 1] == '0')
        len--;
    put(m, text, (size_t)len - (text[len - 1] == '.'));
}

/* A moment of 2025 or 2026. */
void make_date(struct maker *m, const void *of)
{
    static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    const unsigned month = below(&m->content, 12);
    const unsigned day = 1 + below(&m->content, days[month]);
    const unsigned time = below(&m->content, 86400000);
    char text[32];

    (void)of;
    snprintf(text, sizeof text, "\"%u-%02u-%02uT%02u:%02u:%02u.%03uZ\"",
             2025 + below(&m->content, 2), month + 1, day, time / 3600000, time / 60000 % 60,
             time / 1000 % 60, time % 1000);
    put_text(m, text);
}

/*
 * Ends the object whose members begin at starts[0..count), each with a comma, and of which nothing
 * else has been written so far.
 */
static void close_object(struct maker *m, size_t *starts, unsigned count)
{
    unsigned order[MEMBERS_MAX];

    if (count == 0) {
        put_text(m, "{}");
        return;
    }
    starts[count] = m->len;
    for (unsigned i = 0; i < count; i++) {
        const unsigned at = below(&m->order, i + 1);
        order[i] = at < i ? order[at] : i;
        order[at] = i;
    }
    if (m->shuffled) {
        const size_t len = m->len - starts[0];
        if (len > m->scratch_capacity) {
            m->scratch_capacity = len * 2;
            m->scratch = grown(m->scratch, m->scratch_capacity);
        }
        memcpy(m->scratch, m->text + starts[0], len);
        m->len = starts[0];
        for (unsigned i = 0; i < count; i++) {
            const size_t start = starts[order[i]] - starts[0];
            /* starts[] speaks of the copy, so that it stays as it is. */
            put(m, m->scratch + start, starts[order[i] + 1] - starts[0] - start);
        }
    }
    m->text[starts[0]] = '{';
    put_char(m, '}');
}

static void put_name(struct maker *m, const char *name)
{
    put_text(m, ",\"");
    put_text(m, name);
    put_text(m, "\":");
}

/* Ascending, and behind every name of the schema in no order at all. Whatever reads these values
   into a tree of doubles and prints it gives the same text again, so that every peer can keep them. */
static const char *const additional[][2] = {
    { "associatedCase", "{\"id\":\"" UUID "\",\"reference\":\"ÄRENDE-" DIGIT DIGIT DIGIT "\"}" },
    { "clientHints", "{\"brands\":[{\"brand\":\"Chromium\",\"version\":\"15" DIGIT
                     "\"},{\"brand\":\"Not)A;Brand\",\"version\":\"24\"}],\"mobile\":false}" },
    { "hinge", "[[0,0,1076,2076],[1076,0,1076,2076],117.5,null]" },
    { "priority", "1" DIGIT DIGIT },
    { "ünknown", "\"" SENTENCE "\"" },
};

/* of: struct definition. */
void make_object(struct maker *m, const void *of)
{
    const struct definition *const definition = of;
    size_t starts[MEMBERS_MAX + 1];
    unsigned count = 0;

    for (unsigned i = 0; i < definition->count; i++) {
        const struct member *const member = &definition->members[i];
        if (!chance(m, member->permille[m->type]))
            continue;
        starts[count++] = m->len;
        put_name(m, member->name);
        member->value(m, member->of);
    }
    for (unsigned i = 0; m->strange && i < LENGTH(additional); i++) {
        if (!chance(m, 250))
            continue;
        starts[count++] = m->len;
        put_name(m, additional[i][0]);
        put_template(m, additional[i][1]);
    }
    close_object(m, starts, count);
}

/* Up to five strings of a list; of: struct words. */
void make_strings(struct maker *m, const void *of)
{
    put_char(m, '[');
    for (unsigned left = 1 + below(&m->content, 5); left > 0; left--) {
        make_string(m, of);
        if (left > 1)
            put_char(m, ',');
    }
    put_char(m, ']');
}

/* Up to three objects; of: struct definition. */
void make_objects(struct maker *m, const void *of)
{
    put_char(m, '[');
    for (unsigned left = 1 + below(&m->content, 3); left > 0; left--) {
        make_object(m, of);
        if (left > 1)
            put_char(m, ',');
    }
    put_char(m, ']');
}

/* In ascending order of bytes. */
static const char *const keys[] = {
    "Kampagne",       "a\\\"quoted\\\"key", "basket_items", "basket_total", "campaign_variant",
    "customer-level", "gift_wrapping",      "item_number",  "loyalty.tier", "newsletter",
    "store_id",       "visited before",     "wünsche",      "ärzte",        "商品",
};

/* A map; of: the struct definition of its values. */
void make_map(struct maker *m, const void *of)
{
    const unsigned sure = below(&m->content, LENGTH(keys)); /* an empty map would be none */
    size_t starts[MEMBERS_MAX + 1];
    unsigned count = 0;

    for (unsigned i = 0; i < LENGTH(keys); i++) {
        if (i != sure && !chance(m, 280))
            continue;
        starts[count++] = m->len;
        put_name(m, keys[i]);
        make_object(m, of);
    }
    close_object(m, starts, count);
}

/* The type decides what else a session has. */
void make_session_type(struct maker *m, const void *of)
{
    static const char *const types[TYPES] = { "\"web\"", "\"app\"", "\"conversation\"" };

    (void)of;
    put_text(m, types[m->type]);
}

/* ------------------------------------------------------------------ the corpus */

/* Each document has generators of its own, so that it does not depend on those before it. */
static void document(struct maker *m, uint64_t seed, size_t index)
{
    m->content = seed * UINT64_C(0xd1342543de82ef95) + index;
    m->content = next_random(&m->content);
    m->order = ~m->content;
    m->strange = chance(m, 20);
    m->type = chance(m, 600) ? 0 : 1 + below(&m->content, 2);
    make_object(m, &corpus_session);
    put_char(m, '\n');
}

struct corpus corpus_make(uint64_t seed, size_t count, bool shuffled)
{
    struct maker m = { .shuffled = shuffled };
    struct corpus corpus = { .at = grown(NULL, (count + 1) * sizeof(size_t)), .count = count };

    for (size_t i = 0; i < count; i++) {
        corpus.at[i] = m.len;
        document(&m, seed, i);
    }
    corpus.at[count] = m.len;
    corpus.text = m.text;
    free(m.scratch);
    return corpus;
}

void corpus_release(struct corpus *corpus)
{
    free(corpus->text);
    free(corpus->at);
    *corpus = (struct corpus){ 0 };
}
