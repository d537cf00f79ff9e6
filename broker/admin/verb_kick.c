/* Task: the verb kick: an administrator ends a session, or a whole connection. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "broker/admin/admin.h"
#include "broker/login/login.h"
#include "config/rights.h"
#include "console/guest/console.h"
#include "console/guest/directory.h"
#include "console/guest/guest.h"

/* The guest that a channel watches; NULL: none. */
static struct guest *guest_of(struct directory *d, const struct channel *channel)
{
	size_t cursor = 0, i;
	struct guest *g;

	while ((g = directory_next(d, &cursor))) {
		struct console *c;

		for (i = 0; (c = guest_console_at(g, i)); i++) {
			const struct viewer *v = NULL;

			while ((v = console_next_viewer(c, v))) {
				if (viewer_channel(v) == channel)
					return g;
			}
		}
	}
	return NULL;
}

static bool may_kick(struct verb_call *call, const struct channel *channel)
{
	struct guest *g = guest_of(login_context(call->login)->directory, channel);

	if (login_host_rights(call->login) & RIGHT_ADMIN)
		return true;
	return g && (login_rights(call->login, g) & RIGHT_ADMIN);
}

/* 1 when the session was found (and ended, if the caller may). */
static int kick_session(struct verb_call *call, const char *tag)
{
	const struct login *login;
	struct channel *c;

	for (login = LIST_FIRST(login_context(call->login)->logins); login;
		login = login_next(login)) {
		for (c = login_first_channel(login); c; c = channel_next(c)) {
			if (strcmp(channel_tag(c), tag) != 0 || !may_kick(call, c))
				continue;
			channel_exit(c, STATUS_KICKED, "ended by %s", login_who(call->login));
			return 1;
		}
	}
	return 0;
}

static int kick_connection(struct verb_call *call, const char *tag)
{
	struct login *login;

	if (!(login_host_rights(call->login) & RIGHT_ADMIN))
		return 0;
	for (login = LIST_FIRST(login_context(call->login)->logins); login;
		login = login_next(login)) {
		char reason[512];

		if (strcmp(login_tag(login), tag) != 0 || login == call->login)
			continue;
		snprintf(reason, sizeof(reason), "ended by %s", login_who(call->login));
		login_end(login, STATUS_KICKED, reason);
		return 1;
	}
	return 0;
}

static void run(struct verb_call *call, const void *options)
{
	const char *tag;

	if (call->argc != 1) {
		channel_exit(call->channel, STATUS_USAGE, "kick: usage: %s", call->verb->usage);
		return;
	}
	tag = call->argv[0];
	if (strcmp(tag, channel_tag(call->channel)) == 0)
		channel_exit(call->channel, STATUS_USAGE, "kick: this is your own session");
	else if (kick_session(call, tag) || kick_connection(call, tag))
		channel_exit(call->channel, STATUS_OK, NULL);
	else
		channel_exit(call->channel, STATUS_NOT_FOUND,
			"no session %s that you may end; see: who", tag);
}

const struct verb verb_kick = {.name = "kick",
	.example = "c12.0",
	.scope = VERB_HOST,
	.usage = "kick SESSION",
	.summary = "end a session; who lists them",
	.arguments = VERB_ANY,
	.run = run};
