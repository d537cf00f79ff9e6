/* Task: see run_options.h. No state. */
#include <errno.h>
#include <string.h>

#include "broker/script/run_enter.h"
#include "broker/script/run_login.h"
#include "broker/script/run_options.h"
#include "config/rights.h"

/* The service reads no files of its callers: vmconsolectl makes one its standard input. */
static int check_login(struct verb_call *call, const struct run_arguments *arguments)
{
	const char *name = arguments->login, *file = arguments->password_file;

	if (file && !name)
		channel_exit(call->channel, STATUS_USAGE,
			"run: --password-file is for --login USER; see: help run");
	else if (file && strcmp(file, "-") != 0)
		channel_exit(call->channel, STATUS_USAGE,
			"run: --password-file takes - here, the first line of standard input: run "
			"--password-file - <FILE");
	else if (name && (!*name || strlen(name) > RUN_NAME_MAX ||
				 !run_login_is_typable(name, strlen(name))))
		channel_exit(call->channel, STATUS_USAGE,
			"run: --login takes a name of 1 to %d characters", RUN_NAME_MAX);
	else
		return 0;
	return -EINVAL;
}

int run_options_read(
	struct verb_call *call, const struct run_arguments *arguments, struct run_options *o)
{
	o->force = arguments->force;
	o->lease = verb_lease_token(call, arguments->lease);
	o->login = arguments->login;
	o->reads_password = arguments->password_file != NULL;
	o->timeout_us = arguments->timeout.value;
	if (call->argc == 0) {
		channel_exit(call->channel, STATUS_USAGE, "run: which command? usage: %s",
			call->verb->usage);
		return -EINVAL;
	}
	if (check_login(call, arguments) < 0)
		return -EINVAL;
	if (verb_allowed(call, RIGHT_VIEW) < 0 || (o->force && verb_allowed(call, RIGHT_FORCE) < 0))
		return -EACCES;
	channel_need(call->channel, call->guest, call->verb->right | RIGHT_VIEW);
	(void)verb_words(call, o->command);
	return verb_console(call, &o->console);
}
