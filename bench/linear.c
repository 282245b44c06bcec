#define _POSIX_C_SOURCE 199309L /* clock_gettime() */

/*
 * Measures whether time grows with the size and nothing more: nanoseconds for a byte of JSON, at
 * sizes from 1 KB to 50 MB, of sessions that are nothing but one kind of thing.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sessionpb/sessionpb.h>

#include "linear_shapes.h"

enum { SIZES = 4, SAMPLES = 5, DIRECTIONS = 2 };

static const double goal = 1.5;
static const double sample_ns = 20e6; /* at least, of one sample */
static const size_t sizes[SIZES] = { 1000, 10000, 1000000, 50000000 };
static const char *const directions[DIRECTIONS] = { "JSON to protobuf", "protobuf to JSON" };

struct session {
    struct spb_bytes json, pb, out;
};

static _Noreturn void fail(const char *what, const struct spb_error *error)
{
    fprintf(stderr, "sessionpb-bench-linear: %s: %s: %s\n", what, error != NULL ? error->path : "",
            error != NULL ? error->reason : "out of memory");
    exit(1);
}

static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static void convert(spb_converter *converter, struct session *session, unsigned direction)
{
    struct spb_error error;
    enum spb_status status;

    session->out.len = 0;
    if (direction == 0)
        status = spb_json_to_pb(converter, (const char *)session->json.data, session->json.len,
                                &session->out, &error);
    else
        status =
            spb_pb_to_json(converter, session->pb.data, session->pb.len, &session->out, &error);
    if (status != SPB_OK)
        fail(directions[direction], &error);
}

/* The fastest sample: what disturbs a run only ever makes it slower. */
static double ns_per_byte(spb_converter *converter, struct session *session, unsigned direction)
{
    double best = 0;

    convert(converter, session, direction); /* buffers grow */
    for (unsigned sample = 0; sample < SAMPLES; sample++) {
        const double begin = now_ns();
        double end;
        size_t runs = 0;
        do {
            convert(converter, session, direction);
            end = now_ns();
            runs++;
        } while (end - begin < sample_ns);
        const double ns = (end - begin) / (double)runs;
        best = sample == 0 || ns < best ? ns : best;
    }
    return best / (double)session->json.len;
}

static void pad(struct spb_bytes *bytes)
{
    if (spb_bytes_reserve(bytes, SPB_PADDING) != SPB_OK)
        fail("padding", NULL);
    memset(bytes->data + bytes->len, 0, SPB_PADDING);
}

/* Makes the session, and sees that it comes back as the canonical text of itself. */
static void make(spb_converter *converter, enum shape shape, size_t size, struct session *session)
{
    struct spb_bytes again = { 0 };
    struct spb_error error;

    session->json.len = session->pb.len = session->out.len = 0;
    if (!shape_make(shape, size, &session->json))
        fail(shape_names[shape], NULL);
    pad(&session->json);
    if (spb_json_to_pb(converter, (const char *)session->json.data, session->json.len, &session->pb,
                       &error) != SPB_OK)
        fail(shape_names[shape], &error);
    pad(&session->pb);
    if (spb_pb_to_json(converter, session->pb.data, session->pb.len, &session->out, &error) !=
        SPB_OK)
        fail(shape_names[shape], &error);
    pad(&session->out);
    if (spb_json_to_pb(converter, (const char *)session->out.data, session->out.len, &again,
                       &error) != SPB_OK)
        fail(shape_names[shape], &error);
    error.path[0] = '\0';
    snprintf(error.reason, sizeof error.reason, "the session does not come back");
    if (again.len != session->pb.len || memcmp(again.data, session->pb.data, again.len) != 0)
        fail(shape_names[shape], &error);
    spb_bytes_release(&again);
}

static void print_line(enum shape shape, unsigned direction, const double ns[SIZES])
{
    double least = ns[0], most = ns[0], growth = 0;

    printf("%-24s %-17s", shape_names[shape], directions[direction]);
    for (unsigned i = 0; i < SIZES; i++) {
        printf(" %8.3f", ns[i]);
        least = ns[i] < least ? ns[i] : least;
        most = ns[i] > most ? ns[i] : most;
        for (unsigned j = 0; j < i; j++)
            growth = ns[i] / ns[j] > growth ? ns[i] / ns[j] : growth;
    }
    printf(" %8.2f %8.2f  %s\n", most / least, growth, most / least <= goal ? "met" : "missed");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    /* Room for the largest text; nothing else is limited here. */
    const struct spb_options options = { .size = sizeof options,
                                         .padded = true,
                                         .limits = { .document_max = 1u << 30 } };
    spb_converter *const converter = spb_converter_new(&options);
    struct session session = { 0 };

    (void)argv;
    if (argc > 1) {
        fputs("usage: sessionpb-bench-linear\n", stderr);
        return 2;
    }
    if (converter == NULL)
        fail("the converter", NULL);
    printf("ns for a byte of JSON. ratio: largest between two sizes, goal %.1f;\n"
           "growth: largest of a larger size to a smaller one\n\n%-24s %-17s %8s %8s %8s %8s %8s "
           "%8s\n",
           goal, "", "", "1 KB", "10 KB", "1 MB", "50 MB", "ratio", "growth");
    for (unsigned shape = 0; shape < SHAPES; shape++) {
        double ns[DIRECTIONS][SIZES];
        for (unsigned i = 0; i < SIZES; i++) {
            make(converter, (enum shape)shape, sizes[i], &session);
            for (unsigned direction = 0; direction < DIRECTIONS; direction++)
                ns[direction][i] = ns_per_byte(converter, &session, direction);
        }
        for (unsigned direction = 0; direction < DIRECTIONS; direction++)
            print_line((enum shape)shape, direction, ns[direction]);
    }
    spb_bytes_release(&session.json);
    spb_bytes_release(&session.pb);
    spb_bytes_release(&session.out);
    spb_converter_free(converter);
    return 0;
}
