#ifndef SPB_TESTS_MEMORY_H
#define SPB_TESTS_MEMORY_H

/*
 * A table of everything in the library that may allocate, to be done while allocations fail.
 *
 * An entry is opened, stepped until SPB_END, and closed. A step makes one call and notes what came out;
 * one that ends with SPB_NO_MEMORY is to be done again, and has noted nothing.
 */
#include <sys/types.h>

#include <sessionpb/session.h>
#include <sessionpb/sessionpb.h>
#include <sessionpb/tree.h>

struct scene {
    const struct entry *entry;
    struct spb_bytes out;   /* of the call at hand */
    struct spb_bytes noted; /* what came out so far; has room, so that noting allocates nothing */
    struct spb_error error; /* of the call at hand */
    size_t at;              /* in the input */
    int step;               /* for those who take different ones */

    spb_converter *converter;
    spb_documents *documents;
    struct spb_frames frames;
    spb_archive_writer *writer;
    spb_archive_reader *reader;
    spb_listener *listener;
    Journey__V1__Session *session;
    struct cJSON *tree;
    int fds[2];
};

enum { OUT_BEFORE = 6 }; /* bytes in `out` when it is opened, which stay */

enum after {
    GOES_ON, /* after a failure the same call may be repeated */
    ENDS,    /* every further call fails likewise */
};

struct entry {
    const char *name;
    void (*open)(struct scene *scene);
    enum spb_status (*step)(struct scene *scene);
    void (*close)(struct scene *scene);
    struct spb_bytes *input;
    size_t piece; /* of the input at a time; 0: all of it */
    enum after after;
    bool says_nothing;  /* there is no struct spb_error */
    bool no_allocation; /* there is nothing to fail */
    bool system_fails;  /* SPB_IO is right as well: the system needs memory, too */
};

extern const struct entry conversions[], streams[], archives[], sockets[];
extern const size_t conversion_count, stream_count, archive_count, socket_count;

/* Conversions of small inputs, to be done again for each byte of room in each of their buffers. */
extern const struct entry growths[];
extern const size_t growth_count;

/* The inputs, a fixture. */
void make_inputs(void);
void release_inputs(void);
extern struct spb_bytes canonical_json, shuffled_json, canonical_pb, shuffled_pb, documents_json,
    receipt_pb;

void note(struct scene *scene, const void *data, size_t len);

/* Notes what is in `out` behind what was there before, and takes it out. */
void note_out(struct scene *scene);

/* SPB_OK as SPB_END: the entry is done with one call. */
enum spb_status once(enum spb_status status);

/* The next piece of the input, at scene->at. */
struct spb_bytes next_piece(const struct scene *scene);

#endif
