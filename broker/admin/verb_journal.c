/*
 * Task: the verb journal: what is kept, whether it is whole, the bytes, the marks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/admin/admin.h"
#include "broker/admin/journal_look.h"
#include "broker/login/login.h"
#include "broker/verb/text_value.h"
#include "broker/verb/verb.h"
#include "broker/verb/verb_steps.h"
#include "config/config.h"
#include "console/guest/console.h"

/* --- step by step --- */

static int step(void *source, struct verb_piece *piece)
{
	return journal_look_step(source, piece);
}

static void finish(void *source, struct channel *channel, int result)
{
	unsigned problems = journal_look_problems(source);

	if (result == -ENOENT)
		channel_exit(channel, STATUS_NOT_FOUND, "journal: nothing is kept");
	else if (result < 0)
		channel_exit(channel, STATUS_INTERNAL, "journal: %s", strerror(-result));
	else if (problems)
		channel_exit(channel, STATUS_INTERNAL, "journal: %u problems found", problems);
	else
		channel_exit(channel, STATUS_OK, NULL);
}

static void destroy(void *source)
{
	journal_look_destroy(source);
}

static const struct verb_steps_ops steps_ops = {step, finish, destroy};

/* --- the call --- */

static void begin(struct verb_call *call, struct journal_look_options *options)
{
	struct journal_look *look;
	char folder[4096];
	int r;

	snprintf(folder, sizeof(folder), "%s/journal",
		login_context(call->login)->config->daemon.state_dir);
	options->folder = folder;
	r = journal_look_create(options, &look);
	options->folder = NULL; /* it is ours */
	if (r < 0)
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
	else
		verb_steps_begin(call, &steps_ops, look);
}

static int find_task(struct verb_call *call, enum journal_look_task *task)
{
	static const char *const words[] = {[JOURNAL_LOOK_INFO] = "info",
		[JOURNAL_LOOK_VERIFY] = "verify",
		[JOURNAL_LOOK_EXPORT] = "export",
		[JOURNAL_LOOK_MARKS] = "marks"};
	size_t i;

	for (i = 0; call->argc > 0 && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(call->argv[0], words[i]) == 0) {
			*task = (enum journal_look_task)i;
			return 0;
		}
	}
	channel_exit(call->channel, STATUS_USAGE, "journal: usage: %s", call->verb->usage);
	return -EINVAL;
}

/* Which guest and console: argv[1], and an option or what stands behind the guest's name. */
static int find_console(
	struct verb_call *call, const char *device, struct journal_look_options *options)
{
	struct console *console;

	if (call->argc < 2) {
		if (options->task != JOURNAL_LOOK_EXPORT && !device)
			return 0;
		channel_exit(call->channel, STATUS_USAGE, "journal: which VM? usage: %s",
			call->verb->usage);
		return -EINVAL;
	}
	if (verb_resolve(call, call->argv[1]) < 0)
		return -ENOENT;
	options->uuid = guest_uuid_text(call->guest);
	if (!device)
		device = call->device;
	if (!device && options->task != JOURNAL_LOOK_EXPORT)
		return 0;
	if (guest_console(call->guest, device, &console) < 0) {
		verb_no_device(call, device);
		return -ENODEV;
	}
	options->slot = console_slot(console);
	return 0;
}

static int read_offset(struct verb_call *call, const char *option, const char *text, uint64_t *out)
{
	if (!text || text_number(text, out) == 0)
		return 0;
	channel_exit(call->channel, STATUS_USAGE,
		"journal: invalid value %s of --%s; see: help journal", text, option);
	return -EINVAL;
}

void verb_journal(struct verb_call *call)
{
	struct journal_look_options o = {.from = 0, .to = UINT64_MAX};
	const char *device = NULL, *from = NULL, *to = NULL;
	int given[3] = {0};
	const struct verb_option options[] = {
		{"device", OPTION_VALUE, &given[0], &device},
		{"from", OPTION_VALUE, &given[1], &from},
		{"to", OPTION_VALUE, &given[2], &to},
	};

	if (verb_options(call, options, 3) < 0 || verb_no_more(call, 2) < 0 ||
		find_task(call, &o.task) < 0)
		return;
	if ((from || to) && o.task != JOURNAL_LOOK_EXPORT) {
		channel_exit(call->channel, STATUS_USAGE,
			"journal: --from and --to belong to export; see: help journal");
		return;
	}
	if (o.task == JOURNAL_LOOK_EXPORT && channel_is_shown(call->channel)) {
		channel_exit(call->channel, STATUS_USAGE,
			"journal: export writes bytes as they are, and standard output is a "
			"terminal; see: help log");
		return;
	}
	if (read_offset(call, "from", from, &o.from) < 0 ||
		read_offset(call, "to", to, &o.to) < 0 || find_console(call, device, &o) < 0)
		return;
	begin(call, &o);
}
