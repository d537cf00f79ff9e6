/*
 * Who is connected, by source: how many connections each address has, how many there are in all,
 * and how many of them have not logged in yet.
 *
 * A source is an IPv4 address, the /64 of an IPv6 address (one customer has at least that much),
 * or a local user. An IPv4 address mapped into IPv6 is the IPv4 address. Every operation takes
 * constant time on average; the hash is keyed, so that nobody can choose addresses that collide.
 * Pure but for memory and the key: knows no descriptor and no clock.
 */
#ifndef BROKER_SOURCES_H
#define BROKER_SOURCES_H

#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct sources;
struct source;

struct sources_limits {
	uint64_t connections;     /* in all */
	uint64_t unauthenticated; /* of them, not logged in yet */
	uint64_t per_source;
};

enum sources_answer {
	SOURCES_ADMITTED,
	SOURCES_FULL,            /* limits.connections */
	SOURCES_UNAUTHENTICATED, /* limits.unauthenticated */
	SOURCES_PER_SOURCE,      /* limits.per_source */
	SOURCES_NO_MEMORY,
};

/* A counted connection's place. Zeroed, or the work of sources_admit; belongs to the connection. */
struct source_seat {
	struct source *source; /* NULL: not counted */
	int authenticated;
};

/* NULL when out of memory or without randomness. */
struct sources *sources_create(const struct sources_limits *limits);
/* Seats that are still taken must not be used any more. */
void sources_destroy(struct sources *s);

/* New limits count for those who come; nobody is put out. */
void sources_set_limits(struct sources *s, const struct sources_limits *limits);

/*
 * Counts one more connection of peer, not logged in yet, and fills *seat; or says which limit is
 * in the way and leaves *seat empty. A peer of another family than AF_INET and AF_INET6 shares one
 * source with its like.
 */
enum sources_answer sources_admit(struct sources *s, const struct sockaddr_storage *peer,
	struct source_seat *seat) __attribute__((warn_unused_result));
enum sources_answer sources_admit_user(struct sources *s, uid_t uid, struct source_seat *seat)
	__attribute__((warn_unused_result));

/* The connection has logged in. Once is enough; more does nothing. */
void sources_authenticated(struct sources *s, struct source_seat *seat);

/* The connection is gone. Empties the seat; an empty one is left alone. */
void sources_release(struct sources *s, struct source_seat *seat);

/* What stands in the way, for the log: "max_per_source is reached". Constant text. */
const char *sources_reason(enum sources_answer answer);

uint64_t sources_connections(const struct sources *s);
uint64_t sources_unauthenticated(const struct sources *s);
/* Different sources with at least one connection. */
uint64_t sources_count(const struct sources *s);

/* Makes an IPv4-mapped IPv6 address the IPv4 address it is. */
void sources_normalise(struct sockaddr_storage *peer);

#endif
