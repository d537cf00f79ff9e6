/*
 * An X.509 certificate's key and subject.
 * Task: translate both into the words of SSH and of the rules. Owner: nobody. May not know whether
 * the certificate is any good.
 */
#include "auth/x509_key.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#define NUMBER_MAX (PUBKEY_RSA_BITS_MAX / 8)
#define ATTRIBUTE_NAME_MAX 80
#define CURVE_NAME_MAX 32

/* One number of the key, big-endian, to width bytes, or to its own length when width is 0. */
static int key_number(
	const EVP_PKEY *key, const char *name, size_t width, uint8_t mem[NUMBER_MAX], size_t *len)
{
	BIGNUM *number = NULL;
	int rc = -EKEYREJECTED;

	if (EVP_PKEY_get_bn_param(key, name, &number) != 1)
		return rc;
	*len = width != 0 ? width : (size_t)BN_num_bytes(number);
	if (*len <= NUMBER_MAX && BN_bn2binpad(number, mem, (int)*len) == (int)*len)
		rc = 0;
	BN_free(number);
	return rc;
}

static int write_rsa(const EVP_PKEY *key, struct span_writer *w)
{
	uint8_t number[NUMBER_MAX];
	size_t len;

	span_write_string(w, "ssh-rsa", 7);
	if (key_number(key, OSSL_PKEY_PARAM_RSA_E, 0, number, &len) < 0)
		return -EKEYREJECTED;
	span_write_mpint(w, number, len);
	if (key_number(key, OSSL_PKEY_PARAM_RSA_N, 0, number, &len) < 0)
		return -EKEYREJECTED;
	span_write_mpint(w, number, len);
	return 0;
}

static int write_ec(const EVP_PKEY *key, struct span_writer *w)
{
	static const struct {
		const char *openssl, *ssh, *curve;
		size_t bytes;
	} curves[] = {
		{"prime256v1", "ecdsa-sha2-nistp256", "nistp256", 32},
		{"secp384r1", "ecdsa-sha2-nistp384", "nistp384", 48},
		{"secp521r1", "ecdsa-sha2-nistp521", "nistp521", 66},
	};
	char name[CURVE_NAME_MAX];
	uint8_t point[1 + 2 * NUMBER_MAX] = {4};
	size_t len;

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), &len) != 1)
		return -EKEYREJECTED;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(name, curves[i].openssl) != 0)
			continue;
		if (key_number(key, OSSL_PKEY_PARAM_EC_PUB_X, curves[i].bytes, point + 1, &len) < 0)
			return -EKEYREJECTED;
		if (key_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, curves[i].bytes, point + 1 + len,
			    &len) < 0)
			return -EKEYREJECTED;
		span_write_string(w, curves[i].ssh, strlen(curves[i].ssh));
		span_write_string(w, curves[i].curve, strlen(curves[i].curve));
		span_write_string(w, point, 1 + 2 * len);
		return 0;
	}
	return -EKEYREJECTED;
}

int x509_key_blob(X509 *cert, uint8_t *mem, size_t room, struct span *out, const char **why)
{
	EVP_PKEY *key = X509_get0_pubkey(cert);
	struct span_writer w = {.mem = mem, .room = room};
	struct pubkey parsed;
	int rc = -EKEYREJECTED;

	*why = "the certificate's key is neither RSA nor on a NIST curve";
	if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		rc = write_rsa(key, &w);
	else if (key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC)
		rc = write_ec(key, &w);
	ERR_clear_error();
	if (rc < 0 || w.overflow)
		return -EKEYREJECTED;
	*out = span_of(mem, w.len);
	rc = pubkey_parse(*out, &parsed, why);
	return rc == 0 || rc == -ENOMEM ? rc : -EKEYREJECTED;
}

int x509_der_key_blob(
	struct span der, uint8_t *mem, size_t room, struct span *out, const char **why)
{
	const unsigned char *end = der.at;
	X509 *cert = d2i_X509(NULL, &end, (long)der.len);
	int rc = -EKEYREJECTED;

	*why = "the certificate is malformed";
	if (cert)
		rc = x509_key_blob(cert, mem, room, out, why);
	X509_free(cert);
	ERR_clear_error();
	return rc;
}

struct text {
	char mem[X509_SUBJECT_MAX];
	size_t len;
	bool overflow;
};

static void add_text(struct text *t, const char *data, size_t len)
{
	if (t->overflow || sizeof(t->mem) - t->len <= len) {
		t->overflow = true;
		return;
	}
	memcpy(t->mem + t->len, data, len);
	t->len += len;
	t->mem[t->len] = 0;
}

/* RFC 2253 section 2.4, but \HH for everything, never a backslash and the character itself. */
static void add_escaped(struct text *t, const unsigned char *value, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = value[i];
		bool edge = (c == ' ' && (i == 0 || i + 1 == len)) || (c == '#' && i == 0);

		if (edge || c < 0x20 || c == 0x7f || strchr(",+\"\\<>;=", c)) {
			char hex[4];

			snprintf(hex, sizeof(hex), "\\%02X", c);
			add_text(t, hex, 3);
		} else {
			add_text(t, (const char *)&value[i], 1);
		}
	}
}

/* Appends "CN=value". 0, -EINVAL, -ENOMEM. */
static int add_attribute(struct text *t, const X509_NAME_ENTRY *entry)
{
	const ASN1_OBJECT *object = X509_NAME_ENTRY_get_object(entry);
	int nid = OBJ_obj2nid(object);
	char name[ATTRIBUTE_NAME_MAX];
	unsigned char *value;
	int len;

	if (nid != NID_undef)
		snprintf(name, sizeof(name), "%s", OBJ_nid2sn(nid));
	else if (OBJ_obj2txt(name, sizeof(name), object, 1) >= (int)sizeof(name))
		return -EINVAL;
	len = ASN1_STRING_to_UTF8(&value, X509_NAME_ENTRY_get_data(entry));
	if (len < 0)
		return -EINVAL;
	add_text(t, name, strlen(name));
	add_text(t, "=", 1);
	add_escaped(t, value, (size_t)len);
	OPENSSL_free(value);
	return t->overflow ? -EINVAL : 0;
}

/* The attributes from the last to the first; those of one set (multi-valued) joined by '+'. */
static int subject_text(const X509_NAME *name, struct text *whole)
{
	int count = X509_NAME_entry_count(name);
	int last_set = -1;

	if (count <= 0 || count > X509_PARTS_MAX)
		return -EINVAL;
	for (int i = count - 1; i >= 0; i--) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int set = X509_NAME_ENTRY_set(entry);
		int rc;

		if (i != count - 1)
			add_text(whole, set == last_set ? "+" : ",", 1);
		last_set = set;
		rc = add_attribute(whole, entry);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int add_parts(const X509_NAME *name, struct identity *id)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < X509_NAME_entry_count(name); i++) {
		struct text part = {.len = 0};

		rc = add_attribute(&part, X509_NAME_get_entry(name, i));
		if (rc == 0)
			rc = identity_add(id, FACT_CERT, part.mem);
	}
	return rc;
}

int x509_subject_identity(X509 *cert, struct identity **out)
{
	const X509_NAME *name = X509_get_subject_name(cert);
	struct text whole = {.len = 0};
	int rc = subject_text(name, &whole);

	if (rc == 0)
		rc = identity_create(FACT_CERT, whole.mem, out);
	if (rc == 0) {
		rc = add_parts(name, *out);
		if (rc < 0)
			identity_destroy(*out);
	}
	ERR_clear_error();
	return rc;
}
