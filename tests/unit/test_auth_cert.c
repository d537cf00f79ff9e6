/* OpenSSH certificates and revocation lists, made by ssh-keygen, judged by login_by_key. */
#include "auth/base64.h"
#include "auth/krl.h"
#include "auth/login.h"
#include "auth/ssh_signature.h"
#include "auth_tools.h"

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
#define NOW 1700000000 /* 2023-11-14 22:13:20 UTC */
#define VALID "-V 20230101000000Z:20240101000000Z"

static int setup(void **state)
{
	if (tools_enter(state) != 0)
		return -1;
	tools_run("for t in ed25519 ecdsa 'rsa -b 2048'; do set -- $t; "
		  "ssh-keygen -q -t $t -N '' -C ca -f ca_$1; "
		  "ssh-keygen -q -t $t -N '' -C user -f user_$1; done; "
		  "ssh-keygen -q -t ed25519 -N '' -C evil -f ca_evil; "
		  "ssh-keygen -q -t ecdsa -b 521 -N '' -C ca -f ca_ecdsa521; "
		  "ssh-keygen -q -t rsa -b 1024 -N '' -C ca -f ca_small; "
		  "ssh-keygen -q -t rsa -b 1024 -N '' -C user -f user_small; "
		  "cat ca_ed25519.pub ca_ecdsa.pub ca_ecdsa521.pub ca_rsa.pub >cas");
	return 0;
}

/* What the daemon would be configured with. */
struct world {
	struct login_sources sources;
	struct key_store *keys, *cas;
	struct revoked *revoked;
	struct tools_report report;
};

static void world_open(struct world *w, const char *keys, const char *cas, const char *revoked)
{
	*w = (struct world){0};
	assert_int_equal(key_store_create(&w->keys), 0);
	assert_int_equal(key_store_create_plain(&w->cas), 0);
	if (keys != NULL)
		assert_int_equal(key_store_load(w->keys, &keys, 1, tools_report, &w->report), 0);
	if (cas != NULL)
		assert_int_equal(key_store_load(w->cas, &cas, 1, tools_report, &w->report), 0);
	if (revoked != NULL)
		assert_int_equal(
			revoked_create(&revoked, 1, tools_report, &w->report, &w->revoked), 0);
	w->sources = (struct login_sources){.keys = w->keys,
		.ssh_cas = w->cas,
		.revoked = w->revoked,
		.enforces_command = true};
}

static void world_close(struct world *w)
{
	key_store_destroy(w->keys);
	key_store_destroy(w->cas);
	revoked_destroy(w->revoked);
}

static int try_file(const struct world *w, const char *pub, const char *address, int64_t now,
	struct identity **id, char why[LOGIN_WHY_MAX])
{
	struct login_proof proof = {.address = address, .now = now};
	size_t len;
	uint8_t *blob = tools_blob_of_file(pub, &len);
	int rc;

	why[0] = 0;
	*id = NULL;
	proof.blob = span_of(blob, len);
	rc = login_by_key(&w->sources, &proof, id, why);
	free(blob);
	return rc;
}

/* Makes user.pub and user-cert.pub. */
static void sign(const char *ca, const char *user, const char *args)
{
	tools_run(
		"cp %s.pub user.pub; ssh-keygen -q -s %s -I 'the id' %s user.pub", user, ca, args);
}

static void certificates_are_judged_as_the_table_says(void **state)
{
	static const struct {
		const char *ca, *user, *args, *address;
		int64_t now;
		const char *why; /* NULL: gets in */
	} rows[] = {
		{"ca_ed25519", "user_ed25519", "-n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_ed25519", "user_ecdsa", "-n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_ed25519", "user_rsa", "-n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_ecdsa", "user_ed25519", "-n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_ecdsa521", "user_ed25519", "-n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_rsa", "user_ed25519", "-n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_rsa", "user_rsa", "-t rsa-sha2-256 -n web " VALID, "192.0.2.1", NOW, NULL},
		{"ca_rsa", "user_rsa", "-t ssh-rsa -n web " VALID, "192.0.2.1", NOW, "SHA-1"},
		{"ca_small", "user_ed25519", "-n web " VALID, "192.0.2.1", NOW, "2048"},
		{"ca_ed25519", "user_small", "-n web " VALID, "192.0.2.1", NOW, "2048"},
		{"ca_evil", "user_ed25519", "-n web " VALID, "192.0.2.1", NOW, "not trusted"},
		{"ca_ed25519", "user_ed25519", "-h -n web " VALID, "192.0.2.1", NOW,
			"not a user's"},
		{"ca_ed25519", "user_ed25519", "-n web -V always:forever", "192.0.2.1", NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -V always:20230101000000Z", NULL, NOW,
			"expired"},
		{"ca_ed25519", "user_ed25519", "-n web -V 20231201000000Z:forever", NULL, NOW,
			"not yet"},
		{"ca_ed25519", "user_ed25519", "-n web " VALID, NULL, 1672531200, NULL},
		{"ca_ed25519", "user_ed25519", "-n web " VALID, NULL, 1672531199, "not yet"},
		{"ca_ed25519", "user_ed25519", "-n web " VALID, NULL, 1704067199, NULL},
		{"ca_ed25519", "user_ed25519", "-n web " VALID, NULL, 1704067200, "expired"},
		{"ca_ed25519", "user_ed25519", VALID, "192.0.2.1", NOW, "no principal"},
		{"ca_ed25519", "user_ed25519", "-n a,b,c " VALID, "192.0.2.1", NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " VALID,
			"192.0.2.1", NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " VALID,
			"::ffff:192.0.2.1", NOW, NULL},
		{"ca_ed25519", "user_ed25519",
			"-n web -O source-address=10.0.0.0/8,192.0.2.1 " VALID, "192.0.2.1", NOW,
			NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " VALID,
			"192.0.3.1", NOW, "source address"},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=2001:db8::/32 " VALID,
			"192.0.2.1", NOW, "source address"},
		{"ca_ed25519", "user_ed25519", "-n web -O source-address=192.0.2.0/24 " VALID, NULL,
			NOW, "source address"},
		{"ca_ed25519", "user_ed25519", "-n web -O force-command=log " VALID, NULL, NOW,
			NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O verify-required " VALID, NULL, NOW,
			"critical option"},
		{"ca_ed25519", "user_ed25519", "-n web -O critical:what@example.com=x " VALID, NULL,
			NOW, "critical option"},
		{"ca_ed25519", "user_ed25519", "-n web -O extension:what@example.com=x " VALID,
			NULL, NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O clear " VALID, NULL, NOW, NULL},
		{"ca_ed25519", "user_ed25519", "-n web -O no-pty " VALID, NULL, NOW, NULL},
	};
	struct world w;

	(void)state;
	world_open(&w, NULL, "./cas", NULL);
	assert_int_equal(w.report.count, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[LOGIN_WHY_MAX];
		struct identity *id;
		int rc;

		sign(rows[i].ca, rows[i].user, rows[i].args);
		rc = try_file(&w, "user-cert.pub", rows[i].address, rows[i].now, &id, why);
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
	sign("ca_rsa", "user_ecdsa", "-n web,db -z 77 -O force-command='log --lines 3' " VALID);
	assert_int_equal(try_file(&w, "user-cert.pub", "192.0.2.1", NOW, &id, why), 0);
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
	assert_int_equal(try_file(&w, "user-cert.pub", "192.0.2.1", NOW, &id, why), -EACCES);
	assert_non_null(strstr(why, "not enforced"));
	sign("ca_rsa", "user_ecdsa", "-n web -O no-pty " VALID);
	assert_int_equal(try_file(&w, "user-cert.pub", "192.0.2.1", NOW, &id, why), 0);
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
	assert_int_equal(try_file(&w, "user_ed25519.pub", NULL, NOW, &id, why), 0);
	identity_destroy(id);
	sign("ca_evil", "user_ed25519", "-n web " VALID);
	assert_int_equal(try_file(&w, "user-cert.pub", NULL, NOW, &id, why), -EACCES);
	assert_non_null(strstr(why, "not trusted"));
	sign("ca_ed25519", "user_ed25519", "-n web -V always:20230101Z");
	assert_int_equal(try_file(&w, "user-cert.pub", NULL, NOW, &id, why), -EACCES);
	assert_non_null(strstr(why, "expired"));
	world_close(&w);
	world_open(&w, NULL, "./cas", NULL);
	assert_int_equal(try_file(&w, "user_ed25519.pub", NULL, NOW, &id, why), -EACCES);
	assert_int_equal(try_file(&w, "ca_ed25519.pub", NULL, NOW, &id, why), -EACCES);
	world_close(&w);
}

static void every_bit_of_a_certificate_counts(void **state)
{
	struct login_proof proof = {.now = NOW};
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	struct world w;
	uint8_t *blob;
	size_t len;

	(void)state;
	world_open(&w, NULL, "./cas", NULL);
	for (size_t k = 0; k < 3; k++) {
		static const char *const cas[] = {"ca_ed25519", "ca_ecdsa", "ca_rsa"};

		sign(cas[k], "user_ed25519", "-n web -O source-address=192.0.2.0/24 " VALID);
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
		snprintf(text, sizeof(text), "%s " VALID, rows[i].args);
		sign("ca_ed25519", "user_ed25519", text);
		world_open(&w, "./authority", NULL, NULL);
		assert_int_equal(w.report.count, 0);
		rc = try_file(&w, "user-cert.pub", rows[i].address, NOW, &id, why);
		tools_expect(i, rc, why, rows[i].why);
		if (rc == 0)
			assert_int_equal(
				id->pty_allowed, strstr(rows[i].options, "restrict") == NULL);
		identity_destroy(id);
		world_close(&w);
	}
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

static void revocation_lists_revoke_as_the_table_says(void **state)
{
	static const struct {
		const char *list;    /* makes the file krl; c1..c4: serials 1, 2, 70, 5000 */
		const char *refused; /* which of them */
		bool plain;          /* whether the plain key is refused too */
	} rows[] = {
		{"ssh-keygen -q -k -f krl </dev/null", "", false},
		{"echo 'serial: 1' | ssh-keygen -q -k -f krl -s ca_ed25519.pub -", "1", false},
		{"echo 'serial: 2-100' | ssh-keygen -q -k -f krl -s ca_ed25519.pub -", "23", false},
		{"(seq -f 'serial: %.0f' 1 2 99; echo 'serial: 70') | "
		 "ssh-keygen -q -k -f krl -s ca_ed25519.pub -",
			"13", false},
		{"(seq -f 'serial: %.0f' 60 3 130; seq -f 'serial: %.0f' 4999 2 5100; echo "
		 "'serial: 5000')"
		 " | ssh-keygen -q -k -f krl -s ca_ed25519.pub -",
			"4", false},
		{"echo 'serial: 1-9000' | ssh-keygen -q -k -f krl -s ca_rsa.pub -", "", false},
		{"echo 'id: id 2' | ssh-keygen -q -k -f krl -s ca_ed25519.pub -", "2", false},
		{"(echo 'id: id 1'; echo 'id: id 4'; echo 'id: id'; echo 'serial: 2') | "
		 "ssh-keygen -q -k -f krl -s ca_ed25519.pub -",
			"124", false},
		{"ssh-keygen -q -k -f krl c3.pub", "3", false},
		{"ssh-keygen -q -k -f krl user_ed25519.pub", "1234", true},
		{"ssh-keygen -q -k -f krl ca_ed25519.pub", "1234", false},
		{"ssh-keygen -q -k -f krl user_rsa.pub ca_rsa.pub", "", false},
		{"sed 's/^/sha1: /' user_ed25519.pub | ssh-keygen -q -k -f krl -", "1234", true},
		{"sed 's/^/sha256: /' user_ed25519.pub | ssh-keygen -q -k -f krl -", "1234", true},
		{"echo \"hash: $(ssh-keygen -l -f user_ed25519.pub | cut -d' ' -f2)\" | "
		 "ssh-keygen -q -k -f krl -",
			"1234", true},
		{"cp user_ed25519.pub krl", "1234", true},
		{"(echo '# comment'; cat user_rsa.pub user_small.pub ca_ed25519.pub) >krl", "1234",
			false},
		{"cp user_rsa.pub krl", "", false},
	};

	(void)state;
	tools_run("n=0; for s in 1 2 70 5000; do n=$((n+1)); cp user_ed25519.pub t.pub; "
		  "ssh-keygen -q -s ca_ed25519 -I \"id $n\" -n web -z $s t.pub; "
		  "mv t-cert.pub c$n.pub; done; cp user_ed25519.pub plain_one");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct world w;
		struct identity *id;
		char why[LOGIN_WHY_MAX];

		tools_run("rm -f krl; %s", rows[i].list);
		world_open(&w, "./plain_one", "./cas", "./krl");
		for (int n = '1'; n <= '4'; n++) {
			char name[] = {'c', (char)n, '.', 'p', 'u', 'b', 0};
			bool refused = strchr(rows[i].refused, n) != NULL;
			int rc = try_file(&w, name, NULL, NOW, &id, why);

			if (rc != (refused ? -EACCES : 0) ||
				(refused && strstr(why, "revoked") == NULL))
				fail_msg("row %zu certificate %c: %d %s", i, n, rc, why);
			identity_destroy(id);
		}
		assert_int_equal(try_file(&w, "user_ed25519.pub", NULL, NOW, &id, why),
			rows[i].plain ? -EACCES : 0);
		identity_destroy(id);
		world_close(&w);
	}
}

/* What cannot be understood may revoke something: it must not count as an empty list. */
static void a_broken_revocation_list_is_no_empty_one(void **state)
{
	static const char *const spoil[] = {
		"echo nonsense >>krl",
		"printf 'SSHKRL\\n' >krl",
		"rm krl",
		"chmod 0666 krl",
		"(printf 'restrict,nonsense '; cat user_rsa.pub) >krl",
		"cp c1.pub krl",
		"truncate -s -1 krl",
		"printf '\\377\\0\\0\\0\\12\\0\\0\\0\\1x\\1\\0\\0\\0\\0' >>krl",
		"printf '\\6\\0\\0\\0\\0' >>krl",
	};
	const char *const files[] = {"./krl"};
	struct tools_report report = {0};
	struct revoked *r;

	(void)state;
	for (size_t i = 0; i < COUNT(spoil); i++) {
		tools_run("rm -f krl; (echo 'serial: 1'; echo 'id: x') | "
			  "ssh-keygen -q -k -f krl -s ca_ed25519.pub -; %s",
			spoil[i]);
		if (revoked_create(files, 1, tools_report, &report, &r) != -EINVAL)
			fail_msg("%s", spoil[i]);
		assert_int_equal(report.count, i + 1);
	}
	tools_run("rm -f krl; echo 'serial: 1' | ssh-keygen -q -k -f krl -s ca_ed25519.pub -; "
		  "printf '\\377\\0\\0\\0\\12\\0\\0\\0\\1x\\0\\0\\0\\0\\0' >>krl");
	assert_int_equal(revoked_create(files, 1, tools_report, &report, &r), 0);
	revoked_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_judged_as_the_table_says),
		cmocka_unit_test(what_a_certificate_says_is_in_the_identity),
		cmocka_unit_test(a_certificate_is_never_taken_for_its_plain_key),
		cmocka_unit_test(every_bit_of_a_certificate_counts),
		cmocka_unit_test(cert_authority_lines_bind_their_certificates),
		cmocka_unit_test(a_ca_list_takes_no_options),
		cmocka_unit_test(a_signature_by_a_security_key_verifies),
		cmocka_unit_test(revocation_lists_revoke_as_the_table_says),
		cmocka_unit_test(a_broken_revocation_list_is_no_empty_one),
	};

	return cmocka_run_group_tests(tests, setup, tools_leave);
}
