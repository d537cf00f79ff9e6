/*
 * Task: what becomes of a session whose input has ended. Owner: the session.
 *
 * The keyboard is given up once all that was typed is delivered. The session goes on until nothing
 * has been printed for `linger`, counted from the last byte in or out, and never before the console
 * has been open for a while; as long as output flows it is sent, up to `linger_max`, and an end
 * before the output's own is told.
 */
#include <stdbool.h>

#include "broker/session/attach_private.h"
#include "config/config.h"

#define LOOK_US (100 * LOOP_MSEC) /* at what has no event of its own */

static uint64_t later(uint64_t x, uint64_t y)
{
	return x > y ? x : y;
}

static void look_again(struct attach *a, uint64_t delay_us)
{
	loop_timer_set(a->linger, delay_us, 0);
}

/* Whether all is typed. A guest that takes nothing gets some time. */
static bool is_delivered(struct attach *a)
{
	size_t pending = viewer_typed_pending(a->viewer);
	uint64_t last = later(a->last_input, console_input_progress(a->console));

	if (pending && loop_now(a->loop) >= last + ATTACH_UNDELIVERED_US) {
		attach_exit(a, STATUS_BUSY, "VM %s takes no input: %zu bytes were not delivered",
			guest_name(console_guest(a->console)), pending);
		return false;
	}
	if (pending) {
		a->ended_at = loop_now(a->loop);
		look_again(a, LOOK_US);
	} else if (viewer_mode(a->viewer) == VIEWER_WRITES) {
		viewer_yield(a->viewer);
	}
	return !pending;
}

static void end_quietly(struct attach *a)
{
	if (a->pty)
		attach_leave(a);
	else
		channel_exit(a->channel, STATUS_OK, NULL);
}

static void end_at_limit(struct attach *a, uint64_t limit)
{
	attach_exit(a, STATUS_LIMIT,
		"the output of VM %s goes on %.1f s after the end of input (linger_max): left at "
		"offset %llu",
		guest_name(console_guest(a->console)), (double)limit / LOOP_SECOND,
		(unsigned long long)a->reached);
}

void attach_on_linger(void *arg)
{
	struct attach *a = arg;
	const struct config *config = login_context(channel_login(a->channel))->config;
	uint64_t now = loop_now(a->loop), opened = console_opened_at(a->console), quiet, most;

	if (a->state != ATTACH_RUNS)
		return;
	if (!opened) {
		look_again(a, LOOK_US);
		return;
	}
	if (!is_delivered(a))
		return;
	quiet = later(later(a->last_input, a->last_output), console_input_progress(a->console)) +
		config->console.linger;
	quiet = later(quiet, opened + ATTACH_SETTLE_US);
	most = later(a->ended_at + config->console.linger_max, opened + ATTACH_SETTLE_US);
	if (now >= quiet && !attach_is_behind(a))
		end_quietly(a);
	else if (config->console.linger_max && now >= most)
		end_at_limit(a, config->console.linger_max);
	else
		look_again(a, now < quiet ? quiet - now : LOOK_US);
}

/* Nobody can type here any more, nor leave: it waits for no guest unless that was asked for. */
static void stop_waiting(struct attach *a)
{
	a->may_type = false;
	if (viewer_mode(a->viewer) == VIEWER_WAITS)
		viewer_yield(a->viewer);
	if (a->options.wait_asked)
		return;
	a->options.wait = 0;
	if (!guest_is_on(console_guest(a->console)))
		attach_say_absent(a);
	else if (console_state(a->console) != CONSOLE_OPEN)
		attach_start_wait(a);
}

void attach_input_end(void *arg)
{
	struct attach *a = arg;

	if (a->options.no_input || a->state != ATTACH_RUNS)
		return; /* a watcher leaves by the console's end */
	a->input_ended = true;
	attach_begun(a);
	a->ended_at = loop_now(a->loop);
	if (!a->last_input)
		a->last_input = a->ended_at;
	if (a->pty)
		stop_waiting(a);
	attach_on_linger(a);
}
