/*
 * Task: count live connections by source and say when a limit is reached. Owner: the broker.
 * A source is in the table exactly as long as it has a connection, so that max_connections bounds
 * the table too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "broker/sources.h"

#define BUCKETS_LOG2_MIN 6
#define BUCKETS_LOG2_MAX 20

enum source_kind { SOURCE_OTHER, SOURCE_IPV4, SOURCE_IPV6, SOURCE_USER };

struct source {
	struct source *next; /* in its bucket */
	enum source_kind kind;
	uint64_t id; /* the address, the upper half of it, or the uid */
	uint64_t count;
};

struct sources {
	struct sources_limits limits;
	uint64_t connections, unauthenticated, count;
	struct source **buckets;
	unsigned buckets_log2;
	uint64_t key[2]; /* of the hash */
};

/* Multiply-shift with a secret odd factor (Dietzfelbinger et al., 1997): universal, so that chains
 * stay short for any set of addresses chosen without knowing the key. */
static size_t bucket_of(
	const struct sources *s, enum source_kind kind, uint64_t id, unsigned buckets_log2)
{
	uint64_t x = id * (s->key[0] | 1) + s->key[1] * (uint64_t)(2 * kind + 1);

	return (size_t)(x >> (64 - buckets_log2));
}

struct sources *sources_create(const struct sources_limits *limits)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->limits = *limits;
	s->buckets_log2 = BUCKETS_LOG2_MIN;
	s->buckets = calloc((size_t)1 << s->buckets_log2, sizeof(struct source *));
	if (!s->buckets || getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key)) {
		sources_destroy(s);
		return NULL;
	}
	return s;
}

void sources_destroy(struct sources *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; s->buckets && i < (size_t)1 << s->buckets_log2; i++) {
		while (s->buckets[i]) {
			struct source *source = s->buckets[i];

			s->buckets[i] = source->next;
			free(source);
		}
	}
	free(s->buckets);
	free(s);
}

void sources_set_limits(struct sources *s, const struct sources_limits *limits)
{
	s->limits = *limits;
}

/* More or fewer buckets. Without memory the old ones do, a little slower. */
static void resize(struct sources *s, unsigned buckets_log2)
{
	struct source **buckets = calloc((size_t)1 << buckets_log2, sizeof(struct source *));
	size_t i;

	if (!buckets)
		return;
	for (i = 0; i < (size_t)1 << s->buckets_log2; i++) {
		while (s->buckets[i]) {
			struct source *source = s->buckets[i];
			size_t to = bucket_of(s, source->kind, source->id, buckets_log2);

			s->buckets[i] = source->next;
			source->next = buckets[to];
			buckets[to] = source;
		}
	}
	free(s->buckets);
	s->buckets = buckets;
	s->buckets_log2 = buckets_log2;
}

static struct source *find(const struct sources *s, enum source_kind kind, uint64_t id)
{
	struct source *source = s->buckets[bucket_of(s, kind, id, s->buckets_log2)];

	while (source && (source->kind != kind || source->id != id))
		source = source->next;
	return source;
}

static struct source *add(struct sources *s, enum source_kind kind, uint64_t id)
{
	struct source *source = calloc(1, sizeof(*source));
	struct source **head;

	if (!source)
		return NULL;
	if (s->count >> s->buckets_log2 && s->buckets_log2 < BUCKETS_LOG2_MAX)
		resize(s, s->buckets_log2 + 1);
	head = &s->buckets[bucket_of(s, kind, id, s->buckets_log2)];
	source->kind = kind;
	source->id = id;
	source->next = *head;
	*head = source;
	s->count++;
	return source;
}

static void drop(struct sources *s, struct source *source)
{
	struct source **at = &s->buckets[bucket_of(s, source->kind, source->id, s->buckets_log2)];

	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	free(source);
	s->count--;
	if (s->buckets_log2 > BUCKETS_LOG2_MIN && s->count < (uint64_t)1 << (s->buckets_log2 - 3))
		resize(s, s->buckets_log2 - 1);
}

static enum sources_answer admit(
	struct sources *s, enum source_kind kind, uint64_t id, struct source_seat *seat)
{
	struct source *source;

	seat->source = NULL;
	seat->authenticated = 0;
	if (s->connections >= s->limits.connections)
		return SOURCES_FULL;
	source = find(s, kind, id);
	if ((source ? source->count : 0) >= s->limits.per_source)
		return SOURCES_PER_SOURCE;
	if (s->unauthenticated >= s->limits.unauthenticated)
		return SOURCES_UNAUTHENTICATED;
	if (!source)
		source = add(s, kind, id);
	if (!source)
		return SOURCES_NO_MEMORY;
	source->count++;
	s->connections++;
	s->unauthenticated++;
	seat->source = source;
	return SOURCES_ADMITTED;
}

static uint64_t upper_half(const struct in6_addr *address)
{
	uint64_t id = 0;
	size_t i;

	for (i = 0; i < 8; i++)
		id = id << 8 | address->s6_addr[i];
	return id;
}

void sources_normalise(struct sockaddr_storage *peer)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four = {.sin_family = AF_INET};

	if (peer->ss_family != AF_INET6)
		return;
	memcpy(&six, peer, sizeof(six));
	if (!IN6_IS_ADDR_V4MAPPED(&six.sin6_addr))
		return;
	four.sin_port = six.sin6_port;
	memcpy(&four.sin_addr, six.sin6_addr.s6_addr + 12, sizeof(four.sin_addr));
	memset(peer, 0, sizeof(*peer));
	memcpy(peer, &four, sizeof(four));
}

enum sources_answer sources_admit(
	struct sources *s, const struct sockaddr_storage *peer, struct source_seat *seat)
{
	struct sockaddr_storage plain = *peer;
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	sources_normalise(&plain);
	if (plain.ss_family == AF_INET) {
		memcpy(&four, &plain, sizeof(four));
		return admit(s, SOURCE_IPV4, ntohl(four.sin_addr.s_addr), seat);
	}
	if (plain.ss_family == AF_INET6) {
		memcpy(&six, &plain, sizeof(six));
		return admit(s, SOURCE_IPV6, upper_half(&six.sin6_addr), seat);
	}
	return admit(s, SOURCE_OTHER, 0, seat);
}

enum sources_answer sources_admit_user(struct sources *s, uid_t uid, struct source_seat *seat)
{
	return admit(s, SOURCE_USER, uid, seat);
}

void sources_authenticated(struct sources *s, struct source_seat *seat)
{
	if (!seat->source || seat->authenticated)
		return;
	seat->authenticated = 1;
	s->unauthenticated--;
}

void sources_release(struct sources *s, struct source_seat *seat)
{
	struct source *source = seat->source;

	if (!source)
		return;
	sources_authenticated(s, seat);
	seat->source = NULL;
	seat->authenticated = 0;
	s->connections--;
	if (--source->count == 0)
		drop(s, source);
}

const char *sources_reason(enum sources_answer answer)
{
	switch (answer) {
	case SOURCES_ADMITTED:
		return "admitted";
	case SOURCES_FULL:
		return "max_connections is reached";
	case SOURCES_UNAUTHENTICATED:
		return "max_unauthenticated is reached";
	case SOURCES_PER_SOURCE:
		return "max_per_source is reached";
	case SOURCES_NO_MEMORY:
		return "out of memory";
	}
	return "";
}

uint64_t sources_connections(const struct sources *s)
{
	return s->connections;
}

uint64_t sources_unauthenticated(const struct sources *s)
{
	return s->unauthenticated;
}

uint64_t sources_count(const struct sources *s)
{
	return s->count;
}
