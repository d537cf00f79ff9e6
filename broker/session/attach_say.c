/*
 * Task: where a notice may stand in what a terminal is sent: not inside an escape sequence or a
 * character of the guest's. There it waits for the end of that, for a second at most.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "console/replay/replay.h"
#include "core/text/escape.h"

#define SCANNED ((size_t)4096)  /* bytes looked back at: no longer sequence is known of */
#define HELD_MAX ((size_t)4000) /* text that waits; printed in one go */
#define HOLD_US LOOP_SECOND     /* for the guest to go on */
#define CANCEL 0x18             /* ECMA-48 CAN: a terminal gives up a sequence */

/* Whether the last byte sent is in the middle of something. */
static enum vt_state state_of_terminal(const struct attach *a)
{
	const struct journal *j = console_journal(a->console);
	uint64_t end = journal_reader_offset(viewer_reader(a->viewer));
	uint64_t first = journal_memory_first(j), from = end > SCANNED ? end - SCANNED : 0;
	struct vt_scan scan;
	const uint8_t *data;
	size_t len;

	/* History, and its join, is sent in whole sequences. */
	if (a->history.before || a->history.filter || a->finding)
		return VT_GROUND;
	if (from < first)
		from = first;
	if (from < a->sent_from)
		from = a->sent_from;
	if (from < a->history.begun)
		from = a->history.begun;
	if (from >= end || journal_view(j, from, &data, &len) < 0)
		return VT_GROUND;
	vt_scan_init(&scan);
	for (size_t i = 0; i < end - from;)
		i += vt_scan_byte(&scan, data[i]);
	return scan.state;
}

static void say_held(struct attach *a)
{
	size_t len = buf_len(&a->held);

	loop_timer_stop(a->hold);
	if (len == 0)
		return;
	channel_print(a->channel, "%.*s", (int)len, (const char *)buf_data(&a->held));
	buf_drop(&a->held, len);
}

/* The guest does not go on: its sequence is given up. */
static void on_hold(void *arg)
{
	struct attach *a = arg;
	const uint8_t cancel = CANCEL;

	if (state_of_terminal(a) > VT_UTF8 && channel_put(a->channel, &cancel, 1) < 0)
		return;
	say_held(a);
}

void attach_notice(struct attach *a, const char *format, ...)
{
	char raw[1024], text[ESCAPE_ROOM(sizeof(raw))], line[sizeof(text) + 32];
	va_list args;
	int len;

	if (attach_is_over(a))
		return;
	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	if (!a->pty) {
		channel_complain(a->channel, "%s", raw);
		return;
	}
	escape_text(raw, strlen(raw), text, sizeof(text));
	len = snprintf(line, sizeof(line), "\n[vmconsoled: %s]\n", text);
	if (!buf_len(&a->held) && state_of_terminal(a) == VT_GROUND) {
		channel_print(a->channel, "%s", line);
		return;
	}
	if (!loop_timer_armed(a->hold))
		loop_timer_set(a->hold, HOLD_US, 0);
	if (buf_add(&a->held, line, (size_t)len) < 0) {
		on_hold(a);
		channel_print(a->channel, "%s", line);
	}
}

void attach_say_after_output(struct attach *a)
{
	if (!attach_is_over(a) && buf_len(&a->held) && state_of_terminal(a) == VT_GROUND)
		say_held(a);
}

void attach_say_last(struct attach *a)
{
	say_held(a);
}

int attach_say_init(struct attach *a)
{
	buf_init(&a->held, HELD_MAX);
	return loop_timer_add(a->loop, &a->hold, on_hold, a);
}

void attach_say_finish(struct attach *a)
{
	buf_finish(&a->held);
	loop_timer_del(&a->hold);
}
