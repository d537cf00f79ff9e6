/*
 * Task: run blocking calls in threads, bring their ends back to the loop.
 * Owner: whoever made the pool. Knows nothing of the calls.
 *
 * A thread that hangs in work() past job_pool_destroy is left behind: the shared part of the pool
 * is counted, and the last one to leave frees it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "core/io.h"
#include "core/job.h"

#define IDLE_SECONDS 1
#define THREAD_STACK ((size_t)256 * 1024)

struct job {
	STAILQ_ENTRY(job) entry;
	job_fn work, done;
	void *arg;
	int ran;
};
STAILQ_HEAD(job_list, job);

/* What threads touch; outlives the pool while a thread hangs. */
struct job_shared {
	pthread_mutex_t lock;
	pthread_cond_t wanted, ended;
	struct job_list waiting, finished;
	unsigned threads, idle, queued, running, references;
	int closing, manned, wake_fd;
	char name[16];
};

struct job_pool {
	struct job_shared *shared;
	struct loop_io *wake;
	unsigned max_threads, max_queue, pending;
	int cancelled;
};

/* Jobs that ended after their pool was gone are nobody's. */
static void free_finished(struct job_shared *s)
{
	struct job *job;

	while ((job = STAILQ_FIRST(&s->finished))) {
		STAILQ_REMOVE_HEAD(&s->finished, entry);
		free(job);
	}
}

static void shared_drop(struct job_shared *s)
{
	unsigned left;

	pthread_mutex_lock(&s->lock);
	left = --s->references;
	pthread_mutex_unlock(&s->lock);
	if (left)
		return;
	free_finished(s);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->wanted);
	pthread_cond_destroy(&s->ended);
	fd_close(&s->wake_fd);
	free(s);
}

static void wake_loop(struct job_shared *s)
{
	uint64_t one = 1;

	if (write(s->wake_fd, &one, sizeof(one)) < 0)
		return; /* the counter is full: the loop is already due */
}

/* With the lock held; NULL when this thread should end. */
static struct job *next_job(struct job_shared *s)
{
	struct timespec until;
	struct job *job;

	while (STAILQ_EMPTY(&s->waiting)) {
		int r;

		if (s->closing)
			return NULL;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += IDLE_SECONDS;
		s->idle++;
		if (s->manned) {
			pthread_cond_broadcast(&s->ended);
			r = pthread_cond_wait(&s->wanted, &s->lock);
		} else {
			r = pthread_cond_timedwait(&s->wanted, &s->lock, &until);
		}
		s->idle--;
		if (r == ETIMEDOUT && STAILQ_EMPTY(&s->waiting))
			return NULL;
	}
	job = STAILQ_FIRST(&s->waiting);
	STAILQ_REMOVE_HEAD(&s->waiting, entry);
	s->queued--;
	return job;
}

static void *thread_main(void *arg)
{
	struct job_shared *s = arg;
	struct job *job;

	pthread_setname_np(pthread_self(), s->name);
	pthread_mutex_lock(&s->lock);
	while ((job = next_job(s))) {
		s->running++;
		pthread_mutex_unlock(&s->lock);
		job->work(job->arg);
		job->ran = 1;
		pthread_mutex_lock(&s->lock);
		s->running--;
		STAILQ_INSERT_TAIL(&s->finished, job, entry);
		pthread_cond_broadcast(&s->ended);
		wake_loop(s);
	}
	s->threads--;
	pthread_cond_broadcast(&s->ended);
	pthread_mutex_unlock(&s->lock);
	shared_drop(s);
	return NULL;
}

static void run_done(struct job_pool *pool)
{
	struct job_shared *s = pool->shared;
	struct job_list list = STAILQ_HEAD_INITIALIZER(list);
	struct job *job;

	pthread_mutex_lock(&s->lock);
	STAILQ_CONCAT(&list, &s->finished);
	pthread_mutex_unlock(&s->lock);
	while ((job = STAILQ_FIRST(&list))) {
		STAILQ_REMOVE_HEAD(&list, entry);
		pool->pending--;
		pool->cancelled = !job->ran;
		if (job->done)
			job->done(job->arg);
		free(job);
	}
	pool->cancelled = 0;
}

static void on_wake(void *arg, uint32_t revents)
{
	struct job_pool *pool = arg;
	uint64_t count;

	if (read(pool->shared->wake_fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		return;
	run_done(pool);
}

static struct job_shared *shared_create(const char *name)
{
	struct job_shared *s = calloc(1, sizeof(*s));
	pthread_condattr_t attr;

	if (!s)
		return NULL;
	s->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->wake_fd < 0) {
		free(s);
		return NULL;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wanted, &attr);
	pthread_cond_init(&s->ended, &attr);
	pthread_condattr_destroy(&attr);
	STAILQ_INIT(&s->waiting);
	STAILQ_INIT(&s->finished);
	s->references = 1;
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

int job_pool_create(struct loop *loop, const char *name, unsigned max_threads, unsigned max_queue,
	struct job_pool **out)
{
	struct job_pool *pool = calloc(1, sizeof(*pool));
	int r;

	if (!pool)
		return -ENOMEM;
	pool->max_threads = max_threads;
	pool->max_queue = max_queue;
	pool->shared = shared_create(name);
	if (!pool->shared) {
		free(pool);
		return -ENOMEM;
	}
	r = loop_io_add(loop, &pool->wake, pool->shared->wake_fd, EPOLLIN, on_wake, pool);
	if (r < 0) {
		shared_drop(pool->shared);
		free(pool);
		return r;
	}
	*out = pool;
	return 0;
}

/* With the lock held. */
static int start_thread(struct job_shared *s)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	s->threads++;
	s->references++;
	r = pthread_create(&thread, &attr, thread_main, s);
	pthread_attr_destroy(&attr);
	if (r) {
		s->threads--;
		s->references--;
	}
	return -r;
}

int job_pool_man(struct job_pool *pool)
{
	struct job_shared *s = pool->shared;
	int r = 0;

	pthread_mutex_lock(&s->lock);
	s->manned = 1;
	while (!r && s->threads < pool->max_threads)
		r = start_thread(s);
	while (!r && s->idle < pool->max_threads)
		pthread_cond_wait(&s->ended, &s->lock);
	pthread_mutex_unlock(&s->lock);
	return r;
}

int job_submit(struct job_pool *pool, job_fn work, job_fn done, void *arg)
{
	struct job_shared *s = pool->shared;
	struct job *job;
	int r = 0;

	if (s->closing)
		return -ECANCELED;
	if (pool->pending >= pool->max_queue + pool->max_threads)
		return -EAGAIN;
	job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	job->work = work;
	job->done = done;
	job->arg = arg;
	pthread_mutex_lock(&s->lock);
	if (s->queued >= s->idle && s->threads < pool->max_threads)
		r = start_thread(s);
	if (r == 0 || s->threads > 0) {
		STAILQ_INSERT_TAIL(&s->waiting, job, entry);
		s->queued++;
		pool->pending++;
		pthread_cond_signal(&s->wanted);
		r = 0;
	}
	pthread_mutex_unlock(&s->lock);
	if (r)
		free(job);
	return r;
}

unsigned job_pending(const struct job_pool *pool)
{
	return pool->pending;
}

int job_cancelled(const struct job_pool *pool)
{
	return pool->cancelled;
}

void job_pool_close(struct job_pool *pool, uint64_t wait_us)
{
	struct job_shared *s = pool->shared;
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_us / LOOP_SECOND);
	until.tv_nsec += (long)(wait_us % LOOP_SECOND) * 1000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&s->lock);
	s->closing = 1;
	STAILQ_CONCAT(&s->finished, &s->waiting);
	s->queued = 0;
	pthread_cond_broadcast(&s->wanted);
	while (s->running && pthread_cond_timedwait(&s->ended, &s->lock, &until) == 0)
		;
	pthread_mutex_unlock(&s->lock);
}

void job_pool_destroy(struct job_pool **out, uint64_t wait_us)
{
	struct job_pool *pool = *out;

	if (!pool)
		return;
	job_pool_close(pool, wait_us);
	run_done(pool); /* may still ask the pool, by *out */
	*out = NULL;
	loop_io_del(&pool->wake);
	shared_drop(pool->shared);
	free(pool);
}
