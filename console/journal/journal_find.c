/*
 * Questions about a journal: what memory can answer is answered at once, the rest by a job.
 *
 * Owner: a verb. May not know how segments are written.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console/journal/journal_private.h"
#include "console/journal/segment/journal_search.h"

/* What a thread works on; outlives its query if need be. */
struct find_job {
	struct journal_query *query; /* NULL: nobody waits */
	struct journal_search search;
	enum journal_find what;
	uint64_t value, end; /* LINES: line ends to go back over, from end */
	bool last;           /* LINES: end is that of the journal */
	uint64_t from, to;   /* marks */
	enum journal_mark_kind kind;
	size_t max;
	int result; /* of time and lines: 1 found; else 0 or -errno */
	uint64_t offset;
	struct journal_mark_list marks;
};

struct journal_query {
	LIST_ENTRY(journal_query) link;
	struct journal *journal;
	struct find_job *job;
	journal_found_fn found; /* one of them */
	journal_listed_fn listed;
	void *arg;
};

static void job_free(struct find_job *job)
{
	journal_search_finish(&job->search);
	free(job->marks.list);
	free(job);
}

void journal_query_cancel(struct journal_query **query)
{
	struct journal_query *q = *query;

	if (!q)
		return;
	q->job->query = NULL;
	LIST_REMOVE(q, link);
	free(q);
	*query = NULL;
}

void journal_end_queries(struct journal *j)
{
	struct journal_query *q, *next;

	for (q = LIST_FIRST(&j->queries); q; q = next) {
		next = LIST_NEXT(q, link);
		q->job->query = NULL;
		free(q);
	}
	LIST_INIT(&j->queries);
}

/*
 * Answers
 */

/* Marks in memory that are on no disk. */
static bool is_unwritten(const struct journal *j, const struct journal_mark *mark)
{
	return j->disk.state == JOURNAL_DISK_OFF ||
	       (j->disk.state == JOURNAL_DISK_FAILED && mark->time >= j->failed);
}

/* Adds them behind those from the disk. */
static int add_unwritten(const struct journal *j, struct find_job *job)
{
	struct journal_mark *list =
		reallocarray(job->marks.list, job->marks.count + j->marks.count + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	job->marks.list = list;
	for (size_t i = 0; i < j->marks.count; i++) {
		const struct journal_mark *mark = journal_marks_at(&j->marks, i);

		if (is_unwritten(j, mark) && mark->offset >= job->from &&
			(mark->offset < job->to || job->to == UINT64_MAX) &&
			(job->kind == JOURNAL_KINDS || job->kind == mark->kind))
			list[job->marks.count++] = *mark;
	}
	return 0;
}

static void answer_time(const struct journal *j, struct find_job *job)
{
	const struct journal_stamp *stamp;

	if (job->result == 1)
		return;
	job->offset = j->ring.next;
	/* What is not on the disk has its times in memory. */
	stamp = journal_timestamps_since(&j->timestamps, job->value);
	if (!stamp)
		return;
	job->offset = stamp->offset;
	if (stamp > j->timestamps.list && job->value - stamp[-1].time < LOOP_SECOND)
		job->offset = stamp[-1].offset;
	if (job->offset < journal_first(j))
		job->offset = journal_first(j);
}

static int answer(const struct journal *j, struct find_job *job, bool lists)
{
	if (job->result < 0)
		return job->result;
	if (lists || job->what == JOURNAL_FIND_BOOT) {
		int r = add_unwritten(j, job);

		if (r < 0)
			return r;
		size_t extra = job->marks.count > job->max ? job->marks.count - job->max : 0;

		job->marks.count -= extra;
		memmove(job->marks.list, job->marks.list + extra,
			job->marks.count * sizeof(*job->marks.list));
	}
	if (lists)
		return 0;
	if (job->what == JOURNAL_FIND_TIME)
		answer_time(j, job);
	if (job->what == JOURNAL_FIND_BOOT) {
		if (job->marks.count < job->max)
			return -ENOENT;
		job->offset = job->marks.list[0].offset;
	}
	return 0;
}

static void tell(const struct journal_query *q, struct find_job *job)
{
	int r = answer(q->journal, job, q->listed);

	if (q->listed)
		q->listed(q->arg, r, job->marks.list, r ? 0 : job->marks.count);
	else if (q->found)
		q->found(q->arg, r, job->offset);
}

/*
 * The job
 */
static void find_work(void *arg)
{
	struct find_job *job = arg;

	if (job->max)
		job->result = journal_search_marks(
			&job->search, job->from, job->to, job->kind, job->max, &job->marks);
	else if (job->what == JOURNAL_FIND_TIME)
		job->result = journal_search_time(&job->search, job->value, &job->offset);
	else
		job->result = journal_search_lines(
			&job->search, job->end, job->last, job->value, &job->offset);
}

static void find_done(void *arg)
{
	struct find_job *job = arg;
	struct journal_query *q = job->query;

	if (q) {
		struct journal_query told = *q;

		/* Whoever asked may let go of everything now. */
		LIST_REMOVE(q, link);
		free(q);
		tell(&told, job);
	}
	job_free(job);
}

/* Starts the job, or answers without one when nothing is on the disk. Takes job over. */
static int ask(struct journal *j, struct find_job *job, const struct journal_query *asked,
	struct journal_query **query)
{
	*query = NULL;
	if (!j->disk.segments.count) {
		tell(asked, job);
		job_free(job);
		return 0;
	}
	struct journal_query *q = malloc(sizeof(*q));
	int r = q ? journal_search_init(&job->search, j->disk.dir, &j->disk.segments) : -ENOMEM;

	if (!r)
		r = job_submit(j->store->work.reads, find_work, find_done, job);
	if (r < 0) {
		free(q);
		job_free(job);
		return r;
	}
	*q = *asked;
	q->job = job;
	job->query = q;
	LIST_INSERT_HEAD(&j->queries, q, link);
	*query = q;
	return 0;
}

/* The start of the last lines lines, if memory has them; else prepares the job. */
static bool lines_in_memory(const struct journal *j, struct find_job *job)
{
	size_t len;
	const uint8_t *data = journal_ring_view(&j->ring, j->ring.first, &len), *p;

	job->last = !len;
	/* A line end at the very end ends the last line; it begins no other. */
	if (len && data[len - 1] == '\n')
		len--;
	while ((p = memrchr(data, '\n', len))) {
		len = (size_t)(p - data);
		if (--job->value == 0) {
			job->offset = j->ring.first + len + 1;
			return true;
		}
	}
	job->end = j->ring.first;
	job->offset = j->ring.first;
	return false;
}

int journal_find(struct journal *j, enum journal_find what, uint64_t value, journal_found_fn fn,
	void *arg, struct journal_query **query)
{
	struct journal_query asked = {.journal = j, .found = fn, .arg = arg};
	struct find_job *job = calloc(1, sizeof(*job));

	*query = NULL;
	if (!job)
		return -ENOMEM;
	job->what = what;
	job->value = value;
	job->to = UINT64_MAX;
	job->kind = JOURNAL_BOOT;
	if (what == JOURNAL_FIND_BOOT)
		job->max = value < JOURNAL_LIST_MAX ? (size_t)value + 1 : JOURNAL_LIST_MAX;
	if (what == JOURNAL_FIND_LINES && value > JOURNAL_FIND_LINES_MAX)
		job->value = JOURNAL_FIND_LINES_MAX;
	if (what == JOURNAL_FIND_LINES && (!value || lines_in_memory(j, job))) {
		fn(arg, 0, value ? job->offset : j->ring.next);
		job_free(job);
		return 0;
	}
	return ask(j, job, &asked, query);
}

int journal_list_marks(struct journal *j, uint64_t from, uint64_t to, journal_listed_fn fn,
	void *arg, struct journal_query **query)
{
	struct journal_query asked = {.journal = j, .listed = fn, .arg = arg};
	struct find_job *job = calloc(1, sizeof(*job));

	*query = NULL;
	if (!job)
		return -ENOMEM;
	job->from = from;
	job->to = to;
	job->kind = JOURNAL_KINDS;
	job->max = JOURNAL_LIST_MAX;
	return ask(j, job, &asked, query);
}
