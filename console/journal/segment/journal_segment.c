/*
 * Segments: names of files, the table, reading a folder.
 *
 * Owner: journal_disk.c, and the tools that look at a journal from outside. May not know who
 * writes or reads.
 */
#include "console/journal/segment/journal_segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console/journal/segment/journal_pack.h"

#define DIGITS 20

enum file_kind { FILE_OTHER, FILE_RAW, FILE_PACKED, FILE_INDEX, FILE_UNFINISHED };

static int join_path(char path[PATH_MAX], int len)
{
	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

int journal_segment_path(const struct journal_segment *s, const char *dir, char path[PATH_MAX])
{
	if (!s->packed)
		return join_path(
			path, snprintf(path, PATH_MAX, "%s/%020" PRIu64 ".log", dir, s->start));
	return join_path(path, snprintf(path, PATH_MAX, "%s/%020" PRIu64 "-%020" PRIu64 ".zst", dir,
				       s->start, journal_segment_end(s)));
}

int journal_segment_index_path(uint64_t start, const char *dir, char path[PATH_MAX])
{
	return join_path(path, snprintf(path, PATH_MAX, "%s/%020" PRIu64 ".idx", dir, start));
}

/* DIGITS digits at the start of name. */
static bool take_offset(const char *name, uint64_t *offset)
{
	if (strspn(name, "0123456789") != DIGITS)
		return false;
	errno = 0;
	*offset = strtoull(name, NULL, 10);
	return !errno && *offset <= INT64_MAX;
}

static enum file_kind parse_name(const char *name, uint64_t *start, uint64_t *end)
{
	size_t len = strlen(name);

	if (len > 4 && strcmp(name + len - 4, ".new") == 0)
		return FILE_UNFINISHED;
	if (!take_offset(name, start))
		return FILE_OTHER;
	name += DIGITS;
	if (strcmp(name, ".log") == 0)
		return FILE_RAW;
	if (strcmp(name, ".idx") == 0)
		return FILE_INDEX;
	if (name[0] == '-' && take_offset(name + 1, end) && *end >= *start &&
		strcmp(name + 1 + DIGITS, ".zst") == 0)
		return FILE_PACKED;
	return FILE_OTHER;
}

/* Makes room for one more. */
static int grow(struct journal_segments *s)
{
	if (s->count < s->room)
		return 0;
	size_t room = s->room ? s->room * 2 : 8;

	if (room > JOURNAL_SEGMENTS_MAX)
		return -ENOSPC;
	struct journal_segment *list = reallocarray(s->list, room, sizeof(*list));
	if (!list)
		return -ENOMEM;
	s->list = list;
	s->room = room;
	return 0;
}

static int add_file(struct journal_segments *s, int dir, const char *name, bool repair)
{
	struct journal_segment segment = {.start = 0};
	uint64_t end = 0;
	struct stat st;

	switch (parse_name(name, &segment.start, &end)) {
	case FILE_UNFINISHED:
		if (repair)
			unlinkat(dir, name, 0);
		return 0;
	case FILE_OTHER:
	case FILE_INDEX:
		return 0;
	case FILE_PACKED:
		segment.packed = true;
		segment.len = end - segment.start;
		break;
	case FILE_RAW:
		break;
	}
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	if (!segment.packed)
		segment.len = (uint64_t)st.st_size;
	segment.disk = (uint64_t)st.st_size;
	segment.time = (uint64_t)st.st_mtim.tv_sec * LOOP_SECOND;
	int r = grow(s);
	if (!r)
		s->list[s->count++] = segment;
	return r;
}

/* Packed ones first, so that the raw one of the same start is the doubled one. */
static int by_start(const void *a, const void *b)
{
	const struct journal_segment *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (int)y->packed - (int)x->packed;
}

/* Removes the raw files whose packed form is complete, and what cannot be: overlaps. */
static void drop_doubles(struct journal_segments *s, const char *dir, bool repair)
{
	char path[PATH_MAX];
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++) {
		struct journal_segment *last = n ? &s->list[n - 1] : NULL;

		if (last && last->start == s->list[i].start) {
			if (repair && journal_segment_path(&s->list[i], dir, path) == 0)
				unlink(path);
			continue;
		}
		if (last && journal_segment_end(last) > s->list[i].start)
			last->len = s->list[i].start - last->start;
		s->list[n++] = s->list[i];
	}
	s->count = n;
}

static int see_head(void *arg, const struct journal_index_entry *entry)
{
	if (entry->kind == JOURNAL_INDEX_HEAD)
		*(enum journal_join *)arg = entry->join;
	return 1;
}

/* What the index says: its own size, and, at holes, where the hole comes from. */
static void look_at_index(struct journal_segments *s, size_t i, const char *dir)
{
	struct journal_segment *segment = &s->list[i];
	char path[PATH_MAX];
	struct stat st;

	if (journal_segment_index_path(segment->start, dir, path) < 0)
		return;
	if (stat(path, &st) == 0)
		segment->disk += (uint64_t)st.st_size;
	if (i && journal_segment_end(segment - 1) < segment->start) {
		segment->join = JOURNAL_LOST;
		if (journal_index_read(path, see_head, &segment->join, NULL) < 0)
			segment->join = JOURNAL_LOST;
	}
}

/* Removes indexes whose segment is gone. */
static void drop_lone_indexes(const struct journal_segments *s, DIR *d)
{
	const struct dirent *entry;
	uint64_t start, end;

	rewinddir(d);
	while ((entry = readdir(d))) {
		if (parse_name(entry->d_name, &start, &end) != FILE_INDEX)
			continue;
		size_t i = 0;

		while (i < s->count && s->list[i].start != start)
			i++;
		if (i == s->count)
			unlinkat(dirfd(d), entry->d_name, 0);
	}
}

int journal_segments_load(struct journal_segments *s, const char *dir, bool repair)
{
	const struct dirent *entry;
	int r = 0;

	memset(s, 0, sizeof(*s));
	DIR *d = opendir(dir);
	if (!d)
		return errno == ENOENT ? 0 : -errno;
	while (!r && (entry = readdir(d)))
		r = add_file(s, dirfd(d), entry->d_name, repair);
	if (!r && s->count)
		qsort(s->list, s->count, sizeof(*s->list), by_start);
	if (!r) {
		drop_doubles(s, dir, repair);
		if (repair)
			drop_lone_indexes(s, d);
	}
	closedir(d);
	if (r < 0) {
		journal_segments_finish(s);
		return r;
	}
	for (size_t i = 0; i < s->count; i++) {
		look_at_index(s, i, dir);
		s->disk += s->list[i].disk;
	}
	return 0;
}

void journal_segments_finish(struct journal_segments *s)
{
	free(s->list);
	memset(s, 0, sizeof(*s));
}

int journal_segments_add(struct journal_segments *s, uint64_t start, enum journal_join join)
{
	int r = grow(s);

	if (r < 0)
		return r;
	s->list[s->count++] = (struct journal_segment){.start = start, .join = join};
	return 0;
}

void journal_segments_drop_first(struct journal_segments *s)
{
	s->disk -= s->list[0].disk;
	s->count--;
	memmove(s->list, s->list + 1, s->count * sizeof(*s->list));
}

struct journal_segment *journal_segments_find(const struct journal_segments *s, uint64_t offset)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (journal_segment_end(&s->list[middle]) <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->count ? &s->list[low] : NULL;
}

struct journal_segment *journal_segments_last(const struct journal_segments *s)
{
	return s->count ? &s->list[s->count - 1] : NULL;
}

static ssize_t read_raw(const char *path, uint64_t at, void *buf, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	ssize_t n = pread(fd, buf, room, (off_t)at);
	int error = n < 0 ? -errno : 0;

	close(fd);
	return error ? error : n;
}

ssize_t journal_segment_read(
	const struct journal_segment *segment, const char *dir, uint64_t at, void *buf, size_t room)
{
	struct journal_segment other = *segment;
	char path[PATH_MAX];
	ssize_t r = journal_segment_path(&other, dir, path);

	if (r == 0 && !other.packed) {
		r = read_raw(path, at, buf, room);
		if (r != -ENOENT)
			return r;
		other.packed = true;
		r = journal_segment_path(&other, dir, path);
	}
	return r < 0 ? r : journal_unpack(path, at, buf, room);
}
