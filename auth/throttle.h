/*
 * Slowing down who guesses: failures are counted per source prefix (IPv4 /32, IPv6 /64), each
 * doubles the delay before the next answer, and time lets them fade.
 *
 * The table is bounded. Where a new source finds its bucket full, the one with the least to answer
 * for is forgotten; which sources share a bucket depends on a secret, so that nobody can push out
 * his own record by choosing addresses.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "core/net_address.h"

#define THROTTLE_WAYS 8 /* sources in one bucket */

struct throttle_limits {
	unsigned sources;     /* places in the table; rounded up to a power of two, 64..1048576 */
	unsigned first_ms;    /* delay after the first failure; each further one doubles it */
	unsigned longest_ms;  /* but never beyond this */
	unsigned forget_s;    /* after this time without a failure one failure is taken off */
	unsigned refuse_from; /* from this many failures on, connections are refused; 0: never */
};

struct throttle;

/* 0, -EINVAL (forget_s or longest_ms is 0), -ENOMEM, -EIO (no random numbers). */
int throttle_create(const struct throttle_limits *limits, struct throttle **out)
	__attribute__((warn_unused_result));
void throttle_destroy(struct throttle *t);

/* A failure of that source at now_ms (a clock that only goes forward). */
void throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_ms);

/* Milliseconds to wait before the answer to the next attempt. */
unsigned throttle_delay(const struct throttle *t, const struct net_address *source, int64_t now_ms);

/* Whether the source has reached refuse_from. */
bool throttle_refuses(const struct throttle *t, const struct net_address *source, int64_t now_ms);

/* Whether failures of the one count for the other. */
bool throttle_same_source(const struct net_address *a, const struct net_address *b);

/* Failures that still count, for the audit. */
unsigned throttle_failures(
	const struct throttle *t, const struct net_address *source, int64_t now_ms);

#endif
