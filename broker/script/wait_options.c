/* Task: see wait_options.h. Pure but for the journal that an offset is held against. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/script/wait_options.h"
#include "config/config.h"
#include "config/rights.h"
#include "console/guest/console.h"

#define SCREENFUL_MAX ((size_t)256 << 10) /* bytes of a screenful, whatever is in them */
#define SCREENFUL_LINES 200

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

static int read_from(struct verb_call *call, const struct journal *j,
	const struct option_position *from, uint64_t *out)
{
	uint64_t first = journal_first(j), next = journal_next(j);

	*out = next;
	switch (from->kind) {
	case POSITION_NONE:
		return 0;
	case POSITION_START:
		*out = first;
		break;
	case POSITION_OFFSET:
		*out = from->value;
		break;
	case POSITION_BACK:
		*out = next - first > from->value ? next - from->value : first;
		break;
	}
	return check_offset(call, j, *out);
}

/* --- all of them --- */

int wait_options_read(
	struct verb_call *call, const struct wait_arguments *arguments, struct wait_options *o)
{
	o->watch = (struct watch_options){.patterns = call->argv,
		.count = (size_t)call->argc,
		.raw = arguments->raw,
		.multi = arguments->multi,
		.ignore_panic = arguments->ignore_panic,
		.quiet_us = arguments->quiet.value,
		.timeout_us = arguments->timeout.value,
		.idle_us = wait_options_idle(call)};
	if (call->argc == 0 && !arguments->quiet.given) {
		channel_exit(call->channel, STATUS_USAGE, "wait: what for? usage: %s",
			call->verb->usage);
		return -EINVAL;
	}
	if (verb_console(call, &o->console) < 0)
		return -ENODEV;
	return read_from(call, console_journal(o->console), &arguments->from, &o->watch.from);
}
