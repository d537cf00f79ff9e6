/*
 * Supervises one door or worker: starts it, gives it connections or tasks, starts it again when it
 * dies.
 *
 * It is this program, executed again through the descriptor of its own file, with one
 * control line and the private keys in a sealed memory file; nothing else is passed on.
 * Owned by the broker.
 */
#ifndef BROKER_DOOR_SUPERVISOR_H
#define BROKER_DOOR_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/door/door_process.h"
#include "core/loop.h"
#include "wire/msg.h"

struct supervisor;

#define SUPERVISOR_WHY_MAX 1024 /* bytes of a reason, terminator included */
#define DOOR_BACKOFF_MIN_US (100 * LOOP_MSEC)
#define DOOR_BACKOFF_MAX_US (10 * LOOP_SECOND)
#define DOOR_PATIENCE_US LOOP_SECOND         /* a longer back-off is nothing to wait for */
#define DOOR_COMPLAIN_US (60 * LOOP_SECOND)  /* the same reason again is told so often */
#define DOOR_STABLE_US (60 * LOOP_SECOND)    /* a life so long begins the back-off anew */
#define DOOR_READY_US (20 * LOOP_SECOND)     /* to say that it is ready */
#define DOOR_GRACE_MORE_US (5 * LOOP_SECOND) /* its grace time is longer by so much than ours */
#define DOOR_LOG_MAX 20                      /* lines of its log in a second */
#define DOOR_STOP_US LOOP_SECOND             /* to end after STOP */

/* What becomes of new connections. */
enum door_service {
	DOOR_SERVES,   /* they can be given to it */
	DOOR_RESTARTS, /* it has died, and will be there again in a moment */
	DOOR_FAILS,    /* it does not start, or dies again and again: nobody should wait */
};

struct supervisor_options {
	struct loop *loop;
	const char *name;    /* "ssh door" */
	const char *option;  /* "--door" or "--worker" */
	const char *kind;    /* "ssh" */
	enum wire_line line; /* WIRE_CONTROL or WIRE_WORKER */
	const unsigned char *build_id;
	struct door_user user;
	/* Makes the descriptor with the private keys; called for every start. -errno and a reason.
	 * NULL: it gets none. */
	int (*keys)(void *arg, int *fd, char why[SUPERVISOR_WHY_MAX]);
	void *keys_arg;
	void (*changed)(void *arg, enum door_service service);
	void (*stopped)(void *arg);               /* after supervisor_stop */
	void (*pong)(void *arg, uint64_t number); /* after supervisor_ping */
	void *arg;
};

int supervisor_create(const struct supervisor_options *options, struct supervisor **out) MUST_CHECK;
void supervisor_destroy(struct supervisor **out); /* kills a door that is still there */

/* Sent when the door runs, as soon as it takes them, and to every new one. banner is copied. */
void supervisor_settings(
	struct supervisor *v, const struct wire_settings *settings, const char *banner);

/* Makes the private keys again and gives them to the door that runs; its connections stay. 0;
 * -errno and a reason: it keeps those it has. */
int supervisor_keys(struct supervisor *v, char why[SUPERVISOR_WHY_MAX]) MUST_CHECK;

/* For the door that runs and every new one. */
void supervisor_limits(struct supervisor *v, const struct door_limits *limits);

/* Whether connections can be given to it now. */
int supervisor_serves(const struct supervisor *v);

/* Hands over a connection. Both descriptors stay the caller's. 0; -EAGAIN busy; -ENOTCONN. */
int supervisor_give(
	struct supervisor *v, uint64_t id, bool is_plain, int socket, int login_line) MUST_CHECK;

/* To a worker: a job's line, which stays the caller's. 0; -EAGAIN busy; -ENOTCONN. */
int supervisor_task(struct supervisor *v, int job_line) MUST_CHECK;
int supervisor_ping(struct supervisor *v, uint64_t number) MUST_CHECK;
pid_t supervisor_pid(const struct supervisor *v); /* 0: it does not run */
/* Kills it; it is started again. why goes behind its name in the log. */
void supervisor_kill(struct supervisor *v, const char *why);

/* The orderly end; stopped() follows, never from inside this call. */
void supervisor_stop(struct supervisor *v);

#endif
