/*
 * Task: see worker.h. The process: hires it, watches it, has it killed. Owner: the broker. Knows no
 * message of a job.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "broker/worker/worker_private.h"
#include "core/io.h"

/* --- jobs --- */

/* Any one of that state; NULL: none. */
static struct worker_job *next_job(const struct worker *w, enum worker_job_state state)
{
	struct worker_job *job;

	LIST_FOREACH (job, &w->jobs, entry) {
		if (job->state == state)
			return job;
	}
	return NULL;
}

/* Events may destroy any job: the list is looked at anew after each. */
static void on_retry(void *arg)
{
	struct worker *w = arg;
	struct worker_job *job;

	while (w->serves && (job = next_job(w, WORKER_JOB_WAITS)) && !loop_timer_armed(w->retry))
		worker_job_start(job);
}

/* --- the worker --- */

static void on_worker(void *arg, enum door_service service)
{
	struct worker *w = arg;
	struct worker_job *job;

	/* One that dies again and again is waited for; one that never was ready is not. */
	w->failures = service == DOOR_SERVES || w->serves ? 0 : w->failures + 1;
	w->serves = service == DOOR_SERVES;
	w->answered = w->asked;
	if (w->serves) {
		loop_timer_set(w->retry, 0, 0);
		return;
	}
	while ((job = next_job(w, WORKER_JOB_RUNS)))
		worker_job_lose(job);
	while (w->failures >= WORKER_STARTS_MAX && (job = next_job(w, WORKER_JOB_WAITS)))
		worker_job_break(job, "does not start");
}

/* Dismissed. What has come meanwhile is for the next one. */
static void on_stopped(void *arg)
{
	struct worker *w = arg;
	struct worker_job *job;

	supervisor_destroy(&w->supervisor);
	if (LIST_EMPTY(&w->jobs) || worker_hire(w) == 0)
		return;
	while ((job = next_job(w, WORKER_JOB_WAITS)))
		worker_job_break(job, "does not start");
}

static void on_pong(void *arg, uint64_t number)
{
	struct worker *w = arg;

	if (number == w->asked)
		w->answered = number;
}

/* Processor time that it has used so far; 0 when that is not known. */
static uint64_t worker_cpu_us(const struct worker *w)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(supervisor_pid(w->supervisor), &clock) != 0 ||
		clock_gettime(clock, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * LOOP_SECOND + (uint64_t)t.tv_nsec / 1000;
}

static void ask(struct worker *w)
{
	if (supervisor_ping(w->supervisor, w->asked + 1) < 0)
		return;
	w->asked++;
	w->asked_at = loop_now(w->options.loop);
	w->asked_cpu = worker_cpu_us(w);
}

static bool has_overrun(const struct worker *w)
{
	return worker_cpu_us(w) > w->asked_cpu + w->options.overrun_cpu_us ||
	       loop_now(w->options.loop) > w->asked_at + w->options.overrun_us;
}

static void on_watch(void *arg)
{
	struct worker *w = arg;

	if (w->count == 0)
		return;
	if (w->serves && w->asked == w->answered) {
		ask(w);
	} else if (w->serves && has_overrun(w)) {
		w->answered = w->asked;
		supervisor_kill(w->supervisor, "has overrun, and is killed");
	}
	loop_timer_set(w->watch, w->options.watch_us, w->options.watch_us / 4);
}

static void pass_settings(struct worker *w)
{
	struct door_limits limits = worker_limits_for(w->jobs_max, w->options.files);

	supervisor_limits(w->supervisor, &limits);
	supervisor_settings(w->supervisor, &w->settings, "");
}

int worker_hire(struct worker *w)
{
	const struct supervisor_options options = {.loop = w->options.loop,
		.name = w->options.name,
		.option = "--worker",
		.kind = w->options.kind,
		.line = WIRE_WORKER,
		.build_id = w->options.build_id,
		.user = w->options.user,
		.keys = w->options.keys,
		.keys_arg = w->options.keys_arg,
		.changed = on_worker,
		.stopped = on_stopped,
		.pong = on_pong,
		.arg = w};
	int r;

	if (w->supervisor)
		return 0;
	r = supervisor_create(&options, &w->supervisor);
	if (r == 0)
		pass_settings(w);
	return r;
}

/* --- what others ask --- */

void worker_settings(struct worker *w, unsigned jobs_max, unsigned owner_max, unsigned log_level)
{
	w->jobs_max = jobs_max;
	w->owner_max = owner_max;
	w->settings.log_level = (uint8_t)log_level;
	if (w->supervisor)
		pass_settings(w);
}

int worker_keys(struct worker *w, char why[SUPERVISOR_WHY_MAX])
{
	int fd FD_AUTO = -1;

	if (w->supervisor)
		return supervisor_keys(w->supervisor, why);
	/* It will get them; whether it can is known now. */
	return w->options.keys(w->options.keys_arg, &fd, why);
}

void worker_dismiss(struct worker *w)
{
	if (!w->supervisor)
		return;
	w->serves = 0;
	w->answered = w->asked;
	if (supervisor_pid(w->supervisor))
		supervisor_stop(w->supervisor); /* on_stopped follows */
	else
		supervisor_destroy(&w->supervisor);
}

struct loop *worker_loop(const struct worker *w)
{
	return w->options.loop;
}

pid_t worker_pid(const struct worker *w)
{
	return w->supervisor ? supervisor_pid(w->supervisor) : 0;
}

int worker_create(const struct worker_options *options, struct worker **out)
{
	struct worker *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	w->options = *options;
	if (!w->options.watch_us)
		w->options.watch_us = WORKER_WATCH_US;
	if (!w->options.overrun_cpu_us)
		w->options.overrun_cpu_us = WORKER_OVERRUN_CPU_US;
	if (!w->options.overrun_us)
		w->options.overrun_us = WORKER_OVERRUN_US;
	LIST_INIT(&w->jobs);
	r = loop_timer_add(options->loop, &w->retry, on_retry, w);
	if (!r)
		r = loop_timer_add(options->loop, &w->watch, on_watch, w);
	if (r < 0)
		worker_destroy(&w);
	*out = w;
	return r;
}

void worker_destroy(struct worker **out)
{
	struct worker *w = *out;

	if (!w)
		return;
	*out = NULL;
	supervisor_destroy(&w->supervisor);
	loop_timer_del(&w->retry);
	loop_timer_del(&w->watch);
	free(w);
}
