/*
 * Where the cursor of a screen is and where it goes: the region, origin mode, tab stops, the saved
 * place. Owner: a screen. May not know sequences.
 */
#include <string.h>

#include "worker/screen/screen_private.h"

#define TAB 8

void screen_place_init(struct screen *s)
{
	s->cursor = (struct screen_place){0};
	s->single = 0;
	s->last = 0;
	for (unsigned i = 0; i < s->columns; i++)
		s->tabs[i] = i % TAB == 0;
	for (int i = 0; i < 2; i++)
		s->sides[i].kept = s->cursor;
}

unsigned screen_region_top(const struct screen *s)
{
	return s->modes.top && s->modes.top < s->rows ? s->modes.top - 1U : 0;
}

/* A region that is not on this screen is none. */
unsigned screen_region_bottom(const struct screen *s)
{
	unsigned bottom = s->modes.bottom;

	return bottom && bottom < s->rows && bottom - 1 > screen_region_top(s) ? bottom - 1
									       : s->rows - 1;
}

/* --- moving --- */

void screen_move_to(struct screen *s, unsigned row, unsigned column)
{
	s->cursor = (struct screen_place){.row = row < s->rows ? row : s->rows - 1,
		.column = column < s->columns ? column : s->columns - 1};
}

/* In origin mode rows count from the top of the region, and end with it. */
void screen_address(struct screen *s, unsigned row, unsigned column)
{
	unsigned bottom = screen_region_bottom(s);

	if (screen_has_mode(s, REPLAY_ORIGIN)) {
		row += screen_region_top(s);
		row = row < bottom ? row : bottom;
	}
	screen_move_to(s, row, column);
}

/* Not beyond the region, from inside it. */
void screen_move_up(struct screen *s, unsigned count)
{
	unsigned top = s->cursor.row >= screen_region_top(s) ? screen_region_top(s) : 0;
	unsigned room = s->cursor.row - top;

	screen_move_to(s, s->cursor.row - (count < room ? count : room), s->cursor.column);
}

void screen_move_down(struct screen *s, unsigned count)
{
	bool above_end = s->cursor.row <= screen_region_bottom(s);
	unsigned bottom = above_end ? screen_region_bottom(s) : s->rows - 1;
	unsigned room = bottom - s->cursor.row;

	screen_move_to(s, s->cursor.row + (count < room ? count : room), s->cursor.column);
}

void screen_move_left(struct screen *s, unsigned count)
{
	unsigned room = s->cursor.column;

	screen_move_to(s, s->cursor.row, room - (count < room ? count : room));
}

void screen_keep_cursor(struct screen *s)
{
	screen_side(s)->kept = s->cursor;
}

void screen_bring_cursor_back(struct screen *s)
{
	s->cursor = screen_side(s)->kept;
}

/* --- moving, and scrolling at the edge --- */

void screen_index_down(struct screen *s)
{
	unsigned bottom = screen_region_bottom(s);

	if (s->cursor.row == bottom)
		screen_grid_scroll_up(
			&screen_side(s)->grid, screen_region_top(s), bottom, 1, screen_paper(s));
	else if (s->cursor.row + 1 < s->rows)
		s->cursor.row++;
	s->cursor.wraps = false;
}

void screen_index_up(struct screen *s)
{
	unsigned top = screen_region_top(s);

	if (s->cursor.row == top)
		screen_grid_scroll_down(
			&screen_side(s)->grid, top, screen_region_bottom(s), 1, screen_paper(s));
	else if (s->cursor.row > 0)
		s->cursor.row--;
	s->cursor.wraps = false;
}

/* --- tab stops --- */

/* Whether the next character begins another row stays: it does in the last column. */
void screen_tab(struct screen *s, unsigned count)
{
	unsigned column = s->cursor.column;

	for (; count > 0 && column + 1 < s->columns; count--) {
		do
			column++;
		while (column + 1 < s->columns && !s->tabs[column]);
	}
	s->cursor.column = column;
}

void screen_tab_back(struct screen *s, unsigned count)
{
	unsigned column = s->cursor.column;

	for (; count > 0 && column > 0; count--) {
		do
			column--;
		while (column > 0 && !s->tabs[column]);
	}
	screen_move_to(s, s->cursor.row, column);
}

void screen_clear_tabs(struct screen *s, int what)
{
	if (what == 0)
		s->tabs[s->cursor.column] = false;
	else if (what == 3)
		memset(s->tabs, 0, s->columns * sizeof(*s->tabs));
}
