/*
 * Task: see watch.h. Its life, and the way of the output from the journal to the patterns.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/login/login.h"
#include "broker/watch/watch_private.h"

#define ROUNDS 16 /* pieces passed on in one turn */

/* --- reading --- */

/* The end of what is wanted has been reached. */
static void at_end(struct watch *w, uint64_t offset)
{
	if (w->state == WATCH_DRAINS && !w->job) {
		watch_conclude(w);
		return;
	}
	if (!w->job || (w->rest_at == offset && w->state != WATCH_DRAINS))
		return;
	if (w->state != WATCH_DRAINS) {
		loop_timer_set(w->rest, WATCH_REST_US, 0);
		return;
	}
	/* The same REST again would be answered the same, but an earlier answer may be under way.
	 */
	if (w->drain_rest == 0 && matcher_job_rest(w->job))
		w->drain_rest = ++w->rests;
}

static void on_rest(void *arg)
{
	struct watch *w = arg;
	uint64_t offset = journal_reader_offset(viewer_reader(w->viewer));

	if (w->state != WATCH_LOOKS || !w->begun || w->rest_at == offset)
		return;
	if (!matcher_job_rest(w->job))
		return; /* the pump comes back here */
	w->rests++;
	w->rest_at = offset;
}

static int pass_hole(struct watch *w, const struct journal_hole *hole)
{
	char text[128];

	if (hole->cause != JOURNAL_HOLE_UNUSED) {
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 " %s", hole->from,
			hole->to - 1,
			hole->cause == JOURNAL_HOLE_BROKEN ? "cannot be read" : "no longer kept");
		w->events->notice(w->arg, text);
	}
	return journal_reader_seek(viewer_reader(w->viewer), hole->to) == 0;
}

static size_t pass_on(struct watch *w, uint64_t offset, const uint8_t *data, size_t len)
{
	if (w->state == WATCH_DRAINS && len > w->end.offset - offset)
		len = (size_t)(w->end.offset - offset);
	if (w->job)
		return matcher_job_send(w->job, offset, data, len);
	return w->events->output ? w->events->output(w->arg, data, len) : len;
}

/* 1 go on, 0 wait (for the journal or the job) or over. */
static int pump_step(struct watch *w)
{
	struct journal_reader *reader = viewer_reader(w->viewer);
	uint64_t offset = journal_reader_offset(reader);
	struct journal_hole hole;
	const uint8_t *data;
	size_t len, done;
	int r;

	if (w->state == WATCH_DRAINS && offset >= w->end.offset) {
		at_end(w, offset);
		return 0;
	}
	r = journal_reader_next(reader, &data, &len, &hole);
	if (r == -ERANGE)
		return pass_hole(w, &hole);
	if (r == -ENODATA)
		at_end(w, offset);
	if (r < 0)
		return 0;
	done = pass_on(w, offset, data, len);
	if (w->state == WATCH_OVER)
		return 0;
	journal_reader_consume(reader, done);
	return done > 0;
}

static void watch_pump(void *arg)
{
	struct watch *w = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (w->state == WATCH_OVER || (w->job && !w->begun) || !pump_step(w))
			return;
	}
	loop_timer_set(w->again, 0, 0);
}

static void pump_soon(struct watch *w)
{
	if (w->state != WATCH_OVER)
		loop_timer_set(w->again, 0, 0);
}

/* --- what the job says --- */

static void on_begin(void *arg, uint64_t offset)
{
	struct watch *w = arg;

	w->begun = true;
	w->rests = w->rested = w->drain_rest = 0;
	w->rest_at = UINT64_MAX;
	/* It lies before what the reader has seen, or where it stands. */
	if (journal_reader_seek(viewer_reader(w->viewer), offset) == 0)
		pump_soon(w);
}

static void on_job_room(void *arg)
{
	watch_pump(arg);
}

static void on_read(void *arg, uint64_t offset, bool rest)
{
	struct watch *w = arg;

	if (offset > w->looked_to)
		w->looked_to = offset;
	w->rested += rest;
	if (w->state == WATCH_DRAINS && w->drain_rest && w->rested >= w->drain_rest)
		watch_conclude(w);
}

static void on_found(void *arg, const struct matcher_found *found)
{
	struct watch *w = arg;

	w->end.result = WATCH_FOUND;
	w->end.found = found;
	watch_conclude(w);
}

enum status watch_failure_status(enum matcher_failure failure)
{
	static const enum status statuses[] = {[MATCHER_BAD_PATTERN] = STATUS_USAGE,
		[MATCHER_LIMIT] = STATUS_BUSY,
		[MATCHER_BROKEN] = STATUS_INTERNAL};

	return statuses[failure];
}

static void on_failed(void *arg, enum matcher_failure failure, const char *text)
{
	struct watch *w = arg;

	w->end.result = WATCH_ENDED;
	w->end.status = watch_failure_status(failure);
	snprintf(w->text, sizeof(w->text), "%s", text);
	watch_conclude(w);
}

static const struct matcher_events job_events = {
	on_begin, on_job_room, on_read, on_found, on_failed};

/* --- what the console says --- */

static void on_wake(void *arg)
{
	struct watch *w = arg;

	watch_heard(w);
	pump_soon(w);
}

static void on_room(void *arg)
{
	struct watch *w = arg;

	if (w->events->room && w->state != WATCH_OVER)
		w->events->room(w->arg);
}

static void on_event(void *arg, const struct console_event *event)
{
	struct watch *w = arg;

	if (w->state == WATCH_OVER)
		return;
	if (w->events->event)
		w->events->event(w->arg, event);
	if (w->state != WATCH_OVER)
		watch_console_event(w, event);
}

static const struct viewer_events viewer_events = {on_wake, on_room, on_event};

/* --- life --- */

void watch_more(struct watch *w)
{
	pump_soon(w);
}

bool watch_is_ending(const struct watch *w)
{
	return w->state != WATCH_LOOKS;
}

struct viewer *watch_viewer(const struct watch *w)
{
	return w->viewer;
}

uint64_t watch_reached(const struct watch *w)
{
	return w->looked_to;
}

static void free_watch(void *arg)
{
	free(arg);
}

void watch_destroy(struct watch **out)
{
	struct watch *w = *out;

	if (!w)
		return;
	*out = NULL;
	w->state = WATCH_OVER;
	matcher_job_destroy(&w->job);
	viewer_destroy(&w->viewer);
	loop_timer_del(&w->again);
	loop_timer_del(&w->rest);
	watch_drop_timers(w);
	loop_defer(w->loop, free_watch, w);
}

/* Begins to read a little before, so that the line and the sequence that from lies in are known. */
static uint64_t first_offset(const struct journal *j, uint64_t from)
{
	uint64_t first = journal_first(j);

	if (from <= first)
		return first;
	return from - first > WATCH_CONTEXT ? from - WATCH_CONTEXT : first;
}

int watch_look_for(struct watch *w, struct worker *matcher, const struct watch_options *options)
{
	uint64_t first = first_offset(console_journal(w->console), options->from);
	struct matcher_wanted wanted = {.patterns = options->patterns,
		.count = options->count,
		.raw = options->raw,
		.multi = options->multi,
		.offset = first,
		.from = options->from,
		.owner = login_identity(channel_login(w->channel))->text};
	int r;

	w->looked_to = options->from;
	if (options->count == 0)
		return 0;
	r = matcher_job_create(matcher, &wanted, &job_events, w, &w->job);
	return r < 0 ? r : journal_reader_seek(viewer_reader(w->viewer), first);
}

static int begin(struct watch *w, struct worker *matcher, const char *who,
	const struct watch_options *options)
{
	const struct viewer_owner owner = {who, w->channel, .is_reader = true};
	struct journal *j = console_journal(w->console);
	int r = loop_timer_add(w->loop, &w->again, watch_pump, w);

	if (!r)
		r = loop_timer_add(w->loop, &w->rest, on_rest, w);
	if (!r)
		r = watch_make_timers(w);
	if (!r && options->from > journal_next(j))
		r = -ERANGE;
	if (!r)
		r = viewer_create(w->console, &owner, &viewer_events, w, &w->viewer);
	if (!r)
		r = watch_look_for(w, matcher, options);
	return r;
}

int watch_create(struct worker *matcher, struct loop *loop, struct console *console,
	struct channel *channel, const char *who, const struct watch_options *options,
	const struct watch_events *events, void *arg, struct watch **out)
{
	struct watch *w = calloc(1, sizeof(*w));
	int r;

	*out = NULL;
	if (!w)
		return -ENOMEM;
	w->loop = loop;
	w->console = console;
	w->channel = channel;
	w->events = events;
	w->arg = arg;
	w->ignore_panic = options->ignore_panic;
	w->quiet_us = options->quiet_us;
	w->idle_us = options->idle_us;
	w->rest_at = UINT64_MAX;
	watch_heard(w);
	w->timeout_us = options->timeout_us;
	r = begin(w, matcher, who, options);
	if (r < 0) {
		watch_destroy(&w);
		return r;
	}
	watch_look_at_console(w);
	pump_soon(w);
	*out = w;
	return 0;
}
