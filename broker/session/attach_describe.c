/*
 * Task: what a session tells when it begins or is asked: the guest, the keyboard, who else is here,
 * the escape key. Owner: the session.
 */
#include <inttypes.h>
#include <stdio.h>

#include "broker/session/attach_private.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"

/* "^]" of 0x1d. */
static const char *key_name(const struct attach *a, char out[8])
{
	int c = a->escape.character;

	if (c < 32)
		snprintf(out, 8, "^%c", c + 64);
	else
		snprintf(out, 8, c == 127 ? "^?" : "%c", c);
	return out;
}

const char *attach_leave_hint(const struct attach *a, char out[ATTACH_HINT_MAX])
{
	char key[8];

	if (a->escape.character < 0)
		return "";
	snprintf(out, ATTACH_HINT_MAX, "; leave with %s .", key_name(a, key));
	return out;
}

static void describe_keyboard(const struct attach *a, char *out, size_t room)
{
	char who[KEYBOARD_TEXT_MAX];

	if (viewer_mode(a->viewer) == VIEWER_WRITES)
		snprintf(out, room, "you have the keyboard");
	else if (console_writer(a->console) || console_lease(a->console))
		snprintf(out, room, "you are watching; the keyboard is with %s",
			console_keyboard_text(a->console, who));
	else
		snprintf(out, room, "you are watching");
}

static void describe(const struct attach *a, char *out, size_t room)
{
	const struct guest *g = console_guest(a->console);
	struct journal *j = console_journal(a->console);
	size_t others = console_viewer_count(a->console) - 1;
	char keyboard[KEYBOARD_TEXT_MAX + 64];

	describe_keyboard(a, keyboard, sizeof(keyboard));
	snprintf(out, room, "VM %s, %s, %s; %s; %zu other%s here; offset %" PRIu64, guest_name(g),
		console_device_name(a->console), guest_state_name(guest_state(g)), keyboard, others,
		others == 1 ? "" : "s", journal_next(j));
}

void attach_header(struct attach *a)
{
	char text[1024], hint[ATTACH_HINT_MAX];

	describe(a, text, sizeof(text));
	attach_notice(a, "%s%s", text, attach_leave_hint(a, hint));
}

void attach_status_notice(struct attach *a)
{
	struct journal *j = console_journal(a->console);
	char text[1024];

	describe(a, text, sizeof(text));
	attach_notice(a, "%s; history from offset %" PRIu64 "%s%s", text, journal_first(j),
		*console_error(a->console) ? "; " : "", console_error(a->console));
}

void attach_help_notice(struct attach *a)
{
	char key[8];

	key_name(a, key);
	attach_notice(a,
		"%s then: . leave, ? help, i status and offset, w who, r replay a screenful, "
		"f take the keyboard, o give it up, b break, s and a key sysrq, p power, "
		"z type the terminal's size for a shell, %s the character itself",
		key, key);
}

void attach_who_notice(struct attach *a)
{
	const struct viewer *v = NULL;

	while ((v = console_next_viewer(a->console, v))) {
		if (!viewer_channel(v) || viewer_is_reader(v))
			continue;
		attach_notice(a, "%s %s%s", channel_tag(viewer_channel(v)), viewer_who(v),
			viewer_mode(v) == VIEWER_WRITES  ? ", has the keyboard"
			: viewer_mode(v) == VIEWER_WAITS ? ", waits for the keyboard"
							 : ", watches");
	}
}
