/* Task: see memory.h. Owner: who reads it. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "worker/dmesg/memory.h"

struct block {
	uint8_t *bytes; /* NULL: never used */
	uint64_t address;
	uint64_t used; /* when; 0: holds nothing */
};

struct memory {
	struct memory_range *ranges;
	size_t count;
	struct block blocks[MEMORY_BLOCKS];
	struct block *filling;
	uint64_t uses;
	uint64_t wanted;
};

static bool are_good(const struct memory_range *ranges, size_t count)
{
	uint64_t end = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (ranges[i].from < end || ranges[i].to <= ranges[i].from)
			return false;
		end = ranges[i].to;
	}
	return count <= MEMORY_RANGES_MAX;
}

int memory_create(const struct memory_range *ranges, size_t count, struct memory **out)
{
	struct memory *m;

	if (!are_good(ranges, count))
		return -EINVAL;
	m = calloc(1, sizeof(*m));
	if (m)
		m->ranges = calloc(count + 1, sizeof(*ranges));
	if (!m || !m->ranges) {
		free(m);
		return -ENOMEM;
	}
	if (count)
		memcpy(m->ranges, ranges, count * sizeof(*ranges));
	m->count = count;
	*out = m;
	return 0;
}

void memory_destroy(struct memory **memory)
{
	struct memory *m = *memory;
	size_t i;

	*memory = NULL;
	if (!m)
		return;
	for (i = 0; i < MEMORY_BLOCKS; i++)
		free(m->blocks[i].bytes);
	free(m->ranges);
	free(m);
}

/* The range that holds it, or else the first one behind it; NULL: none. */
static const struct memory_range *range_from(const struct memory *m, uint64_t address)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->ranges[middle].to <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->count ? &m->ranges[low] : NULL;
}

int memory_next(const struct memory *m, uint64_t *address)
{
	const struct memory_range *range = range_from(m, *address);

	if (!range)
		return -ENOENT;
	if (*address < range->from)
		*address = range->from;
	return 0;
}

uint64_t memory_end(const struct memory *m)
{
	return m->count ? m->ranges[m->count - 1].to : 0;
}

uint64_t memory_extent(const struct memory *m, uint64_t address)
{
	const struct memory_range *range = range_from(m, address);
	uint64_t end = address;

	while (range && range < m->ranges + m->count && range->from <= end) {
		end = range->to;
		range++;
	}
	return end - address;
}

static struct block *find(struct memory *m, uint64_t address)
{
	size_t i;

	for (i = 0; i < MEMORY_BLOCKS; i++) {
		if (m->blocks[i].used && m->blocks[i].address == address)
			return &m->blocks[i];
	}
	return NULL;
}

int memory_read(struct memory *m, uint64_t address, void *out, size_t len)
{
	uint8_t *to = out;

	if (memory_extent(m, address) < len)
		return -EFAULT;
	while (len > 0) {
		size_t within = address % MEMORY_BLOCK, n = MEMORY_BLOCK - within;
		struct block *block = find(m, address - within);

		if (!block) {
			m->wanted = address - within;
			return -EAGAIN;
		}
		if (n > len)
			n = len;
		block->used = ++m->uses;
		memcpy(to, block->bytes + within, n);
		to += n;
		address += n;
		len -= n;
	}
	return 0;
}

/* --- blocks --- */

uint64_t memory_wanted(const struct memory *m)
{
	return m->wanted;
}

uint8_t *memory_room(struct memory *m)
{
	struct block *oldest = &m->blocks[0];
	size_t i;

	for (i = 1; i < MEMORY_BLOCKS; i++) {
		if (m->blocks[i].used < oldest->used)
			oldest = &m->blocks[i];
	}
	if (!oldest->bytes)
		oldest->bytes = malloc(MEMORY_BLOCK);
	oldest->used = 0;
	m->filling = oldest;
	return oldest->bytes;
}

void memory_filled(struct memory *m)
{
	m->filling->address = m->wanted;
	m->filling->used = ++m->uses;
}
