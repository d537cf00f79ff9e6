/*
 * Task: the verb who: the sessions on a VM, or all of them.
 * Viewers of one console see each other's identity; addresses and the rest of the host are for
 * administrators.
 */
#include <string.h>

#include "broker/login/login.h"
#include "broker/verb/json.h"
#include "broker/verbs/verbs.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"
#include "console/guest/lease.h"
#include "core/text/escape.h"
#include "core/text/utc.h"

struct who_row {
	const struct viewer *viewer;
	const struct channel *channel;
	const struct login *login;
	const struct console *console;
	const char *mode;
};

static const char *mode_word(const struct viewer *viewer)
{
	switch (viewer_mode(viewer)) {
	case VIEWER_WATCHES:
		break;
	case VIEWER_WAITS:
		return "waits";
	case VIEWER_WRITES:
		return "writes";
	}
	return viewer_is_reader(viewer) ? "reads" : "watches";
}

static json_t *row_json(const struct who_row *row, int admin)
{
	const struct guest *g = console_guest(row->console);
	json_t *o = json_object();
	char since[UTC_TEXT];

	json_object_set_new(o, "session", json_string(channel_tag(row->channel)));
	json_object_set_new(o, "identity", json_foreign(login_who(row->login)));
	json_object_set_new(o, "vm", json_foreign(guest_name(g)));
	json_object_set_new(o, "uuid", json_string(guest_uuid_text(g)));
	json_object_set_new(o, "device", json_foreign(console_device_name(row->console)));
	json_object_set_new(o, "mode", json_string(row->mode));
	json_object_set_new(o, "since", json_string(utc_text(login_since(row->login), since)));
	json_object_set_new(o, "lag", json_integer((json_int_t)viewer_lag(row->viewer)));
	if (admin)
		json_object_set_new(o, "address", json_string(login_address(row->login)));
	return o;
}

static const char *shown(const char *text, char *room, size_t size)
{
	escape_text(text, strlen(text), room, size);
	return room;
}

static void row_text(struct channel *channel, const struct who_row *row, int admin)
{
	char who[ESCAPE_ROOM(512)], vm[ESCAPE_ROOM(LOCATION_NAME_MAX)], since[UTC_TEXT];
	char device[ESCAPE_ROOM(DEVICE_ALIAS_MAX)];

	channel_print(channel, "%-8s %-7s %s  %s %s  %s%s%s\n", channel_tag(row->channel),
		row->mode, utc_text(login_since(row->login), since),
		shown(guest_name(console_guest(row->console)), vm, sizeof(vm)),
		shown(console_device_name(row->console), device, sizeof(device)),
		shown(login_who(row->login), who, sizeof(who)), admin ? "  from " : "",
		admin ? login_address(row->login) : "");
}

static void add_console(
	struct verb_call *call, const struct console *console, json_t *array, int admin)
{
	struct who_row row = {.console = console};

	while ((row.viewer = console_next_viewer(console, row.viewer))) {
		row.channel = viewer_channel(row.viewer);
		if (!row.channel)
			continue;
		row.mode = mode_word(row.viewer);
		row.login = channel_login(row.channel);
		if (array)
			json_array_append_new(array, row_json(&row, admin));
		else
			row_text(call->channel, &row, admin);
	}
}

/* The keyboard is somebody's between his connections, too. */
static json_t *lease_json(const struct console *console, const struct lease_info *lease)
{
	const struct guest *g = console_guest(console);
	char until[UTC_TEXT];

	return json_pack("{s:n, s:o, s:o, s:s, s:o, s:s, s:s}", "session", "identity",
		json_foreign(lease->who), "vm", json_foreign(guest_name(g)), "uuid",
		guest_uuid_text(g), "device", json_foreign(console_device_name(console)), "mode",
		"leases", "until", utc_text(lease->until, until));
}

static void lease_text(
	struct channel *channel, const struct console *console, const struct lease_info *lease)
{
	char who[ESCAPE_ROOM(LEASE_WHO_MAX)], vm[ESCAPE_ROOM(LOCATION_NAME_MAX)], until[UTC_TEXT];
	char device[ESCAPE_ROOM(DEVICE_ALIAS_MAX)];

	channel_print(channel, "%-8s %-7s until %s  %s %s  %s\n", "-", "leases",
		utc_text(lease->until, until),
		shown(guest_name(console_guest(console)), vm, sizeof(vm)),
		shown(console_device_name(console), device, sizeof(device)),
		shown(lease->who, who, sizeof(who)));
}

static void add_lease(struct verb_call *call, const struct console *console, json_t *array)
{
	const struct lease_info *lease = console_lease(console);

	if (lease && array)
		json_array_append_new(array, lease_json(console, lease));
	else if (lease)
		lease_text(call->channel, console, lease);
}

static void add_guest(struct verb_call *call, const struct guest *g, json_t *array, int admin)
{
	const struct console *console;
	size_t i;

	for (i = 0; (console = guest_console_at(g, i)); i++) {
		add_console(call, console, array, admin);
		add_lease(call, console, array);
	}
}

static void run(struct verb_call *call, const void *options)
{
	struct directory *d = login_context(call->login)->directory;
	int admin;
	json_t *array;
	struct guest *g;
	size_t cursor = 0;

	if (verb_allowed(call, call->guest ? RIGHT_VIEW : RIGHT_ADMIN) < 0)
		return;
	admin = ((call->guest ? login_rights(call->login, call->guest)
			      : login_host_rights(call->login)) &
			RIGHT_ADMIN) != 0;
	array = call->json ? json_array() : NULL;
	if (call->guest) {
		add_guest(call, call->guest, array, admin);
	} else {
		while ((g = directory_next(d, &cursor)))
			add_guest(call, g, array, admin);
	}
	if (array)
		json_answer(call->channel, array);
	channel_exit(call->channel, STATUS_OK, NULL);
}

static const struct verb_option who_options[] = {VERB_OPTION_JSON};

const struct verb verb_who = {.name = "who",
	.example = "--json",
	.scope = VERB_EITHER,
	.usage = "who [--json]",
	.summary = "the sessions on a VM, or on the host",
	VERB_OPTIONS(who_options, char),
	.run = run};
