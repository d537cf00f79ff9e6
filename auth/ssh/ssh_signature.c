/*
 * SSH signatures.
 * Task: verify one with OpenSSL. Owner: nobody. May not know certificates.
 */
#include "auth/ssh/ssh_signature.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <string.h>

#define ED25519_SIGNATURE 64
#define DER_MAX 256     /* an ECDSA signature of P-521 takes 139 bytes */
#define SK_DATA_MAX 128 /* two digests, flags and counter take 69 */

/* Makes an EVP_PKEY from parameters that push fills in. NULL on failure. */
static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM_BLD *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *built = params ? OSSL_PARAM_BLD_to_param(params) : NULL;
	EVP_PKEY *key = NULL;

	if (ctx && built && EVP_PKEY_fromdata_init(ctx) == 1 &&
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, built) != 1)
		key = NULL;
	OSSL_PARAM_free(built);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static EVP_PKEY *rsa_key(const struct pubkey *key)
{
	OSSL_PARAM_BLD *params = OSSL_PARAM_BLD_new();
	BIGNUM *n = BN_bin2bn(key->n.at, (int)key->n.len, NULL);
	BIGNUM *e = BN_bin2bn(key->e.at, (int)key->e.len, NULL);
	EVP_PKEY *out = NULL;

	if (params && n && e && OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(params, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		out = key_from_params("RSA", params);
	OSSL_PARAM_BLD_free(params);
	BN_free(n);
	BN_free(e);
	return out;
}

static EVP_PKEY *ec_key(const struct pubkey *key)
{
	const char *group = key->bits == 256 ? "P-256" : key->bits == 384 ? "P-384" : "P-521";
	OSSL_PARAM_BLD *params = OSSL_PARAM_BLD_new();
	EVP_PKEY *out = NULL;

	if (params &&
		OSSL_PARAM_BLD_push_utf8_string(params, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) ==
			1 &&
		OSSL_PARAM_BLD_push_octet_string(
			params, OSSL_PKEY_PARAM_PUB_KEY, key->point.at, key->point.len) == 1)
		out = key_from_params("EC", params);
	OSSL_PARAM_BLD_free(params);
	return out;
}

static EVP_PKEY *make_key(const struct pubkey *key)
{
	switch (key->type) {
	case PUBKEY_RSA:
		return rsa_key(key);
	case PUBKEY_ECDSA_P256:
	case PUBKEY_ECDSA_P384:
	case PUBKEY_ECDSA_P521:
	case PUBKEY_SK_ECDSA:
		return ec_key(key);
	case PUBKEY_ED25519:
	case PUBKEY_SK_ED25519:
		return EVP_PKEY_new_raw_public_key(
			EVP_PKEY_ED25519, NULL, key->point.at, key->point.len);
	}
	return NULL;
}

/* 1 verified, 0 not, -ENOMEM. md is NULL for Ed25519. */
static int verify(const struct pubkey *key, const EVP_MD *md, struct span data, struct span raw)
{
	EVP_PKEY *pkey = make_key(key);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -ENOMEM;

	if (pkey && ctx)
		rc = EVP_DigestVerifyInit(ctx, NULL, md, NULL, pkey) == 1 &&
		     EVP_DigestVerify(ctx, raw.at, raw.len, data.at, data.len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return rc;
}

/* RFC 8332 section 3. A signature may have lost its leading zero bytes. */
static int verify_rsa(const struct pubkey *key, struct span name, struct span data, struct span raw)
{
	uint8_t padded[PUBKEY_RSA_BITS_MAX / 8] = {0};
	const EVP_MD *md;

	if (span_is(name, "rsa-sha2-512"))
		md = EVP_sha512();
	else if (span_is(name, "rsa-sha2-256"))
		md = EVP_sha256();
	else
		return 0;
	if (raw.len == 0 || raw.len > key->n.len)
		return 0;
	memcpy(padded + key->n.len - raw.len, raw.at, raw.len);
	return verify(key, md, data, span_of(padded, key->n.len));
}

/* RFC 5656 section 3.1.2: raw holds mpint r and mpint s; OpenSSL wants them in DER. */
static int verify_ecdsa(const struct pubkey *key, struct span data, struct span raw)
{
	const EVP_MD *md = key->bits == 256   ? EVP_sha256()
			   : key->bits == 384 ? EVP_sha384()
					      : EVP_sha512();
	struct span r;
	struct span s;
	ECDSA_SIG *sig;
	BIGNUM *bn_r;
	BIGNUM *bn_s;
	uint8_t der[DER_MAX];
	uint8_t *end = der;
	int len;

	if (span_mpint(&raw, &r) < 0 || span_mpint(&raw, &s) < 0 || raw.len != 0)
		return 0;
	if (r.len > (key->bits + 7) / 8 || s.len > (key->bits + 7) / 8)
		return 0;
	sig = ECDSA_SIG_new();
	bn_r = BN_bin2bn(r.at, (int)r.len, NULL);
	bn_s = BN_bin2bn(s.at, (int)s.len, NULL);
	if (!sig || !bn_r || !bn_s || ECDSA_SIG_set0(sig, bn_r, bn_s) != 1) {
		ECDSA_SIG_free(sig);
		BN_free(bn_r);
		BN_free(bn_s);
		return -ENOMEM;
	}
	len = i2d_ECDSA_SIG(sig, &end);
	ECDSA_SIG_free(sig);
	return len > 0 ? verify(key, md, data, span_of(der, (size_t)len)) : -ENOMEM;
}

static int verify_plain(
	const struct pubkey *key, struct span name, struct span data, struct span raw)
{
	if (key->type == PUBKEY_RSA)
		return verify_rsa(key, name, data, raw);
	if (!span_is(name, pubkey_type_name(key->type)))
		return 0;
	if (key->type != PUBKEY_ED25519 && key->type != PUBKEY_SK_ED25519)
		return verify_ecdsa(key, data, raw);
	return raw.len == ED25519_SIGNATURE ? verify(key, NULL, data, raw) : 0;
}

/*
 * PROTOCOL.u2f: the authenticator signs SHA-256(application), flags, counter, SHA-256(message);
 * flags and counter stand behind the signature.
 */
static int verify_sk(const struct pubkey *key, struct span name, struct span data, struct span raw,
	struct span trailer)
{
	struct span flags_and_counter = trailer;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint8_t mem[SK_DATA_MAX];
	struct span_writer w = {.mem = mem, .room = sizeof(mem)};

	if (trailer.len != 5)
		return 0;
	SHA256(key->application.at, key->application.len, digest);
	span_write(&w, digest, sizeof(digest));
	span_write(&w, flags_and_counter.at, flags_and_counter.len);
	SHA256(data.at, data.len, digest);
	span_write(&w, digest, sizeof(digest));
	return verify_plain(key, name, span_of(mem, w.len), raw);
}

int ssh_signature_verify(
	const struct pubkey *key, struct span data, struct span signature, const char **why)
{
	bool sk = key->type == PUBKEY_SK_ECDSA || key->type == PUBKEY_SK_ED25519;
	struct span name;
	struct span raw;
	int rc;

	*why = "the signature is malformed";
	if (span_string(&signature, &name) < 0 || span_string(&signature, &raw) < 0)
		return -EBADMSG;
	if (!sk && signature.len != 0)
		return -EBADMSG;
	if (span_is(name, "ssh-rsa")) {
		*why = "the signature uses SHA-1";
		return -EBADMSG;
	}
	if (sk)
		rc = verify_sk(key, name, data, raw, signature);
	else
		rc = verify_plain(key, name, data, raw);
	*why = "the signature does not verify";
	return rc == 1 ? 0 : rc == 0 ? -EBADMSG : rc;
}
