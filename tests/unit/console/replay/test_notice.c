/* Notices: readable whatever the guest has set, and put there without a trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "console/replay/replay.h"
#include "console/replay/replay_notice.h"

#define ROOM 8192
#define SAVE                                                                                       \
	"\x1b"                                                                                     \
	"7"
#define RESTORE                                                                                    \
	"\x1b"                                                                                     \
	"8"

static struct replay_modes after(const char *output)
{
	struct replay_modes m;

	replay_modes_init(&m);
	replay_modes_feed(&m, (const uint8_t *)output, strlen(output));
	return m;
}

/* What a terminal of this size is sent that has been sent output before. */
static const char *said_on(
	struct replay_notice_place place, const char *output, const char *notices)
{
	static char out[ROOM];
	struct replay_modes m = after(output);
	size_t n = replay_notice_write(&m, place, notices, strlen(notices), out, sizeof(out));

	assert_true(n < REPLAY_NOTICE_ROOM(strlen(notices)));
	out[n] = '\0';
	return out;
}

static const char *said(const char *output, const char *notices)
{
	return said_on((struct replay_notice_place){80, 24}, output, notices);
}

static void test_a_notice_is_a_line_of_its_own(void **state)
{
	assert_string_equal(said("text", "[a]\n"), "\r\n[a]\r\n");
	assert_string_equal(said("\x1b[31mred\x1b[m", "[a]\n[b]\n"), "\r\n[a]\r\n\r\n[b]\r\n");
}

static void test_what_would_make_it_unreadable_is_put_back_behind_it(void **state)
{
	assert_string_equal(
		said("\x1b)0\x0e", "[a]\n"), "\x0f\x1b(B\x1b[0m\r\n[a]\r\n\x1b)0\x0e\x1b[0m");
	assert_string_equal(said("\x1b(0", "[a]\n"), "\x0f\x1b(B\x1b[0m\r\n[a]\r\n\x1b(0\x1b[0m");
	assert_string_equal(said("\x1b[8m", "[a]\n"), "\x0f\x1b(B\x1b[0m\r\n[a]\r\n\x1b[0;8m");
	assert_string_equal(
		said("\x1b[37;47m", "[a]\n"), "\x0f\x1b(B\x1b[0m\r\n[a]\r\n\x1b[0;37;47m");
	assert_string_equal(said("\x1b[?7l", "[a]\n"), "\x1b[?7h\r\n[a]\r\n\x1b[?7l");
	assert_string_equal(said("\x1b[4h", "[a]\n"), "\x1b[4l\r\n[a]\r\n\x1b[4h");
}

#define FRESH "\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[0m"
#define ROW_24 "\x1b[24;1H\x1b[2K"

static void test_where_a_program_draws_it_stands_on_the_last_row(void **state)
{
	assert_string_equal(said("\x1b[1;10r\x1b[24;1H", "[a]\n"),
		SAVE "\x1b[?7l" ROW_24 "[a]\x1b[?7h" RESTORE);
	assert_string_equal(
		said("\x1b[?1049h", "[a]\n"), SAVE "\x1b[?7l" ROW_24 "[a]\x1b[?7h" RESTORE);
	assert_string_equal(said("\x1b[?6h\x1b[?7l\x1b[4h", "[a]\n"),
		SAVE "\x1b[?6l\x1b[4l" ROW_24 "[a]\x1b[4h\x1b[?6h" RESTORE);
	assert_string_equal(said_on((struct replay_notice_place){0, 0}, "\x1b[?47h", "[a]\n"),
		SAVE "\x1b[?7l" ROW_24 "[a]\x1b[?7h" RESTORE);
}

/* Of what a terminal saves with the cursor, not all save the same. */
static void test_what_the_guest_has_saved_is_saved_again(void **state)
{
	assert_string_equal(said("\x1b[?1049h\x1b[31m", "[a]\n"),
		SAVE "\x0f\x1b(B\x1b[0m\x1b[?7l" ROW_24 "[a]\x1b[?7h" RESTORE FRESH SAVE FRESH
		     "\x1b[0;31m");
	assert_string_equal(said("\x1b[?1049h\x1b[31m" SAVE RESTORE, "[a]\n"),
		SAVE "\x0f\x1b(B\x1b[0m\x1b[?7l" ROW_24 "[a]\x1b[?7h" RESTORE "\x1b[0;31m");
}

static void test_notices_take_as_many_rows_as_they_need(void **state)
{
	const struct replay_notice_place narrow = {4, 3};

	assert_string_equal(said("\x1b[?1049h", "[a]\n[b]\n"),
		SAVE "\x1b[?7l\x1b[23;1H\x1b[2K[a]" ROW_24 "[b]\x1b[?7h" RESTORE);
	assert_string_equal(said_on(narrow, "\x1b[?1049h", "[abcd]\n"),
		SAVE "\x1b[?7l\x1b[2;1H\x1b[2K[abc\x1b[3;1H\x1b[2Kd]\x1b[?7h" RESTORE);
	/* A wide character is not halved; more than the screen has is cut at its beginning. */
	assert_string_equal(said_on(narrow, "\x1b[?1049h", "1\n2\nabc\xe4\xb8\xad\n"),
		SAVE "\x1b[?7l\x1b[1;1H\x1b[2K2\x1b[2;1H\x1b[2Kabc"
		     "\x1b[3;1H\x1b[2K\xe4\xb8\xad\x1b[?7h" RESTORE);
	assert_string_equal(said_on((struct replay_notice_place){80, 1}, "\x1b[?1049h", "1\n2\n"),
		SAVE "\x1b[?7l\x1b[1;1H\x1b[2K2\x1b[?7h" RESTORE);
}

static void test_a_notice_waits_for_the_end_of_what_the_guest_does(void **state)
{
	static const struct {
		const char *output;
		bool may;
	} rows[] = {
		{"text", true},
		{"\xe2\x82", false},
		{"\x1b[3", false},
		{"\x1bPtext", false},
		{"\x1b[?1049h", true},
		{SAVE, true}, /* a line of its own saves nothing */
		{"\x1b[?1049h" SAVE "x", false},
		{"\x1b[?1049h" SAVE "x" RESTORE, true},
		{"\x1b[?1049h\x1b[sx", false},
		{"\x1b[?1049h\x1b[sx\x1b[u", true},
		{"\x1b[2;3r" SAVE "\x1b[!p\x1b[2;3r", true},
		/* The cursor may be behind the last column. */
		{"\x1b[?1049htext", false},
		{"\x1b[?1049htext\x1b(B\x1b[m\x1b[?25h", false},
		{"\x1b[?1049htext, which is longer\x1b[m", false},
		{"\x1b[?1049htext\r", true},
		{"\x1b[?1049htext, which is longer\r\n\x1b[m", true},
		{"\x1b[?1049htext\x1b[1;1H\x1b[m", true},
		{"\x1b[?1049htext\x1b[H", true},
		{"\x1b[?1049htext\x1b[>1A", false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct replay_modes m = after(rows[i].output);

		assert_int_equal(replay_notice_may_stand(&m), rows[i].may);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_notice_is_a_line_of_its_own),
		cmocka_unit_test(test_what_would_make_it_unreadable_is_put_back_behind_it),
		cmocka_unit_test(test_where_a_program_draws_it_stands_on_the_last_row),
		cmocka_unit_test(test_what_the_guest_has_saved_is_saved_again),
		cmocka_unit_test(test_notices_take_as_many_rows_as_they_need),
		cmocka_unit_test(test_a_notice_waits_for_the_end_of_what_the_guest_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
