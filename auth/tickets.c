/*
 * Tickets.
 * Task: make, check and forget them. Owner: the broker. May not know guests, rules or passwords
 * of other kinds.
 */
#include "auth/tickets.h"
#include "core/text/token.h"
#include "core/text/uuid_text.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define KEY_BYTES 32

struct ticket {
	uint8_t hash[TICKET_HASH];
	int64_t until; /* first second at which it is dead */
	unsigned uses; /* left; 0: this place is free */
	char uuid[UUID_ROOM];
	char maker[TICKET_MAKER_MAX];
	void *by;
	void (*drop)(void *by);
};

struct tickets {
	uint8_t key[KEY_BYTES]; /* so that a hash seen elsewhere says nothing */
	struct ticket all[TICKETS_MAX];
};

static int random_bytes(uint8_t *out, size_t len)
{
	return getrandom(out, len, 0) == (ssize_t)len ? 0 : -EIO;
}

int tickets_create(struct tickets **out)
{
	struct tickets *t = (struct tickets *)calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (random_bytes(t->key, sizeof(t->key)) < 0) {
		free(t);
		return -EIO;
	}
	*out = t;
	return 0;
}

/* The place is free again. */
static void forget(struct ticket *k)
{
	void *by = k->by;
	void (*drop)(void *) = k->drop;

	explicit_bzero(k, sizeof(*k));
	if (drop)
		drop(by);
}

void tickets_destroy(struct tickets *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < TICKETS_MAX; i++)
		forget(&t->all[i]);
	explicit_bzero(t, sizeof(*t));
	free(t);
}

static void hash_text(
	const struct tickets *t, const char *text, size_t len, uint8_t out[SHA256_DIGEST_LENGTH])
{
	unsigned size = SHA256_DIGEST_LENGTH;

	if (HMAC(EVP_sha256(), t->key, KEY_BYTES, (const uint8_t *)text, len, out, &size) == NULL)
		memset(out, 0, SHA256_DIGEST_LENGTH);
}

static bool is_alive(const struct ticket *k, int64_t now)
{
	return k->uses != 0 && now < k->until;
}

static struct ticket *free_place(struct tickets *t, int64_t now)
{
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		if (!is_alive(&t->all[i], now))
			return &t->all[i];
	}
	return NULL;
}

static int make(struct tickets *t, const char *uuid, const struct ticket_maker *maker, unsigned ttl,
	unsigned uses, int64_t now, char text[TICKET_ROOM])
{
	struct ticket *k;

	if (ttl == 0 || ttl > TICKET_TTL_MAX || uses == 0 || uses > TICKET_USES_MAX ||
		!uuid_is(uuid))
		return -EINVAL;
	k = free_place(t, now);
	if (!k)
		return -ENOSPC;
	if (token_make(text) < 0)
		return -EIO;
	forget(k);
	*k = (struct ticket){
		.until = now + ttl, .uses = uses, .by = maker->by, .drop = maker->drop};
	hash_text(t, text, TICKET_LENGTH, k->hash);
	snprintf(k->uuid, sizeof(k->uuid), "%s", uuid);
	snprintf(k->maker, sizeof(k->maker), "%s", maker->text);
	return 0;
}

int tickets_make(struct tickets *t, const char *uuid, const struct ticket_maker *maker,
	unsigned ttl, unsigned uses, int64_t now, char text[TICKET_ROOM])
{
	int r = make(t, uuid, maker, ttl, uses, now, text);

	if (r < 0 && maker->drop)
		maker->drop(maker->by);
	return r;
}

int tickets_find(const struct tickets *t, const char *uuid, const char *presented, size_t len,
	int64_t now, char maker[TICKET_MAKER_MAX], struct ticket_claim *claim)
{
	const struct ticket *found = NULL;

	/* Longer ones are no tickets; hashing a bounded part of them hides that nowhere. */
	hash_text(t, presented, len < TICKET_LENGTH + 1 ? len : TICKET_LENGTH + 1, claim->hash);
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		const struct ticket *k = &t->all[i];

		if (CRYPTO_memcmp(k->hash, claim->hash, TICKET_HASH) == 0 && is_alive(k, now))
			found = k;
	}
	if (!found || !uuid || strcasecmp(found->uuid, uuid) != 0) {
		explicit_bzero(claim, sizeof(*claim));
		return -EACCES;
	}
	snprintf(maker, TICKET_MAKER_MAX, "%s", found->maker);
	return 0;
}

static const struct ticket *claimed(const struct tickets *t, const struct ticket_claim *claim)
{
	for (size_t i = 0; i < TICKETS_MAX; i++) {
		if (memcmp(t->all[i].hash, claim->hash, TICKET_HASH) == 0)
			return &t->all[i];
	}
	return NULL;
}

void *tickets_by(const struct tickets *t, const struct ticket_claim *claim)
{
	const struct ticket *k = claimed(t, claim);

	return k ? k->by : NULL;
}

int tickets_use(struct tickets *t, const struct ticket_claim *claim, int64_t now)
{
	struct ticket *k = (struct ticket *)(uintptr_t)claimed(t, claim);

	if (!k || !is_alive(k, now))
		return -EACCES;
	k->uses--; /* the last one leaves a dead ticket, whose place is free */
	return 0;
}

void tickets_give_back(struct tickets *t, const struct ticket_claim *claim)
{
	struct ticket *k = (struct ticket *)(uintptr_t)claimed(t, claim);

	if (k)
		k->uses++;
}
