/*
 * The ring of a journal: a memfd mapped twice behind itself.
 *
 * Owner: the journal that embeds it. May not know files, marks, readers.
 */
#include "console/journal/journal_ring.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Maps fd twice in a row inside one reserved range. */
static int map_twice(int fd, size_t size, uint8_t **mem)
{
	uint8_t *p =
		mmap(NULL, size * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	for (int i = 0; i < 2; i++) {
		if (mmap(p + size * i, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			    0) == MAP_FAILED) {
			int r = -errno;

			munmap(p, size * 2);
			return r;
		}
	}
	/* History is full of secrets that guests print: it has no place in a core file. */
	(void)madvise(p, size * 2, MADV_DONTDUMP);
	*mem = p;
	return 0;
}

int journal_ring_init(struct journal_ring *ring, size_t size, uint64_t start)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	memset(ring, 0, sizeof(*ring));
	if (!size || size > SIZE_MAX / 4)
		return -EINVAL;
	size = (size + page - 1) / page * page;
	int fd = memfd_create("journal", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	int r = ftruncate(fd, (off_t)size) < 0 ? -errno : map_twice(fd, size, &ring->mem);
	close(fd);
	if (r < 0)
		return r;
	ring->size = size;
	journal_ring_restart(ring, start);
	return 0;
}

void journal_ring_finish(struct journal_ring *ring)
{
	if (ring->mem)
		munmap(ring->mem, ring->size * 2);
	memset(ring, 0, sizeof(*ring));
}

static uint8_t *place(const struct journal_ring *ring, uint64_t offset)
{
	return ring->mem + offset % ring->size;
}

void journal_ring_append(struct journal_ring *ring, const void *data, size_t len)
{
	const uint8_t *from = data;
	size_t keep = len < ring->size ? len : ring->size;

	ring->next += len - keep;
	memcpy(place(ring, ring->next), from + (len - keep), keep);
	ring->next += keep;
	if (ring->next - ring->first > ring->size)
		ring->first = ring->next - ring->size;
}

const uint8_t *journal_ring_view(const struct journal_ring *ring, uint64_t offset, size_t *len)
{
	*len = (size_t)(ring->next - offset);
	return place(ring, offset);
}

void journal_ring_forget(struct journal_ring *ring, uint64_t offset)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (offset <= ring->first || offset > ring->next)
		return;
	ring->first = offset;
	/* From the end of what is kept, once around, to its beginning: whole pages of it. */
	uint64_t from = (ring->next + page - 1) / page * page;
	uint64_t to = (ring->first + ring->size) / page * page;

	if (from >= to)
		return;
	/* Twice mapped, once in memory: a hole in the file is one in both. */
	size_t at = (size_t)(from % ring->size), len = (size_t)(to - from);

	(void)madvise(ring->mem + at, len, MADV_REMOVE);
}

void journal_ring_restart(struct journal_ring *ring, uint64_t start)
{
	ring->first = ring->next = start;
}
