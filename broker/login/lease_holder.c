/*
 * Task: remember who has leased a keyboard, judge him again, and record the lease's end.
 * Owner: the lease.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/identity.h"
#include "broker/audit/deeds.h"
#include "broker/login/lease_holder.h"
#include "broker/login/login.h"
#include "broker/login/maker.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/lease.h"

struct lease_holder {
	struct deeds *deeds;
	struct maker *maker;
	char *identity, *login, *source;
	char session[32];
};

void lease_holder_destroy(void *holder)
{
	struct lease_holder *h = holder;

	if (!h)
		return;
	maker_unref(h->maker);
	free(h->identity);
	free(h->login);
	free(h->source);
	free(h);
}

int lease_holder_create(const struct channel *channel, struct lease_holder **out)
{
	const struct login *login = channel_login(channel);
	struct lease_holder *h = calloc(1, sizeof(*h));
	int r = h ? maker_create(login, &h->maker) : -ENOMEM;

	if (r == 0) {
		h->deeds = login_context(login)->deeds;
		h->identity = strdup(login_identity(login)->text);
		h->login = strdup(login_name(login));
		h->source = strdup(login_address(login));
		snprintf(h->session, sizeof(h->session), "%s", channel_tag(channel));
		r = h->identity && h->login && h->source ? 0 : -ENOMEM;
	}
	if (r < 0)
		lease_holder_destroy(h);
	else
		*out = h;
	return r;
}

uint64_t lease_holder_time(const struct channel *channel)
{
	int64_t until = login_identity(channel_login(channel))->until, now = (int64_t)time(NULL);

	if (until == IDENTITY_FOREVER)
		return UINT64_MAX;
	return until > now ? (uint64_t)(until - now) * LOOP_SECOND : 0;
}

void lease_holder_ended(void *holder, const struct console *c, const char *how)
{
	struct lease_holder *h = holder;
	const struct guest *g = console_guest(c);

	if (how)
		deeds_write(h->deeds,
			&(struct audit_record){.event = "lease-end",
				.session = h->session,
				.source = h->source,
				.login = h->login,
				.identity = h->identity,
				.vm_uuid = guest_uuid_text(g),
				.vm_name = guest_name(g),
				.device = console_slot(c),
				.reason = how},
			true);
	lease_holder_destroy(h);
}

/* --- all of them --- */

/* The next console that is leased, and its holder; NULL: there is none more. */
static const struct lease_holder *next_holder(
	const struct guest *g, size_t *index, struct console **console)
{
	while ((*console = guest_console_at(g, (*index)++))) {
		const struct lease_info *lease = console_lease(*console);

		if (lease)
			return lease->holder;
	}
	return NULL;
}

static void judge_guest(const struct guest *g)
{
	const struct lease_holder *h;
	struct console *c;
	size_t index = 0;

	while ((h = next_holder(g, &index, &c))) {
		if (!(maker_rights(h->maker, g) & RIGHT_TYPE))
			console_lease_end(c, "the right to type was withdrawn");
	}
}

void lease_holders_judge(const struct broker_context *context, const struct guest *guest)
{
	const struct guest *g;
	size_t cursor = 0;

	if (guest) {
		judge_guest(guest);
		return;
	}
	while ((g = directory_next(context->directory, &cursor)))
		judge_guest(g);
}

void lease_holders_ask_again(const struct broker_context *context)
{
	const struct lease_holder *h;
	struct console *c;
	size_t cursor = 0;
	struct guest *g;

	while ((g = directory_next(context->directory, &cursor))) {
		size_t index = 0;

		while ((h = next_holder(g, &index, &c)))
			maker_ask_again(h->maker);
	}
}
