/*
 * Task: see matcher.h. The worker: hires it, watches it, has it killed. Owner: the broker. Knows no
 * console and no message of a job.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/matcher/matcher_private.h"

/* --- jobs --- */

static struct matcher_job *next_waiting(const struct matcher *m)
{
	struct matcher_job *job;

	LIST_FOREACH (job, &m->jobs, entry) {
		if (job->state == JOB_WAITS)
			return job;
	}
	return NULL;
}

/* Events may destroy any job: the list is looked at anew after each. */
static void on_retry(void *arg)
{
	struct matcher *m = arg;
	struct matcher_job *job;

	while (m->serves && (job = next_waiting(m)) && !loop_timer_armed(m->retry))
		matcher_job_start(job);
}

/* --- the worker --- */

static struct matcher_job *next_running(const struct matcher *m)
{
	struct matcher_job *job;

	LIST_FOREACH (job, &m->jobs, entry) {
		if (job->state == JOB_RUNS)
			return job;
	}
	return NULL;
}

static void on_worker(void *arg, enum door_service service)
{
	struct matcher *m = arg;
	struct matcher_job *job;

	/* One that dies again and again is waited for; one that never was ready is not. */
	m->failures = service == DOOR_SERVES || m->serves ? 0 : m->failures + 1;
	m->serves = service == DOOR_SERVES;
	m->answered = m->asked;
	if (m->serves) {
		loop_timer_set(m->retry, 0, 0);
		return;
	}
	while ((job = next_running(m)))
		matcher_job_lose(job);
	while (m->failures >= MATCHER_STARTS_MAX && (job = next_waiting(m)))
		matcher_job_fail(
			job, MATCHER_BROKEN, "the process that looks for it does not start");
}

static void on_stopped(void *arg)
{
}

static void on_pong(void *arg, uint64_t number)
{
	struct matcher *m = arg;

	if (number == m->asked)
		m->answered = number;
}

/* Processor time that it has used so far; 0 when that is not known. */
static uint64_t worker_cpu_us(const struct matcher *m)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(supervisor_pid(m->supervisor), &clock) != 0 ||
		clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
}

static void ask(struct matcher *m)
{
	if (supervisor_ping(m->supervisor, m->asked + 1) < 0)
		return;
	m->asked++;
	m->asked_at = loop_now(m->options.loop);
	m->asked_cpu = worker_cpu_us(m);
}

static int has_overrun(const struct matcher *m)
{
	return worker_cpu_us(m) > m->asked_cpu + m->options.overrun_cpu_us ||
	       loop_now(m->options.loop) > m->asked_at + m->options.overrun_us;
}

static void on_watch(void *arg)
{
	struct matcher *m = arg;

	if (m->count == 0)
		return;
	if (m->serves && m->asked == m->answered) {
		ask(m);
	} else if (m->serves && has_overrun(m)) {
		m->answered = m->asked;
		supervisor_kill(m->supervisor, "has overrun, and is killed");
	}
	loop_timer_set(m->watch, m->options.watch_us, m->options.watch_us / 4);
}

int matcher_hire(struct matcher *m)
{
	const struct supervisor_options options = {.loop = m->options.loop,
		.name = "match worker",
		.option = "--worker",
		.kind = m->options.kind,
		.line = WIRE_WORKER,
		.build_id = m->options.build_id,
		.user = m->options.user,
		.changed = on_worker,
		.stopped = on_stopped,
		.pong = on_pong,
		.arg = m};
	struct door_limits limits = worker_limits_for(m->jobs_max);
	int r = m->supervisor ? -EALREADY : supervisor_create(&options, &m->supervisor);

	if (r < 0)
		return r == -EALREADY ? 0 : r;
	supervisor_limits(m->supervisor, &limits);
	supervisor_settings(m->supervisor, &m->settings, "");
	return 0;
}

/* --- what others ask --- */

void matcher_settings(struct matcher *m, unsigned jobs_max, unsigned owner_max, unsigned log_level)
{
	struct door_limits limits = worker_limits_for(jobs_max);

	m->jobs_max = jobs_max;
	m->owner_max = owner_max;
	m->settings.log_level = (uint8_t)log_level;
	if (!m->supervisor)
		return;
	supervisor_limits(m->supervisor, &limits);
	supervisor_settings(m->supervisor, &m->settings, "");
}

pid_t matcher_pid(const struct matcher *m)
{
	return m->supervisor ? supervisor_pid(m->supervisor) : 0;
}

int matcher_create(const struct matcher_options *options, struct matcher **out)
{
	struct matcher *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->options = *options;
	if (!m->options.watch_us)
		m->options.watch_us = MATCHER_WATCH_US;
	if (!m->options.overrun_cpu_us)
		m->options.overrun_cpu_us = MATCHER_OVERRUN_CPU_US;
	if (!m->options.overrun_us)
		m->options.overrun_us = MATCHER_OVERRUN_US;
	LIST_INIT(&m->jobs);
	r = loop_timer_add(options->loop, &m->retry, on_retry, m);
	if (!r)
		r = loop_timer_add(options->loop, &m->watch, on_watch, m);
	if (r < 0)
		matcher_destroy(&m);
	*out = m;
	return r;
}

void matcher_destroy(struct matcher **out)
{
	struct matcher *m = *out;

	if (!m)
		return;
	*out = NULL;
	supervisor_destroy(&m->supervisor);
	loop_timer_del(&m->retry);
	loop_timer_del(&m->watch);
	free(m);
}
