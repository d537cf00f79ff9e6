/* Task: see typist.h. Owner: a verb. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/script/typist.h"
#include "console/guest/console.h"
#include "console/guest/lease.h"
#include "console/journal/journal.h"
#include "core/buf.h"

#define TURNS 100 /* in a second, at most: what is due comes in so many pieces */

struct typist {
	struct loop *loop;
	struct viewer *viewer;
	const struct typist_events *events;
	void *arg;
	uint64_t pace;
	bool force, started, begun, over;
	char refused[LEASE_WHY_MAX]; /* what is wrong with the lease; "": nothing */
	struct buf due;
	uint64_t offset;                /* of the output, before the first byte */
	uint64_t added, typed, dropped; /* bytes */
	struct loop_timer *next;
};

static struct console *console_of(const struct typist *t)
{
	return viewer_console(t->viewer);
}

/* --- the keyboard --- */

static void fail(struct typist *t, const char *how, const char *who)
{
	char why[512];

	snprintf(why, sizeof(why), "the keyboard %s %s", how, who ? who : "nobody");
	t->over = true;
	t->events->failed(t->arg, STATUS_BUSY, why);
}

static int take_keyboard(struct typist *t)
{
	char who[KEYBOARD_TEXT_MAX];

	if (viewer_mode(t->viewer) == VIEWER_WRITES || viewer_take(t->viewer, t->force) == 0)
		return 0;
	fail(t, "is with", console_keyboard_text(console_of(t), who));
	return -EBUSY;
}

/* --- typing --- */

static size_t next_piece(const struct typist *t)
{
	size_t len = buf_len(&t->due), piece = t->pace / TURNS;

	if (piece == 0)
		piece = 1;
	return t->pace && len > piece ? piece : len;
}

/* 1 go on, 0 wait or over. */
static int type_some(struct typist *t)
{
	bool first = !t->begun;
	ssize_t n;

	if (take_keyboard(t) < 0)
		return 0;
	if (first)
		t->offset = journal_next(console_journal(console_of(t)));
	n = viewer_type(t->viewer, buf_data(&t->due), next_piece(t));
	if (n <= 0)
		return 0; /* its opening, or room, is told */
	buf_drop(&t->due, (size_t)n);
	t->typed += (uint64_t)n;
	t->begun = true;
	if (t->pace)
		loop_timer_set(t->next, (uint64_t)n * LOOP_SECOND / t->pace, 0);
	if (first)
		t->events->begun(t->arg);
	return !t->over && !t->pace;
}

static void pump(void *arg)
{
	struct typist *t = arg;

	if (t->over || !t->started || loop_timer_armed(t->next))
		return;
	if (*t->refused) {
		t->over = true;
		t->events->failed(t->arg, STATUS_BUSY, t->refused);
		return;
	}
	while (buf_len(&t->due)) {
		if (!type_some(t))
			return;
	}
	if (viewer_typed_pending(t->viewer) == 0)
		t->events->idle(t->arg);
}

static void pump_soon(struct typist *t)
{
	if (!t->over && t->started && !loop_timer_armed(t->next))
		loop_timer_set(t->next, 0, 0);
}

void typist_start(struct typist *t)
{
	t->started = true;
	pump_soon(t);
}

int typist_add(struct typist *t, const void *data, size_t len)
{
	int r = buf_add(&t->due, data, len);

	if (r == 0)
		t->added += len;
	pump_soon(t);
	return r;
}

void typist_room(struct typist *t)
{
	pump_soon(t);
}

void typist_event(struct typist *t, const struct console_event *event)
{
	if (t->over)
		return;
	if (event->kind == CONSOLE_EV_STOPPED || event->kind == CONSOLE_EV_KEYBOARD)
		t->dropped += event->dropped < t->typed ? event->dropped : t->typed;
	if (event->kind == CONSOLE_EV_OPENED)
		pump_soon(t);
	else if (event->kind == CONSOLE_EV_KEYBOARD && event->mode != VIEWER_WRITES && t->begun)
		fail(t, "was taken by", event->who);
}

/* --- what was done --- */

bool typist_is_empty(const struct typist *t)
{
	return buf_len(&t->due) == 0;
}

bool typist_has_begun(const struct typist *t)
{
	return t->begun;
}

uint64_t typist_offset(const struct typist *t)
{
	return t->offset;
}

uint64_t typist_accepted(const struct typist *t)
{
	uint64_t gone = t->typed - t->dropped, pending = viewer_typed_pending(t->viewer);

	return gone - (pending < gone ? pending : gone);
}

uint64_t typist_added(const struct typist *t)
{
	return t->added;
}

/* --- life --- */

void typist_destroy(struct typist **out)
{
	struct typist *t = *out;

	if (!t)
		return;
	*out = NULL;
	t->over = true;
	loop_timer_del(&t->next);
	buf_finish(&t->due);
	loop_defer(t->loop, free, t);
}

int typist_create(const struct typist_options *options, const struct typist_events *events,
	void *arg, struct typist **out)
{
	struct typist *t = calloc(1, sizeof(*t));
	int r;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->loop = options->loop;
	t->viewer = options->viewer;
	t->pace = options->pace;
	t->force = options->force;
	t->events = events;
	t->arg = arg;
	t->offset = journal_next(console_journal(console_of(t)));
	buf_init_secret(&t->due, TYPIST_MAX);
	if (options->lease && viewer_show_lease(t->viewer, options->lease, t->refused) == 0)
		t->refused[0] = '\0';
	r = loop_timer_add(t->loop, &t->next, pump, t);
	if (r < 0) {
		free(t);
		return r;
	}
	*out = t;
	return 0;
}
