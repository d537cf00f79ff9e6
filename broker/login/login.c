/*
 * Task: a login line: its beginning, what comes over it, its channels. Owner: the broker.
 * Everything that comes over it is hostile: the door may be broken.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/login/login_private.h"
#include "config/config.h"

#define READ_ROUNDS 8

/* --- channels --- */

/* A descriptor that came over a line may be anything; only a line will do. */
static bool is_line(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX &&
	       getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static void on_open(struct login *login, struct line_message *m)
{
	uint64_t max = login->options.context->config->ssh.max_channels;
	struct channel *c;
	int fd = line_take_fd(m, 0);

	/* The door keeps the limit itself; this is for a broken one, and for local programs. */
	if (login->state != LOGIN_KNOWN || login->channel_count >= max || !is_line(fd)) {
		close(fd);
		return;
	}
	if (channel_accept(&login->channel_owner, fd, login->channel_number++, &c) < 0) {
		close(fd);
		return;
	}
	channel_link(c, &login->channels);
	login->channel_count++;
}

/* --- events --- */

static void on_message(struct login *login, struct line_message *m)
{
	switch (m->type) {
	case WIRE_CLIENT:
		snprintf(login->client, sizeof(login->client), "%.*s", (int)m->payload_len,
			(const char *)m->payload);
		break;
	case WIRE_AUTH:
		login_auth_message(login, m);
		break;
	case WIRE_OPEN:
		on_open(login, m);
		break;
	default: /* the table lets no other type through */
		break;
	}
}

/* r: what line_receive said. */
static void on_line_end(struct login *login, int r)
{
	if (r == -EACCES)
		login_record_foreign(login);
	if (r < 0)
		log_write(LOG_LEVEL_DEBUG, login->tag, "login line: %s", strerror(-r));
	login_close(login, r ? "it broke the protocol" : "connection closed");
}

static void on_io(void *arg, uint32_t revents)
{
	struct login *login = arg;
	struct line_message m;
	int i, r;

	for (i = 0; i < READ_ROUNDS && login->state != LOGIN_CLOSED; i++) {
		r = line_receive(&login->line, &m);
		if (r == -EAGAIN)
			return;
		if (r == -EMFILE) { /* its door sees the channel's line end */
			log_write(LOG_LEVEL_WARNING, login->tag, "channel not opened: %s",
				strerror(EMFILE));
			continue;
		}
		if (r <= 0) {
			on_line_end(login, r);
			return;
		}
		on_message(login, &m);
		line_message_finish(&m);
	}
}

static void on_grace_over(struct login *login)
{
	uint64_t grace = login->options.context->config->ssh.login_grace;
	char reason[64];

	snprintf(reason, sizeof(reason), "no login within %llu s",
		(unsigned long long)(grace / LOOP_SECOND));
	if (login->options.expired)
		login->options.expired(login->options.arg, !login->name);
	login_end(login, STATUS_TIMEOUT, reason);
}

static void on_timer(void *arg)
{
	struct login *login = arg;

	switch (login->state) {
	case LOGIN_UNKNOWN:
		on_grace_over(login);
		break;
	case LOGIN_ENDING:
		login_say_bye(login);
		break;
	case LOGIN_KNOWN: /* it is stopped then */
	case LOGIN_SAID_BYE:
	case LOGIN_CLOSED:
		login_close(login, "connection did not end by itself");
		break;
	}
}

/* For who connects and says nothing, or never what would do; a door's own clock is slower. */
static void begin_grace(struct login *login)
{
	loop_timer_set(login->timer, login->options.context->config->ssh.login_grace, 0);
}

/* --- life --- */

static bool may_pty(const struct login *login)
{
	return login->identity->pty_allowed;
}

static void write_address(struct login *login)
{
	const struct login_options *o = &login->options;

	if (o->address || login_is_local(login))
		snprintf(login->address, sizeof(login->address), "%s",
			o->address ? o->address : "local");
	else
		snprintf(login->address, sizeof(login->address), "uid %u", (unsigned)o->peer->uid);
}

int login_create(const struct login_options *options, struct login **out)
{
	struct login *login = calloc(1, sizeof(*login));
	int r;

	if (!login)
		return -ENOMEM;
	login->options = *options;
	line_init(&login->line, options->fd, login_kind_line(options->kind), WIRE_BROKER);
	LIST_INIT(&login->channels);
	login->channel_owner = (struct channel_owner){.login = login,
		.loop = login_loop(login),
		.deeds = options->context->deeds,
		.tag = login->tag,
		.is_told_begin = login_is_web(login),
		.may_pty = may_pty,
		.asked = options->context->asked,
		.files_asked = options->context->files_asked,
		.who = login_record_who,
		.closed = login_channel_closed};
	snprintf(login->tag, sizeof(login->tag), "c%llu", (unsigned long long)options->id);
	write_address(login);
	snprintf(login->client, sizeof(login->client), "%s",
		options->kind == LOGIN_LOCAL ? "vmconsolectl" : "unknown");
	if (options->peer)
		login->peer = *options->peer;
	r = loop_timer_add(login_loop(login), &login->timer, on_timer, login);
	if (!r)
		r = loop_timer_add(
			login_loop(login), &login->verdict, login_auth_on_verdict, login);
	if (!r)
		r = loop_timer_add(login_loop(login), &login->expiry, login_on_expiry, login);
	if (!r)
		r = loop_io_add(login_loop(login), &login->io, options->fd, EPOLLIN, on_io, login);
	if (r < 0) {
		loop_timer_del(&login->timer);
		loop_timer_del(&login->verdict);
		loop_timer_del(&login->expiry);
		free(login);
		return r;
	}
	begin_grace(login);
	*out = login;
	return 0;
}
