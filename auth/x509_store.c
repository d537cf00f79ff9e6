/*
 * The store of X.509 certificates.
 * Task: load files, find a certificate by its key, ask whether it is good. Owner: the store owns
 * its certificates. May not know rules.
 */
#include "auth/x509_store.h"
#include "auth/x509_key.h"
#include "auth/x509_pem.h"
#include "auth/x509_verify.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

struct entry {
	uint8_t key[SHA256_DIGEST_LENGTH]; /* of the key's blob */
	size_t order;                      /* as loaded */
	X509 *cert;
};

struct x509_store {
	struct x509_anchors anchors;
	struct entry *entries; /* sorted by key, then order */
	size_t count, room;
};

struct load {
	struct x509_store *s;
	auth_report_fn report;
	void *arg;
	const char *path;
	enum authfile_trust trust;
	x509_pem_fn take;
	bool fatal; /* whether a bad file fails the whole */
};

static int add_entry(struct x509_store *s, X509 *cert, struct span blob)
{
	struct entry *e;

	if (s->count == X509_STORE_CERTS_MAX)
		return -E2BIG;
	if (s->count == s->room) {
		size_t room = s->room != 0 ? s->room * 2 : 16;

		e = (struct entry *)reallocarray(s->entries, room, sizeof(*e));
		if (!e)
			return -ENOMEM;
		s->entries = e;
		s->room = room;
	}
	e = &s->entries[s->count];
	SHA256(blob.at, blob.len, e->key);
	e->order = s->count++;
	e->cert = cert;
	X509_up_ref(cert);
	return 0;
}

static int take_certificate(void *arg, X509 *cert, X509_CRL *crl)
{
	const struct load *l = (const struct load *)arg;
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct span blob;
	const char *why;
	int rc;

	if (crl)
		return 0;
	if ((X509_get_extension_flags(cert) & EXFLAG_CA) != 0) {
		rc = x509_anchors_add_intermediate(&l->s->anchors, cert);
		return rc < 0 ? rc : 1;
	}
	rc = x509_key_blob(cert, mem, sizeof(mem), &blob, &why);
	if (rc == -EKEYREJECTED) {
		l->report(l->arg, l->path, 0, why);
		return 1; /* told; no need to tell that there is no certificate */
	}
	if (rc == 0)
		rc = add_entry(l->s, cert, blob);
	return rc < 0 ? rc : 1;
}

static int take_ca(void *arg, X509 *cert, X509_CRL *crl)
{
	const struct load *l = (const struct load *)arg;
	int rc;

	if (!cert)
		return 0;
	rc = x509_anchors_add_ca(&l->s->anchors, cert);
	return rc < 0 ? rc : 1;
}

static int take_crl(void *arg, X509 *cert, X509_CRL *crl)
{
	const struct load *l = (const struct load *)arg;
	int rc;

	if (!crl)
		return 0;
	rc = x509_anchors_add_crl(&l->s->anchors, crl);
	return rc < 0 ? rc : 1;
}

/* Tells; 0 when the others may go on. */
static int complain(const struct load *l, const char *why)
{
	l->report(l->arg, l->path, 0, why);
	return l->fatal ? -EINVAL : 0;
}

static int load_file(struct load *l, const char *path)
{
	char why[AUTHFILE_WHY_MAX];
	const char *reason;
	char *text;
	size_t len;
	int rc = authfile_read(path, l->trust, X509_STORE_FILE_MAX, &text, &len, why);

	l->path = path;
	if (rc < 0)
		return rc == -ENOMEM ? rc : complain(l, why);
	rc = x509_pem_each(span_of(text, len), l->take, l, &reason);
	explicit_bzero(text, len); /* a private key may stand beside the certificate */
	free(text);
	if (rc == -E2BIG) {
		complain(l, "too many certificates: the rest is left out");
		return 0;
	}
	if (rc == -EBADMSG)
		return complain(l, reason);
	if (rc == 0)
		return complain(l, l->take == take_crl ? "no CRL in it" : "no certificate in it");
	return rc < 0 ? rc : 0;
}

static int has_suffix(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && d->d_name[0] != '.' &&
	       (strcasecmp(dot, ".pem") == 0 || strcasecmp(dot, ".crt") == 0 ||
		       strcasecmp(dot, ".cer") == 0);
}

static int load_folder(struct load *l, const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, has_suffix, alphasort);
	int rc = 0;

	if (count < 0) {
		int error = errno;

		l->path = path;
		return error == ENOMEM ? -ENOMEM : complain(l, strerror(error));
	}
	for (int i = 0; i < count; i++) {
		char *file = NULL;

		if (rc == 0 && asprintf(&file, "%s/%s", path, names[i]->d_name) < 0)
			rc = -ENOMEM;
		if (rc == 0) {
			rc = load_file(l, file);
			free(file);
		}
		free(names[i]);
	}
	free(names);
	return rc;
}

static int load_path(void *arg, const char *path)
{
	struct load *l = (struct load *)arg;
	struct stat st;

	if (l->take == take_certificate && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return load_folder(l, path);
	return load_file(l, path);
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = (const struct entry *)a;
	const struct entry *y = (const struct entry *)b;
	int order = memcmp(x->key, y->key, sizeof(x->key));

	return order != 0 ? order : x->order < y->order ? -1 : x->order > y->order;
}

static int load_all(struct load *l, const struct x509_paths *paths)
{
	int rc;

	l->fatal = true;
	l->take = take_ca;
	l->trust = AUTHFILE_SHUT;
	rc = authfile_expand_all(paths->cas, paths->ca_count, load_path, l, l->report, l->arg);
	l->take = take_crl;
	if (rc == 0)
		rc = authfile_expand_all(
			paths->crls, paths->crl_count, load_path, l, l->report, l->arg);
	l->fatal = false;
	l->take = take_certificate;
	l->trust = AUTHFILE_SIGNED;
	if (rc == 0)
		rc = authfile_expand(paths->certificates, paths->certificate_count, load_path, l);
	return rc;
}

int x509_store_create(
	const struct x509_paths *paths, auth_report_fn report, void *arg, struct x509_store **out)
{
	struct x509_store *s = (struct x509_store *)calloc(1, sizeof(*s));
	struct load l = {.s = s, .report = report, .arg = arg};
	int rc;

	if (!s || x509_anchors_init(&s->anchors) < 0) {
		free(s);
		return -ENOMEM;
	}
	rc = load_all(&l, paths);
	if (rc < 0) {
		x509_store_destroy(s);
		return rc == -ENOMEM ? rc : -EINVAL;
	}
	if (s->count != 0)
		qsort(s->entries, s->count, sizeof(*s->entries), compare);
	*out = s;
	return 0;
}

void x509_store_destroy(struct x509_store *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		X509_free(s->entries[i].cert);
	free(s->entries);
	x509_anchors_finish(&s->anchors);
	free(s);
}

size_t x509_store_count(const struct x509_store *s)
{
	return s->count;
}

static int accept_cert(const struct x509_store *s, X509 *cert, int64_t now, struct identity **out,
	char why[X509_STORE_WHY_MAX])
{
	int64_t until = 0;
	int rc = x509_verify(&s->anchors, cert, now, &until, why);

	if (rc < 0)
		return rc;
	rc = x509_subject_identity(cert, out);
	if (rc == 0)
		identity_until(*out, until);
	if (rc == 0 || rc == -ENOMEM)
		return rc;
	snprintf(why, X509_STORE_WHY_MAX, "the certificate's subject cannot be read");
	return -EACCES;
}

/* The first entry with this key, or count. */
static size_t find_entry(const struct x509_store *s, const uint8_t *key)
{
	size_t low = 0;
	size_t high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(s->entries[mid].key, key, SHA256_DIGEST_LENGTH) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

int x509_store_login(const struct x509_store *s, struct span blob, int64_t now,
	struct identity **out, char why[X509_STORE_WHY_MAX])
{
	uint8_t key[SHA256_DIGEST_LENGTH];
	int rc = -ENOENT;

	SHA256(blob.at, blob.len, key);
	for (size_t i = find_entry(s, key); i < s->count; i++) {
		if (memcmp(s->entries[i].key, key, sizeof(key)) != 0)
			break;
		rc = accept_cert(s, s->entries[i].cert, now, out, why);
		if (rc != -EACCES)
			break;
	}
	return rc;
}

int x509_store_check_der(const struct x509_store *s, struct span der, int64_t now,
	struct identity **out, char why[X509_STORE_WHY_MAX])
{
	const unsigned char *end = der.at;
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct span blob;
	const char *reason = "the certificate is malformed";
	X509 *cert = d2i_X509(NULL, &end, (long)der.len);
	int rc = -EACCES;

	if (cert && end == der.at + der.len)
		rc = x509_key_blob(cert, mem, sizeof(mem), &blob, &reason);
	if (rc == 0)
		rc = accept_cert(s, cert, now, out, why);
	else if (rc != -ENOMEM)
		snprintf(why, X509_STORE_WHY_MAX, "%s", reason);
	X509_free(cert);
	ERR_clear_error();
	return rc == 0 || rc == -ENOMEM ? rc : -EACCES;
}
