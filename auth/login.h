/*
 * Who a public key is: all sources of keys asked in their order, one identity or a reason.
 */
#ifndef AUTH_LOGIN_H
#define AUTH_LOGIN_H

#include "auth/deposit.h"
#include "auth/identity.h"
#include "auth/ssh/key_store.h"
#include "auth/ovirt_json.h"
#include "auth/ssh/revoked.h"
#include "auth/x509_store.h"

#define LOGIN_WHY_MAX 200

/* Two of the reasons: what would let these in can be said. */
#define LOGIN_UNKNOWN_KEY "the key is not known"
#define LOGIN_UNKNOWN_CA "the certificate's CA is not trusted"

/* What logins are judged by; each may be NULL. Owned by the caller. */
struct login_sources {
	const struct key_store *keys;    /* authorized_keys */
	const struct key_store *ssh_cas; /* CAs of user certificates; key_store_create_plain */
	const struct x509_store *x509;   /* VDSM's certificates */
	const struct ovirt_keys *ovirt;  /* what key_command answered last */
	const struct deposits *deposits;
	const struct revoked *revoked;
	bool enforces_command; /* the caller holds logins to identity->command; else they are
				  refused */
};

/* What the client showed. The signature has been checked by who fills this in. */
struct login_proof {
	struct span blob;    /* the public key or certificate, as in the SSH request */
	const char *address; /* numeric source address, or NULL when local */
	int64_t now;         /* seconds since 1970, UTC */
};

/*
 * Decides by the blob's own type name first: a certificate is only ever judged as one, never by
 * the plain key in it.
 * 0 with *out to be given to identity_destroy; -EACCES with the reason for log and audit in why
 * (never for the client; it may hold foreign bytes); -ENOMEM. *out is NULL when it fails.
 *
 * What identity->pty_allowed and identity->command say is for the caller to enforce, and that a
 * login ends with identity->until; the other limits are seen to by the rules.
 */
int login_by_key(const struct login_sources *sources, const struct login_proof *proof,
	struct identity **out, char why[LOGIN_WHY_MAX]) __attribute__((warn_unused_result));

/* Adds the fact FACT_ADDRESS, where there is an address. 0, -ENOMEM, -E2BIG. */
int login_add_address(struct identity *id, const char *address) __attribute__((warn_unused_result));

/* Whether a list revokes this plain key, whoever knows it otherwise. */
bool login_key_revoked(const struct login_sources *sources, struct span blob);

/*
 * Who the key with this fingerprint ("SHA256:...") is by the first line of authorized_keys that
 * lets it log in, from= and expiry-time= left aside: for explain. 0 with *line, which lives as long
 * as the sources; -ENOENT (no such line), -ENOMEM.
 */
int login_by_fingerprint(const struct login_sources *sources, const char *fingerprint,
	const struct authorized_key **line, struct identity **out)
	__attribute__((warn_unused_result));

#endif
