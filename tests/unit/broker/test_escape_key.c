/* The escape character is found wherever the pieces of input are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/session/escape_key.h"

struct result {
	char typed[256], keys[64];
	size_t typed_len, keys_len;
};

/* Feeds pieces of at most `piece` bytes, of which at most `room` are typed at a time. */
static void feed(struct escape_key *e, const char *text, size_t len, size_t piece, size_t room,
	struct result *r)
{
	size_t done = 0;

	while (done < len) {
		size_t n = len - done < piece ? len - done : piece;
		struct escape_found f = escape_scan(e, (const uint8_t *)text + done, n);

		assert_true(f.len > 0 && f.len <= n);
		if (f.step == ESCAPE_TYPE) {
			if (f.len > room)
				f.len = room;
			memcpy(r->typed + r->typed_len, text + done, f.len);
			r->typed_len += f.len;
			escape_typed(e, f.len);
		} else if (f.step == ESCAPE_COMMAND) {
			r->keys[r->keys_len++] = (char)f.key;
		}
		done += f.len;
	}
}

static void check(const char *text, const char *typed, const char *keys)
{
	size_t piece, room;

	for (piece = 1; piece <= strlen(text); piece++) {
		for (room = 1; room <= 3; room++) {
			struct escape_key e = {.character = 0x1d};
			struct result r = {0};

			feed(&e, text, strlen(text), piece, room, &r);
			assert_string_equal(r.typed, typed);
			assert_string_equal(r.keys, keys);
		}
	}
}

static void commands_are_told_from_what_is_typed(void **state)
{
	check("uname -a\r", "uname -a\r", "");
	check("ab\x1d.cd", "abcd", ".");
	check("\x1d?\x1di\x1d.", "", "?i.");
	check("a\x1dr", "a", "r");
}

static void the_doubled_character_is_typed_once(void **state)
{
	check("a\x1d\x1d"
	      "b",
		"a\x1d"
		"b",
		"");
	check("\x1d\x1d\x1d.", "\x1d", ".");
	check("\x1d\x1d\x1d\x1d", "\x1d\x1d", "");
}

static void without_a_character_everything_is_typed(void **state)
{
	struct escape_key e = {.character = -1};
	struct result r = {0};

	feed(&e, "a\x1d.b", 4, 4, 4, &r);
	assert_string_equal(r.typed, "a\x1d.b");
}

static void a_refused_byte_is_offered_again(void **state)
{
	struct escape_key e = {.character = 0x1d};
	struct escape_found f;

	(void)escape_scan(&e, (const uint8_t *)"\x1d", 1);
	f = escape_scan(&e, (const uint8_t *)"\x1d", 1);
	assert_int_equal(f.step, ESCAPE_TYPE);
	escape_typed(&e, 0); /* no room: it is not typed yet, and no command begins */
	f = escape_scan(&e, (const uint8_t *)"\x1d", 1);
	assert_int_equal(f.step, ESCAPE_TYPE);
	escape_typed(&e, 1);
	f = escape_scan(&e, (const uint8_t *)".", 1);
	assert_int_equal(f.step, ESCAPE_TYPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_told_from_what_is_typed),
		cmocka_unit_test(the_doubled_character_is_typed_once),
		cmocka_unit_test(without_a_character_everything_is_typed),
		cmocka_unit_test(a_refused_byte_is_offered_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
