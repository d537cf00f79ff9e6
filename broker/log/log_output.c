/*
 * Task: what the verb log sends: bytes from an offset on, with times if wanted.
 *
 * As fast as the channel takes it and no faster. On a terminal it passes the replay filter, because
 * old output must not make a terminal type; what the filter has to know of the output before is
 * looked at first, and not shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/log/log_private.h"
#include "console/replay/replay.h"
#include "console/guest/viewer.h"
#include "wire/msg.h"

#define LOG_ROUNDS 16 /* pieces sent in one turn */
#define STAMP_ROOM 32
#define LINE_PART_MAX ((size_t)4096) /* of a line, copied at once */

/* What the clock said when the bytes at the reader came, and up to which offset that holds. */
static size_t stamp_text(struct log_session *s, char text[STAMP_ROOM], uint64_t *until)
{
	uint64_t when;
	time_t seconds;
	struct tm tm;

	if (journal_reader_time(s->reader, &when, until) < 0) {
		*until = UINT64_MAX;
		return (size_t)snprintf(text, STAMP_ROOM, "[?] ");
	}
	seconds = (time_t)(when / LOOP_SECOND);
	gmtime_r(&seconds, &tm);
	return strftime(text, STAMP_ROOM, "[%FT%TZ] ", &tm);
}

/* The guest's bytes, filtered on a pty; returns what was written. Room: len + REPLAY_ROOM. */
static size_t copy_bytes(
	struct log_session *s, const uint8_t *data, size_t len, uint8_t *out, size_t room)
{
	size_t consumed;

	if (s->history.filter) {
		len = replay_filter(s->history.filter, data, len, out, room, &consumed);
		history_sent(&s->history, out, len);
		return len;
	}
	memcpy(out, data, len);
	return len;
}

/* As many lines, or parts of lines, as came at one time and fit. Returns what was used. */
static size_t send_stamped(struct log_session *s, const uint8_t *data, size_t len)
{
	uint8_t out[WIRE_PAYLOAD_MAX + LINE_PART_MAX + REPLAY_ROOM + STAMP_ROOM];
	uint64_t offset = journal_reader_offset(s->reader), until;
	size_t n = 0, used = 0, stamp_len;
	char stamp[STAMP_ROOM];

	stamp_len = stamp_text(s, stamp, &until);
	while (used < len && n < WIRE_PAYLOAD_MAX &&
		(used == 0 || s->in_line || offset + used < until)) {
		size_t part = len - used < LINE_PART_MAX ? len - used : LINE_PART_MAX;
		const uint8_t *newline = memchr(data + used, '\n', part);

		if (newline)
			part = (size_t)(newline - (data + used)) + 1;
		size_t before = s->in_line ? 0 : stamp_len;
		size_t copied = copy_bytes(
			s, data + used, part, out + n + before, sizeof(out) - n - before);

		used += part;
		if (!copied) /* all of it is left out, and so is its time */
			continue;
		memcpy(out + n, stamp, before);
		n += before + copied;
		s->in_line = out[n - 1] != '\n';
	}
	return n > 0 && channel_put(s->channel, out, n) < 0 ? 0 : used;
}

static size_t send_piece(struct log_session *s, const uint8_t *data, size_t len)
{
	uint8_t out[WIRE_PAYLOAD_MAX + REPLAY_ROOM];
	size_t n;

	if (s->options.timestamps)
		return send_stamped(s, data, len);
	if (len > WIRE_PAYLOAD_MAX)
		len = WIRE_PAYLOAD_MAX;
	if (!s->history.filter)
		return channel_send(s->channel, data, len);
	n = copy_bytes(s, data, len, out, sizeof(out));
	return n > 0 && channel_put(s->channel, out, n) < 0 ? 0 : len;
}

/* On a pty it is one stream with the guest's bytes, which may have set anything. */
void log_say(struct log_session *s, const char *format, ...)
{
	bool is_one_stream = channel_has_pty(s->channel);
	char line[HISTORY_LINE_MAX];
	size_t len = 0;
	va_list args;

	va_start(args, format);
	if (is_one_stream)
		len = history_line(line, format, args);
	else
		channel_vcomplain(s->channel, format, args);
	va_end(args);
	if (len > 0)
		(void)!history_say(&s->history, s->channel, line, len);
	s->in_line &= !is_one_stream;
}

/* Offsets without a byte. */
static int pass_hole(struct log_session *s, const struct journal_hole *hole)
{
	if (!s->history.before && hole->cause != JOURNAL_HOLE_UNUSED)
		log_say(s, "bytes %" PRIu64 "-%" PRIu64 " %s", hole->from, hole->to - 1,
			hole->cause == JOURNAL_HOLE_BROKEN ? "cannot be read" : "no longer kept");
	return journal_reader_seek(s->reader, history_pass(&s->history, hole)) == 0;
}

/* All is shown. */
static void reach_end(struct log_session *s)
{
	channel_exit(s->channel, STATUS_OK, NULL);
}

/* 1 go on, 0 wait (for the journal or the channel) or over. */
static int pump_step(struct log_session *s)
{
	uint64_t offset = journal_reader_offset(s->reader);
	struct journal_hole hole;
	const uint8_t *data;
	size_t len, done;
	int r;

	if (s->history.before && offset >= s->history.shown_from)
		history_show(&s->history);
	if (offset >= s->history.boot)
		return history_boot(&s->history, s->console, s->channel) == 0;
	if (!s->options.follow && offset >= s->end) {
		reach_end(s);
		return 0;
	}
	r = journal_reader_next(s->reader, &data, &len, &hole);
	if (r == -ERANGE)
		return pass_hole(s, &hole);
	if (r == -ENODATA && !s->options.follow)
		reach_end(s);
	if (r < 0)
		return 0;
	if (!s->options.follow && len > s->end - offset)
		len = (size_t)(s->end - offset);
	len = history_before_boot(&s->history, offset, len);
	done = s->history.before ? history_gather(&s->history, offset, data, len)
				 : send_piece(s, data, len);
	if (done == 0)
		return 0;
	journal_reader_consume(s->reader, done);
	return 1;
}

void log_output_pump(void *arg)
{
	struct log_session *s = arg;
	int i;

	for (i = 0; i < LOG_ROUNDS; i++) {
		if (!s->reader || !channel_ready(s->channel) || !pump_step(s))
			return;
	}
	loop_timer_set(s->again, 0, 0);
}

void log_output_wake(void *arg)
{
	struct log_session *s = arg;

	if (!s->over)
		loop_timer_set(s->again, 0, 0);
}

/* --- its place --- */

int log_output_place(struct log_session *s, uint64_t offset, bool is_fresh)
{
	uint64_t first = journal_first(s->journal), from = offset;
	struct replay_terminal terminal = history_terminal(s->channel);

	terminal.as_lines = !s->options.screen;
	if (channel_is_shown(s->channel)) {
		if (history_begin(&s->history, offset, is_fresh ? 0 : first, &terminal) < 0)
			return -ENOMEM;
		if (!is_fresh)
			from = history_look_back(&s->history, s->console, offset, first);
	}
	history_look_for_boot(&s->history, s->console, offset);
	if (!s->viewer)
		return journal_reader_create(s->journal, from, log_output_wake, s, &s->reader);
	s->reader = viewer_reader(s->viewer);
	return journal_reader_seek(s->reader, from);
}
