/*
 * When the bytes in memory came: a bounded list of (offset, time), once a second of output, or in
 * longer steps when so many seconds would not fit: it always covers the whole memory. Pure.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_TIMESTAMPS_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_TIMESTAMPS_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_TIMESTAMPS_MAX 1024
#define JOURNAL_TIMESTAMPS_STEP UINT64_C(1000000) /* microseconds */

struct journal_stamp {
	uint64_t offset, time;
};

struct journal_timestamps {
	struct journal_stamp *list;
	size_t count, room;
	uint64_t step; /* between two of them, at least; 0: JOURNAL_TIMESTAMPS_STEP */
};

void journal_timestamps_finish(struct journal_timestamps *s);

/* The byte at offset comes at time; first is the oldest offset still of interest. */
void journal_timestamps_add(
	struct journal_timestamps *s, uint64_t offset, uint64_t time, uint64_t first);

/* The last one at or before offset; NULL: there is none. */
const struct journal_stamp *journal_timestamps_at(
	const struct journal_timestamps *s, uint64_t offset);

/* The first one at or after time; NULL: there is none. */
const struct journal_stamp *journal_timestamps_since(
	const struct journal_timestamps *s, uint64_t time);

#endif
