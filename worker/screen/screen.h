/*
 * What a terminal of a given size shows after some output: its cells, its cursor, its modes. Pure.
 *
 * Output is hostile. What it may cost is bounded here: processor time; memory is that of the cells.
 */
#ifndef WORKER_SCREEN_SCREEN_H
#define WORKER_SCREEN_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))

#define SCREEN_COLUMNS_MAX 500
#define SCREEN_ROWS_MAX 200
#define SCREEN_PIECE ((size_t)1024) /* bytes that screen_feed takes at once, at most */
/* Processor time for a screen, and a second more for so many bytes of output. An ordinary console
 * needs a twentieth of that. */
#define SCREEN_EFFORT_SECONDS 2
#define SCREEN_EFFORT_RATE 2000000
#define SCREEN_CUT_MAX ((size_t)4096) /* bytes left out where output before is missing */
#define SCREEN_ROW_MAX ((size_t)SCREEN_COLUMNS_MAX * 4 * 4 + 1) /* bytes of screen_row */

struct replay_modes;
struct screen;

/* 0; -ENOMEM; -EINVAL: no size of a screen. */
int screen_create(unsigned columns, unsigned rows, struct screen **out) MUST_CHECK;
void screen_destroy(struct screen **screen);

/* These are its modes at this place of the output, of which not all before was fed. */
void screen_set_modes(struct screen *s, const struct replay_modes *modes);

/* What comes next does not go on with what came before: the rest of a sequence or a line is left
 * out, as far as it can be told. */
void screen_cut(struct screen *s);

/* Draws some of data; *used says how much. 0; -ETIME: it needs more time than a screen may; then
 * it is of no use any more. */
int screen_feed(struct screen *s, const uint8_t *data, size_t len, size_t *used) MUST_CHECK;

struct screen_cursor {
	unsigned column, row; /* from 0; column is the number of columns behind the last one */
	bool hidden;
	bool alternate; /* the screen of full-screen programs is shown */
};

void screen_look(const struct screen *s, struct screen_cursor *cursor);

/* The text of a row, in UTF-8, without the blanks at its end, terminated. Its length. */
size_t screen_row(const struct screen *s, unsigned row, char out[SCREEN_ROW_MAX]);

#endif
