/* A screen shows what a terminal would, whatever output it is made of, and costs no more than it
 * may. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/screen/screen.h"

#define COLUMNS 20
#define ROWS 4

static int set_up(void **state)
{
	return screen_create(COLUMNS, ROWS, (struct screen **)state);
}

static int tear_down(void **state)
{
	screen_destroy((struct screen **)state);
	return 0;
}

static int feed(struct screen *s, const void *data, size_t len)
{
	const uint8_t *at = data;
	size_t used;
	int r = 0;

	for (; r == 0 && len > 0; at += used, len -= used)
		r = screen_feed(s, at, len, &used);
	return r;
}

static void print(struct screen *s, const char *text)
{
	assert_int_equal(feed(s, text, strlen(text)), 0);
}

static void shows(struct screen *s, unsigned row, const char *text)
{
	char line[SCREEN_ROW_MAX];
	struct screen_cursor cursor;

	assert_int_equal(screen_look(s, &cursor), 0);
	assert_int_equal(screen_row(s, row, line), strlen(text));
	assert_string_equal(line, text);
}

static void a_size_that_is_none_is_refused(void **state)
{
	static const unsigned sizes[][2] = {{0, 24}, {80, 0}, {SCREEN_COLUMNS_MAX + 1, 24},
		{80, SCREEN_ROWS_MAX + 1}, {UINT32_MAX, UINT32_MAX}};
	struct screen *s;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(screen_create(sizes[i][0], sizes[i][1], &s), -EINVAL);
}

static void lines_scroll(void **state)
{
	print(*state, "one\r\ntwo\r\nthree\r\nfour\r\nfive");
	shows(*state, 0, "two");
	shows(*state, 3, "five");
}

static void cells_are_drawn_where_the_cursor_was_put(void **state)
{
	struct screen_cursor cursor;

	print(*state, "\033[2;3Hab\033[1;1H\033(0lqk\033(B\033[4;20Hz\033[3;2H");
	shows(*state, 0, "┌─┐");
	shows(*state, 1, "  ab");
	shows(*state, 2, "");
	shows(*state, 3, "                   z");
	assert_int_equal(screen_look(*state, &cursor), 0);
	assert_int_equal(cursor.column, 1);
	assert_int_equal(cursor.row, 2);
	assert_false(cursor.hidden);
	assert_false(cursor.alternate);
}

static void what_a_full_screen_program_covered_is_there_again(void **state)
{
	struct screen_cursor cursor;

	print(*state, "shell$ \033[?1049h\033[?25l\033[Hmenu");
	shows(*state, 0, "menu");
	assert_int_equal(screen_look(*state, &cursor), 0);
	assert_true(cursor.alternate);
	assert_true(cursor.hidden);
	print(*state, "\033[?25h\033[?1049l");
	shows(*state, 0, "shell$");
}

static void wide_characters_take_two_cells(void **state)
{
	print(*state, "中文x\033[1;3H\033[K|");
	shows(*state, 0, "中|");
}

static void what_a_wide_character_covers_is_not_there(void **state)
{
	print(*state, "abcdef\r中");
	shows(*state, 0, "中cdef");
	print(*state, "\033[1;2Hx");
	shows(*state, 0, " xcdef");
}

static void the_cursor_is_on_the_screen_or_behind_its_last_column(void **state)
{
	struct screen_cursor cursor;
	struct screen *s;

	assert_int_equal(screen_create(1, 2, &s), 0);
	print(s, "中\r\n\n中");
	assert_int_equal(screen_look(s, &cursor), 0);
	assert_int_equal(cursor.column, 1);
	assert_int_equal(cursor.row, 1);
	screen_destroy(&s);
}

/* A sequence in several pieces is one sequence. */
static void output_may_come_byte_by_byte(void **state)
{
	static const char text[] = "a\033[2;5H\033[1mbold\033[m \xe4\xb8\xad";

	for (const char *c = text; *c; c++)
		assert_int_equal(feed(*state, c, 1), 0);
	shows(*state, 0, "a");
	shows(*state, 1, "    bold 中");
}

static void behind_a_cut_the_rest_of_a_line_is_left_out(void **state)
{
	screen_cut(*state);
	print(*state, "5;22Hrest of a line\r\nwhole");
	shows(*state, 0, "");
	shows(*state, 1, "whole");
}

static void behind_a_cut_no_line_goes_on_with_another(void **state)
{
	print(*state, "first");
	screen_cut(*state);
	print(*state, "rest\nwhole");
	shows(*state, 0, "first");
	shows(*state, 1, "whole");
}

static void behind_a_cut_a_sequence_begins_anew(void **state)
{
	print(*state, "\033[12");
	screen_cut(*state);
	print(*state, "34m\033[2;2Hx");
	shows(*state, 1, " x");
	shows(*state, 0, "");
}

static void no_more_is_left_out_than_a_cut_may(void **state)
{
	char text[SCREEN_CUT_MAX];

	memset(text, '-', sizeof(text));
	screen_cut(*state);
	assert_int_equal(feed(*state, text, sizeof(text)), 0);
	print(*state, "abcd");
	shows(*state, 0, "abcd");
}

static void no_control_reaches_a_row(void **state)
{
	char line[SCREEN_ROW_MAX];
	struct screen_cursor cursor;
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	assert_int_equal(feed(*state, all, sizeof(all)), 0);
	print(*state, "\xc2\x85\xc2\x9b[2J\xed\xa0\x80\xf7\xbf\xbf\xbf");
	assert_int_equal(screen_look(*state, &cursor), 0);
	for (unsigned row = 0; row < ROWS; row++) {
		size_t len = screen_row(*state, row, line);

		for (size_t i = 0; i < len; i++)
			assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	}
}

/* What is cheap to print and dear to draw: at the greatest size. */
static void what_takes_too_long_to_draw_is_given_up(void **state)
{
	static const char dear[] = "\033[200L\033[200M";
	struct screen *s;
	size_t i = 0;
	int r;

	assert_int_equal(screen_create(SCREEN_COLUMNS_MAX, SCREEN_ROWS_MAX, &s), 0);
	do
		r = feed(s, dear, strlen(dear));
	while (r == 0 && ++i < 10000000);
	assert_int_equal(r, -ETIME);
	screen_destroy(&s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {TEST(a_size_that_is_none_is_refused), TEST(lines_scroll),
		TEST(cells_are_drawn_where_the_cursor_was_put),
		TEST(what_a_full_screen_program_covered_is_there_again),
		TEST(wide_characters_take_two_cells),
		TEST(what_a_wide_character_covers_is_not_there),
		TEST(the_cursor_is_on_the_screen_or_behind_its_last_column),
		TEST(output_may_come_byte_by_byte),
		TEST(behind_a_cut_the_rest_of_a_line_is_left_out),
		TEST(behind_a_cut_no_line_goes_on_with_another),
		TEST(behind_a_cut_a_sequence_begins_anew), TEST(no_more_is_left_out_than_a_cut_may),
		TEST(no_control_reaches_a_row), TEST(what_takes_too_long_to_draw_is_given_up)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
