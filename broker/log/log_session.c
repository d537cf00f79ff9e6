/*
 * Task: a session that reads history to standard output, to its end or for ever. Owner: its
 * channel.
 *
 * Reads the journal by offset, wherever its bytes are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/log/log_private.h"
#include "broker/login/login.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/replay/replay.h"
#include "core/file/error_text.h"

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
	history_finish(&s->history);
	loop_defer(s->loop, free_log, s);
}

static void log_exit(struct log_session *s, enum status status, const char *text)
{
	channel_exit(s->channel, status, text ? "%s" : NULL, text);
}

/* A terminal is left without the guest's modes. */
static void log_leave(void *arg, char where[CHANNEL_WHERE_MAX])
{
	struct log_session *s = arg;

	if (s->history.filter && history_give_back(&s->history, s->channel) < 0)
		return;
	if (s->reader)
		snprintf(where, CHANNEL_WHERE_MAX, "; left at offset %" PRIu64,
			journal_reader_offset(s->reader));
}

static const struct channel_ops log_ops = {
	.writable = log_output_pump, .leave = log_leave, .end = log_end};

/* --- where to begin --- */

static void log_error_text(struct log_session *s, int error)
{
	char text[ERROR_TEXT_ROOM + 32], room[ERROR_TEXT_ROOM];

	snprintf(
		text, sizeof(text), "history cannot be read: %s", error_text_shortage(error, room));
	log_exit(s, STATUS_INTERNAL, text);
}

static void begin_at(struct log_session *s, uint64_t offset)
{
	int r = log_output_place(s, offset, s->options.start == LOG_BOOT);

	if (r == -ERANGE)
		log_exit(s, STATUS_NOT_FOUND, "this offset is not reached yet");
	else if (r < 0)
		log_error_text(s, -r);
	if (r < 0)
		return;
	s->end = journal_next(s->journal);
	journal_reader_set_times(s->reader, s->options.timestamps);
	log_output_pump(s);
}

static void on_found(void *arg, int error, uint64_t offset)
{
	struct log_session *s = arg;

	s->query = NULL;
	if (error == -ENOENT)
		log_exit(s, STATUS_NOT_FOUND, "the history does not go back so many boots");
	else if (error)
		log_error_text(s, -error);
	else
		begin_at(s, offset);
}

static void find(struct log_session *s, enum journal_find what)
{
	struct journal_query *query = NULL;
	int r = journal_find(s->journal, what, s->options.value, on_found, s, &query);

	if (r < 0)
		log_error_text(s, -r);
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
	history_look_again(&s->history, s->console);
	if (event->kind == CONSOLE_EV_STOPPED)
		log_say(s, "VM %s has stopped; waiting for it to start",
			guest_name(console_guest(s->console)));
	else if (event->kind == CONSOLE_EV_LOST)
		log_say(s, "the hypervisor of VM %s is away; waiting for it",
			guest_name(console_guest(s->console)));
	else if (event->kind == CONSOLE_EV_OPENED && event->outage_us)
		log_say(s, "VM %s: console is back after %.1f seconds",
			guest_name(console_guest(s->console)),
			(double)event->outage_us / LOOP_SECOND);
	else if (event->kind == CONSOLE_EV_UNSUPPORTED)
		channel_exit(s->channel, STATUS_UNAVAILABLE,
			"VM %s has no console vmconsoled can open: %s",
			guest_name(console_guest(s->console)), event->text);
}

static const struct viewer_events follow_events = {log_output_wake, no_room, on_event};

/* --- beginning --- */

static struct log_session *create(
	struct channel *channel, struct console *console, const struct log_options *options)
{
	const struct login *login = channel_login(channel);
	const struct viewer_owner owner = {login_who(login), channel, .is_reader = true};
	struct log_session *s = calloc(1, sizeof(*s));
	int r = s ? 0 : -ENOMEM;

	if (r < 0)
		return NULL;
	s->channel = channel;
	s->loop = login_loop(login);
	s->console = console;
	s->journal = console_journal(console);
	s->options = *options;
	history_init(&s->history);
	r = loop_timer_add(s->loop, &s->again, log_output_pump, s);
	if (!r && options->follow)
		r = viewer_create(console, &owner, &follow_events, s, &s->viewer);
	if (r == 0)
		return s;
	loop_timer_del(&s->again);
	free(s);
	return NULL;
}

void log_session_begin(
	struct channel *channel, struct console *console, const struct log_options *options)
{
	struct log_session *s = create(channel, console, options);

	if (!s) {
		channel_exit(channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	channel_set_handler(channel, &log_ops, s);
	begin(s);
}
