/*
 * What a terminal shows after a console's output, drawn by the screen worker: one job. It is given
 * output as fast as it takes it, and asked once.
 */
#ifndef BROKER_SCREEN_SCREEN_MODEL_H
#define BROKER_SCREEN_SCREEN_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"

struct screen_model;
struct worker;

#define SCREEN_MODEL_JOBS_MAX 8
#define SCREEN_MODEL_OWNER_MAX 2
#define SCREEN_MODEL_RESTARTS_MAX 0 /* what the worker has died of would kill the next one */

struct screen_wanted {
	unsigned columns, rows;
	uint64_t offset;   /* output comes from here on; */
	bool cut;          /*   what came before is missing */
	const char *mark;  /* it is to be a repaint, with this text in it; NULL: rows */
	const char *owner; /* whose it is: each may have a share of the jobs */
};

struct screen_shown {
	unsigned column, row; /* of the cursor, from 0 */
	bool hidden;          /* it is */
	bool alternate;       /* the screen is that of full-screen programs */
};

/* May destroy the model that they are told of. */
struct screen_model_events {
	void (*room)(void *arg); /* it takes output, or more of it */
	/* The rows from the top, each with its newline, fit for a terminal; or the parts of a
	 * repaint: WIRE_REPAINT_MAX bytes at most, and still to be filtered for a terminal. */
	void (*row)(void *arg, const char *text, size_t len);
	/* The last word is one of these. */
	void (*shown)(void *arg, const struct screen_shown *shown); /* behind all rows */
	void (*failed)(void *arg, bool limit, const char *text);    /* limit: it costs too much */
};

/* 0; -EBUSY too many; -EDQUOT too many of this owner; -ENOMEM. */
int screen_model_create(struct worker *w, const struct screen_wanted *wanted,
	const struct screen_model_events *events, void *arg, struct screen_model **out) MUST_CHECK;
void screen_model_destroy(struct screen_model **out);

/* How many bytes were taken; 0: room follows. */
size_t screen_model_send(
	struct screen_model *m, uint64_t offset, const uint8_t *data, size_t len) MUST_CHECK;
/* The modes here, as a word of a tracker. false: not taken; room follows. */
bool screen_model_set_modes(struct screen_model *m, const char *word) MUST_CHECK;
/* That was all: what does it show? false: not taken; room follows. */
bool screen_model_ask(struct screen_model *m) MUST_CHECK;
/* While it is on no rows come. */
void screen_model_pause(struct screen_model *m, bool on);

#endif
