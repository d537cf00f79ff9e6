/*
 * One job of the worker that draws screens: a console's output, over one line, and what a terminal
 * shows after it. Lives until its line ends.
 */
#ifndef WORKER_SCREEN_JOB_H
#define WORKER_SCREEN_JOB_H

#include "core/loop.h"

#define SCREEN_JOB_SLICE_US (5 * LOOP_MSEC) /* then the others get their turn */

/* Takes over the descriptor; it is closed when the job ends, also when it cannot begin: -errno. */
int screen_job_create(struct loop *loop, int fd) MUST_CHECK;

#endif
