/*
 * Task: see host_key_check.h. Owner: nobody, plain values.
 *
 * A door names no files, and leaves out a key that it cannot read: what is wrong with one has to be
 * seen before. The shape is looked at, not whether the two halves of a key belong together.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "auth/ssh/base64.h"
#include "broker/door/host_key_check.h"
#include "broker/door/host_keys.h"
#include "core/text/span.h"

#define OPENSSH_BEGIN "-----BEGIN OPENSSH PRIVATE KEY-----"
#define OPENSSH_END "-----END OPENSSH PRIVATE KEY-----"
#define DAMAGED "it is damaged: restore it, or remove it"
#define PASSPHRASE "it has a passphrase: take that away with ssh-keygen -p"

static int bad(char why[HOST_KEY_WHY_MAX], const char *text)
{
	snprintf(why, HOST_KEY_WHY_MAX, "%s", text);
	return -EINVAL;
}

static bool is_private_key(const char *text, size_t len)
{
	return len > 11 && memcmp(text, "-----BEGIN ", 11) == 0 &&
	       memmem(text, len, "PRIVATE KEY-----", 16);
}

/* --- OpenSSH's form: PROTOCOL.key of OpenSSH --- */

/* How many fields stand between the type and the comment; 0: a type that no door uses. */
static unsigned fields_of(struct span type)
{
	static const struct {
		const char *name;
		unsigned fields;
	} types[] = {{"ssh-ed25519", 2}, {"ecdsa-sha2-nistp256", 3}, {"ecdsa-sha2-nistp384", 3},
		{"ecdsa-sha2-nistp521", 3}, {"ssh-rsa", 6}};
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (span_is(type, types[i].name))
			return types[i].fields;
	}
	return 0;
}

static int is_padding(struct span rest)
{
	size_t i;

	for (i = 0; i < rest.len; i++) {
		if (rest.at[i] != (uint8_t)(i + 1))
			return 0;
	}
	return 1;
}

static int check_secret(struct span secret, struct span public, char why[HOST_KEY_WHY_MAX])
{
	struct span type, public_type, field;
	uint32_t first, second;
	unsigned fields;

	if (span_u32(&secret, &first) < 0 || span_u32(&secret, &second) < 0 || first != second ||
		span_string(&secret, &type) < 0 || span_string(&public, &public_type) < 0 ||
		!span_equal(type, public_type))
		return bad(why, DAMAGED);
	fields = fields_of(type);
	if (!fields) {
		snprintf(why, HOST_KEY_WHY_MAX,
			"keys of type %.*s are not used: remove it, or make one of type ed25519",
			(int)(type.len < 64 ? type.len : 64), (const char *)type.at);
		return -EINVAL;
	}
	while (fields--) {
		if (span_string(&secret, &field) < 0)
			return bad(why, DAMAGED);
	}
	if (span_string(&secret, &field) < 0 || !is_padding(secret)) /* the comment */
		return bad(why, DAMAGED);
	return 0;
}

static int check_binary(struct span key, char why[HOST_KEY_WHY_MAX])
{
	static const char magic[] = "openssh-key-v1"; /* with its NUL */
	struct span begin, cipher, kdf, kdf_options, public, secret;
	uint32_t count;

	if (span_bytes(&key, sizeof(magic), &begin) < 0 ||
		memcmp(begin.at, magic, sizeof(magic)) != 0 || span_string(&key, &cipher) < 0 ||
		span_string(&key, &kdf) < 0 || span_string(&key, &kdf_options) < 0 ||
		span_u32(&key, &count) < 0 || count != 1 || span_string(&key, &public) < 0 ||
		span_string(&key, &secret) < 0 || key.len != 0)
		return bad(why, DAMAGED);
	if (!span_is(cipher, "none") || !span_is(kdf, "none"))
		return bad(why, PASSPHRASE);
	return check_secret(secret, public, why);
}

/* Copies what is base64 between the two lines; its length, or -EINVAL without an end. */
static ssize_t body_of(const char *text, size_t len, char *out)
{
	const char *at = text + strlen(OPENSSH_BEGIN);
	const char *end = memmem(text, len, OPENSSH_END, strlen(OPENSSH_END));
	size_t n = 0;

	if (!end)
		return -EINVAL;
	for (; at < end; at++) {
		if (*at != '\n' && *at != '\r')
			out[n++] = *at;
	}
	return (ssize_t)n;
}

static int check_openssh(const char *text, size_t len, char why[HOST_KEY_WHY_MAX])
{
	char body[HOST_KEYS_FILE_MAX];
	uint8_t binary[BASE64_BYTES(HOST_KEYS_FILE_MAX)];
	ssize_t body_len = len <= sizeof(body) ? body_of(text, len, body) : -EINVAL;
	size_t binary_len;
	int r;

	if (body_len < 0 ||
		base64_decode(body, (size_t)body_len, binary, sizeof(binary), &binary_len) < 0)
		r = bad(why, DAMAGED);
	else
		r = check_binary(span_of(binary, binary_len), why);
	explicit_bzero(body, sizeof(body));
	explicit_bzero(binary, sizeof(binary));
	return r;
}

/* --- PEM --- */

static int no_passphrase(char *room, int size, int writing, void *arg)
{
	*(int *)arg = 1;
	return -1;
}

static int check_pem(const char *text, size_t len, char why[HOST_KEY_WHY_MAX])
{
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	int asked = 0, r = 0;
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &asked) : NULL;

	if (!key)
		r = bad(why, asked ? PASSPHRASE : DAMAGED);
	else if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) /* libssh 0.10 cannot read it */
		r = bad(why,
			"an Ed25519 key has to be in OpenSSH's form: make one with ssh-keygen");
	else if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA &&
		 EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		r = bad(why,
			"keys of its type are not used: remove it, or make one of type ed25519");
	ERR_clear_error();
	EVP_PKEY_free(key);
	BIO_free(bio);
	return r;
}

int host_key_check(const char *text, size_t len, char why[HOST_KEY_WHY_MAX])
{
	if (!is_private_key(text, len))
		return bad(why, "it is not a private key: restore it, or remove it");
	if (len > strlen(OPENSSH_BEGIN) && memcmp(text, OPENSSH_BEGIN, strlen(OPENSSH_BEGIN)) == 0)
		return check_openssh(text, len, why);
	return check_pem(text, len, why);
}
