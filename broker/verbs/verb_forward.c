/*
 * Task: the verb forward: a connection to the upstream of [https], made here and handed to the
 * https door, which can make none. Owner: the channel. Knows no HTTP but the fields that say who
 * asks.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/identity.h"
#include "broker/login/login.h"
#include "broker/verbs/verbs.h"
#include "config/config.h"
#include "config/rights.h"
#include "config/upstream.h"
#include "core/text/escape.h"
#include "core/io.h"
#include "core/log.h"

#define CONNECT_US (10 * LOOP_SECOND)
#define PATH_SHOWN 200

struct forward_call {
	struct channel *channel;
	char *upstream; /* as it was configured */
	int fd;         /* kept when it is handed over, to be taken back */
	bool given;     /* the door has it too */
	struct loop_io *io;
	struct loop_timer *timer;
};

static void stop_waiting(struct forward_call *c)
{
	loop_io_del(&c->io);
	loop_timer_del(&c->timer);
}

/* The door hears of the end before the socket ends: it must not take that for the end of an answer
 * that is whole. */
static void call_exits(void *arg, const char *reason)
{
	stop_waiting(arg);
}

/* The channel lets go. A door that does not close the socket cannot use it any more: what it has is
 * the same one as ours. */
static void call_end(void *arg)
{
	struct forward_call *c = arg;

	stop_waiting(c);
	if (c->given)
		shutdown(c->fd, SHUT_RDWR);
	fd_close(&c->fd);
	free(c->upstream);
	loop_defer(login_loop(channel_login(c->channel)), free, c);
}

static const char *upstream_of(const struct login *login)
{
	return login_context(login)->config->https.upstream;
}

/* A reload may have taken the upstream away, to which a connection may last for ever. */
static void call_rights_changed(void *arg)
{
	struct forward_call *c = arg;

	if (strcmp(c->upstream, upstream_of(channel_login(c->channel))) != 0)
		channel_exit(c->channel, STATUS_UNAVAILABLE,
			"the upstream of [https] is another one now");
}

static const struct channel_ops channel_ops = {
	.exits = call_exits, .rights_changed = call_rights_changed, .end = call_end};

/* Who asks, in words that the door cannot have made. The subject may hold any byte. */
static void identity_fields(const struct login *login, char out[WIRE_FIELDS_MAX])
{
	static const char certificate[] = "cert:";
	const char *who = login_identity(login)->text;
	char text[ESCAPE_ROOM(1024)];

	if (strncmp(who, certificate, strlen(certificate)) == 0)
		who += strlen(certificate);
	escape_text(who, strnlen(who, 1024), text, sizeof(text));
	snprintf(out, WIRE_FIELDS_MAX,
		"X-Forwarded-For: %s\r\nX-Forwarded-Proto: https\r\nX-Client-Subject: %s\r\n",
		login_address(login), text);
}

static void fail(struct forward_call *c, int error)
{
	channel_exit(c->channel, error == -ETIMEDOUT ? STATUS_TIMEOUT : STATUS_UNAVAILABLE,
		"the upstream cannot be reached: %s", strerror(-error));
}

static void hand_over(struct forward_call *c)
{
	char fields[WIRE_FIELDS_MAX];
	int r;

	identity_fields(channel_login(c->channel), fields);
	r = channel_hand_over(c->channel, c->fd, fields);
	stop_waiting(c);
	c->given = r == 0;
	if (r < 0)
		fail(c, r);
	/* From now on the channel is there to be ended, by whoever is first. */
}

static void on_connected(void *arg, uint32_t revents)
{
	struct forward_call *c = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		fail(c, -error);
	else
		hand_over(c);
}

static void on_late(void *arg)
{
	fail(arg, -ETIMEDOUT);
}

/* 0; 1: on_connected follows; -errno. */
static int dial(struct forward_call *c, const char *text)
{
	struct loop *loop = login_loop(channel_login(c->channel));
	struct config_upstream upstream;
	char why[UPSTREAM_WHY_MAX];
	int r = config_upstream_parse(text, &upstream, why);

	if (r < 0)
		return r;
	c->fd = socket(upstream.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, (const struct sockaddr *)&upstream.sa, upstream.sa_len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	r = loop_io_add(loop, &c->io, c->fd, EPOLLOUT, on_connected, c);
	if (!r)
		r = loop_timer_add(loop, &c->timer, on_late, c);
	if (r < 0)
		return r;
	loop_timer_set(c->timer, CONNECT_US, LOOP_SECOND);
	return 1;
}

static void run(struct verb_call *call, const void *options)
{
	const char *upstream = upstream_of(call->login);
	struct forward_call *c;
	int r;

	if (call->argc != 2 || !*upstream) {
		channel_exit(call->channel, STATUS_NOT_FOUND, "there is no upstream");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c)
		c->upstream = strdup(upstream);
	if (!c || !c->upstream) {
		free(c);
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	log_write(LOG_LEVEL_INFO, channel_tag(call->channel), "forwards %.16s %.*s", call->argv[0],
		PATH_SHOWN, call->argv[1]);
	c->channel = call->channel;
	c->fd = -1;
	channel_set_handler(call->channel, &channel_ops, c);
	r = dial(c, upstream);
	if (r == 0)
		hand_over(c);
	else if (r < 0)
		fail(c, r);
}

const struct verb verb_forward = {.name = "forward",
	.example = "GET /status",
	.scope = VERB_HOST,
	.right = RIGHT_FORWARD,
	.caller = VERB_FOR_HTTPS,
	.usage = "forward METHOD PATH",
	.summary = "a connection to the upstream of [https]",
	.arguments = VERB_ANY,
	.run = run};
