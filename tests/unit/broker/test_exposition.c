/* The text format of Prometheus. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "broker/metrics/exposition.h"

static char *text;
static size_t len;
static struct exposition e;

static void begin(void)
{
	e = (struct exposition){.out = open_memstream(&text, &len)};
	assert_non_null(e.out);
}

static void finish(const char *wanted)
{
	assert_int_equal(fclose(e.out), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void a_family_has_its_head_once_and_its_samples_behind_it(void **state)
{
	const struct exposition_label a[] = {{"kind", "text"}, {"vm", "web-1"}};

	begin();
	exposition_family(&e, "x_total", EXPOSITION_COUNTER, "What it is.");
	exposition_sample(&e, a, 2, 18446744073709551615U);
	exposition_sample(&e, a, 1, 0);
	exposition_single(&e, "y", EXPOSITION_GAUGE, "Another.", 7);
	finish("# HELP x_total What it is.\n# TYPE x_total counter\n"
	       "x_total{kind=\"text\",vm=\"web-1\"} 18446744073709551615\n"
	       "x_total{kind=\"text\"} 0\n"
	       "# HELP y Another.\n# TYPE y gauge\ny 7\n");
}

static void a_name_cannot_end_its_label(void **state)
{
	const struct exposition_label l = {"vm", "a\"} 1\n# b\\c\xff"};

	begin();
	exposition_family(&e, "x", EXPOSITION_GAUGE, "H.");
	exposition_sample(&e, &l, 1, 1);
	finish("# HELP x H.\n# TYPE x gauge\n"
	       "x{vm=\"a\\\"} 1\\\\x0a# b\\\\\\\\c\\\\xff\"} 1\n");
}

static void a_name_without_end_is_cut(void **state)
{
	char name[2 * EXPOSITION_VALUE_MAX + 1];
	const struct exposition_label l = {"vm", name};

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	begin();
	e.family = "x";
	exposition_sample(&e, &l, 1, 1);
	assert_int_equal(fclose(e.out), 0);
	assert_int_equal(len, strlen("x{vm=\"\"} 1\n") + EXPOSITION_VALUE_MAX);
	free(text);
}

static void a_time_is_in_seconds_with_all_its_digits(void **state)
{
	begin();
	exposition_seconds(&e, "x_seconds", "H.", 12000034);
	finish("# HELP x_seconds H.\n# TYPE x_seconds gauge\nx_seconds 12.000034\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_family_has_its_head_once_and_its_samples_behind_it),
		cmocka_unit_test(a_name_cannot_end_its_label),
		cmocka_unit_test(a_name_without_end_is_cut),
		cmocka_unit_test(a_time_is_in_seconds_with_all_its_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
