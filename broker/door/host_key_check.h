/* Whether the text of a host key is one that a door can use. Pure. */
#ifndef BROKER_DOOR_HOST_KEY_CHECK_H
#define BROKER_DOOR_HOST_KEY_CHECK_H

#include <stddef.h>

#define HOST_KEY_WHY_MAX 256 /* bytes of a reason, terminator included */

/*
 * A private key without passphrase, of type Ed25519, ECDSA or RSA, in OpenSSH's form or in PEM
 * (PKCS#1, PKCS#8, SEC1), whole. 0; -EINVAL, and why says what is wrong and what helps. Wipes what
 * it copied.
 */
int host_key_check(const char *text, size_t len, char why[HOST_KEY_WHY_MAX])
	__attribute__((warn_unused_result));

#endif
