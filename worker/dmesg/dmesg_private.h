/*
 * What dmesg.c, log_ring.c and log_records.c share. Nobody else includes it.
 */
#ifndef WORKER_DMESG_DMESG_PRIVATE_H
#define WORKER_DMESG_DMESG_PRIVATE_H

#include "worker/dmesg/dmesg.h"
#include "worker/dmesg/memory.h"
#include "worker/dmesg/paging.h"
#include "worker/dmesg/vmcoreinfo.h"

#define SEARCH_SPANS 3

/* One record of the log. */
struct log_record {
	uint64_t ns; /* since the boot */
	bool no_prefix, no_newline;
	size_t len;
	char text[DMESG_RECORD_MAX];
};

/* The lockless ring, since Linux 5.10. All lengths are the kernel's; all addresses virtual. */
struct log_ring {
	uint64_t descs, infos, data;
	unsigned count_bits, size_bits;
	uint64_t head, tail; /* numbers of descriptors */
	/* sizes and offsets */
	uint64_t desc_size, state, block, begin, next;
	uint64_t info_size, time, text_len;
};

/* The structured log, from 3.5 to 5.9. */
struct log_records {
	uint64_t buffer, size;
	uint64_t at, end; /* offsets in it */
	uint64_t head_size, time, len, text_len, flags;
	unsigned last_flags;
	bool wrapped;
};

enum dmesg_stage {
	STAGE_SEARCH, /* for the note */
	STAGE_CHECK,  /* whether the note is that of the kernel that runs there */
	STAGE_OPEN,   /* the log */
	STAGE_READ,   /* a record */
	STAGE_PRINT,  /* the lines of one */
	STAGE_CUT,    /* too much was printed */
	STAGE_DONE,
	STAGE_FAILED,
};

struct dmesg;

/* Both return 0, -EAGAIN (a block is wanted first), -EFAULT (a place is not in memory), -ENODATA
 * (dmesg_why says what is missing). What is said of next holds for the record at hand. */
struct log_kind {
	const char *symbol; /* whose VMCOREINFO has it is of this kind */
	int (*open)(struct dmesg *d);
	/* 1: d->record is one; 0: there was none, there may be others; -ENOENT: that was all. */
	int (*next)(struct dmesg *d);
};

extern const struct log_kind log_ring_kind, log_records_kind;

struct dmesg {
	struct memory *memory;
	enum dmesg_stage stage;
	uint64_t searched; /* the memory before this address, */
	unsigned span;     /*   and all spans before this one */
	struct memory_range spans[SEARCH_SPANS];
	uint64_t search_max, search_left; /* bytes */
	struct vmcoreinfo info;
	struct paging paging;
	const struct log_kind *kind;
	union {
		struct log_ring ring;
		struct log_records records;
	};
	struct log_record record;
	size_t printed; /* bytes of its text */
	uint64_t output;
	unsigned looked; /* records */
	size_t line_len;
	char line[DMESG_LINE_MAX];
	char why[DMESG_WHY_MAX];
};

/* A number of VMCOREINFO that must be there, and below most; else -ENODATA, and why says so. */
int dmesg_need(struct dmesg *d, const char *key, uint64_t most, uint64_t *out)
	__attribute__((warn_unused_result));
int dmesg_need_symbol(struct dmesg *d, const char *name, uint64_t *out)
	__attribute__((warn_unused_result));
/* Why it fails with -ENODATA. */
void dmesg_miss(struct dmesg *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A number of len bytes. 0, -EAGAIN, -EFAULT. */
int dmesg_read(struct dmesg *d, uint64_t address, size_t len, uint64_t *out)
	__attribute__((warn_unused_result));

#endif
