/*
 * Path validation.
 * Task: is this certificate good now, and if not, why. Owner: struct x509_anchors owns references.
 * May not know files, keys or identities.
 */
#include "auth/x509_verify.h"
#include "auth/x509_store.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <time.h>

#define SECURITY_LEVEL 2 /* SSL_CTX_set_security_level(3): 112 bits of strength, no SHA-1 */

int x509_anchors_init(struct x509_anchors *a)
{
	a->trusted = X509_STORE_new();
	a->intermediate = sk_X509_new_null();
	if (!a->trusted || !a->intermediate) {
		x509_anchors_finish(a);
		return -ENOMEM;
	}
	return 0;
}

void x509_anchors_finish(struct x509_anchors *a)
{
	X509_STORE_free(a->trusted);
	sk_X509_pop_free(a->intermediate, X509_free);
	*a = (struct x509_anchors){0};
}

int x509_anchors_add_ca(struct x509_anchors *a, X509 *ca)
{
	return X509_STORE_add_cert(a->trusted, ca) == 1 ? 0 : -ENOMEM;
}

int x509_anchors_add_intermediate(struct x509_anchors *a, X509 *ca)
{
	if (sk_X509_push(a->intermediate, ca) <= 0)
		return -ENOMEM;
	X509_up_ref(ca);
	return 0;
}

int x509_anchors_add_crl(struct x509_anchors *a, X509_CRL *crl)
{
	if (X509_STORE_add_crl(a->trusted, crl) != 1)
		return -ENOMEM;
	X509_STORE_set_flags(a->trusted, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	a->crls = true;
	return 0;
}

static int refuse(char why[X509_VERIFY_WHY_MAX], const char *text)
{
	snprintf(why, X509_VERIFY_WHY_MAX, "%s", text);
	return -EACCES;
}

/* What the certificate says about itself. */
static int check_leaf(X509 *cert, char why[X509_VERIFY_WHY_MAX])
{
	uint32_t flags = X509_get_extension_flags(cert); /* makes OpenSSL read the extensions */

	if ((flags & EXFLAG_INVALID) != 0)
		return refuse(why, "the certificate's extensions are malformed");
	if ((flags & EXFLAG_CA) != 0)
		return refuse(why, "the certificate is a CA's and cannot log in");
	if ((X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE) == 0)
		return refuse(why, "the certificate's key usage does not allow signatures");
	if ((X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT) == 0)
		return refuse(why, "the certificate's extended key usage does not allow clients");
	return 0;
}

/* OpenSSL takes the second itself for too late. What cannot be read is over. */
static int64_t end_of(const ASN1_TIME *end)
{
	struct tm tm = {0};

	return ASN1_TIME_to_tm(end, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* That of the CRL that lasts longest, of those by this issuer. */
static int64_t end_of_crls(const X509_STORE_CTX *ctx, X509 *cert)
{
	STACK_OF(X509_CRL) *crls = X509_STORE_CTX_get1_crls(ctx, X509_get_issuer_name(cert));
	int64_t end = 0;

	for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
		const ASN1_TIME *next = X509_CRL_get0_nextUpdate(sk_X509_CRL_value(crls, i));
		int64_t one = next ? end_of(next) : INT64_MAX;

		end = one > end ? one : end;
	}
	sk_X509_CRL_pop_free(crls, X509_CRL_free);
	return end;
}

static int64_t end_of_chain(X509_STORE_CTX *ctx, bool crls)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(ctx);
	int64_t end = INT64_MAX;

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);
		int64_t one = end_of(X509_get0_notAfter(cert));

		end = one < end ? one : end;
		one = crls ? end_of_crls(ctx, cert) : INT64_MAX;
		end = one < end ? one : end;
	}
	return end;
}

static int run(X509_STORE_CTX *ctx, char why[X509_VERIFY_WHY_MAX])
{
	int error;
	int depth;

	if (X509_verify_cert(ctx) == 1)
		return 0;
	error = X509_STORE_CTX_get_error(ctx);
	depth = X509_STORE_CTX_get_error_depth(ctx);
	if (error == X509_V_ERR_OUT_OF_MEM)
		return -ENOMEM;
	snprintf(why, X509_VERIFY_WHY_MAX, "%s (%s certificate)",
		X509_verify_cert_error_string(error), depth == 0 ? "the login's" : "a CA's");
	return -EACCES;
}

int x509_verify(const struct x509_anchors *a, X509 *cert, int64_t now, int64_t *until,
	char why[X509_VERIFY_WHY_MAX])
{
	X509_STORE_CTX *ctx;
	X509_VERIFY_PARAM *param;
	int rc = check_leaf(cert, why);

	if (rc < 0)
		return rc;
	ctx = X509_STORE_CTX_new();
	if (!ctx || X509_STORE_CTX_init(ctx, a->trusted, cert, a->intermediate) != 1) {
		X509_STORE_CTX_free(ctx);
		return -ENOMEM;
	}
	param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_time(param, (time_t)now);
	X509_VERIFY_PARAM_set_depth(param, X509_STORE_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, SECURITY_LEVEL);
	if (X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_CLIENT) == 1)
		rc = run(ctx, why);
	else
		rc = -ENOMEM;
	if (rc == 0)
		*until = end_of_chain(ctx, a->crls);
	X509_STORE_CTX_free(ctx);
	ERR_clear_error();
	return rc;
}
