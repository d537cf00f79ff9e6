/*
 * Looks for things in the segments of a journal: times, marks, lines. Reads files, so it is for
 * job threads; works on a copy of the table. Knows no journal.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_SEARCH_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_SEARCH_H

#include "console/journal/segment/journal_segment.h"
#include "console/journal/segment/journal_timestamps.h"

/* Where to look. */
struct journal_search {
	char *dir;
	struct journal_segment *list;
	size_t count;
};

int journal_search_init(struct journal_search *s, const char *dir,
	const struct journal_segments *segments) MUST_CHECK;
void journal_search_finish(struct journal_search *s);

/*
 * The offset of the first output at or after time, up to a second early. 1 found, 0 not.
 */
int journal_search_time(const struct journal_search *s, uint64_t time, uint64_t *offset);

/*
 * The times of the bytes from..to-1, from one segment's index: the last one at or before from, and
 * all behind it. *list is malloc'ed. 0 or -errno.
 */
int journal_search_timestamps(const char *index_path, uint64_t from, uint64_t to,
	struct journal_stamp **list, size_t *count) MUST_CHECK;

/* Marks found, oldest first. */
struct journal_mark_list {
	struct journal_mark *list;
	size_t count;
};

/*
 * The newest max marks with from <= offset < to (UINT64_MAX: all behind from); of one kind, or
 * of all if kind is JOURNAL_KINDS. 0 or -ENOMEM. An index that cannot be read has none.
 */
int journal_search_marks(const struct journal_search *s, uint64_t from, uint64_t to,
	enum journal_mark_kind kind, size_t max, struct journal_mark_list *found) MUST_CHECK;

/*
 * Goes back over lines line ends before offset end, not counting one that stands right before it
 * if last is set; *offset is where the line behind the last of them begins. 1 found; 0 there are
 * not so many: *offset is the first one kept.
 */
int journal_search_lines(
	const struct journal_search *s, uint64_t end, bool last, uint64_t lines, uint64_t *offset);

#endif
