/*
 * What output does to a screen: controls and sequences become moves of the cursor and of cells.
 *
 * As xterm does it (its ctlseqs; ECMA-48; DEC STD 070), where terminals differ as most do. What
 * sequences do to modes, attributes and character sets is the tracker's business. Not drawn: left
 * and right margins, rectangles, double height, protected cells, 132 columns. Owner: a screen.
 */
#include "worker/screen/screen_private.h"

static struct screen_grid *grid(struct screen *s)
{
	return &screen_side(s)->grid;
}

/* --- controls --- */

static void line_feed(struct screen *s)
{
	screen_index_down(s);
	if (screen_has_mode(s, REPLAY_NEWLINE))
		screen_move_to(s, s->cursor.row, 0);
}

static void on_control(struct screen *s)
{
	switch (s->modes.scan.control) {
	case '\b':
		screen_move_left(s, 1);
		break;
	case '\t':
		screen_tab(s, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		line_feed(s);
		break;
	case '\r':
		screen_move_to(s, s->cursor.row, 0);
		break;
	default:
		break;
	}
}

/* --- erasing --- */

static void erase_line(struct screen *s, int what)
{
	unsigned row = s->cursor.row, at = s->cursor.column;

	if (what == 0)
		screen_grid_erase(grid(s), row, at, s->columns, screen_paper(s));
	else if (what == 1)
		screen_grid_erase(grid(s), row, 0, at + 1, screen_paper(s));
	else if (what == 2)
		screen_grid_erase(grid(s), row, 0, s->columns, screen_paper(s));
}

static void erase_screen(struct screen *s, int what)
{
	if (what == 0) {
		erase_line(s, 0);
		screen_grid_erase_rows(grid(s), s->cursor.row + 1, s->rows, screen_paper(s));
	} else if (what == 1) {
		erase_line(s, 1);
		screen_grid_erase_rows(grid(s), 0, s->cursor.row, screen_paper(s));
	} else if (what == 2)
		screen_grid_erase_rows(grid(s), 0, s->rows, screen_paper(s));
}

static void erase_cells(struct screen *s, unsigned count)
{
	unsigned rest = s->columns - s->cursor.column;
	unsigned to = s->cursor.column + (count < rest ? count : rest);

	screen_grid_erase(grid(s), s->cursor.row, s->cursor.column, to, screen_paper(s));
}

/* DECALN */
static void fill(struct screen *s)
{
	const struct screen_cell cell = {.text = {'E'}, .len = 1, .width = 1};

	for (unsigned row = 0; row < s->rows; row++) {
		for (unsigned column = 0; column < s->columns; column++)
			screen_grid_put(grid(s), row, column, &cell);
	}
	screen_move_to(s, 0, 0);
}

/* --- the other screen --- */

static const struct replay_color default_paper;

/* Nothing but what 47, 1047, 1048 and 1049 do; the tracker has done its part. was: the other one
 * was shown. */
static void switch_screen(struct screen *s, int number, bool on, bool was)
{
	struct screen_grid *other = &s->sides[1].grid;

	if (number == 1049 && on) {
		if (!was)
			s->sides[0].kept = s->cursor;
		screen_grid_erase_rows(other, 0, s->rows, screen_paper(s));
	}
	if (number == 1049 && !on)
		s->cursor = s->sides[0].kept;
	if (number == 1048 && on)
		screen_keep_cursor(s);
	if (number == 1048 && !on)
		screen_bring_cursor_back(s);
	if (number == 1047 && !on && was)
		screen_grid_erase_rows(other, 0, s->rows, &default_paper);
}

static void on_modes(struct screen *s, const struct vt_csi *csi, bool was)
{
	bool on = csi->final == 'h';
	size_t at = 0;
	int number;

	while (csi->prefix == '?' && vt_csi_next(csi, &at, &number)) {
		if (number == 6)
			screen_address(s, 0, 0);
		else if (number == 47 || (number >= 1047 && number <= 1049))
			switch_screen(s, number, on, was);
		if (number == 47 || number == 1047 || number == 1049)
			was = on;
	}
}

/* --- sequences --- */

/* Those that move the cursor along its row. False: it is none. */
static bool move_in_row(struct screen *s, char final, unsigned count)
{
	switch (final) {
	case 'C':
	case 'a':
		screen_move_to(s, s->cursor.row, s->cursor.column + count);
		break;
	case 'D':
		screen_move_left(s, count);
		break;
	case 'G':
	case '`':
		screen_move_to(s, s->cursor.row, count - 1);
		break;
	case 'I':
		screen_tab(s, count);
		break;
	case 'Z':
		screen_tab_back(s, count);
		break;
	default:
		return false;
	}
	return true;
}

/* Those that move it to another row. False: it is none. */
static bool move_to_row(struct screen *s, char final, unsigned first, unsigned second)
{
	switch (final) {
	case 'A':
	case 'F':
		screen_move_up(s, first);
		break;
	case 'B':
	case 'E':
	case 'e':
		screen_move_down(s, first);
		break;
	case 'H':
	case 'f':
		screen_address(s, first - 1, second - 1);
		break;
	case 'd':
		screen_address(s, first - 1, s->cursor.column);
		break;
	default:
		return false;
	}
	if (final == 'E' || final == 'F')
		screen_move_to(s, s->cursor.row, 0);
	return true;
}

/* IL, DL, SU and SD: rows from top to the end of the region. */
static void shift_rows(struct screen *s, unsigned top, bool down, unsigned count)
{
	if (down)
		screen_grid_scroll_down(
			grid(s), top, screen_region_bottom(s), count, screen_paper(s));
	else
		screen_grid_scroll_up(
			grid(s), top, screen_region_bottom(s), count, screen_paper(s));
}

static void shift_lines(struct screen *s, bool down, unsigned count)
{
	unsigned row = s->cursor.row;

	if (row < screen_region_top(s) || row > screen_region_bottom(s))
		return;
	shift_rows(s, row, down, count);
	screen_move_to(s, row, 0);
}

/* Those that move cells, or make them. False: it is none. */
static bool shift(struct screen *s, char final, unsigned count)
{
	unsigned row = s->cursor.row, column = s->cursor.column;

	switch (final) {
	case '@':
		screen_grid_insert(grid(s), row, column, count, screen_paper(s));
		break;
	case 'P':
		screen_grid_delete(grid(s), row, column, count, screen_paper(s));
		break;
	case 'L':
	case 'M':
		shift_lines(s, final == 'L', count);
		break;
	case 'S':
	case 'T':
		shift_rows(s, screen_region_top(s), final == 'T', count);
		break;
	case 'X':
		erase_cells(s, count);
		break;
	case 'b':
		screen_repeat(s, count);
		break;
	default:
		return false;
	}
	return true;
}

/* The rest of those without a prefix: what is the number, 0 if there is none. */
static void on_other_csi(struct screen *s, const struct vt_csi *csi, int what, int second)
{
	if (csi->final == 'J')
		erase_screen(s, what);
	else if (csi->final == 'K')
		erase_line(s, what);
	else if (csi->final == 'g')
		screen_clear_tabs(s, what);
	else if (csi->final == 'r' && (second == 0 || (what ? what : 1) < second))
		screen_address(s, 0, 0);
	else if (csi->final == 's' && !csi->params_len)
		screen_keep_cursor(s);
	else if (csi->final == 'u' && !csi->params_len)
		screen_bring_cursor_back(s);
}

static void on_plain_csi(struct screen *s, const struct vt_csi *csi)
{
	struct vt_param first = {0}, second = {0};
	size_t at = 0;
	unsigned count;

	if (vt_csi_next_param(csi, &at, &first))
		(void)vt_csi_next_param(csi, &at, &second);
	count = first.value > 0 ? (unsigned)first.value : 1;
	if (!move_in_row(s, csi->final, count) &&
		!move_to_row(s, csi->final, count, second.value > 0 ? (unsigned)second.value : 1) &&
		!shift(s, csi->final, count))
		on_other_csi(s, csi, first.value, second.value);
}

static void on_csi(struct screen *s, bool was)
{
	struct vt_csi csi;

	vt_csi_parse(s->modes.scan.seq, s->modes.scan.len, &csi);
	if (!csi.prefix && csi.intermediate == '!' && csi.final == 'p') /* DECSTR */
		screen_side(s)->kept = (struct screen_place){0};
	if (csi.intermediate)
		return;
	/* Of selective erasing all is erased: nothing is protected. */
	bool erases = csi.final == 'J' || csi.final == 'K';

	if (csi.final == 'h' || csi.final == 'l')
		on_modes(s, &csi, was);
	else if (!csi.prefix || (csi.prefix == '?' && erases))
		on_plain_csi(s, &csi);
}

/* RIS; the tracker has gone back to the first screen. */
static void reset(struct screen *s)
{
	screen_grid_erase_rows(&s->sides[0].grid, 0, s->rows, &default_paper);
	screen_grid_erase_rows(&s->sides[1].grid, 0, s->rows, &default_paper);
	screen_place_init(s);
}

static void on_escape(struct screen *s, const uint8_t *seq, size_t len)
{
	if (len == 3 && seq[1] == '#' && seq[2] == '8')
		fill(s);
	if (len != 2)
		return;
	switch (seq[1]) {
	case '7':
		screen_keep_cursor(s);
		break;
	case '8':
		screen_bring_cursor_back(s);
		break;
	case 'D':
		screen_index_down(s);
		break;
	case 'E':
		screen_index_down(s);
		screen_move_to(s, s->cursor.row, 0);
		break;
	case 'H':
		s->tabs[s->cursor.column] = true;
		break;
	case 'M':
		screen_index_up(s);
		break;
	case 'N':
	case 'O':
		s->single = seq[1] == 'N' ? 2 : 3;
		break;
	case 'c':
		reset(s);
		break;
	default:
		break;
	}
}

/* --- output --- */

static void on_token(struct screen *s, bool was)
{
	const struct vt_scan *scan = &s->modes.scan;

	switch (scan->token) {
	case VT_TEXT:
		screen_text(s);
		break;
	case VT_CONTROL:
		on_control(s);
		break;
	case VT_CSI_SEQ:
		on_csi(s, was);
		break;
	case VT_ESCAPE:
		on_escape(s, scan->seq, scan->len);
		break;
	case VT_NOTHING:
	case VT_STRING_DONE:
	case VT_BROKEN:
		break;
	}
}

void screen_draw_byte(struct screen *s, uint8_t byte)
{
	bool taken, was;

	do {
		was = s->modes.alternate != 0;
		taken = replay_modes_step(&s->modes, byte);
		on_token(s, was);
	} while (!taken);
}
