/*
 * One connection of the https door: TLS or none, requests one after another, the login line.
 *
 * A client is known by its certificate, or by a ticket (Basic, user = VM); the first request that
 * needs it asks the broker. Requests that were sent ahead wait in the input buffer.
 */
#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdint.h>
#include <sys/queue.h>

#include "core/job.h"
#include "core/loop.h"
#include "tls/tls.h"
#include "wire/msg.h"

struct connection;
TAILQ_HEAD(connection_list, connection);

#define CONNECTION_HEAD_US (20 * LOOP_SECOND)    /* for the handshake, and for each head */
#define CONNECTION_IDLE_US (60 * LOOP_SECOND)    /* between two requests */
#define CONNECTION_UNKNOWN_US (10 * LOOP_SECOND) /* the same, when nobody has logged in */
#define CONNECTION_STALL_US (300 * LOOP_SECOND)  /* for a client that takes nothing */
#define CONNECTION_FLUSH_US (5 * LOOP_SECOND)
#define CONNECTION_LINGER_US (10 * LOOP_SECOND) /* for a client that is answered and sends on */
#define CONNECTION_IN_MAX ((size_t)32 << 10)
#define CONNECTION_OUT_MAX ((size_t)128 << 10)

struct http_context {
	struct loop *loop;
	struct job_pool *jobs; /* read files */
	struct tls *tls;       /* NULL: we have no key, and all is plain */
	struct wire_settings settings;
	struct connection_list connections;
	void (*closed)(void *arg); /* a connection has ended */
	void *arg;
};

/* Takes both descriptors in any case. 0 or -errno. */
int connection_create(struct http_context *context, const struct wire_new *head, int socket_fd,
	int login_fd) MUST_CHECK;

/* Lets what is under way be said, CONNECTION_FLUSH_US at most, and closes. */
void connection_say_goodbye(struct connection *c);

/* For walking the list while connections may end. */
struct connection *connection_next(struct connection *c);

#endif
