/*
 * Task: the end of a login: its sessions first, with a status and a reason, then BYE; or all at
 * once. Owner: the broker.
 */
#include <stdlib.h>
#include <string.h>

#include "broker/login/login_private.h"

#define END_US (5 * LOOP_SECOND) /* for the door to close after BYE */

/* Nothing of it comes back to the login. */
static void cancel_attempt(struct login *login)
{
	if (login->attempt.cancel)
		login->attempt.cancel(login);
}

void login_say_bye(struct login *login)
{
	const char *reason = login->bye_reason ? login->bye_reason : "";

	login->state = LOGIN_SAID_BYE;
	loop_timer_set(login->timer, END_US, 0);
	if (line_send(&login->line, WIRE_BYE, &login->bye, reason,
		    strnlen(reason, WIRE_REASON_MAX)) < 0)
		login_close(login, "the door does not answer");
}

void login_channel_closed(struct login *login, const struct audit_trail *trail)
{
	struct login_counts *counts = login->options.context->counts;

	counts->bytes_in[login->options.kind] += trail->bytes_in;
	counts->bytes_out[login->options.kind] += trail->bytes_out;
	login->channel_count--;
	if (login->state == LOGIN_ENDING && login->channel_count == 0)
		login_say_bye(login);
}

void login_end(struct login *login, enum status status, const char *reason)
{
	struct channel *c, *next;

	if (login->state >= LOGIN_ENDING)
		return;
	cancel_attempt(login);
	login->state = LOGIN_ENDING;
	login->bye.status = status;
	login->bye_reason = strdup(reason);
	loop_timer_set(login->timer, END_US, 0);
	if (login->channel_count == 0) {
		login_say_bye(login);
		return;
	}
	/* The last one to go says goodbye, and may find the whole connection gone. */
	for (c = LIST_FIRST(&login->channels); c && login->state == LOGIN_ENDING; c = next) {
		next = channel_next(c);
		channel_exit(c, status, "%s", reason);
	}
}

static void free_login(void *arg)
{
	struct login *login = arg;

	login_forget_rights(login);
	identity_destroy(login->identity);
	while (login->factor_count > 0)
		factor_finish(&login->factors[--login->factor_count]);
	free(login->name);
	free(login->who);
	free(login->bye_reason);
	free(login);
}

void login_close(struct login *login, const char *why)
{
	struct channel *c;
	bool was_known = login->identity;

	if (login->state == LOGIN_CLOSED)
		return;
	login->state = LOGIN_CLOSED;
	cancel_attempt(login);
	while ((c = LIST_FIRST(&login->channels))) {
		channel_hear_out(c);
		channel_close(c);
	}
	log_write(was_known ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, login->tag, "%s left: %s",
		login_who(login), why);
	loop_io_del(&login->io);
	loop_timer_del(&login->timer);
	loop_timer_del(&login->verdict);
	loop_timer_del(&login->expiry);
	line_finish(&login->line);
	LIST_REMOVE(login, entry);
	loop_defer(login_loop(login), free_login, login);
	if (login->options.closed)
		login->options.closed(login->options.arg);
}
