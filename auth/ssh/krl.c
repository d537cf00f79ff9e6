/*
 * Key revocation lists.
 * Task: read one, answer whether it names a key or certificate. Owner: the list owns a copy of its
 * bytes. May not know files.
 */
#include "auth/ssh/krl.h"
#include "auth/ssh/digest_set.h"
#include "auth/ssh/krl_serials.h"

#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT_VERSION 1
#define HEADER_NUMBERS 24 /* bytes: version, date, flags */

static const uint8_t magic[8] = {'S', 'S', 'H', 'K', 'R', 'L', '\n', 0};

enum {
	SECTION_CERTIFICATES = 1,
	SECTION_KEYS = 2,
	SECTION_SHA1 = 3,
	SECTION_SIGNATURE = 4,
	SECTION_SHA256 = 5,
	SECTION_EXTENSION = 255,
};

struct krl {
	uint8_t *mem;
	struct krl_serials *cas;
	size_t ca_count, ca_room;
	struct digest_set sha1, sha256; /* explicit keys are kept by their SHA-256 */
};

bool krl_is(struct span data)
{
	return data.len >= sizeof(magic) && memcmp(data.at, magic, sizeof(magic)) == 0;
}

static int parse_certificates(struct krl *k, struct span data)
{
	if (krl_grow((void **)&k->cas, &k->ca_room, k->ca_count, sizeof(*k->cas)) < 0)
		return -ENOMEM;
	return krl_serials_parse(&k->cas[k->ca_count++], data);
}

static int parse_keys(struct krl *k, struct span data)
{
	while (data.len != 0) {
		uint8_t digest[SHA256_DIGEST_LENGTH];
		struct span blob;

		if (span_string(&data, &blob) < 0 || blob.len == 0)
			return -EBADMSG;
		SHA256(blob.at, blob.len, digest);
		if (digest_set_add(&k->sha256, digest) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int parse_digests(struct digest_set *set, struct span data)
{
	while (data.len != 0) {
		struct span digest;

		if (span_string(&data, &digest) < 0 || digest.len != set->width)
			return -EBADMSG;
		if (digest_set_add(set, digest.at) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int parse_extension(struct span data)
{
	struct span name;
	struct span contents;
	uint8_t critical;

	if (span_string(&data, &name) < 0 || span_u8(&data, &critical) < 0 ||
		span_string(&data, &contents) < 0 || data.len != 0)
		return -EBADMSG;
	return critical != 0 ? -EBADMSG : 0;
}

static int parse_section(struct krl *k, uint8_t type, struct span data)
{
	switch (type) {
	case SECTION_CERTIFICATES:
		return parse_certificates(k, data);
	case SECTION_KEYS:
		return parse_keys(k, data);
	case SECTION_SHA1:
		return parse_digests(&k->sha1, data);
	case SECTION_SHA256:
		return parse_digests(&k->sha256, data);
	case SECTION_EXTENSION:
		return parse_extension(data);
	default: /* SECTION_SIGNATURE too */
		return -EBADMSG;
	}
}

static int parse_header(struct span *s, const char **why)
{
	struct span skipped;
	struct span reserved;
	struct span comment;
	uint32_t format;

	*why = "not a revocation list";
	if (!krl_is(*s) || span_bytes(s, sizeof(magic), &skipped) < 0)
		return -EBADMSG;
	*why = "a revocation list of an unknown format";
	if (span_u32(s, &format) < 0 || format != FORMAT_VERSION)
		return -EBADMSG;
	*why = "the revocation list is malformed";
	if (span_bytes(s, HEADER_NUMBERS, &skipped) < 0 || span_string(s, &reserved) < 0 ||
		span_string(s, &comment) < 0)
		return -EBADMSG;
	return 0;
}

static int parse(struct krl *k, struct span s, const char **why)
{
	int rc = parse_header(&s, why);

	while (rc == 0 && s.len != 0) {
		struct span data;
		uint8_t type;

		*why = "the revocation list is malformed";
		if (span_u8(&s, &type) < 0 || span_string(&s, &data) < 0)
			return -EBADMSG;
		*why = "the revocation list has a section that is malformed or not understood";
		rc = parse_section(k, type, data);
	}
	return rc;
}

int krl_create(struct span data, struct krl **out, const char **why)
{
	struct krl *k;
	int rc;

	*why = "the revocation list is too long";
	if (data.len > KRL_BYTES_MAX)
		return -EBADMSG;
	k = (struct krl *)calloc(1, sizeof(*k));
	if (!k)
		return -ENOMEM;
	k->sha1.width = SHA_DIGEST_LENGTH;
	k->sha256.width = SHA256_DIGEST_LENGTH;
	k->mem = (uint8_t *)span_dup(data);
	rc = k->mem ? parse(k, span_of(k->mem, data.len), why) : -ENOMEM;
	if (rc < 0) {
		krl_destroy(k);
		return rc;
	}
	digest_set_seal(&k->sha1);
	digest_set_seal(&k->sha256);
	*out = k;
	return 0;
}

void krl_destroy(struct krl *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < k->ca_count; i++)
		krl_serials_finish(&k->cas[i]);
	free(k->cas);
	digest_set_finish(&k->sha1);
	digest_set_finish(&k->sha256);
	free(k->mem);
	free(k);
}

bool krl_revokes_key(const struct krl *k, struct span blob)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(blob.at, blob.len, digest);
	if (digest_set_has(&k->sha256, digest))
		return true;
	SHA1(blob.at, blob.len, digest);
	return digest_set_has(&k->sha1, digest);
}

bool krl_revokes_cert(const struct krl *k, const struct ssh_cert *cert)
{
	for (size_t i = 0; i < k->ca_count; i++) {
		const struct krl_serials *s = &k->cas[i];

		if (s->ca.len != 0 && !span_equal(s->ca, cert->ca.blob))
			continue;
		if (krl_serials_has_id(s, cert->key_id))
			return true;
		if (cert->serial != 0 && krl_serials_has_serial(s, cert->serial))
			return true;
	}
	return false;
}
