/*
 * SSH public key blobs.
 * Task: strict reading of one blob, its size and its fingerprint. Owner: nobody, the result is a
 * view. May not know who trusts the key.
 */
#include "auth/ssh/pubkey.h"
#include "auth/ssh/base64.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <string.h>

#define RSA_EXPONENT_BYTES_MAX 8 /* OpenSSL refuses longer ones for large keys */
#define ED25519_BYTES 32
#define APPLICATION_MAX 255

static const struct key_kind {
	const char *name;
	const char *curve; /* RFC 5656 section 10.1 */
	int nid;
	unsigned bits;
	bool sk;
} kinds[] = {
	[PUBKEY_RSA] = {"ssh-rsa", NULL, 0, 0, false},
	[PUBKEY_ECDSA_P256] = {"ecdsa-sha2-nistp256", "nistp256", NID_X9_62_prime256v1, 256, false},
	[PUBKEY_ECDSA_P384] = {"ecdsa-sha2-nistp384", "nistp384", NID_secp384r1, 384, false},
	[PUBKEY_ECDSA_P521] = {"ecdsa-sha2-nistp521", "nistp521", NID_secp521r1, 521, false},
	[PUBKEY_ED25519] = {"ssh-ed25519", NULL, 0, 256, false},
	[PUBKEY_SK_ECDSA] = {"sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", NID_X9_62_prime256v1,
		256, true},
	[PUBKEY_SK_ED25519] = {"sk-ssh-ed25519@openssh.com", NULL, 0, 256, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *pubkey_type_name(enum pubkey_type type)
{
	return kinds[type].name;
}

int pubkey_type_parse(struct span name, enum pubkey_type *out)
{
	for (size_t i = 0; i < KINDS; i++) {
		if (span_is(name, kinds[i].name)) {
			*out = (enum pubkey_type)i;
			return 0;
		}
	}
	return -ENOENT;
}

static unsigned number_bits(struct span number)
{
	unsigned bits = (unsigned)number.len * 8;

	for (uint8_t top = number.at[0]; (top & 0x80) == 0; top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static int parse_rsa(struct span *s, struct pubkey *out, const char **why)
{
	*why = "the RSA key is malformed";
	if (span_mpint(s, &out->e) < 0 || span_mpint(s, &out->n) < 0)
		return -EBADMSG;
	if ((out->e.at[out->e.len - 1] & 1) == 0 || (out->n.at[out->n.len - 1] & 1) == 0)
		return -EBADMSG;
	if (out->e.len > RSA_EXPONENT_BYTES_MAX || (out->e.len == 1 && out->e.at[0] < 3))
		return -EBADMSG;
	out->bits = number_bits(out->n);
	if (out->bits < PUBKEY_RSA_BITS_MIN) {
		*why = "the RSA key is shorter than 2048 bits";
		return -EKEYREJECTED;
	}
	if (out->bits > PUBKEY_RSA_BITS_MAX) {
		*why = "the RSA key is longer than 16384 bits";
		return -EKEYREJECTED;
	}
	return 0;
}

/* Whether the point is an uncompressed one that lies on the curve. 1, 0 or -ENOMEM. */
static int point_is_valid(int nid, struct span point)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(nid);
	EC_POINT *decoded = group ? EC_POINT_new(group) : NULL;
	int rc = -ENOMEM;

	if (decoded)
		rc = point.len > 1 && point.at[0] == POINT_CONVERSION_UNCOMPRESSED &&
		     EC_POINT_oct2point(group, decoded, point.at, point.len, NULL) == 1;
	EC_POINT_free(decoded);
	EC_GROUP_free(group);
	return rc;
}

static int parse_ecdsa(
	const struct key_kind *kind, struct span *s, struct pubkey *out, const char **why)
{
	struct span curve;
	int rc;

	*why = "the ECDSA key is malformed";
	if (span_string(s, &curve) < 0 || !span_is(curve, kind->curve) ||
		span_string(s, &out->point) < 0)
		return -EBADMSG;
	rc = point_is_valid(kind->nid, out->point);
	if (rc == 0)
		*why = "the ECDSA key's point is not on its curve";
	return rc == 0 ? -EBADMSG : rc < 0 ? rc : 0;
}

static int parse_ed25519(struct span *s, struct pubkey *out, const char **why)
{
	*why = "the Ed25519 key is malformed";
	return span_string(s, &out->point) < 0 || out->point.len != ED25519_BYTES ? -EBADMSG : 0;
}

static int parse_application(struct span *s, struct pubkey *out, const char **why)
{
	*why = "the sk- key's application is malformed";
	if (span_string(s, &out->application) < 0)
		return -EBADMSG;
	if (out->application.len == 0 || out->application.len > APPLICATION_MAX)
		return -EBADMSG;
	return memchr(out->application.at, 0, out->application.len) != NULL ? -EBADMSG : 0;
}

int pubkey_parse_fields(enum pubkey_type type, struct span *s, struct pubkey *out, const char **why)
{
	const struct key_kind *kind = &kinds[type];
	int rc;

	*out = (struct pubkey){.type = type, .bits = kind->bits};
	if (type == PUBKEY_RSA)
		rc = parse_rsa(s, out, why);
	else if (kind->curve)
		rc = parse_ecdsa(kind, s, out, why);
	else
		rc = parse_ed25519(s, out, why);
	if (rc == 0 && kind->sk)
		rc = parse_application(s, out, why);
	return rc;
}

int pubkey_parse(struct span blob, struct pubkey *out, const char **why)
{
	struct span rest = blob;
	struct span name;
	enum pubkey_type type;
	int rc;

	*why = "the key is malformed";
	if (blob.len > PUBKEY_BLOB_MAX || span_string(&rest, &name) < 0)
		return -EBADMSG;
	if (span_is(name, "ssh-dss")) {
		*why = "DSA keys are not accepted";
		return -EKEYREJECTED;
	}
	if (pubkey_type_parse(name, &type) < 0) {
		*why = "the key is of a type that is not accepted";
		return -EKEYREJECTED;
	}
	rc = pubkey_parse_fields(type, &rest, out, why);
	if (rc < 0)
		return rc;
	if (rest.len != 0) {
		*why = "the key has bytes behind its end";
		return -EBADMSG;
	}
	out->blob = blob;
	return 0;
}

void pubkey_fingerprint(struct span blob, char out[PUBKEY_FINGERPRINT_ROOM])
{
	static const char prefix[] = "SHA256:";
	uint8_t digest[SHA256_DIGEST_LENGTH];
	char text[BASE64_ROOM(SHA256_DIGEST_LENGTH)];
	size_t len;

	SHA256(blob.at, blob.len, digest);
	len = base64_encode(digest, sizeof(digest), text);
	while (len != 0 && text[len - 1] == '=')
		text[--len] = 0;
	memcpy(out, prefix, sizeof(prefix) - 1);
	memcpy(out + sizeof(prefix) - 1, text, len + 1);
}

int pubkey_line_blob(const char *line, uint8_t mem[PUBKEY_BLOB_MAX], struct span *out)
{
	const char *base64 = line + strcspn(line, " \t");

	base64 += strspn(base64, " \t");
	out->at = mem;
	return base64_decode(base64, strcspn(base64, " \t\r\n"), mem, PUBKEY_BLOB_MAX, &out->len);
}
