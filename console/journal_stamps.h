/*
 * When the bytes in memory came: a bounded list of (offset, time), once a second of output. When
 * it is full every second one goes, so that it always covers the whole memory. Pure.
 */
#ifndef CONSOLE_JOURNAL_STAMPS_H
#define CONSOLE_JOURNAL_STAMPS_H

#include <stddef.h>
#include <stdint.h>

#define JOURNAL_STAMPS_MAX 512

struct journal_stamp {
	uint64_t offset, time;
};

struct journal_stamps {
	struct journal_stamp *list;
	size_t count, room;
};

void journal_stamps_finish(struct journal_stamps *s);

/* The byte at offset comes at time; first is the oldest offset still of interest. */
void journal_stamps_add(struct journal_stamps *s, uint64_t offset, uint64_t time, uint64_t first);

/* The last one at or before offset; NULL: there is none. */
const struct journal_stamp *journal_stamps_at(const struct journal_stamps *s, uint64_t offset);

/* The first one at or after time; NULL: there is none. */
const struct journal_stamp *journal_stamps_since(const struct journal_stamps *s, uint64_t time);

#endif
