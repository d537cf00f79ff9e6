/* What a client may show: public key blobs and OpenSSH certificates. */
#include "auth/login.h"
#include "auth/ssh/ssh_cert.h"

#include <stdlib.h>

static void check_cert(const struct ssh_cert *cert)
{
	uint8_t mem[PUBKEY_BLOB_MAX];
	struct span rest = cert->principals;
	struct span name;
	struct span plain;
	struct pubkey key;
	const char *why;

	while (ssh_cert_next_principal(&rest, &name)) {
		if (name.len == 0)
			abort();
	}
	if (rest.len != 0)
		abort();
	if (ssh_cert_plain_blob(cert, mem, sizeof(mem), &plain) == 0 &&
		(pubkey_parse(plain, &key, &why) != 0 || key.type != cert->key.type ||
			key.bits != cert->key.bits))
		abort();
	if (ssh_cert_check(cert, "192.0.2.1", 1700000000, &why) > 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct login_proof proof = {
		.blob = span_of(data, size), .now = 1700000000, .address = "192.0.2.1"};
	const struct login_sources nobody = {0};
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	char reason[LOGIN_WHY_MAX];
	struct identity *id;
	struct ssh_cert cert;
	struct pubkey key;
	const char *why;

	if (pubkey_parse(proof.blob, &key, &why) == 0) {
		if (ssh_cert_is(proof.blob))
			abort();
		pubkey_fingerprint(proof.blob, fingerprint);
	}
	if (ssh_cert_parse(proof.blob, &cert, &why) == 0)
		check_cert(&cert);
	/* Who trusts nobody lets nobody in. */
	if (login_by_key(&nobody, &proof, &id, reason) == 0)
		abort();
	return 0;
}
