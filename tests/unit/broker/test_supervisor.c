/*
 * The end of a supervisor whose process does not run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "broker/door/supervisor.h"

#define ROUND_US (20 * LOOP_MSEC) /* more than a timer that is due waits */

static struct loop *loop;
static unsigned stops;

static void on_stopped(void *arg)
{
	stops++;
}

static void ignore_service(void *arg, enum door_service service)
{
}

static struct supervisor *stop_one_that_is_down(void)
{
	static const struct supervisor_options options = {
		.name = "door of a test", .changed = ignore_service, .stopped = on_stopped};
	struct supervisor_options o = options;
	struct supervisor *v;

	o.loop = loop;
	stops = 0;
	assert_int_equal(supervisor_create(&o, &v), 0);
	supervisor_stop(v);
	assert_int_equal(stops, 0); /* who stops it may be in the middle of something */
	return v;
}

static void turn_for(uint64_t us)
{
	uint64_t end = loop_now(loop) + us;

	while (loop_now(loop) < end)
		loop_turn(loop, ROUND_US);
}

static void test_the_stop_of_one_that_is_down_is_told_once(void **state)
{
	struct supervisor *v = stop_one_that_is_down();

	while (!stops)
		loop_turn(loop, LOOP_SECOND);
	supervisor_stop(v);
	turn_for(ROUND_US);
	assert_int_equal(stops, 1);
	supervisor_destroy(&v);
}

static void test_one_that_is_destroyed_tells_nothing_any_more(void **state)
{
	struct supervisor *v = stop_one_that_is_down();

	supervisor_destroy(&v);
	turn_for(ROUND_US);
	assert_int_equal(stops, 0);
}

static int set_up(void **state)
{
	loop = loop_create();
	return loop ? 0 : -1;
}

static int tear_down(void **state)
{
	loop_destroy(loop);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_stop_of_one_that_is_down_is_told_once),
		cmocka_unit_test(test_one_that_is_destroyed_tells_nothing_any_more),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
