/* Task: see forward.h. Owner: the connection. Knows no TLS, no verb but one, and no rule. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io.h"
#include "core/log.h"
#include "http/answer.h"
#include "http/broker_line.h"
#include "http/forward.h"
#include "http/forward_head.h"
#include "http/parse/chunk.h"
#include "http/parse/response.h"
#include "http/route.h"
#include "wire/status.h"

#define ROUNDS 4 /* pieces read from the upstream in one turn */

enum forward_step {
	FORWARD_COLLECTS, /* the body, to know its length */
	FORWARD_ASKED,    /* the broker connects */
	FORWARD_HEAD,     /* the request is under way, and its answer has not begun */
	FORWARD_BODY,     /* of the answer */
	FORWARD_DRAINS,   /* the answer is whole; the rest of the request is read and dropped */
	FORWARD_OVER,
};

struct forward {
	struct forward_options o;
	enum forward_step step;
	enum exchange_state end; /* FORWARD_OVER */
	struct line line;
	struct loop_io *line_io, *io;
	struct loop_timer *timer;
	int fd; /* -1: not yet */
	struct buf up, down;
	struct http_chunks chunks;
	uint64_t body_left; /* of the request, HTTP_BODY_LENGTH; of the answer after its head */
	uint64_t answer_left;
	bool body_over, deaf; /* the upstream takes nothing more */
	bool stays;
	bool progress; /* since the timer was set */
	bool chunked;
	struct complaint complaint;
	struct http_response *answer;
};

static bool has_begun(const struct forward *f)
{
	return f->step >= FORWARD_BODY;
}

static void finish(struct forward *f, enum exchange_state end)
{
	f->step = FORWARD_OVER;
	f->end = end;
	loop_timer_stop(f->timer);
}

/* In our own words, or when it is too late for them, by a cut. */
static void give_up(struct forward *f, unsigned status, const char *text)
{
	if (has_begun(f)) {
		log_debug("an answer is cut: %s", text);
		finish(f, EXCHANGE_CUT);
		return;
	}
	f->stays = f->body_over && f->o.request->keep_alive && f->o.request->minor == 1;
	finish(f, answer_text(f->o.out, f->o.request, status, NULL, text, f->stays) < 0
			  ? EXCHANGE_CUT
			  : EXCHANGE_ENDED);
}

/* --- to the broker --- */

static void on_wake(void *arg, uint32_t revents)
{
	struct forward *f = arg;

	f->o.wake(f->o.arg);
}

static int ask(struct forward *f)
{
	struct wire_request request = {0};
	char command[ROUTE_COMMAND_MAX];
	int r = route_forward_command(f->o.request, command);

	if (!r)
		r = broker_line_open(f->o.login, &f->line);
	if (!r)
		r = line_send(&f->line, WIRE_EXEC, &request, command, strlen(command));
	if (!r)
		r = loop_io_add(f->o.loop, &f->line_io, f->line.fd, EPOLLIN, on_wake, f);
	f->step = FORWARD_ASKED;
	return r;
}

/* The socket is there. */
static int begin(struct forward *f, struct line_message *m)
{
	const struct forward_request head = {.request = f->o.request,
		.fields = (const char *)m->payload,
		.fields_len = m->payload_len,
		.keeps_credentials = f->o.keeps_credentials,
		.length = f->o.request->body == HTTP_BODY_CHUNKED ? buf_len(&f->up)
								  : f->o.request->length};
	struct buf body = f->up;
	int r;

	f->fd = line_take_fd(m, 0);
	buf_init(&f->up, HTTP_HEAD_MAX + WIRE_FIELDS_MAX + FORWARD_UP_MAX + FORWARD_COLLECT_MAX);
	r = fd_nonblock(f->fd);
	if (!r)
		r = forward_request_head(&f->up, &head);
	if (!r && buf_len(&body) > 0)
		r = buf_add(&f->up, buf_data(&body), buf_len(&body));
	buf_finish(&body);
	if (!r)
		r = loop_io_add(f->o.loop, &f->io, f->fd, 0, on_wake, f);
	f->step = FORWARD_HEAD;
	return r;
}

static unsigned status_of(int exit_status)
{
	return exit_status == STATUS_UNAVAILABLE ? 502 : answer_status(exit_status);
}

/* The broker ends it: it could not begin, or somebody's rights, or time, are over. */
static void on_exit_message(struct forward *f, const struct line_message *m)
{
	struct wire_exit last;

	memcpy(&last, m->fixed, sizeof(last));
	give_up(f, last.status == STATUS_OK ? 502 : status_of(last.status),
		complaint_line(&f->complaint));
}

static void take_message(struct forward *f, struct line_message *m)
{
	switch ((int)m->type) {
	case WIRE_UPSTREAM:
		if (f->step == FORWARD_ASKED && begin(f, m) < 0)
			give_up(f, 502, "out of memory");
		f->progress = true;
		break;
	case WIRE_ERR:
		complaint_add(&f->complaint, m);
		break;
	case WIRE_EXIT:
		on_exit_message(f, m);
		break;
	default:
		break;
	}
}

static void read_line(struct forward *f)
{
	struct line_message m;
	int r = 1;

	while (f->step != FORWARD_COLLECTS && f->step != FORWARD_OVER) {
		r = line_receive(&f->line, &m);
		if (r != 1)
			break;
		take_message(f, &m);
		line_message_finish(&m);
	}
	if (r != 1 && r != -EAGAIN && f->step != FORWARD_OVER)
		give_up(f, 502, "the broker has ended it");
}

/* --- the body of the request --- */

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void collect(struct forward *f)
{
	while (f->step == FORWARD_COLLECTS && !f->body_over && buf_len(f->o.in) > 0) {
		const uint8_t *body = NULL;
		size_t len = 0;
		long used = http_chunks_read(
			&f->chunks, buf_data(f->o.in), buf_len(f->o.in), &body, &len);

		if (used < 0) {
			give_up(f, 400, "malformed body");
			return;
		}
		if (len > 0 && buf_add(&f->up, body, len) < 0) {
			give_up(f, 411,
				"a body in chunks is forwarded up to 1 MiB: give its "
				"Content-Length");
			return;
		}
		buf_drop(f->o.in, (size_t)used);
		f->progress = true;
		f->body_over = http_chunks_done(&f->chunks);
	}
	if (f->step == FORWARD_COLLECTS && f->body_over && ask(f) < 0)
		give_up(f, 503, "out of memory");
}

/* In pieces, as fast as the upstream takes them; what it does not want is read all the same, so
 * that its answer is heard. */
static void pass_on(struct forward *f)
{
	size_t len = smaller(buf_len(f->o.in), (size_t)smaller(f->body_left, FORWARD_UP_MAX));

	if (!f->deaf)
		len = buf_len(&f->up) < FORWARD_UP_MAX
			      ? smaller(len, FORWARD_UP_MAX - buf_len(&f->up))
			      : 0;
	if (len == 0)
		return;
	if (!f->deaf && buf_add(&f->up, buf_data(f->o.in), len) < 0) {
		give_up(f, 503, "out of memory");
		return;
	}
	buf_drop(f->o.in, len);
	f->body_left -= len;
	f->body_over = f->body_left == 0;
	f->progress = true;
}

void forward_input(struct forward *f)
{
	if (f->step == FORWARD_COLLECTS)
		collect(f);
	else if (f->step >= FORWARD_HEAD && f->step < FORWARD_OVER && !f->body_over)
		pass_on(f);
	if (f->step == FORWARD_DRAINS && f->body_over)
		finish(f, EXCHANGE_ENDED);
}

static void write_upstream(struct forward *f)
{
	while (buf_len(&f->up) > 0 && !f->deaf) {
		ssize_t n = write(f->fd, buf_data(&f->up), buf_len(&f->up));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			f->deaf = true; /* it may have answered all the same */
			buf_finish(&f->up);
			return;
		}
		buf_drop(&f->up, (size_t)n);
		f->progress = true;
	}
}

/* --- the answer --- */

/* The answer is whole. */
static void on_answered(struct forward *f)
{
	if (f->chunked && buf_add(f->o.out, HTTP_CHUNK_LAST, strlen(HTTP_CHUNK_LAST)) < 0) {
		finish(f, EXCHANGE_CUT);
		return;
	}
	f->step = FORWARD_DRAINS;
	f->deaf = true;
	if (f->body_over)
		finish(f, EXCHANGE_ENDED);
}

/* Its head has been read. 1xx are for us alone. */
static void on_head(struct forward *f)
{
	const struct http_response *a = f->answer;
	const struct http_request *q = f->o.request;
	bool ends_with_close = a->body == HTTP_BODY_CLOSE && q->minor == 0;

	if (a->status == 101) {
		give_up(f, 502, "the upstream wants another protocol");
		return;
	}
	if (a->status < 200)
		return;
	f->chunked = a->body == HTTP_BODY_CLOSE && q->minor == 1;
	f->stays = q->keep_alive && q->minor == 1 && !ends_with_close;
	f->answer_left = a->length;
	f->step = FORWARD_BODY;
	if (forward_response_head(f->o.out, a, f->chunked, f->stays) < 0)
		finish(f, EXCHANGE_CUT);
	else if (a->body == HTTP_BODY_NONE || (a->body == HTTP_BODY_LENGTH && a->length == 0))
		on_answered(f);
}

static void take_head(struct forward *f)
{
	while (f->step == FORWARD_HEAD) {
		long len = http_head_end(buf_data(&f->down), buf_len(&f->down), 0);

		if (len == 0)
			return;
		if (len < 0 || http_response_parse(f->answer, f->o.request->method,
				       buf_data(&f->down), (size_t)len) < 0) {
			give_up(f, 502, "the upstream's answer is malformed");
			return;
		}
		buf_drop(&f->down, (size_t)len);
		on_head(f);
	}
}

static void take_body(struct forward *f)
{
	char head[HTTP_CHUNK_HEAD_ROOM];
	size_t len = buf_len(&f->down);
	int r = 0;

	if (f->answer->body == HTTP_BODY_LENGTH)
		len = (size_t)smaller(len, f->answer_left);
	if (f->step != FORWARD_BODY || len == 0)
		return;
	if (f->chunked)
		r = buf_add(f->o.out, head, http_chunk_head(head, len));
	if (!r)
		r = buf_add(f->o.out, buf_data(&f->down), len);
	if (!r && f->chunked)
		r = buf_add(f->o.out, "\r\n", 2);
	buf_drop(&f->down, len);
	f->answer_left -= f->answer->body == HTTP_BODY_LENGTH ? len : 0;
	if (r < 0)
		give_up(f, 502, strerror(-r));
	else if (f->answer->body == HTTP_BODY_LENGTH && f->answer_left == 0)
		on_answered(f);
}

static void on_upstream_end(struct forward *f)
{
	if (f->step == FORWARD_BODY && f->answer->body == HTTP_BODY_CLOSE)
		on_answered(f);
	else
		give_up(f, 502, "the upstream has ended without an answer");
}

static bool has_room(const struct forward *f)
{
	return buf_len(f->o.out) < EXCHANGE_OUT_MAX;
}

static bool reads(const struct forward *f)
{
	return (f->step == FORWARD_HEAD || f->step == FORWARD_BODY) && has_room(f);
}

static void read_upstream(struct forward *f)
{
	for (int i = 0; i < ROUNDS && reads(f); i++) {
		uint8_t *space = buf_space(&f->down, FORWARD_PIECE);
		ssize_t n = space ? read(f->fd, space, FORWARD_PIECE) : -1;

		if (!space || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			give_up(f, 502, space ? strerror(errno) : "out of memory");
			return;
		}
		if (n < 0)
			return;
		if (n == 0) {
			on_upstream_end(f);
			return;
		}
		buf_grow(&f->down, (size_t)n);
		f->progress = true;
		take_head(f);
		take_body(f);
	}
}

static uint32_t wanted(const struct forward *f)
{
	uint32_t events = reads(f) ? EPOLLIN : 0;

	if (f->step == FORWARD_OVER)
		return 0;
	return buf_len(&f->up) > 0 && !f->deaf ? events | EPOLLOUT : events;
}

void forward_output(struct forward *f)
{
	read_line(f);
	if (f->step >= FORWARD_HEAD && f->step < FORWARD_OVER) {
		write_upstream(f);
		forward_input(f); /* what waited for the socket, or for room on the way to it */
	}
	if (f->step >= FORWARD_HEAD && f->step < FORWARD_OVER)
		read_upstream(f);
	if (f->io)
		loop_io_set(f->io, wanted(f));
	if (f->line_io && f->step == FORWARD_OVER)
		loop_io_set(f->line_io, 0);
}

/* --- life --- */

/* A client that takes its answer slowly is the connection's to wait for. */
static void on_timer(void *arg)
{
	struct forward *f = arg;

	if (f->step == FORWARD_OVER)
		return;
	if (f->progress || buf_len(f->o.out) > 0) {
		f->progress = false;
		loop_timer_set(f->timer, f->o.timeout_us, LOOP_SECOND);
		return;
	}
	if (!f->body_over && buf_len(&f->up) == 0)
		give_up(f, 408, "the body took too long");
	else
		give_up(f, 504, "the upstream does not answer");
	f->o.wake(f->o.arg);
}

enum exchange_state forward_state(const struct forward *f)
{
	return f->step == FORWARD_OVER ? f->end : EXCHANGE_RUNS;
}

bool forward_may_stay(const struct forward *f)
{
	return f->stays && f->body_over;
}

int forward_create(const struct forward_options *options, struct forward **out)
{
	struct forward *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->o = *options;
	f->fd = f->line.fd = -1;
	f->body_left = options->request->length;
	f->body_over = options->request->body == HTTP_BODY_NONE;
	http_chunks_init(&f->chunks);
	buf_init(&f->up, FORWARD_COLLECT_MAX);
	buf_init(&f->down, HTTP_HEAD_MAX + FORWARD_PIECE);
	f->answer = malloc(sizeof(*f->answer));
	r = f->answer ? loop_timer_add(f->o.loop, &f->timer, on_timer, f) : -ENOMEM;
	if (!r && options->request->body != HTTP_BODY_CHUNKED)
		r = ask(f);
	if (r < 0) {
		forward_destroy(f);
		return r;
	}
	loop_timer_set(f->timer, f->o.timeout_us, LOOP_SECOND);
	*out = f;
	return 0;
}

static void free_forward(void *arg)
{
	free(arg);
}

void forward_destroy(struct forward *f)
{
	if (!f)
		return;
	loop_io_del(&f->line_io);
	loop_io_del(&f->io);
	loop_timer_del(&f->timer);
	if (f->line.fd >= 0)
		line_finish(&f->line);
	fd_close(&f->fd);
	buf_finish(&f->up);
	buf_finish(&f->down);
	free(f->answer);
	loop_defer(f->o.loop, free_forward, f);
}
