/*
 * Task: the life of a console session: begin, rights, limits, end. Owner: its channel.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/session/attach_internal.h"
#include "config/config.h"
#include "config/rights.h"
#include "console/guest/guest_control.h"
#include "console/replay/replay.h"
#include "core/log.h"

static const struct viewer_events viewer_events = {attach_wake, attach_room, attach_event};

static void free_attach(void *arg)
{
	free(arg);
}

static void drop_timers(struct attach *a)
{
	attach_say_finish(a);
	loop_timer_del(&a->batch);
	loop_timer_del(&a->stall);
	loop_timer_del(&a->linger);
	loop_timer_del(&a->wait);
	loop_timer_del(&a->idle);
	loop_timer_del(&a->drain);
}

/* The channel lets go: client gone, or the last word is said. */
static void attach_end(void *arg)
{
	struct attach *a = arg;

	if (attach_is_over(a))
		return;
	a->state = ATTACH_ENDED;
	journal_mark(
		console_journal(a->console), JOURNAL_DETACH, login_who(channel_login(a->channel)));
	console_control_cancel(&a->control);
	viewer_destroy(&a->viewer);
	attach_output_finish(a);
	drop_timers(a);
	loop_defer(a->loop, free_attach, a);
}

static void rights_changed(void *arg)
{
	struct attach *a = arg;
	const struct guest *g = console_guest(a->console);
	unsigned rights = login_rights(channel_login(a->channel), g);

	if (a->options.needs_log && a->reached < a->live_from && !(rights & RIGHT_LOG)) {
		attach_exit(
			a, STATUS_DENIED, "the right to log VM %s was withdrawn", guest_name(g));
		return;
	}
	if (a->may_type && !(rights & RIGHT_TYPE)) {
		a->may_type = 0;
		viewer_yield(a->viewer);
		attach_notice(a, "the right to type was withdrawn; you are watching");
	}
	if (!a->options.read_only && !a->options.no_input && !a->input_ended &&
		(rights & RIGHT_TYPE))
		a->may_type = 1;
}

/* The guest may have left the user's terminal in any mode. */
static void leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct attach *a = arg;
	const char *text;
	size_t len;

	if (channel_is_shown(a->channel)) {
		text = replay_prologue(&len);
		if (channel_put(a->channel, text, len) < 0)
			return;
		if (a->pty)
			channel_print(a->channel, "\n");
	}
	attach_say_last(a);
	if (!a->end_told) /* the end comes from outside, and does not know */
		snprintf(where, CHANNEL_WHERE_MAX, "; left at offset %llu",
			(unsigned long long)a->reached);
}

static const struct channel_ops channel_ops = {
	.input = attach_input,
	.input_end = attach_input_end,
	.writable = attach_writable,
	.line_break = attach_break,
	.signal = attach_signal,
	.rights_changed = rights_changed,
	.leave = leave,
	.end = attach_end,
};

void attach_exit(struct attach *a, enum status status, const char *format, ...)
{
	char text[512];
	va_list args;

	if (attach_is_over(a))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	a->end_told = 1;
	channel_exit(a->channel, status, "%s", text);
}

/* --- the end behind the output --- */

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
	if (attach_is_over(a))
		return;
	if (attach_is_behind(a))
		begin_to_drain(a);
	else
		attach_exit(a, status, "%s", a->end.text);
}

void attach_drained(struct attach *a)
{
	attach_exit(a, a->end.status, "%s", a->end.text);
}

/* The client takes nothing any more. */
static void on_drain(void *arg)
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

/* --- limits in time --- */

/* The guest has started in time; its console needs a moment. */
static void wait_for_console(struct attach *a)
{
	a->open_due = 1;
	loop_timer_set(a->wait, ATTACH_OPEN_US, 0);
}

static void on_wait(void *arg)
{
	struct attach *a = arg;
	const struct guest *g = console_guest(a->console);

	if (a->panicked)
		attach_say_panicked(a);
	else if (!guest_is_on(g))
		attach_exit(a, STATUS_UNAVAILABLE, "VM %s is still %s", guest_name(g),
			guest_state_name(guest_state(g)));
	else if (a->is_held)
		attach_exit(a, STATUS_BUSY,
			"the console of VM %s is still held by another client of the hypervisor",
			guest_name(g));
	else if (a->options.wait && !a->open_due)
		wait_for_console(a);
	else
		attach_exit(a, STATUS_UNAVAILABLE, "the console of VM %s did not open: %s",
			guest_name(g),
			*console_trouble(a->console) ? console_trouble(a->console)
						     : "the hypervisor does not answer");
}

/* Armed once for the whole limit, then for what is left of it: no work per byte. */
static void on_idle(void *arg)
{
	struct attach *a = arg;
	uint64_t limit = login_context(channel_login(a->channel))->config->ssh.idle_timeout;
	uint64_t last = a->last_activity > a->last_output ? a->last_activity : a->last_output;
	uint64_t idle = loop_now(a->loop) - last;

	if (limit == 0)
		return;
	if (idle >= limit)
		attach_exit(a, STATUS_LIMIT, "idle for %llu seconds: left VM %s at offset %llu",
			(unsigned long long)(limit / LOOP_SECOND),
			guest_name(console_guest(a->console)), (unsigned long long)a->reached);
	else
		loop_timer_set(a->idle, limit - idle, LOOP_SECOND);
}

static int make_timers(struct attach *a)
{
	int r = loop_timer_add(a->loop, &a->wait, on_wait, a);

	if (!r)
		r = loop_timer_add(a->loop, &a->stall, attach_on_stall, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->linger, attach_on_linger, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->batch, attach_writable, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->idle, on_idle, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->drain, on_drain, a);
	if (!r)
		r = attach_say_init(a);
	return r;
}

void attach_start_wait(struct attach *a)
{
	a->open_due = 0;
	if (a->options.wait && a->options.wait_us)
		loop_timer_set(a->wait, a->options.wait_us, 0);
	else if (!a->options.wait)
		loop_timer_set(a->wait, ATTACH_OPEN_US, 0);
}

static void start_timers(struct attach *a)
{
	uint64_t idle = login_context(channel_login(a->channel))->config->ssh.idle_timeout;

	if (idle)
		loop_timer_set(a->idle, idle, LOOP_SECOND);
	if (!a->has_opened)
		attach_start_wait(a);
}

/* --- beginning --- */

static struct attach *create(
	struct channel *channel, struct console *console, const struct attach_options *options)
{
	struct login *login = channel_login(channel);
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->channel = channel;
	a->console = console;
	a->loop = login_loop(login);
	a->options = *options;
	a->pty = channel_has_pty(channel);
	a->may_type = !options->read_only && !options->no_input &&
		      (login_rights(login, console_guest(console)) & RIGHT_TYPE) != 0;
	a->escape.character = a->pty ? login_context(login)->config->console.escape : -1;
	a->last_activity = a->last_output = loop_now(a->loop);
	a->sent_from = UINT64_MAX;
	a->reached = journal_next(console_journal(console));
	a->has_opened = console_state(console) == CONSOLE_OPEN;
	if (make_timers(a) < 0 ||
		viewer_create(console, login_who(login), &viewer_events, a, &a->viewer) < 0) {
		drop_timers(a);
		free(a);
		return NULL;
	}
	return a;
}

void attach_begin(
	struct channel *channel, struct console *console, const struct attach_options *options)
{
	struct attach *a = create(channel, console, options);

	if (!a) {
		channel_exit(channel, STATUS_BUSY, "too many viewers of this console");
		return;
	}
	channel_set_policy(channel, &channel_ops, a);
	log_write(LOG_LEVEL_INFO, channel_tag(channel), "attached to %s %s%s",
		guest_name(console_guest(console)), console_slot(console),
		a->pty ? "" : " without a pty");
	audit_trail_session(channel_trail(channel), guest_uuid_text(console_guest(console)),
		guest_name(console_guest(console)), console_slot(console));
	journal_mark(console_journal(console), JOURNAL_ATTACH, login_who(channel_login(channel)));
	start_timers(a);
	if (a->pty && a->may_type)
		attach_ask_keyboard(a);
	if (a->pty)
		attach_header(a);
	attach_start_history(a);
	attach_say_state(a);
}

struct channel *attach_channel(const struct viewer *viewer)
{
	const struct attach *a = viewer_arg(viewer);

	return viewer_events_of(viewer) == &viewer_events ? a->channel : NULL;
}
