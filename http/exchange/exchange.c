/* Task: see exchange.h. Owner: the connection. Knows no TLS, no verb and no rule. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text/escape.h"
#include "core/log.h"
#include "http/exchange/answer.h"
#include "http/exchange/broker_line.h"
#include "http/exchange/exchange.h"
#include "http/parse/chunk.h"
#include "wire/status.h"

struct exchange {
	struct exchange_options o;
	enum exchange_state state;
	struct line line;
	struct loop_io *io;
	struct http_chunks chunks;
	uint64_t body_left; /* HTTP_BODY_LENGTH */
	bool body_over;     /* read to its end */
	bool end_told;      /* and the broker knows */
	bool line_full;     /* EPOLLOUT ends it */
	bool head_sent, offset_known;
	bool line_over;
	uint64_t offset;
	bool line_begins; /* of what has gone out */
	struct buf held;  /* of a ROUTE_VERB */
	struct complaint complaint;
};

/* --- the answer's head --- */

static enum answer_framing framing(const struct exchange *e)
{
	return e->o.request->minor == 1 ? ANSWER_CHUNKED : ANSWER_CLOSE;
}

static bool may_stay(const struct exchange *e)
{
	return e->o.request->keep_alive && framing(e) == ANSWER_CHUNKED;
}

/* Its status is that of the whole answer, which is short. */
static bool holds(const struct exchange *e)
{
	return e->o.route->kind == ROUTE_VERB;
}

static int send_head(struct exchange *e)
{
	char fields[64] = "";
	struct answer a = {.status = 200,
		.content_type = e->o.json ? "application/json" : e->o.route->content_type,
		.fields = fields,
		.framing = framing(e),
		.keep_alive = may_stay(e)};

	if (e->offset_known)
		snprintf(fields, sizeof(fields), "X-Console-Offset: %" PRIu64 "\r\n", e->offset);
	e->head_sent = true;
	/* There is no body to wait for, which may be an endless one. */
	if (e->o.request->method == HTTP_METHOD_HEAD)
		e->state = EXCHANGE_ENDED;
	return answer_head(e->o.out, &a);
}

/* --- the body of the answer --- */

static int add_body(struct exchange *e, const unsigned char *data, size_t len)
{
	char head[HTTP_CHUNK_HEAD_ROOM];
	int r = e->head_sent ? 0 : send_head(e);

	if (r || len == 0 || e->o.request->method == HTTP_METHOD_HEAD)
		return r;
	e->line_begins = data[len - 1] == '\n';
	if (framing(e) != ANSWER_CHUNKED)
		return buf_add(e->o.out, data, len);
	r = buf_add(e->o.out, head, http_chunk_head(head, len));
	if (!r)
		r = buf_add(e->o.out, data, len);
	return r ? r : buf_add(e->o.out, "\r\n", 2);
}

/* A guest that has ended, or a viewer that was asked to leave, is the end of an endless stream. */
static bool is_whole(const struct exchange *e, int status)
{
	if (status == STATUS_OK)
		return true;
	return e->o.route->kind == ROUTE_STREAM &&
	       (status == STATUS_SHUTDOWN || status == STATUS_CRASHED || status == STATUS_MOVED);
}

static void refuse(struct exchange *e, int status, const char *text)
{
	const struct answer_words a = {.request = e->o.request,
		.status = answer_status(status),
		.text = text,
		.json = e->o.json,
		.exit_status = status,
		.keep_alive = may_stay(e)};

	e->head_sent = true;
	e->state = answer_text(e->o.out, &a) < 0 ? EXCHANGE_CUT : EXCHANGE_ENDED;
}

/* What the broker said before its reason may be about something else. */
static void refuse_because(struct exchange *e, int status, const unsigned char *reason, size_t len)
{
	char text[WIRE_REASON_MAX + 1];

	snprintf(text, sizeof(text), "%.*s", (int)len, len ? (const char *)reason : "");
	refuse(e, status, *text ? text : complaint_line(&e->complaint));
}

/* The answer of a verb, which has been held back until it was whole. */
static void give_held(struct exchange *e)
{
	const struct answer a = {.status = 200,
		.content_type = e->o.route->content_type,
		.framing = ANSWER_LENGTH,
		.length = buf_len(&e->held),
		.keep_alive = may_stay(e)};
	int r = answer_head(e->o.out, &a);

	if (!r && a.length > 0)
		r = buf_add(e->o.out, buf_data(&e->held), a.length);
	e->head_sent = true;
	e->state = r < 0 ? EXCHANGE_CUT : EXCHANGE_ENDED;
}

/* On a line of its own, whatever the guest has left. */
static int add_notice(struct exchange *e, const unsigned char *reason, size_t len)
{
	static const char mark[] = "\r\nvmconsoled: ";
	char text[sizeof(mark) + ESCAPE_ROOM(WIRE_REASON_MAX) + 2];
	size_t skip = e->line_begins ? 2 : 0, at = sizeof(mark) - 1 - skip;

	if (!e->o.notices || len == 0)
		return 0;
	memcpy(text, mark + skip, at);
	at += escape_text((const char *)reason, len, text + at, ESCAPE_ROOM(WIRE_REASON_MAX));
	text[at++] = '\r';
	text[at++] = '\n';
	return add_body(e, (const unsigned char *)text, at);
}

static void end_with(struct exchange *e, int status, const unsigned char *reason, size_t len)
{
	bool has_chunks = framing(e) == ANSWER_CHUNKED && e->o.request->method != HTTP_METHOD_HEAD;

	e->line_over = true;
	if (!e->head_sent && status != STATUS_OK) {
		refuse_because(e, status, reason, len);
		return;
	}
	if (holds(e)) {
		give_held(e);
		return;
	}
	e->state = EXCHANGE_CUT;
	if (add_body(e, NULL, 0) < 0 || add_notice(e, reason, len) < 0 || !is_whole(e, status))
		return;
	if (!has_chunks || buf_add(e->o.out, HTTP_CHUNK_LAST, strlen(HTTP_CHUNK_LAST)) == 0)
		e->state = EXCHANGE_ENDED;
}

/* --- the line --- */

static void take_message(struct exchange *e, const struct line_message *m)
{
	struct wire_begin begin;
	struct wire_exit last;
	int r = 0;

	switch ((int)m->type) {
	case WIRE_BEGIN:
		memcpy(&begin, m->fixed, sizeof(begin));
		e->offset = begin.offset;
		e->offset_known = true;
		r = add_body(e, NULL, 0);
		break;
	case WIRE_OUT:
		r = holds(e) ? buf_add(&e->held, m->payload, m->payload_len)
			     : add_body(e, m->payload, m->payload_len);
		break;
	case WIRE_ERR:
		complaint_add(&e->complaint, m);
		break;
	case WIRE_EXIT:
		memcpy(&last, m->fixed, sizeof(last));
		end_with(e, last.status, m->payload, m->payload_len);
		break;
	default:
		break;
	}
	if (r == -ENOBUFS && holds(e))
		refuse(e, STATUS_INTERNAL, "the answer is longer than 64 KiB");
	else if (r < 0)
		e->state = EXCHANGE_CUT;
}

static uint32_t wanted(const struct exchange *e)
{
	uint32_t events = e->line_full ? EPOLLOUT : 0;

	if (e->line_over || e->state != EXCHANGE_RUNS)
		return 0;
	return buf_len(e->o.out) < EXCHANGE_OUT_MAX ? events | EPOLLIN : events;
}

void exchange_output(struct exchange *e)
{
	struct line_message m;
	int r = 1;

	while (e->state == EXCHANGE_RUNS && buf_len(e->o.out) < EXCHANGE_OUT_MAX) {
		r = line_receive(&e->line, &m);
		if (r != 1)
			break;
		take_message(e, &m);
		line_message_finish(&m);
	}
	if (r != 1 && r != -EAGAIN && e->state == EXCHANGE_RUNS)
		end_with(e, STATUS_INTERNAL, NULL, 0);
	loop_io_set(e->io, wanted(e));
}

static void on_line(void *arg, uint32_t revents)
{
	struct exchange *e = arg;

	if (revents & EPOLLOUT)
		e->line_full = false;
	e->o.wake(e->o.arg);
}

/* --- the body of the request --- */

/* True: the line took it. */
static bool send_data(struct exchange *e, const uint8_t *data, size_t len)
{
	int r;

	if (!e->o.route->types || e->line_over)
		return true; /* not asked for: read and dropped */
	r = line_send(&e->line, WIRE_DATA, NULL, data, len);
	e->line_full = r == -EAGAIN;
	return r != -EAGAIN; /* a dead line is noticed by reading it */
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static bool take_plain(struct exchange *e, size_t len)
{
	len = smaller(len, WIRE_PAYLOAD_MAX);
	if (len == 0 || !send_data(e, buf_data(e->o.in), len))
		return false;
	buf_drop(e->o.in, len);
	return true;
}

/* A piece that the line does not take is decoded again when it does. */
static int take_chunk(struct exchange *e)
{
	struct http_chunks before = e->chunks;
	const uint8_t *body = NULL;
	size_t body_len, len = smaller(buf_len(e->o.in), WIRE_PAYLOAD_MAX);
	long used = http_chunks_read(&e->chunks, buf_data(e->o.in), len, &body, &body_len);

	if (used < 0)
		return (int)used;
	if (body_len > 0 && !send_data(e, body, body_len)) {
		e->chunks = before;
		return 0;
	}
	buf_drop(e->o.in, (size_t)used);
	e->body_over = http_chunks_done(&e->chunks);
	return used > 0;
}

/* 1: some was taken; 0: no more now; -EBADMSG. */
static int take_body(struct exchange *e)
{
	size_t len = buf_len(e->o.in);

	switch (e->o.request->body) {
	case HTTP_BODY_NONE:
		return 0;
	case HTTP_BODY_LENGTH:
		len = e->body_left < len ? (size_t)e->body_left : len;
		len = smaller(len, WIRE_PAYLOAD_MAX);
		if (!take_plain(e, len))
			return 0;
		e->body_left -= len;
		e->body_over = e->body_left == 0;
		return 1;
	case HTTP_BODY_CHUNKED:
		return len ? take_chunk(e) : 0;
	case HTTP_BODY_CLOSE:
		return take_plain(e, len);
	}
	return 0;
}

static void notify_end(struct exchange *e)
{
	if (e->end_told || e->line_over)
		return;
	e->end_told = line_send(&e->line, WIRE_EOF, NULL, NULL, 0) != -EAGAIN;
	e->line_full = !e->end_told;
}

/* What was typed before it stays typed: the broker has had no word of an end. */
static int refuse_body(struct exchange *e)
{
	const struct answer_words a = {.request = e->o.request,
		.status = 400,
		.text = "malformed body",
		.json = e->o.json};

	if (e->head_sent || answer_text(e->o.out, &a) < 0)
		return -EBADMSG;
	e->head_sent = true;
	e->state = EXCHANGE_ENDED;
	return 0;
}

int exchange_input(struct exchange *e)
{
	int r = 1;

	while (e->state == EXCHANGE_RUNS && !e->body_over && !e->line_full && r > 0)
		r = take_body(e);
	if (r < 0)
		return refuse_body(e);
	if (e->body_over && !e->line_full)
		notify_end(e);
	loop_io_set(e->io, wanted(e));
	return 0;
}

bool exchange_input_ended(struct exchange *e)
{
	if (e->o.request->body != HTTP_BODY_CLOSE)
		return e->body_over && e->o.route->kind == ROUTE_WHOLE;
	if (buf_len(e->o.in) > 0)
		return true; /* as soon as the line takes it */
	e->body_over = true;
	notify_end(e);
	return true;
}

/* --- life --- */

enum exchange_state exchange_state(const struct exchange *e)
{
	return e->state;
}

bool exchange_body_read(const struct exchange *e)
{
	return e->body_over;
}

static int ask(struct exchange *e)
{
	struct wire_request request = {0};
	int r = broker_line_open(e->o.login, &e->line);

	if (!r)
		r = line_send(&e->line, WIRE_EXEC, &request, e->o.command, strlen(e->o.command));
	return r ? r : loop_io_add(e->o.loop, &e->io, e->line.fd, EPOLLIN, on_line, e);
}

int exchange_create(const struct exchange_options *options, struct exchange **out)
{
	struct exchange *e = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->o = *options;
	e->body_left = options->request->length;
	e->line_begins = true;
	e->body_over = options->route->kind == ROUTE_VERB || /* it has become the command */
		       options->request->body == HTTP_BODY_NONE;
	buf_init_secret(&e->held, EXCHANGE_HELD_MAX); /* a ticket, or a token */
	http_chunks_init(&e->chunks);
	r = ask(e);
	if (r < 0) {
		exchange_destroy(e);
		return r;
	}
	*out = e;
	return 0;
}

void exchange_destroy(struct exchange *e)
{
	if (!e)
		return;
	loop_io_del(&e->io);
	if (e->line.fd >= 0)
		line_finish(&e->line);
	buf_finish(&e->held);
	loop_defer(e->o.loop, free, e);
}
