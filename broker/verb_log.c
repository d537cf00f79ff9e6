/*
 * Task: the verb log: history to standard output, to its end or for ever.
 *
 * Reads the journal by offset, wherever its bytes are, as fast as the channel takes it and no
 * faster. On a pty it passes the replay filter, because old output must not make a terminal type.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/login.h"
#include "broker/text_value.h"
#include "broker/verbs.h"
#include "config/rights.h"
#include "console/console.h"
#include "console/replay.h"
#include "wire/msg.h"

#define LOG_ROUNDS 16 /* pieces sent in one turn */
#define STAMP_ROOM 32
#define LINE_PART_MAX ((size_t)4096) /* of a line, copied at once */

enum log_start { LOG_ALL, LOG_FROM, LOG_BACK, LOG_LINES, LOG_SINCE, LOG_BOOT };

struct log_options {
	enum log_start start;
	uint64_t value;
	int follow, timestamps;
};

struct log_session {
	struct channel *channel;
	struct loop *loop;
	struct console *console;
	struct journal *journal;
	struct journal_reader *reader; /* the viewer's, if there is one */
	struct journal_query *query;
	struct viewer *viewer; /* --follow: keeps the console open */
	struct loop_timer *again;
	struct log_options options;
	struct replay_filter *filter; /* on a pty */
	uint64_t end;                 /* without --follow */
	int in_line, over;
};

static void log_pump(void *arg);

/* --- life --- */

static void free_log(void *arg)
{
	free(arg);
}

static void log_end(void *arg)
{
	struct log_session *s = arg;

	if (s->over)
		return;
	s->over = 1;
	journal_query_cancel(&s->query);
	if (!s->viewer)
		journal_reader_destroy(&s->reader);
	s->reader = NULL;
	viewer_destroy(&s->viewer);
	loop_timer_del(&s->again);
	free(s->filter);
	s->filter = NULL;
	loop_defer(s->loop, free_log, s);
}

static void log_exit(struct log_session *s, enum status status, const char *text)
{
	channel_exit(s->channel, status, text ? "%s" : NULL, text);
}

static void log_rights_changed(void *arg)
{
	struct log_session *s = arg;
	const struct guest *g = console_guest(s->console);

	if (!(login_rights(channel_login(s->channel), g) & RIGHT_LOG))
		channel_exit(s->channel, STATUS_DENIED,
			"the right to the log of VM %s was withdrawn", guest_name(g));
}

static const struct channel_ops log_ops = {
	.writable = log_pump, .rights_changed = log_rights_changed, .end = log_end};

/* --- output --- */

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

	if (s->filter)
		return replay_filter(s->filter, data, len, out, room, &consumed);
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
		if (!s->in_line) {
			memcpy(out + n, stamp, stamp_len);
			n += stamp_len;
		}
		n += copy_bytes(s, data + used, part, out + n, sizeof(out) - n);
		used += part;
		s->in_line = newline == NULL;
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
	if (!s->filter)
		return channel_send(s->channel, data, len);
	n = copy_bytes(s, data, len, out, sizeof(out));
	return n > 0 && channel_put(s->channel, out, n) < 0 ? 0 : len;
}

/* 1 go on, 0 wait (for the journal or the channel) or over. */
static int pump_step(struct log_session *s)
{
	uint64_t offset = journal_reader_offset(s->reader);
	struct journal_hole hole;
	const uint8_t *data;
	size_t len, done;
	int r;

	if (!s->options.follow && offset >= s->end) {
		log_exit(s, STATUS_OK, NULL);
		return 0;
	}
	r = journal_reader_next(s->reader, &data, &len, &hole);
	if (r == -ERANGE) {
		if (hole.cause != JOURNAL_HOLE_UNUSED)
			channel_complain(s->channel, "bytes %" PRIu64 "-%" PRIu64 " %s", hole.from,
				hole.to - 1,
				hole.cause == JOURNAL_HOLE_BROKEN ? "cannot be read"
								  : "no longer kept");
		return !s->over && journal_reader_seek(s->reader, hole.to) == 0;
	}
	if (r == -ENODATA && !s->options.follow)
		log_exit(s, STATUS_OK, NULL);
	if (r < 0)
		return 0;
	if (!s->options.follow && len > s->end - offset)
		len = (size_t)(s->end - offset);
	done = send_piece(s, data, len);
	if (s->over || done == 0)
		return 0;
	journal_reader_consume(s->reader, done);
	return 1;
}

static void log_pump(void *arg)
{
	struct log_session *s = arg;
	int i;

	for (i = 0; i < LOG_ROUNDS; i++) {
		if (s->over || !s->reader || !channel_ready(s->channel) || !pump_step(s))
			return;
	}
	loop_timer_set(s->again, 0, 0);
}

static void log_wake(void *arg)
{
	struct log_session *s = arg;

	if (!s->over)
		loop_timer_set(s->again, 0, 0);
}

/* --- where to begin --- */

static int place_reader(struct log_session *s, uint64_t offset)
{
	if (!s->viewer)
		return journal_reader_create(s->journal, offset, log_wake, s, &s->reader);
	s->reader = viewer_reader(s->viewer);
	return journal_reader_seek(s->reader, offset);
}

static void begin_at(struct log_session *s, uint64_t offset)
{
	s->end = journal_next(s->journal);
	if (place_reader(s, offset) < 0) {
		log_exit(s, STATUS_NOT_FOUND, "this offset is not reached yet");
		return;
	}
	journal_reader_set_times(s->reader, s->options.timestamps);
	log_pump(s);
}

static void on_found(void *arg, int error, uint64_t offset)
{
	struct log_session *s = arg;

	s->query = NULL;
	if (error == -ENOENT)
		log_exit(s, STATUS_NOT_FOUND, "so many boots are not kept");
	else if (error)
		log_exit(s, STATUS_INTERNAL, strerror(-error));
	else
		begin_at(s, offset);
}

static void find(struct log_session *s, enum journal_find what)
{
	struct journal_query *query = NULL;
	int r = journal_find(s->journal, what, s->options.value, on_found, s, &query);

	if (r < 0)
		log_exit(s, STATUS_INTERNAL, strerror(-r));
	else if (!s->over)
		s->query = query;
}

static void begin_from(struct log_session *s)
{
	uint64_t first = journal_first(s->journal), next = journal_next(s->journal);
	char text[128];

	if (s->options.value >= first && s->options.value <= next) {
		begin_at(s, s->options.value);
		return;
	}
	if (s->options.value > next)
		snprintf(text, sizeof(text),
			"offset %" PRIu64 " is not reached yet: the next one is %" PRIu64,
			s->options.value, next);
	else
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 " no longer kept",
			s->options.value, first - 1);
	log_exit(s, STATUS_NOT_FOUND, text);
}

static void begin(struct log_session *s)
{
	uint64_t first = journal_first(s->journal), next = journal_next(s->journal);

	switch (s->options.start) {
	case LOG_ALL:
		begin_at(s, first);
		break;
	case LOG_FROM:
		begin_from(s);
		break;
	case LOG_BACK:
		begin_at(s, next - first > s->options.value ? next - s->options.value : first);
		break;
	case LOG_LINES:
		find(s, JOURNAL_FIND_LINES);
		break;
	case LOG_SINCE:
		find(s, JOURNAL_FIND_TIME);
		break;
	case LOG_BOOT:
		find(s, JOURNAL_FIND_BOOT);
		break;
	}
}

/* --- following --- */

static void no_room(void *arg)
{
}

static void on_event(void *arg, const struct console_event *event)
{
	struct log_session *s = arg;

	if (s->over)
		return;
	if (event->kind == CONSOLE_EV_STOPPED)
		channel_complain(s->channel, "VM %s has stopped; waiting for it to start",
			guest_name(console_guest(s->console)));
	else if (event->kind == CONSOLE_EV_LOST)
		channel_complain(s->channel, "the hypervisor of VM %s is away; waiting for it",
			guest_name(console_guest(s->console)));
	else if (event->kind == CONSOLE_EV_OPENED && event->outage_us)
		channel_complain(s->channel, "VM %s: console is back after %.1f seconds",
			guest_name(console_guest(s->console)),
			(double)event->outage_us / LOOP_SECOND);
	else if (event->kind == CONSOLE_EV_UNFIT)
		channel_exit(s->channel, STATUS_UNAVAILABLE,
			"VM %s has no console vmconsoled can open: %s",
			guest_name(console_guest(s->console)), event->text);
}

static const struct viewer_events follow_events = {log_wake, no_room, on_event};

struct channel *verb_log_channel(const struct viewer *viewer)
{
	const struct log_session *s = viewer_arg(viewer);

	return viewer_events_of(viewer) == &follow_events ? s->channel : NULL;
}

/* --- the call --- */

static int bad_value(struct verb_call *call, const char *option, const char *value)
{
	channel_exit(call->channel, STATUS_USAGE, "log: bad value %s of --%s; see: help log", value,
		option);
	return -EINVAL;
}

static int read_options(struct verb_call *call, struct log_options *o, const char **device)
{
	const char *from = NULL, *lines = NULL, *since = NULL, *boot = NULL;
	int given[5] = {0};
	const struct verb_option options[] = {
		{"from", OPTION_VALUE, &given[0], &from},
		{"lines", OPTION_VALUE, &given[1], &lines},
		{"since", OPTION_VALUE, &given[2], &since},
		{"boot", OPTION_VALUE, &given[3], &boot},
		{"device", OPTION_VALUE, &given[4], device},
		{"follow", OPTION_FLAG, &o->follow, NULL},
		{"timestamps", OPTION_FLAG, &o->timestamps, NULL},
	};

	if (verb_options(call, options, sizeof(options) / sizeof(options[0])) < 0 ||
		verb_no_more(call, 0) < 0)
		return -EINVAL;
	if (given[0] + given[1] + given[2] + given[3] > 1) {
		channel_exit(call->channel, STATUS_USAGE,
			"log: only one of --from, --lines, --since, --boot; see: help log");
		return -EINVAL;
	}
	if (from) {
		o->start = *from == '-' ? LOG_BACK : LOG_FROM;
		if (strcmp(from, "start") == 0)
			o->start = LOG_ALL;
		else if (text_number(from + (*from == '-'), &o->value) < 0)
			return bad_value(call, "from", from);
	}
	if (lines) {
		o->start = LOG_LINES;
		if (text_number(lines, &o->value) < 0 || o->value > JOURNAL_FIND_LINES_MAX)
			return bad_value(call, "lines", lines);
	}
	if (since) {
		o->start = LOG_SINCE;
		if (text_time(since, &o->value) < 0)
			return bad_value(call, "since", since);
	}
	if (boot) {
		o->start = LOG_BOOT;
		if (text_number(boot + (*boot == '-'), &o->value) < 0)
			return bad_value(call, "boot", boot);
	}
	return 0;
}

static struct log_session *create(
	struct verb_call *call, struct console *console, const struct log_options *options)
{
	struct log_session *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	if (r < 0)
		return NULL;
	s->channel = call->channel;
	s->loop = login_loop(call->login);
	s->console = console;
	s->journal = console_journal(console);
	s->options = *options;
	r = loop_timer_add(s->loop, &s->again, log_pump, s);
	if (!r && channel_has_pty(call->channel)) {
		s->filter = malloc(sizeof(*s->filter));
		if (s->filter)
			replay_filter_init(s->filter);
		else
			r = -ENOMEM;
	}
	if (!r && options->follow)
		r = viewer_create(console, login_who(call->login), &follow_events, s, &s->viewer);
	if (r == 0)
		return s;
	loop_timer_del(&s->again);
	free(s->filter);
	free(s);
	return NULL;
}

void verb_log(struct verb_call *call)
{
	struct log_options options = {0};
	const char *device = NULL;
	struct console *console;
	struct log_session *s;

	if (read_options(call, &options, &device) < 0)
		return;
	if (!device)
		device = call->device;
	if (guest_console(call->guest, device, &console) < 0) {
		channel_exit(call->channel, STATUS_NOT_FOUND, "VM %s has no device %s",
			guest_name(call->guest), device ? device : "that is a console");
		return;
	}
	s = create(call, console, &options);
	if (!s) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	channel_set_policy(call->channel, &log_ops, s);
	begin(s);
}
