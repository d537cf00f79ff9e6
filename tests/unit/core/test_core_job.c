/* Pools of threads for calls that block. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/job.h"

#define MANY 500

/* Heap memory that hung threads may look at after the test. */
struct work {
	struct job_pool *pool;
	struct loop *loop;
	pthread_t loop_thread;
	sem_t may_end;
	_Atomic int running, most_running, begun, destroying;
	char loop_thread_stat[64]; /* of /proc */
	int done, cancelled, wrong_thread;
	int begun_order[MANY];
};

struct job_of {
	struct work *w;
	int number;
};

static int set_up(void **state)
{
	struct work *w = calloc(1, sizeof(*w));

	w->loop = loop_create();
	w->loop_thread = pthread_self();
	snprintf(w->loop_thread_stat, sizeof(w->loop_thread_stat), "/proc/self/task/%d/stat",
		gettid());
	sem_init(&w->may_end, 0, 0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct work *w = *state;

	job_pool_destroy(&w->pool, 10 * LOOP_SECOND);
	job_pool_destroy(&w->pool, 0); /* NULL is harmless */
	loop_destroy(w->loop);
	sem_destroy(&w->may_end);
	free(w);
	return 0;
}

static void make_pool(struct work *w, unsigned threads, unsigned queue)
{
	assert_int_equal(job_pool_create(w->loop, "test", threads, queue, &w->pool), 0);
}

static void enter(struct work *w)
{
	int now = atomic_fetch_add(&w->running, 1) + 1, most = atomic_load(&w->most_running);

	while (now > most && !atomic_compare_exchange_weak(&w->most_running, &most, now))
		;
	if (pthread_equal(pthread_self(), w->loop_thread))
		w->wrong_thread = 1;
}

static void work_quick(void *arg)
{
	struct job_of *j = arg;

	enter(j->w);
	j->w->begun_order[atomic_fetch_add(&j->w->begun, 1)] = j->number;
	atomic_fetch_sub(&j->w->running, 1);
}

static void work_waits(void *arg)
{
	struct work *w = arg;

	enter(w);
	atomic_fetch_add(&w->begun, 1);
	while (sem_wait(&w->may_end) < 0)
		;
	atomic_fetch_sub(&w->running, 1);
}

static int loop_thread_sleeps(const struct work *w)
{
	FILE *f = fopen(w->loop_thread_stat, "re");
	char how = '?';

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &how), 1);
	fclose(f);
	return how == 'S';
}

/* Ends when the loop's thread waits in job_pool_destroy: nothing else makes it sleep then. */
static void work_until_awaited(void *arg)
{
	struct work *w = arg;

	enter(w);
	atomic_fetch_add(&w->begun, 1);
	while (!atomic_load(&w->destroying) || !loop_thread_sleeps(w))
		usleep(1000);
	atomic_fetch_sub(&w->running, 1);
}

static void done_one(struct work *w)
{
	w->done++;
	w->cancelled += job_cancelled(w->pool);
	if (!pthread_equal(pthread_self(), w->loop_thread))
		w->wrong_thread = 1;
}

static void done_quick(void *arg)
{
	done_one(((struct job_of *)arg)->w);
	free(arg);
}

static void done_waits(void *arg)
{
	done_one(arg);
}

static void turn_until_done(struct work *w, int count)
{
	int left = 1000;

	while (w->done < count && left-- > 0)
		assert_int_equal(loop_turn(w->loop, 20 * LOOP_MSEC), 0);
	assert_int_equal(w->done, count);
}

static void wait_begun(struct work *w, int count)
{
	int left = 2000;

	while (atomic_load(&w->begun) < count && left-- > 0)
		usleep(5000);
	assert_int_equal(atomic_load(&w->begun), count);
}

static void work_runs_in_threads_and_ends_on_the_loop(void **state)
{
	struct work *w = *state;
	int i;

	make_pool(w, 4, MANY);
	for (i = 0; i < MANY; i++) {
		struct job_of *j = calloc(1, sizeof(*j));

		j->w = w;
		j->number = i;
		assert_int_equal(job_submit(w->pool, work_quick, done_quick, j), 0);
	}
	assert_int_equal(job_pending(w->pool), MANY);
	turn_until_done(w, MANY);
	assert_int_equal(job_pending(w->pool), 0);
	assert_int_equal(w->wrong_thread, 0);
	assert_int_equal(w->cancelled, 0);
	assert_true(w->most_running <= 4);
}

static void one_thread_keeps_the_order(void **state)
{
	struct work *w = *state;
	int i;

	make_pool(w, 1, MANY);
	for (i = 0; i < MANY; i++) {
		struct job_of *j = calloc(1, sizeof(*j));

		j->w = w;
		j->number = i;
		assert_int_equal(job_submit(w->pool, work_quick, done_quick, j), 0);
	}
	turn_until_done(w, MANY);
	for (i = 0; i < MANY; i++)
		assert_int_equal(w->begun_order[i], i);
	assert_int_equal(w->most_running, 1);
}

static void jobs_that_hang_use_all_threads_and_no_more(void **state)
{
	struct work *w = *state;
	int i;

	make_pool(w, 3, 5);
	for (i = 0; i < 8; i++)
		assert_int_equal(job_submit(w->pool, work_waits, done_waits, w), 0);
	assert_int_equal(job_submit(w->pool, work_waits, done_waits, w), -EAGAIN);
	assert_int_equal(job_pending(w->pool), 8);
	wait_begun(w, 3);
	assert_int_equal(atomic_load(&w->running), 3);
	for (i = 0; i < 8; i++)
		sem_post(&w->may_end);
	turn_until_done(w, 8);
	assert_int_equal(w->most_running, 3);
	/* there is room again */
	sem_post(&w->may_end);
	assert_int_equal(job_submit(w->pool, work_waits, done_waits, w), 0);
	turn_until_done(w, 9);
}

static void another_pool_is_not_starved(void **state)
{
	struct work *w = *state;
	struct job_pool *other = NULL;
	struct job_of *j = calloc(1, sizeof(*j));

	make_pool(w, 1, 5);
	assert_int_equal(job_pool_create(w->loop, "other", 1, 1, &other), 0);
	assert_int_equal(job_submit(w->pool, work_waits, done_waits, w), 0);
	wait_begun(w, 1);
	j->w = w;
	assert_int_equal(job_submit(other, work_quick, done_quick, j), 0);
	turn_until_done(w, 1);
	job_pool_destroy(&other, LOOP_SECOND);
	sem_post(&w->may_end);
	turn_until_done(w, 2);
}

static void at_the_end_the_waiting_are_cancelled_and_the_running_awaited(void **state)
{
	struct work *w = *state;
	int i;

	make_pool(w, 2, 10);
	for (i = 0; i < 6; i++)
		assert_int_equal(job_submit(w->pool, work_until_awaited, done_waits, w), 0);
	wait_begun(w, 2);
	atomic_store(&w->destroying, 1);
	job_pool_destroy(&w->pool, 10 * LOOP_SECOND);
	assert_null(w->pool);
	assert_int_equal(w->done, 6);
	assert_int_equal(w->cancelled, 4);
	assert_int_equal(atomic_load(&w->begun), 2);
}

static int threads(void)
{
	DIR *d = opendir("/proc/self/task");
	int count = -2; /* . and .. */

	assert_non_null(d);
	while (readdir(d))
		count++;
	closedir(d);
	return count;
}

static int threads_at_start;

static void a_hanging_job_does_not_hold_the_end_for_ever(void **state)
{
	struct work *w = *state;
	uint64_t start;

	make_pool(w, 1, 10);
	assert_int_equal(job_submit(w->pool, work_waits, done_waits, w), 0);
	wait_begun(w, 1);
	start = loop_now(w->loop);
	job_pool_destroy(&w->pool, 100 * LOOP_MSEC);
	assert_int_equal(loop_turn(w->loop, 0), 0);
	assert_true(loop_now(w->loop) - start < 5 * LOOP_SECOND);
	assert_int_equal(w->done, 0);
	/* The thread that was left behind ends by itself, without the pool, and frees the rest. */
	sem_post(&w->may_end);
	while (threads() > threads_at_start)
		usleep(1000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(work_runs_in_threads_and_ends_on_the_loop),
		TEST(one_thread_keeps_the_order),
		TEST(jobs_that_hang_use_all_threads_and_no_more),
		TEST(another_pool_is_not_starved),
		TEST(at_the_end_the_waiting_are_cancelled_and_the_running_awaited),
		TEST(a_hanging_job_does_not_hold_the_end_for_ever),
	};

	threads_at_start = threads();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
