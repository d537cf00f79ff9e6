/* The options of the verb run, and what rights they need. */
#ifndef BROKER_SCRIPT_RUN_OPTIONS_H
#define BROKER_SCRIPT_RUN_OPTIONS_H

#include "broker/verb/verb.h"
#include "wire/msg.h"

struct console;

struct run_arguments {
	bool force;
	const char *lease, *login, *password_file; /* NULL: none */
	struct option_number timeout;
};

struct run_options {
	bool force;
	bool reads_password; /* the first line of standard input */
	const char *lease;   /* a token, in the call; NULL: none */
	const char *login;   /* a name; the same */
	uint64_t timeout_us;
	struct console *console;
	char command[WIRE_COMMAND_MAX + 1];
};

/* 0; -errno: the channel has been ended. */
int run_options_read(struct verb_call *call, const struct run_arguments *arguments,
	struct run_options *options) MUST_CHECK;

#endif
