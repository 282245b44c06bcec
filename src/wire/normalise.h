#ifndef SPB_WIRE_NORMALISE_H
#define SPB_WIRE_NORMALISE_H

/*
 * Puts protobuf bytes into canonical order: fields by ascending number (known ones before unknown
 * ones of the same number), entries of a map by ascending key. What protobuf's parsers merge is
 * merged: the last of repeated singular values wins, split messages become one, the last entry of
 * a key wins.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/sort.h"
#include "schema/table.h"
#include "wire/reader.h"

/* Scratch memory, reused. Zero-initialise, and set memory_max. */
struct spb_normaliser {
    size_t memory_max; /* bytes of spans of a message; above it SPB_OVER_BUDGET; 0: no limit */
    struct spb_spans spans;
    struct spb_bytes merged[SPB_TABLES_DEEP]; /* payloads of split messages, for each depth */
    struct spb_bytes sorted;
};

/*
 * data, len   a message; it need not be valid, and has SPB_PADDING readable bytes behind it
 * out         receives the canonical message, appended, without padding
 * reader      gets the error; its depth_max is the limit
 *
 * Returns the reader's error status.
 */
enum spb_status spb_wire_normalise(struct spb_normaliser *normaliser,
                                   struct spb_wire_reader *reader, const struct spb_table *table,
                                   const uint8_t *data, size_t len, struct spb_bytes *out);

/*
 * Puts the fields of one valid message, each of which is canonical in itself and there once, into
 * order in place. SPB_PADDING bytes are readable behind them. SPB_OK or SPB_NO_MEMORY.
 */
enum spb_status spb_wire_sort_fields(struct spb_normaliser *normaliser,
                                     const struct spb_table *table, uint8_t *data, size_t len);

/*
 * Puts pieces into the order of their spans from index `first` on, one behind another at `data`,
 * where they stand without gaps in some order now. Offsets of spans count from `origin` bytes before
 * data. SPB_OK or SPB_NO_MEMORY.
 */
enum spb_status spb_wire_rearrange(struct spb_normaliser *normaliser, const struct spb_spans *spans,
                                   size_t first, uint8_t *data, size_t origin);

void spb_normaliser_release(struct spb_normaliser *normaliser);

#endif
