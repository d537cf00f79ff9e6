/* What libssh keeps back while keys are exchanged: nothing more is written until it is sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sshd/backlog.h"

static void what_is_sent_at_once_is_no_backlog(void **state)
{
	struct backlog b = {0};

	assert_false(backlog_waits(&b, 0));
	backlog_written(&b, 30000, 10, 11, 30009);
	assert_false(backlog_waits(&b, 30009));
	assert_false(backlog_waits(&b, 5)); /* a count that is odd holds nobody up */
}

static void what_is_taken_and_not_sent_holds_up_the_next_write(void **state)
{
	struct backlog b = {0};

	backlog_written(&b, 30000, 10, 10, 1000);
	assert_true(backlog_waits(&b, 1000));
	backlog_written(&b, 500, 10, 10, 1000); /* another channel's */
	assert_true(backlog_waits(&b, 1000 + 30000));
	assert_false(backlog_waits(&b, 1000 + 30500 + 18));
}

/* The exchange has packets of its own. */
static void it_ends_with_the_first_write_that_is_sent(void **state)
{
	struct backlog b = {0};

	backlog_written(&b, 10, 10, 10, 1000);
	assert_true(backlog_waits(&b, 1009));
	assert_false(backlog_waits(&b, 1000 + 1500));
	backlog_written(&b, 64000, 12, 12, 2500);
	assert_true(backlog_waits(&b, 2500 + 1200));
	backlog_written(&b, 1, 12, 14, 70000);
	assert_false(backlog_waits(&b, 70000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sent_at_once_is_no_backlog),
		cmocka_unit_test(what_is_taken_and_not_sent_holds_up_the_next_write),
		cmocka_unit_test(it_ends_with_the_first_write_that_is_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
