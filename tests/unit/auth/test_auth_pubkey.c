/* SSH public key blobs, base64 and globs: made by ssh-keygen, then broken. */
#include "auth/ssh/base64.h"
#include "core/text/glob.h"
#include "auth/ssh/pubkey.h"
#include "auth_tools.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char dsa_line[] =
	"ssh-dss AAAAB3NzaC1kc3MAAACBAKwGGcs+IeYhxk4ltUTNM7lpkrN7sBa+NmzO/pa7cUJTVum649oAo1BdFlrs4x"
	"7FCjGUg3N0NT9IibBWBeVVh1MZhky37P1uY59NVWyebYBShxIZBv1nkHdOUiQamNoks2FOVyFrXFJSkpErVPvVht2G"
	"sWz04g+pl+sIrHiHStQLAAAAFQCQLc4YvD7DJ1RnhfPSdA5TV68gSwAAAIEAouc/9zdlSvSV3n3fmBf7pgbOVWqiqP"
	"Ztv4CMHONt43pwidEJ+/XFX7z9KJTcyxNu3QQwqIimPvb5no//s7yP1Ka7/AmwyQMYXt5MiDxZw3pHovHlWxrOBAzM"
	"9KVRJke9uN3fEmcMLcGg4tSiQ3RhEWYQPP8Rsme7uMokrXXLBkQAAACANBBvadn9htFv4Mdrt6vO48RiHqnPtvbTyn"
	"I+zKaAk8zSV0QhSgk3hTINGlSkF27volr3fDkWzfZrlc6i3fmuqb9/AqQpBUdurVP44bWzSYawM5Zofljx40dr1wNC"
	"5l7Ayv47b0cdhE83OfNh9ZLBTgBut9931TbMtgra8z9K1N0= x";
static const char rsa1024_line[] =
	"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCrptE1LWkaamFm9Ja4U2f4+hM4epZ7A0ZyalsR65yGIb+WCfunET"
	"POz93bqBa+qwxD05zMZDkR175RK52uJUhnq/9TuwfPCJ/6vGBn6MaF8EsGjhGteKigaSjQf9ZeQO+KRXN+FyOWLMYe"
	"PAtQ52IplBh8hG1Kyb0aD1gguwZcoQ== x";

static int parse(const uint8_t *blob, size_t len, struct pubkey *key)
{
	const char *why = NULL;
	int rc = pubkey_parse(span_of(blob, len), key, &why);

	if (rc < 0)
		assert_non_null(why);
	return rc;
}

/* ssh-keygen -l prints "BITS SHA256:... comment (TYPE)". */
static void assert_as_keygen(const char *pub, const struct pubkey *key)
{
	char fingerprint[PUBKEY_FINGERPRINT_ROOM];
	char want[PUBKEY_FINGERPRINT_ROOM];
	unsigned bits;
	size_t len;
	char *text;

	tools_run("ssh-keygen -l -f %s >listing", pub);
	text = tools_read("listing", &len);
	assert_int_equal(sscanf(text, "%u %50s", &bits, want), 2);
	free(text);
	pubkey_fingerprint(key->blob, fingerprint);
	assert_string_equal(fingerprint, want);
	assert_int_equal(key->bits, bits);
}

static void every_key_that_ssh_keygen_makes_reads_back(void **state)
{
	static const struct {
		const char *args;
		enum pubkey_type type;
	} rows[] = {
		{"-t rsa -b 2048", PUBKEY_RSA},
		{"-t rsa -b 3072", PUBKEY_RSA},
		{"-t ecdsa -b 256", PUBKEY_ECDSA_P256},
		{"-t ecdsa -b 384", PUBKEY_ECDSA_P384},
		{"-t ecdsa -b 521", PUBKEY_ECDSA_P521},
		{"-t ed25519", PUBKEY_ED25519},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pubkey key;
		uint8_t *blob;
		size_t len;

		tools_run("ssh-keygen -q %s -N '' -C c -f k%zu", rows[i].args, i);
		tools_run("cp k%zu.pub k.pub", i);
		blob = tools_blob_of_file("k.pub", &len);
		assert_int_equal(parse(blob, len, &key), 0);
		assert_int_equal(key.type, rows[i].type);
		assert_as_keygen("k.pub", &key);
		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(parse(blob, cut, &key), 0);
		free(blob);
	}
}

/* No authenticator at hand: the blob is put together after PROTOCOL.u2f. */
static void sk_keys_are_read_with_their_application(void **state)
{
	uint8_t mem[512];
	struct span_writer w = {.mem = mem, .room = sizeof(mem)};
	uint8_t point[32] = {1};
	struct pubkey key;

	(void)state;
	span_write_string(&w, "sk-ssh-ed25519@openssh.com", 26);
	span_write_string(&w, point, sizeof(point));
	span_write_string(&w, "ssh:host", 8);
	assert_int_equal(parse(mem, w.len, &key), 0);
	assert_int_equal(key.type, PUBKEY_SK_ED25519);
	assert_true(span_is(key.application, "ssh:host"));
	assert_int_equal(parse(mem, w.len - 1, &key), -EBADMSG);
	w.len -= 12;
	span_write_string(&w, "", 0);
	assert_int_equal(parse(mem, w.len, &key), -EBADMSG);
	w.len -= 4;
	span_write_string(&w, "ss\0h", 4);
	assert_int_equal(parse(mem, w.len, &key), -EBADMSG);
}

static void weak_and_unknown_keys_are_refused_with_a_reason(void **state)
{
	struct pubkey key;
	const char *why;
	uint8_t *blob;
	size_t len;

	(void)state;
	blob = tools_blob(dsa_line, &len);
	assert_int_equal(pubkey_parse(span_of(blob, len), &key, &why), -EKEYREJECTED);
	assert_non_null(strstr(why, "DSA"));
	free(blob);
	blob = tools_blob(rsa1024_line, &len);
	assert_int_equal(pubkey_parse(span_of(blob, len), &key, &why), -EKEYREJECTED);
	assert_non_null(strstr(why, "2048"));
	free(blob);
	assert_int_equal(parse((const uint8_t *)"\0\0\0\11ssh-ed448", 13, &key), -EKEYREJECTED);
	assert_int_equal(parse((const uint8_t *)"\0\0\0\7", 4, &key), -EBADMSG);
}

static size_t write_rsa(
	uint8_t *mem, size_t room, const uint8_t *e, size_t e_len, size_t n_len, uint8_t last)
{
	static uint8_t n[4096];
	struct span_writer w = {.mem = mem, .room = room};

	memset(n, 0xa5, sizeof(n));
	n[n_len - 1] = last;
	span_write_string(&w, "ssh-rsa", 7);
	span_write_mpint(&w, e, e_len);
	span_write_mpint(&w, n, n_len);
	assert_false(w.overflow);
	return w.len;
}

static void rsa_numbers_are_checked(void **state)
{
	static const uint8_t f4[] = {1, 0, 1};
	static const uint8_t even[] = {1, 0, 0};
	static const uint8_t long_e[] = {1, 0, 0, 0, 0, 0, 0, 0, 1};
	uint8_t mem[8192];
	struct pubkey key;

	(void)state;
	assert_int_equal(parse(mem, write_rsa(mem, sizeof(mem), f4, 3, 256, 1), &key), 0);
	assert_int_equal(key.bits, 2048);
	assert_int_equal(parse(mem, write_rsa(mem, sizeof(mem), f4, 3, 256, 2), &key), -EBADMSG);
	assert_int_equal(
		parse(mem, write_rsa(mem, sizeof(mem), f4, 3, 255, 1), &key), -EKEYREJECTED);
	assert_int_equal(parse(mem, write_rsa(mem, sizeof(mem), f4, 3, 2048, 1), &key), 0);
	assert_int_equal(key.bits, 16384);
	assert_int_equal(
		parse(mem, write_rsa(mem, sizeof(mem), f4, 3, 2049, 1), &key), -EKEYREJECTED);
	assert_int_equal(parse(mem, write_rsa(mem, sizeof(mem), even, 3, 256, 1), &key), -EBADMSG);
	assert_int_equal(parse(mem, write_rsa(mem, sizeof(mem), f4, 1, 256, 1), &key), -EBADMSG);
	assert_int_equal(
		parse(mem, write_rsa(mem, sizeof(mem), long_e, 9, 256, 1), &key), -EBADMSG);
}

static void numbers_with_a_second_spelling_are_refused(void **state)
{
	struct span negative = span_of("\0\0\0\1\200", 5);
	struct span padded = span_of("\0\0\0\2\0\1", 6);
	struct span zero = span_of("\0\0\0\0", 4);
	struct span fine = span_of("\0\0\0\2\0\200", 6);
	struct span number;

	(void)state;
	assert_int_equal(span_mpint(&negative, &number), -EBADMSG);
	assert_int_equal(span_mpint(&padded, &number), -EBADMSG);
	assert_int_equal(span_mpint(&zero, &number), -EBADMSG);
	assert_int_equal(span_mpint(&fine, &number), 0);
	assert_int_equal(number.len, 1);
	assert_int_equal(fine.len, 0);
}

static void a_point_off_the_curve_is_refused(void **state)
{
	struct pubkey key;
	const char *why;
	uint8_t *blob;
	size_t len;

	(void)state;
	tools_run("ssh-keygen -q -t ecdsa -N '' -f curve");
	blob = tools_blob_of_file("curve.pub", &len);
	blob[len - 1] ^= 1;
	assert_int_equal(pubkey_parse(span_of(blob, len), &key, &why), -EBADMSG);
	assert_non_null(strstr(why, "curve"));
	free(blob);
}

static void bytes_behind_a_key_are_refused(void **state)
{
	struct pubkey key;
	uint8_t *blob;
	size_t len;

	(void)state;
	tools_run("ssh-keygen -q -t ed25519 -N '' -f tail");
	blob = tools_blob_of_file("tail.pub", &len);
	blob = (uint8_t *)realloc(blob, len + 1);
	assert_non_null(blob);
	blob[len] = 0;
	assert_int_equal(parse(blob, len, &key), 0);
	assert_int_equal(parse(blob, len + 1, &key), -EBADMSG);
	free(blob);
}

static void base64_has_one_spelling_only(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {{"", 0}, {"AA==", 0}, {"AAA=", 0}, {"AAAA", 0}, {"////", 0}, {"+/+/", 0},
		{"AB==", -EINVAL}, {"AAB=", -EINVAL}, {"A===", -EINVAL}, {"====", -EINVAL},
		{"AAA", -EINVAL}, {"A A=", -EINVAL}, {"AA=A", -EINVAL}, {"AA==AAAA", -EINVAL},
		{"AAA\n", -EINVAL}, {"-_-_", -EINVAL}, {"AAAAAAAAAAAA", -ENOBUFS}};
	uint8_t out[8];
	char back[BASE64_ROOM(8)];
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t chars = strlen(rows[i].text);
		int rc = base64_decode(rows[i].text, chars, out, sizeof(out), &len);

		if (rc != rows[i].rc)
			fail_msg("%s: %d", rows[i].text, rc);
		if (rc == 0) {
			assert_int_equal(base64_encode(out, len, back), chars);
			assert_string_equal(back, rows[i].text);
		}
	}
}

static void globs_match_as_the_table_says(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool match;
	} rows[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"a*", "abc", true},
		{"a*", "bac", false},
		{"*c", "abc", true},
		{"a*c", "ac", true},
		{"a*c", "abcc", true},
		{"a*b*c", "aXbYc", true},
		{"a*b*c", "aXcYb", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"?", "", false},
		{"**", "x", true},
		{"[abc]x", "bx", true},
		{"[abc]x", "dx", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[!a-c]x", "dx", true},
		{"[^a]", "b", true},
		{"[]]", "]", true},
		{"[!]]", "]", false},
		{"[a-]", "-", true},
		{"[*]", "*", true},
		{"[*]", "x", false},
		{"[", "[", true},
		{"[abc", "[abc", true},
		{"[abc", "a", false},
		{"vm[[]1]", "vm[1]", true},
		{"\\*", "\\x", true},
		{"a\\,b", "a\\,b", true},
		{"\\?", "?", false},
		{"A", "a", false},
		{"\xff*", "\xff\xfe", true},
		{"[\x80-\xff]", "\xc3", true},
		{"web-*", "web-", true},
		{"web-*", "web", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (glob_match(rows[i].pattern, rows[i].text) != rows[i].match)
			fail_msg("pattern %s on %s", rows[i].pattern, rows[i].text);
	}
}

/* With backtracking into every star this would take longer than the universe has. */
static void a_hostile_glob_takes_no_time(void **state)
{
	char text[1001];
	char pattern[1001];

	(void)state;
	memset(text, 'a', 1000);
	text[1000] = 0;
	for (size_t i = 0; i < 1000; i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	pattern[999] = 'b';
	pattern[1000] = 0;
	assert_false(glob_match(pattern, text));
}

static void a_glob_that_cannot_be_meant_is_told(void **state)
{
	static const struct {
		const char *pattern;
		const char *why; /* NULL: good */
	} rows[] = {
		{"", NULL},
		{"web-*", NULL},
		{"[a-c]x", NULL},
		{"[]]", NULL},
		{"[!]]", NULL},
		{"[a-]", NULL},
		{"vm[[]1]", NULL},
		{"]", NULL},
		{"[", "closed"},
		{"[]", "closed"},
		{"[!]", "closed"},
		{"a[bc", "closed"},
		{"[a][b", "closed"},
		{"[a-", "closed"},
		{"[9-0]", "range"},
		{"[ab-a]", "range"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;
		int rc = glob_check(rows[i].pattern, &why);

		if ((rc < 0) != (rows[i].why != NULL) ||
			(rc < 0 && strstr(why, rows[i].why) == NULL))
			fail_msg("pattern %s: %s", rows[i].pattern, why != NULL ? why : "good");
	}
}

static void a_glob_is_compared_with_a_shape(void **state)
{
	static const char *const shape[] = {"a", "0123456789", "xy"};
	static const struct {
		const char *pattern;
		bool fits;
	} rows[] = {
		{"a1x", true},
		{"a1", false},
		{"a1xx", false},
		{"b1x", false},
		{"*", true},
		{"***", true},
		{"???", true},
		{"????", false},
		{"a*", true},
		{"a*x*", true},
		{"*y", true},
		{"*z", false},
		{"*a*5*", true},
		{"*5*a*", false},
		{"a[5-7]x", true},
		{"a[a-c]x", false},
		{"a[!0-9]x", false},
		{"?*?*?*", true},
		{"?*?*?*?", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (glob_may_match(rows[i].pattern, shape, 3) != rows[i].fits)
			fail_msg("pattern %s", rows[i].pattern);
	}
	assert_true(glob_may_match("", shape, 0));
	assert_true(glob_may_match("**", shape, 0));
	assert_false(glob_may_match("a", shape, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_that_ssh_keygen_makes_reads_back),
		cmocka_unit_test(sk_keys_are_read_with_their_application),
		cmocka_unit_test(weak_and_unknown_keys_are_refused_with_a_reason),
		cmocka_unit_test(rsa_numbers_are_checked),
		cmocka_unit_test(numbers_with_a_second_spelling_are_refused),
		cmocka_unit_test(a_point_off_the_curve_is_refused),
		cmocka_unit_test(bytes_behind_a_key_are_refused),
		cmocka_unit_test(base64_has_one_spelling_only),
		cmocka_unit_test(globs_match_as_the_table_says),
		cmocka_unit_test(a_hostile_glob_takes_no_time),
		cmocka_unit_test(a_glob_that_cannot_be_meant_is_told),
		cmocka_unit_test(a_glob_is_compared_with_a_shape),
	};

	return cmocka_run_group_tests(tests, tools_enter, tools_leave);
}
