/*
 * Packed segments: zstd in the seekable format, a standard zstd file with frames of a fixed
 * content size and a table of them in a skippable frame at the end. `zstdcat` reads it.
 * Source: zstd's contrib/seekable_format/zstd_seekable_compression_format.md. For job threads.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_PACK_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/loop.h"

#define JOURNAL_PACK_FRAME ((size_t)64 << 10) /* content bytes of a frame, the last one less */
#define JOURNAL_PACK_LEVEL 3
#define JOURNAL_PACK_FRAMES_MAX ((uint32_t)1 << 14) /* 1 GiB of content */

/*
 * Packs the file from into a new file to (0600), synced to the disk, with the modification time
 * of from. *len is the length of the content. On failure there is no file to.
 */
int journal_pack(const char *from, const char *to, uint64_t *len) MUST_CHECK;

/*
 * Reads content from offset at: at most room bytes and at most to the end of the frame there; 0
 * at the end. Bytes or -errno; -EBADMSG when the file is damaged. Every frame has a checksum.
 */
ssize_t journal_unpack(const char *path, uint64_t at, void *buf, size_t room) MUST_CHECK;

/* The length of the content, from the table. */
int journal_pack_length(const char *path, uint64_t *len) MUST_CHECK;

#endif
