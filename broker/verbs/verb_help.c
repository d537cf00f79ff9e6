/* Task: the verb help: the table of verbs for a person. */
#include "broker/login/login.h"
#include "broker/verbs/verbs.h"

void verb_help(struct verb_call *call)
{
	const struct verb *verb;
	size_t i;

	if (verb_no_more(call, 1) < 0)
		return;
	if (call->argc == 1) {
		verb = verb_find_for(call->table, call->login, call->argv[0]);
		if (!verb) {
			channel_exit(call->channel, STATUS_USAGE, "help: unknown verb %s",
				call->argv[0]);
			return;
		}
		channel_print(call->channel, "%s\n    %s\n", verb->usage, verb->summary);
		channel_exit(call->channel, STATUS_OK, NULL);
		return;
	}
	for (i = 0; i < call->table->count; i++) {
		verb = &call->table->rows[i];
		if (verb->caller == VERB_FOR_ALL ||
			(verb->caller == VERB_FOR_LOCAL && login_is_local(call->login)))
			channel_print(call->channel, "%-8s  %s\n", verb->name, verb->summary);
	}
	channel_print(call->channel, "help VERB says more; vmconsoled(8) says all\n");
	channel_exit(call->channel, STATUS_OK, NULL);
}
