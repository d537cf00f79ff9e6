/*
 * SSH public keys as they travel: the wire blob of RFC 4253 section 6.6 (RSA), RFC 5656 section
 * 3.1 (ECDSA), RFC 8709 section 4 (Ed25519) and OpenSSH's PROTOCOL.u2f (sk- keys).
 *
 * What is parsed here is well-formed and strong enough; whether anybody trusts it is another
 * question. DSA, RSA below 2048 or above 16384 bits and unknown types are refused.
 */
#ifndef AUTH_SSH_PUBKEY_H
#define AUTH_SSH_PUBKEY_H

#include "core/text/span.h"

#define PUBKEY_BLOB_MAX 4096 /* bytes; an RSA key of 16384 bits has 2.1 KiB */
#define PUBKEY_RSA_BITS_MIN 2048
#define PUBKEY_RSA_BITS_MAX 16384
#define PUBKEY_FINGERPRINT_ROOM 51 /* "SHA256:", 43 characters, terminator */

enum pubkey_type {
	PUBKEY_RSA,
	PUBKEY_ECDSA_P256,
	PUBKEY_ECDSA_P384,
	PUBKEY_ECDSA_P521,
	PUBKEY_ED25519,
	PUBKEY_SK_ECDSA,
	PUBKEY_SK_ED25519,
};

/* A plain value: every span looks into the blob it was parsed from, which must outlive it. */
struct pubkey {
	enum pubkey_type type;
	unsigned bits;           /* of the modulus or the curve */
	struct span blob;        /* the whole */
	struct span e, n;        /* RSA: without sign bytes */
	struct span point;       /* ECDSA: 04 x y; Ed25519: 32 bytes */
	struct span application; /* sk- keys: usually "ssh:" */
};

/*
 * Reads a blob. 0; or -EBADMSG (malformed), -EKEYREJECTED (well-formed, but a type or size that is
 * not accepted), -ENOMEM; *why is then a constant sentence for the log.
 */
int pubkey_parse(struct span blob, struct pubkey *out, const char **why)
	__attribute__((warn_unused_result));

/*
 * Reads the fields that follow the type name, from the front of *s (a certificate holds them
 * without a blob of their own). out->blob is not set. As pubkey_parse.
 */
int pubkey_parse_fields(enum pubkey_type type, struct span *s, struct pubkey *out, const char **why)
	__attribute__((warn_unused_result));

/* The wire name ("ssh-ed25519") of a type, and back: 0, or -ENOENT. */
const char *pubkey_type_name(enum pubkey_type type);
int pubkey_type_parse(struct span name, enum pubkey_type *out) __attribute__((warn_unused_result));

/* Writes "SHA256:..." as ssh-keygen -l prints it. */
void pubkey_fingerprint(struct span blob, char out[PUBKEY_FINGERPRINT_ROOM]);

/* The key of a line "type base64 comment", which is not looked into. 0; -EINVAL: it is no such
 * line, or too long. */
int pubkey_line_blob(const char *line, uint8_t mem[PUBKEY_BLOB_MAX], struct span *out)
	__attribute__((warn_unused_result));

#endif
