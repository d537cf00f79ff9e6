/*
 * What the SSH side needs to know of an X.509 certificate: its key as a wire blob, and its subject
 * as text and as facts.
 */
#ifndef AUTH_X509_KEY_H
#define AUTH_X509_KEY_H

#include "auth/identity.h"
#include "auth/ssh/pubkey.h"

#include <openssl/x509.h>

#define X509_SUBJECT_MAX 4096 /* bytes of a subject as text */
#define X509_PARTS_MAX 64     /* attributes in a subject */

/*
 * Writes the certificate's key as an SSH blob. 0; -EKEYREJECTED (neither RSA nor a NIST curve, or
 * refused by pubkey_parse) with *why a constant; -ENOMEM.
 */
int x509_key_blob(X509 *cert, uint8_t *mem, size_t room, struct span *out, const char **why)
	__attribute__((warn_unused_result));

/* The same of a certificate in DER. */
int x509_der_key_blob(struct span der, uint8_t *mem, size_t room, struct span *out,
	const char **why) __attribute__((warn_unused_result));

/*
 * Makes an identity of the subject in RFC 2253 form ("CN=alice,O=acme": last part first), with a
 * fact for the whole and one for each attribute ("CN=alice"). Special characters inside a value
 * are always written as \HH, so that a comma in the text always separates parts; whoever writes a
 * rule cannot be deceived by a value that looks like two parts. 0, -EINVAL (too long, no
 * attributes), -ENOMEM.
 */
int x509_subject_identity(X509 *cert, struct identity **out) __attribute__((warn_unused_result));

#endif
