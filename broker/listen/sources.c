/*
 * Task: count live connections by source and say when a limit is reached. Owner: the broker.
 * A source is in the table exactly as long as it has a connection, its net as long as one of them
 * is fresh, so that max_connections bounds the table too.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "broker/listen/sources.h"

#define BUCKETS_LOG2_MIN 6
#define BUCKETS_LOG2_MAX 20
#define SOURCES_NET_IPV4 24 /* bits of a net's prefix */
#define SOURCES_NET_IPV6 48

enum source_kind {
	SOURCE_OTHER,
	SOURCE_IPV4,
	SOURCE_IPV6,
	SOURCE_USER,
	SOURCE_NET_OTHER,
	SOURCE_NET_IPV4,
	SOURCE_NET_IPV6,
};

struct source {
	struct source *next; /* in its bucket */
	enum source_kind kind;
	uint64_t id;    /* the address, the upper half of it, or the uid */
	uint64_t count; /* connections; of a net, the fresh ones */
	uint64_t fresh;
};

struct sources {
	struct sources_limits limits;
	uint64_t connections, fresh, count, nets;
	struct source **buckets;
	unsigned buckets_log2;
	uint64_t key[2]; /* of the hash */
	uint64_t chance; /* state of xorshift64*, never 0 */
};

/* Multiply-shift with a secret odd factor (Dietzfelbinger et al., 1997): universal, so that chains
 * stay short for any set of addresses chosen without knowing the key. */
static size_t bucket_of(
	const struct sources *s, enum source_kind kind, uint64_t id, unsigned buckets_log2)
{
	uint64_t x = id * (s->key[0] | 1) + s->key[1] * (uint64_t)(2 * kind + 1);

	return (size_t)(x >> (64 - buckets_log2));
}

static bool is_net(enum source_kind kind)
{
	return kind >= SOURCE_NET_OTHER;
}

struct sources *sources_create(const struct sources_limits *limits)
{
	struct sources *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->limits = *limits;
	s->buckets_log2 = BUCKETS_LOG2_MIN;
	s->buckets = calloc((size_t)1 << s->buckets_log2, sizeof(struct source *));
	if (!s->buckets || getrandom(s->key, sizeof(s->key), 0) != sizeof(s->key) ||
		getrandom(&s->chance, sizeof(s->chance), 0) != sizeof(s->chance)) {
		sources_destroy(s);
		return NULL;
	}
	s->chance |= 1;
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
	s->nets += is_net(kind);
	return source;
}

static void drop(struct sources *s, struct source *source)
{
	struct source **at = &s->buckets[bucket_of(s, source->kind, source->id, s->buckets_log2)];

	while (*at != source)
		at = &(*at)->next;
	*at = source->next;
	s->nets -= is_net(source->kind);
	free(source);
	s->count--;
	if (s->buckets_log2 > BUCKETS_LOG2_MIN && s->count < (uint64_t)1 << (s->buckets_log2 - 3))
		resize(s, s->buckets_log2 - 1);
}

/* Vigna, 2016. Nobody can see its numbers but by being dropped. */
static uint64_t draw(struct sources *s)
{
	uint64_t x = s->chance;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	s->chance = x;
	return x * UINT64_C(0x2545f4914f6cdd1d);
}

/* From SOURCES_DROP_FIRST of a hundred at drop_from in a straight line to all at fresh. */
static bool is_dropped(struct sources *s)
{
	uint64_t from = s->limits.drop_from, full = s->limits.fresh, of_hundred;

	if (s->fresh < from || from >= full)
		return false;
	of_hundred =
		SOURCES_DROP_FIRST + (100 - SOURCES_DROP_FIRST) * (s->fresh - from) / (full - from);
	return (draw(s) >> 32) % 100 < of_hundred;
}

struct origin {
	enum source_kind kind, net_kind; /* the same twice: no net */
	uint64_t id, net_id;
};

static bool has_net(const struct origin *p)
{
	return p->kind != p->net_kind;
}

static enum sources_answer judge(struct sources *s, const struct origin *p,
	const struct source *source, const struct source *net)
{
	if (s->connections >= s->limits.connections)
		return SOURCES_FULL;
	if ((source ? source->count : 0) >= s->limits.per_source)
		return SOURCES_PER_SOURCE;
	if ((source ? source->fresh : 0) >= s->limits.fresh_per_source)
		return SOURCES_FRESH_PER_SOURCE;
	if (has_net(p) && (net ? net->count : 0) >= s->limits.fresh_per_net)
		return SOURCES_FRESH_PER_NET;
	if (s->fresh >= s->limits.fresh)
		return SOURCES_FRESH;
	return is_dropped(s) ? SOURCES_DROPPED : SOURCES_ADMITTED;
}

/* Also those without a count, which only admit can have made. */
static void drop_if_empty(struct sources *s, struct source *source)
{
	if (source && source->count == 0)
		drop(s, source);
}

static enum sources_answer admit(
	struct sources *s, const struct origin *p, struct source_slot *slot)
{
	struct source *source = find(s, p->kind, p->id);
	struct source *net = has_net(p) ? find(s, p->net_kind, p->net_id) : NULL;
	enum sources_answer answer = judge(s, p, source, net);

	*slot = (struct source_slot){0};
	if (answer != SOURCES_ADMITTED)
		return answer;
	if (!source)
		source = add(s, p->kind, p->id);
	if (!net && has_net(p))
		net = add(s, p->net_kind, p->net_id);
	if (!source || (!net && has_net(p))) {
		drop_if_empty(s, source);
		drop_if_empty(s, net);
		return SOURCES_NO_MEMORY;
	}
	source->count++;
	source->fresh++;
	if (net)
		net->count++;
	s->connections++;
	s->fresh++;
	slot->source = source;
	slot->net = net;
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

static void origin_of(const struct sockaddr_storage *peer, struct origin *p)
{
	struct sockaddr_storage plain = *peer;
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	sources_normalise(&plain);
	if (plain.ss_family == AF_INET) {
		memcpy(&four, &plain, sizeof(four));
		*p = (struct origin){.kind = SOURCE_IPV4, .net_kind = SOURCE_NET_IPV4};
		p->id = ntohl(four.sin_addr.s_addr);
		p->net_id = p->id >> (32 - SOURCES_NET_IPV4);
	} else if (plain.ss_family == AF_INET6) {
		memcpy(&six, &plain, sizeof(six));
		*p = (struct origin){.kind = SOURCE_IPV6, .net_kind = SOURCE_NET_IPV6};
		p->id = upper_half(&six.sin6_addr);
		p->net_id = p->id >> (64 - SOURCES_NET_IPV6);
	} else {
		*p = (struct origin){.kind = SOURCE_OTHER, .net_kind = SOURCE_NET_OTHER};
	}
}

enum sources_answer sources_admit(
	struct sources *s, const struct sockaddr_storage *peer, struct source_slot *slot)
{
	struct origin p;

	origin_of(peer, &p);
	return admit(s, &p, slot);
}

enum sources_answer sources_admit_user(struct sources *s, uid_t uid, struct source_slot *slot)
{
	const struct origin p = {.kind = SOURCE_USER, .net_kind = SOURCE_USER, .id = uid};

	return admit(s, &p, slot);
}

void sources_authenticated(struct sources *s, struct source_slot *slot)
{
	struct source *net = slot->net;

	if (!slot->source || slot->authenticated)
		return;
	slot->authenticated = 1;
	slot->net = NULL;
	slot->source->fresh--;
	s->fresh--;
	if (net && --net->count == 0)
		drop(s, net);
}

void sources_release(struct sources *s, struct source_slot *slot)
{
	struct source *source = slot->source;

	if (!source)
		return;
	sources_authenticated(s, slot);
	*slot = (struct source_slot){0};
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
	case SOURCES_PER_SOURCE:
		return "max_per_source is reached";
	case SOURCES_FRESH:
		return "max_unauthenticated is reached";
	case SOURCES_FRESH_PER_SOURCE:
		return "max_unauthenticated_per_source is reached";
	case SOURCES_FRESH_PER_NET:
		return "max_unauthenticated_per_net is reached";
	case SOURCES_DROPPED:
		return "dropped at random, since early_drop is reached";
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
	return s->fresh;
}

uint64_t sources_count(const struct sources *s)
{
	return s->count - s->nets;
}

static void write_text(const struct source *source, char text[SOURCES_TEXT_MAX])
{
	struct in6_addr six = {0};
	char address[INET6_ADDRSTRLEN];
	size_t i;

	switch (source->kind) {
	case SOURCE_IPV4:
		snprintf(text, SOURCES_TEXT_MAX, "%u.%u.%u.%u", (unsigned)(source->id >> 24 & 255),
			(unsigned)(source->id >> 16 & 255), (unsigned)(source->id >> 8 & 255),
			(unsigned)(source->id & 255));
		break;
	case SOURCE_IPV6:
		for (i = 0; i < 8; i++)
			six.s6_addr[i] = (uint8_t)(source->id >> (56 - 8 * i));
		inet_ntop(AF_INET6, &six, address, sizeof(address));
		snprintf(text, SOURCES_TEXT_MAX, "%s/64", address);
		break;
	case SOURCE_USER:
		snprintf(text, SOURCES_TEXT_MAX, "uid %u", (unsigned)source->id);
		break;
	case SOURCE_OTHER:
	case SOURCE_NET_OTHER:
	case SOURCE_NET_IPV4:
	case SOURCE_NET_IPV6:
		snprintf(text, SOURCES_TEXT_MAX, "unknown");
		break;
	}
}

void sources_each(const struct sources *s, sources_fn fn, void *arg)
{
	struct sources_row row;
	size_t i;

	for (i = 0; i < (size_t)1 << s->buckets_log2; i++) {
		const struct source *source;

		for (source = s->buckets[i]; source; source = source->next) {
			if (is_net(source->kind))
				continue;
			write_text(source, row.text);
			row.connections = source->count;
			row.fresh = source->fresh;
			fn(arg, &row);
		}
	}
}
