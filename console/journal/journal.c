/*
 * The journal: takes bytes and marks, numbers them, puts them into memory and onto the disk.
 *
 * Every byte is on the disk, or the file of the reservation says that not all are, before
 * anybody can see it: so a start after a crash knows where numbers go on.
 *
 * Owner: a console. May not know guests, viewers, sessions, backends.
 */
#include "console/journal/journal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "console/journal/journal_private.h"

/* Bytes that are written and then shown in one go; less than the smallest memory. */
#define PIECE ((size_t)32 << 10)
/* The end of the last segment that is read into memory at the start: a few screens. */
#define PRELOAD ((size_t)64 << 10)

/*
 * Disk
 */

/* Numbers go on at next; says so. */
static void leap(struct journal *j, uint64_t next)
{
	struct journal_mark mark;

	journal_mark_init(
		&mark, JOURNAL_GAP, next, "offsets leapt: the state folder cannot be written");
	mark.length = next - j->ring.next;
	journal_ring_restart(&j->ring, next);
	journal_marks_add(&j->marks, &mark);
	journal_disk_mark(&j->disk, &mark);
}

static void note_failure(struct journal *j)
{
	if (j->disk.state != JOURNAL_DISK_FAILED || j->failed)
		return;
	j->failed = j->tried = journal_now();
	j->unwritten = 0;
	j->store->failures++;
	journal_store_retry_soon(j->store);
	if (j->on_error)
		j->on_error(j->error_arg, j->disk.error);
}

/* After anything that may have changed whether the disk takes our bytes. */
static void update(struct journal *j)
{
	const struct journal_segment *last = journal_segments_last(&j->disk.segments);
	bool stored = j->disk.state == JOURNAL_DISK_ON && last &&
		      journal_segment_end(last) == j->ring.next;
	uint64_t next = j->ring.next;

	journal_reserve_set_stored(&j->reserve, &next, stored);
	if (next != j->ring.next)
		leap(j, next);
	note_failure(j);
}

static void put_mark(struct journal *j, const struct journal_mark *mark)
{
	journal_marks_add(&j->marks, mark);
	journal_disk_mark(&j->disk, mark);
	update(j);
}

/* Makes sure of the numbers. */
static void have_offsets(struct journal *j, size_t len)
{
	uint64_t next = j->ring.next;

	journal_reserve_have(&j->reserve, &next, len);
	if (next != j->ring.next)
		leap(j, next);
}

static void append_piece(struct journal *j, const uint8_t *data, size_t len)
{
	have_offsets(j, len);
	journal_timestamps_add(&j->timestamps, j->ring.next, j->appended, j->ring.first);
	if (j->disk.state == JOURNAL_DISK_ON) {
		size_t n = journal_disk_write(&j->disk, j->ring.next, data, len);

		journal_ring_append(&j->ring, data, n);
		j->store->bytes_written += n;
		data += n;
		len -= n;
		update(j);
	}
	if (!len)
		return;
	journal_ring_append(&j->ring, data, len);
	j->unwritten += len;
}

void journal_append(struct journal *j, const void *data, size_t len)
{
	const uint8_t *p = data;

	if (!len)
		return;
	j->appended = journal_now();
	for (size_t n; len; p += n, len -= n) {
		n = len < PIECE ? len : PIECE;
		append_piece(j, p, n);
	}
	journal_wake_readers(j);
}

/* Writes the marks put down since then, which memory alone has. */
static void write_marks(struct journal *j, uint64_t since)
{
	for (size_t i = 0; i < j->marks.count; i++) {
		const struct journal_mark *mark = journal_marks_at(&j->marks, i);

		if (mark->time >= since)
			journal_disk_mark(&j->disk, mark);
	}
}

/* The marks put down while writing failed, and one that says what is missing. */
static void catch_up_marks(struct journal *j, uint64_t from, uint64_t lost)
{
	struct journal_mark gap;

	write_marks(j, j->failed);
	if (!lost)
		return;
	journal_mark_init(&gap, JOURNAL_GAP, from, "not recorded: the disk could not be written");
	gap.length = lost;
	gap.duration = gap.time > j->failed ? gap.time - j->failed : 0;
	journal_marks_add(&j->marks, &gap);
	journal_disk_mark(&j->disk, &gap);
}

void journal_retry(struct journal *j)
{
	uint64_t from = j->disk.written > j->ring.first ? j->disk.written : j->ring.first;
	size_t len;

	if (j->disk.state != JOURNAL_DISK_FAILED)
		return;
	j->tried = journal_now();
	const uint8_t *data = journal_ring_view(&j->ring, from, &len);
	if (!journal_disk_resume(&j->disk, from, data, len))
		return;
	uint64_t lost = j->unwritten > len ? j->unwritten - len : 0;

	j->store->bytes_written += len;
	j->store->bytes_lost += lost;
	catch_up_marks(j, from, lost);
	if (j->disk.state != JOURNAL_DISK_ON)
		return;
	j->failed = 0;
	j->unwritten = 0;
	update(j);
	if (j->on_error)
		j->on_error(j->error_arg, 0);
}

void journal_rest(struct journal *j, uint64_t now)
{
	const struct journal_limits *l = &j->store->limits;
	uint64_t idle = now - JOURNAL_IDLE_US, old = 0, expired = 0, keep = JOURNAL_IDLE_MEMORY;

	if (l->age && l->age < now) {
		expired = now - l->age;
		old = now - l->age / 4;
	}
	journal_disk_tidy(&j->disk, idle, old, expired);
	j->store->expired += j->disk.expired;
	j->disk.expired = 0;
	if (j->disk.state == JOURNAL_DISK_ON && j->appended < idle && j->ring.next > keep &&
		j->disk.written == j->ring.next)
		journal_ring_forget(&j->ring, j->ring.next - keep);
}

void journal_set_record(struct journal *j, int record)
{
	int before = j->disk.state != JOURNAL_DISK_OFF;

	if (!j->store || before == !!record)
		return;
	journal_disk_set_record(&j->disk, record, j->ring.next);
	if (record)
		write_marks(j, j->stopped);
	else
		j->stopped = j->failed ? j->failed : journal_now();
	j->failed = 0;
	update(j);
}

int journal_recording(const struct journal *j)
{
	switch (j->disk.state) {
	case JOURNAL_DISK_OFF:
		break;
	case JOURNAL_DISK_ON:
		return 0;
	case JOURNAL_DISK_FAILED:
		return j->disk.error;
	}
	return -ENODATA;
}

/*
 * Life
 */

/* Where the numbers go on. */
static uint64_t choose_start(const struct journal *j, uint64_t start, enum journal_last_end last)
{
	uint64_t end = j->disk.written;

	if (!j->disk.segments.count)
		return start;
	if (last == JOURNAL_LAST_STORED)
		return end;
	/* The file with the numbers was taken away. */
	if (last == JOURNAL_LAST_NONE)
		start = journal_reserve_clock();
	return start > end ? start : end;
}

/* The last screens of before, so that a viewer is shown them at once. */
static void preload(struct journal *j, uint64_t start)
{
	const struct journal_segment *last = journal_segments_last(&j->disk.segments);
	size_t len;

	journal_ring_restart(&j->ring, start);
	if (!last || last->packed || !last->len || journal_segment_end(last) != start)
		return;
	len = last->len < PRELOAD ? (size_t)last->len : PRELOAD;
	uint8_t *mem = malloc(len);
	if (mem && journal_segment_read(last, j->disk.dir, last->len - len, mem, len) ==
			   (ssize_t)len) {
		journal_ring_restart(&j->ring, start - len);
		journal_ring_append(&j->ring, mem, len);
	}
	free(mem);
}

/* What was known of the last bytes, and the boots between them. */
static int recall(void *arg, const struct journal_index_entry *entry)
{
	struct journal *j = arg;

	if (entry->mark.offset > j->ring.next)
		return 0;
	if (entry->kind == JOURNAL_INDEX_STATE)
		journal_states_add(&j->states, entry->mark.offset, entry->word);
	else if (entry->kind == JOURNAL_INDEX_MARK && entry->mark.kind == JOURNAL_BOOT)
		journal_marks_add(&j->marks, &entry->mark);
	return 0;
}

/* Says what happened between the last use of the offsets and this one. */
static void mark_start(struct journal *j, enum journal_last_end last)
{
	static const char *const causes[] = {
		[JOURNAL_LAST_NONE] = NULL,
		[JOURNAL_LAST_CLOSED] = "service was restarted",
		[JOURNAL_LAST_STORED] = "service ended without warning",
		[JOURNAL_LAST_KILLED] = "service ended without warning",
		[JOURNAL_LAST_LOST] = "host went down without warning, or state was lost",
	};
	struct journal_mark mark;

	if (!causes[last])
		return;
	journal_mark_init(&mark, JOURNAL_GAP, j->ring.next, causes[last]);
	if (j->disk.segments.count && j->disk.written < j->ring.next)
		mark.length = j->ring.next - j->disk.written;
	if (last == JOURNAL_LAST_CLOSED && j->reserve.time && mark.time > j->reserve.time)
		mark.duration = mark.time - j->reserve.time;
	put_mark(j, &mark);
}

static int open_files(struct journal *j, const struct journal_options *o)
{
	enum journal_last_end last;
	uint64_t start;
	int r = journal_reserve_init(&j->reserve, o->dir, &start, &last);

	if (!r)
		r = journal_disk_init(&j->disk, j->store ? &j->store->work : NULL,
			j->store ? &j->store->limits : NULL, o->dir, o->record);
	if (r < 0)
		return r;
	start = choose_start(j, start, last);
	if (last == JOURNAL_LAST_NONE && j->disk.segments.count)
		last = JOURNAL_LAST_LOST;
	j->disk.lost = j->disk.written < start;
	journal_reserve_begin(&j->reserve, &start);
	if (j->store && j->reserve.path)
		journal_work_sync(&j->store->work, j->reserve.path);
	preload(j, start);
	journal_disk_look_back(&j->disk, recall, j);
	mark_start(j, last);
	update(j);
	return 0;
}

int journal_create(const struct journal_options *o, struct journal **journal)
{
	size_t memory = o->memory ? o->memory : JOURNAL_MEMORY_DEFAULT;

	*journal = NULL;
	if (memory < JOURNAL_MEMORY_MIN || memory > JOURNAL_MEMORY_MAX)
		return -EINVAL;
	struct journal *j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	LIST_INIT(&j->idle);
	LIST_INIT(&j->waiting);
	LIST_INIT(&j->queries);
	j->disk.fd = -1;
	j->store = o->dir ? o->store : NULL;
	j->on_error = o->on_error;
	j->error_arg = o->arg;
	if (j->store)
		LIST_INSERT_HEAD(&j->store->journals, j, link);
	int r = journal_ring_init(&j->ring, memory, 0);
	if (!r)
		r = open_files(j, o);
	*journal = j;
	if (r < 0) {
		free(j->reserve.path);
		j->reserve.path = NULL;
		journal_destroy(journal);
	}
	return r;
}

void journal_destroy(struct journal **journal)
{
	struct journal *j = *journal;

	if (!j)
		return;
	assert(LIST_EMPTY(&j->idle) && LIST_EMPTY(&j->waiting));
	journal_end_queries(j);
	if (j->store)
		LIST_REMOVE(j, link);
	journal_reserve_close(&j->reserve, j->ring.next);
	journal_reserve_finish(&j->reserve);
	journal_disk_finish(&j->disk);
	journal_marks_finish(&j->marks);
	journal_states_finish(&j->states);
	journal_timestamps_finish(&j->timestamps);
	journal_ring_finish(&j->ring);
	free(j);
	*journal = NULL;
}

/*
 * Looking
 */
uint64_t journal_first(const struct journal *j)
{
	const struct journal_segments *s = &j->disk.segments;

	return s->count && s->list[0].start < j->ring.first ? s->list[0].start : j->ring.first;
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

/*
 * Marks
 */
void journal_mark(struct journal *j, enum journal_mark_kind kind, const char *text)
{
	struct journal_mark mark;

	journal_mark_init(&mark, kind, j->ring.next, text);
	put_mark(j, &mark);
}

int journal_mark_after(
	const struct journal *j, enum journal_mark_kind kind, uint64_t offset, uint64_t *found)
{
	for (size_t i = 0; i < j->marks.count; i++) {
		const struct journal_mark *mark = journal_marks_at(&j->marks, i);

		if (mark->kind != kind || mark->offset <= offset)
			continue;
		*found = mark->offset;
		return 0;
	}
	return -ENOENT;
}

void journal_gap(struct journal *j, const char *cause, uint64_t duration)
{
	struct journal_mark mark;

	journal_mark_init(&mark, JOURNAL_GAP, j->ring.next, cause);
	mark.duration = duration;
	put_mark(j, &mark);
}

/*
 * States
 */
void journal_keep_state(struct journal *j, const char *word)
{
	journal_states_add(&j->states, j->ring.next, word);
	journal_disk_state(&j->disk, j->ring.next, word);
	update(j);
}

int journal_state_before(
	const struct journal *j, uint64_t least, uint64_t most, struct journal_state *state)
{
	const struct journal_state_kept *kept = journal_states_find(&j->states, least, most);

	if (!kept)
		return -ENOENT;
	state->offset = kept->offset;
	snprintf(state->word, sizeof(state->word), "%s", kept->word);
	return 0;
}
