/*
 * Task: what a session types: the escape key, the keyboard, back-pressure.
 *
 * Input that the guest does not take is held in the channel, and the client's window closes. On a
 * pty one must always be able to leave, so after some seconds without progress input is read all
 * the same, looked through for the escape, and dropped with a count.
 */
#include <errno.h>

#include "broker/session/attach_internal.h"
#include "config/rights.h"

#define NO_KEYBOARD_NOTICE_US (5 * LOOP_SECOND)

/* --- the keyboard --- */

void attach_ask_keyboard(struct attach *a)
{
	int force =
		a->options.force &&
		(login_rights(channel_login(a->channel), console_guest(a->console)) & RIGHT_FORCE);

	if (viewer_take(a->viewer, force) < 0)
		return; /* it waits; the header says who has it */
}

static const char *writer_name(const struct attach *a)
{
	const struct viewer *writer = console_writer(a->console);

	return writer ? viewer_who(writer) : "nobody";
}

static void tell_no_keyboard(struct attach *a)
{
	uint64_t now = loop_now(a->loop);

	if (a->told_no_keyboard && now - a->told_no_keyboard < NO_KEYBOARD_NOTICE_US)
		return;
	a->told_no_keyboard = now;
	if (!a->may_type)
		attach_notice(a, "you are watching: nothing is typed");
	else
		attach_notice(a, "the keyboard is with %s: nothing is typed", writer_name(a));
}

/* Without a pty: the first byte takes the keyboard. 0 when it is ours; else the session ends. */
static int take_for_script(struct attach *a)
{
	const struct guest *g = console_guest(a->console);
	struct login *login = channel_login(a->channel);
	unsigned rights = login_rights(login, g);

	if (viewer_mode(a->viewer) == VIEWER_WRITES)
		return 0;
	if (a->options.read_only)
		attach_exit(a, STATUS_USAGE, "input with --read-only: nothing was typed");
	else if (!(rights & RIGHT_TYPE))
		attach_exit(a, STATUS_DENIED, "permission denied: type on VM %s; nothing was typed",
			guest_name(g));
	else if (a->options.force && !(rights & RIGHT_FORCE))
		attach_exit(a, STATUS_DENIED,
			"permission denied: force on VM %s; nothing was typed", guest_name(g));
	else if (viewer_take(a->viewer, a->options.force) == 0) {
		attach_begun(a);
		return 0;
	} else
		attach_exit(a, STATUS_BUSY, "the keyboard is with %s: nothing was typed",
			writer_name(a));
	return -EBUSY;
}

static void force_keyboard(struct attach *a)
{
	struct login *login = channel_login(a->channel);
	const struct guest *g = console_guest(a->console);
	const struct viewer *old = console_writer(a->console);
	unsigned rights = login_rights(login, g);
	const char *from = old ? viewer_who(old) : NULL;

	if (viewer_mode(a->viewer) == VIEWER_WRITES) {
		attach_notice(a, "you have the keyboard");
	} else if (a->options.no_input) {
		attach_notice(a, "with --no-input nothing is typed");
	} else if (!(rights & RIGHT_TYPE)) {
		attach_notice(a, "permission denied: type on VM %s", guest_name(g));
	} else if (from && !(rights & RIGHT_FORCE)) {
		attach_notice(a, "the keyboard is with %s; permission denied: force", from);
	} else if (viewer_take(a->viewer, 1) == 0) {
		a->may_type = 1;
		a->options.read_only = 0;
		journal_mark(console_journal(a->console), JOURNAL_TAKEOVER, login_who(login));
		if (from)
			attach_notice(a, "you have taken the keyboard from %s", from);
		else
			attach_notice(a, "you have the keyboard");
	}
}

static void tell_dropped(struct attach *a)
{
	size_t dropped = a->dropped;

	a->dropped = 0;
	if (dropped)
		attach_notice(a, "%zu typed bytes were dropped", dropped);
}

void attach_leave(struct attach *a)
{
	tell_dropped(a);
	attach_exit(a, STATUS_OK, "left VM %s at offset %llu",
		guest_name(console_guest(a->console)), (unsigned long long)a->reached);
}

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
		force_keyboard(a);
		break;
	case 'o':
		viewer_yield(a->viewer);
		attach_notice(a, "you gave up the keyboard and are watching");
		break;
	case 'b':
	case 's':
		attach_control_key(a, key);
		break;
	default:
		attach_notice(a, "unknown escape; ? lists them");
		break;
	}
}

/* --- typing --- */

static int guest_is_off(const struct attach *a)
{
	enum guest_state state = guest_state(console_guest(a->console));

	return state == GUEST_OFF || state == GUEST_GONE;
}

/* Types on a pty; returns how many bytes are done with, typed or dropped. */
static size_t type_for_person(struct attach *a, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (!a->may_type || viewer_mode(a->viewer) != VIEWER_WRITES) {
		tell_no_keyboard(a);
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

static size_t input_of_person(struct attach *a, const uint8_t *data, size_t len)
{
	size_t done = 0;

	while (done < len && !attach_is_over(a)) {
		struct escape_found f;
		size_t n;

		if (a->sysrq_due) {
			a->sysrq_due = 0;
			attach_sysrq(a, data[done++]);
			continue;
		}
		f = escape_scan(&a->escape, data + done, len - done);
		n = f.len;
		switch (f.step) {
		case ESCAPE_TYPE:
			n = type_for_person(a, data + done, f.len);
			escape_typed(&a->escape, n);
			break;
		case ESCAPE_COMMAND:
			on_command(a, f.key);
			break;
		case ESCAPE_MORE:
			break;
		}
		done += n;
		if (n < f.len)
			break;
	}
	return done;
}

static size_t input_of_script(struct attach *a, const uint8_t *data, size_t len)
{
	ssize_t n;

	if (a->options.no_input)
		return len;
	if (take_for_script(a) < 0)
		return len;
	n = viewer_type(a->viewer, data, len);
	if (n > 0)
		pace_reset(&a->pace);
	return n < 0 ? 0 : (size_t)n;
}

static void watch_for_stall(struct attach *a, int held)
{
	if (!held || !a->pty) {
		loop_timer_stop(a->stall);
	} else if (!loop_timer_armed(a->stall)) {
		loop_timer_set(a->stall, ATTACH_STALL_US, 0);
	}
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
	if (a->state == ATTACH_RUNS)
		watch_for_stall(a, done < len);
	return done;
}

/* The keyboard of a script is taken for it, but nothing is lost when it is not to be had. */
static int may_interrupt(struct attach *a)
{
	if (a->pty || viewer_mode(a->viewer) == VIEWER_WRITES)
		return 1;
	if (a->may_type && viewer_take(a->viewer, 0) == 0)
		return 1;
	viewer_yield(a->viewer);
	tell_no_keyboard(a);
	return 0;
}

void attach_interrupt(struct attach *a)
{
	const uint8_t etx = 3;

	a->last_input = a->last_activity = loop_now(a->loop);
	if (!may_interrupt(a))
		return;
	if (a->pty)
		(void)type_for_person(a, &etx, 1);
	else if (viewer_type(a->viewer, &etx, 1) > 0)
		pace_reset(&a->pace);
}

void attach_input_again(struct attach *a)
{
	a->dropping = 0;
	loop_timer_stop(a->stall);
	tell_dropped(a);
	if (!attach_is_over(a))
		channel_resume(a->channel);
}

void attach_room(void *arg)
{
	struct attach *a = arg;

	a->last_input = loop_now(a->loop);
	attach_input_again(a);
}

/* The guest has taken nothing for a while. If it did, the time runs from then. */
void attach_on_stall(void *arg)
{
	struct attach *a = arg;
	uint64_t progress = console_input_progress(a->console), now = loop_now(a->loop);

	if (console_state(a->console) == CONSOLE_OPEN && now - progress < ATTACH_STALL_US) {
		loop_timer_set(a->stall, progress + ATTACH_STALL_US - now, 0);
		return;
	}
	a->dropping = 1;
	attach_notice(a, "%s; what is typed now is dropped",
		console_state(a->console) == CONSOLE_OPEN ? "the guest takes no input"
							  : "the console is not open");
	channel_resume(a->channel);
}
