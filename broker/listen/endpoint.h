/*
 * One protocol at the network: the listener and the door behind it. While the door starts again
 * connections wait in the backlog; while it fails, they are answered by whoever accepts them.
 * Owned by the broker.
 */
#ifndef BROKER_LISTEN_ENDPOINT_H
#define BROKER_LISTEN_ENDPOINT_H

#include "broker/door/supervisor.h"
#include "broker/listen/listener.h"

struct endpoint;

#define ENDPOINT_TRIES 3 /* starts of a door that has never been ready */

struct endpoint_options {
	struct supervisor_options door; /* changed, stopped and arg are the endpoint's own */
	const struct config_addresses *listen;
	void (*ready)(void *arg);    /* the door takes connections, at first or again */
	void (*hopeless)(void *arg); /* it has never been ready, and will not be */
	void (*stopped)(void *arg);  /* after endpoint_stop */
	void *arg;
};

/* Starts the door; endpoint_listen follows. 0, or -errno, which has been logged. */
int endpoint_create(const struct endpoint_options *options, struct endpoint **out) MUST_CHECK;
void endpoint_destroy(struct endpoint **pointer); /* NULL inside allowed */

/* accepted is called for each connection. 0, or -errno, which has been logged. */
int endpoint_listen(struct endpoint *e, listener_fn accepted, void *arg) MUST_CHECK;

struct supervisor *endpoint_door(const struct endpoint *e);

/* No new connections from now on. */
void endpoint_pause(struct endpoint *e);
/* Ends the door; stopped follows, never from inside this call. */
void endpoint_stop(struct endpoint *e);

#endif
