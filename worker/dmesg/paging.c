/* Task: see paging.h. Owner: who reads a kernel's memory. */
#include <errno.h>

#include "worker/dmesg/memory.h"
#include "worker/dmesg/paging.h"

#define PAGE_BITS 12
#define PAGE_BYTES (UINT64_C(1) << PAGE_BITS)
#define TABLE_BITS 9
#define LEVELS 4
#define LARGE_LEVEL 3 /* from the third one from below on no entry is a page */
#define ENTRY_PRESENT UINT64_C(0x1)
#define ENTRY_LARGE UINT64_C(0x80)
#define ENTRY_ADDRESS UINT64_C(0x000ffffffffff000)

/* The page that an entry of a level (1: the lowest) stands for, and where the address is in it. */
static uint64_t place_in(uint64_t entry, unsigned level, uint64_t address)
{
	uint64_t within = (UINT64_C(1) << (PAGE_BITS + TABLE_BITS * (level - 1))) - 1;

	return (entry & ~within) | (address & within);
}

static int walk(struct paging *p, uint64_t address, uint64_t *physical)
{
	uint64_t table = p->root, entry;
	unsigned level;
	int r;

	for (level = p->five ? LEVELS + 1 : LEVELS; level > 0; level--) {
		unsigned shift = PAGE_BITS + TABLE_BITS * (level - 1);
		uint64_t index = address >> shift & ((1U << TABLE_BITS) - 1);

		r = memory_read(p->memory, table + index * sizeof(entry), &entry, sizeof(entry));
		if (r < 0)
			return r;
		if (!(entry & ENTRY_PRESENT))
			return -EFAULT;
		table = entry & ENTRY_ADDRESS & ~p->clear;
		if (level == 1 || (level <= LARGE_LEVEL && entry & ENTRY_LARGE)) {
			*physical = place_in(table, level, address);
			return 0;
		}
	}
	return -EFAULT;
}

int paging_find(struct paging *p, uint64_t address, uint64_t *physical)
{
	uint64_t page = address & ~(PAGE_BYTES - 1);
	struct paging_page *kept = &p->kept[(page >> PAGE_BITS) % PAGING_KEPT];
	int r;

	if (!page || kept->page != page) {
		r = walk(p, page, &kept->frame);
		kept->page = r < 0 ? 0 : page;
		if (r < 0)
			return r;
	}
	*physical = kept->frame + (address - page);
	return 0;
}

int paging_read(struct paging *p, uint64_t address, void *out, size_t len)
{
	unsigned char *to = out;

	while (len > 0) {
		size_t n = PAGE_BYTES - address % PAGE_BYTES;
		uint64_t physical = 0;
		int r = paging_find(p, address, &physical);

		if (n > len)
			n = len;
		if (r == 0)
			r = memory_read(p->memory, physical, to, n);
		if (r < 0)
			return r;
		to += n;
		address += n;
		len -= n;
	}
	return 0;
}
