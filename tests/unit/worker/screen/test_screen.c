/* A screen shows what a terminal would, whatever output it is made of, and costs no more than it
 * may. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/screen/screen.h"
#include "worker/screen/screen_repaint.h"

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
	screen_look(*state, &cursor);
	assert_int_equal(cursor.column, 1);
	assert_int_equal(cursor.row, 2);
	assert_false(cursor.hidden);
	assert_false(cursor.alternate);
}

/* Character sets are for ASCII: UTF-8 text goes through none of them, whatever a guest designates
 * and wherever it invokes it. */
static void text_in_utf8_is_what_it_is_in_any_character_set(void **state)
{
	static const char *const sets[] = {"\033)B", "\033)0", "\033)A", "\033*B\033}",
		"\033+0\033|", "\033)B\033~", "\033)B\016\017", "\0337\033)0\0338", "\033(0\033(B",
		"\033)B\033[!p"};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		print(*state, "\033c");
		print(*state, sets[i]);
		print(*state, "größer £ ©ÿ\r\n\016é\017ñ");
		shows(*state, 0, "größer £ ©ÿ");
		shows(*state, 1, "éñ");
	}
}

static void lines_are_drawn_with_either_character_set(void **state)
{
	print(*state, "\033(0qqq\033(Bqqq");
	shows(*state, 0, "───qqq");
	print(*state, "\r\n\033)0\016lqk\017lqk");
	shows(*state, 1, "┌─┐lqk");
	print(*state, "\r\n\033*0\033Nxx\033nx\017x");
	shows(*state, 2, "│x│x");
	/* Character sets are part of what DECSC saves. */
	print(*state, "\r\n\033)0\0337\016x\0338q");
	shows(*state, 3, "q");
}

static void rows_scroll_in_their_region_only(void **state)
{
	print(*state, "\033[1;1Ha\033[2;1Hb\033[3;1Hc\033[4;1Hd\033[2;3r\033[3;1H\nx");
	shows(*state, 0, "a");
	shows(*state, 1, "c");
	shows(*state, 2, "x");
	shows(*state, 3, "d");
	print(*state, "\033[?6h\033[1;2Hy\033[9;9Hz\033[2;1H\033[L\033[?6l\033M");
	shows(*state, 0, "a");
	shows(*state, 1, "cy");
	shows(*state, 2, "");
	print(*state, "\033[2;1H\033M");
	shows(*state, 1, "");
	shows(*state, 2, "cy");
	shows(*state, 3, "d");
}

static void characters_are_inserted_and_deleted(void **state)
{
	print(*state, "abcdef\033[1;3H\033[2@\033[4hX\033[4l");
	shows(*state, 0, "abX  cdef");
	print(*state, "\033[1;1H\033[2P");
	shows(*state, 0, "X  cdef");
	print(*state, "\033[3X\033[1;8H-\033[9b");
	shows(*state, 0, "   cdef----------");
}

static void a_character_is_repeated_to_the_end_of_its_row_at_most(void **state)
{
	print(*state, "a\033[99999999b");
	shows(*state, 0, "aaaaaaaaaaaaaaaaaaaa");
	shows(*state, 1, "");
	print(*state, "\r\n\033[b\033c\033[b\xe4\xb8\xad\033[2b");
	shows(*state, 0, "中中中");
	print(*state, "\r\nb\xcc\x88\033[b");
	shows(*state, 1,
		"b\xcc\x88"
		"b");
}

/* What is more than a screen has is all of it, not 1, which stands for nothing. */
static void numbers_of_any_size_are_clamped(void **state)
{
	struct screen_cursor cursor;

	print(*state, "\033[99999;4294967295Hz\033[A\033[99999999999999999999D<");
	shows(*state, 3, "                   z");
	shows(*state, 2, "<");
	print(*state, "\033[70000Aab\033[H\033[70000@c\033[70000T");
	for (unsigned row = 0; row < ROWS; row++)
		shows(*state, row, "");
	print(*state, "\033[70000;80000rx\033[70000L\033[65536P\033[99999X\033[99999Iy");
	shows(*state, 0, "                   y");
	print(*state, "\033[99999Z\033[99999M\033[99999S\033[99999d\033[99999G");
	screen_look(*state, &cursor);
	assert_int_equal(cursor.column, COLUMNS - 1);
	assert_int_equal(cursor.row, ROWS - 1);
}

static void the_row_goes_on_behind_its_last_column_with_the_next_character(void **state)
{
	struct screen_cursor cursor;

	print(*state, "\033[1;20Ha");
	screen_look(*state, &cursor);
	assert_int_equal(cursor.column, COLUMNS);
	print(*state, "\0337\033[3;3H\0338b");
	shows(*state, 0, "                   a");
	shows(*state, 1, "b");
	print(*state, "\033[1;20Ha\rc\033[1;20Hd\be");
	shows(*state, 0, "c                 ed");
	print(*state, "\033[?7l\033[3;20Hxyz\xe4\xb8\xad");
	shows(*state, 2, "                  中");
	shows(*state, 3, "");
}

static void marks_stand_on_their_character_as_many_as_a_cell_keeps(void **state)
{
	print(*state, "\xcc\x81"
		      "e\xcc\x81x\r\n");
	shows(*state, 0, "e\xcc\x81x");
	for (int i = 0; i < 1000; i++)
		print(*state, i ? "\xcc\x81" : "o");
	shows(*state, 1, "o\xcc\x81\xcc\x81\xcc\x81");
	print(*state, "\033[?7l\033[1;20Ha\xcc\x81\033[?7h");
	shows(*state, 0, "e\xcc\x81x                 a\xcc\x81");
	print(*state, "\033[3;19H\xe4\xb8\xad\xcc\x81|");
	shows(*state, 2, "                  中\xcc\x81");
	shows(*state, 3, "|");
}

static void a_byte_that_is_no_character_is_one_that_stands_for_it(void **state)
{
	print(*state, "\xff"
		      "a\xc3"
		      "b\xe4\xb8"
		      "c\xf5"
		      "d\xf0\x9f\x98\x80");
	shows(*state, 0,
		"\xef\xbf\xbd"
		"a\xef\xbf\xbd"
		"b\xef\xbf\xbd"
		"c\xef\xbf\xbd"
		"d\xf0\x9f\x98\x80");
}

static void tab_stops_are_where_they_were_set(void **state)
{
	print(*state, "a\tb\033[1;4H\033H\r\tc\033[9G\033[g\r\t\t\td");
	shows(*state, 0, "a  c    b          d");
	print(*state, "\r\n\033[3g\ta\033[Zb\033c\tx");
	shows(*state, 0, "        x");
}

static void a_screen_of_e_has_no_region(void **state)
{
	print(*state, "\033[2;3r\033#8\033[4;1H\nlast");
	shows(*state, 0, "EEEEEEEEEEEEEEEEEEEE");
	shows(*state, 2, "EEEEEEEEEEEEEEEEEEEE");
	shows(*state, 3, "last");
}

static void the_saved_cursor_is_that_of_its_screen(void **state)
{
	struct screen_cursor cursor;

	print(*state, "\033[2;5H\0337\033[?1047h\033[3;3H\0337\033[H\0338x");
	shows(*state, 2, "  x");
	print(*state, "\033[?1047l\0338y\033[?47h");
	shows(*state, 2, "");
	print(*state, "\033[?47l\033[!p\0338");
	shows(*state, 1, "    y");
	screen_look(*state, &cursor);
	assert_int_equal(cursor.column + cursor.row, 0);
	print(*state, "\033[?1049hx\033c");
	for (unsigned row = 0; row < ROWS; row++)
		shows(*state, row, "");
}

static void what_a_full_screen_program_covered_is_there_again(void **state)
{
	struct screen_cursor cursor;

	print(*state, "shell$ \033[?1049h\033[?25l\033[Hmenu");
	shows(*state, 0, "menu");
	screen_look(*state, &cursor);
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
	screen_look(s, &cursor);
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
	char all[256];

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	assert_int_equal(feed(*state, all, sizeof(all)), 0);
	print(*state, "\xc2\x85\xc2\x9b[2J\xed\xa0\x80\xf7\xbf\xbf\xbf");
	for (unsigned row = 0; row < ROWS; row++) {
		size_t len = screen_row(*state, row, line);

		for (size_t i = 0; i < len; i++)
			assert_true((unsigned char)line[i] >= 0x20 && line[i] != 0x7f);
	}
}

/* Others get their turn, whatever a byte costs. */
static void a_piece_ends_when_much_was_drawn(void **state)
{
	static const char *const dear[] = {"\033c", "\033[2J", "\033#8", "\033[?1049h"};
	uint8_t bytes[SCREEN_PIECE];
	struct screen *s;
	size_t used;

	assert_int_equal(screen_create(SCREEN_COLUMNS_MAX, SCREEN_ROWS_MAX, &s), 0);
	for (size_t i = 0; i < sizeof(dear) / sizeof(dear[0]); i++) {
		size_t len = strlen(dear[i]);

		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)dear[i][j % len];
		assert_int_equal(screen_feed(s, bytes, sizeof(bytes), &used), 0);
		assert_true(used >= len && used <= 3 * len);
	}
	screen_destroy(&s);
}

/* --- a repaint --- */

#define MARK "[live output]"
static char repainted[SCREEN_REPAINT_MAX(COLUMNS, ROWS)];

static size_t repaint(const struct screen *s)
{
	static char part[SCREEN_REPAINT_ROOM];
	struct screen_repaint p;
	size_t len = 0, n;

	screen_repaint_init(&p, s, MARK);
	while ((n = screen_repaint_write(&p, s, part)) > 0) {
		assert_true(len + n <= sizeof(repainted));
		memcpy(repainted + len, part, n);
		len += n;
	}
	return len;
}

/* What shows a difference between two screens, when both are shown it. */
static const char probe[] = "p\r\nq\033[1;1Hr\0338s\016t\017u\n\n\033[?6h\033[9;9Hv\033[?1049l";

/* Their cells, with styles, and modes. */
static void repaint_the_same(struct screen *a, struct screen *b)
{
	static char first[sizeof(repainted)];
	size_t len = repaint(a);

	memcpy(first, repainted, len);
	assert_int_equal(repaint(b), len);
	assert_memory_equal(repainted, first, len);
}

static void look_the_same(struct screen *a, struct screen *b)
{
	char row_a[SCREEN_ROW_MAX], row_b[SCREEN_ROW_MAX];
	struct screen_cursor at_a, at_b;

	for (unsigned row = 0; row < ROWS; row++) {
		screen_row(a, row, row_a);
		screen_row(b, row, row_b);
		assert_string_equal(row_a, row_b);
	}
	screen_look(a, &at_a);
	screen_look(b, &at_b);
	assert_int_equal(at_a.column, at_b.column);
	assert_int_equal(at_a.row, at_b.row);
	assert_true(at_a.hidden == at_b.hidden && at_a.alternate == at_b.alternate);
}

static void a_repaint_is_the_screen_and_what_becomes_of_it(void **state)
{
	static const char *const outputs[] = {"", "line\r\nline",
		"\033[1;31mred\033[4;38;5;200mpink\033[m\033[3;3H\033[44m\033[K\033[2;9H\033[1K",
		"\033[2;3r\033[?6h\033[2;4Hx\033[7my", "\033(0lqk\033(B\0337\033[4;20Hend",
		"\033[4;1H中文 é\033)0\016", "a\0337\033[2;2H\033[?1049h\033[2Jmenu\0337\033[4;4H",
		"\033[?25l\033[4h\033[1;20Hw", "\033[4;19H中", "12345678901234567890\033[2;3r\0337",
		"\033[?47hother\033[5;9r", "\033[?6h\033[3;4r\0337\033[?6l\033[1;1H",
		"\033[52r\033[?6h\033[3;3Hx"};

	for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
		struct screen *late;

		print(*state, "\033c");
		print(*state, outputs[i]);
		assert_int_equal(screen_create(COLUMNS, ROWS, &late), 0);
		assert_int_equal(feed(late, repainted, repaint(*state)), 0);
		look_the_same(*state, late);
		repaint_the_same(*state, late);
		print(*state, probe);
		print(late, probe);
		look_the_same(*state, late);
		repaint_the_same(*state, late);
		screen_destroy(&late);
	}
}

static void a_repaint_is_no_larger_than_its_cells_need(void **state)
{
	static const char dear[] = "\033[1;2;3;4:3;5;7;8;9;53;38;2;255;255;%d;48;2;255;255;%d;58;2;"
				   "255;255;255me\u0301\u0302\u0303";
	char text[sizeof(dear) + 16];

	for (int side = 0; side < 2; side++) {
		for (int i = 0; i < COLUMNS * ROWS; i++) {
			snprintf(text, sizeof(text), dear, 100 + i % 2, 200 + i % 2);
			print(*state, text);
		}
		print(*state, "\033[?1049h\033[H");
	}
	print(*state, "\033[2;3r\033[?6h\0337");
	assert_true(repaint(*state) > (size_t)COLUMNS * ROWS * 80);
}

/* Where text stands in the repaint; it is there. */
static const char *found(size_t len, const char *text)
{
	const char *at = memmem(repainted, len, text, strlen(text));

	assert_non_null(at);
	return at;
}

/* Who waits for it takes no text of the past for what is new. */
static void a_repaint_has_the_mark_behind_its_text(void **state)
{
	size_t len;

	print(*state, "first\033[3;1Hfrom edge to edge...\033[4;1Hfrom edge to edge...");
	len = repaint(*state);
	assert_true(found(len, MARK) > found(len, "\033[4;1Hfrom"));
	assert_true(found(len, MARK) > found(len, "first"));
}

static void a_repaint_without_room_for_it_has_the_mark_before_its_last_row(void **state)
{
	size_t len;

	for (int row = 1; row <= ROWS; row++)
		print(*state, "from edge to edge \033[7m--\033[m");
	print(*state, "\033[4;1Hlast");
	len = repaint(*state);
	assert_true(found(len, MARK) > found(len, "\033[3;1H"));
	assert_true(found(len, MARK) < found(len, "last"));
}

static void a_repaint_without_a_mark_has_none(void **state)
{
	static char part[SCREEN_REPAINT_ROOM];
	struct screen_repaint p;
	size_t len;

	print(*state, "first");
	screen_repaint_init(&p, *state, "");
	len = screen_repaint_write(&p, *state, part);
	assert_null(memmem(part, len, "[K", 2));
}

/* What was fed before them was drawn with what is known of it. */
static void modes_are_those_that_are_told(void **state)
{
	struct replay_modes modes;
	struct screen_cursor cursor;

	replay_modes_init(&modes);
	replay_modes_feed(&modes, (const uint8_t *)"\033[?1049h\033[?25l\033(0", 18);
	print(*state, "main");
	screen_set_modes(*state, &modes);
	print(*state, "\033[1;1Hq");
	screen_look(*state, &cursor);
	assert_true(cursor.alternate && cursor.hidden);
	shows(*state, 0, "─");
	print(*state, "\033[?1049l");
	shows(*state, 0, "main");
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
		TEST(text_in_utf8_is_what_it_is_in_any_character_set),
		TEST(lines_are_drawn_with_either_character_set),
		TEST(rows_scroll_in_their_region_only), TEST(characters_are_inserted_and_deleted),
		TEST(a_character_is_repeated_to_the_end_of_its_row_at_most),
		TEST(numbers_of_any_size_are_clamped),
		TEST(the_row_goes_on_behind_its_last_column_with_the_next_character),
		TEST(marks_stand_on_their_character_as_many_as_a_cell_keeps),
		TEST(a_byte_that_is_no_character_is_one_that_stands_for_it),
		TEST(tab_stops_are_where_they_were_set), TEST(a_screen_of_e_has_no_region),
		TEST(the_saved_cursor_is_that_of_its_screen),
		TEST(what_a_full_screen_program_covered_is_there_again),
		TEST(wide_characters_take_two_cells),
		TEST(what_a_wide_character_covers_is_not_there),
		TEST(the_cursor_is_on_the_screen_or_behind_its_last_column),
		TEST(output_may_come_byte_by_byte),
		TEST(behind_a_cut_the_rest_of_a_line_is_left_out),
		TEST(behind_a_cut_no_line_goes_on_with_another),
		TEST(behind_a_cut_a_sequence_begins_anew), TEST(no_more_is_left_out_than_a_cut_may),
		TEST(no_control_reaches_a_row), TEST(a_piece_ends_when_much_was_drawn),
		TEST(a_repaint_is_the_screen_and_what_becomes_of_it),
		TEST(a_repaint_is_no_larger_than_its_cells_need),
		TEST(a_repaint_has_the_mark_behind_its_text),
		TEST(a_repaint_without_room_for_it_has_the_mark_before_its_last_row),
		TEST(a_repaint_without_a_mark_has_none), TEST(modes_are_those_that_are_told),
		TEST(what_takes_too_long_to_draw_is_given_up)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
