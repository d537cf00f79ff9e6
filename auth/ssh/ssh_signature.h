/*
 * Checking a signature made with an SSH key: RFC 4253 section 6.6 and RFC 8332 (rsa-sha2-256,
 * rsa-sha2-512), RFC 5656 section 3.1.2, RFC 8709 section 6, OpenSSH's PROTOCOL.u2f (sk- keys).
 * SHA-1 is never accepted.
 */
#ifndef AUTH_SSH_SSH_SIGNATURE_H
#define AUTH_SSH_SSH_SIGNATURE_H

#include "auth/ssh/pubkey.h"

/*
 * Whether signature (a whole blob, with its algorithm name) is key's signature over data.
 * 0; -EBADMSG with *why a constant (malformed, wrong algorithm, does not verify); -ENOMEM.
 */
int ssh_signature_verify(const struct pubkey *key, struct span data, struct span signature,
	const char **why) __attribute__((warn_unused_result));

#endif
