/*
 * The marks of a journal that are kept in memory: a bounded list, oldest first.
 * Knows neither bytes nor files.
 */
#ifndef CONSOLE_JOURNAL_SEGMENT_JOURNAL_MARKS_H
#define CONSOLE_JOURNAL_SEGMENT_JOURNAL_MARKS_H

#include "console/journal/segment/journal_mark.h"

struct journal_marks {
	struct journal_mark *mem; /* a ring, made at the first mark */
	size_t start, count, room;
};

void journal_marks_finish(struct journal_marks *m);

/* Adds a copy. Out of memory, the oldest goes, or this one. */
void journal_marks_add(struct journal_marks *m, const struct journal_mark *mark);

/* Mark i of m->count, 0 being the oldest. */
const struct journal_mark *journal_marks_at(const struct journal_marks *m, size_t i);

/* Fills in time and escaped text. */
void journal_mark_init(
	struct journal_mark *mark, enum journal_mark_kind kind, uint64_t offset, const char *text);

/* Real time in microseconds. */
uint64_t journal_now(void);

#endif
