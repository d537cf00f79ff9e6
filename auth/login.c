/*
 * Logins by public key.
 * Task: from the blob a client proved to hold to an identity. Owner: the caller of the identity.
 * May not know rights or guests.
 */
#include "auth/login.h"
#include "auth/address.h"

#include <errno.h>
#include <stdio.h>

static int refuse(char why[LOGIN_WHY_MAX], const char *text)
{
	snprintf(why, LOGIN_WHY_MAX, "%s", text);
	return -EACCES;
}

static int identity_of_line(
	const struct authorized_key *k, const char *fingerprint, struct identity **out)
{
	struct identity *id;

	if (identity_create(FACT_KEY, fingerprint, &id) < 0)
		return -ENOMEM;
	id->pty_allowed = k->options.pty;
	if (identity_set(&id->fingerprint, fingerprint) < 0 ||
		identity_set(&id->comment, k->comment) < 0) {
		identity_destroy(id);
		return -ENOMEM;
	}
	*out = id;
	return 0;
}

static int add_address(struct identity *id, const struct login_proof *proof)
{
	struct net_address a;
	char text[ADDRESS_TEXT_MAX];

	if (proof->address == NULL || address_parse(proof->address, &a) < 0)
		return 0;
	address_text(&a, text);
	return identity_add(id, FACT_ADDRESS, text);
}

int login_by_key(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	const struct authorized_key *line;
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct pubkey key;
	const char *reason;
	int rc = pubkey_parse(proof->blob, &key, &reason);

	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return refuse(why, reason);
	line = sources->keys != NULL ? key_store_find(sources->keys, proof->blob) : NULL;
	if (line == NULL)
		return refuse(why, "the key is not known");
	pubkey_fingerprint(proof->blob, fingerprint);
	rc = identity_of_line(line, fingerprint, out);
	if (rc == 0 && add_address(*out, proof) < 0) {
		identity_destroy(*out);
		rc = -ENOMEM;
	}
	return rc;
}
