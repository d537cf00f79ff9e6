/* Task: record what was done on a channel. Owner: the channel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/audit/audit_trail.h"
#include "broker/broker.h"
#include "broker/channel/channel.h"

static void fill(const struct channel *channel, struct audit_record *r)
{
	const struct audit_trail *t = channel_trail((struct channel *)(uintptr_t)channel);
	const struct login *login = channel_login(channel);
	const struct identity *identity = login_identity(login);

	*r = (struct audit_record){.session = channel_tag(channel),
		.source = login_address(login),
		.login = login_name(login),
		.identity = identity ? identity->text : NULL,
		.fingerprint = identity && *identity->fingerprint ? identity->fingerprint : NULL,
		.verb = t->verb,
		.vm_uuid = *t->vm_uuid ? t->vm_uuid : NULL,
		.vm_name = t->vm_name,
		.device = t->device};
}

void audit_trail_verb(struct channel *channel, const char *verb)
{
	struct audit_trail *t = channel_trail(channel);

	snprintf(t->verb, sizeof(t->verb), "%s", verb);
	t->begun = loop_now(login_loop(channel_login(channel)));
}

void audit_trail_guest(struct channel *channel, const struct guest *guest)
{
	struct audit_trail *t = channel_trail(channel);

	snprintf(t->vm_uuid, sizeof(t->vm_uuid), "%s", guest_uuid_text(guest));
	free(t->vm_name);
	t->vm_name = strdup(guest_name(guest));
}

void audit_trail_session(struct channel *channel, const struct guest *guest, const char *device)
{
	struct audit_trail *t = channel_trail(channel);
	struct audit_record r;

	audit_trail_guest(channel, guest);
	free(t->device);
	t->device = strdup(device);
	t->is_session = 1;
	if (!*t->verb) /* out of the menu */
		audit_trail_verb(channel, "attach");
	fill(channel, &r);
	r.event = "session-begin";
	audit_write(broker_audit(login_broker(channel_login(channel))), &r);
}

void audit_trail_end(struct channel *channel, enum status status, const char *reason)
{
	struct audit_trail *t = channel_trail(channel);
	struct login *login = channel_login(channel);
	struct audit_record r;

	if (t->ended || !*t->verb)
		return;
	t->ended = 1;
	fill(channel, &r);
	r.event = t->is_session ? "session-end" : "verb";
	r.has_end = 1;
	r.status = status;
	r.duration_us = loop_now(login_loop(login)) - t->begun;
	r.bytes_in = t->bytes_in;
	r.bytes_out = t->bytes_out;
	r.reason = reason;
	audit_write(broker_audit(login_broker(login)), &r);
}

void audit_trail_finish(struct audit_trail *t)
{
	free(t->vm_name);
	free(t->device);
	t->vm_name = t->device = NULL;
}
