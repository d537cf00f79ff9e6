/*
 * Task: the life of a console session: begin, rights, limits, end. Owner: its channel.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "config/config.h"
#include "config/rights.h"
#include "console/guest/guest_control.h"
#include "console/guest/lease.h"
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
	loop_timer_del(&a->key_rest);
	loop_timer_del(&a->linger);
	loop_timer_del(&a->wait);
	loop_timer_del(&a->idle);
	loop_timer_del(&a->drain);
}

/* The channel lets go: client gone, or the last word is said. */
static void attach_end(void *arg)
{
	struct attach *a = arg;

	a->state = ATTACH_ENDED;
	journal_mark(
		console_journal(a->console), JOURNAL_DETACH, login_who(channel_login(a->channel)));
	console_control_cancel(&a->control);
	guest_power_cancel(&a->power);
	attach_end_paste(a);
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
		a->may_type = false;
		viewer_yield(a->viewer);
		attach_notice(a, "the right to type was withdrawn; you are watching");
	}
	if (!a->options.read_only && !a->options.no_input && !a->input_ended &&
		(rights & RIGHT_TYPE))
		a->may_type = true;
}

/* The guest may have left the user's terminal in any mode. */
static void leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct attach *a = arg;

	if (channel_is_shown(a->channel)) {
		if (history_give_back(&a->history, a->channel) < 0)
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

/* --- limits in time --- */

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
	int r = loop_timer_add(a->loop, &a->wait, attach_on_wait, a);

	if (!r)
		r = loop_timer_add(a->loop, &a->stall, attach_on_stall, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->key_rest, attach_on_key_rest, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->linger, attach_on_linger, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->batch, attach_writable, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->idle, on_idle, a);
	if (!r)
		r = loop_timer_add(a->loop, &a->drain, attach_on_drain, a);
	if (!r)
		r = attach_say_init(a);
	return r;
}

static void start_timers(struct attach *a)
{
	uint64_t idle = login_context(channel_login(a->channel))->config->ssh.idle_timeout;

	if (idle)
		loop_timer_set(a->idle, idle, LOOP_SECOND);
	if (a->options.has_power)
		attach_power_begin(a);
	else if (!a->has_opened)
		attach_start_wait(a);
}

/* --- beginning --- */

static struct attach *create(
	struct channel *channel, struct console *console, const struct attach_options *options)
{
	struct login *login = channel_login(channel);
	const struct viewer_owner owner = {login_who(login), channel, .is_reader = false};
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->channel = channel;
	a->console = console;
	a->loop = login_loop(login);
	a->options = *options;
	a->options.lease = NULL; /* it was borrowed, and is used at the beginning */
	a->pty = channel_has_pty(channel);
	a->may_type = !options->read_only && !options->no_input &&
		      (login_rights(login, console_guest(console)) & RIGHT_TYPE) != 0;
	a->escape.character =
		a->pty ? login_context(login)->config->console.escape : ESCAPE_KEY_NONE;
	a->last_activity = a->last_output = loop_now(a->loop);
	a->sent_from = UINT64_MAX;
	a->reached = journal_next(console_journal(console));
	history_init(&a->history);
	a->has_opened = console_state(console) == CONSOLE_OPEN;
	a->size_due = options->size && !options->has_power && guest_is_on(console_guest(console));
	if (make_timers(a) < 0 ||
		viewer_create(console, &owner, &viewer_events, a, &a->viewer) < 0) {
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
	char why[LEASE_WHY_MAX];

	if (!a) {
		channel_exit(channel, STATUS_BUSY, "too many viewers of this console");
		return;
	}
	channel_set_handler(channel, &channel_ops, a);
	log_write(LOG_LEVEL_INFO, channel_tag(channel), "attached to %s %s%s",
		guest_name(console_guest(console)), console_slot(console),
		a->pty ? "" : " without a pty");
	audit_trail_session(channel_trail(channel), guest_uuid_text(console_guest(console)),
		guest_name(console_guest(console)), console_slot(console));
	journal_mark(console_journal(console), JOURNAL_ATTACH, login_who(channel_login(channel)));
	if (options->lease && viewer_show_lease(a->viewer, options->lease, why) < 0) {
		attach_exit(a, STATUS_BUSY, "%s", why);
		return;
	}
	start_timers(a);
	if (a->pty && a->may_type)
		attach_ask_keyboard(a);
	if (a->pty)
		attach_header(a);
	attach_start_history(a);
	if (a->has_opened)
		attach_type_first_size(a);
	attach_say_state(a);
}
