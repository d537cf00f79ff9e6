/* Every bound of matching has a name that its error tells; patterns that are wrong are told why. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "match_tools.h"

/* So that steps run out before time does, wherever this runs. */
#define PATIENCE_MS 60000

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

static void refused(const struct match_words *words, size_t count, int flags, const char *text)
{
	struct match_options options = {.patterns = words,
		.count = count,
		.raw = (flags & RAW) != 0,
		.multi = (flags & MULTI) != 0};
	struct match_refusal why;
	struct match *m = (struct match *)&why;

	assert_int_equal(match_create(room, &options, &m, &why), -EINVAL);
	assert_null(m);
	assert_string_equal(why.text, text);
}

static void refused_one(const char *pattern, int flags, const char *text)
{
	refused(&(struct match_words){pattern, strlen(pattern)}, 1, flags, text);
}

/* What follows is PCRE2's own text, which differs between its releases. */
static void refused_with(const char *pattern, int flags, const char *part)
{
	struct match_words words = {pattern, strlen(pattern)};
	struct match_options options = {.patterns = &words, .count = 1, .raw = (flags & RAW) != 0};
	struct match_refusal why;
	struct match *m;

	assert_int_equal(match_create(room, &options, &m, &why), -EINVAL);
	assert_ptr_equal(strstr(why.text, "pattern 1: "), why.text);
	assert_non_null(strstr(why.text, part));
	assert_non_null(strstr(why.text, " (at byte "));
	assert_null(strchr(why.text, '\n'));
}

static void a_wrong_pattern_is_told_with_its_number_and_place(void **state)
{
	struct match_words two[] = {{"login:", 6}, {"(panic", 6}};

	refused(two, 2, 0, "pattern 2: missing closing parenthesis (at byte 6)");
	refused_one("", 0, "pattern 1: it is empty");
	refused_with("a**b", 0, "quantifier does not follow a repeatable item");
	refused_with("\\C", 0, "\\C");
	refused_with("(*UTF)a", RAW, "UTF");
	refused_with("gr\xfcn", 0, "UTF-8");
}

/* So many of the same. Which of them is too much is PCRE2's affair. */
static void refused_as(struct match_words words, size_t count, const char *end)
{
	struct match_words many[MATCH_PATTERNS_MAX];
	struct match_options options = {.patterns = many, .count = count};
	struct match_refusal why;
	struct match *m;
	size_t i;

	for (i = 0; i < count; i++)
		many[i] = words;
	assert_int_equal(match_create(room, &options, &m, &why), -EINVAL);
	assert_string_equal(why.text + strlen(why.text) - strlen(end), end);
}

static void a_pattern_has_bounds(void **state)
{
	struct match_words many[MATCH_PATTERNS_MAX + 1];
	char text[MATCH_PATTERN_MAX + 2];
	size_t i;

	for (i = 0; i <= MATCH_PATTERNS_MAX; i++)
		many[i] = (struct match_words){"a", 1};
	refused(many, MATCH_PATTERNS_MAX + 1, 0, "limit patterns: more than 16 patterns");
	refused(many, 0, 0, "no pattern");

	memset(text, 'a', sizeof(text));
	text[MATCH_PATTERN_MAX + 1] = '\0';
	refused_one(text, 0, "pattern 1 exceeds the limit pattern-length: longer than 1024 bytes");

	memset(text, '(', MATCH_NESTING_MAX + 1);
	memset(text + MATCH_NESTING_MAX + 1, ')', MATCH_NESTING_MAX + 1);
	text[MATCH_NESTING_MAX + 1 + MATCH_NESTING_MAX + 1] = '\0';
	refused_one(text, 0,
		"pattern 1 exceeds the limit nesting: more than 32 parentheses in each other");

	refused_as((struct match_words){"(abc){1500}", 11}, MATCH_PATTERNS_MAX,
		" exceeds the limit memory: more than 512 KiB for the patterns");

	refused_one("((a{100}){100}){100}", 0,
		"pattern 1 exceeds the limit pattern-size: more than 64 KiB when its repeats are "
		"written out");
}

/* The limit that stops a pattern on this output. */
static enum match_limit stopped_by(const char *pattern, int flags, const char *output, size_t len)
{
	struct match *m = match_make(room, (const char *const[]){pattern, NULL}, flags, 0, 0);
	enum match_limit limit = MATCH_LIMIT_NONE;
	char told[64];

	match_feed(m, 0, output, len, SIZE_MAX);
	match_rest(m);
	assert_int_equal(match_state(m), MATCH_STOPPED);
	do {
		assert_int_not_equal(++limit, MATCH_LIMIT_COUNT);
		snprintf(told, sizeof(told), " the limit %s: ", match_limit_name(limit));
	} while (!strstr(match_why(m), told));
	match_destroy(&m);
	return limit;
}

static void a_look_has_bounds(void **state)
{
	size_t len = 64 << 10;
	char *text = malloc(len);

	assert_non_null(text);
	memset(text, 'a', len);
	text[98] = '!';
	text[99] = '\n';
	match_room_patience(room, PATIENCE_MS);
	assert_int_equal(stopped_by("(a+)+$", 0, text, 100), MATCH_LIMIT_STEPS);
	memset(text, 'a', len);
	assert_int_equal(stopped_by("(?:a|b)*", MULTI, text, len), MATCH_LIMIT_DEPTH);
	assert_int_equal(stopped_by("(?:(a)()()()()()()()()()()()()()()()()()()()()()()()()()()"
				    "()()()()()()()()()()()()()()()()()()()()()()()()|b)*",
				 MULTI, text, len),
		MATCH_LIMIT_HEAP);
	match_room_patience(room, MATCH_TIME_MAX_MS);
	assert_int_equal(stopped_by("\\w+\\s+\\d", MULTI, text, len), MATCH_LIMIT_TIME);
	free(text);
}

static void a_limit_is_told_in_one_line(void **state)
{
	struct match *m = match_make(room, (const char *const[]){"x", "(a+)+$", NULL}, 0, 0, 0);

	match_room_patience(room, PATIENCE_MS);
	match_feed(m, 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n", 42, SIZE_MAX);
	assert_int_equal(match_state(m), MATCH_STOPPED);
	assert_string_equal(match_why(m), "pattern 2 exceeds the limit steps: more than 1000000 "
					  "steps for one piece of output, before offset 42");
	match_room_patience(room, MATCH_TIME_MAX_MS);
	match_destroy(&m);
}

static void what_one_pattern_finds_outweighs_the_limit_of_another(void **state)
{
	struct match *m = match_make(room, (const char *const[]){"a!", "(a+)+$", NULL}, 0, 0, 0);

	match_feed(m, 0, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n", 42, SIZE_MAX);
	assert_int_equal(match_state(m), MATCH_FOUND);
	match_destroy(&m);
}

static void each_limit_has_a_name_of_its_own(void **state)
{
	int i, j;

	for (i = 1; i < MATCH_LIMIT_COUNT; i++) {
		assert_true(strlen(match_limit_name(i)) > 0 && strlen(match_limit_text(i)) > 0);
		for (j = 1; j < i; j++)
			assert_string_not_equal(match_limit_name(i), match_limit_name(j));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wrong_pattern_is_told_with_its_number_and_place),
		cmocka_unit_test(a_pattern_has_bounds),
		cmocka_unit_test(a_look_has_bounds),
		cmocka_unit_test(a_limit_is_told_in_one_line),
		cmocka_unit_test(what_one_pattern_finds_outweighs_the_limit_of_another),
		cmocka_unit_test(each_limit_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
