/* UUIDs as the user types them and as libvirt writes them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/text/uuid.h"

static void text_survives_parsing(void **state)
{
	static const char text[] = "6dd51c4f-02e8-4912-af12-62e84c670c1d";
	char out[UUID_TEXT];
	struct uuid u;

	assert_int_equal(uuid_parse(text, &u), 0);
	assert_int_equal(u.b[0], 0x6d);
	assert_int_equal(u.b[15], 0x1d);
	uuid_text(&u, out);
	assert_string_equal(out, text);
}

static void upper_case_is_the_same_uuid(void **state)
{
	struct uuid a, b;

	assert_int_equal(uuid_parse("6DD51C4F-02E8-4912-AF12-62E84C670C1D", &a), 0);
	assert_int_equal(uuid_parse("6dd51c4f-02e8-4912-af12-62e84c670c1d", &b), 0);
	assert_true(uuid_equal(&a, &b));
	b.b[15] ^= 1;
	assert_false(uuid_equal(&a, &b));
}

static void anything_else_is_refused_and_changes_nothing(void **state)
{
	static const char *const bad[] = {NULL, "", "6dd51c4f", "6dd51c4f02e84912af1262e84c670c1d",
		"6dd51c4f-02e8-4912-af12-62e84c670c1", "6dd51c4f-02e8-4912-af12-62e84c670c1d ",
		"6dd51c4f-02e8-4912-af12-62e84c670c1g", "6dd51c4f_02e8-4912-af12-62e84c670c1d",
		"6dd51c4-f02e8-4912-af12-62e84c670c1d", "{dd51c4f-02e8-4912-af12-62e84c670c1}"};
	struct uuid u = {{1}};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(uuid_parse(bad[i], &u), -EINVAL);
	assert_int_equal(u.b[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_survives_parsing),
		cmocka_unit_test(upper_case_is_the_same_uuid),
		cmocka_unit_test(anything_else_is_refused_and_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
