/*
 * Who is connected, by source: how many connections each address has, how many there are in all,
 * and how many of them have not logged in yet.
 *
 * A source is an IPv4 address, the /64 of an IPv6 address (one customer has at least that much),
 * or a local user; its net is the /24 or /48 around it. No source takes up more of the places for
 * those who have not logged in than its part, no net more than its; and before these places are
 * full, new connections are dropped by chance, so that who fills them keeps nobody out for certain
 * (as sshd's MaxStartups). An IPv4 address mapped into IPv6 is the IPv4 address. Every operation
 * takes constant time on average; the hash is keyed, so that nobody can choose addresses that
 * collide. Pure but for memory and the key: knows no descriptor and no clock.
 */
#ifndef BROKER_LISTEN_SOURCES_H
#define BROKER_LISTEN_SOURCES_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct sources;
struct source;

#define SOURCES_TEXT_MAX 64

/* Fresh: not logged in yet. */
struct sources_limits {
	uint64_t connections; /* in all */
	uint64_t per_source;
	uint64_t fresh; /* in all */
	uint64_t fresh_per_source;
	uint64_t fresh_per_net; /* users belong to none */
	uint64_t drop_from;     /* so many fresh ones begin the early drop; from fresh on: none */
};

/* Of a hundred, so many are dropped at limits.drop_from; all of them at limits.fresh. */
#define SOURCES_DROP_FIRST 30

enum sources_answer {
	SOURCES_ADMITTED,
	SOURCES_FULL,             /* limits.connections */
	SOURCES_PER_SOURCE,       /* limits.per_source */
	SOURCES_FRESH,            /* limits.fresh */
	SOURCES_FRESH_PER_SOURCE, /* limits.fresh_per_source */
	SOURCES_FRESH_PER_NET,    /* limits.fresh_per_net */
	SOURCES_DROPPED,          /* by chance, see limits.drop_from */
	SOURCES_NO_MEMORY,
};

/* A counted connection's place. Zeroed, or the work of sources_admit; belongs to the connection. */
struct source_slot {
	struct source *source; /* NULL: not counted */
	struct source *net;    /* NULL: logged in, or a user */
	int authenticated;
};

/* NULL when out of memory or without randomness. */
struct sources *sources_create(const struct sources_limits *limits);
/* Seats that are still taken must not be used any more. */
void sources_destroy(struct sources *s);

/* New limits count for those who come; nobody is put out. */
void sources_set_limits(struct sources *s, const struct sources_limits *limits);

/*
 * Counts one more connection of peer, not logged in yet, and fills *slot; or says which limit is
 * in the way and leaves *slot empty. A peer of another family than AF_INET and AF_INET6 shares one
 * source with its like.
 */
enum sources_answer sources_admit(struct sources *s, const struct sockaddr_storage *peer,
	struct source_slot *slot) __attribute__((warn_unused_result));
enum sources_answer sources_admit_user(struct sources *s, uid_t uid, struct source_slot *slot)
	__attribute__((warn_unused_result));

/* The connection has logged in. Once is enough; more does nothing. */
void sources_authenticated(struct sources *s, struct source_slot *slot);

/* The connection is gone. Empties the slot; an empty one is left alone. */
void sources_release(struct sources *s, struct source_slot *slot);

/* What stands in the way, for the log: "max_per_source is reached". Constant text. */
const char *sources_reason(enum sources_answer answer);

uint64_t sources_connections(const struct sources *s);
uint64_t sources_unauthenticated(const struct sources *s);
/* Different sources with at least one connection. */
uint64_t sources_count(const struct sources *s);

/* One of them. */
struct sources_row {
	char text[SOURCES_TEXT_MAX]; /* "192.0.2.7", "2001:db8:1:2::/64", "uid 1000" */
	uint64_t connections, fresh;
};
typedef void (*sources_fn)(void *arg, const struct sources_row *row);
/* In no order; fn must not change the table. */
void sources_each(const struct sources *s, sources_fn fn, void *arg);

/* Makes an IPv4-mapped IPv6 address the IPv4 address it is. */
void sources_normalise(struct sockaddr_storage *peer);

#endif
