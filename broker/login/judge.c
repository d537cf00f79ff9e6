/* Task: see judge.h. Owner: nobody; no state. */
#include "broker/login/judge.h"
#include "broker/login/lease_holder.h"
#include "broker/login/login.h"
#include "config/rights.h"
#include "console/guest/guest.h"

static void judge(struct channel *c)
{
	const struct login *login = channel_login(c);
	const struct guest *g = channel_guest(c);
	unsigned have = g ? login_rights(login, g) : login_host_rights(login);
	unsigned missing = channel_needs(c) & ~have;

	if (missing)
		channel_exit(c, STATUS_DENIED, "the right to %s %s%s was withdrawn",
			right_name(missing & -missing), g ? "VM " : "on this host",
			g ? guest_name(g) : "");
	else
		channel_rights_changed(c);
}

/* The channels of a login that are about the guest; NULL: all. An end may end others. */
static void judge_channels(struct login *login, const struct guest *guest)
{
	struct channel *c, *next;

	for (c = login_first_channel(login); c; c = next) {
		next = channel_next(c);
		/* One that is about the host may be about all its guests. */
		if (!channel_is_exiting(c) &&
			(!guest || !channel_guest(c) || channel_guest(c) == guest))
			judge(c);
	}
}

void judge_login(struct login *login)
{
	judge_channels(login, NULL);
}

static void judge_logins(const struct broker_context *context, const struct guest *guest)
{
	struct login *login, *next;

	for (login = LIST_FIRST(context->logins); login; login = next) {
		next = login_next(login);
		judge_channels(login, guest);
	}
	lease_holders_judge(context, guest);
}

void judge_guest(const struct broker_context *context, const struct guest *guest)
{
	judge_logins(context, guest);
}

void judge_all(const struct broker_context *context)
{
	judge_logins(context, NULL);
}
