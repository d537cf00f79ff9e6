/*
 * Task: what comes from the client: on a pty it is looked through for the escape key, and the rest
 * is typed; and its signals. Owner: the session.
 */
#include <stdbool.h>

#include "broker/session/attach_private.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "core/log.h"

static void on_command(struct attach *a, uint8_t key)
{
	switch (key) {
	case '.':
		attach_leave(a);
		break;
	case '?':
		attach_help_notice(a);
		break;
	case 'i':
		attach_status_notice(a);
		break;
	case 'w':
		attach_who_notice(a);
		break;
	case 'r':
		attach_replay_screen(a);
		break;
	case 'f':
		attach_force_keyboard(a);
		break;
	case 'o':
		viewer_yield(a->viewer);
		attach_notice(a, "you gave up the keyboard and are watching");
		break;
	case 'b':
	case 's':
		attach_control_key(a, key);
		break;
	case 'p':
		attach_power_ask(a);
		break;
	case 'z':
		attach_type_size(a);
		break;
	default:
		attach_notice(a, "unknown escape; ? lists them");
		break;
	}
}

static void on_key(struct attach *a, uint8_t key)
{
	enum attach_due due = a->due;

	a->due = ATTACH_DUE_NOTHING;
	switch (due) {
	case ATTACH_DUE_NOTHING:
		on_command(a, key);
		break;
	case ATTACH_DUE_SYSRQ:
		attach_sysrq(a, key);
		break;
	case ATTACH_DUE_POWER:
		attach_power_key(a, key);
		break;
	case ATTACH_DUE_ANSWER:
		attach_power_answer(a, key);
		break;
	}
}

/* A command may cost a look at all of the history in memory, or a word about each viewer: nobody
 * types them as fast as a program would send them. */
static void rest(struct attach *a)
{
	a->rests_until = loop_now(a->loop) + ATTACH_COMMAND_US;
}

static bool is_resting(const struct attach *a)
{
	return loop_now(a->loop) < a->rests_until;
}

static bool guest_is_off(const struct attach *a)
{
	enum guest_state state = guest_state(console_guest(a->console));

	return state == GUEST_OFF || state == GUEST_GONE;
}

/* Types on a pty; returns how many bytes are done with, typed or dropped. */
static size_t type_for_person(struct attach *a, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (!a->may_type || viewer_mode(a->viewer) != VIEWER_WRITES) {
		attach_notify_no_keyboard(a);
		return len;
	}
	if (console_state(a->console) == CONSOLE_WAITING && guest_is_off(a)) {
		a->dropped += len; /* nobody is there to read it */
		return len;
	}
	n = viewer_type(a->viewer, data, len);
	if (n > 0)
		pace_reset(&a->pace);
	if (n < 0)
		n = 0;
	if (a->dropping) {
		a->dropped += len - (size_t)n;
		return len;
	}
	return (size_t)n;
}

/* Of the brackets around a paste: whether the guest has the first and not the second. */
static void note_paste(struct attach *a, const struct escape_found *f, size_t typed)
{
	if (viewer_mode(a->viewer) != VIEWER_WRITES || a->dropping)
		return;
	if (f->paste == ESCAPE_PASTE_BEGINS && typed)
		a->paste_open = true;
	else if (f->paste == ESCAPE_PASTE_ENDS && typed == f->count)
		a->paste_open = false;
}

/* Returns with how many of the bytes found it is done. */
static size_t act_on(struct attach *a, const struct escape_found *f)
{
	size_t n = f->count;

	switch (f->step) {
	case ESCAPE_MORE:
		break;
	case ESCAPE_TYPE:
		a->reports.began_before = false;
		n = type_for_person(a, f->bytes, f->count);
		note_paste(a, f, n);
		break;
	case ESCAPE_ANSWER:
	case ESCAPE_EVENT:
		if (attach_report_passes(a, f))
			n = type_for_person(a, f->bytes, f->count);
		break;
	case ESCAPE_COMMAND:
		on_key(a, f->key);
		rest(a);
		break;
	}
	return n;
}

static size_t input_of_person(struct attach *a, const uint8_t *data, size_t len)
{
	struct escape_key *e = &a->escape;
	size_t done = 0;

	while (!attach_is_over(a) && !is_resting(a)) {
		e->wants_key = a->due != ATTACH_DUE_NOTHING;
		e->in_paste = a->dropping;
		struct escape_found f = escape_scan(e, data + done, len - done);
		size_t n = act_on(a, &f);

		done += escape_done(e, &f, n);
		if (n < f.count || (f.step == ESCAPE_MORE && done == len))
			break;
	}
	return done;
}

/* An ESC may be a key, or the beginning of one that is told in more bytes. A watcher's keys can
 * wait for what comes next. */
static void watch_for_rest(struct attach *a)
{
	bool waits =
		escape_holds_key(&a->escape) && (viewer_mode(a->viewer) == VIEWER_WRITES ||
							a->escape.pending || a->escape.wants_key);

	if (waits)
		loop_timer_set(a->key_rest, ATTACH_KEY_US, 0);
	else
		loop_timer_stop(a->key_rest);
}

void attach_end_paste(struct attach *a)
{
	static const char text[] = "\x1b[201~";

	if (!a->paste_open)
		return;
	a->paste_open = false;
	if (!attach_type_whole(a, text, sizeof(text) - 1))
		log_write(LOG_LEVEL_INFO, channel_tag(a->channel),
			"left inside a paste whose end the guest does not take");
}

static size_t input_of_script(struct attach *a, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (a->options.no_input)
		return len;
	if (attach_take_for_script(a) < 0)
		return len;
	n = viewer_type(a->viewer, data, len);
	if (n > 0)
		pace_reset(&a->pace);
	return n < 0 ? 0 : (size_t)n;
}

static void watch_for_stall(struct attach *a, bool held)
{
	if (!held || !a->pty) {
		loop_timer_stop(a->stall);
	} else if (!loop_timer_armed(a->stall)) {
		loop_timer_set(a->stall, ATTACH_STALL_US, 0);
	}
}

static void act_on_key(struct attach *a, const struct escape_found *f)
{
	(void)escape_done(&a->escape, f, act_on(a, f));
	if (a->state == ATTACH_RUNS && escape_owes_key(&a->escape))
		watch_for_stall(a, true);
}

void attach_on_key_rest(void *arg)
{
	struct attach *a = arg;
	struct escape_found f;

	if (a->state != ATTACH_RUNS)
		return;
	f = escape_give_up(&a->escape);
	act_on_key(a, &f);
}

/* A key that was given up and not taken comes before all that the channel holds. */
void attach_resume_input(struct attach *a)
{
	struct escape_found f;

	if (a->state == ATTACH_RUNS && escape_owes_key(&a->escape)) {
		f = escape_scan(&a->escape, NULL, 0);
		act_on_key(a, &f);
	}
	channel_resume(a->channel);
}

size_t attach_input(void *arg, const uint8_t *data, size_t len)
{
	struct attach *a = arg;
	size_t done;

	if (a->state != ATTACH_RUNS)
		return len;
	a->last_input = a->last_activity = loop_now(a->loop);
	if (a->pty)
		done = input_of_person(a, data, len);
	else
		done = input_of_script(a, data, len);
	if (a->state != ATTACH_RUNS)
		return done;
	watch_for_rest(a);
	if (done < len && is_resting(a))
		channel_resume_later(a->channel, a->rests_until - loop_now(a->loop));
	else
		watch_for_stall(a, done < len);
	return done;
}

/* --- signals --- */

static void interrupt(struct attach *a)
{
	const uint8_t etx = 3;

	a->last_input = a->last_activity = loop_now(a->loop);
	if (!attach_may_interrupt(a))
		return;
	if (a->pty)
		(void)type_for_person(a, &etx, 1);
	else if (viewer_type(a->viewer, &etx, 1) > 0)
		pace_reset(&a->pace);
}

void attach_signal(void *arg, enum channel_signal signal)
{
	struct attach *a = arg;

	switch (signal) {
	case CHANNEL_INTERRUPT:
		if (a->state == ATTACH_RUNS)
			interrupt(a);
		break;
	case CHANNEL_LEAVE:
		attach_leave(a);
		break;
	}
}
