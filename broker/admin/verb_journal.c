/*
 * Task: the verb journal: what is kept, whether it is whole, the bytes, the marks.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "broker/admin/admin.h"
#include "broker/admin/journal_inspect.h"
#include "broker/login/login.h"
#include "broker/verb/verb_steps.h"
#include "config/config.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "core/file/error_text.h"

/* --- step by step --- */

static int step(void *source, struct verb_piece *piece)
{
	return journal_inspect_step(source, piece);
}

static void finish(void *source, struct channel *channel, int result)
{
	unsigned problems = journal_inspect_problems(source);
	char room[ERROR_TEXT_ROOM];

	if (result == -ENOENT)
		channel_exit(channel, STATUS_NOT_FOUND, "journal: nothing is kept");
	else if (result < 0)
		channel_exit(channel, STATUS_INTERNAL, "the history cannot be read: %s",
			error_text_shortage(-result, room));
	else if (problems)
		channel_exit(channel, STATUS_INTERNAL, "journal: %u problems found", problems);
	else
		channel_exit(channel, STATUS_OK, NULL);
}

static void destroy(void *source)
{
	journal_inspect_destroy(source);
}

static const struct verb_steps_ops steps_ops = {step, finish, destroy};

/* --- the call --- */

static void begin(struct verb_call *call, struct journal_inspect_options *options)
{
	struct journal_inspect *look;
	char folder[4096];
	int r;

	snprintf(folder, sizeof(folder), "%s/journal",
		login_context(call->login)->config->daemon.state_dir);
	options->folder = folder;
	r = journal_inspect_create(options, &look);
	options->folder = NULL; /* it is ours */
	if (r < 0)
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
	else
		verb_steps_begin(call, &steps_ops, look);
}

static int find_task(struct verb_call *call, enum journal_inspect_task *task)
{
	static const char *const words[] = {[JOURNAL_INSPECT_INFO] = "info",
		[JOURNAL_INSPECT_VERIFY] = "verify",
		[JOURNAL_INSPECT_EXPORT] = "export",
		[JOURNAL_INSPECT_MARKS] = "marks"};
	size_t i;

	for (i = 0; call->argc > 0 && i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(call->argv[0], words[i]) == 0) {
			*task = (enum journal_inspect_task)i;
			return 0;
		}
	}
	channel_exit(call->channel, STATUS_USAGE, "journal: usage: %s", call->verb->usage);
	return -EINVAL;
}

/* Which guest and console: argv[1], and an option or what stands behind the guest's name. */
static int find_console(struct verb_call *call, struct journal_inspect_options *options)
{
	const char *device = call->device;
	struct console *console;

	if (call->argc < 2) {
		if (options->task != JOURNAL_INSPECT_EXPORT && !device)
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
	if (!device && options->task != JOURNAL_INSPECT_EXPORT)
		return 0;
	if (verb_kept_console(call, device, &console) < 0)
		return -ENODEV;
	options->slot = console_slot(console);
	return 0;
}

struct journal_arguments {
	struct option_number from, to;
};

static void run(struct verb_call *call, const void *options)
{
	const struct journal_arguments *arguments = options;
	struct journal_inspect_options o = {
		.from = arguments->from.value, .to = arguments->to.value, .json = call->json};

	if (find_task(call, &o.task) < 0)
		return;
	if ((arguments->from.given || arguments->to.given) && o.task != JOURNAL_INSPECT_EXPORT)
		channel_exit(call->channel, STATUS_USAGE,
			"journal: --from and --to belong to export; see: help journal");
	else if (o.task == JOURNAL_INSPECT_EXPORT && call->json)
		channel_exit(call->channel, STATUS_USAGE,
			"journal: export writes bytes as they are, not JSON; see: help journal");
	else if (o.task == JOURNAL_INSPECT_EXPORT && channel_is_shown(call->channel))
		channel_exit(call->channel, STATUS_USAGE,
			"journal: export writes bytes as they are, and standard output is a "
			"terminal; see: help log");
	else if (find_console(call, &o) == 0)
		begin(call, &o);
}

static const struct verb_option journal_options[] = {
	{"from", OPTION_NUMBER, offsetof(struct journal_arguments, from), "OFFSET",
		.help = "export: the first byte"},
	{"to", OPTION_NUMBER, offsetof(struct journal_arguments, to), "OFFSET",
		.help = "export: the byte behind the last one", .unless = UINT64_MAX},
	VERB_OPTION_DEVICE,
	VERB_OPTION_JSON,
};

const struct verb verb_journal = {.name = "journal",
	.example = "marks web-1",
	.scope = VERB_HOST,
	.right = RIGHT_ADMIN,
	.caller = VERB_FOR_LOCAL,
	.usage = "journal info|verify|marks [VM] [--json] | journal export VM [--from OFFSET] "
		 "[--to OFFSET]; "
		 "[--device D]",
	.summary = "the files of history",
	VERB_OPTIONS(journal_options, struct journal_arguments),
	.arguments = 2,
	.run = run};
