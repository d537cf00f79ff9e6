/*
 * The process of a door, whatever it speaks, or of a worker, whatever it computes: start, sandbox,
 * control line, stop.
 *
 * The broker starts it by fork and exec with a control line and, for a door, private keys. It knows
 * no verb, no rule and no hypervisor. What speaks with clients, or does the work, hangs on it by
 * door_ops.
 */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include "core/loop.h"
#include "wire/msg.h"

struct door_options {
	int control_fd;      /* our end of the control line */
	enum wire_line line; /* its kind: WIRE_CONTROL of a door, WIRE_WORKER of a worker */
	int keys_fd; /* a file (memfd) of PEM or OpenSSH private keys, one block after another;
		      * -1: none */
	const unsigned char *build_id; /* WIRE_BUILD_ID bytes */
};

struct door_ops {
	const char *name; /* "ssh door" */
	/* Before the sandbox: libraries and keys. keys_fd stays the caller's. 0 or -errno. */
	int (*prepare)(void *arg, int keys_fd);
	/* Before the sandbox, with the loop there. 0 or -errno. */
	int (*begin)(void *arg, struct loop *loop);
	/* Inside the sandbox, but for its filter: makes the threads that the process is to have,
	 * and waits for them to have begun. NULL: none. 0 or -errno. */
	int (*threads)(void *arg);
	/* At the start, and whenever they change. */
	void (*settings)(void *arg, const struct wire_settings *settings,
		const unsigned char *banner, size_t banner_len);
	/* To a door: other keys than at the start, as it had them there; keys_fd stays the
	 * caller's. NULL: it never gets any. */
	void (*keys)(void *arg, int keys_fd);
	/* To a door: a client. Both descriptors are the callee's. */
	void (*connection)(void *arg, const struct wire_new *head, int socket_fd, int login_fd);
	/* To a worker: a job's line, the callee's. */
	void (*task)(void *arg, int job_fd);
	/* Says goodbye to all clients; door_exit when they have gone. */
	void (*stop)(void *arg);
};

/*
 * Runs until door_exit (0) or the broker goes away (1); does not return. Takes over the process:
 * closes every other descriptor, ignores the signals a terminal sends, enters the sandbox. The
 * process must have one thread, and must have been forked by the broker's main thread, at whose
 * death it is killed.
 */
_Noreturn void door_run(const struct door_options *options, const struct door_ops *ops, void *arg);

/* After stop: the process ends after this turn. */
void door_exit(struct loop *loop);

/*
 * Enters the same sandbox, in a child process per case, and tries there what a door must not be
 * able to do. One line per case on stdout; 0 when every one failed as it should.
 */
int door_selftest(void);

#endif
