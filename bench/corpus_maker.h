#ifndef BENCH_CORPUS_MAKER_H
#define BENCH_CORPUS_MAKER_H

/* What the definitions of the corpus and their maker have in common. */
#include "corpus.h"

enum { TYPES = 3 };

/* What a template's control characters stand for. The rest of it is JSON text, escapes and all. */
#define DIGIT    "\x01"
#define HEX      "\x02"
#define UUID     "\x03"
#define WORD     "\x04"
#define SENTENCE "\x05"

struct maker;

typedef void make_value(struct maker *m, const void *of);

struct member {
    const char *name;
    uint16_t permille[TYPES]; /* how often it is there */
    make_value *value;
    const void *of;
};

struct definition {
    const struct member *members;
    unsigned count;
};

struct words {
    const char *const *words;
    unsigned count;
};

struct range {
    int32_t from, to;
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))
#define WORDS(name, ...)                                       \
    static const char *const name##_words[] = { __VA_ARGS__ }; \
    static const struct words name = { name##_words, LENGTH(name##_words) }
#define DEFINITION(name, ...)                                      \
    static const struct member name##_members[] = { __VA_ARGS__ }; \
    static const struct definition name = { name##_members, LENGTH(name##_members) }

#define ALWAYS         1000, 1000, 1000
#define EVER(permille) permille, permille, permille /* whatever the type of the session */

extern const struct definition corpus_session;

make_value make_string; /* of: struct words */
make_value make_boolean;
make_value make_whole;   /* of: struct range */
make_value make_degrees; /* of: struct range, of degrees */
make_value make_date;
make_value make_session_type;
make_value make_object;  /* of: struct definition */
make_value make_strings; /* one to five; of: struct words */
make_value make_objects; /* one to three; of: struct definition */
make_value make_map;     /* of: the struct definition of its values */

#endif
