/*
 * The job pools of the journals, and the small jobs that nobody waits for.
 *
 * Owner: the journal store. May not know journals.
 */
#include "console/journal/journal_work.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int journal_work_init(struct journal_work *w, struct loop *loop, unsigned max_reads)
{
	memset(w, 0, sizeof(*w));
	w->loop = loop;
	int r = job_pool_create(loop, "journal-read", JOURNAL_READ_THREADS, max_reads, &w->reads);
	if (!r)
		r = job_pool_create(loop, "journal-tidy", 1, JOURNAL_TIDY_QUEUE, &w->tidies);
	if (r < 0)
		journal_work_finish(w, 0);
	return r;
}

void journal_work_finish(struct journal_work *w, uint64_t wait_us)
{
	job_pool_destroy(&w->reads, wait_us);
	job_pool_destroy(&w->tidies, wait_us);
}

static void unlink_file(void *arg)
{
	unlink(arg);
}

static void sync_file(void *arg)
{
	int fd = open(arg, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return;
	(void)fdatasync(fd);
	close(fd);
}

void journal_work_unlink(struct journal_work *w, const char *path)
{
	char *copy = strdup(path);

	/* Waiting threads' queue full, or no memory: it must go all the same. */
	if (!copy || job_submit(w->tidies, unlink_file, free, copy) < 0) {
		unlink(path);
		free(copy);
	}
}

void journal_work_sync(struct journal_work *w, const char *path)
{
	char *copy = strdup(path);

	if (copy && job_submit(w->tidies, sync_file, free, copy) < 0)
		free(copy);
}
