/* PEM files: certificates and CRLs in them, one after the other. */
#ifndef AUTH_X509_PEM_H
#define AUTH_X509_PEM_H

#include "core/text/span.h"

#include <openssl/x509.h>

/*
 * Called for each certificate or CRL (the other is NULL), which it may keep by reference. 1: it was
 * of use, 0: it was not; negative ends the walk.
 */
typedef int (*x509_pem_fn)(void *arg, X509 *cert, X509_CRL *crl);

/*
 * Walks the blocks of a file; those of other kinds (keys) are skipped. The number of blocks that
 * were of use, or -EBADMSG with *why a constant (what came before was given), or what fn returned.
 */
int x509_pem_each(struct span text, x509_pem_fn fn, void *arg, const char **why)
	__attribute__((warn_unused_result));

#endif
