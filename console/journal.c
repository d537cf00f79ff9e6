/*
 * The journal: appends to the ring, marks, readers that stand at offsets.
 *
 * Owner: a console. May not know guests, viewers, sessions, backends.
 */
#include "console/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "console/journal_marks.h"
#include "console/journal_reserve.h"
#include "console/journal_ring.h"

/* A reader is in exactly one list: idle, or waiting for the next append. */
LIST_HEAD(reader_list, journal_reader);

struct journal_reader {
	LIST_ENTRY(journal_reader) link;
	struct journal *journal;
	uint64_t offset;
	loop_fn wake;
	void *arg;
};

struct journal {
	struct journal_ring ring;
	struct journal_reserve reserve;
	struct journal_marks marks;
	struct reader_list idle, waiting;
};

/* Says what happened between the last use of the offsets and this one. */
static void mark_start(struct journal *j, enum journal_last_end last)
{
	switch (last) {
	case JOURNAL_LAST_NONE:
		break;
	case JOURNAL_LAST_CLOSED:
		journal_mark(j, JOURNAL_GAP, "service was restarted");
		break;
	case JOURNAL_LAST_KILLED:
		journal_mark(j, JOURNAL_GAP, "service ended without warning");
		break;
	case JOURNAL_LAST_LOST:
		journal_mark(j, JOURNAL_GAP, "host went down without warning, or state was lost");
		break;
	}
}

int journal_create(const struct journal_options *options, struct journal **journal)
{
	size_t memory = options->memory ? options->memory : JOURNAL_MEMORY_DEFAULT;
	enum journal_last_end last;
	uint64_t start;

	*journal = NULL;
	if (memory < JOURNAL_MEMORY_MIN || memory > JOURNAL_MEMORY_MAX)
		return -EINVAL;
	struct journal *j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	LIST_INIT(&j->idle);
	LIST_INIT(&j->waiting);
	int r = journal_ring_init(&j->ring, memory, 0);
	if (r < 0)
		goto fail;
	r = journal_reserve_init(&j->reserve, options->dir, &start, &last);
	if (r < 0)
		goto fail;
	journal_ring_restart(&j->ring, start);
	mark_start(j, last);
	*journal = j;
	return 0;
fail:
	journal_ring_finish(&j->ring);
	free(j);
	return r;
}

void journal_destroy(struct journal **journal)
{
	struct journal *j = *journal;

	if (!j)
		return;
	assert(LIST_EMPTY(&j->idle) && LIST_EMPTY(&j->waiting));
	journal_reserve_close(&j->reserve, j->ring.next);
	journal_reserve_finish(&j->reserve);
	journal_marks_finish(&j->marks);
	journal_ring_finish(&j->ring);
	free(j);
	*journal = NULL;
}

/* A woken reader may wait again at once, so the list is taken off first. */
static void wake_waiting(struct journal *j)
{
	struct reader_list woken = {LIST_FIRST(&j->waiting)};
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

/* Makes sure of the numbers; says so when they had to leap. */
static void have_offsets(struct journal *j, size_t len)
{
	uint64_t next = j->ring.next;

	journal_reserve_have(&j->reserve, &next, len);
	if (next == j->ring.next)
		return;
	struct journal_mark mark;

	journal_mark_init(
		&mark, JOURNAL_GAP, next, "offsets leapt: state folder cannot be written");
	mark.length = next - j->ring.next;
	journal_marks_add(&j->marks, &mark);
	journal_ring_restart(&j->ring, next);
}

void journal_append(struct journal *j, const void *data, size_t len)
{
	if (!len)
		return;
	have_offsets(j, len);
	journal_ring_append(&j->ring, data, len);
	wake_waiting(j);
}

uint64_t journal_first(const struct journal *j)
{
	return j->ring.first;
}

uint64_t journal_next(const struct journal *j)
{
	return j->ring.next;
}

uint64_t journal_memory_first(const struct journal *j)
{
	return j->ring.first;
}

int journal_view(const struct journal *j, uint64_t offset, const uint8_t **data, size_t *len)
{
	if (offset < j->ring.first || offset > j->ring.next)
		return -ERANGE;
	*data = journal_ring_view(&j->ring, offset, len);
	return 0;
}

void journal_mark(struct journal *j, enum journal_mark_kind kind, const char *text)
{
	struct journal_mark mark;

	journal_mark_init(&mark, kind, j->ring.next, text);
	journal_marks_add(&j->marks, &mark);
}

void journal_gap(struct journal *j, const char *cause, uint64_t duration)
{
	struct journal_mark mark;

	journal_mark_init(&mark, JOURNAL_GAP, j->ring.next, cause);
	mark.duration = duration;
	journal_marks_add(&j->marks, &mark);
}

int journal_marks(
	const struct journal *j, uint64_t from, uint64_t to, journal_mark_fn fn, void *arg)
{
	for (size_t i = 0; i < j->marks.count; i++) {
		const struct journal_mark *mark = journal_marks_at(&j->marks, i);

		if (mark->offset < from || mark->offset >= to)
			continue;
		int r = fn(arg, mark);
		if (r)
			return r;
	}
	return 0;
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

void journal_reader_destroy(struct journal_reader **reader)
{
	if (!*reader)
		return;
	LIST_REMOVE(*reader, link);
	free(*reader);
	*reader = NULL;
}

int journal_reader_next(
	struct journal_reader *reader, const uint8_t **data, size_t *len, struct journal_hole *hole)
{
	struct journal *j = reader->journal;

	if (reader->offset < j->ring.first) {
		hole->from = reader->offset;
		hole->to = j->ring.first;
		hole->cause = JOURNAL_HOLE_EXPIRED;
		return -ERANGE;
	}
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
	return 0;
}

uint64_t journal_reader_offset(const struct journal_reader *reader)
{
	return reader->offset;
}
