/* Task: the verb attach: a console session. */
#include <errno.h>
#include <stdio.h>

#include "broker/login/login.h"
#include "broker/session/attach.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"

struct attach_arguments {
	bool read_only, force, no_wait, no_input, size;
	struct option_position from;
	struct option_number lines, wait;
	const char *power, *lease;
};

static void set_start(const struct attach_arguments *arguments, struct attach_options *o)
{
	o->from_value = arguments->lines.given ? arguments->lines.value : arguments->from.value;
	if (arguments->lines.given)
		o->from = ATTACH_FROM_LINES;
	switch (arguments->from.kind) {
	case POSITION_NONE:
		break;
	case POSITION_START:
		o->from = ATTACH_FROM_START;
		break;
	case POSITION_OFFSET:
		o->from = ATTACH_FROM_OFFSET;
		break;
	case POSITION_BACK:
		o->from = ATTACH_FROM_BACK;
		break;
	}
}

/* The last screenful belongs to the right to view; more is history. */
static int check_history_right(struct verb_call *call, struct attach_options *o)
{
	switch (o->from) {
	case ATTACH_FROM_SCREEN:
	case ATTACH_FROM_NOW:
		return 0;
	case ATTACH_FROM_LINES:
		if (o->from_value <= attach_lines_max(call->channel))
			return 0;
		break;
	case ATTACH_FROM_START:
	case ATTACH_FROM_OFFSET:
	case ATTACH_FROM_BACK:
		break;
	}
	o->needs_log = 1;
	return verb_allowed(call, RIGHT_LOG);
}

/* An offset that the journal has not reached, or no longer has, is told before the session. */
static int check_offset(struct verb_call *call, struct console *c, const struct attach_options *o)
{
	const struct journal *j = console_journal(c);

	if (o->from != ATTACH_FROM_OFFSET || channel_has_pty(call->channel))
		return 0;
	if (o->from_value >= journal_first(j) && o->from_value <= journal_next(j))
		return 0;
	if (o->from_value > journal_next(j))
		channel_exit(call->channel, STATUS_NOT_FOUND,
			"offset %llu is not reached yet: the next one is %llu",
			(unsigned long long)o->from_value, (unsigned long long)journal_next(j));
	else
		channel_exit(call->channel, STATUS_NOT_FOUND, "bytes %llu-%llu no longer kept",
			(unsigned long long)o->from_value,
			(unsigned long long)journal_first(j) - 1);
	return -ENOENT;
}

static void run(struct verb_call *call, const void *options)
{
	const struct attach_arguments *arguments = options;
	int pty = channel_has_pty(call->channel);
	struct attach_options o = {.read_only = arguments->read_only,
		.force = arguments->force,
		.no_input = arguments->no_input,
		.size = arguments->size,
		.wait = arguments->wait.given || (pty && !arguments->no_wait),
		.wait_asked = arguments->wait.given,
		.wait_us = arguments->wait.value,
		.has_power = arguments->power != NULL,
		.lease = arguments->read_only || arguments->no_input
				 ? NULL
				 : verb_lease_token(call, arguments->lease),
		.lines = login_lines(call->login, call->guest)};
	struct console *console;

	o.from = pty && o.lines ? ATTACH_FROM_SCREEN : ATTACH_FROM_NOW;
	set_start(arguments, &o);
	if (arguments->power && power_parse(arguments->power, &o.power) < 0) {
		channel_exit(call->channel, STATUS_USAGE,
			"attach: invalid value %s of --power; see: help attach", arguments->power);
		return;
	}
	if (o.size && !pty) {
		channel_exit(call->channel, STATUS_USAGE,
			"attach: --size is a terminal's, and there is none; see: help attach");
		return;
	}
	if (check_history_right(call, &o) < 0)
		return;
	if (o.force && verb_allowed(call, RIGHT_FORCE) < 0)
		return;
	if (o.has_power && verb_allowed(call, RIGHT_POWER) < 0)
		return;
	if (verb_console(call, &console) == 0 && check_offset(call, console, &o) == 0)
		attach_begin(call->channel, console, &o);
}

#define FIELD(name) offsetof(struct attach_arguments, name)

static const struct verb_option attach_options[] = {
	{"read-only", OPTION_FLAG, FIELD(read_only), .help = "watch: nothing is typed"},
	VERB_OPTION_FORCE(FIELD(force)),
	{"from", OPTION_POSITION, FIELD(from), "OFFSET|start|-BYTES",
		.help = "begin with history from there", .group = 1},
	{"lines", OPTION_NUMBER, FIELD(lines), "N", .help = "begin with the last lines",
		.most = JOURNAL_FIND_LINES_MAX, .group = 1},
	VERB_OPTION_DEVICE,
	{"wait", OPTION_DURATION, FIELD(wait), "S",
		.help = "wait for a VM that is off, so long at most", .may_lack = true, .group = 2},
	{"no-wait", OPTION_FLAG, FIELD(no_wait), .help = "end when the VM is off", .group = 2},
	{"no-input", OPTION_FLAG, FIELD(no_input), .help = "leave standard input alone"},
	{"size", OPTION_FLAG, FIELD(size),
		.help = "type the terminal's size first: for a shell's prompt"},
	VERB_OPTION_LEASE(FIELD(lease)),
	{"power", OPTION_TEXT, FIELD(power), "ORDER",
		.help = "switch the VM first: see help power"},
};

const struct verb verb_attach = {.name = "attach",
	.example = "--lines 100",
	.scope = VERB_GUEST,
	.right = RIGHT_VIEW,
	.usage = "attach [--read-only] [--force] [--from OFFSET|start|-BYTES] [--lines N] "
		 "[--device D] [--wait[=S]] [--no-wait] [--no-input] [--size] "
		 "[--lease TOKEN] [--power ORDER]",
	.summary = "the console",
	VERB_OPTIONS(attach_options, struct attach_arguments),
	.run = run};
