/*
 * Task: keep a door or worker running. Owner: the broker. Knows no connection, only that it hands
 * them over.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broker/door/doorkeeper.h"
#include "core/io.h"
#include "core/log.h"
#include "wire/line.h"

enum door_state { DOOR_DOWN, DOOR_STARTING, DOOR_READY, DOOR_STOPPING, DOOR_STOPPED };

struct doorkeeper {
	struct doorkeeper_options options;
	enum door_state state;
	int self_fd;
	pid_t pid;
	struct door_limits limits;
	struct line line;
	struct loop_io *io;
	struct loop_child *child;
	struct loop_timer *timer; /* back-off, patience, or the limit of the end */
	uint64_t started, backoff;
	char told[DOORKEEPER_WHY_MAX]; /* why it could not be started, as last logged */
	uint64_t told_at;
	uint64_t said_since; /* lines of its log are counted from then on */
	unsigned said;
	struct wire_settings settings;
	char banner[WIRE_BANNER_MAX];
};

static void start(struct doorkeeper *k);

/* --- its life --- */

static void let_go(struct doorkeeper *k)
{
	loop_io_del(&k->io);
	line_finish(&k->line);
}

static void retry_later(struct doorkeeper *k, int has_served)
{
	enum door_service service =
		has_served && k->backoff < DOOR_PATIENCE_US ? DOOR_RESTARTS : DOOR_FAILS;

	k->state = DOOR_DOWN;
	loop_timer_set(k->timer, k->backoff, 0);
	k->backoff = k->backoff * 2 < DOOR_BACKOFF_MAX_US ? k->backoff * 2 : DOOR_BACKOFF_MAX_US;
	k->options.changed(k->options.arg, service);
}

static void log_end(const struct doorkeeper *k, int status)
{
	const char *failure = WIFEXITED(status) ? door_process_failure(WEXITSTATUS(status)) : NULL;

	if (WIFSIGNALED(status))
		log_error("the %s was killed by signal %d", k->options.name, WTERMSIG(status));
	else if (failure)
		log_error("cannot start the %s: %s", k->options.name, failure);
	else
		log_error("the %s ended with %d", k->options.name, WEXITSTATUS(status));
}

static void on_exit_of_door(void *arg, pid_t pid, int status)
{
	struct doorkeeper *k = arg;
	uint64_t life = loop_now(k->options.loop) - k->started;
	int was_ready = k->state == DOOR_READY;

	k->pid = 0;
	loop_child_del(&k->child);
	let_go(k);
	if (k->state == DOOR_STOPPING) {
		k->state = DOOR_STOPPED;
		loop_timer_stop(k->timer);
		k->options.stopped(k->options.arg);
		return;
	}
	log_end(k, status);
	if (life >= DOOR_STABLE_US)
		k->backoff = DOOR_BACKOFF_MIN_US;
	retry_later(k, was_ready);
}

void doorkeeper_kill(struct doorkeeper *k, const char *why)
{
	log_error("the %s %s", k->options.name, why);
	if (k->pid)
		kill(k->pid, SIGKILL); /* its end is told by on_exit_of_door */
}

static void send_settings(struct doorkeeper *k)
{
	if (line_send(&k->line, WIRE_SETTINGS, &k->settings, k->banner, strlen(k->banner)) < 0)
		doorkeeper_kill(k, "does not take its settings");
}

static void on_ready(struct doorkeeper *k, const struct line_message *m)
{
	struct wire_ready ready;
	char user[32];

	memcpy(&ready, m->fixed, sizeof(ready));
	if (memcmp(ready.build, k->options.build_id, WIRE_BUILD_ID) != 0) {
		doorkeeper_kill(k, "is of another build");
		return;
	}
	snprintf(user, sizeof(user), "user %u, ", (unsigned)k->options.user.uid);
	log_info("the %s is ready: %sseccomp %s, landlock %s%u", k->options.name,
		k->options.user.uid ? user : "", ready.seccomp ? "on" : "off",
		ready.landlock_abi ? "ABI " : "off, ABI ", (unsigned)ready.landlock_abi);
	loop_timer_stop(k->timer);
	k->state = DOOR_READY;
	k->told_at = 0;
	k->options.changed(k->options.arg, DOOR_SERVES);
}

/* Strangers make a door say what it says, and a broken one says anything: only so much of it. Who
 * looks for an error (debug) gets all. */
static int has_said_too_much(struct doorkeeper *k)
{
	uint64_t now = loop_now(k->options.loop);

	if (log_get_level() == LOG_LEVEL_DEBUG)
		return 0;
	if (now - k->said_since >= LOOP_SECOND) {
		if (k->said > DOOR_LOG_MAX)
			log_info("%u more lines of the %s in that second were left out",
				k->said - DOOR_LOG_MAX, k->options.name);
		k->said_since = now;
		k->said = 0;
	}
	return ++k->said > DOOR_LOG_MAX;
}

static void on_log(struct doorkeeper *k, const struct line_message *m)
{
	struct wire_log log;
	char tag[LOG_TAG_MAX];

	memcpy(&log, m->fixed, sizeof(log));
	if (log.level > LOG_LEVEL_DEBUG)
		log.level = LOG_LEVEL_DEBUG;
	if (has_said_too_much(k))
		return;
	if (log.id)
		snprintf(tag, sizeof(tag), "c%llu", (unsigned long long)log.id);
	log_write((enum log_level)log.level, log.id ? tag : k->options.option + 2, "%.*s",
		(int)m->payload_len, (const char *)m->payload);
}

static void on_pong(struct doorkeeper *k, const struct line_message *m)
{
	struct wire_ping ping;

	memcpy(&ping, m->fixed, sizeof(ping));
	k->options.pong(k->options.arg, ping.number);
}

static void on_io(void *arg, uint32_t revents)
{
	struct doorkeeper *k = arg;
	struct line_message m;
	int r = line_receive(&k->line, &m);

	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		if (r < 0)
			doorkeeper_kill(k, "broke the protocol");
		loop_io_set(k->io, 0); /* its end follows */
		return;
	}
	if (m.type == WIRE_READY)
		on_ready(k, &m);
	else if (m.type == WIRE_LOG)
		on_log(k, &m);
	else if (m.type == WIRE_PONG)
		on_pong(k, &m);
	line_message_finish(&m);
}

static int spawn(struct doorkeeper *k, int keys, int *control)
{
	struct door_start how = {.option = k->options.option,
		.kind = k->options.kind,
		.program = k->self_fd,
		.keys = keys,
		.user = k->options.user,
		.limits = k->limits};
	int fds[2];
	int r = line_pair(fds);

	if (r < 0)
		return r;
	how.control = fds[1];
	r = door_process_start(&how, &k->pid);
	close(fds[1]);
	if (r < 0) {
		close(fds[0]);
		return r;
	}
	*control = fds[0];
	return 0;
}

static int start_door(struct doorkeeper *k, char why[DOORKEEPER_WHY_MAX])
{
	struct wire_hello hello;
	int keys FD_AUTO = -1, control, r;

	*why = '\0';
	r = k->options.keys ? k->options.keys(k->options.keys_arg, &keys, why) : 0;
	if (r < 0)
		return r;
	r = spawn(k, keys, &control);
	if (r < 0)
		return r;
	k->started = loop_now(k->options.loop);
	k->state = DOOR_STARTING;
	line_init(&k->line, control, k->options.line, WIRE_BROKER);
	memcpy(hello.build, k->options.build_id, sizeof(hello.build));
	r = loop_child_add(k->options.loop, &k->child, k->pid, on_exit_of_door, k);
	if (!r)
		r = loop_io_add(k->options.loop, &k->io, control, EPOLLIN, on_io, k);
	if (!r)
		r = line_send(&k->line, WIRE_HELLO, &hello, NULL, 0);
	if (r < 0)
		return r;
	send_settings(k);
	loop_timer_set(k->timer, DOOR_READY_US, 0);
	return 0;
}

/* A reason that stays is told at once and then rarely. */
static void tell_why(struct doorkeeper *k, const char *why)
{
	uint64_t now = loop_now(k->options.loop);

	if (k->told_at && now - k->told_at < DOOR_COMPLAIN_US && strcmp(k->told, why) == 0)
		return;
	k->told_at = now;
	snprintf(k->told, sizeof(k->told), "%s", why);
	log_error("cannot start the %s: %s", k->options.name, why);
}

static void start(struct doorkeeper *k)
{
	char why[DOORKEEPER_WHY_MAX];
	int r = start_door(k, why);

	if (r == 0)
		return;
	tell_why(k, *why ? why : strerror(-r));
	if (k->child)
		doorkeeper_kill(k, "is given up");
	else
		retry_later(k, 0);
}

static void on_timer(void *arg)
{
	struct doorkeeper *k = arg;

	switch (k->state) {
	case DOOR_DOWN:
		start(k);
		break;
	case DOOR_STARTING:
		doorkeeper_kill(k, "did not get ready");
		break;
	case DOOR_STOPPING:
		doorkeeper_kill(k, "did not stop");
		break;
	case DOOR_READY:
	case DOOR_STOPPED:
		break;
	}
}

/* --- what the broker asks --- */

void doorkeeper_settings(
	struct doorkeeper *k, const struct wire_settings *settings, const char *banner)
{
	k->settings = *settings;
	snprintf(k->banner, sizeof(k->banner), "%s", banner);
	if (k->state == DOOR_STARTING || k->state == DOOR_READY)
		send_settings(k);
}

void doorkeeper_limits(struct doorkeeper *k, const struct door_limits *limits)
{
	int r;

	k->limits = *limits;
	if (k->pid == 0)
		return;
	r = door_process_limit(k->pid, limits);
	if (r < 0)
		log_warning("the limits of the %s stay until it is started again: %s",
			k->options.name, strerror(-r));
}

int doorkeeper_serves(const struct doorkeeper *k)
{
	return k->state == DOOR_READY;
}

int doorkeeper_give(struct doorkeeper *k, uint64_t id, int socket, int login_line)
{
	struct wire_new new = {.id = id};
	int fds[2] = {socket, login_line};

	if (k->state != DOOR_READY)
		return -ENOTCONN;
	return line_send_fds(&k->line, WIRE_NEW, &new, NULL, 0, fds, 2);
}

int doorkeeper_task(struct doorkeeper *k, int job_line)
{
	if (k->state != DOOR_READY)
		return -ENOTCONN;
	return line_send_fds(&k->line, WIRE_TASK, NULL, NULL, 0, &job_line, 1);
}

int doorkeeper_ping(struct doorkeeper *k, uint64_t number)
{
	struct wire_ping ping = {.number = number};

	if (k->state != DOOR_READY)
		return -ENOTCONN;
	return line_send(&k->line, WIRE_PING, &ping, NULL, 0);
}

pid_t doorkeeper_pid(const struct doorkeeper *k)
{
	return k->pid;
}

static void tell_stopped(void *arg)
{
	struct doorkeeper *k = arg;

	if (k->state == DOOR_STOPPED)
		k->options.stopped(k->options.arg);
}

void doorkeeper_stop(struct doorkeeper *k)
{
	if (k->state == DOOR_STOPPING || k->state == DOOR_STOPPED)
		return;
	if (k->pid == 0) {
		k->state = DOOR_STOPPED;
		loop_timer_stop(k->timer);
		loop_defer(k->options.loop, tell_stopped, k);
		return;
	}
	k->state = DOOR_STOPPING;
	loop_timer_set(k->timer, DOOR_STOP_US, 0);
	if (line_send(&k->line, WIRE_STOP, NULL, NULL, 0) < 0)
		kill(k->pid, SIGKILL);
}

int doorkeeper_create(const struct doorkeeper_options *options, struct doorkeeper **out)
{
	struct doorkeeper *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -ENOMEM;
	k->options = *options;
	k->backoff = DOOR_BACKOFF_MIN_US;
	k->line.fd = -1;
	k->self_fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);
	r = k->self_fd < 0 ? -errno : loop_timer_add(options->loop, &k->timer, on_timer, k);
	if (r < 0) {
		fd_close(&k->self_fd);
		free(k);
		return r;
	}
	loop_timer_set(k->timer, 0, 0); /* the first start, when the settings are there */
	*out = k;
	return 0;
}

void doorkeeper_destroy(struct doorkeeper **out)
{
	struct doorkeeper *k = *out;

	if (!k)
		return;
	*out = NULL;
	loop_child_del(&k->child);
	let_go(k);
	loop_timer_del(&k->timer);
	if (k->pid > 0) {
		kill(k->pid, SIGKILL);
		waitpid(k->pid, NULL, 0);
	}
	fd_close(&k->self_fd);
	free(k);
}
