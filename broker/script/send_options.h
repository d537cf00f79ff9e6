/* The options of the verb send, and the bytes that its words are. */
#ifndef BROKER_SCRIPT_SEND_OPTIONS_H
#define BROKER_SCRIPT_SEND_OPTIONS_H

#include "broker/verb/verb.h"
#include "broker/watch/watch.h"

struct console;

struct send_arguments {
	bool enter, escape, force;
	const char *pattern, *lease; /* NULL: none */
	struct option_number pace, timeout;
};

struct send_options {
	bool enter, escape, force, json;
	const char *pattern; /* NULL: none; lies in the call */
	const char *lease;   /* a token; the same */
	uint64_t pace;       /* bytes a second; 0: as fast as it is taken */
	uint64_t timeout_us; /* WATCH_NEVER */
	struct console *console;
};

/* What the words come to, and the rights they need. 0; -errno: the channel has been ended. */
int send_options_read(struct verb_call *call, const struct send_arguments *arguments,
	struct send_options *options) MUST_CHECK;

/* The words with blanks between them, unescaped if wanted. 0; -EINVAL: the channel has been ended.
 */
int send_options_text(struct verb_call *call, const struct send_options *o,
	char out[WIRE_COMMAND_MAX + 1], size_t *len) MUST_CHECK;

#endif
