/* Path validation of X.509 certificates: see auth/x509_store.h for what is good. */
#ifndef AUTH_X509_VERIFY_H
#define AUTH_X509_VERIFY_H

#include "core/text/span.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

#define X509_VERIFY_WHY_MAX 200

/* What certificates are measured by. */
struct x509_anchors {
	X509_STORE *trusted;           /* CAs and CRLs */
	STACK_OF(X509) * intermediate; /* CA certificates found beside the others */
	bool crls;                     /* whether there is any */
};

int x509_anchors_init(struct x509_anchors *a) __attribute__((warn_unused_result));
void x509_anchors_finish(struct x509_anchors *a);

/* 0, -ENOMEM. The certificate or CRL is copied by reference. */
int x509_anchors_add_ca(struct x509_anchors *a, X509 *ca) __attribute__((warn_unused_result));
int x509_anchors_add_intermediate(struct x509_anchors *a, X509 *ca)
	__attribute__((warn_unused_result));
/* From the first CRL on, every certificate of a chain needs one. */
int x509_anchors_add_crl(struct x509_anchors *a, X509_CRL *crl) __attribute__((warn_unused_result));

/*
 * 0 with *until the first second at which this answer will be another one, because a certificate of
 * the chain or a CRL that it needs runs out; -EACCES with the reason, -ENOMEM.
 */
int x509_verify(const struct x509_anchors *a, X509 *cert, int64_t now, int64_t *until,
	char why[X509_VERIFY_WHY_MAX]) __attribute__((warn_unused_result));

#endif
