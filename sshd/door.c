/*
 * Task: the process of the ssh door: start, sandbox, control line, stop.
 * Owner: main. Knows sessions only as a list.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "core/io.h"
#include "core/log.h"
#include "core/sandbox.h"
#include "sshd/bind.h"
#include "sshd/door.h"
#include "sshd/door_log.h"
#include "sshd/nogss.h"
#include "sshd/session.h"
#include "sshd/status.h"

/* After so many sessions have ended, or the last one, the heap's free pages go back. */
#define TRIM_AFTER 16
#define TRIM_DELAY_US (2 * LOOP_SECOND)

/* Sessions get FLUSH_US for their goodbye; whatever is left then ends with the process. */
#define STOP_US (FLUSH_US + LOOP_SECOND)

#define STOP_REASON "the service is restarting"

struct door {
	struct context context; /* first: closed() finds the door by it */
	struct line control;
	struct loop_io *control_io;
	struct door_log log;
	struct sandbox_report sandbox;
	unsigned char build_id[WIRE_BUILD_ID];
	struct session_list sessions;
	unsigned closed_sessions; /* since the last trim */
	struct loop_timer *trim_timer, *stop_timer;
	bool stopping;
};

/* --- the end of sessions, and of the door --- */

static void on_trim(void *arg)
{
	struct door *door = arg;

	door->closed_sessions = 0;
	malloc_trim(0);
}

static void on_stopped(void *arg)
{
	struct door *door = arg;

	loop_exit(door->context.loop, 0);
}

static void on_session_closed(struct context *context)
{
	struct door *door = (struct door *)context;

	door->closed_sessions++;
	if (door->stopping && TAILQ_EMPTY(&door->sessions))
		loop_timer_set(door->stop_timer, 0, 0);
	else if ((door->closed_sessions >= TRIM_AFTER || TAILQ_EMPTY(&door->sessions)) &&
		 !loop_timer_armed(door->trim_timer))
		loop_timer_set(door->trim_timer, TRIM_DELAY_US, LOOP_SECOND);
}

static void stop(struct door *door)
{
	struct session *s, *next;

	door->stopping = true;
	loop_timer_set(door->stop_timer, TAILQ_EMPTY(&door->sessions) ? 0 : STOP_US, 0);
	for (s = TAILQ_FIRST(&door->sessions); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		session_say_goodbye(s, STATUS_RESTART, STOP_REASON);
	}
}

/* --- the control line --- */

static void take_settings(struct door *door, const struct line_message *message)
{
	struct context *context = &door->context;
	struct session *s;

	memcpy(&context->settings, message->fixed, sizeof(context->settings));
	log_set_level(context->settings.log_level <= LOG_LEVEL_DEBUG
			      ? (enum log_level)context->settings.log_level
			      : LOG_LEVEL_DEBUG);
	ssh_string_free(context->banner);
	context->banner = NULL;
	if (message->payload_len) {
		context->banner = ssh_string_new(message->payload_len);
		if (context->banner)
			ssh_string_fill(context->banner, message->payload, message->payload_len);
	}
	TAILQ_FOREACH (s, &door->sessions, entry)
		session_clock_reload(s);
}

static void take_new(struct door *door, struct line_message *message)
{
	struct wire_new head;

	memcpy(&head, message->fixed, sizeof(head));
	if (session_create(&door->context, &door->sessions, head.id, line_take_fd(message, 0),
		    line_take_fd(message, 1)) < 0)
		log_error("no memory for connection c%llu", (unsigned long long)head.id);
}

static int take_hello(struct door *door, const struct line_message *message)
{
	struct wire_ready ready = {.landlock_abi = (uint8_t)door->sandbox.landlock_abi,
		.seccomp = (uint8_t)door->sandbox.seccomp};

	if (CRYPTO_memcmp(message->fixed, door->build_id, WIRE_BUILD_ID) != 0) {
		log_error("the ssh door and its broker are of different builds");
		return -EPROTO;
	}
	memcpy(ready.build, door->build_id, WIRE_BUILD_ID);
	return line_send(&door->control, WIRE_READY, &ready, NULL, 0);
}

static int take_message(struct door *door, struct line_message *message)
{
	switch ((int)message->type) {
	case WIRE_HELLO:
		return take_hello(door, message);
	case WIRE_SETTINGS:
		take_settings(door, message);
		return 0;
	case WIRE_NEW:
		take_new(door, message);
		return 0;
	case WIRE_STOP:
		stop(door);
		return 0;
	default:
		return -EPROTO;
	}
}

static void on_control(void *arg, uint32_t revents)
{
	struct door *door = arg;
	struct line_message message;
	int r = line_receive(&door->control, &message);

	if (r == -EAGAIN)
		return;
	if (r == 1) {
		r = take_message(door, &message);
		line_message_finish(&message);
		if (r == 0)
			return;
	}
	/* The broker is gone or no longer to be trusted: nothing here may outlive it. */
	_exit(1);
}

/* --- start --- */

/* The broker decides about its doors; a terminal's ^C goes to it too. */
static void ignore_signals(void)
{
	static const int list[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE, SIGUSR1, SIGUSR2};
	sigset_t none;
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		(void)signal(list[i], SIG_IGN);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void nothing(void *arg)
{
}

static int make_loop(struct door *door)
{
	struct context *context = &door->context;
	struct loop *loop = loop_create();
	int r;

	if (!loop)
		return -ENOMEM;
	context->loop = loop;
	r = loop_timer_add(loop, &context->held_timer, channel_release_held, context);
	if (!r)
		r = gate_init(&context->gate, loop);
	break_watch_init(&context->breaks);
	if (!r)
		r = loop_timer_add(loop, &door->trim_timer, on_trim, door);
	if (!r)
		r = loop_timer_add(loop, &door->stop_timer, on_stopped, door);
	return r;
}

/* sd-event reads the boot id when it first waits for a timer with slack. */
static int warm_loop(struct loop *loop)
{
	struct loop_timer *timer;
	int r = loop_timer_add(loop, &timer, nothing, NULL);

	if (r)
		return r;
	loop_timer_set(timer, LOOP_MSEC, LOOP_SECOND);
	r = loop_turn(loop, 0);
	loop_timer_del(&timer);
	return r;
}

static int prepare(struct door *door, const struct door_options *options)
{
	int keep[] = {options->control_fd, options->keys_fd}, r;

	ignore_signals();
	mallopt(M_ARENA_MAX, 1);
	r = sandbox_close_others(keep, 2);
	if (r)
		return r;
	TAILQ_INIT(&door->sessions);
	LIST_INIT(&door->context.held);
	door->context.closed = on_session_closed;
	memcpy(door->build_id, options->build_id, WIRE_BUILD_ID);
	line_init(&door->control, options->control_fd, WIRE_CONTROL, WIRE_DOOR);
	door->context.scratch = malloc(SCRATCH_SIZE);
	if (!door->context.scratch)
		return -ENOMEM;
	sandbox_preload();
	gss_refuse();
	if (ssh_init() != SSH_OK)
		return -ENOMEM;
	r = bind_create(options->keys_fd, &door->context.bind);
	close(options->keys_fd);
	return r;
}

static int confine(struct door *door)
{
	int r = make_loop(door);

	if (!r)
		r = warm_loop(door->context.loop);
	if (!r)
		r = sandbox_enter(&door->sandbox);
	/* Only now: the turn that warmed the loop must not have taken a message already. */
	return r ? r
		 : loop_io_add(door->context.loop, &door->control_io, door->control.fd, EPOLLIN,
			   on_control, door);
}

int door_main(const struct door_options *options)
{
	struct door *door = calloc(1, sizeof(*door));
	int r = door ? prepare(door, options) : -ENOMEM;

	if (!r)
		r = confine(door);
	if (r < 0) {
		log_error("the ssh door cannot start: %s", strerror(-r));
		_exit(1);
	}
	door_log_init(&door->log, &door->control);
	r = loop_run(door->context.loop);
	/* Nothing is taken down piece by piece: the process ends here, and its lines with it. */
	_exit(r < 0 ? 1 : r);
}
