/* Task: the verb reload: the configuration is read again. */
#include "broker/admin/admin.h"
#include "broker/login/login.h"
#include "config/config.h"
#include "config/rights.h"

static void run(struct verb_call *call, const void *options)
{
	const struct broker_context *context = login_context(call->login);
	struct config_errors errors = {0};
	size_t i;
	int r;

	r = context->reload(context->reload_arg, &errors);
	for (i = 0; i < errors.count; i++)
		channel_complain(
			call->channel, "%s%s", config_errors_prefix(&errors, i), errors.lines[i]);
	config_errors_finish(&errors);
	if (r < 0)
		channel_exit(call->channel, STATUS_USAGE,
			"not reloaded: the configuration in force stays");
	else
		channel_exit(call->channel, STATUS_OK, NULL);
}

const struct verb verb_reload = {.name = "reload",
	.example = "",
	.scope = VERB_HOST,
	.right = RIGHT_ADMIN,
	.caller = VERB_FOR_LOCAL,
	.usage = "reload",
	.summary = "read the configuration again",
	.run = run};
