/*
 * What stands beside keys and rules when somebody comes: the audit, tickets, the count of failures,
 * the helper commands, the watch over key files. Made and configured as one. Owned by the broker.
 */
#ifndef BROKER_ACCESS_AUTH_SERVICES_H
#define BROKER_ACCESS_AUTH_SERVICES_H

#include "broker/audit/audit.h"
#include "broker/command/external.h"
#include "broker/access/key_watch.h"

#define AUTH_READERS 2 /* threads */
#define AUTH_READERS_QUEUE 16

struct deeds;
struct deposits;
struct job_pool;
struct refusals;
struct throttle;
struct tickets;

/* The parts; NULL until made. A value. */
struct auth_services {
	struct audit *audit;
	struct deeds *deeds;
	struct refusals *refusals;
	struct external *external;
	struct throttle *throttle;
	struct tickets *tickets;
	struct deposits *deposits;
	struct key_watch *watch;
	struct job_pool *readers; /* of the audit's files */
};

struct auth_services_owner {
	struct key_watch_owner keys;
	loop_fn answered; /* a helper command has given a new answer */
	void *arg;
};

/* 0; what fails is logged. auth_services_finish in any case. */
int auth_services_init(struct auth_services *s, struct loop *loop, const struct config *config,
	const struct auth_services_owner *owner) MUST_CHECK;
void auth_services_finish(struct auth_services *s);

/* After a reload. 0, -ENOMEM: the rest is as it was. */
int auth_services_configure(struct auth_services *s, const struct config *config) MUST_CHECK;

#endif
