/*
 * Task: where a notice may stand in what a terminal is sent: not inside an escape sequence or a
 * character of the guest's. There it waits for the end of that, for a second at most. Nor inside a
 * repaint, which it waits for; what does not fit meanwhile is not said.
 */
#include <stdarg.h>

#include "broker/session/attach_private.h"

#define HOLD_US LOOP_SECOND /* for the guest to go on */
#define CANCEL 0x18         /* ECMA-48 CAN: a terminal gives up a sequence */

/* On the last rows it stands below what was said there before, unless the guest has gone on. */
static void say(struct attach *a, const char *text, size_t len)
{
	uint64_t offset = journal_reader_offset(viewer_reader(a->viewer));
	bool is_below = history_says_below(&a->history);

	if (!is_below || offset != a->said_at || buf_room(&a->said) < len)
		buf_drop(&a->said, buf_len(&a->said));
	a->said_at = offset;
	if (is_below && buf_add(&a->said, text, len) == 0) {
		text = (const char *)buf_data(&a->said);
		len = buf_len(&a->said);
	}
	if (history_say(&a->history, a->channel, text, len) < 0)
		buf_drop(&a->said, buf_len(&a->said));
}

static void say_held(struct attach *a)
{
	size_t len = buf_len(&a->held);

	loop_timer_stop(a->hold);
	if (len == 0)
		return;
	say(a, (const char *)buf_data(&a->held), len);
	buf_drop(&a->held, len);
}

static bool may_say(const struct attach *a)
{
	return !a->is_painting && history_may_say(&a->history);
}

/* The guest does not go on: its sequence is given up. */
static void on_hold(void *arg)
{
	struct attach *a = arg;
	const uint8_t cancel = CANCEL;

	if (a->is_painting) {
		loop_timer_set(a->hold, HOLD_US, 0);
		return;
	}
	if (a->history.shown.scan.state > VT_UTF8) {
		if (channel_put(a->channel, &cancel, 1) < 0)
			return;
		history_sent(&a->history, &cancel, 1);
	}
	say_held(a);
}

void attach_notice(struct attach *a, const char *format, ...)
{
	char line[HISTORY_LINE_MAX];
	va_list args;
	size_t len = 0;

	if (attach_is_over(a))
		return;
	va_start(args, format);
	if (!a->pty)
		channel_vcomplain(a->channel, format, args);
	else
		len = history_line(line, format, args);
	va_end(args);
	if (!a->pty)
		return;
	if (!buf_len(&a->held) && may_say(a)) {
		say(a, line, len);
		return;
	}
	if (!loop_timer_armed(a->hold))
		loop_timer_set(a->hold, HOLD_US, 0);
	if (buf_add(&a->held, line, len) < 0 && !a->is_painting) {
		on_hold(a);
		say(a, line, len);
	}
}

void attach_say_after_output(struct attach *a)
{
	if (!attach_is_over(a) && buf_len(&a->held) && may_say(a))
		say_held(a);
}

void attach_say_last(struct attach *a)
{
	say_held(a);
}

int attach_say_init(struct attach *a)
{
	buf_init(&a->held, HISTORY_LINE_MAX);
	buf_init(&a->said, HISTORY_LINE_MAX);
	return loop_timer_add(a->loop, &a->hold, on_hold, a);
}

void attach_say_finish(struct attach *a)
{
	buf_finish(&a->held);
	buf_finish(&a->said);
	loop_timer_del(&a->hold);
}
