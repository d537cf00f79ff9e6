/* What looks like a panic is found, wherever it is cut, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "console/health/panic.h"

static struct panic_texts *make(const char *text)
{
	struct config_list list = {0};
	struct panic_texts *texts;

	assert_int_equal(config_list_parse(text, &list, NULL), 0);
	assert_int_equal(panic_create(&list, &texts), 0);
	config_list_finish(&list);
	return texts;
}

/* Where each text that is found ends, with the output cut into pieces of `piece` bytes. */
static size_t find_all(const struct panic_texts *texts, const char *output, size_t piece,
	size_t ends[], const char *names[], size_t max)
{
	size_t len = strlen(output), at = 0, count = 0;
	uint16_t state = 0;

	while (at < len) {
		size_t n = len - at < piece ? len - at : piece, done = 0;

		while (done < n) {
			const char *which;

			done += panic_scan(texts, &state, (const uint8_t *)output + at + done,
				n - done, &which);
			assert_true(done <= n);
			if (!which)
				assert_int_equal(done, n);
			else if (count < max) {
				names[count] = which;
				ends[count++] = at + done;
			}
		}
		at += n;
	}
	return count;
}

static void text_is_found_wherever_it_is_cut(void **state)
{
	struct panic_texts *texts = make("Kernel panic - not syncing, Oops:%20");
	static const char output[] = "[1.2] Oops: 0002\r\nKernel Kernel panic - not syncing: x\r\n";
	size_t piece;

	for (piece = 1; piece <= sizeof(output); piece++) {
		size_t ends[4];
		const char *names[4];

		assert_int_equal(find_all(texts, output, piece, ends, names, 4), 2);
		assert_string_equal(names[0], "Oops: ");
		assert_int_equal(ends[0], 12);
		assert_string_equal(names[1], "Kernel panic - not syncing");
		assert_int_equal(ends[1], 18 + 7 + 26);
	}
	panic_destroy(&texts);
	assert_null(texts);
}

static void beginning_of_one_text_inside_another_is_not_lost(void **state)
{
	struct panic_texts *texts = make("aab, abc, b");
	size_t ends[8];
	const char *names[8];

	assert_int_equal(find_all(texts, "aaabc", 5, ends, names, 8), 2);
	assert_string_equal(names[0], "aab");
	assert_int_equal(ends[0], 4);
	assert_string_equal(names[1], "abc");
	assert_int_equal(ends[1], 5);
	assert_int_equal(find_all(texts, "xb", 2, ends, names, 8), 1);
	assert_string_equal(names[0], "b");
	panic_destroy(&texts);
}

static void text_that_overlaps_itself_is_found_each_time(void **state)
{
	struct panic_texts *texts = make("abab");
	size_t ends[8];
	const char *names[8];

	assert_int_equal(find_all(texts, "ababab", 6, ends, names, 8), 2);
	assert_int_equal(ends[0], 4);
	assert_int_equal(ends[1], 6);
	panic_destroy(&texts);
}

static void case_and_unfinished_texts_do_not_count(void **state)
{
	struct panic_texts *texts = make("BUG: soft lockup");
	size_t ends[2];
	const char *names[2];

	assert_int_equal(find_all(texts, "bug: soft lockup BUG: soft lockuP BUG: soft locku", 7,
				 ends, names, 2),
		0);
	panic_destroy(&texts);
}

static void every_byte_may_stand_in_a_text(void **state)
{
	char *items[] = {(char[]){"\xff\x01\x80"}, (char[]){""}};
	struct config_list list = {items, 2};
	struct panic_texts *texts;
	uint16_t at = 0;
	const char *which;

	assert_int_equal(panic_create(&list, &texts), 0);
	assert_int_equal(panic_scan(texts, &at, (const uint8_t *)"\0\xff\x01\x80!", 5, &which), 4);
	assert_non_null(which);
	panic_destroy(&texts);
}

static void nothing_to_look_for_is_no_error(void **state)
{
	struct config_list list = {0};
	struct panic_texts *texts = (struct panic_texts *)&list;

	assert_int_equal(panic_create(&list, &texts), 0);
	assert_null(texts);
}

static void most_and_longest_texts_fit(void **state)
{
	struct config_list list = {calloc(CONFIG_LIST_MAX, sizeof(char *)), CONFIG_LIST_MAX};
	struct panic_texts *texts;
	uint16_t at = 0;
	const char *which;
	size_t i;

	for (i = 0; i < list.count; i++) {
		list.items[i] = malloc(400);
		memset(list.items[i], (int)(i % 255) + 1, 399);
		list.items[i][399] = '\0';
	}
	assert_int_equal(panic_create(&list, &texts), 0);
	assert_int_equal(panic_scan(texts, &at, (const uint8_t *)list.items[5], 399, &which),
		PANIC_TEXT_MAX);
	assert_non_null(which);
	panic_destroy(&texts);
	config_list_finish(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_found_wherever_it_is_cut),
		cmocka_unit_test(beginning_of_one_text_inside_another_is_not_lost),
		cmocka_unit_test(text_that_overlaps_itself_is_found_each_time),
		cmocka_unit_test(case_and_unfinished_texts_do_not_count),
		cmocka_unit_test(every_byte_may_stand_in_a_text),
		cmocka_unit_test(nothing_to_look_for_is_no_error),
		cmocka_unit_test(most_and_longest_texts_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
