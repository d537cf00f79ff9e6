/*
 * Task: the table of verbs and the way to a row of it. Knows no verb's inside.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/admin/admin.h"
#include "broker/crash/crash.h"
#include "broker/login/login.h"
#include "broker/metrics/metrics.h"
#include "broker/script/script.h"
#include "broker/verb/verb.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "core/log.h"

static const struct verb *const rows[] = {&verb_attach, &verb_log, &verb_screen, &verb_wait,
	&verb_send, &verb_run, &verb_lease, &verb_list, &verb_status, &verb_who, &verb_kick,
	&verb_break, &verb_sysrq, &verb_nmi, &verb_dump, &verb_power, &verb_dumps, &verb_dmesg,
	&verb_connect, &verb_info, &verb_explain, &verb_doctor, &verb_ticket, &verb_audit,
	&verb_journal, &verb_sources, &verb_top, &verb_hostkeys, &verb_metrics, &verb_reload,
	&verb_forward, &verb_deposit, &verb_help};

const struct verb_table verbs_table = {rows, sizeof(rows) / sizeof(rows[0])};

/* --- forced commands --- */

#define WATCHING (RIGHT_VIEW | RIGHT_LOG | RIGHT_DUMP_GET | RIGHT_ADMIN | RIGHT_METRICS)

/* Which option it is an option of, or what it is the value of, does not matter: better one right
 * less than one too many. */
static bool is_for_watching(const char *word)
{
	return strcmp(word, "--read-only") == 0 || strcmp(word, "--no-input") == 0;
}

int verb_ceiling(const struct tokens *command, unsigned *denied)
{
	size_t i;

	if (command->count == 0 || !verb_find(&verbs_table, command->list[0]))
		return -EINVAL;
	for (i = 1; i < command->count; i++) {
		if (is_for_watching(command->list[i]))
			*denied |= RIGHT_ALL & ~(unsigned)WATCHING;
	}
	return 0;
}

/* --- dispatch --- */

static void run(struct verb_call *call)
{
	if (call->verb->caller == VERB_FOR_LOCAL && !login_is_local(call->login)) {
		channel_exit(call->channel, STATUS_DENIED, "%s is for vmconsolectl on the host",
			call->verb->name);
		return;
	}
	if (verb_find_guest(call) == 0)
		verb_run_call(call);
}

static void refuse_unknown(struct channel *channel, const char *word)
{
	audit_trail_unknown(channel_trail(channel));
	channel_exit(channel, STATUS_USAGE, "unknown verb %s; try: help", word);
}

static void dispatch_words(struct channel *channel, struct tokens *words)
{
	struct verb_call call = {.channel = channel,
		.login = channel_login(channel),
		.table = &verbs_table,
		.verb = verb_find_for(&verbs_table, channel_login(channel), words->list[0]),
		.argc = (int)words->count - 1,
		.argv = words->list + 1};

	if (call.verb && call.verb->is_polled)
		channel_set_polled(channel);
	log_write(channel_log_level(channel), channel_tag(channel), "%s asks %s",
		login_who(call.login), words->list[0]);
	audit_trail_verb(channel_trail(channel), words->list[0]);
	if (call.verb)
		run(&call);
	else
		refuse_unknown(channel, words->list[0]);
}

static void dispatch_shell(struct channel *channel)
{
	struct login *login = channel_login(channel);
	struct verb_call call = {
		.channel = channel, .login = login, .table = &verbs_table, .verb = &verb_attach};

	audit_trail_verb(channel_trail(channel), login_is_host(login) ? "menu" : "attach");
	if (channel_follows_files(channel) && !channel_has_pty(channel))
		channel_exit(channel, STATUS_DENIED,
			"a shell without a terminal after a refused sftp is a file client's: "
			"nothing was typed");
	else if (!login_is_host(login))
		run(&call);
	else if (channel_has_pty(channel))
		menu_begin(channel, &verbs_table);
	else
		channel_exit(channel, STATUS_USAGE,
			"the menu needs a terminal; without one give a verb, such as: list");
}

void verbs_dispatch(struct channel *channel, const char *command, size_t len)
{
	const struct identity *identity = login_identity(channel_login(channel));
	struct tokens words = {0};
	int r;

	/* A login that is held to one command gets that one, whatever it asks. */
	if (identity->command) {
		command = identity->command;
		len = strlen(command);
	}
	r = command ? tokenize(command, len, &words) : 0;

	if (r < 0)
		channel_exit(channel, r == -ENOMEM ? STATUS_INTERNAL : STATUS_USAGE,
			"cannot read the command: %s; try: help",
			r == -EINVAL   ? "a quote is not closed"
			: r == -E2BIG  ? "too many words"
			: r == -EILSEQ ? "it holds a NUL byte"
				       : strerror(-r));
	else if (words.count == 0)
		dispatch_shell(channel);
	else
		dispatch_words(channel, &words);
	tokens_finish(&words);
	/* Whatever went wrong: nobody waits for an answer that will not come. */
	if (!channel_is_exiting(channel) && !channel_has_handler(channel))
		channel_exit(channel, STATUS_INTERNAL, "the verb could not begin");
}
