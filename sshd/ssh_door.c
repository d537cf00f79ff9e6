/*
 * Task: the ssh door: its sessions, their settings and their end.
 * Owner: main. Knows sessions only as a list.
 */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/job.h"
#include "core/log.h"
#include "sshd/bind.h"
#include "sshd/files.h"
#include "sshd/nogss.h"
#include "sshd/session.h"
#include "sshd/ssh_door.h"
#include "wire/status.h"

/* After so many sessions have ended, or the last one, the heap's free pages go back. */
#define TRIM_AFTER 16
#define TRIM_DELAY_US (2 * LOOP_SECOND)

/* Sessions get FLUSH_US for their goodbye; whatever is left then ends with the process. */
#define STOP_US (FLUSH_US + LOOP_SECOND)

#define STOP_REASON "the service is restarting"

struct ssh_door {
	struct context context; /* first: closed() finds the door by it */
	struct session_list sessions;
	unsigned closed_sessions; /* since the last trim */
	struct loop_timer *trim_timer, *stop_timer;
	bool stopping;
};

static void on_trim(void *arg)
{
	struct ssh_door *door = arg;

	door->closed_sessions = 0;
	malloc_trim(0);
}

static void on_stopped(void *arg)
{
	struct ssh_door *door = arg;

	door_exit(door->context.loop);
}

static void on_session_closed(struct context *context)
{
	struct ssh_door *door = (struct ssh_door *)context;

	door->closed_sessions++;
	if (door->stopping && TAILQ_EMPTY(&door->sessions))
		loop_timer_set(door->stop_timer, 0, 0);
	else if ((door->closed_sessions >= TRIM_AFTER || TAILQ_EMPTY(&door->sessions)) &&
		 !loop_timer_armed(door->trim_timer))
		loop_timer_set(door->trim_timer, TRIM_DELAY_US, LOOP_SECOND);
}

static void on_stop(void *arg)
{
	struct ssh_door *door = arg;
	struct session *s, *next;

	door->stopping = true;
	loop_timer_set(door->stop_timer, TAILQ_EMPTY(&door->sessions) ? 0 : STOP_US, 0);
	for (s = TAILQ_FIRST(&door->sessions); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		session_say_goodbye(s, STATUS_RESTART, STOP_REASON);
	}
}

static void on_settings(void *arg, const struct wire_settings *settings,
	const unsigned char *banner, size_t banner_len)
{
	struct ssh_door *door = arg;
	struct context *context = &door->context;
	struct session *s;

	context->settings = *settings;
	ssh_string_free(context->banner);
	context->banner = banner_len ? ssh_string_new(banner_len) : NULL;
	if (context->banner)
		ssh_string_fill(context->banner, banner, banner_len);
	TAILQ_FOREACH (s, &door->sessions, entry)
		session_timers_reload(s);
}

static void on_connection(void *arg, const struct wire_new *head, int socket_fd, int login_fd)
{
	struct ssh_door *door = arg;

	if (session_create(&door->context, &door->sessions, head->id, socket_fd, login_fd) < 0)
		log_error("no memory for connection c%llu", (unsigned long long)head->id);
}

static int prepare(void *arg, int keys_fd)
{
	struct ssh_door *door = arg;

	TAILQ_INIT(&door->sessions);
	LIST_INIT(&door->context.held);
	door->context.closed = on_session_closed;
	door->context.scratch = malloc(SCRATCH_SIZE);
	if (!door->context.scratch)
		return -ENOMEM;
	gss_refuse();
	if (ssh_init() != SSH_OK)
		return -ENOMEM;
	return bind_create(keys_fd, &door->context.bind);
}

static int begin(void *arg, struct loop *loop)
{
	struct ssh_door *door = arg;
	struct context *context = &door->context;
	int r;

	context->loop = loop;
	hearing_init(&context->hearing);
	r = loop_timer_add(loop, &context->held_timer, channel_release_held, context);
	if (!r)
		r = gate_init(&context->gate, loop);
	if (!r)
		r = loop_timer_add(loop, &door->trim_timer, on_trim, door);
	if (!r)
		r = loop_timer_add(loop, &door->stop_timer, on_stopped, door);
	if (!r)
		r = job_pool_create(loop, "files", FILES_THREADS, FILES_JOBS_MAX, &context->jobs);
	return r;
}

/* The filter of the sandbox lets none be made later. */
static int make_threads(void *arg)
{
	struct ssh_door *door = arg;

	return job_pool_man(door->context.jobs);
}

void ssh_door_main(const struct door_options *options)
{
	static struct ssh_door door;
	static const struct door_ops ops = {.name = "ssh door",
		.prepare = prepare,
		.begin = begin,
		.threads = make_threads,
		.settings = on_settings,
		.connection = on_connection,
		.stop = on_stop};

	door_run(options, &ops, &door);
}
