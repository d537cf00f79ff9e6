/*
 * What a terminal is shown of a journal that it was not there for: filtered, whole where bytes are
 * missing, and with what came before it looked at first. Owner: a session; see docs/replay.md.
 */
#ifndef BROKER_LOG_HISTORY_H
#define BROKER_LOG_HISTORY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console/journal/journal.h"

#include "console/replay/replay.h"

struct channel;
struct console;

#define HISTORY_WINDOW ((size_t)256 << 10) /* bytes looked at before what is shown */

static inline uint64_t history_window(uint64_t end, uint64_t first)
{
	return end - first > HISTORY_WINDOW ? end - HISTORY_WINDOW : first;
}

struct history {
	struct replay_filter *filter;
	struct replay_modes *before; /* what is known of the bytes before shown_from, till it is */
	uint64_t shown_from;         /*   reached */
	struct replay_modes shown;   /* of the terminal, by what it was sent */
	struct replay_terminal terminal; /* for the filter */
	bool is_terminal;                /* there is one that is sent what is shown */
	uint64_t boot;                   /* the next one behind what was shown; UINT64_MAX none */
	uint64_t begun;                  /* the last one, or where it began */
};

/* Bytes pass as they are; the terminal is a fresh one. */
void history_init(struct history *h);

/* The filter, for bytes from offset on; first is the oldest one kept. 0, -ENOMEM. */
int history_begin(struct history *h, uint64_t offset, uint64_t first,
	const struct replay_terminal *terminal) MUST_CHECK;
/* Whose terminal it is. */
struct replay_terminal history_terminal(const struct channel *channel);

/* Where to begin to read, so that what came before offset is known there: from the last state in
 * the journal on, or a window back. */
uint64_t history_look_back(
	struct history *h, const struct console *c, uint64_t offset, uint64_t first);

/* Takes bytes that lie before shown_from; before is there. Returns how many, 0 at its end. */
size_t history_gather(struct history *h, uint64_t offset, const uint8_t *data, size_t len);

/*
 * Boots. With each the terminal of the guest is a fresh one, and so is to be the one that is shown
 * it. Bytes up to a boot are shown, then history_boot is called, then those behind it.
 */
/* What is shown begins at offset, or a boot has come: looks for the next boot. */
void history_look_for_boot(struct history *h, const struct console *c, uint64_t offset);
/* Something has happened at the console, perhaps the boot that was not found then. */
void history_look_again(struct history *h, const struct console *c);
/* How many of len bytes at offset lie before the next boot, which is behind shown_from. */
size_t history_before_boot(const struct history *h, uint64_t offset, size_t len);
/* The boot is reached: undoes what the guest had set on the terminal. 0 or what channel_put says.
 */
int history_boot(struct history *h, const struct console *c, struct channel *channel) MUST_CHECK;

/*
 * Notices: lines of our own, each with its newline, without control characters. They are readable
 * on the terminal whatever the guest has set on it, and change none of that.
 */
#define HISTORY_LINE_MAX ((size_t)4160)
/* Makes such a line. Returns its length. */
size_t history_line(char line[HISTORY_LINE_MAX], const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
bool history_may_say(const struct history *h);    /* not in the middle of something */
bool history_says_below(const struct history *h); /* on the last rows: the next takes its place */
/* Says lines of HISTORY_LINE_MAX bytes at most. 0 or what channel_put says. */
int history_say(
	const struct history *h, struct channel *channel, const char *text, size_t len) MUST_CHECK;

/* The terminal was sent these bytes: the guest's, or some that bring it to the modes there. */
void history_sent(struct history *h, const void *data, size_t len);

/* shown_from is reached: the filter goes on from what is known, which is given up. */
void history_show(struct history *h);

/* A hole: what comes next does not go on with what came before. Returns where to read on. */
uint64_t history_pass(struct history *h, const struct journal_hole *hole);

void history_finish(struct history *h); /* as after history_init */

/* The terminal is left: ends any sequence, and undoes what was set. 0 or what channel_put says. */
int history_give_back(struct history *h, struct channel *channel) MUST_CHECK;

/* The terminal is somebody's who had it before: resets whatever there is to reset. The same. */
int history_reset(struct channel *channel) MUST_CHECK;

#endif
