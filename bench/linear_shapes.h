#ifndef BENCH_LINEAR_SHAPES_H
#define BENCH_LINEAR_SHAPES_H

/* Sessions of any size that are nothing but one kind of thing. */
#include <stdbool.h>
#include <stddef.h>

#include <sessionpb/bytes.h>

enum shape {
    SHAPE_MAP,        /* a map with ascending keys */
    SHAPE_ARRAY,      /* short strings */
    SHAPE_STRINGS,    /* one string */
    SHAPE_ADDITIONAL, /* additional members, ascending: 100,000 of them in 10 MB */
    SHAPE_DISORDER,   /* every object backwards */
    SHAPE_MAP_DOWN,   /* a map with descending keys */
    SHAPE_DEEP,       /* values of additional members, nested as deep as the default allows */
    SHAPE_ESCAPES,    /* one string of escapes and nothing else */
    SHAPES
};

extern const char *const shape_names[SHAPES];

/* Appends a session of this many bytes, more or less. False: memory is short. */
bool shape_make(enum shape shape, size_t size, struct spb_bytes *json);

#endif
