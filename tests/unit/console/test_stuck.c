/* When a guest is given input by a careful back end, and what happens to a send that hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "console/health/stuck.h"

#define PASTE 1024

/* A console, and a hypervisor that answers every question at once. */
struct seen {
	struct loop *loop;
	struct loop_timer *answer;
	struct stuck *stuck;
	int pumps, questions, renewals, ends;
	int refuses; /* to open it anew */
};

static void pump(void *arg)
{
	struct seen *s = arg;

	s->pumps++;
}

static void on_answer(void *arg)
{
	struct seen *s = arg;

	stuck_answered(s->stuck, 0);
}

static int ask(void *arg)
{
	struct seen *s = arg;

	s->questions++;
	loop_timer_set(s->answer, 0, 0);
	return 1;
}

static int renew(void *arg, unsigned times)
{
	struct seen *s = arg;

	s->renewals++;
	return s->refuses ? -1 : 0;
}

static void end(void *arg)
{
	struct seen *s = arg;

	s->ends++;
	stuck_closed(s->stuck);
}

static const struct stuck_orders orders = {pump, ask, renew, end};

static int set_up(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));

	s->loop = loop_create();
	assert_non_null(s->loop);
	assert_int_equal(loop_timer_add(s->loop, &s->answer, on_answer, s), 0);
	assert_int_equal(stuck_create(s->loop, &orders, s, &s->stuck), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct seen *s = *state;

	stuck_destroy(&s->stuck);
	loop_timer_del(&s->answer);
	loop_destroy(s->loop);
	free(s);
	return 0;
}

/* Turns until *count is more than it was. */
static void turn_until(struct seen *s, const int *count)
{
	int before = *count;

	while (*count == before)
		(void)loop_turn(s->loop, LOOP_SECOND);
}

static void turn_for(struct seen *s, uint64_t us)
{
	uint64_t until = loop_now(s->loop) + us;

	while (loop_now(s->loop) < until)
		(void)loop_turn(s->loop, until - loop_now(s->loop));
}

static void send_that_hangs(struct seen *s)
{
	assert_true(stuck_may_send(s->stuck, PASTE));
	stuck_sending(s->stuck);
}

static void test_a_send_that_hangs_is_taken_back(void **state)
{
	struct seen *s = *state;

	send_that_hangs(s);
	turn_until(s, &s->renewals);
	assert_true(s->questions > 1);
	assert_true(stuck_is_renewing(s->stuck));
	assert_false(stuck_may_send(s->stuck, 1));
}

static void test_nothing_is_sent_then_until_the_guest_prints(void **state)
{
	struct seen *s = *state;

	send_that_hangs(s);
	turn_until(s, &s->renewals);
	stuck_lost(s->stuck);
	assert_false(stuck_renewed(s->stuck));
	assert_false(stuck_may_send(s->stuck, 1));
	turn_for(s, STUCK_PAUSE_US);
	assert_int_equal(s->pumps, 0);
	stuck_printed(s->stuck);
	assert_int_equal(s->pumps, 1);
	assert_false(stuck_may_send(s->stuck, 1)); /* it prints */
	turn_until(s, &s->pumps);
	assert_true(stuck_may_send(s->stuck, 1));
}

static void test_what_cannot_be_taken_back_is_tried_again(void **state)
{
	struct seen *s = *state;

	s->refuses = 1;
	send_that_hangs(s);
	turn_until(s, &s->renewals);
	assert_false(stuck_is_renewing(s->stuck));
	turn_until(s, &s->renewals);
}

static void test_a_send_that_gets_through_is_left_alone(void **state)
{
	struct seen *s = *state;
	int asked;

	send_that_hangs(s);
	turn_until(s, &s->questions);
	stuck_sent(s->stuck, PASTE);
	asked = s->questions;
	(void)loop_turn(s->loop, 3 * STUCK_FIRST_US);
	assert_int_equal(s->questions, asked);
	assert_int_equal(s->renewals, 0);
	assert_true(stuck_may_send(s->stuck, 1));
}

static void test_a_guest_that_ends_is_given_nothing(void **state)
{
	struct seen *s = *state;

	stuck_guest_is(s->stuck, STUCK_ENDING);
	assert_false(stuck_may_send(s->stuck, 1));
	stuck_guest_is(s->stuck, STUCK_RUNS);
	assert_int_equal(s->pumps, 1);
	assert_true(stuck_may_send(s->stuck, 1));
}

static void test_a_send_that_hangs_when_the_guest_ends_ends_the_console_at_once(void **state)
{
	struct seen *s = *state;

	send_that_hangs(s);
	turn_until(s, &s->questions);
	(void)loop_turn(s->loop, LOOP_SECOND); /* the answer */
	stuck_guest_is(s->stuck, STUCK_ENDING);
	assert_int_equal(s->ends, 1);
	assert_int_equal(s->renewals, 0);
}

static void test_a_paused_guest_is_given_keys_but_no_paste(void **state)
{
	struct seen *s = *state;

	stuck_guest_is(s->stuck, STUCK_PAUSED);
	assert_false(stuck_may_send(s->stuck, PASTE));
	assert_true(stuck_may_send(s->stuck, STUCK_KEYS_MAX));
	stuck_guest_is(s->stuck, STUCK_RUNS);
	assert_true(stuck_may_send(s->stuck, PASTE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_a_send_that_hangs_is_taken_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_nothing_is_sent_then_until_the_guest_prints, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_what_cannot_be_taken_back_is_tried_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_send_that_gets_through_is_left_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_guest_that_ends_is_given_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_send_that_hangs_when_the_guest_ends_ends_the_console_at_once, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_paused_guest_is_given_keys_but_no_paste, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
