/*
 * Task: the verb audit: records out of the audit's files.
 */
#include <unistd.h>

#include "broker/admin/admin.h"
#include "broker/audit/audit.h"
#include "broker/audit/audit_search.h"
#include "broker/login/login.h"
#include "broker/verb/verb_steps.h"
#include "config/rights.h"
#include "core/file/error_text.h"

static int step(void *source, struct verb_piece *piece)
{
	return audit_search_step(source, &piece->out, &piece->out_len);
}

static void finish(void *source, struct channel *channel, int result)
{
	char room[ERROR_TEXT_ROOM];

	if (result < 0)
		channel_exit(channel, STATUS_INTERNAL, "the audit cannot be read: %s",
			error_text_shortage(-result, room));
	else
		channel_exit(channel, STATUS_OK, NULL);
}

static void destroy(void *source)
{
	audit_search_destroy(source);
}

static const struct verb_steps_ops steps_ops = {step, finish, destroy};

struct audit_arguments {
	const char *user, *vm;
	struct option_number since, until;
};

static void run(struct verb_call *call, const void *options)
{
	const struct audit_arguments *arguments = options;
	const struct audit *audit = login_context(call->login)->audit;
	const struct audit_filter filter = {.user = arguments->user,
		.vm = arguments->vm,
		.since = (int64_t)(arguments->since.value / 1000),
		.until = (int64_t)(arguments->until.value / 1000)};
	struct audit_search *search;
	char room[ERROR_TEXT_ROOM];
	int r = audit_search_create(audit_path(audit), audit_keep(audit), &filter, &search);

	if (r < 0)
		channel_exit(call->channel, STATUS_UNAVAILABLE, "audit: %s: %s", audit_path(audit),
			error_text(audit_path(audit), -r, R_OK, room));
	else
		verb_steps_begin(call, &steps_ops, search);
}

#define FIELD(name) offsetof(struct audit_arguments, name)
#define TIME_CURE "write 2026-11-22, 2026-11-22T13:00:00Z, or 2h for two hours ago"

static const struct verb_option audit_options[] = {
	{"user", OPTION_TEXT, FIELD(user), "U",
		.help = "who: a pattern on the identity or the fingerprint"},
	{"vm", OPTION_TEXT, FIELD(vm), "V", .help = "which VM: its UUID, or a pattern on its name"},
	{"since", OPTION_TIME, FIELD(since), "T", .help = "nothing before that", .cure = TIME_CURE},
	{"until", OPTION_TIME, FIELD(until), "T", .help = "nothing after that", .cure = TIME_CURE},
};

const struct verb verb_audit = {.name = "audit",
	.example = "--since 2h",
	.scope = VERB_HOST,
	.right = RIGHT_ADMIN,
	.caller = VERB_FOR_LOCAL,
	.usage = "audit [--user U] [--vm V] [--since T] [--until T]",
	.summary = "who did what",
	VERB_OPTIONS(audit_options, struct audit_arguments),
	.run = run};
