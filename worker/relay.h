/*
 * Bytes both ways between a stream and a TLS connection that we begin: in clear on one side,
 * wrapped on the other. Nothing is looked into.
 *
 * Bounded both ways: each side is read only while less than RELAY_HELD_MAX waits for the other one.
 * A side that ends for one way (shutdown, close_notify) has the other one ended for that way,
 * behind what came before; the other way goes on.
 */
#ifndef WORKER_RELAY_H
#define WORKER_RELAY_H

#include <stdbool.h>

#include "core/loop.h"
#include "tls/tls.h"

struct relay;

#define RELAY_HELD_MAX ((size_t)64 << 10) /* each way */

struct relay_options {
	struct loop *loop;
	struct tls *tls;
	const char *name; /* as tls_connect; looked at at once */
	int outside;      /* connected; TLS begins at once */
	int inside;       /* the stream; both descriptors become the relay's, whatever comes */
	/* The handshake is done, and the certificate is whose it should be. */
	void (*began)(void *arg);
	/* Nothing more will come from outside: all that came is inside. why NULL: the other side
	 * has said so; else, in words, what is wrong. is_bare: that is only that it has closed its
	 * socket without saying so. The last word; may destroy the relay. */
	void (*ended)(void *arg, const char *why, bool is_bare);
	void *arg;
};

int relay_create(const struct relay_options *options, struct relay **out) MUST_CHECK;
void relay_destroy(struct relay **out);

#endif
