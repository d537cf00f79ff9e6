/* Foreign text for people and logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/text/escape.h"

static void text_reads_as_the_table_says(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{"", ""},
		{"web-1", "web-1"},
		{"a b~!", "a b~!"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		/* C0, DEL, C1 */
		{"\x1b[2J", "\\x1b[2J"},
		{"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
		{"\x7f", "\\x7f"},
		{"\xc2\x9b", "\\u{9b}"},
		{"\xc2\x80", "\\u{80}"},
		{"\xc2\xa0", "\xc2\xa0"},
		/* the backslash itself, so that nothing can pretend to have been escaped */
		{"\\x1b", "\\\\x1b"},
		/* bidirectional and invisible */
		{"a\xe2\x80\xae"
		 "b",
			"a\\u{202e}b"},
		{"\xe2\x80\x8f", "\\u{200f}"},
		{"\xe2\x81\xa6", "\\u{2066}"},
		{"\xd8\x9c", "\\u{61c}"},
		{"\xc2\xad", "\\u{ad}"},
		{"\xef\xbb\xbf", "\\u{feff}"},
		{"\xe2\x80\xa8", "\\u{2028}"},
		{"\xf3\xa0\x81\x81", "\\u{e0041}"},
		/* no UTF-8: alone, cut, overlong, surrogate, too large */
		{"\x80", "\\x80"},
		{"\xff", "\\xff"},
		{"\xc3", "\\xc3"},
		{"\xe2\x82", "\\xe2\\x82"},
		{"\xc3(", "\\xc3("},
		{"\xc0\xaf", "\\xc0\\xaf"},
		{"\xe0\x80\xaf", "\\xe0\\x80\\xaf"},
		{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
		{"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
		{"\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80"},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[256];
		size_t len = escape_text(rows[i].in, strlen(rows[i].in), out, sizeof(out));

		assert_string_equal(out, rows[i].out);
		assert_int_equal(len, strlen(rows[i].out));
	}
}

static void a_nul_byte_is_shown_not_taken_for_the_end(void **state)
{
	char out[32];

	assert_int_equal(escape_text("a\0b", 3, out, sizeof(out)), 6);
	assert_string_equal(out, "a\\x00b");
}

static void it_is_cut_between_characters(void **state)
{
	static const char in[] = "a\x1b\xc3\xa4\\"; /* a \x1b ä \\ */
	static const size_t ends[] = {0, 1, 5, 7, 9};
	size_t room, i;

	for (room = 1; room <= 10; room++) {
		char out[16], full[16];
		size_t expected = 0, len;

		memset(out, 'Z', sizeof(out));
		escape_text(in, strlen(in), full, sizeof(full));
		for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (ends[i] < room)
				expected = ends[i];
		len = escape_text(in, strlen(in), out, room);
		assert_int_equal(len, expected);
		assert_memory_equal(out, full, len);
		assert_int_equal(out[len], '\0');
		assert_int_equal(out[room], 'Z');
	}
	assert_int_equal(escape_text("x", 1, NULL, 0), 0);
}

/* Every code point, and every pair of bytes: what comes out holds no control and is never longer
 * than the room that "always suffices". */
static void nothing_unsafe_comes_out_of_any_two_bytes(void **state)
{
	unsigned a, b, i;

	for (a = 0; a < 256; a++) {
		for (b = 0; b < 256; b++) {
			char in[2] = {(char)a, (char)b}, out[ESCAPE_ROOM(2)], all[64];
			size_t len = escape_text(in, 2, out, sizeof(out));

			assert_int_equal(escape_text(in, 2, all, sizeof(all)), len);
			for (i = 0; i < len; i++)
				assert_true((unsigned char)out[i] >= 0x20 && out[i] != 0x7f);
			assert_false(len == 2 && (unsigned char)out[0] == 0xc2 &&
				     (unsigned char)out[1] < 0xa0);
		}
	}
}

static size_t encode(unsigned c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

static void every_code_point_is_itself_or_written_out(void **state)
{
	unsigned c;

	for (c = 0xa0; c <= 0x10ffff; c++) {
		char in[4], out[ESCAPE_ROOM(4)], written[16];
		size_t n = encode(c, in), len = escape_text(in, n, out, sizeof(out));

		if (c >= 0xd800 && c < 0xe000)
			continue; /* surrogates are no characters */
		snprintf(written, sizeof(written), "\\u{%x}", c);
		if (len != n || memcmp(in, out, n) != 0)
			assert_string_equal(out, written);
	}
}

static void text_for_a_terminal_is_told_from_what_moves_it(void **state)
{
	static const char *const good[] = {
		"", "a b", "a\tb\nc", "\xc3\xa4\xe2\x82\xac", "\\x1b", "\xe2\x80\xae"};
	static const char *const bad[] = {
		"\x1b[6n", "a\r", "\a", "\x7f", "\xc2\x9b", "\x9b", "\xc3", "\xe2\x82"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(escape_is_text(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(escape_is_text(bad[i], strlen(bad[i])));
	assert_false(escape_is_text("a\0b", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_reads_as_the_table_says),
		cmocka_unit_test(text_for_a_terminal_is_told_from_what_moves_it),
		cmocka_unit_test(a_nul_byte_is_shown_not_taken_for_the_end),
		cmocka_unit_test(it_is_cut_between_characters),
		cmocka_unit_test(nothing_unsafe_comes_out_of_any_two_bytes),
		cmocka_unit_test(every_code_point_is_itself_or_written_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
