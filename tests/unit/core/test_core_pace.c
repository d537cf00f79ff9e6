/* A pace: the burst, the rate, the reset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/pace.h"

#define PERIOD 4000
#define BURST 16

static unsigned take_all(struct pace *p, uint64_t now)
{
	unsigned count = 0;

	while (pace_wait(p, now, PERIOD, BURST) == 0) {
		pace_take(p, now, PERIOD, BURST);
		count++;
	}
	return count;
}

static void a_burst_and_then_one_a_period(void **state)
{
	struct pace p = {0};
	uint64_t now = 1000000, end = now + UINT64_C(100) * PERIOD;
	unsigned count = take_all(&p, now);

	assert_int_equal(count, BURST);
	for (count = 0; now < end; count++) {
		uint64_t wait = pace_wait(&p, now, PERIOD, BURST);

		assert_int_equal(wait, PERIOD);
		now += wait;
		assert_int_equal(take_all(&p, now), 1);
	}
	assert_int_equal(count, 100);
}

static void a_pause_gives_back_what_fits_into_it(void **state)
{
	struct pace p = {0};
	uint64_t now = 1000000;

	take_all(&p, now);
	assert_int_equal(take_all(&p, now + UINT64_C(5) * PERIOD), 5);
	assert_int_equal(take_all(&p, now + UINT64_C(1000) * PERIOD), BURST);
}

static void a_reset_gives_back_all(void **state)
{
	struct pace p = {0};

	take_all(&p, 1000000);
	pace_reset(&p);
	assert_int_equal(take_all(&p, 1000000), BURST);
}

/* Who takes more than there is waits no longer for it. */
static void taking_too_early_adds_up_to_one_period(void **state)
{
	struct pace p = {0};
	unsigned i;

	for (i = 0; i < 1000; i++)
		pace_take(&p, 1000000, PERIOD, BURST);
	assert_int_equal(pace_wait(&p, 1000000, PERIOD, BURST), PERIOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_and_then_one_a_period),
		cmocka_unit_test(a_pause_gives_back_what_fits_into_it),
		cmocka_unit_test(a_reset_gives_back_all),
		cmocka_unit_test(taking_too_early_adds_up_to_one_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
