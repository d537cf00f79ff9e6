/*
 * OpenSSH user certificates (OpenSSH's PROTOCOL.certkeys), read from the wire blob.
 *
 * A certificate contains the plain key it speaks for, so that comparing it with plain keys would
 * let it in as one: whoever has a blob asks ssh_cert_is first.
 */
#ifndef AUTH_SSH_SSH_CERT_H
#define AUTH_SSH_SSH_CERT_H

#include "auth/ssh/pubkey.h"

#define SSH_CERT_BLOB_MAX 32768
#define SSH_CERT_PRINCIPALS_MAX 256 /* as OpenSSH */
#define SSH_CERT_USER 1             /* the type of a user certificate; 2 is a host's */

/* A plain value: every span looks into the blob, which must outlive it. */
struct ssh_cert {
	struct pubkey key; /* the certified key; key.blob is empty: see ssh_cert_plain_blob */
	struct pubkey ca;
	uint64_t serial;
	uint32_t type;
	struct span key_id;                 /* foreign bytes */
	struct span principals;             /* ssh_cert_next_principal walks it */
	uint64_t valid_after, valid_before; /* [after, before), seconds since 1970 */
	bool permit_pty;
	struct span source_address; /* list of blocks; at is NULL when the option is not there */
	struct span force_command;  /* at is NULL when the option is not there */
	struct span signed_part, signature;
};

/* Whether the blob calls itself a certificate, of any kind. */
bool ssh_cert_is(struct span blob);

/*
 * Reads one. Nothing is verified yet. 0; -EBADMSG (malformed), -EKEYREJECTED (a key or CA key that
 * is not accepted, a critical option that is not enforced here), -ENOMEM, with *why a constant.
 */
int ssh_cert_parse(struct span blob, struct ssh_cert *out, const char **why)
	__attribute__((warn_unused_result));

/*
 * Whether the certificate is what it says: signed by the CA key in it, for a user, valid at now,
 * with principals, not barred from address (numeric, NULL when local). Whether the CA is trusted
 * is for the caller to say. 0; -EACCES with *why a constant; -ENOMEM.
 */
int ssh_cert_check(const struct ssh_cert *cert, const char *address, int64_t now, const char **why)
	__attribute__((warn_unused_result));

/* Takes one principal from the front of *rest (a copy of cert->principals). False at its end. */
bool ssh_cert_next_principal(struct span *rest, struct span *out);

/* Writes the plain key's own blob, for fingerprints and revocation. 0, -ENOBUFS. */
int ssh_cert_plain_blob(const struct ssh_cert *cert, uint8_t *mem, size_t room, struct span *out)
	__attribute__((warn_unused_result));

#endif
