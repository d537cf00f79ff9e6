/*
 * OpenSSH key revocation lists (OpenSSH's PROTOCOL.krl), as ssh-keygen -k writes them: certificates
 * by serial, range, bitmap and key id, keys by blob and by SHA-1 or SHA-256 fingerprint.
 *
 * What is not understood makes the whole list unusable, since it may revoke something: signature
 * sections (OpenSSH never wrote any), unknown sections, critical extensions.
 */
#ifndef AUTH_SSH_KRL_H
#define AUTH_SSH_KRL_H

#include "auth/ssh/ssh_cert.h"

#define KRL_BYTES_MAX (4u << 20)

struct krl;

/* Whether the bytes begin as a KRL does; otherwise they may be a plain list of keys. */
bool krl_is(struct span data);

/* Reads a list; data is only looked at during the call. 0; -EBADMSG with *why a constant; -ENOMEM.
 */
int krl_create(struct span data, struct krl **out, const char **why)
	__attribute__((warn_unused_result));
void krl_destroy(struct krl *k);

/* Whether a plain key is revoked, by its blob. */
bool krl_revokes_key(const struct krl *k, struct span blob);

/*
 * Whether a certificate is, by serial or key id. Its key and its CA's key are asked for with
 * krl_revokes_key. A serial of 0 means none and is never revoked.
 */
bool krl_revokes_cert(const struct krl *k, const struct ssh_cert *cert);

#endif
