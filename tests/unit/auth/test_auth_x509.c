/* VDSM's certificates as SSH keys: a PKI made with openssl as VDSM's engine makes its own. */
#include "auth/deposit.h"
#include "auth/login.h"
#include "auth/x509_key.h"
#include "auth/x509_store.h"
#include "auth_tools.h"

#include <errno.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DAY 86400L

/* Every certificate is good for a year from now; the tests move their clock instead. */
static const char setup_script[] =
	"cat >ca.cnf <<'E'\n"
	"[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ncrlnumber=crlnumber\n"
	"[req]\ndistinguished_name=dn\nutf8=yes\nstring_mask=utf8only\n[dn]\n"
	"[root]\nbasicConstraints=critical,CA:true\nkeyUsage=critical,cRLSign,keyCertSign\n"
	"subjectKeyIdentifier=hash\n"
	"[flagless]\nsubjectKeyIdentifier=hash\n"
	"[vdsm]\nbasicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature,keyEncipherment\n"
	"extendedKeyUsage=critical,serverAuth,clientAuth\nsubjectAltName=DNS:host.example\n"
	"[cipher]\nkeyUsage=critical,keyEncipherment\n"
	"[server]\nextendedKeyUsage=critical,serverAuth\n"
	"[bare]\nbasicConstraints=CA:FALSE\n"
	"E\n"
	"touch index; echo 01 >crlnumber\n"
	"root() { openssl req -config ca.cnf -x509 -newkey rsa:2048 -nodes -keyout $1.key -out "
	"$1.pem "
	" -days 730 -extensions ${3:-root} -subj \"$2\" 2>/dev/null; }\n"
	/* issue NAME SUBJECT CA EXTENSIONS DIGEST KEYARGS... */
	"issue() { n=$1; s=$2; c=$3; x=$4; d=$5; shift 5; "
	"openssl req -config ca.cnf -newkey \"$@\" -nodes -keyout $n.key -out $n.csr -subj \"$s\" "
	"2>/dev/null && openssl x509 -req -in $n.csr -CA $c.pem -CAkey $c.key -CAcreateserial "
	"-days 365 "
	"-extfile ca.cnf -extensions $x -$d -out $n.pem 2>/dev/null && chmod 600 $n.key && "
	"ssh-keygen -y -f $n.key >$n.pub; }\n"
	"root ca '/C=US/O=example/CN=CA-engine.12345'\n"
	"root fake '/C=US/O=example/CN=CA-engine.12345'\n"
	"root other '/O=other/CN=Other CA'\n"
	"issue rsa '/O=example/CN=host1' ca vdsm sha256 rsa:2048\n"
	"issue ec '/O=example/CN=host2' ca vdsm sha256 ec -pkeyopt ec_paramgen_curve:prime256v1\n"
	"issue ec384 '/O=example/CN=host3' ca bare sha256 ec -pkeyopt ec_paramgen_curve:secp384r1\n"
	"issue ec521 '/O=example/CN=host4' ca vdsm sha256 ec -pkeyopt ec_paramgen_curve:secp521r1\n"
	"issue small '/O=example/CN=small' ca vdsm sha256 rsa:1024\n"
	"issue sha1 '/O=example/CN=sha1' ca vdsm sha1 rsa:2048\n"
	"issue cipher '/O=example/CN=cipher' ca cipher sha256 rsa:2048\n"
	"issue server '/O=example/CN=server' ca server sha256 rsa:2048\n"
	"issue foreign '/O=example/CN=foreign' other vdsm sha256 rsa:2048\n"
	"issue forged '/O=example/CN=forged' fake vdsm sha256 rsa:2048\n"
	"issue gone '/O=example/CN=gone' ca vdsm sha256 rsa:2048\n"
	"issue mid '/O=example/CN=mid' ca root sha256 rsa:2048\n"
	"issue below '/O=example/CN=below' mid vdsm sha256 rsa:2048\n"
	"issue flagless '/O=example/CN=flagless' ca flagless sha256 rsa:2048\n"
	"issue bastard '/O=example/CN=bastard' flagless vdsm sha256 rsa:2048\n"
	"issue weird '/O=Red Hat, Inc.+OU=a=b/CN= x\\\\y#;é' ca bare sha256 rsa:2048\n"
	"openssl req -config ca.cnf -x509 -newkey rsa:2048 -nodes -keyout self.key -out self.pem "
	" -extensions vdsm -days 365 -subj '/O=example/CN=host1' 2>/dev/null\n"
	"chmod 600 *.key; ssh-keygen -y -f self.key >self.pub; ssh-keygen -y -f ca.key >ca.pub\n"
	"openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -crldays 30 -out empty.crl "
	"2>/dev/null\n"
	"openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke gone.pem 2>/dev/null\n"
	"openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -crldays 30 -out ca.crl "
	"2>/dev/null\n"
	"mkdir certs; cp rsa.pem ec.pem ec384.pem ec521.pem small.pem sha1.pem cipher.pem "
	"server.pem "
	" foreign.pem forged.pem gone.pem flagless.pem bastard.pem weird.pem self.pem ca.pem "
	"certs/\n"
	"cat below.pem mid.pem >certs/chain.crt; cp rsa.key certs/key.pem; cp rsa.pem "
	"certs/ignored\n";

static int setup(void **state)
{
	if (tools_enter(state) != 0)
		return -1;
	tools_write("setup.sh", setup_script);
	tools_run("sh -e setup.sh");
	return 0;
}

static struct x509_store *open_store(
	const char *certs, const char *crl, struct tools_report *report)
{
	const char *ca = "./ca.pem";
	struct x509_paths paths = {.certificates = &certs,
		.certificate_count = 1,
		.cas = &ca,
		.ca_count = 1,
		.crls = &crl,
		.crl_count = crl != NULL};
	struct x509_store *s;

	*report = (struct tools_report){0};
	assert_int_equal(x509_store_create(&paths, tools_report, report, &s), 0);
	return s;
}

static int try_key(const struct x509_store *s, const char *pub, int64_t now, struct identity **id,
	char why[LOGIN_WHY_MAX])
{
	struct login_sources sources = {.x509 = s};
	struct login_proof proof = {.now = now, .address = "192.0.2.1"};
	size_t len;
	uint8_t *blob = tools_blob_of_file(pub, &len);
	int rc;

	why[0] = 0;
	proof.blob = span_of(blob, len);
	rc = login_by_key(&sources, &proof, id, why);
	free(blob);
	return rc;
}

static void keys_are_judged_by_their_certificates(void **state)
{
	static const struct {
		const char *pub;
		int64_t days; /* from now */
		const char *crl, *why;
	} rows[] = {
		{"rsa.pub", 1, NULL, NULL},
		{"ec.pub", 1, NULL, NULL},
		{"ec384.pub", 1, NULL, NULL},
		{"ec521.pub", 1, NULL, NULL},
		{"below.pub", 1, NULL, NULL},
		{"weird.pub", 1, NULL, NULL},
		{"gone.pub", 1, NULL, NULL},
		{"rsa.pub", -1, NULL, "not yet valid"},
		{"rsa.pub", 366, NULL, "expired"},
		{"rsa.pub", 800, NULL, "expired"},
		{"small.pub", 1, NULL, "2048"},
		{"sha1.pub", 1, NULL, "weak"},
		{"cipher.pub", 1, NULL, "key usage"},
		{"server.pub", 1, NULL, "extended key usage"},
		{"foreign.pub", 1, NULL, "issuer"},
		{"forged.pub", 1, NULL, "issuer"},
		{"self.pub", 1, NULL, "self-signed"},
		{"bastard.pub", 1, NULL, "issuer"},
		{"ca.pub", 1, NULL, "not known"},
		{"mid.pub", 1, NULL, "not known"},
		{"other.pub", 1, NULL, "not known"},
		{"rsa.pub", 1, "./ca.crl", NULL},
		{"gone.pub", 1, "./empty.crl", NULL},
		{"gone.pub", 1, "./ca.crl", "revoked"},
		{"rsa.pub", 31, "./ca.crl", "CRL has expired"},
		{"below.pub", 1, "./ca.crl", "CRL"},
	};

	(void)state;
	tools_run("ssh-keygen -y -f other.key >other.pub");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tools_report report;
		struct x509_store *s = open_store("./certs", rows[i].crl, &report);
		char why[LOGIN_WHY_MAX];
		struct identity *id = NULL;

		assert_int_equal(x509_store_count(s), 15);
		tools_expect(i, try_key(s, rows[i].pub, time(NULL) + rows[i].days * DAY, &id, why),
			why, rows[i].why);
		identity_destroy(id);
		x509_store_destroy(s);
	}
}

static void a_ca_without_the_flag_signs_nothing(void **state)
{
	const char *certs = "./certs";
	const char *cas[] = {"./ca.pem", "./flagless.pem"};
	struct x509_paths paths = {
		.certificates = &certs, .certificate_count = 1, .cas = cas, .ca_count = 2};
	struct tools_report report = {0};
	char why[LOGIN_WHY_MAX];
	struct x509_store *s;
	struct identity *id;

	(void)state;
	assert_int_equal(x509_store_create(&paths, tools_report, &report, &s), 0);
	tools_expect(0, try_key(s, "bastard.pub", time(NULL) + DAY, &id, why), why, "invalid CA");
	x509_store_destroy(s);
}

static void a_revoked_ca_takes_its_certificates_along(void **state)
{
	static const struct {
		const char *crl, *why;
	} rows[] = {{"./both.crl", NULL}, {"./midgone.crl", "revoked (a CA's"}};

	(void)state;
	tools_run("openssl ca -config ca.cnf -cert mid.pem -keyfile mid.key -gencrl -crldays 30 "
		  "-out mid.crl 2>/dev/null; cat empty.crl mid.crl >both.crl; cp index index.kept; "
		  "openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke mid.pem "
		  "2>/dev/null; "
		  "openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -crldays 30 "
		  "-out gone.crl 2>/dev/null; cat gone.crl mid.crl >midgone.crl; mv index.kept "
		  "index");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tools_report report;
		struct x509_store *s = open_store("./certs", rows[i].crl, &report);
		char why[LOGIN_WHY_MAX];
		struct identity *id = NULL;

		tools_expect(
			i, try_key(s, "below.pub", time(NULL) + DAY, &id, why), why, rows[i].why);
		identity_destroy(id);
		x509_store_destroy(s);
	}
}

static void a_certificate_ends_at_its_second(void **state)
{
	struct tools_report report;
	struct x509_store *s = open_store("./rsa.pem", NULL, &report);
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	struct tm tm;
	char *text;
	size_t len;
	time_t end;

	(void)state;
	tools_run("openssl x509 -in rsa.pem -noout -enddate -dateopt iso_8601 >end");
	text = tools_read("end", &len);
	memset(&tm, 0, sizeof(tm));
	assert_non_null(strptime(text, "notAfter=%Y-%m-%d %H:%M:%SZ", &tm));
	end = timegm(&tm);
	free(text);
	assert_int_equal(try_key(s, "rsa.pub", end - 1, &id, why), 0);
	identity_destroy(id);
	assert_int_equal(try_key(s, "rsa.pub", end + 1, &id, why), -EACCES);
	x509_store_destroy(s);
}

static void what_is_left_out_is_told(void **state)
{
	struct tools_report report;
	struct x509_store *s = open_store("./certs", NULL, &report);

	(void)state;
	/* The RSA-1024 one, and the key file without a certificate. */
	assert_int_equal(report.count, 2);
	x509_store_destroy(s);
	s = open_store("./nowhere", NULL, &report);
	assert_int_equal(report.count, 1);
	assert_int_equal(x509_store_count(s), 0);
	x509_store_destroy(s);
	tools_run("(cat rsa.pem; head -c 700 ec.pem) >torn.pem");
	s = open_store("./t*rn.pem", NULL, &report);
	assert_int_equal(report.count, 1);
	assert_int_equal(x509_store_count(s), 1);
	x509_store_destroy(s);
}

/* Without its CA or its CRL the store would either refuse all or let in the revoked. */
static void a_broken_ca_or_crl_fails_the_load(void **state)
{
	static const struct {
		const char *ca, *crl;
	} rows[] = {
		{"./nowhere", NULL},
		{"./rsa.key", NULL},
		{"./ca.pem", "./nowhere"},
		{"./ca.pem", "./ca.pem"},
		{"./ca.pem", "./torn.crl"},
		{"./ca.pem", "./missing/*.crl"},
		{"./ca.pem", "./empty.d/*"},
		{"./missing*.pem", NULL},
		{"./open.pem", NULL},
		{"./open.d/ca.pem", NULL},
	};
	const char *certs = "./certs";

	(void)state;
	tools_run("head -c 300 ca.crl >torn.crl; cp ca.pem open.pem; chmod 666 open.pem; "
		  "mkdir empty.d open.d; cp ca.pem open.d; chmod 0777 open.d");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct x509_paths paths = {.certificates = &certs,
			.certificate_count = 1,
			.cas = &rows[i].ca,
			.ca_count = 1,
			.crls = &rows[i].crl,
			.crl_count = rows[i].crl != NULL};
		struct tools_report report = {0};
		struct x509_store *s;

		assert_int_equal(x509_store_create(&paths, tools_report, &report, &s), -EINVAL);
		assert_int_equal(report.count, 1);
	}
}

static void the_subject_is_the_identity(void **state)
{
	static const struct {
		const char *pub, *text;
		const char *parts[5];
	} rows[] = {
		{"rsa.pub", "cert:CN=host1,O=example",
			{"CN=host1,O=example", "O=example", "CN=host1"}},
		{"weird.pub", "cert:CN=\\20x\\5Cy#\\3B\xc3\xa9,O=Red Hat\\2C Inc.+OU=a\\3Db",
			{"CN=\\20x\\5Cy#\\3B\xc3\xa9,O=Red Hat\\2C Inc.+OU=a\\3Db", "OU=a\\3Db",
				"O=Red Hat\\2C Inc.", "CN=\\20x\\5Cy#\\3B\xc3\xa9"}},
	};
	struct tools_report report;
	struct x509_store *s = open_store("./certs", NULL, &report);

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[LOGIN_WHY_MAX];
		struct identity *id;

		assert_int_equal(try_key(s, rows[i].pub, time(NULL) + DAY, &id, why), 0);
		assert_string_equal(id->text, rows[i].text);
		for (size_t k = 0; rows[i].parts[k] != NULL; k++) {
			assert_int_equal(id->facts[k].kind, FACT_CERT);
			assert_string_equal(id->facts[k].value, rows[i].parts[k]);
		}
		assert_memory_equal(id->fingerprint, "SHA256:", 7);
		identity_destroy(id);
	}
	x509_store_destroy(s);
}

static void a_set_of_attributes_is_joined_by_plus_and_nul_is_seen(void **state)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	struct identity *id;

	(void)state;
	assert_int_equal(x509_subject_identity(cert, &id), -EINVAL);
	X509_NAME_add_entry_by_txt(name, "O", V_ASN1_UTF8STRING, (const uint8_t *)"acme", 4, -1, 0);
	X509_NAME_add_entry_by_txt(
		name, "CN", V_ASN1_UTF8STRING, (const uint8_t *)"a\0b", 3, -1, 0);
	X509_NAME_add_entry_by_txt(
		name, "UID", V_ASN1_UTF8STRING, (const uint8_t *)"7 ", 2, -1, -1);
	X509_NAME_add_entry_by_txt(
		name, "1.2.3.4", V_ASN1_UTF8STRING, (const uint8_t *)"#x", 2, -1, 0);
	assert_int_equal(x509_subject_identity(cert, &id), 0);
	assert_string_equal(id->text, "cert:1.2.3.4=\\23x,UID=7\\20+CN=a\\00b,O=acme");
	identity_destroy(id);
	X509_free(cert);
}

static void a_renewed_certificate_follows_the_old_one(void **state)
{
	struct tools_report report;
	struct x509_store *s;
	char why[LOGIN_WHY_MAX];
	struct identity *id;

	(void)state;
	tools_run(
		"openssl x509 -req -in rsa.csr -CA ca.pem -CAkey ca.key -days 700 -extfile ca.cnf "
		"-extensions vdsm -out renewed.pem 2>/dev/null; cat rsa.pem renewed.pem >both.pem");
	s = open_store("./both.pem", NULL, &report);
	assert_int_equal(try_key(s, "rsa.pub", time(NULL) + 400 * DAY, &id, why), 0);
	identity_destroy(id);
	x509_store_destroy(s);
}

static void a_certificate_shown_by_tls_is_judged_alike(void **state)
{
	static const struct {
		const char *pem, *why;
	} rows[] = {{"rsa", NULL}, {"small", "2048"}, {"foreign", "issuer"}, {"ca", "CA's"},
		{"gone", "revoked"}};
	struct tools_report report;
	struct x509_store *s;

	(void)state;
	tools_run("mkdir -p empty.d");
	s = open_store("./empty.d", "./ca.crl", &report);
	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[X509_STORE_WHY_MAX] = "";
		struct identity *id = NULL;
		char *der;
		size_t len;
		int rc;

		tools_run("openssl x509 -in %s.pem -outform DER -out der", rows[i].pem);
		der = tools_read("der", &len);
		rc = x509_store_check_der(s, span_of(der, len), time(NULL) + DAY, &id, why);
		tools_expect(i, rc, why, rows[i].why);
		identity_destroy(rc == 0 ? id : NULL);
		rc = x509_store_check_der(s, span_of(der, len - 1), time(NULL) + DAY, &id, why);
		assert_int_equal(rc, -EACCES);
		free(der);
	}
	x509_store_destroy(s);
}

/* The key is another one than the certificate's; its certificate says who it is, and for how long.
 */
static void a_deposited_key_stands_and_falls_with_its_certificate(void **state)
{
	static const struct {
		const char *pem, *why;
	} rows[] = {{"rsa", NULL}, {"gone", "revoked"}};
	int64_t now = time(NULL) + DAY;
	struct tools_report report;
	struct deposits *deposits;
	struct x509_store *s;

	(void)state;
	tools_run("mkdir -p empty.d");
	s = open_store("./empty.d", "./ca.crl", &report);
	assert_int_equal(deposits_create(&deposits), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct login_sources sources = {.x509 = s, .deposits = deposits};
		const struct login_sources bare = {.deposits = deposits};
		uint8_t mem[PUBKEY_BLOB_MAX];
		struct login_proof proof = {.now = now};
		char why[LOGIN_WHY_MAX] = "";
		struct identity *id = NULL;
		char *der, *pub;
		size_t len;

		pub = tools_read("ec.pub", &len);
		assert_int_equal(pubkey_line_blob(pub, mem, &proof.blob), 0);
		free(pub);
		tools_run("openssl x509 -in %s.pem -outform DER -out der", rows[i].pem);
		der = tools_read("der", &len);
		assert_int_equal(
			deposits_add(deposits, proof.blob, span_of(der, len), now + 600, now), 0);
		free(der);
		tools_expect(i, login_by_key(&sources, &proof, &id, why), why, rows[i].why);
		if (!rows[i].why) {
			assert_string_equal(id->text, "cert:CN=host1,O=example");
			assert_int_equal(id->until, now + 600);
			identity_destroy(id);
		}
		assert_int_equal(login_by_key(&bare, &proof, &id, why), -EACCES);
		proof.now = now + 600;
		assert_int_equal(login_by_key(&sources, &proof, &id, why), -EACCES);
	}
	deposits_destroy(deposits);
	x509_store_destroy(s);
}

/* Anybody may deposit a public key: that must not make its holder somebody else. */
static void a_key_that_is_known_by_itself_stays_who_it_is(void **state)
{
	static const char format[] =
		"{\"version\":1,\"content\":\"key_list\",\"keys\":[{"
		"\"entityid\":\"12\",\"entity\":\"admin@internal\",\"key\":\"%s\"}]}";
	struct login_proof proof = {.now = time(NULL) + DAY};
	struct login_sources sources = {0};
	struct tools_report report;
	uint8_t mem[PUBKEY_BLOB_MAX];
	char why[LOGIN_WHY_MAX] = "", text[2048];
	struct identity *id = NULL;
	struct deposits *deposits;
	struct x509_store *s;
	struct ovirt_keys *k;
	const char *reason;
	char *der, *pub;
	size_t len;

	tools_run("mkdir -p empty.d");
	sources.x509 = s = open_store("./empty.d", "./ca.crl", &report);
	assert_int_equal(deposits_create(&deposits), 0);
	sources.deposits = deposits;
	pub = tools_read("ec.pub", &len);
	pub[strcspn(pub, "\n")] = '\0';
	assert_int_equal(pubkey_line_blob(pub, mem, &proof.blob), 0);
	snprintf(text, sizeof(text), format, pub);
	free(pub);
	tools_run("openssl x509 -in rsa.pem -outform DER -out der");
	der = tools_read("der", &len);
	assert_int_equal(
		deposits_add(deposits, proof.blob, span_of(der, len), proof.now + 600, proof.now),
		0);
	free(der);
	assert_int_equal(ovirt_keys_create(span_of(text, strlen(text)), "helper", tools_report,
				 &report, &k, &reason),
		0);
	sources.ovirt = k;
	assert_int_equal(login_by_key(&sources, &proof, &id, why), 0);
	assert_string_equal(id->text, "entity:admin@internal");
	identity_destroy(id);
	ovirt_keys_destroy(k);
	deposits_destroy(deposits);
	x509_store_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_judged_by_their_certificates),
		cmocka_unit_test(a_ca_without_the_flag_signs_nothing),
		cmocka_unit_test(a_revoked_ca_takes_its_certificates_along),
		cmocka_unit_test(a_certificate_ends_at_its_second),
		cmocka_unit_test(what_is_left_out_is_told),
		cmocka_unit_test(a_deposited_key_stands_and_falls_with_its_certificate),
		cmocka_unit_test(a_key_that_is_known_by_itself_stays_who_it_is),
		cmocka_unit_test(a_broken_ca_or_crl_fails_the_load),
		cmocka_unit_test(the_subject_is_the_identity),
		cmocka_unit_test(a_set_of_attributes_is_joined_by_plus_and_nul_is_seen),
		cmocka_unit_test(a_renewed_certificate_follows_the_old_one),
		cmocka_unit_test(a_certificate_shown_by_tls_is_judged_alike),
	};

	return cmocka_run_group_tests(tests, setup, tools_leave);
}
