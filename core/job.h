/*
 * Pools of threads for calls that block.
 *
 * A job is a pair of functions: work(arg) runs in a thread of the pool, then done(arg) runs on the
 * loop that owns the pool. Jobs of one pool start in the order they were given. Each kind of work
 * has its own pool and cap, so that a kind that hangs starves no other.
 */
#ifndef CORE_JOB_H
#define CORE_JOB_H

#include "core/loop.h"

struct job_pool;

typedef void (*job_fn)(void *arg);

/*
 * Threads are made when needed, at most max_threads, and end after a second of idleness.
 * max_queue bounds the jobs that wait for a thread. name (≤ 15 bytes) is the thread's name.
 */
int job_pool_create(struct loop *loop, const char *name, unsigned max_threads, unsigned max_queue,
	struct job_pool **out) MUST_CHECK;

/*
 * Makes all threads now, and keeps them: for a process that can make none later. Waits until each
 * of them waits for a job. 0 or -errno.
 */
int job_pool_man(struct job_pool *pool) MUST_CHECK;

/* 0, -EAGAIN when the queue is full, -ECANCELED after job_pool_close. done may be NULL. */
int job_submit(struct job_pool *pool, job_fn work, job_fn done, void *arg) MUST_CHECK;

/* Jobs given and not yet done, running ones included. */
unsigned job_pending(const struct job_pool *pool);

/*
 * No new jobs. Those still waiting are not started, but their done runs later (job_cancelled()
 * tells). Waits at most wait_us for running ones.
 */
void job_pool_close(struct job_pool *pool, uint64_t wait_us);

/*
 * Closes it. Threads that hang longer are left behind with what they hold: the process is about to
 * end. Done functions of jobs that ended run before the return, while *out is still there to be
 * asked; then it is NULL.
 */
void job_pool_destroy(struct job_pool **out, uint64_t wait_us);

/* Inside done: whether work was never run. */
int job_cancelled(const struct job_pool *pool);

#endif
