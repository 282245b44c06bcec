/*
 * The escapes of canonical JSON, which strings seldom need; the loop over plain characters is in
 * the header.
 */
#include "json/writer.h"

enum { ESCAPE_MAX = 6 }; /* bytes of \u00xx */

bool spb_json_write_escape(struct spb_out *out, uint8_t c, size_t left)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                    ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };

    if (!spb_out_room(out, ESCAPE_MAX + spb_json_string_room(left)))
        return false;
    *out->at++ = '\\';
    if (letters[c] != 0) {
        *out->at++ = (uint8_t)letters[c];
        return true;
    }
    *out->at++ = 'u';
    *out->at++ = '0';
    *out->at++ = '0';
    *out->at++ = (uint8_t)hex[c >> 4];
    *out->at++ = (uint8_t)hex[c & 15];
    return true;
}
