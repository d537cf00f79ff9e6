/*
 * Logins by OpenSSH certificate.
 * Task: is the CA trusted, is the certificate good, which principals does it give. Owner: the
 * caller of the identity. May not know rights or guests.
 */
#include "auth/login_cert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(char why[LOGIN_WHY_MAX], const char *text)
{
	snprintf(why, LOGIN_WHY_MAX, "%s", text);
	return -EACCES;
}

/* Whether name is one of a comma-separated list. */
static bool is_listed(struct span name, const char *list)
{
	for (;;) {
		size_t len = strcspn(list, ",");

		if (span_equal(name, span_of(list, len)))
			return true;
		if (list[len] == 0)
			return false;
		list += len + 1;
	}
}

/* Whether a cert-authority line's principals= lets one of the certificate's through. */
static bool counts(struct span name, const struct key_options *options)
{
	return !options || !options->principals || is_listed(name, options->principals);
}

static bool has_one_that_counts(const struct ssh_cert *cert, const struct key_options *options)
{
	struct span rest = cert->principals;
	struct span name;

	while (ssh_cert_next_principal(&rest, &name)) {
		if (counts(name, options))
			return true;
	}
	return false;
}

/*
 * Finds who trusts the certificate's CA: *options is NULL for ssh_user_ca, else those of the
 * cert-authority line. 0, or -EACCES.
 */
static int find_ca(const struct login_sources *sources, const struct login_proof *proof,
	const struct ssh_cert *cert, const struct key_options **options, char why[LOGIN_WHY_MAX])
{
	const char *reason = LOGIN_UNKNOWN_CA;
	const struct authorized_key *k = NULL;

	*options = NULL;
	if (sources->ssh_cas && key_store_find(sources->ssh_cas, cert->ca.blob))
		return 0;
	if (sources->keys)
		k = key_store_find(sources->keys, cert->ca.blob);
	for (; k; k = k->next_same) {
		if (!k->options.cert_authority ||
			key_options_allow(&k->options, proof->address, proof->now, &reason) < 0)
			continue;
		*options = &k->options;
		if (cert->principals.len == 0 || has_one_that_counts(cert, *options))
			return 0;
		reason = "the certificate has none of the CA line's principals";
	}
	return refuse(why, reason);
}

/* Makes the identity of the principals that count. 0, -EACCES, -ENOMEM, -E2BIG. */
static int add_principals(const struct ssh_cert *cert, const struct key_options *options,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	struct span rest = cert->principals;
	struct span name;
	int rc = 0;

	*out = NULL;
	while (rc == 0 && ssh_cert_next_principal(&rest, &name)) {
		char *text;

		if (!counts(name, options))
			continue;
		text = span_dup(name);
		if (!text)
			rc = -ENOMEM;
		else if (!*out)
			rc = identity_create(FACT_PRINCIPAL, text, out);
		else
			rc = identity_add(*out, FACT_PRINCIPAL, text);
		free(text);
	}
	if (rc == 0 && !*out)
		return refuse(why, "the certificate names no principal");
	return rc;
}

/* The certificate's own command, which must not contradict the line's. */
static int add_command(const struct ssh_cert *cert, struct identity *id, char why[LOGIN_WHY_MAX])
{
	char *text;
	int rc;

	if (!cert->force_command.at)
		return 0;
	text = span_dup(cert->force_command);
	if (!text)
		return -ENOMEM;
	if (id->command && strcmp(id->command, text) != 0)
		rc = refuse(
			why, "the certificate's force-command and the CA line's command differ");
	else
		rc = identity_set(&id->command, text);
	free(text);
	return rc;
}

/* For people: which certificate of which key it was. */
static int describe(const struct ssh_cert *cert, struct span plain, struct identity *id)
{
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	char *comment = NULL;
	int rc;

	pubkey_fingerprint(plain, fingerprint);
	if (asprintf(&comment, "%.*s (serial %" PRIu64 ")", (int)cert->key_id.len,
		    (const char *)cert->key_id.at, cert->serial) < 0)
		return -ENOMEM;
	rc = identity_set(&id->comment, comment);
	free(comment);
	return rc < 0 ? rc : identity_set(&id->fingerprint, fingerprint);
}

static int fill(const struct ssh_cert *cert, struct span plain, const struct key_options *options,
	struct identity *id, char why[LOGIN_WHY_MAX])
{
	int rc = 0;

	id->pty_allowed = cert->permit_pty;
	if (cert->valid_before <= INT64_MAX)
		identity_until(id, (int64_t)cert->valid_before);
	if (options)
		rc = login_apply_options(id, options);
	if (rc == 0)
		rc = add_command(cert, id, why);
	return rc < 0 ? rc : describe(cert, plain, id);
}

int login_by_cert(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX])
{
	const struct key_options *options;
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct ssh_cert cert;
	struct span plain;
	const char *reason;
	int rc = ssh_cert_parse(proof->blob, &cert, &reason);

	if (rc < 0)
		return rc == -ENOMEM ? rc : refuse(why, reason);
	/* Trust first: nobody makes us compute signatures of a CA of their own. */
	rc = find_ca(sources, proof, &cert, &options, why);
	if (rc < 0)
		return rc;
	rc = ssh_cert_check(&cert, proof->address, proof->now, &reason);
	if (rc < 0)
		return rc == -EACCES ? refuse(why, reason) : rc;
	if (sources->revoked && revoked_cert(sources->revoked, &cert))
		return refuse(why, "the certificate, its key or its CA is revoked");
	if (ssh_cert_plain_blob(&cert, mem, sizeof(mem), &plain) < 0)
		return refuse(why, "the certificate's key is too long");
	rc = add_principals(&cert, options, out, why);
	if (rc == 0)
		rc = fill(&cert, plain, options, *out, why);
	if (rc == 0 && (*out)->command != NULL && !sources->enforces_command)
		rc = refuse(why, "the certificate's command is not enforced here");
	if (rc < 0)
		identity_destroy(*out);
	return rc == -E2BIG ? refuse(why, "the certificate has too many principals") : rc;
}
