/* One run of a foreign program, where those that were killed before do not die. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/command/external_command.h"

#define DEADLINE_US (100 * LOOP_SECOND)

struct world {
	struct loop *loop;
	struct external_command *command;
	unsigned answers;
};

static void on_done(void *arg, char *output, size_t len, const char *why)
{
	struct world *w = arg;

	assert_non_null(output);
	free(output);
	w->command = NULL;
	w->answers++;
}

static int run(struct world *w)
{
	const struct external_run how = {
		.line = "/bin/true", .timeout_us = DEADLINE_US, .output_max = 1};

	return external_command_run(w->loop, &how, on_done, w, &w->command);
}

static void no_child(void *arg, pid_t pid, int wait_status)
{
}

/* It lives until the other end of the pipe is closed. */
static void forget_child(struct world *w, const int pipes[2])
{
	struct loop_child *child;
	pid_t pid = fork();
	char byte;

	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[1]);
		_exit(read(pipes[0], &byte, 1) != 0);
	}
	assert_int_equal(loop_child_add(w->loop, &child, pid, no_child, NULL), 0);
	loop_child_forget(w->loop, &child);
}

/* So many runs have been answered, and all that were forgotten have died. */
static void turn_until(struct world *w, unsigned answers)
{
	uint64_t end = loop_now(w->loop) + DEADLINE_US;

	while (w->answers < answers || loop_children_forgotten(w->loop)) {
		assert_true(loop_now(w->loop) < end);
		assert_int_equal(loop_turn(w->loop, LOOP_SECOND), 0);
	}
}

static void none_is_begun_beside_too_many_that_do_not_die(void **state)
{
	struct world w = {.loop = loop_create()};
	int pipes[2];

	assert_non_null(w.loop);
	assert_int_equal(pipe(pipes), 0);
	for (int i = 0; i < EXTERNAL_DYING_MAX; i++)
		forget_child(&w, pipes);
	assert_int_equal(run(&w), -EBUSY);
	close(pipes[0]);
	close(pipes[1]);
	turn_until(&w, 0);
	assert_int_equal(run(&w), 0);
	turn_until(&w, 1);
	loop_destroy(w.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_is_begun_beside_too_many_that_do_not_die),
	};

	if (loop_block_signals() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
