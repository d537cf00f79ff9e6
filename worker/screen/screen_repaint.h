/*
 * A screen written out for a terminal of its size, which then shows what this one shows, and is in
 * the modes that it is in: both screens, where a full-screen program runs. Pure.
 */
#ifndef WORKER_SCREEN_SCREEN_REPAINT_H
#define WORKER_SCREEN_SCREEN_REPAINT_H

#include <stdbool.h>
#include <stddef.h>

#include "console/replay/replay.h"
#include "worker/screen/screen_grid.h"

struct screen;

#define SCREEN_REPAINT_CELL ((size_t)112)   /* bytes for a cell: its place, its style, its text */
#define SCREEN_REPAINT_MODES ((size_t)4096) /* for all that is not cells, and the mark's row */
#define SCREEN_REPAINT_ROOM ((size_t)8192)
/* Of a whole repaint. */
#define SCREEN_REPAINT_MAX(columns, rows)                                                          \
	((size_t)2 * (columns) * (rows) * SCREEN_REPAINT_CELL + SCREEN_REPAINT_MODES)

enum screen_repaint_step {
	SCREEN_REPAINT_MAIN,   /* the screen of lines, where the other one is shown */
	SCREEN_REPAINT_SWITCH, /* to the other one */
	SCREEN_REPAINT_SHOWN, /* the one that is shown; but for its last row, if the mark goes there
			       */
	SCREEN_REPAINT_MARK,  /* modes that do not stand in the way; the mark, which is erased */
	SCREEN_REPAINT_LAST,  /* that last row */
	SCREEN_REPAINT_REST,  /* what stands in the way, and the cursor */
	SCREEN_REPAINT_DONE,
};

struct screen_repaint {
	enum screen_repaint_step step;
	unsigned row, column; /* what comes next of the cells */
	bool is_there;        /* the cursor is at that place */
	bool is_styled;       /* and characters are drawn in style */
	struct screen_style style;
	const char *mark;
	unsigned mark_row, mark_column;
	bool is_mark_last; /* there is room for it behind all cells that are drawn */
};

#define SCREEN_REPAINT_MARK_MAX ((size_t)128)

/*
 * For a terminal without modes, cleared, with its cursor at home. The mark is a line of text, by
 * which who reads the bytes tells where the screen as it was is complete; "": none. It is written
 * behind all text where a row is empty enough at its end, else before the last row, and is gone at
 * once. It has SCREEN_REPAINT_MARK_MAX bytes at most, and is not longer than a row.
 */
void screen_repaint_init(struct screen_repaint *p, const struct screen *s, const char *mark);

/* Writes the next part to out. Its length; 0: that was all. The screen must stay as it is. */
size_t screen_repaint_write(
	struct screen_repaint *p, const struct screen *s, char out[SCREEN_REPAINT_ROOM]);

#endif
