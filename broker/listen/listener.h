/*
 * The sockets of one protocol: of the configured addresses, or handed over by systemd; TCP, and for
 * plain http unix sockets.
 *
 * Accepted sockets are non-blocking and close-on-exec, without Nagle's delay, with keepalive and a
 * limit on unacknowledged data; a reader that stands still holds at most
 * LISTENER_NOTSENT_MAX unsent bytes in the kernel (beside what is on its way).
 * When descriptors run out, accepting rests for a second instead of spinning.
 */
#ifndef BROKER_LISTEN_LISTENER_H
#define BROKER_LISTEN_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "config/config.h"
#include "core/loop.h"

struct listener;

#define LISTENER_WHY_MAX 1024 /* bytes of a reason, terminator included */
#define LISTENER_PEER_MAX 128 /* bytes of a peer's text */
#define LISTENER_BACKLOG 512  /* waiting to be accepted; the kernel may allow fewer */
#define LISTENER_ROUND_MAX 32 /* connections accepted in one turn, per socket */
#define LISTENER_SOCKETS_MAX 32
#define LISTENER_NOTSENT_MAX (128 * 1024) /* bytes */

/*
 * A new connection. fd belongs to the callee. peer is never an IPv4-mapped address; peer_text is
 * "192.0.2.1:4711", "[2001:db8::1]:4711" or "a unix socket". The callee may pause or destroy the
 * listener.
 */
typedef void (*listener_fn)(
	void *arg, int fd, const struct sockaddr_storage *peer, const char *peer_text);

struct listener_options {
	struct loop *loop;
	const char *name; /* of sockets from systemd */
	const struct config_addresses *addresses;
	const char *group; /* of unix sockets, by its name; NULL or "": none */
	bool is_local;     /* no socket that another host can reach; unix sockets only then */
	listener_fn accepted;
	void *arg;
};

/*
 * Listens, and calls accepted for each connection. Sockets from systemd (sd_listen_fds(3)) of this
 * name take the place of addresses. 0, or -errno and one line in why.
 */
int listener_create(const struct listener_options *options, struct listener **out,
	char why[LISTENER_WHY_MAX]) MUST_CHECK;

/* Whether each socket from systemd has one of the names, which end with NULL: one that nobody takes
 * is a mistake, and would stay unanswered. 0, or -errno and one line in why. */
int listener_check_passed(const char *const *known, char why[LISTENER_WHY_MAX]) MUST_CHECK;

/* Whether the addresses can be listened on now: 0, or -errno and one line in why. */
int listener_try(const struct config_addresses *addresses, const char *group,
	char why[LISTENER_WHY_MAX]) MUST_CHECK;

/* Closes the sockets; those who wait in the backlog are reset. */
void listener_destroy(struct listener **pointer);

/* New connections wait in the backlog until resumed. */
void listener_pause(struct listener *l);
void listener_resume(struct listener *l);

size_t listener_count(const struct listener *l);
/* What socket i is bound to: "127.0.0.1:2222". */
const char *listener_text(const struct listener *l, size_t i);
/* The port of socket i, 0 if it has none. */
uint16_t listener_port(const struct listener *l, size_t i);

#endif
