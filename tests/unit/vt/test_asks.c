/* Questions to a terminal are told from what draws, wherever the output is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vt/asks.h"

static bool asks(const char *text, size_t piece)
{
	struct vt_asks a;
	bool found = false;
	size_t len = strlen(text);

	vt_asks_init(&a);
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;

		found = vt_asks_feed(&a, (const uint8_t *)text + at, n) || found;
	}
	return found;
}

static void test_questions(void **state)
{
	static const char *const texts[] = {"\x05", "\x1b[6n", "\x1b[?6n", "\x1b[c", "\x1b[>0c",
		"\x1b[=c", "\x1bZ", "\x1b[?2026$p", "\x1b[4$p", "\x1bP$qm\x1b\\",
		"\x1bP+q544e\x1b\\", "\x1b[>q", "\x1b]11;?\x07", "\x1b]4;1;?\x1b\\", "\x1b[18t",
		"\x1b[?u", "\x1b[?4m", "\x1b[?1;1;0S", "\x1b[x", "\x1b[1$w", "\x1b[1;1;1;1;1;1*y",
		"\x1b_Gi=1,a=q;AAAA\x1b\\"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (size_t piece = 1; piece <= strlen(texts[i]); piece++)
			assert_true(asks(texts[i], piece));
	}
}

static void test_what_draws_and_names_is_no_question(void **state)
{
	static const char *const texts[] = {"what?\r\n", "\x1b[1;31m", "\x1b[?1049h",
		"\x1b[2J\x1b[H", "\x1b]0;title\x07?", "\x1b]11;rgb:00/00/00\x1b\\",
		"\x1bPtext\x1b\\", "\x1b[>4;2m", "\x1b[>1u", "\x1b[<u", "\x1b[2 q", "\x1b[!p",
		"\x1b(B\x0e", "\x1b[5S"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		for (size_t piece = 1; piece <= strlen(texts[i]); piece++)
			assert_false(asks(texts[i], piece));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_what_draws_and_names_is_no_question),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
