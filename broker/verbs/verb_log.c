/* Task: the verb log: its options; broker/log/ does the rest. */
#include "broker/log/log_session.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/journal/journal.h"

struct log_arguments {
	struct option_position from;
	struct option_number lines, since, boot;
	bool follow, timestamps, screen;
};

static void start_at(const struct option_position *from, struct log_options *o)
{
	o->value = from->value;
	switch (from->kind) {
	case POSITION_NONE:
		break;
	case POSITION_START:
		o->start = LOG_ALL;
		break;
	case POSITION_OFFSET:
		o->start = LOG_FROM;
		break;
	case POSITION_BACK:
		o->start = LOG_BACK;
		break;
	}
}

static void start_by(
	const struct option_number *number, enum log_start start, struct log_options *o)
{
	if (!number->given)
		return;
	o->start = start;
	o->value = number->value;
}

static void run(struct verb_call *call, const void *options)
{
	const struct log_arguments *arguments = options;
	struct log_options o = {.follow = arguments->follow,
		.timestamps = arguments->timestamps,
		.screen = arguments->screen};
	struct console *console;

	start_at(&arguments->from, &o);
	start_by(&arguments->lines, LOG_LINES, &o);
	start_by(&arguments->since, LOG_SINCE, &o);
	start_by(&arguments->boot, LOG_BOOT, &o);
	if (verb_kept_console(call, call->device, &console) == 0)
		log_session_begin(call->channel, console, &o);
}

#define FIELD(name) offsetof(struct log_arguments, name)

static const struct verb_option log_options[] = {
	{"follow", OPTION_FLAG, FIELD(follow), .help = "go on with what is printed from now on"},
	{"from", OPTION_POSITION, FIELD(from), "OFFSET|start|-BYTES", .help = "begin there",
		.group = 1},
	{"lines", OPTION_NUMBER, FIELD(lines), "N", .help = "the last lines",
		.most = JOURNAL_FIND_LINES_MAX, .group = 1},
	{"since", OPTION_TIME, FIELD(since), "TIME", .help = "what was printed since then",
		.group = 1},
	{"boot", OPTION_BOOT, FIELD(boot), "N",
		.help = "since the guest's boot before so many others", .group = 1},
	{"timestamps", OPTION_FLAG, FIELD(timestamps), .help = "put a time before each line"},
	{"screen", OPTION_FLAG, FIELD(screen), .help = "on a terminal, draw it as it was"},
	VERB_OPTION_DEVICE,
};

const struct verb verb_log = {.name = "log",
	.example = "--since 10m",
	.scope = VERB_GUEST,
	.right = RIGHT_LOG,
	.usage =
		"log [--follow] [--from OFFSET|start|-BYTES | --lines N | --since TIME | --boot N] "
		"[--timestamps] [--screen] [--device D]",
	.summary = "history, to its end; with ssh -t it comes as lines to read",
	VERB_OPTIONS(log_options, struct log_arguments),
	.run = run};
