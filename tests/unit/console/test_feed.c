/* How fast a guest is fed, and what is known of one that reads, is slow, or is deaf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "console/health/feed.h"

#define SECOND UINT64_C(1000000)
#define STEP 1024
#define TERMINAL 19968

/* A guest that reads so many bytes a second, and what waits in its terminal. */
struct reader {
	uint64_t rate, now, read_until;
	size_t waits;
	unsigned stood;
};

static void read_on(struct reader *r)
{
	uint64_t can = (r->now - r->read_until) * r->rate / SECOND;

	r->read_until += r->rate ? can * SECOND / r->rate : 0;
	r->waits -= can < r->waits ? can : r->waits;
}

/* Gives as much as it may within us microseconds; how much that was. */
static size_t feed_for(struct feed *f, struct reader *r, uint64_t us)
{
	uint64_t end = r->now + us, wait;
	size_t given = 0;

	while ((wait = feed_wait(f, r->now, STEP)) <= end - r->now) {
		int stood = 0;

		r->now += wait;
		read_on(r);
		while (r->waits + STEP > TERMINAL && r->now < end) {
			stood = 1;
			r->now += SECOND / 100;
			read_on(r);
		}
		if (r->now >= end)
			return given;
		r->stood += (unsigned)stood;
		feed_given(f, r->now, STEP, stood);
		r->waits += STEP;
		given += STEP;
	}
	r->now = end;
	return given;
}

static void assert_between(uint64_t value, uint64_t least, uint64_t most)
{
	assert_true(value >= least);
	assert_true(value <= most);
}

static void test_keys_are_never_held_back(void **state)
{
	struct feed f;
	uint64_t now = SECOND;
	int i;

	feed_init(&f);
	for (i = 0; i < 5000; i++) {
		assert_int_equal(feed_wait(&f, now, 1), 0);
		feed_given(&f, now, 1, 0);
		now += SECOND / 100;
	}
}

static void test_the_beginning_of_a_paste_does_not_fill_a_terminal(void **state)
{
	struct feed f;
	struct reader deaf = {.now = SECOND, .read_until = SECOND};

	feed_init(&f);
	assert_between(feed_for(&f, &deaf, SECOND / 4), FEED_BURST, FEED_HALF);
	assert_false(feed_is_read(&f, deaf.now));
}

static void test_a_guest_that_keeps_up_gets_a_long_paste_in_seconds(void **state)
{
	struct feed f;
	struct reader fast = {.rate = 1000000, .now = SECOND, .read_until = SECOND};

	feed_init(&f);
	assert_between(feed_for(&f, &fast, 3 * SECOND), 300000, 3 * (uint64_t)FEED_RATE_MAX);
	assert_int_equal(fast.stood, 0);
	assert_true(feed_is_read(&f, fast.now));
	assert_false(feed_is_risky(&f, fast.now));
}

static void test_a_slow_guest_is_fed_at_its_speed_with_a_terminal_that_is_seldom_full(void **state)
{
	uint64_t rate;

	for (rate = 8000; rate <= 200000; rate *= 5) {
		struct feed f;
		struct reader slow = {.rate = rate, .now = SECOND, .read_until = SECOND};

		feed_init(&f);
		(void)feed_for(&f, &slow, 10 * SECOND);
		slow.stood = 0;
		assert_between(feed_for(&f, &slow, 30 * SECOND), 30 * rate * 3 / 4, 31 * rate);
		assert_between(slow.stood, 0, 30 * rate / FEED_TERMINAL);
	}
}

static void test_a_guest_that_gets_faster_is_fed_faster(void **state)
{
	struct feed f;
	struct reader r = {.rate = 10000, .now = SECOND, .read_until = SECOND};

	feed_init(&f);
	(void)feed_for(&f, &r, 20 * SECOND);
	r.rate = 200000;
	(void)feed_for(&f, &r, 20 * SECOND);
	assert_between(feed_for(&f, &r, SECOND), 100000, FEED_RATE_MAX);
}

static void test_what_was_known_of_a_guest_is_forgotten(void **state)
{
	struct feed f;
	struct reader fast = {.rate = 1000000, .now = SECOND, .read_until = SECOND};

	feed_init(&f);
	(void)feed_for(&f, &fast, 20 * SECOND);
	fast.now += FEED_MEMORY_US + SECOND;
	assert_false(feed_is_read(&f, fast.now));
	feed_given(&f, fast.now, STEP, 0);
	assert_int_equal(f.rate, FEED_RATE_FIRST);
}

static void test_a_terminal_that_was_full_and_takes_something_is_read(void **state)
{
	struct feed f;
	uint64_t now = SECOND;

	feed_init(&f);
	feed_full(&f, now);
	assert_true(feed_is_risky(&f, now));
	assert_false(feed_is_read(&f, now));
	now += 2 * FEED_MEMORY_US;
	feed_given(&f, now, STEP, 0);
	assert_true(feed_is_read(&f, now));
	assert_false(feed_is_risky(&f, now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_never_held_back),
		cmocka_unit_test(test_the_beginning_of_a_paste_does_not_fill_a_terminal),
		cmocka_unit_test(test_a_guest_that_keeps_up_gets_a_long_paste_in_seconds),
		cmocka_unit_test(
			test_a_slow_guest_is_fed_at_its_speed_with_a_terminal_that_is_seldom_full),
		cmocka_unit_test(test_a_guest_that_gets_faster_is_fed_faster),
		cmocka_unit_test(test_what_was_known_of_a_guest_is_forgotten),
		cmocka_unit_test(test_a_terminal_that_was_full_and_takes_something_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
