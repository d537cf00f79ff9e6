/* Task: see screen_grid.h. Owner: a screen. May not know sequences. */
#include "worker/screen/screen_grid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int screen_grid_init(struct screen_grid *g, unsigned columns, unsigned rows)
{
	static const struct replay_color none = {0};

	*g = (struct screen_grid){.columns = columns, .rows = rows};
	g->cells = calloc((size_t)columns * rows, sizeof(*g->cells));
	g->row = calloc(rows, sizeof(struct screen_cell *));
	if (!g->cells || !g->row) {
		screen_grid_finish(g);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < rows; i++)
		g->row[i] = g->cells + (size_t)i * columns;
	screen_grid_erase_rows(g, 0, rows, &none);
	return 0;
}

void screen_grid_finish(struct screen_grid *g)
{
	free(g->cells);
	free((void *)g->row);
	*g = (struct screen_grid){0};
}

/* What is left of a wide character of which column was a half is blank. */
static void cut_wide(struct screen_grid *g, unsigned row, unsigned column)
{
	struct screen_cell *cells = g->row[row];

	if (column == 0 || column >= g->columns || cells[column].width > 0)
		return;
	cells[column - 1].len = cells[column].len = 0;
	cells[column - 1].width = cells[column].width = 1;
}

void screen_grid_erase(struct screen_grid *g, unsigned row, unsigned from, unsigned to,
	const struct replay_color *paper)
{
	const struct screen_cell blank = {.width = 1, .style.paper = *paper};

	if (from >= to)
		return;
	cut_wide(g, row, from);
	cut_wide(g, row, to);
	for (unsigned i = from; i < to; i++)
		g->row[row][i] = blank;
	g->touched += to - from;
}

void screen_grid_erase_rows(
	struct screen_grid *g, unsigned from, unsigned to, const struct replay_color *paper)
{
	for (unsigned i = from; i < to; i++)
		screen_grid_erase(g, i, 0, g->columns, paper);
}

static void reverse(struct screen_cell **row, unsigned count)
{
	for (unsigned i = 0; i < count / 2; i++) {
		struct screen_cell *kept = row[i];

		row[i] = row[count - 1 - i];
		row[count - 1 - i] = kept;
	}
}

/* The first count of len rows become the last ones. */
static void rotate(struct screen_cell **row, unsigned len, unsigned count)
{
	reverse(row, count);
	reverse(row + count, len - count);
	reverse(row, len);
}

void screen_grid_scroll_up(struct screen_grid *g, unsigned top, unsigned bottom, unsigned count,
	const struct replay_color *paper)
{
	unsigned len = bottom - top + 1;

	if (count > len)
		count = len;
	rotate(g->row + top, len, count);
	screen_grid_erase_rows(g, bottom + 1 - count, bottom + 1, paper);
}

void screen_grid_scroll_down(struct screen_grid *g, unsigned top, unsigned bottom, unsigned count,
	const struct replay_color *paper)
{
	unsigned len = bottom - top + 1;

	if (count > len)
		count = len;
	rotate(g->row + top, len, len - count);
	screen_grid_erase_rows(g, top, top + count, paper);
}

void screen_grid_insert(struct screen_grid *g, unsigned row, unsigned column, unsigned count,
	const struct replay_color *paper)
{
	struct screen_cell *cells = g->row[row] + column;
	unsigned rest = g->columns - column;

	if (count > rest)
		count = rest;
	cut_wide(g, row, column);
	cut_wide(g, row, g->columns - count);
	memmove(cells + count, cells, (rest - count) * sizeof(*cells));
	g->touched += rest - count;
	for (unsigned i = 0; i < count; i++)
		cells[i].width = 1; /* they were moved */
	screen_grid_erase(g, row, column, column + count, paper);
}

void screen_grid_delete(struct screen_grid *g, unsigned row, unsigned column, unsigned count,
	const struct replay_color *paper)
{
	struct screen_cell *cells = g->row[row] + column;
	unsigned rest = g->columns - column;

	if (count > rest)
		count = rest;
	cut_wide(g, row, column);
	cut_wide(g, row, column + count);
	memmove(cells, cells + count, (rest - count) * sizeof(*cells));
	g->touched += rest - count;
	for (unsigned i = rest - count; i < rest; i++)
		cells[i].width = 1;
	screen_grid_erase(g, row, g->columns - count, g->columns, paper);
}

void screen_grid_put(
	struct screen_grid *g, unsigned row, unsigned column, const struct screen_cell *cell)
{
	struct screen_cell *at = g->row[row] + column;

	cut_wide(g, row, column);
	cut_wide(g, row, column + cell->width);
	*at = *cell;
	g->touched++;
	if (cell->width < 2)
		return;
	at[1] = (struct screen_cell){.style = cell->style};
}
