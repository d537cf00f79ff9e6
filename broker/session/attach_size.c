/*
 * Task: tell a guest the size of the terminal, which a serial line cannot: a line for its shell, by
 * the escape key or at the beginning. Owner: the session.
 */
#include <stdio.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"

#define LINE_MAX_BYTES 64

/* A half of the line would be worse than none. */
bool attach_type_whole(struct attach *a, const char *text, size_t len)
{
	if (viewer_typed_pending(a->viewer) + len > CONSOLE_INPUT_MAX)
		return false;
	return viewer_type(a->viewer, (const uint8_t *)text, len) == (ssize_t)len;
}

void attach_type_size(struct attach *a)
{
	const struct channel_window window = channel_window(a->channel);
	char line[LINE_MAX_BYTES];

	if (!a->may_type || viewer_mode(a->viewer) != VIEWER_WRITES) {
		attach_notify_no_keyboard(a);
		return;
	}
	if (window.rows == 0 || window.columns == 0) {
		attach_notice(a, "your client does not say how large the terminal is");
		return;
	}
	snprintf(line, sizeof(line), "stty rows %u cols %u\r", window.rows, window.columns);
	if (attach_type_whole(a, line, strlen(line)))
		pace_reset(&a->pace);
	else
		attach_notice(a, "VM %s takes no input now: the size was not typed",
			guest_name(console_guest(a->console)));
}

void attach_type_first_size(struct attach *a)
{
	if (!a->size_due)
		return;
	a->size_due = false;
	attach_type_size(a);
}
