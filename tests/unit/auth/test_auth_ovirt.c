/* ovirt-vmconsole's JSON contract. */
#include "auth/login.h"
#include "auth/ovirt_json.h"
#include "auth_tools.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7rOKLfkb2Z9LJ8n0j0MOzjBY1fwhkeI8ZvUvsmF9Bq"
#define ENTRY(key) "{\"entityid\":\"12-34\",\"entity\":\"admin@internal\",\"key\":\"" key "\"}"
#define LIST(entries) "{\"content\":\"key_list\",\"version\":1,\"keys\":[" entries "]}"
#define VM "6f1c2d3e-0000-4000-8000-00000000000a"
#define CONSOLE(id) "{\"vmid\":\"" id "\",\"vm\":\"web\",\"host\":\"h1\",\"console\":\"c.sock\"}"
#define CONSOLES(entries) "{\"content\":\"console_list\",\"version\":1,\"consoles\":[" entries "]}"

static void key_lists_are_checked_as_the_table_says(void **state)
{
	static const struct {
		const char *text;
		int rc;
		size_t keys;
		unsigned reports;
	} rows[] = {
		{LIST(""), 0, 0, 0},
		{LIST(ENTRY(KEY)), 0, 1, 0},
		{LIST(ENTRY(KEY " a comment") "," ENTRY(KEY)), 0, 2, 0},
		{LIST(ENTRY("nonsense") "," ENTRY(KEY)), 0, 1, 1},
		{LIST(ENTRY("restrict " KEY)), 0, 0, 1},
		{LIST(ENTRY("# " KEY)), 0, 0, 1},
		{LIST(ENTRY(KEY "\\n" KEY)), 0, 0, 1},
		{LIST(ENTRY("")), -EINVAL, 0, 0},
		{LIST("{\"entityid\":\"1\",\"entity\":\"a\"}"), -EINVAL, 0, 0},
		{LIST("{\"entityid\":1,\"entity\":\"a\",\"key\":\"k\"}"), -EINVAL, 0, 0},
		{LIST("{\"entity\":\"a\",\"key\":\"k\"}"), -EINVAL, 0, 0},
		{LIST("{\"entityid\":\"1\",\"entity\":\"\",\"key\":\"k\"}"), -EINVAL, 0, 0},
		{LIST("[]"), -EINVAL, 0, 0},
		{LIST("\"key\""), -EINVAL, 0, 0},
		{LIST("{\"entityid\":\"1\",\"entityid\":\"2\",\"entity\":\"a\",\"key\":\"k\"}"),
			-EINVAL, 0, 0},
		{LIST(ENTRY(KEY)) "x", -EINVAL, 0, 0},
		{LIST(ENTRY(KEY)) LIST(""), -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"version\":2,\"keys\":[]}", -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"version\":1.0,\"keys\":[]}", -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"version\":\"1\",\"keys\":[]}", -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"keys\":[]}", -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"version\":1}", -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"version\":1,\"keys\":{}}", -EINVAL, 0, 0},
		{"{\"content\":\"console_list\",\"version\":1,\"keys\":[]}", -EINVAL, 0, 0},
		{"{\"version\":1,\"keys\":[]}", -EINVAL, 0, 0},
		{"{\"content\":\"key_list\",\"version\":1,\"keys\":[],\"more\":0}", 0, 0, 0},
		{"[]", -EINVAL, 0, 0},
		{"", -EINVAL, 0, 0},
		{"{", -EINVAL, 0, 0},
		{"null", -EINVAL, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct tools_report report = {0};
		struct ovirt_keys *k = NULL;
		const char *why = NULL;
		int rc = ovirt_keys_create(span_of(rows[i].text, strlen(rows[i].text)), "helper",
			tools_report, &report, &k, &why);

		if (rc != rows[i].rc || report.count != rows[i].reports)
			fail_msg("row %zu: %d %s", i, rc, why);
		if (rc == 0)
			assert_int_equal(ovirt_keys_count(k), rows[i].keys);
		ovirt_keys_destroy(k);
	}
}

static void an_entity_logs_in_with_its_key(void **state)
{
	static const char text[] = LIST(
		ENTRY("nonsense") "," ENTRY(KEY " first") ",{\"entityid\":\"56\",\"entity\":\"x\","
							  "\"key\":\"" KEY " second\"}");
	struct login_sources sources = {0};
	struct login_proof proof = {.now = 1};
	struct tools_report report = {0};
	char why[LOGIN_WHY_MAX];
	struct identity *id;
	struct ovirt_keys *k;
	const char *reason;
	uint8_t *blob;
	size_t len;

	(void)state;
	assert_int_equal(ovirt_keys_create(span_of(text, sizeof(text) - 1), "helper", tools_report,
				 &report, &k, &reason),
		0);
	assert_int_equal(report.line, 1);
	blob = tools_blob(KEY, &len);
	proof.blob = span_of(blob, len);
	assert_int_equal(login_by_key(&sources, &proof, &id, why), -EACCES);
	sources.ovirt = k;
	assert_int_equal(login_by_key(&sources, &proof, &id, why), 0);
	assert_string_equal(id->text, "entity:admin@internal");
	assert_string_equal(id->facts[1].value, "12-34");
	assert_int_equal(id->facts[1].kind, FACT_ENTITY_ID);
	assert_string_equal(id->comment, "first");
	assert_memory_equal(id->fingerprint, "SHA256:", 7);
	identity_destroy(id);
	blob[len - 1] ^= 1;
	assert_int_equal(login_by_key(&sources, &proof, &id, why), -EACCES);
	free(blob);
	ovirt_keys_destroy(k);
}

static void console_lists_are_checked_as_the_table_says(void **state)
{
	static const struct {
		const char *text;
		int rc;
		size_t count;
	} rows[] = {
		{CONSOLES(""), 0, 0},
		{CONSOLES(CONSOLE(VM)), 0, 1},
		{CONSOLES(CONSOLE("6F1C2D3E-0000-4000-8000-00000000000B") "," CONSOLE(VM)), 0, 2},
		{CONSOLES(CONSOLE("web")), -EINVAL, 0},
		{CONSOLES("{\"vmid\":\"" VM "\",\"vm\":\"web\",\"host\":\"h1\"}"), -EINVAL, 0},
		{CONSOLES("{\"vmid\":\"" VM "\",\"vm\":7,\"host\":\"h\",\"console\":\"c\"}"),
			-EINVAL, 0},
		{LIST(""), -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ovirt_consoles *c = NULL;
		const char *why;
		int rc = ovirt_consoles_create(
			span_of(rows[i].text, strlen(rows[i].text)), &c, &why);

		if (rc != rows[i].rc)
			fail_msg("row %zu: %d %s", i, rc, why);
		if (rc == 0) {
			assert_int_equal(ovirt_consoles_count(c), rows[i].count);
			assert_int_equal(ovirt_consoles_has(c, VM), rows[i].count != 0);
			assert_int_equal(
				ovirt_consoles_has(c, "6f1c2d3e-0000-4000-8000-00000000000b"),
				rows[i].count == 2);
			assert_false(ovirt_consoles_has(c, "web"));
		}
		ovirt_consoles_unref(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_lists_are_checked_as_the_table_says),
		cmocka_unit_test(an_entity_logs_in_with_its_key),
		cmocka_unit_test(console_lists_are_checked_as_the_table_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
