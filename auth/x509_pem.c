/*
 * PEM files.
 * Task: text to certificates and CRLs. Owner: nobody. May not know files or trust.
 */
#include "auth/x509_pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

static int give_cert(const unsigned char *data, long len, x509_pem_fn fn, void *arg)
{
	const unsigned char *end = data;
	X509 *cert = d2i_X509(NULL, &end, len);
	int rc = -EBADMSG;

	if (cert && end == data + len)
		rc = fn(arg, cert, NULL);
	X509_free(cert);
	return rc;
}

static int give_crl(const unsigned char *data, long len, x509_pem_fn fn, void *arg)
{
	const unsigned char *end = data;
	X509_CRL *crl = d2i_X509_CRL(NULL, &end, len);
	int rc = -EBADMSG;

	if (crl && end == data + len)
		rc = fn(arg, NULL, crl);
	X509_CRL_free(crl);
	return rc;
}

/* 1 of use, 0 not, or negative. */
static int give_block(
	const char *name, const unsigned char *data, long len, x509_pem_fn fn, void *arg)
{
	if (strcmp(name, PEM_STRING_X509) == 0 || strcmp(name, PEM_STRING_X509_OLD) == 0)
		return give_cert(data, len, fn, arg);
	if (strcmp(name, PEM_STRING_X509_CRL) == 0)
		return give_crl(data, len, fn, arg);
	return 0;
}

static int walk(BIO *bio, x509_pem_fn fn, void *arg, const char **why)
{
	int given = 0;

	for (;;) {
		char *name = NULL;
		char *header = NULL;
		unsigned char *data = NULL;
		long len = 0;
		int rc;

		if (PEM_read_bio(bio, &name, &header, &data, &len) != 1)
			break;
		*why = "a certificate in it is malformed";
		rc = give_block(name, data, len, fn, arg);
		OPENSSL_free(name);
		OPENSSL_free(header);
		OPENSSL_clear_free(data, (size_t)len); /* it may have been a private key */
		if (rc < 0)
			return rc;
		given += rc;
	}
	*why = "a PEM block in it is malformed";
	return ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE ? given : -EBADMSG;
}

int x509_pem_each(struct span text, x509_pem_fn fn, void *arg, const char **why)
{
	BIO *bio = BIO_new_mem_buf(text.at, (int)text.len);
	int rc;

	*why = "out of memory";
	if (!bio)
		return -ENOMEM;
	ERR_clear_error();
	rc = walk(bio, fn, arg, why);
	ERR_clear_error();
	BIO_free(bio);
	return rc;
}
