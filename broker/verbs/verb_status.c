/* Task: the verb status: one VM and its consoles, or the host. */
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "broker/dump/making.h"
#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "broker/crash/making_json.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"
#include "console/hypervisor/hypervisor.h"
#include "core/text/escape.h"
#include "core/text/utc.h"

static const char *console_word(const struct console *c)
{
	switch (console_state(c)) {
	case CONSOLE_CLOSED:
		return "closed";
	case CONSOLE_WAITING:
		return "waiting";
	case CONSOLE_OPENING:
		return "opening";
	case CONSOLE_OPEN:
		return "open";
	case CONSOLE_RESOLVING:
		return "ended";
	}
	return "unknown";
}

/* Who else is here is for those who may be there themselves. */
static bool may_know_people(const struct verb_call *call)
{
	return (login_rights(call->login, call->guest) & RIGHT_VIEW) != 0;
}

/* Whether a dump of it is being made, for those whose business dumps are. */
static int find_making(const struct verb_call *call, struct making_info *info)
{
	const struct making *m =
		making_find(login_context(call->login)->makings, guest_uuid(call->guest));

	if (!m || !(login_rights(call->login, call->guest) & (RIGHT_DUMP_MAKE | RIGHT_DUMP_GET)))
		return 0;
	making_describe(m, info);
	return 1;
}

/* --- JSON --- */

static json_t *lease_json(const struct console *c)
{
	const struct lease_info *lease = console_lease(c);
	char until[UTC_TEXT];

	if (!lease)
		return json_null();
	return json_pack("{s:o, s:s}", "identity", json_foreign(lease->who), "until",
		utc_text(lease->until, until));
}

static void add_people(json_t *o, const struct console *c)
{
	json_object_set_new(o, "keyboard",
		console_writer(c) ? json_foreign(viewer_who(console_writer(c))) : json_null());
	json_object_set_new(o, "lease", lease_json(c));
}

static json_t *device_json(const struct guest *g, const struct device *device, int may_know_people)
{
	char slot[DEVICE_SLOT_MAX];
	const struct console *c;
	json_t *o = json_object();

	device_slot(device, slot);
	c = guest_console_in(g, slot);
	json_object_set_new(o, "slot", json_string(slot));
	json_object_set_new(o, "device", json_foreign(device->alias));
	json_object_set_new(o, "type", json_foreign(device->type));
	json_object_set_new(o, "state", json_string(c ? console_word(c) : "closed"));
	if (!c)
		return o;
	json_object_set_new(
		o, "first", json_integer((json_int_t)journal_first(console_journal(c))));
	json_object_set_new(o, "next", json_integer((json_int_t)journal_next(console_journal(c))));
	json_object_set_new(o, "viewers", json_integer((json_int_t)console_viewer_count(c)));
	if (may_know_people)
		add_people(o, c);
	json_object_set_new(o, "trouble", json_foreign(console_error(c)));
	json_object_set_new(
		o, "panic_texts", json_integer((json_int_t)console_counts(c)->panic_texts));
	return o;
}

static void guest_as_json(struct verb_call *call)
{
	const struct guest *g = call->guest;
	const struct devices *devices = guest_devices(g);
	struct hypervisor *h = guest_hypervisor(g);
	json_t *o = json_object(), *list = json_array();
	struct making_info making;
	size_t i;

	json_object_set_new(o, "uuid", json_string(guest_uuid_text(g)));
	json_object_set_new(o, "name", json_foreign(guest_name(g)));
	json_object_set_new(o, "state", json_string(guest_state_name(guest_state(g))));
	json_object_set_new(o, "hypervisor", h ? json_foreign(hypervisor_name(h)) : json_null());
	for (i = 0; i < devices->count; i++)
		json_array_append_new(
			list, device_json(g, &devices->list[i], may_know_people(call)));
	json_object_set_new(o, "consoles", list);
	json_object_set_new(
		o, "dump", find_making(call, &making) ? making_json(&making) : json_null());
	json_answer(call->channel, o);
}

/* --- text --- */

static const char *shown(const char *text, char *room, size_t size)
{
	escape_text(text, strlen(text), room, size);
	return room;
}

static void keyboard_text(struct channel *channel, const struct console *c)
{
	char who[KEYBOARD_TEXT_MAX], text[ESCAPE_ROOM(KEYBOARD_TEXT_MAX)];

	channel_print(channel, ", keyboard with %s",
		shown(console_keyboard_text(c, who), text, sizeof(text)));
}

static void device_text(const struct verb_call *call, const struct device *device)
{
	struct channel *channel = call->channel;
	char slot[DEVICE_SLOT_MAX], name[ESCAPE_ROOM(DEVICE_ALIAS_MAX)];
	char who[ESCAPE_ROOM(512)], type[ESCAPE_ROOM(DEVICE_TYPE_MAX)];
	const struct console *c;

	device_slot(device, slot);
	c = guest_console_in(call->guest, slot);
	channel_print(channel, "console     %s %s, type %s, %s\n", slot,
		shown(device->alias, name, sizeof(name)), shown(device->type, type, sizeof(type)),
		c ? console_word(c) : "closed");
	if (!c)
		return;
	channel_print(channel,
		"  offset    %" PRIu64 ", history from %" PRIu64 " (%" PRIu64 " bytes)\n",
		journal_next(console_journal(c)), journal_first(console_journal(c)),
		journal_next(console_journal(c)) - journal_first(console_journal(c)));
	channel_print(channel, "  viewers   %zu", console_viewer_count(c));
	if (may_know_people(call))
		keyboard_text(channel, c);
	channel_print(channel, "\n");
	if (*console_error(c))
		channel_print(
			channel, "  trouble   %s\n", shown(console_error(c), who, sizeof(who)));
}

static void guest_as_text(struct verb_call *call)
{
	const struct guest *g = call->guest;
	const struct devices *devices = guest_devices(g);
	struct hypervisor *h = guest_hypervisor(g);
	char name[ESCAPE_ROOM(LOCATION_NAME_MAX)], text[MAKING_TEXT_MAX];
	struct making_info making;
	size_t i;

	channel_print(call->channel, "name        %s\n", shown(guest_name(g), name, sizeof(name)));
	channel_print(call->channel, "uuid        %s\n", guest_uuid_text(g));
	channel_print(call->channel, "state       %s\n", guest_state_name(guest_state(g)));
	channel_print(call->channel, "hypervisor  %s\n",
		h ? shown(hypervisor_name(h), name, sizeof(name)) : "none");
	for (i = 0; i < devices->count; i++)
		device_text(call, &devices->list[i]);
	if (!find_making(call, &making))
		return;
	making_text(&making, text);
	channel_print(call->channel, "dump        %s (%s, %s)\n", text, making.format, making.mode);
}

/* --- the host --- */

static void host_status(struct verb_call *call, int json)
{
	const struct broker_context *context = login_context(call->login);
	json_t *list = json_array(), *o;
	char name[ESCAPE_ROOM(256)], error[ESCAPE_ROOM(512)], cure[ESCAPE_ROOM(512)];
	size_t i;

	for (i = 0; i < context->hypervisor_count; i++) {
		struct hypervisor *h = context->hypervisors[i];

		if (!json) {
			channel_print(call->channel, "hypervisor  %s, %s%s%s%s\n",
				shown(hypervisor_name(h), name, sizeof(name)),
				hypervisor_is_up(h) ? "connected" : "away: ",
				shown(hypervisor_error(h), error, sizeof(error)),
				*hypervisor_cure(h) ? "; " : "",
				shown(hypervisor_cure(h), cure, sizeof(cure)));
			continue;
		}
		o = json_object();
		json_object_set_new(o, "name", json_foreign(hypervisor_name(h)));
		json_object_set_new(o, "connected", json_boolean(hypervisor_is_up(h)));
		json_object_set_new(o, "error", json_foreign(hypervisor_error(h)));
		json_array_append_new(list, o);
	}
	if (json)
		json_answer(call->channel,
			json_pack("{s:i, s:o}", "json", JSON_VERSION, "hypervisors", list));
	else
		json_decref(list);
}

static void run(struct verb_call *call, const void *options)
{
	if (!call->guest && verb_allowed(call, RIGHT_ADMIN) < 0)
		return;
	if (!call->guest)
		host_status(call, call->json);
	else if (call->json)
		guest_as_json(call);
	else
		guest_as_text(call);
	channel_exit(call->channel, STATUS_OK, NULL);
}

static const struct verb_option status_options[] = {VERB_OPTION_JSON};

const struct verb verb_status = {.name = "status",
	.example = "--json",
	.scope = VERB_EITHER,
	.usage = "status [--json]",
	.summary = "state, console, offset, size of history",
	VERB_OPTIONS(status_options, char),
	.run = run};
