#ifndef SPB_STREAM_ZSTD_FRAME_H
#define SPB_STREAM_ZSTD_FRAME_H

/*
 * Where a zstd frame begins and ends (RFC 8878 section 3.1), without decompressing it: headers of
 * frames and of blocks. Pure functions over bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sessionpb/status.h>

enum {
    SPB_ZSTD_HEADER_MIN = 5,      /* bytes that tell how long a frame's header is */
    SPB_ZSTD_FRAME_MIN = 9,       /* bytes of the shortest frame with blocks */
    SPB_ZSTD_BLOCK_HEADER = 3,    /* bytes */
    SPB_ZSTD_BLOCK_MAX = 1 << 17, /* bytes that one block decompresses to */
    SPB_ZSTD_CHECKSUM = 4         /* bytes behind the last block */
};

#define SPB_ZSTD_MAGIC 0xFD2FB528u

/* The magic number of a skippable frame; `nibble` is free for its user to choose. */
#define SPB_ZSTD_SKIPPABLE(nibble) (0x184D2A50u + (nibble))

#define SPB_ZSTD_LEN_UNKNOWN UINT64_MAX

struct spb_zstd_header {
    uint32_t magic;
    bool skippable;       /* its content is nobody's: neither compressed nor checked */
    bool checksum;        /* the content's checksum ends the frame */
    size_t len;           /* bytes of the header */
    uint64_t content_len; /* bytes, decompressed; SPB_ZSTD_LEN_UNKNOWN where it does not tell */
};

struct spb_zstd_block {
    bool last;
    size_t len; /* bytes behind the block's header */
};

/*
 * Reads the header that begins with data[0..len). *need_out: with SPB_NEED_MORE, how many bytes it
 * takes, as far as can be told by now.
 *
 * SPB_OK, SPB_NEED_MORE, or SPB_BAD_ARCHIVE (no frame begins here).
 */
enum spb_status spb_zstd_read_header(const uint8_t *data, size_t len,
                                     struct spb_zstd_header *header_out, size_t *need_out);

/* Reads the header of a block at SPB_ZSTD_BLOCK_HEADER bytes. False when none begins here. */
bool spb_zstd_read_block(const uint8_t *data, struct spb_zstd_block *block_out);

#endif
