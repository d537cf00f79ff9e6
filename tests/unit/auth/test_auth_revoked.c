/* Revocation lists, made by ssh-keygen, judged by login_by_key. */
#include "auth/ssh/krl.h"
#include "auth_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NOBODY 65534
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

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
			int rc = world_try(&w, name, NULL, WORLD_NOW, &id, why);

			if (rc != (refused ? -EACCES : 0) ||
				(refused && strstr(why, "revoked") == NULL))
				fail_msg("row %zu certificate %c: %d %s", i, n, rc, why);
			identity_destroy(id);
		}
		assert_int_equal(world_try(&w, "user_ed25519.pub", NULL, WORLD_NOW, &id, why),
			rows[i].plain ? -EACCES : 0);
		identity_destroy(id);
		world_close(&w);
	}
}

static void write_u64(struct span_writer *w, uint64_t value)
{
	for (int shift = 56; shift >= 0; shift -= 8) {
		uint8_t byte = (uint8_t)(value >> shift);

		span_write(w, &byte, 1);
	}
}

/* A list with one section for all CAs: a range, or a bitmap of one byte at low. */
static int make_list(uint64_t low, uint64_t high, bool bitmap, struct krl **out)
{
	uint8_t mem[256];
	uint8_t section[64];
	uint8_t part[32];
	struct span_writer w = {.mem = mem, .room = sizeof(mem)};
	struct span_writer s = {.mem = section, .room = sizeof(section)};
	struct span_writer p = {.mem = part, .room = sizeof(part)};
	const char *why;

	write_u64(&p, low);
	if (bitmap)
		span_write_string(&p, "\1", 1);
	else
		write_u64(&p, high);
	span_write_string(&s, "", 0);
	span_write_string(&s, "", 0);
	span_write(&s, bitmap ? "\x22" : "\x21", 1);
	span_write_string(&s, part, p.len);
	span_write(&w, "SSHKRL\n\0\0\0\0\1", 12);
	for (int i = 0; i < 3; i++)
		write_u64(&w, 0);
	span_write_string(&w, "", 0);
	span_write_string(&w, "", 0);
	span_write(&w, "\1", 1);
	span_write_string(&w, section, s.len);
	return krl_create(span_of(mem, w.len), out, &why);
}

static bool list_has(const struct krl *k, uint64_t serial)
{
	const struct ssh_cert cert = {.serial = serial};

	return krl_revokes_cert(k, &cert);
}

static void serials_at_the_ends_of_their_range_are_right(void **state)
{
	struct krl *k;

	(void)state;
	assert_int_equal(make_list(0, 5, false, &k), 0);
	assert_false(list_has(k, 0)); /* no serial at all, PROTOCOL.krl */
	assert_true(list_has(k, 1));
	assert_true(list_has(k, 5));
	assert_false(list_has(k, 6));
	krl_destroy(k);
	assert_int_equal(make_list(UINT64_MAX - 1, UINT64_MAX, false, &k), 0);
	assert_true(list_has(k, UINT64_MAX));
	assert_false(list_has(k, UINT64_MAX - 2));
	krl_destroy(k);
	assert_int_equal(make_list(6, 5, false, &k), -EBADMSG);
	assert_int_equal(make_list(UINT64_MAX - 7, 0, true, &k), 0);
	assert_true(list_has(k, UINT64_MAX - 7));
	assert_false(list_has(k, UINT64_MAX));
	krl_destroy(k);
	assert_int_equal(make_list(UINT64_MAX - 6, 0, true, &k), -EBADMSG);
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

/* Nor is one that is not there: by a pattern, nothing would be revoked and nobody told. */
/* Root reads every folder. */
static void become(uid_t uid)
{
	if (getuid() == 0)
		assert_int_equal(seteuid(uid), 0);
}

static void a_pattern_without_a_list_is_no_empty_one(void **state)
{
	static const struct {
		const char *prepare, *pattern;
		int rc;
		bool as_user;
		const char *said;
	} rows[] = {
		{"mkdir lists", "./lists/*.krl", -EINVAL, false, "would be refused"},
		{"true", "./missing/*.krl", -EINVAL, false, "would be refused"},
		{"true", "./missing/*/krl", -EINVAL, false, "would be refused"},
		{"mkdir lists; touch lists/a.krl", "./lists/*.krl", 0, false, ""},
		{"mkdir lists; ln -s nowhere lists/a.krl", "./lists/*.krl", -EINVAL, false,
			"No such file"},
		{"mkdir lists; touch lists/a.krl; chmod 0 lists", "./lists/*.krl", -EINVAL, true,
			"would be refused: Permission denied"},
		{"mkdir -p lists/a lists/b; touch lists/a/krl; chmod 0 lists/b", "./lists/*/krl",
			-EINVAL, true, "cannot be read: Permission denied"},
	};
	struct tools_report report;

	(void)state;
	tools_run("chmod a+x .");
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct revoked *r = NULL;
		int rc;

		report = (struct tools_report){0};
		tools_run("test ! -e lists || chmod -R u+rwX lists; rm -rf lists; %s",
			rows[i].prepare);
		if (rows[i].as_user)
			become(NOBODY);
		rc = revoked_create(&rows[i].pattern, 1, tools_report, &report, &r);
		become(0);
		if (rc != rows[i].rc || (report.count != 0) != (rc < 0) ||
			!strstr(report.why, rows[i].said))
			fail_msg("%s: %s: %d %s", rows[i].prepare, rows[i].pattern, rc, report.why);
		if (rc == 0)
			revoked_destroy(r);
	}
	tools_run("chmod -R u+rwX lists; rm -rf lists");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(revocation_lists_revoke_as_the_table_says),
		cmocka_unit_test(serials_at_the_ends_of_their_range_are_right),
		cmocka_unit_test(a_broken_revocation_list_is_no_empty_one),
		cmocka_unit_test(a_pattern_without_a_list_is_no_empty_one),
	};

	return cmocka_run_group_tests(tests, world_setup, tools_leave);
}
