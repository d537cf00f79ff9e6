/*
 * Makes ssh keys and writes them as OpenSSH does: PROTOCOL.key ("openssh-key-v1") for the private
 * half, one line of type, base64 and comment for the public one.
 *
 * Own code because libssh 0.10 cannot read an Ed25519 key in PKCS#8, and OpenSSL writes no other.
 */
#ifndef BROKER_DOOR_OPENSSH_KEY_H
#define BROKER_DOOR_OPENSSH_KEY_H

#include <stddef.h>
#include <stdint.h>

#define OPENSSH_KEY_TEXT_MAX 1024 /* bytes of either text, terminator included */
#define OPENSSH_KEY_BLOB_MAX 128  /* bytes of the public blob */

enum openssh_key_type { OPENSSH_KEY_ED25519, OPENSSH_KEY_ECDSA_P256 };

/* private_text is secret: openssh_key_wipe. */
struct openssh_key {
	char private_text[OPENSSH_KEY_TEXT_MAX]; /* a PEM block, newline at its end */
	char public_text[OPENSSH_KEY_TEXT_MAX];  /* a line, newline at its end */
	uint8_t blob[OPENSSH_KEY_BLOB_MAX];      /* public key, RFC 4253 section 6.6 */
	size_t blob_len;
};

/* 0; -EIO when OpenSSL will not. The private key is not encrypted. */
int openssh_key_make(enum openssh_key_type type, const char *comment, struct openssh_key *out)
	__attribute__((warn_unused_result));

void openssh_key_wipe(struct openssh_key *key);

#endif
