/*
 * Deposited keys.
 * Task: remember key, certificate and time. Owner: the broker. May not know how a key got here.
 */
#include "auth/deposit.h"
#include "auth/ssh/pubkey.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct deposit {
	uint8_t key[SHA256_DIGEST_LENGTH];
	uint8_t *der; /* NULL: this place is free */
	size_t der_len;
	int64_t until;
};

struct deposits {
	struct deposit all[DEPOSITS_MAX];
};

int deposits_create(struct deposits **out)
{
	*out = (struct deposits *)calloc(1, sizeof(**out));
	return *out != NULL ? 0 : -ENOMEM;
}

void deposits_destroy(struct deposits *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < DEPOSITS_MAX; i++)
		free(d->all[i].der);
	free(d);
}

static bool is_of(const struct deposit *k, struct span der)
{
	return k->der_len == der.len && memcmp(k->der, der.at, der.len) == 0;
}

/* 0 with *place; -EDQUOT, -ENOSPC. */
static int find_place(struct deposits *d, const uint8_t *key, struct span der, int64_t now,
	struct deposit **place)
{
	unsigned others = 0;

	*place = NULL;
	for (size_t i = 0; i < DEPOSITS_MAX; i++) {
		struct deposit *k = &d->all[i];

		if (k->der && memcmp(k->key, key, SHA256_DIGEST_LENGTH) == 0) {
			*place = k;
			return 0;
		}
		if (!k->der || now >= k->until)
			*place = *place ? *place : k;
		else
			others += is_of(k, der);
	}
	if (others >= DEPOSITS_OF_ONE_MAX)
		return -EDQUOT;
	return *place ? 0 : -ENOSPC;
}

int deposits_add(struct deposits *d, struct span blob, struct span der, int64_t until, int64_t now)
{
	uint8_t key[SHA256_DIGEST_LENGTH], *copy;
	struct deposit *place;
	struct pubkey parsed;
	const char *why;
	int rc = pubkey_parse(blob, &parsed, &why);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EKEYREJECTED;
	if (until <= now || until - now > DEPOSIT_SECONDS_MAX || der.len == 0)
		return -EINVAL;
	SHA256(blob.at, blob.len, key);
	rc = find_place(d, key, der, now, &place);
	if (rc < 0)
		return rc;
	copy = malloc(der.len);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, der.at, der.len);
	free(place->der);
	*place = (struct deposit){.der = copy, .der_len = der.len, .until = until};
	memcpy(place->key, key, sizeof(key));
	return 0;
}

int deposits_find(
	const struct deposits *d, struct span blob, int64_t now, struct span *der, int64_t *until)
{
	uint8_t key[SHA256_DIGEST_LENGTH];

	SHA256(blob.at, blob.len, key);
	for (size_t i = 0; i < DEPOSITS_MAX; i++) {
		const struct deposit *k = &d->all[i];

		if (!k->der || now >= k->until || memcmp(k->key, key, sizeof(key)) != 0)
			continue;
		*der = (struct span){k->der, k->der_len};
		*until = k->until;
		return 0;
	}
	return -ENOENT;
}
