/*
 * Counts and speed. The clock is looked at with every read, not with every record: reads are big,
 * or rare.
 */
#include "meter.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli.h"
#include "clock.h"
#include "statusline.h"

#define NS_PER_S 1000000000.0

enum {
    DRAW_EVERY_NS =
        200000000, /* five times a second; nothing is drawn for a run shorter than this */
    LINE_SIZE = 80,
    SIZE_TEXT_SIZE = 16,
    KILO = 1000,
    SECONDS_PER_MINUTE = 60,
    MINUTES_SHOWN_MAX = 5999, /* more would be a guess */
};

void meter_begin(struct meter *meter, bool shown)
{
    meter->shown = shown;
    meter->began_ns = clock_ns();
    meter->drawn_ns = meter->began_ns;
}

static double seconds_since_begin(const struct meter *meter, uint64_t ns)
{
    /* never 0: speeds are divided by it */
    return ns > meter->began_ns ? (double)(ns - meter->began_ns) / NS_PER_S : 1 / NS_PER_S;
}

/* 999 B, 1.2 kB, 34.5 MB */
static const char *format_size(double bytes, char text[SIZE_TEXT_SIZE])
{
    static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
    size_t unit = 0;

    while (bytes >= KILO && unit + 1 < sizeof(units) / sizeof(units[0])) {
        bytes /= KILO;
        unit++;
    }
    snprintf(text, SIZE_TEXT_SIZE, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return text;
}

/* How much is left, where that is known. */
static void format_left(const struct meter *meter, double bytes_per_s, char text[SIZE_TEXT_SIZE])
{
    unsigned long left_s;

    text[0] = '\0';
    if (meter->bytes_in_all == UINT64_MAX || meter->bytes_in >= meter->bytes_in_all ||
        bytes_per_s < 1)
        return;
    left_s = (unsigned long)((double)(meter->bytes_in_all - meter->bytes_in) / bytes_per_s);
    if (left_s / SECONDS_PER_MINUTE <= MINUTES_SHOWN_MAX)
        snprintf(text, SIZE_TEXT_SIZE, ", %02lu:%02lu left", left_s / SECONDS_PER_MINUTE,
                 left_s % SECONDS_PER_MINUTE);
}

static void draw(const struct meter *meter, double seconds)
{
    double bytes_per_s = (double)meter->bytes_in / seconds;
    char line[LINE_SIZE];
    char in[SIZE_TEXT_SIZE], all[SIZE_TEXT_SIZE], speed[SIZE_TEXT_SIZE], left[SIZE_TEXT_SIZE];
    bool all_known = meter->bytes_in_all != UINT64_MAX;

    format_left(meter, bytes_per_s, left);
    snprintf(line, sizeof(line), "%s%s%s, %" PRIu64 " records, %s/s%s",
             format_size((double)meter->bytes_in, in), all_known ? " of " : "",
             all_known ? format_size((double)meter->bytes_in_all, all) : "", meter->records,
             format_size(bytes_per_s, speed), left);
    statusline_show(line);
}

void meter_read(struct meter *meter, uint64_t len)
{
    uint64_t now;

    meter->bytes_in += len;
    if (!meter->shown)
        return;
    now = clock_ns();
    if (now - meter->drawn_ns < DRAW_EVERY_NS)
        return;
    meter->drawn_ns = now;
    draw(meter, seconds_since_begin(meter, now));
}

void meter_tell(const struct meter *meter)
{
    double seconds = seconds_since_begin(meter, clock_ns());
    double ratio = meter->bytes_out > 0 ? (double)meter->bytes_in / (double)meter->bytes_out : 0;

    cli_error("%" PRIu64 " records, %" PRIu64 " rejected, %" PRIu64 " %s, %" PRIu64
              " bytes in, %" PRIu64 " bytes out, ratio %.2f, %.3f s, %.1f MB/s, %.0f records/s",
              meter->records, meter->rejected, meter->passed, meter->passed_name, meter->bytes_in,
              meter->bytes_out, ratio, seconds, (double)meter->bytes_in / seconds / (KILO * KILO),
              (double)meter->records / seconds);
}

void meter_end(struct meter *meter, bool stats)
{
    statusline_erase();
    if (stats)
        meter_tell(meter);
}
