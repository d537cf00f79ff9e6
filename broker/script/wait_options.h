/* The options of the verb wait, and what right they need. */
#ifndef BROKER_SCRIPT_WAIT_OPTIONS_H
#define BROKER_SCRIPT_WAIT_OPTIONS_H

#include "broker/verb/verb.h"
#include "broker/watch/watch.h"

#define WAIT_QUIET_MIN_US (100 * LOOP_MSEC)
#define WAIT_TIMEOUT_MAX_US (UINT64_C(365) * 86400 * LOOP_SECOND)

#define WAIT_TIMEOUT(field)                                                                        \
	{"timeout", OPTION_DURATION, field, "S", .help = "end with 124 after so long",             \
		.most = WAIT_TIMEOUT_MAX_US, .unless = WATCH_NEVER}

struct wait_arguments {
	struct option_number timeout, quiet;
	struct option_position from;
	bool raw, multi, ignore_panic;
};

struct wait_options {
	struct watch_options watch; /* its patterns lie in the call */
	struct console *console;
};

/* What the words come to. 0; -errno: the channel has been ended. */
int wait_options_read(struct verb_call *call, const struct wait_arguments *arguments,
	struct wait_options *options) MUST_CHECK;

/* The limit on idle sessions. */
uint64_t wait_options_idle(const struct verb_call *call);

#endif
