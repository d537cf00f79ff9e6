/* Task: the verb info: which program this is, as ovirt-vmconsole's clients ask for it. */
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"

#define PACKAGE "vmconsoled"

static void run(struct verb_call *call, const void *options)
{
	if (call->json)
		json_answer(call->channel,
			json_pack("{s:s, s:s}", "package", PACKAGE, "version", VMC_VERSION));
	else
		channel_print(call->channel, "package=%s\nversion=%s\n", PACKAGE, VMC_VERSION);
	channel_exit(call->channel, STATUS_OK, NULL);
}

static const struct verb_option info_options[] = {VERB_OPTION_JSON};

const struct verb verb_info = {.name = "info",
	.example = "",
	.scope = VERB_HOST,
	.usage = "info [--json]",
	.summary = "which program this is, in which version",
	VERB_OPTIONS(info_options, char),
	.run = run};
