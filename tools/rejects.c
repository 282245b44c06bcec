/*
 * Bad records and their report. Names of files are bytes and a report is JSON, so what is not UTF-8
 * in them is shown as U+FFFD.
 */
#define _POSIX_C_SOURCE 200809L

#include "rejects.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sessionpb/frame.h>

static const char report_suffix[] = ".report";
static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */

enum {
    ASCII_MAX = 0x7f,
    FIRST_PRINTABLE = 0x20,
    CONTINUATION = 0x80, /* 10xxxxxx */
    CONTINUATION_MASK = 0xc0,
};

/* -- JSON ---------------------------------------------------------------------------------- */

/* What a sequence of bytes must begin with to be one code point: RFC 3629, section 4. */
static const struct {
    uint8_t first_min, first_max;
    uint8_t second_min, second_max;
    size_t len;
} sequences[] = {
    { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
    { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
    { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

/* Bytes of the code point at `at`, of more than one byte; 0 where there is none. A NUL ends it. */
static size_t sequence_len(const uint8_t *at)
{
    for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
        size_t len = 2;

        if (at[0] < sequences[i].first_min || at[0] > sequences[i].first_max)
            continue;
        if (at[1] < sequences[i].second_min || at[1] > sequences[i].second_max)
            return 0;
        while (len < sequences[i].len && (at[len] & CONTINUATION_MASK) == CONTINUATION)
            len++;
        return len == sequences[i].len ? len : 0;
    }
    return 0;
}

/* Appends what stands for the code point at `at` in a JSON string. Returns how many bytes of it. */
static size_t append_escaped(struct output *out, const uint8_t *at, enum cli_status *status)
{
    size_t len = 1;
    enum spb_status appended = SPB_OK;

    if (*at == '"' || *at == '\\')
        *status = output_format(out, "\\%c", *at);
    else if (*at < FIRST_PRINTABLE || *at == ASCII_MAX)
        *status = output_format(out, "\\u%04x", *at);
    else if (*at < ASCII_MAX)
        appended = spb_bytes_append(&out->bytes, at, 1);
    else if ((len = sequence_len(at)) != 0)
        appended = spb_bytes_append(&out->bytes, at, len);
    else
        appended = spb_bytes_append(&out->bytes, replacement, strlen(replacement));
    if (appended != SPB_OK)
        *status = cli_no_memory();
    return len != 0 ? len : 1;
}

static enum cli_status append_string(struct output *out, const char *name, const char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    enum cli_status status = output_format(out, "\"%s\":\"", name);

    while (status == CLI_OK && *at != '\0')
        at += append_escaped(out, at, &status);
    return status == CLI_OK ? output_format(out, "\",") : status;
}

static enum cli_status append_number(struct output *out, const char *name, uint64_t number,
                                     char behind)
{
    return output_format(out, "\"%s\":%" PRIu64 "%c", name, number, behind);
}

/* -- Files --------------------------------------------------------------------------------- */

static enum cli_status open_one(struct output *output, const char *path, bool overwrite)
{
    struct output_target target = { .path = path, .discard = path == NULL, .overwrite = overwrite };

    return output_open(output, &target);
}

static enum cli_status name_report(struct rejects *rejects, const char *path)
{
    size_t size = strlen(path) + sizeof(report_suffix);

    rejects->report_path = malloc(size);
    if (rejects->report_path == NULL)
        return cli_no_memory();
    snprintf(rejects->report_path, size, "%s%s", path, report_suffix);
    return CLI_OK;
}

enum cli_status rejects_open(struct rejects *rejects, const char *path, bool overwrite)
{
    enum cli_status status = open_one(&rejects->records, path, overwrite);
    enum cli_status opened;

    if (path != NULL && status == CLI_OK)
        status = name_report(rejects, path);
    opened = open_one(&rejects->report, rejects->report_path, overwrite);
    return status == CLI_OK ? opened : status;
}

void rejects_release(struct rejects *rejects)
{
    free(rejects->report_path);
}

static uint64_t position(const struct output *output)
{
    return output->written + output->bytes.len;
}

enum cli_status rejects_add(struct rejects *rejects, const void *data, size_t len)
{
    if (len == 0 || rejects->report_path == NULL)
        return CLI_OK;
    if (spb_bytes_append(&rejects->records.bytes, data, len) != SPB_OK)
        return cli_no_memory();
    rejects->last = ((const char *)data)[len - 1];
    return output_record(&rejects->records);
}

enum cli_status rejects_add_message(struct rejects *rejects, const void *data, size_t len)
{
    struct spb_bytes *bytes = &rejects->records.bytes;

    if (rejects->report_path != NULL &&
        spb_frame_append(SPB_FRAMING_DELIMITED, data, len, bytes) != SPB_OK)
        return cli_no_memory();
    return CLI_OK;
}

static enum cli_status append_place(struct output *out, const struct reject *reject)
{
    const struct spb_error *error = reject->error;
    enum cli_status status = append_number(out, "offset", reject->offset, ',');

    if (status == CLI_OK && error->line > 0)
        status = append_number(out, "line", error->line, ',');
    if (status == CLI_OK && error->line > 0)
        status = append_number(out, "column", error->column, ',');
    return status == CLI_OK ? append_string(out, "path", error->path) : status;
}

static enum cli_status append_report(struct rejects *rejects, const struct reject *reject,
                                     uint64_t len)
{
    struct output *out = &rejects->report;
    enum cli_status status = output_format(out, "{");

    if (status == CLI_OK)
        status = append_string(out, "input", reject->input);
    if (status == CLI_OK)
        status = append_number(out, "record", reject->number, ',');
    if (status == CLI_OK)
        status = append_place(out, reject);
    if (status == CLI_OK)
        status = append_string(out, "status", spb_status_name(reject->error->status));
    if (status == CLI_OK)
        status = append_string(out, "reason", reject->error->reason);
    if (status == CLI_OK)
        status = append_number(out, "rejectOffset", rejects->begin, ',');
    if (status == CLI_OK)
        status = append_number(out, "rejectLen", len, '}');
    return status == CLI_OK ? output_format(out, "\n") : status;
}

enum cli_status rejects_end(struct rejects *rejects, const struct reject *reject)
{
    uint64_t end = position(&rejects->records);
    enum cli_status status;

    if (rejects->report_path == NULL)
        return CLI_OK;
    status = append_report(rejects, reject, end - rejects->begin);
    rejects->begin = end;
    if (status == CLI_OK)
        status = output_record(&rejects->report);
    return status == CLI_OK ? output_record(&rejects->records) : status;
}

enum cli_status rejects_end_text(struct rejects *rejects, const struct reject *reject)
{
    enum cli_status status = rejects_end(rejects, reject);

    if (rejects->report_path == NULL || status != CLI_OK)
        return status;
    if (rejects->last != '\n')
        status = rejects_add(rejects, "\n", 1);
    rejects->begin = position(&rejects->records);
    return status;
}
