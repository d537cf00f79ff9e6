/*
 * Characters on a screen: character sets, widths, marks, the end of a row. Owner: a screen. May not
 * know sequences.
 */
#include "worker/screen/screen_private.h"
#include "worker/screen/screen_width.h"

#define REPLACEMENT 0xfffdU
#define DEL 0x7f

/* DEC Special Graphics, from _ to ~. */
static const uint16_t graphics[] = {0x20, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0xb0,
	0xb1, 0x2424, 0x240b, 0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500,
	0x23bc, 0x23bd, 0x251c, 0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x3c0, 0x2260, 0xa3,
	0xb7};

/* Of a terminal that reads UTF-8 only ASCII goes through the character sets. */
static uint32_t translate(const struct screen *s, uint32_t c)
{
	const struct replay_sgr *sgr = &s->modes.sgr;
	char set = sgr->charset[s->single ? s->single : sgr->shift];

	if (set == '0' && c >= '_' && c <= '~')
		return graphics[c - '_'];
	if (set == 'A' && c == '#')
		return 0xa3;
	return c;
}

static struct screen_style current_style(const struct screen *s)
{
	const struct replay_sgr *sgr = &s->modes.sgr;

	return (struct screen_style){.attributes = sgr->attributes,
		.underline = sgr->underline,
		.overline = sgr->overline,
		.ink = sgr->ink,
		.paper = sgr->paper,
		.line = sgr->line};
}

/* A mark on the character before; more than a cell keeps are left out. */
static void combine(struct screen *s, uint32_t c)
{
	struct screen_cell *row = screen_side(s)->grid.row[s->cursor.row];
	unsigned column = s->cursor.column;

	if (!s->cursor.wraps) {
		if (column == 0)
			return;
		column--;
	}
	if (row[column].width == 0)
		column--;
	if (row[column].len > 0 && row[column].len < SCREEN_CELL_TEXT)
		row[column].text[row[column].len++] = c;
}

/* There is a place for so many columns at the cursor. */
static void make_place(struct screen *s, unsigned width)
{
	bool fits = s->cursor.column + width <= s->columns;

	if (fits && !s->cursor.wraps)
		return;
	if (screen_has_mode(s, REPLAY_NO_WRAP)) {
		s->cursor.column = s->columns - width;
		s->cursor.wraps = false;
		return;
	}
	screen_index_down(s);
	s->cursor.column = 0;
}

static void draw(struct screen *s, uint32_t c)
{
	struct screen_cell cell = {.text = {c}, .len = 1, .style = current_style(s)};
	struct screen_grid *grid = &screen_side(s)->grid;
	unsigned width = screen_width(c);

	if (width == 0) {
		combine(s, c);
		return;
	}
	cell.width = (uint8_t)(width <= s->columns ? width : 1);
	make_place(s, cell.width);
	if (screen_has_mode(s, REPLAY_INSERT))
		screen_grid_insert(
			grid, s->cursor.row, s->cursor.column, cell.width, screen_paper(s));
	screen_grid_put(grid, s->cursor.row, s->cursor.column, &cell);
	s->cursor.column += cell.width;
	if (s->cursor.column == s->columns) {
		s->cursor.column--;
		s->cursor.wraps = true;
	}
	s->last = c;
}

/* The scanner lets well-formed characters through only, and single bytes that are none. */
static uint32_t decode(const uint8_t *seq, size_t len)
{
	uint32_t c = seq[0];

	if (len == 1)
		return c < 0x80 ? c : REPLACEMENT;
	c &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++)
		c = c << 6 | (seq[i] & 0x3fU);
	return c;
}

void screen_text(struct screen *s)
{
	uint32_t c = decode(s->modes.scan.seq, s->modes.scan.len);

	if (c == DEL)
		return;
	draw(s, translate(s, c));
	s->single = 0;
}

/* No further than the end of the row: there most terminals stop. */
void screen_repeat(struct screen *s, unsigned count)
{
	unsigned width = s->last ? screen_width(s->last) : 0;
	unsigned rest = s->cursor.wraps ? 0 : s->columns - s->cursor.column;

	if (width == 0)
		return;
	for (; count > 0 && rest >= width; count--, rest -= width)
		draw(s, s->last);
}
