/*
 * The session: standard input goes up the channel, output and errors come down, until the daemon
 * says how it ended.
 *
 * Lossless both ways: when the line is full, standard input is not read; when standard output or
 * error is full, the line is not read. Nothing is held but one message each.
 */
#ifndef CTL_RELAY_H
#define CTL_RELAY_H

#include "ctl/connect.h"
#include "ctl/terminal.h"

struct relay_end {
	int signo;  /* not 0: the terminal is put back and this signal is to be died of */
	int status; /* otherwise: the exit status */
	char reason[CTL_REASON_MAX]; /* "", or a line for standard error; foreign bytes */
};

/*
 * The channel's SHELL or EXEC has been sent. terminal is raw from here on, if there is one, and
 * put back before the return. Blocks the signals it handles.
 */
void relay_run(struct ctl_link *link, struct terminal *terminal, struct relay_end *end);

#endif
