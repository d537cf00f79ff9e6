/* Task: see send_options.h. No state. */
#include <errno.h>
#include <string.h>

#include "broker/script/send_options.h"
#include "broker/script/send_text.h"
#include "broker/verb/text_value.h"
#include "broker/script/typist.h"
#include "broker/script/wait_options.h"
#include "config/rights.h"
#include "wire/msg.h"

struct texts {
	const char *pace, *timeout, *device;
};

static int read_words(struct verb_call *call, struct send_options *o, struct texts *t)
{
	int given[4] = {0};
	const struct verb_option options[] = {
		{"enter", OPTION_FLAG, &o->enter, NULL},
		{"escape", OPTION_FLAG, &o->escape, NULL},
		{"force", OPTION_FLAG, &o->force, NULL},
		{"json", OPTION_FLAG, &o->json, NULL},
		{"pace", OPTION_VALUE, &given[0], &t->pace},
		{"wait", OPTION_VALUE, &given[1], &o->pattern},
		{"timeout", OPTION_VALUE, &given[2], &t->timeout},
		{"device", OPTION_VALUE, &given[3], &t->device},
	};

	return verb_options(call, options, sizeof(options) / sizeof(options[0]));
}

static int read_pace(struct verb_call *call, const char *pace, uint64_t *out)
{
	if (!pace || (text_number(pace, out) == 0 && *out > 0 && *out <= TYPIST_PACE_MAX))
		return 0;
	channel_exit(call->channel, STATUS_USAGE,
		"send: invalid value %s of --pace; see: help send", pace);
	return -EINVAL;
}

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

int send_options_read(struct verb_call *call, struct send_options *o)
{
	struct texts t = {0};

	o->timeout_us = WATCH_NEVER;
	if (read_words(call, o, &t) < 0 || read_pace(call, t.pace, &o->pace) < 0 ||
		wait_options_time(call, "timeout", t.timeout, 0, &o->timeout_us) < 0 ||
		allow(call, o) < 0)
		return -EINVAL;
	return wait_options_console(call, t.device, &o->console);
}

int send_options_text(struct verb_call *call, const struct send_options *o, char *out, size_t *len)
{
	size_t at = 0;
	int i;

	*len = 0;
	for (i = 0; i < call->argc; i++) {
		size_t word = strlen(call->argv[i]);

		/* All of them came in one command. */
		if (*len + word + 1 > WIRE_COMMAND_MAX)
			break;
		if (i > 0)
			out[(*len)++] = ' ';
		memcpy(out + *len, call->argv[i], word);
		*len += word;
	}
	if (!o->escape || send_unescape(out, len, &at) == 0)
		return 0;
	channel_exit(call->channel, STATUS_USAGE,
		"send: the escape at byte %zu of the text is not known; \\\\ is a backslash", at);
	return -EINVAL;
}
