/*
 * Task: what ends a watch beside what it waits for: the guest's end, quiet, limits in time. Each is
 * a verdict that stands as soon as the output so far was looked at.
 */
#include <stdarg.h>
#include <stdio.h>

#include "broker/session/guest_text.h"
#include "broker/watch/watch_private.h"
#include "config/values.h"

/* --- the verdict --- */

void watch_conclude(struct watch *w)
{
	if (w->state == WATCH_OVER)
		return;
	w->state = WATCH_OVER;
	w->end.text = w->text;
	w->end.offset = w->looked_to;
	w->events->done(w->arg, &w->end);
}

/* It ends with this as soon as the output so far was looked at; the first one counts. */
__attribute__((format(printf, 4, 5))) static void watch_end_with(
	struct watch *w, enum watch_result result, enum status status, const char *format, ...)
{
	va_list args;

	if (w->state != WATCH_LOOKS)
		return;
	va_start(args, format);
	vsnprintf(w->text, sizeof(w->text), format, args);
	va_end(args);
	w->state = WATCH_DRAINS;
	w->end.result = result;
	w->end.status = status;
	w->end.offset = journal_next(console_journal(w->console));
	if (!w->job)
		w->looked_to = w->end.offset;
	loop_timer_set(w->last, WATCH_DRAIN_US, 0);
	loop_timer_set(w->again, 0, 0);
}

static void say(struct watch *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct watch *w, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	w->events->notice(w->arg, text);
}

static const char *name(const struct watch *w)
{
	return guest_name(console_guest(w->console));
}

static void end_panicked(struct watch *w)
{
	watch_end_with(w, WATCH_ENDED, STATUS_CRASHED, "VM %s has panicked", name(w));
}

/* --- limits in time --- */

static void on_last(void *arg)
{
	struct watch *w = arg;

	if (w->state == WATCH_DRAINS)
		watch_conclude(w);
	else
		end_panicked(w);
}

static void on_timeout(void *arg)
{
	char text[VALUE_NUMBER_TEXT_MAX];
	struct watch *w = arg;

	value_duration_text(w->timeout_us, text);
	/* Nobody knows what the guest does meanwhile. */
	if (guest_state(console_guest(w->console)) == GUEST_UNREACHABLE)
		watch_end_with(w, WATCH_ENDED, STATUS_UNAVAILABLE,
			"the hypervisor of VM %s cannot be reached: timed out after %s", name(w),
			text);
	else
		watch_end_with(w, WATCH_ENDED, STATUS_TIMEOUT, "timed out after %s", text);
}

/* Armed once for the whole time, then for what is left of it: no work per byte. Who is busy with
 * old output is not woken by new one. */
static uint64_t left_of(struct watch *w, uint64_t limit)
{
	uint64_t since, typed = console_input_progress(w->console);

	if (journal_next(console_journal(w->console)) != w->heard_to)
		watch_heard(w);
	since = w->last_output;
	/* Who types is neither idle nor waiting for quiet. */
	if (viewer_mode(w->viewer) == VIEWER_WRITES && typed > since)
		since = typed;
	since = loop_now(w->loop) - since;
	return since < limit ? limit - since : 0;
}

static void on_quiet(void *arg)
{
	struct watch *w = arg;
	uint64_t left = left_of(w, w->quiet_us);

	/* A console that is not open says nothing about its guest. */
	if (!console_opened_at(w->console))
		left = w->quiet_us;
	if (left)
		loop_timer_set(w->quiet, left, 0);
	else
		watch_end_with(w, WATCH_QUIET, STATUS_OK, "quiet");
}

static void on_idle(void *arg)
{
	char text[VALUE_NUMBER_TEXT_MAX];
	struct watch *w = arg;
	uint64_t left = left_of(w, w->idle_us);

	if (left)
		loop_timer_set(w->idle, left, LOOP_SECOND);
	else
		watch_end_with(w, WATCH_ENDED, STATUS_LIMIT, "idle for %s",
			value_duration_text(w->idle_us, text));
}

void watch_heard(struct watch *w)
{
	w->heard_to = journal_next(console_journal(w->console));
	w->last_output = loop_now(w->loop);
}

int watch_make_timers(struct watch *w)
{
	int r = loop_timer_add(w->loop, &w->quiet, on_quiet, w);

	if (!r)
		r = loop_timer_add(w->loop, &w->idle, on_idle, w);
	if (!r)
		r = loop_timer_add(w->loop, &w->timeout, on_timeout, w);
	if (!r)
		r = loop_timer_add(w->loop, &w->last, on_last, w);
	if (r < 0)
		return r;
	if (w->quiet_us != WATCH_NEVER)
		loop_timer_set(w->quiet, w->quiet_us, 0);
	if (w->idle_us != WATCH_NEVER)
		loop_timer_set(w->idle, w->idle_us, LOOP_SECOND);
	if (w->timeout_us != WATCH_NEVER)
		loop_timer_set(w->timeout, w->timeout_us, 0);
	return 0;
}

void watch_drop_timers(struct watch *w)
{
	loop_timer_del(&w->quiet);
	loop_timer_del(&w->idle);
	loop_timer_del(&w->timeout);
	loop_timer_del(&w->last);
}

/* --- the console --- */

static void end_busy(struct watch *w, const char *how)
{
	watch_end_with(w, WATCH_ENDED, STATUS_BUSY,
		"the console of VM %s %s another client of the hypervisor", name(w), how);
}

static void end_unsupported(struct watch *w, const char *text)
{
	watch_end_with(w, WATCH_ENDED, STATUS_UNAVAILABLE,
		"VM %s has no console vmconsoled can open: %s", name(w), text);
}

static void on_opened(struct watch *w, const struct console_event *event)
{
	watch_heard(w); /* quiet is counted from here */
	w->told_error = false;
	if (event->outage_us)
		say(w, "VM %s: console is back after %.1f seconds", name(w),
			(double)event->outage_us / LOOP_SECOND);
	w->has_opened = true;
}

static void on_failed(struct watch *w, const char *text)
{
	if (!w->has_opened)
		watch_end_with(w, WATCH_ENDED, STATUS_UNAVAILABLE,
			"the console of VM %s does not open: %s", name(w), text);
	else if (!w->told_error)
		say(w, "the console does not open: %s; trying again", text);
	w->told_error = true;
}

/* Its last words may be on their way still: another connection brings them. */
static void on_panicked(struct watch *w)
{
	say(w, "VM %s has panicked", name(w));
	if (!w->ignore_panic && w->state == WATCH_LOOKS)
		loop_timer_set(w->last, WATCH_PANIC_US, 0);
}

void watch_console_event(struct watch *w, const struct console_event *event)
{
	switch (event->kind) {
	case CONSOLE_EV_OPENED:
		on_opened(w, event);
		break;
	case CONSOLE_EV_STOPPED:
		watch_end_with(w, WATCH_ENDED, guest_stop_status(event->stop), "VM %s %s", name(w),
			guest_stop_text(event->stop));
		break;
	case CONSOLE_EV_LOST:
		say(w, "the hypervisor of VM %s is away; waiting for it", name(w));
		break;
	case CONSOLE_EV_BUSY:
		end_busy(w, "is held by");
		break;
	case CONSOLE_EV_EVICTED:
		end_busy(w, "was taken by");
		break;
	case CONSOLE_EV_UNSUPPORTED:
		end_unsupported(w, event->text);
		break;
	case CONSOLE_EV_FAILED:
		on_failed(w, event->text);
		break;
	case CONSOLE_EV_REBOOTED:
		say(w, "VM %s is rebooting", name(w));
		break;
	case CONSOLE_EV_PANICKED:
		on_panicked(w);
		break;
	case CONSOLE_EV_PAUSED:
		say(w, "VM %s is paused", name(w));
		break;
	case CONSOLE_EV_RESUMED:
		say(w, "VM %s runs again", name(w));
		break;
	case CONSOLE_EV_MOVED:
		say(w, "VM %s has moved to hypervisor %s", name(w), event->text);
		break;
	case CONSOLE_EV_NOTICE:
		say(w, "%s", event->text);
		break;
	case CONSOLE_EV_RECORDING:
	case CONSOLE_EV_KEYBOARD:
		break;
	}
}

static void end_absent(struct watch *w)
{
	const struct guest *g = console_guest(w->console);

	if (guest_state(g) == GUEST_UNREACHABLE)
		watch_end_with(w, WATCH_ENDED, STATUS_UNAVAILABLE,
			"the hypervisor of VM %s cannot be reached", name(w));
	else
		watch_end_with(w, WATCH_ENDED, STATUS_UNAVAILABLE, "VM %s is %s", name(w),
			guest_state_name(guest_state(g)));
}

void watch_look_at_console(struct watch *w)
{
	w->has_opened = console_opened_at(w->console) != 0;
	if (!guest_is_on(console_guest(w->console)))
		end_absent(w);
	else if (guest_state(console_guest(w->console)) == GUEST_CRASHED && !w->ignore_panic)
		end_panicked(w);
	else if (console_is_unsupported(w->console))
		end_unsupported(w, console_error(w->console));
	else if (console_state(w->console) != CONSOLE_WAITING)
		return;
	else if (console_is_held(w->console))
		end_busy(w, "is held by");
	else if (*console_error(w->console) && !console_is_early(w->console))
		on_failed(w, console_error(w->console));
}
