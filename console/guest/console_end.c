/*
 * Task: find out why a console's output has ended, and tell. Owner: the console.
 *
 * The end of a stream has no cause. The guest's state has one, but may come seconds later: it is
 * asked for in steps until it explains the end, or time is up.
 */
#include <errno.h>
#include <stdio.h>

#include "console/guest/console_private.h"

enum console_stop console_stop_of(enum location_reason reason)
{
	switch (reason) {
	case LOCATION_REASON_NONE:
		return CONSOLE_STOP_UNKNOWN;
	case LOCATION_REASON_SHUTDOWN:
		return CONSOLE_STOP_SHUTDOWN;
	case LOCATION_REASON_DESTROYED:
		return CONSOLE_STOP_DESTROYED;
	case LOCATION_REASON_CRASHED:
		return CONSOLE_STOP_CRASHED;
	case LOCATION_REASON_FAILED:
		return CONSOLE_STOP_FAILED;
	case LOCATION_REASON_SAVED:
		return CONSOLE_STOP_SAVED;
	case LOCATION_REASON_MIGRATED:
		return CONSOLE_STOP_MOVED;
	}
	return CONSOLE_STOP_UNKNOWN;
}

void console_notify_stopped(struct console *c, enum console_stop stop)
{
	struct console_event event = {
		.kind = CONSOLE_EV_STOPPED, .stop = stop, .text = "", .dropped = input_drop(c)};

	if (!c->was_on)
		return;
	c->was_on = false;
	journal_mark(c->journal,
		stop == CONSOLE_STOP_CRASHED || stop == CONSOLE_STOP_FAILED ? JOURNAL_CRASH
									    : JOURNAL_SHUTDOWN,
		NULL);
	console_notify(c, &event);
}

/* --- why it ended --- */

static void resolved(struct console *c)
{
	loop_timer_stop(c->retry);
	if (c->asked)
		hypervisor_forget(c->asked, c);
	c->asked = NULL;
	c->state = CONSOLE_WAITING;
}

static void resolved_stopped(struct console *c)
{
	resolved(c);
	c->down_since = 0; /* a guest that is off prints nothing: no gap */
	console_notify_stopped(c, console_stop_of(guest_stop_reason(c->guest)));
	console_evaluate(c);
}

/* What the guest's state says now, while RESOLVING. */
void console_resolve_by_state(struct console *c)
{
	int late = loop_now(c->loop) >= c->resolve_until;

	if (guest_state(c->guest) == GUEST_UNREACHABLE) {
		resolved(c);
		console_set_error(c, BACKEND_UNREACHED, "hypervisor away");
		c->down_cause = "hypervisor away";
		console_notify_kind(c, CONSOLE_EV_LOST, c->error_text);
	} else if (!guest_is_on(c->guest)) {
		resolved_stopped(c);
	} else if (guest_generation(c->guest) != c->generation) {
		/* Stopped and started, or moved, before anybody asked. */
		resolved(c);
		if (guest_stop_reason(c->guest) != LOCATION_REASON_MIGRATED) {
			c->down_since = 0;
			console_notify_stopped(c, console_stop_of(guest_stop_reason(c->guest)));
		}
		console_evaluate(c);
	} else if (c->end == BACKEND_EVICTED &&
		   loop_now(c->loop) + CONSOLE_RESOLVE_US - c->resolve_until >= LOOP_SECOND) {
		resolved(c);
		c->down_cause = "taken by another client of the hypervisor";
		c->claim = CLAIM_EVICTED;
		console_wait_then_retry(c, CONSOLE_RETRY_BUSY_US);
		console_notify_kind(c, CONSOLE_EV_EVICTED, "");
	} else if (late) {
		resolved(c);
		console_notify_stopped(c, CONSOLE_STOP_UNKNOWN);
		console_wait_then_retry(c, CONSOLE_RETRY_FAILED_US);
	}
}

static void on_asked(void *arg, int error, const struct location_info *info)
{
	struct console *c = arg;

	c->asked = NULL;
	if (c->state != CONSOLE_RESOLVING) {
		stuck_answered(c->stuck, error);
		return;
	}
	console_resolve_by_state(c);
	if (c->state == CONSOLE_RESOLVING)
		loop_timer_set(c->retry, CONSOLE_RESOLVE_STEP_US, 0);
}

/* 1 when the answer is on its way. */
int console_ask(struct console *c)
{
	struct hypervisor *h = guest_hypervisor(c->guest);

	if (!c->asked && h && hypervisor_ask(h, guest_uuid(c->guest), on_asked, c) == 0)
		c->asked = h;
	return c->asked != NULL;
}

void console_resolve_step(struct console *c)
{
	if (c->asked || (loop_now(c->loop) < c->resolve_until && console_ask(c)))
		return;
	console_resolve_by_state(c);
	if (c->state == CONSOLE_RESOLVING)
		loop_timer_set(c->retry, CONSOLE_RESOLVE_STEP_US, 0);
}

void console_resolve_begin(struct console *c, enum backend_end end)
{
	c->state = CONSOLE_RESOLVING;
	c->end = end;
	c->resolve_until = loop_now(c->loop) + CONSOLE_RESOLVE_US;
	console_resolve_step(c);
}
