/*
 * Packing of ended segments.
 *
 * The thread knows paths only; what it has done is entered into the table on the loop. A crash at
 * any point leaves the raw file, the packed one, or both, of which the packed one is complete.
 *
 * Owner: journal_disk.c. May not know readers.
 */
#include "console/journal/journal_disk_pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/journal/segment/journal_pack.h"

struct journal_pack_job {
	struct journal_disk *disk; /* NULL: abandoned */
	struct journal_segment raw, packed;
	char from[PATH_MAX], to[PATH_MAX], temporary[PATH_MAX];
	uint64_t size; /* of the packed file */
	int result;
};

static void pack_work(void *arg)
{
	struct journal_pack_job *job = arg;
	struct stat st;
	uint64_t len;

	job->result = journal_pack(job->from, job->temporary, &len);
	if (job->result < 0)
		return;
	if (len != job->raw.len)
		job->result = -EBADMSG;
	else if (stat(job->temporary, &st) < 0 || rename(job->temporary, job->to) < 0)
		job->result = -errno;
	else
		job->size = (uint64_t)st.st_size;
	if (job->result < 0)
		unlink(job->temporary);
}

static struct journal_segment *find(struct journal_disk *d, uint64_t start)
{
	for (size_t i = 0; i < d->segments.count; i++) {
		if (d->segments.list[i].start == start)
			return &d->segments.list[i];
	}
	return NULL;
}

static void enter(struct journal_disk *d, const struct journal_pack_job *job)
{
	struct journal_segment *segment = find(d, job->raw.start);

	if (!segment) /* a limit has taken it meanwhile, and both files */
		return;
	segment->packed = true;
	segment->packing = false;
	d->segments.disk -= segment->disk;
	/* disk was the raw bytes and the index */
	segment->disk = segment->disk > segment->len ? segment->disk - segment->len : 0;
	segment->disk += job->size;
	d->segments.disk += segment->disk;
	journal_work_unlink(d->work, job->from);
}

static void pack_done(void *arg)
{
	struct journal_pack_job *job = arg;
	struct journal_disk *d = job->disk;

	if (d) {
		bool ran = !job_cancelled(d->work->tidies);

		d->pack = NULL;
		/* One that failed stays marked, and is tried again after a restart. */
		if (ran && job->result == 0) {
			enter(d, job);
			journal_disk_pack_next(d);
		}
	}
	free(job);
}

/* Neither the one that grows nor one that may be gone on with. */
static struct journal_segment *choose(struct journal_disk *d)
{
	size_t keep = d->state == JOURNAL_DISK_OFF ? 0 : 1;

	for (size_t i = 0; i + keep < d->segments.count; i++) {
		struct journal_segment *segment = &d->segments.list[i];

		if (!segment->packed && !segment->packing && segment->len)
			return segment;
	}
	return NULL;
}

void journal_disk_pack_next(struct journal_disk *d)
{
	if (d->pack || !d->work || d->limits->keep_raw)
		return;
	struct journal_segment *segment = choose(d);
	if (!segment)
		return;
	struct journal_pack_job *job = calloc(1, sizeof(*job));
	if (!job)
		return;
	job->disk = d;
	job->raw = job->packed = *segment;
	job->packed.packed = true;
	int n = -1;

	if (journal_segment_path(&job->raw, d->dir, job->from) == 0 &&
		journal_segment_path(&job->packed, d->dir, job->to) == 0)
		n = snprintf(job->temporary, PATH_MAX, "%s.new", job->to);
	if (n < 0 || n >= PATH_MAX || job_submit(d->work->tidies, pack_work, pack_done, job) < 0) {
		free(job);
		return;
	}
	segment->packing = true;
	d->pack = job;
}

void journal_disk_pack_abandon(struct journal_disk *d)
{
	if (d->pack)
		d->pack->disk = NULL;
	d->pack = NULL;
}
