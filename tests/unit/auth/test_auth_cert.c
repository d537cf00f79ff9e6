/* OpenSSH certificates, made by ssh-keygen, judged by login_by_key. */
#include "auth/ssh/ssh_signature.h"
#include "auth_world.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void certificates_are_judged_as_the_table_says(void **state)
{
	static const struct {
		const char *ca, *user, *args, *address;
		int64_t now;
		const char *why; /* NULL: gets in */
	} rows[] = {
		{"ca_ed25519", "user_ed25519", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, NULL},
		{"ca_ed25519", "user_ecdsa", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, NULL},
		{"ca_ed25519", "user_rsa", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, NULL},
		{"ca_ecdsa", "user_ed25519", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, NULL},
		{"ca_ecdsa521", "user_ed25519", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW,
			NULL},
		{"ca_rsa", "user_ed25519", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, NULL},
		{"ca_rsa", "user_rsa", "-t rsa-sha2-256 -n web " WORLD_VALID, "192.0.2.1",
			WORLD_NOW, NULL},
		{"ca_rsa", "user_rsa", "-t ssh-rsa -n web " WORLD_VALID, "192.0.2.1", WORLD_NOW,
			"SHA-1"},
		{"ca_small", "user_ed25519", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, "2048"},
		{"ca_ed25519", "user_small", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW, "2048"},
		{"ca_evil", "user_ed25519", "-n web " WORLD_VALID, "192.0.2.1", WORLD_NOW,
			"not trusted"},
		{"ca_ed25519", "user_ed25519", "-h -n web " WORLD_VALID, "192.0.2.1", WORLD_NOW,
			"not a user's"},
		{"ca_ed25519", "user_ed25519", "-n web -V always:forever", "192.0.2.1", WORLD_NOW,
			NULL},
		{"ca_ed25519", "user_ed25519", "-n web -V always:20230101000000Z", NULL, WORLD_NOW,
			"expired"},
		{"ca_ed25519", "user_ed25519", "-n web -V 20231201000000Z:forever", NULL, WORLD_NOW,
			"not yet"},
		{"ca_ed25519", "user_ed25519", "-n web " WORLD_VALID, NULL, 1672531200, NULL},
		{"ca_ed25519", "user_ed25519", "-n web " WORLD_VALID, NULL, 1672531199, "not yet"},
		{"ca_ed25519", "user_ed25519", "-n web " WORLD_VALID, NULL, 1704067199, NULL},
		{"ca_ed25519", "user_ed25519", "-n web " WORLD_VALID, NULL, 1704067200, "expired"},
		{"ca_ed25519", "user_ed25519", WORLD_VALID, "192.0.2.1", WORLD_NOW, "no principal"},
		{"ca_ed25519", "user_ed25519", "-n a,b,c " WORLD_VALID, "192.0.2.1", WORLD_NOW,
			NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " WORLD_VALID,
			"192.0.2.1", WORLD_NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " WORLD_VALID,
			"::ffff:192.0.2.1", WORLD_NOW, NULL},
		{"ca_ed25519", "user_ed25519",
			"-n web -O source-address=10.0.0.0/8,192.0.2.1 " WORLD_VALID, "192.0.2.1",
			WORLD_NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " WORLD_VALID,
			"192.0.3.1", WORLD_NOW, "source address"},
		{"ca_ed25519", "user_ed25519",
			"-n web -O source-address=2001:db8::/32 " WORLD_VALID, "192.0.2.1",
			WORLD_NOW, "source address"},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " WORLD_VALID,
			NULL, WORLD_NOW, "source address"},
		{"ca_ed25519", "user_ed25519", "-n web -O force-command=log " WORLD_VALID, NULL,
			WORLD_NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O verify-required " WORLD_VALID, NULL,
			WORLD_NOW, "critical option"},
		{"ca_ed25519", "user_ed25519", "-n web -O critical:what@example.com=x " WORLD_VALID,
			NULL, WORLD_NOW, "critical option"},
		{"ca_ed25519", "user_ed25519",
			"-n web -O extension:what@example.com=x " WORLD_VALID, NULL, WORLD_NOW,
			NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O clear " WORLD_VALID, NULL, WORLD_NOW,
			NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O no-pty " WORLD_VALID, NULL, WORLD_NOW,
			NULL},
	};
	struct world w;

	(void)state;
	world_open(&w, NULL, "./cas", NULL);
	assert_int_equal(w.report.count, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[LOGIN_WHY_MAX];
		struct identity *id;
		int rc;

		world_sign(rows[i].ca, rows[i].user, rows[i].args);
		rc = world_try(&w, "user-cert.pub", rows[i].address, rows[i].now, &id, why);
		tools_expect(i, rc, why, rows[i].why);
		identity_destroy(id);
	}
	world_close(&w);
}

static void what_a_certificate_says_is_in_the_identity(void **state)
{
	char why[LOGIN_WHY_MAX];
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	struct identity *id;
	struct world w;
	uint8_t *blob;
	size_t len;

	(void)state;
	world_open(&w, NULL, "./cas", NULL);
	world_sign("ca_rsa", "user_ecdsa",
		"-n web,db -z 77 -O force-command='log --lines 3' " WORLD_VALID);
	assert_int_equal(world_try(&w, "user-cert.pub", "192.0.2.1", WORLD_NOW, &id, why), 0);
	assert_string_equal(id->text, "principal:web");
	assert_string_equal(id->comment, "the id (serial 77)");
	assert_string_equal(id->command, "log --lines 3");
	assert_true(id->pty_allowed);
	assert_int_equal(identity_kinds(id), FACT_BIT(FACT_PRINCIPAL) | FACT_BIT(FACT_ADDRESS));
	assert_string_equal(id->facts[1].value, "db");
	blob = tools_blob_of_file("user.pub", &len);
	pubkey_fingerprint(span_of(blob, len), fingerprint);
	assert_string_equal(id->fingerprint, fingerprint);
	free(blob);
	identity_destroy(id);
	w.sources.enforces_command = false;
	assert_int_equal(world_try(&w, "user-cert.pub", "192.0.2.1", WORLD_NOW, &id, why), -EACCES);
	assert_non_null(strstr(why, "not enforced"));
	world_sign("ca_rsa", "user_ecdsa", "-n web -O no-pty " WORLD_VALID);
	assert_int_equal(world_try(&w, "user-cert.pub", "192.0.2.1", WORLD_NOW, &id, why), 0);
	assert_false(id->pty_allowed);
	assert_null(id->command);
	identity_destroy(id);
	world_close(&w);
}

/* The trap: a certificate holds the plain key, and must not be let in for it; nor the reverse. */
static void a_certificate_is_never_taken_for_its_plain_key(void **state)
{
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	struct world w;

	(void)state;
	tools_run("cat user_*.pub >plain");
	world_open(&w, "./plain", "./cas", NULL);
	assert_int_equal(world_try(&w, "user_ed25519.pub", NULL, WORLD_NOW, &id, why), 0);
	identity_destroy(id);
	world_sign("ca_evil", "user_ed25519", "-n web " WORLD_VALID);
	assert_int_equal(world_try(&w, "user-cert.pub", NULL, WORLD_NOW, &id, why), -EACCES);
	assert_non_null(strstr(why, "not trusted"));
	world_sign("ca_ed25519", "user_ed25519", "-n web -V always:20230101Z");
	assert_int_equal(world_try(&w, "user-cert.pub", NULL, WORLD_NOW, &id, why), -EACCES);
	assert_non_null(strstr(why, "expired"));
	world_close(&w);
	world_open(&w, NULL, "./cas", NULL);
	assert_int_equal(world_try(&w, "user_ed25519.pub", NULL, WORLD_NOW, &id, why), -EACCES);
	assert_int_equal(world_try(&w, "ca_ed25519.pub", NULL, WORLD_NOW, &id, why), -EACCES);
	world_close(&w);
}

static void every_bit_of_a_certificate_counts(void **state)
{
	struct login_proof proof = {.now = WORLD_NOW};
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	struct world w;
	uint8_t *blob;
	size_t len;

	(void)state;
	world_open(&w, NULL, "./cas", NULL);
	for (size_t k = 0; k < 3; k++) {
		static const char *const cas[] = {"ca_ed25519", "ca_ecdsa", "ca_rsa"};

		world_sign(cas[k], "user_ed25519",
			"-n web -O source-address=192.0.2.0/24 " WORLD_VALID);
		blob = tools_blob_of_file("user-cert.pub", &len);
		proof.blob = span_of(blob, len);
		proof.address = "192.0.2.1";
		assert_int_equal(login_by_key(&w.sources, &proof, &id, why), 0);
		identity_destroy(id);
		for (size_t i = 0; i < len * 8; i++) {
			blob[i / 8] ^= (uint8_t)(1 << (i % 8));
			if (login_by_key(&w.sources, &proof, &id, why) != -EACCES)
				fail_msg("%s: bit %zu of %zu", cas[k], i, len * 8);
			blob[i / 8] ^= (uint8_t)(1 << (i % 8));
		}
		for (proof.blob.len = 0; proof.blob.len < len; proof.blob.len++)
			assert_int_equal(login_by_key(&w.sources, &proof, &id, why), -EACCES);
		free(blob);
	}
	world_close(&w);
}

static void cert_authority_lines_bind_their_certificates(void **state)
{
	static const struct {
		const char *options, *args, *address, *why;
	} rows[] = {
		{"cert-authority", "-n web", "192.0.2.1", NULL},
		{"cert-authority,principals=\"web,db\"", "-n db", "192.0.2.1", NULL},
		{"cert-authority,principals=\"web,db\"", "-n other,web", "192.0.2.1", NULL},
		{"cert-authority,principals=\"web,db\"", "-n we", "192.0.2.1", "principals"},
		{"cert-authority,principals=\"web\"", "", "192.0.2.1", "no principal"},
		{"cert-authority", "", "192.0.2.1", "no principal"},
		{"cert-authority,from=\"192.0.2.0/24\"", "-n web", "192.0.2.1", NULL},
		{"cert-authority,from=\"192.0.2.0/24\"", "-n web", "192.0.3.1", "from="},
		{"cert-authority,expiry-time=\"20230101Z\"", "-n web", "192.0.3.1", "expiry-time"},
		{"cert-authority,restrict", "-n web", "192.0.2.1", NULL},
		{"cert-authority,command=\"log\"", "-n web -O force-command=log", "192.0.2.1",
			NULL},
		{"cert-authority,command=\"log\"", "-n web -O force-command=list", "192.0.2.1",
			"differ"},
		{"restrict", "-n web", "192.0.2.1", "not trusted"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[256];
		char why[LOGIN_WHY_MAX];
		struct identity *id;
		struct world w;
		int rc;

		snprintf(text, sizeof(text), "%s ", rows[i].options);
		tools_write("options", text);
		tools_run("cat options ca_ed25519.pub >authority");
		snprintf(text, sizeof(text), "%s " WORLD_VALID, rows[i].args);
		world_sign("ca_ed25519", "user_ed25519", text);
		world_open(&w, "./authority", NULL, NULL);
		assert_int_equal(w.report.count, 0);
		rc = world_try(&w, "user-cert.pub", rows[i].address, WORLD_NOW, &id, why);
		tools_expect(i, rc, why, rows[i].why);
		if (rc == 0)
			assert_int_equal(
				id->pty_allowed, strstr(rows[i].options, "restrict") == NULL);
		identity_destroy(id);
		world_close(&w);
	}
}

/* principals= chooses: what else the certificate names is not true of the login. */
static void only_listed_principals_are_facts(void **state)
{
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	struct world w;

	(void)state;
	tools_write("options", "cert-authority,principals=\"db,web\" ");
	tools_run("cat options ca_ed25519.pub >authority");
	world_sign("ca_ed25519", "user_ed25519", "-n root,web,admin " WORLD_VALID);
	world_open(&w, "./authority", NULL, NULL);
	assert_int_equal(world_try(&w, "user-cert.pub", NULL, WORLD_NOW, &id, why), 0);
	assert_string_equal(id->text, "principal:web");
	assert_int_equal(id->fact_count, 1);
	identity_destroy(id);
	world_close(&w);
}

static void a_ca_list_takes_no_options(void **state)
{
	struct world w;

	(void)state;
	tools_run("(printf 'restrict '; cat ca_ed25519.pub) >optioned");
	world_open(&w, NULL, "./optioned", NULL);
	assert_int_equal(w.report.count, 1);
	assert_non_null(strstr(w.report.why, "options"));
	assert_int_equal(key_store_count(w.cas), 0);
	world_close(&w);
}

static void a_signature_longer_than_its_key_is_refused(void **state)
{
	static const uint8_t raw[PUBKEY_RSA_BITS_MAX / 8 + 1];
	uint8_t mem[sizeof(raw) + 64];
	struct span_writer w = {.mem = mem, .room = sizeof(mem)};
	struct pubkey key;
	const char *why;
	size_t len;
	uint8_t *blob = tools_blob_of_file("user_rsa.pub", &len);

	(void)state;
	assert_int_equal(pubkey_parse(span_of(blob, len), &key, &why), 0);
	span_write_string(&w, "rsa-sha2-256", 12);
	span_write_string(&w, raw, sizeof(raw));
	assert_int_equal(ssh_signature_verify(&key, span_of("data", 4), span_of(mem, w.len), &why),
		-EBADMSG);
	free(blob);
}

/* PROTOCOL.u2f, with a key of our own in the part of the authenticator. */
static void a_signature_by_a_security_key_verifies(void **state)
{
	static const uint8_t flags_and_counter[5] = {1, 0, 0, 0, 7};
	uint8_t mem[256];
	uint8_t sig_mem[256];
	uint8_t message[2 * SHA256_DIGEST_LENGTH + 5];
	struct span_writer w = {.mem = mem, .room = sizeof(mem)};
	struct span_writer s = {.mem = sig_mem, .room = sizeof(sig_mem)};
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t point[32];
	uint8_t raw[64];
	size_t len = sizeof(point);
	struct pubkey key;
	const char *why;

	(void)state;
	assert_int_equal(EVP_PKEY_get_raw_public_key(pkey, point, &len), 1);
	span_write_string(&w, "sk-ssh-ed25519@openssh.com", 26);
	span_write_string(&w, point, sizeof(point));
	span_write_string(&w, "ssh:", 4);
	assert_int_equal(pubkey_parse(span_of(mem, w.len), &key, &why), 0);
	SHA256((const uint8_t *)"ssh:", 4, message);
	memcpy(message + 32, flags_and_counter, sizeof(flags_and_counter));
	SHA256((const uint8_t *)"data", 4, message + 37);
	len = sizeof(raw);
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, NULL, NULL, pkey), 1);
	assert_int_equal(EVP_DigestSign(ctx, raw, &len, message, sizeof(message)), 1);
	span_write_string(&s, "sk-ssh-ed25519@openssh.com", 26);
	span_write_string(&s, raw, sizeof(raw));
	span_write(&s, flags_and_counter, sizeof(flags_and_counter));
	assert_int_equal(
		ssh_signature_verify(&key, span_of("data", 4), span_of(sig_mem, s.len), &why), 0);
	assert_int_equal(
		ssh_signature_verify(&key, span_of("dats", 4), span_of(sig_mem, s.len), &why),
		-EBADMSG);
	sig_mem[s.len - 1] ^= 1;
	assert_int_equal(
		ssh_signature_verify(&key, span_of("data", 4), span_of(sig_mem, s.len), &why),
		-EBADMSG);
	assert_int_equal(
		ssh_signature_verify(&key, span_of("data", 4), span_of(sig_mem, s.len - 1), &why),
		-EBADMSG);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_judged_as_the_table_says),
		cmocka_unit_test(what_a_certificate_says_is_in_the_identity),
		cmocka_unit_test(a_certificate_is_never_taken_for_its_plain_key),
		cmocka_unit_test(every_bit_of_a_certificate_counts),
		cmocka_unit_test(cert_authority_lines_bind_their_certificates),
		cmocka_unit_test(only_listed_principals_are_facts),
		cmocka_unit_test(a_ca_list_takes_no_options),
		cmocka_unit_test(a_signature_longer_than_its_key_is_refused),
		cmocka_unit_test(a_signature_by_a_security_key_verifies),
	};

	return cmocka_run_group_tests(tests, world_setup, tools_leave);
}
