/*
 * Task: a session channel's life: requests, start, end. Owner: the session.
 * Knows no verb: what a shell or a command means is the broker's business.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/io.h"
#include "core/log.h"
#include "sshd/channel.h"
#include "sshd/files.h"
#include "wire/status.h"

/* --- libssh's callbacks: they note, pass on, and free nothing --- */

static uint16_t clamp(int n)
{
	return n < 0 ? 0 : n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
}

/* 0 accepts, as in all the callbacks for requests. */
static int on_pty(ssh_session ssh, ssh_channel channel, const char *term, int columns, int rows,
	int width, int height, void *arg)
{
	struct channel *c = arg;

	if (!c->owner->may_pty || c->pty || c->state != CHANNEL_FRESH)
		return -1;
	c->term = strdup(term && strlen(term) <= WIRE_TERM_MAX ? term : "");
	if (!c->term)
		return -1;
	c->pty = true;
	c->request.columns = clamp(columns);
	c->request.rows = clamp(rows);
	return 0;
}

static int on_window_change(ssh_session ssh, ssh_channel channel, int columns, int rows, int width,
	int height, void *arg)
{
	struct channel *c = arg;

	if (!c->pty)
		return -1;
	c->request.columns = clamp(columns);
	c->request.rows = clamp(rows);
	c->resized = c->state == CHANNEL_RUNNING;
	return 0;
}

static int on_shell(ssh_session ssh, ssh_channel channel, void *arg)
{
	struct channel *c = arg;

	if (c->state != CHANNEL_FRESH)
		return -1;
	c->state = CHANNEL_STARTING;
	return 0;
}

static int on_exec(ssh_session ssh, ssh_channel channel, const char *command, void *arg)
{
	struct channel *c = arg;

	if (c->state != CHANNEL_FRESH || !command || strlen(command) > WIRE_COMMAND_MAX)
		return -1;
	c->command = strdup(command);
	if (!c->command)
		return -1;
	c->state = CHANNEL_STARTING;
	return 0;
}

/* A guest has no use for the client's environment: the one variable is for the broker. */
#define LEASE_VARIABLE "VMC_LEASE"

static void forget_lease(struct channel *c)
{
	if (c->lease)
		explicit_bzero(c->lease, strlen(c->lease));
	free(c->lease);
	c->lease = NULL;
}

static int on_env(
	ssh_session ssh, ssh_channel channel, const char *name, const char *value, void *arg)
{
	struct channel *c = arg;

	if (!name || strcmp(name, LEASE_VARIABLE) != 0 || !value || !*value ||
		strlen(value) > WIRE_LEASE_MAX || c->state != CHANNEL_FRESH)
		return -1;
	forget_lease(c);
	c->lease = strdup(value);
	return c->lease ? 0 : -1;
}

static int on_subsystem(ssh_session ssh, ssh_channel channel, const char *name, void *arg)
{
	struct channel *c = arg;

	if (name && strcmp(name, "sftp") == 0 && c->state == CHANNEL_FRESH) {
		c->sftp = true;
		c->state = CHANNEL_STARTING;
		return 0;
	}
	log_write(LOG_LEVEL_DEBUG, c->owner->tag, "refused subsystem %s", name ? name : "");
	return -1;
}

static void on_signal(ssh_session ssh, ssh_channel channel, const char *name, void *arg)
{
	struct channel *c = arg;

	/* A signal that finds the line full or the name too long is lost, as one may be. */
	if (c->state != CHANNEL_RUNNING || !name ||
		line_send(&c->line, WIRE_SIGNAL, NULL, name, strlen(name)) < 0)
		log_write(LOG_LEVEL_DEBUG, c->owner->tag, "signal not passed on");
}

static int on_data(
	ssh_session ssh, ssh_channel channel, void *data, uint32_t len, int is_stderr, void *arg)
{
	/* No client has a standard error to send. */
	return is_stderr ? (int)len : (int)channel_input(arg, data, len);
}

static void on_eof(ssh_session ssh, ssh_channel channel, void *arg)
{
	struct channel *c = arg;

	if (c->input_state == CHANNEL_INPUT_FLOWS)
		c->input_state = CHANNEL_INPUT_ENDED;
}

static void on_close(ssh_session ssh, ssh_channel channel, void *arg)
{
	struct channel *c = arg;

	if (c->finding == CHANNEL_GOES_ON)
		c->finding = CHANNEL_GONE;
}

static void set_callbacks(struct channel *c)
{
	c->callbacks.userdata = c;
	c->callbacks.channel_data_function = on_data;
	c->callbacks.channel_eof_function = on_eof;
	c->callbacks.channel_close_function = on_close;
	c->callbacks.channel_signal_function = on_signal;
	c->callbacks.channel_pty_request_function = on_pty;
	c->callbacks.channel_shell_request_function = on_shell;
	c->callbacks.channel_pty_window_change_function = on_window_change;
	c->callbacks.channel_exec_request_function = on_exec;
	c->callbacks.channel_env_request_function = on_env;
	c->callbacks.channel_subsystem_request_function = on_subsystem;
	ssh_callbacks_init(&c->callbacks);
}

struct channel *channel_create(const struct channel_owner *owner)
{
	struct channel *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->owner = owner;
	c->line.fd = -1;
	buf_init(&c->input, INPUT_MAX);
	buf_init(&c->rest, CHANNEL_REST_MAX);
	set_callbacks(c);
	c->ssh = ssh_channel_new(owner->ssh);
	if (!c->ssh || ssh_set_channel_callbacks(c->ssh, &c->callbacks) != SSH_OK) {
		if (c->ssh)
			ssh_channel_free(c->ssh);
		free(c);
		return NULL;
	}
	return c;
}

/* --- the line --- */

static uint32_t channel_wants(const struct channel *c)
{
	uint32_t events = 0;

	if (!channel_has_line(c))
		return 0;
	/* Answers are asked for, so that there is room for them whatever the client takes. */
	if (c->files && c->state == CHANNEL_RUNNING)
		return EPOLLIN | EPOLLRDHUP | (files_wait_for_line(c->files) ? EPOLLOUT : 0);
	if (c->files)
		return EPOLLIN;
	if (c->output_state != CHANNEL_OUTPUT_HELD && !buf_len(&c->rest) && channel_can_take(c))
		events |= EPOLLIN;
	if (c->state == CHANNEL_ENDING)
		return events;
	if (c->full && (channel_input_waits(c) || c->resized || c->break_due ||
			       c->input_state == CHANNEL_INPUT_ENDED))
		events |= EPOLLOUT;
	return events | EPOLLRDHUP;
}

static void channel_watch(struct channel *c)
{
	if (c->io)
		loop_io_set(c->io, channel_wants(c));
}

static void on_line(void *arg, uint32_t revents)
{
	struct channel *c = arg;

	if (revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		channel_line_ends(c);
	if (revents & EPOLLOUT)
		c->full = false;
	if (c->files && revents & EPOLLOUT)
		files_resume(c->files);
	if (c->files) {
		files_take_answers(c->files);
		c->owner->wake(c->owner->arg);
		return;
	}
	if (revents & ~(uint32_t)EPOLLOUT && channel_can_take(c))
		channel_output(c);
	c->owner->wake(c->owner->arg);
}

/* The order clients expect: status, EOF, CLOSE. */
static void finish_exit(struct channel *c)
{
	c->state = CHANNEL_CLOSING;
	c->deadline = 0;
	if (c->finding != CHANNEL_GONE) {
		ssh_channel_request_send_exit_status(c->ssh, c->status);
		ssh_channel_send_eof(c->ssh);
		ssh_channel_close(c->ssh);
	}
}

static int send_request(struct channel *c)
{
	size_t term_len = c->term ? strlen(c->term) : 0;
	int r = 0;

	c->request.pty = c->pty;
	c->request.files_refused = *c->owner->files_refused;
	c->request.term_len = (uint8_t)term_len;
	if (c->files)
		return files_send_request(c->files);
	if (c->lease)
		r = line_send(&c->line, WIRE_LEASE, NULL, c->lease, strlen(c->lease));
	if (r < 0)
		return r;
	if (c->command)
		return line_send2(&c->line, WIRE_EXEC, &c->request, c->term, term_len, c->command,
			strlen(c->command));
	return line_send(&c->line, WIRE_SHELL, &c->request, c->term, term_len);
}

/* What a command means is the broker's business, but for those of file clients. */
static int make_files(struct channel *c)
{
	int r;

	if (!c->sftp && !c->command)
		return 0;
	r = files_create(c, c->sftp ? NULL : c->command, &c->files);
	return r == -ENOENT ? 0 : r;
}

static int open_line(struct channel *c)
{
	int fds[2], r;

	r = make_files(c);
	if (!r)
		r = line_pair(fds);
	if (r)
		return r;
	line_init(&c->line, fds[0], WIRE_CHANNEL, WIRE_DOOR);
	r = send_request(c);
	if (!r)
		r = loop_io_add(c->owner->context->loop, &c->io, c->line.fd, EPOLLIN | EPOLLRDHUP,
			on_line, c);
	/* Last: what the broker has got cannot be taken back. */
	if (!r)
		r = line_send_fds(c->owner->login, WIRE_OPEN, NULL, NULL, 0, &fds[1], 1);
	fd_close(&fds[1]);
	return r;
}

static void fail_start(struct channel *c, int error)
{
	char text[128];
	int n = snprintf(text, sizeof(text), "vmconsoled: %s\r\n",
		error == -EMFILE || error == -ENFILE ? "limit of open files reached"
						     : "the broker does not listen");

	log_write(LOG_LEVEL_WARNING, c->owner->tag, "channel not opened: %s", strerror(-error));
	ssh_channel_write_stderr(c->ssh, text, (uint32_t)n);
	channel_begin_exit(c, error == -EMFILE || error == -ENFILE ? STATUS_BUSY : STATUS_INTERNAL);
}

static void start(struct channel *c)
{
	int r = open_line(c);

	free(c->term);
	free(c->command);
	forget_lease(c);
	c->term = c->command = NULL;
	if (r < 0)
		fail_start(c, r);
	else
		c->state = CHANNEL_RUNNING;
}

static void send_winsize(struct channel *c)
{
	struct wire_winsize size = {c->request.columns, c->request.rows};
	int r = line_send(&c->line, WIRE_WINSIZE, &size, NULL, 0);

	c->full = r == -EAGAIN;
	c->resized = r == -EAGAIN;
}

static void send_break(struct channel *c)
{
	struct wire_break request = {0}; /* its length is not to be learnt from libssh */

	c->full = line_send(&c->line, WIRE_BREAK, &request, NULL, 0) == -EAGAIN;
	c->break_due = c->full;
}

/* --- for the session --- */

int channel_break(struct channel *c)
{
	if (c->state != CHANNEL_RUNNING)
		return -ENOTCONN;
	c->break_due = true;
	return 0;
}

enum channel_finding channel_update(struct channel *c)
{
	if (c->finding == CHANNEL_FLOODED)
		return CHANNEL_FLOODED;
	if (c->state == CHANNEL_STARTING && c->finding == CHANNEL_GOES_ON)
		start(c);
	channel_resume_input(c);
	if (c->files)
		files_pump(c->files);
	if (c->state == CHANNEL_RUNNING && c->resized && !c->full)
		send_winsize(c);
	if (c->state == CHANNEL_RUNNING && c->break_due && !c->full)
		send_break(c);
	if (buf_len(&c->rest))
		channel_output(c);
	if (c->state == CHANNEL_EXITING && !buf_len(&c->rest))
		finish_exit(c);
	channel_watch(c);
	return c->finding;
}

void channel_say_goodbye(struct channel *c, int status)
{
	/* A line still open gets its time: the broker's last words may be under way. */
	if (c->state < CHANNEL_RUNNING)
		channel_begin_exit(c, status);
	else if (channel_has_line(c))
		c->status = status;
}

bool channel_flushed(const struct channel *c)
{
	return c->state == CHANNEL_CLOSING;
}

uint64_t channel_deadline(const struct channel *c)
{
	return c->deadline ? c->deadline : UINT64_MAX;
}

/* Whether the client has taken anything since the last look. */
static bool progress(struct channel *c)
{
	bool sent = ssh_get_status(c->owner->ssh) & SSH_WRITE_PENDING &&
		    c->owner->bytes->out_bytes != c->seen_sent;
	bool any = sent || c->written != c->seen_written;

	c->seen_sent = c->owner->bytes->out_bytes;
	c->seen_written = c->written;
	return any;
}

void channel_overdue(struct channel *c)
{
	uint64_t now = loop_now(c->owner->context->loop);

	if (!c->deadline || now < c->deadline)
		return;
	if (c->state == CHANNEL_ORPHANED) {
		c->deadline = 0;
		channel_begin_exit(c, STATUS_INTERNAL);
		return;
	}
	if (progress(c)) {
		c->deadline = now + PATIENCE_US;
		return;
	}
	log_write(LOG_LEVEL_INFO, c->owner->tag, "the client does not take the end of its output");
	channel_drop_output(c);
	channel_begin_exit(c, STATUS_INTERNAL);
}

void channel_destroy(struct channel *c, bool connected)
{
	channel_unhold(c);
	files_destroy(&c->files);
	loop_io_del(&c->io);
	line_finish(&c->line);
	ssh_remove_channel_callbacks(c->ssh, &c->callbacks);
	if (connected) {
		ssh_channel_close(c->ssh);
		ssh_channel_free(c->ssh);
	}
	free(c->term);
	free(c->command);
	forget_lease(c);
	buf_finish(&c->input);
	buf_finish(&c->rest);
	loop_defer(c->owner->context->loop, free, c);
}
