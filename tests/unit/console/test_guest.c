/* What is so of a guest, whoever does things to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "console/guest/guest_private.h"

static void it_is_ending_until_the_last_who_wants_its_end_has_given_up(void **state)
{
	static const struct uuid uuid = {{1}};
	struct guest *g = guest_create(NULL, NULL, &uuid);

	assert_non_null(g);
	assert_false(guest_is_ending(g));
	guest_expect_off(g, true);
	guest_expect_off(g, true);
	guest_expect_off(g, false); /* it was told that another order is under way */
	assert_true(guest_is_ending(g));
	guest_expect_off(g, false);
	assert_false(guest_is_ending(g));
	guest_destroy(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_ending_until_the_last_who_wants_its_end_has_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
