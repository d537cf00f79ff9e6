/*
 * Deposited keys.
 * Task: remember key, identity and time. Owner: the broker; the table owns its identities. May not
 * know how a key got here.
 */
#include "auth/deposit.h"
#include "auth/ssh/pubkey.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct deposit {
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct identity *id; /* NULL: this place is free */
	int64_t until;
};

struct deposits {
	struct deposit all[DEPOSITS_MAX];
};

int deposits_create(struct deposits **out)
{
	*out = (struct deposits *)calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void deposits_destroy(struct deposits *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < DEPOSITS_MAX; i++)
		identity_destroy(d->all[i].id);
	free(d);
}

int deposits_add(
	struct deposits *d, struct span blob, struct identity *id, int64_t until, int64_t now)
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	struct deposit *place = NULL;
	struct pubkey parsed;
	const char *why;
	int rc = pubkey_parse(blob, &parsed, &why);

	if (rc < 0)
		return rc == -ENOMEM ? rc : -EKEYREJECTED;
	if (until <= now || until - now > DEPOSIT_SECONDS_MAX)
		return -EINVAL;
	SHA256(blob.at, blob.len, key);
	for (size_t i = 0; i < DEPOSITS_MAX; i++) {
		struct deposit *k = &d->all[i];

		if (k->id && memcmp(k->key, key, sizeof(key)) == 0) {
			place = k;
			break;
		}
		if (!place && (!k->id || now >= k->until))
			place = k;
	}
	if (!place)
		return -ENOSPC;
	identity_destroy(place->id);
	*place = (struct deposit){.id = id, .until = until};
	memcpy(place->key, key, sizeof(key));
	return 0;
}

static int copy_until(const struct deposit *k, struct identity **out)
{
	int rc = identity_copy(k->id, out);

	if (rc == 0)
		identity_until(*out, k->until);
	return rc;
}

int deposits_login(const struct deposits *d, struct span blob, int64_t now, struct identity **out)
{
	uint8_t key[SHA256_DIGEST_LENGTH];

	SHA256(blob.at, blob.len, key);
	for (size_t i = 0; i < DEPOSITS_MAX; i++) {
		const struct deposit *k = &d->all[i];

		if (k->id && now < k->until && memcmp(k->key, key, sizeof(key)) == 0)
			return copy_until(k, out);
	}
	return -ENOENT;
}
