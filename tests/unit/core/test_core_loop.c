/* The event loop: what wakes, what sleeps, what may be deleted when. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/loop.h"

#define TURN_US (20 * LOOP_MSEC)

struct seen {
	struct loop *loop;
	struct loop_io *io, *other;
	struct loop_timer *timer;
	struct loop_signal *sig;
	struct loop_child *child;
	int pair[2];
	int calls, other_calls, status;
	uint32_t revents;
	pid_t pid;
	char order[16];
};

static int set_up(void **state)
{
	struct seen *s = calloc(1, sizeof(*s));

	s->loop = loop_create();
	assert_non_null(s->loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->pair), 0);
	*state = s;
	return 0;
}

static int tear_down(void **state)
{
	struct seen *s = *state;

	loop_io_del(&s->io);
	loop_io_del(&s->other);
	loop_timer_del(&s->timer);
	loop_signal_del(&s->sig);
	loop_child_del(&s->child);
	loop_destroy(s->loop);
	close(s->pair[0]);
	close(s->pair[1]);
	free(s);
	return 0;
}

static void turns(struct seen *s, int count)
{
	while (count-- > 0)
		assert_int_equal(loop_turn(s->loop, TURN_US), 0);
}

static void on_io(void *arg, uint32_t revents)
{
	struct seen *s = arg;

	s->calls++;
	s->revents = revents;
}

static void on_other(void *arg, uint32_t revents)
{
	struct seen *s = arg;

	s->other_calls++;
}

static void io_tells_until_it_has_been_read(void **state)
{
	struct seen *s = *state;
	char byte;

	assert_int_equal(loop_io_add(s->loop, &s->io, s->pair[0], EPOLLIN, on_io, s), 0);
	turns(s, 2);
	assert_int_equal(s->calls, 0);
	assert_int_equal(write(s->pair[1], "x", 1), 1);
	turns(s, 2);
	assert_int_equal(s->calls, 2);
	assert_int_equal(s->revents, EPOLLIN);
	assert_int_equal(read(s->pair[0], &byte, 1), 1);
	turns(s, 2);
	assert_int_equal(s->calls, 2);
	loop_io_set(s->io, EPOLLIN | EPOLLOUT);
	turns(s, 1);
	assert_int_equal(s->revents, EPOLLOUT);
}

static void without_events_not_even_a_hangup_wakes_it(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_io_add(s->loop, &s->io, s->pair[0], 0, on_io, s), 0);
	shutdown(s->pair[1], SHUT_RDWR);
	turns(s, 3);
	assert_int_equal(s->calls, 0);
	loop_io_set(s->io, EPOLLIN);
	turns(s, 1);
	assert_int_equal(s->calls, 1);
	assert_true(s->revents & EPOLLHUP);
	loop_io_set(s->io, 0);
	turns(s, 3);
	assert_int_equal(s->calls, 1);
}

static void delete_both(void *arg, uint32_t revents)
{
	struct seen *s = arg;

	s->calls++;
	loop_io_del(&s->io);
	loop_io_del(&s->other);
}

static void deleted_in_a_callback_it_is_not_called_again(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_io_add(s->loop, &s->io, s->pair[0], EPOLLIN, delete_both, s), 0);
	assert_int_equal(loop_io_add(s->loop, &s->other, s->pair[1], EPOLLIN, on_other, s), 0);
	loop_io_priority(s->io, LOOP_URGENT);
	assert_int_equal(write(s->pair[0], "x", 1), 1);
	assert_int_equal(write(s->pair[1], "x", 1), 1);
	turns(s, 4); /* both were due when the first was called */
	assert_int_equal(s->calls, 1);
	assert_int_equal(s->other_calls, 0);
	assert_null(s->io);
	loop_io_del(&s->io); /* again is harmless */
}

static void note(struct seen *s, char c)
{
	size_t len = strlen(s->order);

	assert_true(len < sizeof(s->order) - 1);
	s->order[len] = c;
}

static void on_late(void *arg, uint32_t revents)
{
	struct seen *s = arg;

	note(s, 'l');
	loop_io_set(s->io, 0);
}

static void on_urgent(void *arg, uint32_t revents)
{
	struct seen *s = arg;

	note(s, 'u');
	loop_io_set(s->other, 0);
}

static void the_urgent_comes_before_the_late(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_io_add(s->loop, &s->io, s->pair[0], EPOLLOUT, on_late, s), 0);
	assert_int_equal(loop_io_add(s->loop, &s->other, s->pair[1], EPOLLOUT, on_urgent, s), 0);
	loop_io_priority(s->io, LOOP_LATE);
	loop_io_priority(s->other, LOOP_URGENT);
	turns(s, 4);
	assert_string_equal(s->order, "ul");
}

static void on_timer(void *arg)
{
	struct seen *s = arg;

	s->calls++;
}

static void on_timer_again(void *arg)
{
	struct seen *s = arg;

	note(s, 't');
	loop_timer_set(s->timer, 0, 0);
}

/* Who always has more to do, as a download has, and somebody who types. */
static void who_is_due_at_once_again_and_again_leaves_others_their_turn(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_timer_add(s->loop, &s->timer, on_timer_again, s), 0);
	loop_timer_set(s->timer, 0, 0);
	turns(s, 3);
	assert_string_equal(s->order, "ttt");
	assert_int_equal(loop_io_add(s->loop, &s->io, s->pair[0], EPOLLOUT, on_late, s), 0);
	turns(s, 3);
	assert_non_null(strchr(s->order, 'l'));
	assert_int_equal(strlen(s->order), 6);
}

static void a_timer_fires_once_and_not_early(void **state)
{
	struct seen *s = *state;
	uint64_t start;

	assert_int_equal(loop_timer_add(s->loop, &s->timer, on_timer, s), 0);
	assert_int_equal(loop_timer_armed(s->timer), 0);
	turns(s, 2);
	assert_int_equal(s->calls, 0);
	start = loop_now(s->loop);
	loop_timer_set(s->timer, 50 * LOOP_MSEC, 0);
	assert_int_equal(loop_timer_armed(s->timer), 1);
	while (s->calls == 0)
		turns(s, 1);
	assert_true(loop_now(s->loop) - start >= 50 * LOOP_MSEC);
	assert_int_equal(loop_timer_armed(s->timer), 0);
	turns(s, 4);
	assert_int_equal(s->calls, 1);
	loop_timer_set(s->timer, 0, 0);
	turns(s, 2);
	assert_int_equal(s->calls, 2);
}

static void a_stopped_timer_does_not_fire(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_timer_add(s->loop, &s->timer, on_timer, s), 0);
	loop_timer_set(s->timer, LOOP_MSEC, 0);
	loop_timer_stop(s->timer);
	assert_int_equal(loop_timer_armed(s->timer), 0);
	turns(s, 3);
	assert_int_equal(s->calls, 0);
	/* set later, it moves */
	loop_timer_set(s->timer, LOOP_MSEC, 0);
	loop_timer_set(s->timer, 60 * LOOP_SECOND, 0);
	turns(s, 3);
	assert_int_equal(s->calls, 0);
}

static void rearm(void *arg)
{
	struct seen *s = arg;

	if (++s->calls == 2)
		loop_timer_del(&s->timer);
	else
		loop_timer_set(s->timer, LOOP_MSEC, 0);
}

static void a_timer_may_be_set_or_deleted_in_its_callback(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_timer_add(s->loop, &s->timer, rearm, s), 0);
	loop_timer_set(s->timer, LOOP_MSEC, 0);
	turns(s, 6);
	assert_int_equal(s->calls, 2);
	assert_null(s->timer);
}

static void defer_c(void *arg)
{
	note(arg, 'c');
}

static void defer_b(void *arg)
{
	struct seen *s = arg;

	note(s, 'b');
	loop_defer(s->loop, defer_c, s);
}

static void defer_in_callback(void *arg, uint32_t revents)
{
	struct seen *s = arg;

	loop_defer(s->loop, defer_b, s);
	note(s, 'a');
	loop_io_set(s->io, 0);
}

static void deferred_work_runs_after_the_callback_without_another_event(void **state)
{
	struct seen *s = *state;

	assert_int_equal(
		loop_io_add(s->loop, &s->io, s->pair[0], EPOLLOUT, defer_in_callback, s), 0);
	turns(s, 3);
	assert_string_equal(s->order, "abc");
}

static void deferred_work_runs_at_the_latest_when_the_loop_ends(void **state)
{
	struct seen *s = *state;

	loop_defer(s->loop, defer_b, s);
	loop_destroy(s->loop);
	assert_string_equal(s->order, "bc");
	s->loop = loop_create();
}

static void on_signal(void *arg, const struct signalfd_siginfo *info)
{
	struct seen *s = arg;

	s->calls++;
	s->status = (int)info->ssi_signo;
}

static void blocked_signals_arrive_on_the_loop(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_block_signals(), 0);
	assert_int_equal(loop_signal_add(s->loop, &s->sig, SIGUSR1, on_signal, s), 0);
	kill(getpid(), SIGUSR1);
	turns(s, 2);
	assert_int_equal(s->calls, 1);
	assert_int_equal(s->status, SIGUSR1);
	assert_int_equal(write(s->pair[0], "x", 1), 1);
	close(s->pair[1]);
	assert_int_equal(write(s->pair[0], "x", 1), -1); /* and SIGPIPE ends nobody */
	assert_int_equal(errno, EPIPE);
	s->pair[1] = dup(s->pair[0]);
}

static void on_child(void *arg, pid_t pid, int wait_status)
{
	struct seen *s = arg;

	s->calls++;
	s->pid = pid;
	s->status = wait_status;
	loop_child_del(&s->child);
}

static void watch_child(struct seen *s, int signo, int code)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		if (signo)
			raise(signo);
		_exit(code);
	}
	s->calls = 0;
	assert_int_equal(loop_block_signals(), 0);
	assert_int_equal(loop_child_add(s->loop, &s->child, pid, on_child, s), 0);
	while (s->calls == 0)
		assert_int_equal(loop_turn(s->loop, LOOP_SECOND), 0);
	assert_int_equal(s->pid, pid);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1); /* reaped */
}

static void the_end_of_a_child_is_told_as_waitpid_would(void **state)
{
	struct seen *s = *state;

	watch_child(s, 0, 7);
	assert_true(WIFEXITED(s->status));
	assert_int_equal(WEXITSTATUS(s->status), 7);
	watch_child(s, SIGKILL, 0);
	assert_true(WIFSIGNALED(s->status));
	assert_int_equal(WTERMSIG(s->status), SIGKILL);
}

/* One that lives until it is written to, or the other end is closed. */
static pid_t forget_child(struct seen *s)
{
	pid_t pid = fork();
	char byte;

	assert_true(pid >= 0);
	if (pid == 0) {
		close(s->pair[0]);
		_exit(read(s->pair[1], &byte, 1) != 1);
	}
	assert_int_equal(loop_block_signals(), 0);
	assert_int_equal(loop_child_add(s->loop, &s->child, pid, on_child, s), 0);
	loop_child_forget(s->loop, &s->child);
	assert_null(s->child);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it was not waited for */
	assert_int_equal(loop_children_forgotten(s->loop), 1);
	return pid;
}

static void a_forgotten_child_is_reaped_when_it_ends(void **state)
{
	struct seen *s = *state;
	pid_t pid = forget_child(s);
	uint64_t end = loop_now(s->loop) + 100 * LOOP_SECOND;

	assert_int_equal(write(s->pair[0], "x", 1), 1);
	while (kill(pid, 0) == 0) {
		assert_true(loop_now(s->loop) < end);
		assert_int_equal(loop_turn(s->loop, LOOP_SECOND), 0);
	}
	assert_int_equal(errno, ESRCH);
	assert_int_equal(s->calls, 0);
	assert_int_equal(loop_children_forgotten(s->loop), 0);
}

static void a_loop_may_end_before_a_forgotten_child(void **state)
{
	(void)forget_child(*state);
}

static void end_loop(void *arg)
{
	struct seen *s = arg;

	loop_exit(s->loop, 42);
}

static void the_loop_returns_what_exit_was_given(void **state)
{
	struct seen *s = *state;

	assert_int_equal(loop_timer_add(s->loop, &s->timer, end_loop, s), 0);
	loop_timer_set(s->timer, LOOP_MSEC, 0);
	assert_int_equal(loop_run(s->loop), 42);
}

static void compute(void *arg)
{
	struct timespec t;
	uint64_t begin = UINT64_MAX, now;

	do {
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
		now = (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
		begin = begin == UINT64_MAX ? now : begin;
	} while (now - begin < LOOP_STALL_US);
}

static void wait_without_a_processor(void *arg)
{
	struct seen *s = arg;

	usleep(2 * LOOP_STALL_US);
	loop_exit(s->loop, 0);
}

static void turns_that_take_a_processor_long_are_counted(void **state)
{
	struct seen *s = *state;
	struct loop_timer *last = NULL;

	assert_int_equal(loop_timer_add(s->loop, &s->timer, compute, s), 0);
	assert_int_equal(loop_timer_add(s->loop, &last, wait_without_a_processor, s), 0);
	loop_timer_set(s->timer, 0, 0);
	loop_timer_set(last, LOOP_STALL_US, 1);
	assert_int_equal(loop_run(s->loop), 0);
	loop_timer_del(&last);
	assert_int_equal(loop_stalls(s->loop)->count, 1);
	assert_true(loop_stalls(s->loop)->longest_us >= LOOP_STALL_US);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(io_tells_until_it_has_been_read),
		TEST(without_events_not_even_a_hangup_wakes_it),
		TEST(deleted_in_a_callback_it_is_not_called_again),
		TEST(the_urgent_comes_before_the_late),
		TEST(who_is_due_at_once_again_and_again_leaves_others_their_turn),
		TEST(a_timer_fires_once_and_not_early),
		TEST(a_stopped_timer_does_not_fire),
		TEST(a_timer_may_be_set_or_deleted_in_its_callback),
		TEST(deferred_work_runs_after_the_callback_without_another_event),
		TEST(deferred_work_runs_at_the_latest_when_the_loop_ends),
		TEST(blocked_signals_arrive_on_the_loop),
		TEST(the_end_of_a_child_is_told_as_waitpid_would),
		TEST(a_forgotten_child_is_reaped_when_it_ends),
		TEST(a_loop_may_end_before_a_forgotten_child),
		TEST(turns_that_take_a_processor_long_are_counted),
		TEST(the_loop_returns_what_exit_was_given),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
