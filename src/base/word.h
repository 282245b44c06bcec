#ifndef SPB_BASE_WORD_H
#define SPB_BASE_WORD_H

/*
 * Words of 8 bytes, the first byte lowest on every machine. Compilers make one load or store of it.
 */
#include <stdint.h>

static inline uint64_t spb_word_load(const void *from)
{
    const uint8_t *const byte = from;

    return (uint64_t)byte[0] | (uint64_t)byte[1] << 8 | (uint64_t)byte[2] << 16 |
           (uint64_t)byte[3] << 24 | (uint64_t)byte[4] << 32 | (uint64_t)byte[5] << 40 |
           (uint64_t)byte[6] << 48 | (uint64_t)byte[7] << 56;
}

static inline void spb_word_store(void *to, uint64_t word)
{
    uint8_t *const byte = to;

    byte[0] = (uint8_t)word;
    byte[1] = (uint8_t)(word >> 8);
    byte[2] = (uint8_t)(word >> 16);
    byte[3] = (uint8_t)(word >> 24);
    byte[4] = (uint8_t)(word >> 32);
    byte[5] = (uint8_t)(word >> 40);
    byte[6] = (uint8_t)(word >> 48);
    byte[7] = (uint8_t)(word >> 56);
}

#endif
