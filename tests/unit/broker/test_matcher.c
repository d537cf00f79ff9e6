/*
 * Waits on a real worker process: answers, limits, deaths.
 *
 * The worker is this program, executed again as the service does it.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/matcher/matcher.h"
#include "broker/worker/worker.h"
#include "core/build_id.h"
#include "core/log.h"
#include "wire/line.h"
#include "worker/match_worker.h"
#include "worker/worker_process.h"

#define DEADLINE_US (600 * LOOP_SECOND) /* the worker is nice, and some jobs cost it seconds */
#define BASE 1000                       /* the offset of the first byte of output */

static struct loop *loop;
static struct worker *matcher;

struct waiter {
	struct matcher_job *job;
	const char *output;
	size_t len, sent;
	int endless; /* begins anew at its end */
	int begun, rested, over;
	char text[256]; /* what was found, or why it failed */
	struct matcher_found found;
	enum matcher_failure failure;
	int failed;
};

/* --- one who waits --- */

static void pump(struct waiter *w)
{
	while (w->sent < w->len || w->endless) {
		size_t at = w->sent % w->len;
		size_t n = matcher_job_send(
			w->job, BASE + w->sent, (const uint8_t *)w->output + at, w->len - at);

		if (n == 0)
			return;
		w->sent += n;
	}
	if (!w->rested && matcher_job_rest(w->job))
		w->rested = 1;
}

static void on_begin(void *arg, uint64_t offset)
{
	struct waiter *w = arg;

	w->begun++;
	w->rested = 0;
	w->sent = (size_t)offset - BASE;
	pump(w);
}

static void on_room(void *arg)
{
	pump(arg);
}

static void on_read(void *arg, uint64_t offset, bool rest)
{
	struct waiter *w = arg;

	assert_true(offset <= BASE + w->sent);
	assert_true(!rest || w->rested);
}

static void on_found(void *arg, const struct matcher_found *found)
{
	struct waiter *w = arg;

	w->found = *found;
	w->over = 1;
	assert_true(found->len < sizeof(w->text));
	memcpy(w->text, found->text, found->len);
	w->text[found->len] = '\0';
}

static void on_failed(void *arg, enum matcher_failure failure, const char *text)
{
	struct waiter *w = arg;

	w->failure = failure;
	w->failed = w->over = 1;
	strncpy(w->text, text, sizeof(w->text) - 1);
}

static const struct matcher_events events = {on_begin, on_room, on_read, on_found, on_failed};

static const char *owner = "key:a";

static int begin(struct waiter *w, const char *pattern, const char *output)
{
	char *patterns[] = {(char *)(uintptr_t)pattern};
	const struct matcher_wanted wanted = {.patterns = patterns,
		.count = 1,
		.offset = BASE,
		.begins = true,
		.from = BASE,
		.owner = owner};

	memset(w, 0, sizeof(*w));
	w->output = output;
	w->len = strlen(output);
	return matcher_job_create(matcher, &wanted, &events, w, &w->job);
}

/* Turns until all of them are over, or the deadline. */
static void run(struct waiter *w, size_t count)
{
	uint64_t end = loop_now(loop) + DEADLINE_US;
	size_t i = 0;

	while (i < count) {
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
		if (loop_now(loop) >= end)
			fail_msg("waiter %zu: no answer", i);
		while (i < count && w[i].over)
			i++;
	}
}

static void turn_until(const int *flag)
{
	uint64_t end = loop_now(loop) + DEADLINE_US;

	while (!*flag) {
		assert_true(loop_turn(loop, 100 * LOOP_MSEC) >= 0);
		assert_true(loop_now(loop) < end);
	}
}

static void make(const char *kind, uint64_t overrun_us)
{
	const struct worker_options options = {.loop = loop,
		.build_id = build_id(),
		.name = "match worker",
		.kind = kind,
		.does = "looks for it",
		.restarts_max = MATCHER_RESTARTS_MAX,
		.watch_us = overrun_us ? 50 * LOOP_MSEC : 0,
		.overrun_cpu_us = overrun_us,
		.overrun_us = overrun_us};

	assert_int_equal(worker_create(&options, &matcher), 0);
	worker_settings(matcher, 128, 128, LOG_LEVEL_ERROR);
}

static int set_up(void **state)
{
	loop = loop_create();
	assert_non_null(loop);
	make("match", 0);
	return 0;
}

static int tear_down(void **state)
{
	worker_destroy(&matcher);
	loop_destroy(loop);
	return 0;
}

/* A kind of its own, with a limit on what it may overrun. */
static void make_anew(const char *kind, uint64_t overrun_us)
{
	worker_destroy(&matcher);
	make(kind, overrun_us);
}

/* --- answers --- */

static void a_wait_is_answered_with_line_and_offsets(void **state)
{
	struct waiter w;

	assert_int_equal(begin(&w, "login:", "boot\r\n\x1b[1mvm\x1b[0m login: "), 0);
	run(&w, 1);
	assert_false(w.failed);
	assert_string_equal(w.text, "vm login: ");
	assert_int_equal(w.found.start, BASE + 17);
	assert_int_equal(w.found.end, BASE + 23);
	matcher_job_destroy(&w.job);
}

static void a_wrong_pattern_and_a_limit_are_told_apart(void **state)
{
	struct waiter w[2];

	assert_int_equal(begin(&w[0], "(a", "x"), 0);
	assert_int_equal(begin(&w[1], "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n"), 0);
	run(w, 2);
	assert_true(w[0].failed && w[1].failed);
	assert_int_equal(w[0].failure, MATCHER_BAD_PATTERN);
	assert_non_null(strstr(w[0].text, "pattern 1: missing closing parenthesis"));
	assert_int_equal(w[1].failure, MATCHER_LIMIT);
	assert_non_null(strstr(w[1].text, "pattern 1 exceeds the limit "));
	matcher_job_destroy(&w[0].job);
	matcher_job_destroy(&w[1].job);
}

static void many_waits_share_a_worker(void **state)
{
	struct waiter w[128], more;
	char *output = malloc(1 << 20);
	size_t i;

	assert_non_null(output);
	memset(output, 'x', 1 << 20);
	for (i = 99; i < 1 << 20; i += 100)
		output[i] = '\n';
	memcpy(output + (1 << 20) - 8, "login: ", 8);
	for (i = 0; i < 128; i++)
		assert_int_equal(begin(&w[i], i % 2 ? "login" : "n: $", output), 0);
	assert_int_equal(begin(&more, "x", output), -EBUSY);
	run(w, 128);
	for (i = 0; i < 128; i++) {
		assert_false(w[i].failed);
		assert_int_equal(w[i].begun, 1);
		matcher_job_destroy(&w[i].job);
	}
	free(output);
}

/* Each line costs this pattern some ten thousand steps, and no line too many. */
static const char slow_pattern[] = "(x|y)*(x|y)*!$";
static const char slow_output[] =
	"xyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxyxy!.\n";

static void a_slow_pattern_holds_up_nobody_and_meets_its_limit(void **state)
{
	struct waiter slow[4], w;
	size_t i;

	for (i = 0; i < 4; i++) {
		assert_int_equal(begin(&slow[i], slow_pattern, slow_output), 0);
		slow[i].endless = 1;
	}
	turn_until(&slow[0].begun);
	for (i = 0; i < 20; i++) {
		assert_int_equal(begin(&w, "login:", "vm login: "), 0);
		run(&w, 1);
		assert_false(w.failed);
		matcher_job_destroy(&w.job);
	}
	for (i = 0; i < 4; i++)
		assert_false(slow[i].over);
	for (i = 1; i < 4; i++)
		matcher_job_destroy(&slow[i].job);
	run(slow, 1);
	assert_true(slow[0].failed);
	assert_int_equal(slow[0].failure, MATCHER_LIMIT);
	assert_non_null(strstr(slow[0].text, "limit effort"));
	matcher_job_destroy(&slow[0].job);
}

static void a_wait_that_is_given_up_leaves_the_others(void **state)
{
	struct waiter gone, w;

	assert_int_equal(begin(&gone, slow_pattern, slow_output), 0);
	gone.endless = 1;
	assert_int_equal(begin(&w, "login:", "boot\nlogin: "), 0);
	turn_until(&gone.begun);
	matcher_job_destroy(&gone.job);
	run(&w, 1);
	assert_string_equal(w.text, "login: ");
	matcher_job_destroy(&w.job);
}

/* --- deaths --- */

static void a_wait_goes_on_when_the_worker_is_killed(void **state)
{
	struct waiter w;
	pid_t first;

	assert_int_equal(begin(&w, "^second: [0-9]+$", "first: 1\nsecond: 2 x\nsecond"), 0);
	turn_until(&w.rested);
	first = worker_pid(matcher);
	assert_true(first > 0);
	assert_int_equal(kill(first, SIGKILL), 0);
	w.begun = 0;
	w.output = "first: 1\nsecond: 2 x\nsecond: 3";
	w.len = strlen(w.output);
	run(&w, 1);
	assert_false(w.failed);
	assert_string_equal(w.text, "second: 3");
	assert_int_equal(w.found.start, BASE + 21);
	assert_int_equal(w.begun, 1);
	assert_true(worker_pid(matcher) != first);
	matcher_job_destroy(&w.job);
}

static void a_worker_that_stands_still_is_killed_and_the_wait_goes_on(void **state)
{
	struct waiter w;

	make_anew("match", LOOP_SECOND / 2);
	assert_int_equal(begin(&w, "b", "a"), 0);
	turn_until(&w.rested);
	assert_int_equal(kill(worker_pid(matcher), SIGSTOP), 0);
	w.begun = 0;
	w.output = "ab\n";
	w.len = 3;
	run(&w, 1);
	assert_false(w.failed);
	assert_string_equal(w.text, "ab");
	assert_int_equal(w.begun, 1);
	matcher_job_destroy(&w.job);
}

static void a_job_that_its_worker_dies_of_ends_with_a_reason(void **state)
{
	struct waiter w;

	make_anew("spin", LOOP_SECOND / 5);
	assert_int_equal(begin(&w, "b", "ab"), 0);
	run(&w, 1);
	assert_true(w.failed);
	assert_int_equal(w.failure, MATCHER_BROKEN);
	matcher_job_destroy(&w.job);
}

static void a_worker_that_cannot_be_started_is_a_reason(void **state)
{
	struct waiter w;

	make_anew("nonsense", 0);
	assert_int_equal(begin(&w, "b", "ab"), 0);
	run(&w, 1);
	assert_true(w.failed);
	assert_int_equal(w.failure, MATCHER_BROKEN);
	matcher_job_destroy(&w.job);
}

/* What a worker says that somebody has taken over: it finds at once what it likes. */
static const struct {
	const char *kind, *text;
	int good;
} lies[] = {
	{"lie-text", "a\tb \xc3\xa4\ncd", 1},
	{"lie-csi", "a\x1b[6n", 0},
	{"lie-bell", "\a", 0},
	{"lie-return", "no\ryes", 0},
	{"lie-del", "\x7f", 0},
	{"lie-c1",
		"\xc2\x9b"
		"6n",
		0},
	{"lie-byte",
		"\x9b"
		"6n",
		0},
};
#define LIES (sizeof(lies) / sizeof(lies[0]))

static void text_that_would_move_a_terminal_is_not_passed_on(void **state)
{
	struct waiter w;

	for (size_t i = 0; i < LIES; i++) {
		make_anew(lies[i].kind, 0);
		assert_int_equal(begin(&w, "b", "ab"), 0);
		run(&w, 1);
		assert_int_equal(w.failed, !lies[i].good);
		if (lies[i].good)
			assert_string_equal(w.text, lies[i].text);
		else
			assert_int_equal(w.failure, MATCHER_BROKEN);
		matcher_job_destroy(&w.job);
	}
}

static void an_answer_of_another_kind_of_worker_is_none(void **state)
{
	struct waiter w;

	make_anew("foreign", 0);
	assert_int_equal(begin(&w, "b", "ab"), 0);
	run(&w, 1);
	assert_true(w.failed);
	assert_string_equal(w.text, "the process that looks for it gives no sense");
	matcher_job_destroy(&w.job);
}

static void one_owner_has_no_more_than_his_share(void **state)
{
	struct waiter w[4];

	worker_settings(matcher, 3, 2, LOG_LEVEL_ERROR);
	assert_int_equal(begin(&w[0], "never", "x"), 0);
	assert_int_equal(begin(&w[1], "never", "x"), 0);
	assert_int_equal(begin(&w[2], "never", "x"), -EDQUOT);
	owner = "key:b";
	assert_int_equal(begin(&w[2], "never", "x"), 0);
	assert_int_equal(begin(&w[3], "never", "x"), -EBUSY);
	owner = "key:a";
	matcher_job_destroy(&w[0].job);
	assert_int_equal(begin(&w[0], "never", "x"), 0);
	for (size_t i = 0; i < 3; i++)
		matcher_job_destroy(&w[i].job);
}

/* --- this program as a worker --- */

static int no_begin(void *arg, struct loop *own)
{
	return 0;
}

static int spin(void *arg, int job_fd)
{
	volatile int for_ever = 1;

	while (for_ever)
		;
	return 0;
}

static const char *lie; /* NULL: another worker's answer */

static int tell_lie(struct line *line)
{
	const struct wire_found found = {.start = BASE, .end = BASE + 1};

	return lie ? line_send(line, WIRE_FOUND, &found, lie, strlen(lie))
		   : line_send(line, WIRE_WHOLE, NULL, NULL, 0);
}

static int say_lie(void *arg, int job_fd)
{
	struct line line;
	struct line_message m;

	line_init(&line, job_fd, WIRE_JOB, WIRE_DOOR);
	while (line_receive(&line, &m) == -EAGAIN)
		;
	if (tell_lie(&line) < 0)
		_exit(1);
	line_message_finish(&m);
	line_finish(&line);
	return 0;
}

static int become_worker(const char *kind)
{
	const struct door_options options = {
		.control_fd = 3, .line = WIRE_WORKER, .keys_fd = -1, .build_id = build_id()};
	struct worker_role role = {.name = "other worker", .begin = no_begin, .job = say_lie};

	if (strcmp(kind, "match") == 0)
		match_worker_main(&options);
	for (size_t i = 0; i < LIES; i++) {
		if (strcmp(kind, lies[i].kind) == 0) {
			lie = lies[i].text;
			worker_process_run(&options, &role, NULL);
		}
	}
	if (strcmp(kind, "foreign") == 0)
		worker_process_run(&options, &role, NULL);
	role.job = spin;
	if (strcmp(kind, "spin") == 0)
		worker_process_run(&options, &role, NULL);
	return 1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_wait_is_answered_with_line_and_offsets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_wrong_pattern_and_a_limit_are_told_apart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_waits_share_a_worker, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_slow_pattern_holds_up_nobody_and_meets_its_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_wait_that_is_given_up_leaves_the_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_wait_goes_on_when_the_worker_is_killed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_worker_that_stands_still_is_killed_and_the_wait_goes_on, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_job_that_its_worker_dies_of_ends_with_a_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			text_that_would_move_a_terminal_is_not_passed_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_answer_of_another_kind_of_worker_is_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			one_owner_has_no_more_than_his_share, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_worker_that_cannot_be_started_is_a_reason, set_up, tear_down),
	};

	if (argc == 3 && strcmp(argv[1], "--worker") == 0)
		return become_worker(argv[2]);
	if (loop_block_signals() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
