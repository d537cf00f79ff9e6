/*
 * The scan that runs before iniparser: each thing iniparser would mangle is refused with its
 * line, and what is accepted iniparser reads in the same way.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "config/ini/ini.h"
#include "config/ini/prescan.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The first complaint, and their number. */
struct told {
	unsigned line;
	char text[256];
	unsigned count;
};

static void tell(void *arg, unsigned line, const char *text)
{
	struct told *told = arg;

	if (told->count++ == 0) {
		told->line = line;
		snprintf(told->text, sizeof(told->text), "%s", text);
	}
}

static int scan(const char *data, size_t len, struct prescan *p, struct told *told)
{
	*told = (struct told){0};
	return prescan(data, len, p, tell, told);
}

struct refused_case {
	const char *name;
	const char *data;
	unsigned line;
	const char *text; /* part of the complaint */
};

static void what_iniparser_would_mangle_is_refused(void **state)
{
	static const struct refused_case cases[] = {
		{"semicolon cuts the value", "[a]\nk = /a;b\n", 2, "write %3B"},
		{"hash cuts the value", "[a]\nk = a#b\n", 2, "write %23"},
		{"comment behind a value", "[a]\nk = a # b\n", 2, "a line of its own"},
		{"double quote", "[a]\nk = \"a\"\n", 2, "write %22"},
		{"quote inside", "[a]\nk = it's\n", 2, "write %27"},
		{"backslash", "[a]\nk = a\\b\n", 2, "write %5C"},
		{"continued value", "[a]\nk = a\\\nb\n", 2, "cannot be continued"},
		{"continued comment", "[a]\n# x \\\nk = a\n", 2, "backslash"},
		{"continued comment with blanks", "[a]\n; x \\ \t\nk = a\n", 2, "backslash"},
		{"colon in a section", "[a b:c]\nk = v\n", 1, "invalid section"},
		{"upper case in a section", "[a B]\nk = v\n", 1, "invalid section"},
		{"two blanks in a section", "[a  b]\n", 1, "invalid section"},
		{"three words in a section", "[a b c]\n", 1, "invalid section"},
		{"blank at the end of a section", "[a ]\n", 1, "invalid section"},
		{"blank at the start of a section", "[ a]\n", 1, "invalid section"},
		{"empty section", "[]\n", 1, "invalid section"},
		{"bracket in a section", "[a]b]\n", 1, "invalid section"},
		{"bracket in a section 2", "[[a]]\n", 1, "invalid section"},
		{"dot in a kind", "[a.b]\n", 1, "invalid section"},
		{"open section", "[a\nk = v\n", 1, "alone on its line"},
		{"comment behind a section", "[a] # x\n", 1, "alone on its line"},
		{"key behind a section", "[a] k = v\n", 1, "alone on its line"},
		{"lone bracket", "[\n", 1, "alone on its line"},
		{"section twice", "[a]\n[b]\n[a]\nk = v\n", 3, "duplicate section [a]: line 1"},
		{"key twice", "[a]\nk = 1\nl = 2\nk = 3\n", 4, "duplicate key k: line 2 sets"},
		{"key before a section", "\nk = v\n", 2, "not in any [section]"},
		{"no equals sign", "[a]\nkey value\n", 2, "not a [section]"},
		{"one byte", "[a]\nk", 2, "not a [section]"},
		{"upper case in a key", "[a]\nKey = v\n", 2, "invalid key"},
		{"blank in a key", "[a]\nk y = v\n", 2, "invalid key"},
		{"colon in a key", "[a]\nk:y = v\n", 2, "invalid key"},
		{"hyphen in a key", "[a]\nk-y = v\n", 2, "invalid key"},
		{"no key", "[a]\n= v\n", 2, "invalid key"},
		{"carriage return", "[a]\nk = v\r\n", 2, "carriage return"},
		{"carriage return first", "[a]\r\n", 1, "carriage return"},
		{"carriage return inside", "[a]\nk = v\rw\n", 2, "0x0D in column 6"},
		{"control", "[a]\nk = \x1b[2J\n", 2, "0x1B in column 5"},
		{"control in a comment", "# \x1b[2J\n", 1, "0x1B in column 3"},
		{"vertical tab", "[a]\n\vk = v\n", 2, "0x0B in column 1"},
		{"delete", "[a]\nk = a\x7f\n", 2, "0x7F in column 6"},
		{"no UTF-8", "[a]\nk = caf\xe9\n", 2, "0xE9 in column 8"},
		{"cut UTF-8", "[a]\nk = \xc3\n", 2, "0xC3"},
		{"over-long UTF-8", "[a]\nk = \xc0\xaf\n", 2, "0xC0"},
		{"surrogate", "[a]\nk = \xed\xa0\x80\n", 2, "0xED"},
		{"C1 control", "[a]\nk = \xc2\x9b\n", 2, "0xC2"},
		{"bidirectional override", "[a]\nk = \xe2\x80\xae\n", 2, "0xE2"},
		{"zero width space", "[a]\nk = a\xe2\x80\x8b\n", 2, "0xE2 in column 6"},
		{"byte order mark", "\xef\xbb\xbf[a]\n", 1, "byte order mark"},
		{"UTF-16", "\xff\xfe[", 1, "0xFF in column 1"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prescan p;
		struct told told;
		int rc = scan(cases[i].data, strlen(cases[i].data), &p, &told);

		prescan_finish(&p);
		if (rc != -EINVAL || told.line != cases[i].line ||
			!strstr(told.text, cases[i].text))
			fail_msg("%s: rc %d, line %u: %s", cases[i].name, rc, told.line, told.text);
	}
}

static void a_nul_byte_is_refused_where_it_stands(void **state)
{
	static const char data[] = "[a]\nk = v\n\0\nl = x\n";
	struct prescan p;
	struct told told;

	assert_int_equal(scan(data, sizeof(data) - 1, &p, &told), -EINVAL);
	assert_int_equal(told.line, 3);
	assert_non_null(strstr(told.text, "0x00 in column 1"));
	assert_int_equal(told.count, 1);
	prescan_finish(&p);
}

/* "[a]\n" and one entry that makes a line of len bytes. */
static char *long_line(size_t len)
{
	char *data = malloc(len + 6);

	memcpy(data, "[a]\nk=", 6);
	memset(data + 6, 'v', len - 2);
	data[len + 4] = '\n';
	data[len + 5] = '\0';
	return data;
}

static void the_longest_line_is_read_and_one_more_byte_refused(void **state)
{
	char *data = long_line(PRESCAN_LINE_MAX);
	struct ini *ini;
	struct prescan p;
	struct told told;
	size_t bad;

	assert_int_equal(scan(data, strlen(data), &p, &told), 0);
	assert_int_equal(strlen(p.entries[1].value), PRESCAN_LINE_MAX - 2);
	assert_int_equal(ini_create(data, strlen(data), &p, &ini, &bad), 0);
	assert_string_equal(ini_get(ini, "a", "k"), p.entries[1].value);
	ini_destroy(&ini);
	prescan_finish(&p);
	free(data);

	data = long_line(PRESCAN_LINE_MAX + 1);
	assert_int_equal(scan(data, strlen(data), &p, &told), -EINVAL);
	assert_int_equal(told.line, 2);
	assert_non_null(strstr(told.text, "longer than 1000"));
	prescan_finish(&p);
	free(data);
}

static void names_have_a_longest_length(void **state)
{
	char data[256];
	struct prescan p;
	struct told told;

	for (int extra = 0; extra <= 1; extra++) {
		int len = PRESCAN_NAME_MAX + extra;

		snprintf(data, sizeof(data), "[%0*d]\n", len, 1);
		assert_int_equal(scan(data, strlen(data), &p, &told), extra ? -EINVAL : 0);
		prescan_finish(&p);
		snprintf(data, sizeof(data), "[a]\n%0*d=v\n", len, 1);
		assert_int_equal(scan(data, strlen(data), &p, &told), extra ? -EINVAL : 0);
		assert_int_equal(told.line, extra ? 2 : 0);
		prescan_finish(&p);
	}
}

static void too_many_entries_end_the_scan(void **state)
{
	size_t room = ((size_t)PRESCAN_ENTRIES_MAX + 10) * 12, used = 0;
	char *data = malloc(room);
	struct prescan p;
	struct told told;

	/* Sections of 64 keys: one entry more than there may be. */
	for (int i = 0; i <= PRESCAN_ENTRIES_MAX; i++)
		used += (size_t)snprintf(
			data + used, room - used, i % 64 == 0 ? "[s%d]\n" : "k%d=\n", i);
	assert_int_equal(scan(data, used, &p, &told), -EINVAL);
	assert_int_equal(told.line, PRESCAN_ENTRIES_MAX + 1);
	assert_int_equal(told.count, 1);
	assert_int_equal(p.count, PRESCAN_ENTRIES_MAX);
	prescan_finish(&p);
	free(data);
}

static void every_mistake_is_told_once(void **state)
{
	static const char data[] = "x = 1\n[B]\nk = 1\nk = a;b\n[c]\nfoo\nk = 1\nk = 2";
	struct prescan p;
	struct told told;

	assert_int_equal(scan(data, sizeof(data) - 1, &p, &told), -EINVAL);
	assert_int_equal(told.count, 5); /* lines 1, 2, 4, 6, 8 */
	/* What was understood is there: [] k, [c] k. */
	assert_int_equal(p.count, 4);
	assert_string_equal(p.entries[0].section, "");
	assert_string_equal(p.entries[3].section, "c");
	assert_int_equal(p.entries[3].line, 7);
	prescan_finish(&p);
}

struct entry {
	const char *section, *key, *value;
	unsigned line;
};

static const char good[] = "# comment with \"quotes\", ; # and a \\ inside\n"
			   "; another\n"
			   "\n"
			   "  \t\n"
			   "[empty]\n"
			   "\t[daemon]\t\n"
			   "state_dir=/var/lib/x\n"
			   "  run_dir \t = \t /run/with blank \t\n"
			   "none =\n"
			   "blank = \t\n"
			   "equals = a=b==\n"
			   "only_equals = =\n"
			   "bracket = [x]\n"
			   "escape = ^]\n"
			   "[access web.team-1]\n"
			   "who = cert:CN=\xc3\xa4%2CO=*, ticket\n"
			   "k0_9 = 100%\n"
			   "#[commented]\n"
			   "last = \xf0\x9f\x92\xbb";

static const struct entry expected[] = {
	{"empty", NULL, NULL, 5},
	{"daemon", NULL, NULL, 6},
	{"daemon", "state_dir", "/var/lib/x", 7},
	{"daemon", "run_dir", "/run/with blank", 8},
	{"daemon", "none", "", 9},
	{"daemon", "blank", "", 10},
	{"daemon", "equals", "a=b==", 11},
	{"daemon", "only_equals", "=", 12},
	{"daemon", "bracket", "[x]", 13},
	{"daemon", "escape", "^]", 14},
	{"access web.team-1", NULL, NULL, 15},
	{"access web.team-1", "who", "cert:CN=\xc3\xa4%2CO=*, ticket", 16},
	{"access web.team-1", "k0_9", "100%", 17},
	{"access web.team-1", "last", "\xf0\x9f\x92\xbb", 19},
};

static void accepted_text_gives_sections_keys_values_and_lines(void **state)
{
	struct prescan p;
	struct told told;

	assert_int_equal(scan(good, sizeof(good) - 1, &p, &told), 0);
	assert_int_equal(told.count, 0);
	assert_int_equal(p.count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		assert_string_equal(p.entries[i].section, expected[i].section);
		assert_int_equal(p.entries[i].line, expected[i].line);
		if (!expected[i].key) {
			assert_null(p.entries[i].key);
			continue;
		}
		assert_string_equal(p.entries[i].key, expected[i].key);
		assert_string_equal(p.entries[i].value, expected[i].value);
	}
	prescan_finish(&p);
}

static void iniparser_reads_accepted_text_the_same(void **state)
{
	struct prescan p;
	struct told told;
	struct ini *ini;
	size_t bad;

	assert_int_equal(scan(good, sizeof(good) - 1, &p, &told), 0);
	assert_int_equal(ini_create(good, sizeof(good) - 1, &p, &ini, &bad), 0);
	for (size_t i = 0; i < COUNT(expected); i++) {
		if (expected[i].key)
			assert_string_equal(ini_get(ini, expected[i].section, expected[i].key),
				expected[i].value);
	}
	assert_null(ini_get(ini, "daemon", "missing"));
	ini_destroy(&ini);
	assert_null(ini);
	ini_destroy(&ini);
	prescan_finish(&p);
}

static void an_empty_file_is_accepted(void **state)
{
	static const char *const data[] = {"", "\n", "\n\n", "# x", ";", "#", " ", "\t\n "};

	for (size_t i = 0; i < COUNT(data); i++) {
		struct prescan p;
		struct told told;
		struct ini *ini;
		size_t bad;

		assert_int_equal(scan(data[i], strlen(data[i]), &p, &told), 0);
		assert_int_equal(p.count, 0);
		assert_int_equal(ini_create(data[i], strlen(data[i]), &p, &ini, &bad), 0);
		ini_destroy(&ini);
		prescan_finish(&p);
	}
}

/* What the scan would miss, the comparison finds: bytes that iniparser reads otherwise. */
static void a_difference_to_iniparser_is_an_error(void **state)
{
	static const struct {
		const char *scanned, *read;
		size_t bad;
	} cases[] = {
		{"[a]\nk = v\n", "[a]\nk = w\n", 1},
		{"[a]\nk = v\n", "[a]\nk = v;w\nl = x\n", 2},
		{"[a]\nk = v\n", "[b]\nk = v\n", 0},
		{"[a]\nk = v\nl = w\n", "[a]\nk = v\n", 2},
		{"[a]\nk = v\n", "[a]\nk = v\n[c]\n", 2},
		{"[a]\nk = v\n", "[a]\nk = v\nrubbish\n", 2},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct prescan p;
		struct told told;
		struct ini *ini = NULL;
		size_t bad;

		assert_int_equal(scan(cases[i].scanned, strlen(cases[i].scanned), &p, &told), 0);
		assert_int_equal(
			ini_create(cases[i].read, strlen(cases[i].read), &p, &ini, &bad), -EBADMSG);
		assert_int_equal(bad, cases[i].bad);
		assert_null(ini);
		prescan_finish(&p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_iniparser_would_mangle_is_refused),
		cmocka_unit_test(a_nul_byte_is_refused_where_it_stands),
		cmocka_unit_test(the_longest_line_is_read_and_one_more_byte_refused),
		cmocka_unit_test(names_have_a_longest_length),
		cmocka_unit_test(too_many_entries_end_the_scan),
		cmocka_unit_test(every_mistake_is_told_once),
		cmocka_unit_test(accepted_text_gives_sections_keys_values_and_lines),
		cmocka_unit_test(iniparser_reads_accepted_text_the_same),
		cmocka_unit_test(an_empty_file_is_accepted),
		cmocka_unit_test(a_difference_to_iniparser_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
