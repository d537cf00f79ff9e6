/*
 * The segments of one console's journal: files of consecutive bytes, and the table of them.
 *
 * In the console's folder, FIRST and END being offsets of 20 decimal digits:
 *     FIRST.log       bytes from offset FIRST on, as printed
 *     FIRST-END.zst   the same, packed (console/journal/segment/journal_pack.h)
 *     FIRST.idx       the index of either (console/journal/segment/journal_index.h)
 *     *.new           something unfinished, to be removed
 *
 * Offsets inside a segment are without holes; between segments there may be some.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_SEGMENT_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_SEGMENT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "console/journal/segment/journal_index.h"

#define JOURNAL_SEGMENTS_MAX 65536

struct journal_segment {
	uint64_t start, len;
	uint64_t disk; /* bytes of its files */
	uint64_t time; /* of the last byte written, microseconds */
	bool packed;
	bool packing;           /* a job is at it, or has failed at it */
	enum journal_join join; /* to the one before */
};

/* Sorted by start, never overlapping. */
struct journal_segments {
	struct journal_segment *list;
	size_t count, room;
	uint64_t disk; /* bytes of all files */
};

/*
 * Reads the folder. With repair, removes what is unfinished, doubled or left over. A folder that
 * is missing is an empty one. 0 or -errno.
 */
int journal_segments_load(struct journal_segments *s, const char *dir, bool repair) MUST_CHECK;
void journal_segments_finish(struct journal_segments *s);

/* Adds one behind the last. -ENOMEM, -ENOSPC. */
int journal_segments_add(
	struct journal_segments *s, uint64_t start, enum journal_join join) MUST_CHECK;

/* Takes the oldest out of the table. */
void journal_segments_drop_first(struct journal_segments *s);

/* The one that holds offset, or the first behind it; NULL when there is neither. */
struct journal_segment *journal_segments_find(const struct journal_segments *s, uint64_t offset);

struct journal_segment *journal_segments_last(const struct journal_segments *s);

static inline uint64_t journal_segment_end(const struct journal_segment *segment)
{
	return segment->start + segment->len;
}

/* The paths of its files; -ENAMETOOLONG. */
int journal_segment_path(
	const struct journal_segment *segment, const char *dir, char path[PATH_MAX]) MUST_CHECK;
int journal_segment_index_path(uint64_t start, const char *dir, char path[PATH_MAX]) MUST_CHECK;

/*
 * Reads bytes of a segment from its byte at on: at least one and at most room; 0 behind the end;
 * -errno. It may have been packed since the table was read. For job threads.
 */
ssize_t journal_segment_read(const struct journal_segment *segment, const char *dir, uint64_t at,
	void *buf, size_t room) MUST_CHECK;

#endif
