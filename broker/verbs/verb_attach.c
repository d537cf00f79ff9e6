/* Task: the verbs that begin a console session: attach, connect. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/session/attach.h"
#include "broker/login/login.h"
#include "broker/verb/text_value.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "config/values.h"
#include "console/guest/console.h"

static int parse_from(const char *text, struct attach_options *o)
{
	if (strcmp(text, "start") == 0) {
		o->from = ATTACH_FROM_START;
		return 0;
	}
	if (*text == '-') {
		o->from = ATTACH_FROM_BACK;
		return text_number(text + 1, &o->from_value);
	}
	o->from = ATTACH_FROM_OFFSET;
	return text_number(text, &o->from_value);
}

static int parse_lines(const char *text, struct attach_options *o)
{
	o->from = ATTACH_FROM_LINES;
	if (text_number(text, &o->from_value) < 0 || o->from_value > JOURNAL_FIND_LINES_MAX)
		return -EINVAL;
	return 0;
}

static int bad_value(struct verb_call *call, const char *option, const char *value)
{
	channel_exit(call->channel, STATUS_USAGE, "%s: invalid value %s of --%s; see: help %s",
		call->verb->name, value, option, call->verb->name);
	return -EINVAL;
}

struct texts {
	const char *from, *lines, *device, *wait, *power;
	int no_wait;
};

static int read_options(struct verb_call *call, struct attach_options *o, struct texts *t)
{
	int from = 0, lines = 0, device = 0;
	const struct verb_option options[] = {
		{"read-only", OPTION_FLAG, &o->read_only, NULL},
		{"force", OPTION_FLAG, &o->force, NULL},
		{"from", OPTION_VALUE, &from, &t->from},
		{"lines", OPTION_VALUE, &lines, &t->lines},
		{"device", OPTION_VALUE, &device, &t->device},
		{"wait", OPTION_MAYBE, &o->wait_asked, &t->wait},
		{"power", OPTION_VALUE, &o->has_power, &t->power},
		{"no-wait", OPTION_FLAG, &t->no_wait, NULL},
		{"no-input", OPTION_FLAG, &o->no_input, NULL},
	};

	if (verb_options(call, options, sizeof(options) / sizeof(options[0])) < 0 ||
		verb_no_more(call, 0) < 0)
		return -EINVAL;
	if (from && lines) {
		channel_exit(call->channel, STATUS_USAGE,
			"attach: --from and --lines cannot go together; see: help attach");
		return -EINVAL;
	}
	if (t->from && parse_from(t->from, o) < 0)
		return bad_value(call, "from", t->from);
	if (t->lines && parse_lines(t->lines, o) < 0)
		return bad_value(call, "lines", t->lines);
	if (t->wait && value_duration(t->wait, &o->wait_us) < 0)
		return bad_value(call, "wait", t->wait);
	if (t->power && power_parse(t->power, &o->power) < 0)
		return bad_value(call, "power", t->power);
	if (t->no_wait && o->wait_asked) {
		channel_exit(call->channel, STATUS_USAGE,
			"attach: --wait and --no-wait cannot go together; see: help attach");
		return -EINVAL;
	}
	if (t->no_wait)
		o->wait = 0;
	else if (o->wait_asked)
		o->wait = 1;
	return 0;
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

static void begin(struct verb_call *call, const struct attach_options *o, const char *device)
{
	struct console *console;

	if (verb_console(call, device, &console) == 0 && check_offset(call, console, o) == 0)
		attach_begin(call->channel, console, o);
}

void verb_attach(struct verb_call *call)
{
	int pty = channel_has_pty(call->channel);
	struct attach_options o = {.wait = pty, .lines = login_lines(call->login, call->guest)};
	struct texts t = {0};

	o.from = pty && o.lines ? ATTACH_FROM_SCREEN : ATTACH_FROM_NOW;
	if (read_options(call, &o, &t) < 0)
		return;
	if (check_history_right(call, &o) < 0)
		return;
	if (o.force && verb_allowed(call, RIGHT_FORCE) < 0)
		return;
	if (o.has_power && verb_allowed(call, RIGHT_POWER) < 0)
		return;
	begin(call, &o, t.device ? t.device : call->device);
}

void verb_connect(struct verb_call *call)
{
	const char *id = NULL, *name = NULL;
	int id_given = 0, name_given = 0;
	const struct verb_option options[] = {
		{"vm-id", OPTION_VALUE, &id_given, &id},
		{"vm-name", OPTION_VALUE, &name_given, &name},
	};
	char *vm;

	if (verb_options(call, options, 2) < 0 || verb_no_more(call, 0) < 0)
		return;
	if (id_given == name_given) {
		channel_exit(call->channel, STATUS_USAGE, "connect: usage: %s", call->verb->usage);
		return;
	}
	vm = strdup(id ? id : name);
	if (!vm) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	call->argc = 0;
	call->verb = verb_find(call->table, "attach");
	if (verb_resolve(call, vm) == 0 && verb_begin(call) == 0)
		verb_attach(call);
	free(vm);
}
