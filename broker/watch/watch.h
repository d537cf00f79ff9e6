/*
 * Somebody waits for what a console prints, or for what becomes of it.
 *
 * A watch is a viewer of the console. It reads the journal from an offset on and has the patterns
 * looked for (broker/matcher.h). What ends it from outside (the guest's end, a limit in time)
 * counts for as far as the output had come then: that is looked at first, so that what was printed
 * before is found.
 */
#ifndef BROKER_WATCH_WATCH_H
#define BROKER_WATCH_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/matcher/matcher.h"
#include "console/guest/viewer.h"
#include "core/loop.h"
#include "wire/status.h"

struct channel;
struct watch;

#define WATCH_REST_US (100 * LOOP_MSEC)   /* without output: then an unfinished line counts */
#define WATCH_PANIC_US (300 * LOOP_MSEC)  /* after a panic, for the last words */
#define WATCH_DRAIN_US (10 * LOOP_SECOND) /* to look at what was printed before the end */
#define WATCH_CONTEXT 4096                /* bytes looked at before from: the rest of its line */
#define WATCH_NEVER UINT64_MAX

struct watch_options {
	char *const *patterns; /* borrowed for the call */
	size_t count;          /* 0: only the guest's end, quiet or a limit end it */
	bool raw, multi, ignore_panic;
	uint64_t from;       /* a match begins here or later */
	uint64_t quiet_us;   /* ends it when nothing was printed for so long; WATCH_NEVER */
	uint64_t timeout_us; /* WATCH_NEVER */
	uint64_t idle_us;    /* the configured limit; WATCH_NEVER */
};

enum watch_result {
	WATCH_FOUND,
	WATCH_QUIET,
	WATCH_ENDED, /* status and text say why */
};

struct watch_end {
	enum watch_result result;
	const struct matcher_found *found; /* FOUND */
	enum status status;
	const char *text;
	uint64_t offset; /* all output before it was looked at */
};

struct watch_events {
	/* Once, never from inside watch_create. This, and the others but notice, may destroy the
	 * watch. */
	void (*done)(void *arg, const struct watch_end *end);
	/* Something to know, that ends nothing. */
	void (*notice)(void *arg, const char *text);
	/* NULL, or who reads the output himself and gives no patterns: returns how much was taken;
	 * 0: watch_more follows. */
	size_t (*output)(void *arg, const uint8_t *data, size_t len);
	/* For one who types too, or NULL: as viewer_events, before the watch sees to it. */
	void (*room)(void *arg);
	void (*event)(void *arg, const struct console_event *event);
};

/* who is borrowed and shown to others, and so is the channel. 0; -EBUSY too many waits; -E2BIG;
 * -EMFILE too many viewers; -ERANGE from is not reached yet; -ENOMEM. */
int watch_create(struct worker *matcher, struct loop *loop, struct console *console,
	struct channel *channel, const char *who, const struct watch_options *options,
	const struct watch_events *events, void *arg, struct watch **out) MUST_CHECK;
void watch_destroy(struct watch **out);

/* For a watch without patterns: looks for these from now on. from is an offset of this moment, or
 * after watch_create. Only patterns, count, raw, multi and from count. 0 or as watch_create. */
int watch_look_for(
	struct watch *w, struct worker *matcher, const struct watch_options *options) MUST_CHECK;

/* What a verb ends with when its patterns cannot be looked for. */
enum status watch_failure_status(enum matcher_failure failure);

/* output takes something again. */
void watch_more(struct watch *w);

/* done() has come or is on its way: nothing is to be typed any more. */
bool watch_is_ending(const struct watch *w);

struct viewer *watch_viewer(const struct watch *w);
/* All output before it was looked at. */
uint64_t watch_reached(const struct watch *w);

#endif
