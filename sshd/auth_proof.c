/* Task: a client's public key as the bytes the broker judges. Pure but for libssh's key type. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "sshd/auth.h"

bool auth_key_type_known(enum ssh_keytypes_e type)
{
	switch ((int)type) {
	case SSH_KEYTYPE_RSA:
	case SSH_KEYTYPE_RSA_CERT01:
	case SSH_KEYTYPE_ECDSA_P256:
	case SSH_KEYTYPE_ECDSA_P384:
	case SSH_KEYTYPE_ECDSA_P521:
	case SSH_KEYTYPE_ECDSA_P256_CERT01:
	case SSH_KEYTYPE_ECDSA_P384_CERT01:
	case SSH_KEYTYPE_ECDSA_P521_CERT01:
	case SSH_KEYTYPE_ED25519:
	case SSH_KEYTYPE_ED25519_CERT01:
	case SSH_KEYTYPE_SK_ECDSA:
	case SSH_KEYTYPE_SK_ECDSA_CERT01:
	case SSH_KEYTYPE_SK_ED25519:
	case SSH_KEYTYPE_SK_ED25519_CERT01:
		return true;
	default:
		return false;
	}
}

/* libssh gives the blob out as base64 only; of a certificate, all of it. */
int auth_key_blob(ssh_key key, unsigned char **blob, size_t *len)
{
	char *text = NULL;
	unsigned char *mem;
	size_t text_len;
	int n, r = -EINVAL;

	if (ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
		return -EINVAL;
	text_len = strlen(text);
	mem = malloc(text_len / 4 * 3 + 1);
	if (!mem) {
		ssh_string_free_char(text);
		return -ENOMEM;
	}
	n = EVP_DecodeBlock(mem, (const unsigned char *)text, (int)text_len);
	if (n > 0 && text_len >= 4) {
		/* The padding counts as zero bytes there. */
		n -= text[text_len - 1] == '=';
		n -= text[text_len - 2] == '=';
		*blob = mem;
		*len = (size_t)n;
		r = 0;
	} else {
		free(mem);
	}
	ssh_string_free_char(text);
	return r;
}
