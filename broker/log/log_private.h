/*
 * What log_session.c (life, where to begin, following) and log_output.c share. Nobody else includes
 * it.
 */
#ifndef BROKER_LOG_LOG_PRIVATE_H
#define BROKER_LOG_LOG_PRIVATE_H

#include "broker/log/history.h"
#include "broker/log/log_session.h"
#include "console/journal/journal.h"
#include "core/loop.h"

struct viewer;

struct log_session {
	struct channel *channel;
	struct loop *loop;
	struct console *console;
	struct journal *journal;
	struct journal_reader *reader; /* the viewer's, if there is one */
	struct journal_query *query;
	struct viewer *viewer; /* --follow: keeps the console open */
	struct loop_timer *again;
	struct log_options options;
	struct history history; /* on a terminal */
	uint64_t end;           /* without --follow */
	int in_line, over;
};

/* Makes the reader; what is shown begins at offset, with a fresh terminal or one as it was. 0,
 * -ERANGE it is not reached yet, -ENOMEM. */
int log_output_place(struct log_session *s, uint64_t offset, bool is_fresh);

/* Sends what the channel takes, from the reader on; ends the session at the end. */
void log_output_pump(void *arg);

/* A notice. */
void log_say(struct log_session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* There may be more. */
void log_output_wake(void *arg);

#endif
