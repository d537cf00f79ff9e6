/*
 * A console session: one channel watching, and perhaps typing into, one console.
 *
 * On a pty it is for a person: header, a screenful of history, notices in the stream, an escape
 * key, waiting for a guest that is off. Without one it is for a script: the guest's bytes and
 * nothing else on standard output, and an end of its own after the end of input.
 */
#ifndef BROKER_SESSION_ATTACH_H
#define BROKER_SESSION_ATTACH_H

#include <stdint.h>

#include "broker/channel/channel.h"
#include "console/guest/guest_power.h"

struct console;

enum attach_from {
	ATTACH_FROM_SCREEN, /* the last screenful (pty) */
	ATTACH_FROM_NOW,    /* no history */
	ATTACH_FROM_START,
	ATTACH_FROM_OFFSET,
	ATTACH_FROM_BACK, /* so many bytes before the end */
	ATTACH_FROM_LINES,
};

#define ATTACH_OPEN_US (10 * LOOP_SECOND)        /* for the console of a guest that runs to open */
#define ATTACH_SETTLE_US (1500 * LOOP_MSEC)      /* a fresh pty may answer a second late */
#define ATTACH_PANIC_US (300 * LOOP_MSEC)        /* after a panic, for the last words */
#define ATTACH_STALL_US (5 * LOOP_SECOND)        /* input without progress */
#define ATTACH_UNDELIVERED_US (10 * LOOP_SECOND) /* the same after the end of input */
#define ATTACH_DRAIN_US (30 * LOOP_SECOND) /* output that the client does not take, at the end */
#define ATTACH_BATCH_US (4 * LOOP_MSEC)    /* bulk output is put together for so long, */
#define ATTACH_BURST 16                    /* after so many messages, or answers, at once */
#define ATTACH_COMMAND_US (20 * LOOP_MSEC) /* from one escape command to the next input */
#define ATTACH_KEY_US (50 * LOOP_MSEC)     /* from an ESC to the rest of what it begins */
#define ATTACH_LATE_US (10 * LOOP_SECOND)  /* an answer to what was asked before a promotion */
#define ATTACH_REPAINT_US                                                                          \
	(10 * LOOP_SECOND) /* until a repaint begins, or goes on; then bytes are shown */
#define ATTACH_LINES_DEFAULT 24
#define ATTACH_LINES_MAX 200 /* of a screenful, whatever a client says of its terminal */

struct attach_options {
	int read_only, force, no_input;
	bool size;        /* types the terminal's size first, for the shell of a guest that runs */
	int wait;         /* for a guest that is off */
	int wait_asked;   /* by the caller; else because it is a terminal */
	uint64_t wait_us; /* 0: for ever */
	enum attach_from from;
	uint64_t from_value; /* offset, bytes, lines */
	unsigned lines;      /* SCREEN: at most */
	int has_power;       /* it begins with an order */
	enum power_kind power;
	const char *lease; /* the token of one to type under, borrowed; NULL: none */
	int needs_log;     /* that is more history than the right to view is good for */
};

/* Begins the session; from then on it ends the channel by itself. */
void attach_begin(
	struct channel *channel, struct console *console, const struct attach_options *options);

/* Lines of history that the right to view is good for on this channel. */
unsigned attach_lines_max(const struct channel *channel);

#endif
