/* Task: the verbs of the host's administrator: reload, explain. */
#include <string.h>

#include "auth/explain.h"
#include "broker/broker.h"
#include "broker/login.h"
#include "broker/verbs.h"
#include "core/escape.h"

void verb_reload(struct verb_call *call)
{
	struct config_errors errors = {0};
	size_t i;
	int r;

	if (verb_no_more(call, 0) < 0)
		return;
	r = broker_reload(login_broker(call->login), &errors);
	for (i = 0; i < errors.count; i++)
		channel_complain(call->channel, "%s", errors.lines[i]);
	config_errors_finish(&errors);
	if (r < 0)
		channel_exit(call->channel, STATUS_USAGE,
			"not reloaded: the configuration in force stays");
	else
		channel_exit(call->channel, STATUS_OK, NULL);
}

static void explain_line(void *arg, const char *line)
{
	char text[ESCAPE_ROOM(2048)];
	struct verb_call *call = arg;

	escape_text(line, strlen(line), text, sizeof(text));
	channel_print(call->channel, "%s\n", text);
}

/* USER as in `who`: key:SHA256:..., user:alice. */
static struct identity *identity_of(struct verb_call *call, const char *user)
{
	const char *colon = strchr(user, ':');
	struct identity *identity = NULL;
	enum fact_kind kind;
	int r;

	if (strcmp(user, "ticket") == 0)
		r = identity_create(FACT_TICKET, "", &identity);
	else if (!colon || fact_kind_parse(user, (size_t)(colon - user), &kind) < 0)
		r = -1;
	else
		r = identity_create(kind, colon + 1, &identity);
	if (r < 0)
		channel_exit(call->channel, STATUS_USAGE,
			"explain: %s is no USER; write it as in `who`, such as user:alice or "
			"key:SHA256:...",
			user);
	return r < 0 ? NULL : identity;
}

void verb_explain(struct verb_call *call)
{
	struct identity *identity;
	struct login_vm vm;

	if (call->argc != 2) {
		channel_exit(call->channel, STATUS_USAGE, "explain: usage: %s", call->verb->usage);
		return;
	}
	identity = identity_of(call, call->argv[0]);
	if (!identity)
		return;
	if (verb_resolve(call, call->argv[1]) == 0) {
		login_vm_init(&vm, call->guest);
		rules_explain(broker_access(login_broker(call->login))->rules, identity, &vm.rule,
			explain_line, call);
		channel_exit(call->channel, STATUS_OK, NULL);
	}
	identity_destroy(identity);
}
