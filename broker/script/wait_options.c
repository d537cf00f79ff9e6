/* Task: see wait_options.h. Pure but for the journal that an offset is held against. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/script/wait_options.h"
#include "broker/verb/text_value.h"
#include "config/config.h"
#include "config/rights.h"
#include "config/values.h"
#include "console/guest/console.h"

#define SCREENFUL_MAX ((size_t)256 << 10) /* bytes of a screenful, whatever is in them */
#define SCREENFUL_LINES 200

static int invalid(struct verb_call *call, const char *option, const char *value)
{
	channel_exit(call->channel, STATUS_USAGE, "%s: invalid value %s of --%s; see: help %s",
		call->verb->name, value, option, call->verb->name);
	return -EINVAL;
}

int wait_options_time(struct verb_call *call, const char *option, const char *value, uint64_t least,
	uint64_t *out)
{
	uint64_t time;

	if (!value)
		return 0;
	if (value_duration(value, &time) < 0 || time < least || time > WAIT_TIMEOUT_MAX_US)
		return invalid(call, option, value);
	*out = time;
	return 0;
}

int wait_options_console(struct verb_call *call, const char *device, struct console **console)
{
	return verb_console(call, device ? device : call->device, console);
}

uint64_t wait_options_idle(const struct verb_call *call)
{
	uint64_t limit = login_context(call->login)->config->ssh.idle_timeout;

	return limit ? limit : WATCH_NEVER;
}

/* --- from where --- */

/* Whether what was printed since offset is no more than a screenful. */
static bool is_on_screen(const struct journal *j, uint64_t offset)
{
	const uint8_t *data, *end, *newline;
	unsigned lines = 0;
	size_t len;

	if (journal_next(j) - offset > SCREENFUL_MAX || journal_view(j, offset, &data, &len) < 0)
		return false;
	for (end = data + len; data < end; data = newline + 1) {
		newline = memchr(data, '\n', (size_t)(end - data));
		if (!newline)
			break;
		if (++lines > SCREENFUL_LINES)
			return false;
	}
	return true;
}

static int check_offset(struct verb_call *call, const struct journal *j, uint64_t offset)
{
	if (offset > journal_next(j)) {
		channel_exit(call->channel, STATUS_NOT_FOUND,
			"offset %" PRIu64 " is not reached yet: the next one is %" PRIu64, offset,
			journal_next(j));
		return -ERANGE;
	}
	if (offset < journal_first(j)) {
		channel_exit(call->channel, STATUS_NOT_FOUND,
			"bytes %" PRIu64 "-%" PRIu64 " no longer kept", offset,
			journal_first(j) - 1);
		return -ENOENT;
	}
	/* A screenful is what the right to view is good for. */
	if (is_on_screen(j, offset))
		return 0;
	if (verb_allowed(call, RIGHT_LOG) < 0)
		return -EACCES;
	channel_need(call->channel, call->guest, call->verb->right | RIGHT_LOG);
	return 0;
}

static int read_from(
	struct verb_call *call, const struct journal *j, const char *from, uint64_t *out)
{
	uint64_t first = journal_first(j), next = journal_next(j), value;

	*out = next;
	if (!from)
		return 0;
	if (strcmp(from, "start") == 0) {
		*out = first;
		return check_offset(call, j, *out);
	}
	if (text_number(from + (*from == '-'), &value) < 0)
		return invalid(call, "from", from);
	*out = value;
	if (*from == '-')
		*out = next - first > value ? next - value : first;
	return check_offset(call, j, *out);
}

/* --- all of them --- */

struct texts {
	const char *timeout, *from, *quiet, *device;
};

static int read_words(struct verb_call *call, struct wait_options *o, struct texts *t)
{
	int given[4] = {0}, raw = 0, multi = 0, ignore_panic = 0;
	const struct verb_option options[] = {
		{"timeout", OPTION_VALUE, &given[0], &t->timeout},
		{"from", OPTION_VALUE, &given[1], &t->from},
		{"quiet", OPTION_VALUE, &given[2], &t->quiet},
		{"device", OPTION_VALUE, &given[3], &t->device},
		{"raw", OPTION_FLAG, &raw, NULL},
		{"multi", OPTION_FLAG, &multi, NULL},
		{"ignore-panic", OPTION_FLAG, &ignore_panic, NULL},
		{"json", OPTION_FLAG, &o->json, NULL},
	};

	if (verb_options(call, options, sizeof(options) / sizeof(options[0])) < 0)
		return -EINVAL;
	o->watch.raw = raw;
	o->watch.multi = multi;
	o->watch.ignore_panic = ignore_panic;
	return 0;
}

int wait_options_read(struct verb_call *call, struct wait_options *o)
{
	struct texts t = {0};

	o->watch.quiet_us = o->watch.timeout_us = WATCH_NEVER;
	o->watch.idle_us = wait_options_idle(call);
	if (read_words(call, o, &t) < 0 ||
		wait_options_time(call, "timeout", t.timeout, 0, &o->watch.timeout_us) < 0 ||
		wait_options_time(call, "quiet", t.quiet, WAIT_QUIET_MIN_US, &o->watch.quiet_us) <
			0)
		return -EINVAL;
	if (call->argc == 0 && !t.quiet) {
		channel_exit(call->channel, STATUS_USAGE, "wait: what for? usage: %s",
			call->verb->usage);
		return -EINVAL;
	}
	o->watch.patterns = call->argv;
	o->watch.count = (size_t)call->argc;
	if (wait_options_console(call, t.device, &o->console) < 0)
		return -ENODEV;
	return read_from(call, console_journal(o->console), t.from, &o->watch.from);
}
