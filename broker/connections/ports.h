/*
 * The [listen] sections: ports that carry several protocols, each a listener and a sniffer.
 * Owned by the broker.
 */
#ifndef BROKER_CONNECTIONS_PORTS_H
#define BROKER_CONNECTIONS_PORTS_H

#include "broker/connections/connections.h"
#include "config/config.h"
#include "core/loop.h"

struct ports;

/* Where each protocol goes; https and http NULL: there is none. They, the connections and the
 * configuration must outlive it. */
struct ports_options {
	struct loop *loop;
	const struct config *config;
	struct connections *all;
	const struct connections_port *ssh, *https, *http;
};

/* Listens; clients wait in the backlog until ports_doors_ready. 0, or -errno, which has been
 * logged. */
int ports_create(const struct ports_options *options, struct ports **out) MUST_CHECK;
void ports_destroy(struct ports **pointer); /* NULL inside allowed */

/* A door has got ready: ports whose doors all run take clients from now on. */
void ports_doors_ready(struct ports *ports);

/* No new connections from now on; those not yet with a door are closed. */
void ports_stop(struct ports *ports);

#endif
