/*
 * Task: where the last bytes do not make the screen, a terminal is shown the screen itself: its
 * cells, as the screen worker has drawn them from the output up to an offset, and from there on
 * live output (docs/replay.md, "Repaint").
 *
 * Where that cannot be had, in time, it is the replay of what there is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/login/context.h"
#include "broker/screen/screen_drawing.h"
#include "broker/session/attach_private.h"
#include "console/replay/replay.h"
#include "wire/msg.h"

#define PART ((size_t)4096)
#define MARK_MAX 64

struct attach_repaint {
	struct screen_drawing *drawing;
	struct loop_timer *deadline;
	struct replay_filter filter; /* the worker has read what guests print */
	bool keeps_lines;            /* what is on the screen is the user's */
	char early[MARK_MAX];        /* the mark, where no row is long enough for it */
};

void attach_repaint_finish(struct attach *a)
{
	struct attach_repaint *p = a->repaint;

	if (!p)
		return;
	a->repaint = NULL;
	a->is_painting = false;
	screen_drawing_destroy(&p->drawing);
	loop_timer_del(&p->deadline);
	loop_defer(a->loop, free, p);
}

/* --- what is sent --- */

static bool put(struct attach *a, const void *data, size_t len)
{
	if (channel_put(a->channel, data, len) < 0)
		return false;
	history_sent(&a->history, data, len);
	return true;
}

/* The terminal keeps the lines that the user had on it: they are scrolled out. */
static bool clear(struct attach *a)
{
	static const char erase[] = "\x1b[H\x1b[J", last_row[] = "\x1b[9999H";
	const char *early = a->repaint->early;
	char lines[CHANNEL_SIDE_MAX];

	memset(lines, '\n', sizeof(lines));
	if (!put(a, early, strlen(early)))
		return false;
	if (a->repaint->keeps_lines && (!put(a, last_row, strlen(last_row)) ||
					       !put(a, lines, channel_window(a->channel).rows)))
		return false;
	return put(a, erase, strlen(erase));
}

static void on_part(void *arg, const char *text, size_t len)
{
	struct attach *a = arg;
	uint8_t out[PART + REPLAY_ROOM];
	size_t n, used;

	if (!a->is_painting && !clear(a))
		return;
	a->is_painting = true;
	loop_timer_set(a->repaint->deadline, ATTACH_REPAINT_US, 0);
	for (; len > 0; text += used, len -= used) {
		n = replay_filter(&a->repaint->filter, (const uint8_t *)text,
			len < PART ? len : PART, out, sizeof(out), &used);
		if (n > 0 && !put(a, out, n))
			return;
	}
	screen_drawing_pause(a->repaint->drawing, !channel_ready(a->channel));
}

void attach_repaint_writable(struct attach *a)
{
	screen_drawing_pause(a->repaint->drawing, !channel_ready(a->channel));
}

static void on_shown(void *arg, const struct screen_shown *shown)
{
	struct attach *a = arg;
	uint64_t end = screen_drawing_end(a->repaint->drawing);

	attach_repaint_finish(a);
	attach_show_behind(a, end);
}

static void fall_back(struct attach *a)
{
	bool begun = a->is_painting;

	attach_repaint_finish(a);
	if (begun && history_give_back(&a->history, a->channel) < 0)
		return;
	attach_show_bytes(a);
}

static void on_failed(void *arg, enum screen_failure failure, const char *text)
{
	fall_back(arg);
}

static void on_deadline(void *arg)
{
	fall_back(arg);
}

/* --- beginning --- */

static const struct screen_drawing_events events = {on_part, on_shown, on_failed};

static struct attach_repaint *create(struct attach *a)
{
	struct attach_repaint *p = calloc(1, sizeof(*p));

	if (p && loop_timer_add(a->loop, &p->deadline, on_deadline, a) < 0) {
		free(p);
		return NULL;
	}
	if (!p)
		return NULL;
	replay_filter_init(&p->filter);
	p->filter.terminal = history_terminal(a->channel);
	p->keeps_lines = a->sent_from == UINT64_MAX;
	return p;
}

/* A larger terminal has the screen in its upper left corner. */
static unsigned clamp(unsigned side, unsigned most)
{
	return side < most ? side : most;
}

static int draw(struct attach *a, const struct channel_window *window)
{
	struct login *login = channel_login(a->channel);
	uint64_t end = journal_next(console_journal(a->console));
	char mark[MARK_MAX];
	const struct screen_drawing_wanted wanted = {.loop = a->loop,
		.console = a->console,
		.columns = clamp(window->columns, WIRE_SCREEN_COLUMNS_MAX),
		.rows = clamp(window->rows, WIRE_SCREEN_ROWS_MAX),
		.end = end,
		.owner = login_identity(login)->text,
		.mark = mark};

	snprintf(mark, sizeof(mark), "[vmconsoled: " ATTACH_LIVE_MARK "]", end);
	if (strlen(mark) > window->columns) {
		memcpy(a->repaint->early, mark, sizeof(mark));
		mark[0] = '\0';
	}
	return screen_drawing_create(
		login_context(login)->screens, &wanted, &events, a, &a->repaint->drawing);
}

bool attach_repaint_begin(struct attach *a)
{
	const struct channel_window window = channel_window(a->channel);

	if (!window.columns || !window.rows)
		return false;
	a->repaint = create(a);
	if (!a->repaint)
		return false;
	if (draw(a, &window) < 0) {
		attach_repaint_finish(a);
		return false;
	}
	loop_timer_set(a->repaint->deadline, ATTACH_REPAINT_US, 0);
	return true;
}
