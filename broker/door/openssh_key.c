/*
 * Task: make a key and write it down. Owner: nobody, plain values.
 * Knows no file. Every buffer that held a secret is wiped here, and none of them is on the heap.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "auth/ssh/base64.h"
#include "core/text/span.h"
#include "broker/door/openssh_key.h"

#define SECRET_MAX 512     /* bytes of the private file's binary form */
#define COMMENT_MAX 64     /* bytes */
#define PEM_LINE 70        /* characters, as ssh-keygen writes */
#define CIPHER_BLOCK 8     /* of cipher "none": the padding's unit */
#define ED25519_BYTES 32   /* of the seed, and of the public key */
#define P256_POINT 65      /* 04 x y */
#define P256_SCALAR_MAX 33 /* with a leading zero, as mpint */

static void put_text(struct span_writer *w, const char *text)
{
	span_write_string(w, text, strlen(text));
}

/* The public blob, and the fields of the private section that are this type's own. */
static int put_ed25519(EVP_PKEY *pkey, struct span_writer *blob, struct span_writer *secret)
{
	uint8_t both[2 * ED25519_BYTES]; /* seed, then public key: what OpenSSH calls private */
	size_t seed_len = ED25519_BYTES, public_len = ED25519_BYTES;
	int ok;

	ok = EVP_PKEY_get_raw_private_key(pkey, both, &seed_len) == 1 &&
	     EVP_PKEY_get_raw_public_key(pkey, both + ED25519_BYTES, &public_len) == 1 &&
	     seed_len == ED25519_BYTES && public_len == ED25519_BYTES;
	if (ok) {
		put_text(blob, "ssh-ed25519");
		span_write_string(blob, both + ED25519_BYTES, ED25519_BYTES);
		put_text(secret, "ssh-ed25519");
		span_write_string(secret, both + ED25519_BYTES, ED25519_BYTES);
		span_write_string(secret, both, sizeof(both));
	}
	explicit_bzero(both, sizeof(both));
	return ok ? 0 : -EIO;
}

static int put_ecdsa_p256(EVP_PKEY *pkey, struct span_writer *blob, struct span_writer *secret)
{
	uint8_t point[P256_POINT], scalar[P256_SCALAR_MAX];
	size_t point_len = 0;
	BIGNUM *number = NULL;
	int scalar_len = -1;

	if (EVP_PKEY_get_octet_string_param(
		    pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len) == 1 &&
		point_len == sizeof(point) && point[0] == 4 &&
		EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1)
		scalar_len = BN_bn2binpad(number, scalar, sizeof(scalar));
	if (scalar_len > 0) {
		put_text(blob, "ecdsa-sha2-nistp256");
		put_text(blob, "nistp256");
		span_write_string(blob, point, sizeof(point));
		span_write(secret, blob->mem, blob->len); /* the same three fields */
		span_write_mpint(secret, scalar, (size_t)scalar_len);
	}
	BN_clear_free(number);
	explicit_bzero(scalar, sizeof(scalar));
	return scalar_len > 0 ? 0 : -EIO;
}

static EVP_PKEY *generate(enum openssh_key_type type)
{
	switch (type) {
	case OPENSSH_KEY_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case OPENSSH_KEY_ECDSA_P256:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	}
	return NULL;
}

/* PROTOCOL.key: two equal random words, the key, a comment, padding 1 2 3 ... */
static int put_secret(EVP_PKEY *pkey, enum openssh_key_type type, const char *comment,
	struct span_writer *blob, struct span_writer *secret)
{
	uint8_t check[4], pad = 0;
	int r;

	if (RAND_bytes(check, sizeof(check)) != 1)
		return -EIO;
	span_write(secret, check, sizeof(check));
	span_write(secret, check, sizeof(check));
	r = type == OPENSSH_KEY_ED25519 ? put_ed25519(pkey, blob, secret)
					: put_ecdsa_p256(pkey, blob, secret);
	put_text(secret, comment);
	while (!secret->overflow && secret->len % CIPHER_BLOCK) {
		pad++;
		span_write(secret, &pad, 1);
	}
	return r;
}

/* PROTOCOL.key: the whole file before base64. */
static void put_file(
	struct span_writer *file, const struct span_writer *blob, const struct span_writer *secret)
{
	span_write(file, "openssh-key-v1", sizeof("openssh-key-v1"));
	put_text(file, "none");          /* cipher */
	put_text(file, "none");          /* key derivation */
	put_text(file, "");              /* its options */
	span_write(file, "\0\0\0\1", 4); /* uint32: one key */
	span_write_string(file, blob->mem, blob->len);
	span_write_string(file, secret->mem, secret->len);
}

static int write_private(const struct span_writer *file, char out[OPENSSH_KEY_TEXT_MAX])
{
	static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
	static const char end[] = "-----END OPENSSH PRIVATE KEY-----\n";
	char text[BASE64_ROOM(SECRET_MAX)];
	struct span_writer w = {.mem = (uint8_t *)out, .room = OPENSSH_KEY_TEXT_MAX};
	size_t len = base64_encode(file->mem, file->len, text), at;

	span_write(&w, begin, sizeof(begin) - 1);
	for (at = 0; at < len; at += PEM_LINE) {
		span_write(&w, text + at, len - at < PEM_LINE ? len - at : PEM_LINE);
		span_write(&w, "\n", 1);
	}
	span_write(&w, end, sizeof(end)); /* with its terminator */
	explicit_bzero(text, sizeof(text));
	return w.overflow ? -EIO : 0;
}

static void write_public(enum openssh_key_type type, const char *comment, struct openssh_key *key)
{
	char text[BASE64_ROOM(OPENSSH_KEY_BLOB_MAX)];

	base64_encode(key->blob, key->blob_len, text);
	snprintf(key->public_text, sizeof(key->public_text), "%s %s %s\n",
		type == OPENSSH_KEY_ED25519 ? "ssh-ed25519" : "ecdsa-sha2-nistp256", text, comment);
}

int openssh_key_make(enum openssh_key_type type, const char *comment, struct openssh_key *out)
{
	uint8_t secret_mem[SECRET_MAX], file_mem[SECRET_MAX];
	struct span_writer blob = {.mem = out->blob, .room = sizeof(out->blob)};
	struct span_writer secret = {.mem = secret_mem, .room = sizeof(secret_mem)};
	struct span_writer file = {.mem = file_mem, .room = sizeof(file_mem)};
	EVP_PKEY *pkey = strlen(comment) <= COMMENT_MAX ? generate(type) : NULL;
	int r = pkey ? put_secret(pkey, type, comment, &blob, &secret) : -EIO;

	EVP_PKEY_free(pkey);
	if (!r) {
		out->blob_len = blob.len;
		put_file(&file, &blob, &secret);
		r = blob.overflow || secret.overflow || file.overflow ? -EIO : 0;
	}
	if (!r)
		r = write_private(&file, out->private_text);
	if (!r)
		write_public(type, comment, out);
	else
		openssh_key_wipe(out);
	explicit_bzero(secret_mem, sizeof(secret_mem));
	explicit_bzero(file_mem, sizeof(file_mem));
	return r;
}

void openssh_key_wipe(struct openssh_key *key)
{
	explicit_bzero(key, sizeof(*key));
}
