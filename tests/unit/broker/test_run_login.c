/* What is typed at a guest's login, for what the guests of this world print there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "broker/script/run_login.h"

#define LONG RUN_LOGIN_SHELL_US

static void prints(struct run_login *l, const char *text)
{
	run_login_take(l, (const uint8_t *)text, strlen(text));
}

static void next_is(struct run_login *l, uint64_t rested_us, enum run_login_step step)
{
	assert_int_equal(run_login_next(l, rested_us), step);
}

static struct run_login begin(bool has_password)
{
	struct run_login l;

	run_login_init(&l, "root", has_password);
	return l;
}

/* Up to the question for the password. */
static struct run_login named(bool has_password)
{
	struct run_login l = begin(has_password);

	prints(&l, "\r\ndemo login: ");
	next_is(&l, RUN_LOGIN_REST_US, RUN_LOGIN_NAME);
	prints(&l, "root\r\nPassword: ");
	return l;
}

static void name_and_password_are_typed_where_they_are_asked_for(void **state)
{
	struct run_login l = named(true);

	next_is(&l, RUN_LOGIN_REST_US - 1, RUN_LOGIN_WAIT);
	next_is(&l, RUN_LOGIN_REST_US, RUN_LOGIN_PASSWORD);
	next_is(&l, LONG, RUN_LOGIN_WAIT);
	prints(&l, "\r\nLast login: Sat Nov 28 15:49:42 UTC 2026 on ttyS0\r\n\r\nWelcome\r\n");
	next_is(&l, LONG, RUN_LOGIN_WAIT);
	prints(&l, "\x1b[?2004hdemo:~# ");
	next_is(&l, RUN_LOGIN_REST_US, RUN_LOGIN_WAIT);
	next_is(&l, LONG, RUN_LOGIN_SHELL);
}

static void a_user_without_a_password_is_in_at_once(void **state)
{
	struct run_login l = begin(false);

	prints(&l, "\r\nDebian GNU/Linux 12 web ttyS0\r\n\r\nweb login: ");
	next_is(&l, LONG, RUN_LOGIN_NAME);
	prints(&l, "root");
	next_is(&l, LONG, RUN_LOGIN_WAIT); /* its echo is no prompt */
	prints(&l, "\r\n~ # ");
	next_is(&l, LONG, RUN_LOGIN_SHELL);
}

static void at_a_shells_prompt_nothing_is_typed(void **state)
{
	static const char *const prompts[] = {"root@web:~# ", "$ ", "% ",
		"\x1b]3008;start=0f;type=shell\x1b\\\x1b[1;32mweb\x1b[0m> "};

	for (size_t i = 0; i < sizeof(prompts) / sizeof(prompts[0]); i++) {
		struct run_login l = begin(true);

		prints(&l, "\r\n");
		prints(&l, prompts[i]);
		next_is(&l, RUN_LOGIN_REST_US, RUN_LOGIN_WAIT);
		next_is(&l, LONG, RUN_LOGIN_SHELL);
	}
}

static void a_message_of_the_boot_is_no_prompt(void **state)
{
	struct run_login l = begin(true);

	prints(&l, "\r\nStarting the network ...");
	next_is(&l, LONG, RUN_LOGIN_WAIT);
	prints(&l, "\r\n");
	next_is(&l, LONG, RUN_LOGIN_WAIT);
}

static void a_wrong_password_is_refused(void **state)
{
	static const char *const answers[] = {"\r\nLogin incorrect\r\n",
		"\r\nlogin: Authentication failure\r\n", "\r\ndemo login: ", "\r\nPassword: "};

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct run_login l = named(true);

		next_is(&l, LONG, RUN_LOGIN_PASSWORD);
		prints(&l, answers[i]);
		next_is(&l, RUN_LOGIN_REST_US, RUN_LOGIN_REFUSED);
	}
}

static void a_password_is_given_to_nothing_but_a_question_for_it(void **state)
{
	struct run_login l = begin(true);

	/* Somebody else's login, which Enter ends. */
	prints(&l, "Password: ");
	next_is(&l, LONG, RUN_LOGIN_WAIT);
	prints(&l, "\r\nLogin incorrect\r\nweb login: ");
	next_is(&l, LONG, RUN_LOGIN_NAME);
	prints(&l, "root\r\nPasswort: ");
	next_is(&l, LONG, RUN_LOGIN_PASSWORD);
	prints(&l, "\r\nYou must change your password now.\r\nCurrent password: ");
	next_is(&l, LONG, RUN_LOGIN_REFUSED);
}

static void a_password_that_is_asked_for_and_not_there(void **state)
{
	struct run_login l = named(false);

	next_is(&l, LONG, RUN_LOGIN_NO_PASSWORD);
}

static void a_name_that_was_swallowed_is_typed_again_but_not_for_ever(void **state)
{
	struct run_login l = begin(true);
	int i;

	next_is(&l, RUN_LOGIN_SILENT_US, RUN_LOGIN_ENTER);
	for (i = 0; i < RUN_LOGIN_NAMES; i++) {
		prints(&l, "\r\nweb login: ");
		next_is(&l, LONG, RUN_LOGIN_NAME);
		next_is(&l, LONG, RUN_LOGIN_WAIT);
		next_is(&l, RUN_LOGIN_SILENT_US, RUN_LOGIN_ENTER);
	}
	prints(&l, "\r\nweb login: ");
	next_is(&l, LONG, RUN_LOGIN_REFUSED);
}

static void a_long_line_is_known_by_its_end(void **state)
{
	struct run_login l = begin(true);
	int i;

	for (i = 0; i < 1000; i++)
		prints(&l, "\xc3\xa4x");
	prints(&l, " login: ");
	next_is(&l, LONG, RUN_LOGIN_NAME);
}

static void keys_are_no_letters_of_a_name_or_password(void **state)
{
	assert_true(run_login_is_typable("p\xc3\xa4ss w\"'$", 10));
	assert_false(run_login_is_typable("a\003b", 3));
	assert_false(run_login_is_typable("a\0b", 3));
	assert_false(run_login_is_typable("\x7f", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(name_and_password_are_typed_where_they_are_asked_for),
		cmocka_unit_test(a_user_without_a_password_is_in_at_once),
		cmocka_unit_test(at_a_shells_prompt_nothing_is_typed),
		cmocka_unit_test(a_message_of_the_boot_is_no_prompt),
		cmocka_unit_test(a_wrong_password_is_refused),
		cmocka_unit_test(a_password_is_given_to_nothing_but_a_question_for_it),
		cmocka_unit_test(a_password_that_is_asked_for_and_not_there),
		cmocka_unit_test(a_name_that_was_swallowed_is_typed_again_but_not_for_ever),
		cmocka_unit_test(a_long_line_is_known_by_its_end),
		cmocka_unit_test(keys_are_no_letters_of_a_name_or_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
