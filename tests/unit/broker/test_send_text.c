/* What send makes of text: escapes, Enter, lines that are too long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "broker/script/send_text.h"

static void check_unescape(const char *in, const char *out, size_t out_len)
{
	char text[256];
	size_t len = strlen(in), at;

	snprintf(text, sizeof(text), "%s", in);
	assert_int_equal(send_unescape(text, &len, &at), 0);
	assert_int_equal(len, out_len);
	assert_memory_equal(text, out, out_len);
}

static void escapes_are_those_of_c(void **state)
{
	check_unescape("plain", "plain", 5);
	check_unescape("\\a\\b\\e\\f\\n\\r\\t\\v\\\\\\'\\\"\\?", "\a\b\x1b\f\n\r\t\v\\'\"?", 12);
}

static void octal_and_hexadecimal(void **state)
{
	check_unescape("\\0\\33\\377\\0018", "\0\33\377\0018", 5);
	check_unescape("\\x1b[A\\xff", "\x1b[A\xff", 4);
	check_unescape("\\x1bg", "\x1bg", 2);
	check_unescape("\\400", "\0400", 2);
}

static void unknown_escapes_are_named_by_their_place(void **state)
{
	static const char *const bad[] = {"ab\\q", "ab\\xg", "ab\\8", "ab\\"};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[16];
		size_t len = strlen(bad[i]), at = 99;

		memcpy(text, bad[i], len);
		assert_int_equal(send_unescape(text, &len, &at), -EINVAL);
		assert_int_equal(at, 2);
	}
}

static void check_lines(bool enter, const char *in, const char *out)
{
	size_t len = strlen(in), piece;

	for (piece = 1; piece <= len; piece++) {
		struct send_lines lines = {.enter = enter};
		uint8_t got[256];
		size_t done, n = 0;

		for (done = 0; done < len; done += piece)
			n += send_lines_pass(&lines, (const uint8_t *)in + done,
				len - done < piece ? len - done : piece, got + n);
		assert_int_equal(n, strlen(out));
		assert_memory_equal(got, out, n);
	}
}

static void with_enter_the_end_of_a_line_is_one_cr(void **state)
{
	check_lines(true, "a\nb\r\nc\rd\n\n", "a\rb\rc\rd\r\r");
	check_lines(false, "a\nb\r\nc\rd\n\n", "a\nb\r\nc\rd\n\n");
}

static void a_line_longer_than_a_terminal_takes_is_seen(void **state)
{
	struct send_lines lines = {.enter = true};
	uint8_t text[SEND_LINE_MAX + 1], out[sizeof(text)];

	memset(text, 'x', sizeof(text));
	assert_int_equal(send_lines_pass(&lines, text, SEND_LINE_MAX, out), SEND_LINE_MAX);
	assert_false(lines.too_long);
	assert_int_equal(send_lines_pass(&lines, (const uint8_t *)"\n", 1, out), 1);
	assert_int_equal(send_lines_pass(&lines, text, SEND_LINE_MAX + 1, out), SEND_LINE_MAX + 1);
	assert_true(lines.too_long);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_those_of_c),
		cmocka_unit_test(octal_and_hexadecimal),
		cmocka_unit_test(unknown_escapes_are_named_by_their_place),
		cmocka_unit_test(with_enter_the_end_of_a_line_is_one_cr),
		cmocka_unit_test(a_line_longer_than_a_terminal_takes_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
