/* authorized_keys: lines, files, the store, and logging in with what is in it. */
#include "auth/ssh/base64.h"
#include "auth/ssh/key_store.h"
#include "auth/login.h"
#include "auth_tools.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define KEY "AAAAC3NzaC1lZDI1NTE5AAAAIB7rOKLfkb2Z9LJ8n0j0MOzjBY1fwhkeI8ZvUvsmF9Bq"
#define KEY_LINE "ssh-ed25519 " KEY

static int parse_line(const char *line, struct authorized_key **k, char why[KEY_OPTIONS_WHY_MAX])
{
	why[0] = 0;
	return authorized_keys_parse_line(line, strlen(line), k, why);
}

static void lines_read_as_the_table_says(void **state)
{
	static const struct {
		const char *line;
		int rc;
		const char *word; /* the comment, or a word of the reason */
		bool pty;
	} rows[] = {
		{"", LINE_EMPTY, "", false},
		{"   \t", LINE_EMPTY, "", false},
		{"# " KEY_LINE, LINE_EMPTY, "", false},
		{"\t # x", LINE_EMPTY, "", false},
		{KEY_LINE, LINE_KEY, "", true},
		{KEY_LINE "\r", LINE_KEY, "", true},
		{"  " KEY_LINE "  alice at home  ", LINE_KEY, "alice at home", true},
		{"ssh-ed25519\t" KEY "\talice", LINE_KEY, "alice", true},
		{"restrict " KEY_LINE " a", LINE_KEY, "a", false},
		{"no-pty " KEY_LINE, LINE_KEY, "", false},
		{"restrict,pty " KEY_LINE, LINE_KEY, "", true},
		{"RESTRICT,Pty " KEY_LINE, LINE_KEY, "", true},
		{"pty,restrict " KEY_LINE, LINE_KEY, "", false},
		{"restrict, " KEY_LINE, -ENOTSUP, "\"\"", false},
		{",restrict " KEY_LINE, -ENOTSUP, "\"\"", false},
		{"restrict,no-such " KEY_LINE, -ENOTSUP, "no-such", false},
		{"restrict pty " KEY_LINE, -EINVAL, "no key type", false},
		{"tunnel=\"0\" " KEY_LINE, -ENOTSUP, "tunnel", false},
		{"permitopen=\"a b\" " KEY_LINE, -ENOTSUP, "permitopen", false},
		{"environment=\"A=\\\"x y\\\"\" " KEY_LINE, -ENOTSUP, "environment", false},
		{"restrict=\"yes\" " KEY_LINE, -EINVAL, "no value", false},
		{"from=\"10.0.0.0/8,!10.1.0.0/16\",pty " KEY_LINE " b", LINE_KEY, "b", true},
		{"FROM=\"*\" " KEY_LINE, LINE_KEY, "", true},
		{"from=\"10.0.0.1/8\" " KEY_LINE, -EINVAL, "list of addresses", false},
		{"from=\"\" " KEY_LINE, -EINVAL, "empty", false},
		{"from=10.0.0.0 " KEY_LINE, -EINVAL, "quotes", false},
		{"from " KEY_LINE, -EINVAL, "needs a value", false},
		{"from=\"*\",from=\"*\" " KEY_LINE, -EINVAL, "twice", false},
		{"from=\"*\"x " KEY_LINE, -EINVAL, "followed", false},
		{"from=\"*\"pty " KEY_LINE, -EINVAL, "followed", false},
		{"from=\"*\\\" " KEY_LINE, -EINVAL, "no key type", false},
		{"expiry-time=\"20300101\" " KEY_LINE, LINE_KEY, "", true},
		{"expiry-time=\"203001011234Z\",restrict " KEY_LINE, LINE_KEY, "", false},
		{"expiry-time=\"2030\" " KEY_LINE, -EINVAL, "not a time", false},
		{"command=\"log --lines 5\" " KEY_LINE " c d", LINE_KEY, "c d", true},
		{"command=\"send \\\"x\\\"\" " KEY_LINE, LINE_KEY, "", true},
		{"access=\"guest owners\" " KEY_LINE, LINE_KEY, "", true},
		{"cert-authority " KEY_LINE, LINE_KEY, "", true},
		{"cert-authority,principals=\"a,b\" " KEY_LINE, LINE_KEY, "", true},
		{"principals=\"a,b\" " KEY_LINE, -EINVAL, "cert-authority", false},
		{"no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc " KEY_LINE,
			LINE_KEY, "", true},
		{"No-Port-Forwarding,NO-x11-FORWARDING,no-pty " KEY_LINE, LINE_KEY, "", false},
		{"no-user-rc=\"x\" " KEY_LINE, -EINVAL, "takes no value", false},
		{"port-forwarding " KEY_LINE, -ENOTSUP, "port-forwarding", false},
		{"ssh-ed25519", -EINVAL, "missing", false},
		{"ssh-ed25519 ", -EINVAL, "missing", false},
		{"ssh-rsa " KEY, -EINVAL, "type", false},
		{"ssh-ed25519 AAAA", -EBADMSG, "malformed", false},
		{"ssh-ed25519 " KEY "=", -EINVAL, "base64", false},
		{"ssh-ed25519 AA!A", -EINVAL, "base64", false},
		{"2048 35 12345678901234567890 old@protocol", -EINVAL, "no key type", false},
		{"ssh-ed448 AAAA", -EINVAL, "no key type", false},
		{"ssh-ed25519-cert-v01@openssh.com AAAA", -EKEYREJECTED, "certificate", false},
		{"ssh-dss AAAAB3NzaC1kc3MAAACB", -EKEYREJECTED, "DSA", false},
		{"\"", -EINVAL, "no key type", false},
		{"command=\"unterminated " KEY_LINE, -EINVAL, "no key type", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[KEY_OPTIONS_WHY_MAX];
		struct authorized_key *k = NULL;
		int rc = parse_line(rows[i].line, &k, why);

		if (rc != rows[i].rc)
			fail_msg("%s: %d %s", rows[i].line, rc, why);
		if (rc == LINE_KEY) {
			assert_string_equal(k->comment, rows[i].word);
			assert_int_equal(k->options.pty, rows[i].pty);
			assert_int_equal(k->key.type, PUBKEY_ED25519);
			authorized_key_destroy(k);
		} else if (rc < 0 && strstr(why, rows[i].word) == NULL) {
			fail_msg("%s: %s", rows[i].line, why);
		}
	}
}

static void times_are_read_in_every_form_of_ssh_keygen(void **state)
{
	static const struct {
		const char *text;
		int64_t when; /* -1: refused */
	} rows[] = {
		{"20240229Z", 1709164800},
		{"20240229", 1709164800 + 3600},
		{"202407011230Z", 1719837000},
		{"202407011230", 1719837000 + 3600},
		{"20240701123059Z", 1719837059},
		{"19700101Z", 0},
		{"20230229Z", -1},
		{"20240631Z", -1},
		{"20241301Z", -1},
		{"20240001Z", -1},
		{"202407012400Z", -1},
		{"202407011260Z", -1},
		{"20240701123060Z", -1},
		{"2024070Z", -1},
		{"2024070112Z", -1},
		{"20240701z", -1},
		{"20240701ZZ", -1},
		{"", -1},
		{"always", -1},
		{"+5m", -1},
	};

	(void)state;
	setenv("TZ", "WST+1", 1); /* one hour west of Greenwich, all year */
	tzset();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t when = -1;
		int rc = key_expiry_parse(rows[i].text, &when);

		if (rc != (rows[i].when < 0 ? -EINVAL : 0) || when != rows[i].when)
			fail_msg("%s: %d %lld", rows[i].text, rc, (long long)when);
	}
}

static void a_nul_byte_and_a_long_line_are_refused(void **state)
{
	char why[KEY_OPTIONS_WHY_MAX];
	struct authorized_key *k = NULL;
	char line[AUTHORIZED_KEYS_LINE_MAX + 2];

	(void)state;
	assert_int_equal(
		authorized_keys_parse_line(KEY_LINE " a\0b", strlen(KEY_LINE) + 4, &k, why),
		-EINVAL);
	memset(line, 'a', sizeof(line));
	assert_int_equal(authorized_keys_parse_line(line, sizeof(line), &k, why), -EINVAL);
	assert_non_null(strstr(why, "long"));
}

static struct key_store *load(
	const char *const *patterns, size_t count, struct tools_report *report)
{
	struct key_store *s;

	*report = (struct tools_report){0};
	assert_int_equal(key_store_create(&s), 0);
	assert_int_equal(key_store_load(s, patterns, count, tools_report, report), 0);
	return s;
}

static const struct authorized_key *find(const struct key_store *s, const char *line)
{
	size_t len;
	uint8_t *blob = tools_blob(line, &len);
	const struct authorized_key *k = key_store_find(s, span_of(blob, len));

	free(blob);
	return k;
}

static void files_and_globs_are_loaded_and_bad_lines_reported(void **state)
{
	const char *const patterns[] = {"./keys.d/*.keys", "./one", "./nowhere", "./none*"};
	struct tools_report report;
	const struct authorized_key *k;
	struct key_store *s;

	(void)state;
	tools_run("mkdir keys.d; ssh-keygen -q -t ed25519 -N '' -C other -f other");
	tools_write("keys.d/a.keys", "# first\nrestrict " KEY_LINE " a\nnonsense here\n");
	tools_run("cp other.pub keys.d/b.keys; cp other.pub keys.d/ignored");
	tools_write("one", KEY_LINE " one");
	s = load(patterns, 4, &report);
	assert_int_equal(key_store_count(s), 3);
	assert_int_equal(report.count, 2); /* the nonsense, and ./nowhere */
	assert_int_equal(report.line, 0);
	assert_string_equal(report.why, "No such file or directory");
	k = find(s, KEY_LINE);
	assert_non_null(k);
	assert_string_equal(k->comment, "a");
	assert_string_equal(k->file, "./keys.d/a.keys");
	assert_int_equal(k->line, 2);
	assert_string_equal(k->next_same->comment, "one");
	assert_null(k->next_same->next_same);
	key_store_destroy(s);
}

static void a_file_that_others_may_write_is_not_believed(void **state)
{
	static const struct {
		const char *spoil, *why;
	} rows[] = {
		{"chmod 0660 f", "others may write to it (mode 0660)"},
		{"chmod 0602 f", "others may write to it (mode 0602)"},
		{"rm f; mkdir f", "regular"},
		{"rm f; mkfifo f", "regular"},
		{"rm f; truncate -s 17M f", "large"},
	};
	const char *const patterns[] = {"./f"};
	struct tools_report report;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct key_store *s;

		tools_run("rm -rf f");
		tools_write("f", KEY_LINE);
		tools_run("chmod 0644 f");
		s = load(patterns, 1, &report);
		assert_int_equal(key_store_count(s), 1);
		key_store_destroy(s);
		tools_run("%s", rows[i].spoil);
		s = load(patterns, 1, &report);
		assert_int_equal(key_store_count(s), 0);
		assert_int_equal(report.count, 1);
		assert_non_null(strstr(report.why, rows[i].why));
		key_store_destroy(s);
	}
	if (geteuid() == 0) {
		struct key_store *s;

		tools_run("rm -rf f");
		tools_write("f", KEY_LINE);
		tools_run("chown 12345 f");
		s = load(patterns, 1, &report);
		assert_int_equal(key_store_count(s), 0);
		assert_non_null(strstr(report.why, "belongs to user 12345"));
		key_store_destroy(s);
	}
	tools_run("rm -rf f");
}

/* Whoever may write to a folder can put another file in the place of one in it, or of a folder. */
static void a_file_in_a_folder_that_others_may_write_is_not_believed(void **state)
{
	static const struct {
		const char *spoil, *why; /* NULL: it is believed */
		bool as_root;
	} rows[] = {
		{"true", NULL, false},
		{"chmod 0775 a/b", "others may write to the folder", false},
		{"chmod 0703 a", "others may write to the folder", false},
		{"chmod 1777 a", NULL, false}, /* sticky: nobody can take what is not his */
		{"chown 12345 a", "belongs to user 12345, who could replace it", true},
		{"mv a/b a/c; ln -s c a/b; chmod 0777 a/c", "others may write to the folder",
			false},
	};
	const char *const plain[] = {"./a/b/f"};
	const char *const pattern[] = {"./a/*/f"};
	struct tools_report report;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int way = 0; way < 2; way++) {
			struct key_store *s;

			if (rows[i].as_root && geteuid() != 0)
				continue;
			tools_run("rm -rf a; mkdir -p -m 0755 a/b");
			tools_write("a/b/f", KEY_LINE);
			tools_run("chmod 0644 a/b/f; %s", rows[i].spoil);
			s = load(way ? plain : pattern, 1, &report);
			if (rows[i].why != NULL &&
				(report.count == 0 || strstr(report.why, rows[i].why) == NULL))
				fail_msg("%s: %s", rows[i].spoil, report.why);
			assert_int_equal(key_store_count(s) != 0, rows[i].why == NULL);
			key_store_destroy(s);
		}
	}
	tools_run("rm -rf a");
}

/* 5,000 keys: loaded in one piece, found in a moment, one that is not there refused as fast. */
static void thousands_of_keys_are_found_at_once(void **state)
{
	enum { KEYS = 5000, ROUNDS = 20000 };
	struct tools_report report = {0};
	struct span_writer w = {.mem = (uint8_t *)malloc(64), .room = 64};
	struct key_store *s;
	struct timespec start;
	struct timespec end;
	double us;

	(void)state;
	assert_non_null(w.mem);
	assert_int_equal(key_store_create(&s), 0);
	for (uint32_t i = 0; i < KEYS; i++) {
		uint8_t point[32] = {(uint8_t)i, (uint8_t)(i >> 8)};
		char text[BASE64_ROOM(64)];
		char line[128];

		w.len = 0;
		span_write_string(&w, "ssh-ed25519", 11);
		span_write_string(&w, point, sizeof(point));
		base64_encode(w.mem, w.len, text);
		snprintf(line, sizeof(line), "ssh-ed25519 %s k%u", text, i);
		assert_int_equal(
			key_store_load_text(s, "f", line, strlen(line), tools_report, &report), 0);
	}
	assert_int_equal(key_store_count(s), KEYS);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (uint32_t i = 0; i < ROUNDS; i++) {
		w.mem[19] = (uint8_t)i;
		w.mem[20] = (uint8_t)(i >> 8);
		assert_int_equal(
			key_store_find(s, span_of(w.mem, w.len)) != NULL, (i & 0xffff) < KEYS);
	}
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	us = (double)(end.tv_sec - start.tv_sec) * 1e6 +
	     (double)(end.tv_nsec - start.tv_nsec) / 1e3;
	assert_true(us / ROUNDS < 500);
	key_store_destroy(s);
	free(w.mem);
}

static void a_key_logs_in_as_itself(void **state)
{
	struct login_sources sources = {0};
	struct login_proof proof = {.address = "192.0.2.7", .now = 1};
	struct tools_report report = {0};
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	char want[128];
	char why[LOGIN_WHY_MAX];
	struct identity *id = NULL;
	struct key_store *s;
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_int_equal(key_store_create(&s), 0);
	assert_int_equal(key_store_load_text(s, "f", "restrict " KEY_LINE " alice",
				 strlen("restrict " KEY_LINE " alice"), tools_report, &report),
		0);
	sources.keys = s;
	blob = tools_blob(KEY_LINE, &len);
	proof.blob = span_of(blob, len);
	assert_int_equal(login_by_key(&sources, &proof, &id, why), 0);
	pubkey_fingerprint(proof.blob, fingerprint);
	snprintf(want, sizeof(want), "key:%s", fingerprint);
	assert_string_equal(id->text, want);
	assert_string_equal(id->comment, "alice");
	assert_string_equal(id->fingerprint, fingerprint);
	assert_false(id->pty_allowed);
	assert_int_equal(identity_kinds(id), FACT_BIT(FACT_KEY) | FACT_BIT(FACT_ADDRESS));
	identity_destroy(id);
	blob[len - 1] ^= 1;
	assert_int_equal(login_by_key(&sources, &proof, &id, why), -EACCES);
	assert_non_null(strstr(why, "not known"));
	sources.keys = NULL;
	assert_int_equal(login_by_key(&sources, &proof, &id, why), -EACCES);
	proof.blob.len--;
	assert_int_equal(login_by_key(&sources, &proof, &id, why), -EACCES);
	free(blob);
	key_store_destroy(s);
}

/* Logs in with KEY against the text of one file. 0 with *id, or the reason in why. */
static int login(const char *text, const char *address, int64_t now, bool enforces_command,
	struct identity **id, char why[LOGIN_WHY_MAX])
{
	struct tools_report report = {0};
	struct login_sources sources = {.enforces_command = enforces_command};
	struct login_proof proof = {.address = address, .now = now};
	struct key_store *s;
	size_t len;
	uint8_t *blob = tools_blob(KEY_LINE, &len);
	int rc;

	proof.blob = span_of(blob, len);
	assert_int_equal(key_store_create(&s), 0);
	assert_int_equal(key_store_load_text(s, "f", text, strlen(text), tools_report, &report), 0);
	assert_int_equal(report.count, 0);
	sources.keys = s;
	rc = login_by_key(&sources, &proof, id, why);
	key_store_destroy(s);
	free(blob);
	return rc;
}

static void options_decide_who_gets_in(void **state)
{
	static const struct {
		const char *text, *address;
		int64_t now;
		const char *why; /* NULL: gets in */
	} rows[] = {
		{"from=\"10.0.0.0/8\" " KEY_LINE, "10.1.2.3", 0, NULL},
		{"from=\"10.0.0.0/8\" " KEY_LINE, "::ffff:10.1.2.3", 0, NULL},
		{"from=\"10.0.0.0/8\" " KEY_LINE, "11.1.2.3", 0, "from="},
		{"from=\"10.0.0.0/8,!10.1.2.3\" " KEY_LINE, "10.1.2.3", 0, "from="},
		{"from=\"*\" " KEY_LINE, NULL, 0, "from="},
		{"from=\"*.example.com\" " KEY_LINE, "10.1.2.3", 0, "from="},
		{"expiry-time=\"20240229Z\" " KEY_LINE, NULL, 1709164800, NULL},
		{"expiry-time=\"20240229Z\" " KEY_LINE, NULL, 1709164801, "expiry-time"},
		{"expiry-time=\"20240229Z\",expiry-time=\"20300101Z\" " KEY_LINE, NULL, 1709164801,
			"expiry-time"},
		{"cert-authority " KEY_LINE, NULL, 0, "signs certificates"},
		{"command=\"log\" " KEY_LINE, NULL, 0, "not enforced"},
		{"from=\"11.0.0.0/8\" " KEY_LINE "\n" KEY_LINE, "10.1.2.3", 0, NULL},
		{"cert-authority " KEY_LINE "\nfrom=\"11.0.0.0/8\" " KEY_LINE, "10.1.2.3", 0,
			"from="},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[LOGIN_WHY_MAX] = "";
		struct identity *id = NULL;
		int rc = login(rows[i].text, rows[i].address, rows[i].now, false, &id, why);

		tools_expect(i, rc, why, rows[i].why);
		identity_destroy(rc == 0 ? id : NULL);
	}
}

static void options_follow_the_login(void **state)
{
	char why[LOGIN_WHY_MAX];
	struct identity *id;

	(void)state;
	assert_int_equal(login("restrict,command=\"log \\\"x\\\"\",access=\"team one\" " KEY_LINE,
				 NULL, 0, true, &id, why),
		0);
	assert_string_equal(id->command, "log \"x\"");
	assert_string_equal(id->access, "team one");
	assert_int_equal(identity_kinds(id), FACT_BIT(FACT_KEY) | FACT_BIT(FACT_ACCESS));
	assert_false(id->pty_allowed);
	identity_destroy(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_read_as_the_table_says),
		cmocka_unit_test(times_are_read_in_every_form_of_ssh_keygen),
		cmocka_unit_test(options_decide_who_gets_in),
		cmocka_unit_test(options_follow_the_login),
		cmocka_unit_test(a_nul_byte_and_a_long_line_are_refused),
		cmocka_unit_test(files_and_globs_are_loaded_and_bad_lines_reported),
		cmocka_unit_test(a_file_that_others_may_write_is_not_believed),
		cmocka_unit_test(a_file_in_a_folder_that_others_may_write_is_not_believed),
		cmocka_unit_test(thousands_of_keys_are_found_at_once),
		cmocka_unit_test(a_key_logs_in_as_itself),
	};

	return cmocka_run_group_tests(tests, tools_enter, tools_leave);
}
