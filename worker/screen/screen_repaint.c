/*
 * Task: see screen_repaint.h. Owner: a job of the screen worker.
 *
 * What is not brought over: tab stops, and whether a row goes on in the next one.
 */
#include "worker/screen/screen_repaint.h"

#include <string.h>

#include "console/replay/replay_modes.h"
#include "console/replay/replay_text.h"
#include "worker/screen/screen_private.h"

_Static_assert(SCREEN_REPAINT_ROOM >= SCREEN_REPAINT_MODES + SCREEN_REPAINT_CELL, "a step fits");

static bool is_same_color(const struct replay_color *a, const struct replay_color *b)
{
	return a->kind == b->kind &&
	       (a->kind == 0 || memcmp(a->value, b->value, a->kind == 2 ? 3 : 1) == 0);
}

static bool is_same_style(const struct screen_style *a, const struct screen_style *b)
{
	return a->attributes == b->attributes && a->underline == b->underline &&
	       a->overline == b->overline && is_same_color(&a->ink, &b->ink) &&
	       is_same_color(&a->paper, &b->paper) && is_same_color(&a->line, &b->line);
}

static const struct screen_grid *shown_grid(const struct screen *s)
{
	return &s->sides[s->modes.alternate != 0].grid;
}

/* --- the mark --- */

static bool is_erased_like(const struct screen_cell *cell, const struct screen_style *style)
{
	return !cell->len && cell->width && is_same_style(&cell->style, style);
}

/* Where the cells at the end of a row begin that are erased alike. */
static unsigned erased_end(const struct screen_cell *row, unsigned columns)
{
	const struct screen_style *style = &row[columns - 1].style;
	unsigned at = columns;

	while (at > 0 && is_erased_like(&row[at - 1], style))
		at--;
	return at;
}

/* The lowest row with room for it: there it is behind all that is drawn. */
static void place_mark(struct screen_repaint *p, const struct screen *s)
{
	size_t len = strnlen(p->mark, SCREEN_REPAINT_MARK_MAX);

	for (unsigned row = s->rows; row-- > 0 && !p->is_mark_last;) {
		unsigned at = erased_end(shown_grid(s)->row[row], s->columns);

		if (len > s->columns - at)
			continue;
		p->is_mark_last = true;
		p->mark_row = row;
		p->mark_column = at;
	}
}

void screen_repaint_init(struct screen_repaint *p, const struct screen *s, const char *mark)
{
	*p = (struct screen_repaint){
		.step = s->modes.alternate ? SCREEN_REPAINT_MAIN : SCREEN_REPAINT_SHOWN,
		.mark = mark,
		.mark_row = s->rows - 1};
	place_mark(p, s);
}

/* --- cells --- */

static void put_style(
	struct replay_text *t, struct screen_repaint *p, const struct screen_style *style)
{
	struct replay_sgr sgr;

	if (p->is_styled && is_same_style(&p->style, style))
		return;
	p->is_styled = true;
	p->style = *style;
	replay_sgr_init(&sgr);
	sgr.attributes = style->attributes;
	sgr.underline = style->underline;
	sgr.overline = style->overline;
	sgr.ink = style->ink;
	sgr.paper = style->paper;
	sgr.line = style->line;
	replay_put_sgr(t, &sgr);
}

static void put_text(struct replay_text *t, const struct screen_cell *cell)
{
	for (unsigned i = 0; i < cell->len; i++)
		t->len += screen_utf8(cell->text[i], t->p + t->len);
}

static void put_place(struct replay_text *t, unsigned row, unsigned column)
{
	replay_put(t, "\x1b[%u;%uH", row + 1, column + 1);
}

/* How many cells from this one on are erased like it. */
static unsigned erased_run(const struct screen_cell *cell, unsigned room)
{
	unsigned n = 1;

	while (n < room && is_erased_like(&cell[n], &cell->style))
		n++;
	return n;
}

/* The cells from column on that are erased: those with a background are erased again. */
static unsigned put_erased(struct replay_text *t, struct screen_repaint *p,
	const struct screen_cell *cell, unsigned room)
{
	unsigned n = erased_run(cell, room);

	if (cell->style.paper.kind) {
		if (!p->is_there)
			put_place(t, p->row, p->column);
		put_style(t, p, &cell->style);
		replay_put(t, "\x1b[%uX", n);
	}
	p->is_there = false;
	return n;
}

/* Behind what terminals may take for wider or narrower the place is told anew. */
static unsigned put_character(
	struct replay_text *t, struct screen_repaint *p, const struct screen_cell *cell)
{
	if (!p->is_there)
		put_place(t, p->row, p->column);
	put_style(t, p, &cell->style);
	put_text(t, cell);
	p->is_there = cell->width == 1 && cell->len == 1;
	return cell->width;
}

/* As many cells of the rows above end as fit. False: there are no more. */
static bool put_cells(
	struct replay_text *t, struct screen_repaint *p, const struct screen_grid *g, unsigned end)
{
	while (t->room - t->len > SCREEN_REPAINT_CELL && p->row < end) {
		const struct screen_cell *cell = g->row[p->row] + p->column;
		unsigned room = g->columns - p->column;

		if (cell->len)
			p->column += put_character(t, p, cell);
		else
			p->column += put_erased(t, p, cell, room);
		if (p->column < g->columns)
			continue;
		p->column = 0;
		p->row++;
		p->is_there = false;
	}
	return p->row < end;
}

/* --- what is not cells --- */

/* The cursor of the other screen is where the program finds it when it leaves. */
static void put_switch(struct replay_text *t, struct screen_repaint *p, const struct screen *s)
{
	const struct screen_place *kept = &s->sides[0].kept;

	put_place(t, kept->row, kept->column);
	replay_put(t, REPLAY_SGR_RESET);
	if (!replay_sgr_is_default(&s->modes.saved))
		replay_put_sgr(t, &s->modes.saved);
	if (s->modes.alternate != 1049) /* which saves it */
		replay_put(t, REPLAY_SAVE REPLAY_RESTORE);
	replay_put(t, "\x1b[?%uh", s->modes.alternate);
	replay_put_keys(t, &s->modes.keys[1]);
	replay_put(t, REPLAY_SGR_RESET "\x1b[H\x1b[J");
	p->row = p->column = 0;
	p->is_there = p->is_styled = false;
}

/* In origin mode rows count from the top of the region. */
static void put_place_in(
	struct replay_text *t, const struct screen *s, unsigned row, unsigned column, bool origin)
{
	unsigned top = origin ? screen_region_top(s) : 0;

	put_place(t, row > top ? row - top : 0, column);
}

static bool is_fresh(const struct screen_place *kept, const struct replay_sgr *saved)
{
	return !kept->row && !kept->column && !saved->origin && replay_sgr_is_default(saved);
}

/* Of a place that was come back to a notice need not keep clear: it is come back to here, too. */
static void put_kept(struct replay_text *t, const struct screen *s)
{
	const struct screen_place *kept = &s->sides[s->modes.alternate != 0].kept;
	const struct replay_sgr *saved = &s->modes.saved;

	if (is_fresh(kept, saved))
		return;
	if (saved->origin)
		replay_put(t, "\x1b[?6h");
	put_place_in(t, s, kept->row, kept->column, saved->origin);
	if (!replay_sgr_is_default(saved))
		replay_put_sgr(t, saved);
	replay_put(t, "%s" REPLAY_SGR_RESET,
		s->modes.is_kept ? REPLAY_SAVE : REPLAY_SAVE REPLAY_RESTORE);
	if (saved->origin)
		replay_put(t, "\x1b[?6l");
}

/* That what comes next begins another row only a character in the last column can tell. */
static void put_cursor(struct replay_text *t, const struct screen *s)
{
	const struct screen_cell *row = shown_grid(s)->row[s->cursor.row];
	struct screen_repaint pen = {.is_styled = false};
	unsigned column = s->cursor.column;
	bool origin = replay_has_mode(&s->modes, REPLAY_ORIGIN);

	if (s->cursor.wraps && row[column].width == 0)
		column--;
	put_place_in(t, s, s->cursor.row, column, origin);
	if (!s->cursor.wraps)
		return;
	put_style(t, &pen, &row[column].style);
	if (row[column].len)
		put_text(t, &row[column]);
	else
		replay_put(t, " ");
}

/* Characters are not where they are put, with these. */
#define IN_THE_WAY                                                                                 \
	(UINT64_C(1) << REPLAY_ORIGIN | UINT64_C(1) << REPLAY_INSERT |                             \
		UINT64_C(1) << REPLAY_MARGINS | UINT64_C(1) << REPLAY_NO_WRAP)

static void put_modes(struct replay_text *t, const struct replay_modes *m, uint64_t which)
{
	struct replay_modes some;

	replay_modes_init(&some);
	some.modes = m->modes & which;
	some.alternate = m->alternate;
	if (which != IN_THE_WAY) {
		some.modify_keys = m->modify_keys;
		some.cursor_style = m->cursor_style;
	}
	replay_put_modes(t, &some);
}

static void put_mark(struct replay_text *t, struct screen_repaint *p, const struct screen *s)
{
	put_modes(t, &s->modes, ~IN_THE_WAY);
	p->is_there = p->is_styled = false;
	if (!*p->mark)
		return;
	put_place(t, p->mark_row, p->mark_column);
	replay_put(t, REPLAY_SGR_RESET "%.*s", (int)SCREEN_REPAINT_MARK_MAX, p->mark);
	put_place(t, p->mark_row, p->mark_column);
	if (p->is_mark_last)
		put_style(t, p, &shown_grid(s)->row[p->mark_row][p->mark_column].style);
	replay_put(t, "\x1b[K");
	p->is_styled = false;
}

static void put_rest(struct replay_text *t, const struct screen *s)
{
	const struct replay_modes *m = &s->modes;

	replay_put(t, REPLAY_SGR_RESET);
	if (m->top && m->bottom)
		replay_put(t, "\x1b[%u;%ur", m->top, m->bottom);
	else if (m->top)
		replay_put(t, "\x1b[%ur", m->top);
	put_kept(t, s);
	put_modes(t, m, IN_THE_WAY);
	put_cursor(t, s);
	replay_put(t, "\x1b[0m");
	if (!replay_sgr_is_default(&m->sgr))
		replay_put_sgr(t, &m->sgr);
	if (s->single)
		replay_put(t, "\x1b%c", s->single == 2 ? 'N' : 'O');
}

/* --- all of it --- */

static void put_step(struct replay_text *t, struct screen_repaint *p, const struct screen *s)
{
	switch (p->step) {
	case SCREEN_REPAINT_MAIN:
		if (!put_cells(t, p, &s->sides[0].grid, s->rows))
			p->step = SCREEN_REPAINT_SWITCH;
		break;
	case SCREEN_REPAINT_SWITCH:
		replay_put_keys(t, &s->modes.keys[0]);
		put_switch(t, p, s);
		p->step = SCREEN_REPAINT_SHOWN;
		break;
	case SCREEN_REPAINT_SHOWN:
		if (!put_cells(t, p, shown_grid(s), s->rows - !p->is_mark_last))
			p->step = SCREEN_REPAINT_MARK;
		break;
	case SCREEN_REPAINT_MARK:
		if (!s->modes.alternate)
			replay_put_keys(t, &s->modes.keys[0]);
		put_mark(t, p, s);
		p->step = SCREEN_REPAINT_LAST;
		break;
	case SCREEN_REPAINT_LAST:
		if (!put_cells(t, p, shown_grid(s), s->rows))
			p->step = SCREEN_REPAINT_REST;
		break;
	case SCREEN_REPAINT_REST:
		put_rest(t, s);
		p->step = SCREEN_REPAINT_DONE;
		break;
	case SCREEN_REPAINT_DONE:
		break;
	}
}

size_t screen_repaint_write(
	struct screen_repaint *p, const struct screen *s, char out[SCREEN_REPAINT_ROOM])
{
	struct replay_text t = {out, 0, SCREEN_REPAINT_ROOM};

	while (t.len == 0 && p->step != SCREEN_REPAINT_DONE)
		put_step(&t, p, s);
	return t.len;
}
