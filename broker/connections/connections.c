/* Task: from an accepted socket to a login. Owner: the broker. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/throttle.h"
#include "broker/audit/refusals.h"
#include "broker/door/supervisor.h"
#include "broker/listen/sources.h"
#include "broker/connections/connections.h"
#include "broker/login/login_counts.h"
#include "config/config.h"
#include "core/io.h"
#include "core/log.h"
#include "wire/line.h"

#define REFUSED_LOG_US LOOP_SECOND /* one line a second, however many are refused */
#define UNREAD_ROUNDS 16           /* reads of what a refused one has sent, and may go on sending */

struct connections {
	const struct broker_context *context;
	struct sources *sources; /* from the network */
	struct sources *local;   /* of local users */
	struct sources *trusted; /* of root and our own user: no other can take these slots */
	uint64_t next_id;
	loop_fn closed;
	void *arg;
	uint64_t refused, refused_logged_at; /* since the last line, and when that was */
};

/* What hangs on one login. */
struct connection {
	struct connections *owner;
	struct sources *sources;
	struct source_slot slot;
	enum login_kind kind;
	char tag[LOG_TAG_MAX];
	char address[INET6_ADDRSTRLEN]; /* "": it is a unix socket */
	struct ucred user;              /* at the other end of that */
};

static void on_authenticated(void *arg)
{
	struct connection *c = arg;

	sources_authenticated(c->sources, &c->slot);
}

static int64_t now_ms(const struct connections *all)
{
	return (int64_t)(loop_now(all->context->loop) / LOOP_MSEC);
}

static bool is_refused(const struct connections *all, const char *address)
{
	struct net_address source;

	return address_parse(address, &source) == 0 &&
	       throttle_refuses(all->context->throttle, &source, now_ms(all));
}

/* Took a slot for all of the grace time, for nothing: that counts as a guess does. */
static void count_silence(const struct connection *c)
{
	struct connections *all = c->owner;
	struct net_address source;
	int was_refused = is_refused(all, c->address);

	if (address_parse(c->address, &source) < 0)
		return;
	throttle_failed(all->context->throttle, &source, now_ms(all));
	if (!was_refused && is_refused(all, c->address))
		log_warning("connections from %s are refused from now on; to end that: "
			    "vmconsolectl sources --clear %s",
			c->address, c->address);
}

static void record_silence(const struct connection *c)
{
	const char *from = c->address;
	struct audit_record record = {.event = "login-refused",
		.session = c->tag,
		.protocol = login_kind_name(c->kind),
		.reason = "it asked nothing until its time to log in was over"};
	char uid[32];

	snprintf(uid, sizeof(uid), "uid %u", (unsigned)c->user.uid);
	if (!*from)
		from = uid;
	record.source = c->kind == LOGIN_LOCAL ? "local" : from;
	if (refusals_add(c->owner->context->refusals, from, &record))
		log_write(LOG_LEVEL_INFO, c->tag,
			"%s asked nothing until its time to log in was over", from);
}

static void on_expired(void *arg, int silent)
{
	const struct connection *c = arg;

	if (!silent)
		return; /* what it tried has been recorded */
	record_silence(c);
	count_silence(c);
}

static void on_closed(void *arg)
{
	struct connection *c = arg;
	struct connections *owner = c->owner;

	sources_release(c->sources, &c->slot);
	free(c);
	owner->closed(owner->arg);
}

static void log_refused(struct connections *all, const char *peer, const char *why)
{
	uint64_t now = loop_now(all->context->loop);

	all->refused++;
	if (all->refused_logged_at && now - all->refused_logged_at < REFUSED_LOG_US)
		return;
	log_warning("connection from %s refused: %s (%llu since the last such line)", peer, why,
		(unsigned long long)all->refused);
	all->refused = 0;
	all->refused_logged_at = now;
}

/*
 * A line that a server may send before its identification (RFC 4253 section 4.2); who looks, with
 * nc or ssh -v, sees it. Whoever sent something already would lose it to the reset of a close with
 * bytes unread. TLS has no words for it.
 */
static void turn_away(int fd, const char *words)
{
	char text[256], unread[4096];
	int n = snprintf(text, sizeof(text), "%s\r\n", words), i;

	if (send(fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return;
	(void)shutdown(fd, SHUT_WR);
	for (i = 0; i < UNREAD_ROUNDS; i++) {
		if (recv(fd, unread, sizeof(unread), MSG_DONTWAIT) <= 0)
			break;
	}
}

/* The address without the port, as rules match it. */
static void peer_address_text(const struct sockaddr_storage *peer, char out[INET6_ADDRSTRLEN])
{
	const void *at = peer->ss_family == AF_INET
				 ? (const void *)&((const struct sockaddr_in *)peer)->sin_addr
				 : (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr;

	if (!inet_ntop(peer->ss_family, at, out, INET6_ADDRSTRLEN))
		snprintf(out, INET6_ADDRSTRLEN, "unknown");
}

/* Makes the login on fd, which is taken over. */
static int make_login(struct connections *all, struct connection *c, struct login_options *options)
{
	struct login *login;
	int r;

	c->kind = options->kind;
	options->context = all->context;
	options->id = all->next_id++;
	options->authenticated = on_authenticated;
	options->expired = on_expired;
	options->closed = on_closed;
	options->arg = c;
	snprintf(c->tag, sizeof(c->tag), "c%llu", (unsigned long long)options->id);
	r = login_create(options, &login);
	if (r < 0) {
		close(options->fd);
		return r;
	}
	login_link(login, all->context->logins);
	return 0;
}

/* user: at the other end of a unix socket; else NULL, and the peer has an address. */
static struct connection *admit(struct connections *all, struct sources *sources,
	const struct sockaddr_storage *peer, const struct ucred *user, const char **why)
{
	struct connection *c = calloc(1, sizeof(*c));
	enum sources_answer answer;

	*why = "out of memory";
	if (!c)
		return NULL;
	c->owner = all;
	c->sources = sources;
	if (user)
		c->user = *user;
	answer = user ? sources_admit_user(sources, user->uid, &c->slot)
		      : sources_admit(sources, peer, &c->slot);
	if (answer == SOURCES_ADMITTED)
		return c;
	*why = sources_reason(answer);
	free(c);
	return NULL;
}

void connections_give_up(struct connection *c)
{
	sources_release(c->sources, &c->slot);
	free(c);
}

/* Who has connected to a unix socket, for plain http: the user is the source. */
static struct connection *admit_user(struct connections *all, int fd)
{
	struct ucred user;
	socklen_t len = sizeof(user);
	struct connection *c;
	const char *why;
	char name[32];

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len) < 0)
		return NULL;
	snprintf(name, sizeof(name), "uid %u", (unsigned)user.uid);
	if (is_refused(all, LOGIN_LOOPBACK)) {
		log_refused(all, name, "too many failed logins from there");
		return NULL;
	}
	c = admit(all, all->sources, NULL, &user, &why);
	if (!c)
		log_refused(all, name, why);
	return c;
}

struct connection *connections_admit(struct connections *all, int fd,
	const struct sockaddr_storage *peer, const char *peer_text, const char **words)
{
	char address[INET6_ADDRSTRLEN];
	struct connection *c;
	const char *why;

	*words = "";
	if (peer->ss_family == AF_UNIX)
		return admit_user(all, fd);
	peer_address_text(peer, address);
	if (is_refused(all, address)) {
		log_refused(all, peer_text, "too many failed logins from there");
		*words = "Too many failed logins from your address.";
		return NULL;
	}
	c = admit(all, all->sources, peer, NULL, &why);
	if (!c) {
		log_refused(all, peer_text, why);
		*words = "Too many connections. Try again later.";
		return NULL;
	}
	memcpy(c->address, address, sizeof(c->address));
	return c;
}

void connections_enter(
	struct connection *c, const struct connections_port *port, int fd, const char *peer_text)
{
	struct connections *all = c->owner;
	struct login_options options = {.kind = port->kind,
		.address = *c->address ? c->address : NULL,
		.peer = *c->address ? NULL : &c->user};
	int socket FD_AUTO = fd, lines[2] = {-1, -1};
	int r = line_pair(lines);

	if (r == 0)
		r = supervisor_give(
			port->door, all->next_id, port->kind == LOGIN_HTTP, socket, lines[1]);
	fd_close(&lines[1]);
	if (r == 0) {
		options.fd = lines[0];
		r = make_login(all, c, &options);
	} else {
		fd_close(&lines[0]);
	}
	if (r < 0) {
		log_refused(
			all, peer_text, r == -ENOTCONN ? "its door does not run" : strerror(-r));
		if (port->kind == LOGIN_SSH)
			turn_away(socket, "The ssh service is not available. Try again later.");
		connections_give_up(c);
	} else {
		log_debug("connection c%llu from %s", (unsigned long long)options.id, peer_text);
	}
}

void connections_accept(
	void *arg, int fd, const struct sockaddr_storage *peer, const char *peer_text)
{
	const struct connections_port *port = arg;
	const char *words;
	struct connection *c = connections_admit(port->all, fd, peer, peer_text, &words);

	if (c) {
		connections_enter(c, port, fd, peer_text);
		return;
	}
	if (port->kind == LOGIN_SSH)
		turn_away(fd, words);
	close(fd);
}

/* Takes the descriptor. */
static void turn_away_local(int fd)
{
	static const char reason[] = "vmconsoled: too many connections; try again later";
	const struct wire_bye bye = {STATUS_BUSY};
	struct line line;

	line_init(&line, fd, WIRE_LOCAL, WIRE_BROKER);
	if (line_send(&line, WIRE_BYE, &bye, reason, sizeof(reason) - 1) < 0)
		log_debug("a local user does not hear that he is sent away");
	line_finish(&line);
}

static struct sources *local_seats(const struct connections *all, uid_t uid)
{
	return uid == 0 || uid == geteuid() ? all->trusted : all->local;
}

void connections_accept_local(void *arg, int fd, const struct ucred *peer)
{
	struct connections *all = arg;
	struct login_options options = {.kind = LOGIN_LOCAL, .fd = fd, .peer = peer};
	struct connection *c;
	const char *why;
	char name[32];

	c = admit(all, local_seats(all, peer->uid), NULL, peer, &why);
	if (!c) {
		snprintf(name, sizeof(name), "uid %u", (unsigned)peer->uid);
		log_refused(all, name, why);
		turn_away_local(fd);
		return;
	}
	if (make_login(all, c, &options) < 0)
		connections_give_up(c);
}

static void read_limits(const struct connections *c, struct sources_limits *limits)
{
	const struct config_ssh *ssh = &c->context->config->ssh;

	*limits = (struct sources_limits){.connections = ssh->max_connections,
		.per_source = ssh->max_per_source,
		.fresh = ssh->max_unauthenticated,
		.fresh_per_source = ssh->max_unauthenticated_per_source,
		.fresh_per_net = ssh->max_unauthenticated_per_net,
		.drop_from = ssh->early_drop};
}

void connections_limits_changed(struct connections *c)
{
	struct sources_limits limits;

	read_limits(c, &limits);
	sources_set_limits(c->sources, &limits);
}

void connections_each_source(const struct connections *c, sources_fn fn, void *arg)
{
	sources_each(c->sources, fn, arg);
	sources_each(c->local, fn, arg);
	sources_each(c->trusted, fn, arg);
}

int connections_create(
	const struct broker_context *context, loop_fn closed, void *arg, struct connections **out)
{
	static const struct sources_limits local = {.connections = CONNECTIONS_LOCAL_MAX,
		.per_source = CONNECTIONS_LOCAL_PER_USER,
		.fresh = CONNECTIONS_LOCAL_FRESH,
		.fresh_per_source = CONNECTIONS_LOCAL_FRESH_PER_USER,
		.drop_from = CONNECTIONS_LOCAL_FRESH / 2};
	static const struct sources_limits trusted = {.connections = CONNECTIONS_TRUSTED_MAX,
		.per_source = CONNECTIONS_TRUSTED_MAX,
		.fresh = CONNECTIONS_TRUSTED_MAX,
		.fresh_per_source = CONNECTIONS_TRUSTED_MAX,
		.drop_from = CONNECTIONS_TRUSTED_MAX};
	struct connections *c = calloc(1, sizeof(*c));
	struct sources_limits limits;

	if (!c)
		return -ENOMEM;
	c->context = context;
	c->closed = closed;
	c->arg = arg;
	c->next_id = 1;
	read_limits(c, &limits);
	c->sources = sources_create(&limits);
	c->local = sources_create(&local);
	c->trusted = sources_create(&trusted);
	if (!c->sources || !c->local || !c->trusted) {
		connections_destroy(&c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

void connections_destroy(struct connections **out)
{
	struct connections *c = *out;

	if (!c)
		return;
	*out = NULL;
	sources_destroy(c->sources);
	sources_destroy(c->local);
	sources_destroy(c->trusted);
	free(c);
}
