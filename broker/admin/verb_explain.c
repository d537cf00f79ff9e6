/* Task: the verb explain: which rule allows whom what. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "auth/explain.h"
#include "auth/rule_items.h"
#include "broker/access/access.h"
#include "broker/access/rule_guest.h"
#include "broker/admin/admin.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "config/rights.h"
#include "core/text/escape.h"

static void explain_line(void *arg, const char *line)
{
	char text[ESCAPE_ROOM(2048)];
	struct verb_call *call = arg;

	escape_text(line, strlen(line), text, sizeof(text));
	channel_print(call->channel, "%s\n", text);
}

/* What there is to say of a key before the rules are asked: whether it could log in at all. */
struct key_note {
	char text[1024];
};

__attribute__((format(printf, 2, 3))) static void note(struct key_note *n, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(n->text, sizeof(n->text), format, args);
	va_end(args);
}

/* As it would be after logging in: its line may hold it to one section or command. */
static int identity_of_key(
	struct verb_call *call, const char *fingerprint, struct identity **out, struct key_note *n)
{
	const struct access *access = login_context(call->login)->access;
	const struct authorized_key *line;
	int r = login_by_fingerprint(&access->sources, fingerprint, &line, out);

	if (r == -ENOENT) {
		note(n, "no file of authorized_keys has this key: it cannot log in until one has");
		return identity_create(FACT_KEY, fingerprint, out);
	}
	if (r < 0)
		return r;
	if (access->sources.revoked && revoked_key(access->sources.revoked, line->key.blob))
		note(n, "%s:%u has this key, but it is revoked: it cannot log in", line->file,
			line->line);
	else
		note(n, "%s:%u has this key%s%s", line->file, line->line,
			*line->comment ? ": " : "", line->comment);
	return 0;
}

/* USER as in `who`: key:SHA256:..., user:alice. NULL: the client has its answer. */
static struct identity *identity_of(struct verb_call *call, const char *user, struct key_note *n)
{
	const char *colon = strchr(user, ':');
	struct identity *identity = NULL;
	enum fact_kind kind;
	int r;

	n->text[0] = '\0';
	if (strcmp(user, "ticket") == 0)
		r = identity_create(FACT_TICKET, "", &identity);
	else if (!colon || fact_kind_parse(user, (size_t)(colon - user), &kind) < 0)
		r = -EINVAL;
	else if (kind == FACT_KEY && !key_fingerprint_is(colon + 1))
		r = -EKEYREJECTED;
	else if (kind == FACT_KEY)
		r = identity_of_key(call, colon + 1, &identity, n);
	else
		r = identity_create(kind, colon + 1, &identity);
	if (r == -EKEYREJECTED)
		channel_exit(call->channel, STATUS_USAGE, "explain: %s: %s", user, KEY_PATTERN_WHY);
	else if (r < 0)
		channel_exit(call->channel, r == -ENOMEM ? STATUS_INTERNAL : STATUS_USAGE,
			r == -ENOMEM ? "explain: %s: out of memory"
				     : "explain: invalid user %s: write it as in `who`, such as "
				       "user:alice or key:SHA256:...",
			user);
	return r < 0 ? NULL : identity;
}

/* --- for programs --- */

static json_t *foreign_or_null(const char *text)
{
	return text ? json_foreign(text) : json_null();
}

static void add_section(void *arg, const struct rule_verdict *verdict, bool allows, unsigned rights)
{
	json_t *list = arg, *factors = json_array();

	for (unsigned kind = 0; kind < FACT_KINDS; kind++) {
		if (verdict->missing & FACT_BIT(kind))
			json_array_append_new(
				factors, json_string(fact_kind_name((enum fact_kind)kind)));
	}
	json_array_append_new(
		list, json_pack("{s:o, s:b, s:o, s:o, s:o, s:o, s:b}", "section",
			      json_foreign(verdict->section), "allows", allows, "rights",
			      json_rights(rights), "who", foreign_or_null(verdict->who), "vms",
			      foreign_or_null(verdict->vms), "factors", factors, "barred",
			      verdict->barred));
}

static void explain_json(struct verb_call *call, const struct identity *identity,
	const struct rule_vm *vm, const struct key_note *n)
{
	const struct rules *rules = login_context(call->login)->access->rules;
	json_t *sections = json_array();

	if (!identity->everything)
		rules_explain_each(rules, identity, vm, add_section, sections);
	json_answer(call->channel,
		json_pack("{s:o, s:o, s:s, s:o, s:b, s:o, s:o}", "identity",
			json_foreign(identity->text), "vm", foreign_or_null(vm->name), "uuid",
			vm->uuid, "rights", json_rights(rules_rights(rules, identity, vm)),
			"everything", identity->everything, "key",
			foreign_or_null(*n->text ? n->text : NULL), "sections", sections));
}

/* --- for people --- */

static void explain_lines(struct verb_call *call, const struct identity *identity,
	const struct rule_vm *vm, const struct key_note *n)
{
	if (*n->text)
		explain_line(call, n->text);
	rules_explain(login_context(call->login)->access->rules, identity, vm, explain_line, call);
}

static void run(struct verb_call *call, const void *options)
{
	struct identity *identity;
	struct rule_guest seen;
	struct key_note n;

	if (call->argc != 2) {
		channel_exit(call->channel, STATUS_USAGE, "explain: usage: %s", call->verb->usage);
		return;
	}
	identity = identity_of(call, call->argv[0], &n);
	if (!identity)
		return;
	if (verb_resolve(call, call->argv[1]) == 0) {
		rule_guest_init(&seen, call->guest);
		(call->json ? explain_json : explain_lines)(call, identity, &seen.vm, &n);
		channel_exit(call->channel, STATUS_OK, NULL);
	}
	identity_destroy(identity);
}

static const struct verb_option explain_options[] = {VERB_OPTION_JSON};

const struct verb verb_explain = {.name = "explain",
	.example = "user:alice web-1",
	.scope = VERB_HOST,
	.right = RIGHT_ADMIN,
	.caller = VERB_FOR_LOCAL,
	.usage = "explain USER VM [--json]",
	.summary = "which [access] section allows USER what on VM",
	VERB_OPTIONS(explain_options, char),
	.arguments = VERB_ANY,
	.run = run};
