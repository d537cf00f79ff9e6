/* Task: see send_options.h. No state. */
#include <errno.h>

#include "broker/script/send_options.h"
#include "broker/script/send_text.h"
#include "config/rights.h"
#include "wire/msg.h"

/* What waits for output sees it. */
static int allow(struct verb_call *call, const struct send_options *o)
{
	if (o->force && verb_allowed(call, RIGHT_FORCE) < 0)
		return -EACCES;
	if (!o->pattern)
		return 0;
	if (verb_allowed(call, RIGHT_VIEW) < 0)
		return -EACCES;
	channel_need(call->channel, call->guest, call->verb->right | RIGHT_VIEW);
	return 0;
}

int send_options_read(
	struct verb_call *call, const struct send_arguments *arguments, struct send_options *o)
{
	*o = (struct send_options){.enter = arguments->enter,
		.escape = arguments->escape,
		.force = arguments->force,
		.json = call->json,
		.pattern = arguments->pattern,
		.lease = verb_lease_token(call, arguments->lease),
		.pace = arguments->pace.value,
		.timeout_us = arguments->timeout.value};
	if (allow(call, o) < 0)
		return -EACCES;
	return verb_console(call, &o->console);
}

int send_options_text(struct verb_call *call, const struct send_options *o,
	char out[WIRE_COMMAND_MAX + 1], size_t *len)
{
	size_t at = 0;

	*len = verb_words(call, out);
	if (!o->escape || send_unescape(out, len, &at) == 0)
		return 0;
	channel_exit(call->channel, STATUS_USAGE,
		"send: the escape at byte %zu of the text is not known; \\\\ is a backslash", at);
	return -EINVAL;
}
