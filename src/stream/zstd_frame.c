/*
 * Headers of zstd's frames and blocks. libzstd reads them too, but tells what it found only through
 * functions that are not part of its stable interface.
 */
#include "stream/zstd_frame.h"

#include "stream/seek_table.h"

enum { MAGIC_LEN = 4, SKIPPABLE_HEADER_LEN = 8 };

/* Frame_Header_Descriptor */
enum {
    DICTIONARY_MASK = 3,
    CHECKSUM_BIT = 1 << 2,
    RESERVED_BIT = 1 << 3,
    SINGLE_SEGMENT_BIT = 1 << 5,
    CONTENT_LEN_SHIFT = 6
};

/* Block_Type */
enum { BLOCK_RLE = 1, BLOCK_RESERVED = 3 };

static bool is_skippable(uint32_t magic)
{
    return (magic & ~0xfu) == SPB_ZSTD_SKIPPABLE(0);
}

/* Whether data[0..len), shorter than a magic number, is the start of one. */
static bool begins_magic(const uint8_t *data, size_t len)
{
    uint8_t magic[MAGIC_LEN];
    size_t same = 0;
    size_t same_skippable = 0;

    spb_put_le32(magic, SPB_ZSTD_MAGIC);
    while (same < len && data[same] == magic[same])
        same++;
    spb_put_le32(magic, SPB_ZSTD_SKIPPABLE(0));
    while (same_skippable < len &&
           (same_skippable == 0 ? data[0] & 0xf0 : data[same_skippable]) == magic[same_skippable])
        same_skippable++;
    return same == len || same_skippable == len;
}

/* Bytes of the field Frame_Content_Size. */
static size_t content_field_len(uint8_t descriptor)
{
    const unsigned flag = descriptor >> CONTENT_LEN_SHIFT;

    if (flag == 0)
        return descriptor & SINGLE_SEGMENT_BIT ? 1 : 0;
    return (size_t)1 << flag;
}

static uint64_t read_content_len(const uint8_t *field, size_t field_len)
{
    uint64_t len = 0;

    if (field_len == 0)
        return SPB_ZSTD_LEN_UNKNOWN;
    for (size_t i = 0; i < field_len; i++)
        len |= (uint64_t)field[i] << 8 * i;
    return field_len == 2 ? len + 256 : len;
}

static void read_skippable(const uint8_t *data, struct spb_zstd_header *header_out)
{
    *header_out = (struct spb_zstd_header){ .magic = spb_get_le32(data),
                                            .skippable = true,
                                            .len = SKIPPABLE_HEADER_LEN,
                                            .content_len = spb_get_le32(data + MAGIC_LEN) };
}

enum spb_status spb_zstd_read_header(const uint8_t *data, size_t len,
                                     struct spb_zstd_header *header_out, size_t *need_out)
{
    static const size_t dictionary_lens[] = { 0, 1, 2, 4 };

    *need_out = SPB_ZSTD_HEADER_MIN;
    if (len < MAGIC_LEN)
        return begins_magic(data, len) ? SPB_NEED_MORE : SPB_BAD_ARCHIVE;
    const uint32_t magic = spb_get_le32(data);
    if (is_skippable(magic)) {
        *need_out = SKIPPABLE_HEADER_LEN;
        if (len < SKIPPABLE_HEADER_LEN)
            return SPB_NEED_MORE;
        read_skippable(data, header_out);
        return SPB_OK;
    }
    if (magic != SPB_ZSTD_MAGIC)
        return SPB_BAD_ARCHIVE;
    if (len < SPB_ZSTD_HEADER_MIN)
        return SPB_NEED_MORE;

    const uint8_t descriptor = data[MAGIC_LEN];
    const size_t field_len = content_field_len(descriptor);
    const size_t window_len = descriptor & SINGLE_SEGMENT_BIT ? 0 : 1;
    const size_t header_len = SPB_ZSTD_HEADER_MIN + window_len +
                              dictionary_lens[descriptor & DICTIONARY_MASK] + field_len;
    *need_out = header_len;
    if (descriptor & RESERVED_BIT)
        return SPB_BAD_ARCHIVE;
    if (len < header_len)
        return SPB_NEED_MORE;
    *header_out = (struct spb_zstd_header){
        .magic = magic,
        .checksum = (descriptor & CHECKSUM_BIT) != 0,
        .len = header_len,
        .content_len = read_content_len(data + header_len - field_len, field_len),
    };
    return SPB_OK;
}

bool spb_zstd_read_block(const uint8_t *data, struct spb_zstd_block *block_out)
{
    const uint32_t header = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16;
    const unsigned type = header >> 1 & 3;
    const uint32_t len = header >> 3;

    if (type == BLOCK_RESERVED || len > SPB_ZSTD_BLOCK_MAX)
        return false;
    *block_out = (struct spb_zstd_block){ .last = header & 1, .len = type == BLOCK_RLE ? 1 : len };
    return true;
}
