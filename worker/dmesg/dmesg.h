/*
 * The log of a Linux kernel, read out of the physical memory of its machine: x86-64, from 3.5 on.
 *
 * The kernel is found by its note VMCOREINFO, which is given or searched for in memory; that says
 * where the log is and how it is built. Work is done in steps, each of them bounded, and goes on
 * where it was when a block of memory that was wanted is there. Every number that is read is a
 * stranger's. Pure.
 */
#ifndef WORKER_DMESG_DMESG_H
#define WORKER_DMESG_DMESG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dmesg;
struct memory;
struct vmcoreinfo;

#define DMESG_RECORD_MAX 3072                      /* bytes of a record's text; kernels have 2048 */
#define DMESG_LINE_MAX (4 * DMESG_RECORD_MAX + 64) /* of a line that is printed */
#define DMESG_OUTPUT_MAX ((uint64_t)64 << 20)      /* bytes that are printed in all */
#define DMESG_SEARCH_MAX ((uint64_t)256 << 30)     /* bytes of a dump that are searched */
#define DMESG_SEARCH_LIVE_MAX ((uint64_t)16 << 30) /* of a guest that runs, and waits for it */
#define DMESG_BITS_MAX 30                          /* a log has so many bytes at most: 2^N */
#define DMESG_RECORDS_MAX (1U << 21)               /* records that are looked at */
#define DMESG_RECORD_BITS_MAX 25                   /* and so many records */
#define DMESG_WHY_MAX 256

enum dmesg_step {
	DMESG_MORE,   /* there is more to do */
	DMESG_WANTS,  /* a block of memory: memory_wanted */
	DMESG_LINE,   /* dmesg_line has the next one */
	DMESG_DONE,   /* that was all */
	DMESG_FAILED, /* dmesg_why says what was missing */
};

/* memory stays the caller's. info: NULL, it is searched for, in so many bytes at most. 0 or
 * -ENOMEM. */
int dmesg_create(struct memory *memory, const struct vmcoreinfo *info, uint64_t search_max,
	struct dmesg **out) __attribute__((warn_unused_result));
void dmesg_destroy(struct dmesg **dmesg);

enum dmesg_step dmesg_step(struct dmesg *d) __attribute__((warn_unused_result));

/* As dmesg(1) prints it: "[    0.000000] text\n"; what a terminal would not show is escaped. */
const char *dmesg_line(const struct dmesg *d, size_t *len);
const char *dmesg_why(const struct dmesg *d);
/* It looks through the memory, from one block to the next. */
bool dmesg_is_searching(const struct dmesg *d);

#endif
