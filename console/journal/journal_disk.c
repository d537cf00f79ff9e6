/*
 * The growing segment of a journal and its index.
 *
 * Owner: a journal. May not know rings, readers, consoles.
 */
#include "console/journal/journal_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/journal/journal_disk_pack.h"
#include "console/journal/segment/journal_marks.h"
#include "core/io.h"

#define SEGMENT_FLOOR 4096
#define INDEX_TAIL ((size_t)64 << 10) /* of it is read at a start */

/* A console's limit is kept by removing whole segments, so there must be some. */
static uint64_t segment_max(const struct journal_disk *d)
{
	const struct journal_limits *l = d->limits;
	uint64_t max = l->segment_bytes ? l->segment_bytes : JOURNAL_SEGMENT_DEFAULT;

	if (l->console_bytes && max > l->console_bytes / 8)
		max = l->console_bytes / 8;
	return max < SEGMENT_FLOOR ? SEGMENT_FLOOR : max;
}

static void fail(struct journal_disk *d, int error)
{
	fd_close(&d->fd);
	d->state = JOURNAL_DISK_FAILED;
	d->error = error;
}

int journal_disk_init(struct journal_disk *d, struct journal_work *work,
	const struct journal_limits *limits, const char *dir, bool record)
{
	memset(d, 0, sizeof(*d));
	d->fd = -1;
	if (!work)
		return 0;
	d->dir = strdup(dir);
	if (!d->dir)
		return -ENOMEM;
	d->work = work;
	d->limits = limits;
	d->state = record ? JOURNAL_DISK_ON : JOURNAL_DISK_OFF;
	int r = journal_segments_load(&d->segments, dir, true);
	if (r < 0 && record)
		fail(d, r);
	struct journal_segment *last = journal_segments_last(&d->segments);

	if (last)
		d->written = journal_segment_end(last);
	journal_disk_pack_next(d);
	return 0;
}

void journal_disk_finish(struct journal_disk *d)
{
	fd_close(&d->fd);
	journal_disk_pack_abandon(d);
	journal_segments_finish(&d->segments);
	free(d->dir);
	memset(d, 0, sizeof(*d));
	d->fd = -1;
}

/*
 * The index
 */
static void add_size(struct journal_disk *d, uint64_t bytes)
{
	journal_segments_last(&d->segments)->disk += bytes;
	d->segments.disk += bytes;
}

/* Adds a line to the growing segment's index. A folder that was removed is noticed here. */
static int write_entry(struct journal_disk *d, const struct journal_index_entry *entry)
{
	const struct journal_segment *segment = journal_segments_last(&d->segments);
	char line[JOURNAL_INDEX_LINE_MAX], path[PATH_MAX];
	size_t len = journal_index_write(entry, line);
	int create = entry->kind == JOURNAL_INDEX_HEAD ? O_CREAT | O_TRUNC : 0;
	int r = journal_segment_index_path(segment->start, d->dir, path);

	if (r < 0)
		return r;
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | create, 0600);
	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, line, len);
	if (n == (ssize_t)len) {
		d->index_len += len;
		add_size(d, len);
	} else {
		/* Half a line would be read as one with the next. */
		r = n < 0 ? -errno : -ENOSPC;
		if (n > 0 && ftruncate(fd, (off_t)d->index_len) < 0)
			r = -errno;
	}
	close(fd);
	return r;
}

static int write_stamp(struct journal_disk *d, uint64_t offset)
{
	struct journal_index_entry entry = {.kind = JOURNAL_INDEX_STAMP};

	entry.mark.offset = offset;
	entry.mark.time = journal_now();
	if (entry.mark.time < d->stamped + JOURNAL_STAMP_US && entry.mark.time >= d->stamped)
		return 0;
	int r = write_entry(d, &entry);
	if (!r) {
		d->stamped = entry.mark.time;
		if (!d->begun)
			d->begun = entry.mark.time;
	}
	return r;
}

static int write_head(struct journal_disk *d)
{
	const struct journal_segment *segment = journal_segments_last(&d->segments);
	struct journal_index_entry head = {.kind = JOURNAL_INDEX_HEAD, .join = segment->join};

	head.mark.offset = segment->start;
	d->index_len = 0;
	d->stamped = d->begun = 0;
	return write_entry(d, &head);
}

/* Cuts off half a line that a crash has left; finds out when the segment began. */
static int repair_index(struct journal_disk *d)
{
	const struct journal_segment *segment = journal_segments_last(&d->segments);
	char path[PATH_MAX], tail[JOURNAL_INDEX_LINE_MAX];
	struct stat st;
	int r = journal_segment_index_path(segment->start, d->dir, path);

	if (r < 0)
		return r;
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? write_head(d) : -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (!r) {
		off_t from =
			st.st_size > (off_t)sizeof(tail) ? st.st_size - (off_t)sizeof(tail) : 0;
		ssize_t n = pread(fd, tail, sizeof(tail), from);
		const char *end = n > 0 ? memrchr(tail, '\n', (size_t)n) : NULL;

		d->index_len = end ? (uint64_t)from + (uint64_t)(end + 1 - tail) : 0;
		if (n < 0 || ftruncate(fd, (off_t)d->index_len) < 0)
			r = -errno;
	}
	close(fd);
	d->stamped = 0;
	d->begun = segment->time;
	if (!r && !d->index_len)
		r = write_head(d);
	return r;
}

/*
 * The growing segment
 */

/* Goes on with the last segment. */
static int reopen(struct journal_disk *d)
{
	const struct journal_segment *segment = journal_segments_last(&d->segments);
	char path[PATH_MAX];
	struct stat st;
	int r = journal_segment_path(segment, d->dir, path);

	if (r < 0)
		return r;
	d->fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (d->fd < 0)
		return -errno;
	if (fstat(d->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size != segment->len)
		return -EBADMSG;
	return repair_index(d);
}

static int create(struct journal_disk *d, uint64_t offset)
{
	const struct journal_segment *last = journal_segments_last(&d->segments);
	enum journal_join join = JOURNAL_JOINED;
	char path[PATH_MAX];

	if (last && journal_segment_end(last) != offset)
		join = d->lost ? JOURNAL_LOST : JOURNAL_UNUSED;
	int r = make_dirs(d->dir, 0700);
	if (!r)
		r = journal_segments_add(&d->segments, offset, join);
	if (r < 0)
		return r;
	r = journal_segment_path(journal_segments_last(&d->segments), d->dir, path);
	if (!r) {
		d->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		r = d->fd < 0 ? -errno : write_head(d);
	}
	if (r < 0) {
		if (d->fd >= 0)
			unlink(path);
		fd_close(&d->fd);
		d->segments.disk -= journal_segments_last(&d->segments)->disk;
		d->segments.count--;
		return r;
	}
	d->lost = false;
	return 0;
}

/* Keeps the size limit, with room for another segment. */
static void make_room(struct journal_disk *d)
{
	uint64_t max = d->limits->console_bytes;

	while (max && d->segments.disk + segment_max(d) > max && journal_disk_drop_oldest(d))
		;
}

/* Ends the growing segment. */
static void end_segment(struct journal_disk *d)
{
	const struct journal_segment *last = journal_segments_last(&d->segments);
	struct journal_index_entry entry = {.kind = JOURNAL_INDEX_END};
	char path[PATH_MAX];

	if (d->fd < 0)
		return;
	entry.mark.offset = journal_segment_end(last);
	entry.mark.time = journal_now();
	/* Nothing hangs on this line: without it the segment ends where its bytes end. */
	(void)write_entry(d, &entry);
	fd_close(&d->fd);
	if (d->limits->keep_raw && journal_segment_path(last, d->dir, path) == 0)
		journal_work_sync(d->work, path);
	journal_disk_pack_next(d);
}

/* Makes sure that a segment is open in which offset is the next byte. */
static int ensure_segment(struct journal_disk *d, uint64_t offset)
{
	const struct journal_segment *last = journal_segments_last(&d->segments);
	bool fits = last && !last->packed && !last->packing &&
		    journal_segment_end(last) == offset && last->len < segment_max(d);

	if (fits && d->fd >= 0)
		return 0;
	if (fits && reopen(d) == 0)
		return 0;
	fd_close(&d->fd);
	if (fits && !last->len)
		return -EEXIST; /* an empty one of this name that is not as it should be */
	make_room(d);
	int r = create(d, offset);
	journal_disk_pack_next(d);
	return r;
}

size_t journal_disk_write(struct journal_disk *d, uint64_t offset, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len && d->state == JOURNAL_DISK_ON) {
		int r = ensure_segment(d, offset + done);

		if (!r)
			r = write_stamp(d, offset + done);
		if (r < 0) {
			fail(d, r);
			break;
		}
		struct journal_segment *segment = journal_segments_last(&d->segments);
		uint64_t room = segment_max(d) - segment->len;
		size_t want = len - done < room ? len - done : (size_t)room;
		ssize_t n = write(d->fd, data + done, want);

		if (n <= 0) {
			fail(d, n < 0 ? -errno : -ENOSPC);
			break;
		}
		done += (size_t)n;
		segment->len += (uint64_t)n;
		segment->time = journal_now();
		d->written = offset + done;
		add_size(d, (uint64_t)n);
		if (segment->len >= segment_max(d))
			end_segment(d);
	}
	return done;
}

static void put_entry(struct journal_disk *d, const struct journal_index_entry *entry)
{
	const struct journal_segment *last = journal_segments_last(&d->segments);

	if (d->state != JOURNAL_DISK_ON)
		return;
	/* A mark that was put down while writing failed comes late. */
	bool late = d->fd >= 0 && entry->mark.offset < journal_segment_end(last);
	int r = late ? 0 : ensure_segment(d, entry->mark.offset);

	if (!r)
		r = write_entry(d, entry);
	if (r < 0)
		fail(d, r);
}

void journal_disk_mark(struct journal_disk *d, const struct journal_mark *mark)
{
	const struct journal_index_entry entry = {.kind = JOURNAL_INDEX_MARK, .mark = *mark};

	put_entry(d, &entry);
}

void journal_disk_state(struct journal_disk *d, uint64_t offset, const char *word)
{
	struct journal_index_entry entry = {.kind = JOURNAL_INDEX_STATE};

	entry.mark.offset = offset;
	entry.mark.time = journal_now();
	snprintf(entry.word, sizeof(entry.word), "%s", word);
	put_entry(d, &entry);
}

void journal_disk_look_back(const struct journal_disk *d, journal_index_fn fn, void *arg)
{
	const struct journal_segment *last = journal_segments_last(&d->segments);
	char path[PATH_MAX], *tail;
	struct stat st;

	if (!last || journal_segment_index_path(last->start, d->dir, path) < 0)
		return;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	tail = fd < 0 ? NULL : malloc(INDEX_TAIL);
	if (tail && fstat(fd, &st) == 0) {
		off_t from = st.st_size > (off_t)INDEX_TAIL ? st.st_size - (off_t)INDEX_TAIL : 0;
		ssize_t n = pread(fd, tail, INDEX_TAIL, from);

		/* The first line is the head, or the rest of one, which may look like another. */
		const char *first = n > 0 ? memchr(tail, '\n', (size_t)n) : NULL;

		if (first)
			journal_index_walk(
				first + 1, (size_t)(tail + n - first - 1), fn, arg, NULL);
	}
	free(tail);
	fd_close(&fd);
}

bool journal_disk_resume(struct journal_disk *d, uint64_t offset, const uint8_t *data, size_t len)
{
	uint64_t written = d->written;

	/* Somebody may have been at the folder while we were not. */
	journal_segments_finish(&d->segments);
	if (journal_segments_load(&d->segments, d->dir, true) < 0)
		return false;
	d->state = JOURNAL_DISK_ON;
	d->error = 0;
	d->lost = d->lost || offset > written;
	if (!len) {
		int r = ensure_segment(d, offset);

		if (r < 0)
			fail(d, r);
	}
	return journal_disk_write(d, offset, data, len) == len && d->state == JOURNAL_DISK_ON;
}

void journal_disk_set_record(struct journal_disk *d, bool record, uint64_t offset)
{
	if (!d->work || record == (d->state != JOURNAL_DISK_OFF))
		return;
	if (record) {
		d->state = JOURNAL_DISK_ON;
		d->lost = d->lost || d->written < offset;
		return;
	}
	end_segment(d);
	d->state = JOURNAL_DISK_OFF;
	d->error = 0;
}

/*
 * Limits
 */
static const struct journal_segment *journal_disk_oldest(const struct journal_disk *d)
{
	size_t keep = d->state == JOURNAL_DISK_OFF ? 0 : 1;

	return d->segments.count > keep ? &d->segments.list[0] : NULL;
}

static void drop_first(struct journal_disk *d)
{
	struct journal_segment *first = &d->segments.list[0];
	char path[PATH_MAX];

	if (journal_segment_path(first, d->dir, path) == 0)
		journal_work_unlink(d->work, path);
	if (first->packing) {
		/* It may just come to be; the one thread for both gets here when it has. */
		first->packed = true;
		if (journal_segment_path(first, d->dir, path) == 0)
			journal_work_unlink(d->work, path);
	}
	if (journal_segment_index_path(first->start, d->dir, path) == 0)
		journal_work_unlink(d->work, path);
	journal_segments_drop_first(&d->segments);
	d->expired++;
}

bool journal_disk_drop_oldest(struct journal_disk *d)
{
	if (!journal_disk_oldest(d))
		return false;
	drop_first(d);
	return true;
}

void journal_disk_tidy(struct journal_disk *d, uint64_t idle_since, uint64_t old, uint64_t expired)
{
	const struct journal_segment *last = journal_segments_last(&d->segments);

	if (d->fd >= 0 && last->len && d->begun < old)
		end_segment(d);
	else if (d->fd >= 0 && last->time < idle_since)
		fd_close(&d->fd);
	while (d->segments.count > (d->fd >= 0) && d->segments.list[0].time < expired)
		drop_first(d);
	make_room(d);
	journal_disk_pack_next(d);
}
