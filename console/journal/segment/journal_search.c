/*
 * Searching segments.
 *
 * Owner: job threads. May not know journals or loops.
 */
#include "console/journal/segment/journal_search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "console/journal/segment/journal_pack.h"

int journal_search_init(
	struct journal_search *s, const char *dir, const struct journal_segments *segments)
{
	memset(s, 0, sizeof(*s));
	s->dir = strdup(dir);
	s->list = calloc(segments->count + 1, sizeof(*s->list));
	if (!s->dir || !s->list) {
		journal_search_finish(s);
		return -ENOMEM;
	}
	s->count = segments->count;
	if (s->count)
		memcpy(s->list, segments->list, s->count * sizeof(*s->list));
	return 0;
}

void journal_search_finish(struct journal_search *s)
{
	free(s->dir);
	free(s->list);
	memset(s, 0, sizeof(*s));
}

/*
 * Time
 */
struct time_search {
	uint64_t time, offset;
	struct journal_mark before; /* the last stamp before time */
	bool has_before;
};

static int see_time(void *arg, const struct journal_index_entry *entry)
{
	struct time_search *t = arg;

	if (entry->kind != JOURNAL_INDEX_STAMP)
		return 0;
	if (entry->mark.time < t->time) {
		t->before = entry->mark;
		t->has_before = true;
		return 0;
	}
	t->offset = entry->mark.offset;
	return 1;
}

int journal_search_time(const struct journal_search *s, uint64_t time, uint64_t *offset)
{
	struct time_search t = {.time = time};
	char path[PATH_MAX];

	for (size_t i = 0; i < s->count; i++) {
		/* A file's time is known to the second. */
		if (s->list[i].time + LOOP_SECOND < time ||
			journal_segment_index_path(s->list[i].start, s->dir, path) < 0)
			continue;
		int r = journal_index_read(path, see_time, &t, NULL);

		/* Output of less than a second after a stamp has none of its own. */
		if (t.has_before && time - t.before.time < LOOP_SECOND) {
			*offset = t.before.offset;
			return 1;
		}
		if (r == 1) {
			*offset = t.offset;
			return 1;
		}
	}
	return 0;
}

struct stamp_search {
	uint64_t from, to;
	struct journal_stamp *list;
	size_t count, room;
};

static int see_stamp(void *arg, const struct journal_index_entry *entry)
{
	struct stamp_search *s = arg;

	if (entry->kind != JOURNAL_INDEX_STAMP)
		return 0;
	if (entry->mark.offset >= s->to)
		return 1;
	/* Of those up to from, the last one counts. */
	if (entry->mark.offset <= s->from)
		s->count = 0;
	if (s->count == s->room) {
		size_t room = s->room ? s->room * 2 : 16;
		struct journal_stamp *list = reallocarray(s->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		s->list = list;
		s->room = room;
	}
	s->list[s->count++] = (struct journal_stamp){entry->mark.offset, entry->mark.time};
	return 0;
}

int journal_search_timestamps(const char *index_path, uint64_t from, uint64_t to,
	struct journal_stamp **list, size_t *count)
{
	struct stamp_search s = {.from = from, .to = to};
	int r = journal_index_read(index_path, see_stamp, &s, NULL);

	*list = s.list;
	*count = s.count;
	return r < 0 ? r : 0;
}

/*
 * Marks
 */
struct mark_search {
	uint64_t from, to;
	enum journal_mark_kind kind;
	struct journal_mark *list;
	size_t count, room;
};

static int add_mark(struct mark_search *m, const struct journal_mark *mark)
{
	if (m->count == m->room) {
		size_t room = m->room ? m->room * 2 : 16;
		struct journal_mark *list = reallocarray(m->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		m->list = list;
		m->room = room;
	}
	m->list[m->count++] = *mark;
	return 0;
}

static int see_mark(void *arg, const struct journal_index_entry *entry)
{
	struct mark_search *m = arg;
	const struct journal_mark *mark = &entry->mark;

	if (entry->kind != JOURNAL_INDEX_MARK || mark->offset < m->from ||
		(mark->offset >= m->to && m->to != UINT64_MAX) ||
		(m->kind != JOURNAL_KINDS && mark->kind != m->kind))
		return 0;
	return add_mark(m, mark);
}

static void reverse(struct journal_mark *list, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct journal_mark mark = list[i];

		list[i] = list[count - 1 - i];
		list[count - 1 - i] = mark;
	}
}

int journal_search_marks(const struct journal_search *s, uint64_t from, uint64_t to,
	enum journal_mark_kind kind, size_t max, struct journal_mark_list *found)
{
	struct mark_search m = {.from = from, .to = to, .kind = kind};
	char path[PATH_MAX];
	int r = 0;

	/* Newest first, until there are enough. */
	for (size_t i = s->count; i-- > 0 && m.count < max && r != -ENOMEM;) {
		size_t before = m.count;

		if (journal_segment_index_path(s->list[i].start, s->dir, path) < 0)
			continue;
		r = journal_index_read(path, see_mark, &m, NULL);
		if (m.count > before)
			reverse(m.list + before, m.count - before);
	}
	if (m.count > max)
		m.count = max;
	reverse(m.list, m.count);
	found->list = m.list;
	found->count = m.count;
	if (r == -ENOMEM) {
		free(m.list);
		memset(found, 0, sizeof(*found));
		return r;
	}
	return 0;
}

/*
 * Lines
 */

/* Reads all of the piece of a segment that begins at at; -errno or its length. */
static ssize_t read_piece(
	const char *dir, const struct journal_segment *segment, uint64_t at, uint8_t *mem)
{
	size_t have = 0, want = JOURNAL_PACK_FRAME;

	if (want > segment->len - at)
		want = (size_t)(segment->len - at);
	while (have < want) {
		ssize_t n = journal_segment_read(segment, dir, at + have, mem + have, want - have);

		if (n <= 0)
			return n < 0 ? n : -EBADMSG;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

/* Counts lines down through a piece, backwards. 1 the last one was found at *offset. */
static int lines_of_piece(
	const uint8_t *mem, size_t len, uint64_t start, uint64_t *lines, uint64_t *offset)
{
	const uint8_t *p;

	while ((p = memrchr(mem, '\n', len))) {
		len = (size_t)(p - mem);
		if (--*lines == 0) {
			*offset = start + len + 1;
			return 1;
		}
	}
	return 0;
}

static int lines_of_segment(const struct journal_search *s, const struct journal_segment *segment,
	uint64_t end, bool *last, uint8_t *mem, uint64_t *lines, uint64_t *offset)
{
	uint64_t at = end - segment->start; /* of what lies before the end */

	while (at) {
		/* Pieces lie as the frames of a packed segment do. */
		uint64_t piece = (at - 1) / JOURNAL_PACK_FRAME * JOURNAL_PACK_FRAME;
		ssize_t n = read_piece(s->dir, segment, piece, mem);

		if (n < 0)
			return 0;
		size_t len = (size_t)(at - piece);

		len -= *last && mem[len - 1] == '\n';
		*last = false;
		if (lines_of_piece(mem, len, segment->start + piece, lines, offset))
			return 1;
		at = piece;
	}
	return 0;
}

int journal_search_lines(
	const struct journal_search *s, uint64_t end, bool last, uint64_t lines, uint64_t *offset)
{
	uint8_t *mem = malloc(JOURNAL_PACK_FRAME);
	int found = 0;

	*offset = s->count ? s->list[0].start : end;
	for (size_t i = s->count; mem && i-- > 0 && !found;) {
		const struct journal_segment *segment = &s->list[i];
		uint64_t to =
			journal_segment_end(segment) < end ? journal_segment_end(segment) : end;

		if (segment->start < to)
			found = lines_of_segment(s, segment, to, &last, mem, &lines, offset);
	}
	free(mem);
	return found;
}
