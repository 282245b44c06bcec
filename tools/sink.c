/*
 * Messages on their way out. The archive's writer calls back with bytes, and what became of them
 * comes out here as the tool's own status.
 */
#include "sink.h"

enum {
    ARCHIVE_WAIT_MS = 1000
}; /* what has arrived is safe on disk this long after a pause began */

static enum spb_status write_archive(void *context, const void *data, size_t len)
{
    struct sink *sink = context;

    if (spb_bytes_append(&sink->output->bytes, data, len) != SPB_OK)
        sink->failure = cli_no_memory();
    else
        sink->failure = output_record(sink->output);
    return sink->failure == CLI_OK ? SPB_OK : SPB_IO;
}

/* What a call of the archive's writer came to. */
static enum cli_status judge(const struct sink *sink, enum spb_status status)
{
    if (status == SPB_OK)
        return CLI_OK;
    if (sink->failure != CLI_OK)
        return sink->failure;
    if (status == SPB_NO_MEMORY)
        return cli_no_memory();
    cli_error("cannot write '%s': %s", sink->output->name, spb_status_name(status));
    return CLI_FAILED;
}

enum cli_status sink_open(struct sink *sink, const struct cli_options *options,
                          struct output *output, struct publisher *publisher)
{
    const struct spb_archive_options archive = {
        .size = sizeof(archive),
        .level = (int)options->zstd.value,
        .frame_size = (size_t)options->frame_size.value,
    };

    sink->output = output;
    sink->framing = cli_framing(options);
    sink->publisher = publisher;
    if (!options->zstd.given)
        return CLI_OK;
    sink->archive = spb_archive_writer_new(&archive, write_archive, sink);
    return sink->archive != NULL ? CLI_OK : cli_no_memory();
}

enum cli_status sink_add(struct sink *sink, const void *message, size_t len)
{
    if (sink->publisher != NULL)
        return publisher_add(sink->publisher, message, len);
    if (sink->archive != NULL) {
        sink->pending = true;
        return judge(sink, spb_archive_write(sink->archive, message, len));
    }
    if (spb_frame_append(sink->framing, message, len, &sink->output->bytes) != SPB_OK)
        return cli_no_memory();
    return output_record(sink->output);
}

enum cli_status sink_flush(struct sink *sink)
{
    enum cli_status status = CLI_OK;

    if (sink->pending) {
        sink->pending = false;
        status = judge(sink, spb_archive_flush(sink->archive));
    }
    return status == CLI_OK ? output_flush(sink->output) : status;
}

enum cli_status sink_flush_before_wait(struct sink *sink, const struct input *input)
{
    int wait_ms = sink->pending ? ARCHIVE_WAIT_MS : 0;

    if ((sink->archive != NULL && !sink->pending) || !input_would_wait(input, wait_ms))
        return CLI_OK;
    return sink->publisher != NULL ? publisher_wait(sink->publisher, input->fd) : sink_flush(sink);
}

enum cli_status sink_finish(struct sink *sink)
{
    if (sink->publisher != NULL)
        return publisher_finish(sink->publisher);
    return sink->archive != NULL ? judge(sink, spb_archive_finish(sink->archive)) : CLI_OK;
}

void sink_release(struct sink *sink)
{
    spb_archive_writer_free(sink->archive);
}
