/*
 * Task: the verb screen: what a terminal that was there from the guest's start shows now, or showed
 * at an offset. Owner: the channel.
 *
 * The output since the boot is read from the journal and drawn by the screen worker. Of a console
 * whose screen nobody asks for nothing is kept.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/screen/screen_model.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"
#include "core/file/error_text.h"

#define OUTPUT_MAX ((uint64_t)16 << 20) /* that a screen is drawn from: the newest of it */
#define ROUNDS 16                       /* pieces sent in one turn */
#define COLUMNS 80                      /* what programs take a serial line's terminal to be */
#define ROWS 24

struct screen_call {
	struct channel *channel;
	struct login *login;
	const struct guest *guest;
	struct journal *journal;
	struct journal_query *query; /* where the boot is */
	struct journal_reader *reader;
	struct loop_timer *again;
	struct screen_model *model;
	unsigned columns, rows;
	uint64_t from, end;
	uint64_t unused; /* offsets passed that no byte ever had */
	bool cut;        /* what was printed since the boot does not all go into it */
	bool asked;
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
	screen_model_pause(s->model, !channel_ready(s->channel));
}

static void on_writable(void *arg)
{
	struct screen_call *s = arg;

	if (s->model)
		screen_model_pause(s->model, !channel_ready(s->channel));
}

static void answer_json(struct screen_call *s, const struct screen_shown *shown)
{
	json_t *cursor = json_pack("{s:i, s:i, s:b}", "row", (int)shown->row, "column",
		(int)shown->column, "visible", !shown->hidden);

	json_answer(s->channel,
		json_pack("{s:s, s:s, s:I, s:I, s:b, s:i, s:i, s:o, s:b, s:O}", "name",
			guest_name(s->guest), "uuid", guest_uuid_text(s->guest), "from",
			(json_int_t)s->from, "offset", (json_int_t)s->end, "whole", !s->cut,
			"columns", (int)s->columns, "rows", (int)s->rows, "cursor", cursor,
			"alternate", shown->alternate, "lines", s->lines));
}

static void on_shown(void *arg, const struct screen_shown *shown)
{
	struct screen_call *s = arg;

	if (s->lines)
		answer_json(s, shown);
	else if (s->cut)
		channel_complain(s->channel,
			"the screen is drawn from offset %" PRIu64
			" on: what was printed before is "
			"missing in it",
			s->from);
	channel_exit(s->channel, STATUS_OK, NULL);
}

static void on_failed(void *arg, bool limit, const char *text)
{
	struct screen_call *s = arg;

	channel_exit(
		s->channel, limit ? STATUS_UNAVAILABLE : STATUS_INTERNAL, "no screen: %s", text);
}

/* --- the output --- */

static void say_unreadable(struct screen_call *s, int error)
{
	char room[ERROR_TEXT_ROOM];

	channel_exit(s->channel, STATUS_INTERNAL, "history cannot be read: %s",
		error_text_shortage(-error, room));
}

static bool seek(struct screen_call *s, uint64_t offset)
{
	return journal_reader_seek(s->reader, offset < s->end ? offset : s->end) == 0;
}

/* What lies on both sides of offsets that no byte ever had belongs together; elsewhere the worker
 * sees by the leap that output is missing. */
static bool pass_hole(struct screen_call *s, const struct journal_hole *hole)
{
	if (hole->cause == JOURNAL_HOLE_UNUSED)
		s->unused += hole->to - hole->from;
	else
		s->cut = true;
	return seek(s, hole->to);
}

/* Whether to go on at once; if not, the journal or the worker says when. */
static bool step(struct screen_call *s)
{
	uint64_t offset = journal_reader_offset(s->reader);
	struct journal_hole hole;
	const uint8_t *data;
	size_t len;
	int r;

	if (offset >= s->end) {
		s->asked = screen_model_ask(s->model);
		return false;
	}
	r = journal_reader_next(s->reader, &data, &len, &hole);
	if (r == -ERANGE)
		return pass_hole(s, &hole);
	if (r < 0)
		return false;
	if (len > s->end - offset)
		len = (size_t)(s->end - offset);
	len = screen_model_send(s->model, offset - s->unused, data, len);
	journal_reader_consume(s->reader, len);
	return len > 0;
}

static void pump(void *arg)
{
	struct screen_call *s = arg;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		if (s->asked || !step(s))
			return;
	}
	loop_timer_set(s->again, 0, 0);
}

/* Not from inside the journal, which a step may ask for more. */
static void on_wake(void *arg)
{
	struct screen_call *s = arg;

	loop_timer_set(s->again, 0, 0);
}

static const struct screen_model_events model_events = {on_wake, on_row, on_shown, on_failed};

static void say_refused(struct screen_call *s, int error)
{
	if (error == -EBUSY || error == -EDQUOT)
		channel_exit(s->channel, STATUS_BUSY,
			"too many screens are being drawn%s: try again when one is done",
			error == -EDQUOT ? " for you" : "");
	else
		say_unreadable(s, error);
}

static void draw(struct screen_call *s)
{
	const struct screen_wanted wanted = {.columns = s->columns,
		.rows = s->rows,
		.offset = s->from,
		.cut = s->cut,
		.owner = login_identity(s->login)->text};
	int r = journal_reader_create(s->journal, s->from, on_wake, s, &s->reader);

	if (r < 0)
		say_unreadable(s, r);
	else if ((r = screen_model_create(login_context(s->login)->screens, &wanted, &model_events,
			  s, &s->model)) < 0)
		say_refused(s, r);
}

/* --- where it begins --- */

static uint64_t newest_boot(const struct journal_mark *marks, size_t count)
{
	while (count-- > 0) {
		if (marks[count].kind == JOURNAL_BOOT)
			return marks[count].offset;
	}
	return 0;
}

static void on_marks(void *arg, int error, const struct journal_mark *marks, size_t count)
{
	struct screen_call *s = arg;
	uint64_t boot, first = journal_first(s->journal);

	s->query = NULL;
	if (error) {
		say_unreadable(s, -error);
		return;
	}
	boot = s->from = newest_boot(marks, count);
	if (s->from < first)
		s->from = first;
	if (s->end > OUTPUT_MAX && s->from < s->end - OUTPUT_MAX)
		s->from = s->end - OUTPUT_MAX;
	s->cut = s->from > boot;
	draw(s);
}

/* Marks that stand at the end are of the screen that is there now. */
static void find_boot(struct screen_call *s)
{
	uint64_t to = s->end < journal_next(s->journal) ? s->end : UINT64_MAX;
	struct journal_query *query = NULL;
	int r = journal_list_marks(s->journal, 0, to, on_marks, s, &query);

	if (r < 0)
		say_unreadable(s, r);
	else
		s->query = query;
}

/* --- life --- */

static void on_end(void *arg)
{
	struct screen_call *s = arg;

	journal_query_cancel(&s->query);
	journal_reader_destroy(&s->reader);
	screen_model_destroy(&s->model);
	loop_timer_del(&s->again);
	json_decref(s->lines);
	loop_defer(login_loop(s->login), free, s);
}

static const struct channel_ops ops = {.writable = on_writable, .end = on_end};

static struct screen_call *create(struct verb_call *call)
{
	struct screen_call *s = calloc(1, sizeof(*s));

	if (s && loop_timer_add(login_loop(call->login), &s->again, pump, s) < 0) {
		free(s);
		s = NULL;
	}
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
	s->journal = console_journal(console);
	s->columns = columns;
	s->rows = rows;
	s->end = end;
	find_boot(s);
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
