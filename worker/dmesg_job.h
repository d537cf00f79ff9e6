/*
 * One job of the worker that reads kernels' logs: a dump or a guest that runs, over one line. Owned
 * by the worker.
 */
#ifndef WORKER_DMESG_JOB_H
#define WORKER_DMESG_JOB_H

#include <sys/queue.h>

#include "core/loop.h"

#define DMESG_JOB_SLICE_US (5 * LOOP_MSEC) /* then the others get their turn */

struct dmesg_job;
LIST_HEAD(dmesg_job_list, dmesg_job);

struct dmesg_job_owner {
	struct loop *loop;
	struct dmesg_job_list jobs;
};

/* Takes over the descriptor; it is closed when the job ends, also when it cannot begin: -errno. */
int dmesg_job_create(struct dmesg_job_owner *owner, int fd) MUST_CHECK;

#endif
