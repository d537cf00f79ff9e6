/*
 * What matcher.c (the worker) and matcher_job.c share. Nobody else includes it.
 */
#ifndef BROKER_MATCHER_MATCHER_PRIVATE_H
#define BROKER_MATCHER_MATCHER_PRIVATE_H

#include <sys/queue.h>

#include "broker/door/supervisor.h"
#include "broker/matcher/matcher.h"
#include "core/shares.h"
#include "wire/line.h"

enum matcher_job_state {
	JOB_WAITS, /* for a worker */
	JOB_RUNS,
	JOB_OVER, /* it has answered */
};

LIST_HEAD(matcher_job_list, matcher_job);

struct matcher {
	struct matcher_options options;
	struct supervisor *supervisor; /* NULL until the first job */
	struct matcher_job_list jobs;
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

struct matcher_job {
	LIST_ENTRY(matcher_job) entry;
	struct share *share; /* its owner's */
	struct matcher *matcher;
	enum matcher_job_state state;
	const struct matcher_events *events;
	void *arg;
	struct line line;
	struct loop_io *io;
	int blocked;      /* something was not taken: room is owed */
	unsigned pending; /* messages that it has not answered */
	unsigned restarts;
	struct wire_match wanted;
	size_t patterns_len;
	unsigned char patterns[];
};

/* matcher.c: a worker, if there is none. 0 or -errno. */
int matcher_hire(struct matcher *m) MUST_CHECK;

/* matcher_job.c: gives a job that waits to the worker. */
void matcher_job_start(struct matcher_job *job);
/* Its worker has gone. */
void matcher_job_lose(struct matcher_job *job);
void matcher_job_fail(struct matcher_job *job, enum matcher_failure failure, const char *text);

#endif
