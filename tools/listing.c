/*
 * The table of an archive's frames: as it is read, so that an archive of any length can be listed.
 */
#include "listing.h"

#include <inttypes.h>
#include <stdio.h>

enum { NUMBER_SIZE = 24 };

#define ROW "%8s %15s %15s %15s %12s %7s\n"

static const char *format_number(uint64_t number, char text[NUMBER_SIZE])
{
    if (number == UINT64_MAX)
        snprintf(text, NUMBER_SIZE, "-");
    else
        snprintf(text, NUMBER_SIZE, "%" PRIu64, number);
    return text;
}

static enum cli_status print_row(struct output *out, const char *name,
                                 const struct spb_archive_frame *frame)
{
    char offset[NUMBER_SIZE], len[NUMBER_SIZE], content[NUMBER_SIZE], records[NUMBER_SIZE];
    char ratio[NUMBER_SIZE] = "-";

    if (frame->len > 0 && frame->content_len != UINT64_MAX)
        snprintf(ratio, sizeof(ratio), "%.2f", (double)frame->content_len / (double)frame->len);
    return output_format(out, ROW, name, format_number(frame->offset, offset),
                         format_number(frame->len, len), format_number(frame->content_len, content),
                         format_number(frame->records, records), ratio);
}

/* What is not known of one frame is not known of all. */
static uint64_t sum(uint64_t a, uint64_t b)
{
    return a == UINT64_MAX || b == UINT64_MAX ? UINT64_MAX : a + b;
}

static void add(struct spb_archive_frame *total, const struct spb_archive_frame *frame)
{
    total->len += frame->len;
    total->content_len = sum(total->content_len, frame->content_len);
    total->records = sum(total->records, frame->records);
}

static enum cli_status report(const struct source *source, const struct spb_error *error)
{
    if (error->status == SPB_NO_MEMORY)
        return cli_no_memory();
    if (source->failure != CLI_OK)
        return source->failure;
    cli_error("%s: byte %zu: %s", source->input->name, error->offset, error->reason);
    return CLI_REJECTED;
}

static enum cli_status print_frames(struct source *source)
{
    struct output *out = &source->job->output;
    struct spb_archive_frame total = { .offset = UINT64_MAX };
    enum cli_status status = CLI_OK;

    for (uint64_t index = 0; status == CLI_OK; index++) {
        struct spb_archive_frame frame;
        struct spb_error error;
        char name[NUMBER_SIZE];
        enum spb_status found = spb_archive_frame_at(source->archive, index, &frame, &error);

        if (found == SPB_END)
            return print_row(out, "total", &total);
        if (found != SPB_OK)
            return report(source, &error);
        add(&total, &frame);
        status = print_row(out, format_number(index + 1, name), &frame);
        if (status == CLI_OK)
            status = output_record(out);
    }
    return status;
}

enum cli_status listing_print(struct source *source)
{
    struct output *out = &source->job->output;
    char *const *files = source->job->options->files;
    enum cli_status status = CLI_OK;

    if (source->archive == NULL) {
        cli_error("%s: not an archive, so there are no frames to list", source->input->name);
        return CLI_REJECTED;
    }
    if (!source->input->regular) {
        cli_error("%s: '--list' needs a file", source->input->name);
        return CLI_FAILED;
    }
    if (files[0] != NULL && files[1] != NULL)
        status = output_format(out, "%.200s:\n", source->input->name);
    if (status == CLI_OK)
        status =
            output_format(out, ROW, "frame", "offset", "compressed", "content", "records", "ratio");
    return status == CLI_OK ? print_frames(source) : status;
}

enum cli_status listing_check(struct source *source)
{
    struct spb_error error;
    uint64_t records;
    enum spb_status checked = spb_archive_check(source->archive, &records, &error);

    return checked == SPB_OK ? CLI_OK : report(source, &error);
}
