/*
 * Task: see history.h. May not know sessions, channels, viewers.
 */
#include <errno.h>
#include <stdlib.h>

#include "broker/log/history.h"
#include "console/replay/replay.h"

int history_begin(struct history *h, uint64_t offset, uint64_t first, bool foreign_keyboard)
{
	if (!h->filter)
		h->filter = malloc(sizeof(*h->filter));
	if (!h->filter)
		return -ENOMEM;
	if (offset == first && offset > 0)
		replay_filter_init_cut(h->filter);
	else
		replay_filter_init(h->filter);
	h->foreign_keyboard = h->filter->foreign_keyboard = foreign_keyboard;
	return 0;
}

uint64_t history_look_back(struct history *h, uint64_t offset, uint64_t first)
{
	if (offset <= first)
		return offset;
	h->before = malloc(sizeof(*h->before));
	if (!h->before)
		return offset;
	replay_modes_init(h->before);
	h->shown_from = offset;
	return history_window(offset, first);
}

size_t history_gather(struct history *h, uint64_t offset, const uint8_t *data, size_t len)
{
	if (len > h->shown_from - offset)
		len = (size_t)(h->shown_from - offset);
	replay_modes_feed(h->before, data, len);
	return len;
}

void history_show(struct history *h)
{
	if (h->filter) {
		replay_filter_init_after(h->filter, h->before);
		h->filter->foreign_keyboard = h->foreign_keyboard;
	}
	free(h->before);
	h->before = NULL;
}

uint64_t history_pass(struct history *h, const struct journal_hole *hole)
{
	bool missing = hole->cause != JOURNAL_HOLE_UNUSED; /* else no byte was ever there */

	if (missing && h->before)
		vt_scan_init(&h->before->scan);
	else if (missing && h->filter)
		replay_filter_init_cut(h->filter);
	if (h->filter)
		h->filter->foreign_keyboard = h->foreign_keyboard;
	return h->before && hole->to > h->shown_from ? h->shown_from : hole->to;
}

void history_finish(struct history *h)
{
	free(h->filter);
	free(h->before);
	*h = (struct history){0};
}
