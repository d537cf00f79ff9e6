/*
 * Task: keep a door or worker running. Owner: the broker. Knows no connection, only that it hands
 * them over.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/door/supervisor.h"
#include "core/io.h"
#include "core/log.h"
#include "wire/line.h"

enum door_state { DOOR_DOWN, DOOR_STARTING, DOOR_READY, DOOR_STOPPING, DOOR_STOPPED };

struct supervisor {
	struct supervisor_options options;
	enum door_state state;
	int self_fd;
	pid_t pid;
	struct door_limits limits;
	struct line line;
	struct loop_io *io;
	struct loop_child *child;
	struct loop_timer *timer; /* back-off, patience, or the limit of the end */
	uint64_t started, backoff;
	char told[SUPERVISOR_WHY_MAX]; /* why it could not be started, as last logged */
	uint64_t told_at;
	uint64_t said_since; /* lines of its log are counted from then on */
	unsigned said;
	struct wire_settings settings;
	char banner[WIRE_BANNER_MAX];
	bool settings_due; /* the door has yet to get them */
	int keys_due;      /* the same; -1: none */
};

static void start(struct supervisor *v);

/* --- its life --- */

static void drop_due(struct supervisor *v)
{
	v->settings_due = false;
	fd_close(&v->keys_due);
}

static void let_go(struct supervisor *v)
{
	loop_io_del(&v->io);
	line_finish(&v->line);
	drop_due(v);
}

static void retry_later(struct supervisor *v, int has_served)
{
	enum door_service service =
		has_served && v->backoff < DOOR_PATIENCE_US ? DOOR_RESTARTS : DOOR_FAILS;

	v->state = DOOR_DOWN;
	loop_timer_set(v->timer, v->backoff, 0);
	v->backoff = v->backoff * 2 < DOOR_BACKOFF_MAX_US ? v->backoff * 2 : DOOR_BACKOFF_MAX_US;
	v->options.changed(v->options.arg, service);
}

static void log_end(const struct supervisor *v, int status)
{
	const char *failure = WIFEXITED(status) ? door_process_failure(WEXITSTATUS(status)) : NULL;

	if (WIFSIGNALED(status))
		log_error("the %s was killed by signal %d", v->options.name, WTERMSIG(status));
	else if (failure)
		log_error("cannot start the %s: %s", v->options.name, failure);
	else
		log_error("the %s ended with %d", v->options.name, WEXITSTATUS(status));
}

static void on_exit_of_door(void *arg, pid_t pid, int status)
{
	struct supervisor *v = arg;
	uint64_t life = loop_now(v->options.loop) - v->started;
	int was_ready = v->state == DOOR_READY;

	v->pid = 0;
	loop_child_del(&v->child);
	let_go(v);
	if (v->state == DOOR_STOPPING) {
		v->state = DOOR_STOPPED;
		loop_timer_stop(v->timer);
		v->options.stopped(v->options.arg);
		return;
	}
	log_end(v, status);
	if (life >= DOOR_STABLE_US)
		v->backoff = DOOR_BACKOFF_MIN_US;
	retry_later(v, was_ready);
}

void supervisor_kill(struct supervisor *v, const char *why)
{
	log_error("the %s %s", v->options.name, why);
	if (v->pid)
		kill(v->pid, SIGKILL); /* its end is told by on_exit_of_door */
}

static int send_settings(struct supervisor *v)
{
	int r = 0;

	if (v->settings_due)
		r = line_send(&v->line, WIRE_SETTINGS, &v->settings, v->banner, strlen(v->banner));
	v->settings_due = v->settings_due && r < 0;
	return r;
}

static int send_keys(struct supervisor *v)
{
	int r = 0;

	if (v->keys_due >= 0)
		r = line_send_fds(&v->line, WIRE_KEYS, NULL, NULL, 0, &v->keys_due, 1);
	if (r == 0)
		fd_close(&v->keys_due);
	return r;
}

/* Now, or as soon as a door that is behind with its connections makes room on the line. */
static void send_due(struct supervisor *v)
{
	int r = send_settings(v);

	if (r == 0)
		r = send_keys(v);
	if (r < 0 && r != -EAGAIN)
		supervisor_kill(v, "does not take its settings and keys");
	loop_io_set(v->io, r == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static void on_ready(struct supervisor *v, const struct line_message *m)
{
	struct wire_ready ready;
	char user[32];

	memcpy(&ready, m->fixed, sizeof(ready));
	if (memcmp(ready.build, v->options.build_id, WIRE_BUILD_ID) != 0) {
		supervisor_kill(v, "is of another build");
		return;
	}
	snprintf(user, sizeof(user), "user %u, ", (unsigned)v->options.user.uid);
	log_info("the %s is ready: %sseccomp %s, landlock %s%u", v->options.name,
		v->options.user.uid ? user : "", ready.seccomp ? "on" : "off",
		ready.landlock_abi ? "ABI " : "off, ABI ", (unsigned)ready.landlock_abi);
	loop_timer_stop(v->timer);
	v->state = DOOR_READY;
	v->told_at = 0;
	v->options.changed(v->options.arg, DOOR_SERVES);
}

/* Strangers make a door say what it says, and a broken one says anything: only so much of it. Who
 * looks for an error (debug) gets all. */
static bool has_said_too_much(struct supervisor *v)
{
	uint64_t now = loop_now(v->options.loop);

	if (log_get_level() == LOG_LEVEL_DEBUG)
		return false;
	if (now - v->said_since >= LOOP_SECOND) {
		if (v->said > DOOR_LOG_MAX)
			log_info("%u more lines of the %s in that second were left out",
				v->said - DOOR_LOG_MAX, v->options.name);
		v->said_since = now;
		v->said = 0;
	}
	return ++v->said > DOOR_LOG_MAX;
}

static void on_log(struct supervisor *v, const struct line_message *m)
{
	struct wire_log log;
	char tag[LOG_TAG_MAX];

	memcpy(&log, m->fixed, sizeof(log));
	if (log.level > LOG_LEVEL_DEBUG)
		log.level = LOG_LEVEL_DEBUG;
	if (has_said_too_much(v))
		return;
	if (log.id)
		snprintf(tag, sizeof(tag), "c%llu", (unsigned long long)log.id);
	log_write((enum log_level)log.level, log.id ? tag : v->options.option + 2, "%.*s",
		(int)m->payload_len, (const char *)m->payload);
}

static void on_pong(struct supervisor *v, const struct line_message *m)
{
	struct wire_ping ping;

	memcpy(&ping, m->fixed, sizeof(ping));
	v->options.pong(v->options.arg, ping.number);
}

static void on_io(void *arg, uint32_t revents)
{
	struct supervisor *v = arg;
	struct line_message m;
	int r;

	if (revents & EPOLLOUT)
		send_due(v);
	r = line_receive(&v->line, &m);
	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		if (r < 0)
			supervisor_kill(v, "broke the protocol");
		loop_io_set(v->io, 0); /* its end follows */
		return;
	}
	if (m.type == WIRE_READY)
		on_ready(v, &m);
	else if (m.type == WIRE_LOG)
		on_log(v, &m);
	else if (m.type == WIRE_PONG)
		on_pong(v, &m);
	line_message_finish(&m);
}

static int spawn(struct supervisor *v, int keys, int *control)
{
	struct door_start how = {.option = v->options.option,
		.kind = v->options.kind,
		.program = v->self_fd,
		.keys = keys,
		.user = v->options.user,
		.limits = v->limits};
	int fds[2];
	int r = line_pair(fds);

	if (r < 0)
		return r;
	how.control = fds[1];
	r = door_process_start(&how, &v->pid);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	*control = fds[0];
	return 0;
}

static int start_door(struct supervisor *v, char why[SUPERVISOR_WHY_MAX])
{
	struct wire_hello hello;
	int keys FD_AUTO = -1, control, r;

	*why = '\0';
	r = v->options.keys ? v->options.keys(v->options.keys_arg, &keys, why) : 0;
	if (r < 0)
		return r;
	r = spawn(v, keys, &control);
	if (r < 0)
		return r;
	v->started = loop_now(v->options.loop);
	v->state = DOOR_STARTING;
	line_init(&v->line, control, v->options.line, WIRE_BROKER);
	memcpy(hello.build, v->options.build_id, sizeof(hello.build));
	r = loop_child_add(v->options.loop, &v->child, v->pid, on_exit_of_door, v);
	if (!r)
		r = loop_io_add(v->options.loop, &v->io, control, EPOLLIN, on_io, v);
	if (!r)
		r = line_send(&v->line, WIRE_HELLO, &hello, NULL, 0);
	if (r < 0)
		return r;
	v->settings_due = true;
	send_due(v);
	loop_timer_set(v->timer, DOOR_READY_US, 0);
	return 0;
}

/* A reason that stays is told at once and then rarely. */
static void notify_why(struct supervisor *v, const char *why)
{
	uint64_t now = loop_now(v->options.loop);

	if (v->told_at && now - v->told_at < DOOR_COMPLAIN_US && strcmp(v->told, why) == 0)
		return;
	v->told_at = now;
	snprintf(v->told, sizeof(v->told), "%s", why);
	log_error("cannot start the %s: %s", v->options.name, why);
}

static void start(struct supervisor *v)
{
	char why[SUPERVISOR_WHY_MAX];
	int r = start_door(v, why);

	if (r == 0)
		return;
	notify_why(v, *why ? why : strerror(-r));
	if (v->child)
		supervisor_kill(v, "is given up");
	else
		retry_later(v, 0);
}

static void on_timer(void *arg)
{
	struct supervisor *v = arg;

	switch (v->state) {
	case DOOR_DOWN:
		start(v);
		break;
	case DOOR_STARTING:
		supervisor_kill(v, "did not get ready");
		break;
	case DOOR_STOPPING:
		supervisor_kill(v, "did not stop");
		break;
	case DOOR_STOPPED:
		v->options.stopped(v->options.arg);
		break;
	case DOOR_READY:
		break;
	}
}

/* --- what the broker asks --- */

void supervisor_settings(
	struct supervisor *v, const struct wire_settings *settings, const char *banner)
{
	v->settings = *settings;
	snprintf(v->banner, sizeof(v->banner), "%s", banner);
	if (v->state != DOOR_STARTING && v->state != DOOR_READY)
		return;
	v->settings_due = true;
	send_due(v);
}

int supervisor_keys(struct supervisor *v, char why[SUPERVISOR_WHY_MAX])
{
	int fd FD_AUTO = -1, r = v->options.keys(v->options.keys_arg, &fd, why);

	if (r < 0 || (v->state != DOOR_STARTING && v->state != DOOR_READY))
		return r; /* one that is started gets them in any case */
	fd_close(&v->keys_due);
	v->keys_due = fd;
	fd = -1;
	send_due(v);
	return 0;
}

void supervisor_limits(struct supervisor *v, const struct door_limits *limits)
{
	int r;

	v->limits = *limits;
	if (v->pid == 0)
		return;
	r = door_process_limit(v->pid, limits);
	if (r < 0)
		log_warning("the limits of the %s stay until it is started again: %s",
			v->options.name, strerror(-r));
}

int supervisor_serves(const struct supervisor *v)
{
	return v->state == DOOR_READY;
}

int supervisor_give(struct supervisor *v, uint64_t id, bool is_plain, int socket, int login_line)
{
	struct wire_new new = {.id = id, .is_plain = is_plain};
	int fds[2] = {socket, login_line};

	if (v->state != DOOR_READY)
		return -ENOTCONN;
	return line_send_fds(&v->line, WIRE_NEW, &new, NULL, 0, fds, 2);
}

int supervisor_task(struct supervisor *v, int job_line)
{
	if (v->state != DOOR_READY)
		return -ENOTCONN;
	return line_send_fds(&v->line, WIRE_TASK, NULL, NULL, 0, &job_line, 1);
}

int supervisor_ping(struct supervisor *v, uint64_t number)
{
	struct wire_ping ping = {.number = number};

	if (v->state != DOOR_READY)
		return -ENOTCONN;
	return line_send(&v->line, WIRE_PING, &ping, NULL, 0);
}

pid_t supervisor_pid(const struct supervisor *v)
{
	return v->pid;
}

void supervisor_stop(struct supervisor *v)
{
	if (v->state == DOOR_STOPPING || v->state == DOOR_STOPPED)
		return;
	if (v->pid == 0) {
		v->state = DOOR_STOPPED;
		loop_timer_set(v->timer, 0, 0); /* told as the end of one that runs is: later */
		return;
	}
	v->state = DOOR_STOPPING;
	drop_due(v);
	loop_timer_set(v->timer, DOOR_STOP_US, 0);
	if (line_send(&v->line, WIRE_STOP, NULL, NULL, 0) < 0)
		kill(v->pid, SIGKILL);
}

int supervisor_create(const struct supervisor_options *options, struct supervisor **out)
{
	struct supervisor *v = calloc(1, sizeof(*v));
	int r;

	if (!v)
		return -ENOMEM;
	v->options = *options;
	v->backoff = DOOR_BACKOFF_MIN_US;
	v->line.fd = v->keys_due = -1;
	v->self_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	r = v->self_fd < 0 ? -errno : loop_timer_add(options->loop, &v->timer, on_timer, v);
	if (r < 0) {
		fd_close(&v->self_fd);
		free(v);
		return r;
	}
	loop_timer_set(v->timer, 0, 0); /* the first start, when the settings are there */
	*out = v;
	return 0;
}

void supervisor_destroy(struct supervisor **out)
{
	struct supervisor *v = *out;

	if (!v)
		return;
	*out = NULL;
	loop_child_del(&v->child);
	let_go(v);
	loop_timer_del(&v->timer);
	if (v->pid > 0) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, NULL, 0);
	}
	fd_close(&v->self_fd);
	free(v);
}
