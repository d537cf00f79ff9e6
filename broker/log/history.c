/*
 * Task: see history.h. May not know sessions, viewers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/channel/channel.h"
#include "broker/log/history.h"
#include "console/guest/console.h"
#include "console/replay/replay_notice.h"
#include "core/text/escape.h"

int history_reset(struct channel *channel)
{
	size_t len;
	const char *text = replay_prologue(&len);

	return channel_put(channel, text, len);
}

int history_give_back(struct history *h, struct channel *channel)
{
	char text[sizeof(REPLAY_BREAK_OFF) + REPLAY_UNDO_ROOM] = REPLAY_BREAK_OFF;
	size_t len = strlen(text);

	len += replay_modes_undo(
		&h->shown, channel_window(channel).columns, text + len, REPLAY_UNDO_ROOM);
	replay_modes_init(&h->shown);
	return channel_put(channel, text, len);
}

void history_init(struct history *h)
{
	*h = (struct history){0};
	replay_modes_init(&h->shown);
}

struct replay_terminal history_terminal(const struct channel *channel)
{
	const struct channel_window window = channel_window(channel);

	return (struct replay_terminal){.foreign_keyboard = !channel_has_pty(channel),
		.columns = window.columns,
		.rows = window.rows};
}

int history_begin(
	struct history *h, uint64_t offset, uint64_t first, const struct replay_terminal *terminal)
{
	if (!h->filter)
		h->filter = malloc(sizeof(*h->filter));
	if (!h->filter)
		return -ENOMEM;
	if (offset == first && offset > 0)
		replay_filter_init_cut(h->filter);
	else
		replay_filter_init(h->filter);
	h->terminal = h->filter->terminal = *terminal;
	h->is_terminal = true;
	return 0;
}

uint64_t history_look_back(
	struct history *h, const struct console *c, uint64_t offset, uint64_t first)
{
	uint64_t from;

	if (offset <= first)
		return offset;
	h->before = malloc(sizeof(*h->before));
	if (!h->before)
		return offset;
	h->shown_from = offset;
	if (console_modes_recall(c, first, offset, h->before, &from))
		return from;
	replay_modes_init(h->before);
	return history_window(offset, first);
}

size_t history_gather(struct history *h, uint64_t offset, const uint8_t *data, size_t len)
{
	if (len > h->shown_from - offset)
		len = (size_t)(h->shown_from - offset);
	replay_modes_feed(h->before, data, len);
	return len;
}

void history_look_for_boot(struct history *h, const struct console *c, uint64_t offset)
{
	h->begun = offset;
	if (!h->is_terminal ||
		journal_mark_after(console_journal(c), JOURNAL_BOOT, offset, &h->boot) < 0)
		h->boot = UINT64_MAX;
}

void history_look_again(struct history *h, const struct console *c)
{
	if (h->boot == UINT64_MAX)
		history_look_for_boot(h, c, h->begun);
}

size_t history_before_boot(const struct history *h, uint64_t offset, size_t len)
{
	return offset < h->boot && len > h->boot - offset ? (size_t)(h->boot - offset) : len;
}

int history_boot(struct history *h, const struct console *c, struct channel *channel)
{
	int r = history_give_back(h, channel);

	if (r < 0)
		return r;
	if (h->filter) {
		replay_filter_init(h->filter);
		h->filter->terminal = h->terminal;
	}
	history_look_for_boot(h, c, h->boot);
	return 0;
}

void history_sent(struct history *h, const void *data, size_t len)
{
	replay_modes_feed(&h->shown, data, len);
}

size_t history_line(char line[HISTORY_LINE_MAX], const char *format, va_list args)
{
	char raw[1024], text[ESCAPE_ROOM(sizeof(raw))];

	_Static_assert(sizeof("[vmconsoled: ]\n") + sizeof(text) <= HISTORY_LINE_MAX, "it fits");
	vsnprintf(raw, sizeof(raw), format, args);
	escape_text(raw, strlen(raw), text, sizeof(text));
	return (size_t)snprintf(line, HISTORY_LINE_MAX, "[vmconsoled: %s]\n", text);
}

bool history_may_say(const struct history *h)
{
	return replay_notice_may_stand(&h->shown);
}

bool history_says_below(const struct history *h)
{
	return replay_notice_is_below(&h->shown);
}

int history_say(const struct history *h, struct channel *channel, const char *text, size_t len)
{
	const struct channel_window window = channel_window(channel);
	const struct replay_notice_place place = {window.columns, window.rows};
	char out[REPLAY_NOTICE_ROOM(HISTORY_LINE_MAX)];
	size_t n = replay_notice_write(&h->shown, place, text, len, out, sizeof(out));

	return channel_put(channel, out, n);
}

void history_show(struct history *h)
{
	if (h->filter) {
		replay_filter_init_after(h->filter, h->before);
		h->filter->terminal = h->terminal;
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
		h->filter->terminal = h->terminal;
	return h->before && hole->to > h->shown_from ? h->shown_from : hole->to;
}

void history_finish(struct history *h)
{
	free(h->filter);
	free(h->before);
	history_init(h);
}
