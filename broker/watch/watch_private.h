/*
 * What watch.c (life, reading), watch_end.c (what ends it) share. Nobody else includes it.
 */
#ifndef BROKER_WATCH_WATCH_PRIVATE_H
#define BROKER_WATCH_WATCH_PRIVATE_H

#include "broker/watch/watch.h"
#include "console/guest/console.h"
#include "console/journal/journal.h"

enum watch_state {
	WATCH_LOOKS,
	WATCH_DRAINS, /* it ends when the output up to end.offset was looked at */
	WATCH_OVER,
};

struct watch {
	enum watch_state state;
	struct loop *loop;
	struct console *console;
	struct channel *channel;
	struct viewer *viewer;
	struct matcher_job *job; /* NULL without patterns */
	const struct watch_events *events;
	void *arg;
	bool ignore_panic;
	uint64_t quiet_us, timeout_us, idle_us;

	/* reading */
	bool begun;             /* the job takes output */
	uint64_t rests, rested; /* REST said to this worker, and answered */
	uint64_t rest_at;       /* where the last one was said; UINT64_MAX: none */
	uint64_t looked_to;     /* all before it was looked at */
	uint64_t heard_to;      /* where the output ended */
	uint64_t last_output;   /* loop time of when */
	struct loop_timer *again;
	struct loop_timer *rest;

	/* the end */
	bool has_opened, told_error;
	struct loop_timer *quiet, *idle, *timeout;
	struct loop_timer *last; /* after a panic; while it drains */
	uint64_t drain_rest;     /* the answer to this REST is the last one */
	struct watch_end end;
	char text[512];
};

/* watch_end.c */
int watch_make_timers(struct watch *w) MUST_CHECK;
void watch_drop_timers(struct watch *w);
void watch_console_event(struct watch *w, const struct console_event *event);
/* At the beginning: the guest is off, or its console cannot be had. */
void watch_look_at_console(struct watch *w);
/* Output came, or the console opened. */
void watch_heard(struct watch *w);
/* Now. */
void watch_conclude(struct watch *w);

#endif
