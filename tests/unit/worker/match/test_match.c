/* Patterns over a console's output: what counts as its text, when it is looked at, what is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "match_tools.h"

static struct match_room *room;

static int set_up(void **state)
{
	return match_room_create(&room);
}

static int tear_down(void **state)
{
	match_room_destroy(&room);
	return 0;
}

/* What is to be found: nothing when text is NULL. */
struct found {
	const char *text;
	unsigned pattern;
	uint64_t start, end;
};

static void check_at(int line, struct match *m, const struct found *wanted)
{
	struct match_result result = {0};
	size_t len = wanted->text ? strlen(wanted->text) : 0;

	if (match_state(m) == MATCH_FOUND)
		match_result(m, &result);
	if (!wanted->text && match_state(m) == MATCH_READING)
		return;
	if (wanted->text && match_state(m) == MATCH_FOUND && result.len == len &&
		memcmp(result.text, wanted->text, len) == 0 && result.pattern == wanted->pattern &&
		result.start == wanted->start && result.end == wanted->end)
		return;
	print_error("line %d: state %d, '%.*s' by pattern %u at %d-%d %s\n", line, match_state(m),
		(int)result.len, result.text, result.pattern, (int)result.start, (int)result.end,
		match_why(m));
	fail();
}

/* Output in pieces of one byte, of two, ... and in one: always the same is found. */
static void find_any(int line, const char *const *patterns, int flags, const char *output,
	size_t len, const struct found *wanted)
{
	size_t piece;

	for (piece = 1; piece <= len; piece++) {
		struct match *m = match_make(room, patterns, flags, 0, 0);

		match_feed(m, 0, output, len, piece);
		if (flags & RESTS)
			match_rest(m);
		check_at(line, m, wanted);
		match_destroy(&m);
	}
}

#define CHECK(m, ...) check_at(__LINE__, m, &(struct found){__VA_ARGS__})
#define FIND(pattern, flags, output, ...)                                                          \
	find_any(__LINE__, (const char *const[]){pattern, NULL}, flags, output,                    \
		sizeof(output) - 1, &(struct found){__VA_ARGS__})
#define FIND_NOTHING(pattern, flags, output) FIND(pattern, flags, output, .text = NULL)

/* --- text --- */

static void a_line_is_what_is_between_line_ends(void **state)
{
	FIND("b", 0, "abc\ndef\n", "abc", 0, 1, 2);
	FIND("e", 0, "abc\ndef\n", "def", 0, 5, 6);
	FIND("^def$", 0, "abc\r\ndef\r\n", "def", 0, 5, 8);
	FIND("^$", 0, "abc\r\n\r\n", "", 0, 5, 5);
	FIND_NOTHING("^$", 0, "abc\r\ndef\r\r\n");
	FIND_NOTHING("c\\s*d", 0, "abc\r\ndef\r\n");
	FIND("a\tb", 0, "a\tb\n", "a\tb", 0, 0, 3);
}

static void control_sequences_are_taken_out(void **state)
{
	FIND("^root@vm:~# $", RESTS, "\x1b[?2004h\x1b]0;root@vm\x07\x1b[01;32mroot@vm\x1b[0m:~# ",
		"root@vm:~# ", 0, 28, 43);
	FIND("^\\[  OK  \\] Started$", 0, "[\x1b[0;32m  OK  \x1b[0m] Started\x1b[0m\n",
		"[  OK  ] Started", 0, 0, 27);
	FIND("^login: $", RESTS, "\x1bP1$r0m\x1b\\lo\x1b_x\x1b\\gin\x1b(B: ", "login: ", 0, 9, 24);
	FIND("ab", 0, "a\x07\x0e\x0f\x7f\x1b[3%mb\x1b[m\n", "ab", 0, 0, 11);
}

static void a_prompt_that_systemd_has_marked_up_is_a_prompt(void **state)
{
	FIND("^bash-5\\.2# $", RESTS,
		"\x1b]3008;start=4b0c;machineid=3deb5353d3ba43d08201c136a47ead7b;user=root;"
		"hostname=vm;bootid=d4a3d0fdf2e24fdea6d971ce73f4fbf2;pid=1063;type=shell;"
		"cwd=/root\x1b\\\x1b[?2004hbash-5.2# ",
		"bash-5.2# ", 0, 162, 172);
}

static void output_after_a_carriage_return_is_a_line_of_its_own(void **state)
{
	FIND("^ 20%$", 0, " 10%\r 20%\r100%\n", " 20%", 0, 5, 9);
	FIND("^100%$", 0, " 10%\r 20%\r100%\n", "100%", 0, 10, 14);
	FIND("^Done$", 0, "Downloading\r\x1b[KDone\n", "Done", 0, 15, 19);
	FIND("^vm% $", RESTS, "%      \r \r\r\x1b[0m\x1b[27m\x1b[Jvm% \x1b[K", "vm% ", 0, 23, 27);
	FIND("^Done$", 0, "Downloading\x1b[2KDone\n", "Done", 0, 15, 19);
	FIND("^Done$", 0, "Downloading\x1b[1GDone\n", "Done", 0, 15, 19);
}

static void output_on_another_line_of_the_screen_is_a_line_of_its_own(void **state)
{
	FIND("^Boot from disk$", 0, "\x1b[2J\x1b[05;10HSetup\x1b[06;10HBoot from disk\x1b[07;10H",
		"Boot from disk", 0, 25, 39);
	FIND("^two$", 0,
		"one\x1b"
		"Dtwo\x1b"
		"Ethree\n",
		"two", 0, 5, 8);
}

static void what_is_rubbed_out_or_written_over_is_gone(void **state)
{
	FIND("^ls$", 0, "lx\b \bs\n", "ls", 0, 0, 6);
	FIND("^l$", 0, "lxyz\b\b\b   \b\b\b\n", "l", 0, 0, 1);
	FIND("^axc$", 0, "abc\b\bxc\n", "axc", 0, 0, 7);
	FIND("^abc$", 0, "abx\b\x1b[Kc\n", "abc", 0, 0, 8);
	FIND("^/$", 0, "-\b\\\b|\b/\n", "/", 0, 6, 7);
	FIND("^-$", 0, "-\b\\\b|\b/\n", .text = NULL);
	FIND("[|]", 0, "-\b\\\b|\b/\n", "|", 0, 4, 5);
	FIND("^aXYd$", 0, "abcd\x1b[3DXY\x1b[C\n", "aXYd", 0, 0, 10);
	FIND("^gr\xc3\xbcn$", 0, "gr\xc3\xa4n\b\b\xc3\xbc\n", "gr\xc3\xbcn", 0, 0, 9);
	FIND("^gron$", 0, "gr\xc3\xa4n\b\bo\n", "gron", 0, 0, 8);
}

static void characters_are_those_of_utf8(void **state)
{
	FIND("^gr.n$", 0, "gr\xc3\xbcn\n", "gr\xc3\xbcn", 0, 0, 5);
	FIND("(?i)GR\xc3\x9cN", 0, "gr\xc3\xbcn\n", "gr\xc3\xbcn", 0, 0, 5);
	/* What is none is one character that nobody can read. */
	FIND("^a.b$", 0,
		"a\xff"
		"b\n",
		"a\xef\xbf\xbd"
		"b",
		0, 0, 3);
	FIND("^.b$", 0,
		"\xe4"
		"b\n",
		"\xef\xbf\xbd"
		"b",
		0, 0, 2);
	FIND_NOTHING("\xc2\x9b", 0,
		"a\xc2\x9b"
		"31mb\x9b\n");
}

static void a_broken_sequence_does_not_deafen(void **state)
{
	FIND("^panic$", 0, "\x1bP the guest was reset here\npanic\n", "panic", 0, 28, 33);
	FIND("^panic$", 0, "\x1b]0;title\r\npanic\r\n", "panic", 0, 11, 16);
	FIND("panic", 0, "\x1b[31\x18panic\n", "panic", 0, 5, 10);
	FIND("panic", 0, "\x1b[99999999999999999999999999Cpanic\n", "panic", 0, 29, 34);
}

static void raw_output_is_bytes(void **state)
{
	FIND("^\\x1b\\[1mab\\x1b\\[0m\\r$", RAW, "\x1b[1mab\x1b[0m\r\n", "\x1b[1mab\x1b[0m\r", 0, 0,
		11);
	FIND("^\\xff\\xfe.$", RAW, "a\n\xff\xfe\xe4\n", "\xff\xfe\xe4", 0, 2, 5);
}

static void a_nul_byte_is_a_byte(void **state)
{
	struct match *m = match_make(room, (const char *const[]){"^a\\x00b$", NULL}, RAW, 0, 0);
	struct match_result result;

	match_feed(m, 0, "a\0b", 3, 3);
	match_rest(m);
	assert_int_equal(match_state(m), MATCH_FOUND);
	match_result(m, &result);
	assert_int_equal(result.len, 3);
	assert_memory_equal(result.text, "a\0b", 3);
	match_destroy(&m);
}

/* --- when --- */

static struct match *feed_one(const char *pattern, const char *output)
{
	struct match *m = match_make(room, (const char *const[]){pattern, NULL}, 0, 0, 0);

	match_feed(m, 0, output, strlen(output), SIZE_MAX);
	return m;
}

static void a_prompt_is_found_before_its_line_ends(void **state)
{
	struct match *m = feed_one("login:", "boot\r\nvm login: ");

	assert_int_equal(match_state(m), MATCH_HOLDING);
	match_rest(m);
	CHECK(m, "vm login: ", 0, 9, 15);
	match_destroy(&m);
}

static void what_more_output_could_change_waits_until_the_output_rests(void **state)
{
	struct match *m = feed_one("jiffies \\d+", "[1.0] jiffies 42");

	assert_int_equal(match_state(m), MATCH_READING);
	match_feed(m, 16, "94", 2, 2);
	assert_int_equal(match_state(m), MATCH_READING);
	match_rest(m);
	CHECK(m, "[1.0] jiffies 4294", 0, 6, 18);
	match_destroy(&m);

	m = feed_one("# $", "vm# ");
	assert_int_equal(match_state(m), MATCH_READING);
	match_feed(m, 4, "l", 1, 1);
	match_rest(m);
	assert_int_equal(match_state(m), MATCH_READING);
	match_feed(m, 5, "\b", 1, 1);
	match_feed(m, 6, "\x1b[K", 3, 3);
	match_rest(m);
	CHECK(m, "vm# ", 0, 2, 4);
	match_destroy(&m);
}

static void the_line_of_a_match_is_whole_when_it_goes_on_at_once(void **state)
{
	struct match *m = feed_one("panic", "Kernel panic - not");

	assert_int_equal(match_state(m), MATCH_HOLDING);
	match_feed(m, 18, " syncing\r\nmore", 14, SIZE_MAX);
	CHECK(m, "Kernel panic - not syncing", 0, 7, 12);
	match_destroy(&m);

	m = feed_one("panic", "Kernel panic - not");
	match_release(m);
	CHECK(m, "Kernel panic - not", 0, 7, 12);
	match_destroy(&m);
}

static void nothing_matches_a_line_without_a_character(void **state)
{
	struct match *m = feed_one("^", "\x1b[2J\x1b[H");

	match_rest(m);
	assert_int_equal(match_state(m), MATCH_READING);
	match_destroy(&m);
}

/* --- where --- */

static void find_from_any(int line, uint64_t offset, uint64_t from, const char *pattern,
	const char *output, const struct found *wanted)
{
	size_t len = strlen(output), piece;

	for (piece = 1; piece <= len; piece++) {
		struct match *m =
			match_make(room, (const char *const[]){pattern, NULL}, 0, offset, from);

		match_feed(m, offset, output, len, piece);
		match_rest(m);
		check_at(line, m, wanted);
		match_destroy(&m);
	}
}

#define FIND_FROM(offset, from, pattern, output, ...)                                              \
	find_from_any(__LINE__, offset, from, pattern, output, &(struct found){__VA_ARGS__})

static void what_was_before_the_offset_is_not_found(void **state)
{
	FIND_FROM(100, 107, "login:", "vm login: root\nvm login: ", "vm login: ", 0, 118, 124);
	FIND_FROM(100, 103, "login:", "vm login: root\nvm login: ", "vm login: root", 0, 103, 109);
	FIND_FROM(100, 104, "login:", "vm login: ", .text = NULL);
	/* The rest of the line is known, and so is the sequence that the offset lies in. */
	FIND_FROM(100, 110, "^root", "vm login: root\n", .text = NULL);
	FIND_FROM(100, 110, "(?<=login: )root", "vm login: root\n", "vm login: root", 0, 110, 114);
	FIND_FROM(100, 107, "[a-z]+", "1 \x1b]0;title\x1b\\22 abc\n", "1 22 abc", 0, 116, 119);
}

static void a_line_whose_start_is_not_known_has_none(void **state)
{
	FIND_FROM(50, 50, "^b", "b\nab\n", .text = NULL);
	FIND_FROM(50, 50, "^b", "b\nb\n", "b", 0, 52, 53);
	FIND_FROM(0, 0, "^b", "b\n", "b", 0, 0, 1);
}

/* Where one job was given up at any place, another one goes on and finds the same. */
static void give_up_at(size_t place, int flags, const char *pattern, const char *output,
	const struct found *wanted)
{
	struct match_words words = {pattern, strlen(pattern)};
	struct match_options options = {
		.patterns = &words, .count = 1, .multi = (flags & MULTI) != 0, .from = 2};
	struct match_refusal why;
	struct match *m;

	assert_int_equal(match_create(room, &options, &m, &why), 0);
	match_feed(m, 0, output, place, SIZE_MAX);
	if (match_state(m) != MATCH_FOUND) {
		options.offset = match_again(m, &options.begins);
		assert_true(options.offset <= place);
		match_destroy(&m);
		assert_int_equal(match_create(room, &options, &m, &why), 0);
		match_feed(m, options.offset, output + options.offset,
			strlen(output) - options.offset, SIZE_MAX);
		match_rest(m);
	}
	check_at(__LINE__, m, wanted);
	match_destroy(&m);
}

static void another_job_goes_on_where_one_was_given_up(void **state)
{
	static const char output[] = "vm login: root\r\nLast\rLost\x1b[H\x1b[1mvm \x1b[0m# ";
	size_t place;

	for (place = 0; place <= sizeof(output) - 1; place++) {
		give_up_at(place, 0, "^vm # $", output, &(struct found){"vm # ", 0, 32, 41});
		give_up_at(place, 0, "^ login", output, &(struct found){.text = NULL});
		give_up_at(place, MULTI, "root\\nLast\\nL", output,
			&(struct found){"vm login: root\nLast\nLost", 0, 10, 22});
	}
}

static void missing_output_ends_a_line(void **state)
{
	struct match *m = feed_one("ab|^c|d$", "x\na");

	match_feed(m, 1000, "b", 1, 1);
	match_feed(m, 2000, "c\n", 2, 2);
	assert_int_equal(match_state(m), MATCH_READING);
	match_destroy(&m);

	m = feed_one("d$", "x\nabcd");
	match_feed(m, 1000, "e\n", 2, 2);
	CHECK(m, "abcd", 0, 5, 6);
	match_destroy(&m);

	/* No match spans it, and what comes behind it begins no line. */
	m = match_make(room, (const char *const[]){"b\\n*c|^d", NULL}, MULTI, 0, 0);
	match_feed(m, 0, "a\nb", 3, 3);
	match_feed(m, 1000, "c\n", 2, 2);
	match_feed(m, 2000, "d\nd\n", 4, 4);
	CHECK(m, "d", 0, 2002, 2003);
	match_destroy(&m);

	/* A sequence that was broken off there is over. */
	m = feed_one("after", "x\n\x1b]0;abc");
	match_feed(m, 1000, "after\n", 6, 6);
	CHECK(m, "after", 0, 1000, 1005);
	match_destroy(&m);
}

static void long_lines_are_looked_at_all_along(void **state)
{
	size_t len = (size_t)3 * MATCH_LINE_MAX, at;
	char *line = malloc(len + 1);

	assert_non_null(line);
	for (at = 0; at < len; at += 511) {
		struct match *m =
			match_make(room, (const char *const[]){"START.{9}END", NULL}, 0, 0, 0);
		struct match_result result;

		memset(line, '.', len);
		memcpy(line + at, "START 0123456 END", len - at < 17 ? len - at : 17);
		match_feed(m, 0, line, len, 1000);
		match_rest(m);
		if (len - at < 17) {
			assert_int_equal(match_state(m), MATCH_READING);
		} else {
			assert_int_equal(match_state(m), MATCH_FOUND);
			match_result(m, &result);
			assert_int_equal(result.start, at);
			assert_int_equal(result.end, at + 17);
			assert_true(result.len <= MATCH_LINE_MAX);
		}
		match_destroy(&m);
	}
	free(line);
}

/* --- several patterns --- */

#define FIND2(one, two, output, ...)                                                               \
	find_any(__LINE__, (const char *const[]){one, two, NULL}, RESTS, output,                   \
		sizeof(output) - 1, &(struct found){__VA_ARGS__})

static void of_several_patterns_the_first_to_appear_is_found(void **state)
{
	FIND2("login:", "panic", "Kernel panic\nvm login: ", "Kernel panic", 1, 7, 12);
	FIND2("login:", "panic", "vm login: \nKernel panic", "vm login: ", 0, 3, 9);
	FIND2("d", "b", "abcd\n", "abcd", 1, 1, 2);
	FIND2("b", "ab", "abcd\n", "abcd", 0, 1, 2);
	FIND2("ab", "b", "abcd\n", "abcd", 0, 0, 2);
	FIND2("a.*d", "bc", "abcd\n", "abcd", 1, 1, 3);
	FIND2("a(?=bcd)", "ab", "abcd\n", "abcd", 1, 0, 2);
	FIND2("x$", "cd$", "abcd\n", "abcd", 1, 2, 4);
	FIND2("^abcd$", "cd$", "abcd\n", "abcd", 0, 0, 4);
}

/* --- multi --- */

static void a_match_may_span_lines(void **state)
{
	FIND("one.*\\n.*three", MULTI, "x\r\none two\r\nand three!\r\nx\r\n", "one two\nand three!",
		0, 3, 21);
	FIND("^b$\\n^c$", MULTI, "a\nb\nc\n", "b\nc", 0, 2, 5);
	FIND("(?s)BEGIN.*?END", MULTI | RESTS, "x BEGIN\n1\n2\n END y", "x BEGIN\n1\n2\n END y", 0,
		2, 16);
	FIND("c\\nd", MULTI | RESTS, "abc\rde", "abc\nde", 0, 2, 5);
	FIND("^b\\nc", MULTI | RESTS, "a\bb\nx\b \bc", "b\nc", 0, 2, 9);
	FIND("a\\nb", MULTI | RAW, "xa\nb\n", "xa\nb", 0, 1, 4);
}

static void put_word(char *at, const char *word)
{
	for (; *word; word++)
		*at++ = *word;
}

static void a_match_may_span_the_window(void **state)
{
	size_t gap, len = 200000;
	char *text = malloc(len);

	assert_non_null(text);
	for (gap = 1000; gap <= 81000; gap += 16000) {
		struct match *m = match_make(
			room, (const char *const[]){"(?s)BEGIN[^E]*END", NULL}, MULTI, 0, 0);
		size_t i;

		for (i = 0; i < len; i++)
			text[i] = i % 64 == 63 ? '\n' : '.';
		put_word(text + 100000, "BEGIN");
		put_word(text + 100000 + gap, "END");
		match_feed(m, 0, text, len, 777);
		if (gap + 3 <= MATCH_WINDOW_MAX) {
			struct match_result result;

			assert_int_equal(match_state(m), MATCH_FOUND);
			match_result(m, &result);
			assert_int_equal(result.start, 100000);
			assert_int_equal(result.end, 100000 + gap + 3);
			assert_true(result.len <= MATCH_TEXT_MAX);
			assert_int_equal(result.cut, gap > MATCH_TEXT_MAX);
		} else if (gap > MATCH_WINDOW_MAX + 20000) {
			assert_int_equal(match_state(m), MATCH_READING);
		}
		match_destroy(&m);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_what_is_between_line_ends),
		cmocka_unit_test(control_sequences_are_taken_out),
		cmocka_unit_test(a_prompt_that_systemd_has_marked_up_is_a_prompt),
		cmocka_unit_test(output_after_a_carriage_return_is_a_line_of_its_own),
		cmocka_unit_test(output_on_another_line_of_the_screen_is_a_line_of_its_own),
		cmocka_unit_test(what_is_rubbed_out_or_written_over_is_gone),
		cmocka_unit_test(characters_are_those_of_utf8),
		cmocka_unit_test(a_broken_sequence_does_not_deafen),
		cmocka_unit_test(raw_output_is_bytes),
		cmocka_unit_test(a_nul_byte_is_a_byte),
		cmocka_unit_test(a_prompt_is_found_before_its_line_ends),
		cmocka_unit_test(what_more_output_could_change_waits_until_the_output_rests),
		cmocka_unit_test(the_line_of_a_match_is_whole_when_it_goes_on_at_once),
		cmocka_unit_test(nothing_matches_a_line_without_a_character),
		cmocka_unit_test(what_was_before_the_offset_is_not_found),
		cmocka_unit_test(a_line_whose_start_is_not_known_has_none),
		cmocka_unit_test(another_job_goes_on_where_one_was_given_up),
		cmocka_unit_test(missing_output_ends_a_line),
		cmocka_unit_test(long_lines_are_looked_at_all_along),
		cmocka_unit_test(of_several_patterns_the_first_to_appear_is_found),
		cmocka_unit_test(a_match_may_span_lines),
		cmocka_unit_test(a_match_may_span_the_window),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
