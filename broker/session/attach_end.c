/*
 * Task: the end of a session by itself: now, or behind the output there is so far. Owner: the
 * session.
 */
#include <stdarg.h>
#include <stdio.h>

#include "broker/session/attach_private.h"
#include "console/guest/console.h"

void attach_exit(struct attach *a, enum status status, const char *format, ...)
{
	char text[512];
	va_list args;

	if (attach_is_over(a))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	a->end_told = true;
	channel_exit(a->channel, status, "%s", text);
}

static void begin_to_drain(struct attach *a)
{
	a->state = ATTACH_DRAINS;
	a->end.offset = journal_next(console_journal(a->console));
	a->end.seen_reached = a->reached;
	viewer_yield(a->viewer);
	loop_timer_stop(a->stall);
	loop_timer_stop(a->wait);
	loop_timer_stop(a->idle);
	loop_timer_set(a->drain, ATTACH_DRAIN_US, 0);
	channel_resume(a->channel); /* input is dropped from here on */
}

void attach_exit_after_output(struct attach *a, enum status status, const char *format, ...)
{
	va_list args;

	if (a->state != ATTACH_RUNS)
		return;
	va_start(args, format);
	vsnprintf(a->end.text, sizeof(a->end.text), format, args);
	va_end(args);
	a->end.status = status;
	attach_writable(a); /* mostly, all that is left goes now */
	if (attach_is_behind(a))
		begin_to_drain(a);
	else
		attach_exit(a, status, "%s", a->end.text);
}

/* The client takes nothing any more. */
void attach_on_drain(void *arg)
{
	struct attach *a = arg;

	if (a->reached != a->end.seen_reached) {
		a->end.seen_reached = a->reached;
		loop_timer_set(a->drain, ATTACH_DRAIN_US, 0);
		return;
	}
	attach_exit(a, a->end.status, "%s; bytes %llu-%llu skipped: the client did not take them",
		a->end.text, (unsigned long long)a->reached, (unsigned long long)a->end.offset - 1);
}
