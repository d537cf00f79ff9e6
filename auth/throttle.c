/*
 * Slowing down who guesses.
 * Task: count, forget, tell the delay. Owner: the broker. May not know what failed.
 */
#include "auth/throttle.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SOURCES_MIN 64
#define SOURCES_MAX (1u << 20)
#define KEY_BYTES 16
#define SOURCE_V4_BITS 32 /* of a source's prefix */
#define SOURCE_V6_BITS 64
#define NET_V4_BITS 24
#define NET_V6_BITS 48
#define FAILURES_MAX 1000000

struct source {
	struct net_address prefix;
	unsigned failures; /* as of last_ms; 0: this place is free */
	int64_t last_ms;
};

/* Sources and nets do not share places: one net has the failures of many sources, and would push
 * out each of them. */
struct table {
	unsigned v4_bits, v6_bits; /* of the prefix */
	int64_t forget_ms;         /* after so long one failure is taken off */
	struct source *places;
};

struct throttle {
	struct throttle_limits limits;
	EVP_MAC_CTX *mac;
	size_t buckets; /* of each table; a power of two */
	struct table sources, nets;
};

/* Keyed with what nobody knows, so that nobody can choose addresses that meet in one bucket. */
static EVP_MAC_CTX *make_mac(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end()};
	EVP_MAC *type = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = type ? EVP_MAC_CTX_new(type) : NULL;
	uint8_t key[KEY_BYTES];

	EVP_MAC_free(type);
	if (!mac || getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
		!EVP_MAC_init(mac, key, sizeof(key), params)) {
		EVP_MAC_CTX_free(mac);
		mac = NULL;
	}
	OPENSSL_cleanse(key, sizeof(key));
	return mac;
}

int throttle_create(const struct throttle_limits *limits, struct throttle **out)
{
	size_t size = SOURCES_MIN;
	struct throttle *t;

	if (limits->forget_s == 0 || limits->longest_ms == 0)
		return -EINVAL;
	while (size < limits->sources && size < SOURCES_MAX)
		size *= 2;
	t = (struct throttle *)calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->limits = *limits;
	t->buckets = size / THROTTLE_WAYS;
	t->sources =
		(struct table){SOURCE_V4_BITS, SOURCE_V6_BITS, (int64_t)limits->forget_s * 1000,
			(struct source *)calloc(size, sizeof(struct source))};
	t->nets = (struct table){NET_V4_BITS, NET_V6_BITS,
		(int64_t)limits->forget_s * 1000 / THROTTLE_NET_SHARE,
		(struct source *)calloc(size, sizeof(struct source))};
	t->mac = make_mac();
	if (!t->mac || !t->sources.places || !t->nets.places) {
		int r = !t->mac ? -EIO : -ENOMEM;

		throttle_destroy(t);
		return r;
	}
	*out = t;
	return 0;
}

void throttle_destroy(struct throttle *t)
{
	if (!t)
		return;
	EVP_MAC_CTX_free(t->mac);
	free(t->sources.places);
	free(t->nets.places);
	free(t);
}

static struct net_address masked(
	const struct net_address *source, unsigned v4_bits, unsigned v6_bits)
{
	struct net_address prefix = *source;

	address_mask(&prefix, prefix.size == 16 ? v6_bits : v4_bits);
	return prefix;
}

static struct net_address prefix_of(const struct table *table, const struct net_address *source)
{
	return masked(source, table->v4_bits, table->v6_bits);
}

bool throttle_same_source(const struct net_address *a, const struct net_address *b)
{
	struct net_address x = masked(a, SOURCE_V4_BITS, SOURCE_V6_BITS);
	struct net_address y = masked(b, SOURCE_V4_BITS, SOURCE_V6_BITS);

	return x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
}

static struct source *bucket_of(
	const struct throttle *t, const struct table *table, const struct net_address *prefix)
{
	uint8_t digest[SHA256_DIGEST_LENGTH] = {0};
	size_t len;
	uint64_t word;

	if (!EVP_MAC_init(t->mac, NULL, 0, NULL) ||
		!EVP_MAC_update(t->mac, prefix->bytes, prefix->size) ||
		!EVP_MAC_final(t->mac, digest, &len, sizeof(digest)))
		return table->places; /* one bucket for all: slower, not wrong */
	memcpy(&word, digest, sizeof(word));
	return &table->places[(size_t)(word & (t->buckets - 1)) * THROTTLE_WAYS];
}

/* What is left of a source's failures after the time since. */
static unsigned failures_left(const struct table *table, const struct source *s, int64_t now_ms)
{
	int64_t faded = now_ms > s->last_ms ? (now_ms - s->last_ms) / table->forget_ms : 0;

	return faded >= (int64_t)s->failures ? 0 : s->failures - (unsigned)faded;
}

static bool is_same(const struct source *s, const struct net_address *prefix)
{
	return s->failures != 0 && s->prefix.size == prefix->size &&
	       memcmp(s->prefix.bytes, prefix->bytes, prefix->size) == 0;
}

static struct source *find(
	const struct throttle *t, const struct table *table, const struct net_address *source)
{
	struct net_address prefix = prefix_of(table, source);
	struct source *bucket = bucket_of(t, table, &prefix);

	for (size_t i = 0; i < THROTTLE_WAYS; i++) {
		if (is_same(&bucket[i], &prefix))
			return &bucket[i];
	}
	return NULL;
}

static unsigned failures_in(const struct throttle *t, const struct table *table,
	const struct net_address *source, int64_t now_ms)
{
	const struct source *s = find(t, table, source);

	return s ? failures_left(table, s, now_ms) : 0;
}

unsigned throttle_failures(
	const struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	return failures_in(t, &t->sources, source, now_ms);
}

/* The one of a bucket that has the least to answer for, perhaps nothing. */
static struct source *least_of(const struct table *table, struct source *bucket, int64_t now_ms)
{
	struct source *least = &bucket[0];

	for (size_t i = 1; i < THROTTLE_WAYS; i++) {
		if (failures_left(table, &bucket[i], now_ms) < failures_left(table, least, now_ms))
			least = &bucket[i];
	}
	return least;
}

static void count(const struct throttle *t, const struct table *table,
	const struct net_address *source, int64_t now_ms)
{
	struct net_address prefix = prefix_of(table, source);
	struct source *place = find(t, table, source);

	if (!place) {
		place = least_of(table, bucket_of(t, table, &prefix), now_ms);
		*place = (struct source){.prefix = prefix};
	}
	place->failures = failures_left(table, place, now_ms);
	if (place->failures < FAILURES_MAX)
		place->failures++;
	place->last_ms = now_ms;
}

void throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	count(t, &t->sources, source, now_ms);
	count(t, &t->nets, source, now_ms);
}

static unsigned delay_for(const struct throttle *t, unsigned failures)
{
	uint64_t delay = t->limits.first_ms;

	if (failures == 0)
		return 0;
	for (unsigned i = 1; i < failures && delay < t->limits.longest_ms; i++)
		delay *= 2;
	return delay < t->limits.longest_ms ? (unsigned)delay : t->limits.longest_ms;
}

unsigned throttle_delay(const struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	unsigned own = failures_in(t, &t->sources, source, now_ms);
	unsigned part = failures_in(t, &t->nets, source, now_ms) / THROTTLE_NET_SHARE;

	return delay_for(t, own > part ? own : part);
}

static bool refuses(const struct throttle *t, unsigned failures)
{
	return t->limits.refuse_from != 0 && failures >= t->limits.refuse_from;
}

bool throttle_refuses(const struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	return refuses(t, throttle_failures(t, source, now_ms));
}

void throttle_forget(struct throttle *t, const struct net_address *source)
{
	struct source *own = find(t, &t->sources, source), *net = find(t, &t->nets, source);

	if (own)
		*own = (struct source){0};
	if (net)
		*net = (struct source){0};
}

static void show(const struct throttle *t, const struct table *table, const struct source *s,
	int64_t now_ms, struct throttle_row *row)
{
	unsigned left = failures_left(table, s, now_ms);
	int64_t since = now_ms > s->last_ms ? now_ms - s->last_ms : 0;

	row->prefix.address = s->prefix;
	row->prefix.bits = s->prefix.size == 16 ? table->v6_bits : table->v4_bits;
	row->is_net = table == &t->nets;
	row->failures = left;
	row->delay_ms = delay_for(t, row->is_net ? left / THROTTLE_NET_SHARE : left);
	row->refused_ms = 0;
	if (!row->is_net && refuses(t, left))
		row->refused_ms = ((int64_t)left - t->limits.refuse_from + 1) * table->forget_ms -
				  since % table->forget_ms;
}

static void each_in(const struct throttle *t, const struct table *table, int64_t now_ms,
	throttle_fn fn, void *arg)
{
	for (size_t i = 0; i < t->buckets * THROTTLE_WAYS; i++) {
		const struct source *s = &table->places[i];
		struct throttle_row row;

		if (s->failures == 0)
			continue;
		show(t, table, s, now_ms, &row);
		if (row.failures > 0 && (!row.is_net || row.delay_ms > 0))
			fn(arg, &row);
	}
}

void throttle_each(const struct throttle *t, int64_t now_ms, throttle_fn fn, void *arg)
{
	each_in(t, &t->sources, now_ms, fn, arg);
	each_in(t, &t->nets, now_ms, fn, arg);
}
