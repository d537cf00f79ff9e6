/* The options of the verb wait, and what right they need. */
#ifndef BROKER_SCRIPT_WAIT_OPTIONS_H
#define BROKER_SCRIPT_WAIT_OPTIONS_H

#include "broker/verb/verb.h"
#include "broker/watch/watch.h"

#define WAIT_QUIET_MIN_US (100 * LOOP_MSEC)
#define WAIT_TIMEOUT_MAX_US (UINT64_C(365) * 86400 * LOOP_SECOND)

struct wait_options {
	struct watch_options watch; /* its patterns lie in the call */
	int json;
	struct console *console;
};

/* 0; -errno: the channel has been ended. */
int wait_options_read(struct verb_call *call, struct wait_options *options) MUST_CHECK;

/* A time of an option: 0; -EINVAL: the channel has been ended. Without a value *out stays. */
int wait_options_time(struct verb_call *call, const char *option, const char *value, uint64_t least,
	uint64_t *out) MUST_CHECK;

/* The console that is meant. 0; -errno: the channel has been ended. */
int wait_options_console(
	struct verb_call *call, const char *device, struct console **console) MUST_CHECK;

/* The limit on idle sessions. */
uint64_t wait_options_idle(const struct verb_call *call);

#endif
