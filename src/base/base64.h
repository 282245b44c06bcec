#ifndef SPB_BASE_BASE64_H
#define SPB_BASE_BASE64_H

/* Base64 as of RFC 4648 section 4: the alphabet with + and /, always padded. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters of the text of len bytes. len is at most SIZE_MAX / 4 * 3. */
size_t spb_base64_encoded_len(size_t len);

/* Writes the text of data[0..len), without a NUL, and returns its length in bytes. */
size_t spb_base64_encode(const uint8_t *data, size_t len, char *out);

/*
 * Writes the bytes that text stands for. `out` has room for len / 4 * 3 bytes. False unless text is
 * exactly what spb_base64_encode() writes for some bytes: no missing padding, no white space, no
 * other alphabet, no bits that encode nothing. Then *len_out is untouched, and `out` holds nothing
 * of use.
 */
bool spb_base64_decode(const char *text, size_t len, uint8_t *out, size_t *len_out);

#endif
