/* The escape key, in every form in which a terminal tells it, and what a terminal sends by itself,
 * are found wherever the pieces of input are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vt/escape_key.h"

#define E "\x1b"
#define KEY "\x1d"          /* the escape key as a character */
#define CSI_U E "[93;5u"    /* as kitty's protocol tells it */
#define OTHER E "[27;5;93~" /* as xterm's modifyOtherKeys does */

struct result {
	char typed[256], answers[256], events[256], keys[64];
};

static void add(char *to, const uint8_t *bytes, size_t count)
{
	size_t len = strlen(to);

	memcpy(to + len, bytes, count);
	to[len + count] = '\0';
}

/* Does what was found, of bytes at most room at once; returns with how many it is done. */
static size_t act(const struct escape_found *f, size_t room, struct result *r)
{
	size_t n = f->count < room ? f->count : room;

	if (f->step == ESCAPE_TYPE)
		add(r->typed, f->bytes, n);
	else if (f->step == ESCAPE_ANSWER)
		add(r->answers, f->bytes, n);
	else if (f->step == ESCAPE_EVENT)
		add(r->events, f->bytes, n);
	else if (f->step == ESCAPE_COMMAND)
		add(r->keys, &f->key, 1);
	return n;
}

static void feed(
	struct escape_key *e, const char *text, size_t piece, size_t room, struct result *r)
{
	size_t len = strlen(text), done = 0, end;

	for (end = 0; end < len;) {
		end = len - end < piece ? len : end + piece;
		for (;;) {
			struct escape_found f =
				escape_scan(e, (const uint8_t *)text + done, end - done);

			done += escape_done(e, &f, act(&f, room, r));
			if (f.step == ESCAPE_MORE && done == end)
				break;
		}
	}
}

static void give_up(struct escape_key *e, struct result *r)
{
	struct escape_found f = escape_give_up(e);

	(void)escape_done(e, &f, act(&f, SIZE_MAX, r));
}

static void check_all(const char *text, const struct result *wanted, bool in_paste)
{
	for (size_t piece = 1; piece <= strlen(text); piece++) {
		for (size_t room = 1; room <= 3; room++) {
			struct escape_key e = {.character = 0x1d, .in_paste = in_paste};
			struct result r = {0};

			feed(&e, text, piece, room, &r);
			give_up(&e, &r);
			assert_string_equal(r.typed, wanted->typed);
			assert_string_equal(r.answers, wanted->answers);
			assert_string_equal(r.events, wanted->events);
			assert_string_equal(r.keys, wanted->keys);
		}
	}
}

static void check(const char *text, const char *typed, const char *keys)
{
	struct result wanted = {0};

	add(wanted.typed, (const uint8_t *)typed, strlen(typed));
	add(wanted.keys, (const uint8_t *)keys, strlen(keys));
	check_all(text, &wanted, false);
}

/* Text that is an answer as a whole. */
static void is_answer(const char *text)
{
	struct result wanted = {.typed = "ab"};
	char line[256];

	add(wanted.answers, (const uint8_t *)text, strlen(text));
	(void)snprintf(line, sizeof(line), "a%sb", text);
	check_all(line, &wanted, false);
}

static void is_event(const char *text)
{
	struct result wanted = {.typed = "ab"};
	char line[256];

	add(wanted.events, (const uint8_t *)text, strlen(text));
	(void)snprintf(line, sizeof(line), "a%sb", text);
	check_all(line, &wanted, false);
}

static void commands_are_told_from_what_is_typed(void **state)
{
	check("uname -a\r", "uname -a\r", "");
	check("ab" KEY ".cd", "abcd", ".");
	check(KEY "?" KEY "i" KEY ".", "", "?i.");
	check("a" KEY "r", "a", "r");
}

static void the_doubled_character_is_typed_once(void **state)
{
	check("a" KEY KEY "b", "a" KEY "b", "");
	check(KEY KEY KEY ".", KEY, ".");
	check(KEY KEY KEY KEY, KEY KEY, "");
	check(CSI_U CSI_U "b", CSI_U "b", "");
}

static void keys_are_typed_as_they_are(void **state)
{
	check("a" E "b" E "[A" E "OP" E "[[A" E "[15;2~" E E "[B" E,
		"a" E "b" E "[A" E "OP" E "[[A" E "[15;2~" E E "[B" E, "");
	check(E "]" E "P" E "_x" E "]a", E "]" E "P" E "_x" E "]a", "");
	check(E "[97;5u" E "[93;1u" E "[93;3u" E "[27;3;93~",
		E "[97;5u" E "[93;1u" E "[93;3u" E "[27;3;93~", "");
	check("\xc3\xa9" E "\xc3\xa9\x7f" E "\x7f", "\xc3\xa9" E "\xc3\xa9\x7f" E "\x7f", "");
	check(E "[1;2\r", E "[1;2\r", "");
	check(E "[", E "[", "");
	check("a" E "[5;", "a", ""); /* waits for the rest, however long */
}

static void the_escape_key_is_found_in_newer_protocols(void **state)
{
	check("a" CSI_U ".b", "ab", ".");
	check("a" OTHER ".b", "ab", ".");
	check("a" CSI_U E "[46u"
	      "b",
		"ab", ".");
	check("a" OTHER E "[27;1;46~b", "ab", ".");
	check(E "[93;133u.", "", ".");                 /* Num Lock */
	check(E "[93;197u.", "", ".");                 /* Caps Lock, too */
	check(E "[93;5:1u" E "[46;1:1u", "", ".");     /* pressed */
	check(E "[93;5:2u" E "[46;1:2u", "", ".");     /* repeated */
	check(E "[1098::93;5u" E "[1102::46u", "", E); /* a Russian keyboard: no order there */
	check(E "[221;0;29;1;8;1_" E "[190;0;46;1;0;1_", "", "."); /* Windows' */
}

static void the_order_key_is_what_would_be_typed(void **state)
{
	check(CSI_U E "[47:63;2u", "", "?");
	check(CSI_U E "[223;2;63u", "", "?");
	check(CSI_U E "[47;2u", "", "?");
	check(CSI_U E "[114;65u", "", "r"); /* Caps Lock */
	check(CSI_U E "[A", "", E);
	check(KEY E, "", E);
	check(CSI_U E "[13u", "", "\r");
}

/* Ctrl and the key are let go before the order is typed, and the order's key after it. */
static void keys_let_go_are_no_orders(void **state)
{
	struct result pressed = {.events = E "[57442;5u", .keys = "."};
	struct result let_go = {.events = E "[57442;1:3u", .keys = "."};

	check_all(E "[57442;5u" E "[93;5u" E "[93;5:3u" E "[46u" E "[46;1:3u", &pressed, false);
	check_all(CSI_U E "[57442;1:3u" E "[57441;2u.", &let_go, false);
}

static void a_key_let_go_or_a_modifier_alone_is_an_event(void **state)
{
	is_event(E "[97;1:3u");
	is_event(E "[1;1:3A");
	is_event(E "[57441;2u");
}

static void answers_are_told_from_keys(void **state)
{
	is_answer(E "[5;22R");
	is_answer(E "[?5;22R");
	is_answer(E "[0n");
	is_answer(E "[?62;22c");
	is_answer(E "[>1;10;0c");
	is_answer(E "P!|00000000" E "\\");
	is_answer(E "[?1;2$y");
	is_answer(E "]11;rgb:0000/0000/0000" E "\\");
	is_answer(E "]4;1;rgb:0000/0000/0000\x07");
	is_answer(E "P1$r0m" E "\\");
	is_answer(E "P>|XTerm(390)" E "\\");
	is_answer(E "[?0u");
	is_answer(E "[8;24;80t");
	is_answer(E "_Gi=1;OK" E "\\");
	is_answer(E "[2;1;1;112;112;1;0x");
	/* urxvt's arrows with Shift */
	for (const char *key = "abcd"; *key; key++) {
		char text[] = E "[?";

		text[2] = *key;
		check(text, text, "");
	}
}

static void reports_without_a_question_are_events(void **state)
{
	is_event(E "[I");
	is_event(E "[O");
	is_event(E "[<0;10;20M");
	is_event(E "[<0;10;20m");
	is_event(E "[M !!");
	is_event(E "[M \xf3\xe0");
	is_event(E "[32;10;20M");
	is_event(E "[?997;1n");
	is_event(E "[48;24;80;0;0t");
}

static void an_answer_before_the_order_key_is_not_it(void **state)
{
	struct result wanted = {.typed = "a",
		.answers = E "[5;22R" E "]11;?" E "\\",
		.events = E "[I",
		.keys = "."};

	check_all("a" KEY E "[5;22R" E "[I" E "]11;?" E "\\.", &wanted, false);
}

/* Alt and a bracket is no answer for ever: Enter, and the escape key, end it. */
static void an_answer_without_an_end_hides_no_order(void **state)
{
	struct result wanted = {.typed = "\rb", .answers = E "]1ls", .keys = "."};

	check_all(E "]1ls\rb" KEY ".", &wanted, false);
}

static void the_escape_key_in_a_paste_is_text(void **state)
{
	struct result wanted = {.typed = E "[200~a" E "[201~b", .keys = "."};

	check(E "[200~a" KEY ".b" E "[201~" KEY ".", E "[200~a" KEY ".b" E "[201~", ".");
	check_all(E "[200~a" KEY "." E "[201~b", &wanted, true);
}

static void brackets_of_a_paste_are_told(void **state)
{
	struct escape_key e = {.character = 0x1d};
	struct escape_found f = escape_scan(&e, (const uint8_t *)E "[200~x", 7);

	assert_int_equal(f.paste, ESCAPE_PASTE_BEGINS);
	assert_int_equal(f.count, 6);
	assert_int_equal(escape_done(&e, &f, 6), 6);
	f = escape_scan(&e, (const uint8_t *)"x", 1);
	assert_int_equal(f.paste, ESCAPE_NO_PASTE);
}

static void an_order_s_own_key_is_read_in_every_form(void **state)
{
	static const char *const texts[] = {"b", E "[98u", E "[27;1;98~"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct escape_key e = {.character = 0x1d, .wants_key = true};
		struct result r = {0};

		feed(&e, texts[i], 64, 64, &r);
		assert_string_equal(r.keys, "b");
		assert_string_equal(r.typed, "");
	}
}

static void without_a_character_everything_is_typed(void **state)
{
	struct escape_key e = {.character = ESCAPE_KEY_NONE};
	struct result r = {0};

	feed(&e, "a" KEY ".b" CSI_U, 4, 4, &r);
	assert_string_equal(r.typed, "a" KEY ".b" CSI_U);
}

static void esc_itself_may_be_the_character(void **state)
{
	struct escape_key e = {.character = 0x1b};
	struct result r = {0};

	feed(&e, "a" E "." E E "b", 1, 1, &r);
	assert_string_equal(r.typed, "a" E "b");
	assert_string_equal(r.keys, ".");
}

static void a_refused_byte_is_offered_again(void **state)
{
	struct escape_key e = {.character = 0x1d};
	struct escape_found f = escape_scan(&e, (const uint8_t *)KEY, 1);

	assert_int_equal(escape_done(&e, &f, 0), 1);
	f = escape_scan(&e, (const uint8_t *)KEY, 1);
	assert_int_equal(f.step, ESCAPE_TYPE);
	/* No room: it is not typed yet, and no command begins. */
	assert_int_equal(escape_done(&e, &f, 0), 0);
	f = escape_scan(&e, (const uint8_t *)KEY, 1);
	assert_int_equal(f.step, ESCAPE_TYPE);
	assert_int_equal(escape_done(&e, &f, 1), 1);
	f = escape_scan(&e, (const uint8_t *)".", 1);
	assert_int_equal(f.step, ESCAPE_TYPE);
}

static void a_key_given_up_comes_before_what_follows(void **state)
{
	struct escape_key e = {.character = 0x1d};
	struct escape_found f = escape_scan(&e, (const uint8_t *)E, 1);

	assert_int_equal(escape_done(&e, &f, 0), 1);
	assert_false(escape_owes_key(&e));
	f = escape_give_up(&e);
	assert_int_equal(escape_done(&e, &f, 0), 0); /* no room */
	assert_true(escape_owes_key(&e));
	f = escape_scan(&e, NULL, 0);
	assert_int_equal(f.step, ESCAPE_TYPE);
	assert_memory_equal(f.bytes, E, 1);
	assert_int_equal(escape_done(&e, &f, f.count), 0);
	assert_false(escape_owes_key(&e));
}

/* The rest of the sequence is where it came from. */
static void a_sequence_that_is_refused_is_no_key_given_up(void **state)
{
	struct escape_key e = {.character = 0x1d};
	struct escape_found f = escape_scan(&e, (const uint8_t *)E, 1);

	assert_int_equal(escape_done(&e, &f, 0), 1);
	f = escape_scan(&e, (const uint8_t *)"[A", 2);
	assert_int_equal(f.step, ESCAPE_TYPE);
	assert_int_equal(escape_done(&e, &f, 0), 0);
	assert_false(escape_owes_key(&e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_told_from_what_is_typed),
		cmocka_unit_test(the_doubled_character_is_typed_once),
		cmocka_unit_test(keys_are_typed_as_they_are),
		cmocka_unit_test(the_escape_key_is_found_in_newer_protocols),
		cmocka_unit_test(the_order_key_is_what_would_be_typed),
		cmocka_unit_test(keys_let_go_are_no_orders),
		cmocka_unit_test(a_key_let_go_or_a_modifier_alone_is_an_event),
		cmocka_unit_test(answers_are_told_from_keys),
		cmocka_unit_test(reports_without_a_question_are_events),
		cmocka_unit_test(an_answer_before_the_order_key_is_not_it),
		cmocka_unit_test(an_answer_without_an_end_hides_no_order),
		cmocka_unit_test(the_escape_key_in_a_paste_is_text),
		cmocka_unit_test(brackets_of_a_paste_are_told),
		cmocka_unit_test(an_order_s_own_key_is_read_in_every_form),
		cmocka_unit_test(without_a_character_everything_is_typed),
		cmocka_unit_test(esc_itself_may_be_the_character),
		cmocka_unit_test(a_refused_byte_is_offered_again),
		cmocka_unit_test(a_key_given_up_comes_before_what_follows),
		cmocka_unit_test(a_sequence_that_is_refused_is_no_key_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
