/*
 * Task: a channel line's input, output and end. Owner: the login.
 * Knows no verb and no console: policies hang on it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity.h"
#include "broker/channel.h"
#include "broker/login.h"
#include "broker/verbs.h"
#include "core/buf.h"
#include "core/escape.h"
#include "core/log.h"
#include "wire/line.h"

#define INPUT_ROUNDS 8 /* messages read in one turn */

struct channel {
	LIST_ENTRY(channel) entry;
	struct login *login;
	struct line line;
	struct loop_io *io;
	struct loop_timer *timer; /* runs until something is asked, and at the end */
	char tag[32];
	const struct channel_ops *ops;
	void *policy;
	struct buf out, err, held;
	struct channel_window window;
	int pty;
	int begun;   /* channel_begin has been called */
	int blocked; /* channel_send was refused: writable() is owed */
	int input_ended, end_told;
	int exiting, exit_sent, closed;
	struct wire_exit exit;
	char *reason;
	struct audit_trail trail;
};

static void update_events(struct channel *c);
static void flush(struct channel *c);

/* --- output --- */

static int send_queue(struct channel *c, struct buf *b, enum wire_type type)
{
	while (buf_len(b) > 0) {
		size_t len = buf_len(b) < WIRE_PAYLOAD_MAX ? buf_len(b) : WIRE_PAYLOAD_MAX;
		int r = line_send(&c->line, type, NULL, buf_data(b), len);

		if (r < 0)
			return r;
		buf_drop(b, len);
	}
	return 0;
}

/* 0 when nothing is queued any more, -EAGAIN, or the line is dead. */
static int send_queued(struct channel *c)
{
	int r = send_queue(c, &c->err, WIRE_ERR);

	if (r == 0)
		r = send_queue(c, &c->out, WIRE_OUT);
	return r;
}

static void say_exit(struct channel *c)
{
	const char *reason = c->reason ? c->reason : "";
	int r;

	if (c->exit_sent)
		return;
	r = line_send(&c->line, WIRE_EXIT, &c->exit, reason, strnlen(reason, WIRE_REASON_MAX));
	if (r == -EAGAIN)
		return;
	if (r < 0) {
		channel_close(c);
		return;
	}
	c->exit_sent = 1;
	loop_timer_set(c->timer, CHANNEL_LINGER_US, LOOP_SECOND);
}

static void flush(struct channel *c)
{
	int r = send_queued(c);

	if (r < 0 && r != -EAGAIN) {
		channel_close(c);
		return;
	}
	if (r == 0 && c->exiting)
		say_exit(c);
	if (!c->closed)
		update_events(c);
}

static void put_text(struct channel *c, struct buf *b, const char *text, size_t len)
{
	const char *newline;

	if (c->closed)
		return;
	c->trail.bytes_out += len;
	while (c->pty && (newline = memchr(text, '\n', len))) {
		size_t part = (size_t)(newline - text);

		if (buf_add(b, text, part) < 0 || buf_add(b, "\r\n", 2) < 0)
			return;
		text += part + 1;
		len -= part + 1;
	}
	if (buf_add(b, text, len) < 0)
		log_write(LOG_LEVEL_WARNING, c->tag, "too much text for one answer: cut");
}

__attribute__((format(printf, 3, 0))) static void vprint(
	struct channel *c, struct buf *b, const char *format, va_list args)
{
	char text[4096];
	int n = vsnprintf(text, sizeof(text), format, args);

	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	if (n > 0)
		put_text(c, b, text, (size_t)n);
}

void channel_print(struct channel *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprint(c, &c->out, format, args);
	va_end(args);
	flush(c);
}

/* Foreign names may stand in it: the whole line is escaped. */
void channel_complain(struct channel *c, const char *format, ...)
{
	char raw[1024], text[ESCAPE_ROOM(sizeof(raw))];
	struct buf *b = c->pty ? &c->out : &c->err;
	va_list args;
	size_t len;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	len = escape_text(raw, strlen(raw), text, sizeof(text));
	put_text(c, b, "vmconsoled: ", 12);
	put_text(c, b, text, len);
	put_text(c, b, "\n", 1);
	flush(c);
}

int channel_put(struct channel *c, const void *data, size_t len)
{
	int r = c->closed ? -EPIPE : buf_add(&c->out, data, len);

	c->trail.bytes_out += r == 0 ? len : 0;
	if (r == 0)
		flush(c);
	return r;
}

size_t channel_send(struct channel *c, const void *data, size_t len)
{
	int r;

	if (c->closed || c->exiting)
		return 0;
	r = send_queued(c);
	if (r == 0)
		r = line_send(&c->line, WIRE_OUT, NULL, data, len);
	if (r == 0) {
		c->trail.bytes_out += len;
		return len;
	}
	c->blocked = 1;
	update_events(c);
	return 0;
}

void channel_begin(struct channel *c, uint64_t offset)
{
	struct wire_begin begin = {.offset = offset};

	/* Nothing has gone out yet, so there is room; a dead line is noticed by reading it. */
	if (login_kind(c->login) == LOGIN_HTTPS && !c->begun) {
		c->begun = 1;
		(void)!line_send(&c->line, WIRE_BEGIN, &begin, NULL, 0);
	}
}

int channel_ready(struct channel *c)
{
	if (c->closed || c->exiting)
		return 0;
	if (send_queued(c) == 0)
		return 1;
	c->blocked = 1;
	update_events(c);
	return 0;
}

/* --- input --- */

/* Offers bytes to the policy; holds what it does not take. */
static void offer(struct channel *c, const uint8_t *data, size_t len)
{
	size_t taken = len;

	if (c->ops && c->ops->input && !c->exiting)
		taken = c->ops->input(c->policy, data, len);
	if (c->closed || c->exiting || taken >= len)
		return;
	if (buf_add(&c->held, data + taken, len - taken) < 0)
		channel_exit(c, STATUS_INTERNAL, "out of memory");
}

static void tell_input_end(struct channel *c)
{
	if (!c->input_ended || c->end_told || buf_len(&c->held) > 0 || c->exiting)
		return;
	c->end_told = 1;
	if (c->ops && c->ops->input_end)
		c->ops->input_end(c->policy);
}

void channel_resume(struct channel *c)
{
	size_t len = buf_len(&c->held);
	struct buf old;

	if (c->closed || c->exiting || len == 0)
		return;
	/* The policy may come back here; what it sees is no longer ours then. */
	old = c->held;
	buf_init(&c->held, WIRE_PAYLOAD_MAX);
	offer(c, buf_data(&old), len);
	buf_finish(&old);
	tell_input_end(c);
	if (!c->closed)
		update_events(c);
}

void channel_rights_changed(struct channel *c)
{
	if (!c->closed && !c->exiting && c->ops && c->ops->rights_changed)
		c->ops->rights_changed(c->policy);
}

static void on_request(struct channel *c, const struct line_message *m)
{
	struct wire_request request;
	const char *command = NULL;
	size_t len = 0;

	loop_timer_stop(c->timer);
	memcpy(&request, m->fixed, sizeof(request));
	/* The door does not give one; this is for a broken one. */
	if (request.pty && !login_identity(c->login)->pty_allowed) {
		channel_exit(c, STATUS_DENIED, "this login gets no terminal");
		return;
	}
	c->pty = request.pty;
	c->window.columns = request.columns;
	c->window.rows = request.rows;
	if (m->type == WIRE_EXEC) {
		command = (const char *)m->payload + request.term_len;
		len = m->payload_len - request.term_len;
	}
	verbs_dispatch(c, command, len);
}

static void on_winsize(struct channel *c, const struct line_message *m)
{
	struct wire_winsize size;

	memcpy(&size, m->fixed, sizeof(size));
	c->window.columns = size.columns;
	c->window.rows = size.rows;
	if (c->ops && c->ops->winsize && !c->exiting)
		c->ops->winsize(c->policy);
}

static void on_break(struct channel *c, const struct line_message *m)
{
	struct wire_break request;

	memcpy(&request, m->fixed, sizeof(request));
	if (c->ops && c->ops->line_break && !c->exiting)
		c->ops->line_break(c->policy, request.ms);
}

static void on_message(struct channel *c, const struct line_message *m)
{
	switch (m->type) {
	case WIRE_SHELL:
	case WIRE_EXEC:
		on_request(c, m);
		break;
	case WIRE_DATA:
		c->trail.bytes_in += m->payload_len;
		offer(c, m->payload, m->payload_len);
		break;
	case WIRE_EOF:
		c->input_ended = 1;
		tell_input_end(c);
		break;
	case WIRE_WINSIZE:
		on_winsize(c, m);
		break;
	case WIRE_BREAK:
		on_break(c, m);
		break;
	case WIRE_SIGNAL:
		/* RFC 4254 §6.9: what a shell would die of, ends the session. */
		if (!c->exiting)
			channel_exit(c, STATUS_OK, "ended by signal %.*s", (int)m->payload_len,
				(const char *)m->payload);
		break;
	default: /* the table lets no other type through */
		break;
	}
}

static void read_line(struct channel *c)
{
	struct line_message m;
	int i, r;

	for (i = 0; i < INPUT_ROUNDS && !c->closed && buf_len(&c->held) == 0; i++) {
		r = line_receive(&c->line, &m);
		if (r == -EAGAIN)
			return;
		if (r == -EPROTO && c->exit_sent)
			continue; /* said before our EXIT was heard */
		if (r <= 0) {
			if (r < 0)
				log_write(LOG_LEVEL_WARNING, c->tag, "channel line: %s",
					strerror(-r));
			channel_close(c);
			return;
		}
		on_message(c, &m);
		line_message_finish(&m);
	}
}

/* --- events --- */

static void update_events(struct channel *c)
{
	uint32_t events = 0;

	if (buf_len(&c->held) == 0 || c->exiting)
		events |= EPOLLIN;
	else
		events |= EPOLLRDHUP;
	if (buf_len(&c->out) || buf_len(&c->err) || c->blocked || (c->exiting && !c->exit_sent))
		events |= EPOLLOUT;
	loop_io_set(c->io, events);
}

static void on_io(void *arg, uint32_t revents)
{
	struct channel *c = arg;

	if (revents & EPOLLIN)
		read_line(c);
	else if (revents & (EPOLLHUP | EPOLLRDHUP | EPOLLERR))
		channel_close(c);
	if (c->closed)
		return;
	if (revents & EPOLLOUT) {
		int owed = c->blocked;

		c->blocked = 0;
		flush(c);
		if (owed && !c->closed && !c->exiting && c->ops && c->ops->writable)
			c->ops->writable(c->policy);
	}
	if (!c->closed)
		update_events(c);
}

static void on_timer(void *arg)
{
	channel_close(arg);
}

/* --- life --- */

int channel_accept(struct login *login, int fd, unsigned number, struct channel **out)
{
	struct loop *loop = login_loop(login);
	struct channel *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->login = login;
	line_init(&c->line, fd, WIRE_CHANNEL, WIRE_BROKER);
	buf_init(&c->out, CHANNEL_TEXT_MAX);
	buf_init(&c->err, CHANNEL_TEXT_MAX);
	buf_init(&c->held, WIRE_PAYLOAD_MAX);
	snprintf(c->tag, sizeof(c->tag), "%s.%u", login_tag(login), number);
	r = loop_timer_add(loop, &c->timer, on_timer, c);
	if (!r)
		r = loop_io_add(loop, &c->io, fd, EPOLLIN, on_io, c);
	if (r < 0) {
		loop_timer_del(&c->timer);
		free(c); /* the descriptor stays the caller's */
		return r;
	}
	loop_timer_set(c->timer, CHANNEL_ASK_US, LOOP_SECOND);
	*out = c;
	return 0;
}

static void free_channel(void *arg)
{
	struct channel *c = arg;

	buf_finish(&c->out);
	buf_finish(&c->err);
	buf_finish(&c->held);
	free(c->reason);
	audit_trail_finish(&c->trail);
	free(c);
}

static void end_policy(struct channel *c)
{
	const struct channel_ops *ops = c->ops;

	c->ops = NULL;
	if (ops && ops->end)
		ops->end(c->policy);
	c->policy = NULL;
}

void channel_close(struct channel *c)
{
	if (c->closed)
		return;
	audit_trail_end(c, STATUS_OK, "the client left");
	c->closed = 1;
	end_policy(c);
	loop_io_del(&c->io);
	loop_timer_del(&c->timer);
	line_finish(&c->line);
	LIST_REMOVE(c, entry);
	loop_defer(login_loop(c->login), free_channel, c);
	login_channel_closed(c->login);
}

void channel_exit(struct channel *c, enum status status, const char *format, ...)
{
	va_list args;

	if (c->closed || c->exiting)
		return;
	c->exit.status = status;
	if (format) {
		va_start(args, format);
		if (vasprintf(&c->reason, format, args) < 0)
			c->reason = NULL;
		va_end(args);
	}
	audit_trail_end(c, status, c->reason);
	end_policy(c);
	if (c->reason)
		channel_complain(c, "%s", c->reason);
	if (c->closed)
		return;
	c->exiting = 1;
	buf_finish(&c->held);
	log_write(LOG_LEVEL_INFO, c->tag, "ended with %d%s%s", (int)status, c->reason ? ": " : "",
		c->reason ? c->reason : "");
	loop_timer_set(c->timer, CHANNEL_FLUSH_US, 0);
	flush(c);
}

int channel_is_exiting(const struct channel *c)
{
	return c->exiting || c->closed;
}

void channel_set_policy(struct channel *c, const struct channel_ops *ops, void *policy)
{
	c->ops = ops;
	c->policy = policy;
}

int channel_has_policy(const struct channel *c)
{
	return c->ops != NULL;
}

struct login *channel_login(const struct channel *c)
{
	return c->login;
}

struct audit_trail *channel_trail(struct channel *c)
{
	return &c->trail;
}

const char *channel_tag(const struct channel *c)
{
	return c->tag;
}

int channel_has_pty(const struct channel *c)
{
	return c->pty;
}

struct channel_window channel_window(const struct channel *c)
{
	return c->window;
}

struct channel *channel_next(const struct channel *c)
{
	return LIST_NEXT(c, entry);
}

void channel_link(struct channel *c, struct channel_list *list)
{
	LIST_INSERT_HEAD(list, c, entry);
}
