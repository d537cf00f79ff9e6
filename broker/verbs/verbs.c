/*
 * Task: the table of verbs and the way to a row of it. Knows no verb's inside.
 */
#include <errno.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/admin/admin.h"
#include "broker/login/login.h"
#include "broker/script/script.h"
#include "broker/verb/verb.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "core/log.h"

static const struct verb rows[] = {
	{"attach", VERB_GUEST, RIGHT_VIEW,
		"attach [--read-only] [--force] [--from OFFSET|start|-BYTES] [--lines N] "
		"[--device D] [--wait[=S]] [--no-wait] [--no-input] [--power ORDER]",
		"the console", verb_attach, 0},
	{"log", VERB_GUEST, RIGHT_LOG,
		"log [--follow] [--from OFFSET|start|-BYTES | --lines N | --since TIME | --boot N] "
		"[--timestamps] [--device D]",
		"history, to its end; to read it, ssh -t leaves out what makes a terminal answer",
		verb_log, 0},
	{"wait", VERB_GUEST, RIGHT_VIEW,
		"wait PATTERN... [--timeout S] [--from OFFSET|start|-BYTES] [--quiet S] [--raw] "
		"[--multi] [--ignore-panic] [--json] [--device D]",
		"wait until the console prints something, or nothing more", verb_wait, 0},
	{"send", VERB_GUEST, RIGHT_TYPE,
		"send [--enter] [--escape] [--pace N] [--force] [--wait PATTERN] [--timeout S] "
		"[--json] [--device D] [TEXT...]",
		"type TEXT, or standard input, and perhaps wait for the answer", verb_send, 0},
	{"run", VERB_GUEST, RIGHT_TYPE, "run [--timeout S] [--force] [--device D] COMMAND...",
		"a command at the guest's shell prompt: its output and its exit status", verb_run,
		0},
	{"list", VERB_HOST, 0, "list [--json]", "the VMs you may see", verb_list, 0},
	{"status", VERB_EITHER, 0, "status [--json]", "state, console, offset, size of history",
		verb_status, 0},
	{"who", VERB_EITHER, 0, "who [--json]", "the sessions on a VM, or on the host", verb_who,
		0},
	{"kick", VERB_HOST, 0, "kick SESSION", "end a session; who lists them", verb_kick, 0},
	{"break", VERB_GUEST, RIGHT_CONTROL, "break [--device D]", "send a line break", verb_break,
		0},
	{"sysrq", VERB_GUEST, RIGHT_CONTROL, "sysrq [--device D] KEY",
		"send a line break, then a key: Linux's sysrq", verb_sysrq, 0},
	{"nmi", VERB_GUEST, RIGHT_CONTROL, "nmi", "send a non-maskable interrupt", verb_nmi, 0},
	{"dump", VERB_GUEST, RIGHT_DUMP_MAKE,
		"dump [--format elf|kdump-zlib|kdump-lzo|kdump-snappy|win-dmp] "
		"[--live | --crash | --reset] | dump --cancel",
		"make a dump of the VM's memory; dumps lists it, sftp and scp fetch it", verb_dump,
		0},
	{"power", VERB_GUEST, RIGHT_POWER,
		"power on|off|reset|shutdown|start-paused|resume [--wait[=S]] [--json] "
		"[--device D]",
		"switch a VM on or off; prints the offset of its output before that", verb_power,
		0},
	{"dumps", VERB_EITHER, 0, "dumps [--json]",
		"the crash dumps of a VM, or of all; sftp and scp fetch them", verb_dumps, 0},
	{"connect", VERB_HOST, 0, "connect --vm-id=ID | --vm-name=NAME",
		"attach, with ovirt-vmconsole's options", verb_connect, 0},
	{"explain", VERB_HOST, RIGHT_ADMIN, "explain USER VM",
		"which [access] section allows USER what on VM", verb_explain, 1},
	{"ticket", VERB_GUEST, RIGHT_ADMIN, "ticket [--ttl 120s] [--uses 1]",
		"make a password for the console of a VM", verb_ticket, 0},
	{"audit", VERB_HOST, RIGHT_ADMIN, "audit [--user U] [--vm V] [--since T] [--until T]",
		"who did what", verb_audit, 1},
	{"journal", VERB_HOST, RIGHT_ADMIN,
		"journal info|verify|marks [VM] | journal export VM [--from OFFSET] [--to OFFSET]; "
		"[--device D]",
		"the files of history", verb_journal, 1},
	{"sources", VERB_HOST, RIGHT_ADMIN, "sources [--json | --clear ADDRESS]",
		"who is connected, slowed or refused, by address; lift that", verb_sources, 1},
	{"reload", VERB_HOST, RIGHT_ADMIN, "reload", "read the configuration again", verb_reload,
		1},
	{"forward", VERB_HOST, RIGHT_FORWARD, "forward METHOD PATH",
		"a connection to the upstream of [https]", verb_forward, VERB_FOR_HTTPS},
	{"help", VERB_HOST, 0, "help [VERB]", "this list, or one verb", verb_help, 0},
};

const struct verb_table verbs_table = {rows, sizeof(rows) / sizeof(rows[0])};

/* --- forced commands --- */

#define WATCHING (RIGHT_VIEW | RIGHT_LOG | RIGHT_DUMP_GET | RIGHT_ADMIN)

/* Which option it is an option of, or what it is the value of, does not matter: better one right
 * less than one too many. */
static int is_for_watching(const char *word)
{
	return strcmp(word, "--read-only") == 0 || strcmp(word, "--no-input") == 0;
}

int verb_ceiling(const struct words *command, unsigned *denied)
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
	if (verb_find_guest(call) == 0 && verb_begin(call) == 0)
		call->verb->run(call);
}

static void dispatch_words(struct channel *channel, struct words *words)
{
	struct verb_call call = {.channel = channel,
		.login = channel_login(channel),
		.table = &verbs_table,
		.verb = verb_find_for(&verbs_table, channel_login(channel), words->list[0]),
		.argc = (int)words->count - 1,
		.argv = words->list + 1};

	log_write(LOG_LEVEL_INFO, channel_tag(channel), "%s asks %s", login_who(call.login),
		words->list[0]);
	audit_trail_verb(channel_trail(channel), words->list[0]);
	if (call.verb)
		run(&call);
	else
		channel_exit(channel, STATUS_USAGE, "unknown verb %s; try: help", words->list[0]);
}

static void dispatch_shell(struct channel *channel)
{
	struct login *login = channel_login(channel);
	struct verb_call call = {.channel = channel,
		.login = login,
		.table = &verbs_table,
		.verb = verb_find(&verbs_table, "attach")};

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
	struct words words = {0};
	int r;

	/* A login that is held to one command gets that one, whatever it asks. */
	if (identity->command) {
		command = identity->command;
		len = strlen(command);
	}
	r = command ? words_split(command, len, &words) : 0;

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
	words_finish(&words);
	/* Whatever went wrong: nobody waits for an answer that will not come. */
	if (!channel_is_exiting(channel) && !channel_has_policy(channel))
		channel_exit(channel, STATUS_INTERNAL, "the verb could not begin");
}
