/*
 * Looking at a journal's files.
 *
 * Owner: tools. May not know open journals: everything comes from the folder.
 */
#include "console/journal/segment/journal_tool.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "console/journal/segment/journal_pack.h"
#include "console/journal/segment/journal_reserve.h"
#include "console/journal/segment/journal_segment.h"

static int load(const char *dir, struct journal_segments *s)
{
	struct stat st;

	/* The table takes a missing folder for an empty one. */
	if (stat(dir, &st) < 0)
		return -errno;
	return journal_segments_load(s, dir, false);
}

/*
 * Info
 */
static int count_entry(void *arg, const struct journal_index_entry *entry)
{
	struct journal_info *info = arg;

	if (entry->kind == JOURNAL_INDEX_MARK)
		info->marks++;
	if (entry->kind == JOURNAL_INDEX_STAMP && !info->oldest)
		info->oldest = entry->mark.time;
	if (entry->kind == JOURNAL_INDEX_STAMP)
		info->newest = entry->mark.time;
	return 0;
}

int journal_info(const char *dir, struct journal_info *info)
{
	struct journal_segments s = {.count = 0};
	enum journal_last_end last = JOURNAL_LAST_NONE;
	char path[PATH_MAX];
	int r = load(dir, &s);

	memset(info, 0, sizeof(*info));
	if (r < 0)
		return r;
	info->first = s.count ? s.list[0].start : 0;
	info->end = info->first;
	for (size_t i = 0; i < s.count; i++) {
		const struct journal_segment *segment = &s.list[i];

		info->holes += segment->start > info->end;
		info->missing += segment->start - info->end;
		info->end = journal_segment_end(segment);
		info->bytes += segment->len;
		info->packed += segment->packed;
		/* Without an index it has no times and no marks. */
		if (journal_segment_index_path(segment->start, dir, path) == 0 &&
			journal_index_read(path, count_entry, info, NULL) < 0)
			continue;
	}
	info->segments = s.count;
	info->disk = s.disk;
	if (journal_reserve_peek(dir, &info->next, &last) < 0)
		info->next = 0;
	info->closed = last == JOURNAL_LAST_CLOSED;
	journal_segments_finish(&s);
	return 0;
}

/*
 * Verify
 */
struct verifier {
	const char *dir;
	journal_problem_fn fn;
	void *arg;
	int problems;
	const struct journal_segment *segment;
	bool is_last, has_head, has_end;
	uint64_t stamp; /* offset of the last one */
};

__attribute__((format(printf, 2, 3))) static void problem(
	struct verifier *v, const char *format, ...)
{
	char text[256], line[320];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (v->segment)
		snprintf(line, sizeof(line), "%020" PRIu64 ": %s", v->segment->start, text);
	else
		snprintf(line, sizeof(line), "%s", text);
	v->problems++;
	if (v->fn)
		v->fn(v->arg, line);
}

/* No offset of the index lies behind it; the last segment may just be growing. */
static uint64_t bound(const struct verifier *v)
{
	return v->is_last ? UINT64_MAX : journal_segment_end(v->segment);
}

static void verify_stamp(struct verifier *v, uint64_t offset)
{
	if (offset < v->stamp)
		problem(v, "index: time of offset %" PRIu64 " stands behind one of %" PRIu64,
			offset, v->stamp);
	/* One may have been written right before the crash that kept its byte away. */
	if (offset < v->segment->start || offset > bound(v))
		problem(v, "index: time of offset %" PRIu64 ", which is not in the segment",
			offset);
	v->stamp = offset;
}

static int verify_entry(void *arg, const struct journal_index_entry *entry)
{
	struct verifier *v = arg;
	uint64_t offset = entry->mark.offset;

	switch (entry->kind) {
	case JOURNAL_INDEX_HEAD:
		if (offset != v->segment->start)
			problem(v, "index: is of offset %" PRIu64, offset);
		v->has_head = true;
		break;
	case JOURNAL_INDEX_STAMP:
		verify_stamp(v, offset);
		break;
	case JOURNAL_INDEX_MARK:
	case JOURNAL_INDEX_STATE:
		if (offset > bound(v))
			problem(v, "index: mark or state at offset %" PRIu64 ", behind the segment",
				offset);
		break;
	case JOURNAL_INDEX_END:
		if (offset < journal_segment_end(v->segment) || offset > bound(v))
			problem(v, "ends at %" PRIu64 ", its index says %" PRIu64,
				journal_segment_end(v->segment), offset);
		v->has_end = true;
		break;
	}
	return 0;
}

static void verify_index(struct verifier *v)
{
	char path[PATH_MAX];
	size_t bad = 0;
	int r = journal_segment_index_path(v->segment->start, v->dir, path);

	v->has_head = v->has_end = false;
	v->stamp = v->segment->start;
	if (!r)
		r = journal_index_read(path, verify_entry, v, &bad);
	if (r < 0) {
		problem(v, "index: %s", strerror(-r));
		return;
	}
	if (!v->has_head)
		problem(v, "index: has no first line");
	/* Half a line is what a kill leaves, or a write that goes on. */
	if (bad > 1 || (bad && v->has_end))
		problem(v, "index: %zu lines cannot be understood", bad);
}

static void verify_bytes(struct verifier *v, uint8_t *mem)
{
	const struct journal_segment *segment = v->segment;
	char path[PATH_MAX];
	uint64_t at = 0, len;
	int r = journal_segment_path(segment, v->dir, path);

	if (!r && segment->packed) {
		r = journal_pack_length(path, &len);
		if (!r && len != segment->len)
			problem(v, "holds %" PRIu64 " bytes, its name says %" PRIu64, len,
				segment->len);
	}
	while (!r && at < segment->len) {
		ssize_t n = journal_segment_read(segment, v->dir, at, mem, JOURNAL_PACK_FRAME);

		if (n <= 0)
			r = n < 0 ? (int)n : -EBADMSG;
		else
			at += (uint64_t)n;
	}
	if (r < 0)
		problem(v, "cannot be read at offset %" PRIu64 ": %s", segment->start + at,
			r == -EBADMSG ? "it is damaged" : strerror(-r));
}

static void verify_offsets(struct verifier *v, const struct journal_segments *s)
{
	uint64_t end = s->count ? journal_segment_end(&s->list[s->count - 1]) : 0, next;
	enum journal_last_end last;
	int r = journal_reserve_peek(v->dir, &next, &last);

	v->segment = NULL;
	if (r < 0)
		problem(v, JOURNAL_RESERVE_FILE ": %s",
			r == -EBADMSG ? "is damaged" : strerror(-r));
	else if (next < end)
		problem(v, JOURNAL_RESERVE_FILE ": says %" PRIu64 ", but bytes go on to %" PRIu64,
			next, end);
}

int journal_verify(const char *dir, journal_problem_fn fn, void *arg)
{
	struct verifier v = {.dir = dir, .fn = fn, .arg = arg};
	struct journal_segments s = {.count = 0};
	uint8_t *mem = malloc(JOURNAL_PACK_FRAME);
	int r = mem ? load(dir, &s) : -ENOMEM;

	if (r < 0) {
		free(mem);
		return r;
	}
	for (size_t i = 0; i < s.count; i++) {
		v.segment = &s.list[i];
		v.is_last = i + 1 == s.count;
		verify_index(&v);
		verify_bytes(&v, mem);
	}
	verify_offsets(&v, &s);
	journal_segments_finish(&s);
	free(mem);
	return v.problems;
}

/*
 * Export
 */
struct exporter {
	uint64_t from, to;
	journal_export_fn fn;
	void *arg;
	uint8_t *mem;
};

/* Tells of offsets without bytes, as far as they are asked for. */
static int export_hole(const struct exporter *e, uint64_t from, uint64_t to)
{
	from = from < e->from ? e->from : from;
	to = to < e->to ? to : e->to;
	return from < to ? e->fn(e->arg, from, NULL, (size_t)(to - from)) : 0;
}

static int export_segment(
	const struct exporter *e, const char *dir, const struct journal_segment *segment)
{
	uint64_t end = journal_segment_end(segment), stop = end < e->to ? end : e->to;
	uint64_t at = segment->start > e->from ? segment->start : e->from;
	int r = 0;

	while (!r && at < stop) {
		size_t want =
			stop - at < JOURNAL_PACK_FRAME ? (size_t)(stop - at) : JOURNAL_PACK_FRAME;
		ssize_t n = journal_segment_read(segment, dir, at - segment->start, e->mem, want);

		if (n <= 0)
			return export_hole(e, at, stop);
		r = e->fn(e->arg, at, e->mem, (size_t)n);
		at += (uint64_t)n;
	}
	return r;
}

int journal_export(const char *dir, uint64_t from, uint64_t to, journal_export_fn fn, void *arg)
{
	struct exporter e = {from, to, fn, arg, malloc(JOURNAL_PACK_FRAME)};
	struct journal_segments s = {.count = 0};
	int r = e.mem ? load(dir, &s) : -ENOMEM;

	if (r < 0) {
		free(e.mem);
		return r;
	}
	uint64_t at = s.count ? s.list[0].start : 0;

	for (size_t i = 0; i < s.count && !r; i++) {
		r = export_hole(&e, at, s.list[i].start);
		if (!r)
			r = export_segment(&e, dir, &s.list[i]);
		at = journal_segment_end(&s.list[i]);
	}
	journal_segments_finish(&s);
	free(e.mem);
	return r;
}

struct mark_exporter {
	journal_mark_fn fn;
	void *arg;
};

static int export_mark(void *arg, const struct journal_index_entry *entry)
{
	const struct mark_exporter *e = arg;

	return entry->kind == JOURNAL_INDEX_MARK ? e->fn(e->arg, &entry->mark) : 0;
}

int journal_export_marks(const char *dir, journal_mark_fn fn, void *arg)
{
	struct mark_exporter e = {fn, arg};
	struct journal_segments s = {.count = 0};
	char path[PATH_MAX];
	int r = load(dir, &s);

	if (r < 0)
		return r;
	for (size_t i = 0; i < s.count && !r; i++) {
		r = journal_segment_index_path(s.list[i].start, dir, path);
		if (!r)
			r = journal_index_read(path, export_mark, &e, NULL);
		if (r == -ENOENT)
			r = 0;
	}
	journal_segments_finish(&s);
	return r;
}
