/*
 * Task: one call of a verb: which guest it is about, and whether the login may. Owner: the caller,
 * on the stack.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "broker/login/login.h"
#include "broker/verb/verb.h"
#include "config/rights.h"
#include "console/domain/device.h"
#include "console/guest/guest.h"
#include "console/hypervisor/hypervisor.h"
#include "core/log.h"
#include "core/file/error_text.h"
#include "wire/msg.h"

const struct verb *verb_find(const struct verb_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++) {
		if (strcmp(table->rows[i]->name, name) == 0)
			return table->rows[i];
	}
	return NULL;
}

const struct verb *verb_find_for(
	const struct verb_table *table, const struct login *login, const char *name)
{
	const struct verb *verb = verb_find(table, name);

	if (verb && verb->caller == VERB_FOR_HTTPS && !login_is_web(login))
		return NULL;
	return verb;
}

/* One that may know more guests than we do. */
static struct hypervisor *away_hypervisor(const struct login *login)
{
	const struct broker_context *context = login_context(login);
	size_t i;

	for (i = 0; i < context->hypervisor_count; i++) {
		if (!hypervisor_is_up(context->hypervisors[i]))
			return context->hypervisors[i];
	}
	return NULL;
}

int verb_away(const struct login *login, char text[VERB_AWAY_MAX])
{
	const struct broker_context *context = login_context(login);
	const struct hypervisor *h;
	size_t i;

	for (i = 0; i < context->hypervisor_count; i++) {
		if (hypervisor_is_up(context->hypervisors[i]))
			return 0;
	}
	if (i == 0)
		return 0;
	h = context->hypervisors[0];
	if (login_host_rights(login) & RIGHT_ADMIN)
		snprintf(text, VERB_AWAY_MAX, "no hypervisor is connected: %.60s: %s%s%s",
			hypervisor_name(h), hypervisor_error(h), *hypervisor_cure(h) ? "; " : "",
			hypervisor_cure(h));
	else
		snprintf(text, VERB_AWAY_MAX, "no hypervisor is connected: %.60s cannot be reached",
			hypervisor_name(h));
	return -ENOTCONN;
}

int verb_resolve(struct verb_call *call, char *name)
{
	char text[512];
	int r = login_resolve(call->login, name, &call->guest, &call->device, text);

	if (r < 0) {
		log_write(LOG_LEVEL_INFO, channel_tag(call->channel), "%s: %s",
			call->verb ? call->verb->name : "shell", text);
		if (r == -ENOENT && away_hypervisor(call->login))
			channel_exit(call->channel, STATUS_UNAVAILABLE,
				"%s is known, and hypervisor %s cannot be reached", text,
				hypervisor_name(away_hypervisor(call->login)));
		else
			channel_exit(call->channel, STATUS_NOT_FOUND, "%s", text);
	}
	return r;
}

/* Ends the channel: the call's guest has no such console, and what it has. */
static int refuse_console(struct verb_call *call, const char *device, int error)
{
	char names[DEVICES_NAMES_MAX], room[ERROR_TEXT_ROOM];

	devices_names(guest_devices(call->guest), names);
	if (error == -ENODEV)
		channel_exit(call->channel, STATUS_NOT_FOUND, "VM %s has no device %s%s%s",
			guest_name(call->guest), device ? device : "that is a console",
			*names ? "; it has " : "", names);
	else
		channel_exit(call->channel, STATUS_INTERNAL, "the console cannot be kept: %s",
			error_text_shortage(-error, room));
	return error;
}

int verb_console(struct verb_call *call, struct console **out)
{
	int r = guest_console(call->guest, call->device, out);

	if (r == -ENODEV && !call->device)
		channel_exit(call->channel, STATUS_UNAVAILABLE,
			"VM %s has no console vmconsoled can open: it has no serial device",
			guest_name(call->guest));
	else if (r < 0)
		return refuse_console(call, call->device, r);
	return r;
}

int verb_kept_console(struct verb_call *call, const char *device, struct console **out)
{
	int r = guest_console(call->guest, device, out);

	return r < 0 ? refuse_console(call, device, r) : 0;
}

int verb_allowed(struct verb_call *call, unsigned right)
{
	unsigned have = call->guest ? login_rights(call->login, call->guest)
				    : login_host_rights(call->login);

	if ((have & right) == right)
		return 0;
	channel_exit(call->channel, STATUS_DENIED, "permission denied: %s on %s%s",
		right_name(right), call->guest ? "VM " : "this host",
		call->guest ? guest_name(call->guest) : "");
	return -EACCES;
}

const char *verb_lease_token(const struct verb_call *call, const char *option)
{
	return option ? option : channel_lease(call->channel);
}

size_t verb_words(const struct verb_call *call, char out[WIRE_COMMAND_MAX + 1])
{
	size_t len = 0;

	*out = '\0';
	for (int i = 0; i < call->argc; i++) {
		size_t word = strlen(call->argv[i]);

		/* All of them came in one command. */
		if (len + word + 1 > WIRE_COMMAND_MAX)
			break;
		if (i > 0)
			out[len++] = ' ';
		memcpy(out + len, call->argv[i], word + 1);
		len += word;
	}
	return len;
}

static int begin(struct verb_call *call)
{
	if (call->guest)
		audit_trail_guest(channel_trail(call->channel), guest_uuid_text(call->guest),
			guest_name(call->guest));
	if (call->verb->right && verb_allowed(call, call->verb->right) < 0)
		return -EACCES;
	channel_need(call->channel, call->guest, call->verb->right);
	return 0;
}

void verb_run_call(struct verb_call *call)
{
	max_align_t options[VERB_OPTIONS_ROOM / sizeof(max_align_t)] = {0};

	if (call->verb->options_size > sizeof(options))
		channel_exit(call->channel, STATUS_INTERNAL, "%s has too many options",
			call->verb->name);
	else if (begin(call) == 0 && verb_options_read(call, options) == 0)
		call->verb->run(call, options);
}

/* A name that looks like an option is never taken for a VM's: the user is told the UUID, if it is
 * one of his. True: the channel has been ended. */
bool verb_is_dashed_guest(struct verb_call *call, const char *word)
{
	char name[WIRE_LOGIN_MAX + 1], text[512];
	const char *device;
	struct guest *g;
	int r;

	if (strlen(word) >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%s", word);
	r = login_resolve(call->login, name, &g, &device, text);
	if (r == -ENOENT)
		return false;
	if (r == 0)
		snprintf(text, sizeof(text),
			"%.200s: a VM whose name begins with a dash is given "
			"by its UUID: %s%s%s",
			word, guest_uuid_text(g), device ? "+" : "", device ? device : "");
	channel_exit(call->channel, STATUS_USAGE, "%s: %s", call->verb->name, text);
	return true;
}

/* Which VM the call is about: the login's, or an argument. */
int verb_find_guest(struct verb_call *call)
{
	char name[WIRE_LOGIN_MAX + 1];
	int r;

	if (call->verb->scope == VERB_HOST)
		return 0;
	if (login_is_host(call->login)) {
		if (call->argc == 0 || call->argv[0][0] == '-') {
			if (call->verb->scope == VERB_EITHER)
				return 0;
			if (call->argc == 0)
				channel_exit(call->channel, STATUS_USAGE, "%s: which VM? usage: %s",
					call->verb->name, call->verb->usage);
			else if (!verb_is_dashed_guest(call, call->argv[0]))
				channel_exit(call->channel, STATUS_USAGE,
					"%s: the VM comes before %s; one whose name begins with a "
					"dash is given by its UUID",
					call->verb->name, call->argv[0]);
			return -EINVAL;
		}
		call->argc--;
		return verb_resolve(call, *call->argv++);
	}
	snprintf(name, sizeof(name), "%s", login_name(call->login));
	r = verb_resolve(call, name);
	if (r == 0 && call->device) {
		/* The device's name lies in the copy; the login's own text says the same. */
		call->device = strrchr(login_name(call->login), '+') + 1;
	}
	return r;
}
