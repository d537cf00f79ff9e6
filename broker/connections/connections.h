/*
 * New connections, from the network and from this host: counted per source, made into a login,
 * handed to a door. Owned by the broker.
 */
#ifndef BROKER_CONNECTIONS_CONNECTIONS_H
#define BROKER_CONNECTIONS_CONNECTIONS_H

#include <sys/socket.h>

#include "broker/listen/sources.h"
#include "broker/login/login.h"
#include "core/loop.h"

struct broker_context;
struct connection; /* counted, before and after its login */
struct connections;
struct supervisor;

#define CONNECTIONS_LOCAL_MAX 256 /* of all local users but root and our own */
#define CONNECTIONS_LOCAL_PER_USER 64
#define CONNECTIONS_LOCAL_FRESH 64 /* of them, not logged in: for a moment only, if honest */
#define CONNECTIONS_LOCAL_FRESH_PER_USER 8
#define CONNECTIONS_TRUSTED_MAX 128 /* of root and our own user */

/* closed(arg) is called after each connection's end. */
int connections_create(const struct broker_context *context, loop_fn closed, void *arg,
	struct connections **out) MUST_CHECK;
void connections_destroy(struct connections **out); /* all logins must be gone */

/* Whoever is connected, from the network and from this host. */
void connections_each_source(const struct connections *c, sources_fn fn, void *arg);

/* The configuration has changed. */
void connections_limits_changed(struct connections *c);

/* Where connections of one protocol come in, and the door they go to. */
struct connections_port {
	struct connections *all;
	struct supervisor *door;
	enum login_kind kind;
};

/*
 * What connections_accept does, in two steps, for who must look at a client in between. Admit
 * counts it, by the user where fd is a unix socket; NULL: it is refused, which was logged, and
 * words are for a client of ssh. Enter takes both, the descriptor in any case; give_up is for a
 * client that has left.
 */
struct connection *connections_admit(struct connections *all, int fd,
	const struct sockaddr_storage *peer, const char *peer_text, const char **words) MUST_CHECK;
void connections_enter(
	struct connection *c, const struct connections_port *port, int fd, const char *peer_text);
void connections_give_up(struct connection *c);

/* As listener_fn, arg a struct connections_port; as control_fn, arg the struct connections. */
void connections_accept(
	void *arg, int fd, const struct sockaddr_storage *peer, const char *peer_text);
void connections_accept_local(void *arg, int fd, const struct ucred *peer);

#endif
