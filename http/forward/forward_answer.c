/* Task: the upstream's answer: from its socket to the client's buffer. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "http/forward/forward_head.h"
#include "http/forward/forward_private.h"

#define ROUNDS 4 /* pieces read from the upstream in one turn */

/* The answer is whole. */
static void on_answered(struct forward *f)
{
	if (f->chunked && buf_add(f->o.out, HTTP_CHUNK_LAST, strlen(HTTP_CHUNK_LAST)) < 0) {
		forward_finish(f, EXCHANGE_CUT);
		return;
	}
	f->step = FORWARD_DRAINS;
	f->discarding = true;
	if (f->body_over || f->o.raw)
		forward_finish(f, EXCHANGE_ENDED);
}

/* Its head has been read. 1xx are for us alone. */
static void on_head(struct forward *f)
{
	const struct http_response *a = f->answer;
	const struct http_request *q = f->o.request;
	bool ends_with_close = a->body == HTTP_BODY_CLOSE && q->minor == 0;

	if (a->status == 101) {
		forward_give_up(f, 502, "the upstream wants another protocol");
		return;
	}
	if (a->status < 200)
		return;
	f->chunked = a->body == HTTP_BODY_CLOSE && q->minor == 1;
	f->stays = q->keep_alive && !ends_with_close;
	f->answer_left = a->length;
	f->step = FORWARD_BODY;
	if (forward_response_head(f->o.out, a, f->chunked, f->stays) < 0)
		forward_finish(f, EXCHANGE_CUT);
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
			forward_give_up(f, 502, "the upstream's answer is malformed");
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
		forward_give_up(f, 503, "out of memory");
	else if (f->answer->body == HTTP_BODY_LENGTH && f->answer_left == 0)
		on_answered(f);
}

/* What came before its end counts first. */
static void on_upstream_end(struct forward *f)
{
	f->at_end = true;
	if (f->ending == FORWARD_UNTOLD)
		return;
	if (f->ending == FORWARD_BROKEN)
		forward_give_up(f, 502, complaint_line(&f->complaint));
	else if (f->step == FORWARD_BODY && f->answer->body == HTTP_BODY_CLOSE)
		on_answered(f);
	else
		forward_give_up(f, 502, "the upstream has ended without an answer");
}

void forward_told(struct forward *f)
{
	if (f->at_end)
		on_upstream_end(f);
}

static bool has_room(const struct forward *f)
{
	return buf_len(f->o.out) < EXCHANGE_OUT_MAX;
}

bool forward_reads(const struct forward *f)
{
	return (f->step == FORWARD_HEAD || f->step == FORWARD_BODY) && !f->at_end && has_room(f);
}

static void on_broken(struct forward *f, int error)
{
	char text[160];

	if (error == ENOMEM) {
		forward_give_up(f, 503, "out of memory");
		return;
	}
	snprintf(text, sizeof(text), "the upstream broke the connection off: %s", strerror(error));
	forward_give_up(f, 502, text);
}

void forward_read(struct forward *f)
{
	for (int i = 0; i < ROUNDS && forward_reads(f); i++) {
		uint8_t *space = buf_space(&f->down, FORWARD_PIECE);
		ssize_t n = space ? read(f->fd, space, FORWARD_PIECE) : -1;

		if (space && n < 0 && errno == ECONNRESET && f->ending != FORWARD_BY_BYTES)
			n = 0; /* it was closed with bytes of ours unread; others say why */
		if (!space || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			on_broken(f, space ? errno : ENOMEM);
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
