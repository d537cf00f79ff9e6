/*
 * One connection of the upstream worker: its line to the broker, which has connected, and names
 * whom the certificate must be of.
 */
#ifndef WORKER_UPSTREAM_JOB_H
#define WORKER_UPSTREAM_JOB_H

#include "core/loop.h"
#include "tls/tls.h"

/* What they have in common. */
struct upstream_job_owner {
	struct loop *loop;
	struct tls *tls;
};

/* Takes over the line's descriptor. 0 or -errno. */
int upstream_job_create(struct upstream_job_owner *owner, int fd) MUST_CHECK;

#endif
