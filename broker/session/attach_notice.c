/*
 * Task: what a session says when something happens to its guest, and what ends it then.
 * On a pty a notice is a line of its own in the stream; else it goes to standard error.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "broker/session/guest_text.h"

/* --- the guest goes --- */

static void on_stopped(struct attach *a, const struct console_event *event)
{
	const char *name = guest_name(console_guest(a->console));
	char lost[64] = "", hint[ATTACH_HINT_MAX];

	attach_writable(a); /* what the guest said last comes before that */
	if (event->dropped && viewer_mode(a->viewer) == VIEWER_WRITES)
		snprintf(
			lost, sizeof(lost), "; %zu typed bytes were not delivered", event->dropped);
	if (!a->options.wait) {
		attach_exit_after_output(a, guest_stop_status(event->stop), "VM %s %s%s", name,
			guest_stop_text(event->stop), lost);
		return;
	}
	attach_notice(a, "VM %s %s%s; waiting for it to start%s", name,
		guest_stop_text(event->stop), lost, attach_leave_hint(a, hint));
	attach_start_wait(a);
	attach_input_again(a);
}

static void on_opened(struct attach *a, const struct console_event *event)
{
	const char *name = guest_name(console_guest(a->console));

	attach_booted(a); /* if that was a start */
	if (a->waits != ATTACH_WAITS_PANIC)
		loop_timer_stop(a->wait);
	a->told = ATTACH_TOLD_NOTHING;
	if (event->outage_us)
		attach_notice(a, "VM %s: console is back after %.1f seconds", name,
			(double)event->outage_us / LOOP_SECOND);
	else if (a->has_opened)
		attach_notice(a, "VM %s has started", name);
	a->has_opened = true;
	attach_begun(a);
	attach_input_again(a);
	attach_type_first_size(a);
	if (a->input_ended)
		attach_on_linger(a);
}

/* Somebody else has the console: a person waits for it, a script does not. */
static void on_busy(struct attach *a, const char *how)
{
	const char *name = guest_name(console_guest(a->console));

	if (!a->options.wait) {
		attach_exit_after_output(a, STATUS_BUSY,
			"the console of VM %s %s another client of the hypervisor", name, how);
		return;
	}
	if (a->told == ATTACH_TOLD_NOTHING)
		attach_notice(a,
			"the console of VM %s %s another client of the hypervisor; waiting until "
			"it is free",
			name, how);
	a->told = ATTACH_TOLD_HELD;
}

static void on_keyboard(struct attach *a, const struct console_event *event)
{
	const char *who = event->who ? event->who : "nobody";

	if (event->mode == VIEWER_WRITES) {
		attach_promoted(a);
		if (a->pty)
			attach_notice(a, "you have the keyboard now");
		return;
	}
	if (!a->pty) {
		attach_exit_after_output(a, STATUS_BUSY,
			"the keyboard was taken by %s; %zu typed bytes were "
			"dropped",
			who, event->dropped);
		return;
	}
	if (event->dropped)
		attach_notice(a, "the keyboard was taken by %s; %zu typed bytes were dropped", who,
			event->dropped);
	else
		attach_notice(a, "the keyboard was taken by %s", who);
	attach_input_again(a);
}

/* Its last words may be on their way still: another connection brings them. */
static void on_panicked(struct attach *a, const char *name)
{
	attach_notice(a, "VM %s has panicked", name);
	if (a->options.wait)
		return;
	a->waits = ATTACH_WAITS_PANIC;
	loop_timer_set(a->wait, ATTACH_PANIC_US, 0);
}

static void on_unsupported(struct attach *a, const char *text)
{
	attach_exit_after_output(a, STATUS_UNAVAILABLE,
		"VM %s has no console vmconsoled can open: %s",
		guest_name(console_guest(a->console)), text);
}

static void on_failed(struct attach *a, const char *text)
{
	if (!a->options.wait && !a->has_opened)
		attach_exit_after_output(
			a, STATUS_UNAVAILABLE, "the console does not open: %s", text);
	else if (a->told == ATTACH_TOLD_NOTHING)
		attach_notice(a, "the console does not open: %s; trying again", text);
	if (a->told == ATTACH_TOLD_NOTHING)
		a->told = ATTACH_TOLD_ERROR;
}

static void on_recording(struct attach *a, const char *error)
{
	if (*error)
		attach_notice(a, "history is not written to disk now: %s", error);
	else
		attach_notice(a, "history is written to disk again");
}

void attach_event(void *arg, const struct console_event *event)
{
	struct attach *a = arg;
	const char *name = guest_name(console_guest(a->console));

	if (a->state != ATTACH_RUNS)
		return;
	switch (event->kind) {
	case CONSOLE_EV_OPENED:
		on_opened(a, event);
		break;
	case CONSOLE_EV_STOPPED:
		on_stopped(a, event);
		break;
	case CONSOLE_EV_LOST:
		attach_writable(a); /* what the guest said last comes before that */
		attach_notice(a, "the hypervisor of VM %s is away; waiting for it", name);
		if (a->told == ATTACH_TOLD_NOTHING)
			a->told = ATTACH_TOLD_ERROR;
		break;
	case CONSOLE_EV_BUSY:
		on_busy(a, "is held by");
		break;
	case CONSOLE_EV_EVICTED:
		on_busy(a, "was taken by");
		break;
	case CONSOLE_EV_UNSUPPORTED:
		on_unsupported(a, event->text);
		break;
	case CONSOLE_EV_FAILED:
		on_failed(a, event->text);
		break;
	case CONSOLE_EV_REBOOTED:
		attach_booted(a);
		attach_notice(a, "VM %s is rebooting", name);
		break;
	case CONSOLE_EV_PANICKED:
		on_panicked(a, name);
		break;
	case CONSOLE_EV_PAUSED:
		attach_notice(a, "VM %s is paused", name);
		break;
	case CONSOLE_EV_RESUMED:
		attach_notice(a, "VM %s runs again", name);
		break;
	case CONSOLE_EV_MOVED:
		attach_notice(a, "VM %s has moved to hypervisor %s", name, event->text);
		break;
	case CONSOLE_EV_RECORDING:
		on_recording(a, event->text);
		break;
	case CONSOLE_EV_NOTICE:
		attach_notice(a, "%s", event->text);
		break;
	case CONSOLE_EV_KEYBOARD:
		on_keyboard(a, event);
		break;
	}
}

/* --- at the beginning --- */

/* It has been tried before this session came. */
static void say_obstacle(struct attach *a)
{
	if (console_is_held(a->console))
		on_busy(a, "is held by");
	else if (!console_is_early(a->console))
		on_failed(a, console_error(a->console));
}

void attach_say_state(struct attach *a)
{
	const struct guest *g = console_guest(a->console);
	char hint[ATTACH_HINT_MAX];

	if (attach_is_over(a) || a->has_opened)
		return;
	if (console_is_unsupported(a->console) && guest_is_on(g)) {
		on_unsupported(a, console_error(a->console));
	} else if (guest_is_on(g)) {
		if (console_state(a->console) == CONSOLE_WAITING && *console_error(a->console))
			say_obstacle(a);
	} else if (a->options.has_power) {
		return; /* it is about to start */
	} else if (!a->options.wait) {
		attach_say_absent(a);
	} else if (guest_state(g) == GUEST_UNREACHABLE) {
		attach_notice(a, "the hypervisor of VM %s cannot be reached; waiting for it%s",
			guest_name(g), attach_leave_hint(a, hint));
	} else {
		a->has_opened = true; /* so that its start is told */
		attach_notice(a, "VM %s is %s; waiting for it to start%s", guest_name(g),
			guest_state_name(guest_state(g)), attach_leave_hint(a, hint));
	}
}
