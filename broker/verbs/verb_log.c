/* Task: the verb log: its options; broker/log/ does the rest. */
#include <errno.h>
#include <string.h>

#include "broker/log/log_session.h"
#include "broker/verb/text_value.h"
#include "broker/verbs/verbs.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"

static int bad_value(struct verb_call *call, const char *option, const char *value)
{
	channel_exit(call->channel, STATUS_USAGE, "log: invalid value %s of --%s; see: help log",
		value, option);
	return -EINVAL;
}

static int read_options(struct verb_call *call, struct log_options *o, const char **device)
{
	const char *from = NULL, *lines = NULL, *since = NULL, *boot = NULL;
	int given[5] = {0};
	const struct verb_option options[] = {
		{"from", OPTION_VALUE, &given[0], &from},
		{"lines", OPTION_VALUE, &given[1], &lines},
		{"since", OPTION_VALUE, &given[2], &since},
		{"boot", OPTION_VALUE, &given[3], &boot},
		{"device", OPTION_VALUE, &given[4], device},
		{"follow", OPTION_FLAG, &o->follow, NULL},
		{"timestamps", OPTION_FLAG, &o->timestamps, NULL},
	};

	if (verb_options(call, options, sizeof(options) / sizeof(options[0])) < 0 ||
		verb_no_more(call, 0) < 0)
		return -EINVAL;
	if (given[0] + given[1] + given[2] + given[3] > 1) {
		channel_exit(call->channel, STATUS_USAGE,
			"log: only one of --from, --lines, --since, --boot; see: help log");
		return -EINVAL;
	}
	if (from) {
		o->start = *from == '-' ? LOG_BACK : LOG_FROM;
		if (strcmp(from, "start") == 0)
			o->start = LOG_ALL;
		else if (text_number(from + (*from == '-'), &o->value) < 0)
			return bad_value(call, "from", from);
	}
	if (lines) {
		o->start = LOG_LINES;
		if (text_number(lines, &o->value) < 0 || o->value > JOURNAL_FIND_LINES_MAX)
			return bad_value(call, "lines", lines);
	}
	if (since) {
		o->start = LOG_SINCE;
		if (text_time(since, &o->value) < 0)
			return bad_value(call, "since", since);
	}
	if (boot) {
		o->start = LOG_BOOT;
		if (text_number(boot + (*boot == '-'), &o->value) < 0)
			return bad_value(call, "boot", boot);
	}
	return 0;
}

void verb_log(struct verb_call *call)
{
	struct log_options options = {0};
	const char *device = NULL;
	struct console *console;

	if (read_options(call, &options, &device) < 0)
		return;
	if (!device)
		device = call->device;
	if (guest_console(call->guest, device, &console) < 0)
		verb_no_device(call, device);
	else
		log_session_begin(call->channel, console, &options);
}
