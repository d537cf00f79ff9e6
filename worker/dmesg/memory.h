/*
 * A guest's physical memory, as far as it has been asked for: blocks of it that are kept, the least
 * used of which goes when there is no room. Pure: whoever reads memory, from a dump or a guest that
 * runs, puts the blocks in that are wanted.
 */
#ifndef WORKER_DMESG_MEMORY_H
#define WORKER_DMESG_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_BLOCK ((size_t)64 << 10) /* bytes; blocks begin at multiples of it */
#define MEMORY_BLOCKS 64                /* that are kept: more than one step of a reader needs */
#define MEMORY_RANGES_MAX 1024          /* of what is memory */

struct memory;

struct memory_range {
	uint64_t from, to; /* to is exclusive */
};

/* ranges: what is memory; in order, and apart. 0, -ENOMEM, -EINVAL. */
int memory_create(const struct memory_range *ranges, size_t count, struct memory **out)
	__attribute__((warn_unused_result));
void memory_destroy(struct memory **memory);

/* 0; -EAGAIN: a block is wanted first; -EFAULT: not all of it is memory. */
int memory_read(struct memory *m, uint64_t address, void *out, size_t len)
	__attribute__((warn_unused_result));

/* After -EAGAIN: where the block that is wanted begins. */
uint64_t memory_wanted(const struct memory *m);
/* Room for its bytes; what lies in no range is to be zero. NULL: out of memory. */
uint8_t *memory_room(struct memory *m);
/* They are there. */
void memory_filled(struct memory *m);

/* The first address at or behind this one that is memory. 0; -ENOENT: none. */
int memory_next(const struct memory *m, uint64_t *address) __attribute__((warn_unused_result));
/* Where the last of it ends; 0: there is none. */
uint64_t memory_end(const struct memory *m);
/* How much of it, from an address that is memory on, lies in one piece. */
uint64_t memory_extent(const struct memory *m, uint64_t address);

#endif
