/*
 * Times of the bytes in memory.
 *
 * Owner: the journal that embeds it. May not know bytes, files, readers.
 */
#include "console/journal/segment/journal_timestamps.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STAMPS_AT_FIRST 16

void journal_timestamps_finish(struct journal_timestamps *s)
{
	free(s->list);
	memset(s, 0, sizeof(*s));
}

/* Drops those that no byte of interest needs; keeps the last one before first. */
static void drop_old(struct journal_timestamps *s, uint64_t first)
{
	size_t n = 0;

	while (n + 1 < s->count && s->list[n + 1].offset <= first)
		n++;
	s->count -= n;
	memmove(s->list, s->list + n, s->count * sizeof(*s->list));
}

/* Every second one goes, and the next ones come at that distance too. */
static void thin_out(struct journal_timestamps *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i += 2)
		s->list[n++] = s->list[i];
	s->count = n;
	s->step *= 2;
}

static void grow(struct journal_timestamps *s, size_t room)
{
	struct journal_stamp *list = reallocarray(s->list, room, sizeof(*list));

	if (!list)
		return;
	s->list = list;
	s->room = room;
}

/* Room for one more, if there is memory. */
static void make_room(struct journal_timestamps *s, uint64_t first)
{
	if (!s->list) {
		s->step = JOURNAL_TIMESTAMPS_STEP;
		grow(s, STAMPS_AT_FIRST);
		return;
	}
	bool half_is_old = s->count > 1 && s->list[s->count / 2].offset <= first;

	if (s->count < s->room && !half_is_old)
		return;
	drop_old(s, first);
	if (s->count < s->room / 4 && s->step > JOURNAL_TIMESTAMPS_STEP)
		s->step /= 2;
	if (s->count > s->room / 2 && s->room < JOURNAL_TIMESTAMPS_MAX)
		grow(s, s->room * 2);
	if (s->count == s->room)
		thin_out(s);
}

void journal_timestamps_add(
	struct journal_timestamps *s, uint64_t offset, uint64_t time, uint64_t first)
{
	const struct journal_stamp *last = s->list && s->count ? &s->list[s->count - 1] : NULL;

	if (last && time >= last->time && time - last->time < s->step)
		return;
	make_room(s, first);
	if (!s->list)
		return;
	s->list[s->count++] = (struct journal_stamp){offset, time};
}

const struct journal_stamp *journal_timestamps_at(
	const struct journal_timestamps *s, uint64_t offset)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->list[middle].offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &s->list[low - 1] : NULL;
}

const struct journal_stamp *journal_timestamps_since(
	const struct journal_timestamps *s, uint64_t time)
{
	/* The clock may have been set back in between: no order to search by. */
	for (size_t i = 0; i < s->count; i++) {
		if (s->list[i].time >= time)
			return &s->list[i];
	}
	return NULL;
}
