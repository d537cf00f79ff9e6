/* PEM files of certificates and CRLs, without the files; or one certificate in DER. */
#include "auth/x509_key.h"
#include "auth/x509_pem.h"
#include "auth/x509_verify.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

static int take(void *arg, X509 *cert, X509_CRL *crl)
{
	struct x509_anchors *a = (struct x509_anchors *)arg;
	uint8_t mem[PUBKEY_BLOB_MAX];
	char why[X509_VERIFY_WHY_MAX];
	int64_t until;
	struct identity *id;
	struct pubkey key;
	struct span blob;
	const char *reason;

	if (crl != NULL)
		return x509_anchors_add_crl(a, crl) < 0 ? 0 : 1;
	if (x509_key_blob(cert, mem, sizeof(mem), &blob, &reason) == 0 &&
		pubkey_parse(blob, &key, &reason) != 0)
		abort();
	if (x509_subject_identity(cert, &id) == 0) {
		if (strncmp(id->text, "cert:", 5) != 0)
			abort();
		identity_destroy(id);
	}
	(void)!x509_verify(a, cert, 1700000000, &until, why);
	/* The first becomes a CA for the others, good or not. */
	return x509_anchors_add_ca(a, cert) < 0 ? 0 : 1;
}

/* What TLS would hand over: the mutator reaches far deeper than through base64. */
static void take_der(struct x509_anchors *a, const uint8_t *data, size_t size)
{
	const unsigned char *end = data;
	X509 *cert = d2i_X509(NULL, &end, (long)size);

	if (cert != NULL)
		(void)take(a, cert, NULL);
	X509_free(cert);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct x509_anchors a;
	const char *why;

	if (x509_anchors_init(&a) < 0)
		return 0;
	if (size != 0 && data[0] == 0x30)
		take_der(&a, data, size);
	else
		(void)x509_pem_each(span_of(data, size), take, &a, &why);
	x509_anchors_finish(&a);
	return 0;
}
