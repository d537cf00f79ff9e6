/*
 * Task: what a session shows: history first, filtered on a pty, then the live bytes as they are. On
 * a terminal that is not a pty of ours all of it is filtered.
 *
 * Nothing is buffered here: the session stands at an offset of the journal and sends from there
 * what the channel takes. Bulk output is put together for some milliseconds; a lone echo is not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "broker/session/attach_private.h"
#include "config/rights.h"
#include "console/replay/replay.h"
#include "wire/msg.h"

#define PUMP_ROUNDS 16 /* messages sent in one turn */

static struct journal_reader *reader(const struct attach *a)
{
	return viewer_reader(a->viewer);
}

static void notify_hole(struct attach *a, const struct journal_hole *hole)
{
	const char *why = "no longer kept";

	switch (hole->cause) {
	case JOURNAL_HOLE_EXPIRED:
		break;
	case JOURNAL_HOLE_UNUSED:
		why = "never written";
		break;
	case JOURNAL_HOLE_LOST:
		why = "lost";
		break;
	case JOURNAL_HOLE_BROKEN:
		why = "unreadable";
		break;
	}
	if (hole->cause == JOURNAL_HOLE_UNUSED)
		return; /* no byte was ever there */
	attach_notice(
		a, "bytes %" PRIu64 "-%" PRIu64 " skipped: %s", hole->from, hole->to - 1, why);
}

/* Shows part of the history, or the end of a sequence that live output began in. Returns how many
 * bytes of data are done with. */
static size_t send_filtered(struct attach *a, const uint8_t *data, size_t len, int live)
{
	uint8_t out[8192 + REPLAY_ROOM];
	size_t consumed = 0, n;
	bool done = false;

	if (len > 8192)
		len = 8192;
	if (live)
		n = replay_filter_join(
			a->history.filter, data, len, out, sizeof(out), &consumed, &done);
	else
		n = replay_filter(a->history.filter, data, len, out, sizeof(out), &consumed);
	if (n > 0 && channel_put(a->channel, out, n) < 0)
		return 0;
	history_sent(&a->history, out, n);
	if (live && done) {
		free(a->history.filter);
		a->history.filter = NULL;
	}
	return consumed;
}

/* The terminal is brought to the modes in force where it begins to show something. */
static int write_modes(struct attach *a)
{
	char text[REPLAY_MODES_ROOM] = "";
	size_t len = 0;

	if (a->pty && !a->is_repainted)
		len = replay_modes_write(a->history.before, text, sizeof(text));
	a->is_repainted = false;

	history_sent(&a->history, text, len);
	history_show(&a->history);
	return len == 0 || channel_put(a->channel, text, len) == 0;
}

/* A replay does not take back what was reached before. */
static void note_reached(struct attach *a)
{
	uint64_t offset = journal_reader_offset(reader(a));

	if (!a->history.before && offset > a->reached)
		a->reached = offset;
}

static int pass_hole(struct attach *a, const struct journal_hole *hole)
{
	if (!a->history.before)
		notify_hole(a, hole);
	if (journal_reader_seek(reader(a), history_pass(&a->history, hole)) < 0)
		return 0;
	note_reached(a);
	return 1;
}

/* What comes from here on is new: a script on a terminal tells it from history by this line. */
static void say_live(struct attach *a)
{
	a->mark_due = false;
	attach_notice(a, ATTACH_LIVE_MARK, a->live_from);
}

bool attach_is_behind(const struct attach *a)
{
	uint64_t end = a->state == ATTACH_DRAINS ? a->end.offset
						 : journal_next(console_journal(a->console));

	return a->finding || a->repaint || a->history.before ||
	       journal_reader_offset(reader(a)) < end;
}

/* Up to where this step may go: history ends where live output begins. */
static size_t bound(const struct attach *a, uint64_t offset, size_t len)
{
	if (a->state == ATTACH_DRAINS && len > a->end.offset - offset)
		len = (size_t)(a->end.offset - offset);
	if (offset < a->live_from && len > a->live_from - offset)
		len = (size_t)(a->live_from - offset);
	return history_before_boot(&a->history, offset, len);
}

/* One step: 1 something was done, 0 nothing can be done now. */
static int pump_step(struct attach *a)
{
	uint64_t offset = journal_reader_offset(reader(a));
	struct journal_hole hole;
	const uint8_t *data;
	size_t len, done;
	int r;

	if (a->history.before && offset >= a->history.shown_from)
		return write_modes(a);
	if (offset >= a->history.boot)
		return history_boot(&a->history, a->console, a->channel) == 0;
	if (a->mark_due && offset >= a->live_from) {
		say_live(a);
		return 1;
	}
	if (a->state == ATTACH_DRAINS && !attach_is_behind(a)) {
		attach_exit(a, a->end.status, "%s", a->end.text);
		return 0;
	}
	r = journal_reader_next(reader(a), &data, &len, &hole);
	if (r == -ERANGE)
		return pass_hole(a, &hole);
	if (r < 0)
		return 0; /* the journal wakes us */
	len = bound(a, offset, len);
	if (a->history.before) {
		done = history_gather(&a->history, offset, data, len);
	} else if (a->history.filter) {
		done = send_filtered(a, data, len, a->pty && offset >= a->live_from);
		/* The join may end without a byte of its own. */
		if (done == 0 && !a->history.filter)
			return 1;
	} else {
		channel_begin(a->channel, a->sent_from);
		done = channel_send(
			a->channel, data, len < WIRE_PAYLOAD_MAX ? len : WIRE_PAYLOAD_MAX);
		if (a->pty)
			history_sent(&a->history, data, done);
	}
	if (done == 0)
		return 0;
	journal_reader_consume(reader(a), done);
	note_reached(a);
	return 1;
}

/* False when there may be more to come. */
static bool pump_round(struct attach *a)
{
	for (int i = 0; i < PUMP_ROUNDS; i++) {
		if (a->finding || a->repaint || !channel_ready(a->channel) || !pump_step(a))
			return true;
	}
	return false;
}

static void pump(struct attach *a)
{
	pace_take(&a->pace, loop_now(a->loop), ATTACH_BATCH_US, ATTACH_BURST);
	if (!pump_round(a))
		loop_timer_set(a->batch, 0, 0); /* let others have their turn */
	attach_say_after_output(a);
}

/* --- when --- */

void attach_writable(void *arg)
{
	struct attach *a = arg;

	if (a->repaint)
		attach_repaint_writable(a);
	pump(a);
}

static void pump_deferred(void *arg)
{
	struct attach *a = arg;

	a->pump_deferred = false;
	if (!attach_is_over(a))
		pump(a);
}

static void attach_pump_soon(struct attach *a)
{
	if (a->pump_deferred)
		return;
	a->pump_deferred = true;
	loop_defer(a->loop, pump_deferred, a);
}

void attach_wake(void *arg)
{
	struct attach *a = arg;
	uint64_t now = loop_now(a->loop), wait;

	a->last_output = now;
	wait = pace_wait(&a->pace, now, ATTACH_BATCH_US, ATTACH_BURST);
	if (wait == 0)
		attach_pump_soon(a);
	else if (!loop_timer_armed(a->batch))
		loop_timer_set(a->batch, wait, 0);
}

/*
 * Tells clients whose protocol answers before the output begins: not before the console is open,
 * nor, when input may come, before the keyboard is ours.
 */
void attach_begun(struct attach *a)
{
	int may_type = !a->options.read_only && !a->options.no_input && !a->input_ended;

	if (a->has_opened && (!may_type || viewer_mode(a->viewer) == VIEWER_WRITES))
		channel_begin(a->channel, a->sent_from);
}

/* --- where to begin --- */

unsigned attach_lines_max(const struct channel *channel)
{
	unsigned rows = channel_window(channel).rows;

	if (rows < ATTACH_LINES_DEFAULT)
		return ATTACH_LINES_DEFAULT;
	return rows < ATTACH_LINES_MAX ? rows : ATTACH_LINES_MAX;
}

/* The line that history ends with and that of the cursor take two. */
static unsigned screen_lines(const struct attach *a)
{
	unsigned rows = channel_window(a->channel).rows, most = attach_lines_max(a->channel);

	if (a->options.lines < most)
		most = a->options.lines;
	rows = rows > 2 ? rows - 2 : ATTACH_LINES_DEFAULT;
	return rows < most ? rows : most;
}

/* A screenful is looked for in the newest part of the journal, however long its lines are; and
 * whoever has no right to more gets no more by asking for lines. */
static bool is_screenful(const struct attach *a)
{
	return a->options.from == ATTACH_FROM_SCREEN ||
	       !(login_rights(channel_login(a->channel), console_guest(a->console)) & RIGHT_LOG);
}

/* The offset from which so many lines are shown, looked for in the newest part of memory. *gone:
 * they are not the screen, as of replay_start. */
static uint64_t start_of_lines(struct attach *a, unsigned lines, bool *gone)
{
	struct journal *j = console_journal(a->console);
	uint64_t end = journal_next(j), from = history_window(end, journal_memory_first(j));
	struct replay_known known = {.before = NULL};
	struct replay_modes before;
	uint64_t boot = from;
	const uint8_t *data;
	size_t len;

	*gone = false;
	/* Not far from the beginning: the lines that are wanted lie behind it. */
	if (console_modes_recall(a->console, from, from + (end - from) / 4, &before, &from))
		known.before = &before;
	if (journal_view(j, from, &data, &len) < 0)
		return end;
	while (journal_mark_after(j, JOURNAL_BOOT, boot, &boot) == 0)
		known.boot = boot > from ? (size_t)(boot - from) : 0;
	known.whole = from == 0;
	return from +
	       replay_start(data, len, lines, channel_window(a->channel).columns, &known, gone);
}

static uint64_t start_offset(struct attach *a)
{
	struct journal *j = console_journal(a->console);
	uint64_t first = journal_first(j), end = journal_next(j);
	bool gone;

	switch (a->options.from) {
	case ATTACH_FROM_NOW:
		return end;
	case ATTACH_FROM_SCREEN:
		return start_of_lines(a, screen_lines(a), &gone);
	case ATTACH_FROM_LINES:
		return start_of_lines(a, (unsigned)a->options.from_value, &gone);
	case ATTACH_FROM_START:
		return first;
	case ATTACH_FROM_OFFSET:
		return a->options.from_value; /* a reader there meets a hole when it is gone */
	case ATTACH_FROM_BACK:
		return end - first > a->options.from_value ? end - a->options.from_value : first;
	}
	return end;
}

/*
 * Makes the filter, if there is to be one: on a pty for history; and for all that is printed where
 * it is shown on a terminal whose keyboard is not ours. *from: where to begin to read.
 */
static int begin_history(struct attach *a, uint64_t offset, uint64_t *from)
{
	uint64_t first = journal_first(console_journal(a->console));
	int is_past = offset < a->live_from;
	int is_filtered = a->pty || channel_is_shown(a->channel);
	const struct replay_terminal terminal = history_terminal(a->channel);

	*from = offset;
	if (is_filtered && history_begin(&a->history, offset, is_past ? first : 0, &terminal) < 0)
		return -ENOMEM;
	if (is_filtered && offset <= a->live_from)
		*from = history_look_back(&a->history, a->console, offset, first);
	history_look_for_boot(&a->history, a->console, offset);
	return 0;
}

static void show_from(struct attach *a, uint64_t offset)
{
	uint64_t from;

	if (a->sent_from == UINT64_MAX)
		a->reached = offset;
	a->sent_from = offset;
	a->live_from = journal_next(console_journal(a->console));
	a->mark_due = a->pty;
	if (begin_history(a, offset, &from) < 0)
		attach_exit(a, STATUS_INTERNAL, "out of memory");
	else if (journal_reader_seek(reader(a), from) < 0)
		attach_exit(a, STATUS_NOT_FOUND,
			"offset %" PRIu64 " is not reached yet: %" PRIu64 " is the next one",
			offset, a->live_from);
	else {
		attach_begun(a);
		attach_pump_soon(a);
	}
}

/* How many lines are to be shown; 0: it is not asked in lines. */
static unsigned lines_wanted(const struct attach *a)
{
	if (a->options.from == ATTACH_FROM_SCREEN)
		return screen_lines(a);
	return a->options.from == ATTACH_FROM_LINES ? (unsigned)a->options.from_value : 0;
}

static void on_found(void *arg, int error, uint64_t offset)
{
	struct attach *a = arg;

	struct journal *j = console_journal(a->console);
	uint64_t window = history_window(journal_next(j), journal_first(j));

	a->finding = NULL;
	if (error)
		offset = journal_next(j);
	else if (is_screenful(a) && offset < window)
		offset = window;
	show_from(a, offset);
}

/* Whether the newest part of memory has so many lines, or all there are. */
static bool has_lines(const struct attach *a, unsigned lines)
{
	struct journal *j = console_journal(a->console);
	uint64_t from = history_window(journal_next(j), journal_memory_first(j));
	const uint8_t *data;
	size_t len, count = 0;

	if (lines > REPLAY_LINES_MAX)
		return false;
	if (from == journal_first(j) || journal_view(j, from, &data, &len) < 0)
		return true;
	/* A program that draws by moving the cursor ends no lines. */
	if (is_screenful(a) && len >= HISTORY_WINDOW)
		return true;
	while (len > 0 && count < lines)
		count += data[--len] == '\n';
	return count >= lines;
}

/* After a restart the last lines are on disk only. 1 when they are being looked for there. */
static int find_on_disk(struct attach *a)
{
	struct journal *j = console_journal(a->console);
	unsigned lines = lines_wanted(a);
	struct journal_query *query = NULL;

	if (lines == 0 || has_lines(a, lines))
		return 0;
	if (journal_find(j, JOURNAL_FIND_LINES, lines, on_found, a, &query) < 0)
		return 0;
	a->finding = query;
	return 1;
}

void attach_show_bytes(struct attach *a)
{
	if (!find_on_disk(a))
		show_from(a, start_offset(a));
}

void attach_show_behind(struct attach *a, uint64_t offset)
{
	a->is_repainted = true;
	show_from(a, offset);
	a->live_from = offset;
	a->mark_due = false;
}

static void show_screen(struct attach *a)
{
	bool gone;
	uint64_t start = start_of_lines(a, screen_lines(a), &gone);

	if (gone && attach_repaint_begin(a))
		return;
	if (!find_on_disk(a))
		show_from(a, start);
}

void attach_start_history(struct attach *a)
{
	if (a->pty && history_reset(a->channel) < 0)
		return;
	if (a->pty && a->options.from == ATTACH_FROM_SCREEN && screen_lines(a) > 0)
		show_screen(a);
	else
		attach_show_bytes(a);
}

/* The guest's terminal is a fresh one: this one is, too, as soon as it was sent what came before.
 */
void attach_booted(struct attach *a)
{
	history_look_again(&a->history, a->console);
	attach_writable(a);
}

void attach_replay_screen(struct attach *a)
{
	if (history_give_back(&a->history, a->channel) < 0)
		return;
	attach_output_finish(a);
	a->options.from = ATTACH_FROM_SCREEN;
	a->options.lines = ATTACH_LINES_MAX;
	attach_start_history(a);
}

void attach_output_finish(struct attach *a)
{
	journal_query_cancel(&a->finding);
	attach_repaint_finish(a);
	history_finish(&a->history);
}
