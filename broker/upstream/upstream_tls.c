/* Task: see upstream_tls.h. Owner: who asks the upstream. Sees no byte of what is said. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "broker/upstream/upstream_tls.h"
#include "broker/worker/worker.h"
#include "core/io.h"
#include "core/text/escape.h"
#include "wire/line.h"

enum { OUTSIDE, INSIDE, ENDS }; /* of the fds */

struct upstream_tls {
	struct worker_job job;
	bool has_job, is_near;
	struct worker *worker;
	void (*ready)(void *arg);
	void (*ended)(void *arg, const char *why);
	void *arg;
	int fds[ENDS]; /* until the worker has them */
	char name[WIRE_HOST_MAX + 1];
};

static struct upstream_tls *tls_of(struct worker_job *job)
{
	return (struct upstream_tls *)((char *)job - offsetof(struct upstream_tls, job));
}

static void let_go(struct upstream_tls *t)
{
	for (int i = 0; i < ENDS; i++)
		fd_close(&t->fds[i]);
}

/* --- what the worker says --- */

static void on_failed(struct upstream_tls *t, const struct line_message *m)
{
	char text[WIRE_REASON_MAX + 1];
	enum wire_failure failure = worker_job_failure(
		&t->job, m, 1u << WIRE_FAIL_UPSTREAM | 1u << WIRE_FAIL_CLOSED, text);

	if (!failure)
		return;
	if (!escape_is_text(text, m->payload_len)) {
		worker_job_distrust(&t->job);
		return;
	}
	worker_job_end(&t->job);
	t->ended(t->arg, failure == WIRE_FAIL_CLOSED && t->is_near ? NULL : text);
}

static void on_message(struct worker_job *job, const struct line_message *m)
{
	struct upstream_tls *t = tls_of(job);

	switch ((int)m->type) {
	case WIRE_WRAPPED:
		t->ready(t->arg);
		break;
	case WIRE_WHOLE:
		worker_job_end(job);
		t->ended(t->arg, NULL);
		break;
	case WIRE_FAILED:
		on_failed(t, m);
		break;
	default:
		worker_job_distrust(job);
		break;
	}
}

static int give(struct worker_job *job)
{
	struct upstream_tls *t = tls_of(job);

	return line_send_fds(
		worker_job_line(job), WIRE_WRAP, NULL, t->name, strlen(t->name), t->fds, ENDS);
}

static void on_begun(struct worker_job *job)
{
	let_go(tls_of(job));
}

static void on_room(struct worker_job *job)
{
}

static void on_broken(struct worker_job *job, const char *text)
{
	struct upstream_tls *t = tls_of(job);

	t->ended(t->arg, text);
}

static const struct worker_job_ops ops = {.give = give,
	.begun = on_begun,
	.message = on_message,
	.room = on_room,
	.broken = on_broken};

/* --- life --- */

static int begin(struct upstream_tls *t, const char *owner, int *stream)
{
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	t->fds[INSIDE] = fds[0];
	r = worker_job_create(t->worker, &t->job, &ops, owner);
	t->has_job = r == 0;
	if (r < 0)
		fd_close(&fds[1]);
	else
		*stream = fds[1];
	return r;
}

int upstream_tls_create(
	const struct upstream_tls_options *options, int *stream, struct upstream_tls **out)
{
	struct upstream_tls *t = calloc(1, sizeof(*t));
	int fd = options->fd, r;

	if (!t) {
		fd_close(&fd);
		return -ENOMEM;
	}
	t->worker = options->worker;
	t->is_near = options->is_near;
	t->ready = options->ready;
	t->ended = options->ended;
	t->arg = options->arg;
	t->fds[OUTSIDE] = fd;
	t->fds[INSIDE] = -1;
	snprintf(t->name, sizeof(t->name), "%s", options->name);
	r = begin(t, options->owner, stream);
	if (r < 0)
		upstream_tls_destroy(&t);
	*out = t;
	return r;
}

void upstream_tls_destroy(struct upstream_tls **out)
{
	struct upstream_tls *t = *out;

	if (!t)
		return;
	*out = NULL;
	if (t->has_job)
		worker_job_finish(&t->job);
	t->has_job = false;
	let_go(t);
	loop_defer(worker_loop(t->worker), free, t);
}
