#ifndef SPB_BASE_BYTES_H
#define SPB_BASE_BYTES_H

#include <stdbool.h>

#include <sessionpb/bytes.h>

/* Puts padding behind the content. False when memory is short. */
bool spb_bytes_pad(struct spb_bytes *bytes);

/*
 * Makes a copy of data[0..len) with its padding the only content of `bytes`. SPB_OK or
 * SPB_NO_MEMORY.
 */
enum spb_status spb_bytes_copy_padded(struct spb_bytes *bytes, const void *data, size_t len);

#endif
