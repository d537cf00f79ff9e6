/*
 * The process of a worker, whatever it computes: its place behind consoles, its jobs as they come.
 * It is confined as a door is, and has no descriptor but its lines and what comes over them.
 */
#ifndef WORKER_WORKER_PROCESS_H
#define WORKER_WORKER_PROCESS_H

#include "core/loop.h"
#include "door/door.h"

#define WORKER_NICE 10 /* consoles go first */

struct worker_role {
	const char *name; /* "match worker" */
	/* Before the sandbox: the keys that the broker has for it (door_ops). NULL: there are none.
	 */
	int (*prepare)(void *arg, int keys_fd);
	/* Before the sandbox. 0 or -errno. */
	int (*begin)(void *arg, struct loop *loop);
	/* A job: its line, the callee's also when it cannot begin: -errno. */
	int (*job)(void *arg, int fd);
	/* Other keys; keys_fd stays the caller's. NULL: it never gets any. */
	void (*keys)(void *arg, int keys_fd);
};

/* Becomes the worker; does not return. */
_Noreturn void worker_process_run(
	const struct door_options *options, const struct worker_role *role, void *arg);

#endif
