#ifndef SPB_BASE_UTF8_H
#define SPB_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPB_UTF8_MAX = 4 }; /* bytes of the longest sequence */

/*
 * Bytes at the start of text that are well-formed UTF-8 (RFC 3629: no surrogates, no overlong
 * forms, at most U+10FFFF): len when all are, else the offset of the sequence that is not, or that
 * is cut off by the end.
 */
size_t spb_utf8_valid_len(const uint8_t *text, size_t len);

/*
 * Bytes of the character that text (of at least one byte) starts with, or of what stands there
 * instead of one. *printable_out: it is one, and not a control character, by which a text from
 * elsewhere could steer the terminal that it is printed on.
 */
size_t spb_utf8_character(const uint8_t *text, size_t len, bool *printable_out);

/*
 * Writes the sequence of a scalar value (at most U+10FFFF, no surrogate) and returns its 1 to 4
 * bytes.
 */
size_t spb_utf8_encode(uint32_t scalar, uint8_t out[SPB_UTF8_MAX]);

#endif
