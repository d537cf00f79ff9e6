/*
 * Logins by public key.
 * Task: from the blob a client proved to hold to an identity. Owner: the caller of the identity.
 * May not know rights or guests.
 */
#include "auth/login.h"
#include "core/text/net_address.h"
#include "auth/login_cert.h"

#include <errno.h>
#include <stdio.h>

static int refuse(char why[LOGIN_WHY_MAX], const char *text)
{
	snprintf(why, LOGIN_WHY_MAX, "%s", text);
	return -EACCES;
}

int login_apply_options(struct identity *id, const struct key_options *o)
{
	id->pty_allowed = id->pty_allowed && o->pty;
	if (o->expires)
		identity_until(id, o->expiry + 1); /* expiry itself is the last good second */
	if (o->command && identity_set(&id->command, o->command) < 0)
		return -ENOMEM;
	if (!o->access)
		return 0;
	if (identity_set(&id->access, o->access) < 0)
		return -ENOMEM;
	return identity_add(id, FACT_ACCESS, o->access);
}

static int identity_of_line(
	const struct authorized_key *k, const char *fingerprint, struct identity **out)
{
	struct identity *id;

	if (identity_create(FACT_KEY, fingerprint, &id) < 0)
		return -ENOMEM;
	if (identity_set(&id->fingerprint, fingerprint) < 0 ||
		identity_set(&id->comment, k->comment) < 0 ||
		login_apply_options(id, &k->options) < 0) {
		identity_destroy(id);
		return -ENOMEM;
	}
	*out = id;
	return 0;
}

int login_add_address(struct identity *id, const char *address)
{
	struct net_address a;
	char text[ADDRESS_TEXT_MAX];

	if (!address || address_parse(address, &a) < 0)
		return 0;
	address_text(&a, text);
	return identity_add(id, FACT_ADDRESS, text);
}

/* The first line with this key whose options let it in, as sshd does. */
static int login_by_line(const struct login_sources *sources, const struct login_proof *proof,
	const char *fingerprint, struct identity **out, char why[LOGIN_WHY_MAX])
{
	const struct authorized_key *k = NULL;
	const char *reason = LOGIN_UNKNOWN_KEY;

	if (sources->keys)
		k = key_store_find(sources->keys, proof->blob);
	for (; k; k = k->next_same) {
		if (k->options.cert_authority)
			reason = "the key signs certificates and may not log in by itself";
		else if (k->options.command && !sources->enforces_command)
			reason = "the key's command= is not enforced here";
		else if (key_options_allow(&k->options, proof->address, proof->now, &reason) == 0)
			return identity_of_line(k, fingerprint, out);
	}
	return refuse(why, reason);
}

int login_by_fingerprint(const struct login_sources *sources, const char *fingerprint,
	const struct authorized_key **line, struct identity **out)
{
	const struct authorized_key *k = NULL;

	if (sources->keys)
		k = key_store_find_fingerprint(sources->keys, fingerprint);
	while (k && k->options.cert_authority)
		k = k->next_same;
	if (!k)
		return -ENOENT;
	*line = k;
	return identity_of_line(k, fingerprint, out);
}

/* As the certificate that it was deposited with, if that is still good. The same. */
static int login_by_deposit(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	char reason[X509_STORE_WHY_MAX] = "";
	struct span der;
	int64_t until;
	int rc = deposits_find(sources->deposits, proof->blob, proof->now, &der, &until);

	if (rc < 0)
		return rc;
	if (!sources->x509)
		return refuse(why, "the authority of the certificate is no longer configured");
	rc = x509_store_check_der(sources->x509, der, proof->now, out, reason);
	if (rc == 0)
		identity_until(*out, until);
	return rc == -EACCES ? refuse(why, reason) : rc;
}

/* 0, -ENOENT (not known there), -EACCES with a reason, -ENOMEM. */
static int login_elsewhere(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	char reason[X509_STORE_WHY_MAX];
	int rc = -ENOENT;

	if (sources->x509)
		rc = x509_store_login(sources->x509, proof->blob, proof->now, out, reason);
	if (rc == -EACCES)
		refuse(why, reason);
	if ((rc == -ENOENT || rc == -EACCES) && sources->ovirt) {
		int more = ovirt_keys_login(sources->ovirt, proof->blob, out);

		rc = more == -ENOENT ? rc : more;
	}
	/* Last: whoever deposited it need not have it, and takes nobody's own name from him. */
	if ((rc == -ENOENT || rc == -EACCES) && sources->deposits) {
		int more = login_by_deposit(sources, proof, out, why);

		rc = more == -ENOENT ? rc : more;
	}
	return rc;
}

static int login_by_plain_key(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct pubkey key;
	const char *reason;
	int rc = pubkey_parse(proof->blob, &key, &reason);

	if (rc < 0)
		return rc == -ENOMEM ? rc : refuse(why, reason);
	if (login_key_revoked(sources, proof->blob))
		return refuse(why, "the key is revoked");
	pubkey_fingerprint(proof->blob, fingerprint);
	rc = login_by_line(sources, proof, fingerprint, out, why);
	if (rc != -EACCES)
		return rc;
	rc = login_elsewhere(sources, proof, out, why);
	if (rc == 0 && identity_set(&(*out)->fingerprint, fingerprint) < 0) {
		identity_destroy(*out);
		rc = -ENOMEM;
	}
	return rc == -ENOENT ? -EACCES : rc; /* the reason is still that of the lines */
}

bool login_key_revoked(const struct login_sources *sources, struct span blob)
{
	return sources->revoked && revoked_key(sources->revoked, blob);
}

int login_by_key(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	int rc;

	if (ssh_cert_is(proof->blob))
		rc = login_by_cert(sources, proof, out, why);
	else
		rc = login_by_plain_key(sources, proof, out, why);
	if (rc == 0 && login_add_address(*out, proof->address) < 0) {
		identity_destroy(*out);
		rc = -ENOMEM;
	}
	if (rc < 0)
		*out = NULL;
	return rc;
}
