/*
 * What worker.c (the process) and worker_job.c share. Nobody else includes it.
 */
#ifndef BROKER_WORKER_WORKER_PRIVATE_H
#define BROKER_WORKER_WORKER_PRIVATE_H

#include "broker/door/supervisor.h"
#include "broker/worker/worker.h"
#include "core/shares.h"

LIST_HEAD(worker_job_list, worker_job);

struct worker {
	struct worker_options options;
	struct supervisor *supervisor; /* NULL until the first job */
	struct worker_job_list jobs;
	unsigned count, jobs_max;
	unsigned owner_max; /* of one owner */
	struct share_list shares;
	struct wire_settings settings;
	int serves;
	unsigned failures;        /* starts after which it was not ready */
	struct loop_timer *retry; /* starts the jobs that wait */
	struct loop_timer *watch;
	uint64_t asked, answered; /* PING and PONG; the same: it is not asked */
	uint64_t asked_at, asked_cpu;
};

/* worker.c: a process, if there is none. 0 or -errno. */
int worker_hire(struct worker *w) MUST_CHECK;

/* worker_job.c: gives a job that waits to the worker. */
void worker_job_start(struct worker_job *job);
/* Its worker has gone. */
void worker_job_lose(struct worker_job *job);
/* how: "does not start". */
void worker_job_break(struct worker_job *job, const char *how);

#endif
