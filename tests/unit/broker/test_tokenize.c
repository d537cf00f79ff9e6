/* Commands are split into words as a shell would quote them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/verb/text_value.h"
#include "core/text/tokenize.h"

static void check(const char *text, const char *const *wanted)
{
	struct tokens w;
	size_t i;

	assert_int_equal(tokenize(text, strlen(text), &w), 0);
	for (i = 0; wanted[i]; i++) {
		assert_true(i < w.count);
		assert_string_equal(w.list[i], wanted[i]);
	}
	assert_int_equal(w.count, i);
	assert_null(w.list[w.count]);
	tokens_finish(&w);
}

static void words_are_separated_by_blanks(void **state)
{
	check("", (const char *const[]){NULL});
	check(" \t\r\n ", (const char *const[]){NULL});
	check("list", (const char *const[]){"list", NULL});
	check("  attach\t--lines   5 \n", (const char *const[]){"attach", "--lines", "5", NULL});
}

static void quotes_keep_blanks_and_join_what_they_touch(void **state)
{
	check("send 'a b' \"c d\"", (const char *const[]){"send", "a b", "c d", NULL});
	check("a'b c'd\"e f\"", (const char *const[]){"ab cde f", NULL});
	check("'' \"\"", (const char *const[]){"", "", NULL});
	check("'it'\\''s'", (const char *const[]){"it's", NULL});
	check("\"a\\\"b\" 'c\\d' e\\ f", (const char *const[]){"a\"b", "c\\d", "e f", NULL});
	check("end\\", (const char *const[]){"end\\", NULL});
}

static void what_cannot_be_split_is_refused(void **state)
{
	char many[4 * TOKENS_MAX + 8];
	struct tokens w;
	size_t i;

	assert_int_equal(tokenize("a 'b", 4, &w), -EINVAL);
	assert_int_equal(tokenize("a \"b", 4, &w), -EINVAL);
	assert_int_equal(tokenize("a\0b", 3, &w), -EILSEQ);
	for (i = 0; i < sizeof(many); i++)
		many[i] = i % 2 ? ' ' : 'x';
	assert_int_equal(tokenize(many, (size_t)2 * (TOKENS_MAX + 1), &w), -E2BIG);
	assert_int_equal(tokenize(many, (size_t)2 * TOKENS_MAX, &w), 0);
	tokens_finish(&w);
}

static void numbers_and_times_are_read_strictly(void **state)
{
	static const char *const bad[] = {"", "-1", "+1", "1x", "0x10", "99999999999999999999"};
	uint64_t value, other;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(text_number(bad[i], &value), -EINVAL);
	assert_int_equal(text_number("18446744073709551615", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(text_time("1970-01-02T00:00:01Z", &value), 0);
	assert_true(value == UINT64_C(86401000000));
	assert_int_equal(text_time("1970-01-02 01:00", &value), 0);
	assert_int_equal(text_time("1970-01-02T02:00:00+01:00", &other), 0);
	assert_true(value == other);
	assert_int_equal(text_time("yesterday", &value), -EINVAL);
	assert_int_equal(text_time("2026-11-22T10:00:00+1", &value), -EINVAL);
	assert_int_equal(text_time("10m", &value), 0);
	assert_int_equal(text_time("20m", &other), 0);
	assert_true(value > other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_separated_by_blanks),
		cmocka_unit_test(quotes_keep_blanks_and_join_what_they_touch),
		cmocka_unit_test(what_cannot_be_split_is_refused),
		cmocka_unit_test(numbers_and_times_are_read_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
