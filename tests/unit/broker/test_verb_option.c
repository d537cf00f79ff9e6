/* Values of verbs' options: what is taken, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "broker/verb/verb_option.h"

#define SECOND UINT64_C(1000000)
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static int number(enum verb_option_type type, const char *text, uint64_t *out)
{
	const struct verb_option option = {.name = "n", .type = type, .takes = "N"};
	struct option_number field = {0};
	int r = verb_option_set(&option, text, &field);

	*out = field.value;
	assert_true(r < 0 || field.given);
	return r;
}

static void numbers_are_decimal_and_in_their_range(void **state)
{
	const struct verb_option option = {
		.name = "n", .type = OPTION_NUMBER, .takes = "N", .least = 2, .most = 5};
	static const struct {
		const char *text;
		int result;
	} rows[] = {{"2", 0}, {"5", 0}, {"1", -EINVAL}, {"6", -EINVAL}, {"", -EINVAL},
		{"-2", -EINVAL}, {"+2", -EINVAL}, {" 2", -EINVAL}, {"2 ", -EINVAL}, {"2k", -EINVAL},
		{"0x3", -EINVAL}, {"99999999999999999999999", -EINVAL}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct option_number field = {0};

		if (verb_option_set(&option, rows[i].text, &field) != rows[i].result)
			fail_msg("%s", rows[i].text);
	}
}

static void a_number_without_a_range_may_be_any(void **state)
{
	uint64_t value;

	assert_int_equal(number(OPTION_NUMBER, "18446744073709551615", &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(number(OPTION_NUMBER, "0", &value), 0);
	assert_int_equal(value, 0);
}

static void durations_have_units(void **state)
{
	uint64_t value;

	assert_int_equal(number(OPTION_DURATION, "2m", &value), 0);
	assert_int_equal(value, 120 * SECOND);
	assert_int_equal(number(OPTION_DURATION, "3", &value), 0);
	assert_int_equal(value, 3 * SECOND);
	assert_int_equal(number(OPTION_DURATION, "soon", &value), -EINVAL);
}

static void boots_are_counted_with_a_minus_or_without(void **state)
{
	uint64_t value;

	assert_int_equal(number(OPTION_BOOT, "-3", &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(number(OPTION_BOOT, "3", &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(number(OPTION_BOOT, "--3", &value), -EINVAL);
	assert_int_equal(number(OPTION_BOOT, "-", &value), -EINVAL);
}

static void times_are_dates_seconds_or_so_long_ago(void **state)
{
	static const struct {
		const char *text;
		uint64_t micros;
	} rows[] = {{"1970-01-02", 86400 * SECOND}, {"1970-01-01T00:01:00Z", 60 * SECOND},
		{"1970-01-01 00:01", 60 * SECOND}, {"1970-01-01T01:00:00+01:00", 0},
		{"1970-01-01T00:00:01.5Z", SECOND + SECOND / 2},
		{"1970-01-01T00:00:00.123Z", 123000}, {"@86400", 86400 * SECOND}};
	static const char *const wrong[] = {"", "tomorrow", "@", "@-1", "@x", "@1099511627776",
		"1970-01-01T00:00:01.5x", "1970-13-01", "1970-01-01T00:00:00+1:00"};
	uint64_t value, now;

	for (size_t i = 0; i < COUNT(rows); i++) {
		if (number(OPTION_TIME, rows[i].text, &value) < 0 || value != rows[i].micros)
			fail_msg("%s", rows[i].text);
	}
	for (size_t i = 0; i < COUNT(wrong); i++) {
		if (number(OPTION_TIME, wrong[i], &value) != -EINVAL)
			fail_msg("%s", wrong[i]);
	}
	now = (uint64_t)time(NULL) * SECOND;
	assert_int_equal(number(OPTION_TIME, "10m", &value), 0);
	assert_true(value >= now - 600 * SECOND && value <= now + 600 * SECOND);
}

static void places_are_offsets_the_start_or_bytes_before_the_end(void **state)
{
	const struct verb_option option = {.name = "from", .type = OPTION_POSITION, .takes = "P"};
	static const struct {
		const char *text;
		int result;
		struct option_position place;
	} rows[] = {{"start", 0, {POSITION_START, 0}}, {"17", 0, {POSITION_OFFSET, 17}},
		{"-17", 0, {POSITION_BACK, 17}}, {"here", -EINVAL, {POSITION_NONE, 0}},
		{"", -EINVAL, {POSITION_NONE, 0}}, {"--17", -EINVAL, {POSITION_NONE, 0}}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct option_position place = {0};

		if (verb_option_set(&option, rows[i].text, &place) != rows[i].result)
			fail_msg("%s", rows[i].text);
		if (rows[i].result == 0 &&
			(place.kind != rows[i].place.kind || place.value != rows[i].place.value))
			fail_msg("%s", rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_decimal_and_in_their_range),
		cmocka_unit_test(a_number_without_a_range_may_be_any),
		cmocka_unit_test(durations_have_units),
		cmocka_unit_test(boots_are_counted_with_a_minus_or_without),
		cmocka_unit_test(times_are_dates_seconds_or_so_long_ago),
		cmocka_unit_test(places_are_offsets_the_start_or_bytes_before_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
