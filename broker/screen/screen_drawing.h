/*
 * What a terminal shows that was there from the guest's boot: the output since then is read from
 * the journal, as far as it is kept, and drawn by the screen worker. Of a console whose screen
 * nobody asks for nothing is kept.
 */
#ifndef BROKER_SCREEN_SCREEN_DRAWING_H
#define BROKER_SCREEN_SCREEN_DRAWING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/screen/screen_model.h"
#include "core/loop.h"

struct console;
struct screen_drawing;

#define SCREEN_DRAWING_OUTPUT_MAX                                                                  \
	((uint64_t)16 << 20) /* that a screen is drawn from: the newest of it */

struct screen_drawing_wanted {
	struct loop *loop;
	struct console *console;
	unsigned columns, rows;
	uint64_t end;      /* up to which offset; UINT64_MAX: all of it */
	const char *owner; /* as of struct screen_wanted */
	const char *mark;  /* a repaint with this line in it; NULL: rows */
};

enum screen_failure {
	SCREEN_FAILURE_BUSY,    /* too many are being drawn */
	SCREEN_FAILURE_SHARE,   /* too many of this owner */
	SCREEN_FAILURE_LIMIT,   /* it costs too much */
	SCREEN_FAILURE_WORKER,  /* it cannot be had, or dies */
	SCREEN_FAILURE_HISTORY, /* the journal cannot be read */
};

/* May destroy the drawing that they are told of. */
struct screen_drawing_events {
	/* A row, with its newline, fit for a terminal; or a part of a repaint, which is still to be
	 * filtered. */
	void (*row)(void *arg, const char *text, size_t len);
	/* The last word is one of these. */
	void (*shown)(void *arg, const struct screen_shown *shown);
	void (*failed)(void *arg, enum screen_failure failure, const char *text);
};

/* Tells nothing before it returns. 0 or -ENOMEM. */
int screen_drawing_create(struct worker *w, const struct screen_drawing_wanted *wanted,
	const struct screen_drawing_events *events, void *arg,
	struct screen_drawing **out) MUST_CHECK;
void screen_drawing_destroy(struct screen_drawing **out);

/* While it is on no rows come. */
void screen_drawing_pause(struct screen_drawing *d, bool on);
/* From which offset to which it is drawn. */
uint64_t screen_drawing_from(const struct screen_drawing *d);
uint64_t screen_drawing_end(const struct screen_drawing *d);
/* What was printed since the boot does not all go into it. */
bool screen_drawing_is_cut(const struct screen_drawing *d);

#endif
