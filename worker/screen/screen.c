/* Task: see screen.h. Owner: a job of the screen worker. */
#include <errno.h>
#include <libtsm.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "core/loop.h"
#include "worker/screen/screen.h"

#define REPLACEMENT 0xfffdU
#define CELL_MAX 4 /* characters of a cell that are told: a base and marks on it */

struct cell {
	uint32_t text[CELL_MAX];
	uint8_t len;
	uint8_t width;
	tsm_age_t age; /* greater: written later */
};

struct screen {
	unsigned columns, rows;
	struct tsm_screen *screen;
	struct tsm_vte *vte;
	struct cell *cells; /* of the last look */
	uint64_t spent_us, drawn;
	size_t memory;
	size_t skip; /* bytes that may still be left out behind a cut */
};

/* Terminals answer questions. This one has nobody to answer. */
static void on_answer(struct tsm_vte *vte, const char *text, size_t len, void *arg)
{
}

void screen_destroy(struct screen **screen)
{
	struct screen *s = *screen;

	if (!s)
		return;
	*screen = NULL;
	if (s->vte)
		tsm_vte_unref(s->vte);
	if (s->screen)
		tsm_screen_unref(s->screen);
	free(s->cells);
	free(s);
}

int screen_create(unsigned columns, unsigned rows, struct screen **out)
{
	struct screen *s;
	int r;

	if (columns < 1 || columns > SCREEN_COLUMNS_MAX || rows < 1 || rows > SCREEN_ROWS_MAX)
		return -EINVAL;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->columns = columns;
	s->rows = rows;
	r = tsm_screen_new(&s->screen, NULL, NULL);
	if (!r)
		r = tsm_screen_resize(s->screen, columns, rows);
	if (!r)
		r = tsm_vte_new(&s->vte, s->screen, on_answer, NULL, NULL, NULL);
	if (r) {
		screen_destroy(&s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

/* --- drawing --- */

static size_t heap(void)
{
	const struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

void screen_cut(struct screen *s)
{
	static const char begin[] = {0x18, '\r'}; /* CAN ends any sequence */

	tsm_vte_input(s->vte, begin, sizeof(begin));
	s->skip = SCREEN_CUT_MAX;
}

/* Behind a cut: up to the end of a line, which is drawn, or to the next sequence. */
static size_t leave_out(struct screen *s, const uint8_t *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && s->skip > 0; i++) {
		if (data[i] == '\n' || data[i] == 0x1b) {
			s->skip = 0;
			return i;
		}
		s->skip--;
	}
	return i;
}

static int check_effort(const struct screen *s)
{
	if (s->spent_us >
		SCREEN_EFFORT_SECONDS * LOOP_SECOND + s->drawn * LOOP_SECOND / SCREEN_EFFORT_RATE)
		return -ETIME;
	return s->memory > SCREEN_MEMORY_MAX ? -EDQUOT : 0;
}

int screen_feed(struct screen *s, const uint8_t *data, size_t len, size_t *used)
{
	uint64_t began = loop_processor_clock();
	size_t before = heap(), after;

	if (len > SCREEN_PIECE)
		len = SCREEN_PIECE;
	*used = s->skip > 0 ? leave_out(s, data, len) : 0;
	tsm_vte_input(s->vte, (const char *)data + *used, len - *used);
	*used = len;
	s->drawn += len;
	s->spent_us += loop_processor_clock() - began;
	after = heap();
	if (after > before)
		s->memory += after - before;
	return check_effort(s);
}

/* --- looking --- */

/* A terminal shows no controls; one that stands in a cell all the same reaches nobody. */
static uint32_t printable(uint32_t c)
{
	if (c < 0x20 || (c >= 0x7f && c < 0xa0) || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff)
		return REPLACEMENT;
	return c;
}

/* tsm_screen_draw_cb. */
static int on_cell(struct tsm_screen *screen, uint64_t id, const uint32_t *text, size_t len,
	unsigned width, unsigned column, unsigned row, const struct tsm_screen_attr *attr,
	tsm_age_t age, void *arg)
{
	struct screen *s = arg;
	struct cell *cell;
	size_t i;

	if (column >= s->columns || row >= s->rows)
		return 0;
	cell = &s->cells[(size_t)row * s->columns + column];
	cell->width = (uint8_t)width;
	cell->age = age;
	cell->len = (uint8_t)(len < CELL_MAX ? len : CELL_MAX);
	for (i = 0; i < cell->len; i++)
		cell->text[i] = printable(text[i]);
	return 0;
}

/* Behind a wide character in a single column libtsm has the cursor two columns on. */
static unsigned at_most(unsigned value, unsigned most)
{
	return value < most ? value : most;
}

int screen_look(struct screen *s, struct screen_cursor *cursor)
{
	unsigned flags = tsm_screen_get_flags(s->screen);

	free(s->cells);
	s->cells = calloc((size_t)s->columns * s->rows, sizeof(*s->cells));
	if (!s->cells)
		return -ENOMEM;
	tsm_screen_draw(s->screen, on_cell, s);
	*cursor = (struct screen_cursor){
		.column = at_most(tsm_screen_get_cursor_x(s->screen), s->columns),
		.row = at_most(tsm_screen_get_cursor_y(s->screen), s->rows - 1),
		.hidden = flags & TSM_SCREEN_HIDE_CURSOR,
		.alternate = flags & TSM_SCREEN_ALTERNATE};
	return 0;
}

static size_t write_cell(const struct cell *cell, char *out)
{
	size_t n = 0, i;

	for (i = 0; i < cell->len; i++)
		n += tsm_ucs4_to_utf8(cell->text[i], out + n);
	if (n == 0)
		out[n++] = ' ';
	return n;
}

/* Whether what was in the second cell of a wide character is still behind it. libtsm leaves it
 * there; and the wide character, when something else is written into its second half. */
static bool is_covered(const struct cell *cells, unsigned column)
{
	return column > 0 && cells[column - 1].width > 1 &&
	       cells[column].age <= cells[column - 1].age;
}

static bool is_halved(const struct screen *s, const struct cell *cells, unsigned column)
{
	return cells[column].width > 1 && column + 1 < s->columns && !is_covered(cells, column + 1);
}

size_t screen_row(const struct screen *s, unsigned row, char out[SCREEN_ROW_MAX])
{
	const struct cell *cells = s->cells + (size_t)row * s->columns;
	size_t n = 0;
	unsigned i;

	for (i = 0; i < s->columns; i++) {
		if (is_halved(s, cells, i))
			out[n++] = ' ';
		else if (!is_covered(cells, i))
			n += write_cell(&cells[i], out + n);
	}
	while (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return n;
}
