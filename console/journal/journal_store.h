/*
 * All journals below one folder: their threads, their limits, what is left of guests that are gone.
 *
 * Lies at state_dir/journal; a console's own folder is UUID/SLOT below it. Belongs to one loop.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_STORE_H
#define CONSOLE_JOURNAL_JOURNAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct journal_store;

#define JOURNAL_SEGMENT_MIN (UINT64_C(64) << 10)
#define JOURNAL_SEGMENT_DEFAULT (UINT64_C(4) << 20)
#define JOURNAL_SEGMENT_MAX (UINT64_C(64) << 20)
#define JOURNAL_CONSOLE_DEFAULT (UINT64_C(64) << 20)
#define JOURNAL_READS_MAX 4096 /* readers whose bytes are being fetched at once */
#define JOURNAL_SWEEP_US (60 * LOOP_SECOND)
#define JOURNAL_RETRY_US (5 * LOOP_SECOND) /* after a failure to write */
#define JOURNAL_RETRIES 16                 /* journals tried again in one turn, each second */
#define JOURNAL_IDLE_US (60 * LOOP_SECOND) /* then memory is given back */
#define JOURNAL_IDLE_MEMORY ((size_t)64 << 10)

struct journal_limits {
	uint64_t console_bytes; /* files of one console; 0: no limit */
	uint64_t total_bytes;   /* files of all; 0: no limit */
	uint64_t age;           /* microseconds that output is kept; 0: for ever */
	uint64_t segment_bytes; /* of one segment before packing; 0: the default */
	bool keep_raw;          /* old segments are not packed */
};

struct journal_store_stats {
	size_t journals, recording, failing;
	uint64_t disk;          /* bytes of the files of journals that are open */
	uint64_t disk_others;   /* of guests that are not, as of the last sweep */
	uint64_t failures;      /* times a journal had to go on in memory */
	uint64_t bytes_written; /* to segments */
	uint64_t bytes_lost;    /* that never reached a segment */
	uint64_t expired;       /* segments removed by a limit */
};

/*
 * Makes the folder (0700) when missing; trouble with it does not fail. limits is copied. 0 or
 * -errno of threads and timers.
 */
int journal_store_create(struct loop *loop, const char *dir, const struct journal_limits *limits,
	struct journal_store **store) MUST_CHECK;

/* All journals must be gone. Waits at most wait_us for threads. */
void journal_store_destroy(struct journal_store **store, uint64_t wait_us);

/* From now on; what is too much goes at the next sweep. */
void journal_store_set_limits(struct journal_store *store, const struct journal_limits *limits);

void journal_store_stats(const struct journal_store *store, struct journal_store_stats *stats);

/* Applies the limits now; the folder is looked through in a thread. */
void journal_store_sweep(struct journal_store *store);

#endif
