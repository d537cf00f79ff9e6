/* Task: the verb list: the guests that a login may see. */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "broker/login/login.h"
#include "broker/verb/guest_list.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "console/guest/guest.h"
#include "core/text/escape.h"

static json_t *guest_json(const struct guest *g)
{
	struct hypervisor *h = guest_hypervisor(g);
	json_t *o = json_object();

	json_object_set_new(o, "uuid", json_string(guest_uuid_text(g)));
	json_object_set_new(o, "name", json_foreign(guest_name(g)));
	json_object_set_new(o, "state", json_string(guest_state_name(guest_state(g))));
	json_object_set_new(o, "hypervisor", h ? json_foreign(hypervisor_name(h)) : json_null());
	return o;
}

static void run(struct verb_call *call, const void *options)
{
	char name[ESCAPE_ROOM(LOCATION_NAME_MAX)];
	struct guest **list;
	size_t count, i;
	char away[VERB_AWAY_MAX];
	json_t *array = NULL;
	int r;

	r = verb_away(call->login, away);
	/* Nothing may go out before the status there. */
	if (r < 0 && login_kind(call->login) == LOGIN_HTTPS) {
		channel_exit(call->channel, STATUS_UNAVAILABLE, "%s", away);
		return;
	}
	if (guest_list(call->login, &list, &count) < 0) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	if (call->json)
		array = json_array();
	for (i = 0; i < count; i++) {
		if (call->json) {
			json_array_append_new(array, guest_json(list[i]));
			continue;
		}
		escape_text(guest_name(list[i]), strlen(guest_name(list[i])), name, sizeof(name));
		channel_print(call->channel, "%s  %-11s  %s\n", guest_uuid_text(list[i]),
			guest_state_name(guest_state(list[i])), name);
	}
	if (call->json)
		json_answer(call->channel, array);
	free(list);
	if (r < 0)
		channel_exit(call->channel, STATUS_UNAVAILABLE, "%s%s", away,
			count ? "; listed is what was known before" : "");
	else
		channel_exit(call->channel, STATUS_OK, NULL);
}

static const struct verb_option list_options[] = {VERB_OPTION_JSON};

const struct verb verb_list = {.name = "list",
	.example = "--json",
	.scope = VERB_HOST,
	.usage = "list [--json]",
	.summary = "the VMs you may see",
	VERB_OPTIONS(list_options, char),
	.run = run};
