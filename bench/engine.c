#define _POSIX_C_SOURCE 199309L /* clock_gettime() */

/*
 * The engine alone on a file that is in memory: what the tools are measured against. Converts each
 * line of JSON, or each length-delimited message, and prints how many seconds all of them took.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sessionpb/sessionpb.h>

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "sessionpb-bench-engine: %s\n", what);
    exit(1);
}

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The whole file, with its padding. */
static void read_file(const char *name, struct spb_bytes *bytes)
{
    enum { PIECE = 1 << 20 };
    FILE *const file = fopen(name, "rb");

    if (file == NULL)
        fail("cannot open the file");
    for (size_t len = 1; len > 0; bytes->len += len) {
        if (spb_bytes_reserve(bytes, PIECE + SPB_PADDING) != SPB_OK)
            fail("out of memory");
        len = fread(bytes->data + bytes->len, 1, PIECE, file);
    }
    memset(bytes->data + bytes->len, 0, SPB_PADDING);
    fclose(file);
}

/* Lines become texts that end in the zero which the promise of padding asks for. */
static void convert_lines(spb_converter *converter, const struct spb_bytes *bytes,
                          struct spb_bytes *out)
{
    char *const end = (char *)bytes->data + bytes->len;

    for (char *at = (char *)bytes->data; at < end;) {
        char *const behind = memchr(at, '\n', (size_t)(end - at));
        if (behind == NULL)
            fail("the last line is not whole");
        *behind = '\0';
        out->len = 0;
        if (spb_json_to_pb(converter, at, (size_t)(behind - at), out, NULL) != SPB_OK)
            fail("a line cannot be converted");
        at = behind + 1;
    }
}

static void convert_messages(spb_converter *converter, const struct spb_bytes *bytes,
                             struct spb_bytes *out)
{
    const uint8_t *const end = bytes->data + bytes->len;

    for (const uint8_t *at = bytes->data; at < end;) {
        size_t len = 0;
        for (unsigned shift = 0;; shift += 7) {
            len |= (size_t)(*at & 0x7f) << shift;
            if (*at++ < 0x80)
                break;
        }
        out->len = 0;
        if (spb_pb_to_json(converter, at, len, out, NULL) != SPB_OK)
            fail("a message cannot be converted");
        at += len;
    }
}

int main(int argc, char **argv)
{
    const struct spb_options options = { .size = sizeof options, .padded = true };
    spb_converter *const converter = spb_converter_new(&options);
    struct spb_bytes bytes = { 0 }, out = { 0 };

    if (argc != 3 || (strcmp(argv[1], "lines") != 0 && strcmp(argv[1], "messages") != 0)) {
        fputs("usage: sessionpb-bench-engine lines|messages FILE\n", stderr);
        return 2;
    }
    if (converter == NULL)
        fail("out of memory");
    read_file(argv[2], &bytes);
    const double begin = now();
    if (strcmp(argv[1], "lines") == 0)
        convert_lines(converter, &bytes, &out);
    else
        convert_messages(converter, &bytes, &out);
    printf("%.6f\n", now() - begin);
    spb_bytes_release(&bytes);
    spb_bytes_release(&out);
    spb_converter_free(converter);
    return 0;
}
