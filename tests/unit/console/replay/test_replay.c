/* Replay: what passes the filter, where it begins, which modes are brought back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "console/replay/replay.h"

#define ROOM 16384

/* Filters in one piece and byte by byte; both must agree. Returns a static string. */
static const char *filtered_for(const struct replay_terminal *terminal, const char *in, size_t len)
{
	static uint8_t out[2][ROOM];
	struct replay_filter f;
	size_t n[2] = {0, 0}, used;

	replay_filter_init(&f);
	f.terminal = *terminal;
	n[0] = replay_filter(&f, (const uint8_t *)in, len, out[0], ROOM, &used);
	assert_int_equal(used, len);
	replay_filter_init(&f);
	f.terminal = *terminal;
	for (size_t i = 0; i < len; i++) {
		n[1] += replay_filter(
			&f, (const uint8_t *)in + i, 1, out[1] + n[1], ROOM - n[1], &used);
		assert_int_equal(used, 1);
	}
	assert_int_equal(n[0], n[1]);
	assert_memory_equal(out[0], out[1], n[0]);
	assert_true(n[0] <= len + (terminal->as_lines ? 0 : REPLAY_SPARE_MAX));
	out[0][n[0]] = 0;
	return (const char *)out[0];
}

static const char *filtered(const char *in, size_t len)
{
	return filtered_for(&(const struct replay_terminal){.rows = 3}, in, len);
}

#define FILTERED(literal) filtered(literal, sizeof(literal) - 1)
#define LINES(literal)                                                                             \
	filtered_for(                                                                              \
		&(const struct replay_terminal){.as_lines = true}, literal, sizeof(literal) - 1)
#define PASSES(literal) assert_string_equal(FILTERED(literal), literal)
#define DROPPED(literal) assert_string_equal(FILTERED("a" literal "b"), "ab")

static void test_no_question_is_replayed(void **state)
{
	DROPPED("\x05");       /* ENQ */
	DROPPED("\x1b[5n");    /* DSR */
	DROPPED("\x1b[6n");    /* CPR */
	DROPPED("\x1b[?6n");   /* DECXCPR */
	DROPPED("\x1b[?996n"); /* colour scheme */
	DROPPED("\x1b[c");     /* DA1 */
	DROPPED("\x1b[0c");
	DROPPED("\x1b[>c");      /* DA2 */
	DROPPED("\x1b[=c");      /* DA3 */
	DROPPED("\x1bZ");        /* DECID */
	DROPPED("\x1b[?2026$p"); /* DECRQM */
	DROPPED("\x1b[4$p");
	DROPPED("\x1bP$qm\x1b\\");    /* DECRQSS */
	DROPPED("\x1bP+q544e\x1b\\"); /* XTGETTCAP */
	DROPPED("\x1b[>q");           /* XTVERSION */
	DROPPED("\x1b[>0q");
	DROPPED("\x1b]4;1;?\x07");  /* palette */
	DROPPED("\x1b]10;?\x1b\\"); /* foreground */
	DROPPED("\x1b]11;?\x07");
	DROPPED("\x1b]12;?\x07");
	DROPPED("\x1b]52;c;?\x07"); /* clipboard */
	DROPPED("\x1b[14t");        /* window size */
	DROPPED("\x1b[18t");
	DROPPED("\x1b[21t");                 /* title: was used to type commands */
	DROPPED("\x1b[?u");                  /* kitty keyboard */
	DROPPED("\x1b[?4m");                 /* XTQMODKEYS */
	DROPPED("\x1b[?1;1;0S");             /* XTSMGRAPHICS */
	DROPPED("\x1b[x");                   /* DECREQTPARM */
	DROPPED("\x1b[1$w");                 /* DECRQPSR */
	DROPPED("\x1b[1;1;1;1;1;1*y");       /* DECRQCRA */
	DROPPED("\x1b['|");                  /* DECRQLP */
	DROPPED("\x1b[&u");                  /* DECRQUPSS */
	DROPPED("\x1b[1#R");                 /* XTREPORTCOLORS */
	DROPPED("\x1b_Gi=1,a=q;AAAA\x1b\\"); /* kitty graphics */
	DROPPED("\x1b[?1004h");              /* focus reports */
	DROPPED("\x1b[?2048h");              /* size reports */
	DROPPED("\x1b[?2l");                 /* VT52, with questions of its own */
	DROPPED("\x1b[5i");                  /* printer */
	DROPPED("\x1b[1;1;1;1;1T");          /* waits for an answer */
}

static void test_titles_and_clipboard_are_not_replayed(void **state)
{
	DROPPED("\x1b]0;title\x07");
	DROPPED("\x1b]2;title\x1b\\");
	DROPPED("\x1b]52;c;aGk=\x07");
	DROPPED("\x1bktitle\x1b\\");
	DROPPED("\x1b[22;0t");
	DROPPED("\x1b^private\x1b\\");
	DROPPED("\x1bXstring\x1b\\");
	DROPPED("\x1b]2;gr\xc3\x9c\xc3\x9f\x07");
	DROPPED("\x1b]2;title\x9c");
	DROPPED("\x1b]2;title\xc2\x9c");
	DROPPED("\x1b]P7ff00ff");
	DROPPED("\x1b]R");
}

static void test_what_draws_passes_unchanged(void **state)
{
	PASSES("plain text\r\n\ttab\b\n");
	PASSES("gr\xc3\xbcn \xe2\x82\xac \xf0\x9d\x84\x9e\r\n");
	PASSES("\x1b[1;31mred\x1b[0m\x1b[38;5;12m\x1b[38:2::1:2:3m\x1b[m");
	PASSES("\x1b[H\x1b[10;5Hx\x1b[K\x1b[J\x1b[3A\x1b[3B\x1b[3C\x1b[3D\x1b[5G\x1b[5d");
	PASSES("\x1b[?1049h\x1b[?25l\x1b[1;24r\x1b[?7l\x1b[4h\x1b[?2004h\x1b[?1000;1006h");
	PASSES("\x1b"
	       "7\x1b"
	       "8\x1b=\x1b>\x1bM\x1b(0\x1b)B\x0e\x0f\x1b#8");
	PASSES("\x1b[2 q\x1b[!p\x1b[5L\x1b[5M\x1b[5@\x1b[5P\x1b[5X\x1b[5b\x1b[3g\x1b[2S\x1b[2T");
}

#define RESET                                                                                      \
	"\x1b"                                                                                     \
	"c"
#define SCROLLED(rows) "\x1b[9999H" rows
#define ERASED(rows)                                                                               \
	"\x1b"                                                                                     \
	"7" SCROLLED(rows) "\x1b"                                                                  \
			   "8"                                                                     \
			   "\x1b[J\x1b[1J"

static void test_nothing_that_a_terminal_keeps_is_erased(void **state)
{
	DROPPED("\x1b[3J");
	DROPPED("\x1b[2;3J");
	DROPPED("\x1b[?3J");
	assert_string_equal(FILTERED("a\x1b[2Jb"), "a" ERASED("\n\n\n") "b");
	assert_string_equal(FILTERED(RESET), SCROLLED("\n\n\n") "\x1b[H\x1b[J");
	/* No more than there is, and nothing where nothing is. */
	assert_string_equal(FILTERED(RESET "a\r\nb" RESET "\x1b[2J\x1b[2J"),
		SCROLLED("\n\n\n") "\x1b[H\x1b[Ja\r\nb" SCROLLED("\n\n") "\x1b[H\x1b[J"
									 "\x1b[2J\x1b[2J");
	assert_string_equal(FILTERED(RESET "\x1b[2J\x1b[Ha\x1b[2J"),
		SCROLLED("\n\n\n") "\x1b[H\x1b[J\x1b[2J\x1b[Ha" ERASED("\n"));
	/* Where the cursor may have been anywhere, text may be. */
	assert_string_equal(FILTERED(RESET "\x1b[2;5Ha\x1b[2J"),
		SCROLLED("\n\n\n") "\x1b[H\x1b[J\x1b[2;5Ha" ERASED("\n\n\n"));
	/* A program that draws has no lines there, and the place that it has saved stays. */
	PASSES("\x1b[?1049ha\x1b[2J");
	PASSES("\x1b[2;9ra\x1b[2J");
	PASSES("a\x1b"
	       "7\x1b[2J");
}

static void test_a_reset_undoes_what_was_set(void **state)
{
	assert_string_equal(FILTERED("\x1b[31m\x1b[?25l\x1b[?1049h" RESET),
		"\x1b[31m\x1b[?25l\x1b[?1049h"
		"\x1b[?25h\x1b[?1049l\x0f\x1b(B\x1b)B\x1b[0m" SCROLLED("\n\n\n") "\x1b[H\x1b[J");
}

/* Whatever comes, what is written for it is bounded; then what is kept stays all the same. */
static void test_what_clears_without_end_costs_no_more(void **state)
{
	static char in[1500];
	size_t n = 0;

	while (n + 8 < sizeof(in))
		n += (size_t)snprintf(in + n, sizeof(in) - n, "%s", "a\x1b[2Ja" RESET);
	const char *out = filtered(in, n);

	assert_string_equal(out + strlen(out) - 8, "a\x1b[2Ja\r\n");
}

static void test_wrapping_stays_on_but_for_a_program_that_draws(void **state)
{
	DROPPED("\x1b[?7l");
	assert_string_equal(FILTERED("\x1b[?7;25l\x1b[?7h"), "\x1b[?25l\x1b[?7h");
	PASSES("\x1b[?1049h\x1b[?7l");
}

static void test_lines_to_read_are_text_and_colours(void **state)
{
	assert_string_equal(LINES("a\tb\r\n\x1b[31mred\x1b[m\r50%\r100%\b\x1b[K\x1b[2C\n"),
		"a\tb\r\n\x1b[31mred\x1b[m\r50%\r100%\b\x1b[K\x1b[2C\n");
	assert_string_equal(LINES("\x1b[?7l\x1b[?25l\x1b[2;9r\x1b(0\x0e\x1b[8m\x1b[6n\x1b]0;t\x07l"
				  "\x1b[m"),
		"l\x1b[m");
	assert_string_equal(LINES("a\vb\fc\x1b[J"), "a\nb\nc\x1b[K");
}

static void test_lines_to_read_are_not_written_over(void **state)
{
	assert_string_equal(
		LINES("kept" RESET "\x1b[2J\x1b[3Jmore\x1b[2J\x1b[Hlast"), "kept\r\nmore\r\nlast");
	assert_string_equal(
		LINES("\x1b[5;1H+--+\x1b[6;1H|\x1b[6;4H|\x1b[6;5H|\x1b[6;2Hx\x1b[A\x1b[Ay"),
		"+--+\r\n| ||\r\nx\r\ny");
	assert_string_equal(LINES("a\x1bMb\x1b[2Sc\x1b"
				  "8d"),
		"a\r\nb\r\nc\r\nd");
}

static void test_lines_to_read_have_nothing_of_the_alternate_screen(void **state)
{
	assert_string_equal(
		LINES("$ vi\x1b[?1049h\x1b[Htext\r\n\x1b[31m~\x1b[?1049l\r\n$ "), "$ vi\r\n\r\n$ ");
}

static void test_utf8_with_bytes_like_c1_controls_passes(void **state)
{
	PASSES("\xc3\x9b"
	       "6n"); /* U+00DB; 9b alone would be CSI */
	PASSES("\xe2\x9b\x84 \xf0\x9f\x9b\x9d \xc3\x9d\xc3\x90");
	assert_string_equal(FILTERED("a\x9b"
				     "6nb"),
		"a6nb");
	assert_string_equal(FILTERED("a\xc2\x9b"
				     "6nb"),
		"a6nb");
	assert_string_equal(FILTERED("a\x90\x9a\x9d\x85"
				     "b"),
		"ab");
	/* Dropping what stands between must not make one. */
	assert_string_equal(FILTERED("\xc2\x05\x9b"
				     "6n"),
		"\xc2"
		"6n");
}

static void test_latin1_passes_as_it_is(void **state)
{
	PASSES("caf\xe9 na\xefve \xa9\r\n");
	PASSES("\xb3\xc4\xbf \xfe");
}

static void test_only_the_modes_that_report_are_taken_out_of_a_list(void **state)
{
	assert_string_equal(FILTERED("\x1b[?1049;1004;2004;2026h"), "\x1b[?1049;2004h");
	assert_string_equal(FILTERED("\x1b[?1004;25l"), "\x1b[?25l");
	assert_string_equal(FILTERED("\x1b[2;4h"), "\x1b[4h");
}

/* Shown without a pty, the terminal types into a shell, later if not now. */
static void test_nothing_changes_a_keyboard_that_is_not_ours(void **state)
{
	static const char in[] = "\x1b[?1003;7h\x1b[?1049h\x1b[20;4h\x1b[?2004h\x1b[>4;2m\x1b[>1u"
				 "\x1b[=1u\x1b[<u\x1b[?1h\x1b=\x1b>\x1b[31mred\x1b[0m";
	char out[sizeof(in) + REPLAY_ROOM] = "";
	struct replay_filter f;
	size_t consumed;

	replay_filter_init(&f);
	f.terminal.foreign_keyboard = true;
	assert_true(replay_filter(&f, (const uint8_t *)in, sizeof(in) - 1, (uint8_t *)out,
			    sizeof(out), &consumed) < sizeof(out));
	assert_int_equal(consumed, sizeof(in) - 1);
	assert_string_equal(out, "\x1b[?7h\x1b[?1049h\x1b[4h\x1b[31mred\x1b[0m");
}

static void test_malformed_sequences_leave_the_terminal_in_ground(void **state)
{
	/* Controls inside a sequence are obeyed, ESC begins anew, CAN ends. */
	assert_string_equal(FILTERED("\x1b[3\n1mx"), "\n\x1b[31mx");
	assert_string_equal(FILTERED("\x1b[3\x1b[1mx"), "\x1b[1mx");
	assert_string_equal(FILTERED("\x1b[6\x18nx"), "\x18nx");
	/* Terminals disagree on these: nothing that could be completed is written. */
	assert_string_equal(FILTERED("\x1b[6\xc3\xa9nx"), "\xc3\xa9nx");
	assert_string_equal(FILTERED("\x1b[6 1nx"), "x");
	assert_string_equal(FILTERED("\x1b[6<nx"), "x");
	/* A string that never ends: ESC begins anew; a line end ends a title. */
	assert_string_equal(FILTERED("\x1b]0;title\r\nx"), "\r\nx");
	assert_string_equal(FILTERED("\x1bPq...\x1b[1mx"), "\x1b[1mx");
	/* Longer than any sequence that means something. */
	char longest[400] = "\x1b[";

	memset(longest + 2, '1', 300);
	snprintf(longest + 302, sizeof(longest) - 302, "mx");
	assert_string_equal(filtered(longest, strlen(longest)), "x");
}

static void test_filter_stops_when_out_is_full_and_goes_on(void **state)
{
	uint8_t in[1000], out[1000 + REPLAY_ROOM];
	struct replay_filter f;
	size_t at = 0, n = 0, used;

	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)('a' + i % 26);
	replay_filter_init(&f);
	while (at < sizeof(in)) {
		size_t k = replay_filter(
			&f, in + at, sizeof(in) - at, out + n, REPLAY_ROOM + 10, &used);

		assert_true(used > 0 && k <= REPLAY_ROOM + 10);
		at += used;
		n += k;
	}
	assert_int_equal(n, sizeof(in));
	assert_memory_equal(in, out, n);
}

/* History ends after cut bytes of text; returns what a viewer sees of history and live output. */
static const char *joined(const char *text, size_t cut)
{
	static char seen[ROOM];
	const uint8_t *in = (const uint8_t *)text;
	size_t len = strlen(text), used, n;
	struct replay_filter f;
	bool done;

	replay_filter_init(&f);
	n = replay_filter(&f, in, cut, (uint8_t *)seen, ROOM, &used);
	n += replay_filter_join(
		&f, in + cut, len - cut, (uint8_t *)seen + n, ROOM - n, &used, &done);
	if (done) {
		memcpy(seen + n, in + cut + used, len - cut - used);
		n += len - cut - used;
	}
	seen[n] = '\0';
	return seen;
}

static void test_live_output_joins_a_half_sequence(void **state)
{
	static const char draw[] = "ab\x1b[38;5;12mcd\xe2\x82\xac"
				   "ef\x1b(0g\r\n";
	static const char title[] = "ab\x1b]0;some title\x07"
				    "cd\x1b[6n";

	for (size_t cut = 0; cut < sizeof(draw); cut++)
		assert_string_equal(joined(draw, cut), draw);
	/* A title that began in history is dropped whole; live questions pass. */
	for (size_t cut = 3; cut < strlen("ab\x1b]0;some title\x07"); cut++)
		assert_string_equal(joined(title, cut), "abcd\x1b[6n");
	assert_string_equal(joined(title, 0), title);
}

static void test_an_endless_string_gives_live_output_back(void **state)
{
	static char text[3 * REPLAY_JOIN_MAX];
	const char *seen;

	memset(text, 'x', sizeof(text) - 1);
	text[0] = 0x1b;
	text[1] = 'P';
	seen = joined(text, 10);
	assert_int_equal(strlen(seen), strlen(text) - 10 - REPLAY_JOIN_MAX);
}

static size_t start_of(const char *text, unsigned lines, unsigned columns, bool whole)
{
	bool gone;

	return replay_start((const uint8_t *)text, strlen(text), lines, columns,
		&(const struct replay_known){.whole = whole}, &gone);
}

static bool is_gone(const char *text, const struct replay_known *known)
{
	bool gone;

	replay_start((const uint8_t *)text, strlen(text), 3, 80, known, &gone);
	return gone;
}

static void test_a_screen_is_gone_when_what_it_began_with_is(void **state)
{
	static const char cells[] = "x\033[5;5Hx\033[6;6Hx", lines[] = "x\r\n1\r\n2\r\n3\r\n";
	const struct replay_known nothing = {.whole = false}, all = {.whole = true};
	struct replay_modes other;
	const struct replay_known on_other = {.before = &other};

	replay_modes_init(&other);
	replay_modes_feed(&other, (const uint8_t *)"\033[?1049h", 8);
	assert_true(is_gone(cells, &nothing));
	assert_false(is_gone(cells, &all));
	assert_false(is_gone(lines, &nothing));
	assert_false(is_gone("\033[2Jx\033[5;5Hx", &nothing));
	assert_false(is_gone("\033[?1049h1\r\n2\033[?1049l1\r\n2\r\n3\r\n4\r\n", &nothing));
	assert_true(is_gone("\033[5;9r1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n", &nothing));
	assert_false(is_gone("\033[5;9r\033[r1\r\n2\r\n3\r\n4\r\n", &nothing));
	assert_false(is_gone("\033[5;5H1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8", &nothing));
	assert_true(is_gone(lines, &on_other));
	assert_false(is_gone("\033[?1049l1\r\n2\r\n3\r\n", &on_other));
	assert_false(is_gone("\033[?1049l\033[5;9r\033[r1\r\n2\r\n3\r\n", &on_other));
}

static void test_a_screen_is_gone_while_another_one_covers_it(void **state)
{
	static const char in_between[] = "1\r\n\033[?1049ha\r\nb\r\nc\r\nd\033[?1049l2\r\n";
	const struct replay_known all = {.whole = true};

	assert_true(is_gone("\033[?1049hx\033[5;5Hx", &all));
	assert_true(is_gone("\033[?1049h\033[2Jx", &all));
	assert_true(is_gone(in_between, &all));
	assert_false(is_gone("1\r\n\033[?1049ha\033[?1049l2\r\n3\r\n4\r\n", &all));
}

static void test_start_counts_lines_back(void **state)
{
	static const char text[] = "one\r\ntwo\r\nthree\r\nlogin: ";

	assert_int_equal(start_of(text, 1, 80, true), 17);
	assert_int_equal(start_of(text, 2, 80, true), 10);
	assert_int_equal(start_of(text, 4, 80, true), 0);
	assert_int_equal(start_of(text, 100, 80, true), 0);
	/* Something was before: the first line may be half a one. */
	assert_int_equal(start_of(text, 100, 80, false), 5);
	assert_int_equal(start_of("one\ntwo\n", 1, 80, true), 4);
	assert_int_equal(start_of("", 5, 80, true), 0);
}

static void test_start_counts_wrapped_lines_as_rows(void **state)
{
	char text[400] = "top\r\n";

	memset(text + 5, 'x', 200);
	snprintf(text + 205, sizeof(text) - 205, "\r\nend\r\n");
	assert_int_equal(start_of(text, 4, 80, true), 5);
	assert_int_equal(start_of(text, 5, 80, true), 0);
	assert_int_equal(start_of(text, 3, 0, true), 0);
	assert_int_equal(start_of("a\r\n10%\r20%\r30%\r\n", 1, 4, true), 3);
}

static void test_start_is_never_inside_a_sequence(void **state)
{
	/* The line end inside of the sequence is obeyed, but no place to begin. */
	static const char text[] = "one\r\n\x1b[3\n1mtwo";

	assert_int_equal(start_of(text, 1, 80, true), 5);
	assert_int_equal(start_of("\x82\xac no line\x1b[1m end", 5, 80, false), 10);
	assert_int_equal(start_of("\x82\xac no line", 5, 80, false), 2);
	assert_int_equal(start_of("0;3Hno line", 5, 80, false), 4);
	assert_int_equal(start_of("[1;31mno line", 5, 80, false), 6);
	assert_int_equal(start_of("1;31", 5, 80, false), 4);
}

static void test_half_a_line_is_not_shown(void **state)
{
	assert_int_equal(start_of("the end of a line\r\n", 5, 80, false), 19);
	assert_int_equal(start_of("the end of a line\r\nanother", 5, 80, false), 19);
	assert_int_equal(start_of("a whole line\r\n", 5, 80, true), 0);
}

/* What a replay from at on passes, when what is before is known. */
static const char *passes_after(const char *text, size_t at)
{
	static char out[ROOM];
	struct replay_modes before;
	struct replay_filter f;
	size_t used;

	replay_modes_init(&before);
	replay_modes_feed(&before, (const uint8_t *)text, at);
	replay_filter_init_after(&f, &before);
	size_t n = replay_filter(&f, (const uint8_t *)text + at, strlen(text) - at, (uint8_t *)out,
		sizeof(out) - 1, &used);

	out[n] = '\0';
	return out;
}

static void test_a_cut_is_mended_at_a_line_or_a_sequence(void **state)
{
	static uint8_t in[REPLAY_CUT_MAX * 2], out[sizeof(in) + REPLAY_ROOM];
	static const struct {
		size_t at;
		const char *text;
		size_t shown_from; /* behind at */
	} cases[] = {
		{0, "1;31mred\nline\x1b[1m", 9},
		{0, "\nline", 1},
		{900, "\x1b[1mx\nline", 6},
		{2000, "\x1b[1mx\nline", 0},
		{4094, "abcdef", 2},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = cases[i].at + strlen(cases[i].text), used = 0, n = 0;
		const uint8_t *shown = in + cases[i].at + cases[i].shown_from;
		struct replay_filter f;

		memset(in, 'm', sizeof(in));
		memcpy(in + cases[i].at, cases[i].text, strlen(cases[i].text));
		replay_filter_init_cut(&f);
		for (size_t at = 0; at < len; at++) {
			n += replay_filter(&f, in + at, 1, out + n, sizeof(out) - n, &used);
			assert_int_equal(used, 1);
		}
		assert_int_equal(n, in + len - shown);
		assert_memory_equal(out, shown, n);
	}
}

static void test_a_replay_from_inside_a_sequence_shows_it_whole(void **state)
{
	static const char text[] = "a\x1b[1;31mred";
	static const char title[] = "a\x1b]0;title\atext";

	for (size_t at = 2; at < strlen(text) - 3; at++)
		assert_string_equal(passes_after(text, at), "\x1b[1;31mred");
	for (size_t at = 2; at <= strlen(title) - 4; at++)
		assert_string_equal(passes_after(title, at), "text");
	assert_string_equal(passes_after("a\xe2\x82\xac", 2), "\xe2\x82\xac");
}

static void test_start_finds_the_begin_of_a_full_screen_program(void **state)
{
	static const char vim[] = "one\r\ntwo\r\n\x1b[?1049h\x1b[1;1Hline\r\nline\r\nline\r\nline";
	static const char left[] = "one\r\n\x1b[?1049hvim\x1b[?1049l\r\n$ ";
	static const char cleared[] = "one\x1b[?1049hold\x1b[H\x1b[2Jnew";
	static const char grub[] = "one\x1b[5;1Hx\x1b[H\x1b[Jmenu\x1b[3;3Hitem\x1b[4;3Hitem";

	assert_int_equal(start_of(vim, 2, 80, true), 10);
	assert_int_equal(start_of(left, 1, 80, true), strlen(left) - 2);
	assert_int_equal(start_of(cleared, 24, 80, true), strlen("one\x1b[?1049hold"));
	assert_int_equal(start_of(grub, 24, 80, false), strlen("one\x1b[5;1Hx"));
}

static void test_start_finds_the_begin_of_a_program_that_draws_anywhere(void **state)
{
	static const char top[] = "$ top\r\n\x1b[H\x1b[2Jhead\r\n1\r\n2\r\n\x1b[Hhead\r\n\r\n3\r\n";
	static const char later[] = "\r\n1\r\n\x1b[Hhead\r\n1\r\n\x1b[Hhead\r\n\r\n3\r\n";
	static const char clear[] = "x\x1b[H\x1b[2J1\r\n2\r\n3\r\n4\r\n$ ";
	static const char size[] = "x\x1b[2J1\r\n2\r\n3\r\n\x1b"
				   "7\x1b[99;99H\x1b[6n\x1b"
				   "8$ ";

	assert_int_equal(start_of(top, 3, 80, true), strlen("$ top\r\n"));
	/* Its clear is not in reach. */
	assert_int_equal(start_of(later, 3, 80, false), strlen("\r\n1\r\n"));
	/* What was cleared has scrolled away. */
	assert_int_equal(start_of(clear, 2, 80, true), strlen(clear) - strlen("4\r\n$ "));
	/* A shell that asks for the size comes back to where it was. */
	assert_int_equal(start_of(size, 1, 80, true), strlen("x\x1b[2J1\r\n2\r\n3\r\n"));
}

static size_t start_with_boot(const char *text, const char *boot, unsigned lines)
{
	const struct replay_known known = {
		.whole = true, .boot = (size_t)(strstr(text, boot) - text)};

	bool gone;

	return replay_start((const uint8_t *)text, strlen(text), lines, 80, &known, &gone);
}

static void test_a_boot_is_a_fresh_terminal(void **state)
{
	/* It was in a string, or a program was on the screen. */
	assert_int_equal(start_with_boot("1\r\n\x1b]0;tBIOS\r\n2\r\n3\r\n", "BIOS", 3),
		strlen("1\r\n\x1b]0;t"));
	assert_int_equal(
		start_with_boot(
			"1\r\n\x1b[?1049h\x1b[H\x1b[2Jx\x1b[5;1HBIOS\r\n2\r\n3\r\n", "BIOS", 2),
		strlen("1\r\n\x1b[?1049h\x1b[H\x1b[2Jx\x1b[5;1HBIOS\r\n"));
}

/* The bytes that bring back what text has set. */
static const char *modes_of(const char *text, bool undo)
{
	static char out[REPLAY_UNDO_ROOM + 1];
	struct replay_modes m;

	replay_modes_init(&m);
	replay_modes_feed(&m, (const uint8_t *)text, strlen(text));
	size_t n = undo ? replay_modes_undo(&m, 20, out, REPLAY_UNDO_ROOM)
			: replay_modes_write(&m, out, REPLAY_MODES_ROOM);
	out[n] = '\0';
	return out;
}

static void test_modes_in_force_are_brought_back(void **state)
{
	assert_string_equal(modes_of("text \x1b[1mbold\x1b[0m\r\n", false), "");
	assert_string_equal(modes_of("\x1b[1;31;44m", false), "\x1b[0;1;31;44m");
	assert_string_equal(modes_of("\x1b[1;4;7m\x1b[22;24m", false), "\x1b[0;7m");
	assert_string_equal(
		modes_of("\x1b[38;5;200;48;2;1;2;3m", false), "\x1b[0;38;5;200;48;2;1;2;3m");
	assert_string_equal(
		modes_of("\x1b[38:2::1:2:3m\x1b[4:3m", false), "\x1b[0;4:3;38;2;1;2;3m");
	assert_string_equal(modes_of("\x1b[95;105m", false), "\x1b[0;95;105m");
	assert_string_equal(modes_of("\x1b[?1049h\x1b[?25l\x1b[?2004h", false),
		"\x1b[?1049h\x1b[?25l\x1b[?2004h");
	assert_string_equal(modes_of("\x1b[?1049h\x1b[31m\x1b[?1049l", false), "");
	assert_string_equal(modes_of("\x1b[2;20r", false), "\x1b"
							   "7\x1b[2;20r\x1b"
							   "8");
	assert_string_equal(modes_of("\x1b[2;20r\x1b[r", false), "");
	assert_string_equal(modes_of("\x1b(0\x0e", false), "\x1b(0\x0e\x1b[0m");
	assert_string_equal(modes_of("\x1b[?1h\x1b=\x1b[?1000;1006h", false),
		"\x1b[?1h\x1b[?1000h\x1b[?1006h\x1b=");
	assert_string_equal(modes_of("\x1b[31m\x1b[?25l\x1b"
				     "c",
				    false),
		"");
	assert_string_equal(modes_of("\x1b[31m\x1b[?25l\x1b[!p", false), "");
	assert_string_equal(modes_of("\x1b[31m\x1b"
				     "7\x1b[0m\x1b"
				     "8",
				    false),
		"\x1b[0;31m\x1b"
		"7\x0f\x1b(B\x1b)B\x1b*B\x1b+B\x1b[0m\x1b[0;31m");
}

static void test_modes_are_undone_when_the_terminal_is_left(void **state)
{
	assert_string_equal(modes_of("text\r\n", true), "");
	assert_string_equal(modes_of("\x1b[?1049h\x1b[?25l\x1b[?1002h\x1b[5 q", true),
		"\x1b[?25h\x1b[?1002l\x1b[0 q\x1b[?1049l\x0f\x1b(B\x1b)B\x1b[0m");
	/* Origin mode comes back with the cursor of the main screen. */
	assert_string_equal(modes_of("\x1b[?6h\x1b[?1049h\x1b[?6l", true),
		"\x1b[?1049l\x1b[?6l\x1b[r\x1b[9999;1H\x0f\x1b(B\x1b)B\x1b[0m");
	assert_string_equal(modes_of("\x1b[?7l\x1b[1m", true), "\x1b[?7h\x0f\x1b(B\x1b)B\x1b[0m");
}

/* Set, and what undoes it. */
static void test_everything_that_was_set_is_undone_and_nothing_else(void **state)
{
	static const char *const pairs[][2] = {
		{"\x1b[?12h", "\x1b[?12l"},
		{"\x1b[?40;67h", "\x1b[?40l\x1b[?67l"},
		{"\x1b[?1004;1007;1010;1011h", "\x1b[?1004l\x1b[?1007l\x1b[?1010l\x1b[?1011l"},
		{"\x1b[?1034;1036;1039h\x1b[?1035l",
			"\x1b[?1034l\x1b[?1035h\x1b[?1036l\x1b[?1039l"},
		{"\x1b[?2026;2031;2048;9001h", "\x1b[?2026l\x1b[?2031l\x1b[?2048l\x1b[?9001l"},
		{"\x1b[2;12h\x1b[12l", "\x1b[2l\x1b[12h"},
		{"\x1b[>4;2m", "\x1b[>4m"},
		{"\x1b[>1u\x1b[>5u", "\x1b[<2u"},
		{"\x1b[=5u", "\x1b[=0u"},
		{"\x1b[>1u\x1b[<u", ""},
		{"\x1b[>1u\x1b[?1049h\x1b[>3u\x1b[=1;2u",
			"\x1b[<1u\x1b[?1049l\x1b[<1u\x0f\x1b(B\x1b)B\x1b[0m"},
		{"\x1b[?6h", "\x1b[?6l\x1b[r\x1b[9999;1H"},
		{"\x1b[?66h", "\x1b>"},
		{"\x1b%@", "\x1b%G"},
		{"\x1b*0\x1bn", "\x0f\x1b(B\x1b)B\x1b*B\x1b[0m"},
		{"\x1b[3g", "\x1b"
			    "7\x1b[3g\r\x1b[8C\x1bH\x1b[8C\x1bH\x1b"
			    "8"},
		{"\x1b[?1000;25l\x1b[?25h\x1b[?1000h\x1b[?1000l", ""},
		{"\x1b[?1h\x1b[>1u\x1b[?1049h\x1b"
		 "c",
			""},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		assert_string_equal(modes_of(pairs[i][0], true), pairs[i][1]);
}

static void test_modes_that_make_a_terminal_send_are_not_brought_back(void **state)
{
	assert_string_equal(modes_of("\x1b[?1004;2026;2031;2048;9001h\x1b[2h", false), "");
	assert_string_equal(modes_of("\x1b[>1u\x1b[>5u\x1b[?1049h\x1b[=3u", false),
		"\x1b[>1u\x1b[>5u\x1b[?1049h\x1b[=3u");
}

static void test_keyboard_stack_forgets_the_oldest(void **state)
{
	char text[256] = "";

	for (int i = 1; i <= 10; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\x1b[>%du", i);
	assert_string_equal(modes_of(text, true), "\x1b[<8u\x1b[=0u");
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "\x1b[<20u");
	assert_string_equal(modes_of(text, true), "");
}

static void overwrite(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
}

/* The tracker does not depend on how the output is cut, nor on what is between its modes. */
static void test_modes_are_found_in_much_text(void **state)
{
	static char text[4096];
	size_t len;

	memset(text, 'x', sizeof(text));
	overwrite(text + 1000, "\x1b[?1h\x0e");
	overwrite(text + 3000, "\xe2\x82\xac\x1b[?2004h\x0f");
	overwrite(text + 4088, "\x1b[?25l");
	for (size_t piece = 1; piece < sizeof(text); piece += 97) {
		struct replay_modes m;
		char out[REPLAY_MODES_ROOM];

		replay_modes_init(&m);
		for (size_t at = 0; at < sizeof(text); at += piece)
			replay_modes_feed(&m, (const uint8_t *)text + at,
				sizeof(text) - at < piece ? sizeof(text) - at : piece);
		len = replay_modes_write(&m, out, sizeof(out));
		assert_int_equal(len, strlen("\x1b[?1h\x1b[?25l\x1b[?2004h"));
		assert_memory_equal(out, "\x1b[?1h\x1b[?25l\x1b[?2004h", len);
	}
}

static void test_word_of_the_tracker(void **state)
{
	struct replay_modes m;
	char word[REPLAY_WORD_MAX];
	static const char *const bad[] = {"", "2", "1:", "1:00", "1:zz", "1x"};

	replay_modes_init(&m);
	replay_modes_to_word(&m, word);
	assert_string_equal(word, "1");
	replay_modes_feed(&m, (const uint8_t *)"\x1b[?1049h\x1b[31mx\x1b]0;t", 17);
	assert_true(replay_modes_is_whole(&m));
	replay_modes_to_word(&m, word);
	assert_int_equal(replay_modes_from_word(&m, word), 0);
	assert_int_equal(m.alternate, 1049);
	assert_int_equal(m.scan.state, VT_OSC);
	assert_int_equal(m.sgr.ink.value[0], 1);
	word[strlen(word) - 1] = '\0';
	assert_true(replay_modes_from_word(&m, word) < 0);
	assert_int_equal(m.alternate, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_true(replay_modes_from_word(&m, bad[i]) < 0);
	replay_modes_init(&m);
	replay_modes_feed(&m, (const uint8_t *)"\x1b[3", 3);
	assert_false(replay_modes_is_whole(&m));
}

static void test_prologue_asks_nothing_and_sets_no_mode(void **state)
{
	static const char before[] = "\x1b[?1049h\x1b[1;5r\x1b[?6h\x1b[31m\x1b[?1003h\x1b]0;t";
	struct replay_modes m;
	char out[REPLAY_MODES_ROOM];
	size_t len;
	const char *prologue = replay_prologue(&len);

	assert_int_equal(len, strlen(prologue));
	replay_modes_init(&m);
	replay_modes_feed(&m, (const uint8_t *)before, sizeof(before) - 1);
	replay_modes_feed(&m, (const uint8_t *)prologue, len);
	assert_int_equal(replay_modes_write(&m, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_question_is_replayed),
		cmocka_unit_test(test_titles_and_clipboard_are_not_replayed),
		cmocka_unit_test(test_what_draws_passes_unchanged),
		cmocka_unit_test(test_nothing_that_a_terminal_keeps_is_erased),
		cmocka_unit_test(test_a_reset_undoes_what_was_set),
		cmocka_unit_test(test_what_clears_without_end_costs_no_more),
		cmocka_unit_test(test_wrapping_stays_on_but_for_a_program_that_draws),
		cmocka_unit_test(test_lines_to_read_are_text_and_colours),
		cmocka_unit_test(test_lines_to_read_are_not_written_over),
		cmocka_unit_test(test_lines_to_read_have_nothing_of_the_alternate_screen),
		cmocka_unit_test(test_utf8_with_bytes_like_c1_controls_passes),
		cmocka_unit_test(test_latin1_passes_as_it_is),
		cmocka_unit_test(test_only_the_modes_that_report_are_taken_out_of_a_list),
		cmocka_unit_test(test_nothing_changes_a_keyboard_that_is_not_ours),
		cmocka_unit_test(test_malformed_sequences_leave_the_terminal_in_ground),
		cmocka_unit_test(test_filter_stops_when_out_is_full_and_goes_on),
		cmocka_unit_test(test_live_output_joins_a_half_sequence),
		cmocka_unit_test(test_an_endless_string_gives_live_output_back),
		cmocka_unit_test(test_a_screen_is_gone_when_what_it_began_with_is),
		cmocka_unit_test(test_a_screen_is_gone_while_another_one_covers_it),
		cmocka_unit_test(test_start_counts_lines_back),
		cmocka_unit_test(test_start_counts_wrapped_lines_as_rows),
		cmocka_unit_test(test_start_is_never_inside_a_sequence),
		cmocka_unit_test(test_half_a_line_is_not_shown),
		cmocka_unit_test(test_a_replay_from_inside_a_sequence_shows_it_whole),
		cmocka_unit_test(test_start_finds_the_begin_of_a_full_screen_program),
		cmocka_unit_test(test_start_finds_the_begin_of_a_program_that_draws_anywhere),
		cmocka_unit_test(test_a_cut_is_mended_at_a_line_or_a_sequence),
		cmocka_unit_test(test_modes_in_force_are_brought_back),
		cmocka_unit_test(test_modes_are_undone_when_the_terminal_is_left),
		cmocka_unit_test(test_a_boot_is_a_fresh_terminal),
		cmocka_unit_test(test_everything_that_was_set_is_undone_and_nothing_else),
		cmocka_unit_test(test_modes_that_make_a_terminal_send_are_not_brought_back),
		cmocka_unit_test(test_keyboard_stack_forgets_the_oldest),
		cmocka_unit_test(test_modes_are_found_in_much_text),
		cmocka_unit_test(test_word_of_the_tracker),
		cmocka_unit_test(test_prologue_asks_nothing_and_sets_no_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
