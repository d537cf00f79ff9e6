/*
 * The revoked keys.
 * Task: load lists, answer. Owner: struct revoked owns its lists. May not know logins.
 */
#include "auth/ssh/revoked.h"
#include "auth/ssh/authorized_keys.h"
#include "auth/ssh/digest_set.h"
#include "auth/ssh/krl.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct revoked {
	struct krl *lists[REVOKED_FILES_MAX];
	size_t count;
	struct digest_set plain; /* SHA-256 of the blobs in plain lists */
};

struct load {
	struct revoked *r;
	auth_report_fn report;
	void *arg;
};

static int complain(const struct load *l, const char *path, unsigned line, const char *why)
{
	l->report(l->arg, path, line, why);
	return -EINVAL;
}

static int add_line(const struct load *l, const char *path, unsigned number, struct span line)
{
	char why[KEY_OPTIONS_WHY_MAX];
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct authorized_key *k;
	int rc;

	if (memmem(line.at, line.len, "-cert-v01@", 10))
		return complain(l, path, number, "a certificate cannot be revoked by a plain list");
	rc = authorized_keys_parse_line((const char *)line.at, line.len, &k, why);
	if (rc == LINE_EMPTY || rc == -ENOMEM)
		return rc;
	if (rc == -EKEYREJECTED)
		return 0; /* such a key is never let in */
	if (rc < 0)
		return complain(l, path, number, why);
	SHA256(k->key.blob.at, k->key.blob.len, digest);
	authorized_key_destroy(k);
	return digest_set_add(&l->r->plain, digest);
}

static int load_plain(const struct load *l, const char *path, const char *text, size_t len)
{
	const char *end = text + len;
	unsigned number = 0;
	int rc = 0;

	while (rc == 0 && text < end) {
		const char *stop = (const char *)memchr(text, '\n', (size_t)(end - text));
		size_t line = (size_t)((stop ? stop : end) - text);

		rc = add_line(l, path, ++number, span_of(text, line));
		text = stop ? stop + 1 : end;
	}
	return rc;
}

static int load_file(void *arg, const char *path)
{
	const struct load *l = (const struct load *)arg;
	char why[AUTHFILE_WHY_MAX];
	const char *reason;
	char *data;
	size_t len;
	int rc;

	if (l->r->count == REVOKED_FILES_MAX)
		return complain(l, path, 0, "too many revocation lists");
	rc = authfile_read(path, AUTHFILE_OURS, KRL_BYTES_MAX, &data, &len, why);
	if (rc < 0)
		return rc == -ENOMEM ? rc : complain(l, path, 0, why);
	if (krl_is(span_of(data, len))) {
		rc = krl_create(span_of(data, len), &l->r->lists[l->r->count], &reason);
		if (rc == 0)
			l->r->count++;
		else if (rc != -ENOMEM)
			rc = complain(l, path, 0, reason);
	} else {
		rc = load_plain(l, path, data, len);
	}
	free(data);
	return rc;
}

int revoked_create(const char *const *patterns, size_t count, auth_report_fn report, void *arg,
	struct revoked **out)
{
	struct load l = {(struct revoked *)calloc(1, sizeof(*l.r)), report, arg};
	int rc;

	if (!l.r)
		return -ENOMEM;
	l.r->plain.width = SHA256_DIGEST_LENGTH;
	rc = authfile_expand_all(patterns, count, load_file, &l, report, arg);
	if (rc < 0) {
		revoked_destroy(l.r);
		return rc == -ENOMEM ? rc : -EINVAL;
	}
	digest_set_seal(&l.r->plain);
	*out = l.r;
	return 0;
}

void revoked_destroy(struct revoked *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++)
		krl_destroy(r->lists[i]);
	digest_set_finish(&r->plain);
	free(r);
}

bool revoked_key(const struct revoked *r, struct span blob)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(blob.at, blob.len, digest);
	if (digest_set_has(&r->plain, digest))
		return true;
	for (size_t i = 0; i < r->count; i++) {
		if (krl_revokes_key(r->lists[i], blob))
			return true;
	}
	return false;
}

bool revoked_cert(const struct revoked *r, const struct ssh_cert *cert)
{
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct span plain;

	/* A key that cannot even be written out is better taken for revoked. */
	if (ssh_cert_plain_blob(cert, mem, sizeof(mem), &plain) < 0 || revoked_key(r, plain))
		return true;
	if (revoked_key(r, cert->ca.blob))
		return true;
	for (size_t i = 0; i < r->count; i++) {
		if (krl_revokes_cert(r->lists[i], cert))
			return true;
	}
	return false;
}
