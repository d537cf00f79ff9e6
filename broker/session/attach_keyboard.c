/*
 * Task: whose the keyboard is: asking for it, taking it, and saying that it is not to be had.
 * Owner: the session.
 */
#include <errno.h>
#include <stdbool.h>

#include "broker/session/attach_private.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"

#define NO_KEYBOARD_NOTICE_US (5 * LOOP_SECOND)

void attach_ask_keyboard(struct attach *a)
{
	int force =
		a->options.force &&
		(login_rights(channel_login(a->channel), console_guest(a->console)) & RIGHT_FORCE);

	if (viewer_take(a->viewer, force) < 0)
		return; /* it waits; the header says who has it */
}

void attach_notify_no_keyboard(struct attach *a)
{
	uint64_t now = loop_now(a->loop);
	char who[KEYBOARD_TEXT_MAX];

	if (a->told_no_keyboard && now - a->told_no_keyboard < NO_KEYBOARD_NOTICE_US)
		return;
	a->told_no_keyboard = now;
	if (!a->may_type)
		attach_notice(a, "you are watching: nothing is typed");
	else
		attach_notice(a, "the keyboard is with %s: nothing is typed",
			console_keyboard_text(a->console, who));
}

/* Without a pty: the first byte takes the keyboard. 0 when it is ours; else the session ends. */
int attach_take_for_script(struct attach *a)
{
	const struct guest *g = console_guest(a->console);
	struct login *login = channel_login(a->channel);
	unsigned rights = login_rights(login, g);
	char who[KEYBOARD_TEXT_MAX];

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
			console_keyboard_text(a->console, who));
	return -EBUSY;
}

/* By force, if he may. Who only watched goes on so when it is not to be had. */
static int take(struct attach *a, unsigned rights)
{
	enum viewer_mode before = viewer_mode(a->viewer);
	int r = viewer_take(a->viewer, (rights & RIGHT_FORCE) != 0);

	if (r < 0 && before == VIEWER_WATCHES)
		viewer_yield(a->viewer);
	return r;
}

void attach_force_keyboard(struct attach *a)
{
	struct login *login = channel_login(a->channel);
	const struct guest *g = console_guest(a->console);
	unsigned rights = login_rights(login, g);
	bool is_taken = console_writer(a->console) || console_lease(a->console);
	char from[KEYBOARD_TEXT_MAX];

	console_keyboard_text(a->console, from);

	if (viewer_mode(a->viewer) == VIEWER_WRITES) {
		attach_notice(a, "you have the keyboard");
	} else if (a->options.no_input) {
		attach_notice(a, "with --no-input nothing is typed");
	} else if (!(rights & RIGHT_TYPE)) {
		attach_notice(a, "permission denied: type on VM %s", guest_name(g));
	} else if (take(a, rights) < 0) {
		attach_notice(a, "the keyboard is with %s; permission denied: force", from);
	} else {
		attach_promoted(a);
		a->may_type = true;
		a->options.read_only = 0;
		journal_mark(console_journal(a->console), JOURNAL_TAKEOVER, login_who(login));
		if (is_taken)
			attach_notice(a, "you have taken the keyboard from %s", from);
		else
			attach_notice(a, "you have the keyboard");
	}
}

/* The keyboard of a script is taken for it, but nothing is lost when it is not to be had. */
bool attach_may_interrupt(struct attach *a)
{
	if (a->pty || viewer_mode(a->viewer) == VIEWER_WRITES)
		return true;
	if (a->may_type && viewer_take(a->viewer, 0) == 0)
		return true;
	viewer_yield(a->viewer);
	attach_notify_no_keyboard(a);
	return false;
}
