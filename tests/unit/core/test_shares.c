/* What there is a bounded number of, shared between users. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/shares.h"

static void nobody_has_more_than_his_share(void **state)
{
	struct share_list list = {0};
	struct share *a[2], *b, *none = NULL;

	assert_int_equal(shares_take(&list, "a", 0, &none), -EDQUOT);
	assert_int_equal(shares_take(&list, "a", 2, &a[0]), 0);
	assert_int_equal(shares_take(&list, "a", 2, &a[1]), 0);
	assert_int_equal(shares_take(&list, "a", 2, &none), -EDQUOT);
	assert_null(none);
	assert_int_equal(shares_take(&list, "b", 2, &b), 0);
	shares_give(&a[0]);
	assert_int_equal(shares_take(&list, "a", 2, &a[0]), 0);
	assert_int_equal(shares_take(&list, "a", 3, &none), 0); /* the limit was raised */
	shares_give(&a[0]);
	shares_give(&a[1]);
	shares_give(&none);
	shares_give(&none);
	assert_false(LIST_EMPTY(&list));
	shares_give(&b);
	assert_true(LIST_EMPTY(&list));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_has_more_than_his_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
