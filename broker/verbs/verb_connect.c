/* Task: the verb connect: attach, as ovirt-vmconsole's clients ask for it. */
#include <stdlib.h>
#include <string.h>

#include "broker/verbs/verbs.h"

struct connect_arguments {
	const char *id, *name;
};

static void run(struct verb_call *call, const void *options)
{
	const struct connect_arguments *arguments = options;
	char *vm;

	if (!arguments->id && !arguments->name && channel_has_pty(call->channel)) {
		menu_begin(call->channel, call->table);
		return;
	}
	if (!arguments->id == !arguments->name) {
		channel_exit(call->channel, STATUS_USAGE, "connect: usage: %s", call->verb->usage);
		return;
	}
	vm = strdup(arguments->id ? arguments->id : arguments->name);
	if (!vm) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	call->verb = &verb_attach;
	if (verb_resolve(call, vm) == 0)
		verb_run_call(call);
	free(vm);
}

static const struct verb_option connect_options[] = {
	{"vm-id", OPTION_TEXT, offsetof(struct connect_arguments, id), "ID",
		.help = "the VM's UUID"},
	{"vm-name", OPTION_TEXT, offsetof(struct connect_arguments, name), "NAME",
		.help = "the VM's name"},
};

const struct verb verb_connect = {.name = "connect",
	.example = "--vm-name=web-1",
	.scope = VERB_HOST,
	.usage = "connect [--vm-id=ID | --vm-name=NAME]",
	.summary = "attach, with ovirt-vmconsole's options; without one, on a terminal, the menu",
	VERB_OPTIONS(connect_options, struct connect_arguments),
	.run = run};
