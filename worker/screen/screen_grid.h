/*
 * The cells of a screen, and what moves them. Pure. Places are from 0 and on the screen, counts are
 * bounded by whoever calls.
 */
#ifndef WORKER_SCREEN_SCREEN_GRID_H
#define WORKER_SCREEN_SCREEN_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/replay/replay.h"

#define MUST_CHECK __attribute__((warn_unused_result))

#define SCREEN_CELL_TEXT 4 /* characters of a cell that are kept: a base and marks on it */

/* How a cell is drawn: as struct replay_sgr, without character sets. */
struct screen_style {
	uint16_t attributes;
	uint8_t underline;
	bool overline;
	struct replay_color ink, paper, line;
};

struct screen_cell {
	uint32_t text[SCREEN_CELL_TEXT];
	uint8_t len;   /* 0: erased */
	uint8_t width; /* 1, 2; 0: covered by the wide one before */
	struct screen_style style;
};

struct screen_grid {
	unsigned columns, rows;
	struct screen_cell *cells;
	struct screen_cell **row; /* from the top */
	uint64_t touched;         /* cells that were written or moved: what drawing costs */
};

/* 0 or -ENOMEM. */
int screen_grid_init(struct screen_grid *g, unsigned columns, unsigned rows) MUST_CHECK;
void screen_grid_finish(struct screen_grid *g);

/* Cells from..to, to excluded, become blanks with this background. */
void screen_grid_erase(struct screen_grid *g, unsigned row, unsigned from, unsigned to,
	const struct replay_color *paper);
void screen_grid_erase_rows(
	struct screen_grid *g, unsigned from, unsigned to, const struct replay_color *paper);

/* Rows top..bottom, both included, go up by count, or down. */
void screen_grid_scroll_up(struct screen_grid *g, unsigned top, unsigned bottom, unsigned count,
	const struct replay_color *paper);
void screen_grid_scroll_down(struct screen_grid *g, unsigned top, unsigned bottom, unsigned count,
	const struct replay_color *paper);

/* The rest of the row from column on goes right by count, or left. */
void screen_grid_insert(struct screen_grid *g, unsigned row, unsigned column, unsigned count,
	const struct replay_color *paper);
void screen_grid_delete(struct screen_grid *g, unsigned row, unsigned column, unsigned count,
	const struct replay_color *paper);

/* Puts a cell down; one that is wide has a column to its right. What it cuts in two is blank. */
void screen_grid_put(
	struct screen_grid *g, unsigned row, unsigned column, const struct screen_cell *cell);

#endif
