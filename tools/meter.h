#ifndef SESSIONPB_TOOLS_METER_H
#define SESSIONPB_TOOLS_METER_H

/* What a run has done so far: shown on a terminal while it lasts, and told at its end. */

#include <stdbool.h>
#include <stdint.h>

struct meter {
    uint64_t records;  /* converted, or read where nothing is converted */
    uint64_t rejected; /* bad ones */
    uint64_t passed;   /* notices without a session, or records that were lost; see passed_name */
    const char *passed_name;
    uint64_t bytes_in;
    uint64_t bytes_in_all; /* of all inputs together; UINT64_MAX where that is not known */
    uint64_t bytes_out;    /* written, or what would have been */

    bool shown; /* on the terminal's last line */
    uint64_t began_ns;
    uint64_t drawn_ns; /* 0: not yet */
};

/* Begin to count. shown: draw a line on standard error while the run lasts. */
void meter_begin(struct meter *meter, bool shown);

/* So many bytes more were read. Draws the line when it is time. */
void meter_read(struct meter *meter, uint64_t len);

/* Print the numbers so far: one line, always of the same items, so that it is easy to take apart. */
void meter_tell(const struct meter *meter);

/* Erase the line, and print the numbers where they are asked for. */
void meter_end(struct meter *meter, bool stats);

#endif
