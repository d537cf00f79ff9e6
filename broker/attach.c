/*
 * Task: the life of a console session: begin, rights, limits, end. Owner: its channel.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/attach_internal.h"
#include "broker/broker.h"
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
}

/* The channel lets go: client gone, or the last word is said. */
static void attach_end(void *arg)
{
	struct attach *a = arg;

	if (a->ended)
		return;
	a->ended = 1;
	journal_mark(
		console_journal(a->console), JOURNAL_DETACH, login_who(channel_login(a->channel)));
	console_control_cancel(&a->control);
	viewer_destroy(&a->viewer);
	attach_output_finish(a);
	drop_timers(a);
	loop_defer(a->loop, free_attach, a);
}

static const struct channel_ops channel_ops = {
	.input = attach_input,
	.input_end = attach_input_end,
	.writable = attach_writable,
	.line_break = attach_break,
	.end = attach_end,
};

/* The guest may have left the user's terminal in any mode. */
static int leave_terminal(struct attach *a)
{
	size_t len;
	const char *text = replay_prologue(&len);
	int r = channel_put(a->channel, text, len);

	return r < 0 ? r : channel_put(a->channel, "\r\n", 2);
}

void attach_exit(struct attach *a, enum status status, const char *format, ...)
{
	char text[512];
	va_list args;

	if (a->ended)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (a->pty && leave_terminal(a) < 0)
		return;
	attach_say_last(a);
	channel_exit(a->channel, status, "%s", text);
}

/* --- limits in time --- */

static void on_wait(void *arg)
{
	struct attach *a = arg;
	const struct guest *g = console_guest(a->console);

	if (a->panicked)
		attach_say_panicked(a);
	else if (!guest_is_on(g))
		attach_exit(a, STATUS_UNAVAILABLE, "VM %s is still %s", guest_name(g),
			guest_state_name(guest_state(g)));
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
	uint64_t limit = broker_config(login_broker(channel_login(a->channel)))->ssh.idle_timeout;
	uint64_t last = a->last_activity > a->last_output ? a->last_activity : a->last_output;
	uint64_t idle = loop_now(a->loop) - last;

	if (limit == 0)
		return;
	if (idle >= limit)
		attach_exit(a, STATUS_LIMIT, "idle for %llu seconds",
			(unsigned long long)(limit / LOOP_SECOND));
	else
		loop_timer_set(a->idle, limit - idle, LOOP_SECOND);
}

static int make_timers(struct attach *a)
{
	int r = loop_timer_add(a->loop, &a->wait, on_wait, a);

	if (!r)
		r = loop_timer_add(a->loop, &a->stall, attach_on_stall, a);
	if (!r && !a->pty)
		r = loop_timer_add(a->loop, &a->linger, attach_on_linger, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->batch, attach_writable, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->idle, on_idle, a);
	if (!r)
		r = attach_say_init(a);
	return r;
}

static void start_timers(struct attach *a)
{
	uint64_t idle = broker_config(login_broker(channel_login(a->channel)))->ssh.idle_timeout;

	if (idle)
		loop_timer_set(a->idle, idle, LOOP_SECOND);
	if (a->options.wait && a->options.wait_us)
		loop_timer_set(a->wait, a->options.wait_us, 0);
	else if (!a->options.wait)
		loop_timer_set(a->wait, ATTACH_OPEN_US, 0);
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
	a->may_type = !options->read_only &&
		      (login_rights(login, console_guest(console)) & RIGHT_TYPE) != 0;
	a->escape.character = a->pty ? broker_config(login_broker(login))->console.escape : -1;
	a->last_activity = a->last_output = loop_now(a->loop);
	a->sent_from = UINT64_MAX;
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
	audit_trail_session(channel, console_guest(console), console_slot(console));
	journal_mark(console_journal(console), JOURNAL_ATTACH, login_who(channel_login(channel)));
	start_timers(a);
	if (a->pty && a->may_type)
		attach_ask_keyboard(a);
	a->has_opened = console_state(console) == CONSOLE_OPEN;
	if (a->has_opened && !a->options.wait)
		loop_timer_stop(a->wait);
	if (a->pty)
		attach_header(a);
	attach_start_history(a);
	attach_say_state(a);
}

/* --- asked from outside --- */

static void rights_changed(struct viewer *viewer)
{
	struct attach *a = viewer_arg(viewer);
	struct login *login = channel_login(a->channel);
	const struct guest *g = console_guest(a->console);
	unsigned rights = login_rights(login, g);

	if (!(rights & RIGHT_VIEW)) {
		attach_exit(
			a, STATUS_DENIED, "the right to view VM %s was withdrawn", guest_name(g));
		return;
	}
	if (a->may_type && !(rights & RIGHT_TYPE)) {
		a->may_type = 0;
		viewer_yield(viewer);
		attach_notice(a, "the right to type was withdrawn; you are watching");
	}
	if (!a->options.read_only && (rights & RIGHT_TYPE))
		a->may_type = 1;
}

void attach_all_rights_changed(struct console *console)
{
	struct viewer *v = console_next_viewer(console, NULL), *next;

	for (; v; v = next) {
		next = console_next_viewer(console, v);
		if (attach_channel(v))
			rights_changed(v);
	}
}

struct channel *attach_channel(const struct viewer *viewer)
{
	const struct attach *a = viewer_arg(viewer);

	return viewer_events_of(viewer) == &viewer_events ? a->channel : NULL;
}
