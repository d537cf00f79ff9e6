/*
 * What stands beside keys and rules when somebody comes: the audit, tickets, the count of failures,
 * the helper commands, the watch over key files. Made and configured as one. Owned by the broker.
 */
#ifndef BROKER_ACCESS_GUARD_H
#define BROKER_ACCESS_GUARD_H

#include "broker/audit/audit.h"
#include "broker/command/external.h"
#include "broker/access/key_watch.h"

#define GUARD_READERS 2 /* threads */
#define GUARD_READERS_QUEUE 16

struct job_pool;
struct refusals;
struct throttle;
struct tickets;

/* The parts; NULL until made. A value. */
struct guard {
	struct audit *audit;
	struct refusals *refusals;
	struct external *external;
	struct throttle *throttle;
	struct tickets *tickets;
	struct key_watch *watch;
	struct job_pool *readers; /* of the audit's files */
};

struct guard_owner {
	struct key_watch_owner keys;
	loop_fn answered; /* a helper command has given a new answer */
	void *arg;
};

/* 0; what fails is logged. guard_finish in any case. */
int guard_init(struct guard *g, struct loop *loop, const struct config *config,
	const struct guard_owner *owner) MUST_CHECK;
void guard_finish(struct guard *g);

/* After a reload. 0, -ENOMEM: the rest is as it was. */
int guard_configure(struct guard *g, const struct config *config) MUST_CHECK;

#endif
