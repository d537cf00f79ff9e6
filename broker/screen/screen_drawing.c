/* Task: see screen_drawing.h. Owner: who wants to see. */
#include "broker/screen/screen_drawing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "broker/worker/worker.h"
#include "console/guest/console.h"
#include "console/journal/journal.h"
#include "console/replay/replay.h"
#include "core/file/error_text.h"

#define ROUNDS 16 /* pieces sent in one turn */

struct screen_drawing {
	struct loop *loop;
	struct worker *worker;
	struct console *console;
	struct journal *journal;
	const struct screen_drawing_events *events;
	void *arg;
	struct journal_query *query; /* where the boot is */
	struct journal_reader *reader;
	struct loop_timer *again;
	struct screen_model *model;
	unsigned columns, rows;
	char *owner, *mark;
	uint64_t from, end;
	uint64_t unused; /* offsets passed that no byte ever had */
	uint64_t known; /* the first offset whose modes are known, where the boot is out of reach */
	bool begun, cut, asked;
	bool guessed; /* the worker was told modes for what comes before known */
};

static void fail(struct screen_drawing *d, enum screen_failure failure, const char *text)
{
	d->events->failed(d->arg, failure, text);
}

static void fail_to_read(struct screen_drawing *d, int error)
{
	char room[ERROR_TEXT_ROOM];

	fail(d, SCREEN_FAILURE_HISTORY, error_text_shortage(-error, room));
}

/* --- the output --- */

static bool seek(struct screen_drawing *d, uint64_t offset)
{
	return journal_reader_seek(d->reader, offset < d->end ? offset : d->end) == 0;
}

/* What lies on both sides of offsets that no byte ever had belongs together; elsewhere the worker
 * sees by the leap that output is missing. */
static bool pass_hole(struct screen_drawing *d, const struct journal_hole *hole)
{
	if (hole->cause == JOURNAL_HOLE_UNUSED)
		d->unused += hole->to - hole->from;
	else
		d->cut = true;
	return seek(d, hole->to);
}

/* The modes at known; those before it are taken to be the same. */
static bool tell_modes(struct screen_drawing *d, bool guess)
{
	char word[REPLAY_WORD_MAX];
	struct replay_modes modes;
	uint64_t at;

	if (console_modes_recall(d->console, d->known, d->known, &modes, &at)) {
		if (guess)
			vt_scan_init(&modes.scan);
		replay_modes_to_word(&modes, word);
		if (!screen_model_set_modes(d->model, word))
			return false;
	}
	d->known = guess ? d->known : UINT64_MAX;
	d->guessed = true;
	return true;
}

/* Whether to go on at once; if not, the journal or the worker says when. */
static bool step(struct screen_drawing *d)
{
	uint64_t offset = journal_reader_offset(d->reader);
	struct journal_hole hole;
	const uint8_t *data;
	size_t len;
	int r;

	if (d->known != UINT64_MAX && (!d->guessed || offset >= d->known))
		return tell_modes(d, !d->guessed);
	if (offset >= d->end) {
		d->asked = screen_model_ask(d->model);
		return false;
	}
	r = journal_reader_next(d->reader, &data, &len, &hole);
	if (r == -ERANGE)
		return pass_hole(d, &hole);
	if (r < 0)
		return false;
	if (len > d->end - offset)
		len = (size_t)(d->end - offset);
	if (offset < d->known && len > d->known - offset)
		len = (size_t)(d->known - offset);
	len = screen_model_send(d->model, offset - d->unused, data, len);
	journal_reader_consume(d->reader, len);
	return len > 0;
}

/* Not from inside the journal, which a step may ask for more. */
static void on_wake(void *arg)
{
	struct screen_drawing *d = arg;

	loop_timer_set(d->again, 0, 0);
}

/* --- the answer --- */

static void on_row(void *arg, const char *text, size_t len)
{
	struct screen_drawing *d = arg;

	d->events->row(d->arg, text, len);
}

static void on_shown(void *arg, const struct screen_shown *shown)
{
	struct screen_drawing *d = arg;

	d->events->shown(d->arg, shown);
}

static void on_failed(void *arg, bool limit, const char *text)
{
	fail(arg, limit ? SCREEN_FAILURE_LIMIT : SCREEN_FAILURE_WORKER, text);
}

static const struct screen_model_events model_events = {on_wake, on_row, on_shown, on_failed};

/* --- where it begins --- */

static void draw(struct screen_drawing *d)
{
	const struct screen_wanted wanted = {.columns = d->columns,
		.rows = d->rows,
		.offset = d->from,
		.cut = d->cut,
		.mark = d->mark,
		.owner = d->owner};
	int r = journal_reader_create(d->journal, d->from, on_wake, d, &d->reader);

	if (r < 0) {
		fail_to_read(d, r);
		return;
	}
	r = screen_model_create(d->worker, &wanted, &model_events, d, &d->model);
	if (r == -EBUSY || r == -EDQUOT)
		fail(d, r == -EBUSY ? SCREEN_FAILURE_BUSY : SCREEN_FAILURE_SHARE, "");
	else if (r < 0)
		fail_to_read(d, r);
}

/* As far back as the journal has in memory what the modes were. */
static uint64_t first_known(const struct screen_drawing *d)
{
	uint64_t first = UINT64_MAX, most = d->end, at;
	struct replay_modes modes;

	while (console_modes_recall(d->console, d->from, most, &modes, &at)) {
		first = at;
		if (at == 0)
			break;
		most = at - 1;
	}
	return first;
}

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
	struct screen_drawing *d = arg;
	uint64_t boot, first = journal_first(d->journal);

	d->query = NULL;
	if (error) {
		fail_to_read(d, -error);
		return;
	}
	boot = d->from = newest_boot(marks, count);
	if (d->from < first)
		d->from = first;
	if (d->end > SCREEN_DRAWING_OUTPUT_MAX && d->from < d->end - SCREEN_DRAWING_OUTPUT_MAX)
		d->from = d->end - SCREEN_DRAWING_OUTPUT_MAX;
	d->cut = d->from > boot;
	if (d->cut)
		d->known = first_known(d);
	draw(d);
}

/* Marks that stand at the end are of the screen that is there now. */
static void find_boot(struct screen_drawing *d)
{
	uint64_t to = d->end < journal_next(d->journal) ? d->end : UINT64_MAX;
	struct journal_query *query = NULL;
	int r;

	d->begun = true;
	r = journal_list_marks(d->journal, 0, to, on_marks, d, &query);
	if (r < 0)
		fail_to_read(d, r);
	else if (query)
		d->query = query;
}

static void on_again(void *arg)
{
	struct screen_drawing *d = arg;

	if (!d->begun) {
		find_boot(d);
		return;
	}
	for (int i = 0; i < ROUNDS; i++) {
		if (d->asked || !d->reader || !d->model || !step(d))
			return;
	}
	loop_timer_set(d->again, 0, 0);
}

/* --- life --- */

static void free_drawing(void *arg)
{
	struct screen_drawing *d = arg;

	free(d->owner);
	free(d->mark);
	free(d);
}

static struct screen_drawing *create(struct worker *w, const struct screen_drawing_wanted *wanted)
{
	struct screen_drawing *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->loop = wanted->loop;
	d->worker = w;
	d->console = wanted->console;
	d->journal = console_journal(wanted->console);
	d->columns = wanted->columns;
	d->rows = wanted->rows;
	d->end = wanted->end == UINT64_MAX ? journal_next(d->journal) : wanted->end;
	d->known = UINT64_MAX;
	d->owner = strdup(wanted->owner);
	d->mark = wanted->mark ? strdup(wanted->mark) : NULL;
	if (!d->owner || (wanted->mark && !d->mark) ||
		loop_timer_add(d->loop, &d->again, on_again, d) < 0) {
		free_drawing(d);
		return NULL;
	}
	return d;
}

int screen_drawing_create(struct worker *w, const struct screen_drawing_wanted *wanted,
	const struct screen_drawing_events *events, void *arg, struct screen_drawing **out)
{
	struct screen_drawing *d = create(w, wanted);

	if (!d)
		return -ENOMEM;
	d->events = events;
	d->arg = arg;
	*out = d;
	loop_timer_set(d->again, 0, 0);
	return 0;
}

void screen_drawing_destroy(struct screen_drawing **out)
{
	struct screen_drawing *d = *out;

	if (!d)
		return;
	*out = NULL;
	journal_query_cancel(&d->query);
	journal_reader_destroy(&d->reader);
	screen_model_destroy(&d->model);
	loop_timer_del(&d->again);
	loop_defer(d->loop, free_drawing, d);
}

void screen_drawing_pause(struct screen_drawing *d, bool on)
{
	if (d->model)
		screen_model_pause(d->model, on);
}

uint64_t screen_drawing_from(const struct screen_drawing *d)
{
	return d->from;
}

uint64_t screen_drawing_end(const struct screen_drawing *d)
{
	return d->end;
}

bool screen_drawing_is_cut(const struct screen_drawing *d)
{
	return d->cut;
}
