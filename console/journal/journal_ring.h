/*
 * The last bytes of one console, addressed by absolute 64-bit offset.
 *
 * A fixed piece of memory mapped twice in a row, so that any run of kept bytes is contiguous. Pages
 * never written cost nothing. Knows nothing of files, marks or readers.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_RING_H
#define CONSOLE_JOURNAL_JOURNAL_RING_H

#include <stddef.h>
#include <stdint.h>

struct journal_ring {
	uint8_t *mem;   /* size bytes, and the same bytes again; offset x lies at x % size */
	size_t size;    /* whole pages */
	uint64_t first; /* oldest offset kept */
	uint64_t next;  /* offset of the next byte; next - first <= size */
};

/* size is rounded up to whole pages. The ring is empty and stands at offset start. */
int journal_ring_init(struct journal_ring *ring, size_t size, uint64_t start)
	__attribute__((warn_unused_result));
void journal_ring_finish(struct journal_ring *ring);

/* Appends; the oldest bytes go. Of more than size bytes only the last are kept. */
void journal_ring_append(struct journal_ring *ring, const void *data, size_t len);

/* All bytes from offset to the end. first <= offset <= next is the caller's duty. */
const uint8_t *journal_ring_view(const struct journal_ring *ring, uint64_t offset, size_t *len);

/* Forgets the bytes before offset and gives their memory back. */
void journal_ring_forget(struct journal_ring *ring, uint64_t offset);

/* Forgets all bytes and stands at offset start. */
void journal_ring_restart(struct journal_ring *ring, uint64_t start);

#endif
