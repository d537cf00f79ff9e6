/*
 * The threads of the journals: one pool that reads history for viewers, one that tidies up (pack,
 * remove, sync). Neither waits for the other. Knows no journal.
 */
#ifndef CONSOLE_JOURNAL_JOURNAL_WORK_H
#define CONSOLE_JOURNAL_JOURNAL_WORK_H

#include "core/job.h"

#define JOURNAL_READ_THREADS 2
#define JOURNAL_TIDY_QUEUE 4096

struct journal_work {
	struct loop *loop;
	struct job_pool *reads, *tidies;
};

int journal_work_init(struct journal_work *w, struct loop *loop, unsigned max_reads) MUST_CHECK;
/* Waits at most wait_us for what runs. */
void journal_work_finish(struct journal_work *w, uint64_t wait_us);

/* Removes a file, in a thread if possible. */
void journal_work_unlink(struct journal_work *w, const char *path);

/* Brings a file's bytes to the disk, if possible. */
void journal_work_sync(struct journal_work *w, const char *path);

#endif
