/* Task: the verb ticket: a password for one VM. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "auth/tickets.h"
#include "broker/access/access.h"
#include "broker/admin/admin.h"
#include "broker/login/login.h"
#include "broker/login/maker.h"
#include "broker/verb/json.h"
#include "config/rights.h"
#include "console/guest/guest.h"

#define TTL_DEFAULT 120
#define USES_DEFAULT 1
#define TEXT_OF(number) #number
#define NUMBER_TEXT(number) TEXT_OF(number)
#define USES_MAX_TEXT NUMBER_TEXT(TICKET_USES_MAX)

struct ticket_arguments {
	struct option_number ttl, uses;
};

static void record(struct verb_call *call, unsigned ttl, unsigned uses)
{
	const struct identity *identity = login_identity(call->login);
	char reason[64];

	snprintf(reason, sizeof(reason), "%u uses within %u s", uses, ttl);
	deeds_write(login_context(call->login)->deeds,
		&(struct audit_record){.event = "ticket",
			.session = channel_tag(call->channel),
			.source = login_address(call->login),
			.login = login_name(call->login),
			.identity = identity->text,
			.fingerprint = *identity->fingerprint ? identity->fingerprint : NULL,
			.vm_uuid = guest_uuid_text(call->guest),
			.vm_name = guest_name(call->guest),
			.reason = reason},
		true);
}

static void say_why_not(struct verb_call *call, int error)
{
	if (error == -ENOSPC)
		channel_exit(call->channel, STATUS_BUSY,
			"no ticket: %d tickets are valid at once, which is the most; try again "
			"when "
			"some have ended",
			TICKETS_MAX);
	else if (error == -ELOOP)
		channel_exit(call->channel, STATUS_DENIED,
			"no ticket: you came by a ticket that was made with a ticket, %d in a row; "
			"log in with a key to make one",
			MAKERS_MAX);
	else
		channel_exit(call->channel, STATUS_INTERNAL, "no ticket: %s",
			error == -ENOMEM ? "the service is out of memory; try again later"
					 : "the system gives no random numbers; try again later");
}

static void make(struct verb_call *call, unsigned ttl, unsigned uses)
{
	const struct broker_context *context = login_context(call->login);
	int64_t now = (int64_t)(loop_now(login_loop(call->login)) / LOOP_SECOND);
	char text[TICKET_ROOM];
	struct ticket_maker maker = {
		.text = login_identity(call->login)->text, .drop = maker_unref};
	struct maker *by = NULL;
	int r = maker_create(call->login, &by);

	maker.by = by;
	if (r == 0)
		r = tickets_make(context->tickets, guest_uuid_text(call->guest), &maker, ttl, uses,
			now, text);
	if (r < 0) {
		say_why_not(call, r);
		return;
	}
	record(call, ttl, uses);
	if (call->json)
		json_answer(call->channel, json_pack("{s:s,s:i,s:i}", "ticket", text, "seconds",
						   (int)ttl, "uses", (int)uses));
	else
		channel_print(call->channel, "%s\n", text);
	explicit_bzero(text, sizeof(text));
	channel_exit(call->channel, STATUS_OK, NULL);
}

static void run(struct verb_call *call, const void *options)
{
	const struct ticket_arguments *arguments = options;

	if (!(access_methods(login_context(call->login)->access) & WIRE_CAN_PASSWORD))
		channel_exit(call->channel, STATUS_UNAVAILABLE,
			"ticket: no [access] section is for tickets");
	else
		make(call, (unsigned)(arguments->ttl.value / LOOP_SECOND),
			(unsigned)arguments->uses.value);
}

static const struct verb_option ticket_options[] = {
	{"ttl", OPTION_DURATION, offsetof(struct ticket_arguments, ttl), "120s",
		.help = "how long it is good for", .least = LOOP_SECOND,
		.most = TICKET_TTL_MAX * LOOP_SECOND, .unless = TTL_DEFAULT * LOOP_SECOND,
		.cure = "write a time from 1s to 7d"},
	{"uses", OPTION_NUMBER, offsetof(struct ticket_arguments, uses), "1",
		.help = "how often it is good for a login", .least = 1, .most = TICKET_USES_MAX,
		.unless = USES_DEFAULT, .cure = "write a number from 1 to " USES_MAX_TEXT},
	VERB_OPTION_JSON,
};

const struct verb verb_ticket = {.name = "ticket",
	.example = "--ttl 10m",
	.scope = VERB_GUEST,
	.right = RIGHT_ADMIN,
	.usage = "ticket [--ttl 120s] [--uses 1] [--json]",
	.summary = "make a password for the console of a VM",
	VERB_OPTIONS(ticket_options, struct ticket_arguments),
	.run = run};
