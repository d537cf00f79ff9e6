/*
 * VDSM's certificates as SSH keys: a key logs in when it is the key of one of these certificates
 * and that certificate is good at this very moment. A reload, or a change in a folder, makes a new
 * store and destroys the old one.
 *
 * Good: it chains to the CA (RFC 5280 path validation by OpenSSL, at its security level 2, so
 * neither SHA-1 nor keys below 112 bits of strength anywhere in the chain), is valid now, is not
 * a CA itself, may sign (keyUsage) and may be a client (extendedKeyUsage) where it says anything
 * about it, and, when CRLs are given, is on none of them and every CA in the chain has a current
 * one.
 */
#ifndef AUTH_X509_STORE_H
#define AUTH_X509_STORE_H

#include "auth/ssh/authfile.h"
#include "auth/identity.h"
#include "core/text/span.h"

#include <stdint.h>

#define X509_STORE_FILE_MAX (4u << 20) /* bytes of one file */
#define X509_STORE_CERTS_MAX 20000
#define X509_STORE_DEPTH_MAX 5
#define X509_STORE_WHY_MAX 200

/* Files, globs, and for certificates folders too (their *.pem, *.crt, *.cer). */
struct x509_paths {
	const char *const *certificates;
	size_t certificate_count;
	const char *const *cas;
	size_t ca_count;
	const char *const *crls;
	size_t crl_count;
};

struct x509_store;

/*
 * Certificates that cannot be read or used are told to report and left out; without a readable CA,
 * or with an unreadable CRL, or a pattern of either that matches none, there is no store. 0,
 * -EINVAL (told to report), -ENOMEM.
 */
int x509_store_create(const struct x509_paths *paths, auth_report_fn report, void *arg,
	struct x509_store **out) __attribute__((warn_unused_result));
void x509_store_destroy(struct x509_store *s);
size_t x509_store_count(const struct x509_store *s);

/*
 * Whom the key belongs to at now (seconds since 1970). 0 with *out; -ENOENT: no certificate has
 * this key; -EACCES: none that has it is good, the reason in why; -ENOMEM.
 */
int x509_store_login(const struct x509_store *s, struct span blob, int64_t now,
	struct identity **out, char why[X509_STORE_WHY_MAX]) __attribute__((warn_unused_result));

/*
 * The same question about a certificate in DER that a client showed by TLS; it need not be one of
 * the store's. 0, -EACCES, -ENOMEM.
 */
int x509_store_check_der(const struct x509_store *s, struct span der, int64_t now,
	struct identity **out, char why[X509_STORE_WHY_MAX]) __attribute__((warn_unused_result));

#endif
