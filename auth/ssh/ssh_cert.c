/*
 * OpenSSH user certificates.
 * Task: parse and verify one. Owner: nobody, the result is a view. May not know which CAs are
 * trusted, nor what a principal may do.
 */
#include "auth/ssh/ssh_cert.h"
#include "core/text/net_address.h"
#include "auth/ssh/ssh_signature.h"

#include <errno.h>
#include <string.h>

#define SOURCE_ADDRESS_MAX 4096

static const struct cert_kind {
	const char *name;
	enum pubkey_type type;
} kinds[] = {
	{"ssh-rsa-cert-v01@openssh.com", PUBKEY_RSA},
	{"ecdsa-sha2-nistp256-cert-v01@openssh.com", PUBKEY_ECDSA_P256},
	{"ecdsa-sha2-nistp384-cert-v01@openssh.com", PUBKEY_ECDSA_P384},
	{"ecdsa-sha2-nistp521-cert-v01@openssh.com", PUBKEY_ECDSA_P521},
	{"ssh-ed25519-cert-v01@openssh.com", PUBKEY_ED25519},
	{"sk-ecdsa-sha2-nistp256-cert-v01@openssh.com", PUBKEY_SK_ECDSA},
	{"sk-ssh-ed25519-cert-v01@openssh.com", PUBKEY_SK_ED25519},
};

static int fail(const char **why, int rc, const char *text)
{
	*why = text;
	return rc;
}

bool ssh_cert_is(struct span blob)
{
	struct span name;

	return span_string(&blob, &name) == 0 && memmem(name.at, name.len, "-cert-v", 7) != NULL;
}

static const struct cert_kind *find_kind(struct span name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (span_is(name, kinds[i].name))
			return &kinds[i];
	}
	return NULL;
}

static bool has_nul(struct span s)
{
	return s.len != 0 && memchr(s.at, 0, s.len) != NULL;
}

bool ssh_cert_next_principal(struct span *rest, struct span *out)
{
	return rest->len != 0 && span_string(rest, out) == 0;
}

static int check_principals(struct span list, const char **why)
{
	struct span name;
	unsigned count = 0;

	while (list.len != 0) {
		if (span_string(&list, &name) < 0 || name.len == 0 || has_nul(name) ||
			++count > SSH_CERT_PRINCIPALS_MAX)
			return fail(why, -EBADMSG, "the certificate's principals are malformed");
	}
	return 0;
}

/* The value of an option is a string inside its data (PROTOCOL.certkeys, Critical options). */
static int option_value(struct span data, struct span *out, const char **why)
{
	if (out->at)
		return fail(why, -EBADMSG, "the certificate has a critical option twice");
	if (span_string(&data, out) < 0 || data.len != 0 || out->len == 0 || has_nul(*out))
		return fail(why, -EBADMSG, "a critical option of the certificate is malformed");
	return 0;
}

static int parse_critical(struct span list, struct ssh_cert *out, const char **why)
{
	while (list.len != 0) {
		struct span name;
		struct span data;
		int rc;

		if (span_string(&list, &name) < 0 || span_string(&list, &data) < 0)
			return fail(
				why, -EBADMSG, "the certificate's critical options are malformed");
		if (span_is(name, "force-command"))
			rc = option_value(data, &out->force_command, why);
		else if (span_is(name, "source-address"))
			rc = option_value(data, &out->source_address, why);
		else
			return fail(why, -EKEYREJECTED,
				"the certificate has a critical option that is not enforced here");
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Extensions may be ignored by who does not know them: all of them grant something. */
static int parse_extensions(struct span list, struct ssh_cert *out, const char **why)
{
	while (list.len != 0) {
		struct span name;
		struct span data;

		if (span_string(&list, &name) < 0 || span_string(&list, &data) < 0)
			return fail(why, -EBADMSG, "the certificate's extensions are malformed");
		if (!span_is(name, "permit-pty"))
			continue;
		if (data.len != 0)
			return fail(why, -EBADMSG, "the certificate's permit-pty is malformed");
		out->permit_pty = true;
	}
	return 0;
}

static int parse_ca(struct span blob, struct ssh_cert *out, const char **why)
{
	if (ssh_cert_is(blob))
		return fail(why, -EKEYREJECTED, "the certificate is signed by a certificate");
	return pubkey_parse(blob, &out->ca, why);
}

static int parse_body(struct span *s, struct ssh_cert *out, const char **why)
{
	struct span critical;
	struct span extensions;
	struct span reserved;
	struct span ca;
	int rc;

	if (span_u64(s, &out->serial) < 0 || span_u32(s, &out->type) < 0 ||
		span_string(s, &out->key_id) < 0 || span_string(s, &out->principals) < 0 ||
		span_u64(s, &out->valid_after) < 0 || span_u64(s, &out->valid_before) < 0 ||
		span_string(s, &critical) < 0 || span_string(s, &extensions) < 0 ||
		span_string(s, &reserved) < 0 || span_string(s, &ca) < 0)
		return fail(why, -EBADMSG, "the certificate is malformed");
	if (has_nul(out->key_id))
		return fail(why, -EBADMSG, "the certificate's key id is malformed");
	rc = check_principals(out->principals, why);
	if (rc == 0)
		rc = parse_critical(critical, out, why);
	if (rc == 0)
		rc = parse_extensions(extensions, out, why);
	return rc == 0 ? parse_ca(ca, out, why) : rc;
}

int ssh_cert_parse(struct span blob, struct ssh_cert *out, const char **why)
{
	const struct cert_kind *kind;
	struct span rest = blob;
	struct span name;
	struct span nonce;
	struct pubkey key;
	int rc;

	*out = (struct ssh_cert){0};
	if (blob.len > SSH_CERT_BLOB_MAX || span_string(&rest, &name) < 0)
		return fail(why, -EBADMSG, "the certificate is malformed");
	kind = find_kind(name);
	if (!kind)
		return fail(
			why, -EKEYREJECTED, "the certificate is of a type that is not accepted");
	if (span_string(&rest, &nonce) < 0)
		return fail(why, -EBADMSG, "the certificate is malformed");
	rc = pubkey_parse_fields(kind->type, &rest, &key, why);
	if (rc < 0)
		return rc;
	out->key = key;
	rc = parse_body(&rest, out, why);
	if (rc < 0)
		return rc;
	out->signed_part = span_of(blob.at, (size_t)(rest.at - blob.at));
	if (span_string(&rest, &out->signature) < 0 || rest.len != 0)
		return fail(why, -EBADMSG, "the certificate's signature is malformed");
	return 0;
}

static int check_source(struct span list, const char *address, const char **why)
{
	char text[SOURCE_ADDRESS_MAX];
	struct net_address a;
	int rc;

	if (list.len >= sizeof(text))
		return fail(why, -EACCES, "the certificate's source-address is malformed");
	memcpy(text, list.at, list.len);
	text[list.len] = 0;
	if (!address || address_parse(address, &a) < 0)
		return fail(why, -EACCES, "the certificate is bound to a source address");
	rc = address_match_list(text, &a, true);
	if (rc < 0)
		return fail(why, -EACCES, "the certificate's source-address is malformed");
	if (rc == 0)
		return fail(why, -EACCES, "the certificate does not allow this source address");
	return 0;
}

int ssh_cert_check(const struct ssh_cert *cert, const char *address, int64_t now, const char **why)
{
	int rc = ssh_signature_verify(&cert->ca, cert->signed_part, cert->signature, why);

	if (rc < 0)
		return rc == -EBADMSG ? -EACCES : rc;
	if (cert->type != SSH_CERT_USER)
		return fail(why, -EACCES, "the certificate is not a user's");
	if (now < 0 || (uint64_t)now < cert->valid_after)
		return fail(why, -EACCES, "the certificate is not yet valid");
	if ((uint64_t)now >= cert->valid_before)
		return fail(why, -EACCES, "the certificate has expired");
	if (cert->principals.len == 0)
		return fail(why, -EACCES, "the certificate names no principal");
	if (cert->source_address.at)
		return check_source(cert->source_address, address, why);
	return 0;
}

int ssh_cert_plain_blob(const struct ssh_cert *cert, uint8_t *mem, size_t room, struct span *out)
{
	static const char *const curves[] = {
		[PUBKEY_ECDSA_P256] = "nistp256",
		[PUBKEY_ECDSA_P384] = "nistp384",
		[PUBKEY_ECDSA_P521] = "nistp521",
		[PUBKEY_SK_ECDSA] = "nistp256",
		[PUBKEY_SK_ED25519] = NULL,
	};
	const struct pubkey *k = &cert->key;
	const char *name = pubkey_type_name(k->type);
	struct span_writer w = {.mem = mem, .room = room};

	span_write_string(&w, name, strlen(name));
	if (k->type == PUBKEY_RSA) {
		span_write_mpint(&w, k->e.at, k->e.len);
		span_write_mpint(&w, k->n.at, k->n.len);
	} else {
		if (curves[k->type])
			span_write_string(&w, curves[k->type], strlen(curves[k->type]));
		span_write_string(&w, k->point.at, k->point.len);
	}
	if (k->application.len != 0)
		span_write_string(&w, k->application.at, k->application.len);
	*out = span_of(mem, w.len);
	return w.overflow ? -ENOBUFS : 0;
}
