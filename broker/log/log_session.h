/*
 * A session that reads a console's history, and perhaps follows it: the verb log. On a terminal
 * what it shows is filtered.
 */
#ifndef BROKER_LOG_LOG_SESSION_H
#define BROKER_LOG_LOG_SESSION_H

#include <stdint.h>

#include "broker/channel/channel.h"

struct console;

enum log_start { LOG_ALL, LOG_FROM, LOG_BACK, LOG_LINES, LOG_SINCE, LOG_BOOT };

struct log_options {
	enum log_start start;
	uint64_t value;
	int follow, timestamps;
	int screen; /* on a terminal: as it was there, and not lines to read */
};

/* Begins; from then on it ends the channel by itself. */
void log_session_begin(
	struct channel *channel, struct console *console, const struct log_options *options);

#endif
