/*
 * Slowing down who guesses: failures are counted per source (IPv4 /32, IPv6 /64), each doubles the
 * delay before the next answer, and time lets them fade. They also count for the net around the
 * source (/24, /48), of which every THROTTLE_NET_SHARE are one for each of its sources, and fade so
 * many times faster: many sources of one net together are slowed, one of them alone slows no other.
 * Only its own failures get a source refused.
 *
 * The table is bounded. Where a new source finds its bucket full, the one with the least to answer
 * for is forgotten; which sources share a bucket depends on a secret, so that nobody can push out
 * his own record by choosing addresses.
 */
#ifndef AUTH_THROTTLE_H
#define AUTH_THROTTLE_H

#include "core/text/net_address.h"

#define THROTTLE_WAYS 8 /* sources in one bucket */
#define THROTTLE_NET_SHARE 8

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

/* Its own failures that still count. */
unsigned throttle_failures(
	const struct throttle *t, const struct net_address *source, int64_t now_ms);

/* Forgets the failures of a source and of its net. */
void throttle_forget(struct throttle *t, const struct net_address *source);

/* A source or a net that is slowed or refused. */
struct throttle_row {
	struct net_block prefix;
	bool is_net;
	unsigned failures;
	unsigned delay_ms;  /* before the answer to the next attempt */
	int64_t refused_ms; /* its connections are refused for so long; 0: they are not */
};
typedef void (*throttle_fn)(void *arg, const struct throttle_row *row);
/* In no order. */
void throttle_each(const struct throttle *t, int64_t now_ms, throttle_fn fn, void *arg);

#endif
