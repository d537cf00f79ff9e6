/*
 * One job of the worker: the patterns, the output and the answer of one line. Owned by the worker.
 */
#ifndef WORKER_MATCH_JOB_H
#define WORKER_MATCH_JOB_H

#include <stdint.h>
#include <sys/queue.h>

#include "core/loop.h"
#include "worker/match/match.h"

#define MATCH_JOB_SLICE_US (5 * LOOP_MSEC) /* then the others get their turn */
#define MATCH_JOB_HOLD_US                                                                          \
	(250 * LOOP_MSEC) /* for the rest of the line that something was found in */

struct match_job;
LIST_HEAD(match_job_list, match_job);

struct match_job_owner {
	struct loop *loop;
	struct match_room *room;
	struct match_job_list jobs;
	void (*ended)(void *arg); /* one of them has gone */
	void *arg;
};

/* Takes over the descriptor; it is closed when the job ends, also when it cannot begin: -errno. */
int match_job_create(struct match_job_owner *owner, int fd) MUST_CHECK;

#endif
