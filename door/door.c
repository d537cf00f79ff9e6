/*
 * Task: the process of a door or worker: start, sandbox, control line. Owner: main.
 * Knows no protocol but that of the control line.
 */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "core/io.h"
#include "core/log.h"
#include "core/sandbox.h"
#include "door/door.h"
#include "door/door_log.h"
#include "wire/line.h"

struct door {
	const struct door_options *options;
	const struct door_ops *ops;
	void *arg;
	struct loop *loop;
	struct line control;
	struct loop_io *control_io;
	struct door_log log;
	struct sandbox_report sandbox;
};

/* --- the control line --- */

static void take_settings(struct door *door, const struct line_message *message)
{
	struct wire_settings settings;

	memcpy(&settings, message->fixed, sizeof(settings));
	log_set_level(settings.log_level <= LOG_LEVEL_DEBUG ? (enum log_level)settings.log_level
							    : LOG_LEVEL_DEBUG);
	door->ops->settings(door->arg, &settings, message->payload, message->payload_len);
}

static void take_new(struct door *door, struct line_message *message)
{
	struct wire_new head;

	memcpy(&head, message->fixed, sizeof(head));
	door->ops->connection(door->arg, &head, line_take_fd(message, 0), line_take_fd(message, 1));
}

static int take_keys(struct door *door, struct line_message *message)
{
	int fd FD_AUTO = line_take_fd(message, 0);

	if (!door->ops->keys)
		return -EPROTO;
	door->ops->keys(door->arg, fd);
	return 0;
}

static int take_hello(struct door *door, const struct line_message *message)
{
	struct wire_ready ready = {.landlock_abi = (uint8_t)door->sandbox.landlock_abi,
		.seccomp = (uint8_t)door->sandbox.seccomp};
	const unsigned char *build_id = door->options->build_id;

	if (CRYPTO_memcmp(message->fixed, build_id, WIRE_BUILD_ID) != 0) {
		log_error("the %s and its broker are of different builds", door->ops->name);
		return -EPROTO;
	}
	memcpy(ready.build, build_id, WIRE_BUILD_ID);
	return line_send(&door->control, WIRE_READY, &ready, NULL, 0);
}

static int answer_ping(struct door *door, const struct line_message *message)
{
	int r = line_send(&door->control, WIRE_PONG, message->fixed, NULL, 0);

	/* The broker asks again only when it was answered, so that there is room. */
	return r == -EAGAIN ? 0 : r;
}

static int take_message(struct door *door, struct line_message *message)
{
	switch ((int)message->type) {
	case WIRE_HELLO:
		return take_hello(door, message);
	case WIRE_SETTINGS:
		take_settings(door, message);
		return 0;
	case WIRE_KEYS:
		return take_keys(door, message);
	case WIRE_NEW:
		take_new(door, message);
		return 0;
	case WIRE_TASK:
		door->ops->task(door->arg, line_take_fd(message, 0));
		return 0;
	case WIRE_PING:
		return answer_ping(door, message);
	case WIRE_STOP:
		door->ops->stop(door->arg);
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
	if (r == -EMFILE) { /* a connection or a task: the broker sees its line end */
		log_error("as many files are open as the %s may have: nothing new is taken",
			door->ops->name);
		return;
	}
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

static int prepare(struct door *door)
{
	const struct door_options *options = door->options;
	int keep[] = {options->control_fd, options->keys_fd}, r;

	ignore_signals();
	mallopt(M_ARENA_MAX, 1);
	r = sandbox_close_others(keep, 2);
	if (r)
		return r;
	line_init(&door->control, options->control_fd, options->line, WIRE_DOOR);
	sandbox_preload();
	r = door->ops->prepare(door->arg, options->keys_fd);
	if (options->keys_fd >= 0)
		close(options->keys_fd);
	return r;
}

static int confine(struct door *door)
{
	int r;

	door->loop = loop_create();
	r = door->loop ? door->ops->begin(door->arg, door->loop) : -ENOMEM;
	if (!r)
		r = warm_loop(door->loop);
	if (!r)
		r = sandbox_enter(&door->sandbox, door->ops->threads, door->arg);
	/* Only now: the turn that warmed the loop must not have taken a message already. */
	if (!r)
		r = loop_io_add(
			door->loop, &door->control_io, door->control.fd, EPOLLIN, on_control, door);
	/* A worker that has much to do must get round to a PING. */
	if (!r && door->options->line == WIRE_WORKER)
		loop_io_priority(door->control_io, LOOP_URGENT);
	return r;
}

void door_exit(struct loop *loop)
{
	loop_exit(loop, 0);
}

void door_run(const struct door_options *options, const struct door_ops *ops, void *arg)
{
	struct door door = {.options = options, .ops = ops, .arg = arg};
	int r = prepare(&door);

	if (!r)
		r = confine(&door);
	if (r < 0) {
		log_error("the %s cannot start: %s", ops->name, strerror(-r));
		_exit(1);
	}
	door_log_init(&door.log, &door.control);
	r = loop_run(door.loop);
	/* Nothing is taken down piece by piece: the process ends here, and its lines with it. */
	_exit(r < 0 ? 1 : r);
}
