/*
 * Task: one job of a worker: its line, its starts and restarts. Owner: who wants it done.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "broker/worker/worker_private.h"
#include "core/log.h"

/* --- its line --- */

static void watch(struct worker_job *job)
{
	loop_io_set(job->io, (job->paused ? 0 : EPOLLIN) | (job->blocked ? EPOLLOUT : 0));
}

static void let_go(struct worker_job *job)
{
	loop_io_del(&job->io);
	line_finish(&job->line);
	job->blocked = job->paused = false;
	job->pending = 0;
}

void worker_job_end(struct worker_job *job)
{
	let_go(job);
	job->state = WORKER_JOB_OVER;
}

void worker_job_break(struct worker_job *job, const char *how)
{
	char text[WORKER_WHY_MAX];

	snprintf(text, sizeof(text), "the process that %s %s", job->worker->options.does, how);
	worker_job_end(job);
	job->ops->broken(job, text);
}

void worker_job_distrust(struct worker_job *job)
{
	worker_job_break(job, "gives no sense");
}

unsigned worker_job_failure(struct worker_job *job, const struct line_message *m, unsigned expected,
	char text[WIRE_REASON_MAX + 1])
{
	struct wire_failed head;

	memcpy(&head, m->fixed, sizeof(head));
	memcpy(text, m->payload, m->payload_len);
	text[m->payload_len] = '\0';
	if (head.failure <= WIRE_FAIL_LAST && expected >> head.failure & 1)
		return head.failure;
	if (head.failure == WIRE_FAIL_MEMORY)
		worker_job_break(job, "has no memory left");
	else
		worker_job_distrust(job);
	return 0;
}

/* Its worker has gone, or does not want it. */
void worker_job_lose(struct worker_job *job)
{
	const struct worker *w = job->worker;
	bool at_work = job->pending > 0;

	let_go(job);
	job->state = WORKER_JOB_WAITS;
	job->restarts += at_work;
	if (job->restarts > w->options.restarts_max)
		worker_job_break(
			job, w->options.restarts_max ? "has died again and again" : "has died");
	else if (w->serves)
		loop_timer_set(w->retry, WORKER_RETRY_US, 0);
}

static void on_readable(struct worker_job *job)
{
	struct line_message m;
	int r = line_receive(&job->line, &m);

	if (r == -EAGAIN)
		return;
	if (r == 1) {
		job->ops->message(job, &m);
		line_message_finish(&m);
		return;
	}
	if (r < 0)
		log_error("the %s broke the protocol: %s", job->worker->options.name, strerror(-r));
	worker_job_lose(job);
}

static void on_io(void *arg, uint32_t revents)
{
	struct worker_job *job = arg;

	if (job->blocked && revents & EPOLLOUT) {
		job->blocked = false;
		watch(job);
		job->ops->room(job);
	} else {
		on_readable(job);
	}
}

struct line *worker_job_line(struct worker_job *job)
{
	return &job->line;
}

bool worker_job_say(struct worker_job *job, enum wire_type type, const void *fixed,
	const void *payload, size_t len)
{
	int r;

	if (job->state != WORKER_JOB_RUNS || job->blocked)
		return false;
	r = line_send(&job->line, type, fixed, payload, len);
	job->pending += r == 0;
	if (r == -EAGAIN) {
		job->blocked = true;
		watch(job);
	}
	/* That it is dead, reading tells. */
	return r == 0;
}

void worker_job_pause(struct worker_job *job, bool on)
{
	if (job->state != WORKER_JOB_RUNS || job->paused == on)
		return;
	job->paused = on;
	watch(job);
}

void worker_job_answered(struct worker_job *job)
{
	job->pending -= job->pending > 0;
}

/* --- starting --- */

static int open_line(struct worker_job *job)
{
	int fds[2], r = line_pair(fds);

	if (r < 0)
		return r;
	r = supervisor_task(job->worker->supervisor, fds[1]);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	line_init(&job->line, fds[0], WIRE_JOB, WIRE_BROKER);
	r = job->ops->give(job);
	if (!r)
		r = loop_io_add(job->worker->options.loop, &job->io, fds[0], EPOLLIN, on_io, job);
	if (r < 0)
		line_finish(&job->line);
	return r;
}

void worker_job_start(struct worker_job *job)
{
	int r = open_line(job);

	if (r == -EAGAIN) {
		loop_timer_set(job->worker->retry, WORKER_RETRY_US, 0);
	} else if (r == -EPIPE || r == -ECONNRESET) {
		job->pending = 1; /* it has just died, perhaps of this */
		worker_job_lose(job);
	} else if (r < 0) {
		log_error(
			"cannot give a job to the %s: %s", job->worker->options.name, strerror(-r));
		worker_job_break(job, "takes no more");
	} else {
		job->state = WORKER_JOB_RUNS;
		job->pending = 1; /* what it was given */
		if (job->ops->begun)
			job->ops->begun(job);
	}
}

/* --- life --- */

int worker_job_create(struct worker *w, struct worker_job *job, const struct worker_job_ops *ops,
	const char *owner)
{
	int r;

	if (w->count >= w->jobs_max)
		return -EBUSY;
	r = worker_hire(w);
	if (r == 0)
		r = shares_take(&w->shares, owner, w->owner_max, &job->share);
	if (r < 0)
		return r;
	job->worker = w;
	job->ops = ops;
	job->line.fd = -1;
	job->state = WORKER_JOB_WAITS;
	LIST_INSERT_HEAD(&w->jobs, job, entry);
	w->count++;
	loop_timer_set(w->retry, 0, 0);
	if (!loop_timer_armed(w->watch))
		loop_timer_set(w->watch, w->options.watch_us, 0);
	return 0;
}

void worker_job_finish(struct worker_job *job)
{
	worker_job_end(job);
	LIST_REMOVE(job, entry);
	shares_give(&job->share);
	job->worker->count--;
}
