/*
 * Task: the verb list: the guests that a login may see; with --format those that run, in the shapes
 * of ovirt-vmconsole.
 */
#include <stdbool.h>
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

/* --- as ovirt-vmconsole prints it --- */

struct list_arguments {
	const char *format;
};

static json_t *ovirt_json(const struct guest *g)
{
	const char *uuid = guest_uuid_text(g);
	struct hypervisor *h = guest_hypervisor(g);

	return json_pack("{s:o, s:o, s:s, s:o}", "console", json_sprintf("%s.sock", uuid), "host",
		json_foreign(h ? hypervisor_name(h) : ""), "vmid", uuid, "vm",
		json_foreign(guest_name(g)));
}

static void ovirt_text(struct channel *channel, const struct guest *g)
{
	char name[ESCAPE_ROOM(LOCATION_NAME_MAX)];

	escape_text(guest_name(g), strlen(guest_name(g)), name, sizeof(name));
	channel_print(channel, "%s\t%s\n", guest_uuid_text(g), name);
}

static void answer_ovirt(struct channel *channel, json_t *consoles)
{
	json_t *object = json_pack(
		"{s:s, s:i, s:o}", "content", "console_list", "version", 1, "consoles", consoles);
	char *text = object ? json_dumps(object, JSON_INDENT(4) | JSON_SORT_KEYS) : NULL;

	if (text)
		channel_text(channel, text, strlen(text));
	channel_print(channel, "\n");
	free(text);
	json_decref(object);
}

static void list_ovirt(struct verb_call *call, bool json)
{
	json_t *consoles = json ? json_array() : NULL;
	struct guest **list;
	size_t count;

	if (guest_list(call->login, &list, &count) < 0) {
		json_decref(consoles);
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (!guest_is_on(list[i]))
			continue;
		if (consoles)
			json_array_append_new(consoles, ovirt_json(list[i]));
		else
			ovirt_text(call->channel, list[i]);
	}
	free(list);
	if (consoles)
		answer_ovirt(call->channel, consoles);
	channel_exit(call->channel, STATUS_OK, NULL);
}

/* --- as everybody else has it --- */

static void list_all(struct verb_call *call)
{
	char name[ESCAPE_ROOM(LOCATION_NAME_MAX)];
	struct guest **list;
	size_t count, i;
	char away[VERB_AWAY_MAX];
	json_t *array = NULL;
	int r;

	r = verb_away(call->login, away);
	/* Nothing may go out before the status there. */
	if (r < 0 && login_is_web(call->login)) {
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

static void run(struct verb_call *call, const void *options)
{
	const struct list_arguments *arguments = options;

	if (!arguments->format)
		list_all(call);
	else if (strcmp(arguments->format, "plain") == 0 || strcmp(arguments->format, "json") == 0)
		list_ovirt(call, *arguments->format == 'j');
	else
		channel_exit(call->channel, STATUS_USAGE,
			"list: invalid value %s of --format; see: help list", arguments->format);
}

static const struct verb_option list_options[] = {
	VERB_OPTION_JSON,
	{"format", OPTION_TEXT, offsetof(struct list_arguments, format), "plain|json",
		.help = "those that run, as ovirt-vmconsole lists them"},
};

const struct verb verb_list = {.name = "list",
	.example = "--json",
	.scope = VERB_HOST,
	.usage = "list [--json | --format plain|json]",
	.summary = "the VMs you may see",
	VERB_OPTIONS(list_options, struct list_arguments),
	.run = run};
