/*
 * Task: see upstream_job.h. Owner: the worker. Its end comes from the broker, which closes the
 * line, or from outside, of which the broker is told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/line.h"
#include "worker/relay.h"
#include "worker/upstream_job.h"

struct upstream_job {
	struct upstream_job_owner *owner;
	struct line line;
	struct loop_io *io;
	struct relay *relay; /* NULL: not yet */
};

static void end(struct upstream_job *job)
{
	loop_io_del(&job->io);
	line_finish(&job->line);
	relay_destroy(&job->relay);
	loop_defer(job->owner->loop, free, job);
}

/* There is room for it: no more than two messages go that way. */
static void say(struct upstream_job *job, enum wire_type type, const void *fixed, const char *text)
{
	if (line_send(&job->line, type, fixed, text, strlen(text)) < 0)
		end(job);
}

static void fail(struct upstream_job *job, enum wire_failure failure, const char *text)
{
	const struct wire_failed failed = {.failure = (uint8_t)failure};

	say(job, WIRE_FAILED, &failed, text);
}

static void on_began(void *arg)
{
	say(arg, WIRE_WRAPPED, NULL, "");
}

/* The stream stays until the broker has heard: whoever is at its other end reads what is in it. */
static void on_ended(void *arg, const char *why, bool is_bare)
{
	struct upstream_job *job = arg;

	if (why)
		fail(job, is_bare ? WIRE_FAIL_CLOSED : WIRE_FAIL_UPSTREAM, why);
	else
		say(job, WIRE_WHOLE, NULL, "");
}

static void begin(struct upstream_job *job, struct line_message *m)
{
	char name[WIRE_HOST_MAX + 1];
	const struct relay_options options = {.loop = job->owner->loop,
		.tls = job->owner->tls,
		.name = name,
		.outside = line_take_fd(m, 0),
		.inside = line_take_fd(m, 1),
		.began = on_began,
		.ended = on_ended,
		.arg = job};

	memcpy(name, m->payload, m->payload_len);
	name[m->payload_len] = '\0';
	if (relay_create(&options, &job->relay) < 0)
		fail(job, WIRE_FAIL_MEMORY, "");
}

static void on_io(void *arg, uint32_t revents)
{
	struct upstream_job *job = arg;
	struct line_message m;
	int r = line_receive(&job->line, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		end(job); /* nobody waits for it any more */
		return;
	}
	if (m.type == WIRE_WRAP) /* which the table lets come once */
		begin(job, &m);
	line_message_finish(&m);
}

int upstream_job_create(struct upstream_job_owner *owner, int fd)
{
	struct upstream_job *job = calloc(1, sizeof(*job));
	int r;

	if (!job) {
		close(fd);
		return -ENOMEM;
	}
	job->owner = owner;
	line_init(&job->line, fd, WIRE_JOB, WIRE_DOOR);
	r = loop_io_add(owner->loop, &job->io, fd, EPOLLIN, on_io, job);
	if (r < 0)
		end(job);
	return r;
}
