/* Task: the verb ticket: a password for one VM. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/tickets.h"
#include "broker/access/access.h"
#include "broker/admin/admin.h"
#include "broker/login/login.h"
#include "broker/verb/verb.h"
#include "config/values.h"
#include "console/guest/guest.h"

#define TTL_DEFAULT 120
#define USES_DEFAULT 1

/* Whole seconds, at least one. */
static int parse_ttl(const char *text, unsigned *out)
{
	uint64_t us;

	if (value_duration(text, &us) < 0 || us < LOOP_SECOND || us / LOOP_SECOND > TICKET_TTL_MAX)
		return -EINVAL;
	*out = (unsigned)(us / LOOP_SECOND);
	return 0;
}

static int parse_uses(const char *text, unsigned *out)
{
	uint64_t uses;

	if (value_number(text, &uses) < 0 || uses == 0 || uses > TICKET_USES_MAX)
		return -EINVAL;
	*out = (unsigned)uses;
	return 0;
}

static void record(struct verb_call *call, unsigned ttl, unsigned uses)
{
	const struct identity *identity = login_identity(call->login);
	char reason[64];

	snprintf(reason, sizeof(reason), "%u uses within %u s", uses, ttl);
	audit_write(login_context(call->login)->audit,
		&(struct audit_record){.event = "ticket",
			.session = channel_tag(call->channel),
			.source = login_address(call->login),
			.login = login_name(call->login),
			.identity = identity->text,
			.fingerprint = *identity->fingerprint ? identity->fingerprint : NULL,
			.vm_uuid = guest_uuid_text(call->guest),
			.vm_name = guest_name(call->guest),
			.reason = reason});
}

static void make(struct verb_call *call, unsigned ttl, unsigned uses)
{
	const struct broker_context *context = login_context(call->login);
	int64_t now = (int64_t)(loop_now(login_loop(call->login)) / LOOP_SECOND);
	char text[TICKET_ROOM];
	int r = tickets_make(context->tickets, guest_uuid_text(call->guest),
		login_identity(call->login)->text, ttl, uses, now, text);

	if (r < 0) {
		channel_exit(call->channel, r == -ENOSPC ? STATUS_BUSY : STATUS_INTERNAL,
			"no ticket: %s",
			r == -ENOSPC ? "too many tickets are valid at once" : strerror(-r));
		return;
	}
	record(call, ttl, uses);
	channel_print(call->channel, "%s\n", text);
	explicit_bzero(text, sizeof(text));
	channel_exit(call->channel, STATUS_OK, NULL);
}

void verb_ticket(struct verb_call *call)
{
	const char *ttl_text = NULL, *uses_text = NULL;
	unsigned ttl = TTL_DEFAULT, uses = USES_DEFAULT;
	int ttl_given = 0, uses_given = 0;
	const struct verb_option options[] = {
		{"ttl", OPTION_VALUE, &ttl_given, &ttl_text},
		{"uses", OPTION_VALUE, &uses_given, &uses_text},
	};

	if (verb_options(call, options, 2) < 0 || verb_no_more(call, 0) < 0)
		return;
	if (ttl_given && parse_ttl(ttl_text, &ttl) < 0)
		channel_exit(call->channel, STATUS_USAGE,
			"ticket: invalid --ttl %s: write a time from 1s to 7d", ttl_text);
	else if (uses_given && parse_uses(uses_text, &uses) < 0)
		channel_exit(call->channel, STATUS_USAGE,
			"ticket: invalid --uses %s: write a number from 1 to %d", uses_text,
			TICKET_USES_MAX);
	else if (!(access_methods(login_context(call->login)->access) & WIRE_CAN_PASSWORD))
		channel_exit(call->channel, STATUS_UNAVAILABLE,
			"ticket: no [access] section is for tickets");
	else
		make(call, ttl, uses);
}
