/* Task: see screen.h: the bounds of a screen, and what it tells. Owner: a job of the screen worker.
 */
#include "worker/screen/screen.h"

#include <errno.h>
#include <stdlib.h>

#include "core/loop.h"
#include "worker/screen/screen_private.h"

#define CAN 0x18
#define ESC 0x1b
/* Cells that are drawn before others of the worker get their turn; no byte draws more than both
 * screens have. */
#define PIECE_CELLS 200000

void screen_destroy(struct screen **screen)
{
	struct screen *s = *screen;

	if (!s)
		return;
	*screen = NULL;
	screen_grid_finish(&s->sides[0].grid);
	screen_grid_finish(&s->sides[1].grid);
	free(s->tabs);
	free(s);
}

int screen_create(unsigned columns, unsigned rows, struct screen **out)
{
	struct screen *s;

	if (columns < 1 || columns > SCREEN_COLUMNS_MAX || rows < 1 || rows > SCREEN_ROWS_MAX)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->columns = columns;
	s->rows = rows;
	replay_modes_init(&s->modes);
	s->tabs = calloc(columns, sizeof(*s->tabs));
	if (!s->tabs || screen_grid_init(&s->sides[0].grid, columns, rows) < 0 ||
		screen_grid_init(&s->sides[1].grid, columns, rows) < 0) {
		screen_destroy(&s);
		return -ENOMEM;
	}
	screen_place_init(s);
	*out = s;
	return 0;
}

/* --- output --- */

void screen_set_modes(struct screen *s, const struct replay_modes *modes)
{
	s->modes = *modes;
}

void screen_cut(struct screen *s)
{
	screen_draw_byte(s, CAN); /* ends any sequence */
	screen_draw_byte(s, '\r');
	s->skip = SCREEN_CUT_MAX;
}

/* Behind a cut: up to the end of a line, which is drawn, or to the next sequence. */
static size_t leave_out(struct screen *s, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && s->skip > 0; i++) {
		if (data[i] == '\n' || data[i] == ESC) {
			s->skip = 0;
			return i;
		}
		s->skip--;
	}
	return i;
}

static uint64_t touched(const struct screen *s)
{
	return s->sides[0].grid.touched + s->sides[1].grid.touched;
}

int screen_feed(struct screen *s, const uint8_t *data, size_t len, size_t *used)
{
	uint64_t began = loop_processor_clock(), most, cells = touched(s) + PIECE_CELLS;
	size_t i;

	if (len > SCREEN_PIECE)
		len = SCREEN_PIECE;
	i = s->skip > 0 ? leave_out(s, data, len) : 0;
	for (; i < len && touched(s) < cells; i++)
		screen_draw_byte(s, data[i]);
	*used = i;
	s->drawn += i;
	s->spent_us += loop_processor_clock() - began;
	most = SCREEN_EFFORT_SECONDS * LOOP_SECOND + s->drawn * LOOP_SECOND / SCREEN_EFFORT_RATE;
	return s->spent_us > most ? -ETIME : 0;
}

/* --- looking --- */

void screen_look(const struct screen *s, struct screen_cursor *cursor)
{
	*cursor = (struct screen_cursor){.column = s->cursor.column + s->cursor.wraps,
		.row = s->cursor.row,
		.hidden = s->modes.modes & (UINT64_C(1) << REPLAY_CURSOR_HIDDEN),
		.alternate = s->modes.alternate != 0};
}

size_t screen_utf8(uint32_t c, char *out)
{
	static const uint8_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = len; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(first[len] | c);
	return len;
}

size_t screen_row(const struct screen *s, unsigned row, char out[SCREEN_ROW_MAX])
{
	const struct screen_cell *cell = s->sides[s->modes.alternate != 0].grid.row[row];
	const struct screen_cell *end = cell + s->columns;
	size_t n = 0;

	for (; cell < end; cell++) {
		for (unsigned i = 0; i < cell->len; i++)
			n += screen_utf8(cell->text[i], out + n);
		if (!cell->len && cell->width)
			out[n++] = ' ';
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return n;
}
