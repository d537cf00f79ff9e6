/* The body of a verb's request, and the command it becomes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/text/tokenize.h"
#include "http/exchange/verb_body.h"

static char text[512], why[VERB_BODY_WHY_MAX];

static int words(const char *body)
{
	struct command c = {text, sizeof(text)};

	text[0] = why[0] = '\0';
	return verb_body_words(body, strlen(body), &c, why);
}

static void members_are_options_and_arguments_come_behind_them(void **state)
{
	assert_int_equal(words("{\"arguments\":[\"a b\",\"--c\"],\"timeout\":\"5m\",\"raw\":true,"
			       "\"multi\":false,\"from\":-12,\"ignore-panic\":null}"),
		0);
	assert_string_equal(text, " --timeout='5m' --raw --from=-12 -- 'a b' '--c'");
	assert_int_equal(words("{}"), 0);
	assert_string_equal(text, "");
}

static void no_text_makes_another_word(void **state)
{
	struct tokens t;

	assert_int_equal(words("{\"a\":\"x' --force '\",\"arguments\":[\"y'\\n\\\\\"]}"), 0);
	assert_int_equal(tokenize(text, strlen(text), &t), 0);
	assert_int_equal(t.count, 3);
	assert_string_equal(t.list[0], "--a=x' --force '");
	assert_string_equal(t.list[1], "--");
	assert_string_equal(t.list[2], "y'\n\\");
	tokens_finish(&t);
}

static void what_is_no_option_is_refused(void **state)
{
	static const char *const bodies[] = {"", "[]", "{", "{\"a\":1,\"a\":2}", "{\"a b\":1}",
		"{\"-a\":1}", "{\"a=b\":true}", "{\"\":1}", "{\"a\":1.5}", "{\"a\":[1]}",
		"{\"a\":\"\\u0000\"}", "{\"arguments\":\"x\"}", "{\"arguments\":[1]}",
		"{\"a\":true} x", "\"x\""};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		assert_int_equal(words(bodies[i]), -EINVAL);
		assert_true(*why);
	}
}

static void more_than_a_command_holds_is_refused(void **state)
{
	char body[2 * sizeof(text)];

	snprintf(body, sizeof(body), "{\"a\":\"%0*d\"}", (int)sizeof(text), 0);
	assert_int_equal(words(body), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_options_and_arguments_come_behind_them),
		cmocka_unit_test(no_text_makes_another_word),
		cmocka_unit_test(what_is_no_option_is_refused),
		cmocka_unit_test(more_than_a_command_holds_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
