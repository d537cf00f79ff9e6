/* Task: see connection.h: TLS, the login line, turns. Owner: the door. Knows no verb and no rule.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/io.h"
#include "core/log.h"
#include "http/exchange/answer.h"
#include "http/connection_private.h"
#include "http/exchange/verb_body.h"

#define ROUNDS 16 /* of reading and answering in one turn */

/* --- the end --- */

/* Bytes that are unread at a close, or come behind it, are answered with a reset, which may take
 * the answer along (RFC 9112 §9.6). */
static void linger(struct connection *c)
{
	if (c->input_ended || shutdown(c->fd, SHUT_WR) < 0) {
		connection_close(c, "answered");
		return;
	}
	c->state = CONNECTION_LINGERING;
	loop_io_del(&c->login_io);
	loop_timer_set(c->timer, CONNECTION_LINGER_US, LOOP_SECOND);
	loop_io_set(c->io, EPOLLIN);
}

static void drop_input(struct connection *c)
{
	char unread[4096];
	ssize_t n = 1;
	int i;

	for (i = 0; i < ROUNDS && n > 0; i++)
		n = read(c->fd, unread, sizeof(unread));
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		connection_close(c, "answered");
}

/* --- TLS --- */

/* TLS begins with another byte than any letter. */
static bool speaks_plainly(const struct connection *c)
{
	unsigned char first = 0;

	return recv(c->fd, &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1 && first >= 'A' && first <= 'Z';
}

static void answer_plainly(struct connection *c)
{
	static const struct answer_words a = {
		.status = 400, .text = "this port speaks TLS: ask it with https://"};

	log_write(LOG_LEVEL_DEBUG, c->tag, "plain HTTP");
	if (answer_text(&c->out, &a) == 0 && write(c->fd, buf_data(&c->out), buf_len(&c->out)) > 0)
		linger(c);
	else
		connection_close(c, "plain HTTP");
}

static void do_handshake(struct connection *c)
{
	if (!c->begun_tls && speaks_plainly(c)) {
		answer_plainly(c);
		return;
	}
	c->begun_tls = true;
	switch (tls_handshake(c->client.tls)) {
	case TLS_DONE:
		c->state = CONNECTION_HEAD;
		loop_timer_set(c->timer, CONNECTION_HEAD_US, LOOP_SECOND);
		break;
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		connection_close(c, "handshake failed");
		break;
	}
}

/* The client has closed its side; what it sent before comes first. more: that has more for us. */
static void heed_client_end(struct connection *c, bool more)
{
	switch (c->state) {
	case CONNECTION_HEAD:
		if (!more)
			connection_flush(c);
		break;
	case CONNECTION_COLLECTING:
		if (!more)
			connection_close(c, "the client left");
		break;
	case CONNECTION_ANSWERING:
		if (!connection_answers_on(c))
			connection_close(c, "the client left");
		break;
	case CONNECTION_HANDSHAKE:
	case CONNECTION_ASKING:
	case CONNECTION_DELIVERING:
	case CONNECTION_FLUSHING:
	case CONNECTION_LINGERING:
	case CONNECTION_DEAD:
		break;
	}
}

/* What the client says behind an answer waits for the end of that. */
static bool reads(const struct connection *c)
{
	return !c->input_ended && c->state < CONNECTION_DELIVERING;
}

/* An answer is under way to the client. */
static bool gives(const struct connection *c)
{
	return c->state == CONNECTION_ANSWERING || c->state == CONNECTION_DELIVERING;
}

/* True: there may be more than there was room for: what is there must go first. */
static bool read_client(struct connection *c)
{
	if (!reads(c))
		return false;
	switch (client_read(&c->client, &c->in)) {
	case TLS_DONE:
		return true;
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
		c->input_ended = true;
		break;
	case TLS_FAILED:
		connection_close(c, "the connection broke");
		break;
	}
	return false;
}

/* True: there is room again, for what was not read while there was none. */
static bool write_client(struct connection *c)
{
	size_t before = buf_len(&c->out);

	if (before == 0)
		return false;
	switch (client_write(&c->client, &c->out)) {
	case TLS_DONE:
	case TLS_WAIT:
		break;
	case TLS_CLOSED:
	case TLS_FAILED:
		connection_close(c, "the connection broke");
		return false;
	}
	if (!gives(c) || buf_len(&c->out) == before)
		return false;
	loop_timer_set(c->timer, CONNECTION_STALL_US, LOOP_SECOND);
	return true;
}

static uint32_t wanted(const struct connection *c)
{
	uint32_t events = client_events(&c->client) & EPOLLOUT;

	if (c->state == CONNECTION_HANDSHAKE)
		return client_events(&c->client);
	if (reads(c) && buf_room(&c->in) > 0)
		events |= EPOLLIN;
	return events;
}

/* --- turns --- */

static void finish_round(struct connection *c)
{
	if (c->state == CONNECTION_FLUSHING && buf_len(&c->out) == 0) {
		/* The end of TLS is the end of a body that has no other (RFC 9112 §9.8). */
		if (!c->cut)
			client_end(&c->client);
		linger(c);
	} else if (gives(c) && buf_len(&c->out) == 0) {
		/* Nothing waits for the client: a silent console is no stalled client. */
		loop_timer_stop(c->timer);
	} else if (gives(c) && !loop_timer_armed(c->timer)) {
		loop_timer_set(c->timer, CONNECTION_STALL_US, LOOP_SECOND);
	}
}

static void pump(struct connection *c)
{
	bool more = true, unread = true;
	int i;

	if (c->state == CONNECTION_HANDSHAKE)
		do_handshake(c);
	if (c->state == CONNECTION_LINGERING) {
		drop_input(c);
		return;
	}
	for (i = 0; i < ROUNDS && more && c->state > CONNECTION_HANDSHAKE; i++) {
		/* While it gets an answer a client is mostly silent; behind one it asks again. */
		if (c->state != CONNECTION_DEAD && (unread || !gives(c)))
			unread = read_client(c);
		more = c->state != CONNECTION_DEAD && connection_go_on(c);
		if (c->state != CONNECTION_DEAD)
			more |= write_client(c);
		if (c->state == CONNECTION_DEAD)
			return;
	}
	if (c->input_ended)
		heed_client_end(c, more);
	if (c->state == CONNECTION_DEAD)
		return;
	finish_round(c);
	if (c->state == CONNECTION_LINGERING || c->state == CONNECTION_DEAD)
		return;
	loop_io_set(c->io, wanted(c));
	if (more && c->state > CONNECTION_HANDSHAKE)
		loop_io_set(c->io, wanted(c) | EPOLLOUT); /* another turn */
}

static void on_io(void *arg, uint32_t revents)
{
	struct connection *c = arg;

	/* It takes no answer either; and of this we are told again and again. */
	if (c->input_ended && revents & (EPOLLHUP | EPOLLERR))
		connection_close(c, "the client left");
	else
		pump(c);
}

static void on_wake(void *arg)
{
	pump(arg);
}

/* --- the login line --- */

static void on_login(void *arg, uint32_t revents)
{
	struct connection *c = arg;
	struct line_message m;
	int r = line_receive(&c->login, &m);

	if (r == -EAGAIN)
		return;
	if (r != 1) {
		connection_close(c, "the broker has ended it");
		return;
	}
	if (m.type == WIRE_VERDICT && connection_take_verdict(c, &m))
		connection_begin(c);
	else if (m.type == WIRE_BYE)
		connection_say_goodbye(c);
	line_message_finish(&m);
	if (c->state != CONNECTION_DEAD)
		pump(c);
}

/* --- life --- */

static void on_timer(void *arg)
{
	struct connection *c = arg;

	if (c->state == CONNECTION_COLLECTING) {
		connection_answer(c, 408, NULL, "the body took too long");
		pump(c);
	} else if (c->state == CONNECTION_HEAD && buf_len(&c->in) > 0) {
		connection_refuse_head(c, 408, "the request took too long");
		pump(c);
	} else {
		connection_close(c, "too slow");
	}
}

void connection_say_goodbye(struct connection *c)
{
	switch (c->state) {
	case CONNECTION_HANDSHAKE:
	case CONNECTION_HEAD:
	case CONNECTION_ASKING:
	case CONNECTION_COLLECTING:
		if (buf_len(&c->out) == 0) {
			client_end(&c->client);
			connection_close(c, "nothing is under way");
		} else {
			connection_flush(c);
			pump(c);
		}
		break;
	case CONNECTION_ANSWERING:
	case CONNECTION_DELIVERING:
		/* The broker ends the exchange; its last words go out. */
		c->request.keep_alive = false;
		loop_timer_set(c->timer, CONNECTION_FLUSH_US, LOOP_SECOND);
		break;
	case CONNECTION_LINGERING:
		loop_timer_set(c->timer, LOOP_SECOND, LOOP_SECOND);
		break;
	case CONNECTION_FLUSHING:
	case CONNECTION_DEAD:
		break;
	}
}

struct connection *connection_next(struct connection *c)
{
	return TAILQ_NEXT(c, entry);
}

int connection_create(
	struct http_context *context, const struct wire_new *head, int socket_fd, int login_fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		close(socket_fd);
		close(login_fd);
		return -ENOMEM;
	}
	c->context = context;
	c->wake = on_wake;
	c->fd = socket_fd;
	c->begun = loop_now(context->loop);
	c->state = head->is_plain ? CONNECTION_HEAD : CONNECTION_HANDSHAKE;
	line_init(&c->login, login_fd, WIRE_HTTPS, WIRE_DOOR);
	buf_init_secret(&c->in, CONNECTION_IN_MAX);
	buf_init_secret(&c->out, CONNECTION_OUT_MAX);
	buf_init_secret(&c->body, VERB_BODY_MAX);
	snprintf(c->tag, sizeof(c->tag), "c%llu", (unsigned long long)head->id);
	TAILQ_INSERT_TAIL(&context->connections, c, entry);
	r = fd_nonblock(socket_fd);
	if (!r)
		r = head->is_plain || context->tls ? 0 : -ENOKEY;
	if (!r)
		r = client_init(&c->client, socket_fd, head->is_plain ? NULL : context->tls);
	if (!r)
		r = loop_timer_add(context->loop, &c->timer, on_timer, c);
	if (!r)
		r = loop_io_add(context->loop, &c->io, socket_fd, EPOLLIN, on_io, c);
	if (!r)
		r = loop_io_add(context->loop, &c->login_io, login_fd, EPOLLIN, on_login, c);
	if (r < 0) {
		connection_close(c, strerror(-r));
		return r;
	}
	loop_timer_set(c->timer, CONNECTION_HEAD_US, LOOP_SECOND);
	return 0;
}
