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
#define V6_PREFIX_BITS 64
#define FAILURES_MAX 1000000

struct source {
	struct net_address prefix;
	unsigned failures; /* as of last_ms; 0: this place is free */
	int64_t last_ms;
};

struct throttle {
	struct throttle_limits limits;
	EVP_MAC_CTX *mac;
	size_t buckets; /* a power of two */
	struct source places[];
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
	if (mac == NULL || getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key) ||
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
	t = (struct throttle *)calloc(1, sizeof(*t) + size * sizeof(t->places[0]));
	if (t == NULL)
		return -ENOMEM;
	t->limits = *limits;
	t->buckets = size / THROTTLE_WAYS;
	t->mac = make_mac();
	if (t->mac == NULL) {
		free(t);
		return -EIO;
	}
	*out = t;
	return 0;
}

void throttle_destroy(struct throttle *t)
{
	if (t != NULL)
		EVP_MAC_CTX_free(t->mac);
	free(t);
}

static struct net_address prefix_of(const struct net_address *source)
{
	struct net_address prefix = *source;

	if (prefix.size == 16)
		address_mask(&prefix, V6_PREFIX_BITS);
	return prefix;
}

static size_t bucket_of(const struct throttle *t, const struct net_address *prefix)
{
	uint8_t digest[SHA256_DIGEST_LENGTH] = {0};
	size_t len;
	uint64_t word;

	if (!EVP_MAC_init(t->mac, NULL, 0, NULL) ||
		!EVP_MAC_update(t->mac, prefix->bytes, prefix->size) ||
		!EVP_MAC_final(t->mac, digest, &len, sizeof(digest)))
		return 0; /* one bucket for all: slower, not wrong */
	memcpy(&word, digest, sizeof(word));
	return (size_t)(word & (t->buckets - 1)) * THROTTLE_WAYS;
}

/* What is left of a source's failures after the time since. */
static unsigned failures_left(const struct throttle *t, const struct source *s, int64_t now_ms)
{
	int64_t quiet_s = now_ms > s->last_ms ? (now_ms - s->last_ms) / 1000 : 0;
	int64_t faded = quiet_s / (int64_t)t->limits.forget_s;

	return faded >= (int64_t)s->failures ? 0 : s->failures - (unsigned)faded;
}

static bool is_same(const struct source *s, const struct net_address *prefix)
{
	return s->failures != 0 && s->prefix.size == prefix->size &&
	       memcmp(s->prefix.bytes, prefix->bytes, prefix->size) == 0;
}

bool throttle_same_source(const struct net_address *a, const struct net_address *b)
{
	struct net_address x = prefix_of(a);
	struct net_address y = prefix_of(b);

	return x.size == y.size && memcmp(x.bytes, y.bytes, x.size) == 0;
}

unsigned throttle_failures(
	const struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	struct net_address prefix = prefix_of(source);
	const struct source *bucket = &t->places[bucket_of(t, &prefix)];

	for (size_t i = 0; i < THROTTLE_WAYS; i++) {
		if (is_same(&bucket[i], &prefix))
			return failures_left(t, &bucket[i], now_ms);
	}
	return 0;
}

void throttle_failed(struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	struct net_address prefix = prefix_of(source);
	struct source *bucket = &t->places[bucket_of(t, &prefix)];
	struct source *place = &bucket[0];

	for (size_t i = 0; i < THROTTLE_WAYS; i++) {
		if (is_same(&bucket[i], &prefix)) {
			place = &bucket[i];
			break;
		}
		if (failures_left(t, &bucket[i], now_ms) < failures_left(t, place, now_ms))
			place = &bucket[i];
	}
	if (!is_same(place, &prefix))
		*place = (struct source){.prefix = prefix};
	place->failures = failures_left(t, place, now_ms);
	if (place->failures < FAILURES_MAX)
		place->failures++;
	place->last_ms = now_ms;
}

unsigned throttle_delay(const struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	unsigned failures = throttle_failures(t, source, now_ms);
	uint64_t delay = t->limits.first_ms;

	if (failures == 0)
		return 0;
	for (unsigned i = 1; i < failures && delay < t->limits.longest_ms; i++)
		delay *= 2;
	return delay < t->limits.longest_ms ? (unsigned)delay : t->limits.longest_ms;
}

bool throttle_refuses(const struct throttle *t, const struct net_address *source, int64_t now_ms)
{
	return t->limits.refuse_from != 0 &&
	       throttle_failures(t, source, now_ms) >= t->limits.refuse_from;
}
