#ifndef SESSIONPB_BYTES_H
#define SESSIONPB_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include <sessionpb/status.h>

SPB_BEGIN_DECLS

/*
 * A growable buffer that the caller owns and reuses. Zero-initialise it, set `len` to 0 to use its
 * memory again, and release it with spb_bytes_release().
 */
struct spb_bytes {
    uint8_t *data;   /* NULL while nothing is allocated */
    size_t len;      /* bytes in use */
    size_t capacity; /* bytes allocated */
};

/*
 * Readable bytes that text and messages have behind their end while they are being converted, so
 * that inner loops load whole vectors without asking how much is left. The first of them is 0,
 * which ends every token of JSON.
 */
enum { SPB_PADDING = 64 };

/* Makes room for `extra` bytes behind the ones in use. SPB_OK or SPB_NO_MEMORY (then unchanged). */
enum spb_status spb_bytes_reserve(struct spb_bytes *bytes, size_t extra);

/* Appends a copy of data[0..len). SPB_OK or SPB_NO_MEMORY (then unchanged). */
enum spb_status spb_bytes_append(struct spb_bytes *bytes, const void *data, size_t len);

/* Frees the memory and zeroes the struct. */
void spb_bytes_release(struct spb_bytes *bytes);

SPB_END_DECLS
#endif
