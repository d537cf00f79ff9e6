/*
 * What a terminal is shown of a journal that it was not there for: filtered, whole where bytes are
 * missing, and with what came before it looked at first. Owner: a session; see docs/replay.md.
 */
#ifndef BROKER_LOG_HISTORY_H
#define BROKER_LOG_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/journal/journal.h"

struct replay_filter;
struct replay_modes;

#define HISTORY_WINDOW ((size_t)256 << 10) /* bytes looked at before what is shown */

static inline uint64_t history_window(uint64_t end, uint64_t first)
{
	return end - first > HISTORY_WINDOW ? end - HISTORY_WINDOW : first;
}

/* Zero-initialised: bytes pass as they are. */
struct history {
	struct replay_filter *filter;
	struct replay_modes *before; /* what is known of the bytes before shown_from, till it is */
	uint64_t shown_from;         /*   reached */
	bool foreign_keyboard;       /* what the terminal types does not come to us */
};

/* The filter, for bytes from offset on; first is the oldest one kept. 0, -ENOMEM. */
int history_begin(
	struct history *h, uint64_t offset, uint64_t first, bool foreign_keyboard) MUST_CHECK;

/* Where to begin to read, so that what came before offset is known there. */
uint64_t history_look_back(struct history *h, uint64_t offset, uint64_t first);

/* Takes bytes that lie before shown_from; before is there. Returns how many, 0 at its end. */
size_t history_gather(struct history *h, uint64_t offset, const uint8_t *data, size_t len);

/* shown_from is reached: the filter goes on from what is known, which is given up. */
void history_show(struct history *h);

/* A hole: what comes next does not go on with what came before. Returns where to read on. */
uint64_t history_pass(struct history *h, const struct journal_hole *hole);

void history_finish(struct history *h);

#endif
