/*
 * Task: the verb screen: what a terminal that was there from the guest's start shows now, or showed
 * at an offset. Owner: the channel.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/screen/screen_drawing.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"

#define COLUMNS 80 /* what programs take a serial line's terminal to be */
#define ROWS 24

struct screen_call {
	struct channel *channel;
	struct login *login;
	const struct guest *guest;
	struct screen_drawing *drawing;
	unsigned columns, rows;
	json_t *lines; /* NULL: the answer is text */
};

/* --- the answer --- */

static void on_row(void *arg, const char *text, size_t len)
{
	struct screen_call *s = arg;

	if (s->lines) {
		json_array_append_new(s->lines, json_stringn(text, len - 1));
		return;
	}
	channel_text(s->channel, text, len);
	screen_drawing_pause(s->drawing, !channel_ready(s->channel));
}

static void on_writable(void *arg)
{
	struct screen_call *s = arg;

	if (s->drawing)
		screen_drawing_pause(s->drawing, !channel_ready(s->channel));
}

static void answer_json(struct screen_call *s, const struct screen_shown *shown)
{
	json_t *cursor = json_pack("{s:i, s:i, s:b}", "row", (int)shown->row, "column",
		(int)shown->column, "visible", !shown->hidden);

	json_answer(
		s->channel, json_pack("{s:s, s:s, s:I, s:I, s:b, s:i, s:i, s:o, s:b, s:O}", "name",
				    guest_name(s->guest), "uuid", guest_uuid_text(s->guest), "from",
				    (json_int_t)screen_drawing_from(s->drawing), "offset",
				    (json_int_t)screen_drawing_end(s->drawing), "whole",
				    !screen_drawing_is_cut(s->drawing), "columns", (int)s->columns,
				    "rows", (int)s->rows, "cursor", cursor, "alternate",
				    shown->alternate, "lines", s->lines));
}

static void on_shown(void *arg, const struct screen_shown *shown)
{
	struct screen_call *s = arg;

	if (s->lines)
		answer_json(s, shown);
	else if (screen_drawing_is_cut(s->drawing))
		channel_complain(s->channel,
			"the screen is drawn from offset %" PRIu64
			" on: what was printed before is "
			"missing in it",
			screen_drawing_from(s->drawing));
	channel_exit(s->channel, STATUS_OK, NULL);
}

static void on_failed(void *arg, enum screen_failure failure, const char *text)
{
	struct screen_call *s = arg;

	switch (failure) {
	case SCREEN_FAILURE_BUSY:
	case SCREEN_FAILURE_SHARE:
		channel_exit(s->channel, STATUS_BUSY,
			"too many screens are being drawn%s: try again when one is done",
			failure == SCREEN_FAILURE_SHARE ? " for you" : "");
		break;
	case SCREEN_FAILURE_LIMIT:
		channel_exit(s->channel, STATUS_UNAVAILABLE, "no screen: %s", text);
		break;
	case SCREEN_FAILURE_WORKER:
		channel_exit(s->channel, STATUS_INTERNAL, "no screen: %s", text);
		break;
	case SCREEN_FAILURE_HISTORY:
		channel_exit(s->channel, STATUS_INTERNAL, "history cannot be read: %s", text);
		break;
	}
}

static const struct screen_drawing_events events = {on_row, on_shown, on_failed};

/* --- life --- */

static void on_end(void *arg)
{
	struct screen_call *s = arg;

	screen_drawing_destroy(&s->drawing);
	json_decref(s->lines);
	loop_defer(login_loop(s->login), free, s);
}

static const struct channel_ops ops = {.writable = on_writable, .end = on_end};

static struct screen_call *create(struct verb_call *call)
{
	struct screen_call *s = calloc(1, sizeof(*s));

	if (!s) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return NULL;
	}
	s->channel = call->channel;
	s->login = call->login;
	s->guest = call->guest;
	s->lines = call->json ? json_array() : NULL;
	channel_set_handler(call->channel, &ops, s);
	return s;
}

struct screen_arguments {
	const char *size;
	struct option_number at;
};

/* "80x24". 0 or -EINVAL. */
static int read_size(const char *text, unsigned *columns, unsigned *rows)
{
	int used = 0;

	*columns = COLUMNS;
	*rows = ROWS;
	if (!text)
		return 0;
	if (sscanf(text, "%4ux%4u%n", columns, rows, &used) != 2 || text[used] != '\0')
		return -EINVAL;
	return *columns >= 1 && *columns <= WIRE_SCREEN_COLUMNS_MAX && *rows >= 1 &&
			       *rows <= WIRE_SCREEN_ROWS_MAX
		       ? 0
		       : -EINVAL;
}

/* Which offset; what was on the screen before is history. */
static int read_at(struct verb_call *call, const struct journal *j, const struct option_number *at,
	uint64_t *end)
{
	*end = journal_next(j);
	if (!at->given)
		return 0;
	if (verb_allowed(call, RIGHT_LOG) < 0)
		return -EACCES;
	channel_need(call->channel, call->guest, RIGHT_VIEW | RIGHT_LOG);
	if (at->value > *end)
		channel_exit(call->channel, STATUS_NOT_FOUND,
			"offset %" PRIu64 " is not reached yet: the next one is %" PRIu64,
			at->value, *end);
	else if (at->value < journal_first(j))
		channel_exit(call->channel, STATUS_NOT_FOUND,
			"what was printed before offset %" PRIu64 " is no longer kept",
			journal_first(j));
	else
		*end = at->value;
	return *end == at->value ? 0 : -ERANGE;
}

static void draw(struct screen_call *s, struct console *console, uint64_t end)
{
	const struct screen_drawing_wanted wanted = {.loop = login_loop(s->login),
		.console = console,
		.columns = s->columns,
		.rows = s->rows,
		.end = end,
		.owner = login_identity(s->login)->text};

	if (screen_drawing_create(
		    login_context(s->login)->screens, &wanted, &events, s, &s->drawing) < 0)
		channel_exit(s->channel, STATUS_INTERNAL, "out of memory");
}

static void run(struct verb_call *call, const void *options)
{
	const struct screen_arguments *arguments = options;
	struct screen_call *s;
	struct console *console;
	unsigned columns, rows;
	uint64_t end;

	if (read_size(arguments->size, &columns, &rows) < 0) {
		channel_exit(call->channel, STATUS_USAGE,
			"screen: --size takes COLUMNSxROWS, at most %dx%d, not %s",
			WIRE_SCREEN_COLUMNS_MAX, WIRE_SCREEN_ROWS_MAX, arguments->size);
		return;
	}
	if (verb_kept_console(call, call->device, &console) < 0 ||
		read_at(call, console_journal(console), &arguments->at, &end) < 0)
		return;
	s = create(call);
	if (!s)
		return;
	s->columns = columns;
	s->rows = rows;
	draw(s, console, end);
}

#define FIELD(name) offsetof(struct screen_arguments, name)

static const struct verb_option screen_options[] = {
	{"size", OPTION_TEXT, FIELD(size), "COLUMNSxROWS",
		.help = "of the terminal; 80x24 if not given"},
	{"at", OPTION_NUMBER, FIELD(at), "OFFSET", .help = "as it was when so much was printed"},
	VERB_OPTION_DEVICE,
	VERB_OPTION_JSON,
};

const struct verb verb_screen = {.name = "screen",
	.example = "--json",
	.scope = VERB_GUEST,
	.right = RIGHT_VIEW,
	.usage = "screen [--size COLUMNSxROWS] [--at OFFSET] [--json] [--device D]",
	.summary = "what a terminal shows that was there from the guest's start",
	VERB_OPTIONS(screen_options, struct screen_arguments),
	.is_polled = true,
	.run = run};
