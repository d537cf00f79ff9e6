/* Task: the verb help: the table of verbs for a person. */
#include <stdbool.h>
#include <stdio.h>

#include "broker/login/login.h"
#include "broker/verbs/verbs.h"

/* "    --lines N  the last lines" */
static void say_option(struct channel *channel, const struct verb_option *o)
{
	char text[64];

	snprintf(text, sizeof(text), "--%s%s%s%s", o->name,
		!o->takes     ? ""
		: o->may_lack ? "[="
			      : " ",
		o->takes ? o->takes : "", o->may_lack ? "]" : "");
	channel_print(channel, "    %-26s  %s\n", text, o->help);
}

/* As it would be typed where help was. */
static void say_example(struct verb_call *call, const struct verb *verb)
{
	bool is_host = verb->scope == VERB_HOST;
	const char *blank = *verb->example ? " " : "", *vm = is_host ? "" : " web-1";

	if (login_is_local(call->login))
		channel_print(call->channel, "    example: vmconsolectl %s%s%s%s\n", verb->name, vm,
			blank, verb->example);
	else
		channel_print(call->channel, "    example: ssh -p 2222 %s@host \"%s%s%s\"\n",
			is_host ? "vmconsole" : "web-1", verb->name, blank, verb->example);
}

static void say_verb(struct verb_call *call, const char *name)
{
	const struct verb *verb = verb_find_for(call->table, call->login, name);

	if (!verb) {
		channel_exit(call->channel, STATUS_USAGE, "help: unknown verb %s", name);
		return;
	}
	channel_print(call->channel, "%s\n    %s\n", verb->usage, verb->summary);
	for (size_t i = 0; i < verb->option_count; i++)
		say_option(call->channel, &verb->options[i]);
	say_example(call, verb);
	channel_exit(call->channel, STATUS_OK, NULL);
}

static void say_all(struct verb_call *call)
{
	for (size_t i = 0; i < call->table->count; i++) {
		const struct verb *verb = call->table->rows[i];

		if (verb->caller == VERB_FOR_ALL ||
			(verb->caller == VERB_FOR_LOCAL && login_is_local(call->login)))
			channel_print(call->channel, "%-8s  %s\n", verb->name, verb->summary);
	}
	channel_print(call->channel, "help VERB says more; vmconsoled(8) says all\n");
	channel_exit(call->channel, STATUS_OK, NULL);
}

static void run(struct verb_call *call, const void *options)
{
	if (call->argc == 1)
		say_verb(call, call->argv[0]);
	else
		say_all(call);
}

const struct verb verb_help = {.name = "help",
	.example = "wait",
	.scope = VERB_HOST,
	.usage = "help [VERB]",
	.summary = "this list, or one verb",
	.arguments = 1,
	.run = run};
