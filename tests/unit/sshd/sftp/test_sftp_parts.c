/* The pure parts below the SFTP server and scp: fields, paths, ranges, lines, commands, patterns.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "sshd/sftp/longname.h"
#include "sshd/sftp/pack.h"
#include "sshd/scp/scp_command.h"
#include "sshd/sftp/taken.h"

/* --- fields --- */

static void what_is_packed_is_unpacked(void **state)
{
	uint8_t memory[64];
	struct pack p = {memory, memory + sizeof(memory), false};
	struct unpack u = {.at = memory};
	const uint8_t *text;
	size_t len;

	pack_u8(&p, 0xab);
	pack_u32(&p, 0x01020304);
	pack_u64(&p, UINT64_C(0x0102030405060708));
	pack_text(&p, "name");
	pack_string(&p, "", 0);
	assert_false(p.bad);
	assert_memory_equal(memory, "\xab\1\2\3\4\1\2\3\4\5\6\7\x8\0\0\0\4name\0\0\0\0", 25);
	u.left = (size_t)(p.at - memory);
	assert_int_equal(unpack_u8(&u), 0xab);
	assert_int_equal(unpack_u32(&u), 0x01020304);
	assert_int_equal(unpack_u64(&u), UINT64_C(0x0102030405060708));
	text = unpack_string(&u, &len);
	assert_int_equal(len, 4);
	assert_memory_equal(text, "name", 4);
	(void)unpack_string(&u, &len);
	assert_int_equal(len, 0);
	assert_int_equal(u.left, 0);
	assert_false(u.bad);
	assert_int_equal(unpack_u8(&u), 0);
	assert_true(u.bad);
}

static void nothing_is_written_behind_the_end(void **state)
{
	uint8_t memory[8] = {0};
	struct pack p = {memory, memory + 6, false};

	pack_u32(&p, 1);
	pack_u32(&p, 2);
	assert_true(p.bad);
	pack_u8(&p, 3); /* would fit, but something is missing before it */
	assert_memory_equal(memory, "\0\0\0\1\0\0\0", 8);
}

/* --- ranges --- */

static void ranges_grow_together(void **state)
{
	struct taken t = {0};

	taken_add(&t, 100, 50);
	taken_add(&t, 300, 50);
	taken_add(&t, 0, 50);
	taken_add(&t, 50, 0);
	assert_int_equal(t.count, 3);
	taken_add(&t, 50, 50);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.ranges[0].from, 0);
	assert_int_equal(t.ranges[0].to, 150);
	taken_add(&t, 140, 170);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.ranges[0].to, 350);
	assert_int_equal(t.bytes, 370);
	taken_add(&t, 10, 10); /* once more: it is inside */
	assert_int_equal(t.count, 1);
	assert_int_equal(t.ranges[0].to, 350);
}

static void there_are_only_so_many_ranges(void **state)
{
	struct taken t = {0};
	uint64_t i;

	for (i = 0; i < 1000; i++)
		taken_add(&t, i * 10, 5);
	assert_int_equal(t.count, TAKEN_RANGES_MAX);
	assert_true(t.more);
	assert_int_equal(t.bytes, 5000);
	taken_add(&t, 0, 10000);
	assert_int_equal(t.count, 1);
	assert_int_equal(t.ranges[0].from, 0);
	assert_int_equal(t.ranges[0].to, 10000);
}

/* --- lines of ls -l --- */

static void expect_line(const struct tree_entry *e, int64_t now, const char *wanted)
{
	char line[LONGNAME_MAX];

	assert_int_equal(longname_format(e, now, line, sizeof(line)), strlen(wanted));
	assert_string_equal(line, wanted);
}

static void columns_are_always_apart(void **state)
{
	struct tree_entry e = {.name = "web-1.elf"};
	int64_t now = 1700000000; /* 14 November 2023, 22:13:20 */

	e.attr = (struct tree_attr){12, 0100600, 0, 0, now, now - 60};
	expect_line(
		&e, now, "-rw-------    1 0        0                  12 Nov 14 22:12 web-1.elf");
	e.attr.size = UINT64_C(9999999999999);
	e.owner = "libvirt-qemu";
	e.group = "kvm";
	e.attr.mtime = now + 60;
	expect_line(&e, now,
		"-rw-------    1 libvirt-qemu kvm      9999999999999 Nov 14  2023 web-1.elf");
	e.attr = (struct tree_attr){
		4096, 040755, UINT32_MAX, UINT32_MAX, 0, now - 200 * INT64_C(86400)};
	e.owner = e.group = NULL;
	expect_line(&e, now,
		"drwxr-xr-x    1 4294967295 4294967295         4096 Apr 28  2023 web-1.elf");
}

static void a_line_holds_whatever_there_is(void **state)
{
	char line[LONGNAME_MAX], name[TREE_NAME_MAX + 1], owner[100];
	struct tree_entry e = {.name = name, .owner = owner, .group = owner};

	memset(name, 'n', sizeof(name));
	name[TREE_NAME_MAX] = '\0';
	memset(owner, 'o', sizeof(owner));
	owner[99] = '\0';
	e.attr = (struct tree_attr){UINT64_MAX, 0120777, 0, 0, INT64_MIN, INT64_MAX};
	assert_true(longname_format(&e, 0, line, sizeof(line)) < sizeof(line) - 1);
	assert_int_equal(line[0], 'l');
	assert_string_equal(line + strlen(line) - TREE_NAME_MAX, name);
}

/* --- scp's command --- */

static void expect_command(
	const char *text, enum scp_mode mode, bool recursive, bool times, const char *const *words)
{
	struct scp_command c;
	size_t i;

	assert_int_equal(scp_command_parse(text, strlen(text), &c), 0);
	assert_int_equal(c.mode, mode);
	assert_int_equal(c.recursive, recursive);
	assert_int_equal(c.times, times);
	for (i = 0; words[i]; i++) {
		assert_true(i < c.count);
		assert_string_equal(c.patterns[i], words[i]);
	}
	assert_int_equal(c.count, i);
	scp_command_finish(&c);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void commands_of_all_clients_are_understood(void **state)
{
	expect_command("scp -f dumps/latest", SCP_SOURCE, false, false, WORDS("dumps/latest"));
	expect_command("scp -r -p -d -v -f -- -x", SCP_SOURCE, true, true, WORDS("-x"));
	expect_command("scp -pf 'dumps/a b'", SCP_SOURCE, false, true, WORDS("dumps/a b"));
	expect_command("  /usr/bin/scp  -q -t\t.", SCP_SINK, false, false, WORDS("."));
	expect_command("scp -f a b c", SCP_SOURCE, false, false, WORDS("a", "b", "c"));
	expect_command("scp -f -", SCP_SOURCE, false, false, WORDS("-"));
	expect_command("scp -f ''", SCP_SOURCE, false, false, WORDS(""));
}

/* A quoted star is a star. */
static void quotes_are_those_of_a_shell(void **state)
{
	expect_command("scp -f dumps/*", SCP_SOURCE, false, false, WORDS("dumps/*"));
	expect_command("scp -f 'dumps/*'", SCP_SOURCE, false, false, WORDS("dumps/\\*"));
	expect_command("scp -f \"a b\"'c d'\\ e", SCP_SOURCE, false, false, WORDS("a bc d e"));
	expect_command("scp -f \"\\$x\\\"\\a\"", SCP_SOURCE, false, false, WORDS("$x\"\\\\a"));
	expect_command("scp -f '$(x)`;|&'", SCP_SOURCE, false, false, WORDS("$(x)`;|&"));
	expect_command("scp -f '~/x' ~/y", SCP_SOURCE, false, false, WORDS("\\~/x", "~/y"));
	expect_command("scp -f 'it'\\''s'", SCP_SOURCE, false, false, WORDS("it's"));
	expect_command("scp -f \\[a\\?\\\\", SCP_SOURCE, false, false, WORDS("\\[a\\?\\\\"));
}

static int parse(const char *text, size_t len)
{
	struct scp_command c;
	int r = scp_command_parse(text, len, &c);

	scp_command_finish(&c);
	return r;
}

static void other_commands_are_left_to_others(void **state)
{
	static const char *const others[] = {"", "   ", "sftp", "scpx -f a", "sc", "status --json",
		"xscp -f a", "'scp' -f a", "scp/x -f a"};
	size_t i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(parse(others[i], strlen(others[i])), -ENOENT);
}

static void what_needs_a_shell_is_refused(void **state)
{
	static const char *const wrong[] = {"scp", "scp -f", "scp a", "scp -f -t a", "scp -x -f a",
		"scp -f a;id", "scp -f $HOME", "scp -f \"$HOME\"", "scp -f `id`", "scp -f a|b",
		"scp -f 'a", "scp -f \"a", "scp -f a\\", "scp -f a>b", "scp -f (a)", "scp -f a\nb"};
	char many[4 * SCP_WORDS_MAX] = "scp -f";
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(wrong[i], strlen(wrong[i])), -EINVAL);
	assert_int_equal(parse("scp -f a\0b", 10), -EINVAL);
	for (i = 0; i < SCP_WORDS_MAX; i++)
		memcpy(many + 6 + 2 * i, " a", 3);
	assert_int_equal(parse(many, strlen(many)), -E2BIG);
}

/* --- patterns --- */

static bool matches(const char *pattern, const char *name)
{
	return scp_pattern_match(pattern, strlen(pattern), name);
}

static void patterns_match_as_in_a_shell(void **state)
{
	assert_true(matches("*", "a"));
	assert_false(matches("*", ".a"));
	assert_true(matches(".*", ".a"));
	assert_true(matches("a*b*c", "aXbYbZc"));
	assert_false(matches("a*b*c", "aXbYbZ"));
	assert_true(matches("web-?.elf", "web-1.elf"));
	assert_false(matches("web-?.elf", "web-10.elf"));
	assert_true(matches("[a-c]x", "bx"));
	assert_false(matches("[!a-c]x", "bx"));
	assert_true(matches("[^a-c]x", "dx"));
	assert_true(matches("[]x]", "]"));
	assert_true(matches("[a-]", "-"));
	assert_true(matches("[x", "[x")); /* no set */
	assert_true(matches("\\*", "*"));
	assert_false(matches("\\*", "a"));
	assert_true(matches("[\\]]", "]"));
	assert_true(matches("", ""));
	assert_false(matches("", "a"));
	assert_true(matches("a", "a"));
	assert_false(matches("a", "ab"));
}

static void a_pattern_is_told_from_a_name(void **state)
{
	char plain[16];

	assert_true(scp_pattern_wild("a*", 2));
	assert_true(scp_pattern_wild("a?", 2));
	assert_true(scp_pattern_wild("[a]", 3));
	assert_false(scp_pattern_wild("[a", 2));
	assert_false(scp_pattern_wild("\\*\\?\\[a]", 8));
	assert_int_equal(scp_pattern_plain("\\*a\\\\b", 6, plain), 4);
	assert_string_equal(plain, "*a\\b");
}

/* As long as no command is; the square of it would take minutes. */
static void sets_without_an_end_are_looked_for_once(void **state)
{
	size_t len = (size_t)1 << 20;
	char *pattern = malloc(len);

	assert_non_null(pattern);
	memset(pattern, '[', len);
	assert_false(scp_pattern_wild(pattern, len));
	pattern[len - 1] = '*';
	assert_true(scp_pattern_wild(pattern, len));
	pattern[len - 1] = ']';
	assert_true(scp_pattern_wild(pattern, len));
	free(pattern);
}

/* One that takes exponential time elsewhere. */
static void a_pattern_takes_no_time(void **state)
{
	char pattern[SCP_PATTERN_MAX + 1] = {0}, name[TREE_NAME_MAX + 1];
	size_t i;

	for (i = 0; i + 2 <= 500; i += 2)
		memcpy(pattern + i, "*a", 3);
	memset(name, 'a', TREE_NAME_MAX);
	name[TREE_NAME_MAX] = '\0';
	memcpy(pattern + i, "*b", 3);
	for (i = 0; i < 1000; i++)
		assert_false(matches(pattern, name));
	memset(pattern, '[', SCP_PATTERN_MAX);
	pattern[SCP_PATTERN_MAX] = '\0';
	memset(name, '[', TREE_NAME_MAX);
	assert_false(matches(pattern, name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_is_unpacked),
		cmocka_unit_test(nothing_is_written_behind_the_end),
		cmocka_unit_test(ranges_grow_together),
		cmocka_unit_test(there_are_only_so_many_ranges),
		cmocka_unit_test(columns_are_always_apart),
		cmocka_unit_test(a_line_holds_whatever_there_is),
		cmocka_unit_test(commands_of_all_clients_are_understood),
		cmocka_unit_test(quotes_are_those_of_a_shell),
		cmocka_unit_test(other_commands_are_left_to_others),
		cmocka_unit_test(what_needs_a_shell_is_refused),
		cmocka_unit_test(patterns_match_as_in_a_shell),
		cmocka_unit_test(a_pattern_is_told_from_a_name),
		cmocka_unit_test(sets_without_an_end_are_looked_for_once),
		cmocka_unit_test(a_pattern_takes_no_time),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
