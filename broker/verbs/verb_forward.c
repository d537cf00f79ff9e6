/*
 * Task: the verb forward: a connection to the upstream of [https], made here and handed to the
 * https door, which can make none; where the upstream speaks TLS, through the worker that does.
 * Owner: the channel. Knows no HTTP but the fields that say who asks.
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
#include "broker/login/context.h"
#include "broker/login/login.h"
#include "broker/login/login_counts.h"
#include "broker/upstream/upstream_tls.h"
#include "broker/verbs/verbs.h"
#include "config/config.h"
#include "config/rights.h"
#include "config/upstream.h"
#include "core/text/escape.h"
#include "core/io.h"
#include "core/log.h"

#define CONNECT_US (10 * LOOP_SECOND) /* the handshake of TLS included */
#define PATH_SHOWN 200

/* As it was configured: where the upstream is, and who it must be. */
enum { WHOM_UPSTREAM, WHOM_CA, WHOM_NAME, WHOM_TEXTS };

struct forward_call {
	struct channel *channel;
	char *whom[WHOM_TEXTS];
	struct config_upstream where;
	int fd;     /* kept when it is handed over, to be taken back */
	bool given; /* the door has it too */
	struct upstream_tls *tls;
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
	struct forward_call *c = arg;

	stop_waiting(c);
	upstream_tls_destroy(&c->tls);
}

/* The channel lets go. A door that does not close the socket cannot use it any more: what it has is
 * the same one as ours. */
static void call_end(void *arg)
{
	struct forward_call *c = arg;

	call_exits(c, NULL);
	if (c->given)
		shutdown(c->fd, SHUT_RDWR);
	fd_close(&c->fd);
	for (size_t i = 0; i < WHOM_TEXTS; i++)
		free(c->whom[i]);
	loop_defer(login_loop(channel_login(c->channel)), free, c);
}

static void whom_now(const struct login *login, const char *whom[WHOM_TEXTS])
{
	const struct config *config = login_context(login)->config;

	whom[WHOM_UPSTREAM] = config->https.upstream;
	whom[WHOM_CA] = config->https.upstream_ca;
	whom[WHOM_NAME] = config->https.upstream_name;
}

/* 0 or -ENOMEM. */
static int remember_whom(struct forward_call *c, const char *const whom[WHOM_TEXTS])
{
	for (size_t i = 0; i < WHOM_TEXTS; i++) {
		c->whom[i] = strdup(whom[i]);
		if (!c->whom[i])
			return -ENOMEM;
	}
	return 0;
}

/* A reload may have taken the upstream away, to which a connection may last for ever, or want
 * another authority or name of it than it has shown. */
static void call_rights_changed(void *arg)
{
	const struct forward_call *c = arg;
	const char *whom[WHOM_TEXTS];
	bool same = true;

	whom_now(channel_login(c->channel), whom);
	for (size_t i = 0; i < WHOM_TEXTS; i++)
		same = same && strcmp(c->whom[i], whom[i]) == 0;
	if (!same)
		channel_exit(c->channel, STATUS_UNAVAILABLE,
			"the upstream of [https] is another one now");
}

static const struct channel_ops channel_ops = {
	.exits = call_exits, .rights_changed = call_rights_changed, .end = call_end};

/* Who asks, in words that the door cannot have made. The subject may hold any byte; who has shown
 * no certificate has none. */
static void identity_fields(const struct login *login, char out[WIRE_FIELDS_MAX])
{
	static const char certificate[] = "cert:";
	const size_t kind = strlen(certificate);
	const char *who = login_identity(login)->text;
	char text[ESCAPE_ROOM(1024)];
	int n = snprintf(out, WIRE_FIELDS_MAX, "X-Forwarded-For: %s\r\nX-Forwarded-Proto: %s\r\n",
		login_has_address(login) ? login_address(login) : LOGIN_LOOPBACK,
		login_kind_name(login_kind(login)));

	if (strncmp(who, certificate, kind) != 0 || n < 0)
		return;
	escape_text(who + kind, strnlen(who + kind, 1024), text, sizeof(text));
	snprintf(out + n, WIRE_FIELDS_MAX - (size_t)n, "X-Client-Subject: %s\r\n", text);
}

static void fail(struct forward_call *c, enum status status, const char *why)
{
	channel_exit(c->channel, status, "the upstream cannot be reached: %s", why);
}

static void hand_over(struct forward_call *c)
{
	char fields[WIRE_FIELDS_MAX];
	int r;

	identity_fields(channel_login(c->channel), fields);
	r = channel_hand_over(c->channel, c->fd, fields, c->tls != NULL);
	stop_waiting(c);
	c->given = r == 0;
	if (r < 0)
		fail(c, STATUS_UNAVAILABLE, strerror(-r));
	/* From now on the channel is there to be ended, by whoever is first. */
}

/* --- TLS --- */

static void on_ready(void *arg)
{
	hand_over(arg);
}

static void on_ended(void *arg, const char *why)
{
	struct forward_call *c = arg;

	if (!why)
		channel_exit(c->channel, STATUS_OK, NULL);
	else if (!c->given)
		fail(c, STATUS_UNAVAILABLE, why);
	else
		channel_exit(c->channel, STATUS_UNAVAILABLE,
			"the upstream broke the connection off: %s", why);
}

static void wrap(struct forward_call *c)
{
	const struct login *login = channel_login(c->channel);
	const char *name = c->whom[WHOM_NAME];
	const struct upstream_tls_options options = {.worker = login_context(login)->upstream,
		.fd = c->fd,
		.name = *name ? name : c->where.host,
		.owner = login_identity(login)->text,
		.is_near = config_address_is_local(&c->where.sa),
		.ready = on_ready,
		.ended = on_ended,
		.arg = c};
	int r;

	c->fd = -1;
	r = upstream_tls_create(&options, &c->fd, &c->tls);
	if (r == -EBUSY || r == -EDQUOT)
		fail(c, STATUS_UNAVAILABLE, "too many requests are with it");
	else if (r < 0)
		fail(c, STATUS_UNAVAILABLE, strerror(-r));
}

/* --- the connection --- */

static void connected(struct forward_call *c)
{
	loop_io_del(&c->io);
	if (c->where.tls)
		wrap(c);
	else
		hand_over(c);
}

static void on_connected(void *arg, uint32_t revents)
{
	struct forward_call *c = arg;
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		fail(c, STATUS_UNAVAILABLE, strerror(error));
	else
		connected(c);
}

static void on_late(void *arg)
{
	struct forward_call *c = arg;

	fail(c, STATUS_TIMEOUT,
		c->tls ? "it does not answer the handshake of TLS" : strerror(ETIMEDOUT));
}

/* 0; 1: on_connected follows; -errno. */
static int dial(struct forward_call *c)
{
	struct loop *loop = login_loop(channel_login(c->channel));
	char why[UPSTREAM_WHY_MAX];
	int r = config_upstream_parse(c->whom[WHOM_UPSTREAM], &c->where, why);

	if (!r)
		r = loop_timer_add(loop, &c->timer, on_late, c);
	if (r < 0)
		return r;
	loop_timer_set(c->timer, CONNECT_US, LOOP_SECOND);
	c->fd = socket(c->where.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, (const struct sockaddr *)&c->where.sa, c->where.sa_len) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	r = loop_io_add(loop, &c->io, c->fd, EPOLLOUT, on_connected, c);
	return r < 0 ? r : 1;
}

static void run(struct verb_call *call, const void *options)
{
	const char *whom[WHOM_TEXTS];
	struct forward_call *c;
	int r;

	whom_now(call->login, whom);
	if (call->argc != 2 || !*whom[WHOM_UPSTREAM]) {
		channel_exit(call->channel, STATUS_NOT_FOUND, "there is no upstream");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c) {
		channel_exit(call->channel, STATUS_INTERNAL, "out of memory");
		return;
	}
	log_write(LOG_LEVEL_INFO, channel_tag(call->channel), "forwards %.16s %.*s", call->argv[0],
		PATH_SHOWN, call->argv[1]);
	c->channel = call->channel;
	c->fd = -1;
	channel_set_handler(call->channel, &channel_ops, c);
	r = remember_whom(c, whom);
	if (r == 0)
		r = dial(c);
	if (r == 0)
		connected(c);
	else if (r < 0)
		fail(c, STATUS_UNAVAILABLE, strerror(-r));
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
