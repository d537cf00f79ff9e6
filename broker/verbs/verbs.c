/*
 * Task: the table of verbs and the way to a row of it. Knows no verb's inside.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/login/login.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/guest.h"
#include "console/hypervisor/hypervisor.h"
#include "core/log.h"
#include "wire/msg.h"

static const struct verb table[] = {
	{"attach", VERB_GUEST, RIGHT_VIEW,
		"attach [--read-only] [--force] [--from OFFSET|start|-BYTES] [--lines N] "
		"[--device D] [--wait[=S]] [--no-wait] [--no-input]",
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
	{"help", VERB_HOST, 0, "help [VERB]", "this list, or one verb", verb_help, 0},
};
#define VERBS (sizeof(table) / sizeof(table[0]))

const struct verb *verb_at(size_t index)
{
	return index < VERBS ? &table[index] : NULL;
}

const struct verb *verb_find(const char *name)
{
	size_t i;

	for (i = 0; i < VERBS; i++) {
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	}
	return NULL;
}

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

	if (command->count == 0 || !verb_find(command->list[0]))
		return -EINVAL;
	for (i = 1; i < command->count; i++) {
		if (is_for_watching(command->list[i]))
			*denied |= RIGHT_ALL & ~(unsigned)WATCHING;
	}
	return 0;
}

/* --- guest and rights --- */

/* One that may know more guests than we do. */
static struct hypervisor *away_hypervisor(const struct login *login)
{
	const struct broker_context *context = login_context(login);
	size_t i;

	for (i = 0; i < context->hypervisor_count; i++) {
		if (!hypervisor_is_up(context->hypervisors[i]))
			return context->hypervisors[i];
	}
	return NULL;
}

int verb_away(const struct login *login, char text[VERB_AWAY_MAX])
{
	const struct broker_context *context = login_context(login);
	const struct hypervisor *h;
	size_t i;

	for (i = 0; i < context->hypervisor_count; i++) {
		if (hypervisor_is_up(context->hypervisors[i]))
			return 0;
	}
	if (i == 0)
		return 0;
	h = context->hypervisors[0];
	if (login_host_rights(login) & RIGHT_ADMIN)
		snprintf(text, VERB_AWAY_MAX, "no hypervisor is connected: %.60s: %s%s%s",
			hypervisor_name(h), hypervisor_error(h), *hypervisor_cure(h) ? "; " : "",
			hypervisor_cure(h));
	else
		snprintf(text, VERB_AWAY_MAX, "no hypervisor is connected: %.60s cannot be reached",
			hypervisor_name(h));
	return -ENOTCONN;
}

int verb_resolve(struct verb_call *call, char *name)
{
	char text[512];
	int r = login_resolve(call->login, name, &call->guest, &call->device, text);

	if (r < 0) {
		log_write(LOG_LEVEL_INFO, channel_tag(call->channel), "%s: %s",
			call->verb ? call->verb->name : "shell", text);
		if (r == -ENOENT && away_hypervisor(call->login))
			channel_exit(call->channel, STATUS_UNAVAILABLE,
				"%s is known, and hypervisor %s cannot be reached", text,
				hypervisor_name(away_hypervisor(call->login)));
		else
			channel_exit(call->channel, STATUS_NOT_FOUND, "%s", text);
	}
	return r;
}

void verb_no_device(const struct verb_call *call, const char *device)
{
	char names[DEVICES_NAMES_MAX];

	devices_names(guest_devices(call->guest), names);
	channel_exit(call->channel, STATUS_NOT_FOUND, "VM %s has no device %s%s%s",
		guest_name(call->guest), device ? device : "that is a console",
		*names ? "; it has " : "", names);
}

int verb_allowed(struct verb_call *call, unsigned right)
{
	unsigned have = call->guest ? login_rights(call->login, call->guest)
				    : login_host_rights(call->login);

	if ((have & right) == right)
		return 0;
	channel_exit(call->channel, STATUS_DENIED, "permission denied: %s on %s%s",
		right_name(right), call->guest ? "VM " : "this host",
		call->guest ? guest_name(call->guest) : "");
	return -EACCES;
}

int verb_begin(struct verb_call *call)
{
	if (call->guest)
		audit_trail_guest(channel_trail(call->channel), guest_uuid_text(call->guest),
			guest_name(call->guest));
	if (call->verb->right && verb_allowed(call, call->verb->right) < 0)
		return -EACCES;
	channel_need(call->channel, call->guest, call->verb->right);
	return 0;
}

/* A name that looks like an option is never taken for a VM's: the user is told the UUID, if it is
 * one of his. True: the channel has been ended. */
static int is_dashed_guest(struct verb_call *call, const char *word)
{
	char name[WIRE_LOGIN_MAX + 1], text[512];
	const char *device;
	struct guest *g;
	int r;

	if (strlen(word) >= sizeof(name))
		return 0;
	snprintf(name, sizeof(name), "%s", word);
	r = login_resolve(call->login, name, &g, &device, text);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		snprintf(text, sizeof(text),
			"%.200s: a VM whose name begins with a dash is given "
			"by its UUID: %s%s%s",
			word, guest_uuid_text(g), device ? "+" : "", device ? device : "");
	channel_exit(call->channel, STATUS_USAGE, "%s: %s", call->verb->name, text);
	return 1;
}

/* Which VM the call is about: the login's, or an argument. */
static int find_guest(struct verb_call *call)
{
	char name[WIRE_LOGIN_MAX + 1];
	int r;

	if (call->verb->scope == VERB_HOST)
		return 0;
	if (login_is_host(call->login)) {
		if (call->argc == 0 || call->argv[0][0] == '-') {
			if (call->verb->scope == VERB_EITHER)
				return 0;
			if (call->argc == 0)
				channel_exit(call->channel, STATUS_USAGE, "%s: which VM? usage: %s",
					call->verb->name, call->verb->usage);
			else if (!is_dashed_guest(call, call->argv[0]))
				channel_exit(call->channel, STATUS_USAGE,
					"%s: the VM comes before %s; one whose name begins with a "
					"dash is given by its UUID",
					call->verb->name, call->argv[0]);
			return -EINVAL;
		}
		call->argc--;
		return verb_resolve(call, *call->argv++);
	}
	snprintf(name, sizeof(name), "%s", login_name(call->login));
	r = verb_resolve(call, name);
	if (r == 0 && call->device) {
		/* The device's name lies in the copy; the login's own text says the same. */
		call->device = strrchr(login_name(call->login), '+') + 1;
	}
	return r;
}

/* --- options --- */

static int bad_option(struct verb_call *call, const char *what, const char *word)
{
	if (word[0] == '-' && is_dashed_guest(call, word))
		return -EINVAL;
	channel_exit(call->channel, STATUS_USAGE, "%s: %s %s; see: help %s", call->verb->name, what,
		word, call->verb->name);
	return -EINVAL;
}

static const struct verb_option *find_option(
	const struct verb_option *options, size_t count, const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strlen(options[i].name) == len && strncmp(options[i].name, word, len) == 0)
			return &options[i];
	}
	return NULL;
}

int verb_options(struct verb_call *call, const struct verb_option *options, size_t count)
{
	int in, out = 0;

	for (in = 0; in < call->argc; in++) {
		const char *word = call->argv[in], *equals;
		const struct verb_option *o;
		size_t len;

		if (strcmp(word, "--") == 0) {
			while (++in < call->argc)
				call->argv[out++] = call->argv[in];
			break;
		}
		if (strncmp(word, "--", 2) != 0) {
			if (word[0] == '-' && word[1])
				return bad_option(call, "unknown option", word);
			call->argv[out++] = call->argv[in];
			continue;
		}
		equals = strchr(word, '=');
		len = equals ? (size_t)(equals - word) - 2 : strlen(word) - 2;
		o = find_option(options, count, word + 2, len);
		if (!o)
			return bad_option(call, "unknown option", word);
		if (equals && o->kind == OPTION_FLAG)
			return bad_option(call, "this option takes no value:", word);
		if (!equals && o->kind == OPTION_VALUE && in + 1 == call->argc)
			return bad_option(call, "missing value after", word);
		*o->given = 1;
		if (equals)
			*o->value = equals + 1;
		else if (o->kind == OPTION_VALUE)
			*o->value = call->argv[++in];
	}
	call->argc = out;
	return 0;
}

int verb_no_more(struct verb_call *call, int most)
{
	return call->argc <= most ? 0 : bad_option(call, "unexpected argument", call->argv[most]);
}

/* --- dispatch --- */

static void run(struct verb_call *call)
{
	if (call->verb->local && !login_is_local(call->login)) {
		channel_exit(call->channel, STATUS_DENIED, "%s is for vmconsolectl on the host",
			call->verb->name);
		return;
	}
	if (find_guest(call) == 0 && verb_begin(call) == 0)
		call->verb->run(call);
}

static void dispatch_words(struct channel *channel, struct words *words)
{
	struct verb_call call = {.channel = channel,
		.login = channel_login(channel),
		.verb = verb_find(words->list[0]),
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
	struct verb_call call = {.channel = channel, .login = login, .verb = verb_find("attach")};

	audit_trail_verb(channel_trail(channel), login_is_host(login) ? "menu" : "attach");
	if (channel_follows_files(channel) && !channel_has_pty(channel))
		channel_exit(channel, STATUS_DENIED,
			"a shell without a terminal after a refused sftp is a file client's: "
			"nothing was typed");
	else if (!login_is_host(login))
		run(&call);
	else if (channel_has_pty(channel))
		menu_begin(channel);
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
