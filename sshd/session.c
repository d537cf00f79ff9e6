/*
 * Task: one connection's life: pump, login line, channels, end. Owner: the door.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "core/log.h"
#include "sshd/bind.h"
#include "sshd/session.h"
#include "wire/status.h"

#define WINDOW_IGNORED "the client ignores the window"

static bool connected(const struct session *s)
{
	return ssh_is_connected(s->ssh) &&
	       !(ssh_get_status(s->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR));
}

/* --- end --- */

static void remove_channel(struct session *s, struct channel *c, bool alive)
{
	TAILQ_REMOVE(&s->channels, c, entry);
	s->channel_count--;
	s->idle_since = loop_now(s->context->loop);
	channel_destroy(c, alive);
}

static void free_ssh(struct session *s, const char *reason)
{
	bool alive = connected(s);

	auth_finish(&s->auth);
	if (s->event) {
		ssh_event_remove_session(s->event, s->ssh);
		ssh_event_free(s->event);
	}
	if (alive) {
#if LIBSSH_VERSION_INT >= SSH_VERSION_INT(0, 10, 0)
		ssh_session_set_disconnect_message(s->ssh, reason);
#endif
		/* Else a packet written since the last poll would keep this one in libssh. */
		ssh_set_fd_towrite(s->ssh);
		ssh_disconnect(s->ssh); /* frees the channels libssh still has */
	}
	ssh_free(s->ssh);
}

void session_close(struct session *s, const char *reason)
{
	struct channel *c;

	if (s->state == SESSION_DEAD)
		return;
	log_write(s->state == SESSION_LOGIN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, s->tag,
		"connection ended: %s", reason);
	s->state = SESSION_DEAD;
	TAILQ_REMOVE(s->list, s, entry);
	while ((c = TAILQ_FIRST(&s->channels)))
		remove_channel(s, c, false);
	loop_io_del(&s->io);
	loop_io_del(&s->login_io);
	loop_timer_del(&s->timer);
	gate_leave(&s->context->gate, &s->gate);
	free_ssh(s, reason);
	fd_close(&s->fd);
	line_finish(&s->login);
	s->context->closed(s->context);
	loop_defer(s->context->loop, free, s);
}

void session_say_goodbye(struct session *s, int status, const char *reason)
{
	struct channel *c;

	if (s->state == SESSION_LOGIN) {
		session_close(s, reason);
		return;
	}
	if (s->state != SESSION_OPEN)
		return;
	s->state = SESSION_CLOSING;
	s->closing_at = loop_now(s->context->loop) + FLUSH_US;
	s->bye_status = status;
	snprintf(s->bye_reason, sizeof(s->bye_reason), "%s", reason);
	TAILQ_FOREACH (c, &s->channels, entry)
		channel_say_goodbye(c, status);
	session_update(s);
}

/* --- what libssh reports once somebody is known --- */

static ssh_channel on_open(ssh_session ssh, void *arg)
{
	struct session *s = arg;
	struct channel *c;

	if (s->state != SESSION_OPEN || s->channel_count >= s->context->settings.max_channels)
		return NULL;
	c = channel_create(&s->owner);
	if (!c)
		return NULL;
	TAILQ_INSERT_TAIL(&s->channels, c, entry);
	s->channel_count++;
	return c->ssh;
}

static struct channel *find_channel(const struct session *s, ssh_channel ssh)
{
	struct channel *c;

	TAILQ_FOREACH (c, &s->channels, entry) {
		if (c->ssh == ssh)
			return c;
	}
	return NULL;
}

/* 0 when it was a break. */
static int on_break(struct session *s, ssh_message message)
{
	struct channel *c;

	if (!hearing_take_break(&s->context->hearing) ||
		ssh_message_type(message) != SSH_REQUEST_CHANNEL ||
		ssh_message_subtype(message) != SSH_CHANNEL_REQUEST_UNKNOWN)
		return -1;
	c = find_channel(s, ssh_message_channel_request_channel(message));
	if (!c || channel_break(c) < 0)
		return -1;
	ssh_message_channel_request_reply_success(message);
	return 0;
}

/* Forwarding, X11, agents, whatever else: 1 lets libssh refuse as the protocol wants it. */
static int on_message(ssh_session ssh, ssh_message message, void *arg)
{
	struct session *s = arg;

	if (on_break(s, message) == 0)
		return 0;
	log_write(LOG_LEVEL_DEBUG, s->tag, "refused a request of type %d.%d",
		ssh_message_type(message), ssh_message_subtype(message));
	return 1;
}

static void become_open(struct session *s)
{
	s->callbacks.userdata = s;
	s->callbacks.channel_open_request_session_function = on_open;
	ssh_callbacks_init(&s->callbacks);
	ssh_set_server_callbacks(s->ssh, &s->callbacks);
	ssh_set_message_callback(s->ssh, on_message, s);
	s->owner.may_pty = s->auth.may_pty;
	s->state = SESSION_OPEN;
	auth_succeed(&s->auth);
	session_timers_opened(s);
}

/* --- settling --- */

/* Acts on what authentication came to. False when the session is dead. */
static bool follow_auth(struct session *s, enum auth_step step)
{
	s->asking = step == AUTH_ASKING;
	switch (step) {
	case AUTH_GOING_ON:
	case AUTH_ASKING:
		return true;
	case AUTH_ACCEPTED:
		become_open(s);
		return true;
	case AUTH_OVER:
		session_close(s, s->auth.reason);
		return false;
	}
	return true;
}

/* False when one of them has broken the rules. */
static bool update_channels(struct session *s)
{
	struct channel *c, *next;

	for (c = TAILQ_FIRST(&s->channels); c; c = next) {
		enum channel_finding finding = channel_update(c);

		next = TAILQ_NEXT(c, entry);
		if (finding == CHANNEL_FLOODED)
			return false;
		if (finding == CHANNEL_GONE && connected(s))
			remove_channel(s, c, true);
	}
	return true;
}

static bool all_said(const struct session *s)
{
	const struct channel *c;

	TAILQ_FOREACH (c, &s->channels, entry) {
		if (!channel_flushed(c))
			return false;
	}
	/* A client that has answered every CLOSE has read everything before it. */
	return s->channel_count == 0 && !(ssh_get_status(s->ssh) & SSH_WRITE_PENDING);
}

static bool write_pending(const struct session *s)
{
	return ssh_get_status(s->ssh) & SSH_WRITE_PENDING;
}

/* libssh queues its answers without a bound, and half of the protocol is answered by itself: a
 * request that it does not know, a packet without a meaning. Who takes none asks for no more. */
static bool takes_no_answers(const struct session *s)
{
	return write_pending(s) && s->packets.out_packets - s->answered > SESSION_ANSWERS_MAX;
}

/* Pure: what the descriptor of the connection is to be watched for. */
static uint32_t wanted(const struct session *s)
{
	uint32_t events = write_pending(s) ? EPOLLOUT : 0;

	if (takes_no_answers(s))
		return events;
	return events | (s->asking ? EPOLLRDHUP : EPOLLIN);
}

/* libssh knows why; its words may hold the client's. */
static void close_lost(struct session *s)
{
	char reason[SESSION_REASON_MAX];
	const char *error = ssh_get_error(s->ssh);

	snprintf(reason, sizeof(reason), "connection lost%s%s", error && *error ? ": " : "",
		error ? error : "");
	session_close(s, reason);
}

void session_update(struct session *s)
{
	if (s->state == SESSION_DEAD)
		return;
	if (connected(s) && s->state == SESSION_LOGIN && !s->asking &&
		!follow_auth(s, auth_requests(&s->auth)))
		return;
	if (connected(s) && !update_channels(s)) {
		session_close(s, WINDOW_IGNORED);
		return;
	}
	if (!connected(s)) {
		close_lost(s);
		return;
	}
	if (s->state == SESSION_CLOSING && all_said(s)) {
		session_close(s, s->bye_reason);
		return;
	}
	if (!write_pending(s))
		s->answered = s->packets.out_packets;
	if (!s->gate.waiting)
		loop_io_set(s->io, wanted(s));
	session_timers_set(s);
}

static void on_wake(void *arg)
{
	session_update(arg);
}

/* libssh since 0.11 drops what a client sends beyond its window, says so in these words, and goes
 * on. A guest must not get the rest with a hole in it. */
static bool window_exceeded(const struct session *s)
{
	return ssh_get_error_code(s->ssh) == SSH_FATAL &&
	       strcmp(ssh_get_error(s->ssh), "Window exceeded") == 0;
}

static void pump(void *arg)
{
	struct session *s = arg;

	if (s->state == SESSION_LOGIN) {
		auth_hear(&s->auth);
		ssh_event_dopoll(s->event, 0);
		auth_heard(&s->auth);
	} else {
		hearing_begin(&s->context->hearing, false);
		ssh_event_dopoll(s->event, 0);
		hearing_end();
	}
	if (s->state == SESSION_OPEN && window_exceeded(s))
		session_close(s, WINDOW_IGNORED);
	else
		session_update(s);
}

static void on_socket(void *arg, uint32_t revents)
{
	struct session *s = arg;

	if (s->asking && revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
		session_close(s, "connection closed by the client");
		return;
	}
	if (s->state == SESSION_LOGIN) {
		if (!gate_enter(&s->context->gate, &s->gate))
			loop_io_set(s->io, 0);
		return;
	}
	pump(s);
}

/* --- the login line --- */

static void take_bye(struct session *s, const struct line_message *message)
{
	struct wire_bye bye;
	char reason[SESSION_REASON_MAX];
	size_t len = message->payload_len < sizeof(reason) - 1 ? message->payload_len
							       : sizeof(reason) - 1;

	memcpy(&bye, message->fixed, sizeof(bye));
	memcpy(reason, message->payload, len);
	reason[len] = '\0';
	session_say_goodbye(s, bye.status, reason);
}

static void on_login(void *arg, uint32_t revents)
{
	struct session *s = arg;
	struct line_message message;
	int r = line_receive(&s->login, &message);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		session_close(s, r == 0 ? "ended by the broker" : "broken login line");
		return;
	}
	if (message.type == WIRE_BYE)
		take_bye(s, &message);
	else if (follow_auth(s, auth_verdict(&s->auth, &message)))
		session_update(s);
}

/* --- beginning --- */

static int attach(struct session *s)
{
	int r = session_timers_init(s);

	if (!r)
		r = loop_io_add(s->context->loop, &s->login_io, s->login.fd, EPOLLIN, on_login, s);
	/* Once only: sends the identification and sets up libssh's own callbacks. */
	if (!r && ssh_handle_key_exchange(s->ssh) == SSH_ERROR)
		r = -ECONNRESET;
	if (r)
		return r;
	s->event = ssh_event_new();
	if (!s->event || ssh_event_add_session(s->event, s->ssh) != SSH_OK)
		return -ENOMEM;
	return loop_io_add(s->context->loop, &s->io, s->fd, EPOLLIN, on_socket, s);
}

static void init(struct session *s, struct context *context, struct session_list *list, uint64_t id,
	int login_fd)
{
	s->context = context;
	s->list = list;
	snprintf(s->tag, sizeof(s->tag), "c%" PRIu64, id);
	line_init(&s->login, login_fd, WIRE_LOGIN, WIRE_DOOR);
	TAILQ_INIT(&s->channels);
	s->gate.fn = pump;
	s->gate.arg = s;
	s->owner = (struct channel_owner){.context = context,
		.ssh = s->ssh,
		.login = &s->login,
		.bytes = &s->bytes,
		.packets = &s->packets,
		.backlog = &s->backlog,
		.tag = s->tag,
		.files_refused = &s->files_refused,
		.wake = on_wake,
		.arg = s};
	ssh_set_counters(s->ssh, &s->bytes, &s->packets);
	auth_init(&s->auth, context, s->ssh, &s->login);
	TAILQ_INSERT_TAIL(list, s, entry);
}

int session_create(struct context *context, struct session_list *list, uint64_t id, int socket_fd,
	int login_fd)
{
	struct session *s = calloc(1, sizeof(*s));
	int r;

	if (!s) {
		close(socket_fd);
		close(login_fd);
		return -ENOMEM;
	}
	s->fd = fcntl(socket_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	s->ssh = bind_accept(context->bind, socket_fd);
	if (!s->ssh || s->fd < 0) {
		ssh_free(s->ssh);
		fd_close(&s->fd);
		close(login_fd);
		free(s);
		return -ENOMEM;
	}
	init(s, context, list, id, login_fd);
	r = attach(s);
	if (r)
		session_close(
			s, r == -ECONNRESET ? "connection closed by the client" : strerror(-r));
	else
		session_update(s);
	return 0;
}
