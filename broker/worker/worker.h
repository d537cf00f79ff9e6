/*
 * A worker process and the jobs that it does (docs/ARCHITECTURE.md, "Workers"). It is hired for the
 * first of them, watched, started again when it dies, and killed when it overruns. Nothing here
 * waits.
 *
 * What a job is about only its owner knows, whose struct has a struct worker_job in it.
 */
#ifndef BROKER_WORKER_WORKER_H
#define BROKER_WORKER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "broker/door/supervisor.h"
#include "core/loop.h"
#include "wire/line.h"

struct share;
struct worker;
struct worker_job;

#define WORKER_STARTS_MAX 3                     /* of a worker that does not get ready */
#define WORKER_RETRY_US (500 * LOOP_MSEC)       /* to start a job that a worker did not take */
#define WORKER_WATCH_US LOOP_SECOND             /* between two looks at whether it gets round */
#define WORKER_OVERRUN_CPU_US (3 * LOOP_SECOND) /* of processor time without getting round */
#define WORKER_OVERRUN_US (30 * LOOP_SECOND)    /* or of any time */
#define WORKER_WHY_MAX 128

struct worker_options {
	struct loop *loop;
	const unsigned char *build_id;
	const char *name;      /* "match worker" */
	const char *kind;      /* "match" */
	const char *does;      /* behind "the process that", for users: "looks for it" */
	unsigned restarts_max; /* of a job whose worker dies at work for it */
	unsigned files;        /* of one job, beside its line */
	/* As supervisor_options. */
	int (*keys)(void *arg, int *fd, char why[SUPERVISOR_WHY_MAX]);
	void *keys_arg;
	struct door_user user;
	uint64_t watch_us, overrun_cpu_us, overrun_us; /* 0: as above */
};

int worker_create(const struct worker_options *options, struct worker **out) MUST_CHECK;
/* All jobs must be gone. */
void worker_destroy(struct worker **out);

/* Jobs at once, at most, of all and of one owner, and what the worker logs (enum log_level). */
void worker_settings(struct worker *w, unsigned jobs_max, unsigned owner_max, unsigned log_level);
/* Gives its keys, made again, to a worker that runs. 0; -errno and a reason: it keeps those it has.
 */
int worker_keys(struct worker *w, char why[SUPERVISOR_WHY_MAX]) MUST_CHECK;
/* Nobody needs it any more: its process ends, with the keys that it has, and so do jobs that it
 * still does. The next job hires another. */
void worker_dismiss(struct worker *w);
struct loop *worker_loop(const struct worker *w);
/* Its process; 0: none. */
pid_t worker_pid(const struct worker *w);

/* May finish the job that they are told of. */
struct worker_job_ops {
	/* A worker has its line, again when the one before has died: says what is to be done, by
	 * worker_job_line. 0 or -errno of that. */
	int (*give)(struct worker_job *job);
	/* It has what it needs to begin with. NULL: nobody asks. */
	void (*begun)(struct worker_job *job);
	void (*message)(struct worker_job *job, const struct line_message *m);
	/* It takes more. */
	void (*room)(struct worker_job *job);
	/* The last word: the worker cannot be had, or dies. */
	void (*broken)(struct worker_job *job, const char *text);
};

enum worker_job_state {
	WORKER_JOB_WAITS, /* for a worker */
	WORKER_JOB_RUNS,
	WORKER_JOB_OVER, /* it has answered */
};

/* For its owner's struct. The fields are those of worker_job.c. */
struct worker_job {
	LIST_ENTRY(worker_job) entry;
	struct share *share; /* its owner's */
	struct worker *worker;
	enum worker_job_state state;
	const struct worker_job_ops *ops;
	struct line line;
	struct loop_io *io;
	bool blocked;     /* something was not taken: room is owed */
	bool paused;      /* nothing is read */
	unsigned pending; /* messages that it has not answered */
	unsigned restarts;
};

/* owner: whose it is, each may have a share of the jobs. 0; -EBUSY too many jobs; -EDQUOT too many
 * of this owner; -ENOMEM. */
int worker_job_create(struct worker *w, struct worker_job *job, const struct worker_job_ops *ops,
	const char *owner) MUST_CHECK;
/* It is no more; its memory is in use until after the turn. */
void worker_job_finish(struct worker_job *job);

/* In give: the line to say it on. */
struct line *worker_job_line(struct worker_job *job);
/* false: not taken; room follows, or give. */
bool worker_job_say(struct worker_job *job, enum wire_type type, const void *fixed,
	const void *payload, size_t len) MUST_CHECK;
/* While it is on nothing is read from it: its worker waits with it. */
void worker_job_pause(struct worker_job *job, bool on);
/* One of the messages before is done with: a worker that dies now was not at work for it. */
void worker_job_answered(struct worker_job *job);
/* It has answered: the worker is not heard any more. */
void worker_job_end(struct worker_job *job);
/* It has, and it makes no sense: broken follows at once. */
void worker_job_distrust(struct worker_job *job);
/* It has answered FAILED: which failure, and text says why; the job is still to be ended. One that
 * is not among those expected, 1 << enum wire_failure, or that it has no memory left: 0, and broken
 * has followed. */
unsigned worker_job_failure(struct worker_job *job, const struct line_message *m, unsigned expected,
	char text[WIRE_REASON_MAX + 1]) MUST_CHECK;

#endif
