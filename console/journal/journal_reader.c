/*
 * Readers: from memory at once, from disk by a job that fetches the next bytes.
 *
 * Owner: whoever made one. May not know how bytes are written.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console/journal/journal_private.h"
#include "console/journal/segment/journal_search.h"

#define FETCH_MAX ((size_t)64 << 10)
#define FETCH_TRIES 3 /* a segment may be packed or removed while it is being read */

/* What a thread needs to read for a reader; outlives it if need be. */
struct fetch {
	struct journal_reader *reader; /* NULL: gone */
	struct journal_segment segment;
	uint64_t offset;
	size_t want;
	ssize_t got;
	bool times;
	uint8_t *mem;
	struct journal_timestamps timestamps; /* of these bytes, if times */
	char dir[PATH_MAX], index_path[PATH_MAX];
};

struct journal_reader {
	LIST_ENTRY(journal_reader) link;
	struct journal *journal;
	uint64_t offset;
	loop_fn wake;
	void *arg;
	struct fetch *fetch; /* under way */
	uint8_t *mem;        /* bytes fetched: mem[0..len) are those from start on */
	uint64_t start, len;
	uint64_t broken; /* bytes before this offset cannot be read */
	int tries;
	bool times;
	struct journal_timestamps timestamps; /* of mem */
};

/* A woken reader may wait again at once, so the list is taken off first. */
void journal_wake_readers(struct journal *j)
{
	struct journal_reader_list woken = {LIST_FIRST(&j->waiting)};
	struct journal_reader *reader;

	if (!woken.lh_first)
		return;
	woken.lh_first->link.le_prev = &woken.lh_first;
	LIST_INIT(&j->waiting);
	while ((reader = LIST_FIRST(&woken))) {
		LIST_REMOVE(reader, link);
		LIST_INSERT_HEAD(&j->idle, reader, link);
		reader->wake(reader->arg);
	}
}

int journal_reader_create(
	struct journal *j, uint64_t offset, loop_fn wake, void *arg, struct journal_reader **reader)
{
	*reader = NULL;
	if (offset > j->ring.next)
		return -ERANGE;
	struct journal_reader *r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->journal = j;
	r->offset = offset;
	r->wake = wake;
	r->arg = arg;
	LIST_INSERT_HEAD(&j->idle, r, link);
	*reader = r;
	return 0;
}

static void drop_fetched(struct journal_reader *r)
{
	free(r->mem);
	r->mem = NULL;
	r->len = 0;
	journal_timestamps_finish(&r->timestamps);
}

void journal_reader_destroy(struct journal_reader **reader)
{
	struct journal_reader *r = *reader;

	if (!r)
		return;
	if (r->fetch)
		r->fetch->reader = NULL;
	drop_fetched(r);
	LIST_REMOVE(r, link);
	free(r);
	*reader = NULL;
}

/*
 * Fetching
 */
static void fetch_work(void *arg)
{
	struct fetch *f = arg;

	f->got = journal_segment_read(
		&f->segment, f->dir, f->offset - f->segment.start, f->mem, f->want);
	if (f->got > 0 && f->times &&
		journal_search_timestamps(f->index_path, f->offset, f->offset + (uint64_t)f->got,
			&f->timestamps.list, &f->timestamps.count) < 0)
		f->timestamps.count = 0; /* no times then */
}

/* Enters what was read. Nothing read: the table may have changed meanwhile, so look again. */
static void fetch_take(struct journal_reader *r, struct fetch *f)
{
	r->fetch = NULL;
	drop_fetched(r);
	if (f->got > 0) {
		r->mem = f->mem;
		r->start = f->offset;
		r->len = (uint64_t)f->got;
		r->timestamps = f->timestamps;
		f->mem = NULL;
		memset(&f->timestamps, 0, sizeof(f->timestamps));
		r->tries = 0;
	} else if (++r->tries >= FETCH_TRIES) {
		r->broken = f->offset + f->want;
		r->tries = 0;
	}
}

static void fetch_free(struct fetch *f)
{
	journal_timestamps_finish(&f->timestamps);
	free(f->mem);
	free(f);
}

static void fetch_done(void *arg)
{
	struct fetch *f = arg;
	struct journal_reader *r = f->reader;

	if (r)
		fetch_take(r, f);
	fetch_free(f);
	if (r)
		r->wake(r->arg);
}

/* Has the bytes at the reader's offset read. -EAGAIN: in a thread; 0: it is done already. */
static int fetch_start(struct journal_reader *r, const struct journal_segment *segment)
{
	const struct journal *j = r->journal;
	uint64_t rest = journal_segment_end(segment) - r->offset;
	struct fetch *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->reader = r;
	f->offset = r->offset;
	f->want = rest < FETCH_MAX ? (size_t)rest : FETCH_MAX;
	f->segment = *segment;
	f->times = r->times;
	f->mem = malloc(f->want);
	if (!f->mem || strlen(j->disk.dir) >= sizeof(f->dir) ||
		journal_segment_index_path(segment->start, j->disk.dir, f->index_path) < 0) {
		fetch_free(f);
		return -ENOMEM;
	}
	memcpy(f->dir, j->disk.dir, strlen(j->disk.dir) + 1);
	if (job_submit(j->store->work.reads, fetch_work, fetch_done, f) == 0) {
		r->fetch = f;
		return -EAGAIN;
	}
	/* No thread and no place to wait for one: slow for all, but never stuck. */
	fetch_work(f);
	fetch_take(r, f);
	fetch_free(f);
	return 0;
}

/*
 * Reading
 */

/* Nothing is kept at the reader's offset; next is the segment behind it, if any. */
static int notify_hole(const struct journal_reader *r, const struct journal_segment *next,
	struct journal_hole *hole)
{
	const struct journal *j = r->journal;
	const struct journal_segments *s = &j->disk.segments;

	hole->from = r->offset;
	hole->to = j->ring.first;
	hole->cause = JOURNAL_HOLE_LOST;
	if (next && next->start < hole->to)
		hole->to = next->start;
	if (!s->count || r->offset < s->list[0].start)
		hole->cause = JOURNAL_HOLE_EXPIRED;
	else if (next && next->join == JOURNAL_UNUSED)
		hole->cause = JOURNAL_HOLE_UNUSED;
	return -ERANGE;
}

static int notify_broken(const struct journal_reader *r, struct journal_hole *hole)
{
	const struct journal *j = r->journal;

	hole->from = r->offset;
	hole->to = r->broken < j->ring.first ? r->broken : j->ring.first;
	hole->cause = JOURNAL_HOLE_BROKEN;
	return -ERANGE;
}

static int next_from_disk(
	struct journal_reader *r, const uint8_t **data, size_t *len, struct journal_hole *hole)
{
	for (int i = 0; i <= FETCH_TRIES; i++) {
		if (r->offset >= r->start && r->offset - r->start < r->len) {
			*data = r->mem + (r->offset - r->start);
			*len = (size_t)(r->len - (r->offset - r->start));
			return 0;
		}
		if (r->fetch)
			return -EAGAIN;
		if (r->offset < r->broken)
			break;
		const struct journal_segment *segment =
			journal_segments_find(&r->journal->disk.segments, r->offset);

		if (!segment || segment->start > r->offset)
			return notify_hole(r, segment, hole);
		int result = fetch_start(r, segment);

		if (result == -EAGAIN)
			return result;
		if (result < 0)
			r->broken = journal_segment_end(segment);
	}
	return notify_broken(r, hole);
}

/* Memory has the bytes, but not their time: they are of before a restart, or too many. */
static bool needs_disk_for_time(const struct journal_reader *r)
{
	const struct journal *j = r->journal;

	return r->times && r->offset < j->disk.written && r->offset >= r->broken &&
	       (!journal_timestamps_at(&j->timestamps, r->offset) ||
		       j->timestamps.step > JOURNAL_TIMESTAMPS_STEP);
}

int journal_reader_next(
	struct journal_reader *reader, const uint8_t **data, size_t *len, struct journal_hole *hole)
{
	struct journal *j = reader->journal;

	if (reader->offset < j->ring.first)
		return next_from_disk(reader, data, len, hole);
	if (needs_disk_for_time(reader)) {
		int r = next_from_disk(reader, data, len, hole);

		if (r != -ERANGE)
			return r;
	}
	drop_fetched(reader);
	if (reader->offset == j->ring.next) {
		LIST_REMOVE(reader, link);
		LIST_INSERT_HEAD(&j->waiting, reader, link);
		return -ENODATA;
	}
	*data = journal_ring_view(&j->ring, reader->offset, len);
	return 0;
}

void journal_reader_consume(struct journal_reader *reader, size_t len)
{
	assert(len <= reader->journal->ring.next - reader->offset);
	reader->offset += len;
}

int journal_reader_seek(struct journal_reader *reader, uint64_t offset)
{
	if (offset > reader->journal->ring.next)
		return -ERANGE;
	reader->offset = offset;
	reader->broken = 0;
	return 0;
}

uint64_t journal_reader_offset(const struct journal_reader *reader)
{
	return reader->offset;
}

void journal_reader_set_times(struct journal_reader *reader, int on)
{
	reader->times = on;
	drop_fetched(reader);
}

int journal_reader_time(const struct journal_reader *reader, uint64_t *time, uint64_t *until)
{
	const struct journal *j = reader->journal;
	bool fetched =
		reader->offset >= reader->start && reader->offset - reader->start < reader->len;
	const struct journal_timestamps *s = fetched ? &reader->timestamps : &j->timestamps;
	const struct journal_stamp *stamp = journal_timestamps_at(s, reader->offset);

	if (!stamp)
		return -ENODATA;
	*time = stamp->time;
	*until = fetched ? reader->start + reader->len : j->ring.next;
	if (stamp + 1 < s->list + s->count)
		*until = stamp[1].offset;
	return 0;
}
