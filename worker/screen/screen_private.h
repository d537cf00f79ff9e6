/*
 * What the files of a screen share: screen.c (its bounds, what it tells), screen_place.c (the
 * cursor, the region, tab stops), screen_text.c (characters), screen_draw.c (controls and
 * sequences), screen_repaint.c. Nobody else includes it.
 */
#ifndef WORKER_SCREEN_SCREEN_PRIVATE_H
#define WORKER_SCREEN_SCREEN_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/replay/replay.h"
#include "worker/screen/screen.h"
#include "worker/screen/screen_grid.h"

struct screen_place {
	unsigned column, row; /* from 0 */
	bool wraps;           /* behind the last column: the next one begins another row (DECAWM) */
};

/* The screen of lines, or that of full-screen programs. */
struct screen_side {
	struct screen_grid grid;
	struct screen_place kept; /* by DECSC, and what switches to the other screen */
};

struct screen {
	unsigned columns, rows;
	struct replay_modes modes;
	struct screen_side sides[2];
	struct screen_place cursor;
	uint8_t single; /* 2, 3: the next character is of G2, G3; else 0 */
	uint32_t last;  /* the last character, for REP; 0 none */
	bool *tabs;     /* by column */
	uint64_t spent_us, drawn;
	size_t skip; /* bytes that may still be left out behind a cut */
};

static inline struct screen_side *screen_side(struct screen *s)
{
	return &s->sides[s->modes.alternate != 0];
}

static inline bool screen_has_mode(const struct screen *s, enum replay_mode mode)
{
	return s->modes.modes & (UINT64_C(1) << mode);
}

/* The background of what is erased. */
static inline const struct replay_color *screen_paper(const struct screen *s)
{
	return &s->modes.sgr.paper;
}

/* --- screen.c --- */

/* Writes a character in UTF-8, 4 bytes at most, not terminated. Its length. */
size_t screen_utf8(uint32_t c, char *out);

/* --- screen_place.c; counts may be any, places may be off the screen --- */

void screen_place_init(struct screen *s); /* cursor and tab stops of a fresh terminal */
unsigned screen_region_top(const struct screen *s);
unsigned screen_region_bottom(const struct screen *s);
void screen_move_to(struct screen *s, unsigned row, unsigned column);
void screen_address(struct screen *s, unsigned row, unsigned column); /* CUP: see DECOM */
void screen_move_up(struct screen *s, unsigned count);
void screen_move_down(struct screen *s, unsigned count);
void screen_move_left(struct screen *s, unsigned count);
void screen_index_down(struct screen *s); /* IND: scrolls at the end of the region */
void screen_index_up(struct screen *s);   /* RI */
void screen_keep_cursor(struct screen *s);
void screen_bring_cursor_back(struct screen *s);
void screen_tab(struct screen *s, unsigned count);
void screen_tab_back(struct screen *s, unsigned count);
void screen_clear_tabs(struct screen *s, int what); /* TBC */

/* --- screen_text.c --- */

void screen_text(struct screen *s); /* draws the character that the scanner has found */
void screen_repeat(struct screen *s, unsigned count); /* REP */

/* --- screen_draw.c --- */

void screen_draw_byte(struct screen *s, uint8_t byte);

#endif
